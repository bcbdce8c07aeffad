//! Tests `check` and `render` with the public test suites of YAML, TOML and JSON.
//!
//! A valid case must be accepted with the values of its suite, and an invalid case must be a
//! `syntax-error`. Every character of a scalar must have its location, and every string must be
//! rendered. `STACKREF_BLESS=1` writes the results to `docs/dev/conformance.md`.

use crate::fuzz::properties::scan;
use crate::suites::{Case, Verdict, cases, corpora};
use crate::support::project;
use serde_json::{Value, json};
use stackref::diagnostics::finding_builder::FindingBuilder;
use stackref::diagnostics::outcome::Outcome;
use stackref::diagnostics::rule_id::RuleId;
use stackref::document::{
    Document, NodeId, NodeKind, Replacement, ScalarType, Style, Syntax, apply,
};
use stackref::inventory::Inventories;
use stackref::inventory::file::FileInventory;
use stackref::lint::pipeline::run as check;
use stackref::lint::scan::Scan;
use stackref::lint::settings::{LevelChoice, Settings};
use stackref::project::config::{Config, Level};
use stackref::project::configs::Configs;
use stackref::project::discover::MatchReason;
use stackref::text::source::SourceFile;
use stackref::zenml::grammar::Resolver;
use std::collections::HashMap;
use std::sync::Arc;

/// The results of one suite: a row of the table in `docs/dev/conformance.md`.
#[derive(Default)]
struct Row {
    valid: usize,
    accepted: usize,
    invalid: usize,
    rejected: usize,
    either: usize,
    compared: usize,
    equal: usize,
    scalars: usize,
    located: usize,
    strings: usize,
    rendered: usize,
    exceptions: Vec<String>,
}

/// The name and the syntax of each suite.
const SUITES: [(&str, Syntax); 3] = [
    ("yaml-test-suite", Syntax::Yaml),
    ("toml-test (TOML 1.1)", Syntax::Toml),
    ("JSONTestSuite", Syntax::Json),
];

fn run_suite(syntax: Syntax) -> Row {
    let mut row = Row::default();
    for case in cases(syntax) {
        let scan = scan_case(&case.bytes, syntax);
        let rejected = scan
            .files
            .iter()
            .flat_map(|file| &file.findings)
            .map(FindingBuilder::draft)
            .find(|finding| finding.rule == RuleId::SyntaxError);
        match case.verdict {
            Verdict::Either => row.either += 1,
            Verdict::Invalid => {
                row.invalid += 1;
                row.rejected += usize::from(rejected.is_some());
                if rejected.is_none() {
                    row.exceptions
                        .push(format!("`{}` is invalid, but accepted", case.name));
                }
            }
            Verdict::Valid => {
                row.valid += 1;
                row.accepted += usize::from(rejected.is_none());
                if let Some(finding) = rejected {
                    row.exceptions
                        .push(format!("`{}`: {}", case.name, finding.message));
                }
            }
        }
        if case.verdict == Verdict::Valid {
            row.check_layouts(&case);
        }
    }
    row
}

impl Row {
    /// Compares the values and offsets of a valid case, and renders it: unchanged, with Windows
    /// line breaks, and with a byte-order mark.
    fn check_layouts(&mut self, case: &Case) {
        let text = case.text().expect("a valid case is UTF-8");
        let mut layouts = vec![text.to_owned()];
        if !text.contains('\r') && case.syntax != Syntax::Json {
            layouts.push(text.replace('\n', "\r\n"));
        }
        if !text.starts_with('\u{feff}') {
            layouts.push(format!("\u{feff}{text}"));
        }
        for text in layouts {
            let document = Document::parse(Arc::new(SourceFile::new("case", text)), case.syntax)
                .unwrap_or_else(|error| panic!("{}: {}", case.name, error.message));
            if case.values.is_some() || case.scalars.is_some() {
                self.compared += 1;
                match suite_difference(case, &document) {
                    None => self.equal += 1,
                    Some(why) => self.exceptions.push(format!("`{}`: {why}", case.name)),
                }
            }
            self.check_offsets(case, &document);
            self.check_render(case, &document);
        }
    }

    /// Counts the scalars whose offset map is exact and maps each character to itself, or to an
    /// escape of it, in the file.
    fn check_offsets(&mut self, case: &Case, document: &Document) {
        for (id, node) in document.nodes() {
            let NodeKind::Scalar(scalar) = &node.kind else {
                continue;
            };
            self.scalars += 1;
            let (text, offsets) = (document.text(id).unwrap(), document.offsets(id));
            let written = |at: usize, c: char| {
                document
                    .source()
                    .slice(offsets.source(at, at + c.len_utf8()))
            };
            let misplaced = text.char_indices().find(|&(at, c)| {
                let written = written(at, c);
                let escaped =
                    written.starts_with('\\') || (c == '\'' && scalar.style == Style::SingleQuoted);
                !(written == c.encode_utf8(&mut [0; 4]) || escaped || c == ' ' || c == '\n')
            });
            if offsets.is_exact() && misplaced.is_none() {
                self.located += 1;
            } else {
                self.exceptions.push(format!(
                    "`{}`: the offset of {misplaced:?} in {text:?} is wrong",
                    case.name
                ));
            }
        }
    }

    /// Replaces every string that is not empty and not a key with a reference to a secret with this
    /// value, renders the file, and compares it with the suite and with the original.
    fn check_render(&mut self, case: &Case, document: &Document) {
        let strings: Vec<NodeId> = document
            .nodes()
            .filter(|&(id, node)| {
                let is_string = matches!(&node.kind, NodeKind::Scalar(scalar) if scalar.ty == ScalarType::String);
                is_string && !node.key && document.text(id) != Some("")
            })
            .map(|(id, _)| id)
            .collect();
        if strings.is_empty() {
            return;
        }
        self.strings += strings.len();
        match replace_and_render(document, &strings) {
            Ok(rendered) => match suite_difference(case, &rendered).or_else(|| {
                document
                    .find_difference(&rendered, &HashMap::new())
                    .map(|_| "differs".to_owned())
            }) {
                None => self.rendered += strings.len(),
                Some(why) => self
                    .exceptions
                    .push(format!("`{}` rendered: {why}", case.name)),
            },
            Err(why) => self
                .exceptions
                .push(format!("`{}` rendered: {why}", case.name)),
        }
    }
}

/// Replaces strings with references, renders the file and parses the result. Returns an error if a
/// string is not rendered.
fn replace_and_render(document: &Document, strings: &[NodeId]) -> Result<Document, String> {
    let mut keys = serde_json::Map::new();
    let mut edits = Vec::new();
    for (at, &id) in strings.iter().enumerate() {
        let value = document.text(id).unwrap();
        let reference = format!("{{{{s.k{at}}}}}");
        edits.extend(document.encode(
            id,
            &[Replacement {
                range: 0..value.len(),
                text: &reference,
            }],
        ));
        keys.insert(format!("k{at}"), value.into());
    }
    edits.sort_by_key(|edit| edit.span);
    let replaced = apply(document.source().text(), &edits).ok_or("overlapping edits")?;
    let values = json!({ "s": keys }).to_string();
    let inventory = FileInventory::from_text("values.json", values, Syntax::Json)
        .map_err(|error| error.to_string())?;
    let inventories = Inventories::from_inventories(vec![Box::new(inventory)]);
    let configs = Configs::fixed(Config {
        resolver: Resolver::Render,
        ..Config::default()
    });
    let scan = scan_case(replaced.as_bytes(), document.syntax());
    let settings = Settings::new(
        &configs,
        LevelChoice::fixed(Level::SecretAndKeyExists),
        &inventories,
    );
    let report = check(&scan, &settings, None);
    if report.outcome(false) != Outcome::Clean {
        return Err(format!(
            "{:?}",
            report
                .findings
                .iter()
                .map(|finding| &finding.message)
                .collect::<Vec<_>>()
        ));
    }
    let rendered = stackref::edit::substitution::run(&scan, &report, &settings, None)
        .map_err(|failures| failures.iter().map(ToString::to_string).collect::<String>())?;
    let [rendered] = rendered.as_slice() else {
        return Err("no file".to_owned());
    };
    if rendered.replaced_count() != strings.len() {
        return Err(format!(
            "{} of {} strings",
            rendered.replaced_count(),
            strings.len()
        ));
    }
    let source = Arc::new(SourceFile::new("case", rendered.text()));
    Document::parse(source, document.syntax()).map_err(|error| error.message)
}

fn scan_case(bytes: &[u8], syntax: Syntax) -> Scan {
    scan(
        bytes,
        syntax,
        Some(MatchReason::Argument),
        Resolver::Render,
        true,
    )
}

/// Returns how a document differs from the scalars and values of its suite, or `None` if it does
/// not.
fn suite_difference(case: &Case, document: &Document) -> Option<String> {
    if let Some(scalars) = &case.scalars {
        let actual: Vec<&str> = document
            .nodes()
            .filter(|(_, node)| matches!(node.kind, NodeKind::Scalar(_)))
            .map(|(id, _)| document.text(id).unwrap())
            .collect();
        let expected: Vec<&str> = scalars.iter().map(|(_, value)| value.as_str()).collect();
        if actual != expected {
            return Some(format!("{actual:?} is not {expected:?}"));
        }
    }
    let values = case.values.as_ref()?;
    if document.roots().len() != values.len() {
        return Some(format!(
            "{} documents, not {}",
            document.roots().len(),
            values.len()
        ));
    }
    document
        .roots()
        .iter()
        .zip(values)
        .find_map(|(root, value)| value_difference(document, *root, value))
}

/// Returns how a node differs from its value in the suite, or `None` if it does not.
fn value_difference(document: &Document, id: NodeId, expected: &Value) -> Option<String> {
    let typed = |name: &str| {
        expected
            .get(name)
            .and_then(Value::as_str)
            .filter(|_| document.syntax() == Syntax::Toml)
    };
    if let (Some(ty), Some(value)) = (typed("type"), typed("value")) {
        return (!equals_toml(document, id, ty, value))
            .then(|| format!("{:?} is not {ty} {value:?}", document.text(id)));
    }
    match expected {
        Value::Array(expected) => {
            let items = document
                .items(id)
                .filter(|items| items.len() == expected.len());
            let Some(items) = items else {
                return Some(format!("not a sequence of {} items", expected.len()));
            };
            items
                .iter()
                .zip(expected)
                .find_map(|(item, expected)| value_difference(document, *item, expected))
        }
        Value::Object(expected) => {
            let entries = document
                .entries(id)
                .filter(|entries| entries.len() == expected.len());
            let Some(entries) = entries else {
                return Some(format!("not a mapping of {} entries", expected.len()));
            };
            entries.iter().find_map(|&(key, value)| {
                let key = document.text(key).unwrap_or_default();
                let Some(expected) = expected.get(key) else {
                    return Some(format!("unexpected key {key:?}"));
                };
                value_difference(document, value, expected)
            })
        }
        scalar => (!equals_scalar(document, id, scalar))
            .then(|| format!("{:?} is not {scalar}", document.text(id))),
    }
}

/// Returns whether a node is a scalar with the value in the suite.
fn equals_scalar(document: &Document, id: NodeId, expected: &Value) -> bool {
    let (Some(scalar), Some(text)) = (document.scalar(id), document.text(id)) else {
        return false;
    };
    match expected {
        Value::Null => scalar.ty == ScalarType::Null,
        Value::String(expected) => text == expected && scalar.ty != ScalarType::Null,
        Value::Bool(expected) => scalar.ty == ScalarType::Other && text == expected.to_string(),
        expected => {
            let hexadecimal = text
                .strip_prefix("0x")
                .and_then(|digits| i64::from_str_radix(digits, 16).ok());
            let octal = text
                .strip_prefix("0o")
                .and_then(|digits| i64::from_str_radix(digits, 8).ok());
            let number = hexadecimal
                .or(octal)
                .map(Value::from)
                .or_else(|| serde_json::from_str(text).ok());
            let number = number.or_else(|| text.parse::<f64>().ok().map(Value::from));
            scalar.ty == ScalarType::Other
                && number.is_some_and(|number| {
                    number == *expected || number.as_f64() == expected.as_f64()
                })
        }
    }
}

/// Returns whether a node is a scalar with the type and the text that toml-test lists for it.
fn equals_toml(document: &Document, id: NodeId, ty: &str, expected: &str) -> bool {
    let (Some(scalar), Some(text)) = (document.scalar(id), document.text(id)) else {
        return false;
    };
    if ty == "string" {
        // A multi-line TOML string contains the line breaks of its file, and one layout has Windows
        // line breaks.
        let is_equal =
            text == expected || text.replace("\r\n", "\n") == expected.replace("\r\n", "\n");
        return is_equal && scalar.ty == ScalarType::String;
    }
    let read = |text: &str| {
        toml::from_str::<toml::Table>(&format!("value = {text}")).unwrap()["value"].clone()
    };
    let is_equal = match (read(text), read(expected)) {
        (toml::Value::Float(actual), toml::Value::Float(expected)) => {
            actual.total_cmp(&expected).is_eq() || (actual.is_nan() && expected.is_nan())
        }
        (toml::Value::Datetime(actual), toml::Value::Datetime(expected)) => {
            // TOML 1.1 has times without seconds.
            let full = |mut value: toml::value::Datetime| {
                value
                    .time
                    .iter_mut()
                    .for_each(|time| time.second = time.second.or(Some(0)));
                value
            };
            full(actual) == full(expected)
        }
        // The suite writes a float without a fraction as an integer.
        (toml::Value::Float(actual), toml::Value::Integer(expected)) => {
            Ok(actual) == expected.to_string().parse::<f64>()
        }
        (actual, expected) => actual == expected,
    };
    is_equal && scalar.ty == ScalarType::Other
}

const UNDER_TAG: &str = "rendered: a string with the tag `!`, which YAML 1.1 readers may read as a number: `malformed-reference`";

const UNINDENTED: &str = "accepted: brackets or quotes with too little indentation, which PyYAML, libyaml and npm's yaml accept";

/// The suite and the name of each case that is not accepted, read or rendered as the suite expects,
/// and the reason.
const REASONS: [(&str, &str, &str); 10] = [
    ("yaml-test-suite", "9C9N", UNINDENTED),
    ("yaml-test-suite", "DK95/01", UNINDENTED),
    ("yaml-test-suite", "QB6E", UNINDENTED),
    (
        "yaml-test-suite",
        "2JQS",
        "two empty keys: a duplicate key is a `syntax-error`, because YAML 1.2 requires unique keys",
    ),
    (
        "yaml-test-suite",
        "26DV",
        "rendered: aliases of two strings are keys, and stackref never replaces a key: `nested-reference`",
    ),
    ("yaml-test-suite", "52DL", UNDER_TAG),
    ("yaml-test-suite", "8MK2", UNDER_TAG),
    ("yaml-test-suite", "S4JQ", UNDER_TAG),
    (
        "yaml-test-suite",
        "E76Z",
        "rendered: an alias of a string is a key: `nested-reference`",
    ),
    (
        "JSONTestSuite",
        "y_object_duplicated_key",
        "and `y_object_duplicated_key_and_value`: a duplicate key is a `syntax-error`, because readers disagree on which \
         value counts",
    ),
];

#[test]
fn suites_have_the_documented_results() {
    let path = project().join("docs/dev/conformance.md");
    let documented = std::fs::read_to_string(&path).unwrap();
    let all = corpora().is_some();
    let mut page = include_str!("conformance/head.md").to_owned();
    let mut exceptions = String::new();
    // The TOML suite is a crate, so it is always available.
    for (name, syntax) in SUITES
        .into_iter()
        .filter(|&(_, syntax)| all || syntax == Syntax::Toml)
    {
        let row = run_suite(syntax);
        let cell = |part: usize, all: usize| format!("{part} of {all}");
        let cells = [
            cell(row.accepted, row.valid),
            cell(row.rejected, row.invalid),
            row.either.to_string(),
            cell(row.equal, row.compared),
            cell(row.located, row.scalars),
            cell(row.rendered, row.strings),
        ];
        let line = format!("| {name} | {} |\n", cells.join(" | "));
        assert!(
            std::env::var_os("STACKREF_BLESS").is_some() || documented.contains(&line),
            "{line}"
        );
        page.push_str(&line);
        for exception in &row.exceptions {
            let reason = REASONS
                .iter()
                .find(|(suite, case, _)| name == *suite && exception.contains(case));
            let (_, case, reason) = reason.unwrap_or_else(|| panic!("{name}: {exception}"));
            let line = format!("- {name}, `{case}`: {reason}\n");
            if !exceptions.contains(&line) {
                exceptions.push_str(&line);
            }
        }
    }
    if !all {
        return;
    }
    page.push_str(&format!("\nThe exceptions:\n\n{exceptions}"));
    page.push_str(include_str!("conformance/zenml_reader.md"));
    page.push_str(include_str!("conformance/peers.md"));
    if std::env::var_os("STACKREF_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
}
