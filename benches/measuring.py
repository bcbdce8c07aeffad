"""Runs commands in pairs, and describes the machine.

The operating system measures the times and memory of a command and of the processes that it starts. Each run of another tool is
paired with a run of stackref, and they take turns at being first. The quoted ratio is the median of the ratios of all pairs: if
the machine is slow for a minute, it is slow for both.
"""
import dataclasses
import os
import pathlib
import platform
import subprocess
import tempfile
import time

from figures import Pairs, Run

# The seconds that one comparison may take. A slow command has fewer pairs, but at least one.
PATIENCE = 20


@dataclasses.dataclass
class Command:
    """A command, its folder, and the exit codes of a successful run."""

    name: str
    words: list
    folder: pathlib.Path
    status: tuple = (0,)
    env: dict | None = None


class Bench:
    """A temporary folder for the trees, and the program that measures (`measure.c`)."""

    def __init__(self, target, quick):
        self.quick = quick
        self.made = 0
        target.mkdir(parents=True, exist_ok=True)
        self.measure = target / "measure"
        source = pathlib.Path(__file__).with_name("measure.c")
        subprocess.run(["cc", "-O2", "-o", self.measure, source], check=True)
        self.temporary = tempfile.TemporaryDirectory(prefix="stackref-bench-")
        self.folder = pathlib.Path(self.temporary.name).resolve()
        repository = pathlib.Path(__file__).resolve().parent.parent
        if self.folder.is_relative_to(repository):
            raise SystemExit("the temporary folder is in the repository: set TMPDIR to another folder")

    def once(self, command):
        """Runs a command. `NEW` in its words becomes a new path, because file systems are slow where files were just deleted."""
        self.made += 1
        new = self.folder / f"new-{self.made}"
        result = self.folder / "result"
        words = [str(word).replace("NEW", str(new)) for word in command.words]
        null = subprocess.DEVNULL
        subprocess.run([self.measure, result, *words], cwd=command.folder, env=command.env, stdin=null, stdout=null,
                       stderr=null, check=True)
        status, wall, user, system, peak = map(int, result.read_text().split())
        if status not in command.status:
            raise SystemExit(f"`{command.name}` ended with {status}: {' '.join(words)[:300]}")
        return Run(wall / 1e9, (user + system) / 1e6, peak / 1024)

    def pairs(self, theirs, ours, most):
        """Runs up to `most` pairs, after one run of each to warm up. The first run of a slow command counts."""
        most, patience = (2, 3) if self.quick else (most, PATIENCE)
        started = time.monotonic()
        slow = self.once(theirs)
        self.once(ours)
        each = time.monotonic() - started
        result = Pairs([], []) if each < patience / 3 else Pairs([slow], [self.once(ours)])
        while len(result.ours) < min(most, max(1, int(patience / each))):
            order = [(theirs, result.theirs), (ours, result.ours)]
            for command, runs in order if len(result.ours) % 2 else reversed(order):
                runs.append(self.once(command))
        return result

    def close(self):
        self.temporary.cleanup()


def machine(folder):
    """Describes the machine in one line."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) / 2**20
    mounts = [line.split()[1:3] for line in open("/proc/mounts")]
    system = max((mount for mount in mounts if folder.is_relative_to(mount[0])), key=lambda mount: len(mount[0]))[1]
    load = os.getloadavg()[0]
    return (
        f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Linux {platform.release()}, {system}; "
        f"load at the start {load:.1f}"
    )
