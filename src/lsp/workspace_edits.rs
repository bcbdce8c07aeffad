//! Edits of files in the form of the protocol.

use super::client_support::ClientSupport;
use super::documents::{Document, Documents};
use super::text_positions::TextPositions;
use crate::document::Edit;
use crate::text::source::{Span, floor_char_boundary};
use gen_lsp_types as lsp;
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest time to search for a small difference. After it, the difference is larger than
/// necessary.
const MAX_SEARCH: Duration = Duration::from_millis(100);

/// A file, and its text after an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    uri: lsp::Uri,
    /// The version of the open document; `None` for a closed file.
    version: Option<i32>,
    /// The text before the edit; `None` if the edit creates the file.
    old: Option<String>,
    new: String,
}

impl FileChange {
    /// Creates the change of a document without a file, or of one that is open.
    pub fn of_document(document: &Document, new: String) -> Self {
        Self {
            uri: document.uri.clone(),
            version: Some(document.version),
            old: Some(document.text.clone()),
            new,
        }
    }

    /// Creates the change of a file, which may be open. `old` is its text, or `None` if the edit
    /// creates the file.
    pub fn of_path(documents: &Documents, path: &Path, old: Option<String>, new: String) -> Self {
        let document = documents.of_path(path);
        Self {
            uri: documents.uri(path),
            version: document.map(|document| document.version),
            old,
            new,
        }
    }

    /// Returns the edit for a client. Returns `None` if the client does not support it.
    pub fn to_edit(&self, support: &ClientSupport) -> Option<lsp::WorkspaceEdit> {
        if self.old.is_none() && !(support.document_changes && support.creates_files) {
            return None;
        }
        let old = self.old.as_deref().unwrap_or_default();
        let positions = TextPositions::new(old, support.encoding);
        let edits = text_edits(&differences(old, &self.new), &positions);
        if !support.document_changes {
            let changes = HashMap::from([(self.uri.clone(), edits)]);
            return Some(lsp::WorkspaceEdit::new(Some(changes), None, None));
        }
        let edits = edits.into_iter().map(lsp::Edit::from).collect();
        let edit = document_edit(self.uri.clone(), self.version, edits);
        let mut changes: Vec<lsp::DocumentChange> = Vec::new();
        if self.old.is_none() {
            let create = lsp::CreateFile {
                uri: self.uri.clone(),
                options: None,
                annotation_id: None,
            };
            changes.push(create.into());
        }
        changes.push(edit.into());
        Some(lsp::WorkspaceEdit::new(None, Some(changes), None))
    }
}

/// Returns edits of a text in the form of the protocol.
pub fn text_edits(edits: &[Edit], positions: &TextPositions<'_>) -> Vec<lsp::TextEdit> {
    let edits = edits.iter();
    let edits = edits.map(|edit| lsp::TextEdit::new(positions.range(edit.span), edit.text.clone()));
    edits.collect()
}

/// Returns the edit of a document. `version` is that of an open document.
pub fn document_edit(
    uri: lsp::Uri,
    version: Option<i32>,
    edits: Vec<lsp::Edit>,
) -> lsp::TextDocumentEdit {
    let identifier = lsp::TextDocumentIdentifier::new(uri);
    let document = lsp::OptionalVersionedTextDocumentIdentifier::new(version, identifier);
    lsp::TextDocumentEdit::new(document, edits)
}

/// Returns the edits from one text to another one, in order. Words that are the same stay, so that
/// cursors and marks in them do, too, and no edit repeats a value between two changes.
pub fn differences(old: &str, new: &str) -> Vec<Edit> {
    let deadline = Instant::now() + MAX_SEARCH;
    let (old_lines, new_lines) = (Parts::lines(old), Parts::lines(new));
    let mut edits = Vec::new();
    for (old_lines, new_lines) in old_lines.changes(&new_lines, deadline) {
        let (Some(old_text), Some(new_text)) = (slice(old, old_lines), slice(new, new_lines))
        else {
            continue;
        };
        let (old_words, new_words) = (Parts::words(old_text), Parts::words(new_text));
        for (old_words, new_words) in old_words.changes(&new_words, deadline) {
            let (replaced, text) = (slice(old_text, old_words), slice(new_text, new_words));
            let start = old_lines.start;
            let span = Span::new(start + old_words.start, start + old_words.end);
            edits.extend(replaced.zip(text).map(|(old, new)| trim(span, old, new)));
        }
    }
    edits
}

fn slice(text: &str, span: Span) -> Option<&str> {
    text.get(span.start..span.end)
}

/// Removes the common start and the common end of the old and the new text from an edit. A line break
/// is not divided, since there is no position in it.
fn trim(span: Span, old: &str, new: &str) -> Edit {
    let same = |(a, b): &(u8, u8)| a == b;
    let start = old.bytes().zip(new.bytes()).take_while(same).count();
    let mut start = floor_char_boundary(old, floor_char_boundary(new, start));
    if old.get(..start).is_some_and(|text| text.ends_with('\r')) {
        start -= 1;
    }
    let (old, new) = (
        old.get(start..).unwrap_or_default(),
        new.get(start..).unwrap_or_default(),
    );
    let ends = old.bytes().rev().zip(new.bytes().rev());
    let mut end = ends.take_while(same).count();
    let is_possible = |end: usize| {
        let rest = |text: &str| {
            text.get(..text.len() - end)
                .map(|rest| rest.ends_with('\r'))
        };
        match (rest(old), rest(new)) {
            (Some(old_ends), Some(new_ends)) => !(old_ends || new_ends),
            _ => false,
        }
    };
    while end > 0 && !is_possible(end) {
        end -= 1;
    }
    let span = Span::new(span.start + start, span.end - end);
    Edit::new(span, new.get(..new.len() - end).unwrap_or_default())
}

/// The parts of a text, and the offset at which each begins.
struct Parts<'t> {
    texts: Vec<&'t str>,
    starts: Vec<usize>,
}

impl<'t> Parts<'t> {
    fn new(texts: Vec<&'t str>) -> Self {
        let mut starts = vec![0];
        let mut at = 0;
        for text in &texts {
            at += text.len();
            starts.push(at);
        }
        Self { texts, starts }
    }

    /// Divides a text into lines with their line breaks.
    fn lines(text: &'t str) -> Self {
        Self::new(text.split_inclusive('\n').collect())
    }

    /// Divides a text into runs of letters and digits, line breaks, and single other characters.
    fn words(mut text: &'t str) -> Self {
        let mut words = Vec::new();
        while let Some(first) = text.chars().next() {
            let end = if text.starts_with("\r\n") {
                2
            } else if first.is_alphanumeric() {
                let end = text.find(|c: char| !c.is_alphanumeric());
                end.unwrap_or(text.len())
            } else {
                first.len_utf8()
            };
            let (word, rest) = text.split_at(end);
            words.push(word);
            text = rest;
        }
        Self::new(words)
    }

    /// Returns the spans of the parts that differ, in this text and in another one.
    fn changes(&self, other: &Self, deadline: Instant) -> Vec<(Span, Span)> {
        let ops = capture_diff_slices_deadline(
            Algorithm::Myers,
            &self.texts,
            &other.texts,
            Some(deadline),
        );
        let changed = ops.iter().filter(|op| op.tag() != DiffTag::Equal);
        let spans = changed.map(|op| (self.span(op.old_range()), other.span(op.new_range())));
        spans.collect()
    }

    fn span(&self, parts: Range<usize>) -> Span {
        let start = |part: usize| self.starts.get(part).copied().unwrap_or_default();
        Span::new(start(parts.start), start(parts.end))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::apply;
    use proptest::prelude::*;

    fn check(old: &str, new: &str) -> Vec<Edit> {
        let edits = differences(old, new);
        assert_eq!(apply(old, &edits).unwrap(), new, "{old:?}");
        for Edit { span, .. } in &edits {
            for at in [span.start, span.end] {
                let divides = old[..at].ends_with('\r') && old[at..].starts_with('\n');
                assert!(!divides, "{old:?} {new:?} {at}");
            }
        }
        edits
    }

    #[test]
    fn only_the_difference_is_replaced() {
        for (old, new, expected) in [
            ("a\nb\nc\n", "a\n# x\nb\nc\n", vec![(2, 2, "# x\n")]),
            ("a: 'x'\n", "a: 'y'\n", vec![(4, 5, "y")]),
            ("a😀b\n", "a😁b\n", vec![(1, 5, "😁")]),
            ("a\r\nb", "a\nb", vec![(1, 3, "\n")]),
            ("a\nb", "a\r\nb", vec![(1, 2, "\r\n")]),
            ("a1\nb\nc1\n", "a2\nb\nc2\n", vec![(1, 2, "2"), (6, 7, "2")]),
            (
                "a1 b\nc1 d\n",
                "a2 b\nc2 d\n",
                vec![(1, 2, "2"), (6, 7, "2")],
            ),
            (
                "{{a.b}} hunter2 {{c.d}}\n",
                "'{{a.b}}' hunter2 '{{c.d}}'\n",
                vec![(0, 0, "'"), (7, 7, "'"), (16, 16, "'"), (23, 23, "'")],
            ),
            ("aa", "aaa", vec![(2, 2, "a")]),
            ("x", "x", vec![]),
            ("", "x\n", vec![(0, 0, "x\n")]),
        ] {
            let edits = check(old, new).into_iter();
            let edits: Vec<_> = edits
                .map(|edit| (edit.span.start, edit.span.end, edit.text))
                .collect();
            let expected = expected.into_iter();
            let expected: Vec<_> = expected
                .map(|(start, end, text)| (start, end, text.to_owned()))
                .collect();
            assert_eq!(edits, expected, "{old:?}");
        }
    }

    proptest! {
        #[test]
        fn the_edits_yield_the_new_text(old in "[a-c\r\n😀]{0,12}", new in "[a-c\r\n😀]{0,12}") {
            check(&old, &new);
        }
    }
}
