//! Tests that `docs/dev/dependencies.md` has one row for each dependency in a manifest, with its
//! version and features, and no other rows.
//!
//! `tests/proof/dependencies.py` compares licences and numbers of crates, because they need cargo's
//! metadata.

use crate::pages::read;
use crate::support::project;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// A row of the page, or a dependency that needs one: section, crate, version, features.
type Row = (String, String, String, String);

/// Returns the rows that a table of a manifest needs. `section` returns the section of optional and
/// of other dependencies.
fn table_rows(manifest: &str, table: &str, section: impl Fn(bool) -> &'static str) -> Vec<Row> {
    let manifest: Table = read(&project().join(manifest)).parse().unwrap();
    let Some(table) = manifest.get(table).and_then(Value::as_table) else {
        return Vec::new();
    };
    let row = |(name, requirement): (&String, &Value)| {
        let field = |key: &str| requirement.get(key);
        let is_set = |key: &str| field(key).and_then(Value::as_bool);
        let version = requirement
            .as_str()
            .or_else(|| field("version")?.as_str())?
            .to_owned();
        let listed = field("features")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut features: Vec<&str> = listed.map(|feature| feature.as_str().unwrap()).collect();
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
    // A dependency without a version is a crate of this repository.
    table.iter().filter_map(row).collect()
}

/// Returns the rows that the manifests need.
fn required_rows() -> BTreeSet<Row> {
    let mut rows = table_rows("Cargo.toml", "dependencies", |optional| {
        if optional {
            "With the feature `aws`"
        } else {
            "In every build"
        }
    });
    rows.extend(table_rows(
        "Cargo.toml",
        "dev-dependencies",
        |_| "For tests",
    ));
    rows.extend(table_rows(
        "Cargo.toml",
        "build-dependencies",
        |_| "For builds",
    ));
    if project().join("fuzz/Cargo.toml").exists() {
        rows.extend(table_rows(
            "fuzz/Cargo.toml",
            "dependencies",
            |_| "For fuzzing",
        ));
    }
    rows.into_iter().collect()
}

/// Returns the rows of the page. Panics if a cell is empty or a row occurs twice.
fn documented_rows() -> BTreeSet<Row> {
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
                "duplicate row: {line}"
            );
        }
    }
    rows
}

#[test]
fn each_dependency_has_a_row_and_each_row_a_dependency() {
    let (required, documented) = (required_rows(), documented_rows());
    let missing: Vec<&Row> = required.difference(&documented).collect();
    let obsolete: Vec<&Row> = documented.difference(&required).collect();
    assert!(
        missing.is_empty() && obsolete.is_empty(),
        "dependencies without a row: {missing:#?}\nrows without a dependency: {obsolete:#?}"
    );
    assert!(required.len() > 20);
}
