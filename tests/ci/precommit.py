#!/usr/bin/env python3
"""Commits with each hook of `.pre-commit-hooks.yaml`, through a real pre-commit: `precommit.py SCRATCH`.

Each hook sees one commit that it lets pass and one that it stops. Beside the stack files lie a Helm chart, a GitHub
workflow and an inventory with values, all changed by both commits: they have braces, and nothing may be said of them.
pre-commit clones this checkout at HEAD, so what is not committed does not count. SCRATCH keeps its clones and builds,
which are quick and not optimized. Ends with `N passed, N failed`.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
# A folder of its own, beside the clones: cargo tells two checkouts of one package apart by nothing but times of change, and
# would take what one has built for the other's.
BUILD = SCRATCH / "build"
HOOKS = ["stackref", "stackref-repo", "stackref-py"]
# What pre-commit builds is a release; here it only has to run, and an optimized one takes minutes.
QUICK_BUILD = {
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "256",
}
BUILD_SECONDS, COMMIT_SECONDS = 1200, 60

VALUES = ["hunter2-user", "hunter2-token"]
BYSTANDERS = {
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
counts = {True: 0, False: 0}


def expect(what, holds, output):
    counts[bool(holds)] += 1
    if not holds:
        print(f"FAILED {what}\n{output}", file=sys.stderr)


def environment():
    """That of this process, without what would change how git, pre-commit or stackref work."""
    dropped = ("GIT_", "ZENML_", "PRE_COMMIT", "SKIP")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # In front, so that git's hook finds the pre-commit that is tested.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    git = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    # In a container the checkout may be another user's. What serves a fetch from it is not given these variables by git.
    configs = {"safe.directory": "*", "remote.origin.uploadpack": "git -c safe.directory='*' upload-pack"}
    git["GIT_CONFIG_COUNT"] = str(len(configs))
    for at, (name, value) in enumerate(configs.items()):
        git |= {f"GIT_CONFIG_KEY_{at}": name, f"GIT_CONFIG_VALUE_{at}": value}
    for role in ["AUTHOR", "COMMITTER"]:
        git |= {f"GIT_{role}_NAME": "ci", f"GIT_{role}_EMAIL": "ci@example.com"}
    ours = {"PATH": path, "PRE_COMMIT_HOME": str(SCRATCH / "home"), "PRE_COMMIT_COLOR": "never", "CARGO_TARGET_DIR": str(BUILD)}
    return kept | git | ours | QUICK_BUILD


ENVIRONMENT = environment()


def run(*words, folder, seconds=COMMIT_SECONDS):
    """Exit code and both streams."""
    ran = subprocess.run(
        words, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", timeout=seconds,
    )
    return ran.returncode, ran.stdout


def must(*words, folder, seconds=COMMIT_SECONDS):
    code, output = run(*words, folder=folder, seconds=seconds)
    if code != 0:
        sys.exit(f"`{' '.join(map(str, words))}` ended with {code}:\n{output}")
    return output.strip()


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commit(folder, number, stack):
    """One commit that changes the stack and all that lies beside it."""
    write(folder, {name: text.replace("{N}", str(number)) for name, text in BYSTANDERS.items()})
    write(folder, {"stacks/dev.yaml": stack})
    must("git", "add", "--all", folder=folder)
    # quiet: git's own list of files is no hook's output
    return run("git", "commit", "--quiet", "--message", f"{number}", folder=folder)


def quiet_about_the_rest(hook, output):
    # A change of the config or of an inventory is a reason to check everything, and is named as that.
    beside = [name for name in BYSTANDERS if name in output and "/" in name]
    expect(f"{hook}: nothing is said of what lies beside the stacks: {beside}", not beside, output)
    expect(f"{hook}: no value is shown", not any(value in output for value in VALUES), output)


def hook_speaks_and_is_silent(hook, revision, folder):
    # verbose, so that pre-commit shows what a hook says when it passes, too
    config = f"repos:\n- repo: {CHECKOUT.as_uri()}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n    verbose: true\n"
    must("git", "init", "--quiet", folder=folder)
    write(folder, {".pre-commit-config.yaml": config})
    must("pre-commit", "install", "--install-hooks", folder=folder, seconds=BUILD_SECONDS)

    code, output = commit(folder, 1, STACK.replace("KEY", "token"))
    expect(f"{hook}: a commit without mistakes passes", code == 0 and "Passed" in output, output)
    expect(f"{hook}: and its stack was checked", "checked 1 file, 2 references: 0 errors" in output, output)
    quiet_about_the_rest(hook, output)

    code, output = commit(folder, 2, STACK.replace("KEY", "tokn"))
    expect(f"{hook}: a commit with a mistake is stopped", code == 1 and "Failed" in output, output)
    expect(f"{hook}: at its line, and with help", "stacks/dev.yaml:10:27" in output and "`token`" in output, output)
    expect(f"{hook}: and is not there", must("git", "rev-list", "--count", "HEAD", folder=folder) == "1", output)
    quiet_about_the_rest(hook, output)

    # Only the inventory changes, and the stack that breaks is not in the commit.
    must("git", "reset", "--quiet", "--hard", folder=folder)
    write(folder, {"secrets.inventory.yaml": f"db:\n  user: {VALUES[0]}\n"})
    must("git", "add", "--all", folder=folder)
    code, output = run("git", "commit", "--quiet", "--message", "3", folder=folder)
    expect(f"{hook}: a commit that takes a key out of an inventory is stopped", code == 1 and "Failed" in output, output)
    expect(f"{hook}: at the stack that uses it", "stacks/dev.yaml:10:27" in output and "`token`" in output, output)
    quiet_about_the_rest(hook, output)


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(BUILD, ignore_errors=True)
    revision = must("git", "rev-parse", "HEAD", folder=CHECKOUT)
    if must("git", "status", "--porcelain", folder=CHECKOUT):
        print("note: pre-commit clones HEAD: what is not committed is not tested", file=sys.stderr)
    for hook in HOOKS:
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        try:
            hook_speaks_and_is_silent(hook, revision, folder)
        except subprocess.TimeoutExpired as late:
            expect(f"{hook}: in time", False, late)
        finally:
            shutil.rmtree(folder)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
