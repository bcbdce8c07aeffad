//! From the file arguments to a selection and its configs: `-`, `--stdin-filename`, `--files-from`,
//! `--config` and `--no-config`.

use crate::cli::FileArgs;
use crate::diagnostics::error::{Failure, io_message};
use crate::document::{ScriptHost, Syntax};
use crate::project::config::{self, Config};
use crate::project::configs::{Configs, NearestConfig};
use crate::project::discover::{Selection, unknown_file};
use crate::project::git;
use crate::project::repository::TrustedOwners;
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::workspace::context::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Returns the path and the syntax of standard input; `None` if the arguments do not select
/// standard input.
///
/// # Errors
/// The arguments contradict each other, or `--stdin-filename` is not the name of a stack file.
pub(super) fn stdin_name(
    files: &FileArgs,
    cwd: &Path,
) -> Result<Option<(PathBuf, Syntax)>, Failure> {
    let has_dash = files.paths.iter().any(|path| path.as_os_str() == "-");
    if files.files_from.is_some() || !has_dash {
        if files.stdin_filename.is_some() {
            return Err(
                Failure::contradiction("`--stdin-filename` requires `-` as the path")
                    .with_help("add `-`"),
            );
        }
        return Ok(None);
    }
    if files.paths.len() > 1 {
        return Err(Failure::contradiction(
            "`-` (standard input) cannot be combined with other paths",
        ));
    }
    let Some(name) = &files.stdin_filename else {
        return Ok(Some((cwd.join("<stdin>"), Syntax::Yaml)));
    };
    let path = paths::absolute(name, cwd);
    match Syntax::of_named(&path, true) {
        Some(syntax) => Ok(Some((path, syntax))),
        // Skipped, unless it is a script.
        None if files.only_stack_files => Ok(Some((path, Syntax::Script(ScriptHost::Other)))),
        None => Err(unknown_name(name, true)),
    }
}

/// Returns the failure for a name of standard input that fits no source. With `reads_scripts`, the
/// command also reads scripts.
pub(super) fn unknown_name(name: &Path, reads_scripts: bool) -> Failure {
    let shown = escape_control(&name.to_string_lossy());
    unknown_file(&shown, reads_scripts).with_help("use --only-stack-files to skip such files")
}

/// Returns the files and folders that the arguments select, if they do not select standard input.
///
/// # Errors
/// The list of `--files-from` cannot be read.
pub(super) fn select_files(
    files: &FileArgs,
    context: &mut Context<'_>,
) -> Result<Selection, Failure> {
    let Some(list) = &files.files_from else {
        return Ok(Selection::from_arguments(
            &files.paths,
            &context.cwd,
            files.only_stack_files,
        ));
    };
    let listed = read_list(list, files.null, context)?;
    let listed_files = listed
        .iter()
        .map(|path| paths::absolute(path, &context.cwd));
    Ok(Selection {
        listed_files: listed_files.collect(),
        ..Selection::default()
    })
}

/// Reads the list of `--files-from`: one path per line, or separated by NUL bytes with `--null`.
///
/// # Errors
/// The list cannot be read, or its separators do not match the flag.
fn read_list(list: &Path, null: bool, context: &mut Context<'_>) -> Result<Vec<PathBuf>, Failure> {
    let mut bytes = Vec::new();
    let read = if list.as_os_str() == "-" {
        context.stdin.read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(paths::absolute(list, &context.cwd)).map(|content| bytes = content)
    };
    read.map_err(|error| cannot_read_list(list, &io_message(&error)))?;
    // A UTF-8 byte order mark, which editors on Windows write.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let has_nul = bytes.contains(&0);
    if has_nul && !null {
        return Err(cannot_read_list(list, "it contains NUL bytes").with_help(
            "use `-0` if they separate the paths, or save the list as UTF-8 if it is UTF-16",
        ));
    }
    if null && !has_nul && bytes.contains(&b'\n') {
        return Err(
            cannot_read_list(list, "it contains lines but no NUL byte").with_help("remove `-0`")
        );
    }
    let lines = bytes.split(|&byte| if null { byte == 0 } else { byte == b'\n' });
    let names = lines.map(|line| {
        if null {
            line
        } else {
            line.strip_suffix(b"\r").unwrap_or(line)
        }
    });
    Ok(names
        .filter(|name| !name.is_empty())
        .map(|name| listed_path(name, null))
        .collect())
}

/// Returns the path of a line. In a list with lines, git quotes unusual names.
fn listed_path(name: &[u8], null: bool) -> PathBuf {
    let unquoted = git::unquote_path(name)
        .filter(|_| !null)
        .map(|name| paths::from_bytes(&name));
    unquoted.unwrap_or_else(|| paths::from_bytes(name))
}

fn cannot_read_list(list: &Path, reason: &str) -> Failure {
    Failure::usage(format!(
        "cannot read the list `{}`: {reason}",
        list.display()
    ))
}

/// Returns the folder in which the search for the config starts; it continues in the folders above.
/// This is the innermost folder that contains all arguments. For standard input, it is the folder
/// of its name. For a list of files, which tools generate, it is the working directory.
pub(super) fn config_search_start(
    files: &FileArgs,
    stdin: Option<&Path>,
    selection: &Selection,
    cwd: &Path,
) -> PathBuf {
    let is_list = files.files_from.is_some() || files.only_stack_files;
    let folder = match stdin {
        Some(name) => name.parent().map(Path::to_path_buf),
        None if is_list => None,
        None => shared_folder(selection),
    };
    folder.unwrap_or_else(|| cwd.to_path_buf())
}

/// Returns the folder whose declarations answer references outside a repository: the working
/// directory if it contains `start`, the folder in which the search for the config starts, or else
/// `start`. Returns `None` if that is the home folder or the root of the file system, which contain
/// many other projects.
pub(super) fn folder_of_declarations(
    start: &Path,
    cwd: &Path,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let folders = [cwd, start];
    let mut folders = folders
        .into_iter()
        .filter(|folder| start.starts_with(folder) && folder.parent().is_some());
    folders
        .find(|folder| home.is_none_or(|home| !home.starts_with(folder)))
        .map(Path::to_path_buf)
}

/// Returns the innermost folder that contains all arguments; `None` if there are no arguments.
fn shared_folder(selection: &Selection) -> Option<PathBuf> {
    let others = selection.unrecognized.iter().map(|(path, _)| path);
    let files = selection
        .files
        .iter()
        .chain(others)
        .filter_map(|path| path.parent());
    let folders = selection.folders.iter().map(PathBuf::as_path);
    let mut shared: Option<PathBuf> = None;
    for folder in folders.chain(files) {
        shared = Some(match shared {
            None => folder.to_path_buf(),
            Some(so_far) => so_far
                .ancestors()
                .find(|above| folder.starts_with(above))?
                .to_path_buf(),
        });
    }
    shared
}

/// Returns the configs that the files use: the config of `--config`, none with `--no-config`, else
/// the nearest config of each file.
///
/// # Errors
/// The config of `--config` cannot be read or has errors.
pub(super) fn load_configs(
    files: &FileArgs,
    selection: &Selection,
    start: &Path,
    cwd: &Path,
    owners: &Arc<TrustedOwners>,
) -> Result<Configs, Vec<Failure>> {
    if let Some(given) = &files.setup.config {
        let config = config::load(&paths::absolute(given, cwd), &given.to_string_lossy())?;
        return Ok(Configs::fixed(
            config.with_display_path(&paths::display_given_path(given, cwd)),
        ));
    }
    if files.setup.no_config {
        return Ok(Configs::fixed(Config {
            folder: cwd.to_path_buf(),
            ..Config::default()
        }));
    }
    Ok(Configs::nearest(nearest_config(
        files,
        start,
        &selection.folders,
        cwd,
        owners,
    )))
}

/// Returns the search for the nearest config of each file.
pub(super) fn nearest_config(
    files: &FileArgs,
    start: &Path,
    folders: &[PathBuf],
    cwd: &Path,
    owners: &Arc<TrustedOwners>,
) -> NearestConfig {
    NearestConfig::new(Arc::clone(owners), cwd, start, folders)
        .with_no_exclude(files.setup.no_exclude)
}

/// Returns the path of the config from the root of the repository, even if the config cannot be
/// read; `None` if there is no config. Reports contain it.
pub(crate) fn config_identity(
    files: &FileArgs,
    cwd: &Path,
    owners: &Arc<TrustedOwners>,
) -> Option<String> {
    if let Some(file) = &files.setup.config {
        return Some(config::repository_path(&paths::absolute(file, cwd)));
    }
    if files.setup.no_config {
        return None;
    }
    let stdin = stdin_name(files, cwd).ok().flatten();
    let has_paths = stdin.is_none() && files.files_from.is_none();
    let paths = if has_paths {
        files.paths.as_slice()
    } else {
        &[]
    };
    let selection = Selection::from_arguments(paths, cwd, files.only_stack_files);
    let start = config_search_start(
        files,
        stdin.as_ref().map(|(name, _)| name.as_path()),
        &selection,
        cwd,
    );
    let file = nearest_config(files, &start, &[], cwd, owners)
        .find(&start)
        .ok()
        .flatten();
    file.map(|file| config::repository_path(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_of_declarations_contains_the_arguments() {
        for (start, cwd, home, expected) in [
            ("/w/a", "/w", None, Some("/w")),
            ("/w", "/w", Some("/home/u"), Some("/w")),
            ("/other/a", "/w", None, Some("/other/a")),
            ("/home/u/p", "/home/u", Some("/home/u"), Some("/home/u/p")),
            (
                "/home/u/p/a",
                "/home/u/p",
                Some("/home/u"),
                Some("/home/u/p"),
            ),
            ("/home/u", "/home", Some("/home/u"), None),
            ("/w", "/", None, Some("/w")),
            ("/", "/", None, None),
        ] {
            let (start, cwd, home) = (Path::new(start), Path::new(cwd), home.map(Path::new));
            let folder = folder_of_declarations(start, cwd, home);
            assert_eq!(
                folder.as_deref(),
                expected.map(Path::new),
                "{start:?} {cwd:?}"
            );
        }
    }
}
