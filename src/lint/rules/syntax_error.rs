//! A stack file that is not valid YAML, TOML or JSON, a mapping with a duplicate key, or YAML that
//! ZenML cannot load.
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
//! ZenML reads YAML with PyYAML's `safe_load`, which refuses parts of YAML 1.2. With resolver
//! `zenml`, this rule reports them, and still checks the references of the file. With resolver
//! `render`, it accepts them.
//!
//! | PyYAML refuses | for example |
//! |---|---|
//! | a tab outside of quotes, comments and block scalars | `uri:<TAB>"{{mlflow.uri}}"` |
//! | a second document | `---` after the first one |
//! | a tag that it does not know, or that does not fit the value | `!secret x`, `!!int x` |
//! | an anchor that is defined twice, or contains other characters than letters, digits, `-` and `_` | `&a.b` |
//! | a date, time or number that does not exist | `2024-02-30`, `0x_` |
//! | `<<` without a mapping, and `=` or `<<` as a value | `<<: foo` |
//! | a key that is a list or a mapping, and `:` without a key | `[a, b]: c` |
//! | `?`, and a `:` at the start, in values without quotes in brackets | `[http://host?a=b]` |
//! | a key in braces that is not on one line with its `:` | |
//!
//! In the other direction, PyYAML and most other readers ignore the indentation of brackets and of
//! lines in quotes. A closing bracket below its key is therefore accepted, although YAML 1.2 does
//! not allow it.
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
//! - Put values that ZenML cannot load in quotes, and write spaces instead of tabs.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::SyntaxError;
use crate::lint::rule::{Check, Rule};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

pub(super) const RULE: Rule = Rule {
    id: RuleId::SyntaxError,
    severity: Severity::Error,
    summary: "a stack file that does not parse or that ZenML cannot load, or a duplicate key",
    page: include_str!("syntax_error.rs"),
    check: Check::Document(check),
};

fn check(source: &Arc<RedactedSource>, error: &SyntaxError) -> FindingBuilder {
    let finding = FindingBuilder::new(RULE.id, source, error.span, error.message.clone());
    let finding = match &error.help {
        Some(help) => finding.help(help.clone()),
        None => finding,
    };
    finding
        .redact(is_masked(source, error.span))
        .fingerprint_key("")
}

/// Returns whether a span overlaps a part that excerpts must not show. For example, a password can
/// look like a tag or an anchor.
fn is_masked(source: &RedactedSource, span: Span) -> bool {
    let masks = source.masks().unwrap_or_default();
    let next = masks.partition_point(|mask| mask.end <= span.start);
    masks.get(next).is_some_and(|mask| mask.overlaps(span))
}
