#!/usr/bin/env python3
"""Tests each hook of `.pre-commit-hooks.yaml` with pre-commit: `precommit.py SCRATCH [--optimized]`.

Each hook must accept one commit and reject others. The commits change a stack, an inventory or a script, and also a Helm chart, a
GitHub workflow and an inventory with values. These files contain braces, but no hook may report them. pre-commit clones HEAD of this
checkout, so uncommitted changes are not tested. The folders of the user, of cargo and of pre-commit are empty at first.

All hooks together may leave 30 MB on the disk. With `--optimized`, the program is built as users get it, in some minutes, and its size
counts. Otherwise it is built without optimization, and only the rest counts. The last line is `N passed, N failed`.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from counting import expect, finish

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
HOME, TEMP = SCRATCH / "home", SCRATCH / "temp"
HOOKS = ["stackref", "stackref-repo", "stackref-py"]
OPTIMIZED = "--optimized" in sys.argv[2:]
QUICK_BUILD = {
    "CARGO_PROFILE_HOOK_OPT_LEVEL": "0",
    "CARGO_PROFILE_HOOK_LTO": "off",
    "CARGO_PROFILE_HOOK_CODEGEN_UNITS": "256",
}
BUILD_SECONDS, COMMIT_SECONDS = 2400 if OPTIMIZED else 1200, 60
# pip is most of the rest.
ALL_BYTES, BYTES_WITHOUT_PROGRAM = 30_000_000, 16_000_000

VALUES = ["hunter2-user", "hunter2-token"]
OTHER_FILES = {
    "chart/templates/deploy.yaml": "kind: Secret\nstringData:\n  password: {{ .Values.db.password }} # {N}\n",
    ".github/workflows/ci.yml": "on: push\nenv:\n  TOKEN: ${{ secrets.TOKEN }} # {N}\n",
    "secrets.inventory.yaml": f"db:\n  user: {VALUES[0]}\n  token: {VALUES[1]} # {{N}}\n",
    "stackref.toml": '[inventory.team]\nkind = "file"\npath = "secrets.inventory.yaml" # {N}\n',
}
STACK = """\
stack_name: dev
components:
  experiment_tracker:
    name: t
    flavor: mlflow
    type: experiment_tracker
    configuration:
      tracking_uri: https://example.com
      tracking_username: '{{db.user}}'
      tracking_password: '{{db.KEY}}'
"""
SCRIPT = "zenml alerter register a --flavor=slack --slack_token={{db.tokn}}\n"


def environment():
    """Returns the environment of this process without variables that configure git, pre-commit or stackref."""
    dropped = ("GIT_", "ZENML_", "PRE_COMMIT", "SKIP", "XDG_", "CARGO_HOME", "CARGO_TARGET", "CARGO_BUILD", "VIRTUALENV_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # First, so that git's hook runs this pre-commit.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    # In a container, another user may own the checkout. git does not pass these variables to the process that serves a fetch.
    configs = {"safe.directory": "*", "remote.origin.uploadpack": "git -c safe.directory='*' upload-pack"}
    git["GIT_CONFIG_COUNT"] = str(len(configs))
    for at, (name, value) in enumerate(configs.items()):
        git |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
    for role in ["AUTHOR", "COMMITTER"]:
        git |= {f"GIT_{role}_NAME": "ci", f"GIT_{role}_EMAIL": "ci@example.com"}
    own = {"PATH": path, "PRE_COMMIT_HOME": str(HOME / "pre-commit"), "PRE_COMMIT_COLOR": "never", "TMPDIR": str(TEMP)}
    own |= {"HOME": str(HOME), "CARGO_HOME": str(HOME / "cargo")}
    # The toolchain is not a part of the test.
    own["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(pathlib.Path.home() / ".rustup"))
    return inherited | git | own | ({} if OPTIMIZED else QUICK_BUILD)


ENVIRONMENT = environment()


def run(*args, folder, seconds=COMMIT_SECONDS):
    """Returns the exit code and the output."""
    result = subprocess.run(
        args, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", timeout=seconds,
    )
    return result.returncode, result.stdout


def run_checked(*args, folder, seconds=COMMIT_SECONDS):
    code, output = run(*args, folder=folder, seconds=seconds)
    if code != 0:
        sys.exit(f"`{' '.join(map(str, args))}` exited with {code}:\n{output}")
    return output.strip()


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(folder, number, stack):
    """Commits changes of the stack and of all other files."""
    write(folder, {name: text.replace("{N}", str(number)) for name, text in OTHER_FILES.items()})
    write(folder, {"stacks/dev.yaml": stack})
    run_checked("git", "add", "--all", folder=folder)
    # quiet, because git's list of files is not output of a hook
    return run("git", "commit", "--quiet", "--message", f"{number}", folder=folder)


def expect_no_other_output(hook, output):
    # After a change of the config or an inventory, the hook checks everything and prints the changed file.
    reported = [name for name in OTHER_FILES if name in output and "/" in name]
    expect(f"{hook}: other files are not reported: {reported}", not reported, output)
    expect(f"{hook}: prints no value", not any(value in output for value in VALUES), output)


def test_hook(hook, revision, folder):
    # verbose, so that pre-commit also prints the output of a hook that passes
    config = f"repos:\n- repo: {CHECKOUT.as_uri()}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n    verbose: true\n"
    run_checked("git", "init", "--quiet", folder=folder)
    write(folder, {".pre-commit-config.yaml": config})
    run_checked("pre-commit", "install", "--install-hooks", folder=folder, seconds=BUILD_SECONDS)

    code, output = commit(folder, 1, STACK.replace("KEY", "token"))
    expect(f"{hook}: a commit without findings passes", code == 0 and "Passed" in output, output)
    expect(f"{hook}: the stack is checked", "checked 1 file, 2 references: 0 errors" in output, output)
    expect_no_other_output(hook, output)

    code, output = commit(folder, 2, STACK.replace("KEY", "tokn"))
    expect(f"{hook}: a commit with a finding is rejected", code == 1 and "Failed" in output, output)
    expect(f"{hook}: the finding has its location and help", "stacks/dev.yaml:10:27" in output and "`token`" in output, output)
    expect(f"{hook}: the rejected commit does not exist", run_checked("git", "rev-list", "--count", "HEAD", folder=folder) == "1", output)
    expect_no_other_output(hook, output)

    # Only the inventory changes. The commit does not contain the stack with the finding.
    run_checked("git", "reset", "--quiet", "--hard", folder=folder)
    write(folder, {"secrets.inventory.yaml": f"db:\n  user: {VALUES[0]}\n"})
    run_checked("git", "add", "--all", folder=folder)
    code, output = run("git", "commit", "--quiet", "--message", "3", folder=folder)
    expect(f"{hook}: a commit that removes a key from an inventory is rejected", code == 1 and "Failed" in output, output)
    expect(f"{hook}: the finding is in the stack that uses the key", "stacks/dev.yaml:10:27" in output and "`token`" in output, output)
    expect_no_other_output(hook, output)

    # Only a script changes. pre-commit must pass it to the hook.
    run_checked("git", "reset", "--quiet", "--hard", folder=folder)
    write(folder, {"setup.sh": SCRIPT})
    run_checked("git", "add", "--all", folder=folder)
    code, output = run("git", "commit", "--quiet", "--message", "4", folder=folder)
    expect(f"{hook}: a commit with a finding in a script is rejected", code == 1 and "Failed" in output, output)
    expect(f"{hook}: the finding has its location and help", "setup.sh:1:55" in output and "`token`" in output, output)
    expect_no_other_output(hook, output)


def size_on_disk(folder):
    """Returns the bytes of all blocks below a folder. A file with several names counts once."""
    found = [folder, *folder.rglob("*")]
    blocks = {path.lstat().st_ino: path.lstat().st_blocks for path in found}
    return 512 * sum(blocks.values())


def test_size():
    home = pathlib.Path(ENVIRONMENT["PRE_COMMIT_HOME"])
    programs = list(home.glob("repo*/py_env-*/bin/stackref"))
    expect("all hooks share one program", len(programs) == 1, programs)
    size = size_on_disk(home)
    without_program = size - sum(map(size_on_disk, programs))
    print(f"pre-commit keeps {size / 1e6:.1f} MB, {without_program / 1e6:.1f} MB without the program")
    expect(f"without the program, at most {BYTES_WITHOUT_PROGRAM} bytes stay", without_program <= BYTES_WITHOUT_PROGRAM, without_program)
    if OPTIMIZED:
        expect(f"at most {ALL_BYTES} bytes stay", size <= ALL_BYTES, size)
    left = [path.name for path in TEMP.iterdir() if path.name.startswith("stackref-build")]
    expect("the build folder is removed", not left, left)


def main():
    shutil.rmtree(SCRATCH, ignore_errors=True)
    for folder in [HOME, TEMP]:
        folder.mkdir(parents=True)
    revision = run_checked("git", "rev-parse", "HEAD", folder=CHECKOUT)
    if run_checked("git", "status", "--porcelain", folder=CHECKOUT):
        print("note: pre-commit clones HEAD, so uncommitted changes are not tested", file=sys.stderr)
    for hook in HOOKS:
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        try:
            test_hook(hook, revision, folder)
        except subprocess.TimeoutExpired as error:
            expect(f"{hook}: no timeout", False, error)
        finally:
            shutil.rmtree(folder)
    test_size()
    finish()


main()
