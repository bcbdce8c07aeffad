"""Runs every command on several environments, each with its own values, also if one of them cannot answer.

`render` of an environment must write the values of that environment, and none of another one.
"""
import shutil

import loopback
from canaries import SHAPES
from commands import FORMATS, MISTAKES, inventory, quoted, stack
from stores import FAULTS, QUICK_FAULTS, SHAPES_IN_STORES, Store

NAMES = ["dev", "staging", "prod"]
MATRIX_FORMATS = ["human", "markdown", "json", "html"]
# The extension of the inventory of each environment.
EXTENSIONS = {"dev": "yaml", "staging": "toml", "prod": "json"}


def config(tables):
    """Returns a config in which each environment has the inventory of its name."""
    return "".join(f'[inventory.{name}]\n{table}\n[environment.{name}]\ninventory = ["{name}"]\n' for name, table in tables.items())


def file_table(name):
    return f'kind = "file"\npath = "secrets/{name}.{EXTENSIONS[name]}"'


class Environments:
    """A repository with three environments. They have the same keys with different values, and `prod` lacks some."""

    def __init__(self, sandbox, more_tables=None):
        self.sandbox = sandbox
        canaries = sandbox.canaries
        self.values = {name: canaries.values(f"environment {name}") for name in NAMES}
        tables = {name: file_table(name) for name in NAMES} | (more_tables or {})
        self.files = {"stackref.toml": config(tables), ".gitignore": "/secrets/\n/out*\n", "stacks/good.yaml": stack([f"db.{shape}" for shape in SHAPES])}
        plain = [(f"{shape}_password", canaries.value("plain text", shape)) for shape in ("plain", "quotes", "unicode")]
        missing = ["api.k", "api.j", "db.plian", "spare.nothing"]
        self.files["stacks/bad.yaml"] = stack(missing, "bad", plain, MISTAKES)
        for name in NAMES:
            secrets = {"db": self.values[name], f"only_{name}": {"k": canaries.value(f"only {name}")}}
            if name != "prod":
                secrets["api"] = {"k": canaries.value(f"api of {name}")}
            self.files[f"secrets/{name}.{EXTENSIONS[name]}"] = inventory(secrets, EXTENSIONS[name])
        self.project = sandbox.project(self.files, git=True)

    def run(self, label, *args, **more):
        return self.sandbox.run(label, self.project, *args, **more)


def environments(sandbox):
    """All commands on several environments."""
    several = Environments(sandbox)
    check_environments(several)
    compare_environments(several)
    for name in NAMES:
        render_environment(several, name)
    for args in [["render", "stacks/good.yaml", "-o", "out"], ["register"]]:
        several.run("environments: render", *args, codes=[2])
        several.run("environments: render", *args, "--environment", "dev", "--environment", "prod", codes=[2])
    register_environment(several)
    copy_environment(sandbox)
    values_in_wrong_places(sandbox)
    failing_environments(sandbox)


def check_environments(several):
    run = lambda *args, **more: several.run("environments: check", "check", *args, **more)
    for format in FORMATS:
        for more in [[], ["-v"], ["--environment", "prod"], ["--level", "secret-exists"], ["--no-ignores", "--color", "always"]]:
            run("--format", format, *more, codes=[1])
        run("--format", format, "--leaks", codes=[1])
        run("--format", format, "-o", f"out-report.{format}", codes=[1])
    run("--list-files", "-v", codes=[0])
    run("--statistics", codes=[1])
    run("--write-baseline", "out-baseline.json", codes=[0])
    run("--baseline", "out-baseline.json", "-v", codes=[0])
    run("--fix=suggestions", "--diff", codes=[1])
    run("--add-ignores", "--diff", codes=[1])
    run("--environment", "prd", codes=[2])


def compare_environments(several):
    run = lambda *args, **more: several.run("environments: matrix and snapshots", *args, **more)
    for format in MATRIX_FORMATS:
        run("matrix", "--format", format, codes=[1])
        run("matrix", "--format", format, "--environment", "dev", "--environment", "prod", "--color", "always", codes=[1])
        if format != "human":
            extension = {"markdown": "md"}.get(format, format)
            run("matrix", "--format", format, "-o", f"out-matrix.{extension}", codes=[1])
    for format in ["yaml", "toml", "json"]:
        folder = f"names-{format}"
        run("inventory", "snapshot", "--all-environments", "--format", format, "-o", folder, codes=[0])
        run("inventory", "snapshot", "--all-environments", "--check", folder, codes=[0])
        run("inventory", "snapshot", "--environment", "prod", "--format", format, codes=[0])
        shutil.rmtree(several.project / folder)
    # The files with values are not snapshots.
    run("inventory", "snapshot", "--all-environments", "--check", "secrets", codes=[1, 2])
    run("inventory", "snapshot", "--all-environments", "-o", "secrets", codes=[2])
    for format in ["human", "json"]:
        run("inventory", "diff", "dev", "prod", "--format", format, codes=[1])
        run("inventory", "diff", "dev", "prod", "--used", "--format", format, codes=[1])
        run("inventory", "--format", format, codes=[0])


def render_environment(several, name):
    """Renders an environment. Only its values may be in the files."""
    label, sandbox = "environments: render", several.sandbox
    run = lambda *args, **more: several.run(label, "render", *args, "--environment", name, **more)
    good = "stacks/good.yaml"
    run(good, "-o", f"out-{name}", codes=[0], value_files=[f"out-{name}/"])
    written = (several.project / f"out-{name}" / good).read_bytes()
    expect_only(sandbox, label, name, written)
    result = run(good, "--stdout", codes=[0], value_streams=["stdout"])
    expect_only(sandbox, label, name, result.stdout)
    run(good, "--diff", codes=[0])
    run(good, "--check", codes=[0])
    run("stacks/bad.yaml", "--stdout", codes=[1])
    run("-o", "out", codes=[1])


def expect_only(sandbox, label, name, data):
    found = sandbox.canaries.found_in(data)
    expected = {f"environment {name}.{shape} ({shape})" for shape in SHAPES}
    sandbox.expect(label, f"the file of `{name}` has its values and no others", found == expected, sorted(found ^ expected))


def register_environment(several):
    """Stores values in one environment. The inventories of the others do not change."""
    label, sandbox = "environments: register", several.sandbox
    values = {"k": sandbox.canaries.value("registered k"), "j": sandbox.canaries.value("registered j")}
    given = inventory({"api": values}, "json").encode()
    sandbox.write(several.project, "stacks/new.yaml", stack(["api.k", "api.j"], "new"))
    run = lambda *args, **more: several.run(label, "register", "--path", "stacks/new.yaml", "--environment", "prod", *args, **more)
    run("--dry-run", "--format", "json", codes=[0, 1, 2])
    run("--from-file", "-", "--dry-run", stdin=given, codes=[0])
    before = {name: (several.project / f"secrets/{name}.{EXTENSIONS[name]}").read_bytes() for name in NAMES}
    run("--from-file", "-", "--format", "json", stdin=given, value_files=["secrets/prod."], codes=[0])
    after = {name: (several.project / f"secrets/{name}.{EXTENSIONS[name]}").read_bytes() for name in NAMES}
    changed = [name for name in NAMES if before[name] != after[name]]
    sandbox.expect(label, "only `prod` changes", changed == ["prod"], changed)
    sandbox.expect(label, "the values are stored", all(value.encode() in after["prod"] for value in values.values()))
    run("--from-file", "-", "--skip-existing", stdin=given, codes=[0])


def copy_environment(sandbox):
    """Copies the values of one environment to another."""
    label, several = "environments: copied values", Environments(sandbox)
    run = lambda *args, **more: several.run(label, "register", "--environment", "prod", "--from-environment", "dev", *args, **more)
    for format in ["human", "json"]:
        run("--dry-run", "--format", format, codes=[0])
        run("--copy-values", "--dry-run", "--format", format, codes=[0])
        run("--copy-values", "--format", format, codes=[2])
    target = several.project / "secrets/prod.json"
    before = target.read_bytes()
    # References to secrets that no environment has stay missing.
    run("--copy-values", "--yes", "--format", "json", codes=[1], value_files=["secrets/prod."])
    added = sandbox.canaries.found_in(target.read_bytes()) - sandbox.canaries.found_in(before)
    sandbox.expect(label, "the values of `dev` are copied", {name.split(" (")[0] for name in added} == {"only dev", "api of dev"}, sorted(added))
    run("--copy-values", "--yes", codes=[1])


def values_in_wrong_places(sandbox):
    """Inventories and configs of an environment that cannot be read, with a value near the mistake."""
    label = "environments: invalid files"
    value = sandbox.canaries.value("invalid file")
    broken = ["db: {k: '%s'\n", "db:\n  k: '%s'\n k: x\n", "db: {k: 0123, j: '%s'}\n", "- '%s'\n", "db: '%s'\n", "db: {k: &a '%s', j: *b}\n"]
    for text in broken[: 2 if sandbox.quick else None]:
        several = Environments(sandbox)
        sandbox.write(several.project, "secrets/dev.yaml", text.replace("%s", value))
        run_all(several, label)
    configs = ['[environment.prod]\nvariables = {{ ENV = "{}" }}\n', '[environment.prod]\ninventory = ["{}"]\n', '[environment.prod]\npassword = "{}"\n']
    configs += ['[environment.prod]\nlevel = "{}"\n', "[environment.prod]\ninventory = [{}]\n"]
    for text in configs[: 2 if sandbox.quick else None]:
        # A value in a config is not a secret to stackref, so only its syntax errors are tested.
        several = Environments(sandbox)
        sandbox.write(several.project, "stackref.toml", several.files["stackref.toml"] + "\n[environment.more\n# " + text.format(value))
        run_all(several, label)


def run_all(several, label, env=None, formats=FORMATS):
    """Runs each command on environments of which some cannot answer."""
    quick = several.sandbox.quick
    run = lambda *args, **more: several.run(label, *args, env=env, **more)
    for format in formats[: 2 if quick else None]:
        run("check", "--format", format, "-v", codes=[2, 3])
    for format in MATRIX_FORMATS[: 2 if quick else None]:
        run("matrix", "--format", format, codes=[2, 3])
    run("inventory", "snapshot", "--all-environments", "-o", "names", codes=[2, 3])
    several.sandbox.expect(label, "no snapshot is written", not (several.project / "names").exists())
    run("inventory", "snapshot", "--all-environments", "--check", "names", codes=[2, 3])
    run("inventory", "diff", "dev", "prod", codes=[1, 2, 3])
    for name in NAMES:
        result = run("render", "stacks/good.yaml", "--stdout", "--environment", name, value_streams=["stdout"])
        if result.code == 0:
            expect_only(several.sandbox, label, name, result.stdout)
        else:
            several.sandbox.expect(label, "a failed run prints nothing", not result.stdout, result)


def failing_environments(sandbox):
    """An environment whose store or program fails, and puts a value into its answer. The others are files."""
    canaries = sandbox.canaries
    store = Store(canaries)
    token = {"VAULT_TOKEN": canaries.value("VAULT_TOKEN")}
    with loopback.serving(store) as url:
        vault = f'kind = "vault"\nurl = "{url}"\nmount = "kv"\ntimeout = 2\nrun_timeout = 4'
        several = Environments(sandbox, {"live": vault})
        references = [f"db.{shape}" for shape in SHAPES_IN_STORES]
        sandbox.write(several.project, "stacks/good.yaml", stack(references))
        result = several.run("environments: failing stores", "render", "stacks/good.yaml", "--stdout", "--environment", "live",
                             env=token, value_streams=["stdout"], codes=[0])  # fmt: skip
        found = canaries.found_in(result.stdout)
        sandbox.expect("environments: failing stores", "only values of the store", all(name.startswith("store.") for name in found), sorted(found))
        sandbox.write(several.project, "stacks/good.yaml", several.files["stacks/good.yaml"])
        for fault in QUICK_FAULTS if sandbox.quick else FAULTS:
            store.fault, store.fault_from = fault, "/v1/kv"
            run_all(several, "environments: failing stores", token, ["json", "human"])
        store.fault = None
    leaked = canaries.value("error output of a program")
    # A program inherits variables, so only it knows the value.
    sandbox.write(sandbox.root, "failing.sh", f"echo '{leaked}' >&2; echo '{{\"{leaked}\": '; exit 3\n")
    program = f'kind = "command"\nnames = ["sh", {quoted(str(sandbox.root / "failing.sh"))}]\nkeys = ["false", "{{secret}}"]\ntimeout = 2'
    run_all(Environments(sandbox, {"live": program}), "environments: failing programs")
