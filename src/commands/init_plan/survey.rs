//! Which files are inventories: told by their place and their shape. What git ignores is looked at, too, since files with
//! values should be ignored; links are not followed.

use crate::document::{Document, NodeId, ScalarType, Syntax};
use crate::project::config::{Config, FALLBACK_NAMES};
use crate::project::configs::Configs;
use crate::project::discover::{Search, Selection};
use crate::sources::stack_model;
use crate::system::files;
use crate::system::paths;
use crate::text::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that a file may have to be looked at.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Folders below `secrets` that are entered, and files that are looked at.
const MAX_DEPTH: usize = 3;
const MAX_FILES: usize = 1_000;

/// The names of inventories beside those that need no config.
const INVENTORY_NAMES: [&str; 6] =
    ["secrets.yaml", "secrets.yml", "secrets.toml", "secrets.json", "secrets.sops.yaml", "secrets.sops.json"];

/// Stems of file names that may be those of inventories: alone, or with the name of an environment, such as `secrets.dev.yaml`.
const STEMS: [&str; 2] = ["secrets", "inventory"];

/// Folders that may contain inventories and nothing else.
const CONTAINERS: [&str; 3] = ["secrets", "inventories", "inventory"];

/// Folders that may contain a folder for each environment.
const ENVIRONMENTS: [&str; 8] =
    ["environments", "environment", "envs", "env", "deploy", "deployments", "infra", "config"];

/// What an inventory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectedKind {
    /// A file of names and keys.
    Names,
    /// A file with values.
    Values,
    /// ZenML's own, in base64.
    Zenml,
    /// A file that SOPS has encrypted.
    Sops,
}

impl DetectedKind {
    /// The kind of inventory that the config calls it.
    pub fn name(self) -> &'static str {
        if self == Self::Sops { "sops" } else { "file" }
    }

    /// Whether whoever reads the file knows secrets.
    pub fn has_values(self) -> bool {
        matches!(self, Self::Values | Self::Zenml)
    }

    /// What a list says of it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Names => "names and keys",
            Self::Values => "with values",
            Self::Zenml => "ZenML's local secrets",
            Self::Sops => "encrypted with SOPS",
        }
    }
}

/// An inventory.
#[derive(Debug)]
pub struct DetectedInventory {
    /// What the config calls it: a bare key of TOML.
    pub name: String,
    /// From the root, with `/`.
    pub path: String,
    /// What it is.
    pub kind: DetectedKind,
    /// The folder that it speaks for, absolute.
    pub(super) scope_folder: PathBuf,
    /// The names of stacks and folders that it belongs to; none for one that all below `base` may use.
    pub(super) stack_names: Vec<String>,
}

/// What a look comes to.
pub(super) struct DetectionResult {
    pub inventories: Vec<DetectedInventory>,
    pub skipped_files: Vec<(String, &'static str)>,
}

/// A path from the root, with `/`.
pub(super) fn path_from_root(root: &Path, path: &Path) -> String {
    paths::relative(path, root)
}

/// Looks for inventories in the root, in every folder on the way to a stack file, and in folders that are called like one of these
/// or like a stack file.
pub(super) fn detect_inventories<'s>(root: &Path, stacks: impl Iterator<Item = &'s Path>) -> DetectionResult {
    let stacks: BTreeSet<&Path> = stacks.collect();
    let above = stacks.iter().flat_map(|path| path.ancestors().skip(1));
    let mut folders: BTreeSet<&Path> = above.filter(|folder| folder.starts_with(root)).collect();
    folders.insert(root);
    let environments = environments(root, &stacks);
    let mut candidates: BTreeMap<PathBuf, CandidateFile> = BTreeMap::new();
    for &folder in &folders {
        let above = path_components(folder, root);
        add_candidates(folder, folder, &above, &[], &mut candidates);
        for container in CONTAINERS.map(|name| folder.join(name)) {
            let mut files = Vec::new();
            files_below(&container, MAX_DEPTH, &mut files);
            for file in files {
                let stack_names = path_components(&file, &container);
                let candidate = CandidateFile {
                    scope_folder: folder.to_path_buf(),
                    folders_above: above.clone(),
                    stack_names,
                    is_inventory_by_name: false,
                };
                candidates.entry(file).or_insert(candidate);
            }
        }
        let around = ENVIRONMENTS.iter().map(|name| folder.join(name)).chain([folder.to_path_buf()]);
        for (around, name) in around.flat_map(|around| environments.iter().map(move |name| (around.clone(), name))) {
            let inner = around.join(name);
            if !folders.contains(inner.as_path()) && is_folder(&inner) {
                add_candidates(&inner, folder, &above, std::slice::from_ref(name), &mut candidates);
            }
        }
        if is_file(&folder.join(".sops.yaml")) {
            for file in encrypted_below(folder, root) {
                let stack_names = path_components(&file, folder);
                let candidate = CandidateFile {
                    scope_folder: folder.to_path_buf(),
                    folders_above: above.clone(),
                    stack_names,
                    is_inventory_by_name: false,
                };
                candidates.entry(file).or_insert(candidate);
            }
        }
    }
    let mut detected = DetectionResult { inventories: Vec::new(), skipped_files: Vec::new() };
    for (path, candidate) in candidates {
        // A config can only name what is UTF-8.
        if !is_file(&path) || stacks.contains(path.as_path()) || path.to_str().is_none() {
            continue;
        }
        match detect_kind(&path, candidate.is_inventory_by_name) {
            Ok(kind) => {
                let wanted = candidate.name(&path);
                let taken =
                    |name: &str| detected.inventories.iter().any(|found: &DetectedInventory| found.name == name);
                let numbered = (2..).map(|number| format!("{wanted}-{number}"));
                let name =
                    std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or_default();
                detected.inventories.push(DetectedInventory {
                    name,
                    path: path_from_root(root, &path),
                    kind,
                    scope_folder: candidate.scope_folder,
                    stack_names: candidate.stack_names,
                });
            }
            // A file with a name that may mean something else is no surprise.
            Err(why) if candidate.is_inventory_by_name || candidate.contains_only_inventories(&path) => {
                detected.skipped_files.push((path_from_root(root, &path), why));
            }
            Err(_) => {}
        }
    }
    detected
}

/// Returns the names that may be those of environments: of stack files without their extensions, and of their folders.
fn environments(root: &Path, stacks: &BTreeSet<&Path>) -> BTreeSet<String> {
    stacks.iter().flat_map(|path| path_components(path, root)).collect()
}

/// Returns the components of a path below a folder, the last one without the extensions of stack files and inventories.
fn path_components(path: &Path, folder: &Path) -> Vec<String> {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let mut words: Vec<String> =
        below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if let Some(last) = words.last_mut().filter(|_| Syntax::from_path(path).is_some()) {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let endings = [".sops", ".inventory", ".enc", ".stack"];
        let short = endings.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(&stem);
        short.clone_into(last);
    }
    words
}

/// Adds the files of a folder that may be inventories by their names. They belong to stacks below `base`; to those that are
/// called like `called`, if there is a name in it.
fn add_candidates(
    folder: &Path,
    base: &Path,
    above: &[String],
    stack_names: &[String],
    candidates: &mut BTreeMap<PathBuf, CandidateFile>,
) {
    let candidate = |stack_names: &[String], by_name| CandidateFile {
        scope_folder: base.to_path_buf(),
        folders_above: above.to_vec(),
        stack_names: stack_names.to_vec(),
        is_inventory_by_name: by_name,
    };
    for name in FALLBACK_NAMES.iter().chain(&INVENTORY_NAMES) {
        candidates.insert(folder.join(name), candidate(stack_names, true));
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(MAX_FILES) {
        let path = entry.path();
        let stem = path_components(&path, folder).pop().unwrap_or_default();
        if Syntax::from_path(&path).is_none() || candidates.contains_key(&path) {
            continue;
        }
        if STEMS.contains(&stem.as_str()) {
            candidates.insert(path, candidate(stack_names, false));
        } else if let Some(environment) = environment_in_stem(&stem) {
            candidates.insert(path, candidate(&[stack_names, &[environment.to_owned()]].concat(), false));
        }
    }
}

/// Returns the environment in the stem of a file name: `dev` of `secrets.dev`, `dev-secrets` and the like.
fn environment_in_stem(stem: &str) -> Option<&str> {
    let separators = ['.', '-', '_'];
    STEMS.iter().find_map(|word| {
        let behind = stem.strip_prefix(word).and_then(|rest| rest.strip_prefix(separators));
        let before = || stem.strip_suffix(word).and_then(|rest| rest.strip_suffix(separators));
        behind.or_else(before).filter(|name| !name.is_empty())
    })
}

/// Where a file is that may be an inventory.
struct CandidateFile {
    scope_folder: PathBuf,
    /// The folders from the root to `base`.
    folders_above: Vec<String>,
    /// The names of stacks and folders that it belongs to; none if all below `base` may use it.
    stack_names: Vec<String>,
    /// Whether its name alone makes it an inventory.
    is_inventory_by_name: bool,
}

impl CandidateFile {
    /// Returns whether the path leads through a folder that contains nothing but inventories.
    fn contains_only_inventories(&self, path: &Path) -> bool {
        let first = path.strip_prefix(&self.scope_folder).ok().and_then(|below| below.components().next());
        first.is_some_and(|first| CONTAINERS.iter().any(|name| first.as_os_str() == *name))
    }

    /// Returns the name of the inventory: its folders and what it is called; without any, the stem of its file.
    fn name(&self, path: &Path) -> String {
        let mut words: Vec<String> = self.folders_above.iter().chain(&self.stack_names).cloned().collect();
        if words.is_empty() {
            words.extend(path_components(path, path.parent().unwrap_or(path)));
        }
        words.dedup();
        let bare = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        let name: String = words.join("-").chars().map(bare).take(100).collect();
        if name.trim_matches('-').is_empty() { "secrets".to_owned() } else { name }
    }
}

fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn files_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
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
            files_below(&path, depth - 1, files);
        }
    }
}

/// The files of a tree that SOPS has encrypted, as far as their bytes tell.
fn encrypted_below(folder: &Path, root: &Path) -> Vec<PathBuf> {
    let configs = Configs::fixed(Config::default());
    let search = Search {
        configs: &configs,
        scripts: false,
        no_exclude: false,
        inventory_folders: Vec::new(),
        output_folder: None,
        roots: vec![paths::canonicalize_existing(root)],
    };
    let selection = Selection { folders: vec![folder.to_path_buf()], ..Selection::default() };
    let files = Mutex::new(Vec::new());
    search.run(&selection, || {
        let files = &files;
        move |candidate| {
            let has = |bytes: &[u8], word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
            let bytes = files::read(&candidate.path, MAX_FILE_BYTES);
            if bytes.is_ok_and(|bytes| has(&bytes, "sops") && has(&bytes, "ENC[")) {
                files.lock().unwrap_or_else(PoisonError::into_inner).push(candidate.path);
            }
        }
    });
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What an inventory is, or why a file is none.
fn detect_kind(path: &Path, by_name: bool) -> Result<DetectedKind, &'static str> {
    let syntax = Syntax::from_path(path).ok_or("its ending tells no format")?;
    let bytes = files::read(path, MAX_FILE_BYTES).map_err(|_| "it cannot be read")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
    let source = Arc::new(SourceFile::new(String::new(), text));
    let document = Document::parse(source, syntax).map_err(|_| "it does not parse")?;
    let other = "it has not the form of an inventory";
    let root = match document.roots() {
        [] if by_name => return Ok(DetectedKind::Names),
        [root] => *root,
        _ => return Err(other),
    };
    if by_name && document.scalar(root).is_some_and(|scalar| scalar.ty == ScalarType::Null) {
        return Ok(DetectedKind::Names);
    }
    let entries = document.entries(root).ok_or(other)?;
    let is_map = |value: NodeId| document.entries(value).is_some();
    if syntax != Syntax::Toml && document.get(root, "sops").is_some_and(|(_, value)| is_map(value)) {
        return Ok(DetectedKind::Sops);
    }
    let is_scalar = |node: NodeId| document.scalar(node).is_some();
    let is_secret = |value: NodeId| match (document.items(value), document.entries(value)) {
        (Some(keys), _) => keys.iter().all(|&key| is_scalar(key)),
        (None, Some(entries)) => entries.iter().all(|&(key, value)| is_scalar(value) || document.is_merge_key(key)),
        (None, None) => false,
    };
    let fits = entries.iter().all(|&(_, value)| is_secret(value)) && (by_name || !entries.is_empty());
    if !fits || stack_model::file_kind(&document).is_some() {
        return Err(other);
    }
    let is_zenml = |&(_, value): &(NodeId, NodeId)| document.get(value, "zenml_schema_name").is_some();
    let has_values =
        |&(_, value): &(NodeId, NodeId)| document.entries(value).is_some_and(|entries| !entries.is_empty());
    Ok(if entries.iter().any(is_zenml) {
        DetectedKind::Zenml
    } else if entries.iter().any(has_values) {
        DetectedKind::Values
    } else {
        DetectedKind::Names
    })
}

/// The files of ZenML's local secrets managers below the folder of its own config.
pub fn local_secrets(zenml: &Path) -> Vec<PathBuf> {
    let stores = std::fs::read_dir(zenml.join("local_stores")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        stores.map(|store| store.path().join("secrets.yaml")).filter(|file| is_file(file)).collect();
    files.sort();
    files
}
