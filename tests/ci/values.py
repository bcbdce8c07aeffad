"""Reads the values of a fixture's inventories, which no output may contain."""
import base64
import binascii
import json
import pathlib
import tomllib

import yaml

READ = {".yaml": yaml.safe_load, ".yml": yaml.safe_load, ".json": json.loads, ".toml": tomllib.loads}


def strings(tree):
    if isinstance(tree, dict):
        return [text for key, value in tree.items() if key != "zenml_schema_name" for text in strings(value)]
    if isinstance(tree, list):
        return [text for item in tree for text in strings(item)]
    return [tree] if isinstance(tree, str) else []


def decode(text):
    """Decodes base64, which ZenML's local file contains. Output must contain neither form."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def forbidden_values(folder, args):
    """Returns the values of files with `secrets` in their path or named by the command, and `hunter2`."""
    inventories = {args[at + 1] for at, word in enumerate(args) if word == "--inventory"}
    found = {"hunter2"}
    for path in pathlib.Path(folder).rglob("*"):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.suffix not in READ or not ("secrets" in name or name in inventories):
            continue
        try:
            inventory = READ[path.suffix](path.read_text(encoding="utf-8"))
        except Exception:  # a fixture may be invalid on purpose; its values contain `hunter2`
            continue
        secrets = inventory.values() if isinstance(inventory, dict) else []
        texts = [text for secret in secrets if isinstance(secret, dict) for text in strings(secret)]
        found |= {form for text in texts for form in (text, decode(text)) if len(form) > 3}
    return sorted(found)
