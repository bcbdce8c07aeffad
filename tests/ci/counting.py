"""Counts what the scripts in this folder expect."""
import sys

counts = {True: 0, False: 0}


def expect(description, passed, detail=""):
    """Counts an expectation. Prints the description and the detail if it is not met."""
    counts[bool(passed)] += 1
    if not passed:
        print(f"FAILED {description}\n{detail}", file=sys.stderr)


def finish():
    """Prints `N passed, N failed`, and exits with 1 if something failed."""
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)
