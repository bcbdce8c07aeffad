//! Cleans up a staging folder, at the end of its run or when a later run finds it after a kill.
//!
//! For each staged file:
//!
//! - If it has no journal record, it was never exchanged. It is removed.
//! - If it contains the new or the old text of its record, it is removed.
//! - Otherwise it is a concurrent edit of the target, made just before the exchange. It is restored
//!   if the target still has the new text. If not, it is kept, and every later run reports it.

use super::folder::DirHandle;
use super::journal::{Digest, JournalRecord, decode};
use super::notices::{Notice, notify};
use super::open_subfolder;
use super::staging::{ASIDE_SUFFIX, HOST_ID, IGNORE_FILE, JOURNAL, next_name, swap};
use crate::diagnostics::error::io_message;
use crate::system::paths::{STAGING_PREFIX, STAGING_SUFFIX, is_staging};
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The age from which a staging folder of another host is a leftover. No run takes that long.
const STALE_AFTER: Duration = Duration::from_secs(3600);

/// Replaces the process id in the name of a staging folder that contains edits.
const KEPT_PREFIX: &str = "kept";

/// The most staging folders with edits in one folder. Prevents an endless search for a free name.
const MAX_KEPT: u32 = 10_000;

/// The most bytes of a journal that are read.
const MAX_JOURNAL_BYTES: u64 = 64 << 20;

/// The edits that were found when a staging folder was settled.
#[derive(Debug, Default)]
pub struct SettleResult {
    /// The targets whose edits were restored.
    pub restored: Vec<PathBuf>,
    /// The targets whose edits were kept, each with the reason why it could not be restored.
    pub kept: Vec<(PathBuf, String)>,
}

/// Removes the staging folders that dead processes left in a folder, if the folder can be read.
/// Returns whether an edit was restored.
pub fn recover_in(path: &Path) -> bool {
    DirHandle::open(path).is_ok_and(|folder| recover(&folder))
}

/// Removes the staging folders that dead processes left next to a file. A link is followed. Returns
/// whether an edit was restored.
pub fn recover_beside(path: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|path| path.parent().is_some_and(recover_in))
}

/// Removes the staging folders that dead processes left in a folder. Returns whether an edit was
/// restored.
pub fn recover(folder: &DirHandle) -> bool {
    let mut restored = false;
    for name in folder.names_that(is_staging).unwrap_or_default() {
        restored |= name
            .to_str()
            .and_then(|name| recover_one(folder, name))
            .is_some();
    }
    restored
}

/// Removes a staging folder that a dead process left. Returns `None` if no edit was restored.
fn recover_one(parent: &DirHandle, name: &str) -> Option<()> {
    let rest = name
        .strip_prefix(STAGING_PREFIX)?
        .strip_suffix(STAGING_SUFFIX)?;
    let (process, rest) = rest.split_once('-')?;
    match parent.entry_type(OsStr::new(name)) {
        Some(FileType::Directory) => {}
        // A temporary file of an earlier version of stackref.
        Some(FileType::RegularFile) => {
            let age = || {
                parent
                    .file(name)
                    .ok()?
                    .metadata()
                    .ok()?
                    .modified()
                    .ok()?
                    .elapsed()
                    .ok()
            };
            if is_leftover(process, rest, age) {
                parent.remove(name);
            }
            return None;
        }
        _ => return None,
    }
    let folder = parent.open_subfolder(OsStr::new(name)).ok()?;
    // stackref did not create a folder that other users own or may write to.
    let age = folder.private_age()?;
    if process == KEPT_PREFIX {
        report_kept(parent, &folder, &read_journal(&folder));
        return None;
    }
    if !is_leftover(process, rest, || Some(age)) {
        return None;
    }
    // If several runs find the folder, only one of them can rename it.
    let claimed = next_name();
    parent
        .rename_new(OsStr::new(name), parent, OsStr::new(&claimed))
        .ok()?;
    let folder = parent.open_subfolder(OsStr::new(&claimed)).ok()?;
    let settled = settle(parent, &folder, &claimed, &read_journal(&folder));
    let restored = (!settled.restored.is_empty()).then_some(());
    settled
        .restored
        .into_iter()
        .for_each(|path| notify(Notice::Restored { path }));
    restored
}

/// Returns whether the process in the name of a staging folder is dead. The state of a process on
/// another host is unknown, so the age decides.
fn is_leftover(process: &str, rest: &str, age: impl FnOnce() -> Option<Duration>) -> bool {
    let Ok(process) = process.parse() else {
        return false;
    };
    if rest.split('-').next() == Some(HOST_ID.as_str()) {
        process != std::process::id() && !is_alive(process)
    } else {
        age().is_some_and(|age| age > STALE_AFTER)
    }
}

/// Returns whether a process with this id runs, as any user.
fn is_alive(id: u32) -> bool {
    let process = i32::try_from(id).ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) != Err(Errno::SRCH))
}

/// Returns the journal records of a staging folder, or those that can be read.
fn read_journal(folder: &DirHandle) -> Vec<JournalRecord> {
    let mut bytes = Vec::new();
    let read = folder
        .file(JOURNAL)
        .and_then(|file| file.take(MAX_JOURNAL_BYTES).read_to_end(&mut bytes));
    read.map(|_| decode(&bytes)).unwrap_or_default()
}

/// Settles a staging folder: removes the texts that stackref wrote or replaced, restores or keeps
/// edits, and removes the folder unless it contains kept edits.
pub fn settle(
    parent: &DirHandle,
    folder: &DirHandle,
    name: &str,
    records: &[JournalRecord],
) -> SettleResult {
    let mut settled = SettleResult::default();
    for staged in staged_files(folder) {
        let Some(record) = record_of(&staged, records) else {
            folder.remove(&staged);
            continue;
        };
        let path = parent.path().join(&record.target);
        let digest = Digest::of_entry(folder, &staged).ok().flatten();
        if digest.as_ref() == Some(&record.new) || digest.is_some() && digest == record.old {
            folder.remove(&staged);
        } else {
            match restore(parent, folder, record, &staged) {
                Ok(()) => settled.restored.push(path),
                Err(error) => settled.kept.push((path, io_message(&error))),
            }
        }
    }
    if settled.kept.is_empty() {
        folder.remove(JOURNAL);
        // Last, so that git never sees the other files.
        folder.remove(IGNORE_FILE);
        parent.remove_folder(name);
    } else {
        keep_edits(parent, folder, name, records);
    }
    settled
}

/// Gives a staging folder with edits a name that no later run removes, and reports them.
fn keep_edits(parent: &DirHandle, folder: &DirHandle, name: &str, records: &[JournalRecord]) {
    for number in 0..MAX_KEPT {
        let kept = format!("{STAGING_PREFIX}{KEPT_PREFIX}-{number}{STAGING_SUFFIX}");
        match parent.rename_new(OsStr::new(name), parent, OsStr::new(&kept)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            renamed => {
                let renamed = renamed
                    .ok()
                    .and_then(|()| parent.open_subfolder(OsStr::new(&kept)).ok());
                return report_kept(parent, renamed.as_ref().unwrap_or(folder), records);
            }
        }
    }
}

fn report_kept(parent: &DirHandle, folder: &DirHandle, records: &[JournalRecord]) {
    for staged in staged_files(folder) {
        if let Some(record) = record_of(&staged, records) {
            let (path, edit) = (
                parent.path().join(&record.target),
                folder.path().join(&staged),
            );
            notify(Notice::Kept { path, edit });
        }
    }
}

/// Returns the names of the staged files in a staging folder.
fn staged_files(folder: &DirHandle) -> Vec<OsString> {
    let mut names = folder.names().unwrap_or_default();
    names.retain(|name| name != IGNORE_FILE && name != JOURNAL);
    names
}

/// Returns the record of a staged file, with or without [`ASIDE_SUFFIX`].
fn record_of<'r>(staged: &OsStr, records: &'r [JournalRecord]) -> Option<&'r JournalRecord> {
    let staged = staged.to_str()?;
    let staged = staged.strip_suffix(ASIDE_SUFFIX).unwrap_or(staged);
    records.iter().find(|record| record.staged == staged)
}

/// Restores an edit: exchanges it with its target and removes the new text.
///
/// # Errors
/// Fails with the system's error, or if the target does not have the new text any more. The target
/// is unchanged then.
fn restore(
    parent: &DirHandle,
    folder: &DirHandle,
    record: &JournalRecord,
    staged: &OsStr,
) -> io::Result<()> {
    let (target_folder, name) = target_of(parent, record)?;
    if Digest::of_entry(&target_folder, name)?.as_ref() != Some(&record.new) {
        return Err(changed_error());
    }
    let staged_name = staged.to_str().ok_or(io::ErrorKind::InvalidInput)?;
    swap(folder, staged_name, &target_folder, name)?;
    if Digest::of_entry(folder, staged)?.as_ref() != Some(&record.new) {
        // The target was changed between the check and the exchange. That text is newer.
        swap(folder, staged_name, &target_folder, name)?;
        return Err(changed_error());
    }
    target_folder.sync();
    folder.remove(staged);
    Ok(())
}

/// Removes a target that did not exist before, if it still has the new text.
///
/// # Errors
/// Fails with the system's error, or if the target does not have the new text any more. It is not
/// removed then.
pub fn remove_created(
    parent: &DirHandle,
    folder: &DirHandle,
    record: &JournalRecord,
) -> io::Result<()> {
    let (target_folder, name) = target_of(parent, record)?;
    match Digest::of_entry(&target_folder, name)? {
        None => return Ok(()),
        Some(digest) if digest == record.new => {}
        Some(_) => return Err(changed_error()),
    }
    let staged = OsStr::new(&record.staged);
    target_folder.rename_new(name, folder, staged)?;
    if Digest::of_entry(folder, staged)?.as_ref() != Some(&record.new) {
        folder.rename_new(staged, &target_folder, name)?;
        return Err(changed_error());
    }
    target_folder.sync();
    folder.remove(staged);
    Ok(())
}

fn changed_error() -> io::Error {
    io::Error::other("another process has changed it since")
}

/// Opens the folder of a target. Returns it with the target's name.
fn target_of<'r>(
    parent: &DirHandle,
    record: &'r JournalRecord,
) -> io::Result<(DirHandle, &'r OsStr)> {
    let name = record
        .target
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?;
    let above = record.target.parent().unwrap_or(Path::new(""));
    let folder = open_subfolder(parent, above, parent.path())
        .map_err(|failure| io::Error::other(failure.to_string()))?;
    Ok((folder, name))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::notices::{NOTICES, take_notices};
    use super::super::staging::{Staging, staging_name};
    use super::*;
    use std::fs::{read_dir, read_to_string, write};
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    /// Creates a folder with a file that was exchanged with its new text.
    fn exchanged(edit: Option<&str>) -> (TempDir, DirHandle, Staging) {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("f");
        write(&target, "old").unwrap();
        let folder = DirHandle::open(parent.path()).unwrap();
        let mut staging = Staging::new(&folder).unwrap();
        let staged = staging.write("new", 0o600).unwrap();
        let (new, old) = (Digest::of_bytes(b"new"), Some(Digest::of_bytes(b"old")));
        let record = JournalRecord {
            staged: staged.name.clone(),
            target: PathBuf::from("f"),
            new,
            old,
        };
        staging.record(vec![record]).unwrap();
        if let Some(edit) = edit {
            write(&target, edit).unwrap();
        }
        staging
            .swap(&staged.name, &folder, OsStr::new("f"))
            .unwrap();
        assert_eq!(read_to_string(&target).unwrap(), "new");
        (parent, folder, staging)
    }

    /// Turns a staging folder into one that a killed process has left.
    fn abandon(parent: &TempDir, staging: Staging) -> PathBuf {
        std::mem::forget(staging);
        let is_ours = |path: &Path| path.file_name().is_some_and(is_staging);
        let left = read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| is_ours(path))
            .unwrap();
        let abandoned = parent.path().join(staging_name(999_999_999, 7));
        std::fs::rename(left, &abandoned).unwrap();
        abandoned
    }

    fn names(parent: &TempDir) -> Vec<String> {
        let names = read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn recover_removes_old_text_that_git_ignores() {
        let (parent, folder, staging) = exchanged(None);
        let abandoned = abandon(&parent, staging);
        assert_eq!(read_to_string(abandoned.join(".gitignore")).unwrap(), "*\n");
        assert_eq!(
            abandoned.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(read_to_string(abandoned.join("0")).unwrap(), "old");
        assert!(!recover(&folder));
        assert_eq!(
            (
                names(&parent),
                read_to_string(parent.path().join("f")).unwrap().as_str()
            ),
            (vec!["f".to_owned()], "new")
        );
    }

    #[test]
    fn recover_removes_text_that_was_never_exchanged() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DirHandle::open(parent.path()).unwrap();
        let staging = Staging::new(&folder).unwrap();
        staging.write("new", 0o600).unwrap();
        let abandoned = abandon(&parent, staging);
        // stackref does not create folders that other users may enter.
        std::fs::set_permissions(&abandoned, std::fs::Permissions::from_mode(0o755)).unwrap();
        recover(&folder);
        assert!(abandoned.exists());
        std::fs::set_permissions(&abandoned, std::fs::Permissions::from_mode(0o700)).unwrap();
        recover(&folder);
        assert!(names(&parent).is_empty());
    }

    #[test]
    fn recover_restores_concurrent_edit() {
        let (parent, folder, staging) = exchanged(Some("edit"));
        abandon(&parent, staging);
        assert!(recover(&folder));
        assert_eq!(
            (
                names(&parent),
                read_to_string(parent.path().join("f")).unwrap().as_str()
            ),
            (vec!["f".to_owned()], "edit")
        );
        assert!(take_notices().contains(&Notice::Restored {
            path: parent.path().join("f")
        }));
    }

    #[test]
    fn edit_that_cannot_be_restored_is_kept_and_reported_by_every_run() {
        for is_killed in [true, false] {
            let (parent, folder, staging) = exchanged(Some("edit"));
            write(parent.path().join("f"), "newer").unwrap();
            if is_killed {
                abandon(&parent, staging);
            } else {
                assert_eq!(staging.settle().kept.len(), 1);
            }
            for _ in 0..2 {
                NOTICES
                    .lock()
                    .unwrap()
                    .retain(|notice, _| !matches!(notice, Notice::Kept { .. }));
                recover(&folder);
                let (path, edit) = (
                    parent.path().join("f"),
                    parent.path().join(".stackref-kept-0.tmp/0"),
                );
                assert_eq!(read_to_string(&path).unwrap(), "newer");
                assert_eq!(read_to_string(&edit).unwrap(), "edit");
                assert_eq!(
                    read_to_string(edit.with_file_name(".gitignore")).unwrap(),
                    "*\n"
                );
                assert!(take_notices().contains(&Notice::Kept { path, edit }));
            }
        }
    }

    #[test]
    fn roll_back_keeps_target_that_was_changed() {
        let (parent, _, staging) = exchanged(None);
        write(parent.path().join("f"), "newer").unwrap();
        let failed = staging.roll_back(&[]);
        assert_eq!(
            failed,
            [(
                parent.path().join("f"),
                "another process has changed it since".to_owned()
            )]
        );
        assert_eq!(
            read_to_string(parent.path().join(".stackref-kept-0.tmp/0")).unwrap(),
            "old"
        );
        let (parent, _, staging) = exchanged(None);
        assert!(staging.roll_back(&[]).is_empty());
        assert_eq!(
            (
                names(&parent),
                read_to_string(parent.path().join("f")).unwrap().as_str()
            ),
            (vec!["f".to_owned()], "old")
        );
    }

    #[test]
    fn journal_cannot_name_target_outside_its_folder() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir(parent.path().join("inside")).unwrap();
        write(parent.path().join("f"), "new").unwrap();
        let folder = DirHandle::open(&parent.path().join("inside")).unwrap();
        for target in ["../f".into(), parent.path().join("f")] {
            let mut staging = Staging::new(&folder).unwrap();
            let staged = staging.write("theirs", 0o600).unwrap();
            let record = JournalRecord {
                staged: staged.name,
                target,
                new: Digest::of_bytes(b"new"),
                old: None,
            };
            staging.record(vec![record]).unwrap();
            assert_eq!(staging.settle().kept.len(), 1);
            assert_eq!(read_to_string(parent.path().join("f")).unwrap(), "new");
        }
    }
}
