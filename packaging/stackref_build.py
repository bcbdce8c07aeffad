"""Builds the wheel with maturin, for `pip install .` and for the hooks of pre-commit.

pip calls the functions without an underscore, as PEP 517 defines them. They name a missing program before anything is compiled. The
build folder is temporary, because it is ten times as large as the program. An existing folder `target` is used instead, and so is
CARGO_TARGET_DIR.

pre-commit keeps its clone as long as the hook. There, the program is built for size, and the sources are removed afterwards.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
# Otherwise maturin downloads a Rust toolchain if there is none.
os.environ["MATURIN_NO_INSTALL_RUST"] = "1"


def get_requires_for_build_wheel(config_settings=None):
    _check_prerequisites()
    if _is_clone_of_pre_commit():
        # pre-commit has removed its environment, or needs one for another Python.
        _git("sparse-checkout", "disable")
    return []


def get_requires_for_build_sdist(config_settings=None):
    _check_prerequisites()
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    import maturin

    return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_sdist(sdist_directory, config_settings=None):
    import maturin

    return maturin.build_sdist(sdist_directory, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import maturin

    for_pre_commit = _is_clone_of_pre_commit()
    if for_pre_commit:
        words = [*maturin.get_maturin_pep517_args(config_settings), "--profile", "hook"]
        config_settings = {"maturin.build-args": words}
    with _build_folder():
        wheel = maturin.build_wheel(wheel_directory, config_settings, metadata_directory)
    if for_pre_commit:
        _remove_sources()
    return wheel


# There is no Python code to edit.
get_requires_for_build_editable = get_requires_for_build_wheel
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
build_editable = build_wheel


@contextlib.contextmanager
def _build_folder():
    chosen = {"CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"} & os.environ.keys()
    if chosen or (CHECKOUT / "target").is_dir():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="stackref-build-") as folder:
        os.environ["CARGO_TARGET_DIR"] = folder
        yield


def _check_prerequisites():
    """Exits with a message if a program is missing that the build needs. pip prints the message."""
    if sys.platform == "win32":
        sys.exit("stackref does not run on Windows, because it uses system calls of Unix. Install it in WSL.")
    text = (CHECKOUT / "Cargo.toml").read_text(encoding="utf-8")
    needed = re.search(r'^rust-version = "(.+)"', text, re.MULTILINE)[1]
    install = f"stackref is built with Rust {needed} or newer. Install it from https://rustup.rs or with a package manager."
    if shutil.which("cargo") is None:
        sys.exit(f"There is no program `cargo` on the PATH. {install}")
    # Both, because they can come from different packages. If there is no `rustc`, cargo explains where it searched.
    for program in filter(shutil.which, ["cargo", "rustc"]):
        result = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        version = re.match(rf"{program} (\d+)\.(\d+)", result.stdout)
        if version is None:
            sys.exit(f"`{program} --version` failed. {install}\n{result.stdout}")
        if (int(version[1]), int(version[2])) < tuple(map(int, needed.split("."))):
            sys.exit(f"`{program}` has version {version[1]}.{version[2]}. {install}")
    # The names that the crate `cc` reads.
    named = [name for name in os.environ if name in {"CC", "HOST_CC", "TARGET_CC"} or name.startswith("CC_")]
    if not named and shutil.which("cc") is None:
        sys.exit(
            "There is no C compiler `cc` on the PATH, which some dependencies of stackref need. "
            "Install one, for example with `apt install gcc libc6-dev`, `dnf install gcc` or `xcode-select --install`."
        )


def _is_clone_of_pre_commit():
    """Returns whether pre-commit made this checkout. It creates the environment in the clone, and a database next to it."""
    environment = pathlib.Path(os.environ.get("VIRTUAL_ENV", os.devnull)).resolve()
    is_inside = environment.parent == CHECKOUT and environment.name.startswith("py_env-")
    return is_inside and (CHECKOUT.parent / "db.db").is_file() and (CHECKOUT / ".git").is_dir()


def _remove_sources():
    """Leaves the files at the top of the clone and this folder, and removes bytecode, which is only a cache."""
    # git before 2.32 has no sparse index.
    if _git("sparse-checkout", "init", "--cone", "--sparse-index") or _git("sparse-checkout", "init", "--cone"):
        _git("sparse-checkout", "set", "packaging")
    for cache in list(pathlib.Path(os.environ["VIRTUAL_ENV"]).rglob("__pycache__")):
        shutil.rmtree(cache, ignore_errors=True)


def _git(*words):
    """Runs git in the clone. If it fails, the clone only stays larger."""
    # During a commit, git sets variables that select the repository of the commit.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")}
    result = subprocess.run(["git", "-C", CHECKOUT, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return result.returncode == 0
