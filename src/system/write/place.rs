//! One file that is written: created, replaced, or changed under a lock.

use super::attributes::{self, FilePermissions};
use super::folder::{DirHandle, Inode, inode, sync};
use super::journal::{Digest, JournalRecord};
use super::recovery::recover;
use super::staging::Staging;
use super::{DEFAULT_MODE, FILE_LOCK_TIMEOUT, PRIVATE_MODE, open_subfolder, unchanged_failure};
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The new text of a file.
pub struct NewText {
    /// All of it.
    pub text: Zeroizing<String>,
    /// Whether only its owner may read the file.
    pub private: bool,
}

/// An output file. Its folder is held open, so the file gets there even if the path changes meanwhile.
#[derive(Debug)]
pub struct OutputFile {
    folder: DirHandle,
    name: OsString,
    display_path: String,
}

impl OutputFile {
    /// Opens the folder of a path. A link that leads to something is followed.
    ///
    /// # Errors
    /// A folder that does not exist.
    pub fn open(path: &Path, display_path: &str) -> Result<Self, Failure> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let folder = DirHandle::open(path.parent().unwrap_or(Path::new("/")))
            .map_err(|error| unchanged_failure(display_path, &error))?;
        Ok(Self {
            folder,
            name: path.file_name().unwrap_or_default().to_owned(),
            display_path: display_path.to_owned(),
        })
    }

    /// Opens the folder of a path below another folder. No link may lead there: none did when the folder was walked.
    ///
    /// # Errors
    /// A link on the way, or a folder that does not exist.
    pub fn open_below(folder: &Path, path: &Path, display_path: &str) -> Result<Self, Failure> {
        let root = DirHandle::open(folder).map_err(|error| unchanged_failure(display_path, &error))?;
        let folder = open_subfolder(&root, path.parent().unwrap_or(Path::new("")), folder);
        let folder = folder.map_err(|failure| failure.with_help_if_none("it is as it was"))?;
        Ok(Self {
            folder,
            name: path.file_name().unwrap_or_default().to_owned(),
            display_path: display_path.to_owned(),
        })
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// Those of the system.
    pub fn file(&self) -> io::Result<File> {
        self.folder.file(&self.name)
    }

    /// Writes the whole file. One that exists keeps its owner, mode, access control list and attributes; a new one has
    /// the mode of any new file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn replace(&self, text: &str) -> Result<(), Failure> {
        let write = || {
            recover(&self.folder);
            let staging = Staging::new(&self.folder)?;
            let staged = match self.file() {
                Ok(old) => {
                    let staged = staging.write(text, PRIVATE_MODE)?;
                    attributes::apply_attributes(&old, &staged.file, FilePermissions::Preserve)?;
                    staged
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => staging.write(text, DEFAULT_MODE)?,
                Err(error) => return Err(error),
            };
            sync(&staged.file)?;
            staging.replace(&staged.name, &self.folder, &self.name)?;
            self.folder.sync();
            Ok(())
        };
        write().map_err(|error| unchanged_failure(&self.display_path, &error))
    }

    /// Writes a file that must not exist yet: only for its owner, or with the mode of any new file.
    ///
    /// # Errors
    /// Those of the system; if it exists, [`io::ErrorKind::AlreadyExists`].
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

/// Changes the file at a path like [`change`]. A link is followed.
///
/// # Errors
/// A folder that does not exist, and those of [`change`].
pub fn update(
    path: &Path,
    display_path: &str,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    change(&OutputFile::open(path, display_path)?, change_text)
}

/// Changes a file under a lock, so that of two runs at a time neither loses what the other one wrote. Calls `change_text`
/// with the bytes of the file and its identity; it returns the new text, or `None` if the file is to stay. It is called
/// again if somebody who does not use the lock changed the file meanwhile.
///
/// # Errors
/// Those of `change_text`, a lock that is not released, and those of the system: then the file is as it was.
pub fn change(
    output: &OutputFile,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    let OutputFile { folder, name, display_path } = output;
    let cannot = |error: &io::Error| unchanged_failure(display_path, error);
    recover(folder);
    let started = Instant::now();
    while started.elapsed() < FILE_LOCK_TIMEOUT {
        let mut file = folder.file_to_lock(name).map_err(|error| cannot(&error))?;
        // Some network file systems have no locks: there the look before the exchange has to do.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let before = read(&mut file).map_err(|error| cannot(&error))?;
        let read_again = || folder.file(name).and_then(|mut file| read(&mut file));
        let is_current = || read_again().is_ok_and(|now| now == before);
        // The lock may be that of a file that another run has replaced since it was opened.
        if !is_current() {
            continue;
        }
        let Some(new) = change_text(before.0.to_vec(), before.1)? else { return Ok(()) };
        if let Some(why) = folder.obstacle(name) {
            return Err(cannot(&io::Error::other(why)));
        }
        let staging = stage(folder, name, &file, &before.0, &new).map_err(|error| cannot(&error))?;
        if !is_current() {
            continue;
        }
        staging.staging.swap(&staging.name, folder, name).map_err(|error| cannot(&error))?;
        folder.sync();
        // What came out has to be the text that was read. An edit is put back, or kept if there is a newer one.
        let settled = staging.staging.settle();
        if settled.restored.is_empty() && settled.kept.is_empty() {
            return Ok(());
        }
    }
    Err(Failure::usage(format!("another process goes on writing to `{}`", escape_control(display_path)))
        .with_help("wait for it to end, and run the command again; the file is as that process leaves it"))
}

/// A new text that is ready to be exchanged with the old one.
struct StagedText {
    staging: Staging,
    name: String,
    /// Locked: nobody is to work on the new text before it is certain that it stays.
    _file: File,
}

fn stage(folder: &DirHandle, name: &OsStr, old: &File, before: &[u8], new: &NewText) -> io::Result<StagedText> {
    let mut staging = Staging::new(folder)?;
    let staged = staging.write(&new.text, PRIVATE_MODE)?;
    let _ = flock(&staged.file, FlockOperation::NonBlockingLockExclusive);
    attributes::apply_attributes(
        old,
        &staged.file,
        if new.private { FilePermissions::Mode(PRIVATE_MODE) } else { FilePermissions::Preserve },
    )?;
    sync(&staged.file)?;
    let (new, old) = (Digest::of_bytes(new.text.as_bytes()), Some(Digest::of_bytes(before)));
    staging.record(vec![JournalRecord { staged: staged.name.clone(), target: PathBuf::from(name), new, old }])?;
    Ok(StagedText { staging, name: staged.name, _file: staged.file })
}

/// Returns the bytes of a file and its identity.
fn read(file: &mut File) -> io::Result<(Zeroizing<Vec<u8>>, Inode)> {
    let metadata = file.metadata()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut bytes)?;
    Ok((bytes, inode(&metadata)))
}
