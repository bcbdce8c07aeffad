#!/usr/bin/env python3
"""Runs the steps of `action.yml` as a runner would, and holds it and the examples in the documents to their schemas:
`action.py SCRATCH`.

Every shell step runs in bash with the environment that a runner gives it; what comes from a caller is hostile here. The
upload is not run: its condition is evaluated. Run it with a Python that has the packages of `requirements.txt`; set
CARGO_TARGET_DIR to build on what is built already. Ends with `N passed, N failed`.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

from validators import actionlint_complaints

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
TOOLS = pathlib.Path(sys.executable).parent
ACTION = yaml.safe_load((CHECKOUT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step.get("id") or step["name"]: step for step in ACTION["runs"]["steps"]}
EXPRESSION = re.compile(r"\$\{\{\s*([a-z.-]+)\s*\}\}")
BUILD_SECONDS, RUN_SECONDS = 1200, 60
SECRET = "hunter2-value"
STACK = "stack_name: dev\ncomponents:\n  tracker:\n    flavor: x\n    configuration:\n      a: '{{{{db.{key}}}}}'\n"
counts = {True: 0, False: 0}


def expect(what, holds, detail=""):
    counts[bool(holds)] += 1
    if not holds:
        print(f"FAILED {what}\n{detail}", file=sys.stderr)


class Job:
    """One use of the action in a workspace of its own."""

    def __init__(self, temp, files, **inputs):
        self.temp = temp
        self.workspace = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        subprocess.run(["git", "init", "--quiet"], cwd=self.workspace, check=True)
        for name, text in {"secrets.inventory.yaml": f"db:\n  user: {SECRET}\n", **files}.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = given.keys() - ACTION["inputs"].keys()
        expect("the test names inputs that there are", not unknown, unknown)
        self.inputs = {name: given.get(name, spec["default"]) for name, spec in ACTION["inputs"].items()}
        self.outputs = {}

    def value(self, text):
        """A text with its expressions evaluated: inputs, and outputs of the check."""
        known = {f"inputs.{name}": value for name, value in self.inputs.items()}
        known |= {f"steps.check.outputs.{name}": value for name, value in self.outputs.items()}
        return EXPRESSION.sub(lambda match: known.get(match[1], ""), text)

    def step(self, name, seconds=RUN_SECONDS):
        step = STEPS[name]
        out = self.temp / "output"
        out.write_text("")
        dropped = ("ZENML_", "GITHUB_", "PIPX_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        env |= {name: self.value(value) for name, value in step.get("env", {}).items()}
        env |= {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(out), "GITHUB_ACTION_PATH": str(CHECKOUT)}
        env["PATH"] = f"{TOOLS}{os.pathsep}{env['PATH']}"
        folder = self.workspace / self.value(step.get("working-directory", "."))
        # As the runner does it for `shell: bash`.
        words = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        ran = subprocess.run(
            words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", timeout=seconds,
        )
        if step.get("id") == "check":
            self.outputs = dict(line.split("=", 1) for line in out.read_text().splitlines())
        expect(f"{name}: no value is shown", SECRET not in ran.stdout, ran.stdout)
        return ran.returncode, ran.stdout

    def uploads(self):
        """The condition of the upload, which has to be this one."""
        written = STEPS["Upload to code scanning"]["if"]
        known = "inputs.upload-sarif == 'true' && steps.check.outputs.sarif-file != ''"
        expect("the condition of the upload is the one that is tested", written == known, written)
        return self.inputs["upload-sarif"] == "true" and self.outputs.get("sarif-file", "") != ""

    def check(self, code, uploads=True):
        """Runs the check and the last step, and gives what the check printed."""
        ended, printed = self.step("check")
        expect("the step of the check ends well, whatever was found", ended == 0, printed)
        ended, _ = self.step("End as stackref did")
        expect(f"the action ends with {code}", ended == code, printed)
        expect(f"an upload: {uploads}", self.uploads() == uploads, self.outputs)
        if uploads:
            report = json.loads(pathlib.Path(self.outputs["sarif-file"]).read_text(encoding="utf-8"))
            number = len(report["runs"][0]["results"])
            expect("and the report is whole", (number > 0) == (code == 1), report)
        return printed


def commands(printed):
    """The workflow commands that a runner obeys: none between `stop-commands` and its token."""
    obeyed, token = [], None
    for line in printed.splitlines():
        if token is not None:
            token = None if line.strip() == f"::{token}::" else token
        elif line.strip().startswith("::stop-commands::"):
            token = line.strip().removeprefix("::stop-commands::")
        elif line.strip().startswith("::"):
            obeyed.append(line.strip())
    expect("commands are taken up again", token is None, printed)
    return obeyed


def runs(temp):
    printed = Job(temp, {"stacks/a.yaml": STACK.format(key="user")}).check(0)
    expect("without findings nothing is annotated", commands(printed) == [], printed)
    expect("and the summary is in the log", "checked 1 file, 1 reference: 0 errors" in printed, printed)

    wrong = {"stacks/a b.yaml": STACK.format(key="usr")}
    printed = Job(temp, wrong).check(1)
    expect("a finding is annotated", [line for line in commands(printed) if line.startswith("::error file=stacks/a b.yaml,")], printed)
    expect("and reported for people", "error[unknown-key]" in printed and "did you mean `user`?" in printed, printed)
    expect("once each", len(commands(printed)) == 1, printed)
    printed = Job(temp, wrong, annotations="false", upload_sarif="false").check(1, uploads=False)
    expect("annotations can be turned off", commands(printed) == [], printed)
    Job(temp, wrong, args="--exit-zero\n--level\nnone\n").check(0)
    printed = Job(temp, wrong, format="short").check(1)
    expect("the report in the log can be another", "stacks/a b.yaml:6:11: error[unknown-key]: " in printed, printed)
    printed = Job(temp, wrong, working_directory="stacks", sarif_file="out.sarif").check(1)
    expect("annotations are from the repository's root", "file=stacks/a b.yaml," in printed, printed)
    printed = Job(temp, wrong | {"other/b.yaml": STACK.format(key="user")}, paths="other").check(0)
    expect("paths are what is checked", "checked 1 file" in printed, printed)
    printed = Job(temp, wrong, paths="gone.yaml").check(2, uploads=False)
    expect("a path that is not there is told", "gone.yaml" in printed, printed)
    Job(temp, wrong, format="none").check(2, uploads=False)

    pwned = SCRATCH / "pwned"
    for text in [f"$(touch {pwned})", f"`touch {pwned}`", f"x; touch {pwned}", f'"; touch {pwned}; "', f"' && touch {pwned} #"]:
        for name in ["paths", "args", "format", "annotations", "sarif_file", "working_directory"]:
            job = Job(temp, wrong, **{name: text})
            if name == "working_directory":
                (job.workspace / text.replace("/", "_")).mkdir()
                job.inputs["working-directory"] = text.replace("/", "_")
            job.step("check")
            job.step("End as stackref did")
        Job(temp, {}, version=text).step("Install stackref")
    expect("nothing that a caller says is run", not pwned.exists())

    lines = "::error::forged\n  ::add-mask::a\n"
    hostile = f"stack_name: dev\ncomponents:\n  tracker:\n    configuration:\n      a: |\n        {{{{db.usr}}}}\n        {lines}\n"
    printed = Job(temp, {"a.yaml": hostile, "b::error::x\n::error::y.stack.yaml": STACK.format(key="usr")}).check(1)
    forged = [line for line in commands(printed) if not re.match(r"::(error|warning) file=", line)]
    expect("no file makes a command", not forged, forged)


def lint():
    for name, step in STEPS.items():
        if "run" in step:
            expect(f"{name}: no expression inside of a script", "${{" not in step["run"], step["run"])
            ran = subprocess.run([TOOLS / "shellcheck", "--shell", "bash", "-"], input=step["run"], capture_output=True, text=True)
            expect(f"{name}: shellcheck objects to nothing", ran.returncode == 0, ran.stdout)
        else:
            expect(f"{name}: pinned to a commit", re.search(r"@[0-9a-f]{40}$", step["uses"]), step["uses"])
    # actionlint reads workflows: one with the same steps.
    inputs = {name: {"type": "string"} for name in ACTION["inputs"]}
    workflow = {"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"a": {"runs-on": "ubuntu-latest", "steps": ACTION["runs"]["steps"]}}}
    complaints = actionlint_complaints(SCRATCH, yaml.safe_dump(workflow, sort_keys=False))
    expect("actionlint objects to nothing in the steps", not complaints, complaints)
    tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", CHECKOUT / "action.yml")
    tool("zizmor", "--offline", "--no-progress", "--persona", "pedantic", CHECKOUT / "action.yml")
    tool("pre-commit", "validate-manifest", CHECKOUT / ".pre-commit-hooks.yaml")


def tool(name, *words):
    ran = subprocess.run([TOOLS / name, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS)
    expect(f"{name} objects to nothing in {words[-1]}", ran.returncode == 0, ran.stdout + ran.stderr)


def examples():
    """Each YAML block of the documents, by what it is for."""
    kinds = {"workflow": 0, "gitlab": 0, "pre-commit": 0}
    folder = SCRATCH / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".github/workflows").mkdir(parents=True)
    for document in ["README.md", "docs/src/ci.md"]:
        text = (CHECKOUT / document).read_text(encoding="utf-8")
        for at, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)):
            path = folder / f"{document.replace('/', '-')}-{at}.yaml"
            if "\njobs:" in block:
                path = folder / ".github/workflows" / path.name
                path.write_text(block)
                kinds["workflow"] += 1
                complaints = actionlint_complaints(SCRATCH, block)
                expect(f"actionlint objects to nothing in {path.name}", not complaints, complaints)
                tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
                tool("zizmor", "--offline", "--no-progress", path)
            elif "artifacts:" in block:
                path.write_text(block)
                kinds["gitlab"] += 1
                tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", path)
            elif "repos:" in block:
                path.write_text(block)
                kinds["pre-commit"] += 1
                tool("pre-commit", "validate-config", path)
                named = {hook["id"] for repo in yaml.safe_load(block)["repos"] for hook in repo["hooks"]}
                known = {hook["id"] for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())}
                expect("only hooks that there are", named <= known, named)
    expect("the documents have examples of each kind", all(kinds.values()), kinds)


def main():
    temp = SCRATCH / "runner"
    if SCRATCH.is_dir():
        for old in [old for old in SCRATCH.iterdir() if old.name != "npm"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    temp.mkdir(parents=True)
    lint()
    examples()
    ended, printed = Job(temp, {}).step("Install stackref", BUILD_SECONDS)
    expect("the action installs itself", ended == 0, printed)
    if ended == 0:
        runs(temp)
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(1 if counts[False] else 0)


main()
