#!/usr/bin/env python3
"""Compares stackref with ZenML's own class, bash, Python, python-hcl2 and Terraform: `run.py STACKREF SCRATCH [OPTION...]`.

Installs the packages in requirements.txt into SCRATCH, and runs the scripts in this folder. OPTION is `--seed N` or `--count N`. Ends
with `N passed, N failed`.
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = ["matcher.py", "shell_words.py", "python_names.py", "terraform.py"]


def main():
    program, scratch, options = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    scratch.mkdir(parents=True, exist_ok=True)
    python = scratch / "python/bin/python"
    subprocess.run([sys.executable, "-m", "venv", scratch / "python"], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--requirement", HERE / "requirements.txt"], check=True)
    passed = failed = 0
    for script in SCRIPTS:
        print(f"{script}:", flush=True)
        arguments = [program, scratch] if script == "matcher.py" else [program]
        done = subprocess.run([python, HERE / script, *arguments, *options], stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout, end="", flush=True)
        counts = re.search(r"(\d+) passed, (\d+) failed\n\Z", done.stdout)
        if not counts:
            sys.exit(f"{script} exited with {done.returncode}")
        passed, failed = passed + int(counts[1]), failed + int(counts[2])
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
