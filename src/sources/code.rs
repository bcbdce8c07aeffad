//! The source of code: `zenml` commands in scripts, CI files, documentation and notebooks, and calls
//! in Python and Terraform.

use crate::document::{Document, ScriptHost, Syntax, directives};
use crate::sources::{SourceModel, call_redactions, command_redactions, mask_spans, stack_model};
use crate::text::source::Span;

/// Reads the commands and calls of a file. Returns `None` if it contains neither.
pub fn read(document: &Document) -> Option<SourceModel> {
    if document.commands().is_empty() && document.calls().is_empty() {
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
    let masks = mask_spans::without_spans(masks, &call_redactions::shown_spans(document));
    let text = document.source().text();
    let mut masks = match document.syntax() {
        // Other braces are literals of the language.
        Syntax::Script(ScriptHost::Python | ScriptHost::Terraform | ScriptHost::Notebook) => {
            mask_spans::without_references_in(masks, text, code_spans(document))
        }
        _ => mask_spans::without_references(masks, text),
    };
    // A value that a command stores is not a reference, whatever it contains.
    masks.extend(command_redactions::stored_values(document));
    masks.extend(call_redactions::stored_values(document));
    mask_spans::join_overlapping(masks)
}

/// Returns the spans of commands and calls.
fn code_spans(document: &Document) -> Vec<Span> {
    let commands = document.commands().iter().copied();
    let calls = document.calls().iter().map(|call| call.node);
    let nodes = commands.chain(calls);
    nodes.map(|node| document.node(node).span).collect()
}
