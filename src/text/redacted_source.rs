//! A file together with the parts of it that no excerpt may show.
//!
//! Excerpts are made of a [`RedactedSource`] only, so whoever reports something about a file has to decide first what may be
//! shown of it. Without a decision, [`RedactedSource::span_only`] shows the least.

use crate::text::source::{SourceFile, Span};
use std::ops::Deref;
use std::sync::Arc;

/// How much of a file excerpts may show.
#[derive(Clone, Debug)]
pub enum Visibility {
    /// The text of the reported span and nothing else: inventories.
    SpanOnly,
    /// Everything except these spans, which are sorted by start: for example the values of sensitive attributes.
    Masked(Vec<Span>),
    /// Everything except the values that a line seems to contain: a file that does not parse.
    Guessed,
}

/// A file whose excerpts hide secret values.
#[derive(Clone, Debug)]
pub struct RedactedSource {
    file: Arc<SourceFile>,
    visibility: Visibility,
    /// Where values of inventories were found, sorted by start.
    values: Vec<Span>,
}

impl RedactedSource {
    /// Combines a file with what may be shown of it.
    pub fn new(file: Arc<SourceFile>, visibility: Visibility) -> Arc<Self> {
        Arc::new(Self { file, visibility, values: Vec::new() })
    }

    /// Combines a file with the least visibility: the text of the reported span.
    pub fn span_only(file: &Arc<SourceFile>) -> Arc<Self> {
        Self::new(Arc::clone(file), Visibility::SpanOnly)
    }

    /// Returns the same file with these spans hidden, too, even where they are the reported span.
    pub fn with_values(&self, values: Vec<Span>) -> Arc<Self> {
        Arc::new(Self { values, ..self.clone() })
    }

    /// Returns the same file under another path. A file that is shared keeps its path.
    pub fn with_path(source: Arc<Self>, path: &str) -> Arc<Self> {
        let Self { file, visibility, values } = match Arc::try_unwrap(source) {
            Ok(source) => source,
            Err(shared) => return shared,
        };
        let file = Arc::try_unwrap(file).map_or_else(|shared| shared, |file| Arc::new(file.with_path(path)));
        Arc::new(Self { file, visibility, values })
    }

    /// Returns the file.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Returns how much excerpts may show.
    pub fn visibility(&self) -> &Visibility {
        &self.visibility
    }

    /// Returns the spans of secret values, which are hidden whatever the visibility.
    pub fn values(&self) -> &[Span] {
        &self.values
    }
}

impl Deref for RedactedSource {
    type Target = SourceFile;

    fn deref(&self) -> &SourceFile {
        &self.file
    }
}
