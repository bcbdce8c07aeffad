//! Whitespace inside the braces, in a stack of a ZenML before 0.40.
//!
//! ## Why
//!
//! These versions use `{{ a.b }}` as plain text.
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
//! Write `{{wandb.api_key}}`. `--fix` does this.

use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::{BraceKind, ParsedValue, Resolver, is_space};

pub(super) const RULE: Rule = Rule {
    id: RuleId::PaddedReference,
    severity: Severity::Error,
    summary: "whitespace inside the braces, in a stack of a ZenML before 0.40",
    page: include_str!("padded_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || context.version().takes_padding() {
        return None;
    }
    let ParsedValue::Reference(braces) = &context.value else {
        return None;
    };
    let BraceKind::Reference {
        name,
        key,
        padded: true,
    } = braces.kind
    else {
        return None;
    };
    let message = "whitespace inside the braces, which ZenML accepts only since 0.40".to_owned();
    let finding = context.finding_at(RULE.id, braces, message);
    let inner = context
        .text
        .get(braces.range.start + 2..braces.range.end - 2)?;
    let lead = inner.len() - inner.trim_start_matches(is_space).len();
    let trail = inner.len() - inner.trim_end_matches(is_space).len();
    let paddings = [
        braces.range.start + 2..braces.range.start + 2 + lead,
        braces.range.end - 2 - trail..braces.range.end - 2,
    ];
    let edits = paddings
        .iter()
        .filter(|padding| !padding.is_empty())
        .map(|padding| FixEdit::new(context.span(padding), ""));
    let finding = finding.fix(Applicability::Safe, edits.collect());
    Some(
        finding
            .label("plain text in this version")
            .help(format!("write `{{{{{name}.{key}}}}}`")),
    )
}
