//! Reads the references of a file in tests of dynamic references.

use super::name_template::tests::variables;
use super::reference::Reference;
use super::scalar::{FileContext, ScalarContext};
use super::stack_model::RootMapping;
use super::{read, secret_uses};
use crate::document::{Document, ScriptHost, Syntax};
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::SourceFile;
use crate::zenml::grammar::Resolver;
use std::path::Path;
use std::sync::Arc;

/// Returns the references of a file, in its order.
pub(super) fn references(path: &str, text: &str) -> Vec<Reference> {
    let syntax = ScriptHost::of(Path::new(path)).map_or(Syntax::Yaml, Syntax::Script);
    let file = Arc::new(SourceFile::new(path, text));
    let document = Document::parse(Arc::clone(&file), syntax).unwrap();
    let model = read(&document, &RootMapping::all(&document)).unwrap();
    let source = RedactedSource::new(file, Visibility::SpanOnly);
    let file = FileContext {
        source: &source,
        document: &document,
        stacks: &model.stacks,
        resolver: Resolver::Zenml,
    };
    let mut found = secret_uses::references(&document, &source);
    for position in &model.stacks.positions {
        let context = ScalarContext::new(file, position);
        found.extend(context.references());
        found.extend(context.variable_references());
    }
    found.sort_by_key(|reference| reference.span.start);
    found
}

/// Returns the only reference of a file: `names` if it is not dynamic, or else `written -> names`,
/// or `written -> ?`. `pairs` are the variables, such as `A=a B=b`.
pub(super) fn expanded(path: &str, text: &str, pairs: &str) -> String {
    let found = references(path, text);
    let [reference] = found.as_slice() else {
        return format!("{} references", found.len());
    };
    let written = reference.names.text();
    if !reference.is_dynamic {
        assert!(reference.expand(&variables(pairs)).is_none());
        return written.to_owned();
    }
    let names = reference.expand(&variables(pairs));
    let names = names.as_ref().map_or("?", |names| names.text());
    format!("{written} -> {names}")
}
