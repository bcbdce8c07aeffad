//! An inventory that must not be queried in this run. It answers every question with the reason.

use super::{
    Capabilities, Inventory, Key, RegisteredStacks, RequestedNames, SecretName, SecretValues,
    StoreError,
};
use crate::diagnostics::error::Failure;

/// An inventory that must not be queried, for example because its config is not trusted or because
/// this build does not support its kind. It contains nothing that could open a file, connect to a
/// server or run a program.
pub struct RefusedInventory {
    name: String,
    capabilities: Capabilities,
    reason: Failure,
    has_registered_stacks: bool,
}

impl RefusedInventory {
    /// Creates an inventory that answers every question with `reason`.
    pub fn new(name: String, capabilities: Capabilities, reason: Failure) -> Self {
        Self {
            name,
            capabilities,
            reason,
            has_registered_stacks: false,
        }
    }

    /// Sets whether the inventory would be a `ZenML` server if it were not refused.
    #[must_use]
    pub fn with_registered_stacks(self, has_registered_stacks: bool) -> Self {
        Self {
            has_registered_stacks,
            ..self
        }
    }

    /// Creates an inventory of a kind that this build does not support. Kinds are named like their
    /// cargo feature.
    #[cfg(not(feature = "aws"))]
    pub fn not_built(name: String, kind: &str) -> Self {
        let message = format!(
            "cannot use the inventory `{name}`: this build of stackref does not support the kind `{kind}`"
        );
        let help = format!("install it with `cargo install --locked stackref --features {kind}`");
        Self::new(
            name,
            Capabilities::NONE,
            Failure::usage(message).with_help(help),
        )
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

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Err(self.error())
    }

    fn keys(&self, _secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        Err(self.error())
    }

    fn values(
        &self,
        _secret: &str,
        _requested: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        Err(self.error())
    }

    fn takes_values(&self, _secret: &str) -> Result<bool, StoreError> {
        Err(self.error())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn has_registered_stacks(&self) -> bool {
        self.has_registered_stacks
    }

    fn registered_stacks(&self) -> Result<RegisteredStacks, StoreError> {
        Err(self.error())
    }

    fn check_writable(&self) -> Result<(), Failure> {
        Err(self.reason.clone())
    }
}
