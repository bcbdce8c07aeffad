#!/usr/bin/env python3
"""Searches runs of stackref for secret values: `leaks/run.py STACKREF [--quick] [--write PAGE]`.

The script runs every command on random values, from every kind of inventory that needs no network, with and without faults. It
searches output, written files, arguments and environments of other programs, and memory for these values, in every encoding that a
program may print (`canaries.py`). Only a rendered file and the store that `register` writes to may contain one.

The exit code is 1 if a value was found elsewhere, or if a run did not have its expected result. Requires Linux and Python 3.11.
"""
import argparse
import datetime
import os
import pathlib
import platform
import subprocess
import sys
import time

# What both proofs use lies above them.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import commands
import faults
import loopback
import memory
import stores
from canaries import Canaries, shapes_of_output
from ground import Ground

PAGE = """# Leaks

This page shows that stackref does not disclose secret values.

`just leaks` runs every command on random values, and searches its output, files, child programs and memory for them.
`--write docs/dev/leaks.md` updates this page. For example, `check --format sarif` runs nine times, and no report may contain a
value.

The script searches for each value as it is and in these forms:

- in capitals, broken over lines, and any eight consecutive characters of it,
- in base64 (at each offset, also the URL alphabet), in hexadecimal, and percent-encoded,
- with the escapes of JSON, Rust, C and XML, and in UTF-16.

The values contain quotes, line breaks, YAML syntax, control characters and escape sequences. They have up to 90,000 bytes.

{when}, {machine}, {version}: {runs} runs, {values} values, {seconds:.0f} s. {verdict}

| searched | runs | values found | note |
|---|---|---|---|
{rows}

Rendered files, `render --stdout` and the store that `register` writes to must contain the values. The script checks that they
contain all of them.

## Not searched

| not searched | reason |
|---|---|
| the kind `aws` | It needs the cargo feature and a server. `just live` searches its output. |
| TLS | It needs a certificate. `just live` has one, and searches the output. |
| arguments of stackref itself | No option takes a value, because other users can read the list of processes. |
| names of files | stackref prints paths unchanged, even if a file is named after a value. |
| names of secrets and keys, without `--leaks` | stackref prints names. The rows above include them for `--leaks`. |
| attributes without a sensitive name, without `--leaks` | stackref cannot know that they contain a value. |
| answers to yes-or-no questions | The terminal shows them as they are typed. |
| swap, and memory outside the process | A program cannot control them. |
"""


def search_itself(ground):
    """The search finds a value in every shape that it claims to find."""
    canaries = ground.canaries
    value = canaries.value("the search itself")
    for name, data in shapes_of_output(value).items():
        ground.row("the search itself").runs += 1
        ground.expect("the search itself", f"a value {name} is found", canaries.found(b"before " + data + b" after"))
    ground.expect("the search itself", "nothing else is found", not canaries.found(b"nothing at all, 0123456789abcdef"))


def memory_at_exit(ground):
    """What is left in memory: values are counted, and the kinds of memory that they are found in are told."""
    usual = commands.Usual(ground)
    ground.write(usual.project, "new.stack.yaml", commands.stack(["new.k", "new.j"], "new"))
    values = {key: ground.canaries.value(f"registered, {key}") for key in "kj"}
    ground.write(usual.project, "given.json", commands.inventory({"new": values}, "json"))
    runs = {
        "check": ["check", "stacks/good.yaml"],
        "check --leaks": ["check", "--leaks"],
        "render": ["render", "stacks/good.yaml", "-o", "out"],
        "register, from a file": ["register", "--path", "new.stack.yaml", "--from-file", "given.json"],
        "register, from standard input": ["register", "--path", "new.stack.yaml", "--from-file", "-"],
    }
    for name, words in runs.items():
        in_memory(ground, name, usual.project, words, {}, usual.project / "given.json" if words[-1] == "-" else os.devnull)
    canaries = ground.canaries
    store = stores.Store(canaries)
    with loopback.serving(store) as url:
        for kind, env in {
            "zenml": {"ZENML_STORE_USERNAME": "robot", "ZENML_STORE_PASSWORD": canaries.value("ZENML_STORE_PASSWORD")},
            "vault": {"VAULT_TOKEN": canaries.value("VAULT_TOKEN")},
        }.items():
            mount = 'mount = "kv"\n' if kind == "vault" else ""
            project = ground.project(stores.files(f'[inventory.s]\nkind = "{kind}"\nurl = "{url}"\n{mount}'))
            in_memory(ground, f"check, {kind}", project, ["check", "good.stack.yaml"], env)
            in_memory(ground, f"render, {kind}", project, ["render", "good.stack.yaml", "-o", "out"], env)


def in_memory(ground, name, project, words, env, stdin=os.devnull):
    """One run, looked at when it ends."""
    place = "memory at exit: the heap"
    found = {}

    def look(kind, data):
        found.setdefault(kind, set()).update(ground.canaries.halves(data))

    try:
        code = memory.at_exit([ground.stackref, *words], project, ground.environment(env), stdin, look)
    except memory.NotAllowed as why:
        ground.row(place)
        ground.remarks[place] = f"not searched: {why}"
        return
    ground.expect(place, f"{name} ends well", code in (0, 1), code)
    for kind, names in found.items():
        place = f"memory at exit: the {kind}"
        row = ground.row(place)
        row.runs += 1
        row.found |= names
        if kind == "arguments and environment":
            ground.remarks[place] = "the system keeps environment variables there, as for every program"
        else:
            ground.expect(place, f"{name} leaves {len(names)} values", not names, sorted(names))
    # So what is there is found, too.
    if env:
        ground.expect("memory at exit", f"{name}: its credential is found there", found.get("arguments and environment"))


def temporary_files(ground):
    """What the watch has seen."""
    watch = ground.watch
    watch.end()
    row = ground.row("temporary files")
    row.runs = len(watch.files)
    # Git runs on a folder of its own there, without the repository's config; its files are searched like all others.
    is_of_git = lambda path: "/stackref-git-" in path
    ours = [path for path in watch.touched if pathlib.Path(path) not in ground.given and not is_of_git(path)]
    ground.expect("temporary files", "none is outside of the target's folder", not ours, ours)
    ground.expect("temporary files", "nothing was missed", not watch.blind, watch.blind)
    # Those that hold values in the end are private from their beginning.
    modes = {(path, mode) for path, mode in watch.modes if path in watch.holding}
    wrong = [(path, oct(mode)) for path, mode in modes if mode != 0o600 and not is_of_group(ground, path, mode)]
    ground.expect("temporary files", "those with values have the mode 0600", not wrong, wrong)
    ground.expect("temporary files", "some of those were seen", any(mode == 0o600 for _, mode in modes))
    remark = "only next to the target, and removed at the end; those with values had mode 0600"
    ground.remarks["temporary files"] = f"not searched: {', '.join(watch.blind)}" if watch.blind else remark


def is_of_group(ground, path, mode):
    """Whether a file is one of `render --mode 640`."""
    return mode == 0o640 and ground.of_group in pathlib.Path(path).parents


PARTS = [
    search_itself, commands.check, commands.render, commands.lists, commands.texts, commands.register, commands.terminal,
    commands.beside_git, stores.of_server, stores.addresses, stores.of_folder, stores.of_variables, stores.of_sops,
    stores.of_programs, faults.broken_inventories, faults.broken_stacks, faults.scripts, faults.damaged, faults.names,
    faults.styles, faults.streams, faults.killed, faults.looked_into, faults.shortage, memory_at_exit, temporary_files,
]  # fmt: skip

# Rows that look at the runs of other rows.
LOOKS = ("the search itself", "arguments of", "environment of", "temporary files", "memory at exit: the data", "memory at exit: the stack",
         "memory at exit: the arguments")  # fmt: skip


def table(ground):
    """The rows, those about other programs behind the rest."""
    rows = []
    for place, row in sorted(ground.rows.items(), key=lambda item: item[0].startswith(("arguments of", "environment of"))):
        rows.append(f"| {place} | {row.runs:,} | {len(row.found)} | {ground.remarks.get(place, '')} |")
    return "\n".join(rows)


def machine():
    return f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}, Python {platform.python_version()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stackref", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="run a part of each, within a minute")
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="write the table to a page")
    parser.add_argument("--only", metavar="PART", help="one of " + ", ".join(part.__name__ for part in PARTS))
    words = parser.parse_args()
    started = time.monotonic()
    ground = Ground(str(words.stackref.resolve()), Canaries(), words.quick)
    for part in PARTS:
        if words.only and part.__name__ != words.only:
            continue
        before = time.monotonic()
        part(ground)
        print(f"{part.__name__}: {time.monotonic() - before:.1f} s", flush=True)
    seconds = time.monotonic() - started
    runs = sum(row.runs for place, row in ground.rows.items() if not place.startswith(LOOKS))
    print(table(ground))
    print(f"{runs:,} runs, {len(ground.failures)} failures, {seconds:.0f} s")
    if words.write:
        version = subprocess.run([words.stackref, "-V"], capture_output=True, text=True, check=True).stdout.strip()
        verdict = "No value was found where it must not be." if not ground.failures else f"{len(ground.failures)} expectations failed."
        page = PAGE.format(
            when=datetime.date.today(), machine=machine(), version=version, runs=f"{runs:,}", values=f"{len(ground.canaries.tokens):,}",
            seconds=seconds, verdict=verdict, rows=table(ground),
        )  # fmt: skip
        words.write.write_text(page)
    sys.exit(1 if ground.failures else 0)


if __name__ == "__main__":
    main()
