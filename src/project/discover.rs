//! Which files to look at: paths, globs and ignore files to candidates, and what was passed over and why.
//!
//! Three ways lead to being a stack file: a glob of `[files] include`; without one, the shape or the name
//! `*.stack.{yaml,yml,toml,json}`; and being named as an argument. Excludes win over all of them. Whether a file has the
//! shape is not known here: such a candidate carries no reason yet. What a glob of `[files] scripts` matches is a script
//! besides, of which that is the last thing that is asked.
//!
//! A walk respects `.gitignore`, `.ignore` and the repository's `.git/info/exclude`, in git repositories and outside them, but
//! neither the user's own global ignores nor ignore files above the repository's root: the same tree gives the same answer on
//! every machine. It enters hidden folders, never `.git`, and does not follow symbolic links; a link that is named is followed.

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::document::Syntax;
use crate::project::config::{Config, FALLBACK_NAMES, FILE_NAME};
use crate::project::configs::{Configs, Cursor};
use crate::project::repository;
use crate::system::files;
use crate::system::parallel;
use crate::system::paths;
use crate::text::nearest::nearest_path;
use crate::zenml::keywords::FileKind;
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a file is a stack file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchReason {
    /// It was named as an argument, or read from standard input.
    Argument,
    /// A glob of `[files] include` matches.
    IncludeGlob(String),
    /// Its name ends in `.stack.yaml` or the like.
    FileName,
    /// It has one of the shapes that `ZenML` writes.
    Contents(FileKind),
    /// A glob of `[files] scripts` matches.
    ScriptGlob(String),
}

impl std::fmt::Display for MatchReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument => f.write_str("named as an argument"),
            Self::IncludeGlob(glob) => write!(f, "matches the include `{glob}`"),
            Self::FileName => f.write_str("its name ends in `.stack` and a known ending"),
            Self::Contents(shape) => write!(f, "has the shape of {shape}"),
            Self::ScriptGlob(glob) => write!(f, "a script with `zenml` commands: matches `{glob}` of `scripts`"),
        }
    }
}

/// A file to read.
#[derive(Debug)]
pub struct Candidate {
    /// Absolute.
    pub path: PathBuf,
    /// By its ending.
    pub syntax: Syntax,
    /// Why it is a stack file; nothing where only its content can tell.
    pub reason: Option<MatchReason>,
}

/// What the arguments ask for, all paths absolute.
#[derive(Debug, Default)]
pub struct Selection {
    /// Folders to walk.
    pub folders: Vec<PathBuf>,
    /// Files named as arguments.
    pub files: Vec<PathBuf>,
    /// Files named as arguments that have the ending of no stack file, each as it was given: scripts, or mistakes.
    pub unrecognized: Vec<(PathBuf, String)>,
    /// Files from a list that a tool made.
    pub listed_files: Vec<PathBuf>,
    /// Arguments that cannot be looked at: the others are, all the same.
    pub failures: Vec<Failure>,
}

/// What was passed over.
#[derive(Debug, Default)]
pub struct SkippedFiles {
    /// Named or listed files that an exclude matches, and which.
    pub excluded: Vec<(PathBuf, String)>,
    /// How many listed files are no stack files, or not there.
    pub count: usize,
    /// Files and folders that could not be read.
    pub failures: Vec<Failure>,
    /// Folders that contain staging folders.
    pub staging: BTreeSet<PathBuf>,
}

impl Selection {
    /// Sorts arguments into folders, files, and those that cannot be looked at: a path that does not exist, that is neither
    /// file nor folder, or that has the ending of no stack file.
    pub fn from_arguments(paths: &[PathBuf], cwd: &Path, lists_are_tools: bool) -> Self {
        let mut selection = Self::default();
        for given in paths {
            let path = paths::absolute(given, cwd);
            let metadata = std::fs::metadata(&path);
            if metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
                selection.folders.push(path);
            } else if lists_are_tools {
                selection.listed_files.push(path);
            } else if let Some(failure) = argument_failure(given, cwd, metadata) {
                selection.failures.push(failure);
            } else if Syntax::from_path(&path).is_none() {
                selection.unrecognized.push((path, escape_control(&given.to_string_lossy())));
            } else {
                selection.files.push(path);
            }
        }
        selection
    }

    /// Tells the scripts from the mistakes among the files of other endings, once the globs are known.
    pub fn resolve_scripts(&mut self, search: &Search<'_>) {
        for (path, shown) in std::mem::take(&mut self.unrecognized) {
            let config = search.configs.for_file(&path);
            if search.script_candidate(&config, &path, &[]).is_some() {
                self.files.push(path);
            } else {
                let failure = Failure::usage(format!("`{shown}` is no stack file by its ending"));
                let known = "stack files end in .yaml, .yml, .toml or .json; others are read as scripts, where `[files] scripts` names them";
                let has_globs = search.scripts && !config.scripts.is_empty();
                let more = if has_globs { "; for others a glob of `[files] scripts` has to match" } else { "" };
                self.failures.push(failure.with_help(format!("{known}{more}")));
            }
        }
    }

    /// Whether a walk covers a whole folder.
    pub fn covers(&self, folder: &Path) -> bool {
        self.folders.iter().any(|walked| folder.starts_with(walked))
    }
}

/// Entries up to which one thread walks folders: another would find nothing to do, and what ends late is its waiting.
const SMALL_TREE_ENTRIES: usize = 32;

/// Whether there are few entries below folders, as far as a look at no more than those tells.
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

/// The names of ignore files. In one folder the later one wins.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// Returns why a folder cannot be walked: an ignore file in it must not be read.
fn unreadable_ignore_file(folder: &Path, root: &Path) -> Option<Failure> {
    IGNORE_FILES.into_iter().find_map(|name| {
        let error = files::check_discovered(&folder.join(name), root, files::MAX_IGNORE_FILE).err()?;
        Some(walk_error(folder, name, &error))
    })
}

fn walk_error(folder: &Path, file: &str, error: &io::Error) -> Failure {
    let shown = escape_control(&folder.display().to_string());
    Failure::usage(format!("cannot walk `{shown}`: cannot read the `{file}` in it: {}", io_message(error)))
        .with_help("let it be a file of the repository, or remove it")
}

/// Why a file that was named cannot be looked at.
fn argument_failure(given: &Path, cwd: &Path, metadata: std::io::Result<std::fs::Metadata>) -> Option<Failure> {
    let shown = escape_control(&given.to_string_lossy());
    match metadata {
        Err(error) => {
            let failure = Failure::usage(format!("cannot open `{shown}`: {}", io_message(&error)));
            let suggestion = nearest_path(given, cwd);
            Some(failure.with_help_if(suggestion.map(|suggestion| format!("did you mean `{}`?", suggestion.display()))))
        }
        Ok(metadata) if !metadata.is_file() => Some(
            Failure::usage(format!("`{shown}` is neither a file nor a folder"))
                .with_help("use `-` to read standard input"),
        ),
        Ok(_) => None,
    }
}

/// The rules of one search.
pub struct Search<'c> {
    /// Each file is searched with its own globs.
    pub configs: &'c Configs,
    /// Whether scripts are searched for.
    pub scripts: bool,
    /// `--no-exclude`.
    pub no_exclude: bool,
    /// The folders with an inventory file that needs no config, besides those of the configs.
    pub inventory_folders: Vec<PathBuf>,
    /// The folder that a run writes to, which contains no stack files.
    pub output_folder: Option<PathBuf>,
    /// The roots of the repositories that are searched, without links. Ignore files above them do not count.
    pub roots: Vec<PathBuf>,
}

impl Search<'_> {
    /// Calls a visitor for every candidate, from several threads; `make` builds one for each. The order is not fixed.
    pub fn run<V: FnMut(Candidate) + Send>(&self, selection: &Selection, make: impl Fn() -> V + Sync) -> SkippedFiles {
        let mut skipped = SkippedFiles { failures: selection.failures.clone(), ..SkippedFiles::default() };
        let mut visit = make();
        for path in &selection.files {
            match self.matching_exclude(path) {
                Some(glob) => skipped.excluded.push((path.clone(), glob)),
                None => match Syntax::from_path(path) {
                    Some(syntax) => {
                        visit(Candidate { path: path.clone(), syntax, reason: Some(MatchReason::Argument) })
                    }
                    None => {
                        self.script_candidate(&self.configs.for_file(path), path, &[]).into_iter().for_each(&mut visit)
                    }
                },
            }
        }
        for path in &selection.listed_files {
            if let Some(glob) = self.matching_exclude(path) {
                skipped.excluded.push((path.clone(), glob));
            } else if is_unlinked_file(path) {
                self.candidates(&self.configs.for_file(path), path, &[]).for_each(&mut visit);
            }
        }
        drop(visit);
        let mut folders = Vec::new();
        for folder in &selection.folders {
            match self.matching_exclude(folder) {
                Some(glob) => skipped.excluded.push((folder.clone(), glob)),
                None => folders.push(folder.clone()),
            }
        }
        self.walk(&folders, &mut skipped, || {
            let (mut visit, mut cursor) = (make(), Cursor::for_files(self.configs));
            let folders = &folders;
            move |entry: &DirEntry| {
                let kind = entry.file_type();
                let (is_folder, is_file) =
                    (kind.is_some_and(|kind| kind.is_dir()), kind.is_some_and(|kind| kind.is_file()));
                // The name first: a path is costly to take apart, and most of a tree is told by its names.
                let may_be_ours = self.scripts || Syntax::from_path(Path::new(entry.file_name())).is_some();
                // What lies above the folder of an argument does not decide about it.
                let is_argument = entry.depth() == 0;
                if is_argument || !(is_folder || is_file && may_be_ours) {
                    return WalkState::Continue;
                }
                let config = cursor.get(entry.path());
                let is_inventory = is_folder && config.has_inventory_at(entry.path());
                if is_inventory || self.excluded_by(config, entry.path()).is_some() {
                    return WalkState::Skip;
                }
                if is_file {
                    self.candidates(config, entry.path(), folders).for_each(&mut visit);
                }
                WalkState::Continue
            }
        });
        skipped
    }

    /// Finds the configs in a folder that are not ignored, so that all of them are known. A folder that cannot be walked has none:
    /// a check of it reports why.
    pub fn find_configs(&self, folder: &Path) {
        self.walk(&[folder.to_path_buf()], &mut SkippedFiles::default(), || {
            |entry: &DirEntry| {
                if entry.file_name() == FILE_NAME {
                    self.configs.for_file(entry.path());
                }
                WalkState::Continue
            }
        });
    }

    /// Calls a visitor for every file of a selection that is not ignored, and for those of `also`, whatever the excludes say. It
    /// leaves out the inventories of all configs that are known by now.
    pub fn walk_text_files<V: FnMut(&Path) + Send>(
        &self,
        selection: &Selection,
        also: &BTreeSet<PathBuf>,
        make: impl Fn() -> V + Sync,
    ) -> SkippedFiles {
        let mut skipped = SkippedFiles::default();
        let mut visit = make();
        let listed = selection.listed_files.iter().filter(|path| is_unlinked_file(path));
        let also = selection.files.iter().chain(listed).chain(also);
        let also: BTreeSet<&Path> = also.map(PathBuf::as_path).collect();
        let configs = self.configs.known_configs();
        for path in also.iter().filter(|path| !self.is_inventory_of(&configs, path) && path.is_file()) {
            visit(path);
        }
        drop(visit);
        self.walk(&selection.folders, &mut skipped, || {
            let mut visit = make();
            let (also, configs) = (&also, &configs);
            move |entry: &DirEntry| {
                let path = entry.path();
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file && !self.is_inventory_of(configs, path) && (also.is_empty() || !also.contains(path)) {
                    visit(path);
                }
                WalkState::Continue
            }
        });
        skipped
    }

    /// The folder whose ignore files count for a folder, without links: the root of its repository, outside of one that of the
    /// config or the folder itself.
    fn root_of(&self, folder: &Path) -> PathBuf {
        let around = |root: &&PathBuf| folder.starts_with(root);
        let root = self.roots.iter().filter(around).max_by_key(|root| root.as_os_str().len());
        let config = || {
            Some(paths::canonicalize_existing(&self.configs.for_folder(folder).folder))
                .filter(|root| folder.starts_with(root))
        };
        root.cloned().or_else(config).unwrap_or_else(|| folder.to_path_buf())
    }

    /// Walks folders on all cores, with a visitor for each thread.
    fn walk<V: FnMut(&DirEntry) -> WalkState + Send>(
        &self,
        folders: &[PathBuf],
        skipped: &mut SkippedFiles,
        make: impl Fn() -> V + Sync,
    ) {
        let mut trees: BTreeMap<PathBuf, Tree> = BTreeMap::new();
        for folder in folders {
            let real = paths::canonicalize_existing(folder);
            let root = self.root_of(&real);
            let tree = trees.entry(root).or_default();
            tree.folders.push(folder.clone());
            tree.real.push(real);
        }
        for (root, tree) in trees {
            if let Err(failure) = self.walk_tree(&root, tree, skipped, &make) {
                skipped.failures.push(failure);
            }
        }
    }

    /// Walks folders below one root.
    fn walk_tree<V: FnMut(&DirEntry) -> WalkState + Send>(
        &self,
        root: &Path,
        tree: Tree,
        skipped: &mut SkippedFiles,
        make: impl Fn() -> V + Sync,
    ) -> Result<(), Failure> {
        let above_folders: BTreeSet<&Path> = tree.real.iter().flat_map(|folder| folder.ancestors()).collect();
        let (inside, outside): (Vec<&Path>, Vec<&Path>) =
            above_folders.into_iter().partition(|folder| folder.starts_with(root));
        if let Some(failure) = inside.iter().find_map(|folder| unreadable_ignore_file(folder, root)) {
            return Err(failure);
        }
        let has_ignore_file = |folder: &&Path| {
            IGNORE_FILES.iter().any(|name| folder.join(name).symlink_metadata().is_ok_and(|file| !file.is_dir()))
        };
        let starts = |folder: &&Path| tree.real.iter().any(|start| start == folder);
        let is_shadowed = outside.iter().any(has_ignore_file);
        // The walker reads all ignore files above a folder, or none. So below some that do not count it starts at the root.
        let from_root = is_shadowed
            && !tree.is_rest
            && tree.real == tree.folders
            && inside.iter().filter(|folder| !starts(folder)).any(has_ignore_file);
        let mut builder = if from_root { WalkBuilder::new(root) } else { WalkBuilder::from_iter(&tree.folders) };
        builder.hidden(false).git_global(false).git_exclude(false).require_git(false).follow_links(false);
        if is_shadowed {
            builder.parents(false).ignore(false).git_ignore(false);
            for name in IGNORE_FILES {
                builder.add_custom_ignore_filename(name);
            }
        }
        let is_repository = self.roots.iter().any(|known| known == root);
        let exclude = if is_repository { repository::exclude_file(root) } else { Ok(None) };
        if let Some(file) = exclude.map_err(|error| walk_error(root, ".git/info/exclude", &error))? {
            // What the walker cannot read in it, as a glob that is none, git does not read, either.
            let _ = builder.current_dir(root).add_ignore(file);
        }
        builder.threads(if is_small(&tree.folders) { 1 } else { parallel::processors() });
        // Asked before the walker opens the ignore files of a folder: a pipe would be waited for, a device read for ever.
        let failures = Arc::new(Mutex::new(Vec::new()));
        let walk_failures = Arc::clone(&failures);
        let staging = Arc::new(Mutex::new(BTreeSet::new()));
        let with_staging = Arc::clone(&staging);
        let never_below = self.output_folder.clone();
        let within = root.to_path_buf();
        let starts = from_root.then(|| tree.folders.clone());
        builder.filter_entry(move |entry| {
            if paths::is_staging(entry.file_name()) {
                let folder = entry.path().parent().map(Path::to_path_buf);
                with_staging.lock().unwrap_or_else(PoisonError::into_inner).extend(folder);
                return false;
            }
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if is_folder && never_below.as_ref().is_some_and(|folder| folder.as_os_str() == entry.path().as_os_str()) {
                return false;
            }
            if let Some(starts) = &starts
                && !starts.iter().any(|start| is_on_the_way(entry.path(), start))
            {
                return false;
            }
            let failure = if is_folder { unreadable_ignore_file(entry.path(), &within) } else { None };
            let enter = failure.is_none() && entry.file_name() != ".git";
            walk_failures.lock().unwrap_or_else(PoisonError::into_inner).extend(failure);
            enter
        });
        let reached = Mutex::new(BTreeSet::new());
        builder.build_parallel().run(|| {
            let mut visit = make();
            let (failures, tree, reached) = (&failures, &tree, &reached);
            Box::new(move |entry| match entry {
                Ok(entry) if !from_root => visit(&entry),
                Ok(entry) => {
                    if let Some(start) = tree.folders.iter().find(|start| *start == entry.path()) {
                        reached.lock().unwrap_or_else(PoisonError::into_inner).insert(start.clone());
                    }
                    let is_asked = tree.folders.iter().any(|start| entry.path().starts_with(start));
                    if is_asked { visit(&entry) } else { WalkState::Continue }
                }
                Err(error) => {
                    failures.lock().unwrap_or_else(PoisonError::into_inner).push(walk_failure(&error));
                    WalkState::Continue
                }
            })
        });
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(ToString::to_string);
        skipped.failures.append(&mut failures);
        skipped.staging.append(&mut staging.lock().unwrap_or_else(PoisonError::into_inner));
        let reached = reached.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rest: Vec<PathBuf> =
            tree.real.into_iter().filter(|folder| from_root && !reached.contains(folder)).collect();
        if rest.is_empty() {
            return Ok(());
        }
        self.walk_tree(root, Tree { folders: rest.clone(), real: rest, is_rest: true }, skipped, make)
    }

    /// What a file may be: a candidate by ways 1 and 2, and a script. What is a stack file is then no script.
    pub fn candidates(
        &self,
        config: &Config,
        path: &Path,
        roots: &[PathBuf],
    ) -> impl Iterator<Item = Candidate> + use<> {
        self.candidate(config, path, roots).into_iter().chain(self.script_candidate(config, path, roots))
    }

    /// A script, if a glob says so.
    fn script_candidate(&self, config: &Config, path: &Path, roots: &[PathBuf]) -> Option<Candidate> {
        if !self.scripts || config.scripts.is_empty() {
            return None;
        }
        let glob = config.scripts.first_match(config.relative(path))?.to_owned();
        let fits = !self.is_never_searched(config, path) && !is_in_template(path, roots);
        fits.then(|| Candidate {
            path: path.to_path_buf(),
            syntax: Syntax::Script,
            reason: Some(MatchReason::ScriptGlob(glob)),
        })
    }

    /// A candidate by ways 1 and 2, if it is one.
    fn candidate(&self, config: &Config, path: &Path, roots: &[PathBuf]) -> Option<Candidate> {
        let syntax = Syntax::from_path(path)?;
        if self.is_never_searched(config, path) {
            return None;
        }
        let reason = match &config.include {
            Some(include) => Some(MatchReason::IncludeGlob(include.first_match(config.relative(path))?.to_owned())),
            // A folder with braces in its name is the template of a project (cookiecutter, copier), not a project.
            None if is_in_template(path, roots) => return None,
            None => is_named_as_stack(path).then_some(MatchReason::FileName),
        };
        Some(Candidate { path: path.to_path_buf(), syntax, reason })
    }

    /// Returns whether it is what this run writes to, the config of its folder, or an inventory of that config.
    fn is_never_searched(&self, config: &Config, path: &Path) -> bool {
        let is_config = config.file.as_deref().is_some_and(|file| file.as_os_str() == path.as_os_str());
        let is_output = self.output_folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        is_config || is_output || self.is_inventory(config, path)
    }

    /// Returns whether a file is an inventory of any of some configs.
    fn is_inventory_of(&self, configs: &[Arc<Config>], path: &Path) -> bool {
        configs.iter().any(|config| self.is_inventory(config, path))
    }

    /// Returns whether a file is an inventory of a config, or the one that needs no config.
    fn is_inventory(&self, config: &Config, path: &Path) -> bool {
        let is_fallback = path.file_name().is_some_and(|name| FALLBACK_NAMES.iter().any(|known| name == *known))
            && path.parent().is_some_and(|folder| {
                folder == config.folder || self.inventory_folders.iter().any(|known| known == folder)
            });
        is_fallback || config.has_inventory_at(path)
    }

    /// Returns the exclude that matches a path or a folder above it. Of a folder that is excluded, configs in it are not read.
    pub fn matching_exclude(&self, path: &Path) -> Option<String> {
        let top = self.configs.top_of(path);
        let mut folders: Vec<&Path> = path.ancestors().take_while(|at| at.starts_with(&top) && *at != top).collect();
        folders.reverse();
        folders.into_iter().find_map(|at| {
            let config = self.configs.for_file(at);
            let is_inside = at.starts_with(&config.folder) && at != config.folder;
            self.excluded_by(&config, at).filter(|_| is_inside).map(str::to_owned)
        })
    }

    fn excluded_by<'e>(&self, config: &'e Config, path: &Path) -> Option<&'e str> {
        if self.no_exclude || config.exclude.is_empty() {
            return None;
        }
        config.exclude.first_match(config.relative(path))
    }
}

/// Folders below one root: as they are named, and without links.
#[derive(Default)]
struct Tree {
    folders: Vec<PathBuf>,
    real: Vec<PathBuf>,
    /// A walk from the root did not reach them, since they are ignored: but they were named.
    is_rest: bool,
}

/// Whether a path leads to a folder, or lies in it.
fn is_on_the_way(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) || folder.starts_with(path)
}

/// Returns whether a path that a tool listed is a regular file. A link is not followed, like in a walk: nobody chose where it
/// leads.
fn is_unlinked_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn is_named_as_stack(path: &Path) -> bool {
    let stem = path.file_stem().map(Path::new).and_then(Path::extension);
    stem.is_some_and(|ending| ending == "stack")
}

/// Whether a folder on the way from the root of the walk has braces in its name.
fn is_in_template(path: &Path, roots: &[PathBuf]) -> bool {
    let braces = |path: &Path| path.as_os_str().to_string_lossy().contains("{{");
    braces(path) && {
        let root = roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.as_os_str().len());
        braces(root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path))
    }
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
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => failed_path(err),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_known_by_its_double_ending() {
        assert!(is_named_as_stack(Path::new("a/prod.stack.yml")));
        assert!(!is_named_as_stack(Path::new("a/stack.yml")));
        assert!(is_in_template(Path::new("t/{{cookiecutter.name}}/x.yaml"), &[]));
        assert!(!is_in_template(Path::new("/t/{{x}}/x.yaml"), &[PathBuf::from("/t/{{x}}")]));
    }
}
