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

use super::{Rule, RuleKind};
use crate::diagnostics::finding::{Finding, Severity};
use crate::text::nearest::nearest;
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "bare-ignore",
    severity: Severity::Error,
    summary: "an ignore comment that names no rule",
    page: include_str!("bare_ignore.rs"),
    kind: RuleKind::Comment(check),
};

fn check(source: &Arc<SourceFile>, span: Span, unknown: Option<&str>) -> Finding {
    let message = match unknown {
        Some(name) => format!("an ignore comment for `{name}`, which is no rule"),
        None => "an ignore comment that names no rule".to_owned(),
    };
    let finding = Finding::new(RULE.name, RULE.severity, source, span, message);
    let suggestion = unknown.and_then(|name| nearest(name, super::names()));
    finding.with_help(match suggestion {
        Some(suggestion) => format!("did you mean `{suggestion}`?"),
        None => "name the rule in brackets: `# stackref: ignore[unknown-secret] why`".to_owned(),
    })
}
