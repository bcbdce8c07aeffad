#!/usr/bin/env python3
"""stackref beside ripgrep, yamllint, zizmor, check-jsonschema, envsubst, cp and ZenML: `peers.py [--quick] [--only N] [--write]`.

Each peer's run stands next to one of ours (`measuring.py`), on trees that are made in a temporary folder (`tree.py`) and removed
afterwards. `--write` keeps what is printed as `results.md`. Peers are installed into the target folder (`installing.py`).
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
    """What is compared, one method a section; each gives its part of the page."""

    def __init__(self, bench, stackref, small, zenml):
        self.bench, self.stackref, self.small, self.zenml = bench, stackref, small, zenml
        self.schema = bench.folder / "schema.json"
        self.schema.write_text(SCHEMA)

    def tree(self, kind, count, *more):
        """One of the trees, made when it is first asked for; a thirtieth of it in a quick run."""
        count = max(1, count // 30) if self.bench.quick else count
        folder = self.bench.folder / "-".join(map(str, (kind, count, *more)))
        if not folder.exists():
            print(f"making {folder.name}", file=sys.stderr)
            make(kind, folder, count, *more)
            # What is still to be written would disturb the first runs.
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

        `stackref check .` on 30,000 files: 2 % stack files, 4 % Helm-like files full of braces, the rest YAML, TOML and JSON. No peer does
        the same: what each does with the tree is said. zizmor reads workflows only and check-jsonschema walks nothing, so beside these stand
        also 600 files of their own kind and 600 stack files, of the same number of bytes. A peer that takes minutes has one pair.
        """
        mixed, stacks, workflows = self.tree("mixed", 30000), self.tree("stacks", 600), self.tree("workflows", 600)
        check = self.our(mixed, "check", ".")
        every = sorted(str(path.relative_to(mixed)) for path in mixed.rglob("*") if path.suffix in (".yaml", ".toml", ".json"))
        names = sorted(path.name for path in stacks.glob("stack-*"))
        validate = ("check-jsonschema", "--schemafile", self.schema)
        rows = [
            ("`rg -c -F '{{' .`", "the floor: opens the same files and searches for two bytes, understands nothing",
             self.their(mixed, "rg", "-c", "-F", "{{", "."), check),
            ("`rg -c -F -e components -e … .`", "searches for the words that stackref looks for first",
             self.their(mixed, "rg", "-c", "-F", "-e", "components", "-e", "stack_name", "-e", "zenml_version", "."), check),
            ("`yamllint -d relaxed .`", "parses the 84 % that are YAML, and checks their style",
             self.their(mixed, "yamllint", "-d", "relaxed", "."), check),
            ("`check-jsonschema` with all names", "parses all files, which are named to it, against a schema of four lines",
             self.their(mixed, *validate, *every), check),
            ("`check-jsonschema` with 600 names", "600 stack files; stackref gets the same names",
             self.their(stacks, *validate, *names), self.our(stacks, "check", *names)),
            ("`zizmor --offline .`", "600 workflows; stackref has 600 stack files of as many bytes",
             self.their(workflows, "zizmor", "--offline", "--quiet", "."), self.our(stacks, "check", ".")),
        ]
        return self.compare(rows, 21)

    def start_up(self):
        """Start-up

        One small file of each one's own kind, from the start of the process to its end, and `--version`, which does nothing else. ZenML has
        its own store of one stack in a folder, no server.
        """
        small, workflow, shell = self.tree("small", 1), self.tree("workflows", 1), self.tree("variables", 1)
        check, version = self.our(small, "check", "."), self.our(small, "--version")
        file = "prod.yaml"
        template = next(shell.rglob("*.yaml"))
        rows = [
            ("`rg -F '{{' .`", "the floor: walks the folder, reads two files", self.their(small, "rg", "-F", "{{", "."), check),
            ("`envsubst <FILE`", "no walk, one file; beside `check FILE`",
             self.their(shell, "sh", "-c", f"exec envsubst <{shlex.quote(str(template))}"), self.our(small, "check", file)),
            ("`zizmor --offline .`", "one workflow", self.their(workflow, "zizmor", "--offline", "--quiet", "."), check),
            ("`yamllint FILE`", "beside `check FILE`", self.their(small, "yamllint", "-d", "relaxed", file), self.our(small, "check", file)),
            ("`check-jsonschema FILE`", "beside `check FILE`",
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
        # The first run makes its store.
        self.bench.once(describe)
        rows = [
            ("`zenml stack describe`", "prints the active stack", describe, check),
            ("`zenml version`", "", Command("zenml", [self.zenml / "zenml", "version"], small, env=env), version),
        ]
        return page + self.compare(rows, 5).removeprefix(HEAD)

    def validation(self):
        """One stack, validated against a ZenML server

        200 references to 50 secrets, all of them there; one server on loopback for both. ZenML's command for it is
        `zenml stack register-secrets --skip-existing`. Most of stackref's wall clock is the server's.
        """
        with zenml_server.server(self.zenml, self.bench.folder / "zenml-server") as (project, ours, theirs):
            words = [self.zenml / "zenml", "stack", "register-secrets", "--skip-existing", "bench"]
            zenml = Command("zenml", words, project, env=theirs)
            register = self.our(project, "register", env=ours)
            rows = [
                ("`zenml stack register-secrets`", "beside `stackref check`", zenml, self.our(project, "check", env=ours)),
                ("`zenml stack register-secrets`", "beside `stackref register`", zenml, register),
            ]
            return self.compare(rows, 5)

    def render(self):
        """Render

        2,000 files of 24 references, and one file of 20 MB with 50,000. stackref reads secrets and checks every reference, writes each file with
        mode 0600, syncs and renames it, and proves by parsing again that nothing else changed; the others do none of that, except where `sync`
        is said. envsubst has `$NAME` in the same places, and the values in its environment; it comes as its users run it, one process for
        each file, and as one process over all files as one stream.
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
                ("`cp -r . NEW`", what + "the floor, nothing replaced", self.their(tree, "cp", "-r", ".", "NEW"), render),
                ("`cp -r . NEW`, `sync` of each", what + "the floor of files that survive a power cut",
                 self.their(tree, "sh", "-c", synced), render),
                ("`stackref check .`", what + "reads and checks the same", self.our(tree, "check", "."), render),
                ("`envsubst`, one stream", what + "one process, one file as output",
                 self.their(shell, "sh", "-c", stream, env=env), render),
            ]
            if kind == "render":
                rows.append(("`envsubst` for each file", what + "a loop of the shell",
                             self.their(shell, "sh", "-c", loop, env=env), render))
            lines.append(self.compare(rows, 11))
        return lines[0] + lines[1].removeprefix(HEAD)

    def scaling(self):
        """More files, more threads

        `stackref check .` on mixed trees, on one core and on two (`taskset`), which makes that many threads.
        """
        cores = sorted(os.sched_getaffinity(0))[:2]
        page = "| files | threads | runs | wall clock | wall clock a file | CPU a file | peak MiB |\n|---|---|---|---|---|---|---|\n"
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
            page += f"| | {len(cores)} for 1 | | × {times(1 / pairs.ratio('wall'))} | | × {times(1 / pairs.ratio('cpu'))} | |\n"
        return page

    def alone(self):
        """Findings and leaks

        Many findings as `human`, beside the same check that prints them as `short`; and `check --leaks`, which looks for the 100 values of an
        inventory, in some 1,400 forms, in all 30,000 files, beside ripgrep with the 100 values as they stand.
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
    said = {name: installing.version(words) for name, words in programs.items()}
    said["stackref"] += f" (commit {rev})"
    return ", ".join([*said.values(), *installing.ZENML, f"Python {platform.python_version()}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small trees and two pairs each: whether it runs, not how fast")
    parser.add_argument("--only", type=int, metavar="N", choices=range(1, len(Sections.ALL) + 1), help="one section")
    parser.add_argument("--write", action="store_true", help="keep the page as results.md")
    args = parser.parse_args()
    if args.write and (args.quick or args.only):
        parser.error("what is kept has to be whole: --write goes neither with --quick nor with --only")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")).resolve()
    # The trees are removed however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    small, zenml = installing.install(target / "peers")
    bench = Bench(target / "peers", args.quick)
    # A copy outside of the repository: what is built meanwhile changes nothing.
    stackref = bench.folder / "stackref"
    shutil.copy(target / "release/stackref", stackref)
    page = (
        f"# stackref beside others\n\nWritten by `just bench-peers --write`, {datetime.date.today()}.\n\n"
        f"{machine(bench.folder)}.\n\n{versions(stackref, small, zenml)}.\n\n"
        "Medians; the ratios (×) are medians of the ratios of pairs, each a peer's run and one of stackref next to it: how many times as much "
        f"the peer takes. Above 1 stackref takes less. A comparison ends after some {PATIENCE} s, so what takes long has fewer pairs.\n"
    )
    if args.quick:
        page += "\n**A quick run**: all trees have a thirtieth of the files that are said, and two pairs show nothing.\n"
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
