//! Braces that look like a reference but are not valid, such as `{{mlflow}}`.
//!
//! The rule reports:
//!
//! - a missing part: `{{a}}`, `{{.b}}`, `{{a.}}`;
//! - whitespace inside a name: `{{ a b.c }}`;
//! - the wrong number of braces: `{{a.b}`, `{a.b}}`, `{{{a.b}}}`;
//! - a variable of a shell: `{{$var.key}}`;
//! - several references with nothing between them: `{{a.b}}{{c.d}}`;
//! - invisible characters;
//! - a reference with a YAML tag;
//! - `{{a.b}}` in a `!` line of a notebook, where IPython replaces `{{` by `{`.
//!
//! ## Why
//!
//! ZenML uses most of these as plain text, so the component receives the braces as its password. It
//! reads others as a reference to a different secret. A tag makes the value a non-string; with the
//! tag `!`, only readers of YAML 1.2 read it as a string.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow}}'
//! ```
//!
//! ## Fix
//!
//! Write a reference as two braces, the name of a secret, a dot, a key, and two braces:
//! `{{mlflow.password}}`. If the braces are plain text, put `# stackref: literal` on the line or on
//! the line above it.

use super::is_foreign_text;
use crate::diagnostics::finding::{Applicability, FixEdit, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::ScalarType;
use crate::lint::rule::{Check, Rule};
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::{
    BraceExpression, BraceKind, MalformedKind, ParsedValue, Resolver, is_invisible, is_space,
    looks_like_name, parse_value,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::MalformedReference,
    severity: Severity::Error,
    summary: "braces that look like a reference but are not valid",
    page: include_str!("malformed_reference.rs"),
    check: Check::Scalar(check),
};

fn check(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    if let Some(finding) = tagged_reference(context).or_else(|| halved_reference(context)) {
        return Some(finding);
    }
    let braces = context
        .brace_expressions()
        .iter()
        .find(|braces| !is_foreign_text(context, braces) && malformed_kind(braces).is_some())?;
    let (message, help) = message_and_help(context, braces, malformed_kind(braces)?);
    let finding = context
        .finding_at(RULE.id, braces, message)
        .label("not a reference");
    if context.position.is_sensitive && !reads_as_reference(context, braces) {
        let finding = finding.redact(true);
        let finding =
            finding.fingerprint_key(context.scope().attribute.unwrap_or_default().to_string());
        return Some(finding.help("write a reference as `{{name.key}}`, with nothing around it"));
    }
    Some(finding.help(help))
}

/// Reports a reference with a tag that makes the value a non-string (`!!int`), or that ZenML's
/// reader rejects. Also reports the tag `!`: readers of YAML 1.1 ignore it when they determine the
/// type.
fn tagged_reference(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let scalar = context.document.scalar(context.position.node)?;
    let reference = context
        .brace_expressions()
        .iter()
        .find(|braces| matches!(braces.kind, BraceKind::Reference { .. }));
    if let Some(braces) = reference.filter(|_| scalar.non_specific && !context.position.is_key) {
        let message =
            "the tag `!` on a reference: some YAML readers may take its value for a number or a date".to_owned();
        let finding = context
            .finding_at(RULE.id, braces, message)
            .label("not always a string");
        return Some(finding.help("remove the `!`"));
    }
    if context.resolver != Resolver::Zenml
        || context.position.is_key
        || scalar.ty == ScalarType::String
        || !context.is_reference()
    {
        return None;
    }
    let braces = context.brace_expressions().first()?;
    let message =
        "a YAML tag makes this value a non-string, so ZenML will not resolve it".to_owned();
    let finding = context
        .finding_at(RULE.id, braces, message)
        .label("not a string");
    Some(finding.help("remove the tag"))
}

/// Reports a reference in a command of `IPython`, which replaces `{{` by `{`.
fn halved_reference(context: &ScalarContext<'_>) -> Option<FindingBuilder> {
    let node = context.position.node;
    let braces = context.brace_expressions().iter().find(|braces| {
        matches!(braces.kind, BraceKind::Reference { .. })
            && context.document.is_halved(node, braces.range.start)
    })?;
    let message = "IPython replaces `{{` by `{` in this command, so ZenML does not get a reference"
        .to_owned();
    let text = context.text.get(braces.range.clone())?;
    let (start, end) = (braces.range.start, braces.range.end);
    let edits = [(start..start + 2, "{{{{"), (end - 2..end, "}}}}")];
    let edits = edits.map(|(range, text)| FixEdit::new(context.span(&range), text));
    let finding = context.finding_at(RULE.id, braces, message);
    let finding = finding.fix(Applicability::Safe, edits.to_vec());
    Some(
        finding
            .label("has one brace on each side when ZenML reads it")
            .help(format!("double the braces: `{{{{{text}}}}}`")),
    )
}

/// Returns whether braces are the whole value and contain only characters of names and keys. Other
/// braces may be part of a password.
fn reads_as_reference(context: &ScalarContext<'_>, braces: &BraceExpression<'_>) -> bool {
    let inner = context.text.trim_matches(|c| matches!(c, '{' | '}' | ' '));
    let is_name = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | '{' | '}' | '$')
            || is_invisible(c)
    };
    braces.range == (0..context.text.len()) && inner.chars().all(is_name)
}

fn malformed_kind<'p>(braces: &'p BraceExpression<'_>) -> Option<&'p MalformedKind> {
    match &braces.kind {
        BraceKind::Malformed(kind) => Some(kind),
        BraceKind::Reference { .. } | BraceKind::Dynamic { .. } => None,
    }
}

/// The help for a mistake that does not reveal which reference was meant.
const SYNTAX_HELP: &str = "write a reference as `{{name.key}}`";

/// Returns the message and the help for a mistake.
fn message_and_help(
    context: &ScalarContext<'_>,
    braces: &BraceExpression<'_>,
    kind: &MalformedKind,
) -> (String, String) {
    let text = context.text.get(braces.range.clone()).unwrap_or_default();
    let inner = text.trim_matches(|c| matches!(c, '{' | '}') || is_space(c));
    let message = match kind {
        MalformedKind::Unclosed { half: true } => {
            "a reference that ends with one brace instead of two"
        }
        MalformedKind::Unclosed { half: false } => "braces that are never closed",
        MalformedKind::HalfOpen => {
            "a reference needs two braces on each side, without spaces between them"
        }
        MalformedKind::ExtraBraces => "too many braces: a reference has two on each side",
        MalformedKind::Empty => "empty braces",
        MalformedKind::NoDot { lookalike: Some(c) } => {
            let message = format!(
                "U+{:04X} looks like a dot but is not one, so this reference has no key",
                u32::from(*c)
            );
            return (
                message,
                format!("write `{{{{{}}}}}`", inner.replace(*c, ".")),
            );
        }
        MalformedKind::NoDot { lookalike: None } => "a reference without a key",
        MalformedKind::EmptyName => "a reference without a secret before the dot",
        MalformedKind::EmptyKey => "a reference without a key after the dot",
        MalformedKind::Space => "whitespace inside the name or the key of a reference",
        MalformedKind::Filter => {
            "a filter in a reference: only a name and a key can be in the braces"
        }
        MalformedKind::Brace => "a brace inside the name or the key of a reference",
        MalformedKind::Variable => "a shell variable in a reference: no shell reads this file",
        MalformedKind::Unexpanded => {
            "a shell variable in a reference: the quotes keep the shell from expanding it"
        }
        MalformedKind::Invisible(c) => {
            let message = format!(
                "an invisible character in a reference: U+{:04X}",
                u32::from(*c)
            );
            return (message, help_for_meant(inner));
        }
        MalformedKind::Adjacent => "several references that ZenML reads as a single one",
    };
    (message.to_owned(), help(context, inner, kind))
}

/// Returns the help for a mistake; `inner` is the text in the braces.
fn help(context: &ScalarContext<'_>, inner: &str, kind: &MalformedKind) -> String {
    match kind {
        MalformedKind::Unclosed { .. }
        | MalformedKind::HalfOpen
        | MalformedKind::ExtraBraces
        | MalformedKind::Space
        | MalformedKind::Invisible(_) => help_for_meant(inner),
        MalformedKind::Filter => help_for_meant(inner.split('|').next().unwrap_or_default()),
        MalformedKind::NoDot { .. } => help_for_key(inner),
        MalformedKind::Variable => "write out the name of the secret".to_owned(),
        MalformedKind::Unexpanded => {
            "write out the name of the secret, or use double quotes so that the shell expands it"
                .to_owned()
        }
        MalformedKind::Adjacent if context.is_in_script() => {
            "use one reference per value".to_owned()
        }
        MalformedKind::Adjacent => {
            "use one reference per value, or set `resolver = \"render\"`".to_owned()
        }
        MalformedKind::Empty
        | MalformedKind::EmptyName
        | MalformedKind::EmptyKey
        | MalformedKind::Brace => SYNTAX_HELP.to_owned(),
    }
}

/// Returns the help for a reference without a key. `mlflow/password` was probably meant as
/// `mlflow.password`.
fn help_for_key(inner: &str) -> String {
    let is_part = |part: &str| looks_like_name(part) && !part.is_empty();
    match inner.split_once(['/', ':']) {
        Some((name, key)) if is_part(name) && is_part(key) => {
            format!("separate the secret and the key with a dot: `{{{{{name}.{key}}}}}`")
        }
        _ => format!("add a dot and a key: `{{{{{inner}.key}}}}`"),
    }
}

/// Returns the help for a text that is a reference except for whitespace and invisible characters.
fn help_for_meant(text: &str) -> String {
    let compact: String = text
        .chars()
        .filter(|&c| !is_space(c) && !is_invisible(c))
        .collect();
    let reference = format!("{{{{{compact}}}}}");
    let is_reference = matches!(
        parse_value(&reference, Resolver::Zenml),
        ParsedValue::Reference(_)
    );
    if is_reference {
        format!("write `{reference}`")
    } else {
        SYNTAX_HELP.to_owned()
    }
}
