//! A reference without quotes in YAML. `x: {{a.b}}` is a flow mapping whose key is a mapping, not a
//! string. The same is true for a key such as `{{key}}: value`, which usually belongs to a
//! template. Templates are not stack files.
//!
//! ## Why
//!
//! ZenML replaces only strings, so the attribute receives a mapping.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: {{mlflow.password}}
//! ```
//!
//! ## Fix
//!
//! Put the reference in quotes: `tracking_password: "{{mlflow.password}}"`. `--fix` does this.

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
    summary: "a reference without quotes, which YAML reads as a mapping",
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
