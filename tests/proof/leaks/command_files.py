"""Scripts, CI files, documentation and notebooks with `zenml` commands that contain values, on and near the lines of findings."""
import json
import re
import shlex
from dataclasses import dataclass
from typing import Callable

from canaries import SHAPES, TYPED
from commands import FORMATS, inventory, quoted

# Commands in one line. `@w` is a stored value, `@j` one in JSON, `@p` a value of an attribute, and `@t` one without quotes.
LINES = [
    "zenml secret create store --user=@w --password=@w --api-key=@w",
    "zenml secret create --values='{\"user\": \"@j\", \"password\": \"@j\"}' config --note=@w",
    "zenml secret create --values='user: \"@t\"' yaml -v 'password: @t'",
    "zenml secret update store --password=@w --note=\"@t {{ store.pasword\"",
    "zenml secret create positional more @w @t",
    "zenml secret create unattached --password @w --api-key @t",
    "zenml secret create --password @w named-last",
    "zenml secret create --values '{@t}' keys -v '{password:@t}' && zenml secret create --values '@t' text && zenml secret create -v '[@t]' list",
    "zenml artifact-store register k -f acme --key='{{keys.usr}}' --user='{{text.usr}}' --other='{{name-last.usr}}'",
    "PASSWORD=@p TOKEN=@p zenml artifact-store register a -f acme --key='{{store.pasword}}' --api_token=@p",
    "zenml experiment-tracker register t --flavor=mlflow --tracking_password=@p --tracking_uri=\"mysql://u:@t@{{store.user}}/x\"",
    "zenml experiment-tracker register t -f acme --x='{{store.user' --token @p # @t",
    "zenml service-connector register c --type aws --aws_access_key_id='{{store.user}}' --aws_secret_access_key=@p",
    "zenml user create u --password='{{store.password}}' && zenml user create v --password=@p",
    "zenml secret create other --password=@w && zenml artifact-store register b -f acme --k='{{othr.password}}' && curl -u me:@t https://h",
    "zenml artifact-store register p -f acme --key={{ store.user }} --secret_key=@p --list='[\"{{store.user}}\", \"@t\"]'",
    "zenml secret create spelled \"--password=@t\" '--us'er=@t --key=\"@t\"'@t'$'@t' --note={@t,ab@t} $'--text=@t' word=@t",
    "zenml secret create mapped -v'{\"a\": \"@t\"}' --values @<(echo '{\"a\": \"@t\"}') --values='{\"a\": {\"b\": \"@t\"}}' --values=a:@t",
    "echo @t | zenml secret create piped --password=- >@t.log && xargs -I{} zenml secret create piped --password={} <<< @t",
    "docker run -e TOKEN=@t image zenml artifact-store register d -f acme --k='{{store.pasword}}' --x='zenml secret create y --k=@t'",
    "ssh host \"zenml secret create remote --password='@t'; zenml artifact-store register r -f acme --k={{remote.pasword}} --token=@t\"",
    "zenml artifact-store register e -f acme --a='{{store.user}}@t' --b='@t{{store.user}}' --c='{{ @t store.user' --d='{store.user}} @t'",
    "TOKEN=@t; zenml secret create assigned --token=$TOKEN; zenml artifact-store register v -f acme --k='{{assigned.tokn}}' --x=${TOKEN:-@t}",
    "bash -c 'zenml secret create inner --password=@t; zenml artifact-store register i -f acme --key={{inner.pasword}} --token=@t'",
    "uv run zenml secret update inner --password=$(pass show @t) --user=\"${X:-@t}\"",
]
# Commands in several lines.
BLOCK = """cat >values.json <<END
{"password": "@t"}
END
bash <<END
zenml secret create fed --password=@w
zenml artifact-store register f -f acme --key='{{fed.pasword}}' --token=@t
END
zenml secret create long --note=@t \\
  --user=@w \\
  --password=@w
zenml artifact-store register l -f acme \\
  --token=@p \\
  --key='{{long.pasword}}' \\
  --password=@p
zenml secret create text --values "
user: @t
password: '@t'
"
zenml secret create substituted --values "$(cat <<END
{"password": "@t"}
END
)"
python - <<'END'
client.create_secret("x", values={"a": "@t"})  # zenml secret create x --password=@t --k={{store.pasword}}
END
TOKENS=(@t "@t")
if ! zenml secret get store; then zenml secret create store --password="@t"; fi
zenml secret create "unclosed --password=@t
"""
# The rules that every file must report, and one that documentation does not.
RULES = {"unknown-key", "unknown-secret", "embedded-reference", "malformed-reference", "refused-attribute"}
SCRIPT_RULES = RULES | {"plaintext-secret"}


@dataclass
class CommandFile:
    """A kind of file: its path, a function that writes it from lines and a block, and whether values may have line breaks."""

    label: str
    path: str
    write: Callable
    has_blocks: bool = True
    is_script: bool = True

    @property
    def title(self):
        return f"commands in {self.label}"

    @property
    def rules(self):
        return SCRIPT_RULES if self.is_script else RULES

    @property
    def shapes(self):
        return SHAPES if self.has_blocks else TYPED

    def text(self, new_value):
        lines = [with_values(line, new_value) for line in LINES]
        return self.write(lines, with_values(BLOCK, new_value) if self.has_blocks else "")


def without_braces(text):
    """Returns a text for places outside of commands, where stackref takes braces for a reference."""
    return re.sub(r"\{\{.*?\}\}", "", text)


def indented(text, by):
    return "".join(f"{by}{line}\n" for line in text.splitlines())


def shell(lines, block):
    return "#!/bin/bash\n" + "\n".join(lines) + "\n" + block


def makefile(lines, _block):
    return "setup:\n" + indented("\n".join("@" + line for line in lines), "\t").replace("$", "$$")


def makefile_one_shell(lines, block):
    return ".ONESHELL:\nSHELL := /bin/bash\nsetup:\n" + indented("\n".join(lines) + "\n" + block, "\t").replace("$", "$$")


def justfile(lines, _block):
    return "setup:\n" + indented("\n".join(lines), "    ").replace("{{", "{{{{")


def just_script(lines, block):
    return "setup:\n    #!/usr/bin/env bash\n" + indented("\n".join(lines) + "\n" + block, "    ").replace("{{", "{{{{")


def dockerfile(lines, block):
    steps = [f"RUN {line}\nRUN {json.dumps(['sh', '-c', line])}\n" for line in lines]
    words = json.dumps(["zenml", "secret", "create", "entry", "--password=" + lines[0].split("=")[1].split()[0]])
    return f"FROM python:3.12\n{''.join(steps)}RUN <<STEP\n{block}STEP\nENTRYPOINT {words}\n"


def workflow(lines, block, head="on: push\njobs:\n  setup:\n    runs-on: ubuntu-latest\n    steps:\n", by="    "):
    """Returns a GitHub workflow with each command as a quoted string, and all of them as a block scalar."""
    steps = "".join(f"{by}- run: {quoted(line)}\n  {by}env: {{DB_PASSWORD: {quoted(without_braces(line))}}}\n" for line in lines)
    folded = "".join(f"{by}- run: >-\n{indented(line, by + '    ')}" for line in lines)
    return f"{head}{steps}{folded}{by}- run: |\n{indented(chr(10).join(lines) + chr(10) + block, by + '    ')}"


def action(lines, block):
    return workflow(lines, block, "name: setup\nruns:\n  using: composite\n  steps:\n", "  ")


def gitlab(lines, block):
    items = "".join(f"    - {quoted(line)}\n" for line in lines)
    text = indented("\n".join(lines) + "\n" + block, "      ")
    variables = f"variables:\n  DB_PASSWORD: {quoted(without_braces(lines[0]))}\n"
    return f"{variables}setup:\n  before_script:\n{items}  script:\n    - |\n{text}  after_script: {quoted(lines[0])}\n"


def fenced(lines, block):
    return f"# Use\n\n```sh\n{chr(10).join(lines)}\n{block}```\n\n1. List\n\n{indented(f'```bash{chr(10)}{chr(10).join(lines)}{chr(10)}```', '   ')}"


def console(lines, _block):
    return "```console\n" + "".join(f"$ {line}\noutput of {without_braces(line)}\n" for line in lines) + "```\n"


def code_blocks(lines, block):
    return f"Use\n\n{indented(chr(10).join(lines) + chr(10) + block, '    ')}\nend\n"


def inline_code(lines, _block):
    text = "".join(f"Run ``{line}`` now.\n\n" for line in lines)
    return text + "| a | b |\n|---|---|\n" + "".join(f"| x | `` {line.replace('|', chr(92) + '|')} `` |\n" for line in lines)


def html_code(lines, block):
    text = ("\n".join(lines) + "\n" + block).replace("&", "&amp;").replace("<", "&lt;")
    return f'<pre class="language-shell"><code class="lang-shell">{text}</code></pre>\n'


def rst(lines, block):
    return f"Use\n===\n\n.. code-block:: bash\n\n{indented(chr(10).join(lines), '   ')}\nAlso::\n\n{indented(block, '   ')}\nend\n"


def notebook(lines, block):
    cells = [("code", "\n".join("!" + line for line in lines)), ("code", "%%bash\n" + "\n".join(lines) + "\n" + block)]
    cells += [("markdown", fenced(lines, block)), ("code", "print('" + lines[0].replace("'", "") + "')")]
    page = {"cells": [], "metadata": {"kernelspec": {"language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    for kind, text in cells:
        cell = {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
        output = {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}
        page["cells"].append(cell | ({"execution_count": 1, "outputs": [output]} if kind == "code" else {}))
    return json.dumps(page, indent=1, ensure_ascii=False)


def escaped_notebook(lines, block):
    """Returns a notebook in which every letter of a string is an escape. JSON permits that."""
    text = json.dumps(json.loads(notebook(lines, block)), indent=1)
    is_source = re.compile(r'"(?:[^"\\]|\\.)*"')
    keys = {"cells", "metadata", "kernelspec", "language", "name", "cell_type", "source", "code", "markdown", "outputs", "output_type", "text"}
    keys |= {"nbformat", "nbformat_minor", "execution_count", "python", "python3", "stdout", "stream"}
    # The file must contain `zenml` as it is, because other files are skipped before they are parsed.
    letter = re.compile(r"\\.|zenml|[a-z]", re.IGNORECASE)
    escape = lambda match: match.group() if len(match.group()) > 1 else f"\\u{ord(match.group()):04x}"
    return is_source.sub(lambda match: match.group() if match.group()[1:-1] in keys else letter.sub(escape, match.group()), text) + "\n"


COMMAND_FILES = [
    CommandFile("shell scripts", "setup.sh", shell),
    CommandFile("Makefiles", "Makefile", makefile, has_blocks=False),
    CommandFile("Makefiles with .ONESHELL", "build.mk", makefile_one_shell),
    CommandFile("justfiles", "justfile", justfile, has_blocks=False),
    CommandFile("justfiles with a shebang", "justfile", just_script),
    CommandFile("Dockerfiles", "Dockerfile", dockerfile),
    CommandFile("GitHub workflows", ".github/workflows/setup.yml", workflow),
    CommandFile("composite actions", "action.yml", action),
    CommandFile("GitLab CI", ".gitlab-ci.yml", gitlab),
    CommandFile("Markdown, fenced blocks", "use.md", fenced, is_script=False),
    CommandFile("Markdown, console", "use.md", console, has_blocks=False, is_script=False),
    CommandFile("Markdown, indented blocks", "use.md", code_blocks, is_script=False),
    CommandFile("Markdown, inline code and tables", "use.mdx", inline_code, has_blocks=False, is_script=False),
    CommandFile("Markdown, HTML", "use.md", html_code, is_script=False),
    CommandFile("reStructuredText", "use.rst", rst, is_script=False),
    CommandFile("notebooks", "use.ipynb", notebook),
    CommandFile("notebooks with escapes", "use.ipynb", escaped_notebook),
]  # fmt: skip


def with_values(text, new_value, quote=shlex.quote):
    """Replaces the marks of a text by values. `new_value` gets the mark and the start of the line."""

    def write(match):
        mark = match.group(1)
        before = text[: match.start()].rpartition("\n")[2]
        value = new_value(mark, before)
        if mark == "j":
            return json.dumps(value)[1:-1].replace("'", "'\\''")
        return value if mark == "t" else quote(value)

    return re.sub(r"@([wjpt])\b", write, text)


def command_files(sandbox):
    """Commands that store, contain or precede values, in every kind of file."""
    check_files(sandbox, COMMAND_FILES)


def check_files(sandbox, files):
    """Checks files with values of every shape, and files with values of an inventory."""
    for file in files:
        for shape in file.shapes:
            if sandbox.quick and shape != "quotes":
                continue
            # stackref takes an attribute with braces for a reference.
            shape_of = lambda mark: "plain" if mark == "t" or mark == "p" and shape == "braces" else shape
            text = file.text(lambda mark, before: sandbox.canaries.value(f"{file.label}: `{before}`", shape_of(mark)))
            run_all(sandbox, file, text, is_complete=shape == "plain" and not sandbox.quick)
        leaked_values(sandbox, file)


def run_all(sandbox, file, text, is_complete):
    """Runs the commands on one file: without a config, with an inventory of names, and with fixes."""
    label = file.title
    project = sandbox.project({file.path: text, "names.yaml": "store: [user]\nothr: [k]\n", ".gitignore": "/names.yaml\n"})
    run = lambda *args, **more: sandbox.run(label, project, *args, **more)
    result = run("check", "--format", "json")
    rules = {finding["rule"] for finding in json.loads(result.stdout)["findings"]}
    if is_complete or sandbox.quick:
        missing = file.rules - rules
        sandbox.expect(label, f"all rules report something, except {', '.join(sorted(missing))}", not missing, text[:3000])
    commands = [["check", "--no-ignores", "--color", "always", "-v"], ["refs", "--format", "json"], ["inventory"]]
    commands += [["check", "--select", "dynamic-reference"], ["check", "--add-ignores", "--diff"], ["check", "--fix=suggestions", "--diff"]]
    if is_complete:
        for format in FORMATS:
            run("check", "--format", format)
            run("check", "--format", format, "--inventory", "names.yaml")
            run("check", "--format", format, "-", "--stdin-filename", file.path, stdin=text.encode("utf-8", "surrogateescape"))
        commands += [["refs"], ["check", "--statistics"], ["check", "--list-files"], ["check", "--level", "none"], ["check", "--fix", "--diff"]]
        commands += [["check", "--write-baseline", "baseline.json"], ["check", "--baseline", "baseline.json"], ["inventory", "--format", "json"]]
        commands += [["inventory", "--used"], ["register", "--format", "json"], ["render", "--diff"], ["init", "--dry-run"]]
        commands += [["check", "--leaks"], ["check", "--leaks", "--inventory", "names.yaml", "--format", "json"]]
    for args in commands[::5] if sandbox.quick else commands:
        run(*args)
    # After these, findings have other lines.
    for which in ["--fix=suggestions"] if sandbox.quick else ["--fix", "--fix=suggestions", "--add-ignores"]:
        run("check", which, value_files=[file.path])
        if is_complete:
            run("check", "--no-ignores")


def leaked_values(sandbox, file):
    """`check --leaks` finds the values of an inventory in commands."""
    label = f"leaked values in {file.label}"
    values = []

    def new_value(mark, _before):
        values.append(sandbox.canaries.value(f"leaked in {file.label}", "quotes" if mark == "w" else "plain"))
        return values[-1]

    text = file.text(new_value)
    spare = {f"k{at}": value for at, value in enumerate(values)}
    secrets = inventory({"store": {"user": sandbox.canaries.value("stored")}, "spare": spare})
    project = sandbox.project({file.path: text, "secrets.inventory.yaml": secrets, ".gitignore": "/secrets.*\n"}, git=True)
    for format in ["json"] if sandbox.quick else FORMATS:
        result = sandbox.run(label, project, "check", "--leaks", "--format", format, codes=[1])
        if format == "json":
            found = {finding.get("key") for finding in json.loads(result.stdout)["findings"] if finding["rule"] == "leaked-value"}
            # No program writes a letter as an escape, so `--leaks` does not search for that.
            plain = {f"k{at}" for at, value in enumerate(values) if value.isalnum() and value in text}
            sandbox.expect(label, f"{len(plain - found)} of {len(plain)} values are not found", plain <= found, sorted(plain - found))
    commands = [["-v", "--no-ignores"], ["--fix=suggestions", "--diff"], ["--add-ignores", "--diff"], ["--write-baseline", "baseline.json"]]
    for args in commands[: 1 if sandbox.quick else None]:
        sandbox.run(label, project, "check", "--leaks", *args)
