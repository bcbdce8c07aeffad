//! The failures of inventories that could not answer.

use crate::diagnostics::error::Failure;
use crate::inventory::StoreError;
use std::collections::BTreeSet;

/// An inventory that could not answer, and the secrets that it was asked for.
pub(super) struct FailedInventory<'r> {
    pub name: &'r str,
    pub error: &'r StoreError,
    pub secrets: BTreeSet<&'r str>,
}

impl FailedInventory<'_> {
    /// Returns the failure that names the inventory, the secrets, and a remedy.
    pub(super) fn failure(&self) -> Failure {
        let Self { name, error, .. } = self;
        let secrets = self.list_secrets();
        let failure = match error {
            StoreError::Invalid(failure) => failure.clone(),
            StoreError::Forbidden(advice) => {
                Failure::unanswered(format!("permission denied while reading {secrets} in the inventory `{name}`"))
                    .with_help(advice.clone())
            }
            StoreError::Unreachable(reason) => {
                Failure::unanswered(format!("cannot look up {secrets} in the inventory `{name}`: {reason}"))
                    .with_help("fix this and try again, or check only the syntax with `--level none`")
            }
            StoreError::EmptyListing(advice) => Failure::unanswered(format!(
                "these credentials cannot list any secret in `{name}`, so {secrets} cannot be looked up"
            ))
            .with_help(advice.clone()),
            // A lookup reports these as an answer, never as an error.
            StoreError::NotFound | StoreError::NoValues | StoreError::NotAsked => {
                Failure::unanswered(format!("cannot look up {secrets} in the inventory `{name}`"))
            }
        };
        failure.of_inventory(name)
    }

    fn list_secrets(&self) -> String {
        const MAX_NAMED: usize = 5;
        let names: Vec<String> = self
            .secrets
            .iter()
            .take(MAX_NAMED)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = self.secrets.len().saturating_sub(MAX_NAMED);
        let list = names.join(", ");
        if more > 0 {
            format!("{list} and {more} more")
        } else {
            list
        }
    }
}
