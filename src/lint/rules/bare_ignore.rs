//! An ignore comment without a rule in brackets, or with a rule that does not exist.
//!
//! ## Why
//!
//! It would silence whatever comes, also what is not there yet.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.password}}' # stackref: ignore
//! ```
//!
//! ## Fix
//!
//! Name the rule, and say why: `# stackref: ignore[unknown-secret] registered by the platform team`.

use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::text::nearest::nearest;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::BareIgnore,
    severity: Severity::Error,
    summary: "an ignore comment that names no rule",
    page: include_str!("bare_ignore.rs"),
    check: Check::Comment(check),
};

/// An ignore comment with a mistake in its list of rules.
pub struct InvalidIgnore<'i> {
    /// The file.
    pub source: &'i Arc<RedactedSource>,
    /// The comment.
    pub span: Span,
    /// The name that is not a rule's; `None` if the comment names no rule at all.
    pub unknown_rule: Option<&'i str>,
}

fn check(ignore: &InvalidIgnore<'_>) -> FindingBuilder {
    let message = match ignore.unknown_rule {
        Some(name) => format!("an ignore comment for `{name}`, which is no rule"),
        None => "an ignore comment that names no rule".to_owned(),
    };
    let finding = FindingBuilder::new(RULE.id, ignore.source, ignore.span, message);
    let suggestion = ignore.unknown_rule.and_then(|name| nearest(name, super::names()));
    finding.help(match suggestion {
        Some(suggestion) => format!("did you mean `{suggestion}`?"),
        None => "name the rule in brackets: `# stackref: ignore[unknown-secret] why`".to_owned(),
    })
}
