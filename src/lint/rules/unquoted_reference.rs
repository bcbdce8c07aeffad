//! A reference without quotes in YAML. `x: {{a.b}}` is a flow mapping whose key is a mapping, not a
//! string. The same is true for a key such as `{{key}}: value`, which usually belongs to a
//! template. Templates are not stack files.
//!
//! In a command, a reference with spaces and without quotes, such as `--password={{ a.b }}`, is
//! several words.
//!
//! ## Why
//!
//! ZenML replaces only strings, so the attribute receives a mapping. In a command, ZenML receives
//! only the first word.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: {{mlflow.password}}
//! ```
//!
//! ## Fix
//!
//! Put the reference in quotes: `tracking_password: "{{mlflow.password}}"`. `--fix` does this. In a
//! command, `--fix` removes the spaces.

use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::text::source::Span;
use crate::zenml::grammar::{
    BraceExpression, BraceKind, ParsedValue, find_reference_shapes, looks_like_name,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnquotedReference,
    severity: Severity::Error,
    summary: "a reference without quotes, which YAML reads as a mapping and a shell splits",
    page: include_str!("unquoted_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if !context.position.is_unquoted_reference {
        return None;
    }
    if context.position.is_key {
        return Some(mapping_as_key(context));
    }
    if context.is_in_command() {
        return Some(split_reference(context));
    }
    let text = context.text;
    let message = "a reference without quotes: YAML reads these braces as a mapping".to_owned();
    let finding = context
        .finding(RULE.id, &(0..text.len()), message)
        .label("a mapping, not a string");
    if let ParsedValue::Reference(BraceExpression {
        kind: BraceKind::Reference { name, key, .. },
        ..
    }) = &context.value
    {
        let finding = finding
            .names(name, Some(key))
            .help(format!("quote it: \"{{{{{name}.{key}}}}}\""));
        // In quotes, an escape would change its meaning, and an anchor would be lost.
        let fixable = !text.contains(['"', '\\', '\n', '\r', '&', '*', '!']);
        let Span { start, end } = context.node_span();
        let quotes = [start, end].map(|at| FixEdit::new(Span::new(at, at), "\""));
        return Some(if fixable {
            finding.fix(Applicability::Safe, quotes.to_vec())
        } else {
            finding
        });
    }
    // The text may contain a password.
    let finding = finding.redact(!is_one_reference(text));
    let finding =
        finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
    Some(finding.help("put the value in quotes, and write a reference as \"{{name.key}}\""))
}

/// Reports a reference in a command that the shell splits at its spaces. The fix removes the spaces,
/// which needs no quotes and is right inside of other quotes.
fn split_reference(context: &ScalarContext<'_>) -> FindingBuilder {
    let message = "a reference without quotes: the shell splits it into several words".to_owned();
    let finding = context
        .finding(RULE.id, &(0..context.text.len()), message)
        .label("several words");
    let ParsedValue::Reference(BraceExpression {
        kind: BraceKind::Reference { name, key, .. },
        ..
    }) = &context.value
    else {
        return finding.help("remove the spaces in the braces, or put the word in quotes");
    };
    let finding = finding.names(name, Some(key)).help(format!(
        "remove the spaces, or quote it: '{{{{{name}.{key}}}}}'"
    ));
    let spaces: Vec<Span> = context
        .text
        .match_indices(' ')
        .map(|(at, space)| context.offsets_of(&(at..at + space.len())))
        .collect();
    let source = context.document.source();
    // The shell expands `{{a.b,c}}` and `{{a..b}}` without quotes.
    let is_removable = !key.contains([','])
        && !key.contains("..")
        && spaces
            .iter()
            .all(|&span| source.slice(span).trim_matches([' ', '\t']).is_empty());
    if !is_removable {
        return finding;
    }
    let edits = spaces.into_iter().map(|span| FixEdit::new(span, ""));
    finding.fix(Applicability::Safe, edits.collect())
}

/// Returns whether a text has the shape of one reference and contains nothing else.
fn is_one_reference(text: &str) -> bool {
    matches!(find_reference_shapes(text).as_slice(), [reference] if *reference == (0..text.len()))
}

/// Reports unquoted braces as a key, as in the template `{{key}}: value`. Quotes would not help: a
/// reference in a key is never replaced.
fn mapping_as_key(context: &ScalarContext<'_>) -> FindingBuilder {
    let message = "a key without quotes: YAML reads these braces as a mapping".to_owned();
    let finding = context
        .finding(RULE.id, &(0..context.text.len()), message)
        .label("a mapping, not a string");
    let inner = context.text.trim_matches(['{', '}', ' ']);
    let finding = finding.redact(!looks_like_name(inner));
    let finding =
        finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
    finding.help(
        "write the key without braces: references in keys are never replaced, and ZenML cannot load this file. If it is \
         a template, list it under `exclude` in `[files]`, and check the rendered file instead",
    )
}
