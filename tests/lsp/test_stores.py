"""Inventories in stores: nothing is reported before they have answered, and how long their answers count."""

import threading
import time

import loopback
import pytest
from lsprotocol import types
from session import codes, stack

TRUSTED = {"STACKREF_TRUST": "1", "VAULT_TOKEN": "hunter2"}


class Store(loopback.Store):
    """A store that waits before it answers, and counts its requests."""

    def __init__(self, secrets):
        super().__init__(secrets)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.status = None
        self.requests = []

    def serve(self, request):
        self.requests.append(f"{request.command} {request.path}")
        self.may_answer.wait(60)
        if self.status:
            request.reply(self.status, {"errors": ["no"]})
        else:
            request.reply(*self.answer(request))


@pytest.fixture
def store():
    store = Store({"db": {"user": "hunter2"}, "mlflow": {"password": "hunter2"}})
    with loopback.serving(store) as store.url:
        yield store
        store.may_answer.set()


def project(store, *references):
    table = f'[inventory.live]\nkind = "vault"\nurl = "{store.url}"\nmount = "kv"\ntimeout = 30\nrun_timeout = 60\n'
    return {"stackref.toml": 'level = "secret-and-key-exists"\n' + table, "a.yaml": stack(*references)}


async def test_nothing_is_unknown_before_the_store_has_answered(begin, store, editor):
    store.may_answer.clear()
    session = await begin(project(store, "{{db.pasword}}", "x {{db.user}}"), editor=editor, env=TRUSTED)
    session.open("a.yaml")
    await session.until_shown("a.yaml", ["embedded-reference"])
    await session.until(lambda: store.requests, "a request")
    # Typing does not wait.
    session.edit("a.yaml", "x {{db.user}}", "{{db.user}}")
    await session.until_shown("a.yaml", [])
    await session.quiet()
    assert not any("unknown-key" in codes(params.diagnostics) for params in session.pushes)
    store.may_answer.set()
    await session.until_shown("a.yaml", ["unknown-key"])
    assert session.messages == [] and session.questions == []


async def test_a_new_name_is_looked_up(begin, store):
    session = await begin(project(store, "{{db.user}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until(lambda: store.requests, "a request")
    await session.quiet()
    session.edit("a.yaml", "db.user", "mlflow.user")
    await session.until_pushed("a.yaml", ["unknown-key"])
    session.edit("a.yaml", "mlflow.user", "mlfow.user")
    await session.until_pushed("a.yaml", ["unknown-secret"])


async def test_answers_count_while_typing(begin, store):
    session = await begin(project(store, "{{db.user}}", "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    await session.quiet()
    before = len(store.requests)
    for at in range(20):
        session.replace("a.yaml", stack("{{db.user}}", *["{{db.pasword}}"] * (1 + at % 2)))
    await session.until_pushed("a.yaml", ["unknown-key"] * 2)
    await session.quiet()
    assert len(store.requests) == before, store.requests


async def test_the_command_asks_again(begin, store):
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    store.secrets["db"]["pasword"] = "hunter2"
    await session.quiet()
    assert session.pushed("a.yaml") == ["unknown-key"]
    await session.client.workspace_execute_command_async(types.ExecuteCommandParams(command="stackref.refreshInventories"))
    await session.until_pushed("a.yaml", [])
    del store.secrets["db"]["pasword"]
    await session.client.workspace_execute_command_async(types.ExecuteCommandParams(command="stackref.refreshInventories"))
    await session.until_pushed("a.yaml", ["unknown-key"])


async def test_former_answers_count_until_the_new_ones(begin, store):
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    store.may_answer.clear()
    await session.client.workspace_execute_command_async(types.ExecuteCommandParams(command="stackref.refreshInventories"))
    session.edit("a.yaml", '"{{db.pasword}}"', '"{{db.user}}"\n      more: "{{db.pasword}}"')
    await session.quiet()
    assert session.pushed("a.yaml") == ["unknown-key"]
    store.may_answer.set()
    await session.quiet()
    assert session.pushed("a.yaml") == ["unknown-key"]


async def test_answers_are_valid_for_a_time(begin, store):
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED, options={"inventoryTtl": 1})
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    await session.quiet()
    before = len(store.requests)
    store.secrets["db"]["pasword"] = "hunter2"
    time.sleep(1.2)
    session.edit("a.yaml", "name: prod_tracker", "name: other")
    await session.until_pushed("a.yaml", [])
    assert len(store.requests) > before


async def test_answers_do_not_expire_by_default(begin, store):
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    await session.quiet()
    before = len(store.requests)
    time.sleep(1.2)
    session.edit("a.yaml", "name: prod_tracker", "name: other")
    session.save("a.yaml")
    await session.quiet()
    assert len(store.requests) == before


@pytest.mark.parametrize("name", ["vscode", "neovim-0.7"])
async def test_a_slow_store_shows_a_progress(begin, store, name):
    store.may_answer.clear()
    session = await begin(project(store, "{{db.pasword}}"), editor=name, env=TRUSTED)
    session.open("a.yaml")
    reports = session.client.progress_reports
    await session.until(lambda: any(reports.values()), "a progress")
    [(token, [first])] = list(reports.items())
    assert isinstance(first, types.WorkDoneProgressBegin) and "stackref" in first.title
    store.may_answer.set()
    await session.until(lambda: len(reports[token]) == 2, "its end")
    assert isinstance(reports[token][1], types.WorkDoneProgressEnd)
    await session.until_shown("a.yaml", ["unknown-key"])


async def test_a_fast_store_shows_no_progress(begin, store):
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    assert session.client.progress_reports == {}


@pytest.mark.parametrize("status", [401, 403])
async def test_a_store_that_cannot_answer_shows_one_message(begin, store, status):
    store.status = status
    session = await begin(project(store, "{{db.pasword}}", "{{x.y}}"), env=TRUSTED)
    session.open("a.yaml")
    [message] = await session.until(lambda: session.messages, "a message")
    assert "live" in message and "hunter2" not in message
    for name in ["xy", "xyz"]:
        session.replace("a.yaml", stack("{{db.x}}", "{{%s.y}}" % name))
        await session.quiet()
    assert len(session.messages) == 1, session.messages
    assert session.pushed("a.yaml") in (None, [])
    store.status = None
    await session.client.workspace_execute_command_async(types.ExecuteCommandParams(command="stackref.refreshInventories"))
    await session.until_pushed("a.yaml", ["unknown-key", "unknown-secret"])


async def test_the_server_ends_while_a_store_does_not_answer(begin, store):
    store.may_answer.clear()
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    await session.until(lambda: store.requests, "a request")
    started = time.monotonic()
    assert await session.end() == 0
    assert time.monotonic() - started < 5


async def test_a_query_that_is_outdated_does_not_count(begin, store):
    store.may_answer.clear()
    session = await begin(project(store, "{{db.pasword}}"), env=TRUSTED)
    session.open("a.yaml")
    await session.until(lambda: store.requests, "a request")
    session.write({"stackref.toml": 'level = "none"\n'})
    await session.quiet()
    store.may_answer.set()
    await session.quiet()
    assert not session.pushed("a.yaml")


async def test_values_are_never_requested(begin, store):
    session = await begin(project(store, "{{db.user}}", "{{db.pasword}}", "{{mlfow.x}}"), editor="vscode", env=TRUSTED)
    session.open("a.yaml")
    await session.until_shown("a.yaml", ["unknown-key", "unknown-secret"])
    await session.quiet()
    assert store.requests and not [request for request in store.requests if "/data/" in request], store.requests


async def test_an_untrusted_config_asks_one_question_and_works_without_inventories(begin, store, editor):
    session = await begin(project(store, "{{db.pasword}}", "x {{db.user}}"), editor=editor)
    session.open("a.yaml")
    await session.until_shown("a.yaml", ["embedded-reference"])
    [question] = await session.until(lambda: session.questions, "a question")
    assert "stackref.toml" in question.message and [action.title for action in question.actions] == ["Trust…"]
    session.edit("a.yaml", "x {{db.user}}", "{{db.user}}")
    await session.until_shown("a.yaml", [])
    await session.quiet()
    assert len(session.questions) == 1 and store.requests == [] and session.messages == []


async def test_trust_lists_the_requests_and_is_recorded(begin, store, folder, program):
    env = {"VAULT_TOKEN": "hunter2", "XDG_STATE_HOME": str(folder.parent / "state")}
    session = await begin(project(store, "{{db.pasword}}"), env=env, choices=["Trust…", "Trust"])
    session.open("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-key"])
    listed = session.questions[1].message
    assert store.url.removeprefix("http://") in listed and "hunter2" not in listed
    assert await session.end() == 0
    again = await begin(project(store, "{{db.pasword}}"), env=env)
    again.open("a.yaml")
    await again.until_pushed("a.yaml", ["unknown-key"])
    assert again.questions == []
    # A changed config is not trusted.
    again.write({"stackref.toml": project(store)["stackref.toml"].replace("kv", "other")})
    await again.until(lambda: again.questions, "a question")


@pytest.mark.parametrize("choices", [[], ["Trust…", "Cancel"], ["Trust…"]])
async def test_no_answer_and_a_refusal_leave_a_config_untrusted(begin, store, folder, choices):
    state = folder.parent / "state"
    session = await begin(project(store, "{{db.pasword}}"), env={"VAULT_TOKEN": "hunter2", "XDG_STATE_HOME": str(state)}, choices=choices)
    await session.until(lambda: len(session.questions) == 1 + bool(choices), "the questions")
    await session.quiet()
    assert store.requests == [] and not list(state.rglob("*.json"))
