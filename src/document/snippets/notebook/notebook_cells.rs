//! The cells of a notebook, as versions 3 and 4 of its format store them.

use crate::document::offsets::{OffsetMap, OffsetMapBuilder};
use crate::document::snippets::code_language::CodeLanguage;
use crate::document::{Document, NodeId};
use crate::text::cell_spans::CellSpans;
use crate::text::source::Span;
use crate::text::source_kind::SourceKind;

/// The kind of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Markdown,
    /// Code of a kernel for Python.
    Python,
    /// Code of a kernel for a shell.
    Shell,
    /// Raw text.
    Raw,
}

/// A cell.
#[derive(Debug)]
pub(super) struct NotebookCell {
    pub kind: CellKind,
    /// The span of the cell in the file.
    pub span: Span,
    /// The decoded source.
    pub text: String,
    /// The map from the decoded source to the file.
    pub offsets: OffsetMap,
}

/// Returns the spans of the cells.
pub(super) fn cell_spans(cells: &[NotebookCell]) -> CellSpans {
    let spans = cells.iter().map(|cell| {
        let kind = match cell.kind {
            CellKind::Markdown => SourceKind::Docs,
            CellKind::Python | CellKind::Shell | CellKind::Raw => SourceKind::Python,
        };
        (cell.span, kind)
    });
    CellSpans::new(spans.collect())
}

/// Returns the cells of a notebook, in the order of the file.
pub(super) fn find_cells(document: &Document) -> Vec<NotebookCell> {
    let Some(&root) = document.roots().first() else {
        return Vec::new();
    };
    let kernel = kernel_kind(document, root);
    // Version 3 has worksheets, which contain the cells.
    let sheets = items_of(document, root, "worksheets").iter().copied();
    [root]
        .into_iter()
        .chain(sheets)
        .flat_map(|sheet| items_of(document, sheet, "cells"))
        .map(|&cell| read_cell(document, cell, kernel))
        .collect()
}

fn read_cell(document: &Document, cell: NodeId, kernel: CellKind) -> NotebookCell {
    let (text, offsets) = read_source(document, cell);
    let cell_type = text_of(document, cell, "cell_type").unwrap_or_default();
    let language = value_of(document, cell, "metadata")
        .and_then(|metadata| value_of(document, metadata, "vscode"))
        .and_then(|editor| text_of(document, editor, "languageId"));
    NotebookCell {
        kind: match cell_type {
            "markdown" | "heading" => CellKind::Markdown,
            "code" => language.map_or(kernel, language_kind),
            _ => CellKind::Raw,
        },
        span: document.node(cell).span,
        text,
        offsets,
    }
}

/// Returns the source of a cell: a string, or a list of strings.
fn read_source(document: &Document, cell: NodeId) -> (String, OffsetMap) {
    let source = value_of(document, cell, "source").or_else(|| value_of(document, cell, "input"));
    let mut out = OffsetMapBuilder::default();
    if let Some(source) = source {
        let single = [source];
        for &part in document.items(source).unwrap_or(&single) {
            let text = document.text(part).unwrap_or_default();
            out.push_mapped(text, &document.offsets(part));
        }
    }
    out.build(0)
}

/// Returns the kind of code cells from the kernel of a notebook.
fn kernel_kind(document: &Document, root: NodeId) -> CellKind {
    let metadata = value_of(document, root, "metadata");
    let names = [
        ("kernelspec", "language"),
        ("language_info", "name"),
        ("kernelspec", "name"),
    ];
    let language = names
        .iter()
        .find_map(|(key, name)| text_of(document, value_of(document, metadata?, key)?, name));
    language.map_or(CellKind::Python, language_kind)
}

fn language_kind(language: &str) -> CellKind {
    match CodeLanguage::from_name(language) {
        CodeLanguage::Shell | CodeLanguage::Console => CellKind::Shell,
        // Kernels for Python have many names, and those for other languages have no `!` lines.
        _ => CellKind::Python,
    }
}

fn value_of(document: &Document, mapping: NodeId, key: &str) -> Option<NodeId> {
    document.get(mapping, key).map(|(_, value)| value)
}

fn text_of<'d>(document: &'d Document, mapping: NodeId, key: &str) -> Option<&'d str> {
    document.text(value_of(document, mapping, key)?)
}

fn items_of<'d>(document: &'d Document, mapping: NodeId, key: &str) -> &'d [NodeId] {
    let items = value_of(document, mapping, key).and_then(|value| document.items(value));
    items.unwrap_or_default()
}
