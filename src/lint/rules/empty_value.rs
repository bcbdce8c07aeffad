//! A key whose value is an empty string. stackref reports it only if it reads the values anyway, as
//! in an inventory file with values.
//!
//! ## Why
//!
//! An empty password resolves without an error, and fails only where it is used.
//!
//! ## Example
//!
//! ```yaml
//! # secrets.inventory.yaml
//! mlflow:
//!   password: ""
//! ```
//!
//! ## Fix
//!
//! Store the value, or remove the key.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::ValueType;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::LookupContext;
use crate::sources::reference::Reference;

pub(super) const RULE: Rule = Rule {
    id: RuleId::EmptyValue,
    severity: Severity::Warning,
    summary: "a key whose value is empty",
    page: include_str!("empty_value.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let key = reference.key()?;
    if context.value_type != Some(&ValueType::EmptyString) {
        return None;
    }
    Some(finding(reference, key, &context.found_in()))
}

/// Creates the finding. `render` calls this for values that `check` did not read.
pub fn finding(reference: &Reference, key: &str, found_in: &str) -> FindingBuilder {
    let message = format!(
        "the value of `{}.{key}` in {found_in} is empty",
        reference.secret()
    );
    let finding = reference.finding(RULE.id, message);
    finding
        .label("resolves to an empty string")
        .help("store a value, or refer to another key")
}
