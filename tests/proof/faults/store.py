"""Stores that die in the middle: after so many requests each one fails, in one of the ways of `FAILURES`."""
import json
import threading

import loopback

FAILURES = ["closes", "cuts", "hangs", "answers 500", "answers nonsense"]
LONGEST_HANG = 3


class Dying(loopback.Store):
    """`lives` is how many requests it answers."""

    def __init__(self, secrets, lives, failure):
        super().__init__(secrets)
        self.lives, self.failure = lives, failure
        self.asked = 0
        self.over = threading.Event()

    def serve(self, request):
        with self.lock:
            self.asked += 1
            failure = self.failure if self.asked > self.lives else None
        if failure == "closes":
            return request.hang_up()
        if failure == "hangs":
            self.over.wait(LONGEST_HANG)
            return request.hang_up()
        # Whatever it says: what it was asked to store is stored.
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


class Vault(Dying):
    ENV = {"VAULT_TOKEN": "t"}

    def config(self, url):
        return f'[inventory.store]\nkind = "vault"\nurl = "{url}"\nmount = "secret"\ntimeout = 1\nconnect_timeout = 1\n'


class Zenml(Dying):
    ENV = {"ZENML_STORE_API_KEY": "k"}

    def config(self, url):
        return f'[inventory.store]\nkind = "zenml"\nurl = "{url}"\ntimeout = 1\nconnect_timeout = 1\n'
