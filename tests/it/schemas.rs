//! The schemas below `schemas/` are those that are printed, and that of the config says what its reader says. What they
//! make of real files is tried by `tests/ci/schemas.py`, with a validator.

use crate::support::{check, folder, project, run};
use serde_json::Value;
use stackref::lint::rules;
use stackref::output::schemas::{SchemaKind, schema};
use stackref::project::config;
use std::collections::BTreeSet;
use tempfile::TempDir;

#[test]
fn the_schemas_that_are_checked_in_are_those_that_are_printed() {
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

/// Properties of the schema that the reader is yet to take. To be emptied as soon as it takes them.
const NOT_READ_YET: [(&str, &str); 0] = [];

/// The mistakes of a config, each with its help.
fn mistakes(text: &str) -> Vec<(String, String)> {
    let files = folder(&[("stackref.toml", text)]);
    let failures = match config::load(&files.path().join("stackref.toml"), "stackref.toml") {
        Ok(_) => Vec::new(),
        Err(failures) => failures,
    };
    let told = failures.iter().map(|failure| {
        (
            failure.to_string(),
            failure.help_text().unwrap().to_string(),
        )
    });
    told.collect()
}

/// What the reader's help lists behind the last colon: all that it knows in this place.
fn listed(text: &str, about: &str) -> BTreeSet<String> {
    let mistakes = mistakes(text);
    let help = mistakes
        .iter()
        .find(|(message, _)| message.contains(about))
        .map(|(_, help)| help);
    let help = help.unwrap_or_else(|| panic!("{about} is not told of: {mistakes:?}\n{text}"));
    help.rsplit_once(": ")
        .unwrap()
        .1
        .split(", ")
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

/// The schema that a place refers to.
fn resolved<'s>(root: &'s Value, place: &'s Value) -> &'s Value {
    match place.get("$ref").and_then(Value::as_str) {
        Some(target) => root.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => place,
    }
}

fn properties(root: &Value, table: &str, place: &Value) -> BTreeSet<String> {
    let place = resolved(root, place);
    assert!(
        ["additionalProperties", "unevaluatedProperties"]
            .iter()
            .any(|word| place[*word] == false),
        "{table} takes anything: {place:#}"
    );
    let own = place["properties"].as_object().unwrap().keys().cloned();
    own.filter(|key| !NOT_READ_YET.contains(&(table, key.as_str())))
        .collect()
}

/// The strings that a place allows, by `enum` or one by one with descriptions.
fn allowed(root: &Value, place: &Value) -> BTreeSet<String> {
    let place = resolved(root, place);
    let one_by_one = place["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["const"].as_str());
    let listed = place["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    one_by_one.chain(listed).map(str::to_owned).collect()
}

#[test]
fn the_schema_of_the_config_has_the_keys_that_its_reader_takes() {
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
    for (table, needed) in [
        ("stacks", "files = []\ninventory = []"),
        ("ignore", "path = []\nrule = \"syntax-error\""),
    ] {
        let text = format!("[[{table}]]\n{needed}\nnonsense = 1");
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
        // What the reader misses in an empty table is what the schema requires.
        let missed: BTreeSet<String> = mistakes(&format!("[inventory.x]\nkind = \"{name}\""))
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
        assert_eq!(required.collect::<BTreeSet<_>>(), missed, "{name}");
    }
}

#[test]
fn the_schema_of_the_config_has_the_words_that_its_reader_takes() {
    let root = &schema(SchemaKind::Config);
    let at = |key: &str| resolved(root, &root["properties"][key]);
    let levels = allowed(root, at("level"));
    assert_eq!(levels.len(), 6);
    for level in levels {
        assert_eq!(mistakes(&format!("level = \"{level}\"")), []);
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

/// The same files are given to a validator by `tests/ci/schemas.py`: what it takes is read, what it refuses is not.
#[test]
fn the_samples_are_read_or_refused_as_their_schemas_say() {
    let samples = project().join("fixtures/schemas");
    let mut seen = 0;
    for (folder, exit) in [("read", 0), ("refused", 2)] {
        for entry in std::fs::read_dir(samples.join("config").join(folder)).unwrap() {
            let file = entry.unwrap().path();
            let empty = TempDir::new().unwrap();
            let output = check(empty.path(), &["--config", file.to_str().unwrap()]);
            assert_eq!(output.code, exit, "{}: {}", file.display(), output.stderr);
            seen += 1;
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
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}
