//! Compact texts: texts without whitespace, in which a value is found even if its lines are broken
//! or indented differently.
//!
//! A compact text omits whitespace, quotes, backslashes, and the letters of the escapes `\n`, `\r`
//! and `\t`, with which JSON strings and scripts write line breaks. All other bytes keep their
//! order.

use super::matcher::Gaps;
use std::ops::Range;

/// A compact text, built from chunks.
#[derive(Default)]
pub(super) struct CompactText {
    pub bytes: Vec<u8>,
    follows_backslash: bool,
}

impl CompactText {
    pub fn from_bytes(text: &[u8]) -> Self {
        let mut compact = Self::default();
        compact.push(text);
        compact
    }

    /// Adds a chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        let (bytes, mut follows_backslash) = (&mut self.bytes, self.follows_backslash);
        let before = bytes.len();
        bytes.resize(before + chunk.len(), 0);
        let mut slots = bytes.get_mut(before..).unwrap_or_default().iter_mut();
        for &byte in chunk {
            if (follows_backslash || is_skipped(byte)) && !is_kept(byte, &mut follows_backslash) {
                continue;
            }
            if let Some(slot) = slots.next() {
                *slot = byte;
            }
        }
        let unused = slots.len();
        bytes.truncate(before + chunk.len() - unused);
        self.follows_backslash = follows_backslash;
    }

    /// Keeps only the last bytes.
    pub fn keep_last(&mut self, number: usize) {
        let len = self.bytes.len();
        if len > number {
            self.bytes.copy_within(len - number.., 0);
            self.bytes.truncate(number);
        }
    }
}

/// Returns whether a byte is omitted in every context.
#[inline]
fn is_skipped(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | b'\\' | b'"' | b'\''
    )
}

/// Returns whether a byte is kept. `follows_backslash` is the state between bytes.
#[inline]
fn is_kept(byte: u8, follows_backslash: &mut bool) -> bool {
    let is_escape = *follows_backslash && matches!(byte, b'n' | b'r' | b't');
    *follows_backslash = byte == b'\\';
    !is_escape && !is_skipped(byte)
}

/// Converts ranges of a compact text to ranges of the original text.
pub(super) fn spans_in(text: &[u8], ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut positions: Vec<usize> = ranges
        .iter()
        .flat_map(|range| [range.start, range.end.saturating_sub(1)])
        .collect();
    positions.sort_unstable();
    positions.dedup();
    let mut follows_backslash = false;
    let kept = text
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| is_kept(byte, &mut follows_backslash));
    let mut wanted = positions.iter().copied().peekable();
    let offsets: Vec<usize> = kept
        .enumerate()
        .filter_map(|(compact, (at, _))| wanted.next_if_eq(&compact).map(|_| at))
        .collect();
    let offset_of = |position: usize| {
        positions
            .binary_search(&position)
            .ok()
            .and_then(|at| offsets.get(at))
            .copied()
    };
    let span = |range: &Range<usize>| {
        let (start, last) = (
            offset_of(range.start)?,
            offset_of(range.end.saturating_sub(1))?,
        );
        Some(start..last + 1)
    };
    ranges
        .iter()
        .map(|range| span(range).unwrap_or_default())
        .collect()
}

/// Returns whether all gaps between the bytes of a value are allowed.
pub(super) fn allows_gaps(gaps: Gaps, text: &[u8]) -> bool {
    if gaps == Gaps::Any {
        return true;
    }
    // The state of the current gap.
    let (mut is_gap, mut has_break) = (false, false);
    let mut follows_backslash = false;
    for &byte in text {
        let was_backslash = follows_backslash;
        if !is_kept(byte, &mut follows_backslash) {
            is_gap = true;
            has_break |=
                matches!(byte, b'\n' | b'\r') || was_backslash && matches!(byte, b'n' | b'r');
        } else if is_gap && (gaps == Gaps::Forbidden || !has_break) {
            return false;
        } else {
            (is_gap, has_break) = (false, false);
        }
    }
    true
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn compact_text_omits_all_spellings_of_line_breaks() {
        let expected = b"-----BEGINKEY-----MIInrt=";
        for text in [
            "-----BEGIN KEY-----\nMII\nnrt=",
            "\t-----BEGIN KEY-----\r\n\t\tMIIn\r\n\t\trt=\r\n",
            r#""-----BEGIN KEY-----\nMII\nnrt=""#,
            r"-----BEGIN KEY-----\\r\\nMII\\r\\nnrt=",
            "-----BEGIN KEY----- MII nrt=",
        ] {
            assert_eq!(
                CompactText::from_bytes(text.as_bytes()).bytes.as_slice(),
                expected,
                "{text}"
            );
            for at in 0..text.len() {
                let mut compact = CompactText::default();
                compact.push(&text.as_bytes()[..at]);
                compact.push(&text.as_bytes()[at..]);
                assert_eq!(compact.bytes.as_slice(), expected, "{text} at {at}");
            }
        }
    }

    #[test]
    fn spans_in_returns_ranges_of_the_original_text() {
        let text = r" ab\ncd  ef ";
        let compact = CompactText::from_bytes(text.as_bytes());
        assert_eq!(compact.bytes.as_slice(), b"abcdef");
        let spans = spans_in(text.as_bytes(), &[0..6, 1..3, 4..6]);
        assert_eq!(
            spans
                .iter()
                .map(|span| &text[span.clone()])
                .collect::<Vec<_>>(),
            [r"ab\ncd  ef", r"b\nc", "ef"]
        );
    }

    #[test]
    fn allows_gaps_distinguishes_blanks_from_line_breaks() {
        assert!(
            allows_gaps(Gaps::LineBreaks, b"ab\n  cd")
                && allows_gaps(Gaps::LineBreaks, br"ab\n  cd")
        );
        assert!(
            !allows_gaps(Gaps::LineBreaks, b"ab cd")
                && !allows_gaps(Gaps::LineBreaks, b"ab\n  cd ef")
        );
        assert!(
            !allows_gaps(Gaps::Forbidden, b"ab\ncd")
                && allows_gaps(Gaps::Forbidden, b"abcd")
                && allows_gaps(Gaps::Any, b"ab cd")
        );
    }
}
