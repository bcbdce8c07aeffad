"""Folders that runs are disturbed in: what they hold before, what an undisturbed run makes of it, and what is there afterwards.

Every value begins with a canary, so that one that is shown is seen. A file that a run leaves behind is told by its name.
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
LONGEST = 60
# Files, or keys, of a work.
SIZE = 120
NOBODY = 65534


@dataclass
class Row:
    """What came of the trials of one fault. `old`, `mixed` and `new` say what the files of a trial were afterwards."""

    fault: str
    trials: int = 0
    old: int = 0
    mixed: int = 0
    new: int = 0
    left: int = 0
    midway: int = 0
    losses: list = field(default_factory=list)
    note: str = ""

    def add(self, verdict):
        self.trials += 1
        setattr(self, verdict.state, getattr(self, verdict.state) + 1)
        self.left += verdict.left > 0
        self.midway += verdict.left > 0 or verdict.state == "mixed"
        self.losses += verdict.losses[:1]


@dataclass
class Verdict:
    """The state of a folder: `old`, `mixed` or `new`; how many temporary files were left; what was lost."""

    state: str
    left: int
    losses: list


@dataclass
class Work:
    """A command with the files that it starts from, and those that it makes on the way to the last ones."""

    name: str
    words: list
    files: dict
    stdin: str = ""
    env: dict = field(default_factory=dict)
    modes: dict = field(default_factory=dict)
    between: dict = field(default_factory=dict)


class Place:
    """A folder with the files of a work in it, and how the program is run there."""

    def __init__(self, program, work, parent, user=None, quiet=False):
        """Runs it once to know what is new, unless it is to be `quiet`."""
        self.program, self.work, self.user = program, work, user
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=parent))
        self.old = {path: text.encode() for path, text in work.files.items()}
        self.reset()
        if quiet:
            return
        ran = self.run()
        if ran.returncode != 0:
            raise RuntimeError(f"{work.name}: an undisturbed run ends with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        self.new = self.snapshot()
        if self.new == self.old:
            raise RuntimeError(f"{work.name}: an undisturbed run changes nothing")

    def reset(self):
        """Makes the folder what it was at first; files that are as they were are not written again."""
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
                target.chmod(self.work.modes.get(path, 0o600))
        if self.user is not None:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, self.user, self.user)

    def snapshot(self):
        """Every file by its path; a link is told by where it points to."""
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = pathlib.Path(folder, name)
                content = f"link to {os.readlink(path)}".encode() if path.is_symlink() else path.read_bytes()
                found[str(path.relative_to(self.folder))] = content
        return found

    def start(self, words=None, before=(), **more):
        """Starts the program, with nothing of the surrounding environment but the PATH; `before` are words before its own."""
        if self.user is not None:
            more.update(user=self.user, group=self.user, extra_groups=[])
        command = [*before, self.program, *(words or self.work.words)]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C", "STACKREF_TRUST": "1", **self.work.env}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(command, cwd=self.folder, env=env, text=True, errors="replace", **streams)

    def run(self, **more):
        return self.finish(self.start(**more))

    def finish(self, process, stdin=None):
        """Waits for a run, with a limit; what it printed is there as with `subprocess.run`."""
        try:
            out, err = process.communicate(self.work.stdin if stdin is None else stdin, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nit did not end within {LONGEST} s"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def written(self):
        """The files that the undisturbed run makes or changes."""
        return sorted(path for path, content in self.new.items() if self.old.get(path) != content)

    def leftovers(self):
        """The staging folders that are there."""
        return [path for path in self.folder.rglob(".stackref-*") if LEFTOVER.search(str(path))]

    def is_staged(self):
        """Whether a run is about to exchange what it has staged."""
        return any((path / "journal").exists() for path in self.leftovers())

    def judge(self, now=None):
        """Whether every file is the old one or the new one, and nothing else is there but private temporary files."""
        now = self.snapshot() if now is None else now
        folders = self.leftovers()
        left, losses, states = len(folders), [loss for folder in folders for loss in too_open(folder)], set()
        for path in sorted(self.old.keys() | self.new.keys() | now.keys()):
            if LEFTOVER.search(path):
                continue
            before, after, content = self.old.get(path), self.new.get(path), now.get(path)
            if content not in (before, after, self.work.between.get(path, before)):
                losses.append(f"`{path}` is neither the old nor the new one")
            elif before != after:
                states.add("new" if content == after else "old" if content == before else "mixed")
        return Verdict(states.pop() if len(states) == 1 else "mixed", left, losses)

    def judge_ended(self, ran, codes=(0, 2), whole=False, now=None):
        """The verdict on a run that came to its end: it says so by its code, shows nothing and leaves nothing behind. With
        `whole` it has written everything or nothing."""
        verdict = self.judge(now)
        verdict.losses += said_wrong(ran, codes)
        if verdict.left:
            verdict.losses.append("temporary files are left behind by a run that came to its end")
        if ran.returncode == 0 and verdict.state != "new":
            verdict.losses.append("it ends with 0, and not everything is written")
        if whole and ran.returncode != 0 and verdict.state != "old":
            verdict.losses.append(f"it ends with {ran.returncode}, and something is written")
        verdict.losses = [f"{self.work.name}: {loss}" for loss in verdict.losses]
        return verdict

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def too_open(folder):
    """A staging folder that others can enter, or that git would take something of."""
    mode = stat.S_IMODE(folder.lstat().st_mode)
    losses = [f"`{folder.name}` is left with the mode {mode:o}"] if mode & 0o077 else []
    staged = [path for path in folder.iterdir() if path.name != ".gitignore"]
    if staged and (folder / ".gitignore").read_text() != "*\n":
        losses.append(f"`{folder.name}` is left, and git would take what is in it")
    return losses


def said_wrong(ran, codes):
    """What is wrong with how a run ended, whatever is in the files."""
    losses = []
    if ran.returncode not in codes:
        losses.append(f"it ends with {ran.returncode}: {' '.join(ran.stderr.split())[:300]}")
    if ran.returncode not in (0, 1) and not ran.stderr.strip():
        losses.append(f"it ends with {ran.returncode} and does not say why")
    if CANARY in ran.stdout + ran.stderr:
        losses.append("a value is shown")
    return losses


def parts_of(process):
    """The processes that a process has started."""
    return [int(child) for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


# Before a command: each call that gives a file its name comes a tenth of a second late.
CALLS = "?rename,?renameat,?renameat2,?link,?linkat"
STRACE = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"]
DELAYED = [*STRACE, f"trace={CALLS}", "-e", f"inject={CALLS}:delay_enter=100000"]
# Such a call takes as long again when it is done.
DELAYED_TWICE = [*STRACE, f"trace={CALLS}", "-e", f"inject={CALLS}:delay_enter=100000:delay_exit=300000"]
# The file system knows no exchange, and then no link, either.
WITHOUT_EXCHANGE = [*STRACE, "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"]
WITHOUT_LINK = [*STRACE, "trace=renameat2,?link,linkat", "-e", "inject=renameat2:error=EINVAL", "-e", "inject=?link,linkat:error=EPERM"]


def can_delay(place):
    """Whether calls can be delayed here."""
    place.reset()
    started = time.monotonic()
    return bool(shutil.which("strace")) and place.run(before=DELAYED).returncode == 0 and time.monotonic() - started > 0.1


def on_disk(text, folder=None):
    """Standard input that does not wait for this process to write it."""
    file = tempfile.TemporaryFile(dir=folder)
    file.write(text.encode())
    file.seek(0)
    return file


def duration(place, runs=5):
    """How long an undisturbed run takes at most, of a few, in seconds."""
    longest = 0.0
    for _ in range(runs):
        place.reset()
        started = time.monotonic()
        place.run()
        longest = max(longest, time.monotonic() - started)
    return longest


class Moments:
    """Moments of a run to disturb it at: some of them anywhere, most of them from the first sign of a write on."""

    def __init__(self, place):
        self.place = place
        self.longest = duration(place)
        parents = {(place.folder / path).parent for path in place.written()}
        place.reset()
        self.watched = sorted({next(folder for folder in [path, *path.parents] if folder.is_dir()) for path in parents})
        self.rest = sorted(self.rest_of_run() for _ in range(5))[2]

    def wait(self, process):
        """Waits for the next one."""
        if random.random() < 0.25:
            time.sleep(random.uniform(0, self.longest))
        elif self.wait_for_write(process):
            # Soon after the first sign rather than late: the end of the rest is that of the process.
            time.sleep(self.rest * random.random() ** 2)

    def wait_for_write(self, process):
        """Waits until something comes to one of the folders, or the run has ended."""
        folder = random.choice(self.watched)
        before = set(os.listdir(folder))
        until = time.monotonic() + 2 * self.longest
        while time.monotonic() < until:
            for _ in range(20):
                with contextlib.suppress(FileNotFoundError):
                    if set(os.listdir(folder)) != before:
                        return True
            if process.poll() is not None:
                return False
        return False

    def rest_of_run(self):
        """How long an undisturbed run goes on from there."""
        self.place.reset()
        process = self.place.start(stdin=on_disk(self.place.work.stdin))
        self.wait_for_write(process)
        started = time.monotonic()
        self.place.finish(process, "")
        return time.monotonic() - started


def stack(references, unquoted=False):
    """A stack file; unquoted references are what `--fix` mends."""
    mark = "" if unquoted else "'"
    lines = ["components:", "  orchestrator:", "    configuration:"]
    lines += [f"      attribute_{at}: {mark}{{{{{name}}}}}{mark}" for at, name in enumerate(references)]
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", "stack_name: ours", "zenml_version: 0.98.0"]
    return "\n".join(lines) + "\n"


def values(number, mark="", first=0):
    """An inventory of so many secrets with a value each."""
    return "".join(f"s{at}:\n  k: '{CANARY}{mark} {at}'\n" for at in range(first, first + number))


def names(number, first=0):
    return [f"s{at}.k" for at in range(first, first + number)]


CONFIG = '[inventory.dev]\nkind = "file"\npath = "secrets.yaml"\n'


def render_file(size=SIZE):
    """One large file, over one that is there."""
    files = {"stackref.toml": CONFIG, "secrets.yaml": values(50), "a.stack.yaml": stack(names(50) * 2 * size)}
    files["out/a.stack.yaml"] = "# rendered before\n" * 500 * size
    return Work("render, one file", ["render", "-o", "out", "a.stack.yaml"], files)


def render_folder(size=SIZE):
    """Many files, over those that are there."""
    files = {"stackref.toml": CONFIG, "secrets.yaml": values(50)}
    for at in range(size):
        files[f"team-{at % 4}/{at}.stack.yaml"] = stack(names(20, at % 30))
        files[f"out/team-{at % 4}/{at}.stack.yaml"] = f"# rendered before {at}\n"
    return Work("render, a folder", ["render", "-o", "out"], files)


def given(number, first=0):
    """What `register --from-file -` reads: JSON is YAML, and quotes every value."""
    return "".join(f'"s{at}": {{"k": "{CANARY} given {at}"}}\n' for at in range(first, first + number))


def register_file(size=SIZE):
    """Half of the secrets are in the file, half are missing."""
    half = size // 2
    files = {"stackref.toml": CONFIG, "secrets.yaml": "# ours\n" + values(half), "a.stack.yaml": stack(names(size))}
    words = ["register", "--from-file", "-", "--skip-existing"]
    return Work("register, kind file", words, files, given(half, half))


def register_dir(size=SIZE):
    """A folder with a file for each value."""
    config = '[inventory.dev]\nkind = "dir"\npath = "mounted"\n'
    files = {"stackref.toml": config, "a.stack.yaml": stack(names(size)), "mounted/s0/k": f"{CANARY} 0"}
    words = ["register", "--from-file", "-", "--skip-existing"]
    return Work("register, kind dir", words, files, given(size - 1, 1))


def fix(size=SIZE):
    """Many files with one thing to mend in each."""
    files = {f"team-{at % 4}/{at}.stack.yaml": stack(names(20), unquoted=True) for at in range(size)}
    return Work("check --fix", ["check", "--fix", "--level", "none"], files, modes=dict.fromkeys(files, 0o644))


def report(size=SIZE):
    """A report over one of an earlier run."""
    summary = dict.fromkeys(["files", "references", "errors", "warnings", "ignored", "fixable"], 0)
    before = json.dumps({"version": 1, "findings": [], "summary": summary}, indent=2) + "\n"
    files = {"a.stack.yaml": stack(names(3 * size), unquoted=True), "report.json": before}
    words = ["check", "--level", "none", "--exit-zero", "--format", "json", "--output", "report.json"]
    return Work("check --output", words, files)


def report_below(size=SIZE):
    """The same, below a folder that is not walked: a walk that fails is a failure in the report."""
    work = report(size)
    files = {"reports/report.json" if path == "report.json" else path: text for path, text in work.files.items()}
    return Work(work.name, [*work.words[:-1], "reports/report.json", "a.stack.yaml"], files)


def baseline(size=SIZE):
    """A baseline that is not there yet."""
    files = {"a.stack.yaml": stack(names(3 * size), unquoted=True)}
    return Work("check --write-baseline", ["check", "--level", "none", "--write-baseline", "baseline.json"], files)


def init(size=SIZE):
    """A config and the hook beside it."""
    files = {"a.stack.yaml": stack(names(size)), ".pre-commit-config.yaml": "repos:\n- repo: local\n  hooks: []\n"}
    return Work("init", ["init", "--yes"], files)


def trust(size=SIZE):
    """A record beside those of other configs."""
    programs = "".join(f'[inventory.i{at}]\nkind = "command"\nnames = ["true", "{at}"]\n' for at in range(size))
    digest = "0" * 64
    records = [{"path": f"/elsewhere/{at}/stackref.toml", "sha256": digest, "requests": [digest]} for at in range(10 * size)]
    text = json.dumps({"version": 1, "configs": sorted(records, key=lambda record: record["path"])}, indent=2) + "\n"
    files = {"stackref.toml": programs, ".local/state/stackref/trust.json": text}
    return Work("trust", ["trust", "--yes"], files, env={"STACKREF_TRUST": "0"})


def create(size=SIZE):
    """The inventory that needs no config."""
    files = {"a.stack.yaml": stack(names(size // 3))}
    words = ["register", "--yes", "--from-file", "-"]
    empty = b"# The secrets of this project, for stackref. It contains values: never commit this file.\n"
    between = {"secrets.inventory.yaml": empty}
    return Work("register, a new file", words, files, given(size // 3), between=between)
