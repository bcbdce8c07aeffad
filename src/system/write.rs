//! Writes files privately and completely: several of them all or none, or one file under a lock.
//!
//! A run writes every text in a staging folder beside the targets first and syncs it there. Then it exchanges each one
//! with its target, so that the old text can be put back. If a run is killed, every output is as it was or complete. The
//! staging folder contains the id of the process, and the next run that reads the folder removes it. Folders are held
//! open, and links below the folder that the user named are not followed.
//!
//! | file | concept |
//! |---|---|
//! | `folder.rs` | a handle of an open folder |
//! | `staging.rs` | the private folder in which new texts are prepared and old ones are put |
//! | `journal.rs` | the record of what belongs where |
//! | `recovery.rs` | what becomes of a staging folder, at its end or after a kill |
//! | `attributes.rs` | owner, mode, access control list and attributes of a replaced file |
//! | `batch.rs` | several files, all or none |
//! | `place.rs` | one file: created, replaced, or changed under a lock |

mod attributes;
mod batch;
mod folder;
mod journal;
mod place;
mod recovery;
mod staging;

pub use crate::system::paths::STAGING_PREFIX as PREFIX;
pub use batch::{NewFile, write_all};
pub use folder::{Inode, inode};
pub use place::{NewText, OutputFile, change, update};
pub use recovery::{Notice, recover_beside, recover_in, take_notices};
pub use staging::staging_name;

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use folder::DirHandle;
use rustix::io::Errno;
use staging::Staging;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};
use std::time::Duration;

/// The pattern of all staging folders, for ignore files.
pub const LEFTOVERS: &str = ".stackref-*.tmp";

/// The mode of a file that only its owner may read.
const PRIVATE_MODE: u32 = 0o600;

/// The mode of a new file, from which the umask is subtracted.
const DEFAULT_MODE: u32 = 0o666;

/// How long a run waits for another one that has locked a file.
const FILE_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a run waits for another one that has locked a folder: that one may exchange thousands of files.
const FOLDER_LOCK_TIMEOUT: Duration = Duration::from_secs(30);

fn unchanged_failure(display_path: &str, error: &io::Error) -> Failure {
    cannot_write(&escape_control(display_path), error).with_help("it is as it was")
}

/// Returns the failure of a file that was not written.
pub fn cannot_write(display_path: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write `{display_path}`: {}", io_message(error)))
}

/// Checks whether a file can be replaced, as far as that is known before it is tried.
///
/// # Errors
/// Why it cannot be replaced.
pub fn check_replaceable(path: &Path, display_path: &str) -> Result<(), Failure> {
    let cannot = |why: &str| permission_failure(&format!("`{}`", escape_control(display_path)), why);
    let path = path.canonicalize().map_err(|error| cannot(&io_message(&error)))?;
    if is_read_only(&path) {
        return Err(cannot("it is read-only"));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let folder_handle = DirHandle::open(folder).map_err(|error| cannot(&io_message(&error)))?;
    if let Some(why) = folder_handle.obstacle(path.file_name().unwrap_or_default()) {
        return Err(cannot(why));
    }
    fs::OpenOptions::new().append(true).open(&path).map_err(|error| cannot(&io_message(&error)))?;
    check_folder(folder, display_path)
}

/// Checks whether files can be created in a folder.
///
/// # Errors
/// Why they cannot be created.
pub fn check_folder(folder: &Path, display_path: &str) -> Result<(), Failure> {
    let cannot = |why: &str| permission_failure(&format!("the folder of `{}`", escape_control(display_path)), why);
    if is_read_only(folder) {
        return Err(cannot("it is read-only"));
    }
    let folder_handle = DirHandle::open(folder).map_err(|error| cannot(&io_message(&error)))?;
    recovery::recover(&folder_handle);
    let tried = Staging::new(&folder_handle).and_then(|staging| staging.write("", PRIVATE_MODE).map(|_| ()));
    tried.map_err(|error| cannot(&io_message(&error)))
}

fn permission_failure(target: &str, why: &str) -> Failure {
    Failure::usage(format!("cannot write to {target}: {why}"))
        .with_help("make the folder, or give yourself the right to write there; or name another file")
}

/// Returns whether the mode lets nobody write. The administrator could write all the same, and should not.
fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.mode() & 0o222 == 0)
}

/// Opens a folder below another one. A link on the way would lead out, and is an error.
fn open_subfolder(root: &DirHandle, below: &Path, root_shown: &Path) -> Result<DirHandle, Failure> {
    let mut at = root.try_clone().map_err(|error| io_failure("enter", root_shown, &error))?;
    let mut path = root_shown.to_path_buf();
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(Failure::usage(format!("`{}` would lie outside the folder", shown(below))));
        };
        path.push(name);
        at = at.open_subfolder(name).map_err(|error| match error {
            Errno::LOOP => {
                Failure::usage(format!("`{}` is a symbolic link, which may lead out of the folder", shown(&path)))
                    .with_help("remove it, or name another folder")
            }
            error => io_failure("enter", &path, &error.into()),
        })?;
    }
    Ok(at)
}

fn io_failure(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {}", shown(path), io_message(error)))
}

fn shown(path: &Path) -> String {
    escape_control(&path.display().to_string())
}
