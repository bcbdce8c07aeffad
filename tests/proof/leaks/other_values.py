"""Runs every command twice, with different values, and compares what it writes. Output that is equal for all values cannot contain
one in any form, not even as a digest or by its length."""
import re
import shutil

import loopback
from canaries import SHAPES, token
from commands import FORMATS, MISTAKES, inventory, quoted, stack
from environments import MATRIX_FORMATS, NAMES, config, file_table
from stores import Store

LABEL = "the same output for other values"
SECRET_SHAPES = [shape for shape in SHAPES if shape != "long"]
# Durations are no values.
TIME = re.compile(rb"\b\d+(\.\d+)? m?s\b|time=\"[^\"]*\"|timestamp=\"[^\"]*\"")


class Texts:
    """A source of values: of one length, or of another for each."""

    def __init__(self, canaries, suffix):
        self.canaries, self.suffix = canaries, suffix

    def __call__(self, name, shape="plain"):
        return self.canaries.value(name, shape) + self.suffix


def files(new):
    """Returns a repository whose inventories contain values. Only these differ between two runs."""
    tables = {name: file_table(name) for name in NAMES}
    contents = {"stackref.toml": config(tables), ".gitignore": "/secrets/\n/out*\n", "list.txt": "a\n"}
    references = [f"db.{shape}" for shape in SECRET_SHAPES]
    contents["stacks/good.yaml"] = stack(references)
    contents["stacks/bad.yaml"] = stack(["api.k", "db.plian", "spare.nothing"], "bad", more=MISTAKES)
    for name, extension in zip(NAMES, ["yaml", "toml", "json"]):
        # Nothing uses the first secret. Its position is in the report, and no value is before it.
        secrets = {"only": {name: new(name)}, "db": {shape: new(f"{name} {shape}", shape) for shape in SECRET_SHAPES}}
        contents[f"secrets/{name}.{extension}"] = inventory(secrets, extension)
    return contents


def attributes(new):
    """Returns files with values in attributes, commands and code. These have to have the same length in both runs."""
    sensitive = [(f"{shape}_password", new(shape, shape)) for shape in ("plain", "quotes", "yaml", "percent", "base64")]
    value = new("script")
    return {
        "secrets.inventory.yaml": "db: [k]\n",
        "a.stack.yaml": stack(["db.k", "db.q"], "a", sensitive),
        "a.sh": f"zenml secret create x --password='{value}'; zenml alerter register a -f acme --slack_token='{value}' --k={{{{x.q}}}}\n",
        "a.md": f"```sh\nzenml secret create x --password={value} && zenml alerter register a -f acme --k={{{{x.q}}}}\n```\n",
        "a.py": f"client.create_secret('x', values={{'k': '{value}'}}); client.get_secret('y'); client.get_secret('x').secret_values['q']\n",
        "main.tf": f'resource "zenml_secret" "x" {{\n  name = "x"\n  values = {{ k = {quoted(value)} }}\n}}\n',
    }


def commands(quick):
    for format in FORMATS:
        yield ["check", "--format", format, "-v"]
        yield ["check", "--format", format, "--no-ignores", "--exit-zero", "--color", "always", "-o", f"out.{format}"]
    yield from [["check", "--statistics"], ["check", "--write-baseline", "out-baseline.json"], ["check", "--add-ignores", "--diff"]]
    yield from [["check", "--fix=suggestions", "--diff"], ["check", "--fix", "--diff"], ["check", "--level", "secret-exists"]]
    for format in ["human", "short", "json", "markdown", "mermaid", "dot"]:
        yield ["refs", "--format", format]
    for format in ["human", "json"] if quick else ["human", "short", "json"]:
        yield ["inventory", "--format", format]
    yield from [["inventory", "--probe"], ["inventory", "--unused"], ["init", "--dry-run"], ["rename", "db.plain", "db.pw", "--dry-run"]]


def several(quick):
    yield from commands(quick)
    for format in MATRIX_FORMATS:
        yield ["matrix", "--format", format]
    for format in ["yaml", "toml", "json"]:
        yield ["inventory", "snapshot", "--all-environments", "--format", format, "-o", f"out-{format}"]
    for name in NAMES:
        yield ["render", "stacks/good.yaml", "--environment", name, "--check"]
        yield ["render", "stacks/good.yaml", "--environment", name, "--diff"]
        yield ["register", "--environment", name, "--dry-run", "--format", "json"]
    yield from [["inventory", "diff", "dev", "prod"], ["inventory", "diff", "dev", "prod", "--format", "json"], ["rename", "db.plain", "db.pw", "--diff"]]


def written(sandbox, project, args, env=None):
    """Returns everything that a run prints and writes."""
    for path in [*project.glob("out*")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = sandbox.run(LABEL, project, *args, env=env)
    made = sorted(path for path in [*project.glob("out*"), *project.glob("out-*/*")] if path.is_file())
    parts = [str(result.code).encode(), result.stdout, result.stderr, *(str(path.relative_to(project)).encode() + path.read_bytes() for path in made)]
    # The folders of the two projects differ.
    return TIME.sub(b"TIME", b"\0".join(parts).replace(str(project).encode(), b"PROJECT"))


def compare(sandbox, projects, args, env=None):
    outputs = [written(sandbox, project, args, env) for project in projects]
    sandbox.expect(LABEL, f"{args} writes the same for other values", len(set(outputs)) == 1, b"\n-----\n".join(outputs).decode(errors="replace")[:3000])


def other_values(sandbox):
    """Values in inventories of any length, in a store, and values of the same length in other files."""
    plain, longer = Texts(sandbox.canaries, ""), Texts(sandbox.canaries, token() + "äb")
    projects = [sandbox.project(files(new), git=True) for new in (plain, longer)]
    for args in several(sandbox.quick):
        if not sandbox.quick or args[0] not in ("check", "refs"):
            compare(sandbox, projects, args)
    args = ["render", "stacks/good.yaml", "--environment", "dev", "--stdout"]
    rendered = [sandbox.run(LABEL, project, *args, value_streams=["stdout"], codes=[0]).stdout for project in projects]
    sandbox.expect(LABEL, "rendered files differ", rendered[0] != rendered[1])
    projects = [sandbox.project(attributes(plain), git=True) for _ in range(2)]
    for args in [*commands(sandbox.quick)][:: 3 if sandbox.quick else 1]:
        compare(sandbox, projects, args)
    for kind in ["vault", "zenml"]:
        env = {"VAULT_TOKEN": sandbox.canaries.value("VAULT_TOKEN"), "ZENML_STORE_API_KEY": sandbox.canaries.value("ZENML_STORE_API_KEY")}
        stores = [Store(sandbox.canaries), Store(sandbox.canaries)]
        stores[1].secrets = {"db": {key: longer(key) for key in stores[0].secrets["db"]}}
        stacks = {"a.stack.yaml": stack([f"db.{key}" for key in stores[0].secrets["db"]]), "b.stack.yaml": stack(["db.q", "d.b"], "b")}
        mount = 'mount = "kv"\n' if kind == "vault" else ""
        project = sandbox.project(stacks)
        for args in [*commands(True)][2 if sandbox.quick else 0 :: 9 if sandbox.quick else 1]:
            outputs = []
            # One port and one folder, because messages contain the URL.
            with loopback.serving(stores[0]) as url:
                sandbox.write(project, "stackref.toml", f'[inventory.s]\nkind = "{kind}"\nurl = "{url}"\n{mount}')
                for store in stores:
                    loopback.replace(url, store)
                    outputs.append(written(sandbox, project, args, env))
            sandbox.expect(LABEL, f"{args} writes the same for other values of {kind}", outputs[0] == outputs[1], outputs)
