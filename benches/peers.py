#!/usr/bin/env python3
"""Compares stackref with ripgrep, yamllint, zizmor, check-jsonschema, envsubst, cp and ZenML.

Usage: `peers.py [--quick] [--only N] [--write]`. Each run of another tool is paired with a run of stackref (`measuring.py`), on
trees in a temporary folder (`tree.py`). `--write` saves the printed page as `results.md`. The other tools are installed into the
target folder (`installing.py`).
"""
import argparse
import datetime
import hashlib
import os
import pathlib
import platform
import shlex
import shutil
import signal
import subprocess
import sys

import installing
import zenml_server
from measuring import HEAD, PATIENCE, Bench, Command, machine, median, row, seconds, times
from tree import make, variables

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = '{"type": "object", "if": {"required": ["components"]}, "then": {"required": ["stack_name", "zenml_version"]}}\n'


class Sections:
    """The sections of the page. Each method measures one and returns its tables."""

    def __init__(self, bench, stackref, small, zenml):
        self.bench, self.stackref, self.small, self.zenml = bench, stackref, small, zenml
        self.schema = bench.folder / "schema.json"
        self.schema.write_text(SCHEMA)

    def tree(self, kind, count, *more):
        """Returns the folder of a tree, which is created once. In a quick run, it has a thirtieth of the files."""
        count = max(1, count // 30) if self.bench.quick else count
        folder = self.bench.folder / "-".join(map(str, (kind, count, *more)))
        if not folder.exists():
            print(f"creating {folder.name}", file=sys.stderr)
            make(kind, folder, count, *more)
            # Pending writes would disturb the first runs.
            os.sync()
        return folder

    def our(self, folder, *words, status=(0,), env=None):
        return Command("stackref", [self.stackref, *words], folder, status, env)

    def their(self, folder, program, *words, status=(0,), env=None):
        place = self.small / program
        return Command(program, [place if place.exists() else program, *words], folder, status, env)

    def compare(self, rows, most):
        """Rows of (name, what it does, their command, our command)."""
        lines = []
        for name, what, theirs, ours in rows:
            print(f"{name} ({theirs.folder.name})", file=sys.stderr)
            lines.append(row(name, what, self.bench.pairs(theirs, ours, most)))
        return HEAD + "".join(lines)

    def whole_tree(self):
        """A whole tree

        `stackref check .` on 30,000 files: 2 % stack files, 4 % Helm-like files full of braces, the rest YAML, TOML and JSON. No other
        tool does the same work, so each row describes the tool's work. zizmor reads only workflows, and check-jsonschema does not walk
        folders: they get 600 files of their own kind, and stackref gets 600 stack files of the same total size. A command that takes
        minutes has one pair.
        """
        mixed, stacks, workflows = self.tree("mixed", 30000), self.tree("stacks", 600), self.tree("workflows", 600)
        sources = self.tree("sources", 100000)
        check = self.our(mixed, "check", ".")
        every = sorted(str(path.relative_to(mixed)) for path in mixed.rglob("*") if path.suffix in (".yaml", ".toml", ".json"))
        names = sorted(path.name for path in stacks.glob("stack-*"))
        validate = ("check-jsonschema", "--schemafile", self.schema)
        rows = [
            ("`rg -c -F '{{' .`", "the minimum: opens the same files and searches for two bytes",
             self.their(mixed, "rg", "-c", "-F", "{{", "."), check),
            ("`rg -c -F -e components -e … .`", "searches for the words that stackref searches for first",
             self.their(mixed, "rg", "-c", "-F", "-e", "components", "-e", "stack_name", "-e", "zenml_version", "."), check),
            ("`rg -c -F zenml .`", "searches 100,000 Python files, pages, YAML files, scripts and notebooks; stackref checks them",
             self.their(sources, "rg", "-c", "-F", "zenml", "."), self.our(sources, "check", ".")),
            ("`yamllint -d relaxed .`", "parses the 84 % of the files that are YAML, and checks their style",
             self.their(mixed, "yamllint", "-d", "relaxed", "."), check),
            ("`check-jsonschema` with all names", "validates all files, which are arguments, against a schema of four lines",
             self.their(mixed, *validate, *every), check),
            ("`check-jsonschema` with 600 names", "validates 600 stack files; stackref gets the same arguments",
             self.their(stacks, *validate, *names), self.our(stacks, "check", *names)),
            ("`zizmor --offline .`", "checks 600 workflows; stackref checks 600 stack files of the same total size",
             self.their(workflows, "zizmor", "--offline", "--quiet", "."), self.our(stacks, "check", ".")),
        ]
        return self.compare(rows, 21)

    def start_up(self):
        """Start-up

        The whole life of a process that reads one small file, a file of the kind that each tool expects, and of `--version`. ZenML uses a
        local store with one stack, without a server.
        """
        small, workflow, shell = self.tree("small", 1), self.tree("workflows", 1), self.tree("variables", 1)
        check, version = self.our(small, "check", "."), self.our(small, "--version")
        file = "prod.yaml"
        template = next(shell.rglob("*.yaml"))
        rows = [
            ("`rg -F '{{' .`", "the minimum: walks the folder and reads two files", self.their(small, "rg", "-F", "{{", "."), check),
            ("`envsubst <FILE`", "reads one file without a walk; stackref: `check FILE`",
             self.their(shell, "sh", "-c", f"exec envsubst <{shlex.quote(str(template))}"), self.our(small, "check", file)),
            ("`zizmor --offline .`", "one workflow", self.their(workflow, "zizmor", "--offline", "--quiet", "."), check),
            ("`yamllint FILE`", "stackref: `check FILE`", self.their(small, "yamllint", "-d", "relaxed", file), self.our(small, "check", file)),
            ("`check-jsonschema FILE`", "stackref: `check FILE`",
             self.their(small, "check-jsonschema", "--schemafile", self.schema, file), self.our(small, "check", file)),
            ("`rg --version`", "", self.their(small, "rg", "--version"), version),
            ("`envsubst --version`", "", self.their(small, "envsubst", "--version"), version),
            ("`zizmor --version`", "", self.their(small, "zizmor", "--version"), version),
            ("`yamllint --version`", "", self.their(small, "yamllint", "--version"), version),
            ("`check-jsonschema --version`", "", self.their(small, "check-jsonschema", "--version"), version),
        ]
        page = self.compare(rows, 41)
        home = self.bench.folder / "zenml-alone"
        env = zenml_server.local(home)
        describe = Command("zenml", [self.zenml / "zenml", "stack", "describe"], small, env=env)
        # The first run creates its store.
        self.bench.once(describe)
        rows = [
            ("`zenml stack describe`", "prints the active stack", describe, check),
            ("`zenml version`", "", Command("zenml", [self.zenml / "zenml", "version"], small, env=env), version),
        ]
        return page + self.compare(rows, 5).removeprefix(HEAD)

    def validation(self):
        """One stack, validated against a ZenML server

        200 references to 50 secrets, all of which exist. Both tools use the same server on loopback. ZenML's command for this is
        `zenml stack register-secrets --skip-existing`. Most of stackref's wall clock time is spent waiting for the server.
        """
        with zenml_server.server(self.zenml, self.bench.folder / "zenml-server") as (project, ours, theirs):
            words = [self.zenml / "zenml", "stack", "register-secrets", "--skip-existing", "bench"]
            zenml = Command("zenml", words, project, env=theirs)
            check, register = (self.our(project, word, "--trust", env=ours) for word in ("check", "register"))
            rows = [
                ("`zenml stack register-secrets`", "stackref: `check`", zenml, check),
                ("`zenml stack register-secrets`", "stackref: `register`", zenml, register),
            ]
            return self.compare(rows, 5)

    def render(self):
        """Render

        2,000 files of 24 references, and one file of 20 MB with 50,000 references. stackref reads the secrets, checks every reference,
        writes each file with mode 0600, syncs and renames it, and parses its output again to verify that nothing else changed. The other
        tools do none of this, except in the row with `sync`. envsubst gets files with `$NAME` in the same positions, and the values as
        environment variables. It runs once for each file, as users run it, and once for all files as one stream.
        """
        env = {**os.environ, **variables()}
        loop = (
            "find . -name '*.yaml' | while IFS= read -r file; do mkdir -p \"NEW/${file%/*}\"; "
            'envsubst <"$file" >"NEW/$file"; done'
        )
        synced = "cp -r . NEW && find NEW -type f -exec sync {} +"
        stream = "find . -name '*.yaml' -exec cat {} + | envsubst >NEW"
        lines = []
        for kind, shell, count in (("render", "variables", 2000), ("large", "variable", 50000)):
            tree, shell = self.tree(kind, count), self.tree(shell, count)
            render = self.our(tree, "render", "-o", "NEW", "--allow-tracked")
            what = "2,000 files: " if kind == "render" else "20 MB: "
            rows = [
                ("`cp -r . NEW`", what + "the minimum: replaces nothing", self.their(tree, "cp", "-r", ".", "NEW"), render),
                ("`cp -r . NEW`, `sync` of each", what + "the minimum for files that survive a power cut",
                 self.their(tree, "sh", "-c", synced), render),
                ("`stackref check .`", what + "reads and checks the same files", self.our(tree, "check", "."), render),
                ("`envsubst`, one stream", what + "one process with one output",
                 self.their(shell, "sh", "-c", stream, env=env), render),
            ]
            if kind == "render":
                rows.append(("`envsubst` for each file", what + "a shell loop",
                             self.their(shell, "sh", "-c", loop, env=env), render))
            lines.append(self.compare(rows, 11))
        return lines[0] + lines[1].removeprefix(HEAD)

    def scaling(self):
        """More files, more threads

        `stackref check .` on mixed trees of several sizes, on one core and on two (`taskset`). stackref uses one thread per core.
        """
        cores = sorted(os.sched_getaffinity(0))[:2]
        page = "| files | threads | runs | wall clock | wall clock per file | CPU time per file | peak MiB |\n|---|---|---|---|---|---|---|\n"
        for count in (1000, 10000, 100000):
            tree = self.tree("mixed", count)
            files = sum(1 for path in tree.rglob("*") if path.is_file())
            one, two = self.our(tree, "check", "."), self.our(tree, "check", ".")
            one.words[:0] = ["taskset", "--cpu-list", str(cores[0])]
            two.words[:0] = ["taskset", "--cpu-list", ",".join(map(str, cores))]
            print(f"scaling ({tree.name})", file=sys.stderr)
            pairs = self.bench.pairs(one, two, 11)
            for threads, runs in ((1, pairs.theirs), (len(cores), pairs.ours)):
                wall, cpu = median(runs, "wall"), median(runs, "cpu")
                page += f"| {files:,} | {threads} | {len(runs)} | {seconds(wall)} | {wall / files * 1e6:.1f} µs | {cpu / files * 1e6:.1f} µs | {median(runs, 'peak'):.1f} |\n"
            page += f"| | {len(cores)} compared with 1 | | × {times(1 / pairs.ratio('wall'))} | | × {times(1 / pairs.ratio('cpu'))} | |\n"
        return page

    def alone(self):
        """Findings and leaks

        Many findings in the format `human`, compared with the same check in the format `short`. Then `check --leaks`, which searches all
        30,000 files for the 100 values of an inventory in about 1,400 encodings, compared with ripgrep, which searches for the 100 values.
        """
        rows = []
        for count, pad, size in ((4000, 0, "200 KB"), (20000, 450, "10 MB"), (40000, 450, "20 MB")):
            tree = self.tree("findings", count, pad)
            short = self.our(tree, "check", "--format", "short", ".", status=(1,))
            rows.append((f"{count:,} findings in {size}", "`--format short`; stackref: `human`", short, self.our(tree, "check", ".", status=(1,))))
        mixed = self.tree("mixed", 30000)
        words = [hashlib.sha256(bytes([n])).hexdigest()[:24] for n in range(100)]
        (self.bench.folder / "values.yaml").write_text("".join(f"s{n}:\n  k: '{word}'\n" for n, word in enumerate(words)))
        (self.bench.folder / "words").write_text("".join(f"{word}\n" for word in words))
        search = self.their(mixed, "rg", "-c", "--hidden", "-F", "-f", self.bench.folder / "words", status=(1,))
        leaks = self.our(mixed, "check", "--leaks", "--inventory", self.bench.folder / "values.yaml", ".", status=(1,))
        rows.append(("`rg -c -F -f WORDS`", "stackref: `check --leaks`", search, leaks))
        return self.compare(rows, 11)

    ALL = [whole_tree, start_up, validation, render, scaling, alone]


def versions(stackref, small, zenml):
    rev = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True).stdout.strip()
    programs = {
        "stackref": [stackref, "--version"], "ripgrep": [small / "rg", "--version"], "yamllint": [small / "yamllint", "--version"],
        "zizmor": [small / "zizmor", "--version"], "check-jsonschema": [small / "check-jsonschema", "--version"],
        "envsubst": ["envsubst", "--version"], "cp": ["cp", "--version"], "rustc": ["rustc", "--version"],
    }
    versions = {name: installing.version(words) for name, words in programs.items()}
    versions["stackref"] += f" (commit {rev})"
    return ", ".join([*versions.values(), *installing.ZENML, f"Python {platform.python_version()}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="use small trees and two pairs, to test the script")
    parser.add_argument("--only", type=int, metavar="N", choices=range(1, len(Sections.ALL) + 1), help="measure one section")
    parser.add_argument("--write", action="store_true", help="save the page as results.md")
    args = parser.parse_args()
    if args.write and (args.quick or args.only):
        parser.error("--write cannot be used with --quick or --only: the saved page must be complete")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
    # Exit normally, so that the trees are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    small, zenml = installing.install(target / "peers")
    bench = Bench(target / "peers", args.quick)
    # A copy, so that a build does not replace the binary during the run.
    stackref = bench.folder / "stackref"
    shutil.copy(target / "release/stackref", stackref)
    page = (
        f"# stackref compared with other tools\n\nWritten by `just bench-peers --write`, {datetime.date.today()}.\n\n"
        f"{machine(bench.folder)}.\n\n{versions(stackref, small, zenml)}.\n\n"
        "Each run of a command is paired with a run of stackref. Times and memory are medians, each as *command, stackref*. A ratio (×) is "
        "the median of the ratios of all pairs: how many times as much the command takes. Above 1, stackref takes less. A comparison ends "
        f"after about {PATIENCE} s, so slow commands have fewer pairs.\n"
    )
    if args.quick:
        page += "\n**A quick run**: all trees have a thirtieth of the described files. Ignore the figures.\n"
    print(page, flush=True)
    sections = Sections(bench, stackref, small, zenml)
    try:
        for number, section in enumerate(Sections.ALL, start=1):
            if args.only in (None, number):
                title, text = (section.__doc__ or "").split("\n\n", 1)
                text = "\n".join(line.strip() for line in text.strip().splitlines())
                part = f"\n## {number}. {title}\n\n{text}\n\n{section(sections)}"
                print(part, flush=True)
                page += part
    finally:
        bench.close()
    if args.write:
        (HERE / "results.md").write_text(page)


if __name__ == "__main__":
    main()
