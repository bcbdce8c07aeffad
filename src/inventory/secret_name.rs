//! Names of secrets and keys, as inventories list them and as references request them.

use std::collections::BTreeSet;

/// The name of a secret in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName {
    /// The exact name.
    pub name: String,
    /// A reason why the name may mean something else for another user.
    pub caveat: Option<NameCaveat>,
}

/// A reason why the name of a secret may mean something else for another user of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameCaveat {
    /// The store has a public and a private secret of this name, and uses the public one.
    PublicOfTwo,
    /// The store has a public and a private secret of this name, and uses the private one.
    PrivateOfTwo,
    /// The only secret of this name is private: other users cannot read it.
    PrivateOnly,
}

impl SecretName {
    /// Creates a name that only one secret has.
    pub(super) fn unique(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            caveat: None,
        }
    }
}

/// The names of secrets, or of the keys of one secret, that references need.
pub type RequestedNames = BTreeSet<String>;
