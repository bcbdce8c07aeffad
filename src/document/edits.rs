//! Edits of a text: each replaces a span with a new text.

use super::{OffsetMap, Replacement};
use crate::text::source::Span;
use zeroize::Zeroizing;

/// A replacement of a span. Its text may contain secret values, so it is wiped and has no `Debug`.
pub struct Edit {
    /// The span that is replaced.
    pub span: Span,
    /// The new text.
    pub text: Zeroizing<String>,
}

impl Edit {
    /// Creates an edit. It takes ownership of the text, so that no copy remains in memory.
    pub fn new(span: Span, text: impl Into<Zeroizing<String>>) -> Self {
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
    write: impl Fn(&str) -> Zeroizing<String>,
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
/// `special` returns the escapes of one syntax, by offset and character. An escape must not need
/// more than `max_growth` bytes for each byte of the value: the buffer must not grow, because that
/// would leave a copy of a secret in memory.
pub(super) fn escape_text(
    value: &str,
    max_growth: usize,
    special: impl Fn(usize, char) -> Option<String>,
) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(value.len() * max_growth));
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
pub fn apply(text: &str, edits: &[Edit]) -> Option<Zeroizing<String>> {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    // A buffer that grows would leave a copy of its content in memory.
    let mut out = Zeroizing::new(String::with_capacity(text.len() + grown));
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start)?);
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
