//! A stack file that is not valid YAML, TOML or JSON, or that holds a key twice in one mapping.
//!
//! ## Why
//!
//! No reference in such a file can be checked. Of two equal keys readers keep one in silence, so one of two values is lost.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: {{mlflow.password}}-x
//! ```
//!
//! ## Fix
//!
//! The place is the parser's. Quote values that hold `{`, `}`, `: ` or ` #`; remove or rename one of two equal keys.

use super::{Check, Rule};
use crate::document::SyntaxError;
use crate::finding::{Finding, Severity};
use crate::source::SourceFile;
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "syntax-error",
    severity: Severity::Error,
    summary: "a stack file that does not parse, or holds a key twice",
    page: include_str!("syntax_error.rs"),
    check: Check::Document(check),
};

fn check(source: &Arc<SourceFile>, error: &SyntaxError) -> Finding {
    let mut finding = Finding::new(RULE.name, RULE.severity, source, error.span, error.message.clone());
    finding.help.clone_from(&error.help);
    finding.identity = Some(String::new());
    finding
}
