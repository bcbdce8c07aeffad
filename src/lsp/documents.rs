//! The open documents: their texts, as the edits of the client change them.

use super::file_uris;
use super::text_positions::{PositionEncoding, TextPositions};
use gen_lsp_types::{Range, TextDocumentContentChangeEvent, TextDocumentItem, Uri};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An open document.
pub struct Document {
    /// The URI as the client writes it.
    pub uri: Uri,
    /// The file; `None` for a document without one.
    pub path: Option<PathBuf>,
    /// The language, as the client names it.
    pub language: String,
    /// The version that the client gave to the text.
    pub version: i32,
    /// The text.
    pub text: String,
}

impl Document {
    /// Returns whether a file has the text of the document. An editor does not keep the byte order
    /// mark in the text.
    pub fn has_text(&self, text: &str) -> bool {
        let without_mark = |text: &str| text.strip_prefix('\u{feff}').unwrap_or(text).len();
        let [own, other] = [self.text.as_str(), text];
        let len = without_mark(own);
        len == without_mark(other) && own.get(own.len() - len..) == other.get(other.len() - len..)
    }
}

/// The open documents.
#[derive(Default)]
pub struct Documents {
    by_uri: HashMap<String, Document>,
    by_path: HashMap<PathBuf, String>,
}

impl Documents {
    /// Adds a document that was opened.
    pub fn open(&mut self, item: TextDocumentItem) {
        let key = item.uri.0.clone();
        let path = file_uris::to_path(&key);
        if let Some(path) = &path {
            self.by_path.insert(path.clone(), key.clone());
        }
        let document = Document {
            uri: item.uri,
            path,
            language: item.language_id.to_string(),
            version: item.version,
            text: item.text,
        };
        self.by_uri.insert(key, document);
    }

    /// Changes the text of a document. Returns the document; `None` if it is not open.
    pub fn change(
        &mut self,
        uri: &str,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: PositionEncoding,
    ) -> Option<&Document> {
        let document = self.by_uri.get_mut(uri)?;
        document.version = version;
        for change in changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    replace(&mut document.text, change.range, &change.text, encoding);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    document.text = change.text;
                }
            }
        }
        Some(document)
    }

    /// Removes a document that was closed, and returns it.
    pub fn close(&mut self, uri: &str) -> Option<Document> {
        let document = self.by_uri.remove(uri)?;
        if let Some(path) = &document.path {
            self.by_path.remove(path);
        }
        Some(document)
    }

    /// Returns a document by its URI.
    pub fn get(&self, uri: &str) -> Option<&Document> {
        self.by_uri.get(uri)
    }

    /// Returns the document of a file, if it is open.
    pub fn of_path(&self, path: &Path) -> Option<&Document> {
        self.by_uri.get(self.by_path.get(path)?)
    }

    /// Iterates over the documents, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.by_uri.values()
    }

    /// Returns the URI of a file: the one of the client if the file is open.
    pub fn uri(&self, path: &Path) -> Uri {
        self.of_path(path).map_or_else(
            || Uri(file_uris::of_path(path)),
            |document| document.uri.clone(),
        )
    }
}

/// Replaces a range of a text.
fn replace(text: &mut String, range: Range, new: &str, encoding: PositionEncoding) {
    let span = TextPositions::new(text, encoding).span(range);
    text.replace_range(span.start..span.end, new);
}
