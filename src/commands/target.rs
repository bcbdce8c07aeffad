//! The folder that `render -o` writes to: whether it may take rendered files, and where in it each of them goes.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::edit::substitution::RenderedFile;
use crate::lint::scan::PathRoots;
use crate::project::git::{Git, GitError, IgnoreStatus};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, Inode};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) struct OutputFolder<'g> {
    /// Absolute, with links.
    pub folder: PathBuf,
    /// As it was given, for messages.
    pub display_path: String,
    /// The same without links: what git and the system know it as, and where files are written.
    pub canonical: PathBuf,
    /// Who is asked whether files are tracked; nobody where that is meant.
    git: Option<&'g Git>,
}

impl<'g> OutputFolder<'g> {
    /// A folder, be it there or not.
    ///
    /// # Errors
    /// It is a file; a link in a repository leads out of it to the folder; or git would add what is rendered to a repository,
    /// or could not say, and nobody said that this is meant.
    pub(super) fn new(given: &Path, cwd: &Path, git: Option<&'g Git>) -> Result<Self, Failure> {
        let (folder, display_path) = (paths::absolute(given, cwd), escape_control(&given.to_string_lossy()));
        repository::refuse_link_out(&folder, cwd, &display_path)?;
        if folder.symlink_metadata().is_ok() && !folder.is_dir() {
            return Err(Failure::usage(format!("`{display_path}` is not a folder")));
        }
        let real = paths::canonicalize_existing(&folder);
        match git.map(|git| git.ignore_status(&real.join("stackref.rendered"))) {
            Some(Err(error)) => return Err(cannot_ask("whether it ignores files", &real, &error)),
            Some(Ok(IgnoreStatus::NotIgnored)) => {
                return Err(Failure::usage(format!(
                    "`{display_path}` lies in a git work tree and is not ignored there"
                ))
                .with_help("add it to .gitignore, or say that it is meant with --allow-tracked"));
            }
            Some(Ok(IgnoreStatus::Ignored | IgnoreStatus::NoRepository)) | None => {}
        }
        Ok(Self { folder, display_path, canonical: real, git })
    }

    /// Where each rendered file goes: its path from the working directory, or from the repository's root where it lies outside
    /// of that.
    ///
    /// # Errors
    /// A file has no place, or one that it must not be written to: that of another, of one of the `sources` that the run has
    /// read besides, or one that git would take.
    pub(super) fn output_paths<'i>(
        &self,
        rendered: &[RenderedFile<'_>],
        sources: impl Iterator<Item = &'i Path>,
        bases: &PathRoots,
    ) -> Result<Vec<PathBuf>, Failure> {
        // By what the system knows them as, since the folder may be a link to that of the inputs.
        let inode = |path: &Path| path.symlink_metadata().map(|metadata| write::inode(&metadata)).ok();
        let sources: Vec<PathBuf> = sources.filter_map(|path| path.canonicalize().ok()).collect();
        let files =
            rendered.iter().map(|rendered| rendered.file.path.as_path()).chain(sources.iter().map(PathBuf::as_path));
        let inputs: BTreeSet<Inode> = files.filter_map(inode).collect();
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        let mut places = Vec::with_capacity(rendered.len());
        for RenderedFile { file, .. } in rendered {
            let display_path = escape_control(file.source.path());
            let Ok(place) = file.path.strip_prefix(&bases.cwd).or_else(|_| file.path.strip_prefix(&bases.root)) else {
                return Err(Failure::usage(format!(
                    "`{display_path}` lies outside the working directory and its repository"
                ))
                .with_help("run this from a folder that holds it"));
            };
            let target = self.canonical.join(place);
            // An inventory may be a folder, of whose files none is to be replaced, either.
            let is_input = inode(&target).is_some_and(|target| inputs.contains(&target));
            if is_input || sources.iter().any(|source| target.starts_with(source)) {
                return Err(Failure::usage(format!("`{display_path}` would be written over an input"))
                    .with_help("render to another folder"));
            }
            if let Some(other) = seen.insert(place.to_path_buf(), file.source.path()) {
                let other = escape_control(other);
                return Err(Failure::usage(format!("`{other}` and `{display_path}` would be written to one place")));
            }
            places.push(place.to_path_buf());
        }
        if let Some(git) = self.git {
            self.refuse_tracked(git, &places)?;
        }
        Ok(places)
    }

    /// A file that git tracks is added by the next commit, whatever the ignore files say; and an ignore file may leave out all
    /// but some names.
    fn refuse_tracked(&self, git: &Git, places: &[PathBuf]) -> Result<(), Failure> {
        let real = &self.canonical;
        let display_path = |path: &Path| escape_control(&path.display().to_string());
        let tracked = git.tracked(real).map_err(|error| cannot_ask("which files it tracks", real, &error))?;
        if let Some(target) = places.iter().map(|place| real.join(place)).find(|target| tracked.contains(target)) {
            return Err(Failure::usage(format!("git tracks `{}`", display_path(&target)))
                .with_help("render to another folder, or say that it is meant with --allow-tracked"));
        }
        let place = git.first_not_ignored(real, places);
        if let Some(place) = place.map_err(|error| cannot_ask("which files it ignores", real, &error))? {
            return Err(Failure::usage(format!("git does not ignore `{}`", display_path(&real.join(place))))
                .with_help("add it to .gitignore, or say that it is meant with --allow-tracked"));
        }
        Ok(())
    }
}

/// A question about a folder that git could not answer.
fn cannot_ask(question: &str, folder: &Path, error: &GitError) -> Failure {
    let folder = folder.display();
    Failure::usage(format!("cannot ask git {question} in `{folder}`: {error}"))
        .with_help(format!("{}; or pass --allow-tracked to write there all the same", error.remedy()))
}
