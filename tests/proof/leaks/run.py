#!/usr/bin/env python3
"""Searches runs of stackref for secret values: `leaks/run.py STACKREF [--aws STACKREF] [--quick] [--write PAGE]`.

The script runs every command on random values, from every kind of inventory, with and without faults. The kind `aws` needs a program
with this feature, which `--aws` names. All servers are on loopback. The script searches output, written files, arguments and
environments of other programs, and memory for these values, in every encoding that a program may print (`canaries.py`). Only a
rendered file and the store that `register` writes to may contain one.

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

# For `language_client`, `loopback` and `stopped`.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import aws_store
import code_files
import command_files
import commands
import environments
import faults
import loopback
import hostile
import memory
import options
import other_values
import sessions
import stack_files
import stores
import surface
from canaries import Canaries, encodings
from sandbox import Sandbox

PAGE = """# Leaks

This page shows that stackref does not disclose secret values.

`just leaks` runs every command on random values, and searches its output, files, child programs and memory for them.
`--write docs/dev/leaks.md` updates this page. For example, `check --format sarif` runs nine times, and no report may contain a
value.

The script searches for each value as it is and in these forms:

- in capitals, reversed, broken over lines, and any eight consecutive characters of it, such as the first or the last ones,
- in base64 (at each offset, also the URL alphabet, also of eight characters), in hexadecimal, and percent-encoded,
- with the escapes of JSON, Rust, C and XML, and in UTF-16,
- as its MD5, SHA-1, SHA-256 or SHA-512 digest.

The first row, *the search itself*, shows that each form is found. It fails if `--help`, the schema, the language server or the
page [What stackref reads](../src/sources.md) lists a command, an option, a format, a kind of inventory or a kind of file that
no run uses. So an addition to stackref has to be searched, too.

The values are in inventories, stack files and run configs, and in `zenml` commands of shell scripts, Makefiles, justfiles,
Dockerfiles, workflows, GitLab CI, Markdown, reStructuredText and notebooks. For example, `zenml secret create db --password=…` is
on the line of a finding, and on the lines around it. They are also in the calls, other literals and comments of Python and
Terraform. `check --leaks` must find an inventory's values in each of these files.

Sessions of the language server use every request, at many positions, and also type values into buffers. All messages and standard
error are searched. A store on loopback records its requests, and none of them is for a value.

Hostile stores put values into the wrong places. For example:

- Servers return values in error messages, error codes, headers, redirects, HTML pages, deep JSON, truncated and compressed bodies,
  and in bodies that are larger than the limit, slow, or without an end.
- Programs print values as messages, as invalid UTF-8, without an end, and before a signal ends them.
- Folders contain links out of the folder, pipes, devices and huge files.
- Files contain values in anchors, tags, duplicate keys and the metadata of SOPS.

*The same output for other values* runs commands twice, with different values, also of another length. Their output must be
equal, so it cannot depend on a value in any form.

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
| memory of the kind `aws` | The SDK does not clear its buffers. |
| TLS | It needs a certificate. `just live` has one, and searches the output. |
| arguments of stackref itself | No option takes a value, because other users can read the list of processes. |
| the host of a redirect | stackref prints it if it contains a dot, because it may be the right `url`. |
| positions in files with values | The offset of a finding depends on the text before it, so it may disclose the length of values. |
| programs in a config, as `trust` lists them | You decide whether they may run, so nothing is hidden. |
| names of files | stackref prints paths unchanged, even if a file is named after a value. |
| names of secrets and keys, without `--leaks` | stackref prints names. The rows above include them for `--leaks`. |
| attributes without a sensitive name, without `--leaks` | stackref cannot know that they contain a value. |
| braces in a line that is not a command | stackref takes them for a reference, for example in the output of a console block. |
| answers to yes-or-no questions | The terminal shows them as they are typed. |
| swap, and memory outside the process | A program cannot control them. |
"""


def self_test(sandbox):
    """Checks that the search finds a value in every encoding."""
    canaries = sandbox.canaries
    value = canaries.value("the search itself")
    for name, data in encodings(value).items():
        sandbox.row("the search itself").runs += 1
        sandbox.expect("the search itself", f"a value {name} is found", canaries.found_in(b"before " + data + b" after"))
    sandbox.expect("the search itself", "other text is not found", not canaries.found_in(b"nothing at all, 0123456789abcdef"))


def memory_at_exit(sandbox):
    """Searches the memory of several commands at their exit."""
    sample = commands.SampleRepo(sandbox)
    sandbox.write(sample.project, "new.stack.yaml", commands.stack(["new.k", "new.j"], "new"))
    values = {key: sandbox.canaries.value(f"registered, {key}") for key in "kj"}
    sandbox.write(sample.project, "given.json", commands.inventory({"new": values}, "json"))
    runs = {
        "check": ["check", "stacks/good.yaml"],
        "check --leaks": ["check", "--leaks"],
        "render": ["render", "stacks/good.yaml", "-o", "out"],
        "register, from a file": ["register", "--path", "new.stack.yaml", "--from-file", "given.json"],
        "register, from standard input": ["register", "--path", "new.stack.yaml", "--from-file", "-"],
    }
    for name, args in runs.items():
        search_memory_of(sandbox, name, sample.project, args, {}, sample.project / "given.json" if args[-1] == "-" else os.devnull)
    canaries = sandbox.canaries
    store = stores.Store(canaries)
    with loopback.serving(store) as url:
        for kind, env in {
            "zenml": {"ZENML_STORE_USERNAME": "robot", "ZENML_STORE_PASSWORD": canaries.value("ZENML_STORE_PASSWORD")},
            "vault": {"VAULT_TOKEN": canaries.value("VAULT_TOKEN")},
        }.items():
            mount = 'mount = "kv"\n' if kind == "vault" else ""
            project = sandbox.project(stores.project_files(f'[inventory.s]\nkind = "{kind}"\nurl = "{url}"\n{mount}'))
            search_memory_of(sandbox, f"check, {kind}", project, ["check", "good.stack.yaml"], env)
            search_memory_of(sandbox, f"render, {kind}", project, ["render", "good.stack.yaml", "-o", "out"], env)


def search_memory_of(sandbox, name, project, args, env, stdin=os.devnull):
    """Searches the memory of one run at its exit."""
    label = "memory at exit: the heap"
    found = {}

    def search_region(kind, data):
        found.setdefault(kind, set()).update(sandbox.canaries.halves(data))

    try:
        code = memory.at_exit([sandbox.stackref, *args], project, sandbox.environment(env), stdin, search_region)
    except memory.NotPermitted as error:
        sandbox.row(label)
        sandbox.notes[label] = f"not searched: {error}"
        return
    sandbox.expect(label, f"{name} exits with 0 or 1", code in (0, 1), code)
    for kind, names in found.items():
        label = f"memory at exit: the {kind}"
        row = sandbox.row(label)
        row.runs += 1
        row.found |= names
        if kind == "arguments and environment":
            sandbox.notes[label] = "the system keeps environment variables there, as for every program"
        else:
            sandbox.expect(label, f"{name} leaves {len(names)} values in memory", not names, sorted(names))
    # This shows that the search works: the environment contains the credential.
    if env:
        sandbox.expect("memory at exit", f"{name}: its credential is found there", found.get("arguments and environment"))


def temporary_files(sandbox):
    """Checks the temporary files that the watch recorded."""
    watch = sandbox.watch
    watch.end()
    row = sandbox.row("temporary files")
    row.runs = len(watch.files)
    # stackref creates this folder for git, without the repository's config. Its files are searched like all others.
    is_for_git = lambda path: "/stackref-git-" in path
    unexpected = [path for path in watch.protected_writes if pathlib.Path(path) not in sandbox.input_files and not is_for_git(path)]
    sandbox.expect("temporary files", "all are in the folder of the target", not unexpected, unexpected)
    sandbox.expect("temporary files", "the watch was complete", not watch.gaps, watch.gaps)
    # Files that contain values are private from the start.
    modes = {(path, mode) for path, mode in watch.modes if path in watch.with_values}
    wrong = [(path, oct(mode)) for path, mode in modes if mode != 0o600 and not is_group_readable(sandbox, path, mode)]
    sandbox.expect("temporary files", "files with values have mode 0600", not wrong, wrong)
    sandbox.expect("temporary files", "some of these files were recorded", any(mode == 0o600 for _, mode in modes))
    note = "only next to the target, and removed at the end; those with values had mode 0600"
    sandbox.notes["temporary files"] = f"not searched: {', '.join(watch.gaps)}" if watch.gaps else note


def is_group_readable(sandbox, path, mode):
    """Returns whether `render --mode 640` wrote a file."""
    return mode == 0o640 and sandbox.group_readable_project in pathlib.Path(path).parents


PARTS = [
    self_test, commands.check, commands.render, commands.inventory_commands, commands.static_output,
    commands.register, commands.register_in_terminal, commands.git_credentials, environments.environments,
    stores.server_inventories, stores.registered_components, stores.urls_and_credentials, stores.dir_inventory,
    stores.env_inventory, stores.repository_inventory, stores.sops_inventory, stores.command_inventory,
    aws_store.aws_inventory, hostile.hostile_servers, hostile.hostile_folders, hostile.hostile_programs, hostile.hostile_files,
    hostile.names_in_stores, sessions.lsp, stack_files.stack_files, other_values.other_values,
    faults.broken_inventories, faults.broken_stacks, faults.scripts, command_files.command_files, code_files.code_files,
    faults.damaged_files,
    faults.values_as_names, faults.scalar_styles, faults.streams, faults.killed_runs,
    faults.core_dumps, faults.resource_limits, memory_at_exit, options.every_option, temporary_files, surface.surface,
]  # fmt: skip

# Rows about runs that other rows count.
DERIVED_ROWS = ("the search itself", "arguments of", "environment of", "temporary files", "memory at exit: the data", "memory at exit: the stack",
         "memory at exit: the arguments")  # fmt: skip


def table(sandbox):
    """Returns the rows of the table. Those about other programs are last."""
    rows = []
    for label, row in sorted(sandbox.rows.items(), key=lambda item: item[0].startswith(("arguments of", "environment of"))):
        rows.append(f"| {label} | {row.runs:,} | {len(row.found)} | {sandbox.notes.get(label, '')} |")
    return "\n".join(rows)


def machine():
    return f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}, Python {platform.python_version()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stackref", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="run a part of each, within a minute")
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="write the table to a page")
    parser.add_argument("--aws", type=pathlib.Path, metavar="STACKREF", help="the program with the feature `aws`, for this kind")
    names = [part.__name__ for part in PARTS]
    parser.add_argument("--only", metavar="PARTS", help="some of these, separated by commas: " + ", ".join(names))
    args = parser.parse_args()
    started = time.monotonic()
    sandbox = Sandbox(str(args.stackref.resolve()), Canaries(), args.quick)
    sandbox.stackref_with_aws = args.aws and str(args.aws.resolve())
    for part in PARTS:
        if args.only and part.__name__ not in args.only.split(","):
            continue
        before = time.monotonic()
        part(sandbox)
        print(f"{part.__name__}: {time.monotonic() - before:.1f} s", flush=True)
    seconds = time.monotonic() - started
    runs = sum(row.runs for label, row in sandbox.rows.items() if not label.startswith(DERIVED_ROWS))
    print(table(sandbox))
    print(f"{runs:,} runs, {len(sandbox.failures)} failures, {seconds:.0f} s")
    if args.write:
        version = subprocess.run([args.stackref, "-V"], capture_output=True, text=True, check=True).stdout.strip()
        verdict = "No value was found where it must not be." if not sandbox.failures else f"{len(sandbox.failures)} expectations failed."
        page = PAGE.format(
            when=datetime.date.today(), machine=machine(), version=version, runs=f"{runs:,}", values=f"{len(sandbox.canaries.tokens):,}",
            seconds=seconds, verdict=verdict, rows=table(sandbox),
        )  # fmt: skip
        args.write.write_text(page)
    sys.exit(1 if sandbox.failures else 0)


if __name__ == "__main__":
    main()
