//! With `--leaks`: the value of a secret stands in a text file of the tree, as it is, with the escapes of JSON, in base64, or
//! percent-encoded as in a URL. Keys in PEM and base64 are found whatever their line breaks and indentation. Values of less than 8 bytes and common words are not looked for; inventories' own files
//! hold them rightly.
//!
//! ## Why
//!
//! Who can read the repository, or its history, has the secret.
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
//! Refer to the secret instead, and change its value in the store: taking it out of the file does not take it out of the
//! history.

use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::LeakedValue,
    severity: Severity::Error,
    summary: "with --leaks: a secret's value stands in a file of the tree",
    page: include_str!("leaked_value.rs"),
    check: Check::Leak(check),
};

/// Where a value stands, and whose it is.
pub struct Leak<'l> {
    /// The file.
    pub source: &'l Arc<RedactedSource>,
    /// Its place.
    pub span: Span,
    /// The secret, and its key; the first of several that have this value.
    pub owner: (&'l str, &'l str),
    /// How many others have it.
    pub other_owners: usize,
    /// How it is written: nothing, or ` in base64`.
    pub encoding: &'static str,
}

fn check(leak: &Leak<'_>) -> FindingBuilder {
    let (secret, key) = leak.owner;
    let more = match leak.other_owners {
        0 => String::new(),
        1 => " (and of another key)".to_owned(),
        more => format!(" (and of {more} other keys)"),
    };
    let message = format!("the value of `{secret}.{key}`{more} stands in this file{}", leak.encoding);
    let finding = FindingBuilder::new(RULE.id, leak.source, leak.span, message);
    let finding = finding.redact(true);
    let finding = finding.fingerprint_key(format!("{secret}.{key}"));
    let finding = finding.names(secret, Some(key.to_owned()));
    finding.label("readable to everyone with the repository").help(format!(
        "refer to it, `{{{{{secret}.{key}}}}}`, and change the value in the store: history keeps this one"
    ))
}
