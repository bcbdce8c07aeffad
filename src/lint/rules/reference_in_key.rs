//! A reference in a mapping key.
//!
//! ## Why
//!
//! ZenML and `stackref render` replace only values, so the key keeps its braces.
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
//! Write the key without a reference.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;

pub(super) const RULE: Rule = Rule {
    id: RuleId::ReferenceInKey,
    severity: Severity::Error,
    summary: "a reference in a mapping key",
    page: include_str!("reference_in_key.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let braces = context
        .brace_expressions()
        .first()
        .filter(|_| context.position.is_key)?;
    let message = "a reference in a mapping key, which is never replaced".to_owned();
    let finding = context.finding_at(RULE.id, braces, message);
    Some(
        finding
            .label("a key, not a value")
            .help("write the key without a reference; only values are replaced"),
    )
}
