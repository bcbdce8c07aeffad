//! Positions of the protocol: conversion between byte offsets and lines with columns, which count
//! UTF-8, UTF-16 or UTF-32 code units.

use crate::text::source::{Span, floor_char_boundary};
use gen_lsp_types::{Position, PositionEncodingKind, Range};
use std::cell::Cell;

/// The unit of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionEncoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: the default of the protocol.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl PositionEncoding {
    /// Returns the encoding for a client that offers these: UTF-8 if possible, else UTF-16, and
    /// UTF-32 only if the client offers nothing else.
    pub fn negotiate<'o>(offered: impl IntoIterator<Item = &'o str>) -> Self {
        let offered: Vec<&str> = offered.into_iter().collect();
        if offered.contains(&"utf-8") {
            Self::Utf8
        } else if offered.contains(&"utf-32") && !offered.contains(&"utf-16") {
            Self::Utf32
        } else {
            Self::Utf16
        }
    }

    /// Returns the name in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    /// Returns the length of a text in units.
    fn len(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf32 => text.chars().count(),
        }
    }
}

/// The lines of a text, for conversions.
pub struct TextPositions<'t> {
    text: &'t str,
    encoding: PositionEncoding,
    /// The offset at which each line starts. The first line starts after a byte order mark, which
    /// editors do not show.
    starts: Vec<usize>,
    is_ascii: bool,
    /// The last converted offset, and its line and column. Thousands of findings may be on one
    /// line.
    last: Cell<(usize, usize, usize)>,
}

impl<'t> TextPositions<'t> {
    /// Finds the lines of a text. LF, CRLF and a single CR each end a line.
    pub fn new(text: &'t str, encoding: PositionEncoding) -> Self {
        let bytes = text.as_bytes();
        let first = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let mut starts = vec![first];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let is_crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !is_crlf {
                starts.push(at + 1);
            }
        }
        Self {
            text,
            encoding,
            starts,
            is_ascii: text.is_ascii(),
            last: Cell::new((first, 0, 0)),
        }
    }

    /// Returns the position of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_char_boundary(self.text, offset);
        let line = self
            .starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let column = if self.is_ascii {
            offset.saturating_sub(start)
        } else {
            let (last_offset, last_line, last_column) = self.last.get();
            let (from, before) = if last_line == line && last_offset <= offset {
                (last_offset, last_column)
            } else {
                (start, 0)
            };
            before
                + self
                    .encoding
                    .len(self.text.get(from..offset).unwrap_or_default())
        };
        self.last.set((offset, line, column));
        Position::new(to_u32(line), to_u32(column))
    }

    /// Returns the range of a span.
    pub fn range(&self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// Returns the byte offset of a position. A column after the end of its line is the end of the
    /// line, and a line after the end of the text is the end of the text. A position inside a
    /// character is its start.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else {
            return self.text.len();
        };
        let end = self.starts.get(line + 1).copied();
        let rest = self
            .text
            .get(start..end.unwrap_or(self.text.len()))
            .unwrap_or_default();
        let rest = rest.trim_end_matches(['\r', '\n']);
        let mut remaining = position.character as usize;
        for (at, c) in rest.char_indices() {
            let units = match self.encoding {
                PositionEncoding::Utf8 => c.len_utf8(),
                PositionEncoding::Utf16 => c.len_utf16(),
                PositionEncoding::Utf32 => 1,
            };
            if remaining < units {
                return start + at;
            }
            remaining -= units;
        }
        start + rest.len()
    }

    /// Returns the span of a range. The ends are swapped if they are in the wrong order.
    pub fn span(&self, range: Range) -> Span {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        Span::new(start.min(end), start.max(end))
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENCODINGS: [PositionEncoding; 3] = [
        PositionEncoding::Utf8,
        PositionEncoding::Utf16,
        PositionEncoding::Utf32,
    ];

    #[test]
    fn utf_8_is_preferred_and_utf_16_is_the_default() {
        for (offered, expected) in [
            (&[][..], PositionEncoding::Utf16),
            (&["utf-16", "utf-8"], PositionEncoding::Utf8),
            (&["utf-32", "utf-16"], PositionEncoding::Utf16),
            (&["utf-32"], PositionEncoding::Utf32),
            (&["unknown"], PositionEncoding::Utf16),
        ] {
            assert_eq!(
                PositionEncoding::negotiate(offered.iter().copied()),
                expected,
                "{offered:?}"
            );
        }
    }

    #[test]
    fn columns_count_units_of_the_encoding() {
        let text = "a\nü😀x\r\ny\rz";
        for (encoding, column) in ENCODINGS.into_iter().zip([6, 3, 2]) {
            let positions = TextPositions::new(text, encoding);
            assert_eq!(positions.position(8), Position::new(1, column));
            assert_eq!(positions.offset(Position::new(1, column)), 8);
            assert_eq!(positions.position(11), Position::new(2, 0));
            assert_eq!(positions.position(13), Position::new(3, 0));
        }
    }

    #[test]
    fn every_offset_survives_the_round_trip() {
        let text = "\u{feff}a😀b\n\u{1F1E9}\u{1F1EA} e\u{301}\r\n\r\n\rß\u{2028}c\n";
        for encoding in ENCODINGS {
            let positions = TextPositions::new(text, encoding);
            for (at, c) in text.char_indices() {
                // A position inside a line break does not exist.
                let is_break_end = c == '\n' && text[..at].ends_with('\r');
                if c != '\u{feff}' && !is_break_end {
                    assert_eq!(positions.offset(positions.position(at)), at, "{encoding:?}");
                }
            }
        }
    }

    #[test]
    fn positions_outside_the_text_are_its_nearest_ones() {
        let text = "ab\n😀\n";
        let positions = TextPositions::new(text, PositionEncoding::Utf16);
        for (line, column, expected) in [(0, 9, 2), (1, 1, 3), (1, 9, 7), (2, 0, 8), (9, 9, 8)] {
            assert_eq!(positions.offset(Position::new(line, column)), expected);
        }
        let swapped = Range::new(Position::new(1, 0), Position::new(0, 1));
        assert_eq!(positions.span(swapped), Span::new(1, 3));
    }
}
