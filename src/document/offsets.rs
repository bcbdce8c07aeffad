//! Maps an offset in a scalar's decoded value to the source bytes that it comes from.

mod offset_map_builder;

pub(super) use offset_map_builder::OffsetMapBuilder;

use crate::text::source::Span;
use std::ops::Range;
use std::slice;

/// A map from offsets in a decoded value to offsets in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A part of a decoded value, and its source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OffsetPiece {
    /// The bytes of the decoded value.
    pub decoded: Range<usize>,
    /// The bytes of the source.
    pub source: Span,
    /// Whether the source contains these bytes as they are.
    pub verbatim: bool,
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

    /// Creates the map of a value that is spelled differently in a span.
    pub(super) fn replaced_by(span: Span) -> Self {
        Self {
            exact: true,
            ..Self::opaque(span)
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

    /// Returns the map from the value of `inner` to the source of this map. `inner` maps to offsets
    /// in the value of this map. For example, `inner` maps code to the text of a cell, and this map
    /// maps that text to a notebook.
    pub(super) fn compose(&self, inner: &Self) -> Self {
        let span = self.source(inner.span.start, inner.span.end);
        if !self.exact || !inner.exact {
            return Self::opaque(span);
        }
        let mut runs = Vec::with_capacity(inner.runs().len());
        for run in inner.runs() {
            if run.verbatim {
                self.push_parts(*run, &mut runs);
            } else {
                let source = self.source(run.source, run.source + run.source_len);
                runs.push(OffsetRun {
                    source: source.start,
                    source_len: source.len(),
                    ..*run
                });
            }
        }
        Self {
            only: None,
            runs,
            exact: true,
            span,
        }
    }

    /// Adds the runs of this map from which a verbatim run of another map takes its bytes.
    fn push_parts(&self, part: OffsetRun, runs: &mut Vec<OffsetRun>) {
        let all = self.runs();
        let end = part.source + part.source_len;
        let first = all
            .partition_point(|run| run.decoded <= part.source)
            .saturating_sub(1);
        let mut overlapping = all.get(first..).unwrap_or_default().iter().peekable();
        while let Some(&run) = overlapping.next() {
            if run.decoded >= end {
                break;
            }
            let next = overlapping.peek().map_or(end, |next| next.decoded.min(end));
            let from = run.decoded.max(part.source);
            let decoded = part.decoded + (from - part.source);
            if !run.verbatim {
                runs.push(OffsetRun { decoded, ..run });
                continue;
            }
            let source = run.source + (from - run.decoded);
            let source_len = next.saturating_sub(from);
            match runs.last_mut() {
                Some(last) if last.verbatim && last.source + last.source_len == source => {
                    last.source_len += source_len;
                }
                _ => runs.push(OffsetRun {
                    decoded,
                    source,
                    source_len,
                    verbatim: true,
                }),
            }
        }
    }

    /// Appends the map of a value that follows the first `len` bytes of this map's value.
    pub(super) fn append(&mut self, len: usize, next: &Self) {
        self.exact &= next.exact;
        self.runs.extend(self.only.take());
        self.runs.extend(next.runs().iter().map(|run| OffsetRun {
            decoded: run.decoded + len,
            ..*run
        }));
        self.span = Span::new(self.span.start, self.span.end.max(next.span.end));
    }

    /// Returns the decoded ranges that the source spells differently. `len` is the length of the
    /// decoded value.
    pub(super) fn replaced(&self, len: usize) -> impl Iterator<Item = Range<usize>> {
        let starts = self.runs().iter().skip(1).map(|run| run.decoded);
        let ends = starts.chain([len]);
        self.runs()
            .iter()
            .zip(ends)
            .filter(|(run, _)| !run.verbatim)
            .map(|(run, end)| run.decoded..end)
    }

    /// Returns whether the source contains the value as it is.
    pub(super) fn is_verbatim(&self) -> bool {
        self.exact && matches!(self.runs(), [run] if run.verbatim)
    }

    /// Returns the parts of the decoded bytes in `range`, in their order. A part that is not verbatim
    /// has the whole source of its escape, even if it begins before the range.
    pub(super) fn pieces(&self, range: Range<usize>) -> impl Iterator<Item = OffsetPiece> {
        let all = self.runs();
        let after = all.partition_point(|run| run.decoded <= range.start);
        let runs = all.get(after.saturating_sub(1)..).unwrap_or_default();
        let ends = runs
            .iter()
            .skip(1)
            .map(|run| run.decoded)
            .chain([usize::MAX]);
        runs.iter()
            .zip(ends)
            .take_while({
                let end = range.end;
                move |(run, _)| run.decoded < end
            })
            .map(move |(run, end)| run.piece(range.start.max(run.decoded)..range.end.min(end)))
            .filter(|piece| !piece.decoded.is_empty())
    }

    fn runs(&self) -> &[OffsetRun] {
        self.only.as_ref().map_or(&self.runs, slice::from_ref)
    }

    fn run_at(&self, decoded: usize) -> Option<OffsetRun> {
        if self.only.is_some() {
            return self.only;
        }
        let after = self.runs.partition_point(|run| run.decoded <= decoded);
        self.runs.get(after.checked_sub(1)?).copied()
    }
}

impl OffsetRun {
    /// Returns a part of the run. `decoded` are bytes of the run.
    fn piece(self, decoded: Range<usize>) -> OffsetPiece {
        let source = if self.verbatim {
            let start = self.source + (decoded.start - self.decoded);
            Span::new(start, start + decoded.len())
        } else {
            Span::new(self.source, self.source + self.source_len)
        };
        OffsetPiece {
            decoded,
            source,
            verbatim: self.verbatim,
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
            builder.runs(),
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
    fn composed_maps_split_runs_at_the_outer_runs() {
        // The file is `ab\\ncd$$XeE`, and the text `abcd$XeE`: a continuation is removed.
        let mut outer = OffsetMapBuilder::default();
        outer.push_verbatim(0, "ab");
        outer.push_verbatim(4, "cd");
        outer.push_replaced(6, 2, "$");
        outer.push_verbatim(8, "XeE");
        let (text, outer) = outer.into_text(Span::new(0, 11));
        assert_eq!(text, "abcd$XeE");
        assert!(outer.replaced(text.len()).eq(std::iter::once(4..5)));
        let mut inner = OffsetMapBuilder::default();
        inner.push_verbatim(1, "bcd$X");
        inner.push_replaced(6, 1, "E");
        let (text, inner) = inner.into_text(Span::new(1, 7));
        let map = outer.compose(&inner);
        let spans: Vec<_> = (0..text.len())
            .map(|at| map.source(at, at + 1))
            .map(|span| (span.start, span.end))
            .collect();
        assert_eq!(spans, [(1, 2), (4, 5), (5, 6), (6, 8), (8, 9), (9, 10)]);
        let part = map.compose(&OffsetMap::from_verbatim(Span::new(2, 5)));
        assert_eq!(part.source(0, 3), Span::new(5, 9));
        assert!(!part.is_verbatim() && OffsetMap::from_verbatim(Span::new(0, 2)).is_verbatim());
    }

    #[test]
    fn appended_maps_follow_the_value() {
        let mut map = OffsetMap::from_verbatim(Span::new(10, 12));
        map.append(2, &OffsetMap::from_verbatim(Span::new(20, 22)));
        assert_eq!(map.source(1, 3), Span::new(11, 21));
        assert_eq!(map.source(3, 4), Span::new(21, 22));
    }

    /// Returns the source span of each byte of a value.
    fn spans(map: &OffsetMap, len: usize) -> Vec<(usize, usize)> {
        (0..len)
            .map(|at| map.source(at, at + 1))
            .map(|span| (span.start, span.end))
            .collect()
    }

    #[test]
    fn composed_map_leads_through_both_maps() {
        // The file `--a\nb\u00e9c` at 10, the text `a⏎béc`, and the code `ab$c`.
        let mut outer = OffsetMapBuilder::default();
        outer.push_verbatim(2, "a");
        outer.push_replaced(3, 2, "\n");
        outer.push_verbatim(5, "b");
        outer.push_replaced(6, 6, "é");
        outer.push_verbatim(12, "c");
        let (text, outer) = outer.build(10);
        assert_eq!(text, "a\nbéc");
        let mut inner = OffsetMapBuilder::default();
        inner.push_verbatim(0, "a");
        inner.push_verbatim(2, "b");
        inner.push_replaced(3, 2, "$");
        inner.push_verbatim(5, "c");
        let (code, inner) = inner.build(0);
        let map = outer.compose(&inner);
        assert_eq!(code, "ab$c");
        assert_eq!(spans(&map, 4), [(12, 13), (15, 16), (16, 22), (22, 23)]);
        assert_eq!(map.source(0, 4), Span::new(12, 23));
        assert_eq!(map.source(1, 1), Span::new(15, 15));
        assert!(map.is_exact());
    }

    #[test]
    fn verbatim_run_over_several_runs_is_split() {
        let mut outer = OffsetMapBuilder::default();
        outer.push_verbatim(0, "ab");
        outer.push_replaced(2, 4, "xyz");
        outer.push_verbatim(6, "cd");
        outer.push_verbatim(20, "ef");
        let (_, outer) = outer.build(100);
        let inner = OffsetMap::from_verbatim(Span::new(1, 8));
        let map = outer.compose(&inner);
        assert_eq!(
            spans(&map, 7),
            [
                (101, 102),
                (102, 106),
                (102, 106),
                (102, 106),
                (106, 107),
                (107, 108),
                (120, 121)
            ]
        );
        let whole = OffsetMap::from_verbatim(Span::new(40, 60));
        assert_eq!(
            whole.compose(&inner),
            OffsetMap {
                only: None,
                runs: vec![OffsetRun {
                    decoded: 0,
                    source: 41,
                    source_len: 7,
                    verbatim: true
                }],
                exact: true,
                span: Span::new(41, 48),
            }
        );
    }

    #[test]
    fn composed_map_of_an_opaque_map_is_opaque() {
        let outer = OffsetMap::opaque(Span::new(5, 9));
        let map = outer.compose(&OffsetMap::from_verbatim(Span::new(0, 2)));
        assert!(!map.is_exact());
        assert_eq!(map.source(0, 1), Span::new(5, 9));
        let inner = OffsetMap::opaque(Span::new(1, 2));
        let map = OffsetMap::from_verbatim(Span::new(5, 9)).compose(&inner);
        assert!(!map.is_exact());
        assert_eq!(map.source(0, 1), Span::new(6, 7));
    }

    #[test]
    fn mapped_texts_are_joined() {
        let mut builder = OffsetMapBuilder::default();
        builder.push_mapped("ab", &OffsetMap::from_verbatim(Span::new(3, 5)));
        builder.push_mapped("", &OffsetMap::from_verbatim(Span::new(7, 7)));
        let mut escape = OffsetMapBuilder::default();
        escape.push_replaced(1, 2, "\n");
        let (text, escape) = escape.build(10);
        builder.push_mapped(&text, &escape);
        let (text, map) = builder.build(0);
        assert_eq!(text, "ab\n");
        assert_eq!(spans(&map, 3), [(3, 4), (4, 5), (11, 13)]);
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

    fn escaped_map() -> OffsetMap {
        let mut builder = OffsetMapBuilder::default();
        builder.push_verbatim(1, "ab");
        builder.push_replaced(3, 6, "ü");
        builder.push_verbatim(9, "cd");
        builder.finish(Span::new(100, 112), "abücd")
    }

    #[test]
    fn pieces_split_a_range_at_its_runs() {
        let piece = |decoded: Range<usize>, start, end, verbatim| OffsetPiece {
            decoded,
            source: Span::new(start, end),
            verbatim,
        };
        let pieces = |range| escaped_map().pieces(range).collect::<Vec<_>>();
        assert_eq!(
            pieces(1..5),
            [
                piece(1..2, 102, 103, true),
                piece(2..4, 103, 109, false),
                piece(4..5, 109, 110, true)
            ]
        );
        assert_eq!(pieces(5..6), [piece(5..6, 110, 111, true)]);
        assert_eq!(pieces(3..3), []);
        assert_eq!(
            OffsetMap::from_verbatim(Span::new(7, 12))
                .pieces(2..4)
                .collect::<Vec<_>>(),
            [piece(2..4, 9, 11, true)]
        );
        assert_eq!(
            OffsetMap::opaque(Span::new(7, 12))
                .pieces(2..4)
                .collect::<Vec<_>>(),
            [piece(2..4, 7, 12, false)]
        );
    }

    #[test]
    fn a_map_of_a_mapped_value_has_offsets_in_the_file() {
        let map = escaped_map();
        let mut builder = OffsetMapBuilder::default();
        builder.push_part(&map, 1..4, "abücd");
        builder.push_replaced(109, 0, "'");
        builder.push_part(&map, 5..6, "abücd");
        let (text, composed) = builder.into_text(Span::new(100, 112));
        assert_eq!(text, "bü'd");
        assert_eq!(composed.source(0, 1), Span::new(102, 103));
        assert_eq!(composed.source(1, 3), Span::new(103, 109));
        assert_eq!(composed.source(3, 4), Span::new(109, 109));
        assert_eq!(composed.source(0, 5), Span::new(102, 111));
    }
}
