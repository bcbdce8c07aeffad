//! A folder that is held open, and what is done to the files in it: whatever becomes of its path meanwhile, nothing comes to
//! another place.
//!
//! New text stands in a temporary file first, private from the moment it is opened and synced when it is there; it goes when
//! its [`Temporary`] does, unless it was given its name.

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, linkat, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Temporary files begin with this and end in no stack file's ending.
pub const PREFIX: &str = ".stackref-";
const SUFFIX: &str = ".tmp";

/// What a run that was killed may leave behind, as ignore files have it.
pub const LEFTOVERS: &str = ".stackref-*.tmp";

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
        openat(&self.handle, name, flags, Mode::empty()).map(|handle| Self { handle }).map_err(|error| {
            let status = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
            let is_link = status.is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Symlink);
            if is_link { Errno::LOOP } else { error }
        })
    }

    /// Makes a folder in this one for nobody else, if it is not there.
    ///
    /// # Errors
    /// Those of the system.
    pub fn make(&self, name: &OsStr) -> Result<(), Errno> {
        match mkdirat(&self.handle, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(()),
            other => other,
        }
    }

    /// Opens a regular file in it, which may be no link.
    ///
    /// # Errors
    /// Those of the system, and what else it is.
    pub fn file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        // A pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name.as_ref(), flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    }

    /// Whether something has that name, be it a link to nothing.
    pub fn has(&self, name: &OsStr) -> bool {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// What a name stands for now.
    ///
    /// # Errors
    /// Those of the system.
    pub fn inode(&self, name: impl AsRef<OsStr>) -> io::Result<Inode> {
        Ok(inode(&self.file(name)?.metadata()?))
    }

    /// Writes a text to a new file with a name of its own, for nobody else to read.
    ///
    /// # Errors
    /// Those of the system.
    pub fn temporary(&self, text: &str) -> io::Result<Temporary<'_>> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (name, file) = loop {
            let name = format!("{PREFIX}{}-{}{SUFFIX}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            match openat(&self.handle, &name, flags, Mode::RUSR | Mode::WUSR) {
                // Of a run that had this process id before, or has it in another container.
                Err(Errno::EXIST) => {}
                opened => break (name, File::from(opened?)),
            }
        };
        let mut temporary = Temporary { folder: self, name: Some(name), file };
        temporary.file.write_all(text.as_bytes())?;
        temporary.file.sync_all()?;
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

    /// Gives a file that was just made the mode that it is to have in the end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_mode(&self, name: &str, mode: u32) -> io::Result<()> {
        if mode == 0o600 { Ok(()) } else { self.file(name)?.set_permissions(Permissions::from_mode(mode)) }
    }

    /// Removes a file, if that can be done.
    pub fn remove(&self, name: &str) {
        let _ = unlinkat(&self.handle, name, AtFlags::empty());
    }

    /// A rename lasts only when its folder is synced; where a file system cannot do that, there is nothing more to do.
    pub fn sync(&self) {
        let _ = self.listable().and_then(|folder| File::from(folder).sync_all());
    }

    /// Removes what runs left behind that did not live to rename it.
    pub fn remove_leftovers(&self) {
        let entries = self.listable().and_then(|folder| Ok(Dir::read_from(folder)?));
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().to_str() else { continue };
            let rest = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
            let process = rest.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
            let gone = process.is_some_and(|id| id != std::process::id() && !is_alive(id));
            if gone && self.file(name).is_ok() {
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

/// Whether a process of that id runs; where the system does not tell, it is taken to.
fn is_alive(id: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(id.to_string()).exists()
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
