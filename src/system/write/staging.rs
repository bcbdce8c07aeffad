//! A staging folder: a private folder next to the targets that contains new texts before the
//! exchange and old texts after it.
//!
//! Each run creates its own staging folder, with the process id in its name. The first file in it
//! is a `.gitignore`, so that git never sees the others, even after a kill. A new text is written
//! to the folder and then exchanged with its target. The exchange can be undone, since the old text
//! stays here until everything is written. The journal identifies both texts.

use super::folder::{DirHandle, sync};
use super::journal::{Digest, JournalRecord, encode};
use super::recovery::{self, SettleResult};
use super::{PRIVATE_MODE, attributes};
use crate::diagnostics::error::io_message;
use crate::system::paths::{STAGING_PREFIX, STAGING_SUFFIX};
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{File, read_link, read_to_string};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The file that hides a staging folder from git.
pub const IGNORE_FILE: &str = ".gitignore";

/// The file with the journal.
pub const JOURNAL: &str = "journal";

/// The suffix of an old text while it replaces a staged file in several steps, see [`swap`].
pub const ASIDE_SUFFIX: &str = ".old";

/// Identifies the host of a process id: one boot of a machine and one container on it. Ids of
/// different hosts cannot be compared, and a folder may be shared between hosts.
pub static HOST_ID: LazyLock<String> = LazyLock::new(|| {
    let mut host = DefaultHasher::new();
    read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .hash(&mut host);
    read_link("/proc/self/ns/pid")
        .unwrap_or_default()
        .hash(&mut host);
    rustix::system::uname().nodename().hash(&mut host);
    format!("{:016x}", host.finish())
});

/// Returns the name of a staging folder of a process on this machine.
pub fn staging_name(process: u32, number: u32) -> String {
    format!(
        "{STAGING_PREFIX}{process}-{}-{number}{STAGING_SUFFIX}",
        *HOST_ID
    )
}

/// Returns a name that this process has not used yet.
pub fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    staging_name(std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A staging folder of this run. Dropping it settles (see [`recovery::settle`]) and removes it.
#[derive(Debug)]
pub struct Staging {
    parent: DirHandle,
    folder: DirHandle,
    name: String,
    next: AtomicU32,
    records: Vec<JournalRecord>,
    /// Whether the folder is settled, so that dropping it does nothing.
    is_settled: bool,
}

/// A file in a staging folder.
#[derive(Debug)]
pub struct Staged {
    /// Its name in the staging folder.
    pub name: String,
    /// The open file.
    pub file: File,
}

impl Staging {
    /// Creates a staging folder in another folder.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn new(parent: &DirHandle) -> io::Result<Self> {
        let parent = parent.try_clone()?;
        let name = loop {
            let name = next_name();
            if parent.create_folder(OsStr::new(&name))? {
                break name;
            }
        };
        let folder = match parent.open_subfolder(OsStr::new(&name)) {
            Ok(folder) => folder,
            Err(error) => {
                parent.remove_folder(&name);
                return Err(error.into());
            }
        };
        let staging = Self {
            parent,
            folder,
            name,
            next: AtomicU32::new(0),
            records: Vec::new(),
            is_settled: false,
        };
        let mut ignore = staging
            .folder
            .create(OsStr::new(IGNORE_FILE), PRIVATE_MODE)?;
        ignore.write_all(b"*\n")?;
        sync(&ignore)?;
        Ok(staging)
    }

    /// Writes a text to a new file in the folder. The umask applies to the mode.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn write(&self, text: &str, mode: u32) -> io::Result<Staged> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut file = self.folder.create(OsStr::new(&name), mode)?;
        file.write_all(text.as_bytes())?;
        Ok(Staged { name, file })
    }

    /// Writes the journal. Call it once, before the first exchange.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn record(&mut self, records: Vec<JournalRecord>) -> io::Result<()> {
        let mut journal = self.folder.create(OsStr::new(JOURNAL), PRIVATE_MODE)?;
        journal.write_all(&encode(&records))?;
        sync(&journal)?;
        self.records = records;
        Ok(())
    }

    /// Exchanges a staged file with an existing target.
    ///
    /// # Errors
    /// Returns the system's error. The target is unchanged then.
    pub fn swap(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        swap(&self.folder, staged, folder, target)
    }

    /// Returns the digest of a file in the folder: after an exchange, that of the old target.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn digest(&self, name: &str) -> io::Result<Option<Digest>> {
        Digest::of_entry(&self.folder, OsStr::new(name))
    }

    /// Moves a staged file to its target and replaces an existing file. This cannot be undone.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn replace(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        self.folder.rename(staged, folder, target)
    }

    /// Moves a staged file to its target, which must not exist yet.
    ///
    /// # Errors
    /// Returns the system's error, or [`io::ErrorKind::AlreadyExists`] if the target exists.
    pub fn place_new(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        self.folder.rename_new(OsStr::new(staged), folder, target)
    }

    /// Settles and removes the folder: restores every concurrent edit that an exchange replaced,
    /// and keeps those that cannot be restored.
    pub fn settle(mut self) -> SettleResult {
        self.is_settled = true;
        recovery::settle(&self.parent, &self.folder, &self.name, &self.records)
    }

    /// Removes the folder and all its files. The old texts are not needed any more.
    pub fn discard(mut self) {
        self.is_settled = true;
        recovery::settle(&self.parent, &self.folder, &self.name, &[]);
    }

    /// Undoes all exchanges: removes the targets of the `created` staged files and restores every
    /// old text. Returns the targets that could not be restored, each with the reason.
    pub fn roll_back(mut self, created: &[&str]) -> Vec<(PathBuf, String)> {
        self.is_settled = true;
        let mut failed = Vec::new();
        for record in self
            .records
            .iter()
            .filter(|record| created.contains(&record.staged.as_str()))
        {
            if let Err(error) = recovery::remove_created(&self.parent, &self.folder, record) {
                failed.push((self.parent.path().join(&record.target), io_message(&error)));
            }
        }
        // Without its digest, an old text is treated as an edit, which is restored.
        let records: Vec<JournalRecord> = self
            .records
            .iter()
            .map(|record| JournalRecord {
                old: None,
                ..record.clone()
            })
            .collect();
        failed.extend(recovery::settle(&self.parent, &self.folder, &self.name, &records).kept);
        failed
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_settled {
            recovery::settle(&self.parent, &self.folder, &self.name, &self.records);
        }
    }
}

/// Exchanges a staged file with an existing target.
///
/// If the file system does not support an exchange, the target is first linked or copied to the
/// staging folder.
///
/// # Errors
/// Returns the system's error. The target is unchanged then.
pub fn swap(
    staging: &DirHandle,
    staged: &str,
    folder: &DirHandle,
    target: &OsStr,
) -> io::Result<()> {
    if staging.exchange(staged, folder, target)? {
        return Ok(());
    }
    let aside = format!("{staged}{ASIDE_SUFFIX}");
    if folder.link(target, staging, OsStr::new(&aside)).is_err() {
        copy(folder, target, staging, &aside)?;
    }
    if let Err(error) = staging.rename(staged, folder, target) {
        staging.remove(&aside);
        return Err(error);
    }
    staging
        .rename(&aside, staging, OsStr::new(staged))
        .or_else(|error| {
            staging.rename(&aside, folder, target)?;
            Err(error)
        })
}

/// Copies a file with its attributes into a staging folder.
fn copy(folder: &DirHandle, name: &OsStr, staging: &DirHandle, copied: &str) -> io::Result<()> {
    let mut old = folder.file(name)?;
    let _ = flock(&old, FlockOperation::NonBlockingLockShared);
    let mut text = Vec::new();
    old.read_to_end(&mut text)?;
    let mut new = staging.create(OsStr::new(copied), PRIVATE_MODE)?;
    new.write_all(&text)?;
    attributes::apply_attributes(&old, &new, attributes::FilePermissions::Preserve)?;
    sync(&new)
}
