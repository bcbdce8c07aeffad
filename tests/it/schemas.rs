//! The files in `schemas/` equal the printed schemas, and the schema of the config allows the keys
//! and values that its reader accepts. `tests/ci/schemas.py` validates files with the schemas.

use crate::support::{check, folder, project, run};
use serde_json::Value;
use stackref::lint::rules;
use stackref::output::schemas::{SchemaKind, schema};
use stackref::project::config;
use std::collections::BTreeSet;
use tempfile::TempDir;

#[test]
fn checked_in_schemas_equal_the_printed_ones() {
    for which in SchemaKind::ALL {
        let file = project().join(format!("schemas/stackref.{}.schema.json", which.name()));
        let printed = run(&["schema", which.name()], project(), b"");
        assert_eq!((printed.stderr.as_str(), printed.code), ("", 0));
        if std::env::var_os("STACKREF_BLESS").is_some() {
            std::fs::write(&file, &printed.stdout).unwrap();
        }
        let checked_in = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            checked_in,
            printed.stdout,
            "{}: STACKREF_BLESS=1 writes it",
            file.display()
        );
    }
}

/// Properties of the schema that the reader does not accept yet. Remove them as soon as it does.
const NOT_READ_YET: [(&str, &str); 0] = [];

/// Returns the errors of a config as (message, help).
fn config_errors(text: &str) -> Vec<(String, String)> {
    let files = folder(&[("stackref.toml", text)]);
    let failures = match config::load(&files.path().join("stackref.toml"), "stackref.toml") {
        Ok(_) => Vec::new(),
        Err(failures) => failures,
    };
    let errors = failures.iter().map(|failure| {
        (
            failure.to_string(),
            failure.help_text().unwrap().to_string(),
        )
    });
    errors.collect()
}

/// Returns the names after the last colon in the help of an error: all that the reader accepts
/// there.
fn listed(text: &str, about: &str) -> BTreeSet<String> {
    let errors = config_errors(text);
    let help = errors
        .iter()
        .find(|(message, _)| message.contains(about))
        .map(|(_, help)| help);
    let help = help.unwrap_or_else(|| panic!("no error contains {about}: {errors:?}\n{text}"));
    help.rsplit_once(": ")
        .unwrap()
        .1
        .split(", ")
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// Returns the schema that the `$ref` of a schema points to, or the schema itself.
fn resolved<'s>(root: &'s Value, node: &'s Value) -> &'s Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(target) => root.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => node,
    }
}

fn properties(root: &Value, table: &str, node: &Value) -> BTreeSet<String> {
    let node = resolved(root, node);
    assert!(
        ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|keyword| node[*keyword] == false),
        "{table} allows unknown keys: {node:#}"
    );
    let own = node["properties"].as_object().unwrap().keys().cloned();
    own.filter(|key| !NOT_READ_YET.contains(&(table, key.as_str())))
        .collect()
}

/// Returns the strings that a schema allows, by `enum` or by `oneOf`.
fn allowed(root: &Value, node: &Value) -> BTreeSet<String> {
    let node = resolved(root, node);
    let alternatives = node["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|alternative| alternative["const"].as_str());
    let listed = node["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    alternatives.chain(listed).map(str::to_owned).collect()
}

#[test]
fn config_schema_has_the_keys_of_its_reader() {
    let root = &schema(SchemaKind::Config);
    let at = |key: &str| resolved(root, &root["properties"][key]);
    assert_eq!(
        properties(root, "", root),
        listed("nonsense = 1", "`nonsense`")
    );
    assert_eq!(
        properties(root, "files", at("files")),
        listed("[files]\nnonsense = 1", "`nonsense`")
    );
    for (table, required) in [
        ("stacks", "files = []\ninventory = []"),
        ("ignore", "path = []\nrule = \"syntax-error\""),
    ] {
        let text = format!("[[{table}]]\n{required}\nnonsense = 1");
        assert_eq!(
            properties(root, table, &at(table)["items"]),
            listed(&text, "`nonsense`")
        );
    }
    assert_eq!(
        properties(root, "rules", at("rules")),
        listed("[rules]\nnonsense = \"off\"", "`nonsense`")
    );
    let kinds = resolved(root, &at("inventory")["additionalProperties"])["oneOf"]
        .as_array()
        .unwrap();
    let name = |kind: &Value| {
        kind["properties"]["kind"]["const"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let names: BTreeSet<String> = kinds.iter().map(name).collect();
    assert_eq!(
        names,
        listed("[inventory.x]\nkind = \"nonsense\"", "`nonsense`")
    );
    for kind in kinds {
        let name = name(kind);
        let text = format!("[inventory.x]\nkind = \"{name}\"\nnonsense = 1");
        assert_eq!(
            properties(root, &name, kind),
            listed(&text, "`nonsense`"),
            "{name}"
        );
        // The schema requires the keys that the reader reports as missing from an empty table.
        let missing: BTreeSet<String> = config_errors(&format!("[inventory.x]\nkind = \"{name}\""))
            .iter()
            .filter_map(|(message, _)| {
                Some(
                    message
                        .split_once(" has no `")?
                        .1
                        .trim_end_matches('`')
                        .to_owned(),
                )
            })
            .chain(["kind".to_owned()])
            .collect();
        let required = kind["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap().to_owned());
        assert_eq!(required.collect::<BTreeSet<_>>(), missing, "{name}");
    }
}

#[test]
fn config_schema_has_the_values_of_its_reader() {
    let root = &schema(SchemaKind::Config);
    let at = |key: &str| resolved(root, &root["properties"][key]);
    let levels = allowed(root, at("level"));
    assert_eq!(levels.len(), 6);
    for level in levels {
        assert_eq!(config_errors(&format!("level = \"{level}\"")), []);
    }
    assert_eq!(
        allowed(root, at("resolver")),
        listed("resolver = \"nonsense\"", "`nonsense`")
    );
    let rule = &at("rules")["properties"]["syntax-error"];
    assert_eq!(
        allowed(root, rule),
        listed("[rules]\nsyntax-error = \"nonsense\"", "`nonsense`")
    );
    let ignored = resolved(root, &at("ignore")["items"])["properties"]["rule"].clone();
    assert_eq!(
        allowed(root, &ignored),
        rules::names().map(str::to_owned).collect()
    );
    let kinds = resolved(root, &at("inventory")["additionalProperties"])["oneOf"]
        .as_array()
        .unwrap();
    let aws = kinds
        .iter()
        .find(|kind| kind["properties"]["kind"]["const"] == "aws")
        .unwrap();
    let text = "[inventory.x]\nkind = \"aws\"\nservice = \"nonsense\"";
    assert_eq!(
        allowed(root, &aws["properties"]["service"]),
        listed(text, "`nonsense`")
    );
}

/// `tests/ci/schemas.py` validates the same files: the schemas must accept and reject the same
/// ones.
#[test]
fn samples_are_accepted_or_rejected_as_by_their_schemas() {
    let samples = project().join("fixtures/schemas");
    let mut checked = 0;
    for (folder, exit) in [("read", 0), ("refused", 2)] {
        for entry in std::fs::read_dir(samples.join("config").join(folder)).unwrap() {
            let file = entry.unwrap().path();
            let empty = TempDir::new().unwrap();
            let output = check(empty.path(), &["--config", file.to_str().unwrap()]);
            assert_eq!(output.code, exit, "{}: {}", file.display(), output.stderr);
            checked += 1;
        }
        for entry in std::fs::read_dir(samples.join("inventory").join(folder)).unwrap() {
            let file = entry.unwrap().path();
            let empty = TempDir::new().unwrap();
            let output = run(
                &["inventory", "--inventory", file.to_str().unwrap()],
                empty.path(),
                b"",
            );
            assert_eq!(output.code, exit, "{}: {}", file.display(), output.stderr);
            checked += 1;
        }
    }
    assert!(checked > 15, "{checked}");
}
