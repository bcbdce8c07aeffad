//! The places that name a secret, for navigation: what is at a position, its definitions and its
//! uses.
//!
//! [`SecretNames`] reads the references and declarations of a project from its scan, and the entries
//! of its inventory files from disk.

mod name_place;
mod place_locations;
mod position_requests;

pub use name_place::{NamePlace, PlaceKind, SecretName};
pub use place_locations::PlaceLocations;
pub use position_requests::NamesAtPosition;

use super::editor_project::EditorProject;
use crate::inventory::InventoryEntries;
use crate::lint::analysis::Analysis;
use crate::lint::lookup_targets::inventory_chains;
use crate::lint::reference_list::SecretSelector;
use crate::lint::resolve::ExpandedNames;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::system::paths::canonicalize_existing;
use crate::text::source::Span;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// The entries of an inventory file in use.
pub struct UsedInventory {
    /// The index of the inventory.
    pub index: usize,
    /// Its entries.
    pub entries: InventoryEntries,
}

/// The names of secrets in a project.
pub struct SecretNames<'p> {
    project: &'p EditorProject,
    /// The names of dynamic references, by the address of the reference.
    expanded: HashMap<*const Reference, BTreeSet<SecretName>>,
    /// The inventories that are files.
    pub inventories: Vec<UsedInventory>,
}

impl<'p> SecretNames<'p> {
    /// Collects the names of a project that was checked.
    pub fn new(project: &'p EditorProject) -> Self {
        let mut expanded: HashMap<*const Reference, BTreeSet<SecretName>> = HashMap::new();
        project.with_settings(|loaded, settings| {
            for (file, index, names) in ExpandedNames::new(&loaded.scan, settings).iter() {
                let file = loaded.scan.files.get(file);
                let reference = file.and_then(|file| file.dynamic_references.get(index));
                if let Some(reference) = reference {
                    let expanded = expanded.entry(std::ptr::from_ref(reference)).or_default();
                    expanded.insert(SecretName::new(names.secret(), names.key()));
                }
            }
        });
        let inventories = project.answers.inventories().in_use();
        let inventories = inventories.filter_map(|(index, inventory)| {
            let entries = inventory.entries()?;
            Some(UsedInventory { index, entries })
        });
        Self {
            project,
            expanded,
            inventories: inventories.collect(),
        }
    }

    /// Iterates over the files of the project.
    pub fn files(&self) -> impl Iterator<Item = &'p Analysis> + use<'p> {
        let loaded = self.project.loaded.iter();
        let files = loaded.flat_map(|loaded| &loaded.scan.files);
        files.filter(|file| file.server.is_none())
    }

    /// Returns the names in a reference, each with the bytes of the secret's name and of the key.
    /// A dynamic reference has those that variables give it.
    pub fn names_of(&self, file: &Analysis, reference: &Reference) -> Vec<SecretName> {
        if let Some(names) = self.expanded.get(&std::ptr::from_ref(reference)) {
            return names.iter().cloned().collect();
        }
        if !reference.is_dynamic {
            return vec![SecretName::new(reference.secret(), reference.key())];
        }
        // An expression that a declaration of the same file has, too.
        let is_declared = file
            .references
            .as_ptr_range()
            .contains(&std::ptr::from_ref(reference));
        let name = is_declared.then(|| SecretName::computed(file, reference.expression()));
        name.into_iter().collect()
    }

    /// Iterates over the places in a file of the project, in no particular order.
    pub fn places_in(&self, file: &'p Analysis) -> Vec<NamePlace> {
        let mut places = Vec::new();
        for reference in file.references.iter().chain(&file.dynamic_references) {
            let names = self.names_of(file, reference);
            if !names.is_empty() {
                NamePlace::add_reference(reference, &names, &mut places);
            }
        }
        for declaration in &file.declarations {
            if let Some(name) = SecretName::declared(file, declaration) {
                NamePlace::add_declaration(declaration, &name, &mut places);
            }
        }
        places
    }

    /// Returns the literals of constants in a file that code of any file uses as the name of a secret.
    pub fn constants_in(&self, path: &Path) -> Vec<NamePlace> {
        let mut places: Vec<NamePlace> = Vec::new();
        for file in self.files() {
            let references = file.references.iter();
            let used = references.filter(|it| !it.is_dynamic).map(|it| {
                let name = SecretName::new(it.secret(), None);
                (it.definition.as_deref(), Some(name))
            });
            let declared = file.declarations.iter();
            let declared =
                declared.map(|it| (it.definition.as_deref(), SecretName::declared(file, it)));
            for (definition, name) in used.chain(declared) {
                let definition = definition.filter(|it| it.source.absolute_path() == path);
                let place = definition.zip(name);
                let place = place.map(|(at, name)| NamePlace::of_constant(at, name));
                places.extend(place.filter(|place| !places.contains(place)));
            }
        }
        places
    }

    /// Returns the places in an inventory file; `None` if the path is not that of one in use.
    pub fn places_in_inventory(&self, path: &Path) -> Option<Vec<NamePlace>> {
        let inventory = self.inventory_at(path)?;
        let mut places = Vec::new();
        NamePlace::add_entries(&inventory.entries, &mut places);
        Some(places)
    }

    /// Returns the inventory of a file.
    pub fn inventory_at(&self, path: &Path) -> Option<&UsedInventory> {
        let real = canonicalize_existing(path);
        let mut inventories = self.inventories.iter();
        inventories.find(|it| canonicalize_existing(it.entries.source.absolute_path()) == real)
    }

    /// Returns the places that use or declare a name, in the order of the files.
    pub fn uses(&self, name: &SecretName, with_declarations: bool) -> Vec<NamePlace> {
        let mut found = Vec::new();
        for file in self.files() {
            for reference in file.references.iter().chain(&file.dynamic_references) {
                let names = self.names_of(file, reference);
                if names.iter().any(|used| name.is_used_by(used)) {
                    found.push(NamePlace::of_use(reference, name, &names));
                }
            }
            if with_declarations {
                let declarations = file.declarations.iter();
                found.extend(declarations.flat_map(|it| declared_places(file, it, name)));
            }
        }
        if with_declarations {
            for inventory in &self.inventories {
                found.extend(entry_place(&inventory.entries, name.exact()));
            }
        }
        found
    }

    /// Returns the definitions of a name that is used in a file: the entries in the inventories of
    /// its stack, one for each environment, and the declarations.
    pub fn definitions(&self, name: &SecretName, file: &Analysis, offset: usize) -> Vec<NamePlace> {
        let mut found = Vec::new();
        for chain in self.chains(file, offset) {
            let mut entries = chain.iter().filter_map(|index| {
                let mut inventories = self.inventories.iter();
                inventories.find(|inventory| inventory.index == *index)
            });
            let place =
                entries.find_map(|inventory| definition_in(&inventory.entries, name.exact()));
            if let Some(place) = place.filter(|place| !found.contains(place)) {
                found.push(place);
            }
        }
        found.extend(self.declarations(name));
        found
    }

    /// Returns the declarations of a secret or a key. A declaration that may set the key, too, is
    /// one.
    pub fn declarations(&self, name: &SecretName) -> Vec<NamePlace> {
        let files = self.files();
        let declarations =
            files.flat_map(|file| file.declarations.iter().map(move |it| (file, it)));
        let places = declarations.flat_map(|(file, declaration)| {
            let mut places = declared_places(file, declaration, name);
            let whole = SecretName::declared(file, declaration);
            let is_open = declaration.is_open && whole.is_some_and(|it| name.is_used_by(&it));
            if places.is_empty() && is_open {
                places.push(NamePlace::of_declaration(declaration, name));
            }
            places
        });
        places.collect()
    }

    /// Returns the chains of inventories that the stack of a reference at an offset uses.
    fn chains(&self, file: &Analysis, offset: usize) -> Vec<Vec<usize>> {
        let references = file.references.iter().chain(&file.dynamic_references);
        let mut at_offset =
            references.filter(|it| it.span.start <= offset && offset <= it.span.end);
        let stack = at_offset.next().map_or(0, |reference| reference.stack);
        let chains = self.project.with_settings(|_, settings| {
            let config = settings.configs.for_file(&file.path);
            inventory_chains(file, stack, &config, settings)
        });
        let chains = chains.flatten().unwrap_or_default().into_iter();
        chains.map(|chain| chain.inventories).collect()
    }

    /// Returns the places with names at an offset of a file: those with the shortest text.
    pub fn at(places: Vec<NamePlace>, offset: usize) -> Vec<NamePlace> {
        let touches = |span: Span| span.start <= offset && offset <= span.end;
        let covers = |place: &NamePlace| offset < place.span.end;
        let mut found: Vec<NamePlace> = places
            .into_iter()
            .filter(|place| touches(place.span) || touches(place.whole))
            .collect();
        // In `a.b`, the offset after the dot is in `b`, and not after `a`.
        let rank = |place: &NamePlace| (!touches(place.span), !covers(place), place.span.len());
        let Some(best) = found.iter().min_by_key(|place| rank(place)) else {
            return Vec::new();
        };
        let (span, rank_of_best) = (best.span, rank(best));
        found.retain(|place| place.span == span && rank(place) == rank_of_best);
        found
    }
}

/// Returns the places of a declaration that has a name.
fn declared_places(
    file: &Analysis,
    declaration: &Declaration,
    name: &SecretName,
) -> Vec<NamePlace> {
    let Some(declared) = SecretName::declared(file, declaration) else {
        return Vec::new();
    };
    if !name.is_used_by(&declared) {
        return Vec::new();
    }
    match name.key() {
        None => vec![NamePlace::of_declaration(declaration, name)],
        Some(key) => {
            let keys = declaration.keys.iter().filter(|it| it.name == key);
            keys.map(|key| NamePlace::of_declared_key(declaration, key, name))
                .collect()
        }
    }
}

/// Returns the entry of a secret or key.
fn entry_place(entries: &InventoryEntries, name: Option<&SecretSelector>) -> Option<NamePlace> {
    let name = name?;
    let secret = entries.get(name.secret())?;
    let span = match name.key() {
        None => secret.span,
        Some(key) => secret.key(key)?,
    };
    Some(NamePlace::of_entry(&entries.source, span, name))
}

/// Returns the entry of a secret or key; that of the secret if it does not have the key.
fn definition_in(entries: &InventoryEntries, name: Option<&SecretSelector>) -> Option<NamePlace> {
    let name = name?;
    let whole = SecretSelector::of_secret(name.secret());
    entry_place(entries, Some(name)).or_else(|| entry_place(entries, Some(&whole)))
}
