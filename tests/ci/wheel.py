#!/usr/bin/env python3
"""Builds the wheel and the source distribution, and uses the wheel as a stranger would: `wheel.py SCRATCH`.

Run it with a Python that has maturin. The wheel is installed into a fresh virtual environment and runs there. It may hold
the program, its metadata and its licences, and no path of the machine that built it. Set CARGO_TARGET_DIR to build
on what is built already. Ends with `N passed, N failed`.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
BUILD_SECONDS, RUN_SECONDS = 1200, 120
counts = {True: 0, False: 0}


def expect(what, holds, output):
    counts[bool(holds)] += 1
    if not holds:
        print(f"FAILED {what}\n{output}", file=sys.stderr)


def run(*words, stdin="", folder=CHECKOUT, seconds=RUN_SECONDS):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "PYTHONPATH"))}
    return subprocess.run(
        words, cwd=folder, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        timeout=seconds,
    )


def build():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    out = SCRATCH / "dist"
    for words in [["build", "--release", "--locked"], ["sdist"]]:
        ran = run(sys.executable, "-m", "maturin", *words, "--out", str(out), seconds=BUILD_SECONDS)
        if ran.returncode != 0:
            sys.exit(f"maturin {words[0]} ended with {ran.returncode}:\n{ran.stdout}")
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def look_into_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith("dist-info/METADATA"))
        text = archive.read(metadata).decode()
        others = [name for name in names if not re.fullmatch(r"stackref-[^/]+\.(data/scripts/stackref|dist-info/.+)", name)]
        expect("the wheel holds the program and its metadata alone", not others, others)
        expect("and the program once", sum(name.endswith("scripts/stackref") for name in names) == 1, names)
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"]:
            expect(f"and {licence}", any(name.endswith(f"licenses/{licence}") for name in names), names)
        here = str(CHECKOUT).encode()
        telling = [name for name in names if here in archive.read(name)]
        expect("no path of this machine is in it", not telling, telling)
    for line in ["Name: stackref", "License-Expression: MIT OR Apache-2.0", "Requires-Python: >=3.9", "Project-URL: Repository, "]:
        expect(f"the metadata says `{line}`", f"\n{line}" in text, text[:2000])
    expect("and needs no other package", "Requires-Dist" not in text, text[:2000])
    expect("the tag is for any Python", "-py3-none-" in wheel.name, wheel.name)


def look_into_sdist(sdist):
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    for needed in ["pyproject.toml", "Cargo.toml", "Cargo.lock", "PKG-INFO", "README.md", "src/main.rs", "LICENSE-MIT", "LICENSE-APACHE"]:
        expect(f"the source distribution holds {needed}", needed in names, names)
    needless = [name for name in names if name.startswith(("fixtures/", "tests/", "benches/", "target/", "."))]
    expect("and no tests", not needless, needless)


def use(wheel):
    fresh = SCRATCH / "fresh"
    venv.create(fresh, with_pip=True)
    ran = run(str(fresh / "bin/python"), "-m", "pip", "install", "--quiet", "--no-index", str(wheel))
    expect("pip installs it without a network", ran.returncode == 0, ran.stdout)
    program = str(fresh / "bin/stackref")
    ran = run(program, "--version")
    version = wheel.name.split("-")[1]
    expect("it tells its version", ran.stdout.startswith(f"stackref {version}\n"), ran.stdout)
    ran = run(program, "check", "--format", "short", folder=CHECKOUT / "fixtures/demo")
    expect("it finds the mistakes of the demo", ran.returncode == 1 and "error[unknown-key]" in ran.stdout, ran.stdout)
    ran = run(program, "check", "-", "--level", "none", stdin="stack_name: a\ncomponents: {}\n")
    expect("and passes what has none", ran.returncode == 0, ran.stdout)


def main():
    wheel, sdist = build()
    look_into_wheel(wheel)
    look_into_sdist(sdist)
    use(wheel)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
