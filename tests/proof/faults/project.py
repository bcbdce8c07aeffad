"""Scenarios for runs with faults: the files before a run, those after a run without faults, and a comparison afterwards.

Every value starts with `CANARY`, so the scripts notice a value in output. Temporary files are recognized by their names.
"""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

CANARY = "hunter2"
LEFTOVER = re.compile(r"(^|/)\.stackref-[^/]*\.tmp(/|$)")
TIMEOUT = 60
# The number of files or keys in a scenario.
SIZE = 24
# From this number of trials on, a row fails if its fault never struck midway.
ENOUGH = 100
NOBODY = 65534


@dataclass
class Row:
    """The results of one fault. `old`, `mixed` and `new` count trials by the contents of the files afterwards."""

    fault: str
    trials: int = 0
    old: int = 0
    mixed: int = 0
    new: int = 0
    left: int = 0
    midway: int = 0
    losses: list = field(default_factory=list)
    note: str = ""

    def add(self, verdict, is_midway=None):
        """Adds a trial. By default, the fault struck midway if temporary files are left, or only some files are new."""
        self.trials += 1
        setattr(self, verdict.state, getattr(self, verdict.state) + 1)
        self.left += verdict.left > 0
        self.midway += verdict.left > 0 or verdict.state == "mixed" if is_midway is None else is_midway
        self.losses += verdict.losses[:1]

    def report_midway(self, what):
        """Notes how often the fault struck midway. A row whose fault never did shows nothing, so it fails."""
        if self.trials:
            self.note = f"{100 * self.midway // self.trials} % {what}"
        if self.trials >= ENOUGH and not self.midway:
            self.losses.append("the fault never struck midway, so this row shows nothing")


@dataclass
class Verdict:
    """The state of a folder: `old`, `mixed` or `new`; how many temporary files were left; what was lost."""

    state: str
    left: int
    losses: list


@dataclass
class Scenario:
    """A command and the files that it starts with. `between` contains intermediate versions that are also permitted."""

    name: str
    args: list
    files: dict
    stdin: str = ""
    env: dict = field(default_factory=dict)
    modes: dict = field(default_factory=dict)
    between: dict = field(default_factory=dict)


class Workspace:
    """A folder with the files of a scenario, in which the program runs."""

    def __init__(self, program, scenario, parent, user=None, skip_reference_run=False):
        """Runs the command once to get the new files, except with `skip_reference_run`."""
        self.program, self.scenario, self.user = program, scenario, user
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=parent))
        self.old = {path: text.encode() for path, text in scenario.files.items()}
        self.reset()
        if skip_reference_run:
            return
        result = self.run()
        if result.returncode != 0:
            raise RuntimeError(f"{scenario.name}: a run without faults exits with {result.returncode}:\n{result.stdout}{result.stderr}")
        self.new = self.snapshot()
        if self.new == self.old:
            raise RuntimeError(f"{scenario.name}: a run without faults changes nothing")

    def reset(self):
        """Restores the original files. Does not rewrite unchanged files."""
        now = self.snapshot()
        for path in now.keys() - self.old.keys():
            (self.folder / path).unlink()
        for path in self.leftovers():
            shutil.rmtree(path)
        for path, content in self.old.items():
            target = self.folder / path
            if now.get(path) != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.write_bytes(content)
                target.chmod(self.scenario.modes.get(path, 0o600))
        if self.user is not None:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, self.user, self.user)

    def snapshot(self):
        """Returns the content of each file by its path. The content of a link is its target."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = pathlib.Path(folder, name)
                content = f"link to {os.readlink(path)}".encode() if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(self.folder))] = content
        return found

    def start(self, args=None, wrapper=(), **more):
        """Starts the program. It inherits only the PATH. `wrapper` is a command that runs it, for example `strace`."""
        if self.user is not None:
            more.update(user=self.user, group=self.user, extra_groups=[])
        command = [*wrapper, self.program, *(args or self.scenario.args)]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C", "STACKREF_TRUST": "1", **self.scenario.env}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command, cwd=self.folder, env=env, text=True, errors="replace", **streams)

    def run(self, **more):
        return self.finish(self.start(**more))

    def finish(self, process, stdin=None):
        """Waits for a run with a timeout. Returns its output as `subprocess.run` does."""
        try:
            out, err = process.communicate(self.scenario.stdin if stdin is None else stdin, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nit did not exit within {TIMEOUT} s"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def written(self):
        """Returns the files that a run without faults creates or changes."""
        return sorted(path for path, content in self.new.items() if self.old.get(path) != content)

    def leftovers(self):
        """Returns the staging folders that exist now."""
        return [path for path in self.folder.rglob(".stackref-*") if LEFTOVER.search(str(path))]

    def is_staged(self):
        """Returns whether a run has staged its files and is about to exchange them."""
        return any((path / "journal").exists() for path in self.leftovers())

    def evaluate(self, now=None):
        """Checks that every file has its old or its new content, and that all other files are private temporary files."""
        now = self.snapshot() if now is None else now
        folders = self.leftovers()
        left, losses, states = len(folders), [loss for folder in folders for loss in leftover_losses(folder)], set()
        for path in sorted(self.old.keys() | self.new.keys() | now.keys()):
            if LEFTOVER.search(path):
                continue
            before, after, content = self.old.get(path), self.new.get(path), now.get(path)
            if content not in (before, after, self.scenario.between.get(path, before)):
                losses.append(f"`{path}` has neither its old nor its new content")
            elif before != after:
                states.add("new" if content == after else "old" if content == before else "mixed")
        return Verdict(states.pop() if len(states) == 1 else "mixed", left, losses)

    def evaluate_exit(self, result, codes=(0, 2), all_or_nothing=False, now=None):
        """Checks a run that was not killed: its exit code, its output, and that it leaves no temporary files. With
        `all_or_nothing`, also that it has written everything or nothing."""
        verdict = self.evaluate(now)
        verdict.losses += exit_losses(result, codes)
        if verdict.left:
            verdict.losses.append("a run that was not killed leaves temporary files")
        if result.returncode == 0 and verdict.state != "new":
            verdict.losses.append("it exits with 0, but has not written everything")
        if all_or_nothing and result.returncode != 0 and verdict.state != "old":
            verdict.losses.append(f"it exits with {result.returncode}, but has written something")
        verdict.losses = [f"{self.scenario.name}: {loss}" for loss in verdict.losses]
        return verdict

    def completion_losses(self):
        """Runs the command again after a fault. It must write the same files as a run without faults, and remove all temporary files."""
        result = self.run()
        # `init` does not replace a config or an inventory that the disturbed run has written.
        is_made = self.scenario.name == "init" and "` already exists" in result.stderr
        # A complete rename cannot be repeated.
        is_renamed = self.scenario.name == "rename" and "nothing uses or declares" in result.stderr
        losses = []
        if result.returncode != 0 and not is_made and not is_renamed:
            losses.append(f"the next run exits with {result.returncode}: {' '.join(result.stderr.split())[:300]}")
        verdict = self.evaluate()
        if verdict.state != "new" and not is_made:
            losses.append("the next run does not write the same files as a run without faults")
        if verdict.left and not is_made:
            losses.append("the next run does not remove the temporary files")
        return losses

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def leftover_losses(folder):
    """Returns an error if other users can enter a staging folder, or if git would add its files."""
    mode = stat.S_IMODE(folder.lstat().st_mode)
    losses = [f"`{folder.name}` is left with the mode {mode:o}"] if mode & 0o077 else []
    staged = [path for path in folder.iterdir() if path.name != ".gitignore"]
    if staged and (folder / ".gitignore").read_text() != "*\n":
        losses.append(f"`{folder.name}` is left, and git would add its files")
    return losses


def exit_losses(result, codes):
    """Checks the exit code and the output of a run."""
    losses = []
    if result.returncode not in codes:
        losses.append(f"it exits with {result.returncode}: {' '.join(result.stderr.split())[:300]}")
    if result.returncode not in (0, 1) and not result.stderr.strip():
        losses.append(f"it exits with {result.returncode} without a message")
    if CANARY in result.stdout + result.stderr:
        losses.append("the output contains a value")
    return losses


def child_pids(process):
    """Returns the ids of the children of a process."""
    return [int(child) for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


# Wrappers of a command. This one delays each call that renames or links a file by 0.1 s.
CALLS = "?rename,?renameat,?renameat2,?link,?linkat"
STRACE = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"]
DELAYED = [*STRACE, f"trace={CALLS}", "-e", f"inject={CALLS}:delay_enter=100000"]
# Also delays the return of these calls by 0.3 s.
DELAYED_TWICE = [*STRACE, f"trace={CALLS}", "-e", f"inject={CALLS}:delay_enter=100000:delay_exit=300000"]
# A file system without exchange, and one without links either.
WITHOUT_EXCHANGE = [*STRACE, "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"]
WITHOUT_LINK = [*STRACE, "trace=renameat2,?link,linkat", "-e", "inject=renameat2:error=EINVAL", "-e", "inject=?link,linkat:error=EPERM"]


def can_delay(workspace):
    """Returns whether strace can delay calls on this machine."""
    workspace.reset()
    started = time.monotonic()
    return bool(shutil.which("strace")) and workspace.run(wrapper=DELAYED).returncode == 0 and time.monotonic() - started > 0.1


def on_disk(text, folder=None):
    """Returns standard input as a file, so that the run does not wait for this process."""
    file = tempfile.TemporaryFile(dir=folder)
    file.write(text.encode())
    file.seek(0)
    return file


def duration(workspace, runs=5):
    """Returns the longest duration of a few runs without faults, in seconds."""
    longest = 0.0
    for _ in range(runs):
        workspace.reset()
        started = time.monotonic()
        workspace.run()
        longest = max(longest, time.monotonic() - started)
    return longest


class Moments:
    """Random moments of a run: a quarter of them anywhere, the others after it starts to write."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.longest = duration(workspace)
        parents = {(workspace.folder / path).parent for path in workspace.written()}
        workspace.reset()
        self.watched = sorted({next(folder for folder in [path, *path.parents] if folder.is_dir()) for path in parents})
        self.rest = sorted(self.rest_of_run() for _ in range(5))[2]

    def wait(self, process):
        """Waits until the next moment."""
        if random.random() < 0.25:
            time.sleep(random.uniform(0, self.longest))
        elif self.wait_for_write(process):
            # Early moments are more likely, because the process mostly writes first, and then exits.
            time.sleep(self.rest * random.random() ** 2)

    def wait_for_write(self, process):
        """Waits until the entries of an output folder change. Returns false if the run exits before."""
        folder = random.choice(self.watched)
        before = set(os.listdir(folder))
        deadline = time.monotonic() + 2 * self.longest
        while time.monotonic() < deadline:
            for _ in range(20):
                with contextlib.suppress(FileNotFoundError):
                    if set(os.listdir(folder)) != before:
                        return True
            if process.poll() is not None:
                return False
        return False

    def rest_of_run(self):
        """Returns the duration of a run without faults after its first write."""
        self.workspace.reset()
        process = self.workspace.start(stdin=on_disk(self.workspace.scenario.stdin))
        self.wait_for_write(process)
        started = time.monotonic()
        self.workspace.finish(process, "")
        return time.monotonic() - started


def stack(references, unquoted=False):
    """A stack file; `--fix` quotes unquoted references."""
    mark = "" if unquoted else "'"
    lines = ["components:", "  orchestrator:", "    configuration:"]
    lines += [f"      attribute_{at}: {mark}{{{{{name}}}}}{mark}" for at, name in enumerate(references)]
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", "stack_name: ours", "zenml_version: 0.98.0"]
    return "\n".join(lines) + "\n"


def values(number, mark="", first=0):
    """Returns an inventory of `number` secrets with one value each."""
    return "".join(f"s{at}:\n  k: '{CANARY}{mark} {at}'\n" for at in range(first, first + number))


def names(number, first=0):
    return [f"s{at}.k" for at in range(first, first + number)]


CONFIG = '[inventory.dev]\nkind = "file"\npath = "secrets.yaml"\n'


def render_file(size=SIZE):
    """One large file, which exists already."""
    files = {"stackref.toml": CONFIG, "secrets.yaml": values(50), "a.stack.yaml": stack(names(50) * 2 * size)}
    files["out/a.stack.yaml"] = "# rendered before\n" * 500 * size
    return Scenario("render, one file", ["render", "-o", "out", "a.stack.yaml"], files)


def render_folder(size=SIZE):
    """Many files, which exist already."""
    files = {"stackref.toml": CONFIG, "secrets.yaml": values(50)}
    for at in range(size):
        files[f"team-{at % 4}/{at}.stack.yaml"] = stack(names(20, at % 30))
        files[f"out/team-{at % 4}/{at}.stack.yaml"] = f"# rendered before {at}\n"
    return Scenario("render, a folder", ["render", "-o", "out"], files)


def register_input(number, first=0):
    """Returns the input of `register --from-file -`. It is JSON, which is also YAML."""
    return "".join(f'"s{at}": {{"k": "{CANARY} given {at}"}}\n' for at in range(first, first + number))


def register_file(size=SIZE):
    """An inventory file in which half of the secrets are missing."""
    half = size // 2
    files = {"stackref.toml": CONFIG, "secrets.yaml": "# ours\n" + values(half), "a.stack.yaml": stack(names(size))}
    args = ["register", "--from-file", "-", "--skip-existing"]
    return Scenario("register, kind file", args, files, register_input(half, half))


def register_dir(size=SIZE):
    """An inventory of kind `dir`, with a file for each value."""
    config = '[inventory.dev]\nkind = "dir"\npath = "mounted"\n'
    files = {"stackref.toml": config, "a.stack.yaml": stack(names(size)), "mounted/s0/k": f"{CANARY} 0"}
    args = ["register", "--from-file", "-", "--skip-existing"]
    return Scenario("register, kind dir", args, files, register_input(size - 1, 1))


def fix(size=SIZE):
    """Many files with one fixable finding each."""
    files = {f"team-{at % 4}/{at}.stack.yaml": stack(names(20), unquoted=True) for at in range(size)}
    return Scenario("check --fix", ["check", "--fix", "--level", "none"], files, modes=dict.fromkeys(files, 0o644))


def command_files(size, kinds):
    """Returns files with `zenml` commands, in which the first reference is not quoted."""
    command = "zenml artifact-store register a -f ours --key={{ s0.k }} " + " ".join(f"--a{at}='{{{{s{at}.k}}}}'" for at in range(20))
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ["%%bash\n", command]}
    texts = {
        "sh": f"#!/bin/sh\n{command}\n",
        "md": f"# Use\n\n```sh\n{command}\n```\n",
        "mk": f"setup:\n\t{command}\n",
        "ipynb": json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1),
    }
    names = [kinds[at % len(kinds)] for at in range(size)]
    return {f"team-{at % 4}/{at}.{name}": texts[name] for at, name in enumerate(names)}


def fix_commands(size=SIZE):
    """Scripts, pages and notebooks with one fixable finding each."""
    files = command_files(size, ["sh", "md", "ipynb", "mk"])
    return Scenario("check --fix, commands", ["check", "--fix", "--level", "none"], files, modes=dict.fromkeys(files, 0o644))


def add_ignores(size=SIZE):
    """Scripts and pages with one finding each. A notebook cannot contain an ignore comment."""
    files = command_files(size, ["sh", "md", "mk"])
    return Scenario("check --add-ignores", ["check", "--add-ignores", "--level", "none"], files, modes=dict.fromkeys(files, 0o755))


def rename(size=SIZE):
    """Stack files, scripts, pages, notebooks and an inventory with one secret."""
    stacks = {f"team-{at % 4}/{at}.stack.yaml": stack(names(20)) for at in range(size // 2)}
    commands = command_files(size // 2, ["sh", "md", "ipynb", "mk"])
    files = {"secrets.inventory.yaml": values(20), **stacks, **commands}
    return Scenario("rename", ["rename", "s0", "renamed", "--merge"], files, modes=dict.fromkeys(files, 0o750))


def report(size=SIZE):
    """A report that replaces an earlier one."""
    summary = dict.fromkeys(["files", "references", "errors", "warnings", "ignored", "fixable"], 0)
    before = json.dumps({"version": 1, "findings": [], "summary": summary}, indent=2) + "\n"
    files = {"a.stack.yaml": stack(names(3 * size), unquoted=True), "report.json": before}
    args = ["check", "--level", "none", "--exit-zero", "--format", "json", "--output", "report.json"]
    return Scenario("check --output", args, files)


def report_below(size=SIZE):
    """A report in a folder that is not searched for stack files, because a failed search changes the report."""
    scenario = report(size)
    files = {"reports/report.json" if path == "report.json" else path: text for path, text in scenario.files.items()}
    return Scenario(scenario.name, [*scenario.args[:-1], "reports/report.json", "a.stack.yaml"], files)


def snapshots(size=SIZE):
    """Snapshots of many environments, which exist already."""
    files = {"stackref.toml": ""}
    for at in range(size):
        files["stackref.toml"] += f'[inventory.e{at}]\nkind = "file"\npath = "secrets/{at}.yaml"\n[environment.e{at}]\ninventory = ["e{at}"]\n'
        files[f"secrets/{at}.yaml"] = values(20, first=at)
        files[f"names/e{at}.yaml"] = f"old{at}: [k]\n"
    return Scenario("inventory snapshot, all environments", ["inventory", "snapshot", "--all-environments", "-o", "names"], files)


def matrix_page(size=SIZE):
    """A page that replaces an earlier one."""
    files = {"a.stack.yaml": stack(names(size)), "stackref.toml": ""}
    for name in ("dev", "prod"):
        files["stackref.toml"] += f'[inventory.{name}]\nkind = "file"\npath = "{name}.yaml"\n[environment.{name}]\ninventory = ["{name}"]\n'
        files[f"{name}.yaml"] = values(size)
    files["matrix.json"] = json.dumps({"version": 1, "environments": ["dev"], "rows": [], "failures": []}, indent=2) + "\n"
    return Scenario("matrix --output", ["matrix", "--output", "matrix.json", "--exit-zero"], files)


def baseline(size=SIZE):
    """A baseline that does not exist yet."""
    files = {"a.stack.yaml": stack(names(3 * size), unquoted=True)}
    return Scenario("check --write-baseline", ["check", "--level", "none", "--write-baseline", "baseline.json"], files)


def init(size=SIZE):
    """A config and the pre-commit hook."""
    files = {"a.stack.yaml": stack(names(size)), ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks: []\n"}
    return Scenario("init", ["init", "--yes"], files)


def trust(size=SIZE):
    """A trust record, in a file with the records of other configs."""
    programs = "".join(f'[inventory.i{at}]\nkind = "command"\nnames = ["true", "{at}"]\n' for at in range(size))
    digest = "0" * 64
    records = [{"path": f"/elsewhere/{at}/stackref.toml", "sha256": digest, "requests": [digest]} for at in range(10 * size)]
    text = json.dumps({"version": 1, "configs": sorted(records, key=lambda record: record["path"])}, indent=2) + "\n"
    files = {"stackref.toml": programs, ".local/state/stackref/trust.json": text}
    return Scenario("trust", ["trust", "--yes"], files, env={"STACKREF_TRUST": "0"})


def create(size=SIZE):
    """An inventory that needs no config and does not exist yet."""
    files = {"a.stack.yaml": stack(names(size // 3))}
    args = ["register", "--yes", "--from-file", "-"]
    empty = b"# The secrets of this project, for stackref. It contains values: never commit this file.\n"
    between = {"secrets.inventory.yaml": empty}
    return Scenario("register, a new file", args, files, register_input(size // 3), between=between)


# One scenario of each command that writes. Each has a row with many trials for every fault of `run.THOROUGH`.
COMMANDS = [render_folder, register_file, fix, add_ignores, rename, trust, snapshots, baseline]
