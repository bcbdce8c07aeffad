//! Proposes `[[stacks]]` entries. A stack file uses the inventory that has its name, or the name of
//! a folder above it. The other stack files use the inventories whose names match no stack.
//!
//! If there are environments, a stack file belongs to the environment that has its name, or the name
//! of a folder above it. The other stack files belong to all environments.

use super::detected_environments::DetectedEnvironments;
use super::detection::{DetectedInventory, path_from_root};
use crate::lint::analysis::Analysis;
use crate::project::config::RouteTarget;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

/// A `[[stacks]]` entry of the new config.
pub(super) struct ProposedRoute {
    /// The globs of its files.
    pub files: Vec<String>,
    /// The names of its inventories or environments.
    pub target: RouteTarget,
}

/// The `[[stacks]]` entries of the new config, and the files without one.
#[derive(Default)]
pub(super) struct ProposedRoutes {
    /// The entries, the most specific first.
    pub routes: Vec<ProposedRoute>,
    /// The files without an inventory. If there is a single inventory: the files outside its folder,
    /// which use it nevertheless.
    pub unrouted: Vec<String>,
    /// The files that belong to all environments.
    pub in_all_environments: Vec<String>,
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

/// Returns the routes, and the files without one. A single inventory needs no routes.
pub(super) fn routes<'s>(
    root: &Path,
    files: impl Iterator<Item = &'s Analysis>,
    found: &[DetectedInventory],
    environments: Option<&DetectedEnvironments>,
) -> ProposedRoutes {
    let files: Vec<&Analysis> = files.filter(|file| !has_manager(file, found)).collect();
    let path = |file: &Analysis| path_from_root(root, &file.path);
    let mut proposed = ProposedRoutes::default();
    if let [only] = found {
        let outside = files
            .iter()
            .filter(|file| !file.path.starts_with(&only.scope_folder));
        proposed.unrouted = outside.map(|file| path(file)).collect();
    }
    if found.len() < 2 {
        return proposed;
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
    let is_shared = |found: &DetectedInventory| {
        !matched.contains(&found.name) && environments.is_none_or(|all| all.has_own_stacks(found))
    };
    let shared: Vec<&DetectedInventory> = found.iter().filter(|found| is_shared(found)).collect();
    let mut ranked = BTreeSet::new();
    for (file, by_name) in files.iter().zip(routes_by_name) {
        let by_location = || route_by_location(root, &file.path, &shared);
        let route = match environments {
            Some(all) => environment_route(root, &file.path, all, by_name, by_location()),
            None => by_name.or_else(by_location).map(to_inventories),
        };
        match route {
            Some(route) if route.2.len() < MAX_GLOB_BYTES => drop(ranked.insert(route)),
            None if environments.is_some() => proposed.in_all_environments.push(path(file)),
            _ => proposed.unrouted.push(path(file)),
        }
    }
    proposed.routes = merge_routes(ranked);
    proposed
}

/// Returns the route of a file if there are environments. Returns `None` if the file belongs to all.
fn environment_route(
    root: &Path,
    path: &Path,
    environments: &DetectedEnvironments,
    by_name: Option<NamedRoute>,
    by_location: Option<NamedRoute>,
) -> Option<RankedRoute> {
    let is_other = |route: &NamedRoute| environments.of_names(&route.2).is_none();
    // An inventory that belongs to no environment has the name of this file, or is in its folder.
    if let Some(route) = by_name.clone().filter(is_other) {
        return Some(to_inventories(route));
    }
    if let Some(route) = by_location.clone().filter(is_other)
        && let Specificity::Base(Reverse(depth)) = route.0
        && depth > environments.depth(root)
    {
        return Some(to_inventories(route));
    }
    if let Some((name, folder)) = environments.of_path(root, path) {
        let target = RouteTarget::Environments(vec![name.to_owned()]);
        let Some(folder) = folder else {
            let below = path.strip_prefix(root).ok()?;
            return Some((Specificity::File, target, glob_for_path(below.to_str()?)));
        };
        let depth = folder.components().count();
        let glob = format!("{}/**", glob_for_path(folder.to_str()?));
        return Some((Specificity::Folder(Reverse(depth)), target, glob));
    }
    let (specificity, glob, inventories) = by_name.or(by_location)?;
    let target = match environments.of_names(&inventories) {
        Some(names) => RouteTarget::Environments(names),
        None => RouteTarget::Inventories(inventories),
    };
    Some((specificity, target, glob))
}

/// Merges routes of the same specificity and inventories into one entry.
fn merge_routes(ranked: BTreeSet<RankedRoute>) -> Vec<ProposedRoute> {
    let mut routes: Vec<(Specificity, ProposedRoute)> = Vec::new();
    for (specificity, target, glob) in ranked {
        match routes.last_mut() {
            Some((last, route)) if *last == specificity && route.target == target => {
                route.files.push(glob);
            }
            _ => routes.push((
                specificity,
                ProposedRoute {
                    files: vec![glob],
                    target,
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

/// A route of one file to inventories: its specificity, its glob and the names of the inventories.
type NamedRoute = (Specificity, String, Vec<String>);

/// A route of one file: its specificity, its target and its glob.
type RankedRoute = (Specificity, RouteTarget, String);

fn to_inventories((specificity, glob, names): NamedRoute) -> RankedRoute {
    (specificity, RouteTarget::Inventories(names), glob)
}

/// Returns the route to the inventories with the name of the stack file, or of the innermost folder
/// that has such a name.
fn route_by_name(root: &Path, path: &Path, found: &[DetectedInventory]) -> Option<NamedRoute> {
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
) -> Option<NamedRoute> {
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
