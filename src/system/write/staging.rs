//! A staging folder: a private folder beside the targets, in which a run prepares new texts and puts the old ones.
//!
//! Each run creates its own, with its process id in the name. It contains a `.gitignore` before anything else, so that git
//! never sees what is in it, even after a kill. A new text is written here and then exchanged with its target, which can
//! be undone: the old text is here until everything is written. The journal tells both from anything else.

use super::folder::{DirHandle, sync};
use super::journal::{JournalRecord, encode};
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
use zeroize::Zeroizing;

/// The file that hides a staging folder from git.
pub const IGNORE_FILE: &str = ".gitignore";

/// The journal.
pub const JOURNAL: &str = "journal";

/// What follows the name of a staged file while the old text is put in its place in several steps.
pub const ASIDE_SUFFIX: &str = ".old";

/// Identifies the processes whose ids can be compared: one start of a machine, and one container on it. A folder may be
/// shared with others.
pub static HOST_ID: LazyLock<String> = LazyLock::new(|| {
    let mut host = DefaultHasher::new();
    read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().hash(&mut host);
    read_link("/proc/self/ns/pid").unwrap_or_default().hash(&mut host);
    rustix::system::uname().nodename().hash(&mut host);
    format!("{:016x}", host.finish())
});

/// Returns the name of a staging folder of a process on this machine.
pub fn staging_name(process: u32, number: u32) -> String {
    format!("{STAGING_PREFIX}{process}-{}-{number}{STAGING_SUFFIX}", *HOST_ID)
}

/// Returns a name that this process has not used yet.
pub fn next_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    staging_name(std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A staging folder of this run. When it is dropped, it is settled (see [`recovery::settle`]) and removed.
#[derive(Debug)]
pub struct Staging {
    parent: DirHandle,
    folder: DirHandle,
    name: String,
    next: AtomicU32,
    records: Vec<JournalRecord>,
    /// Whether nothing is left to do when it is dropped.
    is_settled: bool,
}

/// A file in a staging folder.
#[derive(Debug)]
pub struct Staged {
    /// Its name there.
    pub name: String,
    /// The file itself.
    pub file: File,
}

impl Staging {
    /// Creates a staging folder in another folder.
    ///
    /// # Errors
    /// Those of the system.
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
        let staging = Self { parent, folder, name, next: AtomicU32::new(0), records: Vec::new(), is_settled: false };
        let mut ignore = staging.folder.create(OsStr::new(IGNORE_FILE), PRIVATE_MODE)?;
        ignore.write_all(b"*\n")?;
        sync(&ignore)?;
        Ok(staging)
    }

    /// Writes a text to a new file in it. The umask applies to the mode.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, text: &str, mode: u32) -> io::Result<Staged> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let mut file = self.folder.create(OsStr::new(&name), mode)?;
        file.write_all(text.as_bytes())?;
        Ok(Staged { name, file })
    }

    /// Writes the journal, once. After that, the targets of these records may be exchanged.
    ///
    /// # Errors
    /// Those of the system.
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
    /// Those of the system: then the target is as it was.
    pub fn swap(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        swap(&self.folder, staged, folder, target)
    }

    /// Gives a staged file its name, and replaces what has that name. There is no way back.
    ///
    /// # Errors
    /// Those of the system.
    pub fn replace(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        self.folder.rename(staged, folder, target)
    }

    /// Gives a staged file its name, which must not exist yet.
    ///
    /// # Errors
    /// Those of the system: [`io::ErrorKind::AlreadyExists`] if the name exists.
    pub fn place_new(&self, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
        self.folder.rename_new(OsStr::new(staged), folder, target)
    }

    /// Settles and removes the folder: restores every edit that came out of an exchange, and keeps it where that fails.
    pub fn settle(mut self) -> SettleResult {
        self.is_settled = true;
        recovery::settle(&self.parent, &self.folder, &self.name, &self.records)
    }

    /// Removes the folder with everything in it: what was replaced is not needed any more.
    pub fn discard(mut self) {
        self.is_settled = true;
        recovery::settle(&self.parent, &self.folder, &self.name, &[]);
    }

    /// Takes back the targets of these staged files, which did not exist before, and puts every old text back. Returns
    /// the targets that could not be restored, and why.
    pub fn roll_back(mut self, created: &[&str]) -> Vec<(PathBuf, String)> {
        self.is_settled = true;
        let mut failed = Vec::new();
        for record in self.records.iter().filter(|record| created.contains(&record.staged.as_str())) {
            if let Err(error) = recovery::remove_created(&self.parent, &self.folder, record) {
                failed.push((self.parent.path().join(&record.target), io_message(&error)));
            }
        }
        // Without its digest an old text is like an edit: it belongs back.
        let records: Vec<JournalRecord> =
            self.records.iter().map(|record| JournalRecord { old: None, ..record.clone() }).collect();
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

/// Exchanges a staged file with an existing target. Where the file system cannot exchange, the target gets a second name
/// in the staging folder first, or is copied there.
///
/// # Errors
/// Those of the system: then the target is as it was.
pub fn swap(staging: &DirHandle, staged: &str, folder: &DirHandle, target: &OsStr) -> io::Result<()> {
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
    staging.rename(&aside, staging, OsStr::new(staged)).or_else(|error| {
        staging.rename(&aside, folder, target)?;
        Err(error)
    })
}

/// Copies a file with its attributes into a staging folder.
fn copy(folder: &DirHandle, name: &OsStr, staging: &DirHandle, copied: &str) -> io::Result<()> {
    let mut old = folder.file(name)?;
    let _ = flock(&old, FlockOperation::NonBlockingLockShared);
    let mut text = Zeroizing::new(Vec::new());
    old.read_to_end(&mut text)?;
    let mut new = staging.create(OsStr::new(copied), PRIVATE_MODE)?;
    new.write_all(&text)?;
    attributes::apply_attributes(&old, &new, attributes::FilePermissions::Preserve)?;
    sync(&new)
}
