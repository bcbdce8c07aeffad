"""Diagnostics: what is shown, with which positions and versions, and when it changes."""

import pytest
from lsprotocol import types
from session import CONFIG, PROJECT, SECRETS, stack, write


async def test_each_editor_shows_the_findings_of_an_open_file(begin, editor):
    session = await begin(editor=editor)
    session.open("a.yaml")
    [diagnostic] = await session.until_shown("a.yaml", ["unknown-key"])
    assert session.slice("a.yaml", diagnostic.range) == "{{mlflow.usrname}}"
    assert (diagnostic.source, diagnostic.severity) == ("stackref", types.DiagnosticSeverity.Error)
    assert "has no key `usrname`" in diagnostic.message
    related = [related.message for related in diagnostic.related_information or []]
    assert "did you mean `username`" in "\n".join([diagnostic.message, *related])


async def test_closed_files_are_shown(begin, editor):
    session = await begin(editor=editor)
    await session.until_pushed("b.yaml", ["unknown-key"])
    assert session.pushes[-1].version is None


async def test_opening_a_document_publishes_its_version(begin):
    """Emacs discards the diagnostics of closed files when it opens them."""
    session = await begin()
    await session.until_pushed("a.yaml", ["unknown-key"])
    session.open("a.yaml", version=3)
    await session.until_pushed("a.yaml", ["unknown-key"], version=3)
    session.edit("a.yaml", "mlflow.password", "mlflow.username")
    await session.until_pushed("a.yaml", ["unknown-key"], version=4)


async def test_links_and_tags_are_sent_to_editors_that_show_them(begin):
    files = PROJECT | {"secrets.yaml": SECRETS + "spare:\n  key: hunter2\n"}
    session = await begin(files, editor="vscode")
    [unused] = await session.until_pushed("secrets.yaml", ["unused-secret"])
    assert list(unused.tags) == [types.DiagnosticTag.Unnecessary]
    assert unused.code_description.href.endswith("rules.md#unused-secret")
    assert unused.severity == types.DiagnosticSeverity.Warning
    assert session.slice("secrets.yaml", unused.range) == "spare"


async def test_every_client_gets_links_and_the_same_message(begin):
    session = await begin(editor="emacs")
    [diagnostic] = await session.until_pushed("b.yaml", ["unknown-key"])
    assert diagnostic.code_description.href.endswith("#unknown-key")
    assert diagnostic.message == "secret `db` in the inventory `team` has no key `pasword`"


async def test_an_edit_changes_the_diagnostics_of_its_version(begin):
    session = await begin()
    session.open("a.yaml", version=7)
    await session.until_pushed("a.yaml", ["unknown-key"], version=7)
    session.edit("a.yaml", "usrname", "username")
    await session.until_pushed("a.yaml", [], version=8)
    session.edit("a.yaml", "mlflow.username", "mlfow.username")
    session.edit("a.yaml", "mlflow.password", "mlflow.pasword")
    await session.until_pushed("a.yaml", ["unknown-key", "unknown-secret"], version=10)


async def test_many_edits_in_a_row_are_checked_to_the_last_one(begin):
    session = await begin()
    session.open("a.yaml")
    for at in range(200):
        session.replace("a.yaml", stack("{{mlflow.username}}", *["{{no.key}}"] * (at % 3)))
    await session.until_pushed("a.yaml", ["unknown-secret"] * (199 % 3), version=session.versions["a.yaml"])


@pytest.mark.parametrize("prefix", ["", "# ü漢🙂\n", "\r\n"])
@pytest.mark.parametrize("name", ["neovim-0.7", "neovim-0.11"])
async def test_positions_count_units_of_the_encoding(begin, name, prefix):
    text = prefix + stack("x").replace('"x"', '"ü漢🙂 {{mlflow.nothing}}"')
    session = await begin(PROJECT | {"a.yaml": text}, editor=name)
    assert session.encoding == {"neovim-0.7": "utf-16", "neovim-0.11": "utf-8"}[name]
    session.open("a.yaml", text)
    found = await session.until_shown("a.yaml", ["embedded-reference"])
    assert session.slice("a.yaml", found[0].range) == "{{mlflow.nothing}}"
    session.edit("a.yaml", "ü漢🙂 {{mlflow.nothing}}", "{{mlflow.🙂}}")
    session.edit("a.yaml", ".🙂}", ".gone}")
    await session.until_shown("a.yaml", ["unknown-key"])
    await session.quiet()
    found = await session.until_shown("a.yaml", ["unknown-key"])
    assert session.slice("a.yaml", found[0].range) == "{{mlflow.gone}}"


async def test_a_buffer_counts_and_not_the_file_until_it_is_closed(begin):
    session = await begin()
    session.open("a.yaml", stack("{{mlflow.password}}"))
    await session.until_pushed("a.yaml", [], version=1)
    session.write({"a.yaml": stack("{{x.y}}", "{{x.z}}")})
    await session.quiet()
    assert session.pushed("a.yaml") == []
    session.close("a.yaml")
    await session.until_pushed("a.yaml", ["unknown-secret", "unknown-secret"])


async def test_a_new_file_and_a_removed_file(begin):
    session = await begin()
    await session.until_pushed("b.yaml", ["unknown-key"])
    session.write({"deep/er/c.yaml": stack("{{x.y}}")}, types.FileChangeType.Created)
    await session.until_pushed("deep/er/c.yaml", ["unknown-secret"])
    (session.folder / "b.yaml").unlink()
    session.notify_changes(["b.yaml"], types.FileChangeType.Deleted)
    await session.until_pushed("b.yaml", [])


async def test_the_inventory_and_the_config_are_read_again(begin, editor):
    session = await begin(editor=editor)
    session.open("b.yaml")
    await session.until_shown("b.yaml", ["unknown-key"])
    session.write({"secrets.yaml": SECRETS.replace("  user:", "  pasword: hunter2\n  user:")})
    await session.until_shown("b.yaml", [])
    session.write({"secrets.yaml": SECRETS})
    await session.until_shown("b.yaml", ["unknown-key"])
    session.write({"stackref.toml": CONFIG + '\n[rules]\nunknown-key = "warning"\n'})
    for _ in range(100):
        [diagnostic] = await session.until_shown("b.yaml", ["unknown-key"])
        if diagnostic.severity == types.DiagnosticSeverity.Warning:
            break
        await session.quiet()
    assert diagnostic.severity == types.DiagnosticSeverity.Warning
    session.write({"stackref.toml": CONFIG.replace("secret-and-key-exists", "secret-exists")})
    await session.until_shown("b.yaml", [])


async def test_a_config_with_an_error_is_shown_and_keeps_the_former_findings(begin):
    session = await begin()
    session.open("b.yaml")
    await session.until_pushed("b.yaml", ["unknown-key"])
    session.write({"stackref.toml": "level = 1\n"})
    await session.until(lambda: session.messages or session.pushed("stackref.toml"), "a message or a diagnostic")
    await session.quiet()
    assert len(session.messages) <= 1 and ("stackref.toml" in str(session.messages) or session.pushed("stackref.toml"))
    session.write({"stackref.toml": CONFIG})
    session.edit("b.yaml", "db.pasword", "db.user")
    await session.until_pushed("b.yaml", [])


async def test_all_kinds_of_files_are_checked(begin):
    files = {
        "deploy.sh": "zenml artifact-store register s -f acme --key='{{mlflow.sh}}'\n",
        "main.tf": 'resource "zenml_stack_component" "a" {\n  configuration = { key = "{{mlflow.tf}}" }\n}\n',
        "train.py": 'from zenml.client import Client\nClient().get_secret("mlflow").secret_values["py"]\n',
        "s.stack.json": '{"stack_name": "j", "components": {"alerter": {"name": "j", "flavor": "acme", "configuration": {"k": "{{mlflow.json}}"}}}}\n',
    }
    session = await begin(PROJECT | files)
    for name in files:
        await session.until_pushed(name, ["unknown-key"])
    session.open("train.py", language="python")
    await session.until_pushed("train.py", ["unknown-key"])
    session.edit("train.py", '"py"', '"password"')
    await session.until_pushed("train.py", [])


async def test_files_that_git_ignores_and_other_files_have_no_diagnostics(begin):
    session = await begin(PROJECT | {".gitignore": "ignored/\n", "ignored/a.yaml": stack("{{x.y}}"), ".git/HEAD": "ref: refs/heads/main\n"})
    session.open("ignored/a.yaml")
    session.open("values.yaml", 'password: "{{ .Values.x }}"\n')
    await session.until_pushed("b.yaml", ["unknown-key"])
    await session.quiet()
    assert not session.pushed("ignored/a.yaml") and not session.pushed("values.yaml")


async def test_a_file_that_does_not_parse(begin):
    session = await begin()
    session.open("a.yaml", "stack_name: [\n  a: {{\n\tx")
    session.edit("a.yaml", "\tx", "")
    session.replace("a.yaml", PROJECT["a.yaml"])
    await session.until_pushed("a.yaml", ["unknown-key"], version=3)


async def test_ignored_findings_are_not_shown(begin):
    text = stack("{{mlflow.usrname}}").rstrip("\n") + "  # stackref: ignore[unknown-key]\n"
    session = await begin(PROJECT | {"a.yaml": text})
    session.open("a.yaml")
    await session.until_pushed("b.yaml", ["unknown-key"])
    await session.quiet()
    assert not session.pushed("a.yaml")
    session.edit("a.yaml", "usrname", "username")
    await session.until_pushed("a.yaml", ["unused-ignore"])


@pytest.mark.parametrize("mode", ["options", "configuration", "notification"])
async def test_only_open_files(begin, mode):
    settings = {"diagnosticMode": "openFilesOnly"}
    editor = "neovim-0.7" if mode == "notification" else "neovim-0.11" if mode == "configuration" else "emacs"
    session = await begin(
        editor=editor, options=settings if mode == "options" else None, settings=settings if mode == "configuration" else {}
    )
    if mode == "notification":
        session.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings={"stackref": settings}))
    session.open("a.yaml")
    await session.until_shown("a.yaml", ["unknown-key"])
    await session.quiet()
    assert not session.pushed("b.yaml")
    session.open("b.yaml")
    await session.until_shown("b.yaml", ["unknown-key"])
    session.close("b.yaml")
    await session.quiet()
    assert not session.pushed("b.yaml")
    if mode == "configuration":
        session.client.set_configuration({"diagnosticMode": "workspace"}, section="stackref")
        session.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings=None))
        await session.until_pushed("b.yaml", ["unknown-key"])


async def test_an_untitled_document_is_checked_without_inventories(begin, editor):
    session = await begin(editor=editor)
    name = "untitled:Untitled-1"
    session.open(name, stack("{{nothing.known}}", "x {{mlflow.username}}"))
    await session.until_shown(name, ["embedded-reference"])
    session.edit(name, "x {{mlflow.username}}", "{{mlflow.username}}")
    await session.until_shown(name, [])


async def test_a_file_outside_of_all_folders_is_checked_with_its_own_config(begin, folder):
    other = folder.parent / "other"
    write(other, PROJECT)
    session = await begin({"x.yaml": "a: b\n"})
    name = (other / "a.yaml").as_uri()
    session.open(name, PROJECT["a.yaml"])
    await session.until_pushed(name, ["unknown-key"])
    await session.quiet()
    assert {params.uri for params in session.pushes} == {name}
    session.close(name)
    await session.until_pushed(name, [])


async def test_several_folders_each_with_the_nearest_config(begin, folder):
    first, second = folder / "first", folder / "second"
    write(first, PROJECT)
    write(second, {"stackref.toml": CONFIG, "secrets.yaml": "db:\n  pasword: hunter2\n", "b.yaml": PROJECT["b.yaml"], "inner/stackref.toml": 'level = "none"\n',
                   "inner/c.yaml": stack("{{x.y}}")})  # fmt: skip
    session = await begin({}, folders=[first, second])
    await session.until_pushed("first/b.yaml", ["unknown-key"])
    [diagnostic] = await session.until_pushed("second/b.yaml", ["unknown-key"])
    assert session.slice("second/b.yaml", diagnostic.range) == "{{db.user}}"
    session.open("second/inner/c.yaml")
    await session.quiet()
    assert not session.pushed("second/inner/c.yaml")


async def test_folders_are_added_and_removed(begin, folder):
    first, second = folder / "first", folder / "second"
    write(first, PROJECT)
    write(second, PROJECT)
    session = await begin({}, folders=[first])
    await session.until_pushed("first/b.yaml", ["unknown-key"])
    await session.quiet()
    assert session.pushed("second/b.yaml") is None
    added = types.WorkspaceFolder(uri=second.as_uri(), name="second")
    removed = types.WorkspaceFolder(uri=first.as_uri(), name="first")
    event = types.WorkspaceFoldersChangeEvent(added=[added], removed=[removed])
    session.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=event))
    await session.until_pushed("second/b.yaml", ["unknown-key"])
    await session.until_pushed("first/b.yaml", [])


async def test_a_path_with_unusual_characters(begin, folder):
    name = "a b%41#?ü🙂/s&t.yaml"
    session = await begin(PROJECT | {name: PROJECT["a.yaml"]})
    await session.until_pushed(name, ["unknown-key"])
    session.open(name)
    await session.until_pushed(name, ["unknown-key"], version=1)
    # VS Code encodes more characters than Python.
    other = session.uri(name).replace("&", "%26").replace("s%26t", "%73%26t")
    session.close(name)
    session.open(other, stack("{{mlflow.password}}"))
    await session.until_pushed(other, [])
    assert session.pushes[-1].uri == other
