//! The value of a secret in a text file of the repository. This rule runs only with `--leaks`.
//!
//! stackref finds a value as it is, with the escapes of JSON, in base64, and percent-encoded as in
//! a URL. It finds PEM keys and base64 even if their lines are broken or indented differently.
//!
//! It does not search for values of less than 8 bytes or for common words, and it skips the files
//! of the inventories themselves.
//!
//! ## Why
//!
//! Anyone who can read the repository, or its history, has the secret.
//!
//! ## Example
//!
//! ```yaml
//! # the inventory has db.password = "correct-horse-battery"
//! url: mysql://admin:correct-horse-battery@db
//! ```
//!
//! ## Fix
//!
//! Refer to the secret instead, and change its value in the store. If you only remove the value
//! from the file, the history still contains it.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::Leak;

pub(super) const RULE: Rule = Rule {
    id: RuleId::LeakedValue,
    severity: Severity::Error,
    summary: "the value of a secret in a text file (only with --leaks)",
    page: include_str!("leaked_value.rs"),
    check: Check::Leak(check),
};

fn check(leak: &Leak<'_>) -> FindingBuilder {
    let (secret, key) = leak.owner;
    let more = match leak.other_owners {
        0 => String::new(),
        1 => " (and of 1 other key)".to_owned(),
        more => format!(" (and of {more} other keys)"),
    };
    let message = format!(
        "the value of `{secret}.{key}`{more} found in this file{}",
        leak.encoding
    );
    let finding = FindingBuilder::new(RULE.id, leak.source, leak.span, message);
    let finding = finding.redact(true);
    let finding = finding.fingerprint_key(format!("{secret}.{key}"));
    let finding = finding.names(secret, Some(key));
    finding.label("readable by anyone who has the repository").help(format!(
        "refer to the secret, `{{{{{secret}.{key}}}}}`, and change its value in the store: the history keeps this one"
    ))
}
