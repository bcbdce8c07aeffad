//! Detects the inventories of a repository, and ZenML's local secrets of a machine.

use super::candidates::{find_candidates, is_file};
use super::inventory_kind::{DetectedKind, detect_kind};
use crate::system::paths;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// An inventory of the repository.
#[derive(Debug)]
pub struct DetectedInventory {
    /// The name in the config: a bare key of TOML.
    pub name: String,
    /// The path from the root, with `/`.
    pub path: String,
    /// The kind of the file.
    pub kind: DetectedKind,
    /// The folder whose stacks may use the inventory, absolute.
    pub(super) scope_folder: PathBuf,
    /// The names of stacks and folders that use the inventory. If empty, all stacks in the scope
    /// folder may use it.
    pub(super) stack_names: Vec<String>,
}

/// The inventories of a repository, and the files that look like inventories by their names only.
pub(super) struct DetectionResult {
    pub inventories: Vec<DetectedInventory>,
    /// Paths from the root, each with the reason why the file is not an inventory.
    pub skipped_files: Vec<(String, &'static str)>,
}

/// Returns a path from the root, with `/`.
pub(super) fn path_from_root(root: &Path, path: &Path) -> String {
    paths::relative(path, root)
}

/// Detects the inventories for the stack files of a repository. A stack file is never an inventory.
pub(super) fn detect_inventories<'s>(
    root: &Path,
    stacks: impl Iterator<Item = &'s Path>,
) -> DetectionResult {
    let stacks: BTreeSet<&Path> = stacks.collect();
    let mut detected = DetectionResult {
        inventories: Vec::new(),
        skipped_files: Vec::new(),
    };
    for (path, candidate) in find_candidates(root, &stacks) {
        // A config can only contain paths in UTF-8.
        if !is_file(&path) || stacks.contains(path.as_path()) || path.to_str().is_none() {
            continue;
        }
        match detect_kind(&path, candidate.is_inventory_by_name) {
            Ok(kind) => {
                let name = unused_name(&candidate.name(&path), &detected.inventories);
                detected.inventories.push(DetectedInventory {
                    name,
                    path: path_from_root(root, &path),
                    kind,
                    scope_folder: candidate.scope_folder,
                    stack_names: candidate.stack_names,
                });
            }
            // Other candidates are not reported, because their names have other meanings, too.
            Err(reason) if candidate.is_inventory_by_name || candidate.is_in_container(&path) => {
                detected
                    .skipped_files
                    .push((path_from_root(root, &path), reason));
            }
            Err(_) => {}
        }
    }
    detected
}

/// Returns the name, with a number if another inventory has this name.
fn unused_name(name: &str, inventories: &[DetectedInventory]) -> String {
    let is_used = |name: &str| inventories.iter().any(|inventory| inventory.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !is_used(name))
        .unwrap_or_default()
}

/// Returns the files of ZenML's local secrets managers. `zenml` is ZenML's config folder.
pub fn local_secrets(zenml: &Path) -> Vec<PathBuf> {
    let stores = std::fs::read_dir(zenml.join("local_stores"))
        .into_iter()
        .flatten()
        .flatten();
    let mut files: Vec<PathBuf> = stores
        .map(|store| store.path().join("secrets.yaml"))
        .filter(|file| is_file(file))
        .collect();
    files.sort();
    files
}
