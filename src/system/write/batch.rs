//! Writes several files together: all of them or none.
//!
//! 1. Stage and sync the new texts, several at a time.
//! 2. Lock the folder, so that two runs do not mix their files.
//! 3. Exchange every text with its target. If an exchange fails, restore the earlier targets.

use super::attributes::{self, FilePermissions};
use super::folder::{DirHandle, sync};
use super::journal::{Digest, JournalRecord};
use super::recovery::recover;
use super::staging::Staging;
use super::{
    DEFAULT_MODE, FOLDER_LOCK_TIMEOUT, PRIVATE_MODE, escape_path, io_failure, open_subfolder,
};
use crate::diagnostics::error::Failure;
use crate::system::parallel;
use rustix::fs::FileType;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A file to write.
pub struct NewFile<'c> {
    /// Its path below the folder.
    pub path: PathBuf,
    /// Its text.
    pub text: &'c str,
    /// What happens to an existing file.
    pub existing: ExistingFile<'c>,
}

/// What happens to an existing file at the path of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistingFile<'c> {
    /// It is kept.
    Keep,
    /// It is replaced, whatever it contains.
    Replace,
    /// It must exist and have this text, from which the new text was made. Otherwise nothing is written.
    ReplaceText(&'c str),
}

impl ExistingFile<'_> {
    /// Returns the digest of the text that the file must have, if any.
    fn digest(self) -> Option<Digest> {
        match self {
            Self::Keep | Self::Replace => None,
            Self::ReplaceText(text) => Some(Digest::of_bytes(text.as_bytes())),
        }
    }

    fn is_replaced(self) -> bool {
        self != Self::Keep
    }
}

/// The number of files that are synced at the same time. File systems complete several syncs
/// together.
const WRITERS: usize = 8;

/// The help of a failure that changed nothing.
const UNCHANGED: &str = "no output was changed";

/// Writes files below a folder with these permissions, all of them or none. Returns the paths of the
/// existing files that were kept.
///
/// A replacement keeps the owner, group and attributes of the old file. Calls `progress` with the
/// number of staged files, before the first file is exchanged.
///
/// # Errors
/// Fails if a folder is a link, if another process has locked the root, or with the system's error.
/// The failure names every file that could not be restored.
pub fn write_all(
    folder: &Path,
    files: &[NewFile<'_>],
    permissions: FilePermissions,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<PathBuf>, Failure> {
    create_root(folder, permissions)?;
    let root = DirHandle::open(folder)
        .map_err(|error| io_failure("write to", folder, &error).with_help(UNCHANGED))?;
    recover(&root);
    let mut batch = Batch {
        root: &root,
        display_root: folder,
        stagings: Vec::new(),
        folders: BTreeMap::new(),
        created_folders: Vec::new(),
    };
    let result = batch.write(files, permissions, progress);
    if result.is_err() {
        batch.remove_created();
    }
    result
}

/// The files of one call of [`write_all`].
struct Batch<'b> {
    root: &'b DirHandle,
    /// The path of the root as messages show it.
    display_root: &'b Path,
    /// The staging folders, each with the path of the folder that contains it. There is only one,
    /// unless a target is on another file system or the root is not writable.
    stagings: Vec<(PathBuf, Staging)>,
    /// The index of the staging folder of each folder with a target.
    folders: BTreeMap<PathBuf, usize>,
    /// The folders that were created, in order of creation.
    created_folders: Vec<PathBuf>,
}

/// A staged file.
struct StagedFile<'b> {
    new_file: &'b NewFile<'b>,
    /// The index of its staging folder.
    staging: usize,
    /// Its name there.
    name: String,
    digest: Digest,
    /// The digest that the target must have.
    expected: Option<Digest>,
}

impl Batch<'_> {
    fn write(
        &mut self,
        files: &[NewFile<'_>],
        permissions: FilePermissions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<PathBuf>, Failure> {
        for file in files {
            self.prepare_folder(parent_of(&file.path))
                .map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        }
        let staged = self
            .stage(files, permissions, progress)
            .map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        let lock = self.root.lock(FOLDER_LOCK_TIMEOUT).map_err(|_| {
            Failure::usage(format!(
                "cannot write to `{}`: another process is writing there",
                escape_path(self.display_root)
            ))
            .with_help(format!(
                "wait until it has finished, then run the command again; {UNCHANGED}"
            ))
        })?;
        self.record(&staged)
            .map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        let kept = self.exchange(&staged)?;
        for folder in self.folders.keys() {
            if let Ok(handle) = open_subfolder(self.root, folder, self.display_root) {
                handle.sync();
            }
        }
        drop(lock);
        self.stagings
            .drain(..)
            .for_each(|(_, staging)| staging.discard());
        Ok(kept)
    }

    /// Creates a folder for targets, and a staging folder from which they can be reached.
    fn prepare_folder(&mut self, path: &Path) -> Result<(), Failure> {
        if self.folders.contains_key(path) {
            return Ok(());
        }
        self.create_folders(path)?;
        let folder = open_subfolder(self.root, path, self.display_root)?;
        if !path.as_os_str().is_empty() {
            recover(&folder);
        }
        let top = if folder.mount() == self.root.mount() {
            Path::new("")
        } else {
            path
        };
        let staging = if let Some(at) = self.staging_in(top).or_else(|| self.staging_in(path)) {
            at
        } else {
            let top_folder = open_subfolder(self.root, top, self.display_root)?;
            let new = Staging::new(&top_folder).map(|staging| (top.to_path_buf(), staging));
            // The folder of the target may be writable although the root is not.
            let new =
                new.or_else(|_| Staging::new(&folder).map(|staging| (path.to_path_buf(), staging)));
            self.stagings.push(
                new.map_err(|error| io_failure("write to", &self.display_root.join(path), &error))?,
            );
            self.stagings.len() - 1
        };
        self.folders.insert(path.to_path_buf(), staging);
        Ok(())
    }

    /// Returns the index of the staging folder in a folder, or `None` if that folder contains none.
    fn staging_in(&self, folder: &Path) -> Option<usize> {
        self.stagings
            .iter()
            .position(|(parent, _)| parent == folder)
    }

    /// Creates a folder and its parents if they do not exist.
    fn create_folders(&mut self, path: &Path) -> Result<(), Failure> {
        let mut below = PathBuf::new();
        for part in path {
            let folder = open_subfolder(self.root, &below, self.display_root)?;
            below.push(part);
            if folder.create_folder(part).map_err(|error| {
                io_failure("create", &self.display_root.join(&below), &error.into())
            })? {
                folder.sync();
                self.created_folders.push(below.clone());
            }
        }
        Ok(())
    }

    fn remove_created(&mut self) {
        // The staging folders first, since they may be in the created folders.
        self.stagings.clear();
        for path in self.created_folders.drain(..).rev() {
            if let Ok(folder) = open_subfolder(self.root, parent_of(&path), self.display_root) {
                folder.remove_folder(path.file_name().unwrap_or_default());
            }
        }
    }

    /// Writes and syncs every text in its staging folder.
    fn stage<'f>(
        &self,
        files: &'f [NewFile<'f>],
        permissions: FilePermissions,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<StagedFile<'f>>, Failure> {
        let has_failed = AtomicBool::new(false);
        let work = |file: &NewFile<'_>| self.stage_unless_failed(file, permissions, &has_failed);
        let results = parallel::map(files, WRITERS, work, None, progress);
        let mut staged = Vec::with_capacity(files.len());
        for (file, result) in files
            .iter()
            .zip(results)
            .filter_map(|(file, result)| Some((file, result?)))
        {
            let (staging, name) = result?;
            staged.push(StagedFile {
                new_file: file,
                staging,
                name,
                digest: Digest::of_bytes(file.text.as_bytes()),
                expected: file.existing.digest(),
            });
        }
        Ok(staged)
    }

    /// Stages a file, or returns `None` if another file has failed.
    fn stage_unless_failed(
        &self,
        file: &NewFile<'_>,
        permissions: FilePermissions,
        has_failed: &AtomicBool,
    ) -> Option<Result<(usize, String), Failure>> {
        if has_failed.load(Ordering::Relaxed) {
            return None;
        }
        let staged = self.stage_one(file, permissions);
        has_failed.fetch_or(staged.is_err(), Ordering::Relaxed);
        Some(staged)
    }

    /// Stages a file. Returns the index of its staging folder and its name there.
    fn stage_one(
        &self,
        file: &NewFile<'_>,
        permissions: FilePermissions,
    ) -> Result<(usize, String), Failure> {
        let at = self
            .folders
            .get(parent_of(&file.path))
            .copied()
            .unwrap_or_default();
        let folder = open_subfolder(self.root, parent_of(&file.path), self.display_root)?;
        let name = self
            .stagings
            .get(at)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
            .and_then(|(_, staging)| stage_file(file, permissions, &folder, staging))
            .map_err(|error| io_failure("write", &self.display_root.join(&file.path), &error))?;
        Ok((at, name))
    }

    /// Writes the journals of all staging folders.
    fn record(&mut self, staged: &[StagedFile<'_>]) -> Result<(), Failure> {
        let mut records: Vec<Vec<JournalRecord>> =
            self.stagings.iter().map(|_| Vec::new()).collect();
        for file in staged {
            let path = &file.new_file.path;
            let folder = open_subfolder(self.root, parent_of(path), self.display_root)?;
            let old = check_target(&folder, file_name(path))
                .and_then(|()| Digest::of_entry(&folder, file_name(path)))
                .and_then(|old| file.check_old(old));
            let old =
                old.map_err(|error| io_failure("write", &self.display_root.join(path), &error))?;
            let base = self
                .stagings
                .get(file.staging)
                .map_or(Path::new(""), |(base, _)| base.as_path());
            let target = path.strip_prefix(base).unwrap_or(path).to_path_buf();
            if let Some(records) = records.get_mut(file.staging) {
                records.push(JournalRecord {
                    staged: file.name.clone(),
                    target,
                    new: file.digest.clone(),
                    old,
                });
            }
        }
        for ((_, staging), records) in self.stagings.iter_mut().zip(records) {
            staging
                .record(records)
                .map_err(|error| io_failure("write to", self.display_root, &error))?;
        }
        Ok(())
    }

    /// Exchanges every staged file with its target. Restores all targets if an exchange fails.
    fn exchange(&mut self, staged: &[StagedFile<'_>]) -> Result<Vec<PathBuf>, Failure> {
        let (mut kept, mut created) = (Vec::new(), vec![Vec::new(); self.stagings.len()]);
        for file in staged {
            match self.exchange_one(file) {
                Ok(ExchangeResult::Replaced) => {}
                Ok(ExchangeResult::Created) => {
                    if let Some(created) = created.get_mut(file.staging) {
                        created.push(file.name.as_str());
                    }
                }
                Ok(ExchangeResult::Kept) => kept.push(file.new_file.path.clone()),
                Err(failure) => return Err(failure.with_help(self.roll_back(&created))),
            }
        }
        Ok(kept)
    }

    fn exchange_one(&self, file: &StagedFile<'_>) -> Result<ExchangeResult, Failure> {
        let path = &file.new_file.path;
        let folder = open_subfolder(self.root, parent_of(path), self.display_root)?;
        self.stagings
            .get(file.staging)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
            .and_then(|(_, staging)| exchange_file(file, &folder, staging))
            .map_err(|error| io_failure("write", &self.display_root.join(path), &error))
    }

    /// Restores every target. Returns a help text that lists the targets that could not be
    /// restored.
    fn roll_back(&mut self, created: &[Vec<&str>]) -> String {
        let mut failed = Vec::new();
        for ((_, staging), created) in self.stagings.drain(..).zip(created) {
            failed.extend(staging.roll_back(created));
        }
        if failed.is_empty() {
            return UNCHANGED.to_owned();
        }
        let failed: Vec<String> = failed
            .iter()
            .map(|(path, reason)| format!("`{}` ({reason})", escape_path(path)))
            .collect();
        format!(
            "restore by hand: {}; no other output was changed",
            failed.join(", ")
        )
    }
}

impl StagedFile<'_> {
    /// Returns the digest of the old text. Fails if the new text was made from another one.
    fn check_old(&self, old: Option<Digest>) -> io::Result<Option<Digest>> {
        if self.expected.is_some() && self.expected != old {
            return Err(io::Error::other("it was changed in the meantime"));
        }
        Ok(old)
    }
}

/// Writes and syncs the text of a file to a staging folder. Returns its name there.
fn stage_file(
    file: &NewFile<'_>,
    permissions: FilePermissions,
    folder: &DirHandle,
    staging: &Staging,
) -> io::Result<String> {
    let name = file_name(&file.path);
    check_target(folder, name)?;
    let replaces =
        folder.entry_type(name) == Some(FileType::RegularFile) && file.existing.is_replaced();
    let is_public = !replaces && matches!(permissions, FilePermissions::Preserve);
    let mode = if is_public {
        DEFAULT_MODE
    } else {
        PRIVATE_MODE
    };
    let staged = staging.write(file.text, mode)?;
    if replaces {
        attributes::apply_attributes(&folder.file(name)?, &staged.file, permissions)?;
    } else if let FilePermissions::Mode(mode) = permissions {
        staged.file.set_permissions(Permissions::from_mode(mode))?;
    }
    sync(&staged.file)?;
    Ok(staged.name)
}

/// The result of exchanging a staged file with its target.
enum ExchangeResult {
    /// The old text is in the staging folder.
    Replaced,
    /// The target did not exist before.
    Created,
    /// The target exists and must not be replaced.
    Kept,
}

fn exchange_file(
    file: &StagedFile<'_>,
    folder: &DirHandle,
    staging: &Staging,
) -> io::Result<ExchangeResult> {
    let name = file_name(&file.new_file.path);
    check_target(folder, name)?;
    let replaces = file.new_file.existing.is_replaced();
    if file.expected.is_some() || replaces && folder.contains(name) {
        match staging.swap(&file.name, folder, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.expected.is_none() => {}
            swapped => {
                swapped?;
                // An editor may have changed the target right before the exchange.
                if file.expected.is_some() {
                    file.check_old(staging.digest(&file.name)?)?;
                }
                return Ok(ExchangeResult::Replaced);
            }
        }
    }
    match staging.place_new(&file.name, folder, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !replaces => {
            Ok(ExchangeResult::Kept)
        }
        placed => placed.map(|()| ExchangeResult::Created),
    }
}

/// Returns an error if a target cannot be replaced, as far as that is known before the attempt.
fn check_target(folder: &DirHandle, name: &OsStr) -> io::Result<()> {
    match folder.entry_type(name) {
        None | Some(FileType::Symlink) => Ok(()),
        Some(FileType::Directory) => Err(io::ErrorKind::IsADirectory.into()),
        Some(FileType::RegularFile) => folder
            .obstacle(name)
            .map_or(Ok(()), |obstacle| Err(io::Error::other(obstacle))),
        Some(_) => Err(io::Error::other("it is neither a file nor a link")),
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// Creates the folder and its parents if they do not exist. Without a mode, everybody may enter it that
/// the process allows by default.
fn create_root(folder: &Path, permissions: FilePermissions) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let mode = match permissions {
        FilePermissions::Preserve => 0o777,
        FilePermissions::Mode(_) => 0o700,
    };
    let created = fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder);
    created.map_err(|error| io_failure("create", folder, &error).with_help(UNCHANGED))
}
