//! A file together with the spans that excerpts must not show.
//!
//! An excerpt can only be created from a [`RedactedSource`]. So the visibility of a file is decided
//! before anything is reported about it. [`RedactedSource::span_only`] shows the least.

use crate::text::cell_spans::CellSpans;
use crate::text::source::{SourceFile, Span};
use crate::text::source_kind::SourceKind;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// The part of a file that excerpts may show.
#[derive(Clone, Debug)]
pub enum Visibility {
    /// Only the reported span. Used for inventories.
    SpanOnly,
    /// Everything except these spans, for example the values of sensitive attributes.
    Masked(Masks),
    /// Everything except the words that may be values. Used for files that do not parse.
    Guessed,
}

/// The spans of a file that excerpts must not show, sorted and without overlaps.
///
/// Most files have no finding and need no excerpt, so the spans are found when they are requested.
#[derive(Clone, Debug)]
pub struct Masks {
    spans: OnceLock<Vec<Span>>,
    finder: Arc<dyn FindMasks>,
}

/// Finds the spans of a file that excerpts must not show.
pub trait FindMasks: Debug + Send + Sync {
    /// Returns the spans, sorted and without overlaps.
    fn find_masks(&self, file: &Arc<SourceFile>) -> Vec<Span>;
}

/// Hides the whole file.
#[derive(Debug)]
struct WholeFile;

impl FindMasks for WholeFile {
    fn find_masks(&self, file: &Arc<SourceFile>) -> Vec<Span> {
        vec![Span::new(0, file.text().len())]
    }
}

impl Masks {
    /// Creates masks that are found in the file for the first excerpt.
    pub fn found_by(finder: impl FindMasks + 'static) -> Self {
        Self {
            spans: OnceLock::new(),
            finder: Arc::new(finder),
        }
    }
}

impl From<Vec<Span>> for Masks {
    fn from(spans: Vec<Span>) -> Self {
        Self {
            spans: spans.into(),
            finder: Arc::new(WholeFile),
        }
    }
}

/// A file whose excerpts hide secret values.
#[derive(Clone, Debug)]
pub struct RedactedSource {
    file: Arc<SourceFile>,
    visibility: Visibility,
    /// The spans where values from inventories were found, sorted by start.
    values: Vec<Span>,
    /// The cells of a notebook.
    cells: CellSpans,
}

impl RedactedSource {
    /// Creates a source with the given visibility.
    pub fn new(file: Arc<SourceFile>, visibility: Visibility) -> Arc<Self> {
        Self::with_cells(file, visibility, CellSpans::default())
    }

    /// Creates a source with the given visibility and the cells of a notebook.
    pub fn with_cells(
        file: Arc<SourceFile>,
        visibility: Visibility,
        cells: CellSpans,
    ) -> Arc<Self> {
        Arc::new(Self {
            file,
            visibility,
            values: Vec::new(),
            cells,
        })
    }

    /// Returns the cells of a notebook. They are empty for other files.
    pub fn cells(&self) -> &CellSpans {
        &self.cells
    }

    /// Returns the source that an offset belongs to. The cells of a notebook belong to two.
    pub fn kind_at(&self, offset: usize) -> Option<SourceKind> {
        self.cells.kind_at(offset).or(self.file.kind())
    }

    /// Creates a source whose excerpts show only the reported span.
    pub fn span_only(file: &Arc<SourceFile>) -> Arc<Self> {
        Self::new(Arc::clone(file), Visibility::SpanOnly)
    }

    /// Returns a copy that also hides these spans, even in the reported span.
    pub fn with_values(&self, values: Vec<Span>) -> Arc<Self> {
        Arc::new(Self {
            values,
            ..self.clone()
        })
    }

    /// Changes the path that reports show. A source or file with other owners keeps its path.
    pub fn with_path(source: Arc<Self>, path: &str) -> Arc<Self> {
        let Self {
            file,
            visibility,
            values,
            cells,
        } = match Arc::try_unwrap(source) {
            Ok(source) => source,
            Err(shared) => return shared,
        };
        let file = Arc::try_unwrap(file)
            .map_or_else(|shared| shared, |file| Arc::new(file.with_path(path)));
        Arc::new(Self {
            file,
            visibility,
            values,
            cells,
        })
    }

    /// Returns the file without its redactions, for example to parse it.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Returns the part of the file that excerpts may show.
    pub fn visibility(&self) -> &Visibility {
        &self.visibility
    }

    /// Returns the masks of the file; `None` if it has another visibility.
    pub fn masks(&self) -> Option<&[Span]> {
        match &self.visibility {
            Visibility::Masked(masks) => Some(
                masks
                    .spans
                    .get_or_init(|| masks.finder.find_masks(&self.file)),
            ),
            Visibility::SpanOnly | Visibility::Guessed => None,
        }
    }

    /// Sets the masks if they were not requested yet, so that the file is not parsed again to find
    /// them.
    pub fn set_masks(&self, find: impl FnOnce() -> Vec<Span>) {
        if let Visibility::Masked(masks) = &self.visibility {
            masks.spans.get_or_init(find);
        }
    }

    /// Returns the spans of secret values, which excerpts hide with every visibility.
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
