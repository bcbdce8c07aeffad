#!/usr/bin/env python3
"""Compares src/zenml/flavors/table_0_98.rs with the flavors of an installed `zenml`: `zenml_flavors.py [--write]`.

Run it with a Python that has `zenml`; `just zenml-flavors VERSION` installs it first. With another version than 0.98.0, the
differences show what the next table needs. `--write` writes the table. Ends with 1 if the table differs.
"""
import difflib
import logging
import os
import pathlib
import sys
import tempfile
from typing import Annotated

os.environ["ZENML_CONFIG_PATH"] = tempfile.mkdtemp()
os.environ["ZENML_ANALYTICS_OPT_IN"] = "false"
logging.disable(logging.CRITICAL)

import pydantic  # noqa: E402: the environment comes first
from zenml.stack.flavor_registry import FlavorRegistry  # noqa: E402
from zenml.utils import secret_utils  # noqa: E402
from zenml.utils.pydantic_utils import has_validators  # noqa: E402

TABLE = pathlib.Path(__file__).resolve().parents[2] / "src/zenml/flavors/table_0_98.rs"
REFERENCE = "{{name.key}}"
# ZenML does not mark the password of deployed pipelines as sensitive.
ALSO_SENSITIVE = {"deployer": ["auth_key"]}

HEADER = """\
//! The flavors of `zenml` 0.98.0 with all their attributes.
//!
//! `tests/ci/zenml_flavors.py` generates this table from the classes in the package.

use super::flavor_row::{Flavor, row};

#[rustfmt::skip]
pub(super) const V0_98: &[Flavor] = &[
"""


def takes_strings(field):
    """Returns whether an attribute accepts a reference as a string."""
    kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        return pydantic.TypeAdapter(kind).validate_python(REFERENCE) == REFERENCE
    except pydantic.ValidationError:
        return False


def is_secret_str(field):
    return "SecretStr" in repr(field.annotation) or any("SecretStr" in repr(part) for part in field.metadata)


def row(flavor):
    """Returns a flavor's row: type, name, and its sensitive, refused, string, SecretStr and other attributes."""
    fields = flavor.config_class.model_fields
    kind = flavor.type.value
    secret_strs = [name for name, field in fields.items() if is_secret_str(field)]
    sensitive = {name for name, field in fields.items() if secret_utils.is_secret_field(field)}
    sensitive |= {*secret_strs, *(name for name in ALSO_SENSITIVE.get(kind, []) if name in fields)}
    refused = [
        name for name, field in fields.items()
        if name not in secret_strs
        and (has_validators(pydantic_class=flavor.config_class, field_name=name) or secret_utils.is_clear_text_field(field))
    ]
    plain = [name for name in fields if name not in secret_strs]
    strings = [name for name in plain if takes_strings(fields[name])]
    others = [name for name in plain if name not in strings]
    return kind, flavor.name, sorted(sensitive), refused, strings, secret_strs, others


def rust(kind, name, *lists):
    """Returns a row as Rust code. Empty lists are left out."""
    methods = ["sensitive", "refused", "strings", "secret_strs", "others"]
    lines = [f'    row("{kind}", "{name}")']
    for method, words in zip(methods, lists, strict=True):
        if words:
            lines.append(f"        .{method}(&[" + ", ".join(f'"{word}"' for word in words) + "])")
    return "\n".join(lines) + ",\n"


def flavors():
    registry = FlavorRegistry()
    classes = {*registry.builtin_flavors, *registry.integration_flavors}
    return [flavor() for flavor in classes]


def table():
    return HEADER + "".join(rust(*row(flavor)) for flavor in sorted(flavors(), key=lambda flavor: (flavor.type.value, flavor.name))) + "];\n"


def main():
    new, old = table(), TABLE.read_text() if TABLE.exists() else ""
    if "--write" in sys.argv:
        TABLE.write_text(new)
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(TABLE), "the package"))
    return int(new != old)


if __name__ == "__main__":
    sys.exit(main())
