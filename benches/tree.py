#!/usr/bin/env python3
"""Creates the trees for the benchmarks: `tree.py KIND FOLDER [COUNT]`.

mixed      COUNT files (30,000): 2 % stack files, 4 % Helm-like files full of braces, the rest YAML, TOML and JSON
sources    COUNT files (100,000) of all sources: Python, Terraform, Markdown, YAML, shell scripts, notebooks, Makefiles,
           Dockerfiles; one of 250 uses ZenML
stacks     COUNT stack files (600), like those of mixed
components COUNT stack files (600) with 12 components each; a component has 3 attributes, 2 of them references
workflows  COUNT GitHub workflows (600), each as large as a stack file of stacks
findings   one stack file with COUNT findings (4,000)
small      one small stack file
render     COUNT stack files (2,000) with 24 references each, and an inventory with their values
variables  the same with `$NAME` for each reference, for envsubst
large      one stack file of about 20 MB with COUNT references (50,000), and an inventory with their values
variable   the same with `$NAME`
All except sources, workflows, variables and variable have a `secrets.inventory.yaml`. The same arguments produce the same bytes.
"""
import json
import pathlib
import random
import re
import sys


def stack(n):
    return f"""# stack {n}
components:
  artifact_store:
  - configuration:
      path: s3://bucket-{n}/prefix
      key: '{{{{aws_secret.access_key}}}}'
      secret: '{{{{aws_secret.secret_key}}}}'
    flavor: s3
    name: store
    type: artifact_store
  experiment_tracker:
  - configuration:
      experiment_name: run-{n}
      tracking_password: '{{{{mlflow_secret.password}}}}'
      tracking_uri: https://mlflow.example.com
      tracking_username: '{{{{mlflow_secret.username}}}}'
    flavor: mlflow
    name: tracker
    type: experiment_tracker
stack_name: stack-{n}
zenml_version: 0.98.0
"""


def workflow(n):
    text = f"""name: build {n}
on: [push]
permissions: {{}}
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
    - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
      with:
        persist-credentials: false
    - run: make
      env:
        TOKEN: '${{{{ secrets.TOKEN }}}}'
"""
    rest = len(stack(n)) - len(text) - len("    - run: ''\n")
    return text + f"    - run: '{'x' * rest}'\n"


def helm(n):
    lines = [f"# template {n}", "apiVersion: v1", "kind: ConfigMap", "data:"]
    lines += [f'  key{i}: "{{{{ .Values.service{i}.name }}}}-{{{{ .Release.Name }}}}"' for i in range(40)]
    return "\n".join(lines) + "\n"


def plain(n, rng):
    lines = [f"# file {n}", "metadata:", f"  name: item-{n}", "spec:"]
    lines += [f"  field_{i}: {rng.choice(['alpha', 'beta', 'gamma', '42', 'true'])} value {i}" for i in range(rng.randint(10, 60))]
    return "\n".join(lines) + "\n"


SECRETS, KEYS = 50, 4


def reference(n, at):
    return f"{{{{secret_{(n + at) % SECRETS}.key_{at % KEYS}}}}}"


def variable(n, at):
    return f"$SECRET_{(n + at) % SECRETS}_KEY_{at % KEYS}"


def component(n, references, pad, place=reference):
    lines = ["components:", "  orchestrator:", "  - configuration:"]
    for at in range(references):
        lines.append(f"      attribute_{at}: '{place(n, at)}' # {'x' * pad}")
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", f"stack_name: stack-{n}", "zenml_version: 0.98.0"]
    return "\n".join(lines) + "\n"


COMPONENT_TYPES = (
    "alerter", "annotator", "artifact_store", "container_registry", "data_validator", "experiment_tracker", "feature_store",
    "image_builder", "model_deployer", "model_registry", "orchestrator", "step_operator",
)


def full_stack(n):
    """Returns a stack with one component of each of 12 types."""
    lines = ["components:"]
    for index, kind in enumerate(COMPONENT_TYPES):
        lines += [
            f"  {kind}:", "  - configuration:", "      region: eu-west-1",
            f"      username: '{reference(n, 2 * index)}'", f"      password: '{reference(n, 2 * index + 1)}'",
            "    flavor: ours", f"    name: {kind}-{n}", f"    type: {kind}",
        ]
    lines += [f"stack_name: stack-{n}", "zenml_version: 0.98.0"]
    return "\n".join(lines) + "\n"


def write_inventory(folder):
    (folder / "secrets.inventory.yaml").write_text(
        "mlflow_secret: [username, password]\naws_secret: [access_key, secret_key]\nslack: [token]\n"
    )


def write_values(folder):
    lines = []
    for n in range(SECRETS):
        lines.append(f"secret_{n}:")
        lines += [f"  key_{key}: 'value: {n} #{key}'" for key in range(KEYS)]
    (folder / "secrets.inventory.yaml").write_text("\n".join(lines) + "\n")


def mixed(folder, count):
    rng = random.Random(7)
    write_inventory(folder)
    for n in range(count):
        place = folder / f"team-{n % 20}" / f"project-{n // 20 % 50}"
        place.mkdir(parents=True, exist_ok=True)
        at = n % 100
        if at < 2:
            (place / f"stack-{n}.yaml").write_text(stack(n))
        elif at < 6:
            (place / f"template-{n}.yaml").write_text(helm(n))
        elif at < 16:
            (place / f"data-{n}.json").write_text("{" + ", ".join(f'"key{i}": "value {i}"' for i in range(30)) + "}\n")
        elif at < 22:
            (place / f"settings-{n}.toml").write_text("\n".join(f'key{i} = "value {i}"' for i in range(30)) + "\n")
        else:
            (place / f"file-{n}.yaml").write_text(plain(n, rng))


def stacks(folder, count):
    write_inventory(folder)
    for n in range(count):
        (folder / f"stack-{n}.yaml").write_text(stack(n))


def components(folder, count):
    for n in range(count):
        (folder / f"stack-{n}.yaml").write_text(full_stack(n))
    names = "".join(f"secret_{n}: [{', '.join(f'key_{key}' for key in range(KEYS))}]\n" for n in range(SECRETS))
    (folder / "secrets.inventory.yaml").write_text(names)


def workflows(folder, count):
    place = folder / ".github/workflows"
    place.mkdir(parents=True)
    for n in range(count):
        (place / f"build-{n}.yml").write_text(workflow(n))


def findings(folder, count, pad=0):
    write_inventory(folder)
    lines = ["components:", "  orchestrator:", "  - configuration:"]
    lines += [f"      attribute_{i}: '{{{{mlflow_secre.k{i % 50}}}}}'" + (" # " + "x" * pad if pad else "") for i in range(count)]
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", "stack_name: many", "zenml_version: 0.98.0"]
    (folder / "many.yaml").write_text("\n".join(lines) + "\n")


def small(folder, _count):
    write_inventory(folder)
    (folder / "prod.yaml").write_text(stack(1))


def render(folder, count, place=reference):
    for n in range(count):
        team = folder / f"team-{n % 20}"
        team.mkdir(exist_ok=True)
        (team / f"stack-{n}.yaml").write_text(component(n, 24, 20, place))
    if place is reference:
        write_values(folder)


def large(folder, count, place=reference):
    (folder / "large.yaml").write_text(component(0, count, 340, place))
    if place is reference:
        write_values(folder)


COMMANDS = """zenml secret create tracking_{n} --username="$USER" --password="$PASSWORD"
zenml experiment-tracker register tracker_{n} --flavor=mlflow \\
  --tracking_username={{{{tracking_{n}.username}}}} --tracking_password={{{{tracking_{n}.password}}}}
"""

PROSE = "The pipeline loads the data, trains a model and stores the result. Each step runs in a container of its own.\n"


# The name of the secret that the commands of a file create.
SECRET = re.compile(r"tracking_\d+")

PYTHON = """from zenml import step
from zenml.client import Client

NAME = "{secret}"


@step(secrets=[NAME])
def login() -> None:
    Client().create_secret(name=NAME, values={{"username": user(), "password": password()}})
    secret = Client().get_secret(NAME)
    connect(secret.secret_values["username"], secret.secret_values["password"])


"""

TERRAFORM = """resource "zenml_secret" "tracking" {{
  name   = "{secret}"
  values = {{ username = var.username, password = var.password }}
}}

resource "zenml_stack_component" "tracker" {{
  name          = "tracker"
  type          = "experiment_tracker"
  flavor        = "mlflow"
  configuration = {{ tracking_password = "{{{{${{zenml_secret.tracking.name}}.password}}}}" }}
}}

"""


def secret_of(commands):
    """Returns the name of the secret in commands, or None without commands."""
    return SECRET.search(commands).group() if commands else None


def python_file(random_lines, commands):
    secret = secret_of(commands)
    code = PYTHON.format(secret=secret) if secret else ""
    lines = [f"def step_{at}(data):\n    return [item * {number} for item in data]\n" for at, number in enumerate(random_lines)]
    return "import json\n" + code + "\n\n" + "\n\n".join(lines)


def terraform(random_lines, commands):
    secret = secret_of(commands)
    code = TERRAFORM.format(secret=secret) if secret else ""
    blocks = [f'resource "aws_subnet" "s{at}" {{\n  cidr_block = "10.0.{number % 256}.0/24"\n}}\n' for at, number in enumerate(random_lines)]
    return code + "\n".join(blocks)


def page(random_lines, commands):
    code = f"```bash\n{commands or 'make all'}\n```\n"
    return "# Title\n\n" + "\n".join(PROSE + f"- item {number}\n" for number in random_lines) + code


def script(random_lines, commands):
    lines = [f'echo "step {number}" >> "$LOG" || exit 1\n' for number in random_lines]
    return "#!/usr/bin/env bash\nset -euo pipefail\n" + "".join(lines) + commands


def notebook(random_lines, commands):
    sources = [[f"value = {number}\n", "print(value)\n"] for number in random_lines]
    if commands:
        sources.append(["%%bash\n", *commands.splitlines(keepends=True)])
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def makefile(random_lines, commands):
    recipe = "".join(f"\t{line}\n" for line in commands.splitlines())
    return "all: build\n\n" + "".join(f"target-{number}:\n\techo {number}\n\n" for number in random_lines) + "setup:\n" + recipe


def dockerfile(random_lines, commands):
    first = commands.splitlines()[0] if commands else "true"
    return "FROM python:3.12\n" + "".join(f"ENV V{number}={number}\n" for number in random_lines) + f"RUN {first}\n"


def settings(random_lines, _commands):
    return "settings:\n" + "".join(f"  key_{at}: value {number}\n" for at, number in enumerate(random_lines))


# One of so many files uses ZenML. With more than 6 of 1,000, parsing them takes longer than ripgrep's search of all.
FILES_PER_USE = 250

# Of 20 files: the name and the text of each kind.
SOURCES = (
    [("module_{}.py", python_file)] * 7
    + [("main_{}.tf", terraform)]
    + [("page_{}.md", page)] * 4
    + [("config_{}.yaml", settings)] * 4
    + [("run_{}.sh", script), ("run_{}.ipynb", notebook), ("{}.mk", makefile), ("Dockerfile.{}", dockerfile)]
)


def sources(folder, count):
    generator = random.Random(18)
    for n in range(count):
        name, text = SOURCES[n % len(SOURCES)]
        parent = folder / f"package-{n // len(SOURCES) % 500}"
        parent.mkdir(exist_ok=True)
        lines = [generator.randrange(10000) for _ in range(generator.randrange(5, 60))]
        commands = COMMANDS.format(n=n) if generator.randrange(FILES_PER_USE) == 0 else ""
        (parent / name.format(n)).write_text(text(lines, commands))


KINDS = {
    "sources": (sources, 100000),
    "mixed": (mixed, 30000),
    "stacks": (stacks, 600),
    "components": (components, 600),
    "workflows": (workflows, 600),
    "findings": (findings, 4000),
    "small": (small, 1),
    "render": (render, 2000),
    "variables": (lambda folder, count: render(folder, count, variable), 2000),
    "large": (large, 50000),
    "variable": (lambda folder, count: large(folder, count, variable), 50000),
}


def make(kind, folder, count=None, *more):
    """Makes one of the trees in a folder that is made for it; the folder."""
    writer, default = KINDS[kind]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    writer(folder, default if count is None else count, *more)
    return folder


def variables():
    """The values of the inventory under the names that `variables` and `variable` have for them."""
    return {variable(n, key)[1:]: f"value: {n} #{key}" for n in range(SECRETS) for key in range(KEYS)}


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
