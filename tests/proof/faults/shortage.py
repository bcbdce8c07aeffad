"""Tests missing resources: disk space, permissions, and files and folders that are removed during a run."""
import contextlib
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile

import project
from project import NOBODY, Moments, Workspace, Row

BLOCK = 4096
WRITING = [project.render_file, project.render_folder, project.register_file, project.register_dir, project.fix]
WRITING += [project.fix_commands, project.add_ignores, project.report, project.baseline, project.init, project.create]
WRITING += [project.snapshots, project.matrix_page, project.rename, project.trust]
# Commands that write each file independently, so a failure of one does not affect the others.
ONE_BY_ONE = ("check --fix", "check --fix, commands", "check --add-ignores", "init", "register, a new file")
# Those of them that edit many files.
EDITING = [project.fix, project.fix_commands, project.add_ignores]


@contextlib.contextmanager
def mounted_disk(parent, size):
    """Mounts a memory disk of `size` bytes. Yields `None` if this machine does not permit it."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=parent))
    args = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", folder]
    mounted = shutil.which("mount") and subprocess.run(args, capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def full_disk(run):
    """A disk with only a few free blocks. The run must write everything, or report that it did not."""
    with mounted_disk(run.folder, 1 << 20) as disk:
        is_allowed = disk is not None
    if not is_allowed:
        yield from run.in_namespace("full_disk") or [Row("full disk", note="cannot mount a disk here")]
        return
    for make in WRITING:
        scenario = make(run.size)
        row = Row(f"full disk: {scenario.name}")
        with mounted_disk(run.folder, 12 << 20) as disk:
            workspace = Workspace(run.program, scenario, disk)
            needs = [len(workspace.new[path]) // BLOCK + 2 for path in workspace.written()]
            # Files that are edited one by one need room for a few of them at a time.
            need = max(needs) + 2 if make in EDITING else sum(needs)
            for _ in range(run.trials_of(make)):
                workspace.reset()
                blocks = random.randint(0, need + 1)
                with filled(disk, blocks):
                    result = workspace.run(stdin=project.on_disk(scenario.stdin, run.folder))
                verdict = workspace.evaluate_exit(result, all_or_nothing=scenario.name not in ONE_BY_ONE)
                row.add(verdict, is_midway=blocks > 1 and result.returncode != 0)
            workspace.remove()
        row.report_midway("of the runs had room for something, but not for everything")
        yield row


@contextlib.contextmanager
def filled(disk, blocks):
    """Fills a disk except for some blocks."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        room = os.statvfs(disk).f_bavail - blocks
        os.posix_fallocate(file.fileno(), 0, max(1, room) * BLOCK)
    try:
        yield
    finally:
        ballast.unlink()


def file_size(run):
    """A limit on the size of files, with and without SIGXFSZ."""
    for make in WRITING:
        workspace = Workspace(run.program, make(run.size), run.folder)
        row = Row(f"RLIMIT_FSIZE: {workspace.scenario.name}")
        largest = max(len(workspace.new[path]) for path in workspace.written())
        for trial in range(run.trials):
            workspace.reset()
            max_bytes = random.randint(0, largest)
            result = workspace.run(preexec_fn=lambda: limit(max_bytes, trial % 2 == 0), stdin=project.on_disk(workspace.scenario.stdin, run.folder))
            row.add(workspace.evaluate_exit(result, all_or_nothing=workspace.scenario.name not in ONE_BY_ONE))
        workspace.remove()
        yield row


def limit(max_bytes, ignore_signal):
    """Sets the limit of a child process, and whether it ignores SIGXFSZ."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN if ignore_signal else signal.SIG_DFL)


def read_only(run):
    """Random folders and files that are read-only for a user who is not root, from the start or from a random moment."""
    user = NOBODY if os.geteuid() == 0 else None
    for make in WRITING:
        scenario = make(run.size)
        row = Row(f"read-only: {scenario.name}")
        try:
            workspace = Workspace(run.program, scenario, run.folder, user)
        except OSError as error:
            if user is None:
                raise
            row.note = f"root cannot become another user here: {error.strerror}"
            yield row
            continue
        moments, failed = Moments(workspace), 0
        ways = [read_only_folders, read_only_meanwhile, read_only_meanwhile]
        if scenario.name in ("check --fix", "check --fix, commands", "check --add-ignores", "register, kind file", "rename"):
            ways.append(read_only_files)
        for trial in range(run.trials_of(make)):
            workspace.reset()
            way = ways[trial % len(ways)]
            verdict, has_failed = way(workspace, moments)
            row.add(verdict, is_midway=has_failed and way is read_only_meanwhile)
            failed += has_failed
        row.report_midway(f"of the runs met it midway, {100 * (failed - row.midway) // row.trials} % at the start")
        workspace.remove()
        yield row


def some_of(paths):
    """Returns some of the paths, at least one."""
    return random.sample(paths, random.randint(1, len(paths)))


def target_folders(workspace):
    """Returns the existing folders of the files that a run writes, and those above."""
    folders = {folder for path in workspace.written() for folder in (workspace.folder / path).parents}
    return sorted(folder for folder in folders if folder.is_relative_to(workspace.folder) and folder.is_dir())


def read_only_folders(workspace, moments):
    """Folders that are read-only from the start. Returns the verdict, and whether the run failed."""
    folders = target_folders(workspace)
    some = some_of(folders)
    with modes(some, 0o555):
        result = workspace.run()
    verdict = workspace.evaluate_exit(result, all_or_nothing=workspace.scenario.name not in ONE_BY_ONE)
    now = workspace.snapshot()
    changed = [path for path in workspace.written() if (workspace.folder / path).parent in some and now.get(path) != workspace.old.get(path)]
    verdict.losses += [f"{workspace.scenario.name}: `{path}` is changed in a read-only folder" for path in changed]
    if len(some) == len(folders) and (result.returncode != 2 or verdict.state != "old"):
        verdict.losses.append(f"{workspace.scenario.name}: all folders are read-only, but it exits with {result.returncode}")
    return verdict, result.returncode != 0


def read_only_files(workspace, moments):
    """Files that are read-only from the start. The run must not replace them. Returns the verdict, and whether the run failed."""
    targets = [path for path in workspace.written() if path in workspace.old]
    some = some_of(targets)
    with modes([workspace.folder / path for path in some], 0o444):
        result = workspace.run()
    verdict = workspace.evaluate_exit(result, (2,), all_or_nothing=workspace.scenario.name not in ONE_BY_ONE)
    changed = [path for path in some if (workspace.folder / path).read_bytes() != workspace.old[path]]
    verdict.losses += [f"{workspace.scenario.name}: `{path}` is changed, but read-only" for path in changed]
    return verdict, result.returncode != 0


def read_only_meanwhile(workspace, moments):
    """Folders that become read-only at a random moment. The run cannot restore a file or remove temporary files there, so the next
    run must complete the work. Returns the verdict, and whether the run failed."""
    process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin))
    moments.wait(process)
    with modes(some_of(target_folders(workspace)), 0o555):
        result = workspace.finish(process, "")
    verdict = workspace.evaluate()
    verdict.losses += project.exit_losses(result, (0, 2))
    if result.returncode == 0 and verdict.state != "new":
        verdict.losses.append("it exits with 0, but has not written everything")
    if verdict.left or verdict.state != "new":
        verdict.losses += workspace.completion_losses()
    verdict.losses = [f"{workspace.scenario.name}: {loss}" for loss in verdict.losses]
    return verdict, result.returncode != 0


def irreplaceable_targets(run):
    """A target that cannot be replaced, from the start or from a random moment. The run must write everything or nothing."""
    for make in [project.render_folder, project.register_dir, project.fix]:
        scenario = make(run.size)
        workspace = Workspace(run.program, scenario, run.disk)
        row = Row(f"immutable file or mount point: {scenario.name}")
        moments = Moments(workspace)
        for trial in range(run.trials):
            workspace.reset()
            target = workspace.folder / random.choice(workspace.written())
            if make is project.register_dir:
                # No target exists, so block its folder.
                target = target.parent
                target.mkdir(exist_ok=True)
            with contextlib.ExitStack() as stack:
                process = None
                if trial % 3 == 2:
                    process = workspace.start(stdin=project.on_disk(scenario.stdin))
                    moments.wait(process)
                if not stack.enter_context(blocked(target, is_mounted=trial % 3 == 1)):
                    row.note = "partly: this machine does not permit all of it"
                result = workspace.finish(process, "") if process else workspace.run(stdin=project.on_disk(scenario.stdin))
            verdict = workspace.evaluate_exit(result, all_or_nothing=scenario.name not in ONE_BY_ONE)
            unchanged = ("no output was changed", "the file was not changed")
            if result.returncode and not any(args in " ".join(result.stderr.split()) for args in unchanged):
                verdict.losses.append(f"it does not report that nothing was changed: {result.stderr}")
            row.add(verdict)
        workspace.remove()
        yield row


@contextlib.contextmanager
def blocked(path, is_mounted):
    """Protects a file or folder from replacement during the block. Yields whether that succeeded."""
    on, off = (["mount", "--bind", path, path], ["umount", path]) if is_mounted else (["chattr", "+i", path], ["chattr", "-i", path])
    is_blocked = shutil.which(on[0]) and subprocess.run(on, capture_output=True).returncode == 0
    try:
        yield is_blocked
    finally:
        if is_blocked:
            subprocess.run(off, check=True)


def without_exchange(run):
    """A file system without exchange, with and without links. The results must be the same."""
    for make in [project.render_folder, project.register_file, project.register_dir, project.fix]:
        scenario = make(8)
        workspace = Workspace(run.program, scenario, run.folder)
        row = Row(f"file system without exchange: {scenario.name}")
        if not project.can_delay(workspace):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(run.few):
            workspace.reset()
            wrapper = [project.WITHOUT_EXCHANGE, project.WITHOUT_LINK][trial % 2]
            row.add(workspace.evaluate_exit(workspace.run(wrapper=wrapper, stdin=project.on_disk(scenario.stdin)), (0,)))
        workspace.remove()
        yield row


@contextlib.contextmanager
def modes(paths, mode):
    """Changes the mode of files and folders during the block."""
    before = {path: path.stat().st_mode & 0o7777 for path in paths}
    for path in paths:
        path.chmod(mode)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def removed_files(run):
    """Files and whole folders that are removed while a run reads and writes."""
    for make in [project.render_folder, project.fix, project.fix_commands, project.add_ignores, project.register_dir]:
        workspace = Workspace(run.program, make(run.size), run.folder)
        row = Row(f"files and folders removed: {workspace.scenario.name}")
        moments = Moments(workspace)
        for trial in range(run.trials):
            workspace.reset()
            row.add([remove_folder, remove_files][trial % 2](workspace, moments, run.folder))
        workspace.remove()
        yield row


def remove_folder(workspace, moments, parent):
    """Moves a folder. Its files must be old or new, and the run must not write to the new location."""
    name = random.choice([path.name for path in workspace.folder.iterdir() if path.is_dir()])
    away = pathlib.Path(tempfile.mkdtemp(dir=parent))
    process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin, parent))
    moments.wait(process)
    os.rename(workspace.folder / name, away / name)
    result = workspace.finish(process, "")
    recreated = [path for path in (workspace.folder / name).rglob("*") if path.is_file()]
    for path in recreated:
        # Files that the run created at the old location must be complete.
        target = away / name / path.relative_to(workspace.folder / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    shutil.rmtree(workspace.folder / name, ignore_errors=True)
    os.rename(away / name, workspace.folder / name)
    away.rmdir()
    verdict = workspace.evaluate()
    verdict.losses += project.exit_losses(result, (0, 1, 2))
    return verdict


def remove_files(workspace, moments, parent):
    """Removes a third of the files. The others must be old or new."""
    process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin, parent))
    moments.wait(process)
    removed = random.sample(sorted(workspace.old), len(workspace.old) // 3)
    for path in removed:
        (workspace.folder / path).unlink(missing_ok=True)
    result = workspace.finish(process, "")
    now = workspace.snapshot()
    restored = {path: workspace.old[path] for path in removed if path not in now}
    verdict = workspace.evaluate({**now, **restored})
    verdict.losses += project.exit_losses(result, (0, 1, 2))
    return verdict
