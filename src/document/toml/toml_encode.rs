//! Writes a new value into a TOML string, with the smallest change, and quotes strings and keys.

use crate::document::edits::{self, in_place};
use crate::document::{Edit, OffsetMap, Replacement, Style};
use crate::text::source::Span;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A string that gets a new value.
pub(in crate::document) struct TomlTarget<'t> {
    /// The source of the string, with quotes.
    pub raw: &'t str,
    /// The span of the string in the file.
    pub span: Span,
    /// The kind of its quotes.
    pub style: Style,
    /// The current value.
    pub old: &'t str,
    /// The map from the current value to the source.
    pub offsets: &'t OffsetMap,
}

/// Returns the edits that replace parts of a string's value. The quotes stay if they can represent
/// the value.
pub(in crate::document) fn encode(
    target: &TomlTarget<'_>,
    parts: &[Replacement<'_>],
    value: &str,
) -> Vec<Edit> {
    let is_literal = matches!(target.style, Style::Literal | Style::MultilineLiteral);
    let can_stay = match target.style {
        Style::Literal | Style::MultilineLiteral => {
            parts.iter().all(|part| fits_literal(part.text))
        }
        Style::Basic | Style::MultilineBasic => true,
        _ => false,
    };
    if can_stay && target.offsets.is_exact() {
        let edits = in_place(target.offsets, parts, |text| {
            if is_literal {
                text.to_owned()
            } else {
                escape_text(text)
            }
        });
        if is_written_as(target, &edits, value) {
            return edits;
        }
    }
    let text = match target.style {
        Style::MultilineBasic | Style::MultilineLiteral => encode_multiline(target, parts),
        _ => quote_text(value),
    };
    vec![Edit::new(target.span, text)]
}

/// Returns whether literal quotes can contain a text.
fn fits_literal(text: &str) -> bool {
    !text.contains('\'') && text.chars().all(|c| c == '\t' || !c.is_control())
}

/// Returns whether a string with some edits is still one string, with this value. An empty part can
/// join the text around it:
/// - a line break that becomes the first one is not part of the value,
/// - a backslash at the end of a line also removes the empty lines after it,
/// - three quotes end the string.
fn is_written_as(target: &TomlTarget<'_>, edits: &[Edit], value: &str) -> bool {
    let mut line = "k=".to_owned();
    let mut at = 0;
    for edit in edits {
        let (start, end) = (
            edit.span.start - target.span.start,
            edit.span.end - target.span.start,
        );
        line.push_str(target.raw.get(at..start).unwrap_or_default());
        line.push_str(&edit.text);
        at = end;
    }
    line.push_str(target.raw.get(at..).unwrap_or_default());
    let Ok(table) = DeTable::parse(&line) else {
        return false;
    };
    let written = table.get_ref().get("k").map(Spanned::get_ref);
    table.get_ref().len() == 1 && matches!(written, Some(DeValue::String(text)) if text == value)
}

/// Returns a value of several lines in `"""`. Its current line breaks stay as they are in the file,
/// since readers disagree whether a CRLF is one or two characters. All other line breaks are
/// escaped.
fn encode_multiline(target: &TomlTarget<'_>, parts: &[Replacement<'_>]) -> String {
    let (old, raw) = (target.old, target.raw);
    let mut out = String::with_capacity(old.len());
    // A line break directly after the quotes is not part of the value, so the value's own first
    // line break is safe.
    out.push_str(if raw.contains("\r\n") {
        "\"\"\"\r\n"
    } else {
        "\"\"\"\n"
    });
    let mut at = 0;
    for part in parts {
        push_lines(&mut out, target, at..part.range.start);
        out.push_str(&escape_text(part.text));
        at = part.range.end;
    }
    push_lines(&mut out, target, at..old.len());
    out.push_str("\"\"\"");
    out
}

/// Appends a part of the current value. Its line breaks stay if they are line breaks in the file.
fn push_lines(out: &mut String, target: &TomlTarget<'_>, range: Range<usize>) {
    let mut at = range.start;
    for line in target
        .old
        .get(range)
        .unwrap_or_default()
        .split_inclusive('\n')
    {
        let content = line
            .strip_suffix("\r\n")
            .or_else(|| line.strip_suffix('\n'))
            .unwrap_or(line);
        let line_break = line.get(content.len()..).unwrap_or_default();
        let written = target.offsets.source(at + content.len(), at + line.len());
        let written = Span::new(
            written.start - target.span.start,
            written.end - target.span.start,
        );
        if target.raw.get(written.start..written.end) == Some(line_break) {
            out.push_str(&escape_text(content));
            out.push_str(line_break);
        } else {
            out.push_str(&escape_text(line));
        }
        at += line.len();
    }
}

/// Returns a key, without quotes if possible.
pub(in crate::document) fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if is_bare {
        name.to_owned()
    } else {
        quote_text(name)
    }
}

/// Returns a value in basic quotes, on one line.
pub fn quote_text(value: &str) -> String {
    format!("\"{}\"", escape_text(value))
}

/// Escapes a value for basic quotes, of one line or several. A space at its start is also escaped,
/// because it would be removed after a line that ends with a backslash.
fn escape_text(value: &str) -> String {
    edits::escape_text(value, |at, c| match c {
        ' ' if at == 0 => Some("\\u0020".to_owned()),
        c => c.is_control().then(|| format!("\\u{:04X}", u32::from(c))),
    })
}
