//! A file's text, byte spans into it, and where a span is in lines and columns.
//!
//! Offsets are UTF-8 bytes in the file as it is on disk, a byte-order mark included. Lines and columns count from 1; a
//! column counts Unicode scalar values. LF, CRLF and a lone CR each end a line, as YAML has it.
//!
//! Not here: which parts of the text may be shown (`redacted_source`), and its meaning (`document`).

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroize as _;

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span from `start` up to `end`; an `end` before `start` makes it empty.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it covers no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `other` lies within this span.
    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share a byte.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// A place for people: line and column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in Unicode scalar values, from 1.
    pub column: usize,
}

/// One file: the path it is reported under, and its text.
pub struct SourceFile {
    path: String,
    repository_path: Option<String>,
    absolute_path: Option<PathBuf>,
    text: String,
    lines: OnceLock<LineIndex>,
}

impl fmt::Debug for SourceFile {
    /// The text may be that of an inventory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("path", &self.path).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl Drop for SourceFile {
    /// The text may be that of an inventory.
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

impl SourceFile {
    /// Wraps a text. `path` is what reports show: relative to the working directory, with `/`.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            repository_path: None,
            absolute_path: None,
            text: text.into(),
            lines: OnceLock::new(),
        }
    }

    /// With another path for reports.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// With the path that names it wherever a run is started: from the repository's root.
    #[must_use]
    pub fn with_repository_path(mut self, identity: impl Into<String>) -> Self {
        self.repository_path = Some(identity.into());
        self
    }

    /// With where it lies, absolute: two paths may be shown alike, where they are not UTF-8.
    #[must_use]
    pub fn with_absolute_path(mut self, location: impl Into<PathBuf>) -> Self {
        self.absolute_path = Some(location.into());
        self
    }

    /// Where it lies, as far as that is known.
    pub fn absolute_path(&self) -> &Path {
        self.absolute_path.as_deref().unwrap_or(Path::new(&self.path))
    }

    /// The path from the repository's root.
    pub fn repository_path(&self) -> &str {
        self.repository_path.as_deref().unwrap_or(&self.path)
    }

    /// The path as reported.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty where the span is not one of this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_char_boundary(&self.text, offset);
        let index = self.index();
        let line = index.line_of(offset);
        let start = index.start_of(line);
        Position {
            line: line + 1,
            column: index.chars_before(&self.text, offset) - index.chars_before(&self.text, start) + 1,
        }
    }

    /// The span of the line that holds `offset`, without its line break.
    pub fn line_span(&self, offset: usize) -> Span {
        let index = self.index();
        let line = index.line_of(offset.min(self.text.len()));
        let start = index.start_of(line);
        let end = index.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let text = self.slice(Span::new(start, end));
        Span::new(start, start + text.trim_end_matches(['\r', '\n']).len())
    }

    fn index(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }
}

/// Where lines begin, and how many scalar values stand before each block of bytes: both look-ups are constant or
/// logarithmic, so that thousands of findings on one line of megabytes stay cheap.
#[derive(Debug)]
struct LineIndex {
    starts: Vec<usize>,
    /// Scalar values before each block of `BLOCK` bytes; empty where the text is ASCII.
    chars: Vec<usize>,
}

const BLOCK: usize = 1024;

impl LineIndex {
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !crlf {
                starts.push(at + 1);
            }
        }
        let mut chars = Vec::new();
        if !text.is_ascii() {
            let mut sum = 0;
            for block in bytes.chunks(BLOCK) {
                chars.push(sum);
                sum += count_chars(block);
            }
            chars.push(sum);
        }
        Self { starts, chars }
    }

    /// The line of an offset, from 0.
    fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    fn start_of(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or_default()
    }

    fn chars_before(&self, text: &str, offset: usize) -> usize {
        let Some(before) = self.chars.get(offset / BLOCK) else {
            return offset;
        };
        let block = offset - offset % BLOCK;
        before + text.as_bytes().get(block..offset).map_or(0, count_chars)
    }
}

/// Counts the bytes that begin a scalar value.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// Whether a file begins with a byte-order mark of UTF-16.
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// A text, offset for offset: each byte that is not UTF-8 as one character of ASCII that stands in for it.
pub fn replace_invalid_utf8(bytes: &[u8], replacement: char) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| replacement));
    }
    text
}

/// The nearest character boundary at or before `offset`.
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
    fn every_line_break_of_yaml_ends_a_line() {
        let file = SourceFile::new("x", "a\nb\r\nc\rd");
        let lines: Vec<_> = [0, 2, 5, 7].map(|at| file.position(at).line).to_vec();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(file.slice(file.line_span(2)), "b");
        assert_eq!(file.slice(file.line_span(5)), "c");
    }

    #[test]
    fn a_column_counts_scalar_values_also_far_into_a_line() {
        let text = format!("{}x", "ü".repeat(3000));
        let file = SourceFile::new("x", text);
        assert_eq!(file.position(6000), Position { line: 1, column: 3001 });
        assert_eq!(file.position(6001), Position { line: 1, column: 3002 });
    }

    #[test]
    fn an_offset_past_the_end_or_inside_a_character_is_brought_back() {
        let file = SourceFile::new("x", "ü");
        assert_eq!(file.position(1).column, 1);
        assert_eq!(file.position(99).column, 2);
        assert_eq!(file.slice(Span::new(1, 9)), "");
    }
}
