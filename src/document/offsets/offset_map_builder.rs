//! Builds a map while a decoder or a host writes the decoded text.

use super::{OffsetMap, OffsetRun};
use crate::text::source::Span;
use std::ops::Range;

/// A builder for a map, which a decoder fills. Offsets are relative to the scalar until
/// [`OffsetMapBuilder::finish`].
#[derive(Debug, Default)]
pub(in crate::document) struct OffsetMapBuilder {
    out: String,
    runs: Vec<OffsetRun>,
    /// Whether a part of the text has only an opaque map.
    has_opaque: bool,
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

    /// Adds a part of a value whose offsets another map maps to the source.
    pub fn push_part(&mut self, map: &OffsetMap, range: Range<usize>, value: &str) {
        self.has_opaque |= !map.exact;
        for piece in map.pieces(range) {
            let text = value.get(piece.decoded).unwrap_or_default();
            if piece.verbatim {
                self.push_verbatim(piece.source.start, text);
            } else {
                self.push_replaced(piece.source.start, piece.source.len(), text);
            }
        }
    }

    /// Adds text that has a map of its own. The map must contain offsets in the same source.
    pub fn push_mapped(&mut self, text: &str, offsets: &OffsetMap) {
        if text.is_empty() {
            return;
        }
        let decoded = self.out.len();
        self.runs.extend(offsets.runs().iter().map(|run| OffsetRun {
            decoded: run.decoded + decoded,
            ..*run
        }));
        self.out.push_str(text);
    }

    /// Returns the runs so far.
    #[cfg(test)]
    pub(super) fn runs(&self) -> &[OffsetRun] {
        &self.runs
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

    /// Returns the decoded text and its map. The offsets must be offsets in the file. `span` is the
    /// span of the whole text.
    pub fn into_text(self, span: Span) -> (String, OffsetMap) {
        let map = OffsetMap {
            only: None,
            runs: self.runs,
            exact: !self.has_opaque,
            span,
        };
        (self.out, map)
    }

    /// Returns the decoded text and its map. Offsets are relative to `start`.
    pub fn build(mut self, start: usize) -> (String, OffsetMap) {
        for run in &mut self.runs {
            run.source += start;
        }
        let end = self
            .runs
            .last()
            .map_or(start, |run| run.source + run.source_len);
        self.into_text(Span::new(start, end))
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
