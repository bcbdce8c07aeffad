//! Reading of a file that SOPS has encrypted, without decrypting it.

use crate::diagnostics::error::{Failure, io_message};
use crate::document::{Document, Syntax};
use crate::inventory::store_error::CONFIG_PATH_HINT;
use crate::system::files;
use crate::system::write;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use std::path::Path;
use std::sync::Arc;

/// The size limit of the file.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The key under which SOPS stores its metadata. It is not a secret.
pub(super) const METADATA_KEY: &str = "sops";

/// Reads the file of an inventory. `title` is the name of the inventory in messages.
pub(super) fn read_document(
    path: &Path,
    display_path: &str,
    title: &str,
) -> Result<Document, Failure> {
    let syntax = Syntax::from_path(path).filter(|syntax| *syntax != Syntax::Toml);
    let syntax = syntax
        .ok_or_else(|| unreadable(title, "a SOPS inventory must be a .yaml or .json file"))?;
    write::recover_beside(path);
    let bytes = files::read(path, MAX_FILE_BYTES)
        .map_err(|error| unreadable(title, &io_message(&error)).with_help(CONFIG_PATH_HINT))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable(title, "it is not UTF-8"))?;
    let source = SourceFile::new(display_path.to_owned(), text).with_absolute_path(path);
    let source = Arc::new(source);
    let document = Document::parse(Arc::clone(&source), syntax).map_err(|error| {
        Failure::usage(format!(
            "cannot parse the inventory {title}: {}",
            error.message
        ))
        .at(&RedactedSource::span_only(&source), start_of(error.span))
        .with_help_if(error.help)
    })?;
    check_layout(&document, title)?;
    if !is_encrypted(&document) {
        return Err(unreadable(
            title,
            "it is not encrypted with SOPS: the entry `sops` is missing",
        )
        .with_help("encrypt it with `sops --encrypt --in-place`, or use the kind `file`"));
    }
    Ok(document)
}

/// Checks that the file is one document without duplicates. `sops --decrypt` prints only the first
/// document as JSON, so the values of another document could never be read.
fn check_layout(document: &Document, title: &str) -> Result<(), Failure> {
    if let Some(&second) = document.roots().get(1) {
        let help = "keep one document in the file: remove the `---` between them, or split the file into inventories";
        let message = "an inventory must be one YAML document, and a second one starts here";
        return Err(unusable(document, document.node(second).span, title, message).with_help(help));
    }
    if let Some(duplicate) = document.duplicates().first() {
        let help = duplicate
            .error
            .help
            .as_deref()
            .unwrap_or("remove one of the two");
        return Err(unusable(
            document,
            duplicate.error.span,
            title,
            "duplicate name or key",
        )
        .with_help(help));
    }
    Ok(())
}

fn is_encrypted(document: &Document) -> bool {
    let root = document.roots().first().copied();
    let metadata = root.and_then(|root| document.get(root, METADATA_KEY));
    metadata.is_some_and(|(_, metadata)| document.entries(metadata).is_some())
}

fn unreadable(title: &str, reason: &str) -> Failure {
    Failure::usage(format!("cannot read the inventory {title}: {reason}"))
}

fn unusable(document: &Document, span: Span, title: &str, reason: &str) -> Failure {
    Failure::usage(format!("cannot use the inventory {title}: {reason}")).at(
        &RedactedSource::span_only(document.source()),
        start_of(span),
    )
}

/// Returns the start of a span as an empty span, so that an excerpt marks no value.
fn start_of(span: Span) -> Span {
    Span::new(span.start, span.start)
}
