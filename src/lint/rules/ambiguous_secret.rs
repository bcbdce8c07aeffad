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

use super::LookupContext;
use super::{Rule, RuleKind};
use crate::diagnostics::finding::{Finding, Severity};
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::Reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "ambiguous-secret",
    severity: Severity::Warning,
    summary: "the store has two secrets of that name",
    page: include_str!("ambiguous_secret.rs"),
    kind: RuleKind::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<Finding> {
    let LookupResult::Found { doubled: Some(taken), .. } = context.answer else { return None };
    let message =
        format!("two secrets `{}` in the inventory `{}`; {taken} is taken", reference.secret, context.found_in);
    let finding = reference.finding((RULE.name, RULE.severity), message);
    Some(finding.with_label("which of the two?").with_help("rename one of the two"))
}
