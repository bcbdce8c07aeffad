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
use crate::document::{ScalarType, Style};
use crate::finding::{Finding, Severity};
use crate::reference::{Fault, Piece, PieceKind, Reading, Resolver, is_invisible, is_space, read, reads_as_name};
use crate::site::Site;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "malformed-reference",
    severity: Severity::Error,
    summary: "braces that were meant as a reference and are none",
    page: include_str!("malformed_reference.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    if let Some(finding) = tagged(site) {
        return Some(finding);
    }
    let piece = site.pieces().iter().find(|piece| !is_foreign_text(site, piece) && fault(piece).is_some())?;
    let (message, help) = words(site, piece, fault(piece)?);
    let mut finding = site.finding_at((RULE.name, RULE.severity), piece, message).with_label("no reference");
    if site.place.sensitive && !reads_as_reference(site, piece) {
        // The braces may be part of a password.
        finding.conceal = true;
        finding.identity = Some(site.scope().attribute.unwrap_or_default().to_string());
        return Some(finding.with_help("a reference is `{{name.key}}`, and the whole value"));
    }
    Some(finding.with_help(help))
}

/// A reference under a tag, which makes something else of the string (`!!int`), or which ZenML's reader does not take; and
/// under `!`, with which a value is a string to readers of YAML 1.2 and whatever it looks like to those of 1.1.
fn tagged(site: &Site<'_>) -> Option<Finding> {
    let scalar = site.document.scalar(site.place.node)?;
    let reference = site.pieces().iter().find(|piece| matches!(piece.kind, PieceKind::Reference { .. }));
    if let Some(piece) = reference.filter(|_| scalar.non_specific && !site.place.key) {
        let message = "a reference under the tag `!`, with which its value may become a number or a date".to_owned();
        let finding = site.finding_at((RULE.name, RULE.severity), piece, message).with_label("not always a string");
        return Some(finding.with_help("remove the `!` in front of it"));
    }
    if site.resolver != Resolver::Zenml || site.place.key || scalar.ty == ScalarType::String || !site.is_whole() {
        return None;
    }
    let piece = site.pieces().first()?;
    let message = "a reference under a tag, with which it is no string to ZenML".to_owned();
    let finding = site.finding_at((RULE.name, RULE.severity), piece, message).with_label("no string");
    Some(finding.with_help("remove the tag in front of it"))
}

/// Whether a piece is the whole value, and between its braces holds nothing that no name or key would.
fn reads_as_reference(site: &Site<'_>, piece: &Piece<'_>) -> bool {
    let inner = site.text.trim_matches(|c| matches!(c, '{' | '}' | ' '));
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '{' | '}' | '$') || is_invisible(c);
    piece.range == (0..site.text.len()) && inner.chars().all(is_name)
}

/// Whether a word of a script stands between single quotes as a whole.
fn in_single_quotes(site: &Site<'_>) -> bool {
    let style = site.document.scalar(site.place.node).map(|scalar| scalar.style);
    style == Some(Style::SingleQuoted) && !site.document.source().slice(site.node_span()).contains('\'')
}

fn fault<'p>(piece: &'p Piece<'_>) -> Option<&'p Fault> {
    match &piece.kind {
        PieceKind::Malformed(fault) => Some(fault),
        PieceKind::Reference { .. } => None,
    }
}

/// What is wrong, and what was meant.
fn words(site: &Site<'_>, piece: &Piece<'_>, fault: &Fault) -> (String, String) {
    let text = site.text.get(piece.range.clone()).unwrap_or_default();
    let inner = text.trim_matches(|c| matches!(c, '{' | '}') || is_space(c));
    let meant = |text: &str| {
        let compact: String = text.chars().filter(|&c| !is_space(c) && !is_invisible(c)).collect();
        let is_reference = matches!(read(&format!("{{{{{compact}}}}}"), Resolver::Zenml), Reading::Whole(_));
        if is_reference { format!("write `{{{{{compact}}}}}`") } else { "a reference is `{{name.key}}`".to_owned() }
    };
    match fault {
        Fault::Unclosed { half: true } => ("a reference that ends in one brace instead of two".into(), meant(inner)),
        Fault::Unclosed { half: false } => ("braces that are never closed".into(), meant(inner)),
        Fault::HalfOpen => {
            ("a reference takes two braces on either side, without blanks between them".into(), meant(inner))
        }
        Fault::ExtraBraces => ("a reference takes two braces on either side, and here are more".into(), meant(inner)),
        Fault::Empty => ("braces with nothing in them".into(), "a reference is `{{name.key}}`".into()),
        Fault::NoDot { lookalike: Some(c) } => (
            format!("U+{:04X} looks like a dot and is none, so this names no key", u32::from(*c)),
            format!("write `{{{{{}}}}}`", inner.replace(*c, ".")),
        ),
        Fault::NoDot { lookalike: None } => (
            "a reference without a key".into(),
            match inner.split_once(['/', ':']) {
                Some((name, key)) if reads_as_name(name) && reads_as_name(key) && !name.is_empty() && !key.is_empty() => {
                    format!("a dot stands between the secret and the key: write `{{{{{name}.{key}}}}}`")
                }
                _ => format!("name the key behind a dot: `{{{{{inner}.key}}}}`"),
            },
        ),
        Fault::EmptyName => {
            ("a reference without the name of a secret before the dot".into(), "a reference is `{{name.key}}`".into())
        }
        Fault::EmptyKey => ("a reference without a key behind the dot".into(), "a reference is `{{name.key}}`".into()),
        Fault::Space => ("white space inside the name or the key of a reference".into(), meant(inner)),
        Fault::Filter => (
            "a filter in a reference: only a name and a key can stand in the braces".into(),
            meant(inner.split('|').next().unwrap_or_default()),
        ),
        Fault::Brace => {
            ("a brace inside the name or the key of a reference".into(), "a reference is `{{name.key}}`".into())
        }
        Fault::Variable => (
            "a shell variable in the braces: no shell reads this file".into(),
            "write the name of the secret out".into(),
        ),
        Fault::FilledIn => (
            if in_single_quotes(site) {
                "a variable in the braces, which the shell leaves as it is between single quotes: which secret is meant \
                 cannot be checked"
            } else {
                "a variable in the braces, which the shell fills in: which secret is meant cannot be checked"
            }
            .into(),
            "write the name of the secret out".into(),
        ),
        Fault::Invisible(c) => {
            (format!("a character in the reference that cannot be seen: U+{:04X}", u32::from(*c)), meant(inner))
        }
        Fault::Adjacent if site.is_in_script() => (
            "several references that ZenML reads as one, with an odd key".into(),
            "keep one reference to a value".into(),
        ),
        Fault::Adjacent => (
            "several references that ZenML reads as one, with an odd key".into(),
            "keep one reference to a value, or set `resolver = \"render\"`".into(),
        ),
    }
}
