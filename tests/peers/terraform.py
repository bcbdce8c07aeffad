#!/usr/bin/env python3
"""Compares what stackref finds in Terraform files with python-hcl2, and with Terraform itself: `terraform.py STACKREF`.

Each generated module has secrets and components. Their names, keys and references are literals, templates, locals, variables with
defaults, names of other resources, calls of functions and so on, between comments and other blocks.

- python-hcl2 parses each file, also those in `fixtures`. Each attribute that is a literal reference must be listed by stackref, under
  its component and attribute. So must each secret with a literal name, with its keys. stackref must list no other component or secret.
- Terraform computes the values, if a `terraform` is on the PATH. It downloads no provider: in the modules that it reads, each resource of
  ZenML's provider is a `terraform_data` whose `input` has the same attributes. Each computed reference and secret must be found by
  stackref, or must be dynamic. stackref must find nothing else.

Run it with a Python that has `python-hcl2`. Ends with `N passed, N failed`.
"""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import hcl2

from peer import Comparison

PROJECT = pathlib.Path(__file__).resolve().parents[2]
REFERENCE = re.compile(r"\{\{\s*([^\s.{}]+)\.([^\s{}]+)\s*\}\}")


class Module:
    """Writes one module, for the provider of ZenML and for Terraform without it. `@NAME.ATTRIBUTE@` is an attribute of a secret."""

    def __init__(self, rng, number):
        self.rng, self.number, self.names = rng, number, 0
        self.blocks, self.locals, self.secrets = [], [], []
        self.has_each = False

    def new(self, prefix):
        self.names += 1
        return f"{prefix}{self.number}x{self.names}"

    def literal(self, text):
        """A quoted template without interpolations."""
        escaped = "".join(f"\\u{ord(c):04x}" if self.rng.random() < 0.03 else c for c in text)
        return f'"{escaped}"'

    def constant(self, value):
        """An expression with the value of a text, through a local or a variable."""
        name = self.new("n")
        match self.rng.randrange(6):
            case 0:
                self.locals.append(f"{name} = {self.literal(value)}")
                return f"local.{name}"
            case 1:
                other = self.new("n")
                self.locals += [f"{name} = local.{other}", f"{other} = {self.literal(value)}"]
                return f"local.{name}"
            case 2:
                self.locals += [f'{name} = "${{local.a{name}}}"', f"a{name} = {self.literal(value)}"]
                return f"local.{name}"
            case 3:
                self.blocks.append(f'variable "{name}" {{\n  type    = string\n  default = {self.literal(value)}\n}}')
                return f"var.{name}"
            case 4:
                self.blocks.append(f'variable "{name}" {{ default = {self.literal(value)} }}')
                return f"var.{name}"
            case _:
                self.blocks.append(
                    f'variable "{name}" {{\n  description = "it\'s {{{{no.k}}}}" # {{{{no.k}}}}\n  default     = {self.literal(value)}\n}}'
                )
                return f"var.{name}"

    def text(self, value):
        """An expression whose value is a text, and which stackref can compute."""
        cut = self.rng.randrange(len(value) + 1)
        first, second = value[:cut], value[cut:]
        match self.rng.randrange(8):
            case 0 | 1:
                return self.constant(value)
            case 2:
                return f'"{first}${{{self.constant(second)}}}"'
            case 3:
                return f'"${{ {self.constant(first)} }}{second}"'
            case 4:
                return f'format("{first.replace("%", "%%")}%s", {self.constant(second)})'
            case _:
                return self.literal(value)

    def computed(self, value):
        """An expression that stackref may not be able to compute."""
        name, cut = self.new("n"), self.rng.randrange(1, len(value))
        quoted, first, second = f'"{value}"', value[:cut], value[cut:]
        setups, expression = self.rng.choice(
            [
                ([], f'join("", ["{first}", "{second}"])'),
                ([f"{name} = {{ a = {quoted} }}"], f"local.{name}.a"),
                ([f'{name} = {{ "a" = {quoted} }}'], f'local.{name}["a"]'),
                ([f'{name} = [{quoted}, "x"]'], f"local.{name}[0]"),
                ([], f'true ? {quoted} : "other"'),
                ([f"{name} = 1"], f'local.{name} == 2 ? "other" : {quoted}'),
                ([], f'lower("{value}")'),
                ([], f'trimspace(" {value} ")'),
                ([], f'replace("{first}-{second}", "-", "")'),
                ([], f"coalesce(null, {quoted})"),
                ([f"{name} = {{ a = {quoted} }}"], f'lookup(local.{name}, "a", "other")'),
                ([f'{name} = "x"'], f'"%{{ if local.{name} == "x" }}{value}%{{ else }}other%{{ endif }}"'),
                ([], f'"{first}${{"{second}"}}"'),
                ([], f"element([{quoted}], 0)"),
                ([f"{name} = {quoted}"], f'"${{~ local.{name} ~}}"'),
                ([], f"({quoted})"),
                ([], f'"%{{ for x in ["{first}", "{second}"] }}${{x}}%{{ endfor }}"'),
                ([], f"chomp(<<-EOT\n    {value}\n    EOT\n    )"),
                ([], f'format("%s%s", "{first}", "{second}")'),
                ([], f'format("%v", {quoted})'),
                ([], f'try({quoted}, "other")'),
                ([], f"tostring({quoted})"),
            ]
        )
        self.locals += setups
        return expression

    def name_of(self, static="s", computed="d"):
        return self.text(self.new(static)) if self.rng.random() < 0.8 else self.computed(self.new(computed))

    def reference(self):
        key, draw = self.rng.choice(["k", "a-b", "a.b", "k_1"]), self.rng.random()
        if draw < 0.3 and self.secrets:
            secret = self.rng.choice(self.secrets)
            return self.rng.choice(
                [f'"{{{{${{@{secret}.name@}}.{key}}}}}"', f'format("{{{{%s.{key}}}}}", @{secret}.name@)', f'"{{{{ ${{@{secret}.name@}}.{key} }}}}"']
            )
        if draw < 0.4 and self.has_each:
            return f'"{{{{${{each.value}}.{key}}}}}"'
        if draw < 0.5:
            return self.computed(f"{{{{{self.new('d')}.{key}}}}}")
        if draw < 0.6:
            return f'"{{{{${{{self.name_of()}}}.${{{self.name_of("k", "e")}}}}}}}"'
        if draw < 0.66:
            return f'"x{{{{{self.new("s")}.{key}}}}}"'
        if draw < 0.7:
            return f"<<{self.rng.choice(['', '-'])}EOT\n{{{{{self.new('s')}.{key}}}}}\nEOT"
        return self.text(f"{{{{{self.new('s')}.{key}}}}}")

    def key(self, name):
        return self.rng.choice([name, name, f'"{name}"', f'("{name}")', f"({self.constant(name)})"])

    def mapping(self, entries):
        """An object with some layout."""
        sign, end = self.rng.choice([" = ", " = ", ": "]), self.rng.choice(["\n", ",\n", " # {{no.k}}\n", " // it's\n", ", /* {{no.k}} */\n"])
        inner = "".join(f"    {key}{sign}{value}" + ("\n" if "EOT" in value.split("\n")[-1] else end) for key, value in entries)
        return "{\n" + inner + "  }"

    def secret(self):
        name = self.new("r")
        keys = [self.new("k") for _ in range(self.rng.randint(1, 3))]
        attributes = [("name", self.name_of()), ("values", self.mapping([(self.key(key), "var.value") for key in keys]))]
        self.secrets.append(name)
        self.add_resource("secret", name, attributes, "")

    def component(self):
        each = self.rng.choice(["", "", "", f'  for_each = toset(["{self.new("e")}", "{self.new("e")}"])\n', "  count = 2\n"])
        self.has_each = "for_each" in each
        entries = [(self.key(self.new("a")), self.reference()) for _ in range(self.rng.randint(1, 4))]
        entries += [(self.new("p"), self.rng.choice(['"x"', "12", "true", "null", '"$${x}"', '"%%{x}"', '"a\\"b"', "var.value"]))]
        self.rng.shuffle(entries)
        configuration = self.mapping(entries)
        if self.rng.random() < 0.1:
            configuration = f'merge({configuration}, {{ other = "x" }})'
        attributes = [("name", self.literal(self.new("c"))), ("type", '"alerter"'), ("flavor", '"ours"'), ("configuration", configuration)]
        self.add_resource("stack_component", self.new("r"), attributes, each)
        self.has_each = False

    def add_resource(self, kind, name, attributes, each):
        self.rng.shuffle(attributes)
        comment = self.rng.choice(["", "", "# it's {{no.k}}\n", '/* {{no.k}}\n" */\n', "// {{no.k}}\n"])
        width = self.rng.choice([0, 14])
        self.blocks.append((comment, kind, name, each, "".join(f"  {key:{width}} = {value}\n" for key, value in attributes)))

    def write(self):
        """Fills the module. Returns the files for stackref and those for Terraform."""
        for _ in range(self.rng.randint(2, 5)):
            self.rng.choice([self.secret, self.component, self.component])()
        if self.rng.random() < 0.5:
            self.blocks.append('output "x" {\n  value = "{{no.k}}"\n}')
        self.blocks.append('variable "value" { sensitive = false }')
        self.rng.shuffle(self.blocks)
        cut = self.rng.randint(0, len(self.locals))
        for part in (self.locals[:cut], self.locals[cut:]):
            self.blocks.append("locals {\n" + "".join(f"  {line}\n" for line in part) + "}")
        at = self.rng.randint(0, len(self.blocks))
        return [
            {name: self.render(blocks, twin) for name, blocks in (("main.tf", self.blocks[:at]), ("other.tf", self.blocks[at:]))}
            for twin in (False, True)
        ]

    @staticmethod
    def render(blocks, twin):
        texts = []
        for block in blocks:
            if isinstance(block, tuple):
                comment, kind, name, each, body = block
                head = (
                    f'resource "terraform_data" "{name}" {{\n{each}input = {{\n  kind = "{kind}"\n'
                    if twin
                    else f'resource "zenml_{kind}" "{name}" {{\n{each}'
                )
                block = comment + head + body + ("}\n}" if twin else "}")
            texts.append(re.sub(r"@(\w+)\.(\w+)@", r"terraform_data.\1.input.\2" if twin else r"zenml_secret.\1.\2", block))
        return "\n\n".join(texts) + "\n"


def unquote(text):
    """The text of a literal of python-hcl2; None for another expression."""
    text = text if isinstance(text, str) else ""
    match = re.fullmatch(r'"((?:[^"\\$%]|\\.)*)"', text, re.DOTALL)
    return re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), match[1]) if match and not match[1].startswith("<<") else None


def parsed_resources(text):
    """The resources of ZenML's provider in a file, as python-hcl2 reads them: kind and attributes."""
    for resource in hcl2.loads(text).get("resource", []):
        for kind, named in resource.items():
            for attributes in named.values():
                if kind.strip('"').startswith("zenml_"):
                    yield kind.strip('"').removeprefix("zenml_"), attributes


def compare_parser(comparison, name, text, references, declarations, findings):
    """Compares a file with python-hcl2."""
    try:
        resources = list(parsed_resources(text))
    except Exception:  # the parser and its lexer have no common class of errors
        comparison.allow("files that python-hcl2 cannot parse")
        return 0
    problems, literals = [], 0
    listed = {(at.get("component_name"), at.get("attribute"), at["secret"], at.get("key")) for at in references}
    declared = {at["secret"]: at["keys"] for at in declarations}
    components = set()
    for kind, attributes in resources:
        own_name = unquote(attributes.get("name"))
        if kind == "secret":
            values = attributes.get("values")
            keys = [unquote(key) or key for key in values] if isinstance(values, dict) else []
            keys = [key for key in keys if re.fullmatch(r"[\w-]+", key)]
            if own_name:
                literals += 1
                if own_name not in declared or not set(keys) <= set(declared[own_name]):
                    problems.append(f"stackref does not find the secret {own_name} with {keys}: {declared}")
        elif kind == "stack_component" and isinstance(attributes.get("configuration"), dict):
            components.add(own_name)
            for key, value in attributes["configuration"].items():
                key, match = unquote(key) or key, REFERENCE.fullmatch(unquote(value) or "")
                if match and own_name and re.fullmatch(r"[\w-]+", key):
                    literals += 1
                    is_refused = any(at.get("attribute") == key for at in findings)
                    if (own_name, key, *match.groups()) not in listed and not is_refused:
                        problems.append(f"stackref does not find {own_name} {key} {match.groups()}")
    # The name of a component may be computed, and commands register components, too.
    if None not in components and "merge(" not in text and "provisioner" not in text:
        problems += [f"stackref lists {at}, and there is no such component" for at in listed if at[0] and at[0] not in components]
    comparison.expect(not problems, "files with the same literals as in python-hcl2", f"{name}:\n  " + "\n  ".join(problems) + "\n" + text)
    return literals


def planned_resources(folder):
    """The attributes of the resources of each module, as Terraform computes them."""
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    environment.pop("TF_CLI_CONFIG_FILE", None)
    for command in (["init"], ["plan", "-lock=false", "-out=plan"]):
        done = subprocess.run(
            ["terraform", command[0], "-input=false", "-no-color", *command[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            sys.exit(f"terraform {command[0]}:\n{done.stdout[-3000:]}{done.stderr[-5000:]}")
    shown = subprocess.run(
        ["terraform", "show", "-json", "plan"], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    modules = json.loads(shown.stdout)["planned_values"]["root_module"]["child_modules"]
    return {module["address"].removeprefix("module."): [at["values"]["input"] for at in module["resources"]] for module in modules}


def is_meant(dynamic, name, key):
    """Whether a dynamic reference may be a computed one."""

    def pattern(text):
        return ".*".join(map(re.escape, re.split(r"\$\{.*?\}|%s|…", text)))

    return re.fullmatch(pattern(dynamic["secret"]), name, re.DOTALL) and re.fullmatch(pattern(dynamic.get("key") or ""), key, re.DOTALL)


def compare_plan(resources, listed, findings):
    """Compares a module with the plan of Terraform."""
    uses, secrets, problems, counts = set(), {}, [], collections.Counter()
    for resource in resources:
        if resource["kind"] == "secret":
            secrets[resource["name"]] = set(resource["values"])
            continue
        for key, value in resource["configuration"].items():
            match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
            if match:
                uses.add((resource["name"], key, *match.groups()))
            elif isinstance(value, str) and re.search(r"\{\{s", value) and not any(finding.get("attribute") == key for finding in findings):
                problems.append(f"there is no finding for {key} = {value!r}")
    static, dynamic = set(), []
    for at in listed["references"]:
        if at.get("dynamic"):
            dynamic.append(at)
        else:
            static.add((at["component_name"], at["attribute"], at["secret"], at.get("key")))
    problems += [f"Terraform does not compute {use}" for use in static - uses]
    for use in uses:
        may_be_computed = use[2].startswith(("d", "e")) or use[3].startswith("e")
        if use in static:
            counts["found"] += 1
        elif any(is_meant(at, *use[2:]) for at in dynamic):
            counts["dynamic"] += 1
        elif may_be_computed:
            counts["not read"] += 1
        else:
            problems.append(f"stackref does not find {use}")
    declared = {at["secret"]: set(at["keys"]) for at in listed["declarations"] if not at.get("dynamic")}
    open_count = sum(bool(at.get("dynamic")) for at in listed["declarations"])
    for name, keys in declared.items():
        if secrets.get(name) != keys:
            problems.append(f"Terraform does not create the secret {name} with {keys}: {secrets}")
    for name in secrets.keys() - declared.keys():
        if name.startswith("s") or not open_count:
            problems.append(f"stackref does not find the secret {name}")
        else:
            counts["dynamic declarations"] += 1
    counts["declared"] += len(declared)
    return problems, counts


def main():
    comparison = Comparison(__doc__, 200)
    comparison.parse_arguments()
    rng = random.Random(comparison.seed)
    totals = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        generated, twins = pathlib.Path(folder, "generated"), pathlib.Path(folder, "twins")
        root = []
        for number in range(comparison.count):
            own, twin = Module(rng, number).write()
            for parent, files in ((generated, own), (twins, twin)):
                (parent / f"m{number}").mkdir(parents=True)
                for name, text in files.items():
                    (parent / f"m{number}" / name).write_text(text)
            root.append(f'module "m{number}" {{\n  source = "./m{number}"\n  value = "x"\n}}\n')
        (twins / "main.tf").write_text("".join(root))
        listed, findings = comparison.run("refs", generated), comparison.run("check", generated)["findings"]
        for path in sorted(generated.rglob("*.tf")):
            name = str(path.relative_to(generated))
            own = [[at for at in every if at["path"] == name] for every in (listed["references"], listed["declarations"], findings)]
            totals["literals of python-hcl2"] += compare_parser(comparison, name, path.read_text(), *own)
        if shutil.which("terraform"):
            for name, resources in planned_resources(twins).items():
                own = {kind: [at for at in listed[kind] if at["path"].startswith(f"{name}/")] for kind in ("references", "declarations")}
                problems, counts = compare_plan(resources, own, [at for at in findings if at["path"].startswith(f"{name}/")])
                totals.update(counts)
                text = "".join(path.read_text() for path in sorted((generated / name).iterdir()))
                comparison.expect(not problems, "modules with the same values as in Terraform", f"{name}:\n  " + "\n  ".join(problems) + "\n" + text)
        else:
            print("skipped: terraform is not installed")
    for path in sorted((PROJECT / "fixtures").rglob("*.tf")):
        listed, findings = comparison.run("refs", path.parent, path.name), comparison.run("check", path.parent, path.name)["findings"]
        name = str(path.relative_to(PROJECT))
        totals["literals of python-hcl2"] += compare_parser(
            comparison, name, path.read_text(), listed["references"], listed["declarations"], findings
        )
    print(", ".join(f"{count:,} {kind}" for kind, count in sorted(totals.items())))
    return comparison.finish()


if __name__ == "__main__":
    sys.exit(main())
