//! Edits of a text: each replaces a span with a new text.

use super::{OffsetMap, Replacement};
use crate::text::source::Span;

/// A replacement of a span. Its text may contain secret values, so it has no `Debug`.
pub struct Edit {
    /// The span that is replaced.
    pub span: Span,
    /// The new text.
    pub text: String,
}

impl Edit {
    /// Creates an edit.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }
}

/// Returns one edit for each part, at the part's own span in the source.
pub(super) fn in_place(
    offsets: &OffsetMap,
    parts: &[Replacement<'_>],
    write: impl Fn(&str) -> String,
) -> Vec<Edit> {
    let edits = parts.iter().map(|part| {
        Edit::new(
            offsets.source(part.range.start, part.range.end),
            write(part.text),
        )
    });
    edits.collect()
}

/// Escapes a value for double quotes with the escapes that YAML, TOML and JSON share.
///
/// `special` returns the escapes of one syntax, by offset and character.
pub(super) fn escape_text(value: &str, special: impl Fn(usize, char) -> Option<String>) -> String {
    let mut out = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => match special(at, c) {
                Some(escape) => out.push_str(&escape),
                None => out.push(c),
            },
        }
    }
    out
}

/// Applies edits to a text. Returns `None` if they are not sorted, overlap, or are outside the
/// text.
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start)?);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
