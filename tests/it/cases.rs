//! A case of the command line is a folder `fixtures/<command>/<a-sentence-as-name>/` with `input/`, `cmd`, `stdout`, `stderr`
//! and `exit`, perhaps `stdin`, and perhaps `after/` with files as they are to be then. `STACKREF_BLESS=1` writes what was printed; read the difference before committing it.

use crate::support::{copy, files_below, folders, project, run, words};
use stackref::rules::RULES;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const COMMANDS: [&str; 11] =
    ["check", "refs", "render", "register", "inventory", "explain", "init", "schema", "completions", "man", "help"];

fn cases() -> Vec<PathBuf> {
    COMMANDS.iter().flat_map(|command| folders(&project().join("fixtures").join(command))).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_case_prints_what_it_says() {
    let bless = std::env::var_os("STACKREF_BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let input = TempDir::new().unwrap();
        copy(&case.join("input"), input.path());
        let stdin = std::fs::read(case.join("stdin")).unwrap_or_default();
        let cmd = read(&case.join("cmd"));
        let output = run(&words(&cmd), input.path(), &stdin);
        let printed = [("stdout", output.stdout), ("stderr", output.stderr), ("exit", format!("{}\n", output.code))];
        for (name, actual) in printed {
            let file = case.join(name);
            if bless {
                std::fs::write(&file, actual).unwrap();
            } else if read(&file) != actual {
                wrong.push(format!("{}:\n--- expected\n{}--- printed\n{actual}", file.display(), read(&file)));
            }
        }
        let has_after = case.join("after").is_dir();
        let after = if has_after { files_below(&case.join("after"), None) } else { Vec::new() };
        for file in after {
            let written = input.path().join(file.strip_prefix(case.join("after")).unwrap());
            if bless {
                std::fs::copy(&written, &file).unwrap();
            } else if read(&file) != read(&written) {
                wrong.push(format!(
                    "{}:\n--- expected\n{}--- written\n{}",
                    file.display(),
                    read(&file),
                    read(&written)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_where_it_speaks_and_one_where_it_must_not() {
    for rule in RULES {
        // No file has two secrets of one name: an inventory of tests says so in `levels`.
        if rule.name == "ambiguous-secret" {
            continue;
        }
        let case = |what: &str| project().join("fixtures/check").join(format!("{}-{what}", rule.name));
        let mark = format!("[{}]", rule.name);
        assert!(read(&case("speaks").join("stdout")).contains(&mark), "{} does not speak", rule.name);
        assert!(!read(&case("is-silent").join("stdout")).contains(&mark), "{} is not silent", rule.name);
    }
}

/// The string values of a tree of values.
fn strings(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => out.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        serde_json::Value::Object(entries) => entries.values().for_each(|value| strings(value, out)),
        _ => {}
    }
}

/// The values of an inventory file: of its maps, not of its lists of keys.
fn values(path: &Path) -> Vec<String> {
    let text = read(path);
    let inventory: Option<serde_json::Value> = match path.extension().unwrap().to_str().unwrap() {
        "toml" => toml::from_str(&text).ok(),
        "json" => serde_json::from_str(&text).ok(),
        _ => serde_yaml::from_str(&text).ok(),
    };
    let mut found = Vec::new();
    for secret in inventory.as_ref().and_then(serde_json::Value::as_object).into_iter().flat_map(|map| map.values()) {
        if let Some(map) = secret.as_object() {
            let values = map.iter().filter(|(key, _)| *key != "zenml_schema_name");
            values.for_each(|(_, value)| strings(value, &mut found));
        }
    }
    found
}

/// Every fixture, in every format: no value of any inventory, and no plain text that stands in a sensitive attribute. In
/// fixtures these hold `hunter2`.
#[test]
fn no_value_is_shown_by_any_case_in_any_format() {
    let mut inputs: Vec<(PathBuf, String)> =
        cases().into_iter().map(|case| (case.join("input"), read(&case.join("cmd")))).collect();
    inputs.push((project().join("fixtures/demo"), "check".to_owned()));
    let (mut secrets, mut outputs) = (0, 0);
    for (input, cmd) in inputs {
        let files = files_below(&input, None);
        let name = |path: &PathBuf| path.strip_prefix(&input).unwrap().display().to_string();
        let inventories = files.iter().filter(|path| name(path).contains("secrets"));
        let mut forbidden: Vec<String> = inventories.flat_map(|path| values(path)).filter(|v| v.len() > 3).collect();
        secrets += forbidden.len();
        forbidden.push("hunter2".to_owned());
        let copied = TempDir::new().unwrap();
        copy(&input, copied.path());
        for format in ["human", "short", "json", "sarif", "github", "gitlab", "junit"] {
            let mut words = words(&cmd);
            let is_list = !words.contains(&"check") && !matches!(format, "human" | "short" | "json");
            if is_list
                || words.iter().any(|word| {
                    matches!(*word, "explain" | "completions" | "man" | "schema" | "help" | "--version" | "-V")
                })
            {
                continue;
            }
            for flag in ["--format", "--output", "-o"] {
                while let Some(at) = words.iter().position(|word| *word == flag && words.contains(&"check")) {
                    words.drain(at..at + 2);
                }
            }
            if let Some(at) = words.iter().position(|word| *word == "--format") {
                words.drain(at..at + 2);
            }
            if !words.iter().any(|word| matches!(*word, "render" | "snapshot" | "init")) {
                words.extend(["--format", format]);
            }
            let output = run(&words, copied.path(), b"");
            outputs += 1;
            for value in &forbidden {
                let shown = output.stdout.contains(value.as_str()) || output.stderr.contains(value.as_str());
                assert!(!shown, "{} shows a value with {words:?}", input.display());
            }
        }
    }
    assert!(secrets > 5 && outputs > 50, "{secrets} values in {outputs} outputs: nothing was looked at");
}
