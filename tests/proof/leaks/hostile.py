"""Stores that put values into the wrong places: streams without an end, folders with links and devices, programs that print too much,
files with unusual syntax, and names that are values. `stores.py` and `aws_store.py` contain the other faults."""
import contextlib
import json
import os
import time

import loopback
from aws_store import AwsStore, aws_table, credentials
from commands import inventory, stack
from sandbox import file_id
from stores import SHAPES_IN_STORES, Store, install_fake, project_files

# The time limits are short, because a run waits for them.
LIMITS = "timeout = 1\nrun_timeout = 1\n"
SERVERS = {"vault": 'mount = "kv"\n', "zenml": "", "aws": 'region = "eu-west-1"\n'}
COMMANDS = [["check", "good.stack.yaml", "--format", "json"], ["render", "good.stack.yaml", "--diff"], ["inventory", "--probe"], ["check", "--leaks"]]


class Streams:
    """Mixed into a store. Its answers are larger than the limit, have no end, or are slow."""

    stream = None

    def serve(self, request):
        if not self.stream:
            return super().serve(request)
        request.close_connection = True
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        value = self.leaked_value.encode()
        with contextlib.suppress(OSError):
            getattr(self, self.stream.replace(" ", "_"))(request.wfile, head, value)

    def a_huge_body(self, out, head, value):
        body = b'{"data": "' + value * (40 << 15) + b'"}'
        out.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def a_body_without_an_end(self, out, head, value):
        out.write(head + b"transfer-encoding: chunked\r\n\r\n")
        block = value * 10_000
        for _ in range(400):
            out.write(b"%x\r\n%s\r\n" % (len(block), block))

    def headers_without_an_end(self, out, head, value):
        out.write(head)
        for number in range(100_000):
            out.write(b"x-%d: %s\r\n" % (number, value))

    def a_slow_body(self, out, head, value):
        out.write(head + b"content-length: 9000\r\n\r\n" + b'{"data": "' + value)
        for byte in value:
            time.sleep(0.2)
            out.write(bytes([byte]))

    def slow_headers(self, out, head, value):
        out.write(head + b"x-token: " + value)
        time.sleep(4)

    def silence(self, out, _head, value):
        out.write(b"HTTP/1.1 200 " + value)
        time.sleep(4)


class StreamingStore(Streams, Store):
    """A store of ZenML or Vault."""


class StreamingAwsStore(Streams, AwsStore):
    """A store of AWS."""


STREAMS = ["a huge body", "a body without an end", "headers without an end", "a slow body", "slow headers", "silence"]


def hostile_servers(sandbox):
    """Servers whose answers have no end, or that do not answer."""
    plain_program = sandbox.stackref
    for kind, more in SERVERS.items():
        label = f"a hostile store of kind {kind}"
        if kind == "aws":
            if not sandbox.stackref_with_aws:
                continue
            sandbox.stackref = sandbox.stackref_with_aws
        store = (StreamingAwsStore if kind == "aws" else StreamingStore)(sandbox.canaries)
        env = credentials(sandbox) | {"VAULT_TOKEN": sandbox.canaries.value("VAULT_TOKEN")}
        env["ZENML_STORE_API_KEY"] = sandbox.canaries.value("ZENML_STORE_API_KEY")
        with loopback.serving(store) as url:
            place = f'endpoint_url = "{url}"\n' if kind == "aws" else f'url = "{url}"\n'
            project = sandbox.project(project_files(f'[inventory.s]\nkind = "{kind}"\n{place}{more}{LIMITS}'))
            for store.stream in STREAMS[2:4] if sandbox.quick else STREAMS:
                for args in COMMANDS[: 1 if sandbox.quick else None]:
                    sandbox.run(label, project, *args, env=env)
                if not sandbox.quick:
                    refused_register(sandbox, label, project, env)
    sandbox.stackref = plain_program


def refused_register(sandbox, label, project, env, **more):
    fresh = inventory({"new": sandbox.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
    sandbox.run(label, project, "register", "--path", "new.stack.yaml", "--from-file", "-", env=env, stdin=fresh, **more)


def hostile_folders(sandbox):
    """The kind `dir` with links, pipes and devices instead of files."""
    label = "a hostile store of kind dir"
    value = sandbox.canaries.value
    outside = sandbox.root / "outside"
    outside.mkdir()
    (outside / "token").write_text(value("outside of the folder"))
    (outside / "db").mkdir()
    (outside / "db/plain").write_text(value("outside of the folder"))

    def pipe(path):
        os.mkfifo(path)

    entries = {
        "a link out of the folder": lambda path: path.symlink_to(outside / "token"),
        "a relative link out of the folder": lambda path: path.symlink_to(os.path.relpath(outside / "token", path.parent)),
        "a link to itself": lambda path: path.symlink_to(path),
        "a link to nothing": lambda path: path.symlink_to(value("target of a link")),
        "a link to a stack file": lambda path: path.symlink_to("../../good.stack.yaml"),
        "a device without an end": lambda path: path.symlink_to("/dev/zero"),
        "a device that is full": lambda path: path.symlink_to("/dev/full"),
        "the environment": lambda path: path.symlink_to("/proc/self/environ"),
        "standard input": lambda path: path.symlink_to("/dev/stdin"),
        "a pipe": pipe,
        "a folder": lambda path: (path.mkdir(), (path / "x").write_text(value("too deep"))),
        "a huge file": lambda path: path.write_text(value("huge") * 2_000_000),
        "an unreadable file": lambda path: (path.write_text(value("unreadable")), path.chmod(0)),
        "bytes": lambda path: path.write_bytes(b"\xff\xfe\0" + value("bytes").encode()),
    }
    env = {"SR_TOKEN": value("a variable")}
    for description, create in list(entries.items())[:: 4 if sandbox.quick else 1]:
        project = sandbox.project(project_files(f'[inventory.s]\nkind = "dir"\npath = "store"\n{LIMITS}'))
        sandbox.write(project, "store/db/quotes", value("folder"))
        sandbox.write(project, "store/new/quotes", value("folder"))
        path = project / "store/db/plain"
        create(path)
        for made in [path, *(path.iterdir() if path.is_dir() else [])]:
            sandbox.input_files.add(made)
            if made.is_file():
                sandbox.seen_files[made] = file_id(made)
        for args in COMMANDS[: 2 if sandbox.quick else None]:
            sandbox.run(label, project, *args, env=env, stdin=value("standard input").encode())
        if not sandbox.quick:
            refused_register(sandbox, label, project, env, value_files=["store/"])
    for description, create in {"the folder": lambda path: path.symlink_to(outside), "a pipe": pipe}.items():
        project = sandbox.project(project_files('[inventory.s]\nkind = "dir"\npath = "store"\n'))
        create(project / "store")
        for args in COMMANDS[: 2 if sandbox.quick else None]:
            sandbox.run(label, project, *args, env={"STACKREF_TRUST": "0"})
            sandbox.run(label, project, *args)
    project = sandbox.project(project_files('[inventory.s]\nkind = "dir"\npath = "store"\n'))
    sandbox.write(project, "store/db", value("a file without a folder"))
    for args in COMMANDS:
        sandbox.run(label, project, *args)


# What a program prints, or does. `V` is a value.
PROGRAM = """#!{python} -SE
import os, sys, time
value, fault = os.environ["FAKE_VALUE"], os.environ["FAKE_FAULT"]
both = lambda text: (print(text, flush=True), print(text, file=sys.stderr, flush=True))
if fault == "a page": both(f"<html><title>{value}</title></html>")
if fault == "deep JSON": both('{"db": ' * 5000 + f'"{value}"')
if fault == "a deep list": both('[' * 100000 + f'"{value}"')
if fault == "invalid UTF-8": sys.stdout.buffer.write(b'{"db": {"plain": "\\xff' + value.encode() + b'"}}')
if fault == "other types": both(f'[{{"{value}": 1}}, ["{value}"], "{value}", null]')
if fault == "a string": both(f'"{value}"')
if fault == "duplicate keys": both(f'{{"db": "{value}", "db": {{"plain": "{value}", "plain": ["{value}"]}}}}')
if fault == "NUL bytes": both(f"{value}\\0{value}")
if fault == "control characters": both(f"\\x1b]0;{value}\\x07\\x1b[31m{value}\\r{value}")
if fault == "error output without an end":
    for _ in range(100000): sys.stderr.write(value * 100)
if fault == "output without an end":
    while True: sys.stdout.write(value * 1000)
if fault == "slow output":
    for letter in value: both(letter); time.sleep(0.3)
if fault == "a child that stays":
    if os.fork() == 0: time.sleep(2); both(value); os._exit(0)
    both(value)
if fault == "an exit code": both(value); sys.exit(77)
if fault == "a signal": both(value); os.kill(os.getpid(), 11)
if fault == "input that is not read": os.close(0); both(value); sys.exit(1)
"""
PROGRAM_FAULTS = [line.split('"')[1] for line in PROGRAM.splitlines() if line.startswith("if fault")]


def hostile_programs(sandbox):
    """The kinds `sops` and `command` with programs that print values in every way."""
    install_fake(sandbox, "store", PROGRAM)
    install_fake(sandbox, "sops", PROGRAM)
    encrypted = "db:\n" + "".join(f"    {shape}: ENC[AES256_GCM,data:x]\n" for shape in SHAPES_IN_STORES) + "sops:\n    version: 3.11.0\n"
    tables = {
        "sops": 'path = "s.sops.yaml"\n',
        "command": 'names = ["store"]\nkeys = ["store", "{secret}"]\nvalue = ["store", "{secret}", "{key}"]\nput = ["store", "{secret}", "{key}"]\n',
    }
    for kind, table in tables.items():
        label = f"a hostile store of kind {kind}"
        project = sandbox.project({**project_files(f'[inventory.s]\nkind = "{kind}"\n{table}{LIMITS}'), "s.sops.yaml": encrypted})
        faults = PROGRAM_FAULTS[::5] if sandbox.quick else PROGRAM_FAULTS
        for fault in faults:
            env = {"FAKE_VALUE": sandbox.canaries.value("a faulty program"), "FAKE_FAULT": fault}
            for args in COMMANDS[1 : 2 if sandbox.quick else None] if kind == "sops" else COMMANDS[: 1 if sandbox.quick else None]:
                sandbox.run(label, project, *args, env=env)
            if not sandbox.quick:
                refused_register(sandbox, label, project, env)
    # Programs that list the names and keys, and one that fails when it is asked for a value.
    table = 'names = ["echo", \'["db"]\']\nkeys = ["echo", \'["plain"]\']\nvalue = ["store", "{secret}", "{key}"]\n'
    project = sandbox.project({**project_files(f'[inventory.s]\nkind = "command"\n{table}{LIMITS}'), "one.stack.yaml": stack(["db.plain"])})
    for fault in PROGRAM_FAULTS[::5] if sandbox.quick else PROGRAM_FAULTS:
        env = {"FAKE_VALUE": sandbox.canaries.value("a faulty program"), "FAKE_FAULT": fault}
        sandbox.run("a hostile store of kind command", project, "render", "one.stack.yaml", "--diff", env=env)
        sandbox.run("a hostile store of kind command", project, "check", "--leaks", "one.stack.yaml", env=env)


# Files of SOPS, and inventory files, in which `%s` is a value. The first are read without a program.
SOPS_FILES = [
    "db:\n    plain: %s\n    quotes: ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:str]\nsops:\n    mac: '%s'\n    version: '%s'\n",
    "db: &a\n    plain: ENC[%s\nmore: *a\nsops: {kms: ['%s'], lastmodified: '%s', unencrypted_suffix: '%s'}\n",
    "db: {plain: 'ENC[AES256_GCM,data:x]', plain: '%s'}\nsops: %s\n",
    "db:\n    plain: !!binary %s\n    quotes: ENC[x]\nsops:\n  version: &x %s\n  mac: *y\n",
    "db: '%s'\nsops:\n    version: 3.11.0\n",
    "db:\n    plain: ['%s', {a: '%s'}]\nsops:\n    version: 3.11.0\n",
    "- %s\nsops: 1\n",
    "db:\n    plain: ENC[x]\n---\ndb:\n    plain: %s\nsops:\n    version: 3.11.0\n",
    "sops: '%s\n",
]
FILES = [
    "db: &%s {plain: x}\nmore: {<<: *%s}\n",
    "a: &a ['%s']\nb: &b [*a, *a]\nc: &c [*b, *b]\ndb: {plain: *c}\n",
    "db: !%s {plain: '%s'}\n",
    "db: !<tag:%s> {plain: '%s'}\n",
    "%%YAML 9.%s\n---\ndb: {plain: '%s'}\n",
    "db: {plain: '%s', plain: '%s', ? [%s] : 1}\n",
    "db:\n  plain: '%s'\n  ? |\n    name\n  : '%s'\n",
    "db: {plain: {plain: '%s'}, quotes: ['%s'], dash: !!int '%s', yaml: 2001-01-%s}\n",
    "db: " + "{plain: " * 300 + "'%s'" + "}" * 300 + "\n",
    "\ufeffdb: {plain: '%s'}\n\ufeff",
    "db: {plain: '%s'}\n---\ndb: {plain: '%s'}\n...\n%s",
    "db:\n  plain: >9\n   %s\n",
]


def hostile_files(sandbox):
    """The kinds `sops`, `file`, `env` and `repository` with values in the wrong places of files and variables."""
    for kind, texts in {"sops": SOPS_FILES, "file": FILES}.items():
        for text in texts[: 4 if sandbox.quick else None]:
            filled = text.replace("%s", sandbox.canaries.value(f"hostile file of kind {kind}"))
            path = "s.sops.yaml" if kind == "sops" else "s.yaml"
            project = sandbox.project({**project_files(f'[inventory.s]\nkind = "{kind}"\npath = "{path}"\n'), path: filled})
            for args in COMMANDS[: 2 if sandbox.quick else None]:
                sandbox.run(f"a hostile store of kind {kind}", project, *args, env={"FAKE_VALUE": "x", "FAKE_FAULT": "an exit code"})
            refused_register(sandbox, f"a hostile store of kind {kind}", project, {"FAKE_VALUE": "x", "FAKE_FAULT": "a page"}, value_files=["s."])
    value = sandbox.canaries.value
    label = "a hostile store of kind env"
    project = sandbox.project(project_files('[inventory.s]\nkind = "env"\nprefix = "SR_"\n'))
    for name in ["SR_DB__PLAIN", "SR_DB", "SR_", "SR___", "SR_DB__", "SR___PLAIN", "SR_DB__PLAIN__X", "sr_db__plain", "SR_db__plain", "SR_DB__PLAIN\udcff"]:
        for text in [value("a variable")] if sandbox.quick else [value("a variable"), f"\udcff{value('a variable')}", f"{value('a variable')}\n=\n"]:
            for args in COMMANDS[: 1 if sandbox.quick else None]:
                sandbox.run(label, project, *args, env={name: text, "SR_NEW__QUOTES": text})
    label = "a hostile store of kind repository"
    lines = [
        "zenml secret create db --plain='%s' --plain='%s' --values='{\"plain\": \"%s\"'",
        "zenml secret create db --values=@%s --plain=$(cat %s) -v '{\"plain\": [\"%s\"]}'",
        "zenml secret create db --plain='%s",
        "zenml secret create db --plain=\"$(echo '%s' <<END\n%s\nEND\n)\"",
        "zenml secret create $(name) --plain=%s; zenml secret create db$X --plain=%s",
    ]
    for line in lines:
        project = sandbox.project({**project_files('[inventory.s]\nkind = "repository"\n'), "setup.sh": line.replace("%s", value("a command")) + "\n"})
        for args in [["refs", "--by", "secret"], *COMMANDS, ["inventory", "--format", "json"]][: 2 if sandbox.quick else None]:
            sandbox.run(label, project, *args)


def names_in_stores(sandbox):
    """With `--leaks`, stackref redacts a value also if a store has it as a name, and suggests no such name.

    The kind `repository` has no values to search for.
    """
    label = "values as names in stores, with --leaks"
    canaries = sandbox.canaries
    # The kind `env` has names in lower case.
    secret = canaries.value("name in a store").lower()
    # With three other letters, no eight characters of it are those of the value.
    misspelled = "".join("_" if at in (6, 13, 20) else letter for at, letter in enumerate(secret))
    values = {"db": {"plain": secret, secret: "x y z"}, secret: {"plain": secret}}
    # The reference is near the name, so stackref would suggest it. The file itself contains only a part of the value.
    references = [f"db.{misspelled}", f"{misspelled}.plain", "db.plain"]
    files = {"a.stack.yaml": stack(references)}
    contents = sandbox.root / "named.json"
    contents.write_text(json.dumps(values))
    program = "import json, sys; d = json.load(open(sys.argv[1])); w = sys.argv[3:]; r = d if not w else d[w[0]] if len(w) < 2 else d[w[0]][w[1]]"
    program += "; sys.stdout.write(r if isinstance(r, str) else json.dumps(list(r)))"
    call = lambda *words: json.dumps(["python3", "-c", program, str(contents), "-", *words])
    run = lambda project, format, env: sandbox.run(label, project, "check", "--leaks", "-v", "--format", format, env=env)
    encrypted = "".join(f"{name}:\n" + "".join(f"    {key}: ENC[x]\n" for key in keys) for name, keys in values.items()) + "sops:\n    version: 3.11.0\n"
    install_fake(sandbox, "sops", "#!{python} -SE\nprint(open(" + repr(str(contents)) + ").read())\n")
    store, aws = Store(canaries), AwsStore(canaries)
    store.secrets, aws.secrets = values, values
    store.token = canaries.value("token of the store")
    with loopback.serving(store) as url, loopback.serving(aws) as aws_url:
        tables = {
            "file": ('path = "s.yaml"\n', {"s.yaml": inventory(values)}),
            "dir": ('path = "store"\n', {f"store/{name}/{key}": text for name, keys in values.items() for key, text in keys.items()}),
            "sops": ('path = "s.sops.yaml"\n', {"s.sops.yaml": encrypted}),
            "command": (f'names = {call()}\nkeys = {call("{secret}")}\nvalue = {call("{secret}", "{key}")}\n', {}),
            "vault": (f'url = "{url}"\nmount = "kv"\n', {}),
            "zenml": (f'url = "{url}"\n', {}),
            "env": ('prefix = "SR_"\n', {}),
        }
        env = {f"SR_{name.upper()}__{key.upper()}": text for name, keys in values.items() for key, text in keys.items()}
        env |= {"VAULT_TOKEN": canaries.value("VAULT_TOKEN"), "ZENML_STORE_API_KEY": canaries.value("ZENML_STORE_API_KEY")}
        for kind, (table, more) in tables.items():
            project = sandbox.project({**files, **more, "stackref.toml": f'[inventory.s]\nkind = "{kind}"\n{table}'})
            for format in ["human", "json"] if sandbox.quick else ["human", "short", "json", "sarif", "github", "gitlab", "junit"]:
                run(project, format, env)
        if sandbox.stackref_with_aws:
            plain_program, sandbox.stackref = sandbox.stackref, sandbox.stackref_with_aws
            project = sandbox.project({**files, "stackref.toml": aws_table(aws_url, "secretsmanager")})
            run(project, "json", credentials(sandbox))
            sandbox.stackref = plain_program

