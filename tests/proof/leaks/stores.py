"""Every kind of inventory that can be had without a network: a server on loopback for Vault and ZenML, stand-ins for SOPS and for
the programs of a user, folders and variables; each in health and with faults that put values into what it says."""
import json
import shutil
import sys

import loopback
from commands import inventory, quoted, stack

SHAPES_IN_STORES = ["plain", "quotes", "lines", "unicode", "dash", "yaml", "percent", "braces", "ansi", "backslashes", "base64"]

# How a store may answer wrongly: the status, the headers, and the body, of which `%s` is a value. It is no key of a secret, as
# names of those are shown.
FAULTS = {
    "401": (401, {}, '{"errors": ["%s"], "detail": "%s"}'),
    "403": (403, {"x-error": "%s"}, '{"errors": ["permission denied for %s"], "detail": ["%s"]}'),
    "404": (404, {}, "no such page: %s"),
    "409": (409, {}, '{"detail": "%s"}'),
    "500": (500, {}, '{"errors": ["%s"], "detail": "Traceback: %s"}'),
    "no JSON": (200, {}, '{"data": {"data": {"k": "%s"'),
    "another JSON": (200, {}, '{"%s": "%s", "data": "%s", "items": "%s", "access_token": 7, "body": "%s"}'),
    "odd values": (200, {}, '{"data": {"data": {"k": ["%s"], "j": {"%s": 1}}, "keys": [{"%s": 1}]}, "items": [{"%s": 1}], "total_pages": "%s"}'),
    "a redirect": (302, {"location": "http://user:%s@127.0.0.1:1/%s?token=%s#%s"}, "%s"),
    "a redirect within": (307, {"location": "/%s"}, ""),
    "odd headers": (200, {"content-type": "%s", "content-encoding": "%s", "set-cookie": "%s"}, "%s"),
    "a bad length": (200, {"content-length": "%s"}, "%s"),
    "no UTF-8": (200, {}, '{"data": "\xff%s"}'),
    "no HTTP": (None, {}, "%s %s %s\r\n\r\n"),
    "a bad status": (None, {}, "HTTP/1.1 999 %s\r\ncontent-length: 0\r\n\r\n"),
    "cut short": (None, {}, 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"data": "%s'),
    "bad chunks": (None, {}, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%s\r\n%s"),
}

# Those that are not repeated, which takes seconds.
QUICK_FAULTS = ["403", "404", "no JSON", "odd values", "a redirect", "odd headers"]


class Store(loopback.Store):
    """What the server holds, how it fails, and what it was asked."""

    def __init__(self, canaries):
        super().__init__({"db": canaries.values("store", SHAPES_IN_STORES)}, token=canaries.value("token of the store"))
        self.told = canaries.value("told by a fault")
        self.fault, self.fault_from = None, ""
        self.asked = []

    def serve(self, request):
        self.asked.append((request.command, request.path))
        if self.fault and request.path.startswith(self.fault_from):
            self.fail(request, *FAULTS[self.fault])
        else:
            request.reply(*self.answer(request))

    def fail(self, request, status, headers, body):
        fill = lambda text: text.replace("%s", self.told).encode("latin-1")
        request.close_connection = True
        if status is None:
            request.wfile.write(fill(body))
        else:
            headers = {name: fill(text).decode("latin-1") for name, text in headers.items()}
            request.reply_bytes(status, fill(body), headers, reason=self.told)


SLOW = "timeout = 5\nrun_timeout = 10\n"
EVERY = [f"db.{shape}" for shape in SHAPES_IN_STORES]
WRONG = ["db.plian", "bd.plain"]


def verbs(ground, kind, project, env, stored=None):
    """All that can be asked of an inventory; `stored` gives what it holds after `register`."""
    place = f"inventory of kind {kind}"
    run = lambda *words, **more: ground.run(place, project, *words, env=env, **more)
    run("check", "good.stack.yaml", codes=[0])
    run("check", "good.stack.yaml", "--level", "secret-exists", codes=[0])
    run("check", "bad.stack.yaml", "--format", "json", codes=[1])
    run("check", "--leaks", "bad.stack.yaml", codes=[1])
    ran = run("render", "good.stack.yaml", "--stdout", shows=["stdout"], codes=[0])
    found = ground.canaries.found(ran.stdout)
    ground.expect(place, "all values are rendered", len(found) == len(SHAPES_IN_STORES), ran)
    run("render", "good.stack.yaml", "-o", "out", holds=["out/"], codes=[0])
    shutil.rmtree(project / "out", ignore_errors=True)
    run("render", "good.stack.yaml", "--diff", codes=[0])
    run("inventory", "--probe")
    run("inventory", "--format", "json", codes=[0])
    run("inventory", "snapshot", codes=[0])
    fresh = ground.canaries.values("registered", SHAPES_IN_STORES)
    given = inventory({"new": fresh}, "json").encode()
    ran = run("register", "--path", "new.stack.yaml", "--from-file", "-", stdin=given, holds=["store/"])
    if stored:
        ground.expect(place, "all values are stored", ran.code == 0 and len(ground.canaries.found(stored())) >= 2 * len(fresh), ran)


def files(config):
    new = [f"new.{shape}" for shape in SHAPES_IN_STORES]
    return {
        "stackref.toml": config,
        "good.stack.yaml": stack(EVERY),
        "bad.stack.yaml": stack(WRONG, "bad"),
        "new.stack.yaml": stack(new, "new"),
    }


def of_server(ground):
    """The kinds `zenml` and `vault`, over HTTP."""
    canaries = ground.canaries
    credentials = {
        "zenml": {"ZENML_STORE_USERNAME": "robot", "ZENML_STORE_PASSWORD": canaries.value("ZENML_STORE_PASSWORD", "percent")},
        "zenml, API key": {"ZENML_STORE_API_KEY": canaries.value("ZENML_STORE_API_KEY")},
        "vault": {"VAULT_TOKEN": canaries.value("VAULT_TOKEN")},
        "vault 1": {"VAULT_TOKEN": canaries.value("VAULT_TOKEN 1")},
        "zenml, token in a file": {},
        "vault, token in a file": {},
    }
    for kind, env in credentials.items():
        store = Store(canaries)
        store.engine = "1" if kind == "vault 1" else "2"
        with loopback.serving(store) as url:
            table = f'[inventory.s]\nkind = "{kind[:5]}"\nurl = "{url}"\n{SLOW}' + ('mount = "kv"\n' if "vault" in kind else "")
            held = files(table + ('token_file = "token"\n' if "file" in kind else ""))
            if "file" in kind:
                held["token"] = canaries.value("token in a file")
            project = ground.project(held)
            # ZenML gives no keys without values, so there only names are proven to be enough.
            unread = {"zenml": "/api/v1/secrets/", "vault": "/v1/kv/data/"}.get(kind)
            for words in [["--level", "secret-exists"], []][: {"zenml": 1, "vault": 2}.get(kind, 0)]:
                store.asked.clear()
                ground.run("unneeded values", project, "check", *words, "good.stack.yaml", env=env, codes=[0])
                read = [path for _, path in store.asked if path.startswith(unread)]
                ground.expect("unneeded values", f"`check {words}` asks {kind} for none", store.asked and not read, store.asked)
            verbs(ground, kind, project, env, lambda: json.dumps(store.secrets, ensure_ascii=True).encode())
            if "file" not in kind and kind != "zenml, API key":
                faults(ground, kind, project, env, store)


def faults(ground, kind, project, env, store):
    """A server that answers wrongly, at the first call and at later ones."""
    starts = {
        "zenml": ["/", "/api/v1/secrets", "/api/v1/secrets/"],
        "vault": ["/", "/v1/kv/subkeys", "/v1/kv/data", "/v1/kv/metadata"],
    }
    place = f"faults of kind {kind[:5]}"
    for fault in QUICK_FAULTS if ground.quick else FAULTS:
        for start in starts[kind[:5]][:1] if ground.quick or kind == "vault 1" else starts[kind[:5]]:
            store.fault, store.fault_from = fault, start
            ground.run(place, project, "check", "good.stack.yaml", "--format", "json", env=env)
            ground.run(place, project, "render", "good.stack.yaml", "--diff", env=env)
            ground.run(place, project, "inventory", "--probe", env=env)
            fresh = inventory({"new": ground.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
            ground.run(place, project, "register", "--path", "new.stack.yaml", "--from-file", "-", env=env, stdin=fresh)
    store.fault = None


def addresses(ground):
    """Credentials where they should not stand: in URLs, in the config, in proxies, in odd shapes."""
    place = "URLs and credentials"
    canaries = ground.canaries
    store = Store(canaries)
    with loopback.serving(store) as url:
        host = url.removeprefix("http://")
        value = lambda name: canaries.value(name, "plain")
        vault = '[inventory.s]\nkind = "vault"\nmount = "kv"\n'
        configs = [
            f'[inventory.s]\nkind = "zenml"\nurl = "http://robot:{value("URL")}@{host}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "http://{host}/?token={value("URL")}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "http://{host}/#{value("URL")}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "robot:{value("URL")}@{host}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "http://{host}\npassword = "{value("config")}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "http://{host}"\npassword = "{value("config")}"\n',
            f'[inventory.s]\nkind = "zenml"\nurl = "http://{host}"\napi_key = {quoted(canaries.value("config", "yaml"))}\n',
            f'{vault}token = "{value("config")}"\n',
            f'{vault}token_file = 7\ntoken = ["{value("config")}"]\n',
            f'{vault}url = "http://x:{value("URL")}"\n',
            f'api_key = "{value("config")}"\n',
            f'password = {value("config")}\n',
            f'[inventory.s]\nkind = "file"\npath = "x.yaml"\npassword = "{value("config")}\n',
            f'[inventory.s]\nkind = "command"\nvalue = ["curl", "-u", "me:{value("config")}", "http://{{secret}}"]\n',
            f'[inventory.s]\nkind = "command"\nnames = ["false", "--token={value("config")}"]\n',
            f'[inventory.s]\nkind = "command"\nnames = "store --token={value("config")}"\n',
        ]
        for config in configs:
            project = ground.project(files(config))
            for words in [["check"], ["inventory", "--probe"]][: 1 if ground.quick else 2]:
                ground.run(place, project, *words)
                ground.run("an untrusted config", project, *words, env={"STACKREF_TRUST": "0"}, codes=[2])
        project = ground.project(files(vault))
        for env in [
            {"VAULT_ADDR": f"http://me:{value('VAULT_ADDR')}@{host}", "VAULT_TOKEN": value("VAULT_TOKEN")},
            {"VAULT_ADDR": value("VAULT_ADDR"), "VAULT_TOKEN": value("VAULT_TOKEN")},
            {"VAULT_ADDR": url, "VAULT_TOKEN": canaries.value("VAULT_TOKEN", "lines")},
            {"VAULT_ADDR": url, "VAULT_TOKEN": canaries.value("VAULT_TOKEN", "unicode")},
            {"VAULT_ADDR": url, "VAULT_TOKEN": value("VAULT_TOKEN") + "\udcff"},
            {"VAULT_ADDR": url, "VAULT_TOKEN": "t", "VAULT_NAMESPACE": canaries.value("VAULT_NAMESPACE", "lines")},
            {"VAULT_ADDR": url, "VAULT_TOKEN": "t", "VAULT_CACERT": "token"},
            {"VAULT_ADDR": url, "VAULT_TOKEN": value("VAULT_TOKEN"), "HTTP_PROXY": f"http://me:{value('proxy')}@{host}"},
            {"VAULT_ADDR": url, "VAULT_TOKEN": value("VAULT_TOKEN"), "ALL_PROXY": f"http://me:{value('proxy')}@127.0.0.1:1"},
            {"VAULT_ADDR": url, "VAULT_TOKEN": value("VAULT_TOKEN"), "HTTPS_PROXY": f"socks9://me:{value('proxy')}@{host}"},
            {"VAULT_ADDR": url, "VAULT_TOKEN": value("VAULT_TOKEN"), "http_proxy": value("proxy")},
        ]:
            ground.write(project, "token", f"-----BEGIN CERTIFICATE-----\n{value('certificate')}\n-----END CERTIFICATE-----\n")
            ground.run(place, project, "check", "good.stack.yaml", env=env)
            store.fault, store.fault_from = "a bad status", ""
            ground.run(place, project, "check", "good.stack.yaml", env=env)
            store.fault = None
        tokens = [canaries.value("token in a file", shape) for shape in ["lines", "unicode"]]
        tokens.append("\udcff" + value("token in a file"))
        project = ground.project(files(f'{vault}url = "{url}"\ntoken_file = "token"\n'))
        for token in tokens:
            ground.write(project, "token", token)
            ground.run(place, project, "check", "good.stack.yaml")
        ground.write(ground.home, ".vault-token", tokens[0])
        project = ground.project(files(f'{vault}url = "{url}"\n'))
        ground.run(place, project, "check", "good.stack.yaml")
        (ground.home / ".vault-token").unlink()


def of_folder(ground):
    """The kind `dir`, also with files that are no text."""
    values = ground.canaries.values("folder", SHAPES_IN_STORES)
    held = files('[inventory.s]\nkind = "dir"\npath = "store"\n')
    held |= {f"store/db/{shape}": value for shape, value in values.items()}
    project = ground.project(held)
    verbs(ground, "dir", project, {}, lambda: b"".join(path.read_bytes() for path in (project / "store").rglob("*") if path.is_file()))
    for odd in [b"\xff%b", b"%b\0%b", b"\xff\xfe%b"]:
        ground.write(project, "store/db/plain", odd.replace(b"%b", ground.canaries.value("no text").encode()))
        ground.run("values that are not text", project, "render", "good.stack.yaml", "--diff")
        ground.run("values that are not text", project, "render", "good.stack.yaml", "--stdout", shows=["stdout"])
        ground.run("values that are not text", project, "check", "--leaks")


def of_variables(ground):
    """The kind `env`."""
    values = ground.canaries.values("variable", SHAPES_IN_STORES)
    env = {f"SR_DB__{shape.upper()}": value for shape, value in values.items()}
    project = ground.project(files('[inventory.s]\nkind = "env"\nprefix = "SR_"\n'))
    verbs(ground, "env", project, env)
    for odd in ["\udcff%s", "%s\udcff"]:
        env = {"SR_DB__PLAIN": odd.replace("%s", ground.canaries.value("no text")), "SR_" + ground.canaries.value("name").upper(): "x"}
        ground.run("values that are not text", project, "render", "good.stack.yaml", "--stdout", env=env)
        ground.run("values that are not text", project, "register", "--from-env", "SR", env=env)


SOPS = """#!{python} -SE
import json, os, sys
held, fault = os.environ["FAKE_SOPS"], os.environ.get("FAKE_FAULT", "")
secrets = json.load(open(held, encoding="utf-8"))
told = json.dumps(secrets)
if fault == "fails": sys.exit(told)
if fault == "no JSON": print(told[:-9]); sys.exit(0)
if fault == "odd": print(json.dumps({"db": [told], told: {told: 1}})); sys.exit(0)
if fault == "dies": print(told, file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), 9)
if "--decrypt" in sys.argv: print(told); sys.exit(0)
place = sys.argv[-1]
name, key = json.loads(place.replace("][", ","))
secrets.setdefault(name, {})[key] = json.load(sys.stdin)
json.dump(secrets, open(held, "w", encoding="utf-8"))
"""


def stand_in(ground, name, script):
    """Puts a program of that name on the PATH, whose arguments and environment are looked at."""
    real = ground.root / name
    real.write_text(script.replace("{python}", sys.executable))
    real.chmod(0o755)
    ground.record(name, real)


def refused_register(ground, project, env):
    """New values for a program that will not take them."""
    fresh = inventory({"new": ground.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
    words = ["register", "--path", "new.stack.yaml", "--from-file", "-"]
    ground.run("faults of programs", project, *words, env=env, stdin=fresh)


def of_sops(ground):
    """The kind `sops`, with a stand-in for the program."""
    values = ground.canaries.values("encrypted", SHAPES_IN_STORES)
    encrypted = "db:\n" + "".join(f"    {shape}: ENC[AES256_GCM,data:x]\n" for shape in values) + "sops:\n    version: 3.11.0\n"
    table = files('[inventory.s]\nkind = "sops"\npath = "s.sops.yaml"\n')
    project = ground.project({**table, "s.sops.yaml": encrypted})
    held = ground.root / "held-by-sops.json"
    held.write_text(json.dumps({"db": values}))
    stand_in(ground, "sops", SOPS)
    env = {"FAKE_SOPS": str(held), "SOPS_AGE_KEY": ground.canaries.value("SOPS_AGE_KEY")}
    for words in [["check"], ["check", "--level", "secret-exists"]]:
        before = ground.row("arguments of sops").runs
        ground.run("unneeded values", project, *words, "good.stack.yaml", env=env, codes=[0])
        ground.expect("unneeded values", "a check starts no sops", ground.row("arguments of sops").runs == before)
    verbs(ground, "sops", project, env, held.read_bytes)
    for fault in ["fails", "no JSON", "odd", "dies"]:
        for words in [["render", "good.stack.yaml", "--diff"], ["inventory", "--probe"], ["check", "--leaks"]]:
            ground.run("faults of programs", project, *words, env={**env, "FAKE_FAULT": fault})
        refused_register(ground, project, {**env, "FAKE_FAULT": fault})
    plain = ground.project({**table, "s.sops.yaml": inventory({"db": values})})
    ground.run("faults of programs", plain, "check")


STORE = """#!{python} -SE
import json, os, sys
held, fault = os.environ["FAKE_STORE"], os.environ.get("FAKE_FAULT", "")
secrets = json.load(open(held, encoding="utf-8"))
question, *names = sys.argv[1:]
told = json.dumps(secrets)
value = sys.stdin.read() if question == "put" else ""
if question in fault:
    if "fails" in fault: sys.exit(told + value)
    if "prints" in fault: print(told + value); sys.exit(4)
    if "warns" in fault: print(told + value, file=sys.stderr)
    if "odd" in fault: sys.stdout.buffer.write(b"\\xff" + told.encode()); sys.exit(0)
    if "dies" in fault: print(told + value, file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), 9)
    if "hangs" in fault: print(told + value, file=sys.stderr); sys.stderr.flush(); import time; time.sleep(9)
if question == "names": print(json.dumps(list(secrets)))
elif question == "keys": print(json.dumps(list(secrets.get(names[0], {}))))
elif question == "value": sys.stdout.buffer.write(secrets[names[0]][names[1]].encode())
else:
    secrets.setdefault(names[0], {})[names[1]] = value
    json.dump(secrets, open(held, "w", encoding="utf-8"))
"""


def of_programs(ground):
    """The kind `command`."""
    values = ground.canaries.values("program", SHAPES_IN_STORES)
    held = ground.root / "held-by-store.json"
    held.write_text(json.dumps({"db": values}))
    stand_in(ground, "store", STORE)
    config = '[inventory.s]\nkind = "command"\nnames = ["store", "names"]\nkeys = ["store", "keys", "{secret}"]\n'
    config += 'value = ["store", "value", "{secret}", "{key}"]\nput = ["store", "put", "{secret}", "{key}"]\ntimeout = 1\n'
    project = ground.project(files(config))
    env = {"FAKE_STORE": str(held)}
    verbs(ground, "command", project, env, held.read_bytes)
    questions = ["names", "keys", "value", "put"]
    for fault in ["fails", "prints", "warns", "odd", "dies", "hangs"][: 2 if ground.quick else None]:
        for question in questions:
            faulty = {**env, "FAKE_FAULT": f"{question} {fault}"}
            reading = ["render", "good.stack.yaml", "--diff"]
            words = {"names": ["check", "--level", "secret-exists"], "keys": ["check"], "value": reading}
            if question != "put":
                ground.run("faults of programs", project, *words[question], env=faulty)
                ground.run("faults of programs", project, "inventory", "--probe", env=faulty)
            else:
                refused_register(ground, project, faulty)
