//! The spans of a notebook's cells, with the source that each belongs to.

use crate::text::source::Span;
use crate::text::source_kind::SourceKind;

/// The cells of a notebook, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct CellSpans {
    cells: Vec<(Span, SourceKind)>,
}

impl CellSpans {
    /// Creates the cells of a notebook. The spans must be sorted.
    pub fn new(cells: Vec<(Span, SourceKind)>) -> Self {
        Self { cells }
    }

    /// Returns the number of the cell that contains an offset of the file. The first cell has the
    /// number 1. Returns `None` for an offset outside of all cells.
    pub fn number_at(&self, offset: usize) -> Option<usize> {
        let number = self.cells.partition_point(|(span, _)| span.start <= offset);
        let (span, _) = self.cells.get(number.checked_sub(1)?)?;
        (offset < span.end).then_some(number)
    }

    /// Returns the source of the cell that contains an offset.
    pub fn kind_at(&self, offset: usize) -> Option<SourceKind> {
        let (_, kind) = self.cells.get(self.number_at(offset)? - 1)?;
        Some(*kind)
    }
}
