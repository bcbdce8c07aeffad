"""Stores that fail in the middle of a run: after some requests, in several ways; and programs that are killed."""
import concurrent.futures
import json
import random

import loopback
import project
import store
from project import CANARY, Place, Row, Verdict

SECRETS = {f"s{at}": {"k": f"{CANARY} {at}"} for at in range(8)}
KINDS = [store.Vault, store.Zenml]
# A trial waits for time limits and repeats, not for the processor.
AT_ONCE = 12


def dying(run):
    """Check, render and register with a store that fails after some requests."""
    rows = []
    for kind in KINDS:
        for command in ["check", "render", "register"]:
            row = Row(f"store dies, kind {kind.__name__.lower()}: {command}")
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                for verdict in pool.map(lambda trial: die_once(run, kind, command, trial), range(run.trials)):
                    row.add(verdict)
            rows.append(row)
            yield row
    if not any(row.new for row in rows) or not any(row.old + row.mixed for row in rows):
        yield Row("store dies, any kind", trials=1, losses=["no run came before the failure, or none into it"])


def die_once(run, kind, command, trial):
    failure = store.FAILURES[trial % len(store.FAILURES)]
    dying = kind(SECRETS, random.randint(0, 40), failure)
    with loopback.serving(dying) as url:
        place = Place(run.program, work_of(command, dying, url), run.folder, quiet=True)
        verdict = judge_store(place, dying, command, place.run())
        dying.over.set()
    place.remove()
    verdict.losses = [f"{kind.__name__}, {command}, it {failure}: {loss}" for loss in verdict.losses]
    return verdict


def work_of(command, dying, url):
    """A stack whose secrets are in a store, all but some where they are to be registered."""
    files = {"stackref.toml": dying.config(url), "a.stack.yaml": project.stack(project.names(8)), "out/a.stack.yaml": "old\n"}
    if command != "register":
        words = ["check"] if command == "check" else ["render", "-o", "out", "a.stack.yaml"]
        return project.Work(command, words, files, "", dying.ENV)
    files["a.stack.yaml"] = project.stack([*project.names(12), "s0.second", "s1.second"])
    second = "".join(f'"{name}": {{"second": "{CANARY} second"}}\n' for name in ("s0", "s1"))
    words = ["register", "--from-file", "-", "--skip-existing"]
    return project.Work(command, words, files, project.given(4, 8) + second, dying.ENV)


def judge_store(place, dying, command, ran):
    """What `render` leaves is all old or all new; what `register` says is stored is stored, and nothing of the store is gone."""
    losses = project.said_wrong(ran, (0, 3))
    now = place.snapshot()
    output = now.pop("out/a.stack.yaml")
    wanted = project.stack([f"s{at}.k" for at in range(8)])
    for at in range(8):
        wanted = wanted.replace(f"{{{{s{at}.k}}}}", f"{CANARY} {at}")
    is_new = ran.returncode == 0
    if output != (wanted.encode() if command == "render" and is_new else b"old\n"):
        losses.append("what is rendered is neither old nor new")
    if any(path not in place.old for path in now):
        losses.append("it leaves files behind")
    for name, keys in SECRETS.items():
        if any(dying.secrets.get(name, {}).get(key) != value for key, value in keys.items()):
            losses.append(f"`{name}` has lost a value in the store")
    wanted = {f"s{at}": "k" for at in range(8, 12)} | {"s0": "second", "s1": "second"}
    for name, key in wanted.items():
        if (f"stored `{name}`" in ran.stderr or (command == "register" and is_new)) and key not in dying.secrets.get(name, {}):
            losses.append(f"`{name}` is said to be stored, and is not")
    some = any(key in dying.secrets.get(name, {}) for name, key in wanted.items())
    return Verdict("new" if is_new else "mixed" if some else "old", 0, losses)


PROGRAMS = """
# Counts its calls; from one of them on it is killed in the middle of what it prints.
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
    for what, words in {"names": "", "keys": ', "{secret}"', "value": ', "{secret}"', "put": ', "{secret}"'}.items():
        table += f'{what} = ["sh", "program.sh", "{what}"{words}]\n'
    files = {"stackref.toml": table, "program.sh": PROGRAMS, "out/a.stack.yaml": "old\n", "calls": ""}
    files |= {f"store/{name}": keys["k"] for name, keys in SECRETS.items()}
    files |= {"a.stack.yaml": project.stack(project.names(8)), "names.json": json.dumps(list(SECRETS))}
    files["more.stack.yaml"] = project.stack(project.names(12))
    given = project.given(4, 8)
    for command, words in {
        "check": ["check", "a.stack.yaml"],
        "render": ["render", "-o", "out", "a.stack.yaml"],
        "register": ["register", "--from-file", "-", "--skip-existing"],
    }.items():
        row = Row(f"program killed, kind command: {command}")
        for _ in range(run.trials):
            lives = {"lives": f"{random.randint(0, 20)}\n"}
            place = Place(run.program, project.Work(command, words, files | lives, given), run.folder, quiet=True)
            row.add(judge_program(place, command, place.run()))
            place.remove()
        yield row


def judge_program(place, command, ran):
    """What `render` leaves is all old or all new; what `register` says is stored is stored, and nothing of the store is gone."""
    losses = project.said_wrong(ran, (0, 3))
    output = (place.folder / "out/a.stack.yaml").read_text()
    is_new = ran.returncode == 0 and command == "render"
    if output.count(CANARY) != 8 if is_new else output != "old\n":
        losses.append(f"{command}: what is rendered is neither old nor new")
    stored = {path: content.decode() for path, content in place.snapshot().items() if path.startswith("store/")}
    wanted = {f"store/{name}": keys["k"] for name, keys in SECRETS.items()}
    for at in range(8, 12):
        if f"stored `s{at}`" in ran.stderr or (command == "register" and ran.returncode == 0):
            wanted[f"store/s{at}"] = f"{CANARY} given {at}"
    losses += [f"{command}: `{path}` is not what was stored" for path, text in wanted.items() if stored.get(path) != text]
    return Verdict("new" if ran.returncode == 0 else "old", len(place.leftovers()), losses)
