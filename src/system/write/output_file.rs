//! Writes one file: creates it, replaces it, or changes it under a lock.

use super::attributes::{self, FilePermissions};
use super::folder::{DirHandle, Inode, inode, sync};
use super::journal::{Digest, JournalRecord};
use super::recovery::recover;
use super::staging::Staging;
use super::{
    DEFAULT_MODE, FILE_LOCK_TIMEOUT, FILE_UNCHANGED, PRIVATE_MODE, open_subfolder,
    unchanged_failure,
};
use crate::diagnostics::error::Failure;
use crate::text::escape::escape_control;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The new text of a file.
pub struct NewText {
    /// The whole text.
    pub text: String,
    /// Whether only the owner may read the file.
    pub private: bool,
}

/// An output file. It is written to the folder that was opened, even if the path changes later.
#[derive(Debug)]
pub struct OutputFile {
    folder: DirHandle,
    name: OsString,
    display_path: String,
}

impl OutputFile {
    /// Opens the folder of a path. A link that is not dangling is followed.
    ///
    /// # Errors
    /// Fails if the folder does not exist or cannot be opened.
    pub fn open(path: &Path, display_path: &str) -> Result<Self, Failure> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let folder =
            DirHandle::open(path.parent().unwrap_or(Path::new("/"))).map_err(
                |error| match error.kind() {
                    io::ErrorKind::NotFound => missing_folder_failure(display_path),
                    _ => unchanged_failure(display_path, &error),
                },
            )?;
        Ok(Self::new(folder, &path, display_path))
    }

    /// Opens the folder of a path below another folder. The path must not contain a link, since
    /// walks do not follow links either.
    ///
    /// # Errors
    /// Fails if a folder on the way is a link or does not exist.
    pub fn open_below(folder: &Path, path: &Path, display_path: &str) -> Result<Self, Failure> {
        let root =
            DirHandle::open(folder).map_err(|error| unchanged_failure(display_path, &error))?;
        let folder = open_subfolder(&root, path.parent().unwrap_or(Path::new("")), folder);
        let folder = folder.map_err(|failure| failure.with_help_if_none(FILE_UNCHANGED))?;
        Ok(Self::new(folder, path, display_path))
    }

    fn new(folder: DirHandle, path: &Path, display_path: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_owned();
        Self {
            folder,
            name,
            display_path: display_path.to_owned(),
        }
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn file(&self) -> io::Result<File> {
        self.folder.file(&self.name)
    }

    /// Writes the whole file. An existing file keeps its owner, mode, access control list and
    /// attributes. A new file gets the default mode.
    ///
    /// # Errors
    /// Returns the system's error. The file is unchanged then.
    pub fn replace(&self, text: &str) -> Result<(), Failure> {
        self.try_replace(text)
            .map_err(|error| unchanged_failure(&self.display_path, &error))
    }

    fn try_replace(&self, text: &str) -> io::Result<()> {
        recover(&self.folder);
        let staging = Staging::new(&self.folder)?;
        let staged = match self.file() {
            Ok(old) => {
                let staged = staging.write(text, PRIVATE_MODE)?;
                attributes::apply_attributes(&old, &staged.file, FilePermissions::Preserve)?;
                staged
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                staging.write(text, DEFAULT_MODE)?
            }
            Err(error) => return Err(error),
        };
        sync(&staged.file)?;
        staging.replace(&staged.name, &self.folder, &self.name)?;
        self.folder.sync();
        Ok(())
    }

    /// Writes a file that must not exist yet, readable only by its owner or with the default mode.
    ///
    /// # Errors
    /// Returns the system's error, or [`io::ErrorKind::AlreadyExists`] if the file exists.
    pub fn create(&self, text: &str, private: bool) -> io::Result<()> {
        if self.folder.contains(&self.name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        recover(&self.folder);
        let staging = Staging::new(&self.folder)?;
        let staged = staging.write(text, if private { PRIVATE_MODE } else { DEFAULT_MODE })?;
        sync(&staged.file)?;
        staging.place_new(&staged.name, &self.folder, &self.name)?;
        self.folder.sync();
        Ok(())
    }
}

/// Returns the failure for an output file whose folder does not exist.
fn missing_folder_failure(display_path: &str) -> Failure {
    let folder = Path::new(display_path)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).display().to_string();
    let (file, folder) = (escape_control(display_path), escape_control(&folder));
    Failure::usage(format!(
        "cannot write `{file}`: the folder `{folder}` does not exist"
    ))
    .with_help("create it first; nothing was written")
}

/// Changes the file at a path like [`change`]. A link is followed.
///
/// # Errors
/// Fails if the folder does not exist, or like [`change`].
pub fn update(
    path: &Path,
    display_path: &str,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    change(&OutputFile::open(path, display_path)?, change_text)
}

/// Changes a file under a lock, so that two runs at the same time do not overwrite each other's
/// changes.
///
/// Calls `change_text` with the bytes of the file and its identity. It returns the new text, or
/// `None` to keep the file. It is called again if a process that does not use the lock changes the
/// file.
///
/// # Errors
/// Fails with an error of `change_text`, if the lock is not released, or with the system's error.
/// The file is unchanged then.
pub fn change(
    output: &OutputFile,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    let OutputFile {
        folder,
        name,
        display_path,
    } = output;
    let cannot = |error: &io::Error| unchanged_failure(display_path, error);
    recover(folder);
    let started = Instant::now();
    while started.elapsed() < FILE_LOCK_TIMEOUT {
        let mut file = folder.file_to_lock(name).map_err(|error| cannot(&error))?;
        // Some network file systems have no locks. The check before the exchange must suffice
        // there.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let before = read(&mut file).map_err(|error| cannot(&error))?;
        // Another run may have replaced the locked file since it was opened.
        if !is_current(folder, name, &before) {
            continue;
        }
        let Some(new) = change_text(before.0.clone(), before.1)? else {
            return Ok(());
        };
        if let Some(obstacle) = folder.obstacle(name) {
            return Err(cannot(&io::Error::other(obstacle)));
        }
        let staged = stage(folder, name, &file, &before.0, &new).map_err(|error| cannot(&error))?;
        if !is_current(folder, name, &before) {
            continue;
        }
        staged
            .staging
            .swap(&staged.name, folder, name)
            .map_err(|error| cannot(&error))?;
        folder.sync();
        // The exchange must return the text that was read. Otherwise the file was edited in the
        // meantime: the edit is restored, or kept if there is a newer one.
        let settled = staged.staging.settle();
        if settled.restored.is_empty() && settled.kept.is_empty() {
            return Ok(());
        }
    }
    let file = escape_control(display_path);
    Err(Failure::usage(format!(
        "timed out waiting for another process to finish writing `{file}`"
    ))
    .with_help(
        "wait until it has finished, then run the command again; this run did not change the file",
    ))
}

/// Returns whether a file still has the bytes and the identity that were read before.
fn is_current(folder: &DirHandle, name: &OsStr, before: &(Vec<u8>, Inode)) -> bool {
    folder
        .file(name)
        .and_then(|mut file| read(&mut file))
        .is_ok_and(|now| now == *before)
}

/// A new text in a staging folder, ready for the exchange.
struct StagedText {
    staging: Staging,
    name: String,
    /// Keeps the new file locked until it is certain that it stays in place.
    _file: File,
}

fn stage(
    folder: &DirHandle,
    name: &OsStr,
    old: &File,
    before: &[u8],
    new: &NewText,
) -> io::Result<StagedText> {
    let mut staging = Staging::new(folder)?;
    let staged = staging.write(&new.text, PRIVATE_MODE)?;
    let _ = flock(&staged.file, FlockOperation::NonBlockingLockExclusive);
    attributes::apply_attributes(
        old,
        &staged.file,
        if new.private {
            FilePermissions::Mode(PRIVATE_MODE)
        } else {
            FilePermissions::Preserve
        },
    )?;
    sync(&staged.file)?;
    let (new, old) = (
        Digest::of_bytes(new.text.as_bytes()),
        Some(Digest::of_bytes(before)),
    );
    staging.record(vec![JournalRecord {
        staged: staged.name.clone(),
        target: PathBuf::from(name),
        new,
        old,
    }])?;
    Ok(StagedText {
        staging,
        name: staged.name,
        _file: staged.file,
    })
}

/// Reads the bytes of a file and its identity.
fn read(file: &mut File) -> io::Result<(Vec<u8>, Inode)> {
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    Ok((bytes, inode(&metadata)))
}
