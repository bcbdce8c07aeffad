//! Asks the git program whether it ignores a file, and which files it tracks.
//!
//! A repository may come from an untrusted author, and its `.git/config` can name programs and
//! files. So git never reads that config. It runs in a *shadow*: a private temporary folder with a
//! config that stackref writes, and with the repository's index, objects and `info/exclude`. The
//! user's own config is used, except for settings that start programs.
//!
//! Git is looked up outside the repository, gets only the variables that it needs, and has a time
//! limit. If git fails, the result is an error and never "not ignored" or "not tracked".

mod git_program;
mod quoted_path;
mod shadow_repository;

pub use quoted_path::unquote_path;

use crate::diagnostics::error::io_message;
use crate::project::repository::{self, ForeignFile, TrustedOwners};
use crate::system::environment::Environment;
use crate::system::files;
use crate::system::paths;
use git_program::GitProgram;
use shadow_repository::ShadowRepository;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether git ignores a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreStatus {
    /// An ignore file matches it.
    Ignored,
    /// It is in a work tree, and `git add` would add it.
    NotIgnored,
    /// It is not in a repository.
    NoRepository,
}

/// The reason why git has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitError {
    reason: String,
    remedy: String,
}

impl GitError {
    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    fn missing() -> Self {
        Self::new("git is not installed, or not on the PATH", "install git")
    }

    fn foreign(
        ForeignFile {
            path,
            folder,
            owner,
        }: &ForeignFile,
    ) -> Self {
        Self::new(
            format!("`{}` belongs to another user (uid {owner})", path.display()),
            format!(
                "run `git config --global --add safe.directory {}`",
                folder.display()
            ),
        )
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::new(reason, "repair the repository")
    }

    fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::failed(format!(
            "cannot read `{}`: {}",
            path.display(),
            io_message(error)
        ))
    }

    /// Returns an imperative phrase that describes how to remove the reason.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// The git program, and the users whose repositories it may read.
pub struct Git {
    program: GitProgram,
    owners: Arc<TrustedOwners>,
}

impl Git {
    /// Creates a git that runs in an environment.
    pub fn new(env: &dyn Environment) -> Self {
        let program = GitProgram::new(env);
        let reader = program.clone();
        let list_safe = Box::new(move |folder: &Path| reader.safe_directories(folder));
        Self {
            program,
            owners: Arc::new(TrustedOwners::new(
                env.text("SUDO_UID").as_deref(),
                list_safe,
            )),
        }
    }

    /// Returns the users whose repositories are used.
    pub fn owners(&self) -> &Arc<TrustedOwners> {
        &self.owners
    }

    /// Returns whether git ignores a path. Links among its folders are followed.
    ///
    /// # Errors
    /// Fails if there is a repository but git has no answer.
    pub fn ignore_status(&self, path: &Path) -> Result<IgnoreStatus, GitError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(IgnoreStatus::NoRepository);
        };
        let folder = paths::canonicalize_existing(parent);
        if repository::nearest_root(&folder).is_none() {
            return Ok(IgnoreStatus::NoRepository);
        }
        let name = [PathBuf::from(name)];
        Ok(if self.first_not_ignored(&folder, &name)?.is_some() {
            IgnoreStatus::NotIgnored
        } else {
            IgnoreStatus::Ignored
        })
    }

    /// Returns the first of some paths below a folder that git does not ignore. `folder` must not
    /// contain links. Returns `None` if git ignores all of them or they are not in a repository.
    ///
    /// # Errors
    /// Fails if there is a repository but git has no answer, or if one of the paths contains a
    /// link.
    pub fn first_not_ignored<'p>(
        &self,
        folder: &Path,
        paths: &'p [PathBuf],
    ) -> Result<Option<&'p PathBuf>, GitError> {
        // A repository may contain another one. Each path belongs to its nearest repository.
        let mut roots: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
        let mut by_root: BTreeMap<PathBuf, Vec<(&PathBuf, PathBuf)>> = BTreeMap::new();
        for path in paths {
            let target = folder.join(path);
            let parent = target.parent().unwrap_or(folder);
            let root = roots
                .entry(parent.to_path_buf())
                .or_insert_with(|| repository::nearest_root(parent));
            if let Some(root) = root.clone() {
                by_root.entry(root).or_default().push((path, target));
            }
        }
        for (root, paths) in by_root {
            let targets: Vec<&Path> = paths.iter().map(|(_, target)| target.as_path()).collect();
            let ignored = self.list_ignored(&root, &targets)?;
            if let Some((path, _)) = paths
                .into_iter()
                .find(|(_, target)| !ignored.contains(target))
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Returns those of some paths in a repository that git ignores.
    fn list_ignored(&self, root: &Path, targets: &[&Path]) -> Result<BTreeSet<PathBuf>, GitError> {
        let folders: BTreeSet<&Path> = targets
            .iter()
            .flat_map(|target| target.ancestors().skip(1))
            .collect();
        for folder in folders
            .into_iter()
            .filter(|folder| folder.starts_with(root))
        {
            let file = folder.join(".gitignore");
            let checked = files::check_discovered(&file, root, files::MAX_IGNORE_FILE);
            checked.map_err(|error| GitError::unreadable(&file, &error))?;
        }
        let mut input: Vec<u8> = Vec::new();
        for target in targets {
            input.extend_from_slice(target.as_os_str().as_bytes());
            input.push(0);
        }
        let arguments = ["check-ignore", "-z", "--stdin"].map(OsStr::new);
        let answer = self
            .shadow(root)?
            .run_git(&self.program, &arguments, input)?;
        // git exits with code 1 if it ignores none of the paths.
        if !matches!(answer.code, Some(0 | 1)) {
            return Err(answer.error());
        }
        Ok(answer
            .stdout
            .split(|&byte| byte == 0)
            .map(paths::from_bytes)
            .collect())
    }

    /// Returns the tracked files at or below a path, even those that are ignored. For a link,
    /// returns the link and the tracked files at its target.
    ///
    /// # Errors
    /// Fails if there is a repository but git has no answer.
    pub fn tracked(&self, at: &Path) -> Result<BTreeSet<PathBuf>, GitError> {
        let mut files = self.list_files(at, &[])?;
        match at.canonicalize() {
            Ok(target) if target != at => files.extend(self.list_files(&target, &[])?),
            _ => {}
        }
        Ok(files)
    }

    /// Returns the tracked files below a folder that an ignore file matches, a `.gitignore` or an
    /// `.ignore`.
    ///
    /// # Errors
    /// Fails if there is a repository but git has no answer.
    pub fn tracked_but_ignored(&self, folder: &Path) -> Result<BTreeSet<PathBuf>, GitError> {
        let mut files =
            self.list_files(folder, &["--cached", "--ignored", "--exclude-standard"])?;
        files.append(&mut self.list_files(
            folder,
            &["--cached", "--ignored", "--exclude-per-directory=.ignore"],
        )?);
        Ok(files)
    }

    /// Returns the output of `git ls-files` for a path with these options.
    fn list_files(&self, at: &Path, options: &[&str]) -> Result<BTreeSet<PathBuf>, GitError> {
        let folder = if at.is_dir() { Some(at) } else { at.parent() };
        let Some(root) = folder.and_then(repository::nearest_root) else {
            return Ok(BTreeSet::new());
        };
        let words = ["--literal-pathspecs", "ls-files", "-z", "--full-name"]
            .iter()
            .chain(options)
            .chain(&["--"])
            .map(OsStr::new);
        let arguments: Vec<&OsStr> = words.chain([at.as_os_str()]).collect();
        let answer = self
            .shadow(&root)?
            .run_git(&self.program, &arguments, Vec::new())?;
        if answer.code != Some(0) {
            return Err(answer.error());
        }
        let names = answer
            .stdout
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names
            .map(|name| root.join(paths::from_bytes(name)))
            .collect())
    }

    /// Creates the shadow of a repository. Fails if the repository belongs to another user.
    fn shadow(&self, root: &Path) -> Result<ShadowRepository, GitError> {
        match self.owners.foreign_repository(root) {
            Some(foreign) => Err(GitError::foreign(&foreign)),
            None => ShadowRepository::for_repository(root, &self.program.temporary),
        }
    }
}
