#!/usr/bin/env python3
"""Compares docs/dev/dependencies.md with Cargo.lock, and the Rust version of all dependencies with that of Cargo.toml.

Licences and numbers of crates come from `cargo tree` for x86_64 Linux. With STACKREF_BLESS=1, the script writes them to the page.
A test in Rust (`tests/it/dependencies.rs`) checks that every dependency has a row. The last line is `N passed, N failed`.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/dev/dependencies.md"
# A section of the page: the edges and features of its builds.
SECTIONS = {
    "In every build": ["--edges", "normal,build"],
    "With the feature `aws`": ["--edges", "normal,build", "--all-features"],
    "For tests": ["--edges", "normal,build,dev", "--all-features"],
}
BUILDS = dict(zip(["plain", "with the feature `aws`", "with the crates for tests"], SECTIONS.values()))
counts = {True: 0, False: 0}


def expect(what, holds):
    counts[bool(holds)] += 1
    if not holds:
        print(f"FAILED {what}", file=sys.stderr)


def cargo(*words):
    ran = subprocess.run(["cargo", *words], cwd=CHECKOUT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return ran.stdout


def tree(options):
    """What each crate needs, and its licence; and the crate that everything begins at."""
    text = cargo("tree", "--locked", "--target", "x86_64-unknown-linux-gnu", "--prefix", "depth", "--format", " {p} | {l}", *options)
    needs, licences, above = {}, {}, []
    for line in text.splitlines():
        if not line:
            continue
        depth, rest = line.split(" ", 1)
        name, licence = rest.removesuffix(" (*)").split(" | ")
        crate = " ".join(name.split()[:2])
        licences[crate] = licence
        needs.setdefault(crate, set())
        del above[int(depth):]
        if above:
            needs[above[-1]].add(crate)
        above.append(crate)
    return needs, licences, next(iter(needs))


def reached(needs, start, without=None):
    seen, open_ = set(), [start]
    while open_:
        crate = open_.pop()
        if crate not in seen and crate != without:
            seen.add(crate)
            open_ += needs[crate]
    return seen


def facts(options):
    """Licence, crates and crates alone of each direct dependency."""
    needs, licences, root = tree(options)
    everything = reached(needs, root)
    found = {}
    for crate in needs[root]:
        rest = reached({**needs, root: needs[root] - {crate}}, root)
        found[crate.split()[0]] = [licences[crate], str(len(reached(needs, crate))), str(len(everything - rest))]
    return found


def page():
    """The page as it is, and as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    lines, section, known = [], "", {}
    for line in text.split("\n"):
        if line.startswith("## "):
            section = line.removeprefix("## ")
            known = facts(SECTIONS[section]) if section in SECTIONS else {}
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in known and len(cells) == 8:
            cells[3:6] = known[cells[0]]
            line = f"| {' | '.join(cells)} |"
        elif section == "How many crates" and cells[0] in BUILDS:
            # Less stackref itself.
            line = f"| {cells[0]} | {len(tree(BUILDS[cells[0]])[0]) - 1} |"
        lines.append(line)
    return text, "\n".join(lines)


def version(text):
    return tuple(int(part) for part in (text.split(".") + ["0"])[:3])


def oldest_rust():
    packages = json.loads(cargo("metadata", "--locked", "--all-features", "--format-version", "1"))["packages"]
    ours = next(package["rust_version"] for package in packages if package["name"] == "stackref")
    for package in packages:
        needed = package["rust_version"]
        if needed:
            expect(f"{package['name']} {package['version']} needs Rust {needed}, more than {ours}", version(needed) <= version(ours))
    silent = sum(package["rust_version"] is None for package in packages)
    print(f"{len(packages) - silent} packages need Rust {ours} or less, {silent} do not say what they need")


def main():
    oldest_rust()
    is_, must = page()
    if os.environ.get("STACKREF_BLESS"):
        PAGE.write_text(must, encoding="utf-8")
    else:
        for old, new in zip(is_.split("\n"), must.split("\n")):
            if re.match(r"\| [a-z]", new):
                expect(f"docs/dev/dependencies.md is out of date:\n  {old}\nshould be\n  {new}", old == new)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
