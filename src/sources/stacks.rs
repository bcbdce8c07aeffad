//! The source of stack files, run configs and component specs.

use crate::document::{Document, directives};
use crate::sources::stack_model::{self, RootMapping};
use crate::sources::{SourceModel, mask_spans, redactions};
use crate::text::source::Span;

/// Reads a YAML, TOML or JSON document. `roots` are its top-level mappings.
pub fn read<'d>(document: &'d Document, roots: &[RootMapping<'d>]) -> SourceModel {
    SourceModel {
        stacks: stack_model::read_stacks(document, roots),
        directives: directives::directives(document),
    }
}

/// Returns the spans that excerpts must not show, sorted and without overlaps.
pub(super) fn masks(document: &Document) -> Vec<Span> {
    mask_spans::without_references(redactions::masks(document), document.source().text())
}
