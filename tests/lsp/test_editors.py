"""Neovim and Emacs with the language server: what they show, and the files that they write.

The scripts in the folder `editors` press keys and call functions of the editors. With `--yaml-server`, Neovim also runs
yaml-language-server in the same buffer.
"""

import json
import os
import shutil
import subprocess

import pytest
from session import CONFIG, HERE, SECRETS, stack, write

TIMEOUT = 120
# Characters outside the BMP are before each reference, so that a wrong unit of columns changes other characters.
TEXT = stack("{{mlflow.usrname}}", "{{db.usr}}", "{{mlflow.password}}").replace("attribute_", "🙂ü_")
SCHEMA = {
    "type": "object",
    "properties": {
        "stack_name": {"type": "string", "description": "A description of the stack"},
        "components": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"flavor": {"type": "string", "description": "A description of the flavor"}},
            },
        },
    },
}
FILES = {
    "stackref.toml": CONFIG,
    "secrets.yaml": SECRETS,
    "schema.json": json.dumps(SCHEMA),
    "a.yaml": TEXT,
    "b.yaml": stack("{{mlflow.password}}", name="other"),
}
AFTER = FILES | {
    "secrets.yaml": SECRETS.replace("mlflow:", "tracking:"),
    "a.yaml": stack("{{tracking.username}}", "{{db.user}}", "{{tracking.password}}").replace("attribute_", "🙂ü_"),
    "b.yaml": stack("{{tracking.password}}", name="other"),
}


def run(program, folder, command, **env):
    """Runs an editor. Returns what its script recorded."""
    editor = shutil.which(command[0])
    if not editor:
        pytest.skip(f"{command[0]} is not installed")
    write(folder, FILES)
    home = folder.parent / "home"
    home.mkdir()
    recorded = folder.parent / "result.json"
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "STACKREF": program, "RESULT": str(recorded)}
    done = subprocess.run(
        [editor, *command[1:]], cwd=folder, env=base | env, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT
    )
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert recorded.exists(), output[-3000:]
    result = json.loads(recorded.read_text())
    assert not result.get("failure"), (result["failure"], output[-3000:])
    return result


def answer(answers, server):
    """Returns the result of a server, or `None`. Neovim writes an empty table as a list."""
    return dict(answers[server] or {}).get("result")


def labels(answers, server):
    result = answer(answers, server) or []
    return [item["label"] for item in (result if isinstance(result, list) else result["items"])]


def texts(folder):
    return {name: (folder / name).read_text() for name in FILES}


def test_neovim(program, folder):
    result = run(
        program, folder, ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", str(HERE / "editors/neovim.lua")], DIAGNOSTICS="2"
    )
    shown = {(it["lnum"], it["message"].partition("\n")[0]) for it in result["diagnostics"]}
    assert shown == {
        (6, "secret `mlflow` in the inventory `team` has no key `usrname`"),
        (7, "secret `db` in the inventory `team` has no key `usr`"),
    }
    assert "{{mlflow.username}}" in result["completed_line"]
    assert texts(folder) == AFTER


def test_emacs(program, folder):
    result = run(program, folder, ["emacs", "--batch", "--load", str(HERE / "editors/emacs.el")])
    assert {it["source"] for it in result["diagnostics"]} == {"{{mlflow.usrname}}", "{{db.usr}}"}
    assert "{{mlflow.username}}" in result["completed_line"]
    assert "username" in result["hover"] and "hunter2" not in result["hover"] and result["hover_on_key"] == "nil"
    assert texts(folder) == AFTER


def test_neovim_with_another_server(program, folder, request):
    server, node = request.config.getoption("--yaml-server"), request.config.getoption("--node")
    if not server:
        pytest.skip("--yaml-server is not given")
    command = ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-S", str(HERE / "editors/neovim.lua")]
    result = run(program, folder, command, DIAGNOSTICS="2", YAML_SERVER=str(server.resolve()), NODE=str(node))
    assert texts(folder) == AFTER
    # A key of YAML is explained by the other server alone, and a reference by this one alone.
    assert "A description of the flavor" in json.dumps(result["hover_on_key"]["yaml"])
    assert not answer(result["hover_on_key"], "stackref")
    assert (
        "username" in json.dumps(answer(result["hover_on_reference"], "stackref"))
        and not (answer(result["hover_on_reference"], "yaml") or {"contents": {"value": ""}})["contents"]["value"]
    )
    # Keys are completed by the other server alone, and names of secrets by this one alone.
    assert labels(result["completion_of_key"], "stackref") == [] and "flavor" in labels(result["completion_of_key"], "yaml")
    assert sorted(result["menu"]) == sorted(set(result["menu"]))
    assert "{{mlflow.username}}" in result["completed_line"]
    assert not answer(result["definition"], "yaml") and answer(result["definition"], "stackref")
    # Both list symbols; those of this server are stacks, components and references.
    own, other = ({symbol["name"] for symbol in answer(result["symbols"], name)} for name in ["stackref", "yaml"])
    assert own and other and not own & other, (own, other)
