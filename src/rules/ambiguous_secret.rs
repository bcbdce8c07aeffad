//! The store has two secrets of that name: ZenML may have a public and a private one.
//!
//! ## Why
//!
//! Which of them is taken depends on the version, so the same reference can mean two values.
//!
//! ## Example
//!
//! A public and a private secret `mlflow` on one ZenML server, and `'{{mlflow.password}}'` in a stack.
//!
//! ## Fix
//!
//! Rename one of the two.

use super::Known;
use super::{Check, Rule};
use crate::finding::{Finding, Severity};
use crate::inventory::lookup::Answer;
use crate::site::Reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ambiguous-secret",
    severity: Severity::Warning,
    summary: "the store has two secrets of that name",
    page: include_str!("ambiguous_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, known: &Known<'_>) -> Option<Finding> {
    let Answer::Found { doubled: Some(taken), .. } = known.answer else { return None };
    let message = format!("two secrets `{}` in the inventory `{}`; {taken} is taken", reference.secret, known.holder);
    let finding = reference.finding((RULE.name, RULE.severity), message);
    Some(finding.with_label("which of the two?").with_help("rename one of the two"))
}
