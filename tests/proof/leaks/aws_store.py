"""Tests the kind `aws` against a server on loopback: AWS Secrets Manager and the Parameter Store, both working and hostile.

The program needs the cargo feature `aws`. The server does not check signatures.
"""
import json

import loopback
from commands import inventory, quoted
from stores import FAULTS, QUICK_FAULTS, SHAPES_IN_STORES, SLOW, Store, project_files, run_all_commands

# Faulty responses in the form of AWS, as in `FAULTS`.
AWS_FAULTS = {
    "an error code": (400, {"x-amzn-errortype": "%s"}, '{"__type": "%s", "message": "%s"}'),
    "an error code in the body": (400, {}, '{"__type": "com.amazonaws#%s", "Message": "%s"}'),
    "an error of the server": (500, {"x-amzn-requestid": "%s"}, '{"__type": "InternalServiceError", "message": "%s"}'),
    "no permission": (403, {}, '{"__type": "AccessDeniedException", "Message": "User %s may not"}'),
    "a code with 403": (403, {}, '{"__type": "%s", "Message": "%s"}'),
    "an invalid token": (400, {}, '{"__type": "InvalidNextTokenException", "message": "%s"}'),
    "errors of a batch": (200, {}, '{"SecretValues": [], "Errors": [{"SecretId": "db", "ErrorCode": "%s", "Message": "%s"}]}'),
    "values of other types": (200, {}, '{"SecretList": [{"Name": {"%s": 1}}], "SecretValues": [{"Name": "db", "SecretString": ["%s"]}], "Parameters": ["%s"]}'),
    "a list without an end": (200, {}, '{"SecretList": [], "Parameters": [], "NextToken": "%s"}'),
    "a value that is no object": (200, {}, '{"SecretList": [{"Name": "db"}], "SecretValues": [{"Name": "db", "SecretString": "%s"}], "SecretString": "{\\"k\\": %s"}'),
}
QUICK_AWS_FAULTS = ["an error code in the body", "errors of a batch", "a code with 403"]
LABEL = "a hostile store of kind aws"


class AwsStore(Store):
    """A store with the calls of AWS that stackref makes. A fault may apply to one call."""

    def serve(self, request):
        call = request.headers.get("x-amz-target", "").rpartition(".")[2]
        self.requests.append((call, request.path))
        if self.fault and self.fault_from in ("", call):
            self.fail(request, *{**FAULTS, **AWS_FAULTS}[self.fault])
        else:
            with self.lock:
                status, content = self.aws_response(call, json.loads(request.body or b"{}"))
            request.reply_bytes(status, json.dumps(content).encode(), {"content-type": "application/x-amz-json-1.1"})

    def aws_response(self, call, body):
        missing = 400, {"__type": "ResourceNotFoundException", "Message": "none"}
        name = body.get("SecretId") or body.get("Name", "")
        match call:
            case "ListSecrets":
                return 200, {"SecretList": [{"Name": name} for name in self.secrets]}
            case "BatchGetSecretValue":
                names = [name for name in body["SecretIdList"] if name in self.secrets]
                return 200, {"SecretValues": [{"Name": name, "SecretString": json.dumps(self.secrets[name])} for name in names], "Errors": []}
            case "GetSecretValue":
                return (200, {"Name": name, "SecretString": json.dumps(self.secrets[name])}) if name in self.secrets else missing
            case "CreateSecret" | "PutSecretValue":
                self.secrets[name] = json.loads(body["SecretString"])
                return 200, {"Name": name}
            case "DescribeParameters":
                return 200, {"Parameters": [{"Name": f"/{secret}/{key}"} for secret, keys in self.secrets.items() for key in keys]}
            case "GetParameters":
                pairs = [(path, *path.strip("/").split("/")) for path in body["Names"]]
                found = [{"Name": path, "Value": self.secrets[secret][key]} for path, secret, key in pairs if key in self.secrets.get(secret, {})]
                return 200, {"Parameters": found, "InvalidParameters": []}
            case "PutParameter":
                secret, key = name.strip("/").split("/")
                self.secrets.setdefault(secret, {})[key] = body["Value"]
                return 200, {"Version": 1}
        return missing


def aws_inventory(sandbox):
    """The kind `aws`, with the program that has the feature."""
    if not sandbox.stackref_with_aws:
        sandbox.has_no_aws = True
        sandbox.row(LABEL)
        sandbox.notes[LABEL] = "not searched: `--aws` names no program with this feature"
        return
    plain_program, sandbox.stackref = sandbox.stackref, sandbox.stackref_with_aws
    for service in ["secretsmanager", "ssm"]:
        store = AwsStore(sandbox.canaries)
        with loopback.serving(store) as url:
            project = sandbox.project(project_files(aws_table(url, service)))
            env = credentials(sandbox)
            run_all_commands(sandbox, f"aws, {service}", project, env, lambda: json.dumps(store.secrets).encode())
            store.requests.clear()
            sandbox.run("unneeded values", project, "check", "good.stack.yaml", "--level", "secret-exists", env=env, codes=[0])
            read = [call for call, _ in store.requests if call.startswith(("BatchGet", "Get"))]
            sandbox.expect("unneeded values", f"`secret-exists` requests no values from {service}", store.requests and not read, store.requests)
            faults(sandbox, service, project, env, store)
    wrong_credentials(sandbox)
    sandbox.stackref = plain_program


def aws_table(url, service, more=""):
    return f'[inventory.s]\nkind = "aws"\nregion = "eu-west-1"\nservice = "{service}"\nendpoint_url = "{url}"\n{SLOW}{more}'


def credentials(sandbox):
    names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    return {**{name: sandbox.canaries.value(name) for name in names}, "AWS_EC2_METADATA_DISABLED": "true"}


def faults(sandbox, service, project, env, store):
    calls = {"secretsmanager": ["", "BatchGetSecretValue"], "ssm": ["", "GetParameters"]}[service]
    names = [*QUICK_FAULTS[:2], *QUICK_AWS_FAULTS] if sandbox.quick else [*FAULTS, *AWS_FAULTS]
    for store.fault in names:
        for store.fault_from in calls:
            run = lambda *args, **more: sandbox.run(LABEL, project, *args, env=env, **more)
            run("check", "good.stack.yaml", "--format", "json")
            run("render", "good.stack.yaml", "--diff")
            if not sandbox.quick:
                run("inventory", "--probe")
                run("check", "--leaks", "bad.stack.yaml")
                fresh = inventory({"new": sandbox.canaries.values("not registered", SHAPES_IN_STORES)}, "json").encode()
                run("register", "--path", "new.stack.yaml", "--from-file", "-", stdin=fresh)
    store.fault = None


def wrong_credentials(sandbox):
    """Credentials in URLs, in files of the SDK, and from programs and servers that fail."""
    label = "credentials of kind aws"
    value = lambda name: sandbox.canaries.value(name)
    store = AwsStore(sandbox.canaries)
    with loopback.serving(store) as url:
        host = url.removeprefix("http://")
        project = sandbox.project(project_files(aws_table(url, "secretsmanager")))
        none = {"AWS_EC2_METADATA_DISABLED": "true"}
        leaking = sandbox.root / "credentials.sh"
        leaking.write_text(f"echo '{value('a credential process')}'; echo '{value('a credential process')}' >&2; exit 3\n")
        profiles = [
            f"[default]\ncredential_process = sh {leaking}\n",
            f"[default]\naws_access_key_id = {value('profile')}\naws_secret_access_key = {value('profile')}\nregion\n",
            f"[default\naws_secret_access_key = {value('profile')}\n",
            f"aws_secret_access_key = {value('profile')}\n",
            f"[default]\nsource_profile = none\nrole_arn = {value('profile')}\n",
        ]
        runs = [{**none, "AWS_SHARED_CREDENTIALS_FILE": f"{at}.ini"} for at in range(len(profiles))]
        for at, text in enumerate(profiles):
            sandbox.write(project, f"{at}.ini", text)
        runs += [
            none,
            {**none, "AWS_ACCESS_KEY_ID": value("AWS_ACCESS_KEY_ID")},
            {**none, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/%s", "AWS_CONTAINER_AUTHORIZATION_TOKEN": value("a token")},
            {**none, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://me:{value('URL')}@{host}/"},
            {**credentials(sandbox), "AWS_SECRET_ACCESS_KEY": sandbox.canaries.value("AWS_SECRET_ACCESS_KEY", "lines")},
            {**credentials(sandbox), "AWS_SESSION_TOKEN": sandbox.canaries.value("AWS_SESSION_TOKEN", "unicode")},
            {**credentials(sandbox), "HTTP_PROXY": f"http://me:{value('proxy')}@{host}"},
            {**credentials(sandbox), "AWS_ENDPOINT_URL": f"http://me:{value('URL')}@{host}"},
        ]
        for env in runs[: 4 if sandbox.quick else None]:
            sandbox.run(label, project, "check", "good.stack.yaml", env=env)
        for config in [aws_table(f"http://me:{value('URL')}@{host}", "ssm"), aws_table(f"http://{host}/?token={value('URL')}#{value('URL')}", "ssm"),
                       aws_table(url, "ssm", f"secret_access_key = {quoted(value('config'))}\n"),
                       aws_table(f"https://me:{value('URL')}@127.0.0.1:1", "ssm")]:  # fmt: skip
            project = sandbox.project(project_files(config))
            sandbox.run(label, project, "check", "good.stack.yaml", env=credentials(sandbox))
            sandbox.run(label, project, "trust", env={"STACKREF_TRUST": "0", "XDG_STATE_HOME": str(sandbox.root / "state-of-aws")})
