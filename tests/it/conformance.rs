//! The public suites, by what `check` and `render` make of them: what is valid is taken and has the suite's values, what is
//! invalid is a `syntax-error`, every scalar is mapped to its place, and every string can be rendered. `docs/dev/conformance.md`
//! is written from here (`STACKREF_BLESS=1`).

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

/// What one suite came to.
#[derive(Default)]
struct Row {
    valid: usize,
    taken: usize,
    invalid: usize,
    refused: usize,
    either: usize,
    valued: usize,
    equal: usize,
    scalars: usize,
    placed: usize,
    strings: usize,
    rendered: usize,
    exceptions: Vec<String>,
}

/// The suites, as they are called, with the syntax of each.
const SUITES: [(&str, Syntax); 3] = [
    ("yaml-test-suite", Syntax::Yaml),
    ("toml-test (TOML 1.1)", Syntax::Toml),
    ("JSONTestSuite", Syntax::Json),
];

fn row(syntax: Syntax) -> Row {
    let mut row = Row::default();
    for case in cases(syntax) {
        let scan = read(&case.bytes, syntax);
        let refused = scan
            .files
            .iter()
            .flat_map(|file| &file.findings)
            .map(FindingBuilder::draft)
            .find(|finding| finding.rule == RuleId::SyntaxError);
        match case.verdict {
            Verdict::Either => row.either += 1,
            Verdict::Invalid => {
                row.invalid += 1;
                row.refused += usize::from(refused.is_some());
                if refused.is_none() {
                    row.exceptions
                        .push(format!("`{}` is invalid, and taken", case.name));
                }
            }
            Verdict::Valid => {
                row.valid += 1;
                row.taken += usize::from(refused.is_none());
                if let Some(finding) = refused {
                    row.exceptions
                        .push(format!("`{}`: {}", case.name, finding.message));
                }
            }
        }
        if case.verdict == Verdict::Valid {
            row.read(&case);
        }
    }
    row
}

impl Row {
    /// Values, places and renders of a valid case, in the line breaks of the suite and in those of Windows.
    fn read(&mut self, case: &Case) {
        let text = case.text().expect("what is valid is UTF-8");
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
                self.valued += 1;
                match differing(case, &document) {
                    None => self.equal += 1,
                    Some(why) => self.exceptions.push(format!("`{}`: {why}", case.name)),
                }
            }
            self.place(case, &document);
            self.render(case, &document);
        }
    }

    /// Every scalar has a proven map of offsets, by which each of its letters is that letter in the text, or an escape of it.
    fn place(&mut self, case: &Case, document: &Document) {
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
                self.placed += 1;
            } else {
                self.exceptions.push(format!(
                    "`{}`: the place of {misplaced:?} in {text:?}",
                    case.name
                ));
            }
        }
    }

    /// Every string that is no key and not empty becomes a reference to a secret that holds it, and is rendered.
    fn render(&mut self, case: &Case, document: &Document) {
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
        match there_and_back(document, &strings) {
            Ok(again) => match differing(case, &again).or_else(|| {
                document
                    .find_difference(&again, &HashMap::new())
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

fn there_and_back(document: &Document, strings: &[NodeId]) -> Result<Document, String> {
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
    let there = apply(document.source().text(), &edits).ok_or("overlapping edits")?;
    let values = json!({ "s": keys }).to_string();
    let inventory = FileInventory::from_text("values.json", values, Syntax::Json)
        .map_err(|error| error.to_string())?;
    let inventories = Inventories::from_inventories(vec![Box::new(inventory)]);
    let configs = Configs::fixed(Config {
        resolver: Resolver::Render,
        ..Config::default()
    });
    let scan = read(there.as_bytes(), document.syntax());
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

fn read(bytes: &[u8], syntax: Syntax) -> Scan {
    scan(
        bytes,
        syntax,
        Some(MatchReason::Argument),
        Resolver::Render,
        true,
    )
}

/// In what a document is not what its suite says.
fn differing(case: &Case, document: &Document) -> Option<String> {
    if let Some(scalars) = &case.scalars {
        let own: Vec<&str> = document
            .nodes()
            .filter(|(_, node)| matches!(node.kind, NodeKind::Scalar(_)))
            .map(|(id, _)| document.text(id).unwrap())
            .collect();
        let theirs: Vec<&str> = scalars.iter().map(|(_, value)| value.as_str()).collect();
        if own != theirs {
            return Some(format!("{own:?} is not {theirs:?}"));
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
        .find_map(|(root, value)| unequal(document, *root, value))
}

fn unequal(document: &Document, id: NodeId, expected: &Value) -> Option<String> {
    let typed = |name: &str| {
        expected
            .get(name)
            .and_then(Value::as_str)
            .filter(|_| document.syntax() == Syntax::Toml)
    };
    if let (Some(ty), Some(value)) = (typed("type"), typed("value")) {
        return (!is_toml(document, id, ty, value))
            .then(|| format!("{:?} is not {ty} {value:?}", document.text(id)));
    }
    match expected {
        Value::Array(expected) => {
            let items = document
                .items(id)
                .filter(|items| items.len() == expected.len());
            let Some(items) = items else {
                return Some(format!("no list of {}", expected.len()));
            };
            items
                .iter()
                .zip(expected)
                .find_map(|(item, expected)| unequal(document, *item, expected))
        }
        Value::Object(expected) => {
            let entries = document
                .entries(id)
                .filter(|entries| entries.len() == expected.len());
            let Some(entries) = entries else {
                return Some(format!("no mapping of {}", expected.len()));
            };
            entries.iter().find_map(|&(key, value)| {
                let key = document.text(key).unwrap_or_default();
                let Some(expected) = expected.get(key) else {
                    return Some(format!("a key {key:?}"));
                };
                unequal(document, value, expected)
            })
        }
        scalar => (!is_scalar(document, id, scalar))
            .then(|| format!("{:?} is not {scalar}", document.text(id))),
    }
}

fn is_scalar(document: &Document, id: NodeId, expected: &Value) -> bool {
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

/// A value of toml-test, as a table of its type and its text.
fn is_toml(document: &Document, id: NodeId, ty: &str, expected: &str) -> bool {
    let (Some(scalar), Some(text)) = (document.scalar(id), document.text(id)) else {
        return false;
    };
    if ty == "string" {
        // Raw breaks are the file's own in TOML, and some layouts here have those of Windows.
        let same = text == expected || text.replace("\r\n", "\n") == expected.replace("\r\n", "\n");
        return same && scalar.ty == ScalarType::String;
    }
    let read = |text: &str| {
        toml::from_str::<toml::Table>(&format!("value = {text}")).unwrap()["value"].clone()
    };
    let same = match (read(text), read(expected)) {
        (toml::Value::Float(own), toml::Value::Float(expected)) => {
            own.total_cmp(&expected).is_eq() || (own.is_nan() && expected.is_nan())
        }
        (toml::Value::Datetime(own), toml::Value::Datetime(expected)) => {
            // Seconds may be left out.
            let full = |mut value: toml::value::Datetime| {
                value
                    .time
                    .iter_mut()
                    .for_each(|time| time.second = time.second.or(Some(0)));
                value
            };
            full(own) == full(expected)
        }
        // The suite leaves out the fraction of what has none.
        (toml::Value::Float(own), toml::Value::Integer(expected)) => {
            Ok(own) == expected.to_string().parse::<f64>()
        }
        (own, expected) => own == expected,
    };
    same && scalar.ty == ScalarType::Other
}

const UNDER_TAG: &str = "rendered: a string with the tag `!`, which YAML 1.1 readers may read as a number: `malformed-reference`";

/// Why a case is not taken, read or rendered as it stands in its suite.
const REASONS: [(&str, &str, &str); 7] = [
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
fn the_suites_are_taken_refused_read_and_rendered_as_they_say() {
    let path = project().join("docs/dev/conformance.md");
    let told = std::fs::read_to_string(&path).unwrap();
    let all = corpora().is_some();
    let mut page = include_str!("conformance/head.md").to_owned();
    let mut exceptions = String::new();
    // The suite of TOML is a crate.
    for (name, syntax) in SUITES
        .into_iter()
        .filter(|&(_, syntax)| all || syntax == Syntax::Toml)
    {
        let row = row(syntax);
        let cell = |part: usize, all: usize| format!("{part} of {all}");
        let cells = [
            cell(row.taken, row.valid),
            cell(row.refused, row.invalid),
            row.either.to_string(),
            cell(row.equal, row.valued),
            cell(row.placed, row.scalars),
            cell(row.rendered, row.strings),
        ];
        let line = format!("| {name} | {} |\n", cells.join(" | "));
        assert!(
            std::env::var_os("STACKREF_BLESS").is_some() || told.contains(&line),
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
    if std::env::var_os("STACKREF_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), page);
}
