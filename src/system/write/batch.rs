//! Several files that are written together: all of them, or none.
//!
//! New texts are staged and synced first, several at a time. Then the folder is locked, so that of two runs each writes
//! everything or nothing, and every text is exchanged with its target. If one of them fails, those before it are put back.

use super::attributes::{self, FilePermissions};
use super::folder::{DirHandle, sync};
use super::journal::{Digest, JournalRecord};
use super::recovery::recover;
use super::staging::Staging;
use super::{FOLDER_LOCK_TIMEOUT, PRIVATE_MODE, io_failure, open_subfolder, shown};
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
    /// Its bytes.
    pub text: &'c str,
    /// Whether it replaces an existing file. If not, an existing file stays.
    pub replaces: bool,
}

/// The number of files that are written and synced at a time: file systems answer several such waits together.
const WRITERS: usize = 8;

/// The help of a failure that changed nothing.
const UNCHANGED: &str = "every output is as it was";

/// Writes files below a folder, all of them or none, with this mode. A file that replaces another one keeps its owner,
/// group and attributes. Calls `progress` with the number of staged files before the first file is exchanged. Returns the
/// paths of the files that stayed as they were.
///
/// # Errors
/// A folder that is a link, a lock that another process keeps, and those of the system. The failure names every file that
/// could not be restored.
pub fn write_all(
    folder: &Path,
    files: &[NewFile<'_>],
    mode: u32,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<PathBuf>, Failure> {
    make_folder(folder)?;
    let root =
        DirHandle::open(folder).map_err(|error| io_failure("write below", folder, &error).with_help(UNCHANGED))?;
    recover(&root);
    let mut batch = Batch {
        root: &root,
        display_root: folder,
        stagings: Vec::new(),
        folders: BTreeMap::new(),
        created_folders: Vec::new(),
    };
    let ended = batch.write(files, mode, progress);
    if ended.is_err() {
        batch.remove_created();
    }
    ended
}

/// The files of one call of [`write_all`].
struct Batch<'b> {
    root: &'b DirHandle,
    /// How messages show the root.
    display_root: &'b Path,
    /// The staging folders with the paths of the folders that contain them. There is one, unless parts of the tree lie on
    /// other file systems or cannot be reached from the root.
    stagings: Vec<(PathBuf, Staging)>,
    /// The index of the staging folder of each folder with a target.
    folders: BTreeMap<PathBuf, usize>,
    /// The folders that were created, in this order.
    created_folders: Vec<PathBuf>,
}

/// A staged file.
struct StagedFile<'b> {
    file: &'b NewFile<'b>,
    /// The index of its staging folder.
    staging: usize,
    /// Its name there.
    name: String,
    digest: Digest,
}

impl Batch<'_> {
    fn write(
        &mut self,
        files: &[NewFile<'_>],
        mode: u32,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<PathBuf>, Failure> {
        for file in files {
            self.prepare_folder(parent_of(&file.path)).map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        }
        let ready = self.stage(files, mode, progress).map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        let lock = self.root.lock(FOLDER_LOCK_TIMEOUT).map_err(|_| {
            Failure::usage(format!(
                "cannot write below `{}`: another process is writing there",
                shown(self.display_root)
            ))
            .with_help(format!("wait for it to end, and run the command again; {UNCHANGED}"))
        })?;
        self.record(&ready).map_err(|failure| failure.with_help_if_none(UNCHANGED))?;
        let kept = self.exchange(&ready)?;
        for folder in self.folders.keys() {
            if let Ok(held) = open_subfolder(self.root, folder, self.display_root) {
                held.sync();
            }
        }
        drop(lock);
        self.stagings.drain(..).for_each(|(_, staging)| staging.discard());
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
        let top = if folder.mount() == self.root.mount() { Path::new("") } else { path };
        let known = |base: &Path| self.stagings.iter().position(|(known, _)| known == base);
        let staging = if let Some(at) = known(top).or_else(|| known(path)) {
            at
        } else {
            let at_top = open_subfolder(self.root, top, self.display_root)?;
            let new = Staging::new(&at_top).map(|staging| (top.to_path_buf(), staging));
            // A folder may be writable below one that is not.
            let new = new.or_else(|_| Staging::new(&folder).map(|staging| (path.to_path_buf(), staging)));
            self.stagings.push(new.map_err(|error| io_failure("write below", &self.display_root.join(path), &error))?);
            self.stagings.len() - 1
        };
        self.folders.insert(path.to_path_buf(), staging);
        Ok(())
    }

    /// Creates a folder and those above it, as far as they do not exist.
    fn create_folders(&mut self, path: &Path) -> Result<(), Failure> {
        let mut below = PathBuf::new();
        for part in path {
            let folder = open_subfolder(self.root, &below, self.display_root)?;
            below.push(part);
            if folder
                .create_folder(part)
                .map_err(|error| io_failure("make", &self.display_root.join(&below), &error.into()))?
            {
                folder.sync();
                self.created_folders.push(below.clone());
            }
        }
        Ok(())
    }

    fn remove_created(&mut self) {
        // The staging folders first: they may lie in them.
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
        mode: u32,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<StagedFile<'f>>, Failure> {
        let stopped = AtomicBool::new(false);
        let stage = |file: &NewFile<'_>| {
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let staged = self.stage_one(file, mode);
            stopped.fetch_or(staged.is_err(), Ordering::Relaxed);
            Some(staged)
        };
        let staged = parallel::map(files, WRITERS, stage, None, progress);
        let mut ready = Vec::with_capacity(files.len());
        for (file, staged) in files.iter().zip(staged).filter_map(|(file, staged)| Some((file, staged?))) {
            let (staging, name) = staged?;
            ready.push(StagedFile { file, staging, name, digest: Digest::of_bytes(file.text.as_bytes()) });
        }
        Ok(ready)
    }

    fn stage_one(&self, file: &NewFile<'_>, mode: u32) -> Result<(usize, String), Failure> {
        let cannot = |error: io::Error| io_failure("write", &self.display_root.join(&file.path), &error);
        let at = self.folders.get(parent_of(&file.path)).copied().unwrap_or_default();
        let folder = open_subfolder(self.root, parent_of(&file.path), self.display_root)?;
        let name = file_name(&file.path);
        check_target(&folder, name).map_err(cannot)?;
        let staging = self.stagings.get(at).ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))?;
        let staged = staging.1.write(file.text, PRIVATE_MODE).map_err(cannot)?;
        if folder.entry_type(name) == Some(FileType::RegularFile) && file.replaces {
            let old = folder.file(name).map_err(cannot)?;
            attributes::apply_attributes(&old, &staged.file, FilePermissions::Mode(mode)).map_err(cannot)?;
        } else {
            staged.file.set_permissions(Permissions::from_mode(mode)).map_err(cannot)?;
        }
        sync(&staged.file).map_err(cannot)?;
        Ok((at, staged.name))
    }

    /// Writes the journals of all staging folders.
    fn record(&mut self, ready: &[StagedFile<'_>]) -> Result<(), Failure> {
        let mut records: Vec<Vec<JournalRecord>> = self.stagings.iter().map(|_| Vec::new()).collect();
        for one in ready {
            let path = &one.file.path;
            let folder = open_subfolder(self.root, parent_of(path), self.display_root)?;
            let old = check_target(&folder, file_name(path)).and_then(|()| Digest::of_entry(&folder, file_name(path)));
            let old = old.map_err(|error| io_failure("write", &self.display_root.join(path), &error))?;
            let base = self.stagings.get(one.staging).map_or(Path::new(""), |(base, _)| base.as_path());
            let target = path.strip_prefix(base).unwrap_or(path).to_path_buf();
            if let Some(records) = records.get_mut(one.staging) {
                records.push(JournalRecord { staged: one.name.clone(), target, new: one.digest.clone(), old });
            }
        }
        for ((_, staging), records) in self.stagings.iter_mut().zip(records) {
            staging.record(records).map_err(|error| io_failure("write below", self.display_root, &error))?;
        }
        Ok(())
    }

    /// Exchanges every staged file with its target, or puts all of them back.
    fn exchange(&mut self, ready: &[StagedFile<'_>]) -> Result<Vec<PathBuf>, Failure> {
        let (mut kept, mut created) = (Vec::new(), vec![Vec::new(); self.stagings.len()]);
        for one in ready {
            let failure = match self.exchange_one(one) {
                Ok(ExchangeResult::Replaced) => continue,
                Ok(ExchangeResult::Created) => {
                    if let Some(created) = created.get_mut(one.staging) {
                        created.push(one.name.as_str());
                    }
                    continue;
                }
                Ok(ExchangeResult::Kept) => {
                    kept.push(one.file.path.clone());
                    continue;
                }
                Err(failure) => failure,
            };
            return Err(failure.with_help(self.roll_back(&created)));
        }
        Ok(kept)
    }

    fn exchange_one(&self, one: &StagedFile<'_>) -> Result<ExchangeResult, Failure> {
        let path = &one.file.path;
        let cannot = |error: io::Error| io_failure("write", &self.display_root.join(path), &error);
        let folder = open_subfolder(self.root, parent_of(path), self.display_root)?;
        let name = file_name(path);
        let (_, staging) = self.stagings.get(one.staging).ok_or_else(|| cannot(io::ErrorKind::NotFound.into()))?;
        check_target(&folder, name).map_err(cannot)?;
        if one.file.replaces && folder.contains(name) {
            match staging.swap(&one.name, &folder, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                swapped => return swapped.map(|()| ExchangeResult::Replaced).map_err(cannot),
            }
        }
        match staging.place_new(&one.name, &folder, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !one.file.replaces => {
                Ok(ExchangeResult::Kept)
            }
            placed => placed.map(|()| ExchangeResult::Created).map_err(cannot),
        }
    }

    /// Puts every target back, and says in words what could not be.
    fn roll_back(&mut self, created: &[Vec<&str>]) -> String {
        let mut failed = Vec::new();
        for ((_, staging), created) in self.stagings.drain(..).zip(created) {
            failed.extend(staging.roll_back(created));
        }
        if failed.is_empty() {
            return UNCHANGED.to_owned();
        }
        let failed: Vec<String> = failed.iter().map(|(path, why)| format!("`{}` ({why})", shown(path))).collect();
        format!("restore by hand: {}; every other output is as it was", failed.join(", "))
    }
}

/// What became of a target.
enum ExchangeResult {
    /// Its old text is in the staging folder.
    Replaced,
    /// There was none.
    Created,
    /// It is not to be replaced.
    Kept,
}

/// Returns an error if a target cannot be replaced, as far as that is known before it is tried.
fn check_target(folder: &DirHandle, name: &OsStr) -> io::Result<()> {
    match folder.entry_type(name) {
        None | Some(FileType::Symlink) => Ok(()),
        Some(FileType::Directory) => Err(io::ErrorKind::IsADirectory.into()),
        Some(FileType::RegularFile) => folder.obstacle(name).map_or(Ok(()), |why| Err(io::Error::other(why))),
        Some(_) => Err(io::Error::other("it is neither a file nor a link")),
    }
}

fn parent_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| io_failure("make", folder, &error).with_help(UNCHANGED))
}
