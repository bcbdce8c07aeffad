//! The text of a file, byte spans in it, and their lines and columns.
//!
//! Offsets are UTF-8 bytes in the file on disk, including a byte-order mark. Lines and columns
//! start at 1, and a column counts Unicode scalar values. As in YAML, LF, CRLF and a single CR each
//! end a line.
//!
//! `redacted_source` decides which parts of the text excerpts show. `document` parses the text.

use crate::text::line_index::LineIndex;
use crate::text::repository_files::RepositoryFiles;
use crate::text::source_kind::SourceKind;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
}

impl Span {
    /// Creates a span. It is empty if `end` is before `start`.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// Returns the length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Returns whether the span contains no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Returns whether `other` is within this span.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Returns whether the spans share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// A line and a column, as reports print them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in Unicode scalar values, from 1.
    pub column: usize,
}

/// A file: its text and its paths. The text may contain secret values: the allocator of the program
/// wipes it when the file is dropped.
pub struct SourceFile {
    path: String,
    repository_path: Option<String>,
    absolute_path: Option<PathBuf>,
    kind: Option<SourceKind>,
    is_registered: bool,
    repository: Option<Arc<dyn RepositoryFiles>>,
    text: String,
    lines: OnceLock<LineIndex>,
}

impl fmt::Debug for SourceFile {
    /// Formats the file without its text, which may contain secret values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile")
            .field("path", &self.path)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl SourceFile {
    /// Creates a file. Reports show `path`, which is relative to the working directory and uses
    /// `/`.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            repository_path: None,
            absolute_path: None,
            kind: None,
            is_registered: false,
            repository: None,
            text: text.into(),
            lines: OnceLock::new(),
        }
    }

    /// Sets the path that reports show.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the path relative to the repository's root. It does not depend on the working
    /// directory.
    #[must_use]
    pub fn with_repository_path(mut self, path: impl Into<String>) -> Self {
        self.repository_path = Some(path.into());
        self
    }

    /// Sets the repository whose files the code in this file may refer to.
    #[must_use]
    pub fn with_repository(mut self, repository: Arc<dyn RepositoryFiles>) -> Self {
        self.repository = Some(repository);
        self
    }

    /// Returns the other files of the repository.
    pub fn repository(&self) -> Option<&Arc<dyn RepositoryFiles>> {
        self.repository.as_ref()
    }

    /// Sets the absolute path. It identifies the file, since two paths that are not UTF-8 may be
    /// reported as the same text.
    #[must_use]
    pub fn with_absolute_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.absolute_path = Some(path.into());
        self
    }

    /// Sets the kind of the file.
    #[must_use]
    pub fn with_kind(mut self, kind: SourceKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Returns the kind of the file; `None` if references are not read from it, for example from an
    /// inventory.
    pub fn kind(&self) -> Option<SourceKind> {
        self.kind
    }

    /// Marks the text as a component that is registered on a server. stackref has written this text
    /// from an answer of the server, so reports show neither its lines nor any part of it.
    #[must_use]
    pub fn of_registered_component(mut self) -> Self {
        self.is_registered = true;
        self
    }

    /// Returns whether the text is a component that is registered on a server, and not a file.
    pub fn is_registered(&self) -> bool {
        self.is_registered
    }

    /// Returns the absolute path, or the reported path if the absolute path is not set.
    pub fn absolute_path(&self) -> &Path {
        self.absolute_path
            .as_deref()
            .unwrap_or(Path::new(&self.path))
    }

    /// Returns the path relative to the repository's root, or the reported path if it is not set.
    pub fn repository_path(&self) -> &str {
        self.repository_path.as_deref().unwrap_or(&self.path)
    }

    /// Returns the path that reports show.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text of a span. It is empty if the span is outside the text or splits a
    /// character.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Returns the text of a span as it is written. Returns `None` if it is empty, or if double
    /// quotes, backslashes or line breaks in it belong to the syntax around the text.
    pub fn unquoted_slice(&self, span: Span) -> Option<&str> {
        let text = self.slice(span);
        let is_unquoted = !text.is_empty() && !text.contains(['"', '\\', '\n', '\r']);
        is_unquoted.then_some(text)
    }

    /// Returns a span without the quotes around its text.
    pub fn inside_quotes(&self, span: Span) -> Span {
        let text = self.slice(span);
        let is_quoted = |quote: char| {
            let inner = text.strip_prefix(quote);
            inner.is_some_and(|inner| inner.ends_with(quote))
        };
        if is_quoted('"') || is_quoted('\'') {
            Span::new(span.start + 1, span.end - 1)
        } else {
            span
        }
    }

    /// Returns the line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_char_boundary(&self.text, offset);
        let index = self.index();
        let line = index.line_of(offset);
        let start = index.start_of(line).unwrap_or_default();
        Position {
            line: line + 1,
            column: index.chars_before(&self.text, offset) - index.chars_before(&self.text, start)
                + 1,
        }
    }

    /// Returns the span of the line that contains `offset`, without the line break.
    pub fn line_span(&self, offset: usize) -> Span {
        let index = self.index();
        let line = index.line_of(offset.min(self.text.len()));
        let start = index.start_of(line).unwrap_or_default();
        let end = index.start_of(line + 1).unwrap_or(self.text.len());
        let text = self.slice(Span::new(start, end));
        Span::new(start, start + text.trim_end_matches(['\r', '\n']).len())
    }

    fn index(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }
}

/// Returns the nearest character boundary at or before `offset`.
pub fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_lf_crlf_and_cr_as_line_breaks() {
        let file = SourceFile::new("x", "a\nb\r\nc\rd");
        let lines: Vec<_> = [0, 2, 5, 7].map(|at| file.position(at).line).to_vec();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(file.slice(file.line_span(2)), "b");
        assert_eq!(file.slice(file.line_span(5)), "c");
    }

    #[test]
    fn position_counts_scalar_values_in_long_lines() {
        let text = format!("{}x", "ü".repeat(3000));
        let file = SourceFile::new("x", text);
        assert_eq!(
            file.position(6000),
            Position {
                line: 1,
                column: 3001
            }
        );
        assert_eq!(
            file.position(6001),
            Position {
                line: 1,
                column: 3002
            }
        );
    }

    #[test]
    fn position_and_slice_accept_invalid_offsets() {
        let file = SourceFile::new("x", "ü");
        assert_eq!(file.position(1).column, 1);
        assert_eq!(file.position(99).column, 2);
        assert_eq!(file.slice(Span::new(1, 9)), "");
    }
}
