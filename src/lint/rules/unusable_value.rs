//! The key exists, but its value is not a string, so nothing can resolve it. It is a number, a boolean, null, a list or a
//! mapping, bytes that are not UTF-8, or a folder in place of a file.
//!
//! The rule applies only if the inventory reveals types without values, or if values are read anyway:
//!
//! | kind | reports |
//! |---|---|
//! | `sops` | everything but strings: the file contains the types |
//! | `vault`, version 1 | everything but strings: the values are read |
//! | `vault`, version 2 | mappings: `subkeys` reveals nothing else |
//! | `zenml` | everything but strings, if this identity may read the values |
//! | `aws` | Secrets Manager: everything but strings and whole numbers, which resolve to their digits |
//! | `dir` | folders, pipes, sockets and devices in place of a file, and files larger than 32 MiB |
//! | `env` | variables that are not UTF-8 |
//!
//! In an inventory of kind `file`, a value that is not a string is an error in the file: the run exits with 2. With
//! `command`, and for the values that the other kinds do not reveal, `render` reports it and writes nothing.
//!
//! ## Why
//!
//! Secrets are strings. Where one is stored as a number, `render` fails, and so does the pipeline that reads it.
//!
//! ## Example
//!
//! ```yaml
//! # a file that SOPS encrypted; the value is a number
//! mysql:
//!   port: ENC[AES256_GCM,data:aGk=,iv:…,tag:…,type:int]
//! ```
//!
//! ## Fix
//!
//! Store the value as a string: `port: "3306"` before it is encrypted.

use super::LookupContext;
use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::ValueType;
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::Reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusableValue,
    severity: Severity::Error,
    summary: "the key exists, but its value is not a string",
    page: include_str!("unusable_value.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::Found { keys: Some(keys), .. } = context.answer else { return None };
    let key = reference.key.as_ref()?;
    let Some(ValueType::Unusable(unusable)) = keys.get(key) else { return None };
    let why = unusable.description();
    let message = format!("the value of `{}.{key}` in the inventory `{}` {why}", reference.secret, context.found_in);
    let finding = reference.finding(RULE.id, message);
    Some(finding.label("cannot be resolved").help(unusable.help()))
}
