"""Tests stores that fail during a run, and programs of inventories that are killed."""
import concurrent.futures
import json
import random

import loopback
import project
import store
from project import CANARY, Workspace, Row, Verdict

SECRETS = {f"s{at}": {"k": f"{CANARY} {at}"} for at in range(8)}
KINDS = [store.Vault, store.Zenml]
# Trials wait for timeouts and retries, not for the processor.
CONCURRENCY = 12


def failing_stores(run):
    """`check`, `render` and `register` with a store that fails after some requests."""
    rows = []
    for kind in KINDS:
        for command in ["check", "render", "register"]:
            row = Row(f"store dies, kind {kind.__name__.lower()}: {command}")
            with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
                for verdict in pool.map(lambda trial: fail_once(run, kind, command, trial), range(run.trials)):
                    row.add(verdict)
            rows.append(row)
            yield row
    if not any(row.new for row in rows) or not any(row.old + row.mixed for row in rows):
        yield Row("store dies, any kind", trials=1, losses=["no run finished before the failure, or none met it"])


def fail_once(run, kind, command, trial):
    failure = store.FAILURES[trial % len(store.FAILURES)]
    failing = kind(SECRETS, random.randint(0, 40), failure)
    with loopback.serving(failing) as url:
        workspace = Workspace(run.program, scenario_for(command, failing, url), run.folder, skip_reference_run=True)
        verdict = evaluate_store(workspace, failing, command, workspace.run())
        failing.stop.set()
    workspace.remove()
    verdict.losses = [f"{kind.__name__}, {command}, it {failure}: {loss}" for loss in verdict.losses]
    return verdict


def scenario_for(command, failing, url):
    """Returns a stack whose secrets are in a store. For `register`, some are missing."""
    files = {"stackref.toml": failing.config(url), "a.stack.yaml": project.stack(project.names(8)), "out/a.stack.yaml": "old\n"}
    if command != "register":
        args = ["check"] if command == "check" else ["render", "-o", "out", "a.stack.yaml"]
        return project.Scenario(command, args, files, "", failing.ENV)
    files["a.stack.yaml"] = project.stack([*project.names(12), "s0.second", "s1.second"])
    second = "".join(f'"{name}": {{"second": "{CANARY} second"}}\n' for name in ("s0", "s1"))
    args = ["register", "--from-file", "-", "--skip-existing"]
    return project.Scenario(command, args, files, project.register_input(4, 8) + second, failing.ENV)


def evaluate_store(workspace, failing, command, result):
    """Checks that rendered files are old or new, that `register` stored the keys that it reports, and that the store lost no value."""
    losses = project.exit_losses(result, (0, 3))
    now = workspace.snapshot()
    output = now.pop("out/a.stack.yaml")
    expected = project.stack([f"s{at}.k" for at in range(8)])
    for at in range(8):
        expected = expected.replace(f"{{{{s{at}.k}}}}", f"{CANARY} {at}")
    is_new = result.returncode == 0
    if output != (expected.encode() if command == "render" and is_new else b"old\n"):
        losses.append("the rendered file is neither old nor new")
    if any(path not in workspace.old for path in now):
        losses.append("it leaves temporary files")
    for name, keys in SECRETS.items():
        if any(failing.secrets.get(name, {}).get(key) != value for key, value in keys.items()):
            losses.append(f"`{name}` has lost a value in the store")
    expected = {f"s{at}": "k" for at in range(8, 12)} | {"s0": "second", "s1": "second"}
    for name, key in expected.items():
        if (f"stored `{name}`" in result.stderr or (command == "register" and is_new)) and key not in failing.secrets.get(name, {}):
            losses.append(f"`{name}` is reported as stored, but it is not")
    is_partly_stored = any(key in failing.secrets.get(name, {}) for name, key in expected.items())
    return Verdict("new" if is_new else "mixed" if is_partly_stored else "old", 0, losses)


PROGRAMS = """
# Counts its calls. After the first ones, it is killed in the middle of its output.
printf . >> calls
if [ "$(wc -c < calls)" -gt "$(cat lives)" ]; then
    printf '["s0'
    kill -9 $$
fi
case "$1" in
    names) cat names.json ;;
    keys) if [ -e "store/$2" ]; then echo '["k"]'; else echo '[]'; fi ;;
    value) cat "store/$2" ;;
    put) cat > "store/$2" ;;
esac
"""


def killed_programs(run):
    """An inventory of kind `command` whose program is killed at one of its calls."""
    table = '[inventory.store]\nkind = "command"\n'
    for question, args in {"names": "", "keys": ', "{secret}"', "value": ', "{secret}"', "put": ', "{secret}"'}.items():
        table += f'{question} = ["sh", "program.sh", "{question}"{args}]\n'
    files = {"stackref.toml": table, "program.sh": PROGRAMS, "out/a.stack.yaml": "old\n", "calls": ""}
    files |= {f"store/{name}": keys["k"] for name, keys in SECRETS.items()}
    files |= {"a.stack.yaml": project.stack(project.names(8)), "names.json": json.dumps(list(SECRETS))}
    files["more.stack.yaml"] = project.stack(project.names(12))
    register_input = project.register_input(4, 8)
    for command, args in {
        "check": ["check", "a.stack.yaml"],
        "render": ["render", "-o", "out", "a.stack.yaml"],
        "register": ["register", "--from-file", "-", "--skip-existing"],
    }.items():
        row = Row(f"program killed, kind command: {command}")
        for _ in range(run.trials):
            request_limit = {"lives": f"{random.randint(0, 20)}\n"}
            workspace = Workspace(run.program, project.Scenario(command, args, files | request_limit, register_input), run.folder, skip_reference_run=True)
            row.add(evaluate_program(workspace, command, workspace.run()))
            workspace.remove()
        yield row


def evaluate_program(workspace, command, result):
    """Checks that rendered files are old or new, that `register` stored the keys that it reports, and that the store lost no value."""
    losses = project.exit_losses(result, (0, 3))
    output = (workspace.folder / "out/a.stack.yaml").read_text()
    is_new = result.returncode == 0 and command == "render"
    if output.count(CANARY) != 8 if is_new else output != "old\n":
        losses.append(f"{command}: the rendered file is neither old nor new")
    stored = {path: content.decode() for path, content in workspace.snapshot().items() if path.startswith("store/")}
    expected = {f"store/{name}": keys["k"] for name, keys in SECRETS.items()}
    for at in range(8, 12):
        if f"stored `s{at}`" in result.stderr or (command == "register" and result.returncode == 0):
            expected[f"store/s{at}"] = f"{CANARY} given {at}"
    losses += [f"{command}: `{path}` does not have the stored value" for path, text in expected.items() if stored.get(path) != text]
    return Verdict("new" if result.returncode == 0 else "old", len(workspace.leftovers()), losses)
