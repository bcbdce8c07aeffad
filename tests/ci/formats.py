#!/usr/bin/env python3
"""Validates the machine formats of `check`: `formats.py STACKREF SCRATCH`.

Every case in `fixtures/check`, the demo, and a stack with hostile names run at the root of a repository and in a subfolder, in every
format. The validators are:

- SARIF: Microsoft's multitool with GitHub's rules for uploads, and the schema of SARIF 2.1.0,
- JUnit: the schema of Jenkins,
- GitLab: a schema written from its documentation,
- GitHub: a parser of workflow commands (`readers.py`).

All formats must agree with the JSON report. The tools are installed from PyPI and npm into SCRATCH. The last line is
`N passed, N failed`.
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
from counting import expect, finish
from readers import Mismatch
from validators import junit_schema, multitool_errors, sarif_schema
from values import forbidden_values

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
SCRATCH = pathlib.Path(sys.argv[2]).resolve()
FORMATS = ["json", "sarif", "junit", "gitlab", "github"]
# Cases whose output is not a report, or that change files.
NO_REPORT = {"--help", "-h", "--statistics", "--add-ignores", "--list-files", "--fix", "--fix=suggestions", "--diff", "--write-baseline"}
# Names that the formats must escape, for URIs, XML, workflow commands and terminals.
HOSTILE = {
    "a b%20c, d:e&<f>#g?é\U0001f600/x]]>\"'.stack.yaml": (
        "stack_name: \"\U0001f600 \\x01 \\uFFFE ]]> & <b> %0A ::error::x\"\ncomponents:\n  a:\n    flavor: mlflow\n    type: experiment_tracker\n"
        "    configuration:\n      \"k\U0001f600%,:\": '{{a]]>&<%0A::warning::.k}}'\n      b: \"\U0001f600\U0001f600 {{\\u202e.x}} é\"\n      c: |\n        x {{d.e}}\n        y\n"
        "      token: hunter2\n      d: '{{a]]>&<%0A::warning::.k}}'\n      e: {{unquoted.k}}\n"
    ),
    "new\nline.stack.json": '{"stack_name": "n", "components": {"a": {"b": "{{x.y\\n}}", "c": "{{ x.y"}}}',
    "broken.stack.toml": "stack_name = 'a'\n\n[components.a\npassword = 'hunter2'\n",
}


def run(args, folder, stdin):
    """Runs the program. The environment contains only the leading `NAME=value` arguments."""
    at = next(at for at, word in enumerate(args) if "=" not in word or word.startswith("-"))
    env = dict(word.split("=", 1) for word in args[:at])
    return subprocess.run([STACKREF, *args[at:]], cwd=folder, env=env, input=stdin, capture_output=True, timeout=60)


def split_command(cmd):
    return [quoted or unquoted for quoted, unquoted in re.findall(r"'([^']*)'|(\S+)", cmd)]


def without_format(args):
    args = list(args)
    for flag in ["--format", "--output", "-o"]:
        while flag in args:
            at = args.index(flag)
            del args[at : at + 2]
    return args


def cases():
    """Yields the name, input folder, arguments and standard input of each case."""
    for case in sorted((CHECKOUT / "fixtures/check").glob("*/*")):
        args = without_format(split_command((case / "cmd").read_text(encoding="utf-8")))
        stdin = case / "stdin"
        if not NO_REPORT.intersection(args):
            yield f"{case.parent.name}-{case.name}", case / "input", args, stdin.read_bytes() if stdin.exists() else b""
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
    """The reports of one case in one layout, in all formats."""

    def __init__(self, name, folder, prefix, args, stdin):
        self.name, self.prefix = name, prefix
        self.result = {format: run([*args, "--format", format], folder, stdin) for format in FORMATS}
        self.text = {format: result.stdout.decode() for format, result in self.result.items()}

    def compare(self):
        codes = {format: result.returncode for format, result in self.result.items()}
        expect(f"{self.name}: all formats have the same exit code", len(set(codes.values())) == 1, codes)
        report = json.loads(self.text["json"])
        expected = readers.read_json_report(report, self.prefix)
        failed = next(iter(codes.values())) in (2, 3)
        expect(f"{self.name}: the JSON report contains failures exactly if the run failed", bool(report["failures"]) == failed, self.text["json"])
        blockers = [at for at in json.loads(self.text["gitlab"]) if at["severity"] == "blocker"]
        expect(f"{self.name}: GitLab has the same number of failures", len(blockers) == len(report["failures"]), self.text["gitlab"])
        succeeded = json.loads(self.text["sarif"])["runs"][0]["invocations"][0]["executionSuccessful"]
        expect(f"{self.name}: SARIF contains whether the run failed", succeeded != failed, self.text["sarif"])
        errors = self.text["junit"].count("<error "), self.text["github"].count("::error title=stackref::")
        expect(f"{self.name}: JUnit and GitHub have the same number of failures", set(errors) == {len(report["failures"])}, errors)
        fingerprints = [finding.fingerprint for finding in expected]
        expect(f"{self.name}: fingerprints are unique", len(set(fingerprints)) == len(fingerprints), fingerprints)
        for format in FORMATS[1:]:
            try:
                readers.READERS[format](self.text[format], expected)
                expect(f"{self.name}: {format} agrees with JSON", True)
            except (Mismatch, KeyError, ValueError, TypeError, IndexError) as error:
                expect(f"{self.name}: {format} agrees with JSON", False, f"{error!r}\n{self.text[format]}")

    def expect_no_value(self, values):
        for format, result in self.result.items():
            shown = [value for value in values if value in result.stdout.decode() + result.stderr.decode()]
            expect(f"{self.name}: {format} contains no value", not shown, shown)


def compare_files_of_one_run(name, folder, args, stdin, reports):
    """Writes all formats to files in one run. The files must equal the reports of single runs."""
    out = SCRATCH / "together"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    pairs = [word for format in FORMATS for word in ["--format", format, "--output", str(out / format)]]
    result = run([*args, *pairs], folder, stdin)
    expect(f"{name}: the same exit code", result.returncode == reports.result["json"].returncode, result)
    if result.stderr.startswith(b"error: "):
        # An invalid command line writes no files. Contradictory options are reported in the files.
        expect(f"{name}: no file is written", not list(out.iterdir()), result)
        return
    for format in FORMATS:
        path = out / format
        same = path.exists() and path.read_bytes() == reports.result[format].stdout
        expect(f"{name}: {format} is identical in a file", same, result)


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
    for name, source, args, stdin in cases():
        for layout, prefix in [("root", ""), ("below", "a folder/below/")]:
            repository = SCRATCH / "cases" / layout / name
            folder = repository / prefix
            shutil.copytree(source, folder)
            (repository / ".git").mkdir(exist_ok=True)
            reports = Reports(f"{name} ({layout})", folder, prefix, args, stdin)
            reports.compare()
            reports.expect_no_value(forbidden_values(source, args))
            for kind, validator in [("sarif", sarif), ("gitlab", gitlab)]:
                try:
                    errors = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(json.loads(reports.text[kind]))]
                except ValueError as error:
                    errors = [str(error)]
                expect(f"{reports.name}: {kind} matches its schema", not errors, "\n".join(errors))
            try:
                errors = [str(error) for error in junit.iter_errors(reports.text["junit"])]
            except Exception as error:  # invalid XML raises various exceptions
                errors = [repr(error)]
            expect(f"{reports.name}: junit matches its schema", not errors, "\n".join(errors))
            (documents / f"{name}.{layout}.sarif").write_text(reports.text["sarif"], encoding="utf-8")
            if layout == "root":
                compare_files_of_one_run(name, folder, args, stdin, reports)
    wrong = documents / "wrong-on-purpose.sarif"
    wrong.write_text(reports.text["sarif"].replace('"startLine": ', '"startLine": -').replace("SRCROOT", "a b"), encoding="utf-8")
    errors_found = multitool_errors(SCRATCH, documents)
    intended = [line for line in errors_found if wrong.name in line]
    expect("the multitool accepts all valid documents", errors_found == intended, "\n".join(errors_found))
    expect("the multitool rejects an invalid document", intended)
    expect("the schema of SARIF rejects an invalid document", list(sarif.iter_errors(json.loads(wrong.read_text(encoding="utf-8")))))
    expect("the schema of JUnit rejects an invalid document", not junit.is_valid("<testsuites><testsuite name='a'/></testsuites>"))
    expect("the schema of GitLab rejects an invalid document", not gitlab.is_valid([{"description": "a", "check_name": "b", "fingerprint": "c"}]))
    finish()


main()
