//! An inventory file that was read, and is parsed only if necessary.

use super::content::FileContent;
use super::simple_names::SimpleNames;
use crate::diagnostics::error::Failure;
use crate::document::Syntax;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::SourceFile;
use std::sync::{Arc, OnceLock};

/// A file that was read.
pub(super) struct LoadedFile {
    pub source: Arc<RedactedSource>,
    syntax: Syntax,
    /// The names and keys, if these need no parser.
    pub simple: Option<SimpleNames>,
    /// The parsed file. With simple names, it is parsed only to change it.
    content: OnceLock<Result<FileContent, Failure>>,
}

impl LoadedFile {
    /// Reads a text, as far as the names and keys require it.
    ///
    /// # Errors
    /// Fails if it does not parse.
    pub fn read(source: SourceFile, syntax: Syntax, title: &str) -> Result<Self, Failure> {
        let simple = match syntax {
            Syntax::Yaml => SimpleNames::read(source.text()),
            _ => None,
        };
        let loaded = Self {
            source: RedactedSource::span_only(&Arc::new(source)),
            syntax,
            simple,
            content: OnceLock::new(),
        };
        if loaded.simple.is_none() {
            loaded.content(title)?;
        }
        Ok(loaded)
    }

    /// Returns the parsed file.
    ///
    /// # Errors
    /// Fails if it does not parse.
    pub fn content(&self, title: &str) -> Result<&FileContent, Failure> {
        let parsed = self
            .content
            .get_or_init(|| FileContent::read(self.source.file(), self.syntax, title));
        parsed.as_ref().map_err(Clone::clone)
    }

    /// Returns the parsed file if it was necessary to parse it for the names.
    pub fn parsed(&self) -> Option<&FileContent> {
        let content = self.content.get().filter(|_| self.simple.is_none());
        content?.as_ref().ok()
    }
}
