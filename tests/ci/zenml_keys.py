#!/usr/bin/env python3
"""Compares src/zenml/run_config_keys/key_tables.rs with the classes in the wheel of `zenml`: `zenml_keys.py FOLDER [VERSION] [--write]`.

Downloads the wheel into FOLDER and reads its sources, so `zenml` does not have to be installed. With another version than
0.98.0, the differences show the keys that were added or removed. `--write` writes the tables. Ends with 1 if they differ.
"""
import ast
import difflib
import pathlib
import subprocess
import sys
import zipfile

KEYS = pathlib.Path(__file__).resolve().parents[2] / "src/zenml/run_config_keys/key_tables.rs"
HEADER = """\
//! The keys of run configs in `zenml` 0.98.0, and the component types.
//!
//! `tests/ci/zenml_keys.py` generates these tables from the classes in the wheel.

use super::{SettingsKeys, ValueShape};
"""

# The shape in YAML of a value, by the class in the annotation.
SHAPES = {
    "Mapping": ["Dict", "Mapping", "Model", "Schedule", "StepRetryConfig", "BaseSettings", "GroupInfo"],
    "Sequence": ["List", "Set"],
    "Scalar": ["bool", "str", "int", "float", "UUID", "ExecutionMode", "StepRuntime"],
    "ScalarOrMapping": ["StringSerializableSource", "CachePolicyWithValidator", "PipelineBuildBase"],
}


def alternatives(node):
    """Yields the names of the classes that an annotation allows."""
    match node:
        case ast.Constant(value=None):
            return
        case ast.BinOp(left=left, right=right):
            yield from alternatives(left)
            yield from alternatives(right)
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            yield from alternatives(inner)
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=parts)):
            for part in parts:
                yield from alternatives(part)
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            yield name
        case _:
            sys.exit(f"an annotation of an unknown form: {ast.unparse(node)}")


def shape(names):
    shapes = {shape for name in names for shape, classes in SHAPES.items() if name in classes}
    unknown = [name for name in names if not any(name in classes for classes in SHAPES.values())]
    if unknown:
        sys.exit(f"add {unknown} to SHAPES")
    if shapes == {"Scalar", "Mapping"}:
        return "ScalarOrMapping"
    if len(shapes) > 1:
        return "ScalarOrMapping" if shapes <= {"Scalar", "Mapping", "ScalarOrMapping"} else sys.exit(f"add a shape for {names}")
    return shapes.pop()


def class_named(wheel, path, name):
    nodes = ast.walk(ast.parse(wheel.read(f"zenml/{path}")))
    return next(node for node in nodes if isinstance(node, ast.ClassDef) and node.name == name)


def fields(wheel, path, name):
    """Yields the fields of a class: name, annotation and default as code."""
    for statement in class_named(wheel, path, name).body:
        if isinstance(statement, ast.AnnAssign) and not ast.unparse(statement.annotation).startswith("ClassVar"):
            yield statement.target.id, statement.annotation, ast.unparse(statement.value or ast.Constant(None))


def shapes(wheel, path, *classes):
    return sorted({(key, shape(list(alternatives(kind)))) for name in classes for key, kind, _ in fields(wheel, path, name)})


def component_types(wheel):
    values = class_named(wheel, "enums.py", "StackComponentType").body
    return sorted(value.value.value for value in values if isinstance(value, ast.Assign))


def rust_shapes(name, doc, rows):
    lines = "".join(f'    ("{key}", ValueShape::{shape}),\n' for key, shape in rows)
    return f"\n/// {doc}\npub(super) const {name}: [(&str, ValueShape); {len(rows)}] = [\n{lines}];\n"


def rust_settings(name, doc, rows):
    strings = [key for key, kind, default in rows if "str" in alternatives(kind) and "pattern=" not in default]
    others = [key for key, *_ in rows if key not in strings]
    lines = ""
    for field, keys in [("string_keys", strings), ("other_keys", others)]:
        items = "".join(f'        "{key}",\n' for key in keys)
        lines += f'    {field}: &["{keys[0]}"],\n' if len(keys) == 1 else f"    {field}: &[\n{items}    ],\n"
    return f"\n/// {doc}\npub(super) const {name}: SettingsKeys = SettingsKeys {{\n{lines}}};\n"


def tables(wheel):
    run, step = "config/pipeline_run_configuration.py", "config/step_configurations.py"
    types = component_types(wheel)
    text = HEADER + rust_shapes(
        "RUN_KEYS", "The fields of `PipelineRunConfiguration` and `ReplayRunConfiguration`.",
        shapes(wheel, run, "PipelineRunConfiguration", "ReplayRunConfiguration"),
    )
    text += rust_shapes("STEP_KEYS", "The fields of `StepConfigurationUpdate`.", shapes(wheel, step, "StepConfigurationUpdate"))
    for name, path in [("Docker", "docker"), ("Resource", "resource"), ("Deployment", "deployment")]:
        settings = f"{name}Settings"
        rows = list(fields(wheel, f"config/{path}_settings.py", settings))
        text += rust_settings(f"{name.upper()}_SETTINGS", f"The fields of `{settings}`.", rows)
    text += "\n/// The values of `StackComponentType`.\n"
    text += f"pub const COMPONENT_TYPES: [&str; {len(types)}] = [\n" + "".join(f'    "{kind}",\n' for kind in types) + "];\n"
    return text


def main():
    folder, *words = sys.argv[1:]
    version = next((word for word in words if not word.startswith("-")), "0.98.0")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"zenml=={version}"], check=True,
    )
    with zipfile.ZipFile(next(pathlib.Path(folder).glob(f"zenml-{version}-*.whl"))) as wheel:
        new = tables(wheel)
    if "--write" in words:
        KEYS.write_text(new)
        return 0
    old = KEYS.read_text()
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(KEYS), f"zenml {version}"))
    return int(new != old)


if __name__ == "__main__":
    sys.exit(main())
