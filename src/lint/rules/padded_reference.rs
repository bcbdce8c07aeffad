//! White space inside the braces, in a stack of a ZenML before 0.40.
//!
//! ## Why
//!
//! Those versions take `{{ a.b }}` for plain text.
//!
//! ## Example
//!
//! ```yaml
//! zenml_version: 0.39.1
//! components:
//!   experiment_tracker:
//!     flavor: wandb
//!     name: wandb
//!     api_key: '{{ wandb.api_key }}'
//! ```
//!
//! ## Fix
//!
//! Write `{{wandb.api_key}}`.

use super::{Check, Rule};
use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::{BraceKind, ParsedValue, Resolver, is_space};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::PaddedReference,
    severity: Severity::Error,
    summary: "white space inside the braces, for a ZenML before 0.40",
    page: include_str!("padded_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || context.version().takes_padding() {
        return None;
    }
    let ParsedValue::Reference(braces) = &context.value else { return None };
    let BraceKind::Reference { name, key, padded: true } = braces.kind else { return None };
    let message = "white space inside the braces, which ZenML takes only from 0.40 on".to_owned();
    let finding = context.finding_at(RULE.id, braces, message);
    let inner = context.text.get(braces.range.start + 2..braces.range.end - 2)?;
    let lead = inner.len() - inner.trim_start_matches(is_space).len();
    let trail = inner.len() - inner.trim_end_matches(is_space).len();
    let paddings =
        [braces.range.start + 2..braces.range.start + 2 + lead, braces.range.end - 2 - trail..braces.range.end - 2];
    let edits =
        paddings.iter().filter(|padding| !padding.is_empty()).map(|padding| FixEdit::new(context.span(padding), ""));
    let finding = finding.fix(Applicability::Safe, edits.collect());
    Some(finding.label("plain text to this version").help(format!("write `{{{{{name}.{key}}}}}`")))
}
