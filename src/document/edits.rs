//! Changes to a text: spans and what comes in their place.

use super::{OffsetMap, Replacement};
use crate::text::source::Span;
use zeroize::Zeroizing;

/// One change. Its text may hold secret values, so it is wiped and has no `Debug`.
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: Zeroizing<String>,
}

impl Edit {
    /// A change. The text is taken as it is, so that no copy of it stays behind.
    pub fn new(span: Span, text: impl Into<Zeroizing<String>>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Each part written in the place that it has in the source.
pub(super) fn in_place(
    offsets: &OffsetMap,
    parts: &[Replacement<'_>],
    write: impl Fn(&str) -> Zeroizing<String>,
) -> Vec<Edit> {
    let edit = |part: &Replacement<'_>| Edit::new(offsets.source(part.range.start, part.range.end), write(part.text));
    parts.iter().map(edit).collect()
}

/// A value between double quotes, with the escapes that YAML, TOML and JSON share. `special` gives those of one syntax, by
/// offset and character; none of its escapes may take more than `most` bytes for a byte of the value, as a buffer that
/// grows leaves its old content behind.
pub(super) fn escape_text(
    value: &str,
    most: usize,
    special: impl Fn(usize, char) -> Option<String>,
) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(value.len() * most));
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

/// Applies changes that are sorted and do not overlap; nothing where they are not, or where a span is none of the text.
pub fn apply(text: &str, edits: &[Edit]) -> Option<Zeroizing<String>> {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    // Room for all of it at once: a buffer that grows leaves its old content behind.
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
