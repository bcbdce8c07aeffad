//! The parts of an inventory file that are read besides names and keys: where each name is declared,
//! and the ignore comments.

use crate::document::directives::Directive;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::path::Path;
use std::sync::Arc;

/// The name of a secret and its location, in an inventory that is a file of the repository.
#[derive(Clone, Debug)]
pub struct DeclaredName {
    /// The name.
    pub name: String,
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The bytes of the name in the file.
    pub span: Span,
}

/// The names and keys of an inventory that is a file, with their locations. Never its values.
#[derive(Clone, Debug)]
pub struct InventoryEntries {
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The secrets, in the order of the file.
    pub secrets: Vec<InventoryEntry>,
}

/// A secret in an inventory file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryEntry {
    /// The name.
    pub name: String,
    /// The bytes of the name.
    pub span: Span,
    /// The names of the keys, each with its bytes.
    pub keys: Vec<(String, Span)>,
}

impl InventoryEntries {
    /// Returns a secret by its name.
    pub fn get(&self, name: &str) -> Option<&InventoryEntry> {
        self.secrets.iter().find(|secret| secret.name == name)
    }
}

impl InventoryEntry {
    /// Returns the bytes of a key; `None` if the secret does not have it.
    pub fn key(&self, name: &str) -> Option<Span> {
        let key = self.keys.iter().find(|(key, _)| key == name);
        key.map(|&(_, span)| span)
    }
}

/// The comments of an inventory file that suppress findings in it.
#[derive(Clone, Copy, Debug)]
pub struct InventoryComments<'i> {
    /// The file.
    pub source: &'i Arc<RedactedSource>,
    /// The absolute path of the file.
    pub path: &'i Path,
    /// The comments.
    pub directives: &'i [Directive],
    /// Whether the file is a snapshot, to which `unused-secret` does not apply.
    pub is_snapshot: bool,
}
