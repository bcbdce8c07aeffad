"""Validates files that stackref reads and writes against schemas/: the JSON reports of the demo and of all cases, the configs and
inventories of the fixtures, and the configs in docs. Invalid files must be rejected.

    python tests/ci/schemas.py target/release/stackref

Needs jsonschema and PyYAML.
"""

import json
import pathlib
import subprocess
import sys
import tomllib

import jsonschema
import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "fixtures/schemas"
STACKREF = pathlib.Path(sys.argv[1]).resolve()


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((PROJECT / f"schemas/stackref.{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(path: pathlib.Path):
    text = path.read_text()
    if path.suffix == ".toml":
        return tomllib.loads(text)
    return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def expect_valid(schema: jsonschema.Draft202012Validator, data, source) -> None:
    error = jsonschema.exceptions.best_match(schema.iter_errors(data))
    assert error is None, f"{source}: {error.json_path}: {error.message}"


def expect_invalid(schema: jsonschema.Draft202012Validator, data, source) -> None:
    assert not schema.is_valid(data), f"{source} is valid, but should not be"


def run_json(args: list[str], folder: pathlib.Path):
    result = subprocess.run([STACKREF, *args, "--format", "json"], cwd=folder, capture_output=True, text=True, check=False)
    return json.loads(result.stdout)


def folders() -> list[pathlib.Path]:
    cases = [case for command in ["check", "refs", "render"] for case in (PROJECT / "fixtures" / command).glob("*/*")]
    return [PROJECT / "fixtures/demo"] + sorted(case / "input" for case in cases if (case / "input").is_dir())


def reports() -> int:
    """Validates the report of every case. A report without a required key, or with a value of another type, must be invalid."""
    report, references, comparison = validator("report"), validator("references"), validator("inventory-diff")
    findings = 0
    for folder in folders():
        document = run_json(["check"], folder)
        expect_valid(report, document, folder)
        findings += len(document["findings"])
        expect_valid(references, run_json(["refs"], folder), folder)
    for folder in sorted(PROJECT.glob("fixtures/inventory/diff/*/input")):
        for args in [["dev", "prod"], ["--used", "prod", "dev"]]:
            expect_valid(comparison, run_json(["inventory", "diff", *args], folder), folder)
    matrix = validator("matrix")
    for folder in sorted(PROJECT.glob("fixtures/matrix/environments/*/input")):
        document = run_json(["matrix"], folder)
        expect_valid(matrix, document, folder)
        expect_invalid(matrix, {**document, "rows": [{"secret": "a", "cells": {}}]}, "a row without uses")
    document = run_json(["check"], PROJECT / "fixtures/demo")
    for key in list(document["findings"][0]["span"]) + ["rule", "path", "fingerprint"]:
        broken = json.loads(json.dumps(document))
        finding = broken["findings"][0]
        (finding["span"] if key in finding["span"] else finding).pop(key)
        expect_invalid(report, broken, f"a report without {key}")
    expect_invalid(report, {**document, "summary": {}}, "a report with an empty summary")
    expect_invalid(report, {**document, "version": "1"}, "a version that is a string")
    expect_invalid(references, document, "a report of findings")
    assert findings > 60, findings
    return findings


def samples() -> int:
    """Validates the samples that tests in Rust also parse."""
    count = 0
    for name in ["config", "inventory"]:
        for path in sorted((SAMPLES / name).glob("read/*")):
            data = read(path)
            expect_valid(validator(name), {} if data is None else data, path)
            count += 1
        for path in sorted((SAMPLES / name).glob("refused/*")):
            expect_invalid(validator(name), read(path), path)
            count += 1
    return count


def configs() -> int:
    """Validates every config in the fixtures and docs. Those in cases about mistakes must be invalid."""
    config, count = validator("config"), 0
    for path in sorted(PROJECT.glob("fixtures/**/stackref.toml")):
        if path.is_relative_to(PROJECT / "fixtures/check/config-mistakes"):
            expect_invalid(config, read(path), path)
        elif not path.is_relative_to(PROJECT / "fixtures/check/config/refuses-invalid-toml"):
            expect_valid(config, read(path), path)
        count += 1
    for page in [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("**/*.md"))]:
        for block in page.read_text().split("```toml\n")[1:]:
            text = block.split("```")[0]
            if "[inventory." in text or "level =" in text:
                expect_valid(config, tomllib.loads(text), page)
                count += 1
    return count


if __name__ == "__main__":
    print(f"{reports()} findings, {samples()} samples and {configs()} configs match the schemas")
