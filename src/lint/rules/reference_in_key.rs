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

use super::{Rule, RuleKind};
use crate::diagnostics::finding::{Finding, Severity};
use crate::sources::scalar::ScalarContext;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "reference-in-key",
    severity: Severity::Error,
    summary: "a reference in a mapping key",
    page: include_str!("reference_in_key.rs"),
    kind: RuleKind::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<Finding> {
    let braces = context.brace_expressions().first().filter(|_| context.position.is_key)?;
    let message = "a reference in a mapping key, where nothing replaces it".to_owned();
    let finding = context.finding_at((RULE.name, RULE.severity), braces, message);
    Some(finding.with_label("this is a key").with_help("write the key out; only values are replaced"))
}
