//! The edits that rename a secret or a key in an inventory file.

use super::content::{FileContent, FileSecret};
use crate::diagnostics::error::Failure;
use crate::document::{Document, Edit, NodeId, Replacement, Syntax, apply};
use crate::text::source::SourceFile;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A secret or key of an inventory file, and its new name.
pub(super) struct RenamedEntry<'n> {
    /// The name of the secret.
    pub secret: &'n str,
    /// Its new name.
    pub new_secret: &'n str,
    /// The key and its new name, if a key is renamed.
    pub key: Option<(&'n str, &'n str)>,
}

impl RenamedEntry<'_> {
    /// Returns the edits. Returns `None` if the file does not have the name.
    pub fn edits(&self, content: &FileContent, title: &str) -> Option<Result<Vec<Edit>, Failure>> {
        let secret = content.secret(self.secret)?;
        let (nodes, new) = match self.key {
            None => (vec![secret.name_node], self.new_secret),
            Some((old, new)) => {
                secret.keys.iter().find(|key| key.name == old)?;
                (key_nodes(&content.document, secret, old), new)
            }
        };
        let edits = self.verified_edits(content, &nodes, new);
        Some(edits.ok_or_else(|| {
            Failure::finding(format!(
                "cannot rename an entry of the inventory {title} without changing another one"
            ))
            .with_help("rename it by hand, then run the command again")
        }))
    }

    /// Returns the edits if they change only the name.
    fn verified_edits(
        &self,
        content: &FileContent,
        nodes: &[NodeId],
        new: &str,
    ) -> Option<Vec<Edit>> {
        let document = &content.document;
        let mut changed = HashMap::new();
        let mut edits = Vec::new();
        for &node in nodes {
            let old = document.text(node)?;
            let whole = Replacement {
                range: 0..old.len(),
                text: new,
            };
            let span = document.node(node).span;
            // A bare key of TOML stays one.
            if document.syntax() == Syntax::Toml
                && is_bare(document.source().slice(span))
                && is_bare(new)
            {
                edits.push(Edit::new(span, new.to_owned()));
            } else {
                edits.append(&mut document.encode(node, &[whole]));
            }
            changed.insert(document.target(node), new.to_owned());
        }
        edits.sort_by_key(|edit| edit.span);
        let text = apply(document.source().text(), &edits)?;
        let source = Arc::new(SourceFile::new(document.source().path(), text));
        let renamed = FileContent::read(&source, document.syntax(), "").ok()?;
        let names = content.names_and_keys().into_iter().map(|(secret, keys)| {
            if secret != self.secret {
                return (secret, keys);
            }
            let new_key = |key: String| match self.key {
                Some((old, new)) if key == old => new.to_owned(),
                _ => key,
            };
            let keys = keys.into_iter().map(new_key).collect();
            (self.new_secret.to_owned(), keys)
        });
        let is_proven = !edits.is_empty()
            && names.collect::<BTreeMap<_, _>>() == renamed.names_and_keys()
            && document
                .find_difference(&renamed.document, &changed)
                .is_none();
        is_proven.then_some(edits)
    }
}

/// Returns the nodes of a key, in a list of keys or in a mapping of keys to values.
fn key_nodes(document: &Document, secret: &FileSecret, key: &str) -> Vec<NodeId> {
    let items = document.items(secret.value).unwrap_or_default().iter();
    let entries = document.entries(secret.value).unwrap_or_default().iter();
    let nodes = items.copied().chain(entries.map(|&(node, _)| node));
    nodes
        .filter(|&node| document.text(node) == Some(key))
        .collect()
}

fn is_bare(key: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !key.is_empty() && key.chars().all(is_allowed)
}
