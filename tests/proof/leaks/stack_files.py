"""Stack files, run configs and component specs with values, in each syntax and with each extension."""
import json
import tomllib

from canaries import SHAPES
from commands import FORMATS, inventory, quoted

# `@p` is a value of a sensitive attribute, and `@t` one of another entry, near a mistake.
STACK = """
stack_name = "prod"
zenml_version = "0.98.0"
[components.alerter]
name = "t"
flavor = "acme"
type = "alerter"
[components.alerter.configuration]
password = @p
api_token = @p
plain = "{{db.k}}"
missing = "{{db.q}}"
padded = "{{ db.k }}"
open = "{{ db.k"
embedded = "x {{db.k}}"
list = ["{{db.k}}"]
nested = { secret_key = @p, x = "{{bd.k}}" }
"""
RUN_CONFIG = """
enable_cache = false
run_name = "nightly"
secrets = ["db", "bd"]
[settings."orchestrator.acme"]
password = @p
api_token = @p
synchronous = "{{db.q}}"
x = "{{ db.k"
[settings.docker.environment]
DB_PASSWORD = @p
KEY = "{{db.k}}"
[steps.train]
secrets = ["stor"]
[steps.train.settings."orchestrator.acme"]
secret_key = @p
y = "{{bd.k}}"
"""
COMPONENT = """
spec_version = 1
spec_type = "component"
component_type = "alerter"
component_flavor = "acme"
name = "t"
[metadata.config]
password = @p
api_token = @p
plain = "{{db.k}}"
missing = "{{db.q}}"
open = "{{ db.k"
embedded = "x {{bd.k}}"
"""
DOCUMENTS = {"stack": STACK, "run config": RUN_CONFIG, "component spec": COMPONENT}


def syntax(text, extension):
    """Converts TOML to another syntax. JSON is also YAML, so YAML has block style."""
    if extension == ".toml":
        return text
    content = tomllib.loads(text)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n" if extension == ".json" else block(content)


def block(content, indent=""):
    lines = []
    for key, value in content.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{quoted(key)}:\n{block(value, indent + '  ')}")
        elif isinstance(value, list):
            lines.append(f"{indent}{key}:\n" + "".join(f"{indent}- {quoted(entry)}\n" for entry in value))
        else:
            lines.append(f"{indent}{key}: {quoted(value) if isinstance(value, str) else str(value).lower()}\n")
    return "".join(lines)


def stack_files(sandbox):
    # stackref takes a value with braces for a reference.
    shapes = [shape for shape in SHAPES if shape != "braces"]
    for name, document in DOCUMENTS.items():
        for extension in [".yaml", ".yml", ".toml", ".json"]:
            if sandbox.quick:
                shapes = ["quotes"]
            for shape in shapes:
                text = document
                while "@p" in text:
                    value = sandbox.canaries.value(f"{name} {extension}", shape)
                    text = text.replace("@p", json.dumps(value).replace("\\ud83d\\ude42", "🙂").replace("\\u007f", ""), 1)
                files = {f"a{extension}": syntax(text, extension), "secrets.inventory.yaml": inventory({"db": {"k": sandbox.canaries.value("stored")}})}
                project = sandbox.project({**files, ".gitignore": "/secrets.*\n"}, git=True)
                run = lambda *args, label=f"stack files: {name}", **more: sandbox.run(label, project, *args, **more)
                label = f"stack files: {extension}"
                result = run("check", "--format", "json", codes=[1], label=label)
                rules = {finding["rule"] for finding in json.loads(result.stdout)["findings"]}
                expected = {"unknown-key", "plaintext-secret", "malformed-reference"}
                sandbox.expect(label, f"the {name} is recognized", expected <= rules, rules)
                for format in [] if sandbox.quick or shape not in ("quotes", "lines", "ansi") else FORMATS:
                    run("check", "--format", format, "--no-ignores", "--color", "always", codes=[1], label=label)
                    run("check", "--leaks", "--format", format, codes=[1], label=label)
                for args in [["check", "--fix=suggestions", "--diff"], ["check", "--add-ignores", "--diff"], ["refs"], ["register"], ["render", "--diff"]]:
                    run(*args)
                if not sandbox.quick:
                    run("check", "--fix=suggestions", value_files=[f"a{extension}"])
                    run("check", "--add-ignores", value_files=[f"a{extension}"])
