#!/usr/bin/env python3
"""Writes all figures of documents from the raw data of `peers.py` and `language_server.py`: `report.py [--check]`.

The raw data is `data/peers.json` and `data/language_server.json`. It determines `results.md`, the plots in `docs/src`, and the tables of the pages between
`<!-- figures: NAME -->` and `<!-- end of figures -->`. `--check` writes nothing and exits with 1 if one of them differs.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys
from typing import NamedTuple

import figures
from figures import median, seconds, times
from plot import Line, Point, chart

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
BOOK = CHECKOUT / "docs/src"
PAGES = [CHECKOUT / "README.md", BOOK / "performance.md", BOOK / "from-zenml.md"]
EDITOR_DATA = figures.DATA.with_name("language_server.json")
BLOCK = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)

# README.md and performance.md claim that a check takes about as long as ripgrep's search. Below this ratio, they are wrong.
SMALLEST_CLAIMED_RATIO = 0.9

HEAD = """| command | work | pairs | wall clock | CPU time | peak MiB | × wall clock | × CPU time |
|---|---|---|---|---|---|---|---|
"""
TABLE_HEAD = "| command | wall clock: command, stackref | CPU time, relative to stackref |\n|---|---|---|\n"


class Section(NamedTuple):
    """A section of `results.md`: its title and its introduction."""

    title: str
    text: str


SECTIONS = {
    "whole-tree": Section("A whole tree", """\
`stackref check .` on 30,000 files: 2 % stack files, 4 % Helm-like files full of braces, the rest YAML, TOML and JSON. No other
tool does the same work, so each row describes the tool's work. zizmor reads only workflows, and check-jsonschema does not walk
folders: they get 600 files of their own kind, and stackref gets 600 stack files of the same total size. A command that takes
minutes has one pair.
"""),
    "start-up": Section("Start-up", """\
The whole life of a process that reads one small file, a file of the kind that each tool expects, and of `--version`. ZenML uses a
local store with one stack, without a server.
"""),
    "validation": Section("One stack, validated against a ZenML server", """\
200 references to 50 secrets, all of which exist. Both tools use the same server on loopback. ZenML's command for this is
`zenml stack register-secrets --skip-existing`. Most of stackref's wall clock time is spent waiting for the server.
"""),
    "render": Section("Render", """\
2,000 files of 24 references, and one file of 20 MB with 50,000 references. stackref reads the secrets, checks every reference,
writes each file with mode 0600, syncs and renames it, and parses its output again to verify that nothing else changed. The other
tools do none of this, except in the row with `sync`. envsubst gets files with `$NAME` in the same positions, and the values as
environment variables. It runs once for each file, as users run it, and once for all files as one stream.
"""),
    "threads": Section("More threads", """\
`stackref check .` on mixed trees of several sizes, on one core and on two (`taskset`). stackref uses one thread per core.
"""),
    "reports": Section("Long lines and leaks", """\
Many findings on long lines in the format `human`, compared with the same check in the format `short`. Then `check --leaks`, which
searches all 30,000 files for the 100 values of an inventory in about 1,400 encodings, compared with ripgrep, which searches for the
100 values.
"""),
    "files": Section("More files", """\
`stackref check .` on trees of 100 to 300,000 files, with the same mixture of files as in section 1. Each size has its own tree.
yamllint stops before a run would take more than a minute.

![A plot of the time against the number of files, for stackref, ripgrep and yamllint](../docs/src/time-by-files.svg)
"""),
    "findings": Section("More findings", """\
One stack file with 1 to 100,000 misspelled references. ripgrep prints the same lines, which is the minimum. yamllint reports the
quotes of the same lines (`quoted-strings`), so it has as many findings.

![A plot of the time against the number of findings, for three formats of stackref, ripgrep and yamllint](../docs/src/time-by-findings.svg)
"""),
}


EDITOR_TEXT = """\
The edits of a stack file of 1,000 lines, and the start in a folder of many files. No other tool does this work. Measured by
`just bench-lsp --write`. The raw data is in [data/language_server.json](data/language_server.json).
"""


def row(comparison):
    """Returns a row: the medians of the command and of stackref, and the ratios. A ratio below 1 is bold."""
    pairs = comparison.pairs
    ratios = " | ".join(emphasized(pairs.ratio(field)) for field in ("wall", "cpu"))
    return f"| {comparison.command} | {comparison.work} | {len(pairs.ours)} | {' | '.join(medians(pairs))} | {ratios} |\n"


def medians(pairs):
    """Returns the cells of wall clock, CPU time and peak memory, each with the median of the command and that of stackref."""
    forms = {"wall": seconds, "cpu": seconds, "peak": "{:.1f}".format}
    return [f"{form(median(pairs.theirs, field))}, {form(median(pairs.ours, field))}" for field, form in forms.items()]


def emphasized(ratio):
    return f"**{times(ratio)}**" if ratio < 1 else times(ratio)


def threads_table(rows):
    page = "| files | threads | runs | wall clock | wall clock per file | CPU time per file | peak MiB |\n|---|---|---|---|---|---|---|\n"
    for comparison in rows:
        files, cores, pairs = comparison.details["files"], comparison.details["threads"], comparison.pairs
        for threads, runs in ((1, pairs.theirs), (cores, pairs.ours)):
            wall, cpu = median(runs, "wall"), median(runs, "cpu")
            page += (
                f"| {files:,} | {threads} | {len(runs)} | {seconds(wall)} | {wall / files * 1e6:.1f} µs | {cpu / files * 1e6:.1f} µs "
                f"| {median(runs, 'peak'):.1f} |\n"
            )
        page += f"| | {cores} compared with 1 | | × {times(1 / pairs.ratio('wall'))} | | × {times(1 / pairs.ratio('cpu'))} | |\n"
    return page


def section(number, name, rows):
    """Returns a section of `results.md`."""
    title, text = SECTIONS[name]
    table = threads_table(rows) if name == "threads" else HEAD + "".join(map(row, rows))
    return f"## {number}. {title}\n\n{text}\n{table}"


def introduction(head):
    """Returns the beginning of `results.md`."""
    page = (
        f"# stackref compared with other tools\n\nMeasured by `just bench-peers --write`, {head['date']}. "
        "The raw data, with every run, is in [data/peers.json](data/peers.json).\n\n"
        f"{head['machine']}.\n\n{head['versions']}.\n\n"
        "Each run of a command is paired with a run of stackref. Times and memory are medians, each as *command, stackref*. A ratio (×) is "
        "the median of the ratios of all pairs: how many times as much the command takes. Above 1, stackref takes less. Below 1, in bold, "
        f"it takes more. A comparison ends after about {head['patience']} s, so slow commands have fewer pairs.\n"
    )
    if head["quick"]:
        page += "\n**A quick run**: all trees have a thirtieth of the described files. Ignore the figures.\n"
    return page


def results(head, sections, editor):
    """Returns `results.md`."""
    page = introduction(head)
    for number, (name, rows) in enumerate(sections.items(), start=1):
        page += f"\n{section(number, name, rows)}"
    return page + f"\n## {len(sections) + 1}. The language server\n\n{EDITOR_TEXT}\n{editor_table(editor)}\n{setting(editor)}"


def find(rows, command, work=""):
    """Returns the first comparison whose command and work begin with these texts."""
    for comparison in rows:
        if comparison.command.startswith(command) and comparison.work.startswith(work):
            return comparison
    raise SystemExit(f"the raw data contains no {command}")


def short_row(label, comparison, fields):
    """Returns a row for a page: the medians of some fields, and the ratio of the CPU time."""
    pairs = comparison.pairs
    cells = [f"{seconds(median(pairs.theirs, field))}, {seconds(median(pairs.ours, field))}" for field in fields]
    return f"| {label} | {' | '.join(cells)} | {times(pairs.ratio('cpu'))} |\n"


def comparison_table(sections):
    """Returns the first table of the page about performance."""
    tree, start, server = sections["whole-tree"], sections["start-up"], sections["validation"]
    rows = [
        ("`rg -c -F '{{' .`, a search of the same 30,000 files", find(tree, "`rg -c -F '{{'")),
        ("`yamllint -d relaxed .`, on the same files", find(tree, "`yamllint")),
        ("`check-jsonschema`, on the same 600 stack files", find(tree, "`check-jsonschema` with 600")),
        ("`zizmor --offline .`, on 600 workflows of the same total size", find(tree, "`zizmor")),
        ("`zenml stack describe`, on one stack", find(start, "`zenml stack describe`")),
        ("`zenml stack register-secrets`, 200 references, one server for both", find(server, "`zenml", "stackref: `check`")),
    ]
    return TABLE_HEAD + "".join(short_row(label, comparison, ["wall"]) for label, comparison in rows)


def summary_table(sections):
    """Returns the table of README.md, with the weakest comparisons as well."""
    tree, start, server = sections["whole-tree"], sections["start-up"], sections["validation"]
    rows = [
        ("`rg -c -F '{{' .`, a search of the same 30,000 files", find(tree, "`rg -c -F '{{'")),
        ("`yamllint -d relaxed .`, on the same files", find(tree, "`yamllint")),
        ("`zenml stack register-secrets`, on one stack", find(server, "`zenml", "stackref: `check`")),
        ("`envsubst`, on one small file", find(start, "`envsubst <FILE`")),
        ("`rg -c -F -f WORDS .`, compared with `stackref check --leaks`", find(sections["reports"], "`rg -c -F -f WORDS")),
    ]
    return TABLE_HEAD + "".join(short_row(label, comparison, ["wall"]) for label, comparison in rows)


def largest(rows, axis):
    """Returns the comparisons of the largest input."""
    most = max(comparison.details[axis] for comparison in rows)
    return [comparison for comparison in rows if comparison.details[axis] == most]


def slower_table(sections):
    """Returns every comparison with another tool in which stackref takes more time or CPU time. Of a plot, the largest input counts."""
    sections = {name: largest(rows, name) if name in ("files", "findings") else rows for name, rows in sections.items()}
    page = "| command | work | wall clock: command, stackref | × wall clock | × CPU time |\n|---|---|---|---|---|\n"
    for name, rows in sections.items():
        for comparison in rows if name != "threads" else []:
            pairs = comparison.pairs
            wall, cpu = pairs.ratio("wall"), pairs.ratio("cpu")
            if min(wall, cpu) < 1 and not comparison.command.startswith("`stackref"):
                both = f"{seconds(median(pairs.theirs, 'wall'))}, {seconds(median(pairs.ours, 'wall'))}"
                work = comparison.work or SECTIONS[name].title.lower()
                page += f"| {comparison.command} | {work} | {both} | {emphasized(wall)} | {emphasized(cpu)} |\n"
    return page


def files_table(sections):
    """Returns time and memory of ripgrep and of a check, by the number of files."""
    page = "| files | wall clock: ripgrep, stackref | CPU time: ripgrep, stackref | peak MiB: ripgrep, stackref |\n|---|---|---|---|\n"
    for comparison in of_tool(sections["files"], "ripgrep"):
        page += f"| {comparison.details['files']:,} | {' | '.join(medians(comparison.pairs))} |\n"
    return page


def zenml_table(sections):
    """Returns the table of the page about ZenML."""
    page = "| command of stackref | wall clock: ZenML, stackref | CPU time: ZenML, stackref | CPU time, relative to stackref |\n|---|---|---|---|\n"
    rows = sections["validation"]
    return page + "".join(short_row(f"`stackref {it.work.partition('`')[2]}", it, ["wall", "cpu"]) for it in rows)


def editor_rows(data):
    """Returns the rows about the language server: medians of equal measurements."""
    groups = {}
    for figure in data["figures"]:
        groups.setdefault((figure["folder"], figure["part"], figure.get("edit", "")), []).append(figure)
    for (folder, part, edit), group in groups.items():
        middle = {name: statistics.median(it[name] for it in group) for name, value in group[0].items() if isinstance(value, (int, float))}
        if part == "keystrokes":
            each = (seconds(middle[field] / middle["edits"]) for field in ("wall", "cpu"))
            yield folder, f"diagnostics after an edit: {edit}", *each, ""
        elif part == "workspace":
            yield folder, "start, and the diagnostics of the open file", seconds(middle["first"]), "", ""
            yield folder, "start, and the diagnostics with the inventory", seconds(middle["complete"]), seconds(middle["cpu"]), ""
            yield folder, "start, until all files are read", "", seconds(middle["total"]), f"{middle['peak']:.0f}"
        else:
            yield folder, f"{middle['seconds']:.0f} s without work", "", seconds(middle["cpu"]), f"{middle['peak']:.0f}"


def slowest_edits(data):
    """Returns the same data with only one kind of edit for each folder, the slowest."""
    slowest = {}
    for figure in sorted(data["figures"], key=lambda figure: figure.get("cpu", 0) / figure.get("edits", 1)):
        if figure["part"] == "keystrokes":
            slowest[figure["folder"]] = figure
    kept = [figure for figure in data["figures"] if figure["part"] != "keystrokes" or figure is slowest[figure["folder"]]]
    return {**data, "figures": kept}


def editor_table(data):
    """Returns the table about the language server."""
    page = "| folder | work | wall clock | CPU time | peak MiB |\n|---|---|---|---|---|\n"
    return page + "".join(f"| {' | '.join(cells)} |\n" for cells in editor_rows(data))


def setting(head):
    """Returns when and where the figures were measured."""
    return f"Measured on {head['date']} with {head['versions']}.\nMachine: {head['machine']}.\n"


def of_tool(rows, tool):
    return [comparison for comparison in rows if comparison.details["tool"] == tool]


def line(label, rows, axis, side, note=""):
    """Returns a line of a plot: the runs of one side of some comparisons."""
    points = []
    for comparison in rows:
        walls = [run.wall for run in getattr(comparison.pairs, side)]
        points.append(Point(comparison.details[axis], median(getattr(comparison.pairs, side), "wall"), min(walls), max(walls)))
    return Line(label, points, note)


def plots(head, sections):
    """Returns the plots, by the name of their files."""
    files, findings = sections["files"], sections["findings"]
    subtitle = f"wall clock: median and range of 1 to {max(len(it.pairs.ours) for it in files)} runs, {head['cores']} cores"
    ripgrep, yamllint = of_tool(files, "ripgrep"), of_tool(files, "yamllint")
    note = "more files take over a minute" if len(yamllint) < len(ripgrep) else ""
    by_files = chart("Time by number of files", subtitle, "files", [
        line("stackref", ripgrep, "files", "ours"),
        line("ripgrep", ripgrep, "files", "theirs"),
        line("yamllint", yamllint, "files", "theirs", note),
    ])
    ripgrep, yamllint, json = (of_tool(findings, tool) for tool in ("ripgrep", "yamllint", "stackref"))
    subtitle = f"wall clock: median and range of 1 to {max(len(it.pairs.ours) for it in findings)} runs, {head['cores']} cores"
    note = "more findings take over a minute" if len(yamllint) < len(ripgrep) else ""
    by_findings = chart("Time by number of findings", subtitle, "findings in one file", [
        line("stackref, human", json, "findings", "ours"),
        line("ripgrep", ripgrep, "findings", "theirs"),
        line("yamllint", yamllint, "findings", "theirs", note),
        line("stackref, json", json, "findings", "theirs"),
        line("stackref, short", ripgrep, "findings", "ours"),
    ])
    return {"time-by-files.svg": by_files, "time-by-findings.svg": by_findings}


def outputs(head, sections, editor):
    """Returns the text of each file that the raw data determines."""
    blocks = {
        "summary": summary_table(sections), "comparison": comparison_table(sections), "slower": slower_table(sections), "files": files_table(sections),
        "zenml": zenml_table(sections), "setting": setting({**head, "versions": head["versions"].partition(", ")[0]}),
        "editor": editor_table(slowest_edits(editor)) + "\n" + setting(editor),
    }
    texts = {pathlib.Path(__file__).with_name("results.md"): results(head, sections, editor)}
    texts.update((BOOK / name, plot) for name, plot in plots(head, sections).items())
    for page in PAGES:
        texts[page] = BLOCK.sub(lambda match: match[1] + blocks[match[2]] + match[3], page.read_text(encoding="utf-8"))
    return texts


def verify_claim(sections):
    pairs = find(sections["whole-tree"], "`rg -c -F '{{'").pairs
    if min(pairs.ratio("wall"), pairs.ratio("cpu")) < SMALLEST_CLAIMED_RATIO:
        raise SystemExit("README.md and performance.md claim that a check takes about as long as ripgrep's search: the raw data differs")


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a file differs from the raw data, and write nothing")
    args = parser.parse_args(words)
    head, sections = figures.read()
    editor = json.loads(EDITOR_DATA.read_text(encoding="utf-8"))
    if args.check and (head["quick"] or editor["quick"]):
        sys.exit("the raw data is that of a test with small trees: run `just bench-lsp --write` and `just bench-peers --write`")
    texts = outputs(head, sections, editor)
    stale = [(path, text) for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        print(f"{path.relative_to(CHECKOUT)} {'differs from' if args.check else 'was updated from'} the raw data")
        if not args.check:
            path.write_text(text, encoding="utf-8")
    if stale and args.check:
        sys.exit("`benches/report.py` updates these files")
    if not head["quick"]:
        verify_claim(sections)


if __name__ == "__main__":
    main()
