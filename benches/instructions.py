#!/usr/bin/env python3
"""Counts the instructions of fixed runs with callgrind, and compares them with `instructions.json`.

Usage: `instructions.py STACKREF [--write]`. Fails if a run needs 10 % more instructions; `--write` saves the new counts. README.md
describes why counts repeat, and what to do after an update of the compiler or on another processor.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

from tree import make

KEPT = pathlib.Path(__file__).with_name("instructions.json")
MOST = 0.10

# The runs: the tree, the arguments and the exit code.
RUNS = {
    "check of 300 mixed files": (("mixed", 300), ["check", "."], 0),
    "check of 50 files with 1,200 references": (("components", 50), ["check", "."], 0),
    "check with 1,000 findings, human": (("findings", 1000), ["check", "."], 1),
    "render of 50 files": (("render", 50), ["render", "-o", "../new", "--allow-tracked"], 0),
}


def count(stackref, name):
    """Returns the number of instructions of a run."""
    tree, words, status = RUNS[name]
    # In a folder whose name has a fixed length, because paths are compared, joined and printed.
    with tempfile.TemporaryDirectory(prefix="stackref-", dir="/tmp") as place:
        folder = make(tree[0], pathlib.Path(place) / "tree", *tree[1:])
        program = shutil.copy(stackref, place)
        out = f"{place}/callgrind"
        valgrind = [shutil.which("valgrind"), "--tool=callgrind", "--cache-sim=no", "--branch-sim=no", f"--callgrind-out-file={out}"]
        ran = subprocess.run([*valgrind, program, *words], cwd=folder, env={}, capture_output=True, text=True)
        if ran.returncode != status:
            raise SystemExit(f"{name}: exit code {ran.returncode}, expected {status}\n{ran.stderr[-2000:]}")
        totals = [line for line in open(out) if line.startswith(("totals:", "summary:"))]
        return int(totals[-1].split()[1])


def said_by(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()


def surroundings():
    """Returns what the counts depend on, except the program."""
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "").split()
    return {
        "compiler": said_by("rustc", "--version"),
        "valgrind": said_by("valgrind", "--version"),
        "library": " ".join(platform.libc_ver()),
        "processor": f"{os.uname().machine}, {'with' if 'avx2' in flags else 'without'} AVX2",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stackref", metavar="STACKREF", type=pathlib.Path, help="a release build")
    parser.add_argument("--write", action="store_true", help="save the counts")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is needed: `apt-get install valgrind`")
    # On one core, stackref uses one thread, so the schedule of threads does not change the counts.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    counts = {name: count(args.stackref.resolve(), name) for name in RUNS}
    here = surroundings()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"surroundings": here, "instructions": {}}
    grown, fallen = [], []
    for name, now in counts.items():
        before = kept["instructions"].get(name)
        change = now / before - 1 if before else 0.0
        print(f"{name}: {now:,} ({change:+.1%}, {before:,} before)" if before else f"{name}: {now:,} (new)")
        if change > MOST or not before:
            grown.append(name)
        elif change < -MOST:
            fallen.append(name)
    for what, was in kept["surroundings"].items():
        if here.get(what) != was:
            print(f"note: {what} was {was}, is now {here.get(what)}")
    if args.write:
        KEPT.write_text(json.dumps({"surroundings": here, "instructions": counts}, indent=2) + "\n")
        print(f"saved in {KEPT.name}")
    elif grown:
        print(f"more than {MOST:.0%} more instructions: {'; '.join(grown)}. Reduce them, or save them with --write and give the reason", file=sys.stderr)
        raise SystemExit(1)
    elif fallen:
        print(f"more than {MOST:.0%} fewer instructions: {'; '.join(fallen)}. Save them with --write")


if __name__ == "__main__":
    main()
