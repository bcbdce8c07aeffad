"""Others who write at the same time: editors that come between reading and writing, and links that lead elsewhere."""
import contextlib
import json
import os
import pathlib
import pty
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import project
from project import CANARY, Moments, Place, Row, Verdict
from stopped import stopped

MARK = "# somebody was here\n"


def edit(path, in_place):
    """Adds a line as editors do: to the file itself, or with a new file in its place. Gives the whole text."""
    if in_place:
        with path.open("a") as file:
            file.write(MARK)
        return path.read_text()
    text = path.read_text() + MARK
    new = path.with_name(path.name + "~")
    new.write_text(text)
    os.replace(new, path)
    return text


def edited(run):
    """A store's own program edits the files while `--fix` waits for its answer: the fix has to see that."""
    files = project.fix(4).files
    table = '[inventory.store]\nkind = "command"\nnames = ["sh", "edit.sh"]\nkeys = ["sh", "keys.sh", "{secret}"]\n'
    files |= {"stackref.toml": table, "names.json": json.dumps([f"s{at}" for at in range(20)])}
    files |= {"edit.sh": "cat names.json\n", "keys.sh": "echo '[\"k\"]'\n"}
    place = Place(run.program, project.Work("edited", ["check", "--fix"], files), run.folder)
    stacks = [path for path in files if path.endswith(".stack.yaml")]
    row = Row("edited while a store answers: check --fix")
    for trial in range(max(4, run.trials // 10)):
        place.reset()
        ways = {"in place": f"printf '{MARK}' >> $f", "by a new file": f"{{ cat $f; printf '{MARK}'; }} > $f~ && mv $f~ $f"}
        way = list(ways.values())[trial % 2]
        (place.folder / "edit.sh").write_text(f"for f in {' '.join(stacks)}; do {way}; done\ncat names.json\n")
        ran = place.run()
        losses = project.said_wrong(ran, (2,))
        losses += [f"an edit of `{path}` is lost" for path in stacks if (place.folder / path).read_text() != files[path] + MARK]
        row.add(Verdict("old", len(place.leftovers()), losses))
    place.remove()
    yield row


def frozen(run):
    """A run is stopped at any moment (SIGSTOP), files are edited, and it goes on."""
    for make in [project.fix, project.register_file]:
        place = Place(run.program, make(run.size), run.folder)
        row = Row(f"stopped, edited, continued: {place.work.name}")
        moments = Moments(place)
        targets = place.written()
        for trial in range(run.trials):
            place.reset()
            process = place.start(stdin=project.on_disk(place.work.stdin))
            moments.wait(process)
            some = random.sample(targets, min(len(targets), 12))
            with stopped(process):
                texts = {path: edit(place.folder / path, trial % 2) for path in some}
            row.add(judge_edits(place, texts, place.finish(process, "")))
        place.remove()
        yield row


def delayed(run):
    """Edits in the one gap that no stop hits: `strace` delays the call that puts the new file in place of the old."""
    for work in [project.fix(1), project.register_file(4)]:
        row = Row(f"edited before the rename: {work.name}")
        place = Place(run.program, work, run.folder)
        target = place.written()[0]
        if not project.can_delay(place):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(max(4, run.trials // 10)):
            place.reset()
            process = place.start(before=project.DELAYED, stdin=project.on_disk(place.work.stdin))
            wait_for(place.is_staged, process)
            time.sleep(0.03)
            texts = {target: edit(place.folder / target, trial % 2)}
            row.add(judge_edits(place, texts, place.finish(process, "")))
        place.remove()
        yield row


def killed_after_edit(run):
    """An edit comes right before the exchange, and the run is killed right after it: any other command brings the edit back, or
    says where it is; git sees none of the values meanwhile."""
    for work, command in [(project.fix(1), ["check", "--level", "none", "--exit-zero"]), (project.register_file(4), ["inventory"])]:
        row = Row(f"edited before the exchange, killed after it: {work.name}")
        place = Place(run.program, work, run.folder)
        target = place.written()[0]
        if not project.can_delay(place):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(max(4, run.trials // 10)):
            place.reset()
            row.add(kill_after_edit(place, target, command, trial))
        place.remove()
        yield row


def kill_after_edit(place, target, command, trial):
    """Odd trials edit the file once more after the kill."""
    file = place.folder / target
    process = place.start(before=project.DELAYED_TWICE, stdin=project.on_disk(place.work.stdin))
    wait_for(place.is_staged, process)
    time.sleep(0.03)
    edited = edit(file, False)
    wait_for(lambda: MARK not in file.read_text(), process)
    for child in project.parts_of(process):
        os.kill(child, signal.SIGKILL)
    process.communicate()
    if MARK in file.read_text():
        return Verdict("old", len(place.leftovers()), [])
    losses = seen_by_git(place.folder)
    newer = file.read_text() + "# newer\n"
    if trial % 2:
        file.write_text(newer)
    ran = place.run(words=command)
    losses += project.said_wrong(ran, (0,))
    if trial % 2:
        kept = [path for path in place.folder.rglob(".stackref-kept-*/*") if path.is_file() and path.read_text() == edited]
        if file.read_text() != newer or not kept or str(kept[0].relative_to(place.folder)) not in ran.stderr:
            losses.append(f"an edit is lost, or not reported: {ran.stderr}")
        losses += seen_by_git(place.folder)
    elif file.read_text() != edited or place.leftovers():
        losses.append(f"an edit is not put back: {ran.stderr}")
    return Verdict("mixed", len(place.leftovers()), losses)


def seen_by_git(folder):
    """What `git add -A` would take of staging folders."""
    if not shutil.which("git"):
        return []
    git = ["git", "-c", "safe.directory=*", "-c", "core.fsync=none"]
    subprocess.run([*git, "init", "-q", folder], check=True)
    ran = subprocess.run([*git, "-C", folder, "add", "-A", "--dry-run"], capture_output=True, text=True, check=True)
    shutil.rmtree(folder / ".git")
    return [f"git would take {line}" for line in ran.stdout.splitlines() if ".stackref-" in line]


def killed_after_exchange(run):
    """A run is killed when its outputs are new and the old texts are not removed yet. Git sees none of them, and any other command
    that reads the folder removes them."""
    works = [(project.register_file(4), ["inventory"]), (project.register_dir(4), ["inventory"]), (project.fix(4), ["check", "--level", "none", "--exit-zero"])]
    works += [(project.render_folder(8), ["render", "-o", "out"])]
    for work, command in works:
        row = Row(f"killed before old versions are removed: {work.name}")
        place = Place(run.program, work, run.folder)
        if not project.can_delay(place):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for _ in range(max(4, run.trials // 10)):
            place.reset()
            process = place.start(before=project.DELAYED_TWICE, stdin=project.on_disk(place.work.stdin))
            first = place.folder / place.written()[0]
            wait_for(lambda: first.read_bytes() == place.new[place.written()[0]], process)
            for child in project.parts_of(process):
                os.kill(child, signal.SIGKILL)
            process.communicate()
            verdict = place.judge()
            verdict.losses += seen_by_git(place.folder)
            if not verdict.left:
                verdict.losses.append("the run was killed too late: nothing is shown")
            verdict.losses += project.said_wrong(place.run(words=command), (0,))
            if place.leftovers():
                verdict.losses.append("the next command does not remove what was left")
            row.add(verdict)
        place.remove()
        yield row


def wait_for(holds, process):
    """Waits until something holds, or the process has ended."""
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            if holds():
                return
        time.sleep(0.001)


def judge_edits(place, texts, ran):
    """Each edited file is as its editor left it, or that with what the run adds; all others are old or new."""
    losses = project.said_wrong(ran, (0, 2))
    now = place.snapshot()
    for path, text in texts.items():
        found = now.pop(path).decode()
        if MARK not in found:
            losses.append(f"{place.work.name}: an edit of `{path}` is lost")
        elif found not in (text, with_edit(place.old[path]), with_edit(place.new[path])) and not grown(place, found):
            losses.append(f"{place.work.name}: `{path}` is neither what its editor left nor that with what was to be added")
        now[path] = place.new[path] if ran.returncode == 0 else place.old[path]
    verdict = place.judge(now)
    if verdict.left:
        losses.append("temporary files are left behind by a run that came to its end")
    verdict.losses += losses
    return verdict


def with_edit(content):
    return content.decode() + MARK


def grown(place, found):
    """Whether an inventory has all its lines, old and new, around those of the edit."""
    lines = found.splitlines()
    return "kind file" in place.work.name and set(place.new["secrets.yaml"].decode().splitlines()) <= set(lines)


def typed(run):
    """Somebody edits the inventory while another types a value at a terminal: both are there in the end."""
    files = {"stackref.toml": project.CONFIG, "a.stack.yaml": project.stack(["s0.k", "s1.k"]), "secrets.yaml": project.values(1)}
    words = ["register", "--from-file", "-", "--skip-existing"]
    place = Place(run.program, project.Work("register", words, files, project.given(1, 1)), run.folder)
    row = Row("edited during a prompt: register")
    for trial in range(max(4, run.trials // 10)):
        place.reset()
        row.add(type_once(place, trial))
    place.remove()
    yield row


def type_once(place, trial):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [place.program, "register", "--skip-existing"], cwd=place.folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env={"PATH": os.environ["PATH"], "TERM": "dumb"}, start_new_session=True,
    )
    os.close(theirs)
    late = threading.Timer(project.LONGEST, process.kill)
    late.start()
    said = read_until(ours, b"s1.k")
    inventory = place.folder / "secrets.yaml"
    # The other edits a comment, or stores the same key, which then stays.
    same_key = trial % 3 == 0
    if same_key:
        with inventory.open("a") as file:
            file.write(f"s1:\n  k: '{CANARY} theirs'\n")
    else:
        edit(inventory, trial % 2)
    os.write(ours, f"{CANARY} typed\n".encode())
    said += read_until(ours, None)
    process.wait()
    late.cancel()
    os.close(ours)
    text = inventory.read_text()
    how = f"{process.returncode} (-9: it took more than {project.LONGEST} s)"
    losses = [] if process.returncode == 0 else [f"register at a terminal ends with {how}: {said!r}"]
    if same_key and (f"{CANARY} theirs" not in text or f"{CANARY} typed" in text or b"in the meantime" not in said):
        losses.append("register at a terminal replaces a key that came meanwhile")
    if not same_key and (MARK not in text or f"{CANARY} typed" not in text):
        losses.append("register at a terminal loses an edit, or what was typed")
    if CANARY.encode() in said:
        losses.append("register at a terminal shows a value")
    return Verdict("new", len(place.leftovers()), losses)


def read_until(terminal, words):
    """What a terminal shows, up to some words or to its end."""
    shown = b""
    with contextlib.suppress(OSError):
        while words is None or words not in shown:
            piece = os.read(terminal, 4096)
            if not piece:
                break
            shown += piece
    return shown


@contextlib.contextmanager
def victim(place, below, content):
    """A folder elsewhere with files of the same names; it has to stay what it is."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=place.folder.parent))
    for path in sorted(place.new):
        if path.startswith(below + "/"):
            target = folder / pathlib.Path(path).relative_to(below)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content(place, path))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextlib.contextmanager
def swapping(folder, elsewhere):
    """Puts a link to elsewhere in place of a folder, and takes it away again, all the time that the block runs."""
    over = threading.Event()
    aside = folder.with_name(f".{folder.name}.aside")

    def swap():
        while not over.is_set():
            os.rename(folder, aside)
            os.symlink(elsewhere, folder)
            time.sleep(random.uniform(0, 0.002))
            os.unlink(folder)
            os.rename(aside, folder)
            time.sleep(random.uniform(0, 0.002))

    thread = threading.Thread(target=lambda: quietly(swap))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        restore(folder, aside)


def quietly(work):
    """A run that makes the folder anew in the moment in which it is away ends the swapping."""
    with contextlib.suppress(OSError):
        work()


def restore(folder, aside):
    if folder.is_symlink():
        folder.unlink()
    if aside.exists():
        for path in aside.rglob("*"):
            if path.is_file() and folder.exists():
                target = folder / path.relative_to(aside)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    os.rename(path, target)
        if folder.exists():
            shutil.rmtree(aside)
        else:
            os.rename(aside, folder)


def swapped(run):
    """A folder that is written to is replaced by a link to elsewhere, over and over: what is there stays as it is. Where a
    command was given the path itself, a link in it is followed; so there the files elsewhere are none that it would replace."""
    below = {project.render_folder: "out/team-1", project.fix: "team-1", project.register_dir: "mounted/s0"}
    for make, folder in below.items():
        yield swap_often(run, make, folder, lambda place, path: b"theirs\n", "other files")
        yield swap_often(run, make, folder, lambda place, path: place.old.get(path, b""), "identical files")
    yield swap_often(run, project.report_below, "reports", lambda place, path: b"theirs\n", "other files")


def swap_often(run, make, below, theirs, alike):
    place = Place(run.program, make(run.size), run.folder)
    row = Row(f"folder replaced by a link to {alike}: {place.work.name}")
    with victim(place, below, theirs) as elsewhere:
        before = contents(elsewhere)
        for _ in range(run.trials):
            place.reset()
            with swapping(place.folder / below, elsewhere):
                ran = place.run(stdin=project.on_disk(place.work.stdin))
            verdict = place.judge()
            verdict.losses += project.said_wrong(ran, (0, 1, 2))
            if contents(elsewhere) != before:
                verdict.losses.append("something is written behind a link")
                rewrite(elsewhere, before)
            verdict.losses = [f"{place.work.name}: {loss}" for loss in verdict.losses]
            row.add(verdict)
    place.remove()
    return row


def rewrite(folder, files):
    shutil.rmtree(folder)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def links(run):
    """Links where files are written: at the target, to nothing, in a circle; and a target that becomes one meanwhile."""
    place = Place(run.program, project.render_folder(12), run.folder)
    row = Row("links to a file, dangling, circular: render, check")
    elsewhere = pathlib.Path(tempfile.mkdtemp(dir=run.folder))
    moments = Moments(place)
    for trial in range(run.trials):
        place.reset()
        row.add([link_meanwhile, link_to_nothing, link_circle][trial % 3](place, elsewhere, moments))
    shutil.rmtree(elsewhere)
    place.remove()
    yield row


def link_meanwhile(place, elsewhere, moments):
    """The target becomes a link: the link is replaced, or stays; what it leads to is not touched."""
    theirs = elsewhere / "theirs"
    theirs.write_text("theirs\n")
    target = place.folder / "out/team-1/1.stack.yaml"
    process = place.start()
    moments.wait(process)
    # At one moment, since the render may write there between two.
    link = elsewhere / "link"
    link.symlink_to(theirs)
    link.replace(target)
    ran = place.finish(process)
    now = place.snapshot()
    if target.is_symlink():
        now["out/team-1/1.stack.yaml"] = place.old["out/team-1/1.stack.yaml"]
    verdict = place.judge(now)
    verdict.losses += project.said_wrong(ran, (0, 2))
    if theirs.read_text() != "theirs\n":
        verdict.losses.append("render writes behind a link")
    return verdict


def link_to_nothing(place, elsewhere, moments):
    """A dangling link as target, and as the folder of one: nothing is made where it points to."""
    nothing = elsewhere / "nothing"
    (place.folder / "out/team-1/1.stack.yaml").unlink()
    (place.folder / "out/team-1/1.stack.yaml").symlink_to(nothing)
    shutil.rmtree(place.folder / "out/team-2")
    (place.folder / "out/team-2").symlink_to(nothing)
    ran = place.run()
    losses = project.said_wrong(ran, (2,))
    if nothing.exists():
        losses.append("render makes what a dangling link points to")
    (place.folder / "out/team-2").unlink()
    return Verdict("old", len(place.leftovers()), losses)


def link_circle(place, elsewhere, moments):
    """Links in a circle, among the inputs and the outputs."""
    (place.folder / "team-1/round").symlink_to("../team-1")
    (place.folder / "team-1/round.stack.yaml").symlink_to("round.stack.yaml")
    checked = place.run(words=["check"])
    losses = project.said_wrong(checked, (0,))
    (place.folder / "out/team-3/3.stack.yaml").unlink()
    (place.folder / "out/team-3/3.stack.yaml").symlink_to("3.stack.yaml")
    rendered = place.run()
    losses += project.said_wrong(rendered, (0,))
    for name in ["round", "round.stack.yaml"]:
        (place.folder / "team-1" / name).unlink()
    verdict = place.judge()
    verdict.losses += losses
    return verdict
