//! The output folder of `render`: whether rendered files may be written to it, and the path of each
//! file in it. `edit` renders the files, and `system::write` writes them.

use crate::diagnostics::error::Failure;
use crate::edit::substitution::RenderedFile;
use crate::lint::scan::PathRoots;
use crate::project::git::{Git, GitError, IgnoreStatus};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, Inode};
use crate::text::escape::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The folder of `render --output`.
pub(super) struct OutputFolder<'g> {
    /// The absolute path, in which links are not resolved.
    pub folder: PathBuf,
    /// The path as the user gave it, for messages.
    pub display_path: String,
    /// The absolute path without links. git is asked about this path, and files are written to it.
    pub canonical: PathBuf,
    /// Answers whether files are tracked; `None` with `--allow-tracked`.
    git: Option<&'g Git>,
}

impl<'g> OutputFolder<'g> {
    /// Checks a folder, which need not exist.
    ///
    /// # Errors
    /// The path is a file, or a link leads from the repository to the folder. With `git`, also if
    /// git does not ignore rendered files in the folder, or cannot answer.
    pub(super) fn new(given: &Path, cwd: &Path, git: Option<&'g Git>) -> Result<Self, Failure> {
        let (folder, display_path) = (
            paths::absolute(given, cwd),
            escape_control(&given.to_string_lossy()),
        );
        repository::refuse_link_out(&folder, cwd, &display_path)?;
        if folder.symlink_metadata().is_ok() && !folder.is_dir() {
            return Err(Failure::usage(format!("`{display_path}` is not a folder")));
        }
        let canonical = paths::canonicalize_existing(&folder);
        match git.map(|git| git.ignore_status(&canonical.join("stackref.rendered"))) {
            Some(Err(error)) => {
                return Err(cannot_ask("whether it ignores files", &canonical, &error));
            }
            Some(Ok(IgnoreStatus::NotIgnored)) => {
                return Err(Failure::usage(format!(
                    "`{display_path}` is in a git repository and is not ignored"
                ))
                .with_help("add it to .gitignore, or use --allow-tracked"));
            }
            Some(Ok(IgnoreStatus::Ignored | IgnoreStatus::NoRepository)) | None => {}
        }
        Ok(Self {
            folder,
            display_path,
            canonical,
            git,
        })
    }

    /// Returns the path of each rendered file in this folder. It is the path of the original from
    /// the working directory; for an original outside the working directory, its path from the root
    /// of the repository.
    ///
    /// # Errors
    /// A file is outside both, two files have the same path, or a path belongs to an input, to one
    /// of the other `sources` that the run has read, or to a file that git tracks or does not
    /// ignore.
    pub(super) fn output_paths<'i>(
        &self,
        rendered: &[RenderedFile<'_>],
        sources: impl Iterator<Item = &'i Path>,
        roots: &PathRoots,
    ) -> Result<Vec<PathBuf>, Failure> {
        // Compared by inode, because the folder may be a link to the folder of the inputs.
        let sources: Vec<PathBuf> = sources
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        let files = rendered
            .iter()
            .map(|rendered| rendered.file.path.as_path())
            .chain(sources.iter().map(PathBuf::as_path));
        let inputs: BTreeSet<Inode> = files.filter_map(inode_of).collect();
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        let mut outputs = Vec::with_capacity(rendered.len());
        for RenderedFile { file, .. } in rendered {
            let display_path = escape_control(file.source.path());
            let Ok(output) = file
                .path
                .strip_prefix(&roots.cwd)
                .or_else(|_| file.path.strip_prefix(&roots.root))
            else {
                return Err(Failure::usage(format!(
                    "`{display_path}` is outside the working directory and its repository"
                ))
                .with_help("run stackref in a folder that contains the file"));
            };
            let target = self.canonical.join(output);
            // An inventory may be a folder. Its files must not be replaced, either.
            let is_input = inode_of(&target).is_some_and(|target| inputs.contains(&target));
            if is_input || sources.iter().any(|source| target.starts_with(source)) {
                return Err(Failure::usage(format!(
                    "cannot render `{display_path}`: the copy would overwrite an input"
                ))
                .with_help("render to another folder"));
            }
            if let Some(other) = seen.insert(output.to_path_buf(), file.source.path()) {
                let other = escape_control(other);
                return Err(Failure::usage(format!(
                    "cannot render `{other}` and `{display_path}`: their copies would have the same path"
                )));
            }
            outputs.push(output.to_path_buf());
        }
        if let Some(git) = self.git {
            self.refuse_tracked(git, &outputs)?;
        }
        Ok(outputs)
    }

    /// Refuses paths that the next commit could contain. That a folder is ignored is not enough:
    /// git also commits ignored files that it tracks, and an ignore file may exempt some names.
    fn refuse_tracked(&self, git: &Git, outputs: &[PathBuf]) -> Result<(), Failure> {
        let folder = &self.canonical;
        let tracked = git
            .tracked(folder)
            .map_err(|error| cannot_ask("which files it tracks", folder, &error))?;
        if let Some(target) = outputs
            .iter()
            .map(|output| folder.join(output))
            .find(|target| tracked.contains(target))
        {
            return Err(Failure::usage(format!("git tracks `{}`", target.display()))
                .with_help("render to another folder, or use --allow-tracked"));
        }
        let output = git.first_not_ignored(folder, outputs);
        if let Some(output) =
            output.map_err(|error| cannot_ask("which files it ignores", folder, &error))?
        {
            return Err(Failure::usage(format!(
                "git does not ignore `{}`",
                folder.join(output).display()
            ))
            .with_help("add it to .gitignore, or use --allow-tracked"));
        }
        Ok(())
    }
}

fn inode_of(path: &Path) -> Option<Inode> {
    path.symlink_metadata()
        .map(|metadata| write::inode(&metadata))
        .ok()
}

/// Returns the failure for a question about a folder that git cannot answer.
fn cannot_ask(question: &str, folder: &Path, error: &GitError) -> Failure {
    let folder = folder.display();
    Failure::usage(format!("cannot ask git {question} in `{folder}`: {error}")).with_help(format!(
        "{}; or use --allow-tracked to write there anyway",
        error.remedy()
    ))
}
