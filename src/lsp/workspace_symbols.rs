//! `workspace/symbol`: the secrets of all projects.
//!
//! A secret has a symbol for each entry and each declaration, and one for its first reference if it
//! has neither.

use super::navigation::{NamePlace, PlaceLocations, SecretNames};
use super::server::Server;
use crate::text::escape::escape_control;
use gen_lsp_types as lsp;
use std::collections::BTreeMap;

/// The most symbols in an answer. A longer query finds the others.
const MAX_SYMBOLS: usize = 1_000;

impl Server {
    /// Answers `workspace/symbol`.
    pub(super) fn workspace_symbol(
        &mut self,
        params: &lsp::WorkspaceSymbolParams,
    ) -> Option<lsp::WorkspaceSymbolResponse> {
        if self.projects.is_empty() {
            return None;
        }
        let mut found: BTreeMap<String, Vec<NamePlace>> = BTreeMap::new();
        for project in &mut self.projects {
            project.check();
            let names = SecretNames::new(project);
            add_secrets(&names, &params.query, &mut found);
        }
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        let mut symbols = Vec::new();
        for (name, places) in &found {
            let mut known: Vec<lsp::Location> = Vec::new();
            for place in places {
                let location = locations.location(place);
                let Some(location) = location.filter(|location| !known.contains(location)) else {
                    continue;
                };
                known.push(location.clone());
                let (name, container) = (escape_control(name), escape_control(place.source.path()));
                let kind = lsp::SymbolKind::Object;
                let base = lsp::BaseSymbolInformation::new(name, kind, None, Some(container));
                symbols.push(lsp::SymbolInformation::new(None, location, base));
            }
        }
        symbols.truncate(MAX_SYMBOLS);
        Some(symbols.into())
    }
}

/// Adds the secrets of a project whose names match a query.
fn add_secrets(names: &SecretNames<'_>, query: &str, found: &mut BTreeMap<String, Vec<NamePlace>>) {
    let mut defined: BTreeMap<String, Vec<NamePlace>> = BTreeMap::new();
    let mut used: BTreeMap<String, NamePlace> = BTreeMap::new();
    for inventory in &names.inventories {
        let mut places = Vec::new();
        NamePlace::add_entries(&inventory.entries, &mut places);
        add_places(places, query, |name, place| {
            defined.entry(name).or_default().push(place);
        });
    }
    for file in names.files() {
        add_places(names.places_in(file), query, |name, place| {
            if place.is_definition() {
                defined.entry(name).or_default().push(place);
            } else {
                used.entry(name).or_insert(place);
            }
        });
    }
    for (name, place) in used {
        defined.entry(name).or_insert_with(|| vec![place]);
    }
    for (name, mut places) in defined {
        found.entry(name).or_default().append(&mut places);
    }
}

/// Adds the places of whole secrets whose names match a query.
fn add_places(places: Vec<NamePlace>, query: &str, mut add: impl FnMut(String, NamePlace)) {
    for place in places {
        let secrets = place.names.iter().filter_map(|name| name.exact());
        let secrets = secrets.filter(|name| name.key().is_none() && matches(name.secret(), query));
        let secrets: Vec<String> = secrets.map(|name| name.secret().to_owned()).collect();
        for secret in secrets {
            add(secret, place.clone());
        }
    }
}

/// Returns whether a name contains the characters of a query in their order, in any case.
fn matches(name: &str, query: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    let mut query = query.chars().filter(|c| !c.is_whitespace());
    query.all(|wanted| {
        wanted
            .to_lowercase()
            .all(|wanted| name.any(|c| c == wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_matches_its_characters_in_their_order() {
        for (name, query, expected) in [
            ("db_main", "", true),
            ("db_main", "dbm", true),
            ("db_main", "DB main", true),
            ("Äb", "äB", true),
            ("db_main", "md", false),
            ("db", "dbb", false),
        ] {
            assert_eq!(matches(name, query), expected, "{name} {query}");
        }
    }
}
