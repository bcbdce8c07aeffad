#!/usr/bin/env python3
"""Runs fuzz targets with libFuzzer: `run.py BINARIES [OPTIONS] [SECONDS] [TARGET…]`. `run.sh` builds them first.

Examples:

    fuzz/run.sh 10                        # each target for 10 seconds
    fuzz/run.sh 60 render fix             # two targets for a minute each
    fuzz/run.sh --runs 1000000 render     # a number of executions
    fuzz/run.sh --total 3600              # all targets in an hour
    fuzz/run.sh --minimize 600            # ten minutes each, then writes fuzz/corpora

One target runs on each processor. Inputs have up to 512 bytes (those of slow targets fewer), and in the last eighth of a longer
run eight times as many. Inputs that fail are written to fuzz/artifacts/TARGET. README.md describes what to do with them.

A run begins with the archive of the target in fuzz/corpora, the small files of fixtures, and earlier findings. `--minimize` reduces the
corpus to the inputs that reach a branch which no smaller input reaches, and writes the archive again.

Each run is a line of fuzz/artifacts/results.tsv. `--write` writes the sums to the table in README.md. The exit code is 1 if an input
fails.
"""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import io
import lzma
import math
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
ROOT = FUZZ.parent
README = FUZZ / "README.md"
# The largest inputs, in bytes, and those of targets that need more time for each byte. A longer run has a part with larger inputs.
SHORT = 512
SHORT_OF_SLOW_TARGETS = {"check_python": 256, "session": 128}
LONG_FACTOR = 8
LONG_RUN_SECONDS, LONG_RUN_EXECUTIONS = 60, 100_000
COLUMNS = ["target", "executions", "seconds", "commit", "findings", "corpus", "edges"]


@dataclasses.dataclass
class Result:
    """The figures of a target. The seconds are those of a processor."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    commit: str = ""
    findings: int = 0
    corpus: int = 0
    edges: int = 0

    def add(self, later):
        self.executions += later.executions
        self.seconds += later.seconds
        self.findings += later.findings
        self.commit = later.commit
        self.corpus = later.corpus or self.corpus
        self.edges = max(self.edges, later.edges)

    def speed(self):
        return round(self.executions / self.seconds) if self.seconds else 0


def archive(target):
    return FUZZ / "corpora" / f"{target}.tar.xz"


def unpack(target, folder):
    """Writes the inputs of an archive to a folder. libFuzzer names an input by its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    if not archive(target).exists():
        return
    with tarfile.open(archive(target)) as files:
        for member in files:
            text = files.extractfile(member).read()
            (folder / hashlib.sha1(text).hexdigest()).write_bytes(text)


def pack(target, folder):
    """Writes the inputs of a folder to an archive, with the same bytes for the same inputs."""
    texts = sorted((path.read_bytes() for path in folder.iterdir()), key=lambda text: (len(text), text))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as files:
        for number, text in enumerate(texts):
            member = tarfile.TarInfo(f"{number:05}")
            member.size = len(text)
            files.addfile(member, io.BytesIO(text))
    archive(target).parent.mkdir(exist_ok=True)
    archive(target).write_bytes(lzma.compress(packed.getvalue(), preset=9 | lzma.PRESET_EXTREME))


def seeds(target, folder):
    """Copies the seeds of a target to a folder, each once."""
    own = FUZZ / "seeds" / target
    places = [own] if own.is_dir() else [ROOT / "fixtures"]
    for place in [*places, FUZZ / "regressions"]:
        for path in place.rglob("*"):
            if path.is_file() and path.stat().st_size <= SHORT:
                text = path.read_bytes()
                (folder / hashlib.sha1(text).hexdigest()).write_bytes(text)


def short_length(target):
    return SHORT_OF_SLOW_TARGETS.get(target, SHORT)


def parts_of_run(args, target):
    """Yields the limits of the parts of a run, and the lengths of their inputs."""
    option, total, least = ("-runs", args.runs, LONG_RUN_EXECUTIONS) if args.runs else ("-max_total_time", args.seconds, LONG_RUN_SECONDS)
    long = total // 8 if total >= least else 0
    short = short_length(target)
    for amount, length in [(total - long, short), (long, LONG_FACTOR * short)]:
        if amount:
            yield [f"{option}={amount}", f"-max_len={length}"]


def run_part(args, target, folders, limits):
    """Runs libFuzzer once, and returns the figures."""
    artifacts = FUZZ / "artifacts" / target
    artifacts.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    log = FUZZ / "artifacts" / f"{target}.log"
    options = [f"-artifact_prefix={artifacts}/", f"-dict={FUZZ / 'words.dict'}", "-timeout=20", "-print_final_stats=1"]
    # The entropic schedule takes as much time as a target, and finds no more branches in the same time.
    options += ["-entropic=0", "-reload=0"]
    with open(log, "wb") as out, tempfile.TemporaryDirectory(dir=memory_disk()) as files:
        command = [args.binaries / target, *folders, *options, *limits]
        # The only way to learn the processor time of one child.
        started = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": files})
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    edges = re.findall(r"cov: (\d+)", text)
    executions = re.search(r"number_of_executed_units: (\d+)", text)
    findings = set(artifacts.iterdir()) - before
    if started.returncode:
        print("\n".join(text.splitlines()[-40:]), file=sys.stderr)
    return Result(
        target,
        int(executions[1]) if executions else 0,
        usage.ru_utime + usage.ru_stime,
        findings=max(len(findings), int(started.returncode != 0)),
        edges=int(edges[-1]) if edges else 0,
    )


def memory_disk():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def run(args, target):
    """Runs a target, and returns the figures."""
    corpus = FUZZ / "corpus" / target
    unpack(target, corpus)
    result = Result(target)
    with tempfile.TemporaryDirectory(dir=memory_disk()) as folder:
        seeds(target, pathlib.Path(folder))
        for limits in parts_of_run(args, target):
            result.add(run_part(args, target, [corpus, folder], limits))
            if result.findings:
                break
        if args.minimize and not result.findings:
            minimize(args, target, [corpus, folder])
    result.corpus = len(list(corpus.iterdir()))
    result.commit = commit()
    return result


def minimize(args, target, folders):
    """Reduces a corpus to few small inputs that reach the same branches, and writes its archive."""
    corpus = folders[0]
    smaller = corpus.with_name(f"{target}.smaller")
    shutil.rmtree(smaller, ignore_errors=True)
    smaller.mkdir()
    options = ["-merge=1", "-use_counters=0", f"-max_len={short_length(target)}"]
    log = FUZZ / "artifacts" / f"{target}.merge.log"
    with open(log, "wb") as out, tempfile.TemporaryDirectory(dir=memory_disk()) as files:
        command = [args.binaries / target, *options, smaller, *folders]
        subprocess.run(command, stdout=out, stderr=out, env={**os.environ, "TMPDIR": files}, check=True)
    shutil.rmtree(corpus)
    smaller.rename(corpus)
    pack(target, corpus)


def commit():
    named = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return named.stdout.strip()


def read_results(path):
    """Returns the sums of the runs in a file, by target."""
    sums = {}
    for line in path.read_text().splitlines()[1:]:
        fields = dict(zip(COLUMNS, line.split("\t")))
        row = Result(
            fields["target"],
            int(fields["executions"]),
            float(fields["seconds"]),
            fields["commit"],
            *(int(fields.get(name) or 0) for name in COLUMNS[4:]),
        )
        sums.setdefault(row.target, Result(row.target)).add(row)
    return sums


def append_result(path, result):
    if not path.exists():
        path.write_text("\t".join(COLUMNS) + "\n")
    values = dataclasses.asdict(result) | {"seconds": f"{result.seconds:.1f}"}
    with open(path, "a") as out:
        out.write("\t".join(str(values[name]) for name in COLUMNS) + "\n")


def table(sums):
    """Returns the results as a table of Markdown."""
    lines = ["| target | executions | seconds | executions/s | corpus, files | edges | findings |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name in targets():
        if name in sums:
            it = sums[name]
            figures = [it.executions, round(it.seconds), it.speed(), it.corpus, it.edges, it.findings]
            lines.append(f"| `{name}` | {' | '.join(f'{figure:,}' for figure in figures)} |")
    return "\n".join(lines)


def write_table(sums):
    """Replaces the table of results in README.md."""
    text = README.read_text()
    pattern = r"\| target \| executions \|.*?\n(?=\n|\Z)"
    if not re.search(pattern, text, re.DOTALL):
        raise SystemExit(f"{README} has no table of results")
    README.write_text(re.sub(pattern, lambda _: table(sums) + "\n", text, count=1, flags=re.DOTALL))


def targets():
    return re.findall(r'^\[\[bin\]\]\nname = "(\w+)"', (FUZZ / "Cargo.toml").read_text(), re.MULTILINE)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", metavar="BINARIES", type=pathlib.Path, help="the folder of the built targets")
    parser.add_argument("words", metavar="SECONDS TARGET", nargs="*", help="the time of each target, and the targets (default: all)")
    parser.add_argument("--runs", type=int, metavar="N", help="stop each target after N executions, not after a time")
    parser.add_argument("--total", type=int, metavar="SECONDS", help="divide this time among the targets")
    parser.add_argument("--jobs", type=int, metavar="N", default=len(os.sched_getaffinity(0)), help="run N targets at a time")
    parser.add_argument("--minimize", action="store_true", help="minimize each corpus afterwards, and write fuzz/corpora")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE", default=FUZZ / "artifacts" / "results.tsv", help="append to this file")
    parser.add_argument("--write", action="store_true", help="write the sums of all runs in the results to README.md")
    args = parser.parse_intermixed_args()
    words = args.words
    args.seconds = int(words.pop(0)) if words and words[0].isdigit() else 0
    unknown = set(words) - set(targets())
    if unknown:
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}")
    if not (args.seconds or args.runs or args.total or args.minimize or args.write):
        parser.error("a number of seconds, `--runs`, `--total`, `--minimize` or `--write` is required")
    args.targets = words or targets()
    if args.total:
        args.seconds = args.total // math.ceil(len(args.targets) / args.jobs)
        if not args.seconds:
            parser.error("--total is less than a second for each target")
    return args


def main():
    args = arguments()
    (FUZZ / "artifacts").mkdir(exist_ok=True)
    # A finding must not write a core dump of several hundred megabytes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = []
    if args.seconds or args.runs or args.minimize:
        print(f"{'target':16} {'executions':>12} {'seconds':>9} {'per second':>11} {'corpus':>7} {'edges':>7}", flush=True)
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for result in pool.map(lambda target: run(args, target), args.targets):
                figures = f"{result.executions:12,} {result.seconds:9.1f} {result.speed():11,} {result.corpus:7,} {result.edges:7,}"
                print(f"{result.target:16} {figures}", flush=True)
                if result.executions:
                    append_result(args.results, result)
                failed += [result.target] * bool(result.findings)
    if args.write:
        write_table(read_results(args.results))
    if failed:
        raise SystemExit(f"inputs failed, see fuzz/artifacts: {', '.join(failed)}")


if __name__ == "__main__":
    main()
