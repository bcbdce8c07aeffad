//! The arguments of a command line: sorted into folders to walk and files to read.

use super::Search;
use crate::diagnostics::error::{Failure, io_message};
use crate::document::{ScriptHost, Syntax};
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest_path;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The files and folders that the arguments select. All paths are absolute.
#[derive(Debug, Default)]
pub struct Selection {
    /// Folders to walk.
    pub folders: Vec<PathBuf>,
    /// Files that were named as arguments.
    pub files: Vec<PathBuf>,
    /// Files that were named as arguments but do not have the extension of a stack file, each as it
    /// was given. They are scripts or mistakes; see [`Selection::resolve_scripts`].
    pub unrecognized: Vec<(PathBuf, String)>,
    /// Files from the list of a tool such as pre-commit.
    pub listed_files: Vec<PathBuf>,
    /// The failures of arguments that cannot be read. The other arguments are checked anyway.
    pub failures: Vec<Failure>,
}

impl Selection {
    /// Sorts arguments into folders, files and failures. An argument fails if it does not exist or
    /// is neither a file nor a folder. With `is_tool_list`, all files are those of a tool's list.
    pub fn from_arguments(paths: &[PathBuf], cwd: &Path, is_tool_list: bool) -> Self {
        let mut selection = Self::default();
        for given in paths {
            let path = paths::absolute(given, cwd);
            let metadata = std::fs::metadata(&path);
            if metadata.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
                selection.folders.push(path);
            } else if is_tool_list {
                selection.listed_files.push(path);
            } else if let Some(failure) = argument_failure(given, cwd, metadata) {
                selection.failures.push(failure);
            } else if Syntax::from_path(&path).is_none() {
                selection
                    .unrecognized
                    .push((path, escape_control(&given.to_string_lossy())));
            } else {
                selection.files.push(path);
            }
        }
        selection
    }

    /// Sorts the unrecognized files into scripts and failures. Call it once the globs of the
    /// configs are known.
    pub fn resolve_scripts(&mut self, search: &Search<'_>) {
        for (path, shown) in std::mem::take(&mut self.unrecognized) {
            let is_script = search.scripts
                && match ScriptHost::of(&path) {
                    Some(ScriptHost::Other) => {
                        search.matches_script_glob(&path) || names_shell(&path)
                    }
                    Some(_) => true,
                    None => search.matches_script_glob(&path),
                };
            if is_script {
                self.files.push(path);
            } else {
                self.failures.push(unknown_file(&shown, search.scripts));
            }
        }
    }

    /// Returns whether the selection contains a folder with all its files.
    pub fn covers(&self, folder: &Path) -> bool {
        self.folders.iter().any(|walked| folder.starts_with(walked))
    }
}

/// Returns whether the first line of a file names a shell. A file that cannot be read has no first
/// line: reading it later reports the failure.
fn names_shell(path: &Path) -> bool {
    let mut first = Vec::new();
    let limit = ScriptHost::FIRST_LINE_BYTES as u64;
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut first));
    read.is_err() || ScriptHost::names_shell(&first)
}

/// Returns the failure for a named file that fits no source. With `reads_scripts`, the command also
/// reads scripts.
pub fn unknown_file(shown: &str, reads_scripts: bool) -> Failure {
    if reads_scripts {
        let message = format!("`{shown}` is not a file that stackref reads");
        return Failure::usage(message).with_help(
            "stackref reads YAML, TOML and JSON files, shell scripts, Makefiles, Dockerfiles, workflows, Markdown \
             and notebooks; to check another file for `zenml` commands, add a glob for it to `[files] scripts`",
        );
    }
    Failure::usage(format!(
        "`{shown}` is not a stack file: its extension is not .yaml, .yml, .toml or .json"
    ))
}

/// Returns the failure for an argument that cannot be read, or `None` for a regular file.
fn argument_failure(
    given: &Path,
    cwd: &Path,
    metadata: std::io::Result<std::fs::Metadata>,
) -> Option<Failure> {
    let shown = escape_control(&given.to_string_lossy());
    match metadata {
        Err(error) => {
            let failure = Failure::usage(format!("cannot open `{shown}`: {}", io_message(&error)));
            let suggestion = nearest_path(given, cwd);
            Some(failure.with_help_if(
                suggestion.map(|suggestion| format!("did you mean `{}`?", suggestion.display())),
            ))
        }
        Ok(metadata) if !metadata.is_file() => Some(
            Failure::usage(format!("`{shown}` is neither a file nor a folder"))
                .with_help("use `-` to read standard input"),
        ),
        Ok(_) => None,
    }
}
