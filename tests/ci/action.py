#!/usr/bin/env python3
"""Runs the steps of `action.yml` as a runner does, and validates it and the examples in docs: `action.py SCRATCH`.

Every shell step runs in bash with the environment of a runner, also with hostile inputs. The upload does not run, but the script
evaluates its condition. Run it with a Python that has the packages of `requirements.txt`. CARGO_TARGET_DIR permits reusing an
earlier build. The last line is `N passed, N failed`.
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

from counting import expect, finish
from validators import actionlint_errors

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
TOOLS = pathlib.Path(sys.executable).parent
ACTION = yaml.safe_load((CHECKOUT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step.get("id") or step["name"]: step for step in ACTION["runs"]["steps"]}
EXPRESSION = re.compile(r"\$\{\{\s*([a-z.-]+)\s*\}\}")
BUILD_SECONDS, RUN_SECONDS = 1200, 60
SECRET = "hunter2-value"
STACK = "stack_name: dev\ncomponents:\n  tracker:\n    flavor: x\n    configuration:\n      a: '{{{{db.{key}}}}}'\n"


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
        input_values = {name.replace("_", "-"): value for name, value in inputs.items()}
        unknown = input_values.keys() - ACTION["inputs"].keys()
        expect("the test uses inputs of the action", not unknown, unknown)
        self.inputs = {name: input_values.get(name, spec["default"]) for name, spec in ACTION["inputs"].items()}
        self.outputs = {}

    def value(self, text):
        """Evaluates the expressions in a text: inputs, and outputs of the check."""
        expressions = {f"inputs.{name}": value for name, value in self.inputs.items()}
        expressions |= {f"steps.check.outputs.{name}": value for name, value in self.outputs.items()}
        return EXPRESSION.sub(lambda match: expressions.get(match[1], ""), text)

    def step(self, name, seconds=RUN_SECONDS, **variables):
        """Runs a step, with other environment variables if they are given. Returns its exit code and its output."""
        step = STEPS[name]
        out, summary = self.temp / "output", self.temp / "summary"
        out.write_text("")
        summary.write_text("")
        dropped = ("ZENML_", "GITHUB_", "PIPX_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        env |= {name: self.value(value) for name, value in step.get("env", {}).items()}
        env |= {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(out), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTION_PATH": str(CHECKOUT)}
        env["PATH"] = f"{TOOLS}{os.pathsep}{env['PATH']}"
        env |= variables
        folder = self.workspace / self.value(step.get("working-directory", "."))
        # The runner's command for `shell: bash`.
        args = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
        result = subprocess.run(
            args, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", timeout=seconds,
        )
        if step.get("id") == "check":
            self.outputs = dict(line.split("=", 1) for line in out.read_text().splitlines())
            expect("there are no other outputs", self.outputs.keys() <= ACTION["outputs"].keys(), self.outputs)
        self.summary = summary.read_text(encoding="utf-8")
        expect(f"{name}: prints no value", SECRET not in result.stdout + self.summary, result.stdout)
        return result.returncode, result.stdout

    def uploads(self):
        """Returns the condition of the upload. Expects that `action.yml` contains the same condition."""
        actual_condition = STEPS["Upload to code scanning"]["if"]
        tested_condition = "inputs.upload-sarif == 'true' && steps.check.outputs.sarif-file != ''"
        expect("the condition of the upload is the tested one", actual_condition == tested_condition, actual_condition)
        return self.inputs["upload-sarif"] == "true" and self.outputs.get("sarif-file", "") != ""

    def matrix(self):
        """Runs the step of the matrix, which never fails. Returns its output and the summary."""
        exit_code, printed = self.step("matrix")
        expect("the step of the matrix exits with 0", exit_code == 0, printed)
        return printed, self.summary

    def check(self, code, uploads=True):
        """Runs the check and the last step. Returns the output of the check."""
        exit_code, printed = self.step("check")
        expect("the check step exits with 0", exit_code == 0, printed)
        exit_code, _ = self.step("Exit with the exit code of stackref")
        expect(f"the action exits with {code}", exit_code == code, printed)
        expect(f"an upload: {uploads}", self.uploads() == uploads, self.outputs)
        if uploads:
            report = json.loads(pathlib.Path(self.outputs["sarif-file"]).read_text(encoding="utf-8"))
            number = len(report["runs"][0]["results"])
            expect("the report is complete", (number > 0) == (code == 1), report)
        return printed


def commands(printed):
    """Returns the workflow commands that a runner executes. It ignores those between `stop-commands` and its token."""
    commands_found, token = [], None
    for line in printed.splitlines():
        if token is not None:
            token = None if line.strip() == f"::{token}::" else token
        elif line.strip().startswith("::stop-commands::"):
            token = line.strip().removeprefix("::stop-commands::")
        elif line.strip().startswith("::"):
            commands_found.append(line.strip())
    expect("commands are enabled again", token is None, printed)
    return commands_found


def test_environments(temp):
    """Tests the input `environments`, and the matrix in the summary."""
    job = Job(temp, {"a.yaml": STACK.format(key="user")})
    job.check(0)
    expect("without environments, there is no matrix", job.matrix() == ("", ""), job.summary)

    names = ["dev", "prod"]
    config = "".join(f"[inventory.{name}]\nkind = 'file'\npath = '{name}.yaml'\n[environment.{name}]\ninventory = ['{name}']\n" for name in names)
    files = {"stackref.toml": config, "dev.yaml": f"db:\n  user: {SECRET}\n", "prod.yaml": "db: [other]\n", "a.yaml": STACK.format(key="user")}
    files["secrets.inventory.yaml"] = "{}\n"
    row = "| `db.user` | `ok` | **`MISSING`** |"
    job = Job(temp, files)
    printed = job.check(1)
    expect("a finding names its environment", "in the environment `prod`" in printed, printed)
    printed, summary = job.matrix()
    expect("the summary contains the matrix", row in summary and summary.startswith("## ") and summary.endswith("\n"), summary)
    expect("a complete matrix is not annotated", commands(printed) == [], printed)

    for inputs in [{"environments": "dev\n\n"}, {"args": "--environment\ndev"}, {"args": "--environment=dev\n--deny-warnings"}]:
        job = Job(temp, files, **inputs)
        job.check(0)
        _, summary = job.matrix()
        expect("only the given environments are compared", "| `db.user` | `ok` |" in summary and "prod" not in summary, summary)
    job = Job(temp, files, environments="dev\nprod")
    job.check(1)
    expect("several environments are compared", row in job.matrix()[1], job.summary)
    for name in ["prd", "--exit-zero", "-v", "dev prod", "dev,prod", "--", "prod\n::error::x"]:
        job = Job(temp, files, environments=name)
        printed = job.check(2, uploads=False)
        expect("an unknown environment is reported", "unknown environment `" in printed and len(commands(printed)) == 1, printed)
        expect("after 2, there is no matrix", job.matrix() == ("", ""), job.summary)

    job = Job(temp, files, args="--inventory\ndev.yaml")
    job.check(0)
    expect("other inventories than those of the environments have no matrix", job.matrix() == ("", ""), job.summary)
    job = Job(temp, files | {"sub/stackref.toml": config}, args="--config\nsub/stackref.toml\n--level=none")
    job.outputs["exit-code"] = "0"
    expect("the matrix uses the config and the level of the check", "`?`" in job.matrix()[1], job.summary)

    # The command is not trusted, so the inventory cannot answer.
    program = config + "[inventory.other]\nkind = 'command'\nnames = ['false']\n[environment.other]\ninventory = ['other']\n"
    job = Job(temp, files | {"stackref.toml": program})
    job.outputs["exit-code"] = "3"
    printed, summary = job.matrix()
    expect("a failure of the matrix is a warning", len(commands(printed)) == 1 and commands(printed)[0].startswith("::warning::"), printed)
    job.inputs["args"] = "--trust"
    printed, summary = job.matrix()
    expect("an environment that cannot answer is a warning", "exited with 3" in printed and "| `?` |" in summary, printed + summary)
    # The text of this failure is that of a config without environments, in a name.
    job = Job(temp, {"stackref.toml": config.replace("[environment.prod]", "[environment.'x\\n  x no environment is configured\\n']")})
    job.outputs["exit-code"] = "0"
    expect("another failure is not taken for missing environments", "::warning::" in job.matrix()[0], job.summary)

    lines = {"b|`::error::x\n::error::y.stack.yaml": STACK.format(key="usr")}
    job = Job(temp, files | lines)
    job.check(1)
    printed, summary = job.matrix()
    expect("no name creates a command", commands(printed) == [], printed)
    expect("no name creates a line", not any(line.startswith("::") for line in summary.splitlines()), summary)
    many = "".join(f"s{at:05}{'x' * 90}: [k]\n" for at in range(9000))
    job = Job(temp, files | {"dev.yaml": many})
    job.check(1)
    _, summary = job.matrix()
    expect("a large matrix is not added", "too large" in summary and len(summary) < 1000, summary[:1000])


def test_runs(temp):
    printed = Job(temp, {"stacks/a.yaml": STACK.format(key="user")}).check(0)
    expect("without findings, there are no annotations", commands(printed) == [], printed)
    expect("the log contains the summary", "checked 1 file, 1 reference: 0 errors" in printed, printed)

    wrong = {"stacks/a b.yaml": STACK.format(key="usr")}
    printed = Job(temp, wrong).check(1)
    expect("a finding is annotated", [line for line in commands(printed) if line.startswith("::error file=stacks/a b.yaml,")], printed)
    expect("the log contains the human report", "error[unknown-key]" in printed and "did you mean `user`?" in printed, printed)
    expect("each finding has one annotation", len(commands(printed)) == 1, printed)
    printed = Job(temp, wrong, annotations="false", upload_sarif="false").check(1, uploads=False)
    expect("annotations can be turned off", commands(printed) == [], printed)
    Job(temp, wrong, args="--exit-zero\n--level\nnone\n").check(0)
    printed = Job(temp, wrong, format="short").check(1)
    expect("the format of the log can be changed", "stacks/a b.yaml:6:11: error[unknown-key]: " in printed, printed)
    printed = Job(temp, wrong, working_directory="stacks", sarif_file="out.sarif").check(1)
    expect("annotations have paths relative to the repository", "file=stacks/a b.yaml," in printed, printed)
    printed = Job(temp, wrong | {"other/b.yaml": STACK.format(key="user")}, paths="other").check(0)
    expect("only `paths` are checked", "checked 1 file" in printed, printed)
    printed = Job(temp, wrong, paths="gone.yaml").check(2, uploads=False)
    expect("a missing path is reported", "gone.yaml" in printed, printed)
    Job(temp, wrong, format="none").check(2, uploads=False)

    test_environments(temp)

    pwned = SCRATCH / "pwned"
    for text in [f"$(touch {pwned})", f"`touch {pwned}`", f"x; touch {pwned}", f'"; touch {pwned}; "', f"' && touch {pwned} #"]:
        for name in ["paths", "args", "environments", "format", "annotations", "sarif_file", "working_directory"]:
            job = Job(temp, wrong, **{name: text})
            if name == "working_directory":
                (job.workspace / text.replace("/", "_")).mkdir()
                job.inputs["working-directory"] = text.replace("/", "_")
            job.step("check")
            job.step("matrix")
            job.outputs["exit-code"] = "0"
            job.step("matrix")
            job.step("Exit with the exit code of stackref")
        Job(temp, {}, version=text).step("Install stackref")
    expect("no input is executed", not pwned.exists())

    lines = "::error::forged\n  ::add-mask::a\n"
    hostile = f"stack_name: dev\ncomponents:\n  tracker:\n    configuration:\n      a: |\n        {{{{db.usr}}}}\n        {lines}\n"
    printed = Job(temp, {"a.yaml": hostile, "b::error::x\n::error::y.stack.yaml": STACK.format(key="usr")}).check(1)
    forged = [line for line in commands(printed) if not re.match(r"::(error|warning) file=", line)]
    expect("no file name or text creates a command", not forged, forged)


def test_control_characters(temp):
    """Tests values that would add lines to the file of the outputs."""
    files = {"a.yaml": STACK.format(key="usr")}
    for text in ["a\nexit-code=0", "a\r\nexit-code=0", "\nexit-code<<x\n0\nx\n", "a\r", "a\x1b[2K", "a\x7f", "\udcff\nexit-code=0"]:
        jobs = [Job(temp, files, sarif_file=text), Job(temp, files, working_directory=text)]
        (jobs[1].workspace / text).mkdir()
        for job in jobs:
            code, printed = job.step("check")
            expect(f"{text!r} is rejected", code == 2 and job.outputs == {}, printed)
            refusals = commands(printed)
            expect(f"{text!r} is reported", len(refusals) == 1 and "control character" in refusals[0] and len(printed.splitlines()) == 1, printed)
    # No other input is written to it.
    for name in ["paths", "args", "environments", "format", "annotations", "category", "upload_sarif"]:
        job = Job(temp, files, **{name: "human\nexit-code=0\nsarif-file=x"})
        job.step("check")
        expect(f"{name} adds no output", job.outputs.get("exit-code") != "0" and job.outputs.get("sarif-file") != "x", job.outputs)
    # Spaces and other letters are accepted.
    job = Job(temp, {"é b/a.yaml": files["a.yaml"]}, working_directory="é b", sarif_file="ü c.sarif")
    job.check(1)
    expect("the report has the name of the input", job.outputs["sarif-file"].endswith("/é b/ü c.sarif"), job.outputs)


def test_prerequisites(temp):
    """Tests the messages for a runner without pipx or cargo, and for Windows."""
    path = SCRATCH / "path"
    path.mkdir()
    (path / "bash").symlink_to(shutil.which("bash"))
    for text, variables in {"pipx, which": {"PATH": str(path)}, "not on Windows": {"RUNNER_OS": "Windows"}}.items():
        code, printed = Job(temp, {}).step("Install stackref", **variables)
        expect(f"{text}: the step fails with a message", code == 2 and len(commands(printed)) == 1 and text in printed, printed)
    (path / "pipx").symlink_to(TOOLS / "pipx")
    code, printed = Job(temp, {}).step("Install stackref", PATH=str(path))
    expect("without cargo, the step fails with a message", code == 2 and len(commands(printed)) == 1 and "cargo, which" in printed, printed)
    code, printed = Job(temp, {}, version="0.1.0\n0.2.0").step("Install stackref")
    expect("a version with a line break is rejected", code == 2 and "is not a version" in printed, printed)


def lint_action():
    for name, step in STEPS.items():
        if "run" in step:
            expect(f"{name}: the script contains no expression", "${{" not in step["run"], step["run"])
            result = subprocess.run([TOOLS / "shellcheck", "--shell", "bash", "-"], input=step["run"], capture_output=True, text=True)
            expect(f"{name}: shellcheck passes", result.returncode == 0, result.stdout)
        else:
            expect(f"{name}: pinned to a commit", re.search(r"@[0-9a-f]{40}$", step["uses"]), step["uses"])
    # actionlint reads only workflows, so put the steps into one.
    inputs = {name: {"type": "string"} for name in ACTION["inputs"]}
    workflow = {"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"a": {"runs-on": "ubuntu-latest", "steps": ACTION["runs"]["steps"]}}}
    errors = actionlint_errors(SCRATCH, yaml.safe_dump(workflow, sort_keys=False))
    expect("actionlint accepts the steps", not errors, errors)
    expect_success("check-jsonschema", "--builtin-schema", "vendor.github-actions", CHECKOUT / "action.yml")
    expect_success("zizmor", "--offline", "--no-progress", "--persona", "pedantic", CHECKOUT / "action.yml")
    expect_success("pre-commit", "validate-manifest", CHECKOUT / ".pre-commit-hooks.yaml")


def expect_success(name, *args):
    result = subprocess.run([TOOLS / name, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS)
    expect(f"{name} accepts {args[-1]}", result.returncode == 0, result.stdout + result.stderr)


def check_examples():
    """Validates each YAML block in the docs by its kind."""
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
                errors = actionlint_errors(SCRATCH, block)
                expect(f"actionlint accepts {path.name}", not errors, errors)
                expect_success("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
                expect_success("zizmor", "--offline", "--no-progress", path)
            elif "artifacts:" in block:
                path.write_text(block)
                kinds["gitlab"] += 1
                expect_success("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", path)
            elif "repos:" in block:
                path.write_text(block)
                kinds["pre-commit"] += 1
                expect_success("pre-commit", "validate-config", path)
                named = {hook["id"] for repo in yaml.safe_load(block)["repos"] for hook in repo["hooks"]}
                existing = {hook["id"] for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())}
                expect("all hooks exist", named <= existing, named)
    expect("the docs have examples of each kind", all(kinds.values()), kinds)


def main():
    temp = SCRATCH / "runner"
    if SCRATCH.is_dir():
        for old in [old for old in SCRATCH.iterdir() if old.name != "npm"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    temp.mkdir(parents=True)
    lint_action()
    check_examples()
    test_prerequisites(temp)
    code, printed = Job(temp, {}).step("Install stackref", BUILD_SECONDS)
    expect("the installation step succeeds", code == 0, printed)
    if code == 0:
        test_runs(temp)
        test_control_characters(temp)
    finish()


main()
