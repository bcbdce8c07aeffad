//! A comment, or an `[[ignore]]` of the config, that silences nothing: what it was written for is gone, or it stands on the
//! wrong line. `# stackref: literal` is one, too, where there are no braces. It is told only of rules that were looked at:
//! at the level `none`, say, not of `unknown-secret`.
//!
//! ## Why
//!
//! It would silence the next mistake on its line, which nobody has seen.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.password}}' # stackref: ignore[malformed-reference]
//! ```
//!
//! ## Fix
//!
//! Remove it: `--fix` does. Where it is needed at another time, name this rule beside the other: `ignore[unknown-secret,
//! unused-ignore]`.

use super::{Check, Rule};
use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusedIgnore,
    severity: Severity::Warning,
    summary: "an ignore comment that silences nothing",
    page: include_str!("unused_ignore.rs"),
    check: Check::Ignore(check),
};

/// What silences nothing.
pub struct UnusedIgnore<'u> {
    /// The file.
    pub source: &'u Arc<RedactedSource>,
    /// Its place.
    pub span: Span,
    /// The rules that it names; none where it says `literal`.
    pub named_rules: &'u [String],
    /// Those that it names in vain.
    pub unused_rules: &'u [&'u str],
    /// Whether it is of no use at all: no rule that it names is.
    pub is_entirely_unused: bool,
    /// What would remove what is of no use.
    pub fix: Vec<FixEdit>,
}

fn check(unused: &UnusedIgnore<'_>) -> FindingBuilder {
    let names = unused.unused_rules.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and no ");
    let message = match unused.unused_rules {
        [] => "no braces for this comment to make plain text of".to_owned(),
        _ => format!("no {names} to ignore here"),
    };
    let help = if unused.is_entirely_unused {
        "remove it".to_owned()
    } else {
        format!("take {} out of it", names.replace(" and no ", " and "))
    };
    let finding = FindingBuilder::new(RULE.id, unused.source, unused.span, message).help(help);
    // Neither reasons, which may be put better, nor which of the rules are in vain: that depends on what is looked at.
    let finding = finding.fingerprint_key(unused.named_rules.join(","));
    finding.fix(Applicability::Safe, unused.fix.clone())
}
