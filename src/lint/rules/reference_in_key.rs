//! A reference in a mapping key.
//!
//! ## Why
//!
//! Only values are replaced, by ZenML and by `stackref render` alike: the key would stay as it is.
//!
//! ## Example
//!
//! ```yaml
//! settings:
//!   "{{db.user}}": admin
//! ```
//!
//! ## Fix
//!
//! Write the key out, and keep the reference in a value.

use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::ReferenceInKey,
    severity: Severity::Error,
    summary: "a reference in a mapping key",
    page: include_str!("reference_in_key.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let braces = context.brace_expressions().first().filter(|_| context.position.is_key)?;
    let message = "a reference in a mapping key, where nothing replaces it".to_owned();
    let finding = context.finding_at(RULE.id, braces, message);
    Some(finding.label("this is a key").help("write the key out; only values are replaced"))
}
