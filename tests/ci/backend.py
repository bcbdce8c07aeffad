#!/usr/bin/env python3
"""Tests `packaging/stackref_build.py`, which pip calls to build the wheel: `backend.py SCRATCH`.

A module takes the place of maturin, so nothing is compiled. The backend runs in a clone of HEAD, with its own file as it is here. The
last line is `N passed, N failed`.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

from counting import expect, finish

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
SECONDS = 60
# Records how it was called.
MATURIN = """\
import json, os, pathlib
def get_maturin_pep517_args(config_settings=None):
    return (config_settings or {}).get("maturin.build-args", [])
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    folder = os.environ.get("CARGO_TARGET_DIR")
    if folder:
        pathlib.Path(folder, "library").write_text("large")
    call = {"settings": config_settings, "folder": folder, "sources": os.path.isdir("src"), "no_rust": os.environ["MATURIN_NO_INSTALL_RUST"]}
    print(json.dumps(call))
    return "stackref.whl"
"""
BUILD = "import stackref_build as b; b.get_requires_for_build_wheel(); b.build_wheel('.')"


def git(*words, folder):
    return subprocess.run(["git", *words], cwd=folder, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()


def clone(name):
    """Clones this checkout as pre-commit does, next to a database."""
    folder = SCRATCH / name / "repo1"
    folder.parent.mkdir()
    git("-c", "advice.detachedHead=false", "clone", "--quiet", "--depth", "1", CHECKOUT.as_uri(), str(folder), folder=SCRATCH)
    shutil.copy(CHECKOUT / "packaging/stackref_build.py", folder / "packaging/stackref_build.py")
    (folder.parent / "db.db").write_text("")
    caches = folder / "py_env-python3/lib/pip/__pycache__"
    caches.mkdir(parents=True)
    (caches / "a.pyc").write_text("")
    (caches.parent / "a.py").write_text("")
    return folder


def call(folder, code=BUILD, **variables):
    """Runs code that imports the backend. Returns the exit code and the output."""
    dropped = {"CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "VIRTUAL_ENV", "CC"}
    env = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("CC_")}
    modules = f"{folder / 'packaging'}{os.pathsep}{SCRATCH / 'modules'}"
    env |= {"PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(SCRATCH / "temp"), **variables}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=SECONDS,
    )
    return result.returncode, result.stdout


def programs(name, **versions):
    """Writes programs that print a line, and returns their folder as a PATH."""
    folder = SCRATCH / name
    folder.mkdir()
    for program, text in versions.items():
        path = folder / program
        path.write_text(f"#!{shutil.which('sh')}\necho '{text}'\n")
        path.chmod(0o755)
    return str(folder)


def test_prerequisites(folder):
    new = {"cargo": "cargo 1.88.0 (a 2025-06-26)", "rustc": "rustc 1.88.0 (a 2025-06-26)", "cc": "cc"}
    cases = [
        ("no-cargo", {"cc": "cc"}, "There is no program `cargo` on the PATH."),
        ("old-cargo", new | {"cargo": "cargo 1.87.9"}, "`cargo` has version 1.87."),
        ("old-rustc", new | {"rustc": "rustc 1.63.0"}, "`rustc` has version 1.63."),
        ("broken", new | {"cargo": "error: no default is configured"}, "error: no default is configured"),
        ("no-compiler", {name: new[name] for name in ["cargo", "rustc"]}, "There is no C compiler `cc` on the PATH"),
    ]
    for name, versions, message in cases:
        code, output = call(folder, PATH=programs(name, **versions))
        expect(f"{name}: exits with the message", code == 1 and message in output and "Traceback" not in output, output)
        expect(f"{name}: the message says what to install", "Install" in output, output)
    for name, versions in [("all", new), ("newer", new | {"cargo": "cargo 2.0.0-nightly"}), ("only-cargo", {"cargo": new["cargo"], "cc": "cc"})]:
        code, output = call(folder, PATH=programs(name, **versions))
        expect(f"{name}: the build starts", code == 0, output)
    code, output = call(folder, PATH=str(SCRATCH / "no-compiler"), CC="clang")
    expect("a compiler can have another name", code == 0, output)
    code, output = call(folder, f"import sys; sys.platform = 'win32'; {BUILD}")
    expect("Windows is refused", code == 1 and output.startswith("stackref does not run on Windows"), output)


def test_build_folder(folder):
    def built(**variables):
        code, output = call(folder, **variables)
        expect("the wheel is built", code == 0, output)
        return json.loads(output)

    temp = SCRATCH / "temp"
    first = built()
    expect("the build folder is temporary", pathlib.Path(first["folder"]).parent == temp and not any(temp.iterdir()), first)
    expect("maturin installs no Rust and gets no other options", first["no_rust"] == "1" and first["settings"] is None, first)
    expect("CARGO_TARGET_DIR is used", built(CARGO_TARGET_DIR=str(SCRATCH / "modules"))["folder"] == str(SCRATCH / "modules"))
    expect("CARGO_BUILD_TARGET_DIR is used", built(CARGO_BUILD_TARGET_DIR="x")["folder"] is None)
    (folder / "target").mkdir()
    expect("an existing folder is used", built()["folder"] is None)
    (folder / "target").rmdir()
    expect("the sources stay", (folder / "src/main.rs").is_file())


def test_clone_of_pre_commit():
    folder = clone("pre-commit")
    other = clone("other")
    environment = folder / "py_env-python3"
    # A checkout of a developer with an environment in it, and others that only look like a clone of pre-commit.
    for name, path in [("no environment", os.devnull), ("another name", folder / ".venv"), ("another folder", other / "py_env-python3")]:
        _, output = call(folder, VIRTUAL_ENV=str(path))
        expect(f"{name}: a build as for everyone", json.loads(output)["settings"] is None and (folder / "src").is_dir(), output)
    (folder.parent / "db.db").unlink()
    call(folder, VIRTUAL_ENV=str(environment))
    expect("without the database, the sources stay", (folder / "src").is_dir())
    (folder.parent / "db.db").write_text("")

    commit = git("rev-parse", "HEAD", folder=folder)
    # git sets these variables for the hooks of a commit.
    variables = {"VIRTUAL_ENV": str(environment), "GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / ".git/index"), "GIT_WORK_TREE": str(other)}
    for attempt in ["first", "second"]:
        code, output = call(folder, **variables)
        expect(f"{attempt} build: succeeds with the sources", code == 0 and json.loads(output)["sources"], output)
        settings = json.loads(output)["settings"]
        expect(f"{attempt} build: is for size", settings == {"maturin.build-args": ["--profile", "hook"]}, settings)
        left = sorted(path.name for path in folder.iterdir() if path.is_dir())
        expect(f"{attempt} build: the sources are gone", left == [".git", "packaging", "py_env-python3"], left)
        kept = [".pre-commit-hooks.yaml", "pyproject.toml", "packaging/stackref_build.py", "py_env-python3/lib/pip/a.py"]
        expect(f"{attempt} build: what pre-commit needs stays", all((folder / name).is_file() for name in kept), left)
        expect(f"{attempt} build: no bytecode stays", not list(environment.rglob("*.pyc")))
    expect("the commit is the same", git("rev-parse", "HEAD", folder=folder) == commit)
    expect("another repository is not changed", (other / "src").is_dir() and (other / "py_env-python3/lib/pip/__pycache__").is_dir())


def main():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    (SCRATCH / "modules").mkdir(parents=True)
    (SCRATCH / "temp").mkdir()
    (SCRATCH / "modules/maturin.py").write_text(MATURIN)
    folder = clone("checkout")
    test_prerequisites(folder)
    test_build_folder(folder)
    test_clone_of_pre_commit()
    finish()


main()
