#!/usr/bin/env python3
"""Renders with the built program and reads the result with other languages' parsers: `render.py STACKREF`.

JSON and TOML with Python's standard library, YAML with PyYAML (1.1), which ZenML reads with. The oracle is the input as that
parser reads it, with the references replaced in its strings. Ends with `N passed, N failed`.
"""
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import tomllib

import yaml

STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
HOSTILE = [
    "", " ", "x", "p #x", "a: b", "0123", "0x1F", "0o17", "1_000", "1.10", "1e3", "190:20:30", ".inf", "yes", "No", "on", "null",
    "~", "<<", "=", "2020-01-01", "true", "- x", "? x", "&x", "*x", "!x", "|", ">", "%x", "@x", "`x`", "[x", "{x", "x, y",
    "it's", 'say "hi"', "C:\\temp\\new", " lead", "trail ", "tab\tin", "-----BEGIN KEY-----\nMIIE\n\n-----END KEY-----\n",
    "two\nlines", "\nfirst empty", "cr\rlf\r\n", "nul\0bell\a", "nel\u0085ls\u2028bom\ufeffdel\u007fc1\u009b", "\U0001f600 ü",
    "---", "...", "--- x", "#x", "x:", ":x", "'", '"', "\\", "{{a.b}}", "${X}", "a\n b", " \n", "\n",
]
rng = random.Random(5)
HOSTILE += ["".join(rng.choice("ab:#'\"{}[], \n\t\\|>&*!%@`=<~-é\u2028\x85") for _ in range(rng.randint(1, 12))) for _ in range(150)]
REFERENCE = re.compile(r"\{\{s\.(k\d+)\}\}")
YAML = {
    "plain": "k: x{R}y\n", "plain-end": "k: x {R}\nl: 1\n", "single": "k: '{R}' # c\n", "double": 'k: "\\t{R}"\n',
    "literal": "k: |\n  x\n  {R}\nl: 1\n", "strip": "k: |-\n  {R}\nl: 1\n", "keep": "k: |+\n  {R}\n\nl: 1\n",
    "folded": "k: >\n  x\n  {R}\n  y\nl: 1\n", "folded-strip": "k: >-\n  {R}\n\nl: 1\n", "flow": "k: ['{R}', {a: \"{R}\"}]\n",
    "many": "k: 'x\n\n  {R}'\nl: \"y \\\n  {R}\"\n", "tagged": "k: !!str '{R}'\n", "anchored": "k: &a '{R}'\nl: *a\n", "crlf": "k: |\r\n  {R}\r\nl: 1\r\n", "cut-off": "k: |\n  a{R}", "folded-cut-off": "k: >-\n  a\n  {R}", "local-tag": "k: !!str |-\n  {R}\n",
}
TOML = {"basic": 'k = "{R}"\n', "literal": "k = '{R}' # c\n", "ml": 'k = """\nx {R}\n"""\n', "mll": "k = '''\n{R}'''\nl = 1\n", "arr": "k = ['{R}', {a = \"{R}\"}]\n",
        "crlf": "k = \'\'\'\r\nx\r\n{R}\'\'\'\r\n", "crlf-basic": 'k = """x\r\n\\\r\n  {R}\r\n"""\r\n'}
JSON = {"obj": '{"k": "{R}", "l": ["x{R}\\t"]}\n'}


def replaced(tree, values):
    if isinstance(tree, str):
        return REFERENCE.sub(lambda match: values[match[1]], tree)
    if isinstance(tree, list):
        return [replaced(item, values) for item in tree]
    if isinstance(tree, dict):
        return {key: replaced(item, values) for key, item in tree.items()}
    return tree


def main():
    passed = failed = 0
    readers = {"yaml": yaml.safe_load, "toml": tomllib.loads, "json": json.loads}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        values = {f"k{at}": value for at, value in enumerate(HOSTILE)}
        (folder / "secrets.inventory.json").write_text(json.dumps({"s": values}))
        (folder / "stackref.toml").write_text('resolver = "render"\n')
        for ending, shapes in (("yaml", YAML), ("toml", TOML), ("json", JSON)):
            for (name, text), key in itertools.product(shapes.items(), values):
                path = folder / f"{name}-{key}.stack.{ending}"
                path.write_bytes(text.replace("{R}", "{{s.%s}}" % key).encode())
        run = subprocess.run([STACKREF, "render", "-o", "out"], cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            print(run.stdout, run.stderr)
            sys.exit("the render failed")
        for path in sorted(folder.glob("*.stack.*")):
            read = readers[path.suffix[1:]]
            expected = replaced(read(path.read_bytes().decode()), values)
            text = (folder / "out" / path.name).read_bytes().decode()
            try:
                got = read(text)
            except Exception as error:  # whatever a parser raises is a failure of ours
                got = error
            if got == expected:
                passed += 1
            else:
                failed += 1
                print(f"{path.name}: {expected!r} was read as {got!r} from {text!r}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
