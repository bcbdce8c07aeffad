#!/usr/bin/env python3
"""Compares the references that stackref finds in stack files with those of ZenML's own code: `matcher.py STACKREF FOLDER [VERSION]`.

Downloads the wheel of `zenml` into FOLDER, and imports `SecretReferenceMixin` from it, the class that finds and replaces the
references of a component. The values are references with characters that are removed, added or repeated: white space, braces, dots,
line breaks, and Unicode. Each is the value of an attribute, or of an item in a list or a mapping, in YAML, JSON and TOML.

- If ZenML replaces a value, stackref has to list exactly this reference, with the same name and key, at its location. STRICTER lists
  what it reports as an error instead.
- If ZenML does not replace a value, stackref must not list a reference. If the value contains `{{`, it has to report a finding.

Run it with a Python that has `pydantic`. Ends with `N passed, N failed`.
"""
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import types
from typing import Any

from peer import Comparison, text_at

# Values that ZenML takes for a reference, and that stackref reports: the start of the message, a pattern that the name or the key
# must match, and the reason.
STRICTER = [
    ("several references that ZenML reads as a single one", "[{}]", "ZenML reads `{{a.b}}{{c.d}}` as the key `b}}{{c.d` of `a`"),
    ("a brace inside the name or the key", "[{}]", "names and keys with braces"),
    ("too many braces", "[{}]", "names and keys with braces"),
    ("a reference without a secret before the dot", r"^\.", "empty names: ZenML reads `{{.a.b}}` as the key `a.b` of the secret ``"),
    ("a shell variable in a reference", r"\$", "names that begin with a shell variable"),
    ("an invisible character in a reference", r"[^\s!-~]", "names and keys with invisible characters"),
]
VALUES_PER_FILE = 25

NAMES = [
    "a",
    "mlflow",
    "db-1",
    "a_b",
    "A/b",
    "ü",
    "日本",
    "a:b",
    "a|b",
    "1",
    "a b",
    "$a",
    "${A}",
    "a#",
    "'",
    '"',
    "\\",
    "%s",
    "~",
    "é",
    "secrets",
    "*",
    "a@b",
    "\U0001f600",
]
WHITE_SPACE = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
NO_WHITE_SPACE = "\x07\xad\u180e\u200b\u200d\u2060\ufeff\u202e\ufe0f"
PIECES = [
    *WHITE_SPACE,
    *NO_WHITE_SPACE,
    *"{}{}{}{}....\u2024\uff0e$|#:,'\"\\`<>()[]%&*!-",
    *NAMES,
    "{{",
    "}}",
    "{{a.b}}",
    "{{ c.d }}",
    "${{",
    " | upper",
    "{%",
    "..",
    "\r\n",
]


def load_mixin(folder, version):
    """Imports the mixin from the wheel. The modules that it imports, and that need more packages, are replaced."""
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"zenml=={version}"], check=True)
    wheel = next(pathlib.Path(folder).glob(f"zenml-{version}-*.whl"))
    packages = [types.ModuleType(name) for name in ("zenml", "zenml.config", "zenml.utils")]
    for package in packages:
        package.__path__ = [f"{wheel}/{package.__name__.replace('.', '/')}"]
    logger = types.ModuleType("zenml.logger")
    logger.get_logger = lambda name: None
    pydantic_utils = types.ModuleType("zenml.utils.pydantic_utils")
    pydantic_utils.has_validators = lambda **field: False
    client = types.ModuleType("zenml.client")
    client.Client = Client
    sys.modules.update({module.__name__: module for module in (*packages, logger, pydantic_utils, client)})
    from zenml.config.secret_reference_mixin import SecretReferenceMixin

    return SecretReferenceMixin


class Client:
    """A client whose secrets have every key. It records the name and the key of the last secret."""

    used = None

    def get_secret_by_name_and_private_status(self, name):
        class Keys(dict):
            def __contains__(self, key):
                return True

            def __getitem__(self, key):
                Client.used = name, key

        return types.SimpleNamespace(values=Keys(), secret_values=Keys())


def random_value(rng):
    """A reference, or a text that is almost one."""
    blank = lambda: "".join(rng.choices(WHITE_SPACE, k=rng.choice([0, 0, 0, 1, 2])))  # noqa: E731
    key = ".".join(rng.choices(NAMES, k=rng.choice([1, 1, 1, 2])))
    text = "{{" + blank() + rng.choice(NAMES) + "." + key + blank() + "}}"
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        at, end = sorted(rng.choices(range(len(text) + 1), k=2))
        match rng.randrange(5):
            case 0:
                text = text[:at] + text[at + 1 :]
            case 1:
                text = text[:at] + text[at:end] + text[at:]
            case 2:
                text = text[:at] + rng.choice(PIECES) + text[at + 1 :]
            case _:
                text = text[:at] + rng.choice(PIECES) + text[at:]
    return text


def escape(text, long_form):
    """Writes a text for double quotes in YAML, JSON or TOML. `long_form` is how the format writes characters above U+FFFF."""
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return "".join(short.get(c) or (c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else long_form(c)) for c in text)


class StackFile:
    """A stack file with a component. Each value has an attribute of its own."""

    def __init__(self, rng, name, values):
        extension = name.rpartition(".")[2]
        self.name, self.values, self.written = name, values, {}
        nested = {at: rng.choice(["list", "mapping"]) for at in range(len(values)) if rng.random() < 0.1}
        self.nested = {f"a{at}" for at in nested}
        items = []
        for at, value in enumerate(values):
            quoted = self.quote(rng, extension, f"a{at}", value)
            frame = {None: "{}", "list": "[x, {}]", "mapping": "{{x: {}}}"}[nested.get(at)]
            if extension != "yaml":
                frame = frame.replace("x:", '"x" = ' if extension == "toml" else '"x": ').replace("[x", '["x"')
            items.append((f"a{at}", frame.format(quoted)))
        head = {"stack_name": f"s{name}", "zenml_version": "0.98.0"}
        component = {"name": "o", "type": "orchestrator", "flavor": "ours"}
        if extension == "json":
            attributes = ", ".join(f'"{key}": {value}' for key, value in items)
            head["components"] = {"orchestrator": component | {"configuration": "…"}}
            self.text = json.dumps(head).replace('"\\u2026"', "{" + attributes + "}")
        elif extension == "toml":
            lines = [*(f'{key} = "{value}"' for key, value in head.items()), "[components.orchestrator]"]
            lines += [*(f'{key} = "{value}"' for key, value in component.items()), "[components.orchestrator.configuration]"]
            self.text = "\n".join(lines + [f"{key} = {value}" for key, value in items]) + "\n"
        else:
            lines = [*(f"{key}: {value}" for key, value in head.items()), "components:", "  orchestrator:"]
            lines += [*(f"    {key}: {value}" for key, value in component.items()), "    configuration:"]
            self.text = "\n".join(lines + [f"      {key}: {value}" for key, value in items]) + "\n"

    def quote(self, rng, extension, attribute, value):
        """Quotes a value in one of the ways of the format, and records the text between the quotes."""
        single = value.replace("'", "''") if extension == "yaml" else value
        if extension != "json" and value.isprintable() and rng.random() < 0.5 and not (extension == "toml" and "'" in value):
            self.written[attribute] = single
            return f"'{single}'"
        forms = {"yaml": lambda c: f"\\U{ord(c):08x}", "toml": lambda c: f"\\U{ord(c):08x}", "json": lambda c: json.dumps(c)[1:-1]}
        self.written[attribute] = escape(value, forms[extension])
        return f'"{self.written[attribute]}"'


def compare(comparison, config, file, references, findings):
    """Compares each value of a file."""
    for at, value in enumerate(file.values):
        attribute = f"a{at}"
        own = [reference for reference in references if reference["attribute"] == attribute]
        rules = [finding["rule"] for finding in findings if finding.get("attribute") == attribute]
        messages = [finding["message"] for finding in findings if finding.get("attribute") == attribute]
        Client.used = None
        structure = config(value=[value] if attribute in file.nested else value)
        structure.value  # noqa: B018: reading it resolves the reference
        used = Client.used
        listed = [(reference["secret"], reference.get("key")) for reference in own]
        description = f"{file.name}: {value!r}: ZenML uses {used}; stackref lists {listed} and reports {messages}"
        assert structure.required_secrets == ({used} if used else set())
        if used and own:
            texts = [text_at(file.text, reference["span"]) for reference in own]
            comparison.expect(
                listed == [used] and texts == [file.written[attribute]] and not rules, "references of both", f"{description} at {texts}"
            )
        elif used:
            reasons = [
                reason
                for start, pattern, reason in STRICTER
                if rules == ["malformed-reference"] and messages[0].startswith(start) and re.search(pattern, ".".join(used))
            ]
            if reasons:
                comparison.allow(reasons[0])
            else:
                comparison.expect(False, "", description)
        else:
            comparison.expect(not own and (rules or "{{" not in value), "not references for both", description)


def main():
    comparison = Comparison(__doc__, 6_000)
    comparison.parser.add_argument("folder", help="the folder for the wheel")
    comparison.parser.add_argument("version", nargs="?", default="0.98.0", help="the version of ZenML")
    comparison.parse_arguments()
    mixin = load_mixin(comparison.folder, comparison.version)
    config = type("Config", (mixin,), {"__annotations__": {"value": Any}})
    rng = random.Random(comparison.seed)
    values = [random_value(rng) for _ in range(comparison.count)]
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for at in range(0, len(values), VALUES_PER_FILE):
            name = f"{at}.stack.{rng.choice(['yaml', 'json', 'toml'])}"
            files[name] = StackFile(rng, name, values[at : at + VALUES_PER_FILE])
            pathlib.Path(folder, name).write_bytes(files[name].text.encode())
        references = comparison.run("refs", folder)["references"]
        findings = comparison.run("check", folder)["findings"]
    for name, file in files.items():
        own = [[at for at in listed if at["path"] == name] for listed in (references, findings)]
        compare(comparison, config, file, *own)
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
