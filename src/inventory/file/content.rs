//! The content of an inventory file: its secrets, and the errors in single entries.

use super::base64_value::{ZENML_MARKER, decode_base64};
use super::content_reader::ContentReader;
use crate::diagnostics::error::Failure;
use crate::document::directives::{self, Directive};
use crate::document::{Document, MERGE_BUDGET, NodeId, Syntax};
use crate::inventory::{InventoryEntry, Key, StoreError};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The content of an inventory file.
pub(super) struct FileContent {
    pub document: Document,
    /// The file. Its excerpts show only names and keys.
    pub source: Arc<RedactedSource>,
    pub directives: Vec<Directive>,
    pub secrets: Vec<FileSecret>,
    pub entry_errors: Vec<Failure>,
    by_name: HashMap<String, usize>,
}

/// A secret in an inventory file.
pub(super) struct FileSecret {
    pub name: String,
    /// The node of the name.
    pub name_node: NodeId,
    /// The node of the list of keys, or of the mapping of keys to values.
    pub value: NodeId,
    pub keys: Vec<Key>,
    /// The reason why the keys are not known: an entry without a readable key.
    pub error: Option<Failure>,
}

impl FileContent {
    /// Reads an inventory. `title` is its name in messages.
    ///
    /// # Errors
    /// Fails if the file does not parse. Errors in single entries are collected in `entry_errors`.
    pub fn read(source: &Arc<SourceFile>, syntax: Syntax, title: &str) -> Result<Self, Failure> {
        let document = Document::parse(Arc::clone(source), syntax).map_err(|error| {
            // An empty span, because the parser may have stopped inside a value.
            let start = Span::new(error.span.start, error.span.start);
            let message = format!("cannot parse the inventory {title}: {}", error.message);
            Failure::usage(message)
                .at(&RedactedSource::span_only(source), start)
                .with_help_if(error.help)
        })?;
        let (secrets, entry_errors) = ContentReader::new(&document, title).read();
        let by_name = secrets
            .iter()
            .enumerate()
            .map(|(index, secret)| (secret.name.clone(), index))
            .collect();
        let directives = directives::directives(&document);
        let source = RedactedSource::span_only(source);
        Ok(Self {
            document,
            source,
            directives,
            secrets,
            entry_errors,
            by_name,
        })
    }

    /// Returns a secret by its name.
    pub fn secret(&self, name: &str) -> Option<&FileSecret> {
        self.secrets.get(*self.by_name.get(name)?)
    }

    /// Returns the names of all secrets with their keys.
    pub fn names_and_keys(&self) -> BTreeMap<String, BTreeSet<String>> {
        let secrets = self.secrets.iter().map(|secret| {
            let keys = secret.keys.iter().map(|key| key.name.clone()).collect();
            (secret.name.clone(), keys)
        });
        secrets.collect()
    }

    /// Returns whether a secret stores values, not only the names of its keys.
    pub fn stores_values(&self, secret: &FileSecret) -> bool {
        self.document.entries(secret.value).is_some()
    }

    /// Returns whether a secret has the format of ZenML's local file, in which values are base64.
    pub fn is_zenml(&self, secret: &FileSecret) -> bool {
        self.entries(secret)
            .iter()
            .any(|&(key, _)| self.document.text(key) == Some(ZENML_MARKER))
    }

    /// Returns the entries of a secret that stores values, merged ones included.
    fn entries(&self, secret: &FileSecret) -> Vec<(NodeId, NodeId)> {
        self.document
            .merged_entries(secret.value, &mut MERGE_BUDGET.clone())
            .unwrap_or_default()
            .into_owned()
    }

    /// Returns the secrets with the locations of their names and keys. Keys that merge keys add have
    /// the location of the merged mapping.
    pub fn entries_with_spans(&self) -> Vec<InventoryEntry> {
        let document = &self.document;
        let secrets = self.secrets.iter().map(|secret| {
            let known: HashSet<&str> = secret.keys.iter().map(|key| key.name.as_str()).collect();
            let listed = document.items(secret.value).unwrap_or_default();
            let listed = listed.iter().copied();
            let entries = self.entries(secret).into_iter().map(|(key, _)| key);
            let nodes = listed.chain(entries).filter(|_| secret.error.is_none());
            let keys = nodes.filter_map(|node| {
                let name = document.text(node).filter(|name| known.contains(name))?;
                let span = document.node(document.target(node)).span;
                Some((name.to_owned(), span))
            });
            InventoryEntry {
                name: secret.name.clone(),
                span: document.node(secret.name_node).span,
                keys: keys.collect(),
            }
        });
        secrets.collect()
    }

    /// Returns the values of a secret.
    pub fn values(&self, name: &str) -> Result<BTreeMap<String, SecretString>, StoreError> {
        let secret = self.secret(name).ok_or(StoreError::NotFound)?;
        if let Some(failure) = &secret.error {
            return Err(StoreError::Invalid(failure.clone()));
        }
        if !self.stores_values(secret) {
            return Err(StoreError::NoValues);
        }
        let document = &self.document;
        let is_zenml = self.is_zenml(secret);
        let values = self.entries(secret).into_iter().filter_map(|(key, value)| {
            let (key, text) = (document.text(key)?, document.text(value)?);
            let text = if is_zenml {
                decode_base64(text)?
            } else {
                SecretString::from(text)
            };
            (key != ZENML_MARKER || !is_zenml).then(|| (key.to_owned(), text))
        });
        Ok(values.collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_have_their_locations() {
        for (text, syntax, expected) in [
            (
                "a: [b, 'c']\n\"d\": {e: hunter2}\n",
                Syntax::Yaml,
                "a b 'c' \"d\" e",
            ),
            ("\u{feff}ä: [b]\r\nc:\r\n  - d\r\n", Syntax::Yaml, "ä b c d"),
            (
                "x: &x {k: hunter2}\ny:\n  <<: *x\n  l: hunter2\n",
                Syntax::Yaml,
                "x k y k l",
            ),
            (
                "[a]\nb = 'hunter2'\n\"c\" = 'hunter2'\n",
                Syntax::Toml,
                "a b \"c\"",
            ),
            (
                "{\"a\": [\"b\"], \"c\": {}}",
                Syntax::Json,
                "\"a\" \"b\" \"c\"",
            ),
            ("a: []\n", Syntax::Yaml, "a"),
        ] {
            let source = Arc::new(SourceFile::new("names", text));
            let content = FileContent::read(&source, syntax, "names").unwrap();
            let mut found: Vec<&str> = Vec::new();
            for secret in content.entries_with_spans() {
                found.push(source.slice(secret.span));
                let mut keys = secret.keys;
                keys.sort_by_key(|(name, _)| name.clone());
                found.extend(keys.iter().map(|&(_, span)| source.slice(span)));
            }
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}
