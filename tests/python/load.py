#!/usr/bin/env python3
"""Compares the YAML that stackref accepts with the YAML that PyYAML can load: `load.py STACKREF [COUNT]`.

ZenML reads YAML with PyYAML's `safe_load`, here the loader in Python. With resolver `zenml`, stackref has to report a
`syntax-error` for each text that this loader refuses, and for no other text. The texts are FORMS, each alone; the cases of
yaml-test-suite if there is a folder of suites (`STACKREF_CORPORA` or `../shared/corpora`); and COUNT texts that are composed of
pieces of YAML, or are changed cases. EXCEPTIONS lists what stackref refuses on purpose.

A second part writes collections and quoted values with too little indentation. stackref has to find the same references in them
as PyYAML, each at its location.

Ends with `N passed, N failed`.
"""
import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
FILES_PER_RUN = 2_000
REFERENCE = re.compile(r"\{\{(\w+)\.(\w+)\}\}")

# Texts that PyYAML loads and stackref refuses, by the message or by a pattern in the text, and the reason.
EXCEPTIONS = {
    "occurs twice in one mapping": "PyYAML drops one of two equal keys",
    "two merge keys": "YAML 1.2 requires unique keys",
    "a BOM must not appear inside a document": "PyYAML takes an invisible character for content",
    "comments must be separated from other tokens": "YAML 1.2 requires a space before `#`",
    "plain scalar cannot start with '-'": "YAML 1.2 does not allow `[-]`",
    "wrongly indented line in block scalar": "YAML 1.2 does not allow leading blank lines that are longer than the first line",
    "surrogate": "PyYAML returns strings that cannot be written",
    "invalid Unicode character escape code": "PyYAML returns strings that cannot be written",
    "an anchor with other characters": "PyYAML ends the name of the anchor earlier than readers of YAML 1.2",
    "this alias refers to an anchor that is not defined": "PyYAML ends the name of the alias earlier than readers of YAML 1.2",
    "ends the line for readers of YAML 1.1": "readers of YAML 1.1 and YAML 1.2 get different documents",
    "a `?` in a value without quotes in brackets": "PyYAML reads `[?a]` as a mapping",
    "a reference without quotes": "PyYAML reads `{a.b}` as a mapping",
}
PATTERNS = {
    r"(?<!^)\ufeff": "PyYAML takes an invisible character for content",
    r"[\[\]{},\"'-]#": "YAML 1.2 requires a space before `#`",
    r"[\[{,\s]\?\S": "PyYAML reads `[?a]` as a mapping",
    r"[\[{,\s]\?\s+:": "the parser refuses an empty key after `?` in brackets",
    r"[\n\r]-[\]}]": "YAML 1.2 does not allow `[-]`",
    r"[\n\r]%": "YAML 1.2 does not allow a line that begins with `%` in brackets",
    r"^%.*\t": "PyYAML does not look at the words of unknown directives",
    r"^\s*[|>]": "YAML 1.2 allows a document that is a block scalar without indentation",
    r"\*\w+:": "PyYAML ends the name of the alias earlier than readers of YAML 1.2",
    r"&\w+ :": "PyYAML reads `:` in brackets as the indicator of a value",
    r"&[\w-]+[^\s\w-]": "PyYAML ends the name of the anchor earlier than readers of YAML 1.2",
    r"[\r\n] *[|>]": "YAML 1.2 does not allow a block scalar that is not indented further than its key",
}

# Texts of one form each. `\n` and `\t` are line breaks and tabs.
FORMS = r"""
a:\t"{{b.c}}" ¦ a: b\t ¦ a: b\t# c ¦ - \ta ¦ a:\n\t b: c ¦ a: "x\n\ty" ¦ a: "x\ty" ¦ a: |\n  x\ty ¦ a: |\t\n  x ¦ [a,\tb]
# \t ¦ \t ¦ a: >\n\t\n  b ¦ a: |\n  x\n\t
---\na: b ¦ ---\na: b\n--- ¦ a: b\n---\nc: d ¦ a: b\n... ¦ a: b\n...\nc: d ¦ ...\na: b ¦ # c\n...\na: b ¦ --- a\n--- b
--- |\na\nb ¦ --- >\n a ¦ --- |\n---
%YAML 1.1\n---\na: b ¦ %YAML 1.2\n---\na: b ¦ %YAML 2.0\n---\na: b ¦ %FOO x\n---\na: b ¦ %F.O x\n---\na: b
%TAG !e! tag:x,1:\n---\na: !e!b c
a: !secret b ¦ a: !vault |\n  x ¦ a: !!str b ¦ a: ! b ¦ a: !!int 12 ¦ a: !!int x ¦ a: !!int ¦ a: !!int 0x1g ¦ a: !!float 1.5
a: !!float x ¦ a: !!bool yes ¦ a: !!bool x
a: !!null b ¦ a: !!null [b] ¦ a: !!map b ¦ a: !!seq {b: c} ¦ a: !!set {b, c} ¦ a: !!set [b] ¦ a: !!omap [b: c]
a: !!omap [b] ¦ a: !!pairs [b: c, b: d]
a: !!binary aGk= ¦ a: !!binary aGk ¦ a: !!timestamp 2024-1-1 ¦ a: !!timestamp x ¦ a: !!python/none
a: !<tag:yaml.org,2002:str> b ¦ a: !<foo> b ¦ a: !!value b
[!!str, a] ¦ [!!str a] ¦ {a: !!str} ¦ {a: !!str } ¦ [!] ¦ a: ! "2024-02-30" ¦ a: !!str 2024-02-30 ¦ <<: !foo {a: b}
<<: !foo [{a: b}] ¦ !!str <<: a ¦ ! <<: a
a: &b c\nd: &b e ¦ a: &b c\nd: *b ¦ a: &b.c d ¦ a: &b.c d\ne: *b.c ¦ a: &b[c] ¦ a: &b{c: d} ¦ [&a b, &a c] ¦ a: &b [*b]
&a {<<: *a} ¦ &a : b ¦ - &a\n- &b
a: 2024-02-30 ¦ a: 2024-02-29 ¦ a: 2023-02-29 ¦ a: 2024-13-01 ¦ a: 0000-01-01 ¦ a: 2024-2-30 ¦ a: 2024-2-30 0:00:00
a: 2024-01-01T24:00:00 ¦ a: 2024-01-01 00:00:60
a: 2024-01-01 00:00:00 +24 ¦ a: 2024-01-01 00:00:00Z ¦ a: 2024-01-01\n  00:00:99 ¦ 2024-02-30: a ¦ a: 0x_ ¦ a: 0b_ ¦ a: 0_
a: 0x_1 ¦ a: 1:99 ¦ a: = ¦ =: a ¦ - =
<<: foo ¦ <<: {a: b} ¦ <<: [{a: b}, {c: d}] ¦ <<: [{a: b}, c] ¦ <<: ¦ <<: [] ¦ a: &a {b: c}\n<<: *a ¦ a: &a b\n<<: *a ¦ a: <<
- << ¦ "<<": a ¦ {<<} ¦ <<: a\nb: [<<]
? - a ¦ [a]: b ¦ {a: b}: c ¦ {[a]: b} ¦ ? a\n: b ¦ ?\n: a ¦ : a ¦ a: b\n: c ¦ { : a} ¦ [ : a] ¦ {? : a} ¦ ? # c\n: a
a: &a [b]\n*a : c ¦ a: &a b\n*a : c ¦ ? : a ¦ - :
[a?b] ¦ [a ?b] ¦ {a: b?} ¦ {a?: b} ¦ [?a] ¦ {?a: b} ¦ ["a?"] ¦ a?b: c ¦ [:a] ¦ {a: :b} ¦ [a:b] ¦ [::a] ¦ [a, :] ¦ {a:b}
{"a":b} ¦ {a :b}
{a\n: b} ¦ {a\n b: c} ¦ {"a"\n: b} ¦ {"a\n b": c} ¦ {a,\n b: c} ¦ {? a\n: b} ¦ {a # c\n : b} ¦ [a\n] ¦ {a: [b\n]} ¦ {a\n}
a: [\n] ¦ a: {\n} ¦ a:\n  b: [\n  ] ¦ a: [\n b,\n] ¦ a: [b,\nc] ¦ a: {b: c,\nd: e} ¦ a: "b\nc" ¦ a: 'b\n' ¦ - [\n]
- a: [\n  ] ¦ a: [\nb: ] ¦ a: [b\n# c\n] ¦ a: ["b\nc"] ¦ a: [\n---\n]
a: "\ud83d" ¦ a: "\/" ¦ a: "\q" ¦ a: "\U00110000" ¦ a: %b ¦ a: @b ¦ a: `b ¦ a: |1\n b ¦ a: |\n   \n  b ¦ "a"#b ¦ a: b#c
"""
CHARACTERS = ["a: \x07", 'a: "\x7f"', "a: \ufffe", "\ufeffa: b", "a: \ufeff"]

PIECES = [
    "a", "b", "key", "x y", ": ", ":", "- ", "-", "? ", "?", "\n", "\n", "\n  ", "\n    ", "\n ", "[", "]", "{", "}", ",", " ", "&a ", "&b ", "*a", "*b",
    "!!str ", "!foo ", "! ", "!!int ", "'x'", '"x"', "'", '"', "|", "|\n  ", ">\n  ", ">-", "|+\n", "#", "# c", "\t", "---", "--- ", "\n---\n", "\n...\n",
    "%YAML 1.1\n", "%", "@", "`", "<<: ", "<<", "=", "2024-02-30", "0x_", "1:20", "~", "\\", "é", "\ufeff", "\x07", "{{a.b}}", "a.b", "/",
    "http://x?y=z", "!", "!!", "&", "*", "1", "12", "\r\n", "\n- ", "\n- a: ", "\na: ", "\nb: ", "\nc:\n  d: ", "\n]", "\n}",
]
FRAMES = ["{}", "a: {}\n", "k:\n  v: {}\nw: 1\n", "- {}\n- x\n", "k: [{}]\n", "k: {{{}}}\n"]


def suite():
    """The texts of yaml-test-suite, if it is there."""
    folder = pathlib.Path(os.environ.get("STACKREF_CORPORA") or PROJECT.parent / "shared/corpora") / "yaml-test-suite"
    return [path.read_text() for path in sorted(folder.rglob("in.yaml"))]


def changed(rng, text):
    """A text with one or two of its parts removed, replaced or added."""
    for _ in range(rng.randint(1, 2)):
        at = rng.randint(0, len(text))
        removed, added = rng.choice([(0, True), (1, True), (rng.randint(1, 3), False)])
        text = text[:at] + (rng.choice(PIECES) if added else "") + text[at + removed:]
    return text


def generated(bases):
    rng = random.Random(9)
    for at in range(COUNT):
        if at % 3 == 0:
            yield changed(rng, rng.choice(bases))
        else:
            pieces = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 9)))
            yield rng.choice(FRAMES).format(pieces)


def load_error(text):
    """Why PyYAML refuses a text, or None."""
    try:
        yaml.load(text, yaml.SafeLoader)
    except Exception as error:  # the loader also raises errors of Python's own types
        return f"{type(error).__name__}: {getattr(error, 'problem', None) or error}"
    return None


def run(folder, command, names):
    printed = subprocess.run([STACKREF, *command, "--format", "json", *names], cwd=folder, capture_output=True, text=True, check=False)
    return json.loads(printed.stdout)


def batches(names):
    return (names[at:at + FILES_PER_RUN] for at in range(0, len(names), FILES_PER_RUN))


def syntax_errors(texts):
    """The first error of each text. Braces without quotes have a rule of their own, and so has a malformed reference under a tag."""
    errors = [None] * len(texts)
    malformed = set()
    with tempfile.TemporaryDirectory() as folder:
        for at, text in enumerate(texts):
            pathlib.Path(folder, f"{at}.yaml").write_bytes(text.encode())
        for names in batches([f"{at}.yaml" for at in range(len(texts))]):
            for finding in run(folder, ["check", "--level", "none", "--exit-zero", "--no-ignores"], names)["findings"]:
                at = int(finding["path"].removesuffix(".yaml"))
                if finding["rule"] in ("syntax-error", "unquoted-reference"):
                    errors[at] = errors[at] or finding["message"]
                elif finding["rule"] == "malformed-reference":
                    malformed.add(at)
    return errors, malformed


def compare(name, texts):
    """Compares the errors of texts, and prints differences. Returns how many texts agree and how many do not."""
    counts = collections.Counter()
    errors, malformed = syntax_errors(texts)
    for at, (text, own) in enumerate(zip(texts, errors, strict=True)):
        other = load_error(text)
        if other and at in malformed and re.search("tag|constructor|ValueError", other):
            own = own or "a malformed reference"
        if (own is None) == (other is None):
            counts["refused" if own else "loaded"] += 1
        elif own and (any(message in own for message in EXCEPTIONS) or any(re.search(pattern, text) for pattern in PATTERNS)):
            counts["exceptions"] += 1
        else:
            counts["failed"] += 1
            print(f"{name}: {text!r}: PyYAML: {other or 'loads it'}; stackref: {own or 'accepts it'}")
    print(f"{name}: {counts['loaded']} loaded by both, {counts['refused']} refused by both, {counts['exceptions']} exceptions, {counts['failed']} failed")
    return counts["loaded"] + counts["refused"] + counts["exceptions"], counts["failed"]


def unindented(rng, count):
    """Texts with brackets, braces and quotes whose next lines are not indented."""
    def line_break():
        return "\n" + " " * rng.choice([0, 0, 1, 2])

    def value(depth):
        reference = f"{{{{s.k{next(numbers)}}}}}"
        kind = rng.randint(0, 5 if depth else 2)
        if kind == 0:
            return f"'{reference}'"
        if kind == 1:
            return f'"{reference}"'
        if kind == 2:
            return f'"x{line_break()}{reference}{line_break()}y"'
        between = rng.choice(["", " ", line_break(), f" # c{line_break()}"])
        if kind in (3, 4):
            return "[" + between + ("," + between).join(value(depth - 1) for _ in range(rng.randint(0, 3))) + between + "]"
        return "{" + between + ("," + between).join(f"{key}: {value(depth - 1)}" for key in "abc"[:rng.randint(0, 3)]) + between + "}"

    for _ in range(count):
        numbers = iter(range(100))
        frame = rng.choice(["a: {}\nb: {}\n", "a:\n  b: {}\n  c: {}\n", "- {}\n- {}\n", "a:\n- b: {}\n  c:\n    {}\n"])
        yield frame.format(value(2), value(2))


def references_in(tree):
    """The references in the strings of a document, in order."""
    if isinstance(tree, str):
        return REFERENCE.findall(tree)
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return [reference for child in children for reference in references_in(child)]


def compare_references(texts):
    """Compares the references in texts that PyYAML loads."""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "stackref.toml").write_text('resolver = "render"\n')
        texts = {f"{at}.yaml": text for at, text in enumerate(texts)}
        found = collections.defaultdict(list)
        for name, text in texts.items():
            pathlib.Path(folder, name).write_bytes(text.encode())
        for names in batches(list(texts)):
            for reference in run(folder, ["refs"], names)["references"]:
                found[reference["path"]].append(reference)
        for name, text in texts.items():
            try:
                expected = references_in(yaml.safe_load(text))
            except yaml.YAMLError:
                expected = None
            if expected is None:
                continue
            spans = [(reference["span"]["offset"], reference["span"]["length"]) for reference in found[name]]
            own = [REFERENCE.fullmatch(text[at:at + length]) for at, length in spans]
            if expected == [match and match.groups() for match in own]:
                passed += 1
            else:
                failed += 1
                print(f"references: {text!r}: {expected} and {own}")
    print(f"references: {passed} texts passed, {failed} failed")
    return passed, failed


def main():
    forms = [form.replace("\\n", "\n").replace("\\t", "\t") for line in FORMS.strip("\n").split("\n") for form in line.split(" ¦ ")]
    cases = suite()
    fixtures = sorted((PROJECT / "fixtures/check").glob("*/*/input/*.yaml"))
    bases = cases + [path.read_text() for path in fixtures if path.stat().st_size < 1_500]
    results = [
        compare("forms", [f"{form}\n" for form in forms + CHARACTERS]),
        compare("yaml-test-suite", cases),
        compare("generated", list(generated(bases))),
        compare_references(list(unindented(random.Random(3), COUNT // 10))),
    ]
    passed, failed = (sum(counts) for counts in zip(*results, strict=True))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed < COUNT)


main()
