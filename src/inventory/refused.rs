//! An inventory that must not be queried in this run: every question is answered with the reason.

use super::{Capabilities, Inventory, Key, NoAnswer, SecretName, SecretValues, Wanted};
use crate::error::Failure;

/// An inventory that must not be queried, for example because its config is not trusted. It contains a name and a reason,
/// and nothing that could open, connect to or run anything.
pub struct RefusedInventory {
    name: String,
    reason: Failure,
}

impl RefusedInventory {
    /// Creates an inventory that answers every question with `reason`.
    pub fn new(name: String, reason: Failure) -> Self {
        Self { name, reason }
    }

    fn no_answer(&self) -> NoAnswer {
        NoAnswer::Invalid(self.reason.clone())
    }
}

impl Inventory for RefusedInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        Err(self.no_answer())
    }

    fn keys(&self, _secret: &str, _wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        Err(self.no_answer())
    }

    fn values(&self, _secret: &str, _wanted: &Wanted) -> Result<SecretValues, NoAnswer> {
        Err(self.no_answer())
    }

    fn takes_values(&self, _secret: &str) -> Result<bool, NoAnswer> {
        Err(self.no_answer())
    }

    fn check_writable(&self) -> Result<(), Failure> {
        Err(self.reason.clone())
    }
}
