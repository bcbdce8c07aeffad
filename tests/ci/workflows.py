#!/usr/bin/env python3
"""Checks the workflows, `action.yml`, the issue forms and `dependabot.yml` with third-party linters: `workflows.py SCRATCH`.

actionlint, shellcheck, zizmor and the JSON schemas of check-jsonschema read them. Every action is pinned to a commit.
Run it with a Python that has the packages of `requirements.txt`. Ends with `N passed, N failed`.
"""
import pathlib
import re
import subprocess
import sys

import yaml

from counting import expect, finish
from validators import actionlint_errors

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
GITHUB = CHECKOUT / ".github"
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
TOOLS = pathlib.Path(sys.executable).parent
SECONDS = 120
# A commit, and the tag that Dependabot compares with newer ones.
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
# Element types of an issue form, and the attributes that each requires.
FORM_ELEMENTS = {
    "markdown": {"value"}, "textarea": {"label"}, "input": {"label"}, "dropdown": {"label", "options"},
    "checkboxes": {"label", "options"},
}


def expect_success(name, *args, text=None):
    """Runs a tool of the virtual environment, and expects it to exit with 0."""
    result = subprocess.run(
        [TOOLS / name, *args], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        timeout=SECONDS,
    )
    expect(f"{name} {' '.join(map(str, args))}", result.returncode == 0, result.stdout)


def check_schema(name, path):
    expect_success("check-jsonschema", "--builtin-schema", name, path)


def check_workflow(path):
    text = path.read_text(encoding="utf-8")
    errors = actionlint_errors(SCRATCH, text)
    expect(f"actionlint {path.name}", not errors, errors)
    check_schema("vendor.github-workflows", path)
    check_schema("custom.github-workflows-require-timeout", path)
    for line in re.findall(r"\buses: (.*)", text):
        expect(f"{path.name}: `{line}` is pinned", PINNED.fullmatch(line))
    # actionlint runs without shellcheck here.
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                expect_success("shellcheck", "--shell", "bash", "-", text=step["run"])


def check_form(path):
    check_schema("vendor.github-issue-forms", path)
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    missing = {"name", "description", "body"} - form.keys()
    expect(f"{path.name} has its keys", not missing, missing)
    fields = [element for element in form["body"] if element["type"] != "markdown"]
    expect(f"{path.name} has a field", fields)
    for element in form["body"]:
        missing = FORM_ELEMENTS[element["type"]] - element["attributes"].keys()
        expect(f"{path.name}: {element.get('id')} has its attributes", not missing, missing)
    # GitHub rejects a form with a duplicate, and an id that is not of these characters.
    ids = [element.get("id", "") for element in fields]
    expect(f"{path.name}: ids are unique and valid", len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]+", at) for at in ids), ids)
    labels = [element["attributes"].get("label") for element in fields]
    expect(f"{path.name}: labels are unique", len(set(labels)) == len(labels), labels)
    for element in fields:
        options = element["attributes"].get("options", [])
        expect(f"{path.name}: options are unique", len(set(map(str, options))) == len(options), options)


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for path in sorted((GITHUB / "workflows").iterdir()):
        check_workflow(path)
    for path in sorted((GITHUB / "ISSUE_TEMPLATE").iterdir()):
        if path.name == "config.yml":
            check_schema("vendor.github-issue-config", path)
        else:
            check_form(path)
    check_schema("vendor.dependabot", GITHUB / "dependabot.yml")
    check_schema("vendor.github-actions", CHECKOUT / "action.yml")
    # The program is built with one version of maturin, however it is installed.
    files = ["pyproject.toml", ".github/requirements.txt", "tests/ci/requirements.txt"]
    versions = [re.findall(r"\bmaturin([<>=~!].*?)[\s\"]", (CHECKOUT / name).read_text(encoding="utf-8")) for name in files]
    expect("maturin is pinned to one version", all(found == versions[0] for found in versions) and re.fullmatch(r"==[\d.]+", versions[0][0]), versions)
    # The folder, so that zizmor also reads dependabot.yml.
    inputs = [GITHUB, CHECKOUT / "action.yml"]
    expect_success("zizmor", "--offline", "--no-progress", "--persona", "auditor", *inputs)
    finish()


main()
