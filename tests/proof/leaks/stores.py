"""Tests every kind of inventory that needs no network, both working and with faults that put values into responses.

Vault and ZenML are a server on loopback. SOPS and the programs of the kind `command` are fakes.
"""
import gzip
import json
import shlex
import shutil
import sys

import loopback
from commands import FORMATS, inventory, quoted, stack

SHAPES_IN_STORES = ["plain", "quotes", "lines", "unicode", "dash", "yaml", "percent", "braces", "ansi", "backslashes", "base64"]

# Faulty responses: status, headers and body. `%s` is replaced by a value. It is never the key of a secret, because stackref prints
# keys.
FAULTS = {
    "401": (401, {}, '{"errors": ["%s"], "detail": "%s"}'),
    "403": (403, {"x-error": "%s"}, '{"errors": ["permission denied for %s"], "detail": ["%s"]}'),
    "404": (404, {}, "no such page: %s"),
    "409": (409, {}, '{"detail": "%s"}'),
    "500": (500, {}, '{"errors": ["%s"], "detail": "Traceback: %s"}'),
    "invalid JSON": (200, {}, '{"data": {"data": {"k": "%s"'),
    "unexpected JSON": (200, {}, '{"%s": "%s", "data": "%s", "items": "%s", "access_token": 7, "body": "%s"}'),
    "unexpected types": (200, {}, '{"data": {"data": {"k": ["%s"], "j": {"%s": 1}}, "keys": [{"%s": 1}]}, "items": [{"%s": 1}], "total_pages": "%s"}'),
    "a redirect to another host": (302, {"location": "http://user:%s@127.0.0.1:1/%s?token=%s#%s"}, "%s"),
    "a redirect on the same host": (307, {"location": "/%s"}, ""),
    "unusual headers": (200, {"content-type": "%s", "content-encoding": "%s", "set-cookie": "%s"}, "%s"),
    "an invalid length": (200, {"content-length": "%s"}, "%s"),
    "invalid UTF-8": (200, {}, '{"data": "\xff%s"}'),
    "invalid HTTP": (None, {}, "%s %s %s\r\n\r\n"),
    "an invalid status": (None, {}, "HTTP/1.1 999 %s\r\ncontent-length: 0\r\n\r\n"),
    "truncated": (None, {}, 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"data": "%s'),
    "a redirect to a value": (302, {"location": "https://%s:%s/%s"}, ""),
    "a redirect with an invalid URL": (308, {"location": "http://me:%s/x@127.0.0.1:%s"}, ""),
    "a page": (200, {"content-type": "text/html", "link": "<%s>"}, "<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>"),
    "a page that reports an error": (404, {"content-type": "text/html", "www-authenticate": "Basic realm=%s"}, "<html><pre>%s</pre></html>"),
    "deep JSON": (200, {}, '{"data": {"data": ' + '{"%s": ' * 2_000 + '"%s"'),
    "duplicate keys": (200, {}, '{"data": "%s", "data": {"data": {"plain": "%s", "plain": "%s"}, "keys": "%s"}, "items": "%s", "items": 7}'),
    "compressed": (200, {"content-encoding": "gzip"}, '{"errors": ["%s"], "data": "%s"}'),
    "compressed, but not so": (200, {"content-encoding": "gzip, br, %s"}, "%s"),
    "two responses": (None, {}, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 %s\r\n\r\n%s"),
    "an early response": (None, {}, "HTTP/1.1 103 %s\r\nlink: %s\r\n\r\nHTTP/1.1 101 %s\r\nupgrade: %s\r\n\r\n%s"),
    "trailers": (None, {}, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\nx-%s: %s\r\n\r\n"),
    "a long header": (None, {}, "HTTP/1.1 200 OK\r\nx: " + "%s" * 9_000 + "\r\n\r\n"),
    "invalid chunks": (None, {}, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%s\r\n%s"),
}

# Faults that stackref does not retry. Retries take seconds.
QUICK_FAULTS = ["403", "404", "invalid JSON", "unexpected types", "a redirect to a value", "unusual headers"]


class Store(loopback.Store):
    """A store that fails on request, and records its requests."""

    def __init__(self, canaries):
        super().__init__({"db": canaries.values("store", SHAPES_IN_STORES)}, token=canaries.value("token of the store"))
        self.leaked_value = canaries.value("faulty response")
        self.fault, self.fault_from = None, ""
        self.requests = []

    def serve(self, request):
        self.requests.append((request.command, request.path))
        if self.fault and request.path.startswith(self.fault_from):
            self.fail(request, *FAULTS[self.fault])
        else:
            request.reply(*self.answer(request))

    def fail(self, request, status, headers, body):
        fill = lambda text: text.replace("%s", self.leaked_value).encode("latin-1")
        request.close_connection = True
        if status is None:
            request.wfile.write(fill(body))
        else:
            content = gzip.compress(fill(body)) if headers.get("content-encoding") == "gzip" else fill(body)
            headers = {name: fill(text).decode("latin-1") for name, text in headers.items()}
            request.reply_bytes(status, content, headers, reason=self.leaked_value)


SLOW = "timeout = 5\nrun_timeout = 10\n"
EVERY = [f"db.{shape}" for shape in SHAPES_IN_STORES]
WRONG = ["db.plian", "bd.plain"]


def run_all_commands(sandbox, kind, project, env, stored=None):
    """Runs all commands that use an inventory. `stored` returns the content of the store after `register`."""
    label = f"inventory of kind {kind}"
    run = lambda *args, **more: sandbox.run(label, project, *args, env=env, **more)
    run("check", "good.stack.yaml", codes=[0])
    run("check", "good.stack.yaml", "--level", "secret-exists", codes=[0])
    run("check", "bad.stack.yaml", "--format", "json", codes=[1])
    run("check", "--leaks", "bad.stack.yaml", codes=[1])
    result = run("render", "good.stack.yaml", "--stdout", value_streams=["stdout"], codes=[0])
    found = sandbox.canaries.found_in(result.stdout)
    sandbox.expect(label, "all values are rendered", len(found) == len(SHAPES_IN_STORES), result)
    run("render", "good.stack.yaml", "-o", "out", value_files=["out/"], codes=[0])
    shutil.rmtree(project / "out", ignore_errors=True)
    run("render", "good.stack.yaml", "--diff", codes=[0])
    run("inventory", "--probe")
    run("inventory", "--format", "json", codes=[0])
    run("inventory", "snapshot", codes=[0])
    fresh = sandbox.canaries.values("registered", SHAPES_IN_STORES)
    given = inventory({"new": fresh}, "json").encode()
    result = run("register", "--path", "new.stack.yaml", "--from-file", "-", stdin=given, value_files=["store/"])
    if stored:
        sandbox.expect(label, "all values are stored", result.code == 0 and len(sandbox.canaries.found_in(stored())) >= 2 * len(fresh), result)


def project_files(config):
    new = [f"new.{shape}" for shape in SHAPES_IN_STORES]
    return {
        "stackref.toml": config,
        "good.stack.yaml": stack(EVERY),
        "bad.stack.yaml": stack(WRONG, "bad"),
        "new.stack.yaml": stack(new, "new"),
    }


def server_inventories(sandbox):
    """The kinds `zenml` and `vault`, over HTTP."""
    canaries = sandbox.canaries
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
            contents = project_files(table + ('token_file = "token"\n' if "file" in kind else ""))
            if "file" in kind:
                contents["token"] = canaries.value("token in a file")
            project = sandbox.project(contents)
            # ZenML returns keys only with values, so this tests only names there.
            value_path = {"zenml": "/api/v1/secrets/", "vault": "/v1/kv/data/"}.get(kind)
            for args in [["--level", "secret-exists"], []][: {"zenml": 1, "vault": 2}.get(kind, 0)]:
                store.requests.clear()
                sandbox.run("unneeded values", project, "check", *args, "good.stack.yaml", env=env, codes=[0])
                read = [path for _, path in store.requests if path.startswith(value_path)]
                sandbox.expect("unneeded values", f"`check {args}` requests no values from {kind}", store.requests and not read, store.requests)
            run_all_commands(sandbox, kind, project, env, lambda: json.dumps(store.secrets, ensure_ascii=True).encode())
            if "file" not in kind and kind != "zenml, API key":
                faults(sandbox, kind, project, env, store)


def registered_components(sandbox):
    """Components with plain text on a ZenML server, also in a stack file that differs from them."""
    label = "check --registered"
    canaries = sandbox.canaries
    store = Store(canaries)
    # stackref takes a value with braces for a reference.
    shapes = [shape for shape in SHAPES_IN_STORES if shape != "braces"]
    on_server, in_file = (canaries.values(name, shapes) for name in ["registered component", "component in a file"])
    text = lambda value: f"x {value} {{{{db.plian}}}}"
    store.components = {
        "passwords": {f"{shape}_password": value for shape, value in on_server.items()},
        "mistakes": {shape: text(value) for shape, value in on_server.items()} | {"list": list(on_server.values()), "reference": "{{db.plian}}"},
        "t": on_server,
    }
    head = "stack_name: prod\ncomponents:\n  alerter:\n    name: t\n    flavor: acme\n    configuration:\n"
    file = lambda suffix: head + "".join(f"      {shape}{suffix}: {quoted(value)}\n" for shape, value in in_file.items())
    env = {"ZENML_STORE_API_KEY": canaries.value("ZENML_STORE_API_KEY")}
    with loopback.serving(store) as url:
        config = f'[inventory.s]\nkind = "zenml"\nurl = "{url}"\n{SLOW}'
        project = sandbox.project({"stackref.toml": config, "s.yaml": file("")})
        run = lambda *args, **more: sandbox.run(label, project, *args, "--registered", env=env, **more)
        for format in FORMATS:
            result = run("check", "--format", format, "--verbose", codes=[1])
            found = all(rule in result.stdout for rule in [b"registered-drift", b"embedded-reference", b"unknown-key"])
            sandbox.expect(label, f"the components are checked ({format})", found, result)
            run("check", "--format", format, "--color", "always", "-o", f"report.{format}", codes=[1])
        for format in ["human", "short", "json", "markdown", "mermaid", "dot"]:
            run("refs", "--format", format, codes=[0])
        run("check", "--leaks", "--statistics", codes=[1])
        # A diff shows the values of attributes that are not sensitive.
        sandbox.write(project, "s.yaml", file("_password"))
        run("check", "--fix=suggestions", "--diff", codes=[1])
        run("check", "--add-ignores", "--diff", codes=[1])
        run("check", "--write-baseline", "baseline.json", codes=[0])
        for fault in QUICK_FAULTS if sandbox.quick else FAULTS:
            for start in ["/api/v1/components", "/api/v1/stacks", "/api/v1/info"]:
                store.fault, store.fault_from = fault, start
                run("check", "--format", "json")


def faults(sandbox, kind, project, env, store):
    """Runs commands while the server returns faulty responses, from the first request or from later ones."""
    starts = {
        "zenml": ["/", "/api/v1/secrets", "/api/v1/secrets/"],
        "vault": ["/", "/v1/kv/subkeys", "/v1/kv/data", "/v1/kv/metadata"],
    }
    label = f"faults of kind {kind[:5]}"
    for fault in QUICK_FAULTS if sandbox.quick else FAULTS:
        for start in starts[kind[:5]][:1] if sandbox.quick or kind == "vault 1" else starts[kind[:5]]:
            store.fault, store.fault_from = fault, start
            sandbox.run(label, project, "check", "good.stack.yaml", "--format", "json", env=env)
            sandbox.run(label, project, "render", "good.stack.yaml", "--diff", env=env)
            sandbox.run(label, project, "inventory", "--probe", env=env)
            fresh = inventory({"new": sandbox.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
            sandbox.run(label, project, "register", "--path", "new.stack.yaml", "--from-file", "-", env=env, stdin=fresh)
    store.fault = None


def urls_and_credentials(sandbox):
    """Credentials in URLs, in the config and in proxy variables, and malformed credentials."""
    label = "URLs and credentials"
    canaries = sandbox.canaries
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
            project = sandbox.project(project_files(config))
            for args in [["check"], ["inventory", "--probe"]][: 1 if sandbox.quick else 2]:
                sandbox.run(label, project, *args)
                sandbox.run("an untrusted config", project, *args, env={"STACKREF_TRUST": "0"}, codes=[2])
            # The user decides about the programs of a config, so stackref prints them as they are.
            if '"command"' in config:
                continue
            state = {"STACKREF_TRUST": "0", "XDG_STATE_HOME": str(sandbox.root / "state-of-configs")}
            for args in [[], ["--yes"], ["--list"], ["--revoke"]][:: 3 if sandbox.quick else 1]:
                sandbox.run("trust", project, "trust", *args, env=state)
        project = sandbox.project(project_files(vault))
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
            sandbox.write(project, "token", f"-----BEGIN CERTIFICATE-----\n{value('certificate')}\n-----END CERTIFICATE-----\n")
            sandbox.run(label, project, "check", "good.stack.yaml", env=env)
            store.fault, store.fault_from = "an invalid status", ""
            sandbox.run(label, project, "check", "good.stack.yaml", env=env)
            store.fault = None
        tokens = [canaries.value("token in a file", shape) for shape in ["lines", "unicode"]]
        tokens.append("\udcff" + value("token in a file"))
        project = sandbox.project(project_files(f'{vault}url = "{url}"\ntoken_file = "token"\n'))
        for token in tokens:
            sandbox.write(project, "token", token)
            sandbox.run(label, project, "check", "good.stack.yaml")
        sandbox.write(sandbox.home, ".vault-token", tokens[0])
        project = sandbox.project(project_files(f'{vault}url = "{url}"\n'))
        sandbox.run(label, project, "check", "good.stack.yaml")
        (sandbox.home / ".vault-token").unlink()


def dir_inventory(sandbox):
    """The kind `dir`, also with files that are not UTF-8."""
    values = sandbox.canaries.values("folder", SHAPES_IN_STORES)
    contents = project_files('[inventory.s]\nkind = "dir"\npath = "store"\n')
    contents |= {f"store/db/{shape}": value for shape, value in values.items()}
    project = sandbox.project(contents)
    run_all_commands(sandbox, "dir", project, {}, lambda: b"".join(path.read_bytes() for path in (project / "store").rglob("*") if path.is_file()))
    for unusual in [b"\xff%b", b"%b\0%b", b"\xff\xfe%b"]:
        sandbox.write(project, "store/db/plain", unusual.replace(b"%b", sandbox.canaries.value("no text").encode()))
        sandbox.run("values that are not text", project, "render", "good.stack.yaml", "--diff")
        sandbox.run("values that are not text", project, "render", "good.stack.yaml", "--stdout", value_streams=["stdout"])
        sandbox.run("values that are not text", project, "check", "--leaks")


def env_inventory(sandbox):
    """The kind `env`."""
    values = sandbox.canaries.values("variable", SHAPES_IN_STORES)
    env = {f"SR_DB__{shape.upper()}": value for shape, value in values.items()}
    project = sandbox.project(project_files('[inventory.s]\nkind = "env"\nprefix = "SR_"\n'))
    run_all_commands(sandbox, "env", project, env)
    for unusual in ["\udcff%s", "%s\udcff"]:
        env = {"SR_DB__PLAIN": unusual.replace("%s", sandbox.canaries.value("no text")), "SR_" + sandbox.canaries.value("name").upper(): "x"}
        sandbox.run("values that are not text", project, "render", "good.stack.yaml", "--stdout", env=env)
        sandbox.run("values that are not text", project, "register", "--from-env", "SR", env=env)


def repository_inventory(sandbox):
    """The kind `repository`, with values in the commands that create the secrets."""
    values = sandbox.canaries.values("declared", SHAPES_IN_STORES)
    lines = [f"zenml secret create db {' '.join(f'--{shape}={shlex.quote(value)}' for shape, value in values.items())}\n"]
    lines += [f"zenml secret create json_db --values={shlex.quote(json.dumps(values))}\n", "zenml alerter register x --a={{db.plan}}\n"]
    contents = project_files('[inventory.s]\nkind = "repository"\n') | {"setup.sh": "".join(lines)}
    project = sandbox.project(contents)
    run = lambda *args, **more: sandbox.run("inventory of kind repository", project, *args, **more)
    run("check", "good.stack.yaml", codes=[0])
    run("check", "good.stack.yaml", "--level", "secret-exists", codes=[0])
    run("check", "bad.stack.yaml", "--format", "json", codes=[1])
    run("check", "--leaks", codes=[1])
    run("check", "setup.sh", codes=[1])
    run("render", "good.stack.yaml", "--stdout", codes=[2])
    run("inventory", "--probe", codes=[0])
    run("inventory", "--format", "json", codes=[0])
    run("inventory", "snapshot", codes=[0])
    run("refs", "--format", "json", codes=[0])
    given = inventory({"new": sandbox.canaries.values("not stored", SHAPES_IN_STORES)}, "json").encode()
    run("register", "--path", "new.stack.yaml", "--from-file", "-", stdin=given, codes=[2])


SOPS = """#!{python} -SE
import json, os, sys
held, fault = os.environ["FAKE_SOPS"], os.environ.get("FAKE_FAULT", "")
secrets = json.load(open(held, encoding="utf-8"))
text = json.dumps(secrets)
if fault == "fails": sys.exit(text)
if fault == "no JSON": print(text[:-9]); sys.exit(0)
if fault == "odd": print(json.dumps({"db": [text], text: {text: 1}})); sys.exit(0)
if fault == "dies": print(text, file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), 9)
if "--decrypt" in sys.argv: print(text); sys.exit(0)
place = sys.argv[-1]
name, key = json.loads(place.replace("][", ","))
secrets.setdefault(name, {})[key] = json.load(sys.stdin)
json.dump(secrets, open(held, "w", encoding="utf-8"))
"""


def install_fake(sandbox, name, script):
    """Puts a fake program on the PATH. Its arguments and environment are recorded."""
    real = sandbox.root / name
    real.write_text(script.replace("{python}", sys.executable))
    real.chmod(0o755)
    sandbox.record(name, real)


def refused_register(sandbox, project, env):
    """Runs `register` with a program that fails."""
    fresh = inventory({"new": sandbox.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
    args = ["register", "--path", "new.stack.yaml", "--from-file", "-"]
    sandbox.run("faults of programs", project, *args, env=env, stdin=fresh)


def sops_inventory(sandbox):
    """The kind `sops`, with a fake program."""
    values = sandbox.canaries.values("encrypted", SHAPES_IN_STORES)
    encrypted = "db:\n" + "".join(f"    {shape}: ENC[AES256_GCM,data:x]\n" for shape in values) + "sops:\n    version: 3.11.0\n"
    table = project_files('[inventory.s]\nkind = "sops"\npath = "s.sops.yaml"\n')
    project = sandbox.project({**table, "s.sops.yaml": encrypted})
    contents = sandbox.root / "held-by-sops.json"
    contents.write_text(json.dumps({"db": values}))
    install_fake(sandbox, "sops", SOPS)
    env = {"FAKE_SOPS": str(contents), "SOPS_AGE_KEY": sandbox.canaries.value("SOPS_AGE_KEY")}
    for args in [["check"], ["check", "--level", "secret-exists"]]:
        before = sandbox.row("arguments of sops").runs
        sandbox.run("unneeded values", project, *args, "good.stack.yaml", env=env, codes=[0])
        sandbox.expect("unneeded values", "check does not run sops", sandbox.row("arguments of sops").runs == before)
    run_all_commands(sandbox, "sops", project, env, contents.read_bytes)
    for fault in ["fails", "no JSON", "odd", "dies"]:
        for args in [["render", "good.stack.yaml", "--diff"], ["inventory", "--probe"], ["check", "--leaks"]]:
            sandbox.run("faults of programs", project, *args, env={**env, "FAKE_FAULT": fault})
        refused_register(sandbox, project, {**env, "FAKE_FAULT": fault})
    plain = sandbox.project({**table, "s.sops.yaml": inventory({"db": values})})
    sandbox.run("faults of programs", plain, "check")


STORE = """#!{python} -SE
import json, os, sys
held, fault = os.environ["FAKE_STORE"], os.environ.get("FAKE_FAULT", "")
secrets = json.load(open(held, encoding="utf-8"))
question, *names = sys.argv[1:]
text = json.dumps(secrets)
value = sys.stdin.read() if question == "put" else ""
if question in fault:
    if "fails" in fault: sys.exit(text + value)
    if "prints" in fault: print(text + value); sys.exit(4)
    if "warns" in fault: print(text + value, file=sys.stderr)
    if "odd" in fault: sys.stdout.buffer.write(b"\\xff" + text.encode()); sys.exit(0)
    if "dies" in fault: print(text + value, file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), 9)
    if "hangs" in fault: print(text + value, file=sys.stderr); sys.stderr.flush(); import time; time.sleep(9)
if question == "names": print(json.dumps(list(secrets)))
elif question == "keys": print(json.dumps(list(secrets.get(names[0], {}))))
elif question == "value": sys.stdout.buffer.write(secrets[names[0]][names[1]].encode())
else:
    secrets.setdefault(names[0], {})[names[1]] = value
    json.dump(secrets, open(held, "w", encoding="utf-8"))
"""


def command_inventory(sandbox):
    """The kind `command`."""
    values = sandbox.canaries.values("program", SHAPES_IN_STORES)
    contents = sandbox.root / "held-by-store.json"
    contents.write_text(json.dumps({"db": values}))
    install_fake(sandbox, "store", STORE)
    config = '[inventory.s]\nkind = "command"\nnames = ["store", "names"]\nkeys = ["store", "keys", "{secret}"]\n'
    config += 'value = ["store", "value", "{secret}", "{key}"]\nput = ["store", "put", "{secret}", "{key}"]\ntimeout = 1\n'
    project = sandbox.project(project_files(config))
    env = {"FAKE_STORE": str(contents)}
    run_all_commands(sandbox, "command", project, env, contents.read_bytes)
    questions = ["names", "keys", "value", "put"]
    for fault in ["fails", "prints", "warns", "odd", "dies", "hangs"][: 2 if sandbox.quick else None]:
        for question in questions:
            faulty = {**env, "FAKE_FAULT": f"{question} {fault}"}
            reading = ["render", "good.stack.yaml", "--diff"]
            args = {"names": ["check", "--level", "secret-exists"], "keys": ["check"], "value": reading}
            if question != "put":
                sandbox.run("faults of programs", project, *args[question], env=faulty)
                sandbox.run("faults of programs", project, "inventory", "--probe", env=faulty)
            else:
                refused_register(sandbox, project, faulty)
