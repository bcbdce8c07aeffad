//! Writes files privately and completely: several files, all or none, or one file under a lock.
//!
//! 1. A run writes every text to a staging folder next to the targets, and syncs it there.
//! 2. It exchanges each text with its target, so that the old text can be restored.
//!
//! If a run is killed, every output is either unchanged or complete. The name of a staging folder
//! contains the process id, and the next run that reads the parent folder removes it. Folders are
//! accessed through open handles. Links below the folder that the user named are not followed.
//!
//! | file | concept |
//! |---|---|
//! | `folder.rs` | a handle of an open folder |
//! | `staging.rs` | the private folder that contains new texts before the exchange and old texts after it |
//! | `journal.rs` | the target and the digests of each staged file |
//! | `recovery.rs` | cleans up a staging folder, at the end of a run or after a kill |
//! | `notices.rs` | reports about concurrent edits that recovery found |
//! | `attributes.rs` | the owner, mode, access control list and attributes of a replaced file |
//! | `batch.rs` | several files, all or none |
//! | `output_file.rs` | one file: created, replaced, or changed under a lock |

mod attributes;
mod batch;
mod folder;
mod journal;
mod output_file;
mod notices;
mod recovery;
mod staging;

pub use crate::system::paths::STAGING_PREFIX as PREFIX;
pub use attributes::FilePermissions;
pub use batch::{ExistingFile, NewFile, write_all};
pub use folder::{DirHandle, Inode, inode};
pub use notices::{Notice, take_notices};
pub use output_file::{NewText, OutputFile, change, update};
pub use recovery::{recover_beside, recover_in};
pub use staging::staging_name;

use crate::diagnostics::error::{Failure, io_message};
use crate::text::escape::escape_control;
use rustix::io::Errno;
use staging::Staging;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The pattern of all staging folders, for ignore files.
pub const LEFTOVERS: &str = ".stackref-*.tmp";

/// The mode of a file that only its owner may read.
const PRIVATE_MODE: u32 = 0o600;

/// The mode of a new file, from which the umask is subtracted.
const DEFAULT_MODE: u32 = 0o666;

/// How long a run waits for another run that has locked a file.
const FILE_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a run waits for another run that has locked a folder. That run may exchange thousands
/// of files.
const FOLDER_LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The help of a failure to write one file.
const FILE_UNCHANGED: &str = "the file was not changed";

fn unchanged_failure(display_path: &str, error: &io::Error) -> Failure {
    cannot_write(&escape_control(display_path), error).with_help(FILE_UNCHANGED)
}

/// Returns the failure for a file that could not be written.
pub fn cannot_write(display_path: &str, error: &io::Error) -> Failure {
    Failure::usage(format!(
        "cannot write `{display_path}`: {}",
        io_message(error)
    ))
}

/// Checks whether a file can be replaced, as far as that is known before the attempt.
///
/// # Errors
/// Returns the reason why it cannot be replaced.
pub fn check_replaceable(path: &Path, display_path: &str) -> Result<(), Failure> {
    find_obstacle(path)
        .map_err(|reason| {
            permission_failure(&format!("`{}`", escape_control(display_path)), &reason)
        })
        .and_then(|path| check_folder(path.parent().unwrap_or(Path::new("/")), display_path))
}

/// Returns the path without links if the file can be opened for writing, otherwise the reason.
fn find_obstacle(path: &Path) -> Result<PathBuf, String> {
    let path = path.canonicalize().map_err(|error| io_message(&error))?;
    if is_read_only(&path) {
        return Err("it is read-only".to_owned());
    }
    let folder = DirHandle::open(path.parent().unwrap_or(Path::new("/")))
        .map_err(|error| io_message(&error))?;
    if let Some(obstacle) = folder.obstacle(path.file_name().unwrap_or_default()) {
        return Err(obstacle.to_owned());
    }
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .map_err(|error| io_message(&error))?;
    Ok(path)
}

/// Checks whether files can be created in a folder.
///
/// # Errors
/// Returns the reason why they cannot be created.
pub fn check_folder(folder: &Path, display_path: &str) -> Result<(), Failure> {
    create_test_file(folder).map_err(|reason| {
        permission_failure(
            &format!("the folder of `{}`", escape_control(display_path)),
            &reason,
        )
    })
}

/// Creates an empty file in a staging folder and removes both.
fn create_test_file(folder: &Path) -> Result<(), String> {
    if is_read_only(folder) {
        return Err("it is read-only".to_owned());
    }
    let handle = DirHandle::open(folder).map_err(|error| io_message(&error))?;
    recovery::recover(&handle);
    let created =
        Staging::new(&handle).and_then(|staging| staging.write("", PRIVATE_MODE).map(|_| ()));
    created.map_err(|error| io_message(&error))
}

fn permission_failure(target: &str, reason: &str) -> Failure {
    Failure::usage(format!("cannot write to {target}: {reason}"))
        .with_help("create the folder, make it writable, or choose another file")
}

/// Returns whether the mode allows no user to write. Root could write anyway, but should not.
fn is_read_only(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.mode() & 0o222 == 0)
}

/// Opens a folder below another one.
///
/// # Errors
/// Fails if a folder on the way is a link, since a link may point outside the root.
fn open_subfolder(
    root: &DirHandle,
    below: &Path,
    display_root: &Path,
) -> Result<DirHandle, Failure> {
    let mut folder = root
        .try_clone()
        .map_err(|error| io_failure("open", display_root, &error))?;
    let mut path = display_root.to_path_buf();
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(Failure::usage(format!(
                "`{}` is outside the folder",
                escape_path(below)
            )));
        };
        path.push(name);
        folder = folder.open_subfolder(name).map_err(|error| match error {
            Errno::LOOP => Failure::usage(format!(
                "`{}` is a symbolic link, which may point outside the folder",
                escape_path(&path)
            ))
            .with_help("remove it, or choose another folder"),
            error => io_failure("open", &path, &error.into()),
        })?;
    }
    Ok(folder)
}

fn io_failure(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!(
        "cannot {verb} `{}`: {}",
        escape_path(path),
        io_message(error)
    ))
}

fn escape_path(path: &Path) -> String {
    escape_control(&path.display().to_string())
}
