"""Stores on loopback that die in the middle: Vault's KV engine, version 2, and a ZenML server, as far as stackref asks them.

After so many requests the store fails each one, in one of the ways of `FAILURES`. It lives in threads of this process, and ends
with the block that it is used in.
"""
import contextlib
import http.server
import json
import socket
import threading
import urllib.parse

FAILURES = ["closes", "cuts", "hangs", "answers 500", "answers nonsense"]
LONGEST_HANG = 3


class Store:
    """Secrets by name, each a dictionary; and how many requests it lives for."""

    def __init__(self, secrets, lives, failure):
        self.secrets = {name: dict(keys) for name, keys in secrets.items()}
        self.lives, self.failure = lives, failure
        self.asked = 0
        self.lock = threading.Lock()
        self.over = threading.Event()

    def fails(self):
        with self.lock:
            self.asked += 1
            return self.failure if self.asked > self.lives else None


class Vault(Store):
    def config(self, url):
        return f'[inventory.store]\nkind = "vault"\nurl = "{url}"\nmount = "secret"\ntimeout = 1\nconnect_timeout = 1\n'

    ENV = {"VAULT_TOKEN": "t"}

    def answer(self, method, path, body):
        with self.lock:
            if path.startswith("/v1/sys/internal/ui/mounts/"):
                return 200, {"data": {"type": "kv", "options": {"version": "2"}}}
            if method == "LIST":
                return 200, {"data": {"keys": sorted(self.secrets)}}
            kind, name = path.removeprefix("/v1/secret/").split("/", 1)
            if method == "POST":
                self.secrets[name] = json.loads(body)["data"]
                return 200, {"data": {"version": 2}}
            if name not in self.secrets or kind == "metadata":
                return 404, {"errors": []}
            if kind == "subkeys":
                return 200, {"data": {"subkeys": dict.fromkeys(self.secrets[name])}}
            return 200, {"data": {"data": self.secrets[name], "metadata": {"version": 1}}}


class Zenml(Store):
    def config(self, url):
        return f'[inventory.store]\nkind = "zenml"\nurl = "{url}"\ntimeout = 1\nconnect_timeout = 1\n'

    ENV = {"ZENML_STORE_API_KEY": "k"}

    def answer(self, method, path, body):
        with self.lock:
            address, _, query = path.partition("?")
            if address == "/api/v1/login":
                return 200, {"access_token": "t"}
            if method == "POST":
                made = json.loads(body)
                self.secrets[made["name"]] = made["values"]
                return 200, {"id": made["name"]}
            if address == "/api/v1/secrets":
                wanted = urllib.parse.parse_qs(query).get("name", [""])[0].removeprefix("equals:")
                names = [name for name in sorted(self.secrets) if wanted in ("", name)]
                items = [{"id": name, "name": name, "body": {"private": False}} for name in names]
                return 200, {"items": items, "total_pages": 1}
            name = address.rsplit("/", 1)[1]
            if name not in self.secrets:
                return 404, {"detail": "none"}
            if method == "PUT":
                self.secrets[name].update(json.loads(body)["values"])
            return 200, {"id": name, "body": {"values": self.secrets[name]}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def handle_one(self):
        store = self.server.store
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        failure = store.fails()
        if failure == "closes":
            return self.drop()
        if failure == "hangs":
            store.over.wait(LONGEST_HANG)
            return self.drop()
        status, answer = store.answer(self.command, self.path, body)
        text = json.dumps(answer).encode()
        if failure == "answers 500":
            status, text = 500, b'{"errors": ["out of order"]}'
        if failure == "answers nonsense":
            text = b"<html>good morning</html>"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if failure == "cuts" else text)
        if failure == "cuts":
            self.drop()

    def drop(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_PUT = do_LIST = handle_one

    def log_message(self, *words):
        """Nothing is logged: a request may hold a value."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, address):
        """A client that is gone is what is tested here."""


@contextlib.contextmanager
def serving(store):
    """The address of a server for a store, as long as the block runs."""
    server = Server(("127.0.0.1", 0), Handler)
    server.store = store
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        store.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
