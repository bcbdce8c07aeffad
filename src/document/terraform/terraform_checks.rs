//! Checks of values in the unit tests of Terraform.

use super::{TerraformConstants, TerraformFile, TerraformModule, read};
use crate::document::code_value::{CodeText, CodeValue, Expansion};
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// A file of a test, and its facts.
pub(super) struct CheckedFile {
    /// The file.
    pub source: Arc<SourceFile>,
    /// The facts of the file.
    pub facts: TerraformFile,
}

/// Reads the first of the files of a module.
pub(super) fn read_module(texts: &[&str]) -> CheckedFile {
    let names = ["main.tf", "variables.tf", "other.tf"];
    let files: Vec<_> = texts
        .iter()
        .zip(names)
        .map(|(text, name)| Arc::new(SourceFile::new(name, *text)))
        .collect();
    let source = Arc::clone(files.first().expect("a file"));
    let read_others = || Some(Arc::new(TerraformConstants::new(&files)));
    let facts = read(&TerraformModule::new(&source, &read_others));
    for resource in &facts.resources {
        assert!(source.slice(resource.span).starts_with("resource"));
        for (key, value) in &resource.attributes {
            check_text(&source, key);
            check_value(&source, value);
        }
    }
    for exec in &facts.local_execs {
        check_text(&source, &exec.command);
    }
    CheckedFile { source, facts }
}

/// Returns the value of an expression in a file that begins with `constants`.
pub(super) fn evaluate(constants: &str, expression: &str) -> String {
    let resource = "resource \"zenml_stack_component\" \"test\" {\n";
    let text = format!("{constants}\n{resource}  x = {expression}\n}}\n");
    let file = read_module(&[&text]);
    file.describe("test", "x")
}

impl CheckedFile {
    /// Returns the attribute of the resource with a label.
    pub fn value(&self, label: &str, attribute: &str) -> &CodeValue {
        let mut resources = self.facts.resources.iter();
        let resource = resources
            .find(|resource| {
                self.source
                    .slice(resource.span)
                    .ends_with(&format!("\"{label}\""))
            })
            .expect("a resource");
        let mut attributes = resource.attributes.iter();
        let (_, value) = attributes
            .find(|(key, _)| key.text == attribute)
            .expect("an attribute");
        value
    }

    /// Returns an attribute that is a text.
    pub fn text(&self, label: &str, attribute: &str) -> &CodeText {
        match self.value(label, attribute) {
            CodeValue::Text(text) => text,
            value => unreachable!("{value:?} is not a text"),
        }
    }

    /// Returns the source of a part of a text.
    pub fn source_of(&self, text: &CodeText, part: &str) -> &str {
        let at = text.text.find(part).expect("a part of the text");
        self.source.slice(text.offsets.source(at, at + part.len()))
    }

    /// Describes an attribute. Dynamic parts of texts are in `‹` and `›`, and a definition follows `@`.
    pub fn describe(&self, label: &str, attribute: &str) -> String {
        describe(&self.source, self.value(label, attribute))
    }
}

fn describe(source: &SourceFile, value: &CodeValue) -> String {
    match value {
        CodeValue::Text(text) => describe_text(text),
        CodeValue::Mapping {
            entries,
            is_complete,
            ..
        } => {
            let mut parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}={}", describe_text(key), describe(source, value)))
                .collect();
            parts.extend((!is_complete).then(|| "…".to_owned()));
            format!("{{{}}}", parts.join(", "))
        }
        CodeValue::Sequence { items, .. } => {
            let items: Vec<String> = items.iter().map(|item| describe(source, item)).collect();
            format!("[{}]", items.join(", "))
        }
        CodeValue::Literal(span) => source.slice(*span).to_owned(),
        CodeValue::Unknown(_) => "?".to_owned(),
    }
}

fn describe_text(text: &CodeText) -> String {
    let mut marked = text.text.clone();
    for Expansion { range, .. } in text.expansions.iter().rev() {
        marked.insert(range.end, '›');
        marked.insert(range.start, '‹');
    }
    match &text.definition {
        Some(definition) => format!("{marked}@{}", definition.source.slice(definition.span)),
        None => marked,
    }
}

fn check_value(source: &SourceFile, value: &CodeValue) {
    check_span(source, value.span());
    match value {
        CodeValue::Text(text) => check_text(source, text),
        CodeValue::Mapping { entries, .. } => {
            for (key, value) in entries {
                check_text(source, key);
                check_value(source, value);
            }
        }
        CodeValue::Sequence { items, .. } => {
            for item in items {
                check_value(source, item);
            }
        }
        CodeValue::Literal(_) | CodeValue::Unknown(_) => {}
    }
}

/// Checks that a text has exact spans: each verbatim part is in the file, all spans are in the
/// expression, and the expansions are sorted.
fn check_text(source: &SourceFile, text: &CodeText) {
    check_span(source, text.span);
    assert!(text.offsets.is_exact(), "{text:?}");
    for piece in text.offsets.pieces(0..text.text.len()) {
        check_span(source, piece.source);
        assert!(text.span.contains(piece.source), "{text:?}");
        let decoded = text.text.get(piece.decoded).expect("a part of the text");
        if piece.verbatim {
            assert_eq!(decoded, source.slice(piece.source));
        }
    }
    let mut last = 0;
    for Range { start, end } in text.expansions.iter().map(|it| it.range.clone()) {
        assert!(last <= start && start < end, "{text:?}");
        let expansion = text.text.get(start..end).expect("a part of the text");
        assert!(expansion.starts_with(['$', '%']) && expansion.ends_with('}'));
        last = end;
    }
    if let Some(definition) = &text.definition {
        check_span(&definition.source, definition.span);
    }
}

fn check_span(source: &SourceFile, span: Span) {
    assert!(source.text().get(span.start..span.end).is_some());
}
