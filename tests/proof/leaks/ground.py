"""Where the program is run: a scratch folder with a home, a place for temporary files, and programs that write down how they
were called. Everything that a run says or leaves behind is searched for canaries."""
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from watch import Watch

# Programs that stackref may start, each recorded before the real one is run, if there is one.
RECORDED = ["git", "sops", "store", "vi", "nano", "pinentry", "less"]
# Those that need the credentials of their caller.
TRUSTED = ["sops", "store"]


@dataclasses.dataclass
class Row:
    """A line of the table."""

    runs: int = 0
    found: set = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class Ran:
    """What a run said."""

    code: int
    stdout: bytes
    stderr: bytes

    def __str__(self):
        return f"exit {self.code}\n{self.stdout.decode(errors='replace')[-800:]}\n{self.stderr.decode(errors='replace')[-800:]}"


class Ground:
    """A scratch folder, the program, and what was looked at so far."""

    def __init__(self, stackref, canaries, quick):
        self.stackref, self.canaries, self.quick = stackref, canaries, quick
        self.scratch = tempfile.TemporaryDirectory(prefix="stackref-proof-")
        self.root = pathlib.Path(self.scratch.name)
        self.home, self.temporary, self.calls, self.programs = (self.root / name for name in ["home", "tmp", "calls", "bin"])
        for folder in [self.home, self.temporary, self.calls, self.programs]:
            folder.mkdir()
        self.rows, self.failures, self.remarks = {}, [], {}
        self.known, self.given = {}, set()
        # The project in which a group may read what is rendered.
        self.of_group = None
        self.projects = 0
        for name in RECORDED:
            self.record(name)
        self.watch = Watch(canaries.halves, self.home, self.temporary)

    def record(self, name, real=None):
        """Puts a program on the PATH that writes down its arguments and environment, and then is the real one."""
        real = real or shutil.which(name)
        goes_on = f'exec "{real}" "$@"' if real else "exit 127"
        note = f'cp /proc/$$/cmdline "{self.calls}/$$.{name}.argv"; cp /proc/$$/environ "{self.calls}/$$.{name}.environ"'
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{note}\n{goes_on}\n")
        program.chmod(0o755)

    def row(self, place):
        return self.rows.setdefault(place, Row())

    def expect(self, place, what, holds, detail=""):
        """Notes what has to hold for the proof to be one."""
        if not holds:
            self.failures.append(f"{place}: {what}")
            print(f"FAILED {place}: {what}\n{detail}", file=sys.stderr)

    def look(self, place, where, data, detail=""):
        """Searches some bytes."""
        names = self.canaries.found(data)
        self.row(place).found |= names
        self.expect(place, f"{where} shows {', '.join(sorted(names))}", not names, detail)

    def project(self, files=(), git=False):
        """A new folder with files; those hold values rightly."""
        self.projects += 1
        project = self.root / f"p{self.projects}"
        project.mkdir()
        for name, content in dict(files).items():
            self.write(project, name, content)
        if git:
            subprocess.run(["git", "init", "-q", str(project)], check=True, env=self.environment())
        self.watch.add(project)
        return project

    def write(self, project, name, content):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        path.chmod(0o600)
        self.known[path] = identity(path)
        self.given.add(path)

    def environment(self, more=None):
        base = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "EDITOR": "vi",
            "PAGER": "less",
            "RUST_BACKTRACE": "full",
            # What an untrusted config says is looked at in `stores.addresses`.
            "STACKREF_TRUST": "1",
            "RUST_LOG": "trace",
            "RUST_LIB_BACKTRACE": "1",
            "SSLKEYLOGFILE": str(self.temporary / "keys"),
        }
        return {**base, **(more or {})}

    def run(self, place, project, *words, env=None, stdin=b"", shows=(), holds=(), codes=None, limits=None, shell=None):
        """Runs the program, and searches what it said and left behind.

        `shows`: the streams that may hold values. `holds`: what may hold them in the project. `codes`: how it has to end for the
        run to be the one that is meant. `shell`: a command line for `sh` in which `"$@"` is the program.
        """
        env = self.environment(env)
        command = [self.stackref, *words]
        if shell:
            command = ["sh", "-c", shell, "sh", *command]
        process = subprocess.Popen(
            command, cwd=project, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limits
        )
        try:
            stdout, stderr = process.communicate(stdin, timeout=60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            stdout, stderr = process.communicate()
            self.expect(place, f"{words} ends", False)
        ran = Ran(process.returncode, stdout, stderr)
        self.searched(place, project, words, ran, env, shows, holds)
        if codes is not None:
            self.expect(place, f"{words} ends with {codes}", ran.code in codes, ran)
        return ran

    def searched(self, place, project, words, ran, env, shows=(), holds=()):
        """Searches what a run said, the files that are new, and how it called programs."""
        self.row(place).runs += 1
        detail = f"{words} in {project}"
        for stream in ["stdout", "stderr"]:
            if stream not in shows:
                self.look(place, stream, getattr(ran, stream), f"{detail}: {ran}")
        self.files(place, project, words, holds)
        self.called(env)

    def files(self, place, project, words, holds):
        for folder in [project, self.home, self.temporary]:
            for path in folder.rglob("*"):
                if ".git" in path.parts or not path.is_file() or self.known.get(path) == identity(path):
                    continue
                self.known[path] = identity(path)
                name = str(path.relative_to(folder))
                if not (folder == project and any(name.startswith(start) for start in holds)):
                    self.look(place, f"the file {name}", path.read_bytes(), words)
                self.expect(place, f"{words} leaves no temporary file ({name})", not any(part.startswith(".stackref-") for part in path.parts))
        for path in [*self.home.iterdir(), *self.temporary.iterdir()]:
            self.expect("temporary files", f"{words} leaves {path} in peace", path in self.given)

    def called(self, env):
        """Searches the arguments and the environment of the programs that were started. What a trusted one has of its caller is
        its own."""
        mine = {f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in env.items()}
        for path in self.calls.iterdir():
            program, kind = path.name.split(".")[1:]
            data = path.read_bytes()
            place = f"{'arguments' if kind == 'argv' else 'environment'} of {program}"
            self.row(place).runs += 1
            if kind == "environ":
                entries = data.split(b"\0")
                own = mine.intersection(entries) if program in TRUSTED else set()
                if any(map(self.canaries.halves, own)):
                    self.remarks[place] = "inherits its caller's variables, including credentials"
                data = b"\0".join(entry for entry in entries if entry not in own)
            self.look(place, f"the {kind} of {program}", data)
            path.unlink()


def identity(path):
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
