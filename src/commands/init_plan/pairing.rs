//! Proposes `[[stacks]]` entries. A stack file uses the inventory that has its name, or the name of
//! a folder above it. The other stack files use the inventories whose names match no stack.

use super::detection::{DetectedInventory, path_from_root};
use crate::lint::analysis::Analysis;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

/// A `[[stacks]]` entry of the new config.
pub(super) struct ProposedRoute {
    /// The globs of its files.
    pub files: Vec<String>,
    /// The names of its inventories.
    pub inventories: Vec<String>,
}

/// How specific a route is, the most specific first: a file, a folder by its depth, or everything
/// below the folder of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    File,
    Folder(Reverse<usize>),
    Base(Reverse<usize>),
}

/// The longest glob that is written, in bytes. The config accepts slightly longer ones.
const MAX_GLOB_BYTES: usize = 900;

/// Returns the routes, and the files without one. A single inventory needs no routes: then
/// the second list contains the files outside its folder, which use it nevertheless.
pub(super) fn routes<'s>(
    root: &Path,
    files: impl Iterator<Item = &'s Analysis>,
    found: &[DetectedInventory],
) -> (Vec<ProposedRoute>, Vec<String>) {
    let files: Vec<&Analysis> = files.filter(|file| !has_manager(file, found)).collect();
    if let [only] = found {
        let outside = files
            .iter()
            .filter(|file| !file.path.starts_with(&only.scope_folder));
        return (
            Vec::new(),
            outside
                .map(|file| path_from_root(root, &file.path))
                .collect(),
        );
    }
    if found.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let routes_by_name: Vec<_> = files
        .iter()
        .map(|file| route_by_name(root, &file.path, found))
        .collect();
    let matched: BTreeSet<&String> = routes_by_name
        .iter()
        .flatten()
        .flat_map(|(.., names)| names)
        .collect();
    let shared: Vec<&DetectedInventory> = found
        .iter()
        .filter(|found| !matched.contains(&found.name))
        .collect();
    let mut ranked = BTreeSet::new();
    let mut unrouted = Vec::new();
    for (file, route) in files.iter().zip(routes_by_name) {
        let route = route.or_else(|| route_by_location(root, &file.path, &shared));
        match route.filter(|(_, glob, _)| glob.len() < MAX_GLOB_BYTES) {
            Some(route) => drop(ranked.insert(route)),
            None => unrouted.push(path_from_root(root, &file.path)),
        }
    }
    (merge_routes(ranked), unrouted)
}

/// Merges successive routes of the same specificity and inventories into one entry.
fn merge_routes(ranked: BTreeSet<RankedRoute>) -> Vec<ProposedRoute> {
    let mut routes: Vec<(Specificity, ProposedRoute)> = Vec::new();
    for (specificity, glob, inventories) in ranked {
        match routes.last_mut() {
            Some((last, route)) if *last == specificity && route.inventories == inventories => {
                route.files.push(glob);
            }
            _ => routes.push((
                specificity,
                ProposedRoute {
                    files: vec![glob],
                    inventories,
                },
            )),
        }
    }
    routes.into_iter().map(|(_, route)| route).collect()
}

/// Returns whether each stack of a file has a secrets manager with the name of an inventory. Such
/// stacks need no route.
fn has_manager(file: &Analysis, found: &[DetectedInventory]) -> bool {
    let mut managers = file.stacks.iter().map(|stack| stack.secrets_manager());
    !file.stacks.is_empty()
        && managers.all(|manager| {
            manager.is_some_and(|manager| found.iter().any(|found| found.name == manager))
        })
}

/// A route for one stack file: its specificity, its glob and the names of its inventories.
type RankedRoute = (Specificity, String, Vec<String>);

/// Returns the route to the inventories with the name of the stack file, or of the innermost folder
/// that has such a name.
fn route_by_name(root: &Path, path: &Path, found: &[DetectedInventory]) -> Option<RankedRoute> {
    let below = path.strip_prefix(root).ok()?;
    let stem = path.file_stem()?.to_str()?;
    let stem = stem.strip_suffix(".stack").unwrap_or(stem);
    if let Some(names) = inventories_named(stem, path, found) {
        return Some((Specificity::File, glob_for_path(below.to_str()?), names));
    }
    below.ancestors().skip(1).find_map(|folder| {
        let names = inventories_named(folder.file_name()?.to_str()?, path, found)?;
        let depth = folder.components().count();
        Some((
            Specificity::Folder(Reverse(depth)),
            format!("{}/**", glob_for_path(folder.to_str()?)),
            names,
        ))
    })
}

/// Returns the inventories for stacks of this name that are nearest to a path.
fn inventories_named(name: &str, path: &Path, found: &[DetectedInventory]) -> Option<Vec<String>> {
    let candidates = found
        .iter()
        .filter(|found| found.stack_names.iter().any(|stack| stack == name));
    nearest_inventories(path, &candidates.collect::<Vec<_>>()).map(|(_, names)| names)
}

/// Returns the route to the shared inventories that are nearest to a stack file.
fn route_by_location(
    root: &Path,
    path: &Path,
    shared: &[&DetectedInventory],
) -> Option<RankedRoute> {
    let (base, names) = nearest_inventories(path, shared)?;
    let folder = base.strip_prefix(root).ok()?;
    let depth = folder.components().count();
    let glob = if depth == 0 {
        "**".to_owned()
    } else {
        format!("{}/**", glob_for_path(folder.to_str()?))
    };
    Some((Specificity::Base(Reverse(depth)), glob, names))
}

/// Returns the nearest folder above a path that has inventories, with their names.
fn nearest_inventories<'f>(
    path: &Path,
    candidates: &[&'f DetectedInventory],
) -> Option<(&'f Path, Vec<String>)> {
    let above = || {
        candidates
            .iter()
            .filter(|found| path.starts_with(&found.scope_folder))
    };
    let base = above()
        .map(|found| found.scope_folder.as_path())
        .max_by_key(|base| base.components().count())?;
    Some((
        base,
        above()
            .filter(|found| found.scope_folder == base)
            .map(|found| found.name.clone())
            .collect(),
    ))
}

/// Returns a glob that matches only this path.
pub(super) fn glob_for_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '?' | '*' | '[' | ']' | '{' | '}' | '\\' => out.extend(['[', c, ']']),
            // A glob that begins with `!` is a negation.
            '!' if out.is_empty() => out.push_str("./!"),
            c => out.push(c),
        }
    }
    out
}
