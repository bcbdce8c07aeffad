//! Properties of environments: a run over all of them reports what separate runs report, and
//! `matrix` agrees with both.

use crate::environments::stack;
use crate::support::{check, folder, run};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
/// The names are similar, so that they are suggested for each other.
const SECRETS: [&str; 4] = ["db", "dbs", "mlflow", "mlfow"];
const KEYS: [&str; 4] = ["user", "users", "token", "tokn"];
const LEVELS: [&str; 3] = ["secret-and-key-exists", "secret-exists", "none"];

/// The keys of each secret of an inventory.
type Contents = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// The level and the contents of the inventory of an environment.
type Environment = (&'static str, Contents);

fn contents() -> impl Strategy<Value = Contents> {
    let keys = proptest::collection::btree_set(proptest::sample::select(&KEYS[..]), 0..4);
    proptest::collection::btree_map(proptest::sample::select(&SECRETS[..]), keys, 0..4)
}

fn environment() -> impl Strategy<Value = Environment> {
    let level = prop_oneof![6 => Just(LEVELS[0]), 1 => Just(LEVELS[1]), 1 => Just(LEVELS[2])];
    (level, contents())
}

/// Generates references, as (secret, key). A reference may occur several times.
fn references() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let secret = proptest::sample::select(&SECRETS[..]);
    let key = proptest::sample::select(&KEYS[..]);
    proptest::collection::vec((secret, key), 1..8)
}

fn inventory(contents: &Contents) -> String {
    contents
        .iter()
        .fold(String::from("# names\n"), |mut text, (secret, keys)| {
            let keys: Vec<&str> = keys.iter().copied().collect();
            writeln!(text, "{secret}: [{}]", keys.join(", ")).unwrap();
            text
        })
}

/// A reference of the report, by its offset, with its rule and its environments.
type Reported = BTreeMap<u64, (String, Vec<String>)>;

fn reported(folder: &Path, more: &[&str]) -> Reported {
    let output = check(folder, &[&["--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&output.stdout).expect(&output.stdout);
    assert_eq!(report["failures"], serde_json::json!([]), "{output:?}");
    let findings = report["findings"].as_array().unwrap().iter();
    let references = findings.filter(|finding| finding["path"] == "stacks/a.yaml");
    let mut found = Reported::new();
    for finding in references {
        let names = finding["environments"].as_array().cloned();
        let names = names.unwrap_or_default();
        let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
        let rule = finding["rule"].as_str().unwrap().to_owned();
        let offset = finding["span"]["offset"].as_u64().unwrap();
        let other = found.insert(offset, (rule, names.collect()));
        assert_eq!(other, None, "a reference has one finding: {output:?}");
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_over_all_environments_reports_what_separate_runs_report(
        all in proptest::array::uniform3(environment()),
        references in references(),
    ) {
        let names: Vec<String> = (0..references.len()).map(|at| format!("a{at}")).collect();
        let values: Vec<String> = references.iter().map(|(secret, key)| format!("{{{{{secret}.{key}}}}}")).collect();
        let attributes: Vec<(&str, &str)> = names.iter().zip(&values).map(|(name, value)| (&name[..], &value[..])).collect();
        let text = stack("a", &attributes);
        let mut config = String::new();
        for (name, (level, _)) in ENVIRONMENTS.iter().zip(&all) {
            write!(config, "[inventory.{name}]\nkind = \"file\"\npath = \"names/{name}.yaml\"\n[environment.{name}]\nlevel = \"{level}\"\ninventory = [\"{name}\"]\n").unwrap();
        }
        let mut files = vec![("stackref.toml".to_owned(), config), ("stacks/a.yaml".to_owned(), text.clone())];
        for (name, (_, contents)) in ENVIRONMENTS.iter().zip(&all) {
            files.push((format!("names/{name}.yaml"), inventory(contents)));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&name[..], &text[..])).collect();
        let folder = folder(&files);
        // The findings of separate runs, by offset, with the environments in the order of the config.
        let mut expected: BTreeMap<u64, (BTreeSet<String>, Vec<String>)> = BTreeMap::new();
        for (name, (level, _)) in ENVIRONMENTS.iter().zip(&all) {
            for (offset, (rule, environments)) in reported(folder.path(), &["--inventory", name, "--level", level]) {
                prop_assert!(environments.is_empty());
                let (rules, names) = expected.entry(offset).or_default();
                rules.insert(rule);
                names.push((*name).to_owned());
            }
        }
        let together = reported(folder.path(), &[]);
        let environments: BTreeMap<u64, &Vec<String>> = together.iter().map(|(offset, (_, names))| (*offset, names)).collect();
        let separate: BTreeMap<u64, &Vec<String>> = expected.iter().map(|(offset, (_, names))| (*offset, names)).collect();
        prop_assert_eq!(environments, separate, "{:?}\n{}", &all, &text);
        for (offset, (rule, _)) in &together {
            prop_assert!(expected[offset].0.contains(rule), "{:?}\n{}", &all, &text);
        }
        // `matrix` has a row for each name and key that is used or exists.
        let matrix = run(&["matrix", "--format", "json"], folder.path(), b"");
        let json: Value = serde_json::from_str(&matrix.stdout).expect(&matrix.stdout);
        prop_assert_eq!(matrix.code, i32::from(!together.is_empty()), "{:?}", &matrix);
        let offset_of = |value: &str| u64::try_from(text.find(value).unwrap()).unwrap();
        let mut rows: BTreeSet<(String, String)> = BTreeSet::new();
        for row in json["rows"].as_array().unwrap() {
            let secret = row["secret"].as_str().unwrap();
            let Some(key) = row["key"].as_str() else {
                // A secret without keys, or one whose keys are not listed.
                continue;
            };
            prop_assert!(rows.insert((secret.to_owned(), key.to_owned())), "{:?}", &matrix);
            let value = format!("{{{{{secret}.{key}}}}}");
            let uses = references.iter().filter(|it| **it == (secret, key)).count();
            prop_assert_eq!(row["uses"].as_array().unwrap().len(), uses);
            let finding = (uses > 0).then(|| together.get(&offset_of(&value))).flatten();
            let missing = finding.map(|(_, names)| names.clone()).unwrap_or_default();
            for (name, (level, contents)) in ENVIRONMENTS.iter().zip(&all) {
                let exists = contents.get(secret).is_some_and(|keys| keys.contains(key));
                let cell = row["cells"][name].as_str().unwrap();
                let is_missing = missing.iter().any(|missing| missing == name);
                prop_assert_eq!(cell == "missing", is_missing, "{}.{} in {}: {:?}", secret, key, name, &matrix);
                let full = match (uses > 0, exists) {
                    (true, true) => "ok",
                    (true, false) => "missing",
                    (false, true) => "unused",
                    (false, false) => "absent",
                };
                let expected = match *level {
                    "none" => "unknown",
                    // The keys of a secret are not known, but those of a secret that does not exist are.
                    "secret-exists" if contents.contains_key(secret) => "unknown",
                    _ => full,
                };
                prop_assert_eq!(cell, expected, "{}.{} in {}: {:?}", secret, key, name, &matrix);
            }
        }
        for (secret, key) in &references {
            prop_assert!(rows.contains(&((*secret).to_owned(), (*key).to_owned())), "{:?}", &matrix);
        }
    }
}
