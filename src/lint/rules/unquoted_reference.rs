//! YAML reads braces without quotes as a flow mapping: `x: {{a.b}}` is a mapping whose key is a mapping, not a string. The same
//! holds for a key, `{{key}}: value`, which usually belongs to a template: templates are not stack files.
//!
//! ## Why
//!
//! Nothing replaces it, and what the attribute gets is no string at all.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: {{mlflow.password}}
//! ```
//!
//! ## Fix
//!
//! Put it in quotes: `tracking_password: "{{mlflow.password}}"`.

use super::{Check, Rule};
use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::scalar::ScalarContext;
use crate::text::source::Span;
use crate::zenml::grammar::{BraceExpression, BraceKind, ParsedValue, find_reference_shapes, looks_like_name};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::UnquotedReference,
    severity: Severity::Error,
    summary: "YAML `x: {{a.b}}`: a flow mapping, not a string",
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
    let finding = context.finding(RULE.id, &(0..text.len()), message).label("a mapping, not a string");
    if let ParsedValue::Reference(BraceExpression { kind: BraceKind::Reference { name, key, .. }, .. }) = &context.value
    {
        let finding = finding.names(*name, Some((*key).to_owned())).help(format!("quote it: \"{{{{{name}.{key}}}}}\""));
        // An escape would become one of the string, an anchor would be lost.
        let fixable = !text.contains(['"', '\\', '\n', '\r', '&', '*', '!']);
        let Span { start, end } = context.node_span();
        let quotes = [start, end].map(|at| FixEdit::new(Span::new(at, at), "\""));
        return Some(if fixable { finding.fix(Applicability::Safe, quotes.to_vec()) } else { finding });
    }
    // There may be anything in it.
    let finding = finding.redact(!is_one_reference(text));
    let finding = finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
    Some(finding.help("put it in quotes; a reference is \"{{name.key}}\""))
}

/// Whether a text is one reference in shape and nothing else.
fn is_one_reference(text: &str) -> bool {
    matches!(find_reference_shapes(text).as_slice(), [reference] if *reference == (0..text.len()))
}

/// Reports braces that are a key: `{{key}}: value`, as templates have it. In quotes they would be a reference in a key, which
/// nothing replaces either.
fn mapping_as_key(context: &ScalarContext<'_>) -> FindingBuilder {
    let message = "a mapping is used as a key: without quotes, YAML reads these braces as a mapping".to_owned();
    let finding = context.finding(RULE.id, &(0..context.text.len()), message).label("a mapping, not a string");
    let inner = context.text.trim_matches(['{', '}', ' ']);
    let finding = finding.redact(!looks_like_name(inner));
    let finding = finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
    finding.help(
        "write the key out: nothing replaces references in keys, and ZenML cannot load such a file. If it is a template, it is \
         not a stack file: check what is rendered from it, and list the template under `exclude` in `[files]`",
    )
}
