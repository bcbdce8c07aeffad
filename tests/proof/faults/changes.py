"""Tests concurrent changes by others: edits between reading and writing, and folders replaced by links."""
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
from project import CANARY, Moments, Workspace, Row, Verdict
from stopped import stopped

MARK = "# somebody was here\n"


def edit(path, in_place):
    """Adds a line as editors do: in place, or with a new file that replaces the old one. Returns the whole text."""
    if in_place:
        with path.open("a") as file:
            file.write(MARK)
        return path.read_text()
    text = path.read_text() + MARK
    new = path.with_name(path.name + "~")
    new.write_text(text)
    os.replace(new, path)
    return text


def edited_while_waiting(run):
    """The program of an inventory edits the stack files while `--fix` waits for its answer. The fix must notice it."""
    files = project.fix(4).files
    table = '[inventory.store]\nkind = "command"\nnames = ["sh", "edit.sh"]\nkeys = ["sh", "keys.sh", "{secret}"]\n'
    files |= {"stackref.toml": table, "names.json": json.dumps([f"s{at}" for at in range(20)])}
    files |= {"edit.sh": "cat names.json\n", "keys.sh": "echo '[\"k\"]'\n"}
    workspace = Workspace(run.program, project.Scenario("edited", ["check", "--fix"], files), run.folder)
    stacks = [path for path in files if path.endswith(".stack.yaml")]
    row = Row("edited while a store answers: check --fix")
    for trial in range(run.few):
        workspace.reset()
        ways = {"in place": f"printf '{MARK}' >> $f", "by a new file": f"{{ cat $f; printf '{MARK}'; }} > $f~ && mv $f~ $f"}
        way = list(ways.values())[trial % 2]
        (workspace.folder / "edit.sh").write_text(f"for f in {' '.join(stacks)}; do {way}; done\ncat names.json\n")
        result = workspace.run()
        losses = project.exit_losses(result, (2,))
        losses += [f"an edit of `{path}` is lost" for path in stacks if (workspace.folder / path).read_text() != files[path] + MARK]
        row.add(Verdict("old", len(workspace.leftovers()), losses))
    workspace.remove()
    yield row


def edited_while_stopped(run):
    """Stops a run at a random moment (SIGSTOP), edits files, and continues the run."""
    for make in [project.fix, project.fix_commands, project.add_ignores, project.register_file]:
        workspace = Workspace(run.program, make(run.size), run.folder)
        row = Row(f"stopped, edited, continued: {workspace.scenario.name}")
        moments = Moments(workspace)
        targets = workspace.written()
        for trial in range(run.trials):
            workspace.reset()
            process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin))
            moments.wait(process)
            some = random.sample(targets, min(len(targets), 12))
            with stopped(process):
                texts = {path: edit(workspace.folder / path, trial % 2) for path in some}
            row.add(evaluate_edits(workspace, texts, workspace.finish(process, "")))
        workspace.remove()
        yield row


def edited_before_rename(run):
    """Edits a file right before it is replaced. `strace` delays the call that replaces it, because SIGSTOP rarely hits this moment."""
    for scenario in [project.fix(1), project.fix_commands(1), project.add_ignores(1), project.register_file(4)]:
        row = Row(f"edited before the rename: {scenario.name}")
        workspace = Workspace(run.program, scenario, run.folder)
        target = workspace.written()[0]
        if not project.can_delay(workspace):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(run.few):
            workspace.reset()
            process = workspace.start(wrapper=project.DELAYED, stdin=project.on_disk(workspace.scenario.stdin))
            wait_for(workspace.is_staged, process)
            time.sleep(0.03)
            texts = {target: edit(workspace.folder / target, trial % 2)}
            row.add(evaluate_edits(workspace, texts, workspace.finish(process, "")))
        workspace.remove()
        yield row


def killed_after_edit(run):
    """Edits a file right before the exchange, and kills the run right after it. The next command must restore the edit or report its
    path. Meanwhile, git must not add any temporary file."""
    for scenario, command in [(project.fix(1), ["check", "--level", "none", "--exit-zero"]), (project.register_file(4), ["inventory"])]:
        row = Row(f"edited before the exchange, killed after it: {scenario.name}")
        workspace = Workspace(run.program, scenario, run.folder)
        target = workspace.written()[0]
        if not project.can_delay(workspace):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for trial in range(run.few):
            workspace.reset()
            row.add(kill_after_edit(workspace, target, command, trial))
        workspace.remove()
        yield row


def kill_after_edit(workspace, target, command, trial):
    """Runs one trial. Odd trials edit the file again after the kill."""
    file = workspace.folder / target
    process = workspace.start(wrapper=project.DELAYED_TWICE, stdin=project.on_disk(workspace.scenario.stdin))
    wait_for(workspace.is_staged, process)
    time.sleep(0.03)
    edited = edit(file, False)
    wait_for(lambda: MARK not in file.read_text(), process)
    for child in project.child_pids(process):
        os.kill(child, signal.SIGKILL)
    process.communicate()
    if MARK in file.read_text():
        return Verdict("old", len(workspace.leftovers()), [])
    losses = git_losses(workspace.folder)
    newer = file.read_text() + "# newer\n"
    if trial % 2:
        file.write_text(newer)
    result = workspace.run(args=command)
    losses += project.exit_losses(result, (0,))
    if trial % 2:
        kept = [path for path in workspace.folder.rglob(".stackref-kept-*/*") if path.is_file() and path.read_text() == edited]
        if file.read_text() != newer or not kept or str(kept[0].relative_to(workspace.folder)) not in result.stderr:
            losses.append(f"an edit is lost, or not reported: {result.stderr}")
        losses += git_losses(workspace.folder)
    elif file.read_text() != edited or workspace.leftovers():
        losses.append(f"an edit is not restored: {result.stderr}")
    return Verdict("mixed", len(workspace.leftovers()), losses)


def git_losses(folder):
    """Returns an error for each file of a staging folder that `git add -A` would add."""
    if not shutil.which("git"):
        return []
    git = ["git", "-c", "safe.directory=*", "-c", "core.fsync=none"]
    subprocess.run([*git, "init", "-q", folder], check=True)
    result = subprocess.run([*git, "-C", folder, "add", "-A", "--dry-run"], capture_output=True, text=True, check=True)
    shutil.rmtree(folder / ".git")
    return [f"git would add: {line}" for line in result.stdout.splitlines() if ".stackref-" in line]


def killed_after_exchange(run):
    """Kills a run that has written its outputs, but not yet removed the old versions. Git must not add them, and the next command
    that reads the folder must remove them."""
    scenarios = [(project.register_file(4), ["inventory"]), (project.register_dir(4), ["inventory"]), (project.fix(4), ["check", "--level", "none", "--exit-zero"])]
    scenarios += [(project.render_folder(8), ["render", "-o", "out"])]
    for scenario, command in scenarios:
        row = Row(f"killed before old versions are removed: {scenario.name}")
        workspace = Workspace(run.program, scenario, run.folder)
        if not project.can_delay(workspace):
            row.note = "strace is not installed, or not permitted"
            yield row
            continue
        for _ in range(run.few):
            workspace.reset()
            process = workspace.start(wrapper=project.DELAYED_TWICE, stdin=project.on_disk(workspace.scenario.stdin))
            first = workspace.folder / workspace.written()[0]
            wait_for(lambda: first.read_bytes() == workspace.new[workspace.written()[0]], process)
            for child in project.child_pids(process):
                os.kill(child, signal.SIGKILL)
            process.communicate()
            verdict = workspace.evaluate()
            verdict.losses += git_losses(workspace.folder)
            if not verdict.left:
                verdict.losses.append("the run was killed too late, so this trial shows nothing")
            verdict.losses += project.exit_losses(workspace.run(args=command), (0,))
            if workspace.leftovers():
                verdict.losses.append("the next command does not remove the temporary files")
            row.add(verdict)
        workspace.remove()
        yield row


def wait_for(condition, process):
    """Waits until a condition is true, or the process has exited."""
    while process.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            if condition():
                return
        time.sleep(0.001)


def evaluate_edits(workspace, texts, result):
    """Checks that each edited file contains the edit, with or without the changes of the run, and that all others are old or new."""
    losses = project.exit_losses(result, (0, 2))
    now = workspace.snapshot()
    for path, text in texts.items():
        found = now.pop(path).decode()
        if MARK not in found:
            losses.append(f"{workspace.scenario.name}: an edit of `{path}` is lost")
        elif found not in (text, with_edit(workspace.old[path]), with_edit(workspace.new[path])) and not has_all_lines(workspace, found):
            losses.append(f"{workspace.scenario.name}: `{path}` is neither the edited file nor the edited file with the changes of the run")
        now[path] = workspace.new[path] if result.returncode == 0 else workspace.old[path]
    verdict = workspace.evaluate(now)
    if verdict.left:
        losses.append("a run that was not killed leaves temporary files")
    verdict.losses += losses
    return verdict


def with_edit(content):
    return content.decode() + MARK


def has_all_lines(workspace, found):
    """Returns whether an inventory file contains all old and new lines, in addition to the edit."""
    lines = found.splitlines()
    return "kind file" in workspace.scenario.name and set(workspace.new["secrets.yaml"].decode().splitlines()) <= set(lines)


def edited_during_prompt(run):
    """Edits the inventory during a prompt of `register`. Afterwards, it contains both the edit and the typed value."""
    files = {"stackref.toml": project.CONFIG, "a.stack.yaml": project.stack(["s0.k", "s1.k"]), "secrets.yaml": project.values(1)}
    args = ["register", "--from-file", "-", "--skip-existing"]
    workspace = Workspace(run.program, project.Scenario("register", args, files, project.register_input(1, 1)), run.folder)
    row = Row("edited during a prompt: register")
    for trial in range(run.few):
        workspace.reset()
        row.add(type_once(workspace, trial))
    workspace.remove()
    yield row


def type_once(workspace, trial):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [workspace.program, "register", "--skip-existing"], cwd=workspace.folder, stdin=terminal, stdout=terminal, stderr=terminal,
        env={"PATH": os.environ["PATH"], "TERM": "dumb"}, start_new_session=True,
    )
    os.close(terminal)
    timer = threading.Timer(project.TIMEOUT, process.kill)
    timer.start()
    output = read_until(controller, b"s1.k")
    inventory = workspace.folder / "secrets.yaml"
    # The edit adds a comment, or the same key. Then `register` must keep that key.
    same_key = trial % 3 == 0
    if same_key:
        with inventory.open("a") as file:
            file.write(f"s1:\n  k: '{CANARY} theirs'\n")
    else:
        edit(inventory, trial % 2)
    os.write(controller, f"{CANARY} typed\n".encode())
    output += read_until(controller, None)
    process.wait()
    timer.cancel()
    os.close(controller)
    text = inventory.read_text()
    how = f"{process.returncode} (-9: timeout of {project.TIMEOUT} s)"
    losses = [] if process.returncode == 0 else [f"register in a terminal exits with {how}: {output!r}"]
    if same_key and (f"{CANARY} theirs" not in text or f"{CANARY} typed" in text or b"in the meantime" not in output):
        losses.append("register in a terminal replaces a key that was added in the meantime")
    if not same_key and (MARK not in text or f"{CANARY} typed" not in text):
        losses.append("register in a terminal loses an edit or the typed value")
    if CANARY.encode() in output:
        losses.append("register in a terminal prints a value")
    return Verdict("new", len(workspace.leftovers()), losses)


def read_until(terminal, args):
    """Returns the output of a terminal, up to some words or to its end."""
    shown = b""
    with contextlib.suppress(OSError):
        while args is None or args not in shown:
            piece = os.read(terminal, 4096)
            if not piece:
                break
            shown += piece
    return shown


@contextlib.contextmanager
def foreign_folder(workspace, subfolder, content):
    """Creates another folder with files of the same names, which no run may change."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=workspace.folder.parent))
    for path in sorted(workspace.new):
        if path.startswith(subfolder + "/"):
            target = folder / pathlib.Path(path).relative_to(subfolder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content(workspace, path))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextlib.contextmanager
def swapping(folder, elsewhere):
    """Replaces a folder by a link to another, and restores it, over and over during the block."""
    stop = threading.Event()
    aside = folder.with_name(f".{folder.name}.aside")

    def swap():
        while not stop.is_set():
            os.rename(folder, aside)
            os.symlink(elsewhere, folder)
            time.sleep(random.uniform(0, 0.002))
            os.unlink(folder)
            os.rename(aside, folder)
            time.sleep(random.uniform(0, 0.002))

    thread = threading.Thread(target=lambda: ignore_os_errors(swap))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        restore(folder, aside)


def ignore_os_errors(scenario):
    """Calls a function until it fails. A run may create the folder again while it is renamed, and then swapping stops."""
    with contextlib.suppress(OSError):
        scenario()


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


def replaced_folders(run):
    """Replaces an output folder by a link to another, over and over. No run may change the files in the other folder.

    A command follows links in a path that is one of its arguments. So the other folder has no report there.
    """
    subfolder = {project.render_folder: "out/team-1", project.fix: "team-1", project.register_dir: "mounted/s0"}
    for make, folder in subfolder.items():
        yield swap_often(run, make, folder, lambda workspace, path: b"theirs\n", "other files")
        yield swap_often(run, make, folder, lambda workspace, path: workspace.old.get(path, b""), "identical files")
    yield swap_often(run, project.report_below, "reports", lambda workspace, path: b"theirs\n", "other files")


def swap_often(run, make, subfolder, theirs, alike):
    workspace = Workspace(run.program, make(run.size), run.folder)
    row = Row(f"folder replaced by a link to {alike}: {workspace.scenario.name}")
    with foreign_folder(workspace, subfolder, theirs) as elsewhere:
        before = contents(elsewhere)
        for _ in range(run.trials):
            workspace.reset()
            with swapping(workspace.folder / subfolder, elsewhere):
                result = workspace.run(stdin=project.on_disk(workspace.scenario.stdin))
            verdict = workspace.evaluate()
            verdict.losses += project.exit_losses(result, (0, 1, 2))
            if contents(elsewhere) != before:
                verdict.losses.append("a file in the target of a link is changed")
                rewrite(elsewhere, before)
            verdict.losses = [f"{workspace.scenario.name}: {loss}" for loss in verdict.losses]
            row.add(verdict)
    workspace.remove()
    return row


def rewrite(folder, files):
    shutil.rmtree(folder)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def links(run):
    """Links among the outputs: dangling, circular, and a target that becomes a link during the run."""
    workspace = Workspace(run.program, project.render_folder(12), run.folder)
    row = Row("links to a file, dangling, circular: render, check")
    elsewhere = pathlib.Path(tempfile.mkdtemp(dir=run.folder))
    moments = Moments(workspace)
    for trial in range(run.trials):
        workspace.reset()
        row.add([link_meanwhile, link_to_nothing, link_circle][trial % 3](workspace, elsewhere, moments))
    shutil.rmtree(elsewhere)
    workspace.remove()
    yield row


def link_meanwhile(workspace, elsewhere, moments):
    """Replaces the target by a link during the run. The run may replace the link, but not change the file that it points to."""
    theirs = elsewhere / "theirs"
    theirs.write_text("theirs\n")
    target = workspace.folder / "out/team-1/1.stack.yaml"
    process = workspace.start()
    moments.wait(process)
    # Atomically, because `render` may write there between two calls.
    link = elsewhere / "link"
    link.symlink_to(theirs)
    link.replace(target)
    result = workspace.finish(process)
    now = workspace.snapshot()
    if target.is_symlink():
        now["out/team-1/1.stack.yaml"] = workspace.old["out/team-1/1.stack.yaml"]
    verdict = workspace.evaluate(now)
    verdict.losses += project.exit_losses(result, (0, 2))
    if theirs.read_text() != "theirs\n":
        verdict.losses.append("render changes the target of a link")
    return verdict


def link_to_nothing(workspace, elsewhere, moments):
    """A dangling link as the target, and as its folder. The run must not create the file that it points to."""
    nothing = elsewhere / "nothing"
    (workspace.folder / "out/team-1/1.stack.yaml").unlink()
    (workspace.folder / "out/team-1/1.stack.yaml").symlink_to(nothing)
    shutil.rmtree(workspace.folder / "out/team-2")
    (workspace.folder / "out/team-2").symlink_to(nothing)
    result = workspace.run()
    losses = project.exit_losses(result, (2,))
    if nothing.exists():
        losses.append("render creates the target of a dangling link")
    (workspace.folder / "out/team-2").unlink()
    return Verdict("old", len(workspace.leftovers()), losses)


def link_circle(workspace, elsewhere, moments):
    """Circular links among the inputs and the outputs."""
    (workspace.folder / "team-1/round").symlink_to("../team-1")
    (workspace.folder / "team-1/round.stack.yaml").symlink_to("round.stack.yaml")
    checked = workspace.run(args=["check"])
    losses = project.exit_losses(checked, (0,))
    (workspace.folder / "out/team-3/3.stack.yaml").unlink()
    (workspace.folder / "out/team-3/3.stack.yaml").symlink_to("3.stack.yaml")
    rendered = workspace.run()
    losses += project.exit_losses(rendered, (0,))
    for name in ["round", "round.stack.yaml"]:
        (workspace.folder / "team-1" / name).unlink()
    verdict = workspace.evaluate()
    verdict.losses += losses
    return verdict
