"""The surface of the program: its commands, options and formats, as its help lists them, the kinds of inventories and files, and what
the language server offers. At the end of a run, each of them must have been searched, so that an addition cannot be forgotten."""
import json
import pathlib
import re
import subprocess

LABEL = "the search itself"
ROOT = pathlib.Path(__file__).resolve().parents[3]
OPTION = re.compile(r"^ {2,6}(?:(-\w), )?--([\w-]+)( <|\.\.\.| |$|\[)")
VALUE = re.compile(r"^ {10}- ([\w-]+):")
VALUES = re.compile(r"^ +\[possible values: (.*)\]")
COMMAND = re.compile(r"^  (\w+)  ")
ARGUMENT = re.compile(r"^  [<\[]([A-Z]+)[>\]]")
KIND = re.compile(r'^kind = "(\w+)"', re.MULTILINE)
# Values of options that the help names in a sentence.
NAMED_IN_TEXT = {
    "level": ["none", "secret-exists", "secret-and-key-exists"],
    "color": ["auto", "always", "never"],
    "by": ["file", "secret"],
    "fix": ["suggestions"],
}
# The rows that search each kind of file of `docs/src/sources.md`, in the words of that page.
FILES = {
    ".yaml": "stack files: .yaml",
    ".yml": "stack files: .yml",
    ".toml": "stack files: .toml",
    ".json": "stack files: .json",
    "stack": "stack files: stack",
    "run config": "stack files: run config",
    "component spec of mlstacks": "stack files: component spec",
    "shell scripts": "commands in shell scripts",
    "Makefiles": "commands in Makefiles",
    "justfiles": "commands in justfiles",
    "Dockerfiles": "commands in Dockerfiles",
    "GitHub workflows": "commands in GitHub workflows",
    "actions": "commands in composite actions",
    "GitLab CI files": "commands in GitLab CI",
    "Markdown": "commands in Markdown, fenced blocks",
    "reStructuredText": "commands in reStructuredText",
    "*.py": "Python",
    "notebooks": "Python in notebooks",
    "*.tf": "Terraform",
}
# The methods of the protocol behind each capability that a server can announce.
PROVIDERS = {
    "hoverProvider": ["hover"],
    "completionProvider": ["completion"],
    "definitionProvider": ["definition"],
    "referencesProvider": ["references"],
    "documentHighlightProvider": ["documentHighlight"],
    "documentSymbolProvider": ["documentSymbol"],
    "workspaceSymbolProvider": ["workspace/symbol"],
    "codeActionProvider": ["codeAction", "codeAction/resolve"],
    "codeLensProvider": ["codeLens"],
    "renameProvider": ["prepareRename", "rename"],
    "diagnosticProvider": ["diagnostic", "workspace/diagnostic"],
    "executeCommandProvider": ["workspace/executeCommand"],
}
# Capabilities that are no requests.
NOT_REQUESTS = {"positionEncoding", "textDocumentSync", "workspace"}


class Command:
    """A command: the possible values of its options and arguments, by name, whether an option needs a value, and its short options."""

    def __init__(self, help_text):
        self.options, self.values_needed, self.short, self.subcommands = {}, {}, {}, []
        section, name = "", None
        for line in help_text.splitlines():
            if line and not line.startswith(" "):
                section, name = line, None
            elif section == "Commands:" and (match := COMMAND.match(line)):
                self.subcommands.append(match[1])
            elif match := OPTION.match(line):
                name = match[2]
                self.options[name] = list(NAMED_IN_TEXT.get(name, []))
                self.values_needed[name] = match[3] == " <"
                if match[1]:
                    self.short[match[1]] = name
            elif section == "Arguments:" and (match := ARGUMENT.match(line)):
                name = match[1]
                self.options[name] = []
            elif name and (match := VALUE.match(line)):
                self.options[name].append(match[1])
            elif name and (match := VALUES.match(line)):
                self.options[name] += match[1].split(", ")


def commands_of(stackref, path=()):
    """Returns all commands by their path, such as `("inventory", "snapshot")`."""
    text = subprocess.run([stackref, *path, "--help"], capture_output=True, text=True, check=True).stdout
    command = Command(text)
    found = {path: command}
    for name in command.subcommands:
        if name != "help":
            found |= commands_of(stackref, (*path, name))
    return found


def uses(commands, args):
    """Yields what a command line uses: the command, and each option of it with its value or `None`."""
    path = ()
    args = [str(arg) for arg in args]
    while args and (*path, args[0]) in commands:
        path += (args.pop(0),)
    command = commands[path]
    yield path, None, None
    for at, arg in enumerate(args):
        name, has_value, value = arg.partition("=")
        name = command.short.get(name, name.removeprefix("--") if name.startswith("--") else None)
        if name in command.options:
            following = args[at + 1] if at + 1 < len(args) else None
            yield path, name, None
            yield path, name, value if has_value else following
        elif not arg.startswith("-"):
            for argument in (name for name in command.options if name.isupper()):
                yield path, argument, None
                yield path, argument, arg


def required_uses(commands):
    for path, command in commands.items():
        # The name alone is wrong usage.
        yield path, None, None
        for name, values in command.options.items():
            # An argument, such as a path, has a default.
            if not name.isupper() and (not values or not command.values_needed[name]):
                yield path, name, None
            for value in values:
                yield path, name, value


def surface(sandbox):
    """Fails if the program has something that no run used."""
    sandbox.row(LABEL).runs += 1
    commands = commands_of(sandbox.stackref)
    used = {use for args in sandbox.commands_run for use in uses(commands, args)}
    missing = [" ".join(filter(None, ("stackref", *path, option and (option if option.isupper() else f"--{option}"), value)))
               for path, option, value in required_uses(commands) if (path, option, value) not in used]  # fmt: skip
    sandbox.expect(LABEL, f"{len(missing)} commands, options or formats are not run: {', '.join(missing)}", not missing)
    added = {("new",): Command("Output:\n  -x, --extra <FILE>\n      --format <FORMAT>\n          Possible values:\n          - new: A format\n")}
    found = set(required_uses(added)) - set(uses(added, ["new", "-x", "a"]))
    sandbox.expect(LABEL, "a new format is missing until it is run", found == {(("new",), "format", "new")}, found)
    sandbox.expect(LABEL, "the help lists commands", len(commands) > 10 and len(list(required_uses(commands))) > 200, len(commands))
    kinds(sandbox)
    files(sandbox)


def kinds(sandbox):
    """Compares the kinds and sources of the schema with those of the configs."""
    result = subprocess.run([sandbox.stackref, "schema", "config"], capture_output=True, check=True)
    schema = json.loads(result.stdout)
    existing = {kind["properties"]["kind"]["const"] for kind in schema["$defs"]["Inventory"]["oneOf"]}
    used = {kind for text in sandbox.configs for kind in KIND.findall(text)}
    missing = existing - used
    if sandbox.has_no_aws:
        missing -= {"aws"}
    sandbox.expect(LABEL, f"no inventory has the kind {', '.join(sorted(missing))}", not missing)
    hostile = {label.rpartition(" ")[2] for label in sandbox.rows if label.startswith("a hostile store of kind")}
    missing = existing - hostile - ({"aws"} if sandbox.has_no_aws else set())
    sandbox.expect(LABEL, f"no store is hostile of kind {', '.join(sorted(missing))}", not missing)
    sources = set(schema["$defs"]["Source"]["enum"])
    listed = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/src/sources.md").read_text().partition("## The sources")[2].partition("\n## ")[0], re.M))
    sandbox.expect(LABEL, "the page of sources lists each of them", sources == listed, sources ^ listed)


def files(sandbox):
    """Compares the kinds of files of the documentation with the rows."""
    page = (ROOT / "docs/src/sources.md").read_text().partition("## The sources")[2].partition("\n## ")[0]
    cells = [line.split(" | ")[1] for line in page.splitlines() if line.startswith("| `")]
    words = []
    for cell in cells:
        text = re.sub(r"files with the \[shape\].*", "", re.sub(r"\bGitHub workflows and actions", "GitHub workflows, actions", cell))
        words += [word.strip("` ") for word in re.split(r", | and ", text) if word.strip("` ")]
    shapes = (ROOT / "docs/src/files.md").read_text().partition("## Shapes")[2].partition("\n## ")[0]
    words += [re.sub(" of a pipeline", "", line.split(" | ")[0][2:]) for line in shapes.splitlines()[4:] if line.startswith("| ") and "settings`, at" not in line]
    words = [word for word in words if not word.startswith(("a component type", "`docker`", "the same with", "in `settings`"))]
    missing = [word for word in words if sandbox.rows.get(FILES.get(word), None) is None]
    sandbox.expect(LABEL, f"no row is about these files: {', '.join(missing)}", len(words) > 15 and not missing, words)


def announced(sandbox, capabilities, answered):
    """Fails if the language server announces a capability whose requests had no answer."""
    unknown = set(capabilities) - set(PROVIDERS) - NOT_REQUESTS
    sandbox.expect(LABEL, f"the capabilities {', '.join(sorted(unknown))} of the language server are searched", not unknown)
    methods = {method for provider in PROVIDERS if provider in capabilities for method in PROVIDERS[provider]}
    sandbox.expect(LABEL, "every request of the language server had an answer", methods <= answered, sorted(methods - answered))
    commands = capabilities.get("executeCommandProvider", {}).get("commands", [])
    sandbox.expect(LABEL, f"the commands {commands} of the language server are sent", commands == ["stackref.refreshInventories"])
