//! Replaces the variables of Python in a command of `IPython` by shell variables, for example
//! `{port}` by `${port}`.
//!
//! `IPython` formats a command with the rules of `str.format` before the shell runs, so `{{` becomes
//! `{`. `{{{{` is the escape for `{{`. If a field is not an expression, for example in JSON, the
//! command stays as it is.
//!
//! `{{secret.key}}` is kept, because the author means a reference. Its braces are mapped to the
//! file as if they were replaced, so that [`Document::is_halved`] finds them.
//!
//! [`Document::is_halved`]: crate::document::Document::is_halved

use crate::document::offsets::OffsetMapBuilder;
use crate::document::snippets::doc_placeholders::quoted_variable;
use crate::document::snippets::shell_quotes::QuoteScanner;

/// A part of a command with braces.
enum BracePart<'c> {
    /// `{name}`: the expression.
    Field(&'c str),
    /// `{{` or `}}`: the brace that it becomes.
    Doubled(&'static str),
    /// `{{secret.key}}`: the text in the braces.
    Reference(&'c str),
}

impl<'c> BracePart<'c> {
    /// Parses the braces at the start of a text. `before` is the text before them. Returns `None` for
    /// text that is not valid in `str.format`.
    fn parse(text: &'c str, before: &str) -> Option<Self> {
        if text.starts_with("{{") {
            let inner = reference_text(text).filter(|_| !before.ends_with('{'));
            return Some(inner.map_or(Self::Doubled("{"), Self::Reference));
        }
        if text.starts_with("}}") {
            return Some(Self::Doubled("}"));
        }
        let (field, _) = text.strip_prefix('{')?.split_once('}')?;
        let is_valid = |c: char| c.is_alphanumeric() || "_.[]()".contains(c);
        let is_expression = field.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && field.chars().all(is_valid);
        is_expression.then_some(Self::Field(field))
    }

    fn len(&self) -> usize {
        match self {
            Self::Field(field) => field.len() + 2,
            Self::Doubled(_) => 2,
            Self::Reference(inner) => inner.len() + 4,
        }
    }
}

/// Returns the text in the double braces at the start of a text, if it was meant as a reference.
fn reference_text(text: &str) -> Option<&str> {
    let (inner, after) = text.strip_prefix("{{")?.split_once("}}")?;
    let is_name = |c: char| !"{}\"':,\n".contains(c);
    (inner.chars().all(is_name) && !after.starts_with('}')).then_some(inner)
}

/// Returns whether `IPython` formats a command. It leaves a command as it is if a field is not an
/// expression.
pub(super) fn is_formatted(command: &str) -> bool {
    let mut at = 0;
    while let Some(len) = command.get(at..).and_then(|rest| rest.find(['{', '}'])) {
        let (before, rest) = command.split_at(at + len);
        let Some(part) = BracePart::parse(rest, before) else {
            return false;
        };
        at += len + part.len();
    }
    true
}

/// Adds a line of a command that is formatted, with shell variables in place of the variables of
/// Python. `quotes` is the state at the start of the line.
pub(super) fn push_formatted(
    out: &mut OffsetMapBuilder,
    start: usize,
    line: &str,
    quotes: &mut QuoteScanner,
) {
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
        let len = rest.find(['{', '}']).unwrap_or(rest.len());
        let (text, braces) = rest.split_at(len);
        out.push_verbatim(start + at, text);
        quotes.feed_all(text);
        at += len;
        let before = line.get(..at).unwrap_or_default();
        let Some(part) = BracePart::parse(braces, before) else {
            continue;
        };
        push_part(out, start + at, &part, quotes);
        at += part.len();
    }
}

fn push_part(
    out: &mut OffsetMapBuilder,
    start: usize,
    part: &BracePart<'_>,
    quotes: &mut QuoteScanner,
) {
    match part {
        BracePart::Field(field) => {
            let is_name = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let name = if is_name { field } else { "_" };
            out.push_replaced(start, part.len(), &quoted_variable(name, quotes.quotes()));
        }
        BracePart::Doubled(brace) => out.push_replaced(start, 2, brace),
        BracePart::Reference(inner) => {
            out.push_replaced(start, 2, "{{");
            out.push_verbatim(start + 2, inner);
            quotes.feed_all(inner);
            out.push_replaced(start + 2 + inner.len(), 2, "}}");
        }
    }
}
