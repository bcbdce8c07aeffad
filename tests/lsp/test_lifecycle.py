"""The beginning and the end of a session, and messages that no editor should send."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
from language_client import LanguageClient, ResponseError
from session import PROJECT, stack, write

# How long a server may take to notice the end of its client.
NOTICED = 20


@pytest.fixture
def client(program, folder):
    write(folder, PROJECT)
    with LanguageClient(program, folder, {"PATH": os.environ["PATH"], "HOME": str(folder)}) as client:
        yield client
        assert not client.errors, client.errors


def code_of(run):
    with pytest.raises(ResponseError) as error:
        run()
    return error.value.code


def test_the_exit_code_is_0_after_a_shutdown(client):
    client.initialize()
    assert client.end() == 0


def test_the_exit_code_is_1_without_a_shutdown(client):
    client.initialize()
    client.notify("exit", None)
    assert client.process.wait(NOTICED) == 1


@pytest.mark.parametrize("is_initialized", [False, True])
def test_the_server_ends_when_standard_input_is_closed(client, is_initialized):
    if is_initialized:
        client.initialize()
    client.process.stdin.close()
    assert client.process.wait(NOTICED) == 1


def test_the_server_ends_when_nobody_reads_its_output(program, folder):
    write(folder, PROJECT)
    messages = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}, "rootUri": folder.as_uri()}},
        {"method": "initialized", "params": {}},
    ]
    with subprocess.Popen([program, "lsp"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        server.stdout.close()
        try:
            server.stdin.write(encoded(messages))
            server.stdin.close()
        except BrokenPipeError:
            pass
        assert server.wait(NOTICED) in (0, 1, 2)
        assert b"panic" not in server.stderr.read()


def test_the_server_ends_when_its_client_dies(client):
    """Another process may keep the pipes open, so that only the process id shows the end of the client."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as editor:
        client.initialize(processId=editor.pid)
        client.wait_diagnostics("b.yaml")
        assert client.process.poll() is None
        editor.kill()
    assert client.process.wait(NOTICED) == 1


def test_the_server_ends_if_its_client_is_dead_already(client):
    editor = subprocess.Popen(["true"])
    editor.wait()
    client.request("initialize", {"processId": editor.pid, "capabilities": {}})
    assert client.process.wait(NOTICED) == 1


def test_the_output_contains_nothing_but_messages(client):
    client.initialize()
    client.wait_diagnostics("b.yaml")
    client.open("a.yaml")
    assert client.end() == 0
    assert client.output.count(b"Content-Length: ") == len(client.messages)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"capabilities": {}},
        {"processId": None, "rootUri": None, "capabilities": {}},
        {"processId": "x", "rootUri": 7, "rootPath": [], "capabilities": []},
        {"processId": -1, "capabilities": {"textDocument": 1, "workspace": [], "general": {"positionEncodings": "utf-8"}}},
        {"processId": 1 << 40, "workspaceFolders": None, "capabilities": {"general": {"positionEncodings": ["utf-7", 3, None]}}},
        {"workspaceFolders": [{"uri": "file:///nothing/here"}, {"uri": 3}, 4, {}], "capabilities": {}},
        {"workspaceFolders": [{"uri": "vscode-vfs://github/a/b", "name": "b"}], "capabilities": {}},
        {"rootUri": "http://example.com/", "initializationOptions": {"inventoryTtl": -1, "diagnosticMode": 7, "clientCommands": "x"}},
        {"rootPath": "/", "rootUri": "untitled:x", "trace": "loud", "locale": 3, "clientInfo": []},
        {"initializationOptions": None, "workspaceFolders": []},
    ],
)
def test_odd_parameters_of_initialize(client, params):
    if params.get("rootPath") == "/":
        params = params | {"rootPath": str(client.folder)}
    result = client.request("initialize", params)
    assert result["capabilities"]["positionEncoding"] == "utf-16"
    assert result["serverInfo"]["name"] == "stackref"
    client.notify("initialized", {})
    client.open("a.yaml")
    client.wait_diagnostics("a.yaml", lambda found: [it["code"] for it in found] == ["unknown-key"])
    assert client.end() == 0


@pytest.mark.parametrize("params", [None, [], 3, "x"])
def test_parameters_of_initialize_that_are_no_object(client, params):
    client.request("initialize", params)
    client.notify("initialized", None)
    assert client.end() == 0


@pytest.mark.parametrize("root", [{"rootUri": "here"}, {"rootPath": "here"}])
def test_older_ways_to_name_the_folder(client, root):
    root = {name: client.folder.as_uri() if name == "rootUri" else str(client.folder) for name in root}
    client.request("initialize", {"capabilities": {}, **root})
    client.notify("initialized", {})
    client.wait_diagnostics("b.yaml", lambda found: [it["code"] for it in found] == ["unknown-key"])
    assert client.end() == 0


@pytest.mark.parametrize(
    "offered, chosen",
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-32"], "utf-32"),
        (["utf-32", "utf-16"], "utf-16"),
        ([], "utf-16"),
    ],
)
def test_the_encoding_of_positions(client, offered, chosen):
    result = client.initialize({"general": {"positionEncodings": offered}})
    assert result["capabilities"]["positionEncoding"] == chosen
    assert client.end() == 0


def test_requests_in_the_wrong_phase(client):
    document = {"textDocument": {"uri": client.uri("a.yaml")}, "position": {"line": 0, "character": 0}}
    assert code_of(lambda: client.request("textDocument/hover", document)) == -32002
    assert code_of(lambda: client.request("shutdown", None)) == -32002
    client.notify("textDocument/didOpen", {"textDocument": {"uri": client.uri("a.yaml"), "languageId": "yaml", "version": 1, "text": ""}})
    client.initialize()
    assert code_of(lambda: client.request("initialize", {"capabilities": {}})) == -32600
    client.request("shutdown", None)
    assert code_of(lambda: client.request("textDocument/hover", document)) == -32600
    assert code_of(lambda: client.request("shutdown", None)) == -32600
    client.open("a.yaml")
    client.notify("exit", None)
    assert client.process.wait(NOTICED) == 0


def test_unknown_methods_and_invalid_parameters(client):
    client.initialize()
    assert code_of(lambda: client.request("textDocument/inventTheWheel", {})) == -32601
    assert code_of(lambda: client.request("$/unknown", {})) == -32601
    assert code_of(lambda: client.request("workspace/executeCommand", {"command": "rm"})) == -32803
    for method in [
        "hover",
        "completion",
        "definition",
        "references",
        "documentHighlight",
        "documentSymbol",
        "codeAction",
        "codeLens",
        "prepareRename",
        "rename",
    ]:
        for params in [None, {}, [], {"textDocument": 3}, {"textDocument": {"uri": 3}, "position": {"line": -1, "character": "x"}}]:
            id = client.send_request(f"textDocument/{method}", params)
            assert code_of(partial(client.result, id)) == -32602, (method, params)
    for method in ["textDocument/didOpen", "textDocument/didChange", "textDocument/didClose", "textDocument/didSave", "workspace/didChangeWatchedFiles",
                   "workspace/didChangeConfiguration", "workspace/didChangeWorkspaceFolders", "$/cancelRequest", "$/setTrace", "$/unknown", "unknown"]:  # fmt: skip
        for params in [None, {}, [], 3, {"textDocument": 3}, {"changes": [{"uri": 3}]}, {"event": []}, {"id": None}]:
            client.notify(method, params)
    client.send({"id": 77, "result": None})
    client.send({"id": "unknown", "error": {"code": 1, "message": "x"}})
    client.open("a.yaml")
    client.wait_diagnostics("a.yaml")
    assert client.end() == 0


def test_documents_that_are_not_open(client):
    client.initialize()
    client.wait_diagnostics("b.yaml")
    client.replace("b.yaml", "x: y", 3)
    client.notify("textDocument/didClose", {"textDocument": {"uri": client.uri("b.yaml")}})
    position = {"position": {"line": 0, "character": 0}}
    span = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 99}}}
    for uri in [
        client.uri("b.yaml"),
        client.uri("nothing.yaml"),
        client.uri("stackref.toml"),
        client.uri("secrets.yaml"),
        "untitled:none",
        "x",
        "",
        "file://host/a",
        "file:///%00",
    ]:
        for method, params in [
            ("hover", position), ("completion", position), ("definition", position), ("documentHighlight", position), ("documentSymbol", {}), ("codeLens", {}),
            ("references", position | {"context": {"includeDeclaration": True}}), ("codeAction", span | {"context": {"diagnostics": []}}),
            ("prepareRename", position), ("rename", position | {"newName": "x"}),
        ]:  # fmt: skip
            try:
                client.request(f"textDocument/{method}", {"textDocument": {"uri": uri}, **params})
            except ResponseError as error:
                assert error.code == -32803, (method, uri, error)
    assert client.end() == 0


def test_positions_outside_of_the_text(client):
    client.initialize()
    client.open("a.yaml")
    for line, character in [(0, 99), (6, 999), (999, 0), (2**31 - 1, 2**31 - 1), (7, 20), (7, 21), (6, 0)]:
        position = {"textDocument": {"uri": client.uri("a.yaml")}, "position": {"line": line, "character": character}}
        for method, more in [
            ("hover", {}),
            ("completion", {}),
            ("definition", {}),
            ("documentHighlight", {}),
            ("prepareRename", {}),
            ("references", {"context": {"includeDeclaration": False}}),
        ]:
            client.request(f"textDocument/{method}", position | more)
    span = {"start": {"line": 9, "character": 9}, "end": {"line": 2, "character": 1}}
    client.change(
        "a.yaml",
        [
            {"range": span, "text": "# x\n"},
            {"range": {"start": {"line": 99, "character": 0}, "end": {"line": 99, "character": 5}}, "text": "\n# end"},
        ],
        2,
    )
    client.replace("a.yaml", stack("{{x.y}}"), 3)
    client.wait_diagnostics("a.yaml", lambda found: [it["code"] for it in found] == ["unknown-secret"], version=3)
    assert client.end() == 0


def test_a_request_that_is_cancelled_before_it_is_read(client):
    """All messages arrive at once, so that the cancellation is in the queue when the request is handled."""
    client.initialize()
    client.open("a.yaml")
    messages = []
    position = {"textDocument": {"uri": client.uri("a.yaml")}, "position": {"line": 6, "character": 28}}
    for id in range(100, 160):
        messages.append({"id": id, "method": "textDocument/hover", "params": position})
    messages += [{"method": "$/cancelRequest", "params": {"id": id}} for id in range(101, 160)]
    messages.append({"method": "$/cancelRequest", "params": {"id": 9999}})
    client.send_bytes(encoded(messages))
    codes = []
    for id in range(100, 160):
        try:
            client.result(id)
            codes.append(None)
        except ResponseError as error:
            codes.append(error.code)
    assert set(codes) <= {None, -32800}
    assert -32800 in codes[1:], codes
    assert codes[0] is None
    assert client.end() == 0


def test_a_cancelled_request_has_an_identifier_that_is_a_text(client):
    client.initialize()
    messages = [{"id": f"x{at}", "method": "textDocument/hover", "params": {}} for at in range(30)]
    client.send_bytes(encoded([*messages, {"method": "$/cancelRequest", "params": {"id": "x29"}}]))
    with pytest.raises(ResponseError) as error:
        client.result("x29")
    assert error.value.code in (-32800, -32602)
    assert client.end() == 0


def encoded(messages):
    bodies = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    return b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)


def test_answers_are_in_the_order_of_the_requests(client):
    client.initialize()
    client.open("a.yaml")
    ids = []
    for at in range(50):
        client.replace("a.yaml", stack("{{x.y}}" * (at % 4)), at + 2)
        ids.append(client.send_request("textDocument/documentSymbol", {"textDocument": {"uri": client.uri("a.yaml")}}))
        ids.append(client.send_request("unknown/method", {}))
    client.wait(lambda message: message.get("id") == ids[-1])
    answered = [message["id"] for message in client.messages if "method" not in message and message["id"] in ids]
    assert answered == ids
    assert client.end() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"Content-Length: 5\r\n\r\n{{{{{",
        b"Content-Length: x\r\n\r\n{}",
        b"\0\xff\r\n\r\n",
        b"Content-Length: 2\r\n\r\n[]",
    ],
)
def test_bytes_that_are_no_message_end_the_session_without_a_panic(program, folder, data):
    write(folder, PROJECT)
    with LanguageClient(program, folder, {"PATH": os.environ["PATH"], "HOME": str(folder)}) as client:
        client.initialize()
        client.wait_diagnostics("b.yaml")
        try:
            client.send_bytes(data)
            client.process.stdin.close()
        except BrokenPipeError:
            pass
        assert client.process.wait(NOTICED) in (1, 2)
        assert b"panic" not in client.errors and b"RUST_BACKTRACE" not in client.errors, client.errors
