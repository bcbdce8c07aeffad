"""What a run needs and does not get: space on the disk, the right to write, files and folders that stay where they are."""
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
from project import NOBODY, Moments, Place, Row

BLOCK = 4096
WRITING = [project.render_file, project.render_folder, project.register_file, project.register_dir, project.fix]
WRITING += [project.report, project.baseline, project.init, project.create]
# Each file by itself: some may be written when another cannot be.
ONE_BY_ONE = ("check --fix", "init", "register, a new file")


@contextlib.contextmanager
def small_disk(parent, size):
    """A disk of so many bytes, in memory; nothing where this machine does not allow it."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=parent))
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", folder]
    mounted = shutil.which("mount") and subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
        folder.rmdir()


def full_disk(run):
    """A disk that is full after some blocks more: everything is written, or it is said that it is not."""
    with small_disk(run.folder, 1 << 20) as disk:
        is_allowed = disk is not None
    if not is_allowed:
        yield from run.in_namespace("full_disk") or [Row("full disk", note="cannot mount a disk here")]
        return
    for make in WRITING:
        work = make(run.size)
        row = Row(f"full disk: {work.name}")
        with small_disk(run.folder, 12 << 20) as disk:
            place = Place(run.program, work, disk)
            need = sum(len(place.new[path]) // BLOCK + 2 for path in place.written())
            for _ in range(run.trials):
                place.reset()
                with filled(disk, random.randint(0, need + 1)):
                    ran = place.run(stdin=project.on_disk(work.stdin, run.folder))
                row.add(place.judge_ended(ran, whole=work.name not in ONE_BY_ONE))
            place.remove()
        yield row


@contextlib.contextmanager
def filled(disk, blocks):
    """Fills a disk up, but for some blocks."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        room = os.statvfs(disk).f_bavail - blocks
        os.posix_fallocate(file.fileno(), 0, max(1, room) * BLOCK)
    try:
        yield
    finally:
        ballast.unlink()


def file_size(run):
    """A limit on the size of files, with and without the signal that ends a process which meets it."""
    for make in WRITING:
        place = Place(run.program, make(run.size), run.folder)
        row = Row(f"RLIMIT_FSIZE: {place.work.name}")
        largest = max(len(place.new[path]) for path in place.written())
        for trial in range(run.trials):
            place.reset()
            most = random.randint(0, largest)
            ran = place.run(preexec_fn=lambda: limit(most, trial % 2 == 0), stdin=project.on_disk(place.work.stdin, run.folder))
            row.add(place.judge_ended(ran, whole=place.work.name not in ONE_BY_ONE))
        place.remove()
        yield row


def limit(most, is_quiet):
    """In the child: what it may write to a file, and whether a signal comes with it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN if is_quiet else signal.SIG_DFL)


def read_only(run):
    """Folders and files that may not be written to, for a user who is not root."""
    user = NOBODY if os.geteuid() == 0 else None
    for make in WRITING:
        work = make(run.size)
        row = Row(f"read-only: {work.name}")
        try:
            place = Place(run.program, work, run.folder, user)
        except OSError as error:
            if user is None:
                raise
            row.note = f"root cannot become another user here: {error.strerror}"
            yield row
            continue
        folders = {place.folder / path for path in place.written()}
        folders = {folder for path in folders for folder in path.parents if folder.is_relative_to(place.folder)}
        for trial in range(max(2, run.trials // 10)):
            place.reset()
            frozen = [folder for folder in folders if folder.is_dir()]
            with modes(frozen, 0o555):
                row.add(place.judge_ended(place.run(), (2,), whole=True))
            if work.name in ("check --fix", "register, kind file"):
                place.reset()
                with modes([place.folder / path for path in place.written()], 0o444):
                    row.add(place.judge_ended(place.run(), (2,), whole=True))
        place.remove()
        yield row


def irreplaceable(run):
    """A target that cannot be replaced, from the start or from some moment on: everything is written, or nothing."""
    for make in [project.render_folder, project.register_dir, project.fix]:
        work = make(run.size)
        place = Place(run.program, work, run.disk)
        row = Row(f"immutable file or mount point: {work.name}")
        moments = Moments(place)
        for trial in range(run.trials):
            place.reset()
            target = place.folder / random.choice(place.written())
            if make is project.register_dir:
                # Nothing is there to be replaced: its folder takes no new file.
                target = target.parent
                target.mkdir(exist_ok=True)
            with contextlib.ExitStack() as stack:
                process = None
                if trial % 3 == 2:
                    process = place.start(stdin=project.on_disk(work.stdin))
                    moments.wait(process)
                if not stack.enter_context(blocked(target, is_mounted=trial % 3 == 1)):
                    row.note = "partly: this machine does not allow all of it"
                ran = place.finish(process, "") if process else place.run(stdin=project.on_disk(work.stdin))
            verdict = place.judge_ended(ran, whole=work.name not in ONE_BY_ONE)
            unchanged = ("no output was changed", "the file was not changed")
            if ran.returncode and not any(words in " ".join(ran.stderr.split()) for words in unchanged):
                verdict.losses.append(f"it does not say what is left: {ran.stderr}")
            row.add(verdict)
        place.remove()
        yield row


@contextlib.contextmanager
def blocked(path, is_mounted):
    """Makes a file or a folder one that nothing can replace, as long as the block runs; gives whether that could be done."""
    on, off = (["mount", "--bind", path, path], ["umount", path]) if is_mounted else (["chattr", "+i", path], ["chattr", "-i", path])
    done = shutil.which(on[0]) and subprocess.run(on, capture_output=True).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(off, check=True)


def without_exchange(run):
    """A file system that knows no exchange, with and without links: the same comes out."""
    for make in [project.render_folder, project.register_file, project.register_dir, project.fix]:
        work = make(8)
        place = Place(run.program, work, run.folder)
        row = Row(f"file system without exchange: {work.name}")
        if not project.can_delay(place):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(max(4, run.trials // 10)):
            place.reset()
            before = [project.WITHOUT_EXCHANGE, project.WITHOUT_LINK][trial % 2]
            row.add(place.judge_ended(place.run(before=before, stdin=project.on_disk(work.stdin)), (0,)))
        place.remove()
        yield row


@contextlib.contextmanager
def modes(paths, mode):
    """Gives files and folders a mode for a while."""
    before = {path: path.stat().st_mode & 0o7777 for path in paths}
    for path in paths:
        path.chmod(mode)
    try:
        yield
    finally:
        for path, mode in before.items():
            path.chmod(mode)


def vanishing(run):
    """Files, and whole folders, that go away while a run reads and writes."""
    for make in [project.render_folder, project.fix, project.register_dir]:
        place = Place(run.program, make(run.size), run.folder)
        row = Row(f"files and folders removed: {place.work.name}")
        moments = Moments(place)
        for trial in range(run.trials):
            place.reset()
            row.add([without_folder, without_files][trial % 2](place, moments, run.folder))
        place.remove()
        yield row


def without_folder(place, moments, parent):
    """Moves a folder away; what was in it is old or new, and nothing comes to where it was moved."""
    name = random.choice([path.name for path in place.folder.iterdir() if path.is_dir()])
    away = pathlib.Path(tempfile.mkdtemp(dir=parent))
    process = place.start(stdin=project.on_disk(place.work.stdin, parent))
    moments.wait(process)
    os.rename(place.folder / name, away / name)
    ran = place.finish(process, "")
    strange = [path for path in (place.folder / name).rglob("*") if path.is_file()]
    for path in strange:
        # What was made anew where the folder was: it has to be whole.
        target = away / name / path.relative_to(place.folder / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    shutil.rmtree(place.folder / name, ignore_errors=True)
    os.rename(away / name, place.folder / name)
    away.rmdir()
    verdict = place.judge()
    verdict.losses += project.said_wrong(ran, (0, 1, 2))
    return verdict


def without_files(place, moments, parent):
    """Removes a third of the files; the others are old or new."""
    process = place.start(stdin=project.on_disk(place.work.stdin, parent))
    moments.wait(process)
    gone = random.sample(sorted(place.old), len(place.old) // 3)
    for path in gone:
        (place.folder / path).unlink(missing_ok=True)
    ran = place.finish(process, "")
    now = place.snapshot()
    back = {path: place.old[path] for path in gone if path not in now}
    verdict = place.judge({**now, **back})
    verdict.losses += project.said_wrong(ran, (0, 1, 2))
    return verdict
