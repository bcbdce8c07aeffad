"""Sessions of the language server that use every request, and a search of all its messages for values.

Each session is recorded as a whole: the bytes of standard output and of standard error. The values are in inventories, in attributes
and in buffers that were never saved.
"""

import contextlib
import json
import pathlib

import loopback
import surface
from code_files import CODE_FILES
from command_files import COMMAND_FILES
from commands import MISTAKES, SampleRepo, inventory, quoted, stack
from environments import Environments
from language_client import LanguageClient, ResponseError
from stores import FAULTS, QUICK_FAULTS, SHAPES_IN_STORES, SLOW, Store, project_files

LABEL = "language server"
VSCODE = json.loads((pathlib.Path(__file__).resolve().parents[2] / "lsp/capabilities/vscode.json").read_text())
UTF_8 = {"general": {"positionEncodings": ["utf-8"]}}
# Methods with a position, and their other parameters.
AT_POSITION = {
    "hover": {},
    "completion": {},
    "definition": {},
    "references": {"context": {"includeDeclaration": True}},
    "documentHighlight": {},
    "prepareRename": {},
    "rename": {"newName": "renamed"},
}
# Requests at the end of each session. The command has no result.
WORKSPACE_REQUESTS = {
    "workspace/symbol": {"query": ""},
    "workspace/diagnostic": {"previousResultIds": []},
    "workspace/executeCommand": {"command": "stackref.refreshInventories"},
}
ACTION_KINDS = [None, ["quickfix"], ["source.fixAll"]]
# The methods that had an answer in any session, and what the server offers.
ANSWERED = set()
ANNOUNCED = {}
LANGUAGES = {"toml": "toml", "json": "json", "py": "python", "sh": "shellscript", "tf": "terraform", "md": "markdown"}


@contextlib.contextmanager
def session(sandbox, label, project, capabilities, env=None, choices=(), **params):
    """A recorded session. At its end, everything that the server wrote is searched."""
    env = sandbox.environment(env)
    sandbox.commands_run.add(("lsp",))
    with LanguageClient(sandbox.stackref, project, env) as client:
        client.choices = list(choices)
        ANNOUNCED.update(client.initialize(capabilities, **params)["capabilities"])
        yield client
        for method, arguments in WORKSPACE_REQUESTS.items():
            with contextlib.suppress(ResponseError, TimeoutError):
                client.request(method, arguments)
                ANSWERED.add(method)
        code = client.end()
        client.threads[0].join(10)
        client.threads[1].join(10)
        sandbox.expect(label, "it exits with 0", code == 0, bytes(client.errors[-2000:]))
    sandbox.row(label).runs += 1
    sandbox.search(label, "a message", bytes(client.output), project)
    sandbox.search(label, "standard error", bytes(client.errors), bytes(client.errors[-2000:]))
    sandbox.expect(label, "standard error is empty", not client.errors, bytes(client.errors[-2000:]))
    sandbox.search_files(label, project, "lsp", [])
    sandbox.search_calls(env)


def visit(sandbox, client, name, text=None):
    """Opens a file, and sends every request, at many positions. Records which of them had an answer."""
    text = (client.folder / name).read_text(errors="replace") if text is None else text
    client.open(name, text, language=LANGUAGES.get(name.rpartition(".")[2], "yaml"))
    document = {"textDocument": {"uri": client.uri(name)}}
    sent = [(method, client.send_request(f"textDocument/{method}", document)) for method in ["diagnostic", "documentSymbol", "codeLens"]]
    for line, column in positions(text, 20 if sandbox.quick else 400):
        position = document | {"position": {"line": line, "character": column}}
        sent += [(method, client.send_request(f"textDocument/{method}", position | more)) for method, more in AT_POSITION.items()]
    ANSWERED.update(method for method, id in sent if answer(client, id))
    lines = text.split("\n")
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
    for only in ACTION_KINDS:
        context = {"diagnostics": []} | ({"only": only} if only else {})
        for action in (
            answer(client, client.send_request("textDocument/codeAction", document | {"range": everything, "context": context})) or []
        ):
            ANSWERED.add("codeAction")
            if "edit" not in action and answer(client, client.send_request("codeAction/resolve", action)):
                ANSWERED.add("codeAction/resolve")


def answer(client, id):
    try:
        return client.result(id)
    except ResponseError:
        return None


def positions(text, count):
    """Returns positions at the parts of lines that a user points at: names, braces and values. Long lines have few of them."""
    found = []
    for number, line in enumerate(text.split("\n")):
        columns = {0, len(line) // 2, min(len(line), 400)}
        columns |= {at + 2 + shift for at in range(min(len(line), 2000)) if line.startswith("{{", at) for shift in (0, 1, 4)}
        columns |= {line.find(mark) + 1 for mark in [":", '"', "'", "#"] if mark in line}
        found += [(number, column) for column in sorted(columns)]
    step = max(1, len(found) // count)
    return found[::step]


def lsp(sandbox):
    """The language server."""
    repository(sandbox)
    several_environments(sandbox)
    kinds_of_files(sandbox)
    unsaved_buffers(sandbox)
    broken_files(sandbox)
    stores(sandbox)
    failing_stores(sandbox)
    surface.announced(sandbox, ANNOUNCED, ANSWERED)


def repository(sandbox):
    for extension in ["yaml", "toml", "json"][: 1 if sandbox.quick else None]:
        sample = SampleRepo(sandbox, extension)
        sandbox.write(sample.project, "names.inventory.yaml", "api: [k]\n")
        for capabilities in [VSCODE, UTF_8]:
            with session(sandbox, LABEL, sample.project, capabilities) as client:
                if capabilities is UTF_8:
                    client.wait_diagnostics("stacks/bad.yaml", bool)
                for name in ["stacks/bad.yaml", "stacks/good.yaml", f"secrets.{extension}", "stackref.toml"]:
                    visit(sandbox, client, name)


def several_environments(sandbox):
    several = Environments(sandbox)
    with session(sandbox, LABEL, several.project, VSCODE) as client:
        for name in ["stacks/bad.yaml", "stackref.toml", "secrets/dev.yaml", "secrets/staging.toml", "secrets/prod.json"]:
            visit(sandbox, client, name)


def kinds_of_files(sandbox):
    """A file of each kind with commands or code, some in one project."""
    label = "language server: kinds of files"
    values = {"store": {"user": sandbox.canaries.value("stored")}}
    for file in [*COMMAND_FILES, *CODE_FILES][:: 9 if sandbox.quick else 1]:
        text = file.text(lambda _mark, before: sandbox.canaries.value(f"{file.label}: `{before}`"))
        files = {file.path: text, "secrets.inventory.yaml": inventory(values), "a.stack.yaml": stack(["store.pasword"]), ".gitignore": "/secrets.*\n"}
        project = sandbox.project(files, git=True)
        with session(sandbox, label, project, VSCODE) as client:
            visit(sandbox, client, file.path)


def unsaved_buffers(sandbox):
    """Values that are typed into a stack file, a config, a script and an inventory, and never saved."""
    sample = SampleRepo(sandbox)
    canaries = sandbox.canaries
    typed = canaries.values("typed into a buffer")
    plain = [(f"{shape}_password", value) for shape, value in typed.items() if shape != "braces"]
    with session(sandbox, "language server: buffers", sample.project, VSCODE) as client:
        visit(sandbox, client, "stacks/new.yaml", stack(["db.plian"], "new", plain, MISTAKES))
        visit(sandbox, client, "secrets.yaml", inventory({"db": typed, "more": {"k": canaries.value("typed")}}))
        visit(
            sandbox,
            client,
            "stackref.toml",
            sample.config + f'\n[inventory.x]\nkind = "vault"\ntoken = {quoted(typed["plain"])}\nurl = {typed["yaml"]}\n',
        )
        visit(
            sandbox,
            client,
            "a.py",
            f"client.create_secret('x', values={{'k': {typed['plain']!r}}}); client.get_secret('dbb') # {typed['plain']}\n",
        )
        visit(
            sandbox,
            client,
            "a.sh",
            f"zenml secret create x --k='{typed['base64']}' && zenml artifact-store register a -f acme --key='{{{{x.j}}}}'\n",
        )
        client.open("untitled.yaml", "a: b")
        uri = "untitled:Untitled-1"
        text = stack(["db.plian"], "untitled", plain[:3], MISTAKES)
        client.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
        answer(client, client.send_request("textDocument/diagnostic", {"textDocument": {"uri": uri}}))
        # A value that is typed letter by letter.
        value = typed["dash"]
        for end in range(1, len(value), 4):
            client.replace("stacks/new.yaml", stack([], "new", [("password", value[:end])], MISTAKES), end + 1)
            answer(client, client.send_request("textDocument/diagnostic", {"textDocument": {"uri": client.uri("stacks/new.yaml")}}))
        for name in ["stacks/new.yaml", "secrets.yaml", "a.py"]:
            client.notify("textDocument/didClose", {"textDocument": {"uri": client.uri(name)}})
        # Invalid messages with values.
        for method in ["textDocument/hover", "workspace/executeCommand", "textDocument/unknown"]:
            answer(client, client.send_request(method, {"textDocument": typed["plain"], "command": [typed["quotes"]]}))
        client.notify("workspace/didChangeConfiguration", {"settings": {"stackref": {"inventoryTtl": typed["plain"]}}})


def broken_files(sandbox):
    """Inventories and configs that cannot be read, with a value near the mistake."""
    label = "language server: invalid files"
    value = sandbox.canaries.value("invalid file")
    inventories = [
        "db: {k: '%s'\n",
        "db:\n  k: '%s'\n k: x\n",
        "db: {k: 0123, j: '%s'}\n",
        "- '%s'\n",
        "db: '%s'\n",
        "db: {k: &a '%s', j: *b}\n",
    ]
    configs = ['password = "%s"\n', 'level = "%s\n', '[inventory.x]\nkind = "vault"\ntoken = "%s"\n']
    for text in inventories[: 2 if sandbox.quick else None]:
        sample = SampleRepo(sandbox)
        sandbox.write(sample.project, "secrets.yaml", text.replace("%s", value))
        with session(sandbox, label, sample.project, VSCODE) as client:
            for name in ["stacks/bad.yaml", "secrets.yaml"]:
                visit(sandbox, client, name)
    for text in configs:
        sample = SampleRepo(sandbox)
        sandbox.write(sample.project, "stackref.toml", sample.config + text.replace("%s", value))
        with session(sandbox, label, sample.project, VSCODE) as client:
            for name in ["stacks/bad.yaml", "stackref.toml"]:
                visit(sandbox, client, name)


def stores(sandbox):
    """Stores on loopback, which record the requests. None of these may be for values."""
    label = "language server: stores"
    canaries = sandbox.canaries
    for kind, level, path_of_values in [
        ("vault", "secret-and-key-exists", "/v1/kv/data/"),
        ("vault", "secret-exists", "/v1/kv/data/"),
        ("zenml", "secret-exists", "/api/v1/secrets/"),
    ]:
        store = Store(canaries)
        env = (
            {"ZENML_STORE_API_KEY": canaries.value("ZENML_STORE_API_KEY")}
            if kind == "zenml"
            else {"VAULT_TOKEN": canaries.value("VAULT_TOKEN")}
        )
        with loopback.serving(store) as url:
            mount = 'mount = "kv"\n' if kind == "vault" else ""
            config = f'level = "{level}"\n[inventory.s]\nkind = "{kind}"\nurl = "{url}"\n{SLOW}{mount}'
            project = sandbox.project(project_files(config))
            # The user first accepts the requests of the config.
            env |= {"STACKREF_TRUST": "0", "XDG_STATE_HOME": str(sandbox.root / f"state-{sandbox.projects}")}
            with session(sandbox, label, project, VSCODE, env, ["Trust…", "Trust"]) as client:
                for name in ["bad.stack.yaml", "stackref.toml"]:
                    visit(sandbox, client, name)
                wait_for_unknown(client, "bad.stack.yaml")
                client.request("workspace/executeCommand", {"command": "stackref.refreshInventories"})
                client.replace("bad.stack.yaml", stack(["db.other", *[f"db.{shape}" for shape in SHAPES_IN_STORES]]), 2)
                visit(sandbox, client, "good.stack.yaml")
                rename_key(client, "good.stack.yaml")
            read = [path for _, path in store.requests if path.startswith(path_of_values)]
            sandbox.expect(label, f"the server requests names at {kind}", bool(store.requests))
            sandbox.expect(label, f"the server requests no values from {kind} at the level {level}", not read, store.requests)


def rename_key(client, name):
    """Renames a key, when the store has answered. At the level `secret-exists`, its keys must not be requested."""
    lines = (client.folder / name).read_text().split("\n")
    line = next(at for at, text in enumerate(lines) if "{{db.plain}}" in text)
    position = {"line": line, "character": lines[line].index("plain}}") + 1}
    answer(client, client.send_request("textDocument/rename", {"textDocument": {"uri": client.uri(name)}, "position": position, "newName": "pw"}))


def wait_for_unknown(client, name):
    """Pulls until the store has answered."""
    for _ in range(100):
        report = client.request("textDocument/diagnostic", {"textDocument": {"uri": client.uri(name)}})
        if any(it["code"].startswith("unknown") for it in report.get("items", [])):
            return
        with contextlib.suppress(TimeoutError):
            client.wait(lambda message: message.get("method") == "workspace/diagnostic/refresh", 0.1, len(client.messages))
    raise TimeoutError(f"nothing is unknown: {report}")


def failing_stores(sandbox):
    """Stores that put a value into a faulty answer."""
    label = "language server: failing stores"
    canaries = sandbox.canaries
    for kind in ["vault", "zenml"]:
        store = Store(canaries)
        env = {"ZENML_STORE_API_KEY": canaries.value("ZENML_STORE_API_KEY"), "VAULT_TOKEN": canaries.value("VAULT_TOKEN")}
        with loopback.serving(store) as url:
            mount = 'mount = "kv"\n' if kind == "vault" else ""
            project = sandbox.project(
                project_files(f'[inventory.s]\nkind = "{kind}"\nurl = "{url}"\ntimeout = 2\nrun_timeout = 4\n{mount}')
            )
            for fault in QUICK_FAULTS if sandbox.quick else FAULTS:
                store.fault = fault
                with session(sandbox, label, project, VSCODE, env) as client:
                    client.open("bad.stack.yaml")
                    client.wait(lambda message: message.get("method") == "window/showMessage", 30)
                    position = {"position": {"line": 8, "character": 12}}
                    answer(
                        client,
                        client.send_request("textDocument/hover", {"textDocument": {"uri": client.uri("bad.stack.yaml")}, **position}),
                    )
