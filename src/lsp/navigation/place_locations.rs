//! Conversion of places to locations of the protocol.

use super::super::client_support::ClientSupport;
use super::super::documents::Documents;
use super::super::text_positions::TextPositions;
use super::NamePlace;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use gen_lsp_types::{Location, Range};
use std::collections::HashMap;
use std::sync::Arc;

/// Converts places to locations. The lines of a file are found once.
pub struct PlaceLocations<'c> {
    support: &'c ClientSupport,
    documents: &'c Documents,
    /// The positions by the address of the text; `None` if the file is open with another text.
    positions: HashMap<*const SourceFile, Option<TextPositions<'c>>>,
}

impl<'c> PlaceLocations<'c> {
    /// Creates a converter for a client.
    pub fn new(support: &'c ClientSupport, documents: &'c Documents) -> Self {
        Self {
            support,
            documents,
            positions: HashMap::new(),
        }
    }

    /// Returns the location of a place. Returns `None` if its file is open with another text.
    pub fn location(&mut self, place: &'c NamePlace) -> Option<Location> {
        let range = self.range(&place.source, place.span)?;
        let uri = self.documents.uri(place.source.absolute_path());
        Some(Location::new(uri, range))
    }

    /// Returns the locations of places, without duplicates.
    pub fn locations(&mut self, places: &'c [NamePlace]) -> Vec<Location> {
        let mut locations: Vec<Location> = Vec::new();
        for location in places.iter().filter_map(|place| self.location(place)) {
            // The same place in several stacks follows the first one.
            if locations.last() != Some(&location) {
                locations.push(location);
            }
        }
        locations
    }

    /// Returns the range of a span. Returns `None` if its file is open with another text.
    pub fn range(&mut self, source: &'c Arc<RedactedSource>, span: Span) -> Option<Range> {
        let (encoding, documents) = (self.support.encoding, self.documents);
        let positions = self.positions.entry(Arc::as_ptr(source.file()));
        let positions = positions.or_insert_with(|| {
            let open = documents.of_path(source.absolute_path());
            let is_current = open.is_none_or(|document| document.has_text(source.text()));
            is_current.then(|| TextPositions::new(source.text(), encoding))
        });
        positions.as_ref().map(|positions| positions.range(span))
    }
}
