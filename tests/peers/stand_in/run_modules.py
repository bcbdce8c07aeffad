"""Runs Python files with the stand-in for `zenml`: `run_modules.py FOLDER FILE...`. Prints what each records, as JSON."""
import contextlib
import io
import json
import pathlib
import runpy
import sys

folder, *files = sys.argv[1:]
sys.path[:0] = [str(pathlib.Path(__file__).parent), folder]

from zenml.record import facts  # noqa: E402: the path comes first

recorded = {}
for file in files:
    facts.clear()
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(f"{folder}/{file}", run_name="__main__")
    recorded[file] = list(facts)
print(json.dumps(recorded))
