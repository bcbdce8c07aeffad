//! The key exists, and its value is empty. Seen only where values are read anyway, as in an inventory file with values.
//!
//! ## Why
//!
//! An empty password resolves without an error, and fails where it is used.
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
//! Give it its value, or remove the key.

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
    id: RuleId::EmptyValue,
    severity: Severity::Warning,
    summary: "the key exists and its value is empty",
    page: include_str!("empty_value.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::Found { keys: Some(keys), .. } = context.answer else { return None };
    let key = reference.key.as_ref()?;
    if keys.get(key) != Some(&ValueType::EmptyString) {
        return None;
    }
    Some(finding(reference, key, context.found_in))
}

/// A key of which the value in an inventory is empty: `check` may not have read it, and a render has.
pub fn finding(reference: &Reference, key: &str, holder: &str) -> FindingBuilder {
    let message = format!("`{}.{key}` in the inventory `{holder}` is empty", reference.secret);
    let finding = reference.finding(RULE.id, message);
    finding.label("resolves to nothing").help("give it its value, or refer to another key")
}
