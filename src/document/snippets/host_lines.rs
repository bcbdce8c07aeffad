//! Lines of a host file, with or without their continuation lines.
//!
//! A line ends with LF or CRLF, as in all programs that read these files.

use memchr::memchr;
use std::ops::Range;

/// An iterator over the lines of a text. The ranges do not contain the line breaks.
#[derive(Clone)]
pub(super) struct HostLines<'t> {
    text: &'t str,
    next: usize,
}

impl<'t> HostLines<'t> {
    /// Creates an iterator that begins at an offset, which is the start of a line.
    pub fn new(text: &'t str, start: usize) -> Self {
        Self { text, next: start }
    }

    /// Continues with the line after the one that contains an offset.
    pub fn skip_past(&mut self, offset: usize) {
        if offset >= self.next {
            self.next = end_of_line(self.text, offset) + 1;
        }
    }

    /// Returns the next line and the lines that a backslash at the end appends to it. The range
    /// contains the backslashes and line breaks between them.
    pub fn next_logical(&mut self) -> Option<Range<usize>> {
        let mut range = self.next()?;
        while ends_with_escape(self.text.get(range.clone()).unwrap_or_default()) {
            let Some(line) = self.next() else { break };
            range.end = line.end;
        }
        Some(range)
    }
}

impl Iterator for HostLines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.next >= self.text.len() {
            return None;
        }
        let start = self.next;
        let end = end_of_line(self.text, start);
        self.next = end + 1;
        let line = self.text.get(start..end).unwrap_or_default();
        Some(start..end - usize::from(line.ends_with('\r')))
    }
}

/// Returns the offset of the line break at or after an offset, or the length of the text.
fn end_of_line(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    memchr(b'\n', rest).map_or(text.len(), |at| from + at)
}

/// Returns whether a line ends with a backslash that is not escaped itself.
fn ends_with_escape(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// Returns the range of the line break after a line that ends at an offset. It is empty at the end
/// of the text.
pub(super) fn line_break(text: &str, end: usize) -> Range<usize> {
    let rest = text.get(end..).unwrap_or_default();
    let len = ["\r\n", "\n"]
        .iter()
        .find(|mark| rest.starts_with(**mark))
        .map_or(0, |mark| mark.len());
    end..end + len
}

/// Returns the offset of the byte order mark's end, at which the first line begins.
pub(super) fn start_of_text(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

/// Returns a range without the white space at its start and end.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..start.max(range.start + inner.trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_lf_or_crlf() {
        let lines: Vec<_> = HostLines::new("a\r\n\nb\rc\nd", 0).collect();
        assert_eq!(lines, [0..1, 3..3, 4..7, 8..9]);
        assert_eq!(HostLines::new("", 0).count(), 0);
        assert_eq!(HostLines::new("a\n", 0).count(), 1);
    }

    #[test]
    fn an_odd_number_of_backslashes_continues_a_line() {
        let text = "a \\\r\nb \\\\\nc \\\\\\\nd\ne \\";
        let mut lines = HostLines::new(text, 0);
        let mut next = || lines.next_logical().and_then(|range| text.get(range));
        assert_eq!(next(), Some("a \\\r\nb \\\\"));
        assert_eq!(next(), Some("c \\\\\\\nd"));
        assert_eq!(next(), Some("e \\"));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_skip_continues_after_the_line_of_an_offset() {
        let text = "ab\ncd\nef";
        let mut lines = HostLines::new(text, 0);
        lines.next();
        lines.skip_past(4);
        assert_eq!(lines.next(), Some(6..8));
    }

    #[test]
    fn trimmed_range_stays_in_its_bounds() {
        assert_eq!(trim("x  ab \t", 1..7), 3..5);
        assert_eq!(trim("x   ", 1..4), 4..4);
    }
}
