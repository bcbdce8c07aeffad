//! The reasons why an inventory cannot answer.

use crate::diagnostics::error::Failure;

/// The help for credentials that may list names but not read secrets.
pub(super) const LIST_ONLY_HINT: &str = "`--level secret-exists` needs only the permission to list";

/// The help for a relative path in a config that does not lead to an inventory.
pub(super) const CONFIG_PATH_HINT: &str = "a path in the config is relative to the config's folder";

/// The reason why an inventory cannot answer.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The inventory answered that the secret does not exist.
    NotFound,
    /// The credentials do not permit the call; with help.
    Forbidden(String),
    /// The store lists no secret at all, either because it has none or because the credentials may
    /// not list them; with help.
    EmptyListing(String),
    /// The store did not answer, or not in a way that stackref understands; with the reason.
    Unreachable(String),
    /// The inventory stores names and keys, but no values.
    NoValues,
    /// The inventory was not asked, or has not answered yet.
    NotAsked,
    /// The inventory itself cannot be read, or its configuration is wrong.
    Invalid(Failure),
}

impl StoreError {
    /// Converts the error into a failure. `subject` names the unanswered part: "the keys of `db`".
    pub fn into_failure(self, inventory: &str, subject: &str) -> Failure {
        match self {
            Self::Invalid(failure) => failure,
            Self::Forbidden(advice) => {
                let message = format!(
                    "permission denied while reading {subject} from the inventory `{inventory}`"
                );
                Failure::unanswered(message).with_help(advice)
            }
            Self::EmptyListing(advice) => {
                let message = format!(
                    "these credentials cannot list any secret in the inventory `{inventory}`"
                );
                Failure::unanswered(message).with_help(advice)
            }
            Self::Unreachable(reason) => {
                let message =
                    format!("cannot read {subject} from the inventory `{inventory}`: {reason}");
                Failure::unanswered(message).with_help("fix this and try again")
            }
            Self::NotAsked => Failure::unanswered(format!(
                "the inventory `{inventory}` was not asked for {subject}"
            )),
            Self::NotFound | Self::NoValues => Failure::unanswered(format!(
                "the inventory `{inventory}` does not have {subject}"
            )),
        }
    }
}
