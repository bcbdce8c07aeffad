#!/usr/bin/env python3
"""Holds the machine formats of `check` to what their readers document: `formats.py STACKREF SCRATCH`.

Every case below `fixtures/check`, the demo, and a stack with hostile names run at the root of a repository and in a folder
of one, in every format. SARIF is validated by Microsoft's multitool, with GitHub's own rules for uploads, and by the
schema of SARIF 2.1.0; JUnit by the schema of Jenkins; GitLab's by one written from its documentation; GitHub's commands by a
parser of their grammar (`readers.py`). The JSON report is what all of them have to agree with. The tools come from PyPI and
npm into SCRATCH. Ends with `N passed, N failed`.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import jsonschema
import xmlschema

import readers
from readers import Mismatch
from validators import junit_schema, multitool_complaints, sarif_schema
from values import forbidden_values

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
SCRATCH = pathlib.Path(sys.argv[2]).resolve()
FORMATS = ["json", "sarif", "junit", "gitlab", "github"]
# Cases whose output is no report, whatever the format, or that change their files.
NO_REPORT = {"--help", "-h", "--statistics", "--add-ignores", "--list-files", "--fix", "--fix=suggestions", "--diff", "--write-baseline"}
# Names that every format has to escape: for URIs, XML, workflow commands, terminals.
HOSTILE = {
    "a b%20c, d:e&<f>#g?é\U0001f600/x]]>\"'.stack.yaml": (
        "stack_name: \"\U0001f600 \\x01 \\uFFFE ]]> & <b> %0A ::error::x\"\ncomponents:\n  a:\n    flavor: mlflow\n    type: experiment_tracker\n"
        "    configuration:\n      \"k\U0001f600%,:\": '{{a]]>&<%0A::warning::.k}}'\n      b: \"\U0001f600\U0001f600 {{\\u202e.x}} é\"\n      c: |\n        x {{d.e}}\n        y\n"
        "      token: hunter2\n      d: '{{a]]>&<%0A::warning::.k}}'\n      e: {{unquoted.k}}\n"
    ),
    "new\nline.stack.json": '{"stack_name": "n", "components": {"a": {"b": "{{x.y\\n}}", "c": "{{ x.y"}}}',
    "broken.stack.toml": "stack_name = 'a'\n\n[components.a\npassword = 'hunter2'\n",
}
counts = {True: 0, False: 0}


def expect(what, holds, detail=""):
    counts[bool(holds)] += 1
    if not holds:
        print(f"FAILED {what}\n{detail}", file=sys.stderr)


def run(words, folder, stdin):
    """What a run printed; leading `NAME=value` words are all of its environment."""
    at = next(at for at, word in enumerate(words) if "=" not in word or word.startswith("-"))
    env = dict(word.split("=", 1) for word in words[:at])
    return subprocess.run([STACKREF, *words[at:]], cwd=folder, env=env, input=stdin, capture_output=True, timeout=60)


def words_of(cmd):
    return [quoted or bare for quoted, bare in re.findall(r"'([^']*)'|(\S+)", cmd)]


def without_format(words):
    words = list(words)
    for flag in ["--format", "--output", "-o"]:
        while flag in words:
            at = words.index(flag)
            del words[at : at + 2]
    return words


def cases():
    """Name, input folder, words of the command, standard input."""
    for case in sorted((CHECKOUT / "fixtures/check").glob("*/*")):
        words = without_format(words_of((case / "cmd").read_text(encoding="utf-8")))
        stdin = case / "stdin"
        if not NO_REPORT.intersection(words):
            yield f"{case.parent.name}-{case.name}", case / "input", words, stdin.read_bytes() if stdin.exists() else b""
    yield "the-demo", CHECKOUT / "fixtures/demo", ["check"], b""
    hostile = SCRATCH / "hostile"
    for name, text in HOSTILE.items():
        path = hostile / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (hostile / "secrets.inventory.yaml").write_text("b: {k: hunter2-value}\n", encoding="utf-8")
    yield "hostile-names", hostile, ["check"], b""
    yield "hostile-names-and-no-findings-counted", hostile, ["check", "--exit-zero", "--level", "none"], b""


class Reports:
    """The reports of one case in one layout, each read by the reader of its format."""

    def __init__(self, name, folder, prefix, words, stdin):
        self.name, self.prefix = name, prefix
        self.ran = {format: run([*words, "--format", format], folder, stdin) for format in FORMATS}
        self.text = {format: ran.stdout.decode() for format, ran in self.ran.items()}

    def compare(self):
        codes = {format: ran.returncode for format, ran in self.ran.items()}
        expect(f"{self.name}: a format never changes the exit code", len(set(codes.values())) == 1, codes)
        report = json.loads(self.text["json"])
        wanted = readers.of_json(report, self.prefix)
        failed = next(iter(codes.values())) in (2, 3)
        expect(f"{self.name}: failures are in JSON where there are any", bool(report["failures"]) == failed, self.text["json"])
        blockers = [at for at in json.loads(self.text["gitlab"]) if at["severity"] == "blocker"]
        expect(f"{self.name}: GitLab gets as many", len(blockers) == len(report["failures"]), self.text["gitlab"])
        said = json.loads(self.text["sarif"])["runs"][0]["invocations"][0]["executionSuccessful"]
        expect(f"{self.name}: SARIF says whether the run failed", said != failed, self.text["sarif"])
        errors = self.text["junit"].count("<error "), self.text["github"].count("::error title=stackref::")
        expect(f"{self.name}: so do JUnit and GitHub", set(errors) == {len(report["failures"])}, errors)
        prints = [finding.fingerprint for finding in wanted]
        expect(f"{self.name}: no two findings share a fingerprint", len(set(prints)) == len(prints), prints)
        for format in FORMATS[1:]:
            try:
                readers.READERS[format](self.text[format], wanted)
                expect(f"{self.name}: {format} says what JSON says", True)
            except (Mismatch, KeyError, ValueError, TypeError, IndexError) as error:
                expect(f"{self.name}: {format} says what JSON says", False, f"{error!r}\n{self.text[format]}")

    def show_no_value(self, values):
        for format, ran in self.ran.items():
            shown = [value for value in values if value in ran.stdout.decode() + ran.stderr.decode()]
            expect(f"{self.name}: no value in {format}", not shown, shown)


def in_one_run(name, folder, words, stdin, reports):
    """All formats into files, in one run: the same bytes as each alone."""
    out = SCRATCH / "together"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    pairs = [word for format in FORMATS for word in ["--format", format, "--output", str(out / format)]]
    ran = run([*words, *pairs], folder, stdin)
    expect(f"{name}: the same exit code", ran.returncode == reports.ran["json"].returncode, ran)
    if ran.stderr.startswith(b"error: "):
        # If the command line is not understood, its files are not, either. A contradiction is understood, and reported.
        expect(f"{name}: no file is written", not list(out.iterdir()), ran)
        return
    for format in FORMATS:
        path = out / format
        same = path.exists() and path.read_bytes() == reports.ran[format].stdout
        expect(f"{name}: {format} is the same in a file", same, ran)


def main():
    shutil.rmtree(SCRATCH / "cases", ignore_errors=True)
    shutil.rmtree(SCRATCH / "hostile", ignore_errors=True)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    sarif = jsonschema.Draft4Validator(sarif_schema(SCRATCH))
    gitlab = jsonschema.Draft7Validator(json.loads((pathlib.Path(__file__).parent / "gitlab-code-quality.schema.json").read_text()))
    junit = xmlschema.XMLSchema(str(junit_schema(SCRATCH)))
    documents = SCRATCH / "cases/sarif"
    documents.mkdir(parents=True)
    reports = None
    for name, source, words, stdin in cases():
        for layout, prefix in [("root", ""), ("below", "a folder/below/")]:
            repository = SCRATCH / "cases" / layout / name
            folder = repository / prefix
            shutil.copytree(source, folder)
            (repository / ".git").mkdir(exist_ok=True)
            reports = Reports(f"{name} ({layout})", folder, prefix, words, stdin)
            reports.compare()
            reports.show_no_value(forbidden_values(source, words))
            for kind, validator in [("sarif", sarif), ("gitlab", gitlab)]:
                try:
                    errors = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(json.loads(reports.text[kind]))]
                except ValueError as error:
                    errors = [str(error)]
                expect(f"{reports.name}: {kind} holds to its schema", not errors, "\n".join(errors))
            try:
                errors = [str(error) for error in junit.iter_errors(reports.text["junit"])]
            except Exception as error:  # what is no XML at all is told in many ways
                errors = [repr(error)]
            expect(f"{reports.name}: junit holds to its schema", not errors, "\n".join(errors))
            (documents / f"{name}.{layout}.sarif").write_text(reports.text["sarif"], encoding="utf-8")
            if layout == "root":
                in_one_run(name, folder, words, stdin, reports)
    wrong = documents / "wrong-on-purpose.sarif"
    wrong.write_text(reports.text["sarif"].replace('"startLine": ', '"startLine": -').replace("SRCROOT", "a b"), encoding="utf-8")
    complaints = multitool_complaints(SCRATCH, documents)
    meant = [line for line in complaints if wrong.name in line]
    expect("the multitool objects to nothing", complaints == meant, "\n".join(complaints))
    expect("but to what is wrong", meant)
    expect("and so does the schema", list(sarif.iter_errors(json.loads(wrong.read_text(encoding="utf-8")))))
    expect("that of JUnit", not junit.is_valid("<testsuites><testsuite name='a'/></testsuites>"))
    expect("and that of GitLab", not gitlab.is_valid([{"description": "a", "check_name": "b", "fingerprint": "c"}]))
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
