"""Completion, code actions, hover, navigation, rename, symbols and lenses, as an editor uses them."""

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from session import CONFIG, PROJECT, SECRETS, stack, write

VALUE = "hunter2"
ENVIRONMENTS = """level = "secret-and-key-exists"

[inventory.dev]
kind = "file"
path = "dev.yaml"

[inventory.prod]
kind = "file"
path = "prod.yaml"

[environment.dev]
inventory = ["dev"]

[environment.prod]
inventory = ["prod"]
"""
DEPLOYED = {
    "stackref.toml": ENVIRONMENTS,
    "dev.yaml": "mlflow:\n  username: hunter2\n  password: hunter2\ndebug:\n  token: hunter2\n",
    "prod.yaml": "mlflow:\n  username: hunter2\n  password: hunter2\n",
    "a.yaml": stack("{{mlflow.username}}", "{{mlflow.password}}"),
    "b.yaml": stack("{{mlflow.password}}", name="other"),
}


async def opened(begin, editor, files=PROJECT, *names):
    session = await begin(files, editor=editor)
    for name in names or ["a.yaml"]:
        session.open(name)
    await session.quiet()
    return session


async def completions(session, name, marked):
    """Returns the items at `|`, with the text of the file after each of them, by label."""
    params = types.CompletionParams(**session.at(name, marked))
    result = await session.client.text_document_completion_async(params)
    items = result.items if isinstance(result, types.CompletionList) else result or []
    defaults = getattr(result, "item_defaults", None)
    texts = {}
    for item in items:
        edit = item.text_edit
        if edit is None:
            assert defaults and defaults.edit_range, item
            edit = types.TextEdit(range=defaults.edit_range, new_text=item.text_edit_text or item.insert_text or item.label)
        assert item.insert_text_format in (None, types.InsertTextFormat.PlainText), item
        texts[item.label] = session.applied(name, [edit, *(item.additional_text_edits or [])])
    return items, texts


async def actions(session, name, part, only=None):
    span = session.range_of(name, part)
    context = types.CodeActionContext(diagnostics=[], only=only)
    params = types.CodeActionParams(text_document=session.document(name), range=span, context=context)
    found = await session.client.text_document_code_action_async(params) or []
    resolved = []
    for action in found:
        if action.edit is None and action.command is None:
            action = await session.client.code_action_resolve_async(action)
        resolved.append(action)
    return resolved


async def test_names_and_keys_are_completed(begin, editor):
    session = await opened(begin, editor)
    session.edit("a.yaml", "{{mlflow.usrname}}", "{{")
    items, texts = await completions(session, "a.yaml", '0: "{{|"')
    assert [item.label for item in sorted(items, key=lambda item: item.sort_text or item.label)] == ["mlflow", "db"], (
        "names of this file are first"
    )
    assert 'attribute_0: "{{mlflow' in texts["mlflow"]
    session.edit("a.yaml", '0: "{{"', '0: "{{mlflow.us"')
    items, texts = await completions(session, "a.yaml", '0: "{{mlflow.us|"')
    assert 'attribute_0: "{{mlflow.username}}"\n' in texts["username"]
    session.replace("a.yaml", texts["username"])
    await session.until_shown("a.yaml", [])


async def test_a_completion_replaces_the_whole_name(begin):
    session = await opened(begin, "vscode")
    session.edit("a.yaml", "{{mlflow.usrname}}", "🙂 {{ mlflow.usrname }} ü")
    _, texts = await completions(session, "a.yaml", "{{ mlflow.us|rname }} ü")
    assert 'attribute_0: "🙂 {{ mlflow.username }} ü"\n' in texts["username"]


@pytest.mark.parametrize("line", ['      key: "{{mlflow.', '      key: {b: [c: "{{mlflow.', '\t- "{{mlflow.'])
async def test_completion_in_a_file_that_does_not_parse(begin, editor, line):
    session = await opened(begin, editor)
    session.replace("a.yaml", stack() + line + "\n")
    _, texts = await completions(session, "a.yaml", '"{{mlflow.|')
    assert set(texts) == {"username", "password"}
    assert texts["password"].splitlines()[6] == line + 'password}}"'


async def test_completion_in_other_languages(begin):
    files = PROJECT | {"train.py": 'from zenml.client import Client\nClient().get_secret("m").secret_values["x"]\n'}
    session = await opened(begin, "vscode", files)
    session.open("train.py", language="python")
    _, texts = await completions(session, "train.py", 'get_secret("m|")')
    assert 'get_secret("mlflow")' in texts["mlflow"]


async def test_nothing_is_completed_elsewhere(begin):
    session = await opened(begin, "vscode", PROJECT | {"values.yaml": "a: {{ .Values }}\n"})
    for marked in ["stack_name|: prod", "name: prod_|tracker"]:
        items, _ = await completions(session, "a.yaml", marked)
        assert items == []


async def test_details_name_environments_that_lack_a_secret(begin):
    session = await opened(begin, "vscode", DEPLOYED)
    session.edit("a.yaml", "{{mlflow.username}}", "{{")
    items, _ = await completions(session, "a.yaml", '0: "{{|"')
    details = {item.label: str(item.detail) + str(item.label_details and item.label_details.description) for item in items}
    assert "not in prod" in details["debug"] and "not in" not in details["mlflow"]


async def test_the_nearest_name_is_offered_as_a_fix(begin, editor):
    session = await opened(begin, editor)
    found = await actions(session, "a.yaml", "{{mlflow.usrname}}")
    [fix] = [action for action in found if "username" in action.title]
    assert fix.kind == types.CodeActionKind.QuickFix
    text = session.files_after(fix.edit)["a.yaml"]
    assert text == PROJECT["a.yaml"].replace("usrname", "username")
    session.replace("a.yaml", text)
    await session.until_shown("a.yaml", [])
    assert await actions(session, "a.yaml", "{{mlflow.username}}") == []


async def test_a_finding_is_ignored_with_a_reason(begin, editor):
    session = await opened(begin, editor)
    found = await actions(session, "a.yaml", "{{mlflow.usrname}}")
    [ignore] = [action for action in found if action.title.lower().startswith("ignore")]
    text = session.files_after(ignore.edit)["a.yaml"]
    lines = text.splitlines()
    assert len(lines) == 9 and "stackref: ignore[unknown-key]" in lines[6], text
    session.replace("a.yaml", text)
    await session.until_shown("a.yaml", [])


async def test_only_the_requested_kinds_of_actions(begin):
    session = await opened(begin, "vscode")
    part = "{{mlflow.usrname}}"
    assert all(action.kind == types.CodeActionKind.QuickFix for action in await actions(session, "a.yaml", part))
    assert await actions(session, "a.yaml", part, [types.CodeActionKind.Refactor]) == []
    assert await actions(session, "a.yaml", part, [types.CodeActionKind.SourceOrganizeImports]) == []
    assert await actions(session, "a.yaml", part, [types.CodeActionKind.QuickFix])
    assert await actions(session, "a.yaml", "name: prod_tracker") == []


@pytest.mark.parametrize("kind", ["source.fixAll", "source.fixAll.stackref"])
async def test_all_safe_fixes_at_once(begin, editor, kind):
    unquoted = stack("{{ mlflow.password }}").replace('"{{ mlflow.password }}"', "{{mlflow.password}}")
    session = await opened(begin, editor, PROJECT | {"a.yaml": unquoted})
    before = await session.until_shown("a.yaml", ["unquoted-reference"])
    assert len(before) == 1
    [fix] = await actions(session, "a.yaml", "name: prod_tracker", [kind])
    assert fix.kind == "source.fixAll.stackref"
    session.replace("a.yaml", session.files_after(fix.edit)["a.yaml"])
    await session.until_shown("a.yaml", [])


async def test_a_missing_key_is_added_to_an_inventory_of_names(begin, editor):
    session = await opened(begin, editor, PROJECT | {"secrets.yaml": "mlflow: [username, password]\ndb: [user]\n"}, "b.yaml")
    found = await actions(session, "b.yaml", "{{db.pasword}}")
    [add] = [action for action in found if "secrets.yaml" in action.title or "Add" in action.title]
    files = session.files_after(add.edit)
    assert list(files) == ["secrets.yaml"] and "pasword" in files["secrets.yaml"]
    session.write(files)
    await session.until_shown("b.yaml", [])


async def test_no_key_is_added_to_an_inventory_with_values(begin):
    session = await opened(begin, "vscode", PROJECT, "b.yaml")
    found = await actions(session, "b.yaml", "{{db.pasword}}")
    assert not [action for action in found if action.title.startswith("Add")]


async def test_hover_shows_names_and_no_values(begin, editor):
    session = await opened(begin, editor, DEPLOYED, "a.yaml")
    hover = await session.client.text_document_hover_async(types.HoverParams(**session.at("a.yaml", "{{mlflow.pass|word}}")))
    text = hover.contents.value
    assert all(name in text for name in ["mlflow", "password", "username", "dev", "prod"]) and VALUE not in text
    assert session.slice("a.yaml", hover.range) == "{{mlflow.password}}"
    assert await session.client.text_document_hover_async(types.HoverParams(**session.at("a.yaml", "stack_|name"))) is None
    assert await session.client.text_document_hover_async(types.HoverParams(**session.at("a.yaml", "attribute_|0"))) is None


async def test_hover_on_an_ignore_comment_explains_the_rule(begin):
    text = stack("{{mlflow.usrname}}").rstrip("\n") + "  # stackref: ignore[unknown-key]\n"
    session = await opened(begin, "vscode", PROJECT | {"a.yaml": text})
    hover = await session.client.text_document_hover_async(types.HoverParams(**session.at("a.yaml", "ignore[unknown|-key]")))
    assert "unknown-key" in hover.contents.value


async def test_hover_on_the_config(begin):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml")
    session.open("stackref.toml", language="toml")
    hover = await session.client.text_document_hover_async(types.HoverParams(**session.at("stackref.toml", "[environment.pr|od]")))
    assert "prod" in hover.contents.value


async def test_definition_and_references(begin, editor):
    session = await opened(begin, editor, DEPLOYED, "a.yaml")
    result = await session.client.text_document_definition_async(types.DefinitionParams(**session.at("a.yaml", "{{mlflow.pass|word}}")))
    links = result if isinstance(result, (list, tuple)) else [result]
    places = {
        (
            session.name(getattr(link, "target_uri", None) or link.uri),
            (getattr(link, "target_selection_range", None) or link.range).start.line,
        )
        for link in links
    }
    assert places == {("dev.yaml", 2), ("prod.yaml", 2)}
    context = types.ReferenceContext(include_declaration=False)
    uses = await session.client.text_document_references_async(
        types.ReferenceParams(**session.at("a.yaml", "{{mlflow.pass|word}}"), context=context)
    )
    assert {session.name(use.uri) for use in uses} == {"a.yaml", "b.yaml"} and len(uses) == 2
    session.open("dev.yaml")
    uses = await session.client.text_document_references_async(types.ReferenceParams(**session.at("dev.yaml", "ml|flow:"), context=context))
    assert len(uses) == 3


async def test_highlights(begin):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml")
    found = await session.client.text_document_document_highlight_async(
        types.DocumentHighlightParams(**session.at("a.yaml", "{{ml|flow.username}}"))
    )
    assert [session.slice("a.yaml", it.range) for it in found] == ["mlflow", "mlflow"]


async def test_a_secret_is_renamed_everywhere(begin, editor):
    session = await opened(begin, editor, DEPLOYED, "a.yaml")
    at = session.at("a.yaml", "{{ml|flow.username}}")
    prepared = await session.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))
    span = getattr(prepared, "range", prepared)
    assert session.slice("a.yaml", span) == "mlflow"
    edit = await session.client.text_document_rename_async(types.RenameParams(**at, new_name="tracking"))
    files = session.files_after(edit)
    assert set(files) == {"a.yaml", "b.yaml", "dev.yaml", "prod.yaml"}
    assert files["a.yaml"] == DEPLOYED["a.yaml"].replace("mlflow.", "tracking.")
    assert files["dev.yaml"].startswith("tracking:\n  username:")
    if session.client.capabilities.workspace.workspace_edit.change_annotation_support:
        needs = {session.name(change.text_document.uri) for change in edit.document_changes for it in change.edits
                 if getattr(it, "annotation_id", None) and edit.change_annotations[it.annotation_id].needs_confirmation}  # fmt: skip
        assert needs == {"dev.yaml", "prod.yaml"}
    else:
        assert edit.change_annotations is None
    session.replace("a.yaml", files.pop("a.yaml"))
    session.write(files)
    await session.until_shown("a.yaml", [])
    await session.quiet()
    assert not session.pushed("b.yaml")


async def test_a_key_is_renamed(begin):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml")
    edit = await session.client.text_document_rename_async(
        types.RenameParams(**session.at("a.yaml", "{{mlflow.pass|word}}"), new_name="pw")
    )
    files = session.files_after(edit)
    assert set(files) == {"a.yaml", "b.yaml", "dev.yaml", "prod.yaml"}
    assert files["prod.yaml"] == "mlflow:\n  username: hunter2\n  pw: hunter2\n"


@pytest.mark.parametrize("name", ["debug", "a.b", "", "{{x}}", "x\ny"])
async def test_a_rename_to_a_name_that_exists_or_is_invalid_fails(begin, name):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml")
    with pytest.raises(JsonRpcException):
        await session.client.text_document_rename_async(types.RenameParams(**session.at("a.yaml", "{{ml|flow.username}}"), new_name=name))


async def test_nothing_else_can_be_renamed(begin):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml")
    try:
        assert (
            await session.client.text_document_prepare_rename_async(types.PrepareRenameParams(**session.at("a.yaml", "stack_|name")))
            is None
        )
    except JsonRpcException:
        pass


async def test_symbols(begin, editor):
    session = await opened(begin, editor, DEPLOYED, "a.yaml")
    symbols = await session.client.text_document_document_symbol_async(types.DocumentSymbolParams(text_document=session.document("a.yaml")))
    names, todo = [], list(symbols)
    while todo:
        symbol = todo.pop(0)
        names.append(symbol.name)
        todo += getattr(symbol, "children", None) or []
    assert any("prod" in name for name in names) and any("mlflow" in name for name in names), names
    found = await session.client.workspace_symbol_async(types.WorkspaceSymbolParams(query="debug"))
    assert any("debug" in symbol.name for symbol in found) and not any("mlflow" in symbol.name for symbol in found)


async def test_lenses_count_uses_and_name_environments(begin):
    session = await opened(begin, "vscode", DEPLOYED, "dev.yaml")
    lenses = await session.client.text_document_code_lens_async(types.CodeLensParams(text_document=session.document("dev.yaml")))
    titles = {}
    for lens in lenses:
        titles.setdefault(session.slice("dev.yaml", lens.range) or lens.range.start.line, []).append(lens.command.title)
    text = str(titles)
    assert "3 uses" in text and "prod" in text, titles


async def test_completion_in_the_config(begin):
    session = await opened(begin, "vscode", PROJECT | {"stackref.toml": CONFIG})
    session.open("stackref.toml", CONFIG + "\n[files]\ninc\n", language="toml")
    items, texts = await completions(session, "stackref.toml", "\ninc|\n")
    assert "include" in texts and "\ninclude" in texts["include"]


async def test_errors_of_the_config_are_diagnostics(begin, editor):
    session = await begin(PROJECT, editor=editor)
    session.open("stackref.toml", CONFIG.replace("level =", "levl ="), language="toml")
    found = await config_errors(session)
    assert session.slice("stackref.toml", found[0].range) == "levl"
    session.edit("stackref.toml", "levl", "level")
    await session.until_shown("stackref.toml", [])


async def config_errors(session):
    """Returns the first diagnostics of the config, pushed or pulled."""
    if session.client.capabilities.text_document.diagnostic is None:
        return (await session.until(lambda: pushed_config_errors(session), "a diagnostic of the config")).diagnostics
    for _ in range(100):
        if found := (await session.pull("stackref.toml")).items:
            return found
        await session.quiet()
    raise AssertionError("no diagnostic of the config")


def pushed_config_errors(session):
    return next((params for params in session.pushes if params.uri.endswith("/stackref.toml") and params.diagnostics), None)


async def test_no_message_contains_a_value(begin):
    session = await opened(begin, "vscode", DEPLOYED, "a.yaml", "dev.yaml", "prod.yaml")
    for name in ["a.yaml", "dev.yaml"]:
        for line in range(5):
            for character in range(0, 30, 3):
                at = {"text_document": session.document(name), "position": types.Position(line=line, character=character)}
                for answer in [
                    await session.client.text_document_hover_async(types.HoverParams(**at)),
                    await session.client.text_document_completion_async(types.CompletionParams(**at)),
                    await session.client.text_document_definition_async(types.DefinitionParams(**at)),
                ]:
                    assert VALUE not in repr(answer)


async def test_the_same_is_offered_after_the_file_is_written(begin, folder):
    session = await opened(begin, "vscode")
    write(folder, {"secrets.yaml": SECRETS + "new:\n  key: hunter2\n"})
    session.notify_changes(["secrets.yaml"])
    await session.until_pushed("secrets.yaml", ["unused-secret"])
    session.edit("a.yaml", "{{mlflow.usrname}}", "{{")
    items, _ = await completions(session, "a.yaml", '0: "{{|"')
    assert {item.label for item in items} == {"mlflow", "db", "new"}
