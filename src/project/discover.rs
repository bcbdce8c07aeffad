//! Finds the files to read: turns paths, globs and ignore files into candidates.
//!
//! A file is a stack file if one of these conditions is true:
//!
//! 1. A glob in `[files] include` matches it.
//! 2. Without `include`, its contents look like a stack. In a file named
//!    `*.stack.{yaml,yml,toml,json}`, a part of the shape is enough.
//! 3. It is named as an argument.
//!
//! Excludes always win. The contents are not read here, so a candidate may have no reason yet.
//!
//! A file that is not a stack file is a script if its name is one of [`ScriptHost`], if its first
//! line names a shell, or if a glob in `[files] scripts` matches it.
//!
//! A walk respects `.gitignore`, `.ignore` and the repository's `.git/info/exclude`, in git
//! repositories and outside them. It ignores the user's global excludes and the ignore files above
//! the repository's root. It enters hidden folders except `.git`. It does not follow links, except
//! those named as arguments.

mod selection;
mod walk;

pub use selection::{Selection, unknown_file};

use crate::diagnostics::error::Failure;
use crate::document::{ScriptHost, Syntax};
use crate::project::config::{Config, FALLBACK_NAMES, FILE_NAME};
use crate::project::configs::{Configs, Cursor};
use crate::text::source_kind::SourceKind;
use crate::zenml::keywords::FileKind;
use ignore::{DirEntry, WalkState};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The reason why a file is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchReason {
    /// It was named as an argument, or read from standard input.
    Argument,
    /// A glob in `[files] include` matches it.
    IncludeGlob(String),
    /// Its name ends with `.stack.yaml` or similar, and it has a key of a stack. The search does
    /// not read the file, so only its analysis decides whether it has such a key.
    FileName,
    /// Its contents look like a file that ZenML writes.
    Contents(FileKind),
    /// The Python file with this path passes it to a pipeline as a run config.
    PassedConfig(String),
    /// A glob in `[files] scripts` matches it.
    ScriptGlob(String),
    /// Its name or its first line is that of a file with commands.
    Script(ScriptHost),
    /// It is not a file, but a component on a server.
    Registered,
}

impl std::fmt::Display for MatchReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument => f.write_str("named as an argument"),
            Self::IncludeGlob(glob) => write!(f, "matches `{glob}` in `include`"),
            Self::FileName => f.write_str("its name ends with `.stack` and a supported extension"),
            Self::Contents(kind) => write!(f, "looks like {kind}"),
            Self::PassedConfig(code) => write!(f, "a run config: `{code}` passes its path"),
            Self::ScriptGlob(glob) => write!(
                f,
                "a script with `zenml` commands: matches `{glob}` in `scripts`"
            ),
            Self::Script(host @ (ScriptHost::Python | ScriptHost::Terraform)) => {
                write!(f, "{} that uses ZenML", host.description())
            }
            Self::Script(host) => write!(f, "{} with `zenml` commands", host.description()),
            Self::Registered => f.write_str("registered on a ZenML server"),
        }
    }
}

/// A file to read.
#[derive(Debug)]
pub struct Candidate {
    /// The absolute path.
    pub path: PathBuf,
    /// The syntax that its name implies.
    pub syntax: Syntax,
    /// The reason why it is read. `None` if that depends on its contents.
    pub reason: Option<MatchReason>,
}

impl Candidate {
    /// Returns the reason, unless the contents of the file have to confirm it.
    pub fn certain_reason(&self) -> Option<&MatchReason> {
        let reason = self.reason.as_ref();
        reason.filter(|&reason| *reason != MatchReason::FileName)
    }
}

/// The files that a search skipped.
#[derive(Debug, Default)]
pub struct SkippedFiles {
    /// Named or listed files that an exclude matches, each with the glob.
    pub excluded: Vec<(PathBuf, String)>,
    /// The number of listed files that are not stack files or do not exist.
    pub count: usize,
    /// The failures of files and folders that cannot be read.
    pub failures: Vec<Failure>,
    /// Folders that contain staging folders.
    pub staging: BTreeSet<PathBuf>,
}

/// A search for candidates, with its settings.
pub struct Search<'c> {
    /// The configs, whose globs apply to the files below them.
    pub configs: &'c Configs,
    /// Whether files with commands are searched for, besides stack files.
    pub scripts: bool,
    /// Whether excludes have no effect: `--no-exclude`.
    pub no_exclude: bool,
    /// The folders with an inventory file that is used without a config, besides the folders of the
    /// configs.
    pub inventory_folders: Vec<PathBuf>,
    /// The folder that the run writes to. Files in it are skipped.
    pub output_folder: Option<PathBuf>,
    /// The roots of the repositories that are searched, without links. Ignore files above them have
    /// no effect.
    pub roots: Vec<PathBuf>,
}

impl Search<'_> {
    /// Calls a visitor for every candidate, from several threads and in any order. `make` creates
    /// the visitor of a thread.
    pub fn run<V: FnMut(Candidate) + Send>(
        &self,
        selection: &Selection,
        make: impl Fn() -> V + Sync,
    ) -> SkippedFiles {
        let mut skipped = SkippedFiles {
            failures: selection.failures.clone(),
            ..SkippedFiles::default()
        };
        self.visit_files(selection, &mut skipped, &mut make());
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
            move |entry: &DirEntry| self.visit_entry(entry, &mut cursor, folders, &mut visit)
        });
        skipped
    }

    /// Visits the files of a selection that were named or listed.
    fn visit_files(
        &self,
        selection: &Selection,
        skipped: &mut SkippedFiles,
        visit: &mut impl FnMut(Candidate),
    ) {
        for path in &selection.files {
            if let Some(glob) = self.matching_exclude(path) {
                skipped.excluded.push((path.clone(), glob));
            } else {
                // `Selection::resolve_scripts` accepts other names if the file is a script.
                let syntax = Syntax::of_named(path, self.scripts).filter(|syntax| {
                    let has_no_commands =
                        matches!(syntax, Syntax::Script(host) if !host.has_commands());
                    !has_no_commands || !self.matches_script_glob(path)
                });
                visit(Candidate {
                    path: path.clone(),
                    syntax: syntax.unwrap_or(Syntax::Script(ScriptHost::Other)),
                    reason: Some(MatchReason::Argument),
                });
            }
        }
        for path in &selection.listed_files {
            if let Some(glob) = self.matching_exclude(path) {
                skipped.excluded.push((path.clone(), glob));
            } else if is_unlinked_file(path) {
                self.candidates(&self.configs.for_file(path), path, &[])
                    .for_each(&mut *visit);
            }
        }
    }

    /// Visits the candidates of an entry in a walk. Skips inventories and excluded entries.
    fn visit_entry(
        &self,
        entry: &DirEntry,
        cursor: &mut Cursor<'_>,
        roots: &[PathBuf],
        visit: &mut impl FnMut(Candidate),
    ) -> WalkState {
        let kind = entry.file_type();
        let (is_folder, is_file) = (
            kind.is_some_and(|kind| kind.is_dir()),
            kind.is_some_and(|kind| kind.is_file()),
        );
        // The name first: splitting a path is slow, and the name decides for most entries.
        let may_be_candidate =
            self.scripts || Syntax::from_path(Path::new(entry.file_name())).is_some();
        // The config above the folder of an argument does not apply to that folder.
        let is_argument = entry.depth() == 0;
        if is_argument || !(is_folder || is_file && may_be_candidate) {
            return WalkState::Continue;
        }
        let config = cursor.get(entry.path());
        let is_inventory = is_folder && config.has_inventory_at(entry.path());
        if is_inventory || self.excluded_by(config, entry.path()).is_some() {
            return WalkState::Skip;
        }
        if is_file {
            self.candidates(config, entry.path(), roots).for_each(visit);
        }
        WalkState::Continue
    }

    /// Reads all configs in a folder that are not ignored. Errors of the walk are dropped, since a
    /// check of the folder reports them.
    pub fn find_configs(&self, folder: &Path) {
        self.walk(
            &[folder.to_path_buf()],
            &mut SkippedFiles::default(),
            || {
                |entry: &DirEntry| {
                    if entry.file_name() == FILE_NAME {
                        self.configs.for_file(entry.path());
                    }
                    WalkState::Continue
                }
            },
        );
    }

    /// Returns whether a walk of a folder does not reach an existing file in it, because ignore files
    /// or excludes match the file or a folder above it. Only the folders above the file are read.
    pub fn is_ignored(&self, folder: &Path, file: &Path) -> bool {
        if file.symlink_metadata().is_err() {
            return false;
        }
        let is_found = AtomicBool::new(false);
        self.walk(
            &[folder.to_path_buf()],
            &mut SkippedFiles::default(),
            || {
                |entry: &DirEntry| {
                    let path = entry.path();
                    if path == file {
                        is_found.store(true, Ordering::Relaxed);
                        return WalkState::Quit;
                    }
                    if entry.depth() == 0 || file.starts_with(path) {
                        WalkState::Continue
                    } else {
                        WalkState::Skip
                    }
                }
            },
        );
        !is_found.load(Ordering::Relaxed)
    }

    /// Calls a visitor for every file of a selection that is not ignored, and for the files in
    /// `also`.
    ///
    /// Excludes have no effect. The inventories of all configs that were found so far are skipped.
    pub fn walk_text_files<V: FnMut(&Path) + Send>(
        &self,
        selection: &Selection,
        also: &BTreeSet<PathBuf>,
        make: impl Fn() -> V + Sync,
    ) -> SkippedFiles {
        let mut skipped = SkippedFiles::default();
        let mut visit = make();
        let listed = selection
            .listed_files
            .iter()
            .filter(|path| is_unlinked_file(path));
        let also = selection.files.iter().chain(listed).chain(also);
        let also: BTreeSet<&Path> = also.map(PathBuf::as_path).collect();
        let configs = self.configs.known_configs();
        for path in also
            .iter()
            .filter(|path| !self.is_inventory_of(&configs, path) && path.is_file())
        {
            visit(path);
        }
        drop(visit);
        self.walk(&selection.folders, &mut skipped, || {
            let mut visit = make();
            let (also, configs) = (&also, &configs);
            move |entry: &DirEntry| {
                let path = entry.path();
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file
                    && !self.is_inventory_of(configs, path)
                    && (also.is_empty() || !also.contains(path))
                {
                    visit(path);
                }
                WalkState::Continue
            }
        });
        skipped
    }

    /// Returns the candidates of a file: as a stack file by condition 1 or 2, and as a script. The
    /// second one is used only if the file is not a stack file.
    pub fn candidates(
        &self,
        config: &Config,
        path: &Path,
        roots: &[PathBuf],
    ) -> impl Iterator<Item = Candidate> + use<> {
        self.candidate(config, path, roots)
            .into_iter()
            .chain(self.script_candidate(config, path, roots))
    }

    /// Returns a file as a script if a glob in `[files] scripts` matches it, or if its name is one
    /// of a script. Without a reason, its first line decides.
    fn script_candidate(
        &self,
        config: &Config,
        path: &Path,
        roots: &[PathBuf],
    ) -> Option<Candidate> {
        if !self.scripts {
            return None;
        }
        let host = ScriptHost::of(path);
        let glob = if config.scripts.is_empty() {
            None
        } else {
            config.scripts.first_match(config.relative(path))
        };
        let reason = match (glob, host) {
            (Some(glob), _) => Some(MatchReason::ScriptGlob(glob.to_owned())),
            (None, Some(host)) if config.reads(host.source()) => {
                (host != ScriptHost::Other).then_some(MatchReason::Script(host))
            }
            (None, _) => return None,
        };
        let is_searched = !self.is_never_searched(config, path) && !is_in_template(path, roots);
        is_searched.then(|| Candidate {
            path: path.to_path_buf(),
            // A glob selects a file for its commands.
            syntax: Syntax::Script(
                host.filter(|host| glob.is_none() || host.has_commands())
                    .unwrap_or(ScriptHost::Other),
            ),
            reason,
        })
    }

    /// Returns whether a glob in `[files] scripts` of the file's config matches it.
    fn matches_script_glob(&self, path: &Path) -> bool {
        let config = self.configs.for_file(path);
        config.scripts.first_match(config.relative(path)).is_some()
    }

    /// Returns whether a file may be a script by its name or a glob in `[files] scripts`.
    pub fn may_be_script(&self, path: &Path) -> bool {
        ScriptHost::of(path).is_some() || self.matches_script_glob(path)
    }

    /// Returns a file as a stack file if condition 1 or 2 may be true.
    fn candidate(&self, config: &Config, path: &Path, roots: &[PathBuf]) -> Option<Candidate> {
        let syntax = Syntax::from_path(path)?;
        if !config.reads(SourceKind::Stacks) || self.is_never_searched(config, path) {
            return None;
        }
        let reason = match &config.include {
            Some(include) => Some(MatchReason::IncludeGlob(
                include.first_match(config.relative(path))?.to_owned(),
            )),
            // A folder with braces in its name belongs to a project template (cookiecutter,
            // copier).
            None if is_in_template(path, roots) => return None,
            None => is_named_as_stack(path).then_some(MatchReason::FileName),
        };
        Some(Candidate {
            path: path.to_path_buf(),
            syntax,
            reason,
        })
    }

    /// Returns whether a file is an output of this run, its own config, or an inventory of that
    /// config.
    fn is_never_searched(&self, config: &Config, path: &Path) -> bool {
        let is_config = config
            .file
            .as_deref()
            .is_some_and(|file| file.as_os_str() == path.as_os_str());
        let is_output = self
            .output_folder
            .as_ref()
            .is_some_and(|folder| path.starts_with(folder));
        is_config || is_output || self.is_inventory(config, path)
    }

    /// Returns whether a file is an inventory of one of these configs.
    fn is_inventory_of(&self, configs: &[Arc<Config>], path: &Path) -> bool {
        configs.iter().any(|config| self.is_inventory(config, path))
    }

    /// Returns whether a file is an inventory of a config, or the inventory that is used without a
    /// config.
    fn is_inventory(&self, config: &Config, path: &Path) -> bool {
        let bytes = path.as_os_str().as_encoded_bytes();
        let is_fallback = FALLBACK_NAMES
            .iter()
            .any(|name| bytes.ends_with(name.as_bytes()))
            && path
                .file_name()
                .is_some_and(|name| FALLBACK_NAMES.iter().any(|known| name == *known))
            && path.parent().is_some_and(|folder| {
                folder == config.folder
                    || self.inventory_folders.iter().any(|known| known == folder)
            });
        is_fallback || config.has_inventory_at(path)
    }

    /// Returns the exclude that matches a path or a folder above it. Configs in an excluded folder
    /// are not read.
    pub fn matching_exclude(&self, path: &Path) -> Option<String> {
        let top = self.configs.top_of(path);
        let mut folders: Vec<&Path> = path
            .ancestors()
            .take_while(|at| at.starts_with(&top) && *at != top)
            .collect();
        folders.reverse();
        folders.into_iter().find_map(|at| {
            let config = self.configs.for_file(at);
            let is_inside = at.starts_with(&config.folder) && at != config.folder;
            self.excluded_by(&config, at)
                .filter(|_| is_inside)
                .map(str::to_owned)
        })
    }

    fn excluded_by<'e>(&self, config: &'e Config, path: &Path) -> Option<&'e str> {
        if self.no_exclude || config.exclude.is_empty() {
            return None;
        }
        config.exclude.first_match(config.relative(path))
    }
}

/// Returns whether a path that a tool listed is a regular file. As in a walk, links are not
/// followed: the user did not choose their targets.
fn is_unlinked_file(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file())
}

fn is_named_as_stack(path: &Path) -> bool {
    // The walk calls this for every file, and comparing the end of a path is cheaper than parsing
    // it.
    const SUFFIXES: [&[u8]; 4] = [
        b".stack.yaml",
        b".stack.yml",
        b".stack.toml",
        b".stack.json",
    ];
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_named = SUFFIXES.iter().any(|suffix| {
        let end = bytes.get(bytes.len().saturating_sub(suffix.len())..);
        end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    });
    if !is_named {
        return false;
    }
    let stem = path.file_stem().map(Path::new).and_then(Path::extension);
    stem.is_some_and(|extension| extension.eq_ignore_ascii_case("stack"))
}

/// Returns whether a folder between the root of the walk and the file has `{{` in its name.
fn is_in_template(path: &Path, roots: &[PathBuf]) -> bool {
    has_braces(path) && {
        let root = roots
            .iter()
            .filter(|root| path.starts_with(root))
            .max_by_key(|root| root.as_os_str().len());
        has_braces(
            root.and_then(|root| path.strip_prefix(root).ok())
                .unwrap_or(path),
        )
    }
}

fn has_braces(path: &Path) -> bool {
    // Most paths do not even contain one.
    let path = path.as_os_str().as_encoded_bytes();
    memchr::memchr(b'{', path)
        .is_some_and(|at| memchr::memmem::find(path.get(at..).unwrap_or_default(), b"{{").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_name_and_template_folder_are_recognized() {
        assert!(is_named_as_stack(Path::new("a/prod.stack.yml")));
        assert!(is_named_as_stack(Path::new("a/PROD.Stack.YAML")));
        assert!(!is_named_as_stack(Path::new("a/stack.yml")));
        assert!(is_in_template(
            Path::new("t/{{cookiecutter.name}}/x.yaml"),
            &[]
        ));
        assert!(!is_in_template(
            Path::new("/t/{{x}}/x.yaml"),
            &[PathBuf::from("/t/{{x}}")]
        ));
    }
}
