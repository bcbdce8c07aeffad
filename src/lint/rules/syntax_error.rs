//! A stack file that is not valid YAML, TOML or JSON, or a mapping with a duplicate key.
//!
//! ## Why
//!
//! stackref cannot check a file that does not parse. If a mapping contains a key twice, readers
//! keep one of the two values silently.
//!
//! In YAML, the invisible characters U+0085, U+2028 and U+2029 end a line for readers of YAML 1.1,
//! such as PyYAML, but not for readers of YAML 1.2. For example, such a character in a comment
//! turns the rest of the comment into content. This rule reports the character if the two kinds of
//! readers get different documents.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: {{mlflow.password}}-x
//! ```
//!
//! ## Fix
//!
//! The location is the one that the parser reports; the mistake may be on an earlier line.
//!
//! - Put values that contain `{`, `}`, `: ` or ` #` in quotes.
//! - Remove or rename one of two equal keys.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::SyntaxError;
use crate::lint::rule::{Check, Rule};
use crate::text::redacted_source::RedactedSource;
use std::sync::Arc;

pub(super) const RULE: Rule = Rule {
    id: RuleId::SyntaxError,
    severity: Severity::Error,
    summary: "a stack file that does not parse, or a duplicate key",
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
