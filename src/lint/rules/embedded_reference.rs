//! A reference inside a longer string. This rule applies only with the resolver `zenml`.
//!
//! ## Why
//!
//! ZenML replaces a value only if it is a reference and nothing else. Any other text in the value,
//! even a line break at its end, makes the whole value plain text.
//!
//! ## Example
//!
//! ```yaml
//! uri: mysql://{{db.user}}@host
//! password: |
//!   {{db.password}}
//! ```
//!
//! ## Fix
//!
//! - Store the whole value in a secret, and refer to that secret.
//! - In a block scalar, write `|-` instead of `|`. `--fix` does this.
//! - Or set `resolver = "render"`, which allows references inside strings, and run
//!   `stackref render`.

use super::is_foreign_text;
use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::Style;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::text::source::Span;
use crate::zenml::grammar::Resolver;

pub(super) const RULE: Rule = Rule {
    id: RuleId::EmbeddedReference,
    severity: Severity::Error,
    summary: "a reference inside a longer string",
    page: include_str!("embedded_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if context.resolver != Resolver::Zenml || context.is_reference() {
        return None;
    }
    let braces = context
        .brace_expressions()
        .iter()
        .find(|braces| !is_foreign_text(context, braces))?;
    let outside = (
        context.text.get(..braces.range.start),
        context.text.get(braces.range.end..),
    );
    let block = matches!(
        context
            .document
            .scalar(context.position.node)
            .map(|scalar| scalar.style),
        Some(Style::LiteralBlock | Style::FoldedBlock)
    );
    let only_breaks =
        block && matches!(outside, (Some(""), Some(rest)) if rest.chars().all(|c| c == '\n'));
    let (message, help) = match outside {
        _ if only_breaks => (
            "a line break after the reference makes the value plain text",
            "write `|-` or `>-`, which strip the final line break",
        ),
        (Some(""), Some("\n")) if !context.is_in_command() && context.is_in_script() => (
            "a line break after the reference makes the value plain text",
            "write it in quotes: a here-document ends with a line break",
        ),
        (Some(before), Some(after)) if before.trim().is_empty() && after.trim().is_empty() => (
            "whitespace around the reference makes the value plain text",
            "remove the whitespace before and after the braces",
        ),
        (Some(before), Some(after)) if is_typographic(before) && is_typographic(after) => (
            "typographic quotes around a reference are part of the text",
            "replace them with `\"` or `'`",
        ),
        _ if context.is_in_script() => (
            "a reference inside a longer string: ZenML does not replace it",
            "store the whole value in one secret",
        ),
        _ => (
            "a reference inside a longer string: ZenML does not replace it",
            "store the whole value in one secret, or set `resolver = \"render\"` and use `stackref render`",
        ),
    };
    let finding = context.finding_at(RULE.id, braces, message.to_owned());
    let finding = if only_breaks {
        finding.fix(Applicability::Safe, vec![strip_line_break(context)])
    } else {
        finding
    };
    Some(finding.label("not the whole value").help(help))
}

/// Returns whether a text consists of quotes that word processors insert.
fn is_typographic(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| matches!(c, '\u{2018}'..='\u{201f}' | '«' | '»' | '`' | '\u{b4}'))
}

/// Returns the edit that strips the final line break of a block scalar: `|` becomes `|-`, and `|2+`
/// becomes `|2-`.
fn strip_line_break(context: &ScalarContext<'_>) -> FixEdit {
    let span = context.node_span();
    let header = context
        .document
        .source()
        .slice(span)
        .bytes()
        .take_while(|byte| matches!(byte, b'|' | b'>' | b'+' | b'0'..=b'9'));
    match header.enumerate().find(|&(_, byte)| byte == b'+') {
        Some((at, _)) => FixEdit::new(Span::new(span.start + at, span.start + at + 1), "-"),
        None => FixEdit::new(Span::new(span.start + 1, span.start + 1), "-"),
    }
}
