#!/usr/bin/env python3
"""Injects faults into runs of stackref: `run.py STACKREF [--trials N] [--quick] [--only FAULT] [--write FILE]`.

The script kills the built program, fills its disk, removes its files and folders, edits them at the same time, replaces folders by
links, ends its stores, and starts it several times at once. After each trial it checks that:

- every file has its old or its new content, byte by byte,
- edits by others are still there,
- temporary files that a kill leaves are private, and the next run removes them,
- no output contains a value.

Each fault is a row of the table that the script prints. The exit code is 1 if anything was lost. A fault that this machine does not
allow is a row `not run`, not a loss.

Most folders are on a memory disk if there is one, because there are many trials. Kills of a run that writes one file need a slower
disk. The script does not test power cuts. Servers bind to loopback, and end with their trial.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

# What both proofs use lies above them.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import changes
import project
import shortage
import stores
from project import Moments, Place, Row

MANY_FILES = [project.render_folder, project.register_dir, project.fix]
FEW_FILES = [project.render_file, project.register_file, project.report, project.baseline, project.init, project.create]
FEW_FILES += [project.trust]


def killed(run):
    """`kill -9` at moments of the whole run; afterwards the next run makes what an undisturbed one makes."""
    for make in MANY_FILES + FEW_FILES:
        place = Place(run.program, make(run.size), run.folder if make in MANY_FILES else run.disk)
        row = Row(f"kill -9: {place.work.name}")
        moments = Moments(place)
        for _ in range(run.trials):
            kill_once(place, moments, row)
        row.note = f"{100 * row.midway // row.trials} % of the kills came between the first and the last write"
        if row.trials >= 100 and not row.midway:
            row.losses.append("no kill came between the first write and the last: nothing is shown")
        place.remove()
        yield row


def kill_once(place, moments, row):
    place.reset()
    process = place.start(stdin=project.on_disk(place.work.stdin))
    moments.wait(process)
    process.kill()
    process.communicate()
    verdict = place.judge()
    ran = place.run()
    # A config or an inventory that the killed run has made is not made again.
    is_made = place.work.name == "init" and "` already exists" in ran.stderr
    if ran.returncode != 0 and not is_made:
        verdict.losses.append(f"the next run ends with {ran.returncode}: {' '.join(ran.stderr.split())[:300]}")
    if place.judge().state != "new" and not is_made:
        verdict.losses.append("the next run does not make what an undisturbed one makes")
    verdict.losses = [f"{place.work.name}: {loss}" for loss in verdict.losses]
    row.add(verdict)


def at_once(run):
    """Two and five runs at once, of one kind or of two."""
    for make in [project.fix, project.render_folder, project.register_file, project.register_dir]:
        yield from several(run, make)
    yield from two_inventories(run)
    yield from render_beside_fix(run)
    yield from one_key_twice(run)


def several(run, make):
    """The same run several times: in the end everything is as one run makes it."""
    for number in (2, 5):
        place = Place(run.program, make(run.size), run.folder)
        row = Row(f"{number} at once: {place.work.name}")
        for _ in range(run.trials):
            place.reset()
            processes = [place.start(stdin=project.on_disk(place.work.stdin)) for _ in range(number)]
            ended = [place.finish(process, "") for process in processes]
            verdict = place.judge()
            verdict.losses += [loss for ran in ended for loss in project.said_wrong(ran, (0, 2))]
            if verdict.state != "new":
                verdict.losses.append("not everything is as one of them makes it")
            if verdict.left:
                verdict.losses.append("temporary files are left behind")
            verdict.losses = [f"{place.work.name}: {loss}" for loss in verdict.losses]
            row.add(verdict)
        place.remove()
        yield row


def two_inventories(run):
    """Renders with different values into one folder: what is there in the end comes from one of them."""
    work = project.render_folder(run.size)
    files = {f"{at}.yaml": project.values(50, f" of {at}") for at in range(4)}
    place = Place(run.program, project.Work("render, four inventories", work.words, work.files | files), run.folder)
    row = Row("4 at once: render with different values")
    for _ in range(run.trials):
        place.reset()
        processes = [place.start([*work.words, "--inventory", name]) for name in files]
        ended = [place.finish(process) for process in processes]
        losses = [loss for ran in ended for loss in project.said_wrong(ran, (0, 2))]
        now = {path: content for path, content in place.snapshot().items() if path.startswith("out/")}
        whole = [at for at in range(4) if all(f" of {at} ".encode() in content for content in now.values())]
        if len(whole) != 1 or any(f" of {at} ".encode() in content for at in range(4) if at not in whole for content in now.values()):
            losses.append(f"{work.name}: a mixture of several runs")
        if place.leftovers():
            losses.append(f"{work.name}: temporary files are left behind")
        row.add(project.Verdict("new", len(place.leftovers()), losses))
    place.remove()
    yield row


def render_beside_fix(run):
    """What is rendered is the file before or after the fix; a file that is mended half-way is never seen."""
    files = project.fix(run.size).files
    files["stackref.toml"] = project.CONFIG
    files["secrets.yaml"] = project.values(50)
    padded = {path: text.replace("{{", "'{{ ").replace("}}", " }}'").replace("0.98.0", "0.39.0") for path, text in files.items()}
    padded = {path: text if path.endswith(".stack.yaml") else files[path] for path, text in padded.items()}
    work = project.Work("render beside --fix", ["check", "--fix", "--exit-zero"], padded)
    place = Place(run.program, work, run.folder)
    row = Row("2 at once: render and --fix")
    for _ in range(run.trials):
        place.reset()
        processes = [place.start(), place.start(["render", "-o", "out"])]
        fixed, rendered = (place.finish(process) for process in processes)
        now = place.snapshot()
        outputs = {path: now.pop(path) for path in list(now) if path.startswith("out/")}
        verdict = place.judge_ended(fixed, (0,), now=now)
        verdict.losses += project.said_wrong(rendered, (0, 1, 2))
        if any(b"{{" in content or not content.endswith(b"0.39.0\n") for content in outputs.values()):
            verdict.losses.append("something is rendered that is not whole")
        row.add(verdict)
    place.remove()
    yield row


def one_key_twice(run):
    """Two runs have two values for one key that is missing: one is stored, and the other run does not say that its own is."""
    mounted = '[inventory.dev]\nkind = "dir"\npath = "mounted"\n'
    for kind, config, target in [("file", project.CONFIG, "secrets.yaml"), ("dir", mounted, "mounted/s1/k")]:
        files = {"stackref.toml": config, "a.stack.yaml": project.stack(["s1.k"])}
        files |= {"secrets.yaml": project.values(1), "mounted/s0/k": project.CANARY}
        words = ["register", "--from-file", "-", "--skip-existing"]
        place = Place(run.program, project.Work("register", words, files, project.given(1, 1)), run.folder)
        row = Row(f"2 at once: register of one key, kind {kind}")
        is_slow = project.can_delay(place)
        for trial in range(run.trials):
            place.reset()
            row.add(store_twice(place, target, project.DELAYED if is_slow and trial % 5 == 0 else ()))
        place.remove()
        yield row


def store_twice(place, target, before):
    given = {who: f'"s1": {{"k": "{project.CANARY} {who}"}}\n' for who in ("first", "second")}
    processes = {who: place.start(before=before, stdin=project.on_disk(text)) for who, text in given.items()}
    ended = {who: place.finish(process, "") for who, process in processes.items()}
    content = (place.folder / target).read_text()
    kept = [who for who in ended if f"{project.CANARY} {who}" in content]
    proud = [who for who, ran in ended.items() if "stored `s1`" in ran.stderr]
    losses = [loss for ran in ended.values() for loss in project.said_wrong(ran, (0, 2))]
    if kept != proud:
        losses.append(f"register of one key: stored is the value of the {kept}, and said to be stored that of the {proud}")
    return project.Verdict("new", len(place.leftovers()), losses)


FAULTS = [killed, shortage.full_disk, shortage.file_size, shortage.read_only, shortage.vanishing, changes.edited, changes.frozen]
FAULTS += [shortage.irreplaceable, shortage.without_exchange, changes.killed_after_edit, changes.killed_after_exchange]
FAULTS += [changes.delayed, changes.typed, changes.links, changes.swapped, stores.dying, stores.killed_programs, at_once]


def table(rows):
    """The rows as a table of Markdown."""
    lines = ["| fault | trials | all old | both | all new | temporary files | lost | note |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|---|"]
    for row in rows:
        figures = [row.trials, row.old, row.mixed, row.new, row.left, len(row.losses)]
        cells = " | ".join(map(str, figures)) if row.trials else "not run | | | | | "
        lines.append(f"| {row.fault} | {cells} | {row.note} |")
    return "\n".join(lines) + "\n"


PAGE = """# Faults

This page shows that stackref loses no data when a run is killed or disturbed.

`just faults` injects each fault into runs of the built program and compares the files afterwards; `--write docs/dev/faults.md`
updates this page, and `--quick` takes less than a minute. `tests/proof/faults/run.py` describes the checks.

For example, `kill -9: check --fix` kills `check --fix` at a random moment. Afterwards, each file must have its old or its new
content, and the next run must complete the work.

- *All old* counts trials in which every file had its old content, *all new* those in which every file had its new content.
  *Both* counts trials with some of each.
- *Temporary files* counts trials that left some. They must be private, and the next run must remove them.

Power cuts are not tested.

Written on {date}, with stackref {version}, on {machine}.

{sums}

{table}
"""


def page(rows, program):
    ran = subprocess.run([program, "-V"], capture_output=True, text=True, check=True)
    machine = f"{platform.system()} {platform.release()} ({platform.machine()}, {os.cpu_count()} cores)"
    date = datetime.date.today().isoformat()
    return PAGE.format(date=date, version=ran.stdout.split()[-1], machine=machine, sums=sums(rows), table=table(rows).rstrip())


def sums(rows):
    trials, losses = sum(row.trials for row in rows), sum(len(row.losses) for row in rows)
    return f"{trials} trials, {losses} losses."


class Run:
    """What all faults are given: the program, a folder of their own, and how many trials to make."""

    def __init__(self, arguments, folder, disk):
        self.most = self.trials = 25 if arguments.quick else arguments.trials
        self.size = project.SIZE // 4 if arguments.quick else project.SIZE
        self.is_inside = arguments.json
        self.folder, self.disk = folder, disk
        # Another user runs it, too; and many containers let nothing be run from the memory disk.
        self.program = str(shutil.copy(arguments.stackref, disk / "stackref"))
        os.chmod(self.program, 0o755)
        for above in (folder, disk):
            above.chmod(0o711)

    def in_namespace(self, fault):
        """The rows of a fault that needs root, made by this script in a namespace of its own where it is root; none where that
        is not allowed, either."""
        unshare = ["unshare", "--map-root-user", "--mount"]
        if self.is_inside or not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
            return []
        words = [*unshare, sys.executable, __file__, self.program, "--trials", str(self.trials), "--only", fault, "--json"]
        ran = subprocess.run(words, stdout=subprocess.PIPE, text=True)
        if not ran.stdout:
            raise RuntimeError(f"{fault}, in a namespace of its own, ends with {ran.returncode} and without rows")
        return [Row(**row) for row in json.loads(ran.stdout)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stackref", metavar="STACKREF", type=pathlib.Path, help="the program")
    parser.add_argument("--trials", type=int, default=300, metavar="N", help="trials of each kill (default: 300); other faults get a sixth")
    parser.add_argument("--quick", action="store_true", help="25 trials of each fault")
    parser.add_argument("--only", default="", metavar="FAULT", choices=[fault.__name__ for fault in FAULTS], help="only this fault")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="also write the table to a page")
    return parser.parse_args()


def main():
    arguments = parse()
    memory = pathlib.Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    rows = []
    prefix = "stackref-faults-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as folder, tempfile.TemporaryDirectory(prefix=prefix) as disk:
        run = Run(arguments, pathlib.Path(folder), pathlib.Path(disk))
        for fault in FAULTS:
            if arguments.only not in ("", fault.__name__):
                continue
            started = time.monotonic()
            run.trials = run.most if fault is killed or run.is_inside else max(run.most // 6, min(run.most, 25))
            for row in fault(run):
                rows.append(row)
                seconds, started = time.monotonic() - started, time.monotonic()
                what = f"{row.trials} trials, {len(row.losses)} losses" if row.trials else f"NOT RUN: {row.note}"
                print(f"{row.fault}: {what} ({seconds:.1f} s)", file=sys.stderr, flush=True)
                for loss in row.losses[:3]:
                    print(f"  LOST: {loss}", file=sys.stderr, flush=True)
        if arguments.write:
            arguments.write.write_text(page(rows, run.program))
    print(json.dumps([vars(row) for row in rows]) if arguments.json else f"{table(rows)}\n{sums(rows)}")
    sys.exit(1 if any(row.losses for row in rows) else 0)


if __name__ == "__main__":
    main()
