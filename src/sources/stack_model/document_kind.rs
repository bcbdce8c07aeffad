//! The kind of a document, by its keys at the top level.

use super::non_null_text;
use super::run_config_shape::is_run_config;
use super::stack_shape::is_stack;
use crate::document::{Document, MERGE_BUDGET, NodeId, Syntax};
use crate::zenml::keywords::FileKind;
use std::borrow::Cow;

/// Returns the kind of the first document in a file that has one.
pub fn file_kind(roots: &[RootMapping<'_>]) -> Option<FileKind> {
    roots.iter().find_map(document_kind)
}

fn document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    if is_stack(top) {
        Some(FileKind::Stack)
    } else {
        other_document_kind(top)
    }
}

/// Returns the kind of a document that is not a stack.
pub(super) fn other_document_kind(top: &RootMapping<'_>) -> Option<FileKind> {
    if is_component_spec(top) {
        return Some(FileKind::ComponentSpec);
    }
    is_run_config(top).then_some(FileKind::RunConfig)
}

fn is_component_spec(top: &RootMapping<'_>) -> bool {
    top.text("spec_type") == Some("component")
        && (top.is_scalar("component_type") || has_config_mapping(top))
}

/// Returns whether `metadata.config` is a mapping.
fn has_config_mapping(top: &RootMapping<'_>) -> bool {
    let config = top
        .get("metadata")
        .and_then(|metadata| top.document.get(metadata, "config"));
    config.is_some_and(|(_, config)| top.document.entries(config).is_some())
}

/// Returns the value of the first entry with a key.
pub(super) fn find_value(
    document: &Document,
    entries: &[(NodeId, NodeId)],
    key: &str,
) -> Option<NodeId> {
    entries
        .iter()
        .find(|&&(name, _)| document.text(name) == Some(key))
        .map(|&(_, value)| value)
}

/// The mapping at the top level of a document, including the entries that merge keys add.
pub struct RootMapping<'d> {
    pub(super) document: &'d Document,
    pub(super) root: NodeId,
    pub(super) entries: Cow<'d, [(NodeId, NodeId)]>,
    /// The kind of the document, if it does not depend on its contents.
    pub stated_kind: Option<FileKind>,
}

impl<'d> RootMapping<'d> {
    /// Returns the top-level mapping of each document in a file; none for a script. The mapping of
    /// a document that is not a mapping is empty.
    pub fn all(document: &'d Document) -> Vec<Self> {
        #[cfg(test)]
        crate::counters::record(crate::counters::Fact::RootMappings);
        let roots = match document.syntax() {
            Syntax::Script(_) => &[],
            Syntax::Yaml | Syntax::Toml | Syntax::Json => document.roots(),
        };
        roots
            .iter()
            .map(|&root| Self::new(document, root))
            .collect()
    }

    fn new(document: &'d Document, root: NodeId) -> Self {
        let mut budget = MERGE_BUDGET;
        let entries = document
            .merged_entries(root, &mut budget)
            .unwrap_or_default();
        Self {
            document,
            root,
            entries,
            stated_kind: None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<NodeId> {
        find_value(self.document, &self.entries, key)
    }

    /// Returns the text of a value, or `None` for null and for collections.
    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        non_null_text(self.document, self.get(key)?)
    }

    pub(super) fn is_scalar(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| self.document.scalar(value).is_some())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    fn yaml(text: &str) -> Document {
        Document::parse(Arc::new(SourceFile::new("x.yaml", text)), Syntax::Yaml).unwrap()
    }

    #[test]
    fn kind_is_that_of_the_first_document_with_a_shape() {
        for (text, kind) in [
            (
                "stack_name: x\ncomponents: {orchestrator: {flavor: local}}",
                Some(FileKind::Stack),
            ),
            (
                "base: &base {settings: {orchestrator: {a: 1}}}\n---\nsettings: {alerter.slack: {a: 1}}",
                Some(FileKind::RunConfig),
            ),
            (
                "spec_type: component\ncomponent_type: x",
                Some(FileKind::ComponentSpec),
            ),
            (
                "spec_type: component\nmetadata: {config: {a: 1}}",
                Some(FileKind::ComponentSpec),
            ),
            (
                "spec_type: stack\ncomponent_type: x\ncomponent_flavor: y",
                None,
            ),
            ("spec_type: component\nname: x", None),
            ("stack_name: x\ncomponents: {schemas: {a: b}}", None),
        ] {
            assert_eq!(file_kind(&RootMapping::all(&yaml(text))), kind, "{text}");
        }
    }
}
