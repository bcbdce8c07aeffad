#!/usr/bin/env python3
"""Proves that no secret value is ever shown: `leaks/run.py STACKREF [--quick] [--write PAGE]`.

Every command is run on values that are random tokens, from every kind of inventory that needs no network, in health and with
faults; whatever a run says, writes, hands to a program or leaves in memory is searched for them, in every encoding that a program
may print (`canaries.py`). Only a rendered file, or the store that `register` writes to, may hold one. Ends with 1 where a
value was found elsewhere, or where a run was not what it was meant to be. Linux and Python 3.11 are all that it needs.
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

PAGE = """# Where secret values were looked for

`just leaks` runs the program on values that are random tokens, and searches whatever it says or leaves behind for them: as they
are, in capitals, in base64 (at each of its offsets, of URLs, too), in hexadecimal, percent-encoded, with the escapes of JSON, Rust, C and
XML, in UTF-16, broken over lines, and any eight characters in a row of one. The values hold quotes, line breaks, what is
special to YAML, control and escape sequences, and up to 90,000 bytes.

{when}, {machine}, {version}: {runs} runs, {values} values, {seconds:.0f} s. {verdict}

| place | runs | values found | |
|---|---|---|---|
{rows}

A rendered file, `render --stdout` and the store that `register` writes to hold the values, and each was found to hold all of
them.

## Not looked at

| place | why |
|---|---|
| the kind `aws` | it needs the feature of that name and a server of its own; `just live` looks for values in what it prints |
| TLS | it needs a certificate; `just live` has one, and looks for values in what is printed |
| arguments of stackref itself | no option takes a value, since others can read the list of processes |
| names of files | a path is shown as it is, also where somebody has called a file by a value |
| names of secrets and keys, without `--leaks` | they are shown as the names that they are taken for; with `--leaks` they are looked at above |
| attributes that do not sound sensitive, without `--leaks` | nothing says that they hold a value |
| answers of yes and no | they are shown as they are typed |
| swap, and the memory of the machine | out of reach of a program |
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
        ground.remarks[place] = f"not looked at: {why}"
        return
    ground.expect(place, f"{name} ends well", code in (0, 1), code)
    for kind, names in found.items():
        place = f"memory at exit: the {kind}"
        row = ground.row(place)
        row.runs += 1
        row.found |= names
        if kind == "arguments and environment":
            ground.remarks[place] = "credentials in variables stand where the system has put them, as in every program below a shell"
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
    remark = "beside the target alone, gone in the end; those with values had the mode 0600"
    ground.remarks["temporary files"] = f"not looked at: {', '.join(watch.blind)}" if watch.blind else remark


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
    parser.add_argument("--quick", action="store_true", help="a part of each, within a minute")
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
        verdict = "None was found where it should not be." if not ground.failures else f"{len(ground.failures)} expectations failed."
        page = PAGE.format(
            when=datetime.date.today(), machine=machine(), version=version, runs=f"{runs:,}", values=f"{len(ground.canaries.tokens):,}",
            seconds=seconds, verdict=verdict, rows=table(ground),
        )  # fmt: skip
        words.write.write_text(page)
    sys.exit(1 if ground.failures else 0)


if __name__ == "__main__":
    main()
