//! `docs/dev/dependencies.md` has a row for every dependency that a manifest names, with its version and features, and no other.
//!
//! Licences and numbers of crates need what cargo knows; `tests/proof/dependencies.py` holds those.

use crate::pages::read;
use crate::support::project;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// A row, or what has to have one: section, crate, version, features.
type Row = (String, String, String, String);

/// A table of a manifest as rows; the section of each depends on whether it is optional.
fn rows(manifest: &str, table: &str, section: impl Fn(bool) -> &'static str) -> Vec<Row> {
    let manifest: Table = read(&project().join(manifest)).parse().unwrap();
    let Some(table) = manifest.get(table).and_then(Value::as_table) else {
        return Vec::new();
    };
    let row = |(name, wanted): (&String, &Value)| {
        let field = |key: &str| wanted.get(key);
        let is_set = |key: &str| field(key).and_then(Value::as_bool);
        let version = wanted
            .as_str()
            .or_else(|| field("version")?.as_str())?
            .to_owned();
        let more = field("features")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut features: Vec<&str> = more.map(|feature| feature.as_str().unwrap()).collect();
        if is_set("default-features") != Some(false) {
            features.push("default");
        }
        features.sort_by_key(|feature| (*feature != "default", *feature));
        let features = if features.is_empty() {
            "none".to_owned()
        } else {
            features.join(", ")
        };
        Some((
            section(is_set("optional") == Some(true)).to_owned(),
            name.clone(),
            version,
            features,
        ))
    };
    // What has no version is a crate of this very repository.
    table.iter().filter_map(row).collect()
}

fn named() -> BTreeSet<Row> {
    let mut named = rows("Cargo.toml", "dependencies", |optional| {
        if optional {
            "With the feature `aws`"
        } else {
            "In every build"
        }
    });
    named.extend(rows("Cargo.toml", "dev-dependencies", |_| "For tests"));
    named.extend(rows("Cargo.toml", "build-dependencies", |_| "For builds"));
    if project().join("fuzz/Cargo.toml").exists() {
        named.extend(rows("fuzz/Cargo.toml", "dependencies", |_| "For fuzzing"));
    }
    named.into_iter().collect()
}

fn documented() -> BTreeSet<Row> {
    let page = read(&project().join("docs/dev/dependencies.md"));
    let mut rows = BTreeSet::new();
    let mut section = "";
    for line in page.lines() {
        section = line.strip_prefix("## ").unwrap_or(section);
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells.len() == 8 && cells[0] != "crate" && !cells[0].starts_with('-') {
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
            let [name, version, features] = [cells[0], cells[1], cells[2]].map(str::to_owned);
            assert!(
                rows.insert((section.to_owned(), name, version, features)),
                "twice: {line}"
            );
        }
    }
    rows
}

#[test]
fn every_dependency_has_its_row_and_every_row_its_dependency() {
    let (named, documented) = (named(), documented());
    let without: Vec<&Row> = named.difference(&documented).collect();
    let needless: Vec<&Row> = documented.difference(&named).collect();
    assert!(
        without.is_empty() && needless.is_empty(),
        "without a row: {without:#?}\nwithout a dependency: {needless:#?}"
    );
    assert!(named.len() > 20);
}
