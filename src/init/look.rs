//! Which files are inventories: told by their place and their shape. What git ignores is looked at, too, since files with
//! values should be ignored; links are not followed.

use crate::config::{Config, FALLBACK_NAMES};
use crate::configs::Configs;
use crate::discover::{Search, Selection};
use crate::document::{Document, NodeId, ScalarType, Syntax};
use crate::files;
use crate::paths;
use crate::source::SourceFile;
use crate::stack;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that a file may have to be looked at.
const LARGEST: u64 = 16 << 20;

/// Folders below `secrets` that are entered, and files that are looked at.
const DEEPEST: usize = 3;
const MOST: usize = 1_000;

/// The names of inventories beside those that need no config.
const NAMES: [&str; 6] =
    ["secrets.yaml", "secrets.yml", "secrets.toml", "secrets.json", "secrets.sops.yaml", "secrets.sops.json"];

/// What an inventory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A file of names and keys.
    Names,
    /// A file with values.
    Values,
    /// ZenML's own, in base64.
    Zenml,
    /// A file that SOPS has encrypted.
    Sops,
}

impl FoundKind {
    /// The kind of inventory that the config calls it.
    pub fn name(self) -> &'static str {
        if self == Self::Sops { "sops" } else { "file" }
    }

    /// Whether whoever reads the file knows secrets.
    pub fn has_values(self) -> bool {
        matches!(self, Self::Values | Self::Zenml)
    }

    /// What a list says of it.
    pub fn words(self) -> &'static str {
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
pub struct Found {
    /// What the config calls it: a bare key of TOML.
    pub name: String,
    /// From the root, with `/`.
    pub path: String,
    /// What it is.
    pub kind: FoundKind,
    /// The folder that it speaks for, absolute.
    pub(super) base: PathBuf,
    /// The names of stacks and folders that it belongs to; none for one that all below `base` may use.
    pub(super) called: Vec<String>,
}

/// What a look comes to.
pub(super) struct Looked {
    pub found: Vec<Found>,
    pub passed_over: Vec<(String, &'static str)>,
}

/// A path from the root, with `/`.
pub(super) fn from_root(root: &Path, path: &Path) -> String {
    paths::relative(path, root)
}

/// Looks for inventories in the root and in every folder on the way to a stack file.
pub(super) fn inventories<'s>(root: &Path, stacks: impl Iterator<Item = &'s Path>) -> Looked {
    let stacks: BTreeSet<&Path> = stacks.collect();
    let above = stacks.iter().flat_map(|path| path.ancestors().skip(1));
    let mut folders: BTreeSet<&Path> = above.filter(|folder| folder.starts_with(root)).collect();
    folders.insert(root);
    let mut places: BTreeMap<PathBuf, Place> = BTreeMap::new();
    for folder in folders {
        for name in FALLBACK_NAMES.iter().chain(&NAMES) {
            let place = Place { base: folder.to_path_buf(), below: None, by_name: true };
            places.insert(folder.join(name), place);
        }
        let mut files = Vec::new();
        let secrets = folder.join("secrets");
        files_below(&secrets, DEEPEST, &mut files);
        for file in files {
            let below = file.strip_prefix(&secrets).map(Path::to_path_buf).ok();
            places.entry(file).or_insert(Place { base: folder.to_path_buf(), below, by_name: false });
        }
        if is_file(&folder.join(".sops.yaml")) {
            for file in encrypted_below(folder, root) {
                let below = file.strip_prefix(folder).map(Path::to_path_buf).ok();
                places.entry(file).or_insert(Place { base: folder.to_path_buf(), below, by_name: false });
            }
        }
    }
    let mut looked = Looked { found: Vec::new(), passed_over: Vec::new() };
    for (path, place) in places {
        // A config can only name what is UTF-8.
        if !is_file(&path) || stacks.contains(path.as_path()) || path.to_str().is_none() {
            continue;
        }
        match kind_of(&path, place.by_name) {
            Ok(kind) => {
                let called = place.called(&path);
                let wanted = place.name(root, &path);
                let taken = |name: &str| looked.found.iter().any(|found: &Found| found.name == name);
                let numbered = (2..).map(|number| format!("{wanted}-{number}"));
                let name =
                    std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or_default();
                looked.found.push(Found { name, path: from_root(root, &path), kind, base: place.base, called });
            }
            Err(why) => looked.passed_over.push((from_root(root, &path), why)),
        }
    }
    looked
}

/// Where a file stands that may be an inventory.
struct Place {
    base: PathBuf,
    /// Its path below `secrets`.
    below: Option<PathBuf>,
    /// Whether its name alone makes it one.
    by_name: bool,
}

impl Place {
    /// The words of its name: the folders below `secrets`, and the stem.
    fn words(&self, path: &Path) -> Vec<String> {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = [".sops", ".inventory", ".enc"].iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(&stem);
        let folders = self.below.as_deref().and_then(Path::parent).into_iter().flat_map(Path::components);
        let folders = folders.map(|part| part.as_os_str().to_string_lossy().into_owned());
        folders.chain([stem.to_owned()]).collect()
    }

    fn called(&self, path: &Path) -> Vec<String> {
        if self.below.is_some() { self.words(path) } else { Vec::new() }
    }

    fn name(&self, root: &Path, path: &Path) -> String {
        let above = self.base.strip_prefix(root).into_iter().flat_map(Path::components);
        let above = above.map(|part| part.as_os_str().to_string_lossy().into_owned());
        let words: Vec<String> = above.chain(self.words(path)).collect();
        let bare = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        let name: String = words.join("-").chars().map(bare).take(100).collect();
        if name.trim_matches('-').is_empty() { "secrets".to_owned() } else { name }
    }
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn files_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let is_folder = folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    if depth == 0 || !is_folder {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if files.len() < MOST && Syntax::of_path(&path).is_some() && is_file(&path) {
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
        never_below: None,
        roots: vec![paths::real(root)],
    };
    let selection = Selection { folders: vec![folder.to_path_buf()], ..Selection::default() };
    let files = Mutex::new(Vec::new());
    search.run(&selection, || {
        let files = &files;
        move |candidate| {
            let has = |bytes: &[u8], word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
            let bytes = files::read(&candidate.path, LARGEST);
            if bytes.is_ok_and(|bytes| has(&bytes, "sops") && has(&bytes, "ENC[")) {
                files.lock().unwrap_or_else(PoisonError::into_inner).push(candidate.path);
            }
        }
    });
    files.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What an inventory is, or why a file is none.
fn kind_of(path: &Path, by_name: bool) -> Result<FoundKind, &'static str> {
    let syntax = Syntax::of_path(path).ok_or("its ending tells no format")?;
    let bytes = files::read(path, LARGEST).map_err(|_| "it cannot be read")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
    let source = Arc::new(SourceFile::new(String::new(), text));
    let document = Document::parse(source, syntax).map_err(|_| "it does not parse")?;
    let other = "it has not the form of an inventory";
    let root = match document.roots() {
        [] if by_name => return Ok(FoundKind::Names),
        [root] => *root,
        _ => return Err(other),
    };
    if by_name && document.scalar(root).is_some_and(|scalar| scalar.ty == ScalarType::Null) {
        return Ok(FoundKind::Names);
    }
    let entries = document.entries(root).ok_or(other)?;
    let is_map = |value: NodeId| document.entries(value).is_some();
    if syntax != Syntax::Toml && document.get(root, "sops").is_some_and(|(_, value)| is_map(value)) {
        return Ok(FoundKind::Sops);
    }
    let is_scalar = |node: NodeId| document.scalar(node).is_some();
    let is_secret = |value: NodeId| match (document.items(value), document.entries(value)) {
        (Some(keys), _) => keys.iter().all(|&key| is_scalar(key)),
        (None, Some(entries)) => entries.iter().all(|&(key, value)| is_scalar(value) || document.is_merge_key(key)),
        (None, None) => false,
    };
    let fits = entries.iter().all(|&(_, value)| is_secret(value)) && (by_name || !entries.is_empty());
    if !fits || stack::shape(&document).is_some() {
        return Err(other);
    }
    let is_zenml = |&(_, value): &(NodeId, NodeId)| document.get(value, "zenml_schema_name").is_some();
    let has_values =
        |&(_, value): &(NodeId, NodeId)| document.entries(value).is_some_and(|entries| !entries.is_empty());
    Ok(if entries.iter().any(is_zenml) {
        FoundKind::Zenml
    } else if entries.iter().any(has_values) {
        FoundKind::Values
    } else {
        FoundKind::Names
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
