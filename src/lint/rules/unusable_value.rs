//! A reference to a key whose value is not a string, so nothing can resolve it. The value is a
//! number, a boolean, null, a list or a mapping, bytes that are not UTF-8, or a folder instead of a
//! file.
//!
//! The rule applies only if the inventory reveals types without values, or if stackref reads the
//! values anyway:
//!
//! | kind | reports |
//! |---|---|
//! | `sops` | everything but strings: the file contains the types |
//! | `vault`, version 1 | everything but strings: the values are read |
//! | `vault`, version 2 | mappings: `subkeys` reveals nothing else |
//! | `zenml` | everything but strings, if this identity may read the values |
//! | `aws` | Secrets Manager: everything but strings and integers, which resolve to their digits |
//! | `dir` | folders, pipes, sockets and devices instead of a file, and files larger than 32 MiB |
//! | `env` | variables that are not UTF-8 |
//!
//! In an inventory of kind `file`, a value that is not a string is an error in the file, and
//! stackref exits with 2. With `command`, and for values that the other kinds do not reveal,
//! `render` reports the value and writes nothing.
//!
//! ## Why
//!
//! Secrets are strings. If a value is stored as a number, `render` fails, and so does the pipeline
//! that reads it.
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

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::ValueType;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::Reference;

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusableValue,
    severity: Severity::Error,
    summary: "a key whose value is not a string",
    page: include_str!("unusable_value.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let key = reference.key()?;
    let Some(ValueType::Unusable(unusable)) = context.value_type else {
        return None;
    };
    let reason = unusable.description();
    let message = format!(
        "the value of `{}.{key}` in {} {reason}",
        reference.secret(),
        context.found_in()
    );
    let finding = reference.finding(RULE.id, message);
    Some(finding.label("cannot be resolved").help(unusable.help()))
}
