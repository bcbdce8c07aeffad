//! Runs every case below `fixtures/` as tests of its own. `tests/README.md` describes the layout of
//! a case.
//!
//! For example, the case `fixtures/check/unknown-key/suggests-the-nearest-key` yields two tests:
//!
//! - `check/unknown-key/suggests-the-nearest-key` compares the output, the exit code and the
//!   written files with the files of the case. With `STACKREF_BLESS=1` it writes them instead.
//! - `values/check/unknown-key/suggests-the-nearest-key` runs the command in every format and
//!   checks that no output contains a secret value.
//!
//! The rules for the layout itself are tests in `tests/it/cases.rs`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may panic and print"
)]

#[path = "it/support.rs"]
#[allow(dead_code, reason = "shared with `tests/it`, which uses all of it")]
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use support::{Output, all_cases, copy, files_below, project, run, words};
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Modules of rules are named `unknown_key`, their cases `unknown-key`: `cargo test unknown_key`
    // runs the tests of both.
    arguments.filter = arguments.filter.map(|filter| filter.replace('_', "-"));
    let mut trials = vec![
        Trial::test("values/guard/checks-many-values", guard_checks_many_values),
        Trial::test(
            "values/guard/finds-a-printed-value",
            guard_finds_a_printed_value,
        ),
    ];
    for probe in probes() {
        trials.push(Trial::test(format!("values/{}", probe.name), move || {
            probe.prints_no_value()
        }));
    }
    for case in all_cases() {
        trials.push(Trial::test(name_of(&case), move || {
            matches_its_files(&case)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the name of a case: its path below `fixtures/`.
fn name_of(case: &Path) -> String {
    case.strip_prefix(project().join("fixtures"))
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs the command of a case in a copy of its `input/` and compares the result with the files of
/// the case.
fn matches_its_files(case: &Path) -> Result<(), Failed> {
    let folder = TempDir::new().unwrap();
    copy(&case.join("input"), folder.path());
    let stdin = std::fs::read(case.join("stdin")).unwrap_or_default();
    let Output {
        stdout,
        stderr,
        code,
    } = run(&words(&read(&case.join("cmd"))), folder.path(), &stdin);
    let mut results = vec![
        (case.join("stdout"), stdout.into_bytes()),
        (case.join("stderr"), stderr.into_bytes()),
        (case.join("exit"), format!("{code}\n").into_bytes()),
    ];
    let after = case.join("after");
    for expected in if after.is_dir() {
        files_below(&after, None)
    } else {
        Vec::new()
    } {
        let name = expected.strip_prefix(&after).unwrap();
        let written = std::fs::read(folder.path().join(name));
        results.push((
            expected.clone(),
            written.map_err(|error| format!("after/{}: {error}", name.display()))?,
        ));
    }
    if std::env::var_os("STACKREF_BLESS").is_some() {
        for (file, actual) in results {
            std::fs::write(file, actual)?;
        }
        return Ok(());
    }
    let differences: String = results
        .iter()
        .filter_map(|(file, actual)| difference(case, file, actual))
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    let name = name_of(case);
    Err(format!(
        "{differences}\nTo accept this: STACKREF_BLESS=1 cargo test --test cases -- --exact {name}"
    )
    .into())
}

/// Returns a unified diff from a file of a case to the actual bytes, or `None` if they are equal.
fn difference(case: &Path, file: &Path, actual: &[u8]) -> Option<String> {
    let expected = std::fs::read(file).unwrap_or_default();
    if expected == actual && file.exists() {
        return None;
    }
    let name = file.strip_prefix(case).unwrap().display().to_string();
    let [expected, actual] = [&expected, actual].map(String::from_utf8_lossy);
    let diff = TextDiff::from_lines(expected.as_ref(), actual.as_ref());
    Some(
        diff.unified_diff()
            .header(&format!("expected {name}"), &format!("actual {name}"))
            .to_string(),
    )
}

/// A folder with a command whose output must not contain a value: a case, or the demo.
struct Probe {
    name: String,
    input: PathBuf,
    cmd: String,
    stdin: Vec<u8>,
}

impl Probe {
    fn of_case(case: &Path) -> Self {
        Self {
            name: name_of(case),
            input: case.join("input"),
            cmd: read(&case.join("cmd")),
            stdin: std::fs::read(case.join("stdin")).unwrap_or_default(),
        }
    }

    fn of_demo() -> Self {
        let input = project().join("fixtures/demo");
        Self {
            name: "demo".to_owned(),
            input,
            cmd: "check".to_owned(),
            stdin: Vec::new(),
        }
    }

    /// Returns the values that no output may contain: those of the inventories, and `hunter2`,
    /// which is the text of every plain-text secret in the fixtures.
    fn values(&self) -> Vec<String> {
        let is_inventory = |path: &PathBuf| {
            path.strip_prefix(&self.input)
                .unwrap()
                .display()
                .to_string()
                .contains("secrets")
        };
        let inventories = files_below(&self.input, None)
            .into_iter()
            .filter(is_inventory);
        let mut values: Vec<String> = inventories
            .flat_map(|path| inventory_values(&path))
            .collect();
        values.retain(|value| value.len() > 3);
        values.push("hunter2".to_owned());
        values
    }

    /// Returns the command in each format that it supports. Returns no command for one that reads
    /// no files, and for `render --stdout`, which prints values on request.
    fn commands(&self) -> Vec<Vec<&str>> {
        let words = words(&self.cmd);
        let command = *words.iter().find(|word| !word.contains('=')).unwrap();
        let formats: &[&str] = match command {
            "completions" | "explain" | "help" | "man" | "schema" => return Vec::new(),
            _ if words.contains(&"--stdout") => return Vec::new(),
            "init" | "render" => return vec![words],
            "inventory" if words.contains(&"snapshot") => return vec![words],
            "check" => &[
                "human", "short", "json", "sarif", "github", "gitlab", "junit",
            ],
            "refs" => &["human", "short", "json", "markdown", "mermaid", "dot"],
            _ => &["human", "short", "json"],
        };
        let words = without_formats(words);
        formats
            .iter()
            .map(|format| [&words[..], &["--format", format]].concat())
            .collect()
    }

    /// Runs a command in a new copy of the input.
    fn run(&self, command: &[&str]) -> Output {
        let folder = TempDir::new().unwrap();
        copy(&self.input, folder.path());
        run(command, folder.path(), &self.stdin)
    }

    /// Checks that no format of the command prints a secret value.
    fn prints_no_value(&self) -> Result<(), Failed> {
        let values = self.values();
        for command in self.commands() {
            if let Some(value) = printed_value(&values, &self.run(&command)) {
                return Err(format!("{command:?} prints the value `{value}`").into());
            }
        }
        Ok(())
    }
}

/// Returns a probe for the demo, and one for each case whose command reads files.
fn probes() -> Vec<Probe> {
    let mut probes: Vec<Probe> = all_cases()
        .iter()
        .map(|case| Probe::of_case(case))
        .collect();
    probes.retain(|probe| !probe.commands().is_empty());
    probes.push(Probe::of_demo());
    probes
}

/// Removes the options that select formats and files for reports.
fn without_formats(mut words: Vec<&str>) -> Vec<&str> {
    while let Some(at) = words
        .iter()
        .position(|word| matches!(*word, "--format" | "--output" | "-o"))
    {
        words.drain(at..at + 2);
    }
    words
}

/// Returns the first of the values that an output contains.
fn printed_value<'a>(values: &'a [String], output: &Output) -> Option<&'a str> {
    let is_printed = |value: &&String| {
        [&output.stdout, &output.stderr]
            .iter()
            .any(|text| text.contains(value.as_str()))
    };
    values.iter().find(is_printed).map(String::as_str)
}

/// Returns the values of an inventory file, or no values if it does not parse. Sequences contain
/// keys, not values.
fn inventory_values(path: &Path) -> Vec<String> {
    let text = read(path);
    let inventory: Option<serde_json::Value> = match path.extension().unwrap().to_str().unwrap() {
        "toml" => toml::from_str(&text).ok(),
        "json" => serde_json::from_str(&text).ok(),
        _ => serde_yaml::from_str(&text).ok(),
    };
    let mut values = Vec::new();
    for secret in inventory
        .iter()
        .filter_map(serde_json::Value::as_object)
        .flat_map(serde_json::Map::values)
    {
        for (key, value) in secret.as_object().into_iter().flatten() {
            if key != "zenml_schema_name" {
                collect_strings(value, &mut values);
            }
        }
    }
    values
}

/// Adds the strings of a tree of values.
fn collect_strings(value: &serde_json::Value, strings: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => strings.push(text.clone()),
        serde_json::Value::Array(items) => {
            for item in items {
                collect_strings(item, strings);
            }
        }
        serde_json::Value::Object(entries) => entries
            .values()
            .for_each(|entry| collect_strings(entry, strings)),
        _ => {}
    }
}

/// Checks that the tests `values/…` search many outputs for many values.
fn guard_checks_many_values() -> Result<(), Failed> {
    let probes = probes();
    let values: usize = probes.iter().map(|probe| probe.values().len() - 1).sum();
    let outputs: usize = probes.iter().map(|probe| probe.commands().len()).sum();
    let is_enough = values > 80 && outputs > 800;
    if is_enough {
        Ok(())
    } else {
        Err(format!("{values} values in {outputs} outputs").into())
    }
}

/// Checks that the tests `values/…` find a printed value: `render --stdout` prints one on request.
fn guard_finds_a_printed_value() -> Result<(), Failed> {
    let probe = Probe::of_case(&project().join("fixtures/render/stdin/prints-json-for-json"));
    let (values, output) = (probe.values(), probe.run(&words(&probe.cmd)));
    if printed_value(&values, &output).is_some() {
        Ok(())
    } else {
        Err(format!("no value found in {output:?}").into())
    }
}
