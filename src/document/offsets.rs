//! Maps an offset in a scalar's decoded value to the source bytes that it comes from.

use crate::text::source::Span;

/// A map from offsets in a decoded value to offsets in the source.
#[derive(Debug, PartialEq, Eq)]
pub struct OffsetMap {
    /// The only run of most maps, which needs no allocation.
    only: Option<OffsetRun>,
    runs: Vec<OffsetRun>,
    exact: bool,
    span: Span,
}

/// A run of decoded bytes and its source bytes: either the same bytes, or one escape, fold or line
/// break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OffsetRun {
    decoded: usize,
    source: usize,
    source_len: usize,
    verbatim: bool,
}

impl OffsetMap {
    /// Creates the map of a value that the source contains as it is.
    pub(super) fn from_verbatim(span: Span) -> Self {
        let run = OffsetRun {
            decoded: 0,
            source: span.start,
            source_len: span.len(),
            verbatim: true,
        };
        Self {
            only: Some(run),
            runs: Vec::new(),
            exact: true,
            span,
        }
    }

    /// Creates the map of a value of which only the whole span is known.
    pub(super) fn opaque(span: Span) -> Self {
        let run = OffsetRun {
            decoded: 0,
            source: span.start,
            source_len: span.len(),
            verbatim: false,
        };
        Self {
            only: Some(run),
            runs: Vec::new(),
            exact: false,
            span,
        }
    }

    /// Returns whether the map is verified: decoding with it yields the parser's value. Otherwise
    /// [`OffsetMap::source`] always returns the span of the whole scalar.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Returns the source span of the decoded bytes from `start` up to `end`.
    pub fn source(&self, start: usize, end: usize) -> Span {
        let Some(first) = self.run_at(start) else {
            return self.span;
        };
        let from = if first.verbatim {
            first.source + (start - first.decoded).min(first.source_len)
        } else {
            first.source
        };
        if end <= start {
            return Span::new(from, from);
        }
        let last = self.run_at(end - 1).unwrap_or(first);
        let to = if last.verbatim {
            last.source + (end - last.decoded).min(last.source_len)
        } else {
            last.source + last.source_len
        };
        Span::new(from, to)
    }

    fn run_at(&self, decoded: usize) -> Option<OffsetRun> {
        if self.only.is_some() {
            return self.only;
        }
        let after = self.runs.partition_point(|run| run.decoded <= decoded);
        self.runs.get(after.checked_sub(1)?).copied()
    }
}

/// A builder for a map, which a decoder fills. Offsets are relative to the scalar until
/// [`OffsetMapBuilder::finish`].
#[derive(Debug, Default)]
pub(super) struct OffsetMapBuilder {
    out: String,
    runs: Vec<OffsetRun>,
}

impl OffsetMapBuilder {
    /// Adds source bytes that are decoded as they are.
    pub fn push_verbatim(&mut self, source: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.runs.last_mut() {
            Some(last) if last.verbatim && last.source + last.source_len == source => {
                last.source_len += text.len();
            }
            _ => self.runs.push(OffsetRun {
                decoded: self.out.len(),
                source,
                source_len: text.len(),
                verbatim: true,
            }),
        }
        self.out.push_str(text);
    }

    /// Adds source bytes that are decoded to another text, for example an escape or a folded line
    /// break.
    pub fn push_replaced(&mut self, source: usize, source_len: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        self.runs.push(OffsetRun {
            decoded: self.out.len(),
            source,
            source_len,
            verbatim: false,
        });
        self.out.push_str(text);
    }

    /// Returns the text that is decoded so far.
    pub fn text(&self) -> &str {
        &self.out
    }

    /// Removes all decoded bytes after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
        while let Some(last) = self.runs.last_mut() {
            if last.decoded >= len {
                self.runs.pop();
            } else {
                if last.verbatim {
                    last.source_len = last.source_len.min(len - last.decoded);
                }
                break;
            }
        }
    }

    /// Returns the map if the decoded text equals the parser's value. Otherwise returns an opaque
    /// map of the whole span.
    pub fn finish(mut self, span: Span, value: &str) -> OffsetMap {
        if self.out != value {
            return OffsetMap::opaque(span);
        }
        for run in &mut self.runs {
            run.source += span.start;
        }
        OffsetMap {
            only: None,
            runs: self.runs,
            exact: true,
            span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_verbatim_bytes_are_one_run() {
        let mut builder = OffsetMapBuilder::default();
        for (at, letter) in ["a", "b", "c"].into_iter().enumerate() {
            builder.push_verbatim(3 + at, letter);
        }
        assert_eq!(
            builder.runs,
            [OffsetRun {
                decoded: 0,
                source: 3,
                source_len: 3,
                verbatim: true
            }]
        );
        builder.push_verbatim(9, "d");
        builder.push_replaced(10, 2, "\n");
        builder.push_verbatim(12, "e");
        let map = builder.finish(Span::new(100, 120), "abcd\ne");
        let spans: Vec<_> = (0..6).map(|at| map.source(at, at + 1)).collect();
        let expected = [
            (103, 104),
            (104, 105),
            (105, 106),
            (109, 110),
            (110, 112),
            (112, 113),
        ];
        assert_eq!(spans, expected.map(|(start, end)| Span::new(start, end)));
        assert_eq!(map.source(1, 6), Span::new(104, 113));
        assert_eq!(
            (map.source(4, 4), map.source(2, 1)),
            (Span::new(110, 110), Span::new(105, 105))
        );
    }

    #[test]
    fn truncated_bytes_have_no_span() {
        let mut builder = OffsetMapBuilder::default();
        builder.push_verbatim(0, "x");
        builder.push_replaced(1, 2, "\t");
        builder.push_verbatim(3, "abcd");
        builder.truncate(4);
        assert_eq!(builder.text(), "x\tab");
        builder.push_verbatim(7, "e");
        let map = builder.finish(Span::new(0, 8), "x\tabe");
        let spans: Vec<_> = (2..5).map(|at| map.source(at, at + 1)).collect();
        assert_eq!(
            spans,
            [(3, 4), (4, 5), (7, 8)].map(|(start, end)| Span::new(start, end))
        );
    }

    #[test]
    fn a_map_with_another_value_is_opaque() {
        let mut builder = OffsetMapBuilder::default();
        builder.push_verbatim(1, "abc");
        let map = builder.finish(Span::new(10, 15), "abd");
        assert!(!map.is_exact());
        assert_eq!(map.source(1, 2), Span::new(10, 15));
        assert!(OffsetMap::from_verbatim(Span::new(1, 2)).is_exact());
    }
}
