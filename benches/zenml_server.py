"""A ZenML server on loopback for `peers.py`: one stack with 200 references to 50 secrets, all of which exist."""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent

SETUP = """
from zenml.client import Client
from zenml.enums import StackComponentType as T
client = Client()
for at in range(50):
    client.create_secret(f"secret{at}", {f"key{key}": f"value {key}" for key in range(4)})
client.create_flavor("bench_flavor.BenchFlavor", T.EXPERIMENT_TRACKER)
references = {f"a{at}": "{{secret%d.key%d}}" % (at // 4, at % 4) for at in range(200)}
client.create_stack_component("tracker", "bench", T.EXPERIMENT_TRACKER, references)
client.create_stack("bench", {T.ORCHESTRATOR: "default", T.ARTIFACT_STORE: "default", T.EXPERIMENT_TRACKER: "tracker"})
"""


def write_project(folder, url):
    """Writes the same stack as a file, and a config with the URL of the server."""
    folder.mkdir()
    (folder / "stackref.toml").write_text(f'[inventory.prod]\nkind = "zenml"\nurl = "{url}"\n')
    references = {f"a{at}": f"{{{{secret{at // 4}.key{at % 4}}}}}" for at in range(200)}
    tracker = {"name": "tracker", "flavor": "bench", "type": "experiment_tracker", "configuration": references}
    stack = {"stack_name": "bench", "zenml_version": "0.98.0", "components": {"experiment_tracker": tracker}}
    (folder / "bench.json").write_text(json.dumps(stack, indent=2))


def local(folder):
    """Returns the environment of a ZenML whose store is in a folder."""
    return {**os.environ, "ZENML_CONFIG_PATH": str(folder), "ZENML_ANALYTICS_OPT_IN": "false", "PYTHONPATH": str(HERE)}


@contextlib.contextmanager
def server(bin_folder, home):
    """Runs the server. Yields the folder of the project, and the environments of stackref and of ZenML."""
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    password = "bench-password"
    env = {
        **local(home / "server"),
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
        "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_DEFAULT_USER_NAME": "default",
        "ZENML_DEFAULT_USER_PASSWORD": password,
        "ZENML_SERVER_JWT_SECRET_KEY": "of-no-use-outside-of-this-benchmark-0123456789",
        "ZENML_STORE_TYPE": "sql",
        "ZENML_STORE_URL": f"sqlite:///{home}/zenml.db",
    }
    credentials = {"ZENML_STORE_USERNAME": "default", "ZENML_STORE_PASSWORD": password}
    theirs = {**local(home / "client"), **credentials, "ZENML_STORE_URL": url}
    ours = {"PATH": os.environ["PATH"], "HOME": str(home), **credentials}
    words = [bin_folder / "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(url + "/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        # ZenML imports flavors from files.
        setup = home / "setup_bench.py"
        setup.write_text(SETUP)
        subprocess.run([bin_folder / "python", setup], env=theirs, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        project = home / "project"
        write_project(project, url)
        yield project, ours, theirs
    finally:
        process.terminate()
        process.wait()
