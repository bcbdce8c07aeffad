"""Tests another program that edits, replaces, removes and creates files at random moments of a run."""
import contextlib
import json
import os
import random

import project
from changes import MARK
from project import LEFTOVER, Moments, Row, Verdict, Workspace
from stopped import stopped

# Commands that replace their outputs without reading them, so that an earlier edit of an output is replaced as well.
REPLACING = ("render", "inventory snapshot", "check --write-baseline")
THEIRS = {"path": "/somebody/was/here/stackref.toml", "sha256": "1" * 64, "requests": ["1" * 64]}


def changed_meanwhile(run):
    """Another program changes a few files at a random moment. No change may be lost, and no file may be partial."""
    for make in [*project.COMMANDS, project.fix_commands, project.register_dir]:
        workspace = Workspace(run.program, make(run.size), run.folder)
        row = Row(f"changed meanwhile: {workspace.scenario.name}")
        moments = Moments(workspace)
        permitted = permitted_contents(workspace)
        for trial in range(run.trials_of(make)):
            workspace.reset()
            process = workspace.start(stdin=project.on_disk(workspace.scenario.stdin))
            moments.wait(process)
            is_midway = process.poll() is None
            # An edit in place needs a stopped run: an editor may write to the old file after its replacement by any program.
            if trial % 4:
                with stopped(process):
                    changes = change_some(workspace, [edit_in_place, replace, remove])
            else:
                changes = change_some(workspace, [replace, remove])
            row.add(evaluate(workspace, permitted, changes, workspace.finish(process, "")), is_midway)
        row.report_midway("of the changes came during the run")
        workspace.remove()
        yield row


def edited(path, content):
    """Returns the content of a file with an edit: a comment, or another trust record."""
    if not path.endswith("trust.json"):
        return content + MARK.encode()
    records = json.loads(content) if content else {"version": 1, "configs": []}
    records["configs"] = sorted([*records["configs"], THEIRS], key=lambda record: record["path"])
    return (json.dumps(records, indent=2) + "\n").encode()


def has_edit(content):
    return MARK.encode() in content or THEIRS["path"].encode() in content


def edit_in_place(workspace, path):
    file = workspace.folder / path
    content = edited(path, file.read_bytes() if file.exists() else b"")
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.write(content)
    return content


def replace(workspace, path):
    """Replaces a file as most editors do. The new file is first written outside of the folder."""
    file = workspace.folder / path
    content = edited(path, file.read_bytes() if file.exists() else b"")
    new = workspace.folder.with_name(workspace.folder.name + ".new")
    new.write_bytes(content)
    with contextlib.suppress(FileNotFoundError):
        new.chmod(file.stat().st_mode & 0o7777)
    os.replace(new, file)
    return content


def remove(workspace, path):
    (workspace.folder / path).unlink(missing_ok=True)


def change_some(workspace, ways):
    """Changes a few files. Returns their contents, or `None` for a removed file."""
    paths = sorted(path for path in workspace.old.keys() | workspace.new.keys() if (workspace.folder / path).parent.is_dir())
    targets = [path for path in paths if path in workspace.written()]
    some = {*random.sample(paths, min(len(paths), random.randint(0, 4))), random.choice(targets or paths)}
    return {path: random.choice(ways)(workspace, path) for path in some}


def permitted_contents(workspace):
    """Returns the contents that a run may write to each file: those of a run without changes, and of runs after all kinds of changes."""
    inputs = [path for path in workspace.old if path not in workspace.written()]
    stacks = [path for path in inputs if path.endswith(".stack.yaml")]
    groups = [[(edit_in_place, workspace.old)], [(edit_in_place, inputs)], [(remove, workspace.written())], [(remove, stacks)]]
    groups += [[(edit_in_place, inputs), (remove, workspace.written())]]
    contents = [workspace.old, workspace.new]
    for group in groups:
        workspace.reset()
        for way, paths in group:
            for path in paths:
                way(workspace, path)
        workspace.run()
        contents.append(workspace.snapshot())
    return {path: {found[path] for found in contents if path in found} for path in workspace.old.keys() | workspace.new.keys()}


def evaluate(workspace, permitted, changes, result):
    """Checks that each change by the other program is still there, and that every file is complete."""
    name = workspace.scenario.name
    losses = project.exit_losses(result, (0, 1, 2, 3))
    now, written, states = workspace.snapshot(), workspace.written(), set()
    for path in sorted(workspace.old.keys() | workspace.new.keys() | now.keys()):
        if LEFTOVER.search(path):
            continue
        content = now.get(path)
        is_output = path in written and name.startswith(REPLACING)
        theirs = changes.get(path)
        if path not in changes:
            is_kept = content in permitted.get(path, ()) or content is None and path not in workspace.old
            if path in written:
                states.add("old" if content == workspace.old.get(path) else "new")
        elif theirs is None:
            is_kept = content is None or path in written and content in permitted[path]
        else:
            edits = {theirs, *(edited(path, before) for before in permitted[path])}
            is_kept = content in edits or content in permitted[path] and (is_output or has_edit(content))
        if not is_kept:
            what = "is partial" if path not in changes else "was removed, and is partial" if theirs is None else "has lost an edit"
            losses.append(f"`{path}` {what}, exit code {result.returncode}: {' '.join(result.stderr.split())[:200]}")
    # A run that fails cannot undo its change of a file that was edited after it. It keeps the old text, and reports where.
    left = [folder.name for folder in workspace.leftovers()]
    if any(not folder.startswith(".stackref-kept-") or folder not in result.stderr for folder in left):
        losses.append("a run that was not killed leaves temporary files")
    if not states:
        states.add("new" if result.returncode == 0 else "old")
    return Verdict(states.pop() if len(states) == 1 else "mixed", len(left), [f"{name}: {loss}" for loss in losses])
