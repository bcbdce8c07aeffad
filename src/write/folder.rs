//! A folder that is held open, and what is done to the files in it: whatever becomes of its path meanwhile, nothing comes to
//! another place.
//!
//! New text stands in a temporary file first, with its mode from the moment it is opened and synced when it is there; it goes when
//! its [`Temporary`] does, unless it was given its name.

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, linkat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::ffi::OsStr;
use std::fs::{File, Permissions, read_link, read_to_string};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Temporary files begin with this and end in no stack file's ending.
pub const PREFIX: &str = ".stackref-";
const SUFFIX: &str = ".tmp";

/// What a run that was killed may leave behind, as ignore files have it.
pub const LEFTOVERS: &str = ".stackref-*.tmp";

/// From when on a temporary file of a process that cannot be asked for is nobody's.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Where process ids mean what they mean here: a start of a machine, and a container on it. A folder may be shared with others.
static HERE: LazyLock<String> = LazyLock::new(|| {
    let mut here = DefaultHasher::new();
    read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().hash(&mut here);
    read_link("/proc/self/ns/pid").unwrap_or_default().hash(&mut here);
    rustix::system::uname().nodename().hash(&mut here);
    format!("{:016x}", here.finish())
});

/// What a file is to the system, whatever its name: its device and its number there.
pub type Inode = (u64, u64);

/// A folder that is held open.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
}

// Where the system can, without the right to list what is in it: a file can be put where nothing can be listed.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HELD: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const HELD: OFlags = OFlags::RDONLY;

impl Folder {
    /// Opens a folder; links on the way are followed.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = openat(CWD, path, HELD | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { handle })
    }

    /// Opens a folder in this one, which may be no link.
    ///
    /// # Errors
    /// Those of the system: [`Errno::LOOP`] for a link.
    pub fn below(&self, name: &OsStr) -> Result<Self, Errno> {
        let flags = HELD | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(&self.handle, name, flags, Mode::empty());
        let is_link = || self.kind(name) == Some(FileType::Symlink);
        opened.map(|handle| Self { handle }).map_err(|error| if is_link() { Errno::LOOP } else { error })
    }

    /// Makes a folder in this one for nobody else, if it is not there.
    ///
    /// # Errors
    /// Those of the system.
    pub fn make(&self, name: &OsStr) -> Result<(), Errno> {
        match mkdirat(&self.handle, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            other => other.map(|()| self.sync()),
        }
    }

    /// Opens a regular file in it, which may be no link.
    ///
    /// # Errors
    /// Those of the system, and what else it is.
    pub fn file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.opened(name.as_ref(), OFlags::RDONLY)
    }

    /// [`Folder::file`], so that it can be locked: network file systems lock only what may be written.
    ///
    /// # Errors
    /// Those of [`Folder::file`].
    pub fn file_to_lock(&self, name: &OsStr) -> io::Result<File> {
        match self.opened(name, OFlags::RDWR) {
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                self.file(name)
            }
            opened => opened,
        }
    }

    fn opened(&self, name: &OsStr, access: OFlags) -> io::Result<File> {
        // A pipe would be waited for.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    }

    /// Whether a name is that of a folder, in whose place no file can be put.
    pub fn has_folder(&self, name: &OsStr) -> bool {
        self.kind(name) == Some(FileType::Directory)
    }

    /// Whether something has that name, be it a link to nothing.
    pub fn has(&self, name: &OsStr) -> bool {
        self.kind(name).is_some()
    }

    fn kind(&self, name: &OsStr) -> Option<FileType> {
        let status = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }

    /// What a name stands for now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn inode(&self, name: impl AsRef<OsStr>) -> io::Result<Inode> {
        Ok(inode(&self.file(name)?.metadata()?))
    }

    /// Writes a text to a new file with a name of its own. It has that mode, less what the process withholds (its umask), from
    /// the moment it is there.
    ///
    /// # Errors
    /// Those of the system.
    pub fn temporary(&self, text: &str, mode: u32) -> io::Result<Temporary<'_>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (name, file) = loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = temporary_name(std::process::id(), next);
            match openat(&self.handle, &name, flags, Mode::from_raw_mode(mode)) {
                // Of a run that had this process id before.
                Err(Errno::EXIST) => {}
                opened => break (name, File::from(opened?)),
            }
        };
        let mut temporary = Temporary { folder: self, name: Some(name), file };
        temporary.file.write_all(text.as_bytes())?;
        sync(&temporary.file)?;
        Ok(temporary)
    }

    /// Gives a file another name, in place of what has it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn rename(&self, from: &str, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Gives a file another name that nothing has.
    ///
    /// # Errors
    /// Those of the system: [`io::ErrorKind::AlreadyExists`] where something has it.
    pub fn rename_new(&self, from: &str, to: &OsStr) -> io::Result<()> {
        match rename_with(self.handle.as_fd(), from, to, Way::New) {
            Err(error) if is_unable(error) => match linkat(&self.handle, from, &self.handle, to, AtFlags::empty()) {
                Ok(()) => {
                    self.remove(from);
                    Ok(())
                }
                // Where there are no links, either, a look is the best that can be done.
                Err(error) if error != Errno::EXIST && !self.has(to) => self.rename(from, to),
                Err(_) => Err(Errno::EXIST.into()),
            },
            other => Ok(other?),
        }
    }

    /// Lets two files change their names; false where the file system cannot do that.
    ///
    /// # Errors
    /// Those of the system.
    pub fn exchange(&self, one: &str, other: &OsStr) -> io::Result<bool> {
        match rename_with(self.handle.as_fd(), one, other, Way::Exchange) {
            Err(error) if is_unable(error) => Ok(false),
            ended => Ok(ended.map(|()| true)?),
        }
    }

    /// Removes a file, if that can be done.
    pub fn remove(&self, name: &str) {
        let _ = unlinkat(&self.handle, name, AtFlags::empty());
    }

    /// A rename lasts only when its folder is synced; where a file system cannot do that, there is nothing more to do.
    pub fn sync(&self) {
        let _ = self.listable().and_then(|folder| sync(&File::from(folder)));
    }

    /// Removes what runs left behind that did not live to rename it.
    pub fn remove_leftovers(&self) {
        let entries = self.listable().and_then(|folder| Ok(Dir::read_from(folder)?));
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().to_str() else { continue };
            let rest = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
            let Some((process, rest)) = rest.and_then(|rest| rest.split_once('-')) else { continue };
            let (Ok(process), Ok(file)) = (process.parse(), self.file(name)) else { continue };
            let gone = if rest.split('-').next() == Some(HERE.as_str()) {
                process != std::process::id() && !is_alive(process)
            } else {
                let written = file.metadata().and_then(|metadata| metadata.modified());
                written.is_ok_and(|then| then.elapsed().is_ok_and(|age| age > ABANDONED))
            };
            if gone {
                self.remove(name);
            }
        }
    }

    fn listable(&self) -> io::Result<OwnedFd> {
        Ok(openat(&self.handle, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }
}

/// A file that has no name yet but one of its own.
#[derive(Debug)]
pub struct Temporary<'f> {
    folder: &'f Folder,
    name: Option<String>,
    /// The file itself.
    pub file: File,
}

impl Temporary<'_> {
    /// Its name in its folder.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Gives it the mode that it is to have in the end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Its name, under which it stays.
    pub fn keep(mut self) -> String {
        self.name.take().unwrap_or_default()
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.folder.remove(name);
        }
    }
}

/// What a file is to the system.
pub fn inode(metadata: &std::fs::Metadata) -> Inode {
    (metadata.dev(), metadata.ino())
}

/// The name of a temporary file of a process of this machine.
pub fn temporary_name(process: u32, number: u32) -> String {
    format!("{PREFIX}{process}-{}-{number}{SUFFIX}", *HERE)
}

/// Whether a process of that id runs, be it somebody else's.
fn is_alive(id: u32) -> bool {
    let process = i32::try_from(id).ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) != Err(Errno::SRCH))
}

/// Waits until a file or a folder is on the disk.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        // There the system asks the disk itself, which it cannot across a network.
        Err(_) if cfg!(target_vendor = "apple") => Ok(rustix::fs::fsync(file)?),
        ended => ended,
    }
}

/// More than a plain rename does.
#[derive(Clone, Copy)]
enum Way {
    New,
    Exchange,
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(folder: std::os::fd::BorrowedFd<'_>, from: &str, to: &OsStr, way: Way) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};
    let flags = match way {
        Way::New => RenameFlags::NOREPLACE,
        Way::Exchange => RenameFlags::EXCHANGE,
    };
    renameat_with(folder, from, folder, to, flags)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_with(_: std::os::fd::BorrowedFd<'_>, _: &str, _: &OsStr, _: Way) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Whether it is the system that does not know such a call, or the file system.
fn is_unable(error: Errno) -> bool {
    [Errno::NOSYS, Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error)
}
