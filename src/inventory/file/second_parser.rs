//! A second reading of a YAML inventory by `serde_yaml`, which stackref uses only here. A file that
//! two YAML parsers read differently is not a safe place for passwords.

use crate::document::{Document, NodeId, NodeKind, ScalarType, Syntax};
use serde_yaml::Value;

/// The file as `serde_yaml` reads it.
pub(super) struct SecondParser(Value);

impl SecondParser {
    /// Parses the text of a document. Returns `None` for files that are not read twice: TOML, JSON,
    /// and YAML with merge keys. `serde_yaml` copies merged entries, and copies of copies may need
    /// more memory than any machine has.
    ///
    /// If `serde_yaml` cannot parse the text, the result has no secrets, so each one differs.
    pub fn parse(document: &Document) -> Option<Self> {
        if document.syntax() != Syntax::Yaml || has_merge_keys(document) {
            return None;
        }
        let text = document.source().text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Some(Self(serde_yaml::from_str(text).unwrap_or_default()))
    }

    /// Returns whether a secret has the same list of keys here. Only strings are compared.
    pub fn has_same_list(&self, document: &Document, secret: &str, items: &[NodeId]) -> bool {
        let Some(Value::Sequence(other)) = self.0.get(secret) else {
            return false;
        };
        let mut pairs = items
            .iter()
            .zip(other)
            .filter(|&(&item, _)| is_string(document, item));
        items.len() == other.len()
            && pairs.all(|(&item, other)| other.as_str() == document.text(item))
    }

    /// Returns whether a secret has the same keys and values here. Only entries whose key is a
    /// string are compared.
    pub fn has_same_mapping(
        &self,
        document: &Document,
        secret: &str,
        entries: &[(NodeId, NodeId)],
    ) -> bool {
        let Some(Value::Mapping(other)) = self.0.get(secret) else {
            return false;
        };
        let mut strings = entries.iter().filter(|&&(key, _)| is_string(document, key));
        entries.len() == other.len()
            && strings.all(|&(key, value)| {
                let other = document.text(key).and_then(|key| other.get(key));
                other.and_then(Value::as_str) == document.text(value)
            })
    }
}

/// Returns whether a node is a string to every YAML parser.
pub(super) fn is_string(document: &Document, node: NodeId) -> bool {
    document
        .scalar(node)
        .is_some_and(|scalar| scalar.ty == ScalarType::String)
}

fn has_merge_keys(document: &Document) -> bool {
    document.nodes().any(|(_, node)| match node.kind {
        NodeKind::Mapping { entries, .. } => document
            .entries_in(entries)
            .iter()
            .any(|&(key, _)| document.is_merge_key(key)),
        _ => false,
    })
}
