//! Which stacks use which inventories: a stack file, or a folder on the way to it, that is called like an inventory uses
//! that one; all others use those that nothing is called like.

use super::survey::{DetectedInventory, path_from_root};
use crate::lint::analysis::Analysis;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

/// A `[[stacks]]` to be written.
pub(super) struct ProposedRoute {
    /// Globs.
    pub files: Vec<String>,
    /// The names of inventories.
    pub inventories: Vec<String>,
}

/// How narrow a route is, the narrowest first: a file, a folder by its depth, or all below a base.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    File,
    Folder(Reverse<usize>),
    Base(Reverse<usize>),
}

/// Bytes of a glob, less some: more than that the config does not take.
const MAX_GLOB_BYTES: usize = 900;

/// The routes, and the stack files that use none of several inventories, or the only one although it lies in the folder of others.
/// One inventory needs no route.
pub(super) fn routes<'s>(
    root: &Path,
    files: impl Iterator<Item = &'s Analysis>,
    found: &[DetectedInventory],
) -> (Vec<ProposedRoute>, Vec<String>) {
    let files: Vec<&Analysis> = files.filter(|file| !has_manager(file, found)).collect();
    if let [only] = found {
        let outside = files.iter().filter(|file| !file.path.starts_with(&only.scope_folder));
        return (Vec::new(), outside.map(|file| path_from_root(root, &file.path)).collect());
    }
    if found.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let by_name: Vec<_> = files.iter().map(|file| by_name(root, &file.path, found)).collect();
    let taken: BTreeSet<&String> = by_name.iter().flatten().flat_map(|(.., names)| names).collect();
    let shared: Vec<&DetectedInventory> = found.iter().filter(|found| !taken.contains(&found.name)).collect();
    let mut wanted = BTreeSet::new();
    let mut unpaired = Vec::new();
    for (file, named) in files.iter().zip(&by_name) {
        let route = named.clone().or_else(|| by_location(root, &file.path, &shared));
        match route.filter(|(_, glob, _)| glob.len() < MAX_GLOB_BYTES) {
            Some(route) => drop(wanted.insert(route)),
            None => unpaired.push(path_from_root(root, &file.path)),
        }
    }
    let mut routes: Vec<(Specificity, ProposedRoute)> = Vec::new();
    for (reach, glob, inventories) in wanted {
        match routes.last_mut() {
            Some((last, route)) if *last == reach && route.inventories == inventories => route.files.push(glob),
            _ => routes.push((reach, ProposedRoute { files: vec![glob], inventories })),
        }
    }
    (routes.into_iter().map(|(_, route)| route).collect(), unpaired)
}

/// Whether each stack of a file has a secrets manager that is called like an inventory: it uses that one by itself.
fn has_manager(file: &Analysis, found: &[DetectedInventory]) -> bool {
    let known = |manager: &str| found.iter().any(|found| found.name == manager);
    !file.stacks.is_empty() && file.stacks.iter().all(|stack| stack.secrets_manager().is_some_and(known))
}

type RankedRoute = (Specificity, String, Vec<String>);

fn by_name(root: &Path, path: &Path, found: &[DetectedInventory]) -> Option<RankedRoute> {
    let below = path.strip_prefix(root).ok()?;
    let stem = path.file_stem()?.to_str()?;
    let stem = stem.strip_suffix(".stack").unwrap_or(stem);
    let called = |name: &str| {
        let candidates = found.iter().filter(|found| found.stack_names.iter().any(|own| own == name));
        nearest_inventories(path, &candidates.collect::<Vec<_>>()).map(|(_, names)| names)
    };
    if let Some(names) = called(stem) {
        return Some((Specificity::File, glob_for_path(below.to_str()?), names));
    }
    below.ancestors().skip(1).find_map(|folder| {
        let names = called(folder.file_name()?.to_str()?)?;
        let depth = folder.components().count();
        Some((Specificity::Folder(Reverse(depth)), format!("{}/**", glob_for_path(folder.to_str()?)), names))
    })
}

fn by_location(root: &Path, path: &Path, shared: &[&DetectedInventory]) -> Option<RankedRoute> {
    let (base, names) = nearest_inventories(path, shared)?;
    let folder = base.strip_prefix(root).ok()?;
    let depth = folder.components().count();
    let glob = if depth == 0 { "**".to_owned() } else { format!("{}/**", glob_for_path(folder.to_str()?)) };
    Some((Specificity::Base(Reverse(depth)), glob, names))
}

/// The inventories whose folder is the nearest above a path.
fn nearest_inventories<'f>(path: &Path, candidates: &[&'f DetectedInventory]) -> Option<(&'f Path, Vec<String>)> {
    let above = || candidates.iter().filter(|found| path.starts_with(&found.scope_folder));
    let base = above().map(|found| found.scope_folder.as_path()).max_by_key(|base| base.components().count())?;
    Some((base, above().filter(|found| found.scope_folder == base).map(|found| found.name.clone()).collect()))
}

/// A path as a glob that matches it alone.
pub(super) fn glob_for_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '?' | '*' | '[' | ']' | '{' | '}' | '\\' => out.extend(['[', c, ']']),
            // At the start it would be a negation.
            '!' if out.is_empty() => out.push_str("./!"),
            c => out.push(c),
        }
    }
    out
}
