//! A stack file that is not valid YAML, TOML or JSON, or that holds a key twice in one mapping.
//!
//! ## Why
//!
//! No reference in such a file can be checked. Of two equal keys readers keep one in silence, so one of two values is lost.
//!
//! In YAML, the invisible characters U+0085, U+2028 and U+2029 end a line for readers of YAML 1.1, such as `PyYAML`, and not for
//! readers of YAML 1.2. For example, one of them in a comment makes the rest of that comment content. This rule reports such a
//! character if the two kinds of readers get different documents.
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
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::SyntaxError;
use crate::text::redacted_source::RedactedSource;
use std::sync::Arc;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::SyntaxError,
    severity: Severity::Error,
    summary: "a stack file that does not parse, or holds a key twice",
    page: include_str!("syntax_error.rs"),
    check: Check::Document(check),
};

fn check(source: &Arc<RedactedSource>, error: &SyntaxError) -> FindingBuilder {
    let finding = FindingBuilder::new(RULE.id, source, error.span, error.message.clone());
    let finding = match &error.help {
        Some(help) => finding.help(help.clone()),
        None => finding,
    };
    finding.fingerprint_key("")
}
