//! Changes to a text: spans and what comes in their place.

use crate::source::Span;
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
