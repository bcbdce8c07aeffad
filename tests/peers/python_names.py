#!/usr/bin/env python3
"""Compares the names that stackref finds in Python with those that the code uses when it runs: `python_names.py STACKREF`.

Each generated module creates and gets secrets, reads their keys, and passes references to settings and components. The names are
literals, constants of the module, of a class, of an enum or of another module, f-strings, arguments, loop variables and so on, and
names are reassigned and shadowed. A stand-in for the package `zenml` records the names, and the lines of the calls. All calls are run.

- Each recorded name, key and reference must be found by stackref, in the line of its call. Alternatively, stackref lists a dynamic
  reference there, or the code is of a kind that docs/src/sources.md lists as not read.
- stackref must find nothing else.

Ends with `N passed, N failed`.
"""
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from peer import Comparison, compare_declarations, of_file
from python_modules import Module

RUNNER = pathlib.Path(__file__).resolve().parent / "stand_in/run_modules.py"


def compare(facts, listed):
    """Compares one module. Returns the differences and what was compared."""
    uses, declared = set(), set()
    for kind, line, name, *rest in facts:
        if kind == "declare":
            declared.add((name, tuple(rest)))
        else:
            uses.add((line, name, rest[0]))
    dynamic = [reference["span"]["start"]["line"] for reference in listed["references"] if reference.get("dynamic")]
    static = {(reference["secret"], reference.get("key")) for reference in listed["references"] if not reference.get("dynamic")}
    problems, counts = [], collections.Counter()
    names = {reference["secret"] for reference in listed["references"]}
    recorded = {(name, key) for _, name, key in uses}
    problems += [f"the code does not use {secret}.{key}" for secret, key in static - recorded]
    for line, name, key in sorted(uses, key=str):
        # The dynamic reference to a key is in the line that gets the secret.
        calls = [line, *(at for at, secret, inner in uses if secret == name and inner is None)]
        is_near = any(abs(found - at) <= 2 for found in dynamic for at in calls)
        may_be_dynamic = name.startswith("d") or (key or "").startswith("e")
        if (name, key) in static or (key is None and name in names):
            counts["found"] += 1
        elif name.startswith("u"):
            counts["not read"] += 1
        elif may_be_dynamic and (is_near or name in names):
            counts["dynamic"] += 1
        else:
            problems.append(f"stackref does not find {name}.{key} in line {line}")
    wrong, counts["declared"] = compare_declarations(listed, declared)
    return problems + wrong, counts


def main():
    comparison = Comparison(__doc__, 100)
    comparison.parse_arguments()
    rng = random.Random(comparison.seed)
    with tempfile.TemporaryDirectory() as folder:
        generated = pathlib.Path(folder, "generated")
        generated.mkdir()
        texts = {}
        for number in range(comparison.count):
            files = Module(rng, number).files()
            texts[f"module{number}.py"] = files[f"module{number}.py"]
            for name, text in files.items():
                (generated / name).write_text(text)
        done = subprocess.run(
            [sys.executable, "-I", "-B", RUNNER, generated, *texts], capture_output=True, text=True, check=False, timeout=120, env={}, cwd=folder,
        )
        if done.returncode:
            sys.exit(done.stderr)
        recorded = json.loads(done.stdout)
        listed = comparison.run("refs", generated)
    totals = collections.Counter()
    for name, text in texts.items():
        problems, counts = compare(recorded[name], of_file(listed, name))
        totals.update(counts)
        comparison.expect_none(problems, "modules with the same names", name, text)
    print(", ".join(f"{count:,} {kind}" for kind, count in sorted(totals.items())))
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
