"""A client of `stackref lsp` that keeps every byte of a session.

It sends any message, also invalid ones, and answers the requests of the server. A thread reads the messages.
"""

import contextlib
import json
import pathlib
import subprocess
import threading
import time

TIMEOUT = 60


class LanguageClient:
    """A session with a server. Used as a context, it ends the server's process at the end of the block."""

    def __init__(self, program, folder, env, stdin=subprocess.PIPE):
        self.process = subprocess.Popen([program, "lsp"], cwd=folder, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.folder = pathlib.Path(folder)
        # Everything that the server wrote.
        self.output, self.errors = bytearray(), bytearray()
        # All messages of the server, and the time of each, in order.
        self.messages, self.times = [], []
        # The titles to choose in the next questions of the server.
        self.choices = []
        self.settings = {}
        self.last_id = 0
        self.arrived = threading.Condition()
        self.is_open = True
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._read_messages, self._read_errors)]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(TIMEOUT)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def uri(self, name):
        return (self.folder / name).resolve().as_uri()

    def initialize(self, capabilities=None, **params):
        folders = [{"uri": self.folder.resolve().as_uri(), "name": self.folder.name}]
        result = self.request("initialize", {"processId": None, "workspaceFolders": folders, "capabilities": capabilities or {}, **params})
        self.notify("initialized", {})
        return result

    def end(self):
        """Shuts the server down. Returns its exit code."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(TIMEOUT)

    def open(self, name, text=None, version=1, language="yaml"):
        text = (self.folder / name).read_text() if text is None else text
        self.notify(
            "textDocument/didOpen", {"textDocument": {"uri": self.uri(name), "languageId": language, "version": version, "text": text}}
        )

    def replace(self, name, text, version):
        """Replaces the whole text of a document."""
        self.change(name, [{"text": text}], version)

    def change(self, name, changes, version):
        self.notify("textDocument/didChange", {"textDocument": {"uri": self.uri(name), "version": version}, "contentChanges": changes})

    def request(self, method, params, timeout=TIMEOUT):
        """Returns the result; raises `ResponseError` if the server answers with an error."""
        return self.result(self.send_request(method, params), timeout)

    def send_request(self, method, params):
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": params})
        return self.last_id

    def result(self, id, timeout=TIMEOUT):
        """Waits for the answer to a request."""
        message = self.wait(lambda message: "method" not in message and message.get("id") == id, timeout)
        if "error" in message:
            raise ResponseError(message["error"])
        return message["result"]

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait(self, is_awaited, timeout=TIMEOUT, since=0):
        """Returns the first message, from the number `since` on, that a function accepts."""
        deadline = time.monotonic() + timeout
        at = since
        with self.arrived:
            while True:
                while at < len(self.messages):
                    if is_awaited(self.messages[at]):
                        return self.messages[at]
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or not self.is_open:
                    last = json.dumps(self.messages[-3:])[:2000]
                    state = "in time" if self.is_open else "before the end of the output"
                    raise TimeoutError(f"no such message {state}; the last of {len(self.messages)}: {last} {bytes(self.errors[-2000:])}")
                self.arrived.wait(left)

    def wait_diagnostics(self, name, is_awaited=lambda diagnostics: True, version=None, timeout=TIMEOUT):
        """Returns the diagnostics of a file that were pushed."""
        uri = self.uri(name)

        def accepts(message):
            params = message.get("params") or {}
            is_push = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
            return is_push and version in (None, params.get("version")) and is_awaited(params["diagnostics"])

        return self.wait(accepts, timeout)["params"]["diagnostics"]

    def sent(self, method):
        """Returns the parameters of all messages of a method that the server sent."""
        with self.arrived:
            return [message.get("params") for message in self.messages if message.get("method") == method]

    def _read_messages(self):
        stream = self.process.stdout
        while header := self._read_line(stream):
            length = None
            while header.strip():
                name, _, text = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(text)
                header = self._read_line(stream)
            body = stream.read(length)
            self.output += body
            if len(body) < length:
                break
            message = json.loads(body)
            if "method" in message and "id" in message:
                self._answer(message)
            with self.arrived:
                self.messages.append(message)
                self.times.append(time.monotonic())
                self.arrived.notify_all()
        with self.arrived:
            self.is_open = False
            self.arrived.notify_all()

    def _read_line(self, stream):
        line = stream.readline()
        self.output += line
        return line

    def _read_errors(self):
        while data := self.process.stderr.read1():
            self.errors += data

    def _answer(self, request):
        result = None
        if request["method"] == "workspace/configuration":
            result = [self.settings for _ in request["params"]["items"]]
        elif request["method"] == "window/showMessageRequest" and self.choices:
            result = {"title": self.choices.pop(0)}
        elif request["method"] == "workspace/applyEdit":
            result = {"applied": True}
        with contextlib.suppress(OSError):
            self.send({"id": request["id"], "result": result})


class ResponseError(Exception):
    """The answer to a request is an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
