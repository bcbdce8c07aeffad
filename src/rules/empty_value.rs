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

use super::Known;
use super::{Check, Rule};
use crate::finding::{Finding, Severity};
use crate::inventory::lookup::Answer;
use crate::site::Reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "empty-value",
    severity: Severity::Warning,
    summary: "the key exists and its value is empty",
    page: include_str!("empty_value.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, known: &Known<'_>) -> Option<Finding> {
    let Answer::Found { keys: Some(keys), .. } = known.answer else { return None };
    let key = reference.key.as_ref()?;
    if keys.get(key) != Some(&Some(true)) {
        return None;
    }
    let message = format!("`{}.{}` in the inventory `{}` is empty", reference.secret, key, known.holder);
    let finding = reference.finding((RULE.name, RULE.severity), message);
    Some(finding.with_label("resolves to nothing").with_help("give it its value, or refer to another key"))
}
