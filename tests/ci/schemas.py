"""The schemas below schemas/, given to a validator with what stackref really reads and writes: the JSON reports of the demo
and of all cases, the configs and inventories of the fixtures, the config of the README. What is no such file has to fail.

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


def fits(what: jsonschema.Draft202012Validator, data, where) -> None:
    error = jsonschema.exceptions.best_match(what.iter_errors(data))
    assert error is None, f"{where}: {error.json_path}: {error.message}"


def fails(what: jsonschema.Draft202012Validator, data, where) -> None:
    assert not what.is_valid(data), f"{where} fits, and should not"


def printed(words: list[str], folder: pathlib.Path):
    run = subprocess.run([STACKREF, *words, "--format", "json"], cwd=folder, capture_output=True, text=True, check=False)
    return json.loads(run.stdout)


def folders() -> list[pathlib.Path]:
    cases = [case for command in ["check", "refs", "render"] for case in (PROJECT / "fixtures" / command).glob("*/*")]
    return [PROJECT / "fixtures/demo"] + sorted(case / "input" for case in cases if (case / "input").is_dir())


def reports() -> int:
    """Every report that fixtures give; without what is required, or with another type, it fits no longer."""
    report, references = validator("report"), validator("references")
    findings = 0
    for folder in folders():
        said = printed(["check"], folder)
        fits(report, said, folder)
        findings += len(said["findings"])
        fits(references, printed(["refs"], folder), folder)
    said = printed(["check"], PROJECT / "fixtures/demo")
    for key in list(said["findings"][0]["span"]) + ["rule", "path", "fingerprint"]:
        broken = json.loads(json.dumps(said))
        finding = broken["findings"][0]
        (finding["span"] if key in finding["span"] else finding).pop(key)
        fails(report, broken, f"a report without {key}")
    fails(report, {**said, "summary": {}}, "a report without numbers")
    fails(report, {**said, "version": "1"}, "a version that is a text")
    fails(references, said, "a report of findings")
    assert findings > 60, findings
    return findings


def samples() -> int:
    """What tests of Rust give to the readers themselves."""
    tried = 0
    for name in ["config", "inventory"]:
        for path in sorted((SAMPLES / name).glob("read/*")):
            data = read(path)
            fits(validator(name), {} if data is None else data, path)
            tried += 1
        for path in sorted((SAMPLES / name).glob("refused/*")):
            fails(validator(name), read(path), path)
            tried += 1
    return tried


def configs() -> int:
    """Every config that the fixtures and the documents show, except those of cases about mistakes in one."""
    config, tried = validator("config"), 0
    for path in sorted(PROJECT.glob("fixtures/**/stackref.toml")):
        if path.is_relative_to(PROJECT / "fixtures/check/config-mistakes"):
            fails(config, read(path), path)
        elif not path.is_relative_to(PROJECT / "fixtures/check/config/refuses-invalid-toml"):
            fits(config, read(path), path)
        tried += 1
    for page in [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("**/*.md"))]:
        for block in page.read_text().split("```toml\n")[1:]:
            text = block.split("```")[0]
            if "[inventory." in text or "level =" in text:
                fits(config, tomllib.loads(text), page)
                tried += 1
    return tried


if __name__ == "__main__":
    print(f"{reports()} findings, {samples()} samples and {configs()} configs are what the schemas say")
