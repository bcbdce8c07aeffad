#!/usr/bin/env python3
"""Builds the wheel and the source distribution, and tests the installed wheel: `wheel.py SCRATCH`.

Run it with a Python that has maturin. The wheel is installed into a new virtual environment. It may contain only the program, its
metadata and its licences, and no path of the machine that built it. CARGO_TARGET_DIR permits reusing an earlier build. The last
line is `N passed, N failed`.
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

from counting import expect, finish

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
BUILD_SECONDS, RUN_SECONDS = 1200, 120


def run(*args, stdin="", folder=CHECKOUT, seconds=RUN_SECONDS):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "PYTHONPATH"))}
    return subprocess.run(
        args, cwd=folder, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        timeout=seconds,
    )


def build():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    out = SCRATCH / "dist"
    for args in [["build", "--release", "--locked"], ["sdist"]]:
        result = run(sys.executable, "-m", "maturin", *args, "--out", str(out), seconds=BUILD_SECONDS)
        if result.returncode != 0:
            sys.exit(f"maturin {args[0]} exited with {result.returncode}:\n{result.stdout}")
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def check_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith("dist-info/METADATA"))
        text = archive.read(metadata).decode()
        unexpected = [name for name in names if not re.fullmatch(r"stackref-[^/]+\.(data/scripts/stackref|dist-info/.+)", name)]
        expect("the wheel contains only the program and its metadata", not unexpected, unexpected)
        expect("the wheel contains the program once", sum(name.endswith("scripts/stackref") for name in names) == 1, names)
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"]:
            expect(f"the wheel contains {licence}", any(name.endswith(f"licenses/{licence}") for name in names), names)
        checkout = str(CHECKOUT).encode()
        with_path = [name for name in names if checkout in archive.read(name)]
        expect("the wheel contains no path of this machine", not with_path, with_path)
    for line in ["Name: stackref", "License-Expression: MIT OR Apache-2.0", "Requires-Python: >=3.9", "Project-URL: Repository, "]:
        expect(f"the metadata contains `{line}`", f"\n{line}" in text, text[:2000])
    expect("the wheel requires no other package", "Requires-Dist" not in text, text[:2000])
    expect("the tag is for any Python", "-py3-none-" in wheel.name, wheel.name)


def check_sdist(sdist):
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames()]
    for needed in ["pyproject.toml", "Cargo.toml", "Cargo.lock", "PKG-INFO", "README.md", "src/main.rs", "LICENSE-MIT", "LICENSE-APACHE"]:
        expect(f"the source distribution contains {needed}", needed in names, names)
    unneeded = [name for name in names if name.startswith(("fixtures/", "tests/", "benches/", "target/", "."))]
    expect("the source distribution contains no tests", not unneeded, unneeded)


def test_installed_wheel(wheel):
    fresh = SCRATCH / "fresh"
    venv.create(fresh, with_pip=True)
    result = run(str(fresh / "bin/python"), "-m", "pip", "install", "--quiet", "--no-index", str(wheel))
    expect("pip installs it without a network", result.returncode == 0, result.stdout)
    program = str(fresh / "bin/stackref")
    result = run(program, "--version")
    version = wheel.name.split("-")[1]
    expect("the program prints its version", result.stdout.startswith(f"stackref {version}\n"), result.stdout)
    result = run(program, "check", "--format", "short", folder=CHECKOUT / "fixtures/demo")
    expect("check reports the findings of the demo", result.returncode == 1 and "error[unknown-key]" in result.stdout, result.stdout)
    result = run(program, "check", "-", "--level", "none", stdin="stack_name: a\ncomponents: {}\n")
    expect("check accepts a file without findings", result.returncode == 0, result.stdout)


def main():
    wheel, sdist = build()
    check_wheel(wheel)
    check_sdist(sdist)
    test_installed_wheel(wheel)
    finish()


main()
