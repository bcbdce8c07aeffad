#!/usr/bin/env python3
"""stackref beside ZenML on one stack and one server: `beside_zenml.py STACKREF VENV`.

VENV holds `zenml[server]`. 200 references to 50 secrets, all of them there: `stackref check` (and `register --skip-existing`)
beside `zenml stack register-secrets --skip-existing`, in turns; the median of wall clock and of CPU time of five runs each.
"""
import contextlib
import json
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

STACKREF = str(pathlib.Path(sys.argv[1]).resolve())
BIN = pathlib.Path(sys.argv[2]).resolve() / "bin"
HERE = pathlib.Path(__file__).resolve().parent
HOME = pathlib.Path(tempfile.mkdtemp())
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}"

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


@contextlib.contextmanager
def server():
    env = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(HOME / "server"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
        "ZENML_SERVER_AUTH_SCHEME": "OAUTH2_PASSWORD_BEARER",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        "ZENML_DEFAULT_USER_NAME": "default",
        "ZENML_DEFAULT_USER_PASSWORD": "bench-password",
        "ZENML_SERVER_JWT_SECRET_KEY": "of-no-use-outside-of-this-benchmark-0123456789",
        "ZENML_STORE_TYPE": "sql",
        "ZENML_STORE_URL": f"sqlite:///{HOME}/zenml.db",
        "PYTHONPATH": str(HERE),
    }
    words = [BIN / "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1", "--port", str(PORT)]
    process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(URL + "/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait()


def measured(words, env, cwd):
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(words, env=env, cwd=cwd, capture_output=True, text=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    credentials = {"ZENML_STORE_USERNAME": "default", "ZENML_STORE_PASSWORD": "bench-password"}
    client = {
        **os.environ,
        **credentials,
        "ZENML_CONFIG_PATH": str(HOME / "client"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_STORE_URL": URL,
        "PYTHONPATH": str(HERE),
    }
    project = HOME / "project"
    project.mkdir()
    (project / "stackref.toml").write_text(f'[inventory.prod]\nkind = "zenml"\nurl = "{URL}"\n')
    references = {f"a{at}": f"{{{{secret{at // 4}.key{at % 4}}}}}" for at in range(200)}
    tracker = {"name": "tracker", "flavor": "bench", "type": "experiment_tracker", "configuration": references}
    stack = {"stack_name": "bench", "zenml_version": "0.98.0", "components": {"experiment_tracker": tracker}}
    (project / "bench.json").write_text(json.dumps(stack, indent=2))
    ours = {"PATH": os.environ["PATH"], "HOME": str(HOME), **credentials}
    with server():
        # ZenML wants its sources to lie in files.
        setup = HOME / "setup_bench.py"
        setup.write_text(SETUP)
        subprocess.run([BIN / "python", setup], env=client, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        commands = {
            "stackref check": ([STACKREF, "check"], ours),
            "stackref register --skip-existing": ([STACKREF, "register", "--skip-existing"], ours),
            "zenml stack register-secrets --skip-existing": (
                [BIN / "zenml", "stack", "register-secrets", "--skip-existing", "bench"],
                client,
            ),
        }
        times = {name: [] for name in commands}
        for _ in range(5):
            for name, (words, env) in commands.items():
                times[name].append(measured(words, env, project))
    for name, runs in times.items():
        wall, cpu = (statistics.median(run[at] for run in runs) for at in (0, 1))
        print(f"{name}: {wall:.2f} s, {cpu:.3f} s of CPU")


main()
