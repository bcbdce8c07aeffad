//! Writes facts as short lines for tests, and checks the spans of all texts.

use super::python_facts::{CodeArgument, CodeText, CodeValue, Expansion, PythonCode, PythonFact};
use super::{PythonModules, read};
use crate::text::source::{SourceFile, Span};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The import of the client in tests.
pub(super) const PRELUDE: &str = "from zenml.client import Client\n";

/// Modules by their names, with the dots of relative imports.
#[derive(Default)]
pub(super) struct TestModules {
    files: Vec<(String, String)>,
    /// The modules that were loaded.
    pub loaded: Mutex<Vec<String>>,
}

impl TestModules {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter();
        Self {
            files: files
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
            loaded: Mutex::default(),
        }
    }
}

impl PythonModules for TestModules {
    fn load(&self, importer: &Path, level: usize, module: &str) -> Option<Arc<SourceFile>> {
        assert_eq!(importer, Path::new("main.py"));
        let name = format!("{}{module}", ".".repeat(level));
        let (name, text) = self.files.iter().find(|(other, _)| *other == name)?;
        self.loaded
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(name.clone());
        Some(Arc::new(SourceFile::new(name.as_str(), text.as_str())))
    }
}

/// Returns the facts of a file that imports the client.
pub(super) fn client_facts(code: &str) -> Vec<String> {
    facts(&format!("{PRELUDE}{code}"))
}

/// Returns the facts of a file.
pub(super) fn facts(code: &str) -> Vec<String> {
    facts_with(code, &TestModules::default())
}

/// Returns the facts of a file that imports modules.
pub(super) fn facts_with(code: &str, modules: &TestModules) -> Vec<String> {
    let source = Arc::new(SourceFile::new("main.py", code));
    describe(&source, &read(&source, modules))
}

/// Returns the facts as lines.
pub(super) fn describe(source: &Arc<SourceFile>, code: &PythonCode) -> Vec<String> {
    let starts: Vec<usize> = code.facts.iter().map(PythonFact::start).collect();
    assert!(starts.is_sorted(), "{starts:?}");
    let facts = code.facts.iter();
    facts.map(|fact| describe_fact(source, fact)).collect()
}

fn describe_fact(source: &Arc<SourceFile>, fact: &PythonFact) -> String {
    let text = |text: &CodeText| show(source, text);
    let call_text = |call: &Span| assert!(source.slice(*call).ends_with(')'), "{call:?}");
    match fact {
        PythonFact::SecretUse { call, name, keys } => {
            call_text(call);
            let mut line = format!("use {}", text(name));
            for access in keys {
                line += &format!(" {}", text(&access.key));
                line += if access.has_default { "?" } else { "" };
            }
            line
        }
        _ => describe_calls(source, fact),
    }
}

fn describe_calls(source: &Arc<SourceFile>, fact: &PythonFact) -> String {
    let text = |text: &CodeText| show(source, text);
    let call_text = |call: &Span| assert!(source.slice(*call).ends_with(')'), "{call:?}");
    let value = |value: &Option<CodeValue>| {
        let value = value.as_ref();
        value.map_or("-".to_owned(), |value| show_value(source, value))
    };
    match fact {
        PythonFact::SecretUse { .. } => String::new(),
        PythonFact::SecretList { call, names } => {
            call_text(call);
            let names: Vec<String> = names.iter().map(text).collect();
            format!("list {}", names.join(" "))
        }
        PythonFact::Declaration {
            call,
            name,
            values,
            is_update,
        } => {
            call_text(call);
            let verb = if *is_update { "update" } else { "create" };
            format!("{verb} {} {}", text(name), value(values))
        }
        PythonFact::Component {
            call,
            name,
            flavor,
            component_type,
            configuration,
        } => {
            call_text(call);
            let name = name.as_ref().map_or("-".to_owned(), text);
            let flavor = flavor.as_ref().map_or("-".to_owned(), text);
            let component_type = component_type.as_deref().unwrap_or("-");
            format!(
                "component {name} {flavor} {component_type} {}",
                value(configuration)
            )
        }
        PythonFact::Configuration {
            call,
            class,
            arguments,
        } => {
            call_text(call);
            let arguments: Vec<String> = arguments
                .iter()
                .map(|argument| show_argument(source, argument))
                .collect();
            format!("{class}({})", arguments.join(", "))
        }
        PythonFact::RunConfigPath { path } => format!("config {}", text(path)),
    }
}

fn show_argument(source: &Arc<SourceFile>, argument: &CodeArgument) -> String {
    let value = show_value(source, &argument.value);
    match &argument.name {
        Some((name, span)) => {
            assert_eq!(source.slice(*span), name);
            format!("{name}={value}")
        }
        None => value,
    }
}

fn show_value(source: &Arc<SourceFile>, value: &CodeValue) -> String {
    match value {
        CodeValue::Text(text) => format!("'{}'", show(source, text)),
        CodeValue::Mapping {
            entries,
            is_complete,
            span,
        } => {
            assert!(!source.slice(*span).is_empty());
            let mut parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", show(source, key), show_value(source, value)))
                .collect();
            parts.extend((!is_complete).then(|| "…".to_owned()));
            format!("{{{}}}", parts.join(", "))
        }
        CodeValue::Sequence { items, .. } => {
            let items: Vec<String> = items.iter().map(|item| show_value(source, item)).collect();
            format!("[{}]", items.join(", "))
        }
        CodeValue::Literal(span) => source.slice(*span).to_owned(),
        CodeValue::Unknown(span) => {
            assert!(!source.slice(*span).is_empty());
            "?".to_owned()
        }
    }
}

/// Returns a text with marks around its expansions. A text of a constant begins with `@`, and one
/// whose literal is known with `=`.
pub(super) fn show(source: &Arc<SourceFile>, text: &CodeText) -> String {
    let CodeText {
        text: value,
        offsets,
        span,
        expansions,
        definition,
    } = text;
    assert!(!source.slice(*span).is_empty(), "{text:?}");
    for (at, c) in value.char_indices() {
        let part = offsets.source(at, at + c.len_utf8());
        let found = source.slice(part);
        let is_replaced =
            part == *span || part.is_empty() || found.starts_with(['\\', '{', '}', '%', '\r']);
        let is_name = found.chars().next().is_some_and(char::is_alphabetic);
        assert!(
            found.starts_with(c) || is_replaced || is_name,
            "{c:?} {found:?} {text:?}"
        );
    }
    let mut shown = String::new();
    let mut at = 0;
    for Expansion { range, .. } in expansions {
        assert!(range.start >= at, "{text:?}");
        shown += &value[at..range.start];
        shown += &format!("‹{}›", &value[range.clone()]);
        at = range.end;
    }
    shown += &value[at..];
    match definition {
        Some(definition) => {
            let literal = definition.source.slice(definition.span);
            assert!(!literal.is_empty() && !literal.starts_with(['"', '\'']));
            format!("={shown}")
        }
        None => shown,
    }
}
