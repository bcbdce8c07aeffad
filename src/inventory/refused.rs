//! An inventory that must not be queried in this run: every question is answered with the reason.

use super::{Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError};
use crate::diagnostics::error::Failure;

/// An inventory that must not be queried, for example because its config is not trusted or because this build
/// does not have its kind. It contains nothing that could open, connect to or run anything.
pub struct RefusedInventory {
    name: String,
    capabilities: Capabilities,
    reason: Failure,
}

impl RefusedInventory {
    /// Creates an inventory that answers every question with `reason`.
    pub fn new(name: String, capabilities: Capabilities, reason: Failure) -> Self {
        Self { name, capabilities, reason }
    }

    /// Creates an inventory of a kind that this build does not have: the kind is named like its cargo feature.
    #[cfg(not(feature = "aws"))]
    pub fn not_built(name: String, kind: &str) -> Self {
        let words = format!("the inventory `{name}` is of kind `{kind}`, which this build of stackref does not have");
        let help = format!("build it with `cargo install --locked stackref --features {kind}`");
        Self::new(name, Capabilities::NONE, Failure::usage(words).with_help(help))
    }

    fn error(&self) -> StoreError {
        StoreError::Invalid(self.reason.clone())
    }
}

impl Inventory for RefusedInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Err(self.error())
    }

    fn keys(&self, _secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        Err(self.error())
    }

    fn values(&self, _secret: &str, _wanted: &RequestedNames) -> Result<SecretValues, StoreError> {
        Err(self.error())
    }

    fn takes_values(&self, _secret: &str) -> Result<bool, StoreError> {
        Err(self.error())
    }

    fn check_writable(&self) -> Result<(), Failure> {
        Err(self.reason.clone())
    }
}
