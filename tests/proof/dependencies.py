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


def expect(description, passed):
    counts[bool(passed)] += 1
    if not passed:
        print(f"FAILED {description}", file=sys.stderr)


def cargo(*args):
    result = subprocess.run(["cargo", *args], cwd=CHECKOUT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return result.stdout


def tree(options):
    """Returns the dependencies of each crate, the licence of each crate, and the root crate."""
    text = cargo("tree", "--locked", "--target", "x86_64-unknown-linux-gnu", "--prefix", "depth", "--format", " {p} | {l}", *options)
    dependencies, licences, parents = {}, {}, []
    for line in text.splitlines():
        if not line:
            continue
        depth, rest = line.split(" ", 1)
        name, licence = rest.removesuffix(" (*)").split(" | ")
        crate = " ".join(name.split()[:2])
        licences[crate] = licence
        dependencies.setdefault(crate, set())
        del parents[int(depth):]
        if parents:
            dependencies[parents[-1]].add(crate)
        parents.append(crate)
    return dependencies, licences, next(iter(dependencies))


def reachable(dependencies, start, without=None):
    seen, queue = set(), [start]
    while queue:
        crate = queue.pop()
        if crate not in seen and crate != without:
            seen.add(crate)
            queue += dependencies[crate]
    return seen


def facts(options):
    """Returns the licence of each direct dependency, the number of its crates, and of those that only it needs."""
    dependencies, licences, root = tree(options)
    everything = reachable(dependencies, root)
    found = {}
    for crate in dependencies[root]:
        rest = reachable({**dependencies, root: dependencies[root] - {crate}}, root)
        found[crate.split()[0]] = [licences[crate], str(len(reachable(dependencies, crate))), str(len(everything - rest))]
    return found


def page():
    """Returns the current and the expected text of the page."""
    text = PAGE.read_text(encoding="utf-8")
    lines, section, rows = [], "", {}
    for line in text.split("\n"):
        if line.startswith("## "):
            section = line.removeprefix("## ")
            rows = facts(SECTIONS[section]) if section in SECTIONS else {}
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in rows and len(cells) == 8:
            cells[3:6] = rows[cells[0]]
            line = f"| {' | '.join(cells)} |"
        elif section == "How many crates" and cells[0] in BUILDS:
            # Without stackref itself.
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
    unspecified = sum(package["rust_version"] is None for package in packages)
    print(f"{len(packages) - unspecified} packages need Rust {ours} or less, {unspecified} specify no version")


def main():
    oldest_rust()
    actual, expected = page()
    if os.environ.get("STACKREF_BLESS"):
        PAGE.write_text(expected, encoding="utf-8")
    else:
        for old, new in zip(actual.split("\n"), expected.split("\n")):
            if re.match(r"\| [a-z]", new):
                expect(f"docs/dev/dependencies.md is out of date:\n  {old}\nshould be\n  {new}", old == new)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
