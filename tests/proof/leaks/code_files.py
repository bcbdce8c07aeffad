"""Python and Terraform files with values in the arguments of calls, in other literals, and in comments, on and near the lines of
findings."""
import json
from dataclasses import dataclass
from typing import Callable

from canaries import SHAPES
from command_files import check_files, indented, with_values

# `@w` is a stored value, `@p` a value of an attribute, both as literals of the language. `@t` is one without quotes.
PYTHON = r"""import os
from enum import Enum
from zenml import pipeline, step
from zenml.client import Client
from zenml.config import DockerSettings
client = Client()
PASSWORD = @w
TOKEN: str = "@t"
client.create_secret("store", values={"user": @w, "password": @w, "note": "{{store.user}} @t"})
client.create_secret(name="other", values=dict(password=@w, user=os.getenv("@t", "@t"))); client.get_secret("othr")  # @t
client.update_secret("store", add_or_update_values={"user": @w, "key": f"{TOKEN}@t", **{x: "@t"}})
client.get_secret("stor").secret_values["user"], "@t", b"@t", r'@t', f"@t{x}"  # @t
login(client.get_secret("store").secret_values["pasword"], password=@w, key="@t" + x, **{"a": "@t"})  # password: @t
values = client.get_secret("store").secret_values; connect("@t", values["pasword"], "@t"); "@t", values["usr"]
client.get_secret("@t" if x else "@t"), client.get_secret(x["@t"]), client.get_secret(f"{x['@t']}_db").secret_values[x("@t")]
client.create_stack_component("a", "acme", "alerter", {"token": @p, "k": "{{store.pasword}}", "note": "@t{{store.user}}", "l": ["@t", "{{store.user}}"]})
client.create_stack_component(name="b", flavor="acme", component_type="alerter", configuration={"password": @p, "k": "{{ store.user", "x": {"y": "@t"}}, labels={"a": "@t"})
client.create_stack_component("c", "acme", "alerter", {"a": "{{ @t store.user", "b": "{store.user}} @t", "c": f"{TOKEN}{{{{store.user}}}}", "d": "@t" "{{store.user}}", "e": "%s{{store.user}}" % "@t"})
client.create_stack_component("t", "mlflow", "experiment_tracker", {"enable_unity_catalog": "{{store.user}}", "tracking_password": @p, **{"z": "@t"}})
client.update_stack_component("t", component_type="alerter", configuration={"name": "{{store.user}}", "token": @p, x["@t"]: "@t"})
docker = DockerSettings(environment={"PASSWORD": @p, "API_KEY": f"{x}@t", "SLACK_TOKEN": "{{store.user}}", "LEVEL": "@t", "TOKEN": TOKEN}, build_options={"a": "@t"})
SlackAlerterSettings(slack_token=@p, other="@t {{store.user}} @t", channel="{{stor.user}}"); SlackAlerterSettings(slack_token=TOKEN)
training.with_options(secrets=["stor"], settings={"password": "@t"})("@t"); training.with_options(config_path=f"{TOKEN}/run.yaml")
"@t"; client.get_secret("stor"); "@t"; client.get_secret("stor").secret_values.get("a", "@t")
x = "password = @t, {client.get_secret('stor')}" + f"password @t, {client.get_secret('stor').secret_values['user']} @t"


@step(secrets=["stor", "store"], settings={"a": {"password": "@t"}}, extra={"a": "@t"})  # @t
def train(password: str = "@t", token=@w) -> None:
    '''Uses @t. client.get_secret("stor")'''
    text = f'''
    password @t {client.get_secret("stor")} @t
    token, @t = {client.get_secret("store").secret_values["pasword"]} @t
    '''


class Values(str, Enum):
    KEY = "@t"


client.create_secret(
    "long", description="@t",
    values={
        "password": @w,
        "user": PASSWORD, "token": "@t",
        "key": Values.KEY,  # @t
        **{"more": "@t"},
    },
    # password: @t
    scope="@t",
)
client.create_stack_component(
    name="l",
    flavor="acme", labels={"@t": "@t"},
    component_type="alerter",
    configuration={
        "token": @p,
        "key": "{{long.pasword}}", "other": "@t",
        "joined": "@t" "{{long.user}}",
        "text": '''@t
@t {{long.user}} @t
''', "k": "{{long.pasword}}",
    },
)
client.create_stack_component("m", "acme", "alerter", '''@t
@t''', configuration={"k": "{{long.pasword}}"})
client.create_secret("broken", values={"password": "@t"
def broken(:
    "@t", client.get_secret("stor"), "@t"
print "@t", client.get_secret("stor"), "@t"
client.get_secret("stor", "@t"
x = "unclosed @t
"""
TERRAFORM = r"""variable "password" {
  default = @w # @t
}
locals { token = "@t" }
resource "zenml_secret" "store" {
  name   = "store" # @t
  values = { user = @w, password = @w }
}
resource "zenml_secret" "other" {
  values = {
    user     = @w
    password = var.password
    "key"    = local.token, note = "{{store.user}} @t"
    text     = <<-EOT
      @t
      {{store.user}} @t
    EOT
  }
  name = "other"
}
resource "zenml_secret" "merged" {
  name   = "merged"
  values = merge({ a = "@t" }, { for k, v in { b = "@t" } : k => v })
}
/* password = "@t"
   @t */
// @t
resource "zenml_stack_component" "a" {
  name   = "a"
  type   = "alerter"
  flavor = "acme"
  labels = { a = "@t", "{{store.user}}" = "@t" }
  configuration = {
    token  = @p
    key    = "{{${zenml_secret.store.name}.pasword}}" # @t
    other  = "@t{{store.user}}", secret_key = @p
    text   = <<-EOT
      @t
      {{store.user}} @t
    EOT
    joined = format("%s{{%s.user}}", "@t", zenml_secret.store.name), k = "{{stor.user}}"
    format = format("{{%s.pasword}}", zenml_secret.store.name == "@t" ? "@t" : zenml_secret.store.name)
    api_key = local.token
    password = local.token
    list   = ["@t", "{{store.user}}"]
    map    = { password = "@t", x = "{{store.user}}" }
    open   = "{{ @t store.user"
    closed = "{store.user}} @t"
    nested = "${"@t"}{{store.user}}"
    json   = jsonencode({ a = "@t", b = "{{store.user}}" })
  }
}
resource "zenml_stack_component" "b" { configuration = { token = @p, key = "{{store.pasword}}", other = "@t" } }
resource "zenml_stack_component" "t" {
  type          = "experiment_tracker"
  flavor        = "mlflow"
  configuration = { name = "{{store.user}}", tracking_password = @p, tracking_uri = "mysql://u:@t@{{store.user}}/x" }
}
resource "zenml_service_connector" "c" {
  auth_method   = "@t"
  configuration = { aws_access_key_id = "{{store.user}}", aws_secret_access_key = @p }
}
resource "null_resource" "x" {
  triggers = { password = "@t" }
  provisioner "local-exec" {
    environment = { TOKEN = "@t" }
    command     = "zenml secret create p --password=@t && zenml artifact-store register a -f acme --key={{p.pasword}} --token=@t"
  }
  provisioner "local-exec" {
    command = <<-EOT
      TOKEN=@t zenml secret create q --password='@t' # @t
      zenml artifact-store register q -f acme --key={{q.pasword}} --token=@t --x=${local.token}@t
      curl -u @t ${"@t"}
    EOT
  }
}
resource "zenml_stack_component" "${"@t"}" {
  configuration = { key = "{{stor.user}}" }
  name = "unclosed @t
  password = "@t"
}
resource "zenml_secret" "broken" { name = "broken", values = { a = "@t"
"""
RULES = {"unknown-key", "unknown-secret", "embedded-reference", "nested-reference", "malformed-reference", "refused-attribute", "plaintext-secret"}


def terraform_literal(value):
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


@dataclass
class CodeFile:
    """A kind of file with code: its path, the code, a function that writes its literals, and one that writes the file."""

    label: str
    path: str
    code: str
    literal: Callable
    write: Callable
    rules: frozenset = frozenset(RULES)
    shapes: tuple = tuple(SHAPES)

    @property
    def title(self):
        return self.label

    def text(self, new_value):
        return self.write(with_values(self.code, new_value, self.literal))


def page(code):
    """Returns a page with the code in two blocks, and with its start in a list."""
    head, _, rest = code.partition("\n\n\n")
    return f"# Use\n\n```python\n{head}\n```\n\nThen:\n\n```py\n{rest}```\n\n1. List\n\n   ```python\n{indented(head, '   ')}   ```\n"


def notebook(code, cell_type="code"):
    """Returns a notebook in which each part of the code is a cell, with the same text as output."""
    cells = []
    for part in code.split("\n\n\n"):
        output = {"name": "stdout", "output_type": "stream", "text": part.splitlines(keepends=True)}
        more = {"execution_count": 1, "outputs": [output]} if cell_type == "code" else {}
        source = part if cell_type == "code" else f"Text\n\n```python\n{part}\n```\n"
        cells.append({"cell_type": cell_type, "metadata": {}, "source": source.splitlines(keepends=True)} | more)
    page = {"cells": cells, "metadata": {"kernelspec": {"language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(page, indent=1, ensure_ascii=False)


def one_line_notebook(code):
    return json.dumps(json.loads(notebook(code)))


def markdown_cells(code):
    return notebook(code, "markdown")


IMAGE_RULES = frozenset(RULES | {"baked-secret"})
CODE_FILES = [
    CodeFile("Python", "train.py", PYTHON, repr, str, IMAGE_RULES),
    # stackref takes braces in other text of a page for a reference.
    CodeFile("Python blocks of Markdown", "use.md", PYTHON, repr, page, frozenset(), tuple(set(SHAPES) - {"braces"})),
    CodeFile("Python in notebooks", "use.ipynb", PYTHON, repr, notebook, IMAGE_RULES),
    CodeFile("Python in notebooks with one line", "use.ipynb", PYTHON, repr, one_line_notebook, IMAGE_RULES),
    CodeFile("Python in Markdown cells", "use.ipynb", PYTHON, repr, markdown_cells, frozenset()),
    CodeFile("Terraform", "main.tf", TERRAFORM, terraform_literal, str),
]


def code_files(sandbox):
    """Calls of ZenML's API in Python, and resources in Terraform, that store, contain or precede values."""
    check_files(sandbox, CODE_FILES)
