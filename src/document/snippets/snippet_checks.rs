//! Checks of snippets in the unit tests of the hosts.

use super::{Snippet, SnippetKind};

/// The characters at which a file may differ from the code: placeholders, entities, escapes,
/// continuations and line breaks.
const REPLACED: [char; 12] = [
    '<', '&', '\\', '\r', '\n', '.', '…', '{', '}', '`', '^', ' ',
];

/// Returns the code of each snippet, after a check of its map: each character of the code has the
/// span of the same character in the file, or of one that the host replaces. Spans do not go back.
pub(super) fn codes(file: &str, snippets: &[Snippet]) -> Vec<String> {
    for snippet in snippets {
        assert!(snippet.offsets.is_exact());
        let mut last = 0;
        for (at, c) in snippet.code.char_indices() {
            let span = snippet.offsets.source(at, at + c.len_utf8());
            let text = file.get(span.start..span.end).expect("a span of the file");
            let is_replaced = text.is_empty() || text.starts_with(REPLACED);
            assert!(
                is_replaced || text.starts_with(c),
                "{c:?} at {at} of {:?} is {text:?}",
                snippet.code
            );
            assert!(last <= span.start, "{:?}", snippet.code);
            last = span.start;
        }
    }
    snippets
        .iter()
        .map(|snippet| snippet.code.clone())
        .collect()
}

/// Returns the kinds of snippets.
pub(super) fn kinds(snippets: &[Snippet]) -> Vec<SnippetKind> {
    snippets.iter().map(|snippet| snippet.kind).collect()
}

/// Returns the text of the file for a part of the code.
pub(super) fn located<'f>(file: &'f str, snippet: &Snippet, part: &str) -> &'f str {
    let at = snippet.code.find(part).expect("a part of the code");
    let span = snippet.offsets.source(at, at + part.len());
    &file[span.start..span.end]
}
