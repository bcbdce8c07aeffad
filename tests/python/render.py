#!/usr/bin/env python3
"""Renders files with the built program and parses them in Python: `render.py STACKREF`.

The parsers are Python's standard library for JSON and TOML, and PyYAML (YAML 1.1) for YAML, which ZenML also uses. The expected
document is the parsed input with the references replaced in its strings. Strings with references follow YAML 1.2, where U+0085,
U+2028 and U+2029 are not line breaks. The last line is `N passed, N failed`.

`render.py STACKREF COUNT` generates COUNT YAML files, and a third as many TOML files.
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

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 12_000
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


def with_values(tree, values):
    if isinstance(tree, str):
        return REFERENCE.sub(lambda match: values[match[1]], tree)
    if isinstance(tree, list):
        return [with_values(item, values) for item in tree]
    if isinstance(tree, dict):
        return {key: with_values(item, values) for key, item in tree.items()}
    return tree


# Scalars of every YAML type. Each is split into the text before the reference, its value, and the text after it.
TOKENS = [
    "null", "~", "True", "no", "y", "-12", "017", "0o17", "0x1F", "0b101", "1_000", "190:20:30", "1.5", ".5", "1e3", "-.inf", ".NaN",
    "2020-01-05", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1 Z", "10:30", "<<", "=", "---", "...", "--- x", "# c", "a: b",
    "- a", "? a", "&a b", "*a", "!t x", "%YAML 1.1", "[a]", "{a: b}", "'a'", '"a"', "\\n", "a\tb", " a ", "\na\n\n  b\n", "\r\n", "\u2028--- b",
    "\x85  b", "a\x85# b", "\ufeffa", "\u2029\u2029", "'" * 3, '"' * 3, "\\",
]
NEIGHBORS = ["", "x", "x ", " x", "x:", "#", " #", "\x85", "x\u2028", "x\x85  y", "x\u2028 # y", "x\u2029    - y", "x\x85--- y", "\u2028x", "'", '"']
POSITIONS = [
    "k: @\n", "k: @", "k: @ # c\n", "- @\n- x\n", "--- @\n", "k:\n  @\nl: 1\n", "? x\n: @\n", "k: &a @\nl: *a\n", "k: !!str @\n", "[@, x]\n", "k: [{a: @}]\n",
    "# c\u2028# d\nk: @\n", "k: @ # c\x85\n", "k: @ # c\x85l: 1\n", 'd: "a\u2028b"\nk: @\n', "d: |\n  a\x85  b\nk: @\n", "d: |\n  a\x85b: c\nk: @\n", "d: a\u2028b\nk: @\n",
]
STYLES = ["{}", "'{}'", '"{}"', "x {}\n    y", "'x\n\n    {}\n    y'", '"x \\\n    {}\\\n    "', '"\\N{}"']
BLOCKS = ["|\n    {}\n", "|-\n    {}", ">\n    {}\n    y\n\n", "|+ # c\n    x\n    {}\n\n", ">-\n    {}\n", "|4\n      {}\n", "| # c\u2028    x\n    {}\n"]
STRINGS = [
    "'{}'", '"{}"', "MMM{}MMM", "BBB{}BBB", "MMM{}\nxMMM", "BBB{}\nxBBB", "MMM\n{}\nMMM", "BBB\n\n{}BBB", "MMM''{}''MMM", 'BBB""{}""BBB', "BBBx\\\n  {}BBB", "BBB{}\\\n\n  xBBB",
    "BBBx\\r\\n{}\\n\nBBB", "BBBx\\r\n{}BBB",
]


def generated_files():
    """Yields random combinations: the name, extension and text of a file, and the value of its reference."""
    pieces = [(token[:start], token[start:end], token[end:]) for token in TOKENS for start in range(len(token) + 1) for end in range(start, len(token) + 1)]
    pieces += [(neighbor, value, suffix) for value in TOKENS for neighbor in NEIGHBORS for suffix in ("", neighbor)]
    yaml_texts = [position.replace("@", style) for position in POSITIONS for style in STYLES]
    yaml_texts += [position.replace("@", block) for position in ("k: @", "- @", "--- @", "k: &a @", "k:\n  - @") for block in BLOCKS]
    strings = [string.replace("MMM", "'" * 3).replace("BBB", '"' * 3) for string in STRINGS]
    toml_texts = [table.replace("@", string) for table in ("k = @\n", "k = [@, {a = @}]\n", "# c\x85\n[t]\nk = @") for string in strings]
    for count, extension, texts in ((COUNT, "yaml", yaml_texts), (COUNT // 3, "toml", toml_texts)):
        for at in range(count):
            (before, value, suffix), text = rng.choice(pieces), rng.choice(texts)
            if "'" in text and extension == "yaml":
                before, suffix = before.replace("'", "''"), suffix.replace("'", "''")
            elif '"' in text:
                before, suffix = (part.replace("\\", "\\\\").replace('"', '\\"') for part in (before, suffix))
            text = text.replace("{}", before + "{R}" + suffix)
            yield f"generated-{at}", extension, text.replace("\n", "\r\n") if at % 4 == 0 else text, value


# Characters that are line breaks only in YAML 1.1, and replacements that are ordinary characters.
BREAKS = {0x85: 0xE085, 0x2028: 0xE028, 0x2029: 0xE029}
CHARACTERS = {character: line_break for line_break, character in BREAKS.items()}


def expected_document(text, read, values):
    """Returns the expected document after rendering. Strings without references are parsed as YAML 1.1, and those with references
    as YAML 1.2."""
    if read is not yaml.safe_load:
        return with_values(read(text), values)

    def merged(tree, tree_1_2):
        if isinstance(tree_1_2, str) and REFERENCE.search(tree_1_2):
            return with_values(tree_1_2.translate(CHARACTERS), values)
        if isinstance(tree, list):
            return [merged(*items) for items in zip(tree, tree_1_2, strict=True)]
        if isinstance(tree, dict):
            return {key: merged(value, tree_1_2[key]) for key, value in tree.items()}
        return tree

    return merged(read(text), read(text.translate(BREAKS)))


def remove_files_with_errors(folder):
    """Removes every file with an error from `check`. Returns their number."""
    check = subprocess.run([STACKREF, "check", "--format", "json"], cwd=folder, capture_output=True, text=True)
    errors = {finding["path"] for finding in json.loads(check.stdout)["findings"] if finding["severity"] == "error"}
    for path in errors:
        (folder / path).unlink()
    return len(errors)


def main():
    passed = failed = unreadable = 0
    readers = {"yaml": yaml.safe_load, "toml": tomllib.loads, "json": json.loads}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        values = {f"k{at}": value for at, value in enumerate(HOSTILE)}
        (folder / "stackref.toml").write_text('resolver = "render"\n[files]\ninclude = ["*.stack.*"]\n')
        for extension, shapes in (("yaml", YAML), ("toml", TOML), ("json", JSON)):
            for (name, text), key in itertools.product(shapes.items(), list(values)):
                path = folder / f"{name}-{key}.stack.{extension}"
                path.write_bytes(text.replace("{R}", "{{s.%s}}" % key).encode())
        for name, extension, text, value in generated_files():
            key = f"k{len(values)}"
            values[key] = value
            (folder / f"{name}.stack.{extension}").write_bytes(text.replace("{R}", "{{s.%s}}" % key).encode())
        (folder / "secrets.inventory.json").write_text(json.dumps({"s": values}))
        refused = remove_files_with_errors(folder)
        run = subprocess.run([STACKREF, "render", "-o", "out"], cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            print(run.stdout[-2000:], run.stderr[-2000:])
            sys.exit("render failed, but check did not")
        for path in sorted(folder.glob("*.stack.*")):
            read = readers[path.suffix[1:]]
            old = path.read_bytes().decode()
            try:
                expected = expected_document(old, read, values)
            except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError):  # this parser rejects the input
                unreadable += 1
                continue
            text = (folder / "out" / path.name).read_bytes().decode()
            try:
                actual = read(text)
            except Exception as error:  # any exception is a failure
                actual = error
            if actual == expected:
                passed += 1
            else:
                failed += 1
                print(f"{path.name}: {old!r}: expected {expected!r}, but parsed {actual!r} from {text!r}")
    print(f"skipped {refused} files with errors and {unreadable} that Python cannot parse")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed < 10_000)


main()
