#!/usr/bin/env python3
"""Compares stackref with ripgrep, yamllint, zizmor, check-jsonschema, envsubst, cp and ZenML.

Usage: `peers.py [--quick] [--only N] [--write]`. Each run of another tool is paired with a run of stackref (`measuring.py`), on
trees in a temporary folder (`tree.py`). The other tools are installed into the target folder (`installing.py`), which also receives
the raw data (`figures.py`). `--write` saves the raw data as `data/peers.json`, and updates everything that shows its figures
(`report.py`).
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

import figures
import installing
import report
import zenml_server
from figures import Comparison, median
from measuring import PATIENCE, Bench, Command, machine
from tree import make, variables

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = '{"type": "object", "if": {"required": ["components"]}, "then": {"required": ["stack_name", "zenml_version"]}}\n'


class Sections:
    """The sections of the page (`report.py`). Each method of `ALL` measures one and returns its comparisons."""

    def __init__(self, bench, stackref, small, zenml):
        self.bench, self.stackref, self.small, self.zenml = bench, stackref, small, zenml
        self.schema = bench.folder / "schema.json"
        self.schema.write_text(SCHEMA)

    def size(self, count):
        """Returns the size of a tree: in a quick run, a thirtieth."""
        return max(1, count // 30) if self.bench.quick else count

    def tree(self, kind, count, *more):
        return self.folder(kind, self.size(count), *more)

    def folder(self, kind, count, *more):
        """Returns the folder of a tree, which is created once."""
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
        """Measures rows of (name, what it does, their command, our command)."""
        return [self.comparison(name, what, theirs, ours, most) for name, what, theirs, ours in rows]

    def comparison(self, name, what, theirs, ours, most, **details):
        print(f"{name} ({theirs.folder.name})", file=sys.stderr)
        return Comparison(name, what, self.bench.pairs(theirs, ours, most), details)

    def whole_tree(self):
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
        measured = self.compare(rows, 41)
        home = self.bench.folder / "zenml-alone"
        env = zenml_server.local(home)
        describe = Command("zenml", [self.zenml / "zenml", "stack", "describe"], small, env=env)
        # The first run creates its store.
        self.bench.once(describe)
        rows = [
            ("`zenml stack describe`", "prints the active stack", describe, check),
            ("`zenml version`", "", Command("zenml", [self.zenml / "zenml", "version"], small, env=env), version),
        ]
        return measured + self.compare(rows, 5)

    def validation(self):
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
        env = {**os.environ, **variables()}
        loop = (
            "find . -name '*.yaml' | while IFS= read -r file; do mkdir -p \"NEW/${file%/*}\"; "
            'envsubst <"$file" >"NEW/$file"; done'
        )
        synced = "cp -r . NEW && find NEW -type f -exec sync {} +"
        stream = "find . -name '*.yaml' -exec cat {} + | envsubst >NEW"
        measured = []
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
            measured += self.compare(rows, 11)
        return measured

    def threads(self):
        cores = sorted(os.sched_getaffinity(0))[:2]
        measured = []
        for count in (1000, 10000, 100000):
            tree = self.tree("mixed", count)
            files = sum(1 for path in tree.rglob("*") if path.is_file())
            one, two = self.our(tree, "check", "."), self.our(tree, "check", ".")
            one.words[:0] = ["taskset", "--cpu-list", str(cores[0])]
            two.words[:0] = ["taskset", "--cpu-list", ",".join(map(str, cores))]
            measured.append(self.comparison("one core", "", one, two, 11, files=files, threads=len(cores)))
        return measured

    def reports(self):
        rows = []
        for count, pad, size in ((4000, 0, "200 KB"), (20000, 450, "10 MB"), (40000, 450, "20 MB")):
            tree = self.tree("findings", count, pad)
            human, short = (self.our(tree, "check", "--format", form, ".", status=(1,)) for form in ("human", "short"))
            rows.append(("`stackref check --format short`", f"{count:,} findings in {size}; stackref: `human`", short, human))
        mixed = self.tree("mixed", 30000)
        words = [hashlib.sha256(bytes([n])).hexdigest()[:24] for n in range(100)]
        (self.bench.folder / "values.yaml").write_text("".join(f"s{n}:\n  k: '{word}'\n" for n, word in enumerate(words)))
        (self.bench.folder / "words").write_text("".join(f"{word}\n" for word in words))
        search = self.their(mixed, "rg", "-c", "--hidden", "-F", "-f", self.bench.folder / "words", status=(1,))
        leaks = self.our(mixed, "check", "--leaks", "--inventory", self.bench.folder / "values.yaml", ".", status=(1,))
        rows.append(("`rg -c -F -f WORDS`", "stackref: `check --leaks`", search, leaks))
        return self.compare(rows, 11)

    def files(self):
        measured, slow = [], Slow(self.bench)
        for count in (100, 300, 1000, 3000, 10000, 30000, 100000, 300000):
            tree, count = self.tree("mixed", count), self.size(count)
            check, work = self.our(tree, "check", "."), f"{count:,} files"
            search = self.their(tree, "rg", "-c", "-F", "{{", ".")
            measured.append(self.comparison("`rg -c -F '{{' .`", work, search, check, 21, files=count, tool="ripgrep"))
            if slow.accepts(count):
                lint = self.their(tree, "yamllint", "-d", "relaxed", ".")
                measured.append(self.comparison("`yamllint -d relaxed .`", work, lint, check, 11, files=count, tool="yamllint"))
                slow.took(count, measured[-1])
        return measured

    def findings(self):
        quotes = "{rules: {quoted-strings: {quote-type: double, required: false}}}"
        measured, slow = [], Slow(self.bench)
        for count in sorted({self.size(10**power) for power in range(6)}):
            tree = self.folder("findings", count)
            human, short, json = (
                self.our(tree, "check", "--format", form, "many.yaml", status=(1,)) for form in ("human", "short", "json")
            )
            search = self.their(tree, "rg", "-n", "-F", "{{", "many.yaml")
            lint = self.their(tree, "yamllint", "-f", "parsable", "-d", quotes, "many.yaml", status=(1,))
            verify_findings(count, short, search, lint)
            work = f"{count:,} finding{'s' * (count > 1)}; stackref: "
            measured += [
                self.comparison("`rg -n -F '{{' FILE`", work + "`short`", search, short, 21, findings=count, tool="ripgrep"),
                self.comparison("`stackref check --format json`", work + "`human`", json, human, 21, findings=count, tool="stackref"),
            ]
            if slow.accepts(count):
                measured.append(self.comparison("`yamllint` with `quoted-strings`", work + "`human`", lint, human, 11, findings=count, tool="yamllint"))
                slow.took(count, measured[-1])
        return measured

    ALL = {
        "whole-tree": whole_tree, "start-up": start_up, "validation": validation, "render": render, "threads": threads,
        "reports": reports, "files": files, "findings": findings,
    }


class Slow:
    """Decides whether a slow command runs on the next larger input: not if that would take more than a minute."""

    def __init__(self, bench):
        self.limit, self.each = 20 if bench.quick else 60, 0.0

    def accepts(self, count):
        return self.each * count < self.limit

    def took(self, count, comparison):
        self.each = median(comparison.pairs.theirs, "wall") / count


def verify_findings(count, *commands):
    """Checks that each command has this many findings. Large files would take too long."""
    for command in commands if count <= 1000 else ():
        ran = subprocess.run(command.words, cwd=command.folder, capture_output=True, text=True)
        found = sum("many.yaml:" in line or "{{" in line for line in ran.stdout.splitlines())
        if found != count:
            raise SystemExit(f"`{command.name}` has {found} findings instead of {count}")


def versions(stackref, small, zenml):
    programs = {
        "ripgrep": [small / "rg", "--version"], "yamllint": [small / "yamllint", "--version"],
        "zizmor": [small / "zizmor", "--version"], "check-jsonschema": [small / "check-jsonschema", "--version"],
        "envsubst": ["envsubst", "--version"], "cp": ["cp", "--version"], "rustc": ["rustc", "--version"],
    }
    versions = {name: installing.version(words) for name, words in programs.items()}
    return ", ".join([installing.stackref_version(stackref), *versions.values(), *installing.ZENML, f"Python {platform.python_version()}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="use small trees and two pairs, to test the script")
    parser.add_argument("--only", type=int, metavar="N", choices=range(1, len(Sections.ALL) + 1), help="measure one section")
    parser.add_argument("--write", action="store_true", help="save the raw data, and update results.md, the plots and the pages")
    args = parser.parse_args()
    if args.write and (args.quick or args.only):
        parser.error("--write cannot be used with --quick or --only: the raw data must be complete")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
    # Exit normally, so that the trees are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    small, zenml = installing.install(target / "peers")
    bench = Bench(target / "peers", args.quick)
    # A copy, so that a build does not replace the binary during the run.
    stackref = bench.folder / "stackref"
    shutil.copy(target / "release/stackref", stackref)
    head = {
        "date": str(datetime.date.today()), "machine": machine(bench.folder), "cores": len(os.sched_getaffinity(0)),
        "versions": versions(stackref, small, zenml), "patience": PATIENCE, "quick": args.quick,
    }
    print(report.introduction(head), flush=True)
    sections, measured = Sections(bench, stackref, small, zenml), {}
    try:
        for number, (name, method) in enumerate(Sections.ALL.items(), start=1):
            if args.only in (None, number):
                measured[name] = method(sections)
                print(report.section(number, name, measured[name]), flush=True)
                # After each section, so that a failure does not lose the others.
                figures.write(target / "peers/peers.json", head, measured)
    finally:
        bench.close()
    if args.write:
        figures.write(figures.DATA, head, measured)
        report.main([])


if __name__ == "__main__":
    main()
