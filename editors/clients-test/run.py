#!/usr/bin/env python3
"""Tests the language server in Neovim and Emacs with the configurations of the book: `run.py STACKREF FOLDER`.

Each editor edits a copy of `editors/test-project` in FOLDER. An editor that is not installed is skipped, with a message. The last
line is `N passed, N failed`.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGES = HERE.parent.parent / "docs/src/editors"
LIMIT_SECONDS = 120
EXPECTED = {
    "keys": ["password", "username"],
    "secrets": ["db", "mlflow"],
    "fixed": '      tracking_password: "{{mlflow.password}}" # 😀 the key is misspelled',
    "renamed": '      tracking_password: "{{tracker.password}}" # 😀 the key is misspelled',
    "inventory": "tracker: [password, username]",
}
counts = {True: 0, False: 0}


def expect(description, actual, expected):
    counts[actual == expected] += 1
    if actual != expected:
        print(f"FAILED {description}\n  expected {expected!r}\n  actual   {actual!r}", file=sys.stderr)


def block(page, comment):
    """Returns the block of a page after a comment."""
    rest = (PAGES / page).read_text("utf-8").split(f"<!-- {comment} -->\n```text\n", 1)[1]
    return rest.split("```\n", 1)[0]


def run(name, command, program, folder):
    """Runs an editor in a new copy of the project. Returns its results, or `None` if it prints none."""
    project = folder / name / "project"
    shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(HERE.parent / "test-project", project)
    # Eglot takes the repository as the project.
    subprocess.run(["git", "init", "--quiet", project], check=True)
    bin_folder = folder / name / "bin"
    bin_folder.mkdir()
    (bin_folder / "stackref").symlink_to(program)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder / name)}
    try:
        output = subprocess.run(command, cwd=project, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        print(f"{name}: no end within {LIMIT_SECONDS} s\n{error.stdout}\n{error.stderr}", file=sys.stderr)
        return None
    # Neovim prints to either stream.
    lines = (output.stdout + "\n" + output.stderr).splitlines()
    results = [line.split("RESULT ", 1)[1] for line in lines if "RESULT {" in line]
    if not results:
        print(f"{name}: exit code {output.returncode}\n{output.stdout}\n{output.stderr}", file=sys.stderr)
        return None
    return json.loads(results[-1])


def main():
    program, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "init.lua").write_text(block("neovim.md", "neovim 0.7"), "utf-8")
    (folder / "init.el").write_text("(package-initialize)\n" + block("emacs.md", "emacs"), "utf-8")
    editors = [
        ("nvim", ["nvim", "--headless", "--clean", "-u", str(folder / "init.lua"), "-c", f"luafile {HERE / 'neovim.lua'}"], "stackref[unknown-key] {{mlflow.pasword}}"),
        ("emacs", ["emacs", "--batch", "-l", str(folder / "init.el"), "-l", str(HERE / "emacs.el")], "stackref [unknown-key] {{mlflow.pasword}}"),
    ]
    for name, command, diagnostic in editors:
        if shutil.which(name) is None:
            print(f"{name} is not installed: skipped")
            continue
        result = run(name, command, program, folder) or {}
        for key, expected in {"diagnostics": [diagnostic], **EXPECTED}.items():
            expect(f"{name}: {key}", result.get(key), expected)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(0 if counts[True] and not counts[False] else 1)


main()
