//! The source of `zenml` commands in scripts and Markdown pages.

use crate::document::{Document, directives};
use crate::sources::{SourceModel, command_redactions, mask_spans, stack_model};
use crate::text::source::Span;

/// Reads the commands of a script. Returns `None` if it contains no command.
pub fn read(document: &Document) -> Option<SourceModel> {
    if document.commands().is_empty() {
        return None;
    }
    Some(SourceModel {
        stacks: stack_model::read_stacks(document, &[]),
        directives: directives::directives(document),
    })
}

/// Returns the spans that excerpts must not show, sorted and without overlaps.
pub(super) fn masks(document: &Document) -> Vec<Span> {
    let masks = command_redactions::masks(document);
    let mut shown = mask_spans::without_references(masks, document.source().text());
    // A value that a command stores is not a reference, whatever it contains.
    shown.extend(command_redactions::stored_values(document));
    mask_spans::join_overlapping(shown)
}
