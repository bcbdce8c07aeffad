"""The figures of runs, and the raw data that `peers.py` saves and `report.py` reads.

The raw data contains every run of every comparison: the wall clock and the CPU time in microseconds, and the peak memory in KiB.
Each comparison is one line of the file.
"""
import dataclasses
import json
import pathlib
import statistics

DATA = pathlib.Path(__file__).resolve().parent / "data/peers.json"


@dataclasses.dataclass
class Run:
    """The times in seconds and the peak memory in MiB of one run."""

    wall: float
    cpu: float
    peak: float

    def pack(self):
        return [round(self.wall * 1e6), round(self.cpu * 1e6), round(self.peak * 1024)]

    @classmethod
    def unpack(cls, figures):
        wall, cpu, peak = figures
        return cls(wall / 1e6, cpu / 1e6, peak / 1024)


@dataclasses.dataclass
class Pairs:
    """The runs of two commands. Those with the same index are a pair."""

    theirs: list
    ours: list

    def ratio(self, field):
        """Returns how many times as much the other command takes: the median of the pairs."""
        return statistics.median(getattr(a, field) / max(getattr(b, field), 1e-6) for a, b in zip(self.theirs, self.ours))


@dataclasses.dataclass
class Comparison:
    """A row of a table: a command, its work, the pairs of runs, and details such as the number of files."""

    command: str
    work: str
    pairs: Pairs
    details: dict = dataclasses.field(default_factory=dict)

    def pack(self):
        runs = {side: [run.pack() for run in getattr(self.pairs, side)] for side in ("theirs", "ours")}
        return {"command": self.command, "work": self.work, **self.details, **runs}

    @classmethod
    def unpack(cls, data):
        details = dict(data)
        command, work = details.pop("command"), details.pop("work")
        theirs, ours = ([Run.unpack(figures) for figures in details.pop(side)] for side in ("theirs", "ours"))
        return cls(command, work, Pairs(theirs, ours), details)


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def seconds(value):
    if value < 1:
        return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def times(value):
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def write(path, head, sections):
    """Writes raw data: a mapping that describes the run, and the comparisons of each section."""
    lines = ["{"]
    for name, value in head.items():
        lines.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},")
    lines += ['"runs": "[wall clock in µs, CPU time in µs, peak memory in KiB]",', '"sections": {']
    lists = []
    for name, rows in sections.items():
        texts = [json.dumps(row.pack(), ensure_ascii=False, separators=(",", ":")) for row in rows]
        lists.append(f"{json.dumps(name)}: [\n" + ",\n".join(texts) + "\n]")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ",\n".join(lists), "}", "}", ""]), encoding="utf-8")


def read(path=DATA):
    """Reads raw data. Returns the mapping that describes the run, and the comparisons of each section."""
    head = json.loads(path.read_text(encoding="utf-8"))
    sections = {name: [Comparison.unpack(row) for row in rows] for name, rows in head.pop("sections").items()}
    return head, sections
