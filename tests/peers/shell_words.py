#!/usr/bin/env python3
"""Compares the `zenml` commands that stackref finds in scripts with the words that bash passes: `shell_words.py STACKREF`.

Each generated script contains `zenml` commands between other code: quotes and escapes of all kinds, variables, arrays, here-documents,
loops, functions, pipelines, substitutions, other shells, and text that only looks like a command. bash runs it in an empty folder, with
an empty environment and a `PATH` that contains only the programs in PROGRAMS and stand-ins. The stand-in for `zenml` records its words.
All lines of a script are run.

- Each reference, name of a secret and declaration in the recorded words must be found by stackref: in the same command, under the same
  option, at a location with its text. Alternatively, it is dynamic, or is in code that docs/src/sources.md lists as not read.
- stackref must find nothing else.
- A recorded value with braces that is not a reference must have a finding.

A fifth of the scripts are code blocks in Markdown or steps of a GitHub workflow. Ends with `N passed, N failed`.
"""
import collections
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

from bash_scripts import Script
from peer import Comparison, compare_declarations, of_file, text_at

PROGRAMS = ["bash", "env", "timeout", "nice", "nohup", "xargs", "cat", "find"]
STAND_INS = {
    "zenml": 'printf "%s\\0" "$#" "$@" >>"$RECORD"',
    "sudo": 'exec "$@"',
    "uv": 'shift; exec "$@"',
    "ssh": 'shift; exec bash -c "$*"',
}
REFERENCE = re.compile(r"\{\{\s*([^\s.{}]+)\.([^\s{}]+)\s*\}\}")


def in_host(rng, number, script):
    """Puts a script into a file. Returns its name and its text."""
    if rng.random() < 0.8 or "\t" in script:
        return f"{number}.sh", script
    if rng.random() < 0.5:
        return f"{number}.md", f"# Page\n\nText `x`.\n\n~~~~bash\n{script}~~~~\n"
    indented = "".join(f"          {line}\n" if line else "\n" for line in script.split("\n")[:-1])
    return f".github/workflows/{number}.yml", f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{indented}"


class Sandbox:
    """A folder with the only programs that a script can start."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for name in PROGRAMS:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, code in STAND_INS.items():
            (self.bin / name).write_text(f"#!{shutil.which('sh')}\n{code}\n")
            (self.bin / name).chmod(0o755)

    def run(self, script):
        """Runs a script. Returns the words of each `zenml` command, and the error output."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "bin").symlink_to(self.bin)
        record = self.folder / "record"
        record.write_bytes(b"")
        environment = {"PATH": str(self.bin), "HOME": str(work), "RECORD": str(record), "LC_ALL": "C.UTF-8", "TIMEFORMAT": ""}
        done = subprocess.run(
            [self.bin / "bash", "--norc", "--noprofile", "-c", f"ulimit -f 1000 -t 5\n{script}"],
            cwd=work,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
            check=False,
        )
        words = iter(record.read_bytes().decode().split("\0")[:-1])
        return [[next(words) for _ in range(int(count))] for count in words], done.stderr.decode()


Use = collections.namedtuple("Use", "component attribute secret key")


def uses_in(words):
    """What the words of a command contain: references and names of secrets, declarations, and values with braces that are not references."""
    uses, declarations, others = set(), set(), set()
    arguments = [word for word in words if not word.startswith("-")]
    group, action = arguments[:2]
    pairs = []
    for before, word in zip(["", *words], words):
        if re.match(r"-*[\w.-]+=", word):
            pairs.append(word.lstrip("-").split("=", 1))
        elif before.startswith("-") and "=" not in before and not word.startswith("-"):
            pairs.append([before.lstrip("-"), word])
    for key, value in pairs:
        match = REFERENCE.fullmatch(value)
        if match:
            uses.add(Use(group, key, *match.groups()))
        elif "{{" in value:
            others.add((group, key, value))
        if group == "stack" and key == "secret":
            uses.add(Use(group, key, value, None))
    if group == "secret" and action == "create":
        declarations.add((arguments[2], tuple(sorted(key for key, _ in pairs))))
    elif group == "secret":
        uses.add(Use(group, "name", arguments[2], None))
    return uses, declarations, others


def without_quotes(text):
    """A text without the characters that quote. Escapes of `$'…'` are decoded."""
    escape = re.compile(r"\\+(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([0-7]{3}))")
    text = escape.sub(lambda match: chr(int(match[3], 8) if match[3] else int(match[1] or match[2], 16)), text)
    return re.sub(r"[\\'\"$\s]", "", text)


def is_meant(dynamic, use):
    """Whether a dynamic reference may be a recorded one."""
    def pattern(text):
        parts = re.split(r"\$\{\w+\}|\$\w+|\$\(.*?\)|`.*?`", text)
        return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)

    return pattern(dynamic["secret"]).fullmatch(use.secret) and pattern(dynamic.get("key") or "").fullmatch(use.key or "")


def compare(text, commands, listed, findings):
    """Compares one script."""
    uses, declared, others = (set().union(*parts) for parts in zip(*map(uses_in, commands))) if commands else (set(), set(), set())
    problems = []
    static, dynamic = [], []
    for reference in listed["references"]:
        (dynamic if reference.get("dynamic") else static).append(reference)
    found = {(reference["secret"], reference.get("key")) for reference in static}
    for reference in static:
        use = Use(reference["component"], reference["attribute"], reference["secret"], reference.get("key"))
        if use not in uses:
            problems.append(f"no run passes {use}")
            continue
        written = text_at(text, reference["span"])
        expected = f"{{{{{use.secret}.{use.key}}}}}" if use.key else use.secret
        if without_quotes(written) != without_quotes(expected) and not re.search(r"\$\w|\$\{", written):
            problems.append(f"the location of {use} contains {written!r}")
    counts = collections.Counter()
    for use in uses:
        if (use.secret, use.key) in found:
            counts["found"] += 1
        elif use.secret.startswith("d") and any(is_meant(reference, use) for reference in dynamic):
            counts["dynamic"] += 1
        elif use.secret.startswith("u"):
            counts["not read"] += 1
        else:
            problems.append(f"stackref does not find {use}")
    for reference in dynamic:
        if not any(is_meant(reference, use) for use in uses):
            problems.append(f"no run passes the dynamic reference {reference['secret']}.{reference.get('key')}")
    for component, attribute, value in others:
        if not any(finding.get("attribute") == attribute for finding in findings) and not re.search(r"\{\{\s*u\d", value):
            problems.append(f"there is no finding for {component} {attribute}={value}")
    wrong, counts["declared"] = compare_declarations(listed, declared)
    return problems + wrong, counts


def main():
    comparison = Comparison(__doc__, 500)
    comparison.parse_arguments()
    rng = random.Random(comparison.seed)
    texts, recorded = {}, {}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as sandbox_folder:
        sandbox = Sandbox(sandbox_folder)
        for number in range(comparison.count):
            script = Script(rng, number).text()
            name, text = in_host(rng, number, script)
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            texts[name], recorded[name] = text, sandbox.run(script)
        listed, findings = comparison.run("refs", folder), comparison.run("check", folder)["findings"]
    totals = collections.Counter()
    for name, text in texts.items():
        commands, errors = recorded[name]
        problems, counts = compare(text, commands, of_file(listed, name), [finding for finding in findings if finding["path"] == name])
        totals.update(counts, commands=len(commands))
        if errors.strip():
            problems.append(f"bash: {errors.strip()}")
        comparison.expect_none(problems, "scripts with the same references", name, text)
    print(", ".join(f"{count:,} {kind}" for kind, count in sorted(totals.items())))
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
