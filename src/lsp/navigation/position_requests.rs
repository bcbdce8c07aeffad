//! The requests about a position: definition, references and highlights.

use super::super::documents::Document;
use super::super::editor_project::EditorProject;
use super::super::server::Server;
use super::super::text_positions::TextPositions;
use super::{NamePlace, PlaceKind, PlaceLocations, SecretName, SecretNames};
use gen_lsp_types as lsp;
use std::path::Path;

/// The names at a position of an open document.
pub struct NamesAtPosition<'s> {
    /// The project.
    pub project: &'s EditorProject,
    /// All names of the project.
    pub names: SecretNames<'s>,
    /// The document.
    pub document: &'s Document,
    /// The offset in the text of the file.
    pub offset: usize,
    /// The places at the position. They have the same span.
    pub places: Vec<NamePlace>,
}

impl NamesAtPosition<'_> {
    /// Returns the names at the position, without duplicates.
    pub fn secrets(&self) -> Vec<&SecretName> {
        let mut names: Vec<&SecretName> = self.places.iter().flat_map(|it| &it.names).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Server {
    /// Returns the names at a position: references, declarations, and entries of inventory files in
    /// use. Returns `None` if there are none.
    pub(in super::super) fn names_at(
        &mut self,
        params: &lsp::TextDocumentPositionParams,
    ) -> Option<NamesAtPosition<'_>> {
        let uri = &params.text_document.uri.0;
        let id = self.checked_project(uri)?.id;
        let document = self.documents.get(uri)?;
        let path = document.path.as_deref()?;
        let encoding = self.client.support.encoding;
        let own = self.projects.iter().filter(|project| project.id == id);
        // The inventory of a project may be outside of its folder.
        let others = self.projects.iter().filter(|project| project.id != id);
        own.chain(others).find_map(|project| {
            let is_own = project.id == id;
            let names = SecretNames::new(project);
            let mut places = places_of(&names, project, path, is_own).unwrap_or_default();
            if !document.has_text(places.first().map_or("", |place| place.source.text())) {
                places.clear();
            }
            let constants = names.constants_in(path).into_iter();
            places.extend(constants.filter(|it| document.has_text(it.source.text())));
            let text = places.first()?.source.clone();
            let offset = TextPositions::new(text.text(), encoding).offset(params.position);
            let places = SecretNames::at(places, offset);
            (!places.is_empty()).then_some(NamesAtPosition {
                project,
                names,
                document,
                offset,
                places,
            })
        })
    }

    /// Answers `textDocument/definition`.
    pub(in super::super) fn definition(
        &mut self,
        params: &lsp::DefinitionParams,
    ) -> Option<lsp::DefinitionResponse> {
        let found = self.definition_places(&params.text_document_position_params)?;
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        let locations = locations.locations(&found);
        let definition = lsp::Definition::LocationList(locations);
        Some(definition.into())
    }

    fn definition_places(
        &mut self,
        params: &lsp::TextDocumentPositionParams,
    ) -> Option<Vec<NamePlace>> {
        let at = self.names_at(params)?;
        let path = at.document.path.as_deref()?;
        let mut found: Vec<NamePlace> = Vec::new();
        for name in at.secrets() {
            let entry = at
                .places
                .iter()
                .find(|place| place.kind == PlaceKind::Entry);
            let definitions = match (entry, at.project.analysis(path)) {
                (Some(entry), _) => {
                    let declarations = at.names.declarations(name);
                    std::iter::once(entry.clone()).chain(declarations).collect()
                }
                (None, Some(file)) => at.names.definitions(name, file, at.offset),
                (None, None) => Vec::new(),
            };
            for place in definitions {
                if !found.contains(&place) {
                    found.push(place);
                }
            }
        }
        Some(found)
    }

    /// Answers `textDocument/references`.
    pub(in super::super) fn references(
        &mut self,
        params: &lsp::ReferenceParams,
    ) -> Option<Vec<lsp::Location>> {
        let with_declarations = params.context.include_declaration;
        let at = self.names_at(&params.text_document_position_params)?;
        let places = uses_of_all(&at, with_declarations);
        drop(at);
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        Some(locations.locations(&places))
    }

    /// Answers `textDocument/documentHighlight`.
    pub(in super::super) fn document_highlight(
        &mut self,
        params: &lsp::DocumentHighlightParams,
    ) -> Option<Vec<lsp::DocumentHighlight>> {
        let at = self.names_at(&params.text_document_position_params)?;
        let file = at.places.first()?.source.absolute_path().to_path_buf();
        let mut places = uses_of_all(&at, true);
        drop(at);
        places.retain(|place| place.source.absolute_path() == file);
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        let mut highlights: Vec<lsp::DocumentHighlight> = Vec::new();
        for place in &places {
            let kind = match place.kind {
                PlaceKind::Use => lsp::DocumentHighlightKind::Read,
                PlaceKind::Declaration | PlaceKind::Entry => lsp::DocumentHighlightKind::Write,
            };
            let range = locations.range(&place.source, place.span);
            let highlight = range.map(|range| lsp::DocumentHighlight::new(range, Some(kind)));
            if let Some(highlight) = highlight.filter(|it| highlights.last() != Some(it)) {
                highlights.push(highlight);
            }
        }
        Some(highlights)
    }
}

/// Returns the places of a document. Returns `None` if there are none.
fn places_of(
    names: &SecretNames<'_>,
    project: &EditorProject,
    path: &Path,
    is_own: bool,
) -> Option<Vec<NamePlace>> {
    let file = project.analysis(path).filter(|_| is_own);
    let places = file.map(|file| names.places_in(file));
    let places = places.filter(|places| !places.is_empty());
    places.or_else(|| names.places_in_inventory(path))
}

/// Returns the places that use or declare one of the names at a position, without duplicates.
fn uses_of_all(at: &NamesAtPosition<'_>, with_declarations: bool) -> Vec<NamePlace> {
    let secrets = at.secrets();
    let mut found: Vec<NamePlace> = Vec::new();
    for name in &secrets {
        let uses = at.names.uses(name, with_declarations);
        if secrets.len() == 1 {
            return uses;
        }
        for place in uses {
            if !found.contains(&place) {
                found.push(place);
            }
        }
    }
    found
}
