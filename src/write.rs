//! Files written privately, whole, and all or none of them.
//!
//! Every file is written to a temporary one in its own folder first, with mode 0600 from the moment it is opened, and
//! synced; only when all are there are they renamed into place, one rename each. A run that is interrupted before leaves
//! each output as it was, during the renames each as it was or complete; the temporary files it leaves behind carry its
//! process id, and the next run removes those of processes that are gone.

use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use tempfile::NamedTempFile;

/// Temporary files begin with this and end in no stack file's ending.
const PREFIX: &str = ".stackref-";
const SUFFIX: &str = ".tmp";

/// A file to write.
pub struct Content<'c> {
    /// Its path below the folder.
    pub path: PathBuf,
    /// Its bytes.
    pub text: &'c str,
}

/// Writes files below a folder, all or none, with the mode they are to have in the end. `progress` is told how many are
/// there, file by file, before the renames.
///
/// # Errors
/// A folder that is a link, or anything the system says no to.
pub fn write_all(
    folder: &Path,
    files: &[Content<'_>],
    mode: u32,
    progress: &mut dyn FnMut(usize),
) -> Result<(), Failure> {
    make_folder(folder)?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    let mut ready: Vec<(NamedTempFile, PathBuf)> = Vec::with_capacity(files.len());
    for file in files {
        let target = folder.join(&file.path);
        let parent = target.parent().unwrap_or(folder).to_path_buf();
        if !folders.contains(&parent) {
            enter(folder, &file.path)?;
            remove_leftovers(&parent);
            folders.insert(parent.clone());
        }
        let temporary = write_temporary(&parent, file.text, mode).map_err(|error| cannot("write", &target, &error))?;
        ready.push((temporary, target));
        progress(ready.len());
    }
    for (temporary, target) in ready {
        temporary.persist(&target).map_err(|error| cannot("write", &target, &error.error))?;
    }
    // A rename lasts only when its folder is synced; where a file system cannot do that, there is nothing more to do.
    for folder in &folders {
        let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

fn write_temporary(folder: &Path, text: &str, mode: u32) -> std::io::Result<NamedTempFile> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut temporary = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if mode != 0o600 {
        temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// Goes down to the folder of a path below `folder`, making what is not there; a link on the way would lead out.
fn enter(folder: &Path, path: &Path) -> Result<(), Failure> {
    let mut at = folder.to_path_buf();
    for part in path.parent().unwrap_or(Path::new("")).components() {
        let Component::Normal(name) = part else {
            return Err(Failure::usage(format!("`{}` would lie outside the folder", shown(path))));
        };
        at.push(name);
        if at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Failure::usage(format!(
                "`{}` is a symbolic link, which may lead out of the folder",
                shown(&at)
            ))
            .with_help("remove it, or render to another folder"));
        }
        make_folder(&at)?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| cannot("make", folder, &error))
}

/// Removes what runs left behind that did not live to rename it.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        let process = rest.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        let gone = process.is_some_and(|id| id != std::process::id() && !is_alive(id));
        if gone && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a process of that id runs; where the system does not tell, it is taken to.
fn is_alive(id: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(id.to_string()).exists()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {}", shown(path), plain_io(error)))
        .with_help("every output is as it was, or complete")
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
