//! Recognizes environments, such as `dev` and `prod`, by the names of inventories and stack files.

use super::candidates::{CONTAINERS, ENVIRONMENTS, path_components};
use super::detection::DetectedInventory;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The usual names of environments, from development to production. Names in one row mean the same
/// environment.
const NAMES: [&[&str]; 8] = [
    &["dev", "development"],
    &["test", "testing"],
    &["qa"],
    &["uat"],
    &["staging", "stage", "stg"],
    &["preprod", "pre-prod"],
    &["prod", "production", "prd"],
    &["live"],
];

/// A usual name of an environment. The order is that from development to production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EnvironmentName {
    row: usize,
    name: &'static str,
}

impl EnvironmentName {
    /// Returns the name that a text is, in upper or lower case.
    fn parse(text: &str) -> Option<Self> {
        let mut all = NAMES
            .iter()
            .enumerate()
            .flat_map(|(row, names)| names.iter().map(move |&name| Self { row, name }));
        all.find(|known| known.name.eq_ignore_ascii_case(text))
    }
}

/// An environment of the new config.
#[derive(Debug, PartialEq, Eq)]
pub struct DetectedEnvironment {
    /// Its name, which is a bare key of TOML.
    pub name: &'static str,
    /// The names of its inventories.
    pub inventories: Vec<String>,
}

/// The environments of a repository.
pub(super) struct DetectedEnvironments {
    /// The environments, from development to production.
    pub all: Vec<DetectedEnvironment>,
    names: Vec<EnvironmentName>,
    /// The folder that contains the files of all of them, absolute.
    folder: PathBuf,
    /// The environment of each inventory, by the name of the inventory.
    by_inventory: BTreeMap<String, &'static str>,
    /// The inventories in a folder with the name of their environment.
    in_folders: BTreeSet<String>,
}

/// The place of an inventory among the environments.
struct InventoryPlace {
    name: EnvironmentName,
    /// The folders from the root to the folder that contains the files of all environments.
    folder: Vec<String>,
    /// Whether a folder has the name of the environment.
    is_in_folder: bool,
}

impl InventoryPlace {
    /// Returns the place of an inventory, or `None` if neither the file nor a folder has the name of
    /// an environment.
    fn of(root: &Path, inventory: &DetectedInventory) -> Option<Self> {
        let folders = path_components(&inventory.scope_folder, root);
        let words: Vec<Option<EnvironmentName>> = folders
            .iter()
            .chain(&inventory.stack_names)
            .map(|word| EnvironmentName::parse(word))
            .collect();
        let name = words.iter().rev().find_map(|name| *name)?;
        // `dev/secrets.dev.yaml` is an inventory of the folder `dev`.
        let first = words.iter().position(|word| *word == Some(name))?;
        let is_in_folder = first < folders.len();
        let mut folder: Vec<String> = folders.into_iter().take(first).collect();
        while is_in_folder && folder.last().is_some_and(|last| is_grouping(last)) {
            folder.pop();
        }
        Some(Self {
            name,
            folder,
            is_in_folder,
        })
    }
}

/// Returns whether a folder only contains the folders of environments or inventories.
fn is_grouping(folder: &str) -> bool {
    ENVIRONMENTS.contains(&folder) || CONTAINERS.contains(&folder)
}

impl DetectedEnvironments {
    /// Returns the environments of the inventories. Returns `None` if there are fewer than two, or
    /// if several folders, such as those of teams, have their own.
    pub fn of_inventories(root: &Path, inventories: &[DetectedInventory]) -> Option<Self> {
        let mut folders: BTreeMap<Vec<String>, Vec<(InventoryPlace, &DetectedInventory)>> =
            BTreeMap::new();
        for inventory in inventories {
            if let Some(place) = InventoryPlace::of(root, inventory) {
                let found = folders.entry(place.folder.clone()).or_default();
                found.push((place, inventory));
            }
        }
        folders.retain(|_, found| {
            let rows: BTreeSet<usize> = found.iter().map(|(place, _)| place.name.row).collect();
            rows.len() > 1
        });
        // Folders below may be those of tests.
        let depth = folders.keys().map(Vec::len).min()?;
        let mut nearest = folders
            .into_iter()
            .filter(|(folder, _)| folder.len() == depth);
        let (folder, found) = nearest.next()?;
        if nearest.next().is_some() {
            return None;
        }
        Some(Self::new(root, &folder, &found))
    }

    fn new(root: &Path, folder: &[String], found: &[(InventoryPlace, &DetectedInventory)]) -> Self {
        let mut inventories: BTreeMap<EnvironmentName, Vec<String>> = BTreeMap::new();
        for (place, inventory) in found {
            let names = inventories.entry(place.name).or_default();
            names.push(inventory.name.clone());
        }
        let by_inventory = found.iter().map(|(place, inventory)| {
            let name = inventory.name.clone();
            (name, place.name.name)
        });
        let in_folders = found
            .iter()
            .filter(|(place, _)| place.is_in_folder)
            .map(|(_, inventory)| inventory.name.clone());
        Self {
            by_inventory: by_inventory.collect(),
            in_folders: in_folders.collect(),
            names: inventories.keys().copied().collect(),
            folder: root.join(folder.iter().collect::<PathBuf>()),
            all: inventories
                .into_iter()
                .map(|(name, inventories)| DetectedEnvironment {
                    name: name.name,
                    inventories,
                })
                .collect(),
        }
    }

    /// Returns whether an inventory is that of the stacks in its folder: it belongs to no
    /// environment, or its folder has the name of its environment.
    pub fn has_own_stacks(&self, inventory: &DetectedInventory) -> bool {
        !self.by_inventory.contains_key(&inventory.name)
            || self.in_folders.contains(&inventory.name)
    }

    /// Returns the number of folders from the root to the files of all environments.
    pub fn depth(&self, root: &Path) -> usize {
        let below = self.folder.strip_prefix(root);
        below.map_or(0, |below| below.components().count())
    }

    /// Returns the environments of inventories, without repetition. Returns `None` if an inventory
    /// belongs to no environment.
    pub fn of_names(&self, inventories: &[String]) -> Option<Vec<String>> {
        let found: Option<BTreeSet<&str>> = inventories
            .iter()
            .map(|name| self.by_inventory.get(name).copied())
            .collect();
        let found = found?;
        let all = self.all.iter().map(|environment| environment.name);
        Some(
            all.filter(|name| found.contains(name))
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Returns the environment with a name, or the only one with another name of it.
    pub fn named(&self, text: &str) -> Option<&'static str> {
        let name = EnvironmentName::parse(text)?;
        if self.names.contains(&name) {
            return Some(name.name);
        }
        let mut same = self.names.iter().filter(|it| it.row == name.row);
        let only = same.next()?;
        same.next().is_none().then_some(only.name)
    }

    /// Returns the environment whose name a file or a folder has, with the innermost folder of this
    /// name, or `None` in its place for the name of the file.
    pub fn of_path<'p>(
        &self,
        root: &Path,
        path: &'p Path,
    ) -> Option<(&'static str, Option<&'p Path>)> {
        let below = path.strip_prefix(root).ok()?;
        if !path.starts_with(&self.folder) {
            return None;
        }
        if let Some(name) = self.of_stem(path.file_stem()?.to_str()?) {
            return Some((name, None));
        }
        let depth = self.depth(root);
        let folders = below.ancestors().skip(1);
        folders
            .take_while(|folder| folder.components().count() > depth)
            .find_map(|folder| {
                let name = self.named(folder.file_name()?.to_str()?)?;
                Some((name, Some(folder)))
            })
    }

    /// Returns the environment in the stem of a file: `prod` of `prod`, `train.prod` and
    /// `train-prod`.
    fn of_stem(&self, stem: &str) -> Option<&'static str> {
        let stem = stem.strip_suffix(".stack").unwrap_or(stem);
        let last = stem.rsplit(['.', '-', '_']).next();
        self.named(stem)
            .or_else(|| last.and_then(|last| self.named(last)))
    }
}

/// Returns the names of environments that stack files or their folders have, from development to
/// production. Returns none if they mean fewer than two environments.
pub(super) fn names_of_stacks<'s>(
    root: &Path,
    stacks: impl Iterator<Item = &'s Path>,
) -> Vec<&'static str> {
    let found: BTreeSet<EnvironmentName> = stacks
        .flat_map(|path| path_components(path, root))
        .filter_map(|word| EnvironmentName::parse(&word))
        .collect();
    let rows: BTreeSet<usize> = found.iter().map(|name| name.row).collect();
    if rows.len() < 2 {
        return Vec::new();
    }
    found.into_iter().map(|name| name.name).collect()
}
