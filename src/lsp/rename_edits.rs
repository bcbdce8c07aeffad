//! The edits of a rename in the form of the protocol.

use super::client_support::ClientSupport;
use super::documents::{Document, Documents};
use super::text_positions::TextPositions;
use super::workspace_edits::{document_edit, text_edits};
use crate::edit::renaming::{FileEdit, RenamePlan};
use crate::inventory::Inventories;
use crate::system::paths::canonicalize_existing;
use gen_lsp_types as lsp;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The annotation of edits in inventory files.
const INVENTORY: &str = "inventory";

/// Returns the document of a file, whose path has no links.
pub fn document_at<'d>(documents: &'d Documents, path: &Path) -> Option<&'d Document> {
    documents.of_path(path).or_else(|| {
        let mut open = documents.iter();
        open.find(|document| {
            let own = document.path.as_deref();
            own.is_some_and(|own| canonicalize_existing(own) == path)
        })
    })
}

/// Returns the edits of a plan. Those in inventory files require a confirmation, if the client
/// supports it.
pub fn workspace_edit(
    plan: &RenamePlan,
    inventories: &Inventories,
    documents: &Documents,
    support: &ClientSupport,
) -> lsp::WorkspaceEdit {
    if !support.document_changes {
        let changes = plan.edits().map(|file| {
            let uri = uri_of(&file, documents);
            (uri, edits_of(&file, support))
        });
        return lsp::WorkspaceEdit {
            changes: Some(changes.collect()),
            ..lsp::WorkspaceEdit::default()
        };
    }
    let files = inventories.in_use().filter_map(|(_, it)| it.file());
    let files: BTreeSet<PathBuf> = files.map(canonicalize_existing).collect();
    let mut has_inventories = false;
    let changes = plan.edits().map(|file| {
        let is_annotated = support.change_annotations && files.contains(file.path);
        has_inventories |= is_annotated;
        let edits = edits_of(&file, support).into_iter();
        let edits = edits.map(|edit| {
            if is_annotated {
                lsp::AnnotatedTextEdit::new(INVENTORY.to_owned(), edit).into()
            } else {
                lsp::Edit::from(edit)
            }
        });
        let version = document_at(documents, file.path).map(|document| document.version);
        document_edit(uri_of(&file, documents), version, edits.collect()).into()
    });
    let changes = changes.collect();
    lsp::WorkspaceEdit {
        document_changes: Some(changes),
        change_annotations: has_inventories.then(annotations),
        ..lsp::WorkspaceEdit::default()
    }
}

fn annotations() -> HashMap<String, lsp::ChangeAnnotation> {
    let annotation = lsp::ChangeAnnotation {
        label: "Entries of inventory files".to_owned(),
        needs_confirmation: Some(true),
        description: Some("rename the entries together with their references".to_owned()),
    };
    HashMap::from([(INVENTORY.to_owned(), annotation)])
}

fn uri_of(file: &FileEdit<'_>, documents: &Documents) -> lsp::Uri {
    let open = document_at(documents, file.path);
    open.map_or_else(
        || documents.uri(file.source.absolute_path()),
        |document| document.uri.clone(),
    )
}

fn edits_of(file: &FileEdit<'_>, support: &ClientSupport) -> Vec<lsp::TextEdit> {
    let positions = TextPositions::new(file.source.text(), support.encoding);
    text_edits(file.edits, &positions)
}
