//! A kind that this build does not have: it says so when it is asked, and not before.

use super::{Capabilities, Inventory, Key, NoAnswer, SecretName, SecretValues, Wanted};
use crate::error::Failure;

/// An inventory that cannot be asked.
pub struct AbsentInventory {
    name: String,
    kind: &'static str,
}

impl AbsentInventory {
    /// An inventory of a kind that is named like its cargo feature.
    pub fn new(name: String, kind: &'static str) -> Self {
        Self { name, kind }
    }

    fn no_answer(&self) -> NoAnswer {
        let words = format!(
            "the inventory `{}` is of kind `{}`, which this build of stackref does not have",
            self.name, self.kind
        );
        let help = format!("build it with `cargo install --locked stackref --features {}`", self.kind);
        NoAnswer::Invalid(Failure::usage(words).with_help(help))
    }
}

impl Inventory for AbsentInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: false, keys: false, values: false, write: false }
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
}
