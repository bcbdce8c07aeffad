"""A session of pytest-lsp with the language server, and projects for it.

pytest-lsp checks that each message of the server conforms to the protocol and to the capabilities of the client.
"""

import asyncio
import json
import os
import pathlib
import time
import urllib.parse

from lsprotocol import converters, types
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pygls.protocol import default_converter

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 60
# How long nothing may happen before a test takes that as the end.
QUIET = 0.3

# The editors whose capabilities the tests use. Those of VS Code are what `computeClientCapabilities` of vscode-languageclient 11.0.0
# returns. pytest-lsp recorded the others.
EDITORS = {
    "vscode": lambda: converters.get_converter().structure(
        json.loads((HERE / "capabilities/vscode.json").read_text()), types.ClientCapabilities
    ),
    # It cannot pull, and offers no encoding except UTF-16.
    "neovim-0.7": lambda: client_capabilities("neovim@v0.7.0"),
    # It pulls open files, and offers UTF-8.
    "neovim-0.11": lambda: client_capabilities("neovim@v0.11.0"),
    "emacs": lambda: client_capabilities("emacs@v29.1"),
}
UNITS = {"utf-8": lambda text: len(text.encode()), "utf-16": lambda text: len(text.encode("utf-16-le")) // 2, "utf-32": len}


def stack(*references, name="prod"):
    """Returns a stack file with an attribute for each reference or other text."""
    lines = [
        f"stack_name: {name}",
        "components:",
        "  experiment_tracker:",
        f"    name: {name}_tracker",
        "    flavor: mlflow",
        "    configuration:",
    ]
    return "\n".join(lines + [f'      attribute_{at}: "{text}"' for at, text in enumerate(references)]) + "\n"


CONFIG = 'level = "secret-and-key-exists"\n\n[inventory.team]\nkind = "file"\npath = "secrets.yaml"\n'
SECRETS = "mlflow:\n  username: hunter2\n  password: hunter2\ndb:\n  user: hunter2\n"
PROJECT = {
    "stackref.toml": CONFIG,
    "secrets.yaml": SECRETS,
    "a.yaml": stack("{{mlflow.usrname}}", "{{mlflow.password}}"),
    "b.yaml": stack("{{db.user}}", "{{db.pasword}}"),
}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Session:
    """A client, with everything that the server sent to it."""

    def __init__(self, client, folder):
        self.client = client
        self.folder = folder
        self.encoding = "utf-16"
        # All pushes of diagnostics, in order.
        self.pushes = []
        self.registrations = []
        # The questions of the server, and the titles to choose in the next ones.
        self.questions, self.choices = [], []
        self.refreshes = 0
        self.texts, self.versions = {}, {}

    @property
    def process(self):
        return self.client._server

    @property
    def messages(self):
        return [message.message for message in self.client.messages]

    def uri(self, name):
        return name if ":" in name else (self.folder / name).as_uri()

    async def start(self, program, env, cwd=None):
        self.client.protocol.fm._features.clear()
        register_lsp_features(self.client, DEFAULT_CLIENT_FEATURES | self._features())
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder.parent / "home")}
        await self.client.start_io(program, "lsp", env=base | env, cwd=cwd or self.folder)

    def _features(self):
        def publish(ls, params):
            ls.diagnostics[params.uri] = params.diagnostics
            self.pushes.append(params)

        def register(params):
            self.registrations += params.registrations

        def ask(params):
            self.questions.append(params)
            titles = [action.title for action in params.actions or []]
            choice = self.choices.pop(0) if self.choices else None
            assert choice is None or choice in titles, titles
            return types.MessageActionItem(title=choice) if choice else None

        def refresh(params):
            self.refreshes += 1

        return {
            types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: publish,
            types.CLIENT_REGISTER_CAPABILITY: register,
            types.WINDOW_SHOW_MESSAGE_REQUEST: ask,
            types.WORKSPACE_DIAGNOSTIC_REFRESH: refresh,
            types.WORKSPACE_CODE_LENS_REFRESH: lambda params: None,
        }

    async def initialize(self, capabilities, folders=None, options=None):
        folders = [self.folder] if folders is None else folders
        result = await self.client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities,
                initialization_options=options,
                workspace_folders=[types.WorkspaceFolder(uri=folder.as_uri(), name=folder.name) for folder in folders],
            )
        )
        self.encoding = result.capabilities.position_encoding or "utf-16"
        return result

    async def end(self):
        """Shuts the server down. Returns its exit code."""
        await self.client.shutdown_session()
        return self.process.returncode

    # Documents

    def open(self, name, text=None, language="yaml", version=1):
        if text is None:
            text = (self.folder / name).read_text()
        self.texts[name], self.versions[name] = text, version
        item = types.TextDocumentItem(uri=self.uri(name), language_id=language, version=version, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))

    def edit(self, name, old, new):
        """Replaces the first occurrence of a text, with an incremental change."""
        text = self.texts[name]
        at = text.index(old)
        span = types.Range(start=self.position(text, at), end=self.position(text, at + len(old)))
        self.texts[name] = text[:at] + new + text[at + len(old) :]
        self._change(name, types.TextDocumentContentChangePartial(range=span, text=new))

    def replace(self, name, text):
        self.texts[name] = text
        self._change(name, types.TextDocumentContentChangeWholeDocument(text=text))

    def _change(self, name, change):
        self.versions[name] += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri(name), version=self.versions[name])
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(text_document=identifier, content_changes=[change]))

    def close(self, name):
        del self.texts[name]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(text_document=self.document(name)))

    def save(self, name):
        write(self.folder, {name: self.texts[name]})
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(text_document=self.document(name)))

    def write(self, files, kind=types.FileChangeType.Changed):
        """Writes files, and notifies the server as an editor that watches them."""
        write(self.folder, files)
        self.notify_changes(files, kind)

    def notify_changes(self, names, kind=types.FileChangeType.Changed):
        events = [types.FileEvent(uri=self.uri(name), type=kind) for name in names]
        self.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=events))

    def document(self, name):
        return types.TextDocumentIdentifier(uri=self.uri(name))

    # Positions

    def position(self, text, offset):
        before = text[:offset].split("\n")
        return types.Position(line=len(before) - 1, character=UNITS[self.encoding](before[-1]))

    def offset(self, text, position):
        lines = text.split("\n")
        line = lines[position.line]
        columns = [at for at in range(len(line) + 1) if UNITS[self.encoding](line[:at]) == position.character]
        assert columns, f"{position} is inside a character of {line!r}"
        return sum(len(line) + 1 for line in lines[: position.line]) + columns[0]

    def at(self, name, marked):
        """Returns parameters with a document, and the position of `|` in a text that is once in it without this mark."""
        before, _, after = marked.partition("|")
        text = self.text(name)
        assert text.count(before + after) == 1, marked
        at = text.index(before + after) + len(before)
        return {"text_document": self.document(name), "position": self.position(text, at)}

    def range_of(self, name, part):
        text = self.text(name)
        assert text.count(part) == 1, part
        at = text.index(part)
        return types.Range(start=self.position(text, at), end=self.position(text, at + len(part)))

    def slice(self, name, span):
        """Returns the text of a range."""
        text = self.text(name)
        return text[self.offset(text, span.start) : self.offset(text, span.end)]

    def text(self, name):
        return self.texts[name] if name in self.texts else (self.folder / name).read_text()

    # Edits

    def applied(self, name, edits):
        """Returns the text of a file after edits. They must not overlap."""
        text = self.text(name)
        spans = sorted((self.offset(text, edit.range.start), self.offset(text, edit.range.end), edit.new_text) for edit in edits)
        for (_, end, _), (start, _, _) in zip(spans, spans[1:]):
            assert end <= start, spans
        for start, end, new in reversed(spans):
            text = text[:start] + new + text[end:]
        return text

    def files_after(self, edit):
        """Returns the texts of all files that a workspace edit changes, by name. Checks the versions of open documents."""
        by_uri = {uri: list(edits) for uri, edits in (edit.changes or {}).items()}
        for change in edit.document_changes or []:
            assert isinstance(change, types.TextDocumentEdit), change
            uri, version = change.text_document.uri, change.text_document.version
            name = self.name(uri)
            assert version == (self.versions[name] if name in self.texts else None), (uri, version)
            by_uri.setdefault(uri, []).extend(change.edits)
        return {self.name(uri): self.applied(self.name(uri), edits) for uri, edits in by_uri.items()}

    def name(self, uri):
        return urllib.parse.unquote(uri).removeprefix(urllib.parse.unquote(self.folder.as_uri()) + "/")

    # Waiting

    async def until(self, condition, what="it", timeout=TIMEOUT):
        """Waits until a condition is true. Returns its value."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            assert self.client.error is None, self.client.error
            assert time.monotonic() < deadline, f"{what} does not happen; pushed: {self.pushes[-5:]}, messages: {self.messages}"
            await asyncio.sleep(0.005)
        return value

    def pushed(self, name):
        """Returns the rules and the versions of the diagnostics of a file that were pushed last, or `None`."""
        for params in reversed(self.pushes):
            if same_uri(params.uri, self.uri(name)):
                return codes(params.diagnostics)
        return None

    async def until_pushed(self, name, expected, version=None):
        """Waits until the diagnostics of a file have these rules. Returns them."""

        def last():
            of_file = [params for params in self.pushes if same_uri(params.uri, self.uri(name))]
            is_expected = of_file and codes(of_file[-1].diagnostics) == expected and version in (None, of_file[-1].version)
            return is_expected and of_file[-1]

        params = await self.until(last, f"{name}: {expected}")
        return params.diagnostics

    async def until_pulled(self, name, expected, timeout=TIMEOUT):
        """Pulls the diagnostics of a file until they have these rules. Returns them."""
        deadline = time.monotonic() + timeout
        while True:
            report = await self.pull(name)
            if codes(report.items) == expected:
                return report.items
            assert time.monotonic() < deadline, (name, expected, report)
            await asyncio.sleep(0.02)

    async def pull(self, name, previous=None):
        params = types.DocumentDiagnosticParams(text_document=self.document(name), previous_result_id=previous)
        return await self.client.text_document_diagnostic_async(params)

    async def until_shown(self, name, expected):
        """Waits until the diagnostics of a file have these rules, pulled or pushed as the client can. Returns them."""
        if self.client.capabilities.text_document.diagnostic is None:
            return await self.until_pushed(name, expected)
        return await self.until_pulled(name, expected)

    async def quiet(self, seconds=QUIET):
        """Waits until the server has sent nothing for a while."""
        count = -1
        while count != (count := len(self.pushes) + len(self.messages) + len(self.questions) + self.refreshes):
            await asyncio.sleep(seconds)


def same_uri(one, other):
    """Returns whether two URIs are the same, except for characters that one of them encodes."""
    return urllib.parse.unquote(one) == urllib.parse.unquote(other)


def codes(diagnostics):
    return sorted(diagnostic.code for diagnostic in diagnostics)


def new_session(folder):
    return Session(LanguageClient(converter_factory=default_converter), folder)
