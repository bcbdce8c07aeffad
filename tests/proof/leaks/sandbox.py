"""A temporary folder in which stackref runs, with a home, a folder for temporary files, and programs that record their calls.
All output and all files of a run are searched for values."""
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from watch import Watch

# Programs that stackref may start. A wrapper records each call, and then runs the real program if it is installed.
RECORDED = ["git", "sops", "store", "vi", "nano", "pinentry", "less"]
# Programs that may inherit credentials.
TRUSTED = ["sops", "store"]


@dataclasses.dataclass
class Row:
    """A row of the table."""

    runs: int = 0
    found: set = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class RunResult:
    """The exit code and output of a run."""

    code: int
    stdout: bytes
    stderr: bytes

    def __str__(self):
        return f"exit {self.code}\n{self.stdout.decode(errors='replace')[-800:]}\n{self.stderr.decode(errors='replace')[-800:]}"


class Sandbox:
    """The temporary folder, the program, and the results so far."""

    def __init__(self, stackref, canaries, quick):
        self.stackref, self.canaries, self.quick = stackref, canaries, quick
        self.scratch = tempfile.TemporaryDirectory(prefix="stackref-proof-")
        self.root = pathlib.Path(self.scratch.name)
        self.home, self.temporary, self.calls, self.programs = (self.root / name for name in ["home", "tmp", "calls", "bin"])
        for folder in [self.home, self.temporary, self.calls, self.programs]:
            folder.mkdir()
        self.rows, self.failures, self.notes = {}, [], {}
        self.seen_files, self.input_files = {}, set()
        # The command lines that were run, and the configs, for `surface.py`.
        self.commands_run, self.configs = set(), set()
        # The reason why the kind `aws` is not searched.
        self.has_no_aws = False
        # The project whose rendered files are readable by the group.
        self.group_readable_project = None
        self.projects = 0
        for name in RECORDED:
            self.record(name)
        self.watch = Watch(canaries.halves, self.home, self.temporary)

    def record(self, name, real=None):
        """Puts a wrapper on the PATH that records its arguments and environment, and then runs the real program."""
        real = real or shutil.which(name)
        run_program = f'exec "{real}" "$@"' if real else "exit 127"
        note = f'cp /proc/$$/cmdline "{self.calls}/$$.{name}.argv"; cp /proc/$$/environ "{self.calls}/$$.{name}.environ"'
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{note}\n{run_program}\n")
        program.chmod(0o755)

    def row(self, label):
        return self.rows.setdefault(label, Row())

    def expect(self, label, description, passed, detail=""):
        """Records a failure if a condition is false."""
        if not passed:
            self.failures.append(f"{label}: {description}")
            print(f"FAILED {label}: {description}\n{detail}", file=sys.stderr)

    def search(self, label, source, data, detail=""):
        """Searches bytes for values."""
        names = self.canaries.found_in(data)
        self.row(label).found |= names
        self.expect(label, f"{source} contains {', '.join(sorted(names))}", not names, detail)

    def project(self, files=(), git=False):
        """Creates a folder with files. These files may contain values."""
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
        if name == "stackref.toml" and isinstance(content, str):
            self.configs.add(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        path.chmod(0o600)
        self.seen_files[path] = file_id(path)
        self.input_files.add(path)

    def environment(self, more=None):
        base = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "EDITOR": "vi",
            "PAGER": "less",
            "RUST_BACKTRACE": "full",
            # `stores.urls_and_credentials` tests untrusted configs.
            "STACKREF_TRUST": "1",
            "RUST_LOG": "trace",
            "RUST_LIB_BACKTRACE": "1",
            "SSLKEYLOGFILE": str(self.temporary / "keys"),
        }
        return {**base, **(more or {})}

    def run(self, label, project, *args, env=None, stdin=b"", value_streams=(), value_files=(), codes=None, limits=None, shell=None):
        """Runs the program, and searches its output, its files and the calls of other programs.

        - `value_streams`: the streams that may contain values.
        - `value_files`: prefixes of the paths in the project that may contain values.
        - `codes`: the expected exit codes; any if `None`.
        - `shell`: a command line for `sh` in which `"$@"` is the program.
        """
        env = self.environment(env)
        self.commands_run.add(tuple(map(str, args)))
        command = [self.stackref, *args]
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
            self.expect(label, f"{args} exits within 60 s", False)
        result = RunResult(process.returncode, stdout, stderr)
        self.search_run(label, project, args, result, env, value_streams, value_files)
        if codes is not None:
            self.expect(label, f"{args} exits with one of {codes}", result.code in codes, result)
        return result

    def search_run(self, label, project, args, result, env, value_streams=(), value_files=()):
        """Searches the output of a run, new files, and the calls of other programs."""
        self.row(label).runs += 1
        detail = f"{args} in {project}"
        for stream in ["stdout", "stderr"]:
            if stream not in value_streams:
                self.search(label, stream, getattr(result, stream), f"{detail}: {result}")
        self.search_files(label, project, args, value_files)
        self.search_calls(env)

    def search_files(self, label, project, args, value_files):
        for folder in [project, self.home, self.temporary]:
            for path in folder.rglob("*"):
                if ".git" in path.parts or not path.is_file() or self.seen_files.get(path) == file_id(path):
                    continue
                self.seen_files[path] = file_id(path)
                name = str(path.relative_to(folder))
                if not (folder == project and any(name.startswith(start) for start in value_files)):
                    self.search(label, f"the file {name}", path.read_bytes(), args)
                self.expect(label, f"{args} leaves no temporary file ({name})", not any(part.startswith(".stackref-") for part in path.parts))
        for path in [*self.home.iterdir(), *self.temporary.iterdir()]:
            self.expect("temporary files", f"{args} leaves {path} unchanged", path in self.input_files)

    def search_calls(self, env):
        """Searches the arguments and environments of the programs that were started. Those in `TRUSTED` may inherit variables."""
        passed_on = {f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in env.items()}
        for path in self.calls.iterdir():
            program, kind = path.name.split(".")[1:]
            data = path.read_bytes()
            label = f"{'arguments' if kind == 'argv' else 'environment'} of {program}"
            self.row(label).runs += 1
            if kind == "environ":
                entries = data.split(b"\0")
                inherited = passed_on.intersection(entries) if program in TRUSTED else set()
                if any(map(self.canaries.halves, inherited)):
                    self.notes[label] = "inherits its caller's variables, including credentials"
                data = b"\0".join(entry for entry in entries if entry not in inherited)
            self.search(label, f"the {kind} of {program}", data)
            path.unlink()


def file_id(path):
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size
