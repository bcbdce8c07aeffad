//! The source of `zenml` commands in scripts and Markdown pages.

use crate::document::{Document, directives};
use crate::sources::{SourceModel, command_redactions, mask_spans, stack_model};

/// Reads the commands of a script. Returns `None` if it contains no command.
pub fn read(document: &Document) -> Option<SourceModel> {
    if !command_redactions::has_commands(document) {
        return None;
    }
    let masks = command_redactions::masks(document);
    Some(SourceModel {
        stacks: stack_model::read_stacks(document),
        directives: directives::directives(document),
        redactions: mask_spans::without_references(masks, document.source().text()),
    })
}
