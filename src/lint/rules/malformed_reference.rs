//! Braces that were meant as a reference and are none: `{{a}}`, `{{.b}}`, `{{a.}}`, `{{ a b.c }}`, `{{a.b}`, `{a.b}}`,
//! `{{{a.b}}}`, `{{$var.key}}`, two references without anything between them, characters that cannot be seen.
//!
//! ## Why
//!
//! ZenML takes most of these for plain text and hands the braces on as the password. Some it takes for a reference to a secret
//! that nobody meant. Under a tag a value is no string any more, or, under `!`, one only to readers of YAML 1.2.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow}}'
//! ```
//!
//! ## Fix
//!
//! A reference is two braces, the name of a secret, a dot, a key, and two braces: `{{mlflow.password}}`. For braces that are
//! plain text, put `# stackref: literal` on the line or the one above.

use super::is_foreign_text;
use super::{Check, Rule};
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::{ScalarType, Style};
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::{
    BraceExpression, BraceKind, MalformedKind, ParsedValue, Resolver, is_invisible, is_space, looks_like_name,
    parse_value,
};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: RuleId::MalformedReference,
    severity: Severity::Error,
    summary: "braces that were meant as a reference and are none",
    page: include_str!("malformed_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if let Some(finding) = tagged_reference(context) {
        return Some(finding);
    }
    let braces = context
        .brace_expressions()
        .iter()
        .find(|braces| !is_foreign_text(context, braces) && malformed_kind(braces).is_some())?;
    let (message, help) = message_and_help(context, braces, malformed_kind(braces)?);
    let finding = context.finding_at(RULE.id, braces, message).label("no reference");
    if context.position.is_sensitive && !reads_as_reference(context, braces) {
        // The braces may be part of a password.
        let finding = finding.redact(true);
        let finding = finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
        return Some(finding.help("a reference is `{{name.key}}`, and the whole value"));
    }
    Some(finding.help(help))
}

/// A reference under a tag, which makes something else of the string (`!!int`), or which ZenML's reader does not take; and
/// under `!`, with which a value is a string to readers of YAML 1.2 and whatever it looks like to those of 1.1.
fn tagged_reference(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let scalar = context.document.scalar(context.position.node)?;
    let reference =
        context.brace_expressions().iter().find(|braces| matches!(braces.kind, BraceKind::Reference { .. }));
    if let Some(braces) = reference.filter(|_| scalar.non_specific && !context.position.is_key) {
        let message = "a reference under the tag `!`, with which its value may become a number or a date".to_owned();
        let finding = context.finding_at(RULE.id, braces, message).label("not always a string");
        return Some(finding.help("remove the `!` in front of it"));
    }
    if context.resolver != Resolver::Zenml
        || context.position.is_key
        || scalar.ty == ScalarType::String
        || !context.is_reference()
    {
        return None;
    }
    let braces = context.brace_expressions().first()?;
    let message = "a reference under a tag, with which it is no string to ZenML".to_owned();
    let finding = context.finding_at(RULE.id, braces, message).label("no string");
    Some(finding.help("remove the tag in front of it"))
}

/// Whether a piece is the whole value, and between its braces holds nothing that no name or key would.
fn reads_as_reference(context: &ScalarContext<'_>, braces: &BraceExpression<'_>) -> bool {
    let inner = context.text.trim_matches(|c| matches!(c, '{' | '}' | ' '));
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '{' | '}' | '$') || is_invisible(c);
    braces.range == (0..context.text.len()) && inner.chars().all(is_name)
}

/// Whether a word of a script stands between single quotes as a whole.
fn in_single_quotes(context: &ScalarContext<'_>) -> bool {
    let style = context.document.scalar(context.position.node).map(|scalar| scalar.style);
    style == Some(Style::SingleQuoted) && !context.document.source().slice(context.node_span()).contains('\'')
}

fn malformed_kind<'p>(braces: &'p BraceExpression<'_>) -> Option<&'p MalformedKind> {
    match &braces.kind {
        BraceKind::Malformed(kind) => Some(kind),
        BraceKind::Reference { .. } => None,
    }
}

/// What is wrong, and what was meant.
fn message_and_help(
    context: &ScalarContext<'_>,
    braces: &BraceExpression<'_>,
    kind: &MalformedKind,
) -> (String, String) {
    let text = context.text.get(braces.range.clone()).unwrap_or_default();
    let inner = text.trim_matches(|c| matches!(c, '{' | '}') || is_space(c));
    let meant = |text: &str| {
        let compact: String = text.chars().filter(|&c| !is_space(c) && !is_invisible(c)).collect();
        let is_reference =
            matches!(parse_value(&format!("{{{{{compact}}}}}"), Resolver::Zenml), ParsedValue::Reference(_));
        if is_reference { format!("write `{{{{{compact}}}}}`") } else { "a reference is `{{name.key}}`".to_owned() }
    };
    match kind {
        MalformedKind::Unclosed { half: true } => ("a reference that ends in one brace instead of two".into(), meant(inner)),
        MalformedKind::Unclosed { half: false } => ("braces that are never closed".into(), meant(inner)),
        MalformedKind::HalfOpen => {
            ("a reference takes two braces on either side, without blanks between them".into(), meant(inner))
        }
        MalformedKind::ExtraBraces => ("a reference takes two braces on either side, and here are more".into(), meant(inner)),
        MalformedKind::Empty => ("braces with nothing in them".into(), "a reference is `{{name.key}}`".into()),
        MalformedKind::NoDot { lookalike: Some(c) } => (
            format!("U+{:04X} looks like a dot and is none, so this names no key", u32::from(*c)),
            format!("write `{{{{{}}}}}`", inner.replace(*c, ".")),
        ),
        MalformedKind::NoDot { lookalike: None } => (
            "a reference without a key".into(),
            match inner.split_once(['/', ':']) {
                Some((name, key)) if looks_like_name(name) && looks_like_name(key) && !name.is_empty() && !key.is_empty() => {
                    format!("a dot stands between the secret and the key: write `{{{{{name}.{key}}}}}`")
                }
                _ => format!("name the key behind a dot: `{{{{{inner}.key}}}}`"),
            },
        ),
        MalformedKind::EmptyName => {
            ("a reference without the name of a secret before the dot".into(), "a reference is `{{name.key}}`".into())
        }
        MalformedKind::EmptyKey => ("a reference without a key behind the dot".into(), "a reference is `{{name.key}}`".into()),
        MalformedKind::Space => ("white space inside the name or the key of a reference".into(), meant(inner)),
        MalformedKind::Filter => (
            "a filter in a reference: only a name and a key can stand in the braces".into(),
            meant(inner.split('|').next().unwrap_or_default()),
        ),
        MalformedKind::Brace => {
            ("a brace inside the name or the key of a reference".into(), "a reference is `{{name.key}}`".into())
        }
        MalformedKind::Variable => (
            "a shell variable in the braces: no shell reads this file".into(),
            "write the name of the secret out".into(),
        ),
        MalformedKind::FilledIn => (
            if in_single_quotes(context) {
                "a variable in the braces, which the shell leaves as it is between single quotes: which secret is meant \
                 cannot be checked"
            } else {
                "a variable in the braces, which the shell fills in: which secret is meant cannot be checked"
            }
            .into(),
            "write the name of the secret out".into(),
        ),
        MalformedKind::Invisible(c) => {
            (format!("a character in the reference that cannot be seen: U+{:04X}", u32::from(*c)), meant(inner))
        }
        MalformedKind::Adjacent if context.is_in_script() => (
            "several references that ZenML reads as one, with an odd key".into(),
            "keep one reference to a value".into(),
        ),
        MalformedKind::Adjacent => (
            "several references that ZenML reads as one, with an odd key".into(),
            "keep one reference to a value, or set `resolver = \"render\"`".into(),
        ),
    }
}
