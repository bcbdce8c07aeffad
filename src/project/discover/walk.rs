//! Walks folders in parallel and respects the ignore files in them.
//!
//! Ignore files above the root of a repository have no effect, so that the same tree gives the same
//! result on every machine. An ignore file that must not be opened, such as a pipe, is reported,
//! and its folder is skipped. Which files of a walk are candidates is decided in [`super`].

use super::{Search, SkippedFiles};
use crate::diagnostics::error::{Failure, io_message};
use crate::project::repository;
use crate::system::files;
use crate::system::parallel;
use crate::system::paths;
use crate::text::escape::escape_control;
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The names of ignore files. If both are in one folder, the later one wins.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// The largest tree, in entries, that is walked on one thread. More threads would find nothing to
/// do and take time to stop.
const SMALL_TREE_ENTRIES: usize = 32;

/// Folders below one root that are walked together.
#[derive(Default)]
struct Tree {
    /// The folders as they were named.
    folders: Vec<PathBuf>,
    /// The same folders without links.
    resolved: Vec<PathBuf>,
    /// Whether these folders were named but not reached from the root, since an ignore file matches
    /// them.
    is_retry: bool,
}

impl Search<'_> {
    /// Walks folders on all processors, with one visitor for each thread.
    pub(super) fn walk<V: FnMut(&DirEntry) -> WalkState + Send>(
        &self,
        folders: &[PathBuf],
        skipped: &mut SkippedFiles,
        make: impl Fn() -> V + Sync,
    ) {
        let mut trees: BTreeMap<PathBuf, Tree> = BTreeMap::new();
        for folder in folders {
            let resolved = paths::canonicalize_existing(folder);
            let tree = trees.entry(self.root_of(&resolved)).or_default();
            tree.folders.push(folder.clone());
            tree.resolved.push(resolved);
        }
        for (root, tree) in trees {
            if let Err(failure) = self.walk_tree_completely(&root, &tree, skipped, &make) {
                skipped.failures.push(failure);
            }
        }
    }

    /// Walks a tree, and then the folders in it that the first walk did not reach.
    fn walk_tree_completely<V: FnMut(&DirEntry) -> WalkState + Send>(
        &self,
        root: &Path,
        tree: &Tree,
        skipped: &mut SkippedFiles,
        make: &(impl Fn() -> V + Sync),
    ) -> Result<(), Failure> {
        let unreached = self.walk_tree(root, tree, skipped, make)?;
        if !unreached.is_empty() {
            let rest = Tree {
                folders: unreached.clone(),
                resolved: unreached,
                is_retry: true,
            };
            self.walk_tree(root, &rest, skipped, make)?;
        }
        Ok(())
    }

    /// Walks the folders of a tree. Returns those that were not reached.
    fn walk_tree<V: FnMut(&DirEntry) -> WalkState + Send>(
        &self,
        root: &Path,
        tree: &Tree,
        skipped: &mut SkippedFiles,
        make: &(impl Fn() -> V + Sync),
    ) -> Result<Vec<PathBuf>, Failure> {
        let plan = WalkPlan::new(root, tree)?;
        let mut builder = self.walk_builder(root, tree, &plan)?;
        let record = Arc::new(WalkRecord::default());
        let filter = EntryFilter {
            record: Arc::clone(&record),
            root: root.to_path_buf(),
            output_folder: self.output_folder.clone(),
            starts: plan.from_root.then(|| tree.folders.clone()),
        };
        builder.filter_entry(move |entry| filter.accepts(entry));
        let from_root = plan.from_root;
        builder.build_parallel().run(|| {
            let mut visit = make();
            let record = &record;
            Box::new(move |entry| match entry {
                Ok(entry) if from_root && !record.reach(&entry, tree) => WalkState::Continue,
                Ok(entry) => visit(&entry),
                Err(error) => {
                    record.add_failure(walk_failure(&error));
                    WalkState::Continue
                }
            })
        });
        let reached = record.finish(skipped);
        let unreached = tree
            .resolved
            .iter()
            .filter(|folder| from_root && !reached.contains(*folder));
        Ok(unreached.cloned().collect())
    }

    /// Prepares a walk without its filter.
    fn walk_builder(
        &self,
        root: &Path,
        tree: &Tree,
        plan: &WalkPlan,
    ) -> Result<WalkBuilder, Failure> {
        let mut builder = if plan.from_root {
            WalkBuilder::new(root)
        } else {
            WalkBuilder::from_iter(&tree.folders)
        };
        builder
            .hidden(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .follow_links(false);
        if plan.is_shadowed {
            builder.parents(false).ignore(false).git_ignore(false);
            for name in IGNORE_FILES {
                builder.add_custom_ignore_filename(name);
            }
        }
        let is_repository = self.roots.iter().any(|known| known == root);
        let exclude = if is_repository {
            repository::exclude_file(root)
        } else {
            Ok(None)
        };
        if let Some(file) =
            exclude.map_err(|error| ignore_file_failure(root, ".git/info/exclude", &error))?
        {
            // The walker skips an invalid glob in the file, as git does.
            let _ = builder.current_dir(root).add_ignore(file);
        }
        builder.threads(if is_small(&tree.folders) {
            1
        } else {
            parallel::processors()
        });
        Ok(builder)
    }

    /// Returns the folder whose ignore files apply to a folder without links: the root of its
    /// repository. Outside a repository, that is the folder of its config, or the folder itself.
    fn root_of(&self, folder: &Path) -> PathBuf {
        let roots = self.roots.iter().filter(|root| folder.starts_with(root));
        if let Some(root) = roots.max_by_key(|root| root.as_os_str().len()) {
            return root.clone();
        }
        let config_folder = paths::canonicalize_existing(&self.configs.for_folder(folder).folder);
        if folder.starts_with(&config_folder) {
            config_folder
        } else {
            folder.to_path_buf()
        }
    }
}

/// How a tree is walked, depending on the ignore files above its folders.
struct WalkPlan {
    /// Whether there are ignore files above the root, which must have no effect.
    is_shadowed: bool,
    /// Whether the walk starts at the root instead of at the folders.
    from_root: bool,
}

impl WalkPlan {
    fn new(root: &Path, tree: &Tree) -> Result<Self, Failure> {
        let ancestors: BTreeSet<&Path> = tree
            .resolved
            .iter()
            .flat_map(|folder| folder.ancestors())
            .collect();
        let (inside, outside): (Vec<&Path>, Vec<&Path>) = ancestors
            .into_iter()
            .partition(|folder| folder.starts_with(root));
        if let Some(failure) = inside
            .iter()
            .find_map(|folder| unreadable_ignore_file(folder, root))
        {
            return Err(failure);
        }
        let is_shadowed = outside.iter().any(|folder| has_ignore_file(folder));
        let mut between = inside.iter().filter(|folder| {
            !tree
                .resolved
                .iter()
                .any(|start| start.as_path() == **folder)
        });
        // The walker reads either all ignore files above a folder or none of them. If some of them
        // must have no effect and others must, the walk starts at the root.
        let from_root = is_shadowed
            && !tree.is_retry
            && tree.resolved == tree.folders
            && between.any(|folder| has_ignore_file(folder));
        Ok(Self {
            is_shadowed,
            from_root,
        })
    }
}

/// The results of a walk, collected from all threads.
#[derive(Default)]
struct WalkRecord {
    failures: Mutex<Vec<Failure>>,
    /// The folders that contain staging folders.
    staging: Mutex<BTreeSet<PathBuf>>,
    /// The folders of the tree that a walk from the root has reached.
    reached: Mutex<BTreeSet<PathBuf>>,
}

impl WalkRecord {
    fn add_failure(&self, failure: Failure) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(failure);
    }

    /// Records an entry of a walk from the root. Returns whether the entry is in a folder of the
    /// tree.
    fn reach(&self, entry: &DirEntry, tree: &Tree) -> bool {
        if let Some(start) = tree.folders.iter().find(|start| *start == entry.path()) {
            self.reached
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(start.clone());
        }
        tree.folders
            .iter()
            .any(|start| entry.path().starts_with(start))
    }

    /// Moves the failures and the staging folders to `skipped`. Returns the folders that were
    /// reached.
    fn finish(&self, skipped: &mut SkippedFiles) -> BTreeSet<PathBuf> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        // The threads finish in any order.
        failures.sort_by_key(ToString::to_string);
        skipped.failures.append(&mut failures);
        skipped
            .staging
            .append(&mut self.staging.lock().unwrap_or_else(PoisonError::into_inner));
        std::mem::take(&mut self.reached.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Decides which entries a walk enters or visits. It is called before the walker opens the ignore
/// files of a folder, since opening a pipe or a device would block.
struct EntryFilter {
    record: Arc<WalkRecord>,
    root: PathBuf,
    output_folder: Option<PathBuf>,
    /// The folders of the tree, if the walk starts at the root.
    starts: Option<Vec<PathBuf>>,
}

impl EntryFilter {
    fn accepts(&self, entry: &DirEntry) -> bool {
        let name = paths::file_name(entry.path()).unwrap_or(entry.path().as_os_str());
        if paths::is_staging(name) {
            let folder = entry.path().parent().map(Path::to_path_buf);
            self.record
                .staging
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(folder);
            return false;
        }
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if is_folder && self.is_output_folder(entry.path()) {
            return false;
        }
        if let Some(starts) = &self.starts
            && !starts
                .iter()
                .any(|start| entry.path().starts_with(start) || start.starts_with(entry.path()))
        {
            return false;
        }
        if let Some(failure) = is_folder
            .then(|| unreadable_ignore_file(entry.path(), &self.root))
            .flatten()
        {
            self.record.add_failure(failure);
            return false;
        }
        name != ".git"
    }

    fn is_output_folder(&self, path: &Path) -> bool {
        self.output_folder
            .as_ref()
            .is_some_and(|folder| folder.as_os_str() == path.as_os_str())
    }
}

/// Returns whether folders contain at most [`SMALL_TREE_ENTRIES`] entries. Reads no more than that.
fn is_small(folders: &[PathBuf]) -> bool {
    let mut open = folders.to_vec();
    let mut seen = 0;
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            seen += 1;
            if seen > SMALL_TREE_ENTRIES {
                return false;
            }
            if entry.file_name() != ".git" && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
        }
    }
    true
}

fn has_ignore_file(folder: &Path) -> bool {
    IGNORE_FILES.iter().any(|name| {
        folder
            .join(name)
            .symlink_metadata()
            .is_ok_and(|file| !file.is_dir())
    })
}

/// Returns the failure of a folder with an ignore file that must not be opened, or `None`.
fn unreadable_ignore_file(folder: &Path, root: &Path) -> Option<Failure> {
    IGNORE_FILES.into_iter().find_map(|name| {
        let error =
            files::check_discovered(&folder.join(name), root, files::MAX_IGNORE_FILE).err()?;
        Some(ignore_file_failure(folder, name, &error))
    })
}

fn ignore_file_failure(folder: &Path, file: &str, error: &io::Error) -> Failure {
    let shown = escape_control(&folder.display().to_string());
    Failure::usage(format!(
        "cannot search `{shown}`: cannot read its `{file}`: {}",
        io_message(error)
    ))
    .with_help("replace it with a regular file in the repository, or remove it")
}

fn walk_failure(error: &ignore::Error) -> Failure {
    let path = failed_path(error).map_or_else(String::new, |path| format!(" `{}`", path.display()));
    match error.io_error() {
        Some(io) => Failure::usage(format!("cannot read{path}: {}", io_message(io))),
        None => Failure::usage(format!("cannot read{path}: {error}")),
    }
}

fn failed_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            failed_path(err)
        }
        _ => None,
    }
}
