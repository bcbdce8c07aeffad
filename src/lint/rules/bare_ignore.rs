//! An ignore comment that names no rule, or a rule that does not exist.
//!
//! ## Why
//!
//! A comment without a rule would suppress every finding on its line, including future ones. A
//! misspelt rule suppresses nothing.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.password}}' # stackref: ignore
//! ```
//!
//! ## Fix
//!
//! Name the rule and add a reason:
//! `# stackref: ignore[unknown-secret] registered by the platform team`.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::InvalidIgnore;
use crate::text::nearest::nearest;

pub(super) const RULE: Rule = Rule {
    id: RuleId::BareIgnore,
    severity: Severity::Error,
    summary: "an ignore comment that names no rule, or an unknown one",
    page: include_str!("bare_ignore.rs"),
    check: Check::Comment(check),
};

fn check(ignore: &InvalidIgnore<'_>) -> FindingBuilder {
    let message = match ignore.unknown_rule {
        Some(name) => format!("unknown rule `{name}` in an ignore comment"),
        None => "an ignore comment without a rule".to_owned(),
    };
    let finding = FindingBuilder::new(RULE.id, ignore.source, ignore.span, message);
    let suggestion = ignore
        .unknown_rule
        .and_then(|name| nearest(name, super::names()));
    finding.help(match suggestion {
        Some(suggestion) => format!("did you mean `{suggestion}`?"),
        None => "name the rule in brackets: `# stackref: ignore[unknown-secret] reason`".to_owned(),
    })
}
