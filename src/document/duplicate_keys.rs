//! Keys that occur twice in one mapping of YAML or JSON. TOML's parser refuses them itself.

use super::node::{NodeId, NodeKind, ScalarType};
use super::{Document, SyntaxError};
use crate::zenml::flavors;
use std::collections::HashMap;

/// The largest mapping whose keys are compared with each other instead of hashed.
const MAX_COMPARED_KEYS: usize = 8;

/// A key that occurs a second time in one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The error at the second occurrence.
    pub error: SyntaxError,
    /// Whether it is inside the value of a sensitive attribute. There a missing space can turn a
    /// password into a key.
    pub redact: bool,
}

impl Document {
    /// Returns the duplicate keys of all mappings.
    ///
    /// Many YAML readers use one of two equal keys without a warning, so one of two passwords would
    /// be lost. A key of another type is not equal to a string: `1` and `"1"` are different keys.
    pub(super) fn duplicate_keys(&self) -> Vec<DuplicateKey> {
        let mut duplicates = Vec::new();
        for (_, node) in self.nodes() {
            let NodeKind::Mapping { entries, .. } = node.kind else {
                continue;
            };
            let entries = self.entries_in(entries);
            // Most mappings are small: comparing their keys is cheaper than hashing them.
            if entries.len() <= MAX_COMPARED_KEYS && !self.has_duplicates(entries) {
                continue;
            }
            let mut seen = HashMap::with_capacity(entries.len());
            for &(key, _) in entries {
                let (Some(scalar), Some(text)) = (self.scalar(key), self.text(key)) else {
                    continue;
                };
                let first = *seen
                    .entry((text, scalar.ty == ScalarType::String))
                    .or_insert(key);
                if first != key {
                    duplicates.push(self.duplicate_key(first, key, text));
                }
            }
        }
        duplicates
    }

    /// Returns whether two keys of a small mapping have the same text.
    fn has_duplicates(&self, entries: &[(NodeId, NodeId)]) -> bool {
        let mut seen = [None; MAX_COMPARED_KEYS];
        (0..).zip(entries).any(|(count, &(key, _))| {
            let text = self.text(key);
            let is_duplicate =
                text.is_some() && seen.iter().take(count).any(|other| *other == text);
            if let Some(slot) = seen.get_mut(count) {
                *slot = text;
            }
            is_duplicate
        })
    }

    fn duplicate_key(&self, first: NodeId, key: NodeId, text: &str) -> DuplicateKey {
        let line = self.source.position(self.node(first).span.start).line;
        let path = self.path(key);
        if self.is_merge_key(key) {
            let message = "two merge keys `<<` in one mapping".to_owned();
            let help = format!(
                "the first is on line {line}. In YAML 1.2, two equal keys are an error. ZenML uses PyYAML, which merges both \
                 mappings, and the last one wins. Write one merge key with a list, in which the first mapping wins: \
                 `<<: [*a, *b]`"
            );
            let error = SyntaxError {
                span: self.node(key).span,
                message,
                help: Some(help),
            };
            return DuplicateKey {
                error,
                redact: false,
            };
        }
        let redact = path.split('.').rev().skip(1).any(flavors::may_be_sensitive);
        let name = if redact {
            "a key".to_owned()
        } else {
            format!("the key `{text}`")
        };
        let message = format!("{name} occurs twice in one mapping");
        let help = format!(
            "remove or rename one of the two: the first is on line {line}, and readers ignore one of them without a warning"
        );
        DuplicateKey {
            error: SyntaxError {
                span: self.node(key).span,
                message,
                help: Some(help),
            },
            redact,
        }
    }
}
