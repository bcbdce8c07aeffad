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
use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::Reference;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::AmbiguousSecret,
    severity: Severity::Warning,
    summary: "the store has two secrets of that name",
    page: include_str!("ambiguous_secret.rs"),
    check: Check::Reference(check),
};

fn check(reference: &Reference, context: &LookupContext<'_>) -> Option<FindingBuilder> {
    let LookupResult::Found { doubled: Some(taken), .. } = context.answer else { return None };
    let message =
        format!("two secrets `{}` in the inventory `{}`; {taken} is taken", reference.secret, context.found_in);
    let finding = reference.finding(RULE.id, message);
    Some(finding.label("which of the two?").help("rename one of the two"))
}
