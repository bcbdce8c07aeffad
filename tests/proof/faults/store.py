"""Stores in which every request after the first ones fails, in one of the ways of `FAILURES`."""
import json
import threading

import loopback

FAILURES = ["closes", "cuts", "hangs", "answers 500", "answers nonsense"]
LONGEST_HANG = 3


class FailingStore(loopback.Store):
    """A store that answers `request_limit` requests."""

    def __init__(self, secrets, request_limit, failure):
        super().__init__(secrets)
        self.request_limit, self.failure = request_limit, failure
        self.requests = 0
        self.stop = threading.Event()

    def serve(self, request):
        with self.lock:
            self.requests += 1
            failure = self.failure if self.requests > self.request_limit else None
        if failure == "closes":
            return request.hang_up()
        if failure == "hangs":
            self.stop.wait(LONGEST_HANG)
            return request.hang_up()
        # A write is stored even if its response is faulty.
        status, content = self.answer(request)
        body = json.dumps(content).encode()
        if failure == "cuts":
            request.reply_bytes(status, body[: len(body) // 2], {"content-length": str(len(body))})
            return request.hang_up()
        if failure == "answers 500":
            status, body = 500, b'{"errors": ["out of order"]}'
        if failure == "answers nonsense":
            body = b"<html>good morning</html>"
        return request.reply_bytes(status, body, {"content-type": "application/json"})


class Vault(FailingStore):
    ENV = {"VAULT_TOKEN": "t"}

    def config(self, url):
        return f'[inventory.store]\nkind = "vault"\nurl = "{url}"\nmount = "secret"\ntimeout = 1\nconnect_timeout = 1\n'


class Zenml(FailingStore):
    ENV = {"ZENML_STORE_API_KEY": "k"}

    def config(self, url):
        return f'[inventory.store]\nkind = "zenml"\nurl = "{url}"\ntimeout = 1\nconnect_timeout = 1\n'
