#!/usr/bin/env python3
"""Makes the trees that the benchmarks run on: `tree.py KIND FOLDER [COUNT]`.

mixed     COUNT files (30,000): 2 % stack files, 4 % Helm-like files full of braces, the rest YAML, TOML and JSON
findings  one stack file with COUNT findings (4,000)
small     one small stack file
render    COUNT stack files (2,000) with 24 references each, and values for them
large     one stack file of about 20 MB with COUNT references (50,000), and values for them
All have a `secrets.inventory.yaml`. The same arguments give the same bytes.
"""
import pathlib
import random
import sys

kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
rng = random.Random(7)
folder.mkdir(parents=True, exist_ok=True)
(folder / "secrets.inventory.yaml").write_text(
    "mlflow_secret: [username, password]\naws_secret: [access_key, secret_key]\nslack: [token]\n"
)


def stack(n):
    return f"""# stack {n}
components:
  artifact_store:
  - configuration:
      path: s3://bucket-{n}/prefix
      key: '{{{{aws_secret.access_key}}}}'
      secret: '{{{{aws_secret.secret_key}}}}'
    flavor: s3
    name: store
    type: artifact_store
  experiment_tracker:
  - configuration:
      experiment_name: run-{n}
      tracking_password: '{{{{mlflow_secret.password}}}}'
      tracking_uri: https://mlflow.example.com
      tracking_username: '{{{{mlflow_secret.username}}}}'
    flavor: mlflow
    name: tracker
    type: experiment_tracker
stack_name: stack-{n}
zenml_version: 0.98.0
"""


def helm(n):
    lines = [f"# template {n}", "apiVersion: v1", "kind: ConfigMap", "data:"]
    lines += [f'  key{i}: "{{{{ .Values.service{i}.name }}}}-{{{{ .Release.Name }}}}"' for i in range(40)]
    return "\n".join(lines) + "\n"


def plain(n):
    lines = [f"# file {n}", "metadata:", f"  name: item-{n}", "spec:"]
    lines += [f"  field_{i}: {rng.choice(['alpha', 'beta', 'gamma', '42', 'true'])} value {i}" for i in range(rng.randint(10, 60))]
    return "\n".join(lines) + "\n"


def values():
    secrets = {f"secret_{n}": {f"key_{k}": f"value: {n} #{k}" for k in range(4)} for n in range(50)}
    lines = []
    for name, keys in secrets.items():
        lines.append(f"{name}:")
        lines += [f"  {key}: '{value}'" for key, value in keys.items()]
    (folder / "secrets.inventory.yaml").write_text("\n".join(lines) + "\n")


def component(n, references, pad):
    lines = ["components:", "  orchestrator:", "  - configuration:"]
    for at in range(references):
        lines.append(f"      attribute_{at}: '{{{{secret_{(n + at) % 50}.key_{at % 4}}}}}' # {'x' * pad}")
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", f"stack_name: stack-{n}", "zenml_version: 0.98.0"]
    return "\n".join(lines) + "\n"


if kind == "render":
    values()
    for n in range(int(sys.argv[3]) if len(sys.argv) > 3 else 2000):
        place = folder / f"team-{n % 20}"
        place.mkdir(exist_ok=True)
        (place / f"stack-{n}.yaml").write_text(component(n, 24, 20))
elif kind == "large":
    values()
    (folder / "large.yaml").write_text(component(0, int(sys.argv[3]) if len(sys.argv) > 3 else 50000, 340))
elif kind == "small":
    (folder / "prod.yaml").write_text(stack(1))
elif kind == "findings":
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 4000
    pad = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    lines = ["components:", "  orchestrator:", "  - configuration:"]
    lines += [f"      attribute_{i}: '{{{{mlflow_secre.k{i % 50}}}}}'" + (" # " + "x" * pad if pad else "") for i in range(count)]
    lines += ["    flavor: ours", "    name: o", "    type: orchestrator", "stack_name: many", "zenml_version: 0.98.0"]
    (folder / "many.yaml").write_text("\n".join(lines) + "\n")
else:
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 30000
    for n in range(count):
        place = folder / f"team-{n % 20}" / f"project-{n // 20 % 50}"
        place.mkdir(parents=True, exist_ok=True)
        at = n % 100
        if at < 2:
            (place / f"stack-{n}.yaml").write_text(stack(n))
        elif at < 6:
            (place / f"template-{n}.yaml").write_text(helm(n))
        elif at < 16:
            (place / f"data-{n}.json").write_text("{" + ", ".join(f'"key{i}": "value {i}"' for i in range(30)) + "}\n")
        elif at < 22:
            (place / f"settings-{n}.toml").write_text("\n".join(f'key{i} = "value {i}"' for i in range(30)) + "\n")
        else:
            (place / f"file-{n}.yaml").write_text(plain(n))
