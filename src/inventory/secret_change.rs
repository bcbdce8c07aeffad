//! Secrets and keys to be stored in an inventory.

use secrecy::{ExposeSecret, SecretString};

/// A key to be stored.
pub struct NewKey {
    /// The name of the key.
    pub key: String,
    /// The value, or `None` if the inventory stores names only.
    pub value: Option<SecretString>,
    /// Whether the value replaces that of an existing key. Otherwise the existing key is kept.
    pub replaces: bool,
}

impl NewKey {
    /// Returns the value to store, or an empty string if only the name is stored.
    pub(super) fn text(&self) -> &str {
        self.value.as_ref().map_or("", ExposeSecret::expose_secret)
    }
}

/// A secret and the keys to be stored in it.
pub struct SecretChange<'c> {
    /// The name of the secret.
    pub secret: &'c str,
    /// The keys to store.
    pub entries: &'c [NewKey],
}

/// Splits entries into the names of existing keys that are kept, and the entries to store. Both
/// are in the order of `entries`.
pub(super) fn partition_existing(
    entries: &[NewKey],
    exists: impl Fn(&str) -> bool,
) -> (Vec<String>, Vec<&NewKey>) {
    let (kept, new): (Vec<&NewKey>, Vec<&NewKey>) = entries
        .iter()
        .partition(|entry| !entry.replaces && exists(&entry.key));
    (
        kept.into_iter().map(|entry| entry.key.clone()).collect(),
        new,
    )
}
