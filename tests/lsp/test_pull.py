"""Diagnostics that the client requests: of documents, and of the workspace."""

import asyncio

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from session import PROJECT, codes, stack


def workspace_pull(session, previous=(), **more):
    ids = [types.PreviousResultId(uri=uri, value=value) for uri, value in previous]
    return session.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(previous_result_ids=ids, **more))


def changed(report):
    """Returns the reports with diagnostics, without those that say that nothing has changed."""
    return [item for item in report.items if item.kind == "full"]


def result_ids(session, report):
    return {session.name(item.uri): item.result_id for item in report.items}


async def test_an_unchanged_document_has_the_same_result_id(begin):
    session = await begin(editor="vscode")
    session.open("a.yaml")
    await session.until_pulled("a.yaml", ["unknown-key"])
    await session.quiet()
    full = await session.pull("a.yaml")
    assert isinstance(full, types.RelatedFullDocumentDiagnosticReport)
    unchanged = await session.pull("a.yaml", full.result_id)
    assert isinstance(unchanged, types.RelatedUnchangedDocumentDiagnosticReport) and unchanged.result_id == full.result_id
    session.edit("a.yaml", "usrname", "user_name")
    new = await session.pull("a.yaml", full.result_id)
    assert codes(new.items) == ["unknown-key"] and new.result_id != full.result_id
    assert "has no key `user_name`" in new.items[0].message
    assert not isinstance(await session.pull("a.yaml", "unknown"), types.RelatedUnchangedDocumentDiagnosticReport)


async def test_an_edit_counts_for_the_next_pull(begin):
    session = await begin(editor="vscode")
    session.open("a.yaml")
    await session.until_pulled("a.yaml", ["unknown-key"])
    for at in range(30):
        session.replace("a.yaml", stack(*["{{no.key}}"] * at))
        assert codes((await session.pull("a.yaml")).items) == ["unknown-secret"] * at


async def test_open_documents_are_not_pushed_to_clients_that_pull(begin):
    session = await begin(editor="vscode")
    session.open("a.yaml")
    await session.until_pushed("b.yaml", ["unknown-key"])
    session.edit("a.yaml", "mlflow.usrname", "x.y")
    await session.until_pulled("a.yaml", ["unknown-secret"])
    session.open("b.yaml")
    await session.until_pushed("b.yaml", [])
    assert not session.pushed("a.yaml")
    await session.until_pulled("b.yaml", ["unknown-key"])
    session.close("b.yaml")
    await session.until_pushed("b.yaml", ["unknown-key"])


async def test_pulls_of_closed_and_unknown_files(begin):
    session = await begin(editor="vscode")
    await session.until_pushed("b.yaml", ["unknown-key"])
    assert codes((await session.pull("b.yaml")).items) == ["unknown-key"]
    for name in ["nothing.yaml", "untitled:x", "git:/a.yaml", "stackref.toml"]:
        assert codes((await session.pull(name)).items) == []


async def test_the_workspace_is_pulled_with_result_ids(begin):
    session = await begin(editor="vscode")
    session.open("a.yaml")
    await session.until_pushed("b.yaml", ["unknown-key"])
    await session.quiet()
    first = await workspace_pull(session)
    assert {session.name(item.uri): codes(item.items) for item in first.items} == {"a.yaml": ["unknown-key"], "b.yaml": ["unknown-key"]}
    assert {session.name(item.uri): item.version for item in first.items} == {"a.yaml": 1, "b.yaml": None}
    # What was pushed is not shown twice.
    await session.until_pushed("b.yaml", [])
    ids = result_ids(session, first)
    known = [(session.uri(name), value) for name, value in ids.items()]
    unchanged = await workspace_pull(session, known)
    assert [(item.kind, item.result_id) for item in unchanged.items] == [("unchanged", value) for _, value in known]
    waiting = asyncio.ensure_future(workspace_pull(session, known, partial_result_token="held"))
    await session.quiet()
    assert not waiting.done(), "the answer is held until something changes"
    session.write({"b.yaml": stack("{{db.user}}"), "c.yaml": stack("{{x.y}}")})
    second = await asyncio.wait_for(waiting, 20)
    second = changed(second)
    found = {session.name(item.uri): codes(item.items) for item in second}
    while "c.yaml" not in found or "b.yaml" not in found:
        known = list((dict(known) | {item.uri: item.result_id for item in second}).items())
        second = changed(await asyncio.wait_for(workspace_pull(session, known, partial_result_token="held"), 20))
        found |= {session.name(item.uri): codes(item.items) for item in second}
    assert found == {"b.yaml": [], "c.yaml": ["unknown-secret"]}


async def test_a_second_pull_of_the_workspace_ends_the_first(begin):
    session = await begin(editor="vscode")
    await session.until_pushed("b.yaml", ["unknown-key"])
    await session.quiet()
    first = await workspace_pull(session)
    known = [(session.uri(name), value) for name, value in result_ids(session, first).items()]
    waiting = asyncio.ensure_future(workspace_pull(session, known, partial_result_token="a"))
    await session.quiet()
    other = asyncio.ensure_future(workspace_pull(session, known, partial_result_token="b"))
    assert changed(await asyncio.wait_for(waiting, 20)) == []
    await session.quiet()
    assert not other.done()
    assert await session.end() == 0
    assert changed(await asyncio.wait_for(other, 20)) == [], "the end of the session ends the request"


async def test_a_held_pull_is_cancelled(begin):
    session = await begin(editor="vscode")
    await session.until_pushed("b.yaml", ["unknown-key"])
    await session.quiet()
    first = await workspace_pull(session)
    known = [types.PreviousResultId(uri=item.uri, value=item.result_id) for item in first.items]
    params = types.WorkspaceDiagnosticParams(previous_result_ids=known, partial_result_token="held")
    waiting = asyncio.ensure_future(session.client.protocol.send_request_async("workspace/diagnostic", params, msg_id="held"))
    await session.quiet()
    session.client.cancel_request(types.CancelParams(id="held"))
    with pytest.raises(JsonRpcException) as error:
        await asyncio.wait_for(waiting, 20)
    assert error.value.code == -32800


async def test_the_client_is_asked_to_pull_again_after_a_change_on_disk(begin):
    session = await begin(editor="vscode")
    session.open("a.yaml")
    await session.until_pulled("a.yaml", ["unknown-key"])
    await session.quiet()
    before = session.refreshes
    session.write({"secrets.yaml": "mlflow: {usrname: hunter2, password: hunter2}\ndb: {user: hunter2}\n"})
    await session.until(lambda: session.refreshes > before, "a refresh")
    assert codes((await session.pull("a.yaml")).items) == []
    # A refresh of a client makes it pull everything, so an edit must not cause one.
    await session.quiet()
    before = session.refreshes
    session.edit("a.yaml", "mlflow.usrname", "x.y")
    await session.until_pulled("a.yaml", ["unknown-secret"])
    await session.quiet()
    assert session.refreshes == before


async def test_the_workspace_pull_shows_only_open_files_if_configured(begin):
    session = await begin(PROJECT, editor="vscode", settings={"diagnosticMode": "openFilesOnly"})
    session.open("a.yaml")
    await session.until_pulled("a.yaml", ["unknown-key"])
    await session.quiet()
    report = await workspace_pull(session)
    assert {session.name(item.uri) for item in report.items if item.items} == {"a.yaml"}
