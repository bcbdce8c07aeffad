//! Names of secrets and keys, as inventories list them and as references request them.

use std::collections::BTreeSet;

/// The name of a secret in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName {
    /// The exact name.
    pub name: String,
    /// If the store has two secrets of this name, which one it resolves to: "the public one".
    pub ambiguity: Option<String>,
}

impl SecretName {
    /// Creates a name that only one secret has.
    pub(super) fn unique(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ambiguity: None,
        }
    }
}

/// The names of secrets, or of the keys of one secret, that references need.
pub type RequestedNames = BTreeSet<String>;
