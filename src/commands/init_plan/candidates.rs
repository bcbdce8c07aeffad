//! The files that may be inventories: those with a usual name, in a usual folder, or encrypted with
//! SOPS. Files that git ignores are candidates, too, since files with values should be ignored.
//! Links are not followed.

use super::inventory_kind::MAX_FILE_BYTES;
use crate::document::Syntax;
use crate::project::config::{Config, FALLBACK_NAMES};
use crate::project::configs::Configs;
use crate::project::discover::{Search, Selection};
use crate::system::files;
use crate::system::paths;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How deep folders such as `secrets` are searched. Deeper folders are rarely about environments.
const MAX_DEPTH: usize = 3;

/// The most files of a folder that are candidates. This limits the time in folders with other
/// content.
const MAX_FILES: usize = 1_000;

/// The usual names of inventories, in addition to those that need no config.
const INVENTORY_NAMES: [&str; 6] = [
    "secrets.yaml",
    "secrets.yml",
    "secrets.toml",
    "secrets.json",
    "secrets.sops.yaml",
    "secrets.sops.json",
];

/// Stems of inventory files, alone or with the name of an environment, as in `secrets.dev.yaml`.
const STEMS: [&str; 2] = ["secrets", "inventory"];

/// Folders that contain only inventories.
pub(super) const CONTAINERS: [&str; 3] = ["secrets", "inventories", "inventory"];

/// Folders that may contain a folder for each environment.
pub(super) const ENVIRONMENTS: [&str; 8] = [
    "environments",
    "environment",
    "envs",
    "env",
    "deploy",
    "deployments",
    "infra",
    "config",
];

/// Candidates by path.
pub(super) type Candidates = BTreeMap<PathBuf, CandidateFile>;

/// A file that may be an inventory.
#[derive(Clone)]
pub(super) struct CandidateFile {
    /// The folder whose stacks may use the inventory.
    pub scope_folder: PathBuf,
    /// The folders from the root to the scope folder.
    folders_above: Vec<String>,
    /// The names of stacks and folders that use the inventory. If empty, all stacks in the scope
    /// folder may use it.
    pub stack_names: Vec<String>,
    /// Whether the name alone makes the file an inventory.
    pub is_inventory_by_name: bool,
}

impl CandidateFile {
    /// Returns whether the path contains a folder for inventories.
    pub fn is_in_container(&self, path: &Path) -> bool {
        let first = path
            .strip_prefix(&self.scope_folder)
            .ok()
            .and_then(|below| below.components().next());
        first.is_some_and(|first| CONTAINERS.iter().any(|name| first.as_os_str() == *name))
    }

    /// Returns a name for the inventory: its folders and stacks, else the stem of its file.
    pub fn name(&self, path: &Path) -> String {
        let mut words: Vec<String> = self
            .folders_above
            .iter()
            .chain(&self.stack_names)
            .cloned()
            .collect();
        if words.is_empty() {
            words.extend(path_components(path, path.parent().unwrap_or(path)));
        }
        words.dedup();
        // Only the characters of a bare key of TOML.
        let chars = words
            .join("-")
            .chars()
            .map(bare_key_char)
            .take(100)
            .collect::<String>();
        if chars.trim_matches('-').is_empty() {
            "secrets".to_owned()
        } else {
            chars
        }
    }
}

fn bare_key_char(c: char) -> char {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
        c
    } else {
        '-'
    }
}

/// Returns the candidates in the root, in every folder above a stack file, and in folders with the
/// name of one of these or of a stack file.
pub(super) fn find_candidates(root: &Path, stacks: &BTreeSet<&Path>) -> Candidates {
    let above = stacks.iter().flat_map(|path| path.ancestors().skip(1));
    let mut folders: BTreeSet<&Path> = above.filter(|folder| folder.starts_with(root)).collect();
    folders.insert(root);
    // The names of stack files and of their folders may be those of environments.
    let environments: BTreeSet<String> = stacks
        .iter()
        .flat_map(|path| path_components(path, root))
        .collect();
    let mut candidates = Candidates::new();
    for &folder in &folders {
        let scope = CandidateFile {
            scope_folder: folder.to_path_buf(),
            folders_above: path_components(folder, root),
            stack_names: Vec::new(),
            is_inventory_by_name: false,
        };
        add_candidates(folder, &scope, &mut candidates);
        for container in CONTAINERS.map(|name| folder.join(name)) {
            let mut files = Vec::new();
            add_files_below(&container, MAX_DEPTH, &mut files);
            add_unnamed(files, &container, &scope, &mut candidates);
        }
        let parents = ENVIRONMENTS
            .iter()
            .map(|name| folder.join(name))
            .chain([folder.to_path_buf()]);
        for (parent, name) in
            parents.flat_map(|parent| environments.iter().map(move |name| (parent.clone(), name)))
        {
            let inner = parent.join(name);
            if !folders.contains(inner.as_path()) && is_folder(&inner) {
                let scope = CandidateFile {
                    stack_names: vec![name.clone()],
                    ..scope.clone()
                };
                add_candidates(&inner, &scope, &mut candidates);
            }
        }
        if is_file(&folder.join(".sops.yaml")) {
            add_unnamed(
                encrypted_files_below(folder, root),
                folder,
                &scope,
                &mut candidates,
            );
        }
    }
    candidates
}

/// Adds files that are inventories only by their content. Their stacks are named by the path below
/// `folder`.
fn add_unnamed(
    files: Vec<PathBuf>,
    folder: &Path,
    scope: &CandidateFile,
    candidates: &mut Candidates,
) {
    for file in files {
        let candidate = CandidateFile {
            stack_names: path_components(&file, folder),
            ..scope.clone()
        };
        candidates.entry(file).or_insert(candidate);
    }
}

/// Adds the files of a folder that may be inventories by their names.
fn add_candidates(folder: &Path, scope: &CandidateFile, candidates: &mut Candidates) {
    for name in FALLBACK_NAMES.iter().chain(&INVENTORY_NAMES) {
        candidates.insert(
            folder.join(name),
            CandidateFile {
                is_inventory_by_name: true,
                ..scope.clone()
            },
        );
    }
    for entry in std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .take(MAX_FILES)
    {
        let path = entry.path();
        let stem = path_components(&path, folder).pop().unwrap_or_default();
        if Syntax::from_path(&path).is_none() || candidates.contains_key(&path) {
            continue;
        }
        let mut candidate = scope.clone();
        if !STEMS.contains(&stem.as_str()) {
            let Some(environment) = environment_in_stem(&stem) else {
                continue;
            };
            candidate.stack_names.push(environment.to_owned());
        }
        candidates.insert(path, candidate);
    }
}

/// Returns the components of a path below a folder, the last one without the extensions of stack
/// files and inventories.
pub(super) fn path_components(path: &Path, folder: &Path) -> Vec<String> {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let mut words: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if let Some(last) = words
        .last_mut()
        .filter(|_| Syntax::from_path(path).is_some())
    {
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let suffixes = [".sops", ".inventory", ".enc", ".stack"];
        let short = suffixes
            .iter()
            .find_map(|suffix| stem.strip_suffix(suffix))
            .unwrap_or(&stem);
        short.clone_into(last);
    }
    words
}

/// Returns the environment in the stem of a file name: `dev` of `secrets.dev`, `dev-secrets` and
/// the like.
fn environment_in_stem(stem: &str) -> Option<&str> {
    let separators = ['.', '-', '_'];
    STEMS.iter().find_map(|word| {
        let after = stem
            .strip_prefix(word)
            .and_then(|rest| rest.strip_prefix(separators));
        let before = || {
            stem.strip_suffix(word)
                .and_then(|rest| rest.strip_suffix(separators))
        };
        after.or_else(before).filter(|name| !name.is_empty())
    })
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
}

pub(super) fn is_file(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
}

/// Adds the files below a folder that may be inventories by their extensions, in the order of their
/// paths.
fn add_files_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    if depth == 0 || !is_folder(folder) {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if files.len() < MAX_FILES && Syntax::from_path(&path).is_some() && is_file(&path) {
            files.push(path);
        } else {
            add_files_below(&path, depth - 1, files);
        }
    }
}

/// Returns the files below a folder that contain the marks of SOPS.
fn encrypted_files_below(folder: &Path, root: &Path) -> Vec<PathBuf> {
    let configs = Configs::fixed(Config::default());
    let search = Search {
        configs: &configs,
        scripts: false,
        no_exclude: false,
        inventory_folders: Vec::new(),
        output_folder: None,
        roots: vec![paths::canonicalize_existing(root)],
    };
    let selection = Selection {
        folders: vec![folder.to_path_buf()],
        ..Selection::default()
    };
    let files = Mutex::new(Vec::new());
    search.run(&selection, || {
        let files = &files;
        move |candidate| {
            let bytes = files::read(&candidate.path, MAX_FILE_BYTES);
            if bytes.is_ok_and(|bytes| contains(&bytes, "sops") && contains(&bytes, "ENC[")) {
                files
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(candidate.path);
            }
        }
    });
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn contains(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}
