//! The source of stack files, run configs and component specs.

use crate::document::{Document, directives};
use crate::sources::{SourceModel, mask_spans, redactions, stack_model};

/// Reads a YAML, TOML or JSON document.
pub fn read(document: &Document) -> SourceModel {
    let masks = redactions::masks(document);
    SourceModel {
        stacks: stack_model::read_stacks(document),
        directives: directives::directives(document),
        redactions: mask_spans::without_references(masks, document.source().text()),
    }
}
