"""A store on loopback with the requests that stackref uses: Vault's KV engine, versions 1 and 2, and a ZenML server.

The server runs in threads of this process until the end of its `with` block. Subclasses that inject faults override
`Store.serve`.
"""
import contextlib
import http.server
import json
import socket
import threading
import urllib.parse


class Store:
    """A server's secrets, each a dictionary, by name."""

    def __init__(self, secrets, engine="2", token="t"):
        self.secrets = {name: dict(keys) for name, keys in secrets.items()}
        # The version of Vault's engine.
        self.engine = engine
        # The token that a login at ZenML returns.
        self.token = token
        # The attributes of registered components by name.
        self.components = {}
        self.lock = threading.Lock()

    def serve(self, request):
        """Answers one request."""
        request.reply(*self.answer(request))

    def answer(self, request):
        """Returns the status and the body, which is to be encoded as JSON."""
        path, _, query = request.path.partition("?")
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        with self.lock:
            return self.zenml_response(request, parts, urllib.parse.parse_qs(query)) or self.vault_response(request, parts) or (404, {"errors": []})

    def zenml_response(self, request, parts, query):
        match request.command, parts:
            case _, ["api", "v1", "login"]:
                return 200, {"access_token": self.token}
            case _, ["api", "v1", "info"]:
                return 200, {"version": "0.98.0"}
            case "GET", ["api", "v1", "components"]:
                items = [
                    {"id": name, "name": name, "body": {"type": "alerter", "flavor_name": "acme"}, "metadata": {"configuration": attributes}}
                    for name, attributes in self.components.items()
                ]
                return 200, {"items": items, "total_pages": 1}
            case "GET", ["api", "v1", "stacks"]:
                components = {"alerter": [{"id": name} for name in self.components]}
                return 200, {"items": [{"name": "prod", "metadata": {"components": components}}], "total_pages": 1}
            case "GET", ["api", "v1", "secrets"]:
                name_filter = query.get("name", [""])[0].removeprefix("equals:")
                names = [name for name in sorted(self.secrets) if name_filter in ("", name)]
                items = [{"id": name, "name": name, "body": {"private": False}} for name in names]
                return 200, {"items": items, "total_pages": 1, "total": len(items)}
            case "POST", ["api", "v1", "secrets"]:
                secret = json.loads(request.body)
                self.secrets[secret["name"]] = secret["values"]
                return 200, {"id": secret["name"]}
            case "PUT", ["api", "v1", "secrets", name] if name in self.secrets:
                self.secrets[name].update(json.loads(request.body)["values"])
                return 200, {"id": name}
            case "GET", ["api", "v1", "secrets", name] if name in self.secrets:
                return 200, {"id": name, "name": name, "body": {"values": self.secrets[name]}}
        return None

    def vault_response(self, request, parts):
        is_version_2 = self.engine == "2"
        match request.command, parts:
            case _, ["v1", "sys", "internal", "ui", "mounts", _]:
                return 200, {"data": {"type": "kv", "options": {"version": self.engine}}}
            case "LIST", ["v1", _, "metadata"] | ["v1", _]:
                return 200, {"data": {"keys": sorted(self.secrets)}}
            case "POST" | "PUT", ["v1", _, "data", name] | ["v1", _, name]:
                body = json.loads(request.body)
                self.secrets[name] = body["data"] if is_version_2 else body
                return 200, {"data": {"version": 2}}
            case "GET", ["v1", _, "subkeys", name] if name in self.secrets:
                return 200, {"data": {"subkeys": dict.fromkeys(self.secrets[name])}}
            case "GET", ["v1", _, "data", name] | ["v1", _, name] if name in self.secrets:
                values = self.secrets[name]
                return 200, {"data": {"data": values, "metadata": {"version": 1}} if is_version_2 else values}
        return None


class Request(http.server.BaseHTTPRequestHandler):
    """A request, with methods to answer it."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def serve(self):
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.store.serve(self)

    do_GET = do_POST = do_PUT = do_LIST = do_CONNECT = serve

    def reply(self, status, content):
        """Sends a JSON response."""
        self.reply_bytes(status, json.dumps(content).encode(), {"content-type": "application/json"})

    def reply_bytes(self, status, body, headers, reason=None):
        self.send_response(status, reason)
        for name, text in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args):
        """Logs nothing, because a request may contain a value."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, address):
        """Prints nothing, because tests disconnect clients on purpose."""


SERVERS = {}


def replace(url, store):
    """Lets the server at a URL answer from another store."""
    SERVERS[url].store = store


@contextlib.contextmanager
def serving(store, tls=None):
    """Runs a server for a store, and returns its URL. `tls` is a context with a certificate."""
    server = Server(("127.0.0.1", 0), Request)
    server.store = store
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    SERVERS[url] = server
    try:
        yield url
    finally:
        del SERVERS[url]
        server.shutdown()
        server.server_close()
        thread.join()
