//! The edits that add secrets and keys to the text of an inventory file.

use super::base64_value::{ZENML_MARKER, ZENML_SCHEMA, encode_base64};
use super::content::{FileContent, FileSecret};
use crate::diagnostics::error::Failure;
use crate::document::{Edit, NewValue, NodeId, NodeKind, Replacement, Syntax, apply};
use crate::inventory::NewKey;
use std::collections::{HashMap, HashSet};

/// The entries to be added to one secret.
pub(super) struct Addition<'a> {
    pub name: &'a str,
    /// The secret, if it exists.
    pub secret: Option<&'a FileSecret>,
    /// Whether the secret stores values, and not only names.
    pub stores_values: bool,
    pub entries: Vec<&'a NewKey>,
}

impl Addition<'_> {
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Returns the values as they are written to the file.
    fn encoded_values(&self, is_zenml: bool) -> Vec<String> {
        let values = self.entries.iter().map(|entry| {
            if is_zenml {
                encode_base64(entry.text())
            } else {
                entry.text().to_owned()
            }
        });
        values.collect()
    }
}

/// The keys of a new secret, and their values if the secret stores values.
struct NewSecret<'a> {
    name: &'a str,
    stores_values: bool,
    keys: Vec<&'a str>,
    pairs: Vec<(&'a str, &'a str)>,
}

impl FileContent {
    /// Returns the text with all additions.
    pub(super) fn write_additions(&self, additions: &[Addition<'_>]) -> Result<String, Failure> {
        let document = &self.document;
        let mut edits = Vec::new();
        let top_level = self.top_level_values();
        for addition in additions {
            let Some(secret) = addition.secret else {
                continue;
            };
            let new = is_own_value(self, &top_level, secret)
                .then(|| self.new_keys(secret, addition))
                .flatten();
            edits.extend(new.ok_or_else(|| self.addition_error(addition))?);
        }
        let new_secrets: Vec<&Addition<'_>> = additions
            .iter()
            .filter(|addition| addition.secret.is_none())
            .collect();
        if let Some(first) = new_secrets.first() {
            edits.extend(
                self.new_secrets(&new_secrets)
                    .ok_or_else(|| self.addition_error(first))?,
            );
        }
        edits.sort_by_key(|edit| edit.span.start);
        let text = document.source().text();
        remove_extra_line_breaks(text, &mut edits);
        apply(text, &edits).ok_or_else(|| self.additions_error(additions))
    }

    fn top_level_values(&self) -> HashSet<NodeId> {
        let root = self.document.roots().first();
        let entries = root
            .and_then(|&root| self.document.entries(root))
            .unwrap_or_default();
        entries.iter().map(|&(_, value)| value).collect()
    }

    /// Returns the edits that add new secrets. Returns `None` if the layout does not allow it.
    fn new_secrets(&self, additions: &[&Addition<'_>]) -> Option<Vec<Edit>> {
        let document = &self.document;
        let is_zenml =
            !self.secrets.is_empty() && self.secrets.iter().all(|secret| self.is_zenml(secret));
        let values: Vec<Vec<String>> = additions
            .iter()
            .map(|addition| addition.encoded_values(is_zenml))
            .collect();
        let secrets: Vec<NewSecret<'_>> = additions
            .iter()
            .zip(&values)
            .map(|(addition, values)| new_secret(addition, values, is_zenml))
            .collect();
        let new: Vec<(&str, NewValue<'_>)> = secrets
            .iter()
            .map(|secret| {
                let value = if secret.stores_values {
                    NewValue::Map(&secret.pairs)
                } else {
                    NewValue::Names(&secret.keys)
                };
                (secret.name, value)
            })
            .collect();
        match document.roots().first() {
            Some(&root) if document.entries(root).is_some() => document.insert(root, &new),
            // The file is empty or contains only comments.
            _ if document.syntax() == Syntax::Yaml => Some(vec![document.begin_document(&new)]),
            _ => None,
        }
    }

    /// Returns the edits that add keys to a secret or replace their values. Returns `None` if the
    /// layout does not allow it.
    fn new_keys(&self, secret: &FileSecret, addition: &Addition<'_>) -> Option<Vec<Edit>> {
        let document = &self.document;
        if !addition.stores_values {
            let existing: HashSet<&str> = secret.keys.iter().map(|key| key.name.as_str()).collect();
            let new: Vec<&str> = addition
                .keys()
                .filter(|key| !existing.contains(key))
                .collect();
            return document.push(secret.value, &new);
        }
        let mut existing: HashMap<&str, NodeId> = HashMap::new();
        for &(key, value) in document.entries(secret.value)? {
            if let Some(key) = document.text(key) {
                existing.entry(key).or_insert(value);
            }
        }
        let values = addition.encoded_values(self.is_zenml(secret));
        let (mut edits, mut new) = (Vec::new(), Vec::new());
        for (key, value) in addition.keys().zip(&values) {
            match existing.get(key) {
                None => new.push((key, NewValue::Text(value))),
                Some(&node) if matches!(document.node(node).kind, NodeKind::Alias(_)) => {
                    return None;
                }
                Some(&node) => {
                    let replacement = Replacement {
                        range: 0..document.text(node)?.len(),
                        text: value,
                    };
                    edits.extend(document.encode(node, &[replacement]));
                }
            }
        }
        edits.extend(document.insert(secret.value, &new)?);
        Some(edits)
    }
}

/// Returns whether the value of a secret belongs to it alone. An aliased or merged value is also
/// that of another secret.
fn is_own_value(content: &FileContent, top_level: &HashSet<NodeId>, secret: &FileSecret) -> bool {
    top_level.contains(&secret.value)
        && !matches!(content.document.node(secret.value).kind, NodeKind::Alias(_))
}

fn new_secret<'a>(
    addition: &'a Addition<'_>,
    values: &'a [String],
    is_zenml: bool,
) -> NewSecret<'a> {
    let marker = is_zenml.then_some((ZENML_MARKER, ZENML_SCHEMA));
    let pairs = addition.keys().zip(values.iter().map(String::as_str));
    NewSecret {
        name: addition.name,
        stores_values: addition.stores_values,
        keys: addition.keys().collect(),
        pairs: marker.into_iter().chain(pairs).collect(),
    }
}

/// Removes the line break that starts an edit from all but the first edit at the end of a text
/// without a final line break. Each of these edits starts with one.
fn remove_extra_line_breaks(text: &str, edits: &mut [Edit]) {
    if text.is_empty() || text.ends_with(['\n', '\r']) {
        return;
    }
    for edit in edits
        .iter_mut()
        .filter(|edit| edit.span.start == text.len())
        .skip(1)
    {
        let rest = edit
            .text
            .trim_start_matches('\r')
            .strip_prefix('\n')
            .unwrap_or(&edit.text);
        edit.text = rest.to_owned();
    }
}
