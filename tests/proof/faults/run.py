#!/usr/bin/env python3
"""Injects faults into runs of stackref: `run.py STACKREF [--trials N] [--quick] [--only FAULT] [--write FILE]`.

The script kills the built program, fills its disk, makes its folders read-only, removes and edits its files at the same time,
replaces folders by links, ends its stores, and starts it several times at once. After each trial it checks that:

- every file has its old or its new content, byte by byte,
- edits by others are still there,
- temporary files that a kill leaves are private, and the next run removes them,
- no output contains a value.

Each command that writes files (`project.COMMANDS`) has a row for each of the main faults: a kill, a full disk, read-only folders,
changes by another program, and two runs at once. These rows have the most trials. Files and free blocks are few, so that the faults
strike often; each of these rows notes how often.

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
import signal
import subprocess
import sys
import tempfile
import time

# For `loopback` and `stopped`.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import changes
import meanwhile
import project
import shortage
import stores
from project import Moments, Workspace, Row
from stopped import is_stopped

MANY_FILES = [project.render_folder, project.register_dir, project.fix, project.fix_commands, project.add_ignores, project.rename]
MANY_FILES += [project.snapshots]
FEW_FILES = [project.render_file, project.register_file, project.report, project.baseline, project.init, project.create]
FEW_FILES += [project.matrix_page, project.trust]


def killed_runs(run):
    """`kill -9` at random moments. Afterwards, the next run must write the same files as a run without faults."""
    for make in MANY_FILES + FEW_FILES:
        workspace = Workspace(run.program, make(run.size), run.folder if make in MANY_FILES else run.disk)
        row = Row(f"kill -9: {workspace.scenario.name}")
        moments = Moments(workspace)
        for _ in range(run.trials_of(make)):
            kill_once(workspace, moments, row)
        row.report_midway("of the kills came between the first and the last write")
        workspace.remove()
        yield row


def kill_once(workspace, moments, row):
    workspace.reset()
    process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin))
    moments.wait(process)
    process.kill()
    process.communicate()
    verdict = workspace.evaluate()
    verdict.losses += workspace.completion_losses()
    verdict.losses = [f"{workspace.scenario.name}: {loss}" for loss in verdict.losses]
    row.add(verdict)


def concurrent_runs(run):
    """Two and five runs at once, of the same command or of two."""
    for make in [*project.COMMANDS, project.fix_commands, project.register_dir, project.matrix_page]:
        yield from identical_runs(run, make)
    yield from different_runs(run)
    yield from two_inventories(run)
    yield from render_during_fix(run)
    yield from register_of_one_key(run)


def identical_runs(run, make):
    """Several identical runs. Afterwards, the files are the same as after one run."""
    for number in (2, 5):
        workspace = Workspace(run.program, make(run.size), run.folder)
        row = Row(f"{number} at once: {workspace.scenario.name}")
        # A secret that another run has renamed is unknown.
        codes = (0, 1, 2) if make is project.rename else (0, 2)
        for _ in range(run.trials_of(make) if number == 2 else run.trials):
            workspace.reset()
            processes, is_midway = start_together(workspace, [(workspace.scenario.args, workspace.scenario.stdin)] * number)
            ended = [workspace.finish(process, "") for process in processes]
            verdict = workspace.evaluate()
            verdict.losses += [loss for result in ended for loss in project.exit_losses(result, codes)]
            if verdict.state != "new":
                verdict.losses.append("the files differ from those of one run")
            if verdict.left:
                verdict.losses.append("temporary files are left")
            verdict.losses = [f"{workspace.scenario.name}: {loss}" for loss in verdict.losses]
            row.add(verdict, is_midway)
        row.report_midway("of the trials ran at the same moment")
        workspace.remove()
        yield row


# Stops itself before it becomes the program.
GATE = ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]


def start_together(workspace, runs):
    """Starts runs with these arguments and inputs at the same moment. Returns them, and whether all ran at once."""
    processes = [workspace.start(args=args, wrapper=GATE, stdin=project.on_disk(text)) for args, text in runs]
    while not all(is_stopped(process) for process in processes):
        time.sleep(0.0005)
    for process in processes:
        process.send_signal(signal.SIGCONT)
    return processes, all(process.poll() is None for process in processes)


def different_runs(run):
    """Two runs of one command that change the same files differently. Each run that exits with 0 must have its effect."""
    for scenario, other in [two_renames(run.size), two_configs(run.size), two_registers(run.size)]:
        workspace = Workspace(run.program, scenario, run.folder)
        runs = [(scenario.args, scenario.stdin), other]
        states = {(): [workspace.old]}
        for order in [(0,), (1,), (0, 1), (1, 0)]:
            workspace.reset()
            for args, text in [runs[at] for at in order]:
                workspace.run(args=args, stdin=project.on_disk(text))
            states.setdefault(tuple(sorted(order)), []).append(workspace.snapshot())
        row = Row(f"2 at once: {scenario.name}")
        for _ in range(run.thorough_trials):
            workspace.reset()
            processes, is_midway = start_together(workspace, runs)
            ended = [workspace.finish(process, "") for process in processes]
            effective = tuple(at for at in (0, 1) if ended[at].returncode == 0)
            losses = [loss for result in ended for loss in project.exit_losses(result, (0, 2))]
            if workspace.snapshot() not in states[effective]:
                losses.append("the files do not have exactly the changes of the runs that exit with 0")
            state = ["old", "mixed", "new"][len(effective)]
            losses = [f"{scenario.name}: {loss}" for loss in losses]
            row.add(project.Verdict(state, len(workspace.leftovers()), losses), is_midway)
        row.report_midway("of the trials ran at the same moment")
        workspace.remove()
        yield row


def two_renames(size):
    """`rename` of two secrets that the same files use."""
    scenario = project.rename(size)
    return project.Scenario("rename of two secrets", scenario.args, scenario.files), (["rename", "s1", "also-renamed", "--merge"], "")


def two_configs(size):
    """`trust` of two configs, whose records are in one file."""
    files = {path.replace("stackref.toml", "a/stackref.toml"): text for path, text in project.trust(size).files.items()}
    files["b/stackref.toml"] = files["a/stackref.toml"]
    scenario = project.Scenario("trust of two configs", ["trust", "--yes", "a"], files, env=project.trust(size).env)
    return scenario, (["trust", "--yes", "b"], "")


def two_registers(size):
    """`register` of different secrets in one inventory file."""
    half = size // 2
    files = {"stackref.toml": project.CONFIG, "secrets.yaml": project.values(1), "a.stack.yaml": project.stack(project.names(1 + 2 * half))}
    args = ["register", "--from-file", "-", "--partial"]
    first, second = project.register_input(half, 1), project.register_input(half, 1 + half)
    return project.Scenario("register of different keys", args, files, first), (args, second)


def two_inventories(run):
    """Renders with different values into one folder. Afterwards, all files come from the same run."""
    scenario = project.render_folder(run.size)
    files = {f"{at}.yaml": project.values(50, f" of {at}") for at in range(4)}
    workspace = Workspace(run.program, project.Scenario("render, four inventories", scenario.args, scenario.files | files), run.folder)
    row = Row("4 at once: render with different values")
    for _ in range(run.trials):
        workspace.reset()
        processes = [workspace.start([*scenario.args, "--inventory", name]) for name in files]
        ended = [workspace.finish(process) for process in processes]
        losses = [loss for result in ended for loss in project.exit_losses(result, (0, 2))]
        now = {path: content for path, content in workspace.snapshot().items() if path.startswith("out/")}
        complete = [at for at in range(4) if all(f" of {at} ".encode() in content for content in now.values())]
        if len(complete) != 1 or any(f" of {at} ".encode() in content for at in range(4) if at not in complete for content in now.values()):
            losses.append(f"{scenario.name}: the files come from several runs")
        if workspace.leftovers():
            losses.append(f"{scenario.name}: temporary files are left")
        row.add(project.Verdict("new", len(workspace.leftovers()), losses))
    workspace.remove()
    yield row


def render_during_fix(run):
    """`render` during `check --fix`. It must read each file before or after the fix, but never a partial one."""
    files = project.fix(run.size).files
    files["stackref.toml"] = project.CONFIG
    files["secrets.yaml"] = project.values(50)
    padded = {path: text.replace("{{", "'{{ ").replace("}}", " }}'").replace("0.98.0", "0.39.0") for path, text in files.items()}
    padded = {path: text if path.endswith(".stack.yaml") else files[path] for path, text in padded.items()}
    scenario = project.Scenario("render during --fix", ["check", "--fix", "--exit-zero"], padded)
    workspace = Workspace(run.program, scenario, run.folder)
    row = Row("2 at once: render and --fix")
    for _ in range(run.trials):
        workspace.reset()
        processes = [workspace.start(), workspace.start(["render", "-o", "out"])]
        fixed, rendered = (workspace.finish(process) for process in processes)
        now = workspace.snapshot()
        outputs = {path: now.pop(path) for path in list(now) if path.startswith("out/")}
        verdict = workspace.evaluate_exit(fixed, (0,), now=now)
        verdict.losses += project.exit_losses(rendered, (0, 1, 2))
        if any(b"{{" in content or not content.endswith(b"0.39.0\n") for content in outputs.values()):
            verdict.losses.append("a rendered file is incomplete")
        row.add(verdict)
    workspace.remove()
    yield row


def register_of_one_key(run):
    """Two runs register different values for the same missing key. Only the run whose value is stored may report that it is."""
    mounted = '[inventory.dev]\nkind = "dir"\npath = "mounted"\n'
    for kind, config, target in [("file", project.CONFIG, "secrets.yaml"), ("dir", mounted, "mounted/s1/k")]:
        files = {"stackref.toml": config, "a.stack.yaml": project.stack(["s1.k"])}
        files |= {"secrets.yaml": project.values(1), "mounted/s0/k": project.CANARY}
        args = ["register", "--from-file", "-", "--skip-existing"]
        workspace = Workspace(run.program, project.Scenario("register", args, files, project.register_input(1, 1)), run.folder)
        row = Row(f"2 at once: register of one key, kind {kind}")
        is_slow = project.can_delay(workspace)
        for trial in range(run.trials):
            workspace.reset()
            row.add(register_twice(workspace, target, project.DELAYED if is_slow and trial % 5 == 0 else ()))
        workspace.remove()
        yield row


def register_twice(workspace, target, wrapper):
    register_input = {name: f'"s1": {{"k": "{project.CANARY} {name}"}}\n' for name in ("first", "second")}
    processes = {name: workspace.start(wrapper=wrapper, stdin=project.on_disk(text)) for name, text in register_input.items()}
    ended = {name: workspace.finish(process, "") for name, process in processes.items()}
    content = (workspace.folder / target).read_text()
    kept = [name for name in ended if f"{project.CANARY} {name}" in content]
    reported = [name for name, result in ended.items() if "stored `s1`" in result.stderr]
    losses = [loss for result in ended.values() for loss in project.exit_losses(result, (0, 2))]
    if kept != reported:
        losses.append(f"register of one key: the value of {kept} is stored, but {reported} reported it as stored")
    return project.Verdict("new", len(workspace.leftovers()), losses)


FAULTS = [
    killed_runs, shortage.full_disk, shortage.file_size, shortage.read_only, shortage.removed_files,
    meanwhile.changed_meanwhile, changes.edited_while_waiting, changes.edited_while_stopped, shortage.irreplaceable_targets,
    shortage.without_exchange, changes.killed_after_edit, changes.killed_after_exchange,
    changes.edited_before_rename, changes.edited_during_prompt, changes.links,
    changes.replaced_folders, stores.failing_stores, stores.killed_programs, concurrent_runs,
]  # fmt: skip


def table(rows):
    """Returns the rows as a Markdown table."""
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

Each command that writes files has a row with many trials for each of these faults:

| fault | a trial | afterwards |
|---|---|---|
| `kill -9` | kills a run at a random moment | each file has its old or its new content, and the next run completes the work |
| full disk | leaves a random number of free blocks | the run has written everything, or reports that it has not |
| read-only | makes random folders or files read-only, before the run or at a random moment of it | the same; if a run could not undo its changes, the next run completes the work |
| changed meanwhile | another program edits, replaces, removes and creates a few files at a random moment | each change is still there, and no file is partial |
| 2 at once | starts two runs at the same moment | the files are those of one run, or have the changes of both |

`check --fix` changes stack files, and *check --fix, commands* changes shell scripts, Makefiles, Markdown and notebooks.
`check --add-ignores` changes the same except notebooks, which have no comments.

- *All old* counts trials in which every file had its old content, *all new* those in which every file had its new content.
  *Both* counts trials with some of each.
- *Temporary files* counts trials that left some. They must be private, and the next run must remove them.
- The note says how often the fault struck midway. If it never did in {enough} trials or more, the row fails.

Power cuts are not tested.

Written on {date}, with stackref {version}, on {machine}.

{totals}

{table}
"""


def page(rows, program):
    result = subprocess.run([program, "-V"], capture_output=True, text=True, check=True)
    machine = f"{platform.system()} {platform.release()} ({platform.machine()}, {os.cpu_count()} cores)"
    date = datetime.date.today().isoformat()
    return PAGE.format(enough=project.ENOUGH, date=date, version=result.stdout.split()[-1], machine=machine, totals=totals(rows), table=table(rows).rstrip())


def totals(rows):
    trials, losses = sum(row.trials for row in rows), sum(len(row.losses) for row in rows)
    return f"{trials} trials, {losses} losses."


class Run:
    """The arguments of all faults: the program, its folders, and the number of trials."""

    def __init__(self, arguments, folder, disk):
        self.thorough_trials = 10 if arguments.quick else arguments.trials
        # Other rows have fewer trials. Those that take seconds have only a few.
        self.trials = max(self.thorough_trials // 10, min(self.thorough_trials, 10))
        self.few = max(self.trials // 10, 2)
        self.size = project.SIZE // 3 if arguments.quick else project.SIZE
        self.is_child = arguments.json
        self.folder, self.disk = folder, disk
        # Other users also run the program, and many containers do not permit running programs from the memory disk.
        self.program = str(shutil.copy(arguments.stackref, disk / "stackref"))
        os.chmod(self.program, 0o755)
        for parent in (folder, disk):
            parent.chmod(0o711)

    def trials_of(self, make):
        """Returns the number of trials of a scenario in a fault that every command needs."""
        return self.thorough_trials if make in project.COMMANDS else self.trials

    def in_namespace(self, fault):
        """Returns the rows of a fault that needs root. This script runs it in a user namespace. Returns no rows if namespaces are
        not permitted."""
        unshare = ["unshare", "--map-root-user", "--mount"]
        if self.is_child or not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
            return []
        args = [*unshare, sys.executable, __file__, self.program, "--trials", str(self.thorough_trials), "--only", fault, "--json"]
        result = subprocess.run(args, stdout=subprocess.PIPE, text=True)
        if not result.stdout:
            raise RuntimeError(f"{fault}, in a namespace, exits with {result.returncode} and prints no rows")
        return [Row(**row) for row in json.loads(result.stdout)]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stackref", metavar="STACKREF", type=pathlib.Path, help="the program")
    parser.add_argument("--trials", type=int, default=500, metavar="N", help="trials of each command and main fault (default: 500); other rows get a tenth")
    parser.add_argument("--quick", action="store_true", help="10 trials of each row")
    parser.add_argument("--only", default="", metavar="FAULT", choices=[fault.__name__ for fault in FAULTS], help="only this fault")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    parser.add_argument("--write", type=pathlib.Path, metavar="FILE", help="also write the table to a page")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
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
            for row in fault(run):
                rows.append(row)
                seconds, started = time.monotonic() - started, time.monotonic()
                outcome = f"{row.trials} trials, {len(row.losses)} losses" if row.trials else f"NOT RUN: {row.note}"
                print(f"{row.fault}: {outcome} ({seconds:.1f} s)", file=sys.stderr, flush=True)
                for loss in row.losses[:3]:
                    print(f"  LOST: {loss}", file=sys.stderr, flush=True)
        if arguments.write:
            arguments.write.write_text(page(rows, run.program))
    print(json.dumps([vars(row) for row in rows]) if arguments.json else f"{table(rows)}\n{totals(rows)}")
    sys.exit(1 if any(row.losses for row in rows) else 0)


if __name__ == "__main__":
    main()
