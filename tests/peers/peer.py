"""What the comparisons in this folder share: their arguments, runs of stackref, and the count of what passed."""
import argparse
import collections
import json
import pathlib
import subprocess


class Comparison:
    """A comparison with a peer. It prints each failure, and counts what passed, what failed and what is a documented difference."""

    def __init__(self, description, count):
        parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
        parser.add_argument("stackref", type=lambda path: str(pathlib.Path(path).resolve()), help="the program to test")
        parser.add_argument("--count", type=int, default=count, help=f"how many inputs are generated; {count} by default")
        parser.add_argument("--seed", type=int, default=1, help="the seed of the generator; 1 by default")
        self.parser = parser
        self.counts = collections.Counter()
        self.subjects = collections.Counter()

    def parse_arguments(self):
        for name, value in vars(self.parser.parse_args()).items():
            setattr(self, name, value)

    def run(self, command, folder, *names):
        """Returns the JSON report of `check` or `refs`. Looks up nothing."""
        options = ["--level", "none", "--exit-zero", "--no-ignores"] if command == "check" else []
        printed = subprocess.run(
            [self.stackref, command, "--format", "json", *options, *names],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if not printed.stdout:
            raise SystemExit(f"{command} exited with {printed.returncode}: {printed.stderr}")
        return json.loads(printed.stdout)

    def expect(self, passed, subject, description):
        """Counts a subject that has to be the same for both. Prints the description if it is not."""
        self.counts["passed" if passed else "failed"] += 1
        self.subjects[subject] += bool(passed)
        if not passed:
            print(f"FAILED {description}")

    def expect_none(self, problems, subject, name, text):
        """Counts a generated file that must have no problems. Prints them with the lines of the file."""
        lines = "".join(f"    {at:3}| {line}\n" for at, line in enumerate(text.splitlines(), 1))
        self.expect(not problems, subject, f"{name}:\n  " + "\n  ".join(problems) + "\n" + lines)

    def allow(self, difference):
        """Counts a documented difference."""
        self.counts["passed"] += 1
        self.subjects[f"difference: {difference}"] += 1

    def finish(self):
        """Prints the counts. Returns the exit code."""
        for subject, count in sorted(self.subjects.items()):
            print(f"{count:7,} {subject}")
        print(f"{self.counts['passed']} passed, {self.counts['failed']} failed")
        return int(self.counts["failed"] > 0 or self.counts["passed"] < self.count)


def text_at(text, span):
    """The text at a span of a report. The offsets are bytes."""
    return text.encode()[span["offset"] : span["offset"] + span["length"]].decode()


def of_file(listed, name):
    """The references and declarations of one file in a report of `refs`."""
    return {kind: [at for at in listed[kind] if at["path"] == name] for kind in ("references", "declarations")}


def compare_declarations(listed, declared):
    """Returns the problems of declarations, each a name and its sorted keys, and the number of those that are right."""
    own = {(declaration["secret"], tuple(sorted(declaration["keys"]))) for declaration in listed["declarations"]}
    problems = [] if own == declared else [f"declarations: {own} instead of {declared}"]
    return problems, len(own & declared)
