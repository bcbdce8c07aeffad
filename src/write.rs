//! Files written privately, whole, and all or none of them; and one file changed under a lock.
//!
//! Every file is written to a temporary one in its own folder first, for nobody else from the moment it is opened (but for a
//! report, which is as open as any new file), and synced, several at a time; only when all are there are they renamed into place,
//! one rename each. A run that is interrupted before leaves each output as it was, during the renames each as it was or
//! complete; the temporary files it leaves behind carry its process id, and the next run removes those of processes that are gone
//! (from another container or machine: an hour later). Folders are held open (`write/folder.rs`), and what lies below the one
//! that was named is entered without following a link.

mod folder;

pub use folder::{Inode, LEFTOVERS, PREFIX, inode, temporary_name};

use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::parallel;
use folder::{Folder, Temporary};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, fchown};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A file to write.
pub struct Content<'c> {
    /// Its path below the folder.
    pub path: PathBuf,
    /// Its bytes.
    pub text: &'c str,
    /// Whether it takes the place of one that is there; if not, that one stays.
    pub replaces: bool,
}

/// Files that are written and synced at one time: each waits for the disk, and file systems answer waits together.
const AT_ONCE: usize = 8;

/// Writes files below a folder, all or none, with the mode they are to have in the end. `progress` is told how many are
/// there, file by file, before the renames. Gives back which have stayed as they are.
///
/// # Errors
/// A folder that is a link, or anything the system says no to.
pub fn write_all(
    folder: &Path,
    files: &[Content<'_>],
    mode: u32,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<PathBuf>, Failure> {
    make_folder(folder)?;
    let root = Folder::open(folder).map_err(|error| cannot("write below", folder, &error))?;
    let mut folders: BTreeSet<&Path> = BTreeSet::new();
    let mut batch = Batch { root: &root, shown: folder, ready: Vec::with_capacity(files.len()) };
    for file in files {
        let parent = file.path.parent().unwrap_or(Path::new(""));
        if folders.insert(parent) {
            enter(&root, parent, folder, true)?.remove_leftovers();
        }
    }
    let stopped = AtomicBool::new(false);
    let write = |file: &Content<'_>| {
        if stopped.load(Ordering::Relaxed) {
            return None;
        }
        let held = enter(&root, file.path.parent().unwrap_or(Path::new("")), folder, false);
        let written = held.and_then(|held| {
            let cannot = |error: io::Error| cannot("write", &folder.join(&file.path), &error);
            if held.has_folder(file.path.file_name().unwrap_or_default()) {
                return Err(cannot(io::ErrorKind::IsADirectory.into()));
            }
            let temporary = held.temporary(file.text, PRIVATE).map_err(cannot)?;
            temporary.set_mode(mode).map_err(cannot)?;
            Ok(temporary.keep())
        });
        stopped.fetch_or(written.is_err(), Ordering::Relaxed);
        Some(written)
    };
    let mut failed = None;
    for (file, written) in files.iter().zip(parallel::map(files, AT_ONCE, write, None, progress)) {
        match written {
            Some(Ok(temporary)) => batch.ready.push((temporary, file)),
            Some(Err(failure)) => failed = failed.or(Some(failure)),
            None => {}
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    let kept = batch.put()?;
    for parent in folders {
        if let Ok(held) = enter(&root, parent, folder, false) {
            held.sync();
        }
    }
    Ok(kept)
}

/// Files that are there under the names of temporary ones. Neither they nor their folders are held open: there may be more of
/// them than the system lets one process open.
struct Batch<'b> {
    root: &'b Folder,
    /// What messages call the root.
    shown: &'b Path,
    ready: Vec<(String, &'b Content<'b>)>,
}

impl Batch<'_> {
    /// Gives each its name; those that are not to replace what is there are given back.
    fn put(&mut self) -> Result<Vec<PathBuf>, Failure> {
        let mut kept = Vec::new();
        self.ready.reverse();
        while let Some((temporary, Content { path, replaces, .. })) = self.ready.last() {
            let cannot = |error: &io::Error| cannot("write", &self.shown.join(path), error);
            let held = enter(self.root, path.parent().unwrap_or(Path::new("")), self.shown, false)?;
            let name = path.file_name().unwrap_or_default();
            let renamed = if *replaces { held.rename(temporary, name) } else { held.rename_new(temporary, name) };
            match renamed {
                Err(error) if !replaces && error.kind() == io::ErrorKind::AlreadyExists => {
                    held.remove(temporary);
                    kept.push(path.clone());
                }
                other => other.map_err(|error| cannot(&error))?,
            }
            self.ready.pop();
        }
        Ok(kept)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for (temporary, file) in &self.ready {
            let held = enter(self.root, file.path.parent().unwrap_or(Path::new("")), self.shown, false);
            if let Ok(held) = held {
                held.remove(temporary);
            }
        }
    }
}

/// What a file is to hold.
pub struct NewText {
    /// All of it.
    pub text: Zeroizing<String>,
    /// Whether nobody else may read it.
    pub private: bool,
}

/// The mode of what nobody else may read.
const PRIVATE: u32 = 0o600;

/// The mode of a new file, of which the system takes what the umask withholds.
const USUAL: u32 = 0o666;

/// How long another run is waited for that holds the lock of a file.
const PATIENCE: Duration = Duration::from_secs(5);

/// [`change`] for the file at a path; a link is followed.
///
/// # Errors
/// A folder that is not there, and those of [`change`].
pub fn update(
    path: &Path,
    shown: &str,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    change(&Place::of(path, shown)?, change_text)
}

/// Changes a file under a lock, so that of two runs at a time neither loses what the other has written: `change_text` is given
/// the bytes and whose they are, and gives the new text, or nothing if they are to stay. It is asked again where the file was
/// changed meanwhile by somebody who knows no lock. The file is replaced whole, or stays.
///
/// # Errors
/// Those of `change_text`; a lock that is not given up; anything the system says no to.
pub fn change(
    place: &Place,
    change_text: &mut dyn FnMut(Vec<u8>, Inode) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    let Place { folder, name, shown } = place;
    let cannot = |error: &io::Error| unchanged(shown, error);
    folder.remove_leftovers();
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let mut file = folder.file_to_lock(name).map_err(|error| cannot(&error))?;
        // Some network file systems have no locks: there the look before the rename has to be enough.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        let before = read(&mut file).map_err(|error| cannot(&error))?;
        let read_again = |name: &OsStr| folder.file(name).and_then(|mut file| read(&mut file));
        let is_current = || read_again(name).is_ok_and(|now| now == before);
        // The lock may be that of a file that another run has replaced since it was opened.
        if !is_current() {
            continue;
        }
        let Some(NewText { text, private }) = change_text(before.0.to_vec(), before.1)? else { return Ok(()) };
        let temporary = folder.temporary(&text, PRIVATE).map_err(|error| cannot(&error))?;
        // Nobody is to work on the new text before it is known that it stays.
        let _ = flock(&temporary.file, FlockOperation::NonBlockingLockExclusive);
        let mode = keep_owner(&temporary.file, &metadata).map_err(|error| cannot(&error))?;
        temporary.set_mode(if private { PRIVATE } else { mode }).map_err(|error| cannot(&error))?;
        if !is_current() {
            continue;
        }
        // What comes out has to be what was read; an overlay may have given it another number, so its bytes count.
        let is_old = |name: &str| read_again(OsStr::new(name)).is_ok_and(|now| now.0 == before.0);
        if !folder.exchange(temporary.name(), name).map_err(|error| cannot(&error))? {
            folder.rename(temporary.name(), name).map_err(|error| cannot(&error))?;
        } else if !is_old(temporary.name()) {
            put_back(folder, temporary, name).map_err(|error| cannot(&error))?;
            continue;
        }
        folder.sync();
        return Ok(());
    }
    Err(Failure::usage(format!("another process goes on writing to `{}`", printable(shown)))
        .with_help("wait for it to end, and run the command again; the file is as that process leaves it"))
}

/// Gives a file the owner and the group of another, as far as this process may; the mode that it can then have.
fn keep_owner(file: &File, old: &Metadata) -> io::Result<u32> {
    let (owner, group) = (Some(old.uid()), Some(old.gid()));
    let _ = fchown(file, owner, group).or_else(|_| fchown(file, None, group));
    // What the group may do is for that group alone.
    let is_kept = file.metadata()?.gid() == old.gid();
    Ok(old.mode() & if is_kept { 0o777 } else { 0o707 })
}

/// Undoes an exchange that has met with what another wrote in the last moment: what has come there even since then is what
/// stays.
fn put_back(folder: &Folder, ours: Temporary<'_>, name: &OsStr) -> io::Result<()> {
    let inode = inode(&ours.file.metadata()?);
    let theirs = ours.keep();
    match folder.exchange(&theirs, name) {
        Ok(_) if folder.inode(&theirs).is_ok_and(|now| now == inode) => folder.remove(&theirs),
        Ok(_) => {
            folder.exchange(&theirs, name)?;
            folder.remove(&theirs);
        }
        Err(_) => folder.rename_new(&theirs, name)?,
    }
    Ok(())
}

/// The bytes of a file, and which one it is. They are compared as they are: a hash would leave the last of them on the stack.
fn read(file: &mut File) -> io::Result<(Zeroizing<Vec<u8>>, Inode)> {
    let metadata = file.metadata()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.read_to_end(&mut bytes)?;
    Ok((bytes, inode(&metadata)))
}

/// Where one file goes. Its folder is held open, so that it goes there whatever becomes of the path meanwhile.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    name: OsString,
    shown: String,
}

impl Place {
    /// The place of a path; a link is followed, if it leads to something.
    ///
    /// # Errors
    /// A folder that is not there.
    pub fn of(path: &Path, shown: &str) -> Result<Self, Failure> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let folder = Folder::open(path.parent().unwrap_or(Path::new("/"))).map_err(|error| unchanged(shown, &error))?;
        Ok(Self { folder, name: path.file_name().unwrap_or_default().to_owned(), shown: shown.to_owned() })
    }

    /// The place of a path below a folder. No link may lead there: none did when the folder was walked.
    ///
    /// # Errors
    /// A link on the way, or a folder that is not there.
    pub fn below(folder: &Path, path: &Path, shown: &str) -> Result<Self, Failure> {
        let root = Folder::open(folder).map_err(|error| unchanged(shown, &error))?;
        let folder = enter(&root, path.parent().unwrap_or(Path::new("")), folder, false)?;
        Ok(Self { folder, name: path.file_name().unwrap_or_default().to_owned(), shown: shown.to_owned() })
    }

    /// The file that is there, if it can be read.
    pub fn file(&self) -> io::Result<File> {
        self.folder.file(&self.name)
    }

    /// Writes the file whole, in place of what is there, whose mode it keeps; a new one has the mode of any new file.
    ///
    /// # Errors
    /// Anything the system says no to.
    pub fn replace(&self, text: &str) -> Result<(), Failure> {
        let write = || {
            let new = self.written(text, USUAL)?;
            if let Ok(old) = self.file().and_then(|old| old.metadata()) {
                new.set_mode(keep_owner(&new.file, &old)?)?;
            }
            self.folder.rename(new.name(), &self.name)?;
            new.keep();
            self.folder.sync();
            Ok(())
        };
        write().map_err(|error| unchanged(&self.shown, &error))
    }

    /// Writes a file that is not there yet, whole: for nobody else, or with the mode of any new file.
    ///
    /// # Errors
    /// Anything the system says no to; one that is there is [`io::ErrorKind::AlreadyExists`].
    pub fn create(&self, text: &str, private: bool) -> io::Result<()> {
        if self.folder.has(&self.name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let new = self.written(text, if private { PRIVATE } else { USUAL })?;
        self.folder.rename_new(new.name(), &self.name)?;
        new.keep();
        self.folder.sync();
        Ok(())
    }

    fn written(&self, text: &str, mode: u32) -> io::Result<Temporary<'_>> {
        self.folder.remove_leftovers();
        self.folder.temporary(text, mode)
    }
}

fn unchanged(shown: &str, error: &io::Error) -> Failure {
    cannot_write(&printable(shown), error).with_help("it is as it was")
}

/// In words: a file that was not written.
pub fn cannot_write(shown: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write `{shown}`: {}", plain_io(error)))
}

/// Whether a file can be replaced, as far as that is known before it is tried.
///
/// # Errors
/// Why not.
pub fn check_replaceable(path: &Path, shown: &str) -> Result<(), Failure> {
    let cannot = |why: &str| no_right(&format!("`{}`", printable(shown)), why);
    let path = path.canonicalize().map_err(|error| cannot(&plain_io(&error)))?;
    if is_read_only(&path) {
        return Err(cannot("it is read-only"));
    }
    fs::OpenOptions::new().append(true).open(&path).map_err(|error| cannot(&plain_io(&error)))?;
    check_folder(path.parent().unwrap_or(Path::new("/")), shown)
}

/// Whether files can be made in a folder, as far as that is known before it is tried.
///
/// # Errors
/// Why not.
pub fn check_folder(folder: &Path, shown: &str) -> Result<(), Failure> {
    let cannot = |why: &str| no_right(&format!("the folder of `{}`", printable(shown)), why);
    if is_read_only(folder) {
        return Err(cannot("it is read-only"));
    }
    let held = Folder::open(folder).map_err(|error| cannot(&plain_io(&error)))?;
    held.remove_leftovers();
    held.temporary("", PRIVATE).map(|_| ()).map_err(|error| cannot(&plain_io(&error)))
}

fn no_right(target: &str, why: &str) -> Failure {
    Failure::usage(format!("cannot write to {target}: {why}"))
        .with_help("make the folder, or give yourself the right to write there; or name another file")
}

/// By its mode: what nobody may write the administrator should not, either.
fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.mode() & 0o222 == 0)
}

/// Goes down to a folder below another, and makes what is not there if it is to; a link on the way would lead out.
fn enter(root: &Folder, below: &Path, root_shown: &Path, makes: bool) -> Result<Folder, Failure> {
    let mut at = root.below(OsStr::new(".")).map_err(|error| cannot("enter", root_shown, &error.into()))?;
    let mut path = root_shown.to_path_buf();
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(Failure::usage(format!("`{}` would lie outside the folder", shown(below))));
        };
        path.push(name);
        let made = if makes { at.make(name) } else { Ok(()) };
        let held = made.and_then(|()| at.below(name));
        at = held.map_err(|error| match error {
            Errno::LOOP => {
                Failure::usage(format!("`{}` is a symbolic link, which may lead out of the folder", shown(&path)))
                    .with_help("remove it, or name another folder")
            }
            error => cannot(if makes { "make" } else { "enter" }, &path, &error.into()),
        })?;
    }
    Ok(at)
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| cannot("make", folder, &error))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {}", shown(path), plain_io(error)))
        .with_help("every output is as it was, or complete")
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
