//! A handle of an open folder, and the system calls on the entries of that folder.
//!
//! A handle refers to the same folder even if another folder takes over its path, so nothing is
//! written elsewhere.

use rustix::fs::{
    AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, flock, linkat, mkdirat, openat, renameat,
    statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The device and the inode number of a file, which identify it independently of its name.
pub type Inode = (u64, u64);

/// The interval between two attempts to get a lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// An open folder.
#[derive(Debug)]
pub struct DirHandle {
    handle: OwnedFd,
    /// The path that the folder was opened with. Used only in messages.
    path: PathBuf,
}

// On Linux a folder can be opened without the right to list its entries.
#[cfg(any(target_os = "linux", target_os = "android"))]
const FOLDER_ACCESS: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const FOLDER_ACCESS: OFlags = OFlags::RDONLY;

impl DirHandle {
    /// Opens a folder. Links are followed.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = openat(
            CWD,
            path,
            FOLDER_ACCESS | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self {
            handle,
            path: path.to_path_buf(),
        })
    }

    /// Opens a folder in this one. A link is not followed.
    ///
    /// # Errors
    /// Returns the system's error: [`Errno::LOOP`] for a link.
    pub fn open_subfolder(&self, name: &OsStr) -> Result<Self, Errno> {
        let flags = FOLDER_ACCESS | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Ok(Self {
                handle,
                path: self.path.join(name),
            }),
            Err(_) if self.entry_type(name) == Some(FileType::Symlink) => Err(Errno::LOOP),
            Err(error) => Err(error),
        }
    }

    /// Opens another handle of the same folder.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            handle: self.handle.try_clone()?,
            path: self.path.clone(),
        })
    }

    /// Returns the path that the folder was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates a folder in this one that only its owner can enter. Returns false if it exists
    /// already.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn create_folder(&self, name: &OsStr) -> Result<bool, Errno> {
        match mkdirat(&self.handle, name, Mode::RWXU) {
            Err(Errno::EXIST) => Ok(false),
            created => created.map(|()| true),
        }
    }

    /// Creates a file that must not exist yet. The umask, or the default access control list of the
    /// folder, applies to the mode.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn create(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(
            &self.handle,
            name,
            flags,
            Mode::from_raw_mode(mode),
        )?))
    }

    /// Opens a regular file. A link is not followed.
    ///
    /// # Errors
    /// Fails with the system's error, or if it is not a regular file.
    pub fn file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.open_file(name.as_ref(), OFlags::RDONLY)
    }

    /// Opens a regular file like [`DirHandle::file`], but for writing if possible. Network file
    /// systems lock only files that are open for writing.
    ///
    /// # Errors
    /// Fails like [`DirHandle::file`].
    pub fn file_to_lock(&self, name: &OsStr) -> io::Result<File> {
        match self.open_file(name, OFlags::RDWR) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                self.file(name)
            }
            opened => opened,
        }
    }

    /// Opens an entry for reading, whatever it is. A link is followed.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn open_entry(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(File::from(openat(
            &self.handle,
            name,
            flags,
            Mode::empty(),
        )?))
    }

    fn open_file(&self, name: &OsStr, access: OFlags) -> io::Result<File> {
        // Opening a pipe would wait for its other end.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    }

    /// Returns the type of an entry, or `None` if there is no such entry. A link is not followed.
    pub fn entry_type(&self, name: &OsStr) -> Option<FileType> {
        let status = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileType::from_raw_mode(status.st_mode))
    }

    /// Returns whether there is an entry with this name. A dangling link counts.
    pub fn contains(&self, name: &OsStr) -> bool {
        self.entry_type(name).is_some()
    }

    /// Returns the target of a link.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn link_target(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.handle, name, Vec::new())?.into_bytes())
    }

    /// Returns why an existing file cannot be replaced, if its attributes show that already.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn obstacle(&self, name: &OsStr) -> Option<&'static str> {
        use rustix::fs::{StatxAttributes, StatxFlags, statx};
        let status = statx(
            &self.handle,
            name,
            AtFlags::SYMLINK_NOFOLLOW,
            StatxFlags::empty(),
        )
        .ok()?;
        let obstacles = [
            (StatxAttributes::MOUNT_ROOT, "it is a mount point"),
            (StatxAttributes::IMMUTABLE, "it is immutable"),
            (StatxAttributes::APPEND, "it can only be appended to"),
        ];
        obstacles
            .into_iter()
            .find_map(|(attribute, text)| status.stx_attributes.contains(attribute).then_some(text))
    }

    /// Returns why an existing file cannot be replaced, if its attributes show that already.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn obstacle(&self, _name: &OsStr) -> Option<&'static str> {
        None
    }

    /// Returns the device and, if the system knows it, the mount of the folder. Renames work only
    /// within one mount.
    pub fn mount(&self) -> (u64, u64) {
        let device = rustix::fs::fstat(&self.handle)
            .map(|status| status.st_dev)
            .unwrap_or_default();
        (device, self.mount_id())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn mount_id(&self) -> u64 {
        use rustix::fs::{StatxFlags, statx};
        let status = statx(&self.handle, ".", AtFlags::empty(), StatxFlags::MNT_ID);
        status.map(|status| status.stx_mnt_id).unwrap_or_default()
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn mount_id(&self) -> u64 {
        0
    }

    /// Renames an entry to a name in another folder. Replaces an existing entry of that name.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn rename(&self, from: &str, folder: &Self, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.handle, from, &folder.handle, to)?)
    }

    /// Renames an entry to a name in another folder that must not exist yet.
    ///
    /// # Errors
    /// Returns the system's error, or [`io::ErrorKind::AlreadyExists`] if the name exists.
    pub fn rename_new(&self, from: &OsStr, folder: &Self, to: &OsStr) -> io::Result<()> {
        match rename_with(self, from, folder, to, RenameMode::New) {
            Err(error) if is_unsupported(error) => match self.link(from, folder, to) {
                Ok(()) => {
                    self.remove(from);
                    Ok(())
                }
                // The file system has no hard links either: check the name before the rename.
                Err(error) if error != Errno::EXIST && !folder.contains(to) => {
                    Ok(renameat(&self.handle, from, &folder.handle, to)?)
                }
                Err(_) => Err(Errno::EXIST.into()),
            },
            renamed => Ok(renamed?),
        }
    }

    /// Exchanges two entries. Returns false if the file system does not support this.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn exchange(&self, one: &str, folder: &Self, other: &OsStr) -> io::Result<bool> {
        match rename_with(self, OsStr::new(one), folder, other, RenameMode::Exchange) {
            Err(error) if is_unsupported(error) => Ok(false),
            exchanged => Ok(exchanged.map(|()| true)?),
        }
    }

    /// Creates a hard link to a file in another folder.
    ///
    /// # Errors
    /// Returns the system's error.
    pub fn link(&self, from: &OsStr, folder: &Self, to: &OsStr) -> Result<(), Errno> {
        linkat(&self.handle, from, &folder.handle, to, AtFlags::empty())
    }

    /// Removes a file, if that is possible.
    pub fn remove(&self, name: impl AsRef<OsStr>) {
        let _ = unlinkat(&self.handle, name.as_ref(), AtFlags::empty());
    }

    /// Removes an empty folder, if that is possible.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) {
        let _ = unlinkat(&self.handle, name.as_ref(), AtFlags::REMOVEDIR);
    }

    /// Returns the names of all entries.
    ///
    /// # Errors
    /// Returns the system's error, for example if the folder must not be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        self.names_that(|_| true)
    }

    /// Returns the names of the entries that a filter accepts.
    ///
    /// # Errors
    /// Fails like [`DirHandle::names`].
    pub fn names_that(&self, accepts: impl Fn(&OsStr) -> bool) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        let mut add = |name: &CStr| {
            let name = OsStr::from_bytes(name.to_bytes());
            if name != "." && name != ".." && accepts(name) {
                names.push(name.to_owned());
            }
        };
        self.visit_names(&mut add)?;
        Ok(names)
    }

    // Without an allocation for each name.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn visit_names(&self, visit: &mut dyn FnMut(&CStr)) -> io::Result<()> {
        let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 1 << 14];
        let mut entries = rustix::fs::RawDir::new(self.readable()?, &mut buffer);
        while let Some(entry) = entries.next() {
            visit(entry?.file_name());
        }
        Ok(())
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn visit_names(&self, visit: &mut dyn FnMut(&CStr)) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(self.readable()?)? {
            visit(entry?.file_name());
        }
        Ok(())
    }

    /// Returns how long ago the folder was last changed, or `None` if other users can enter it.
    pub fn private_age(&self) -> Option<Duration> {
        let metadata = File::from(self.readable().ok()?).metadata().ok()?;
        let is_private = metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode().trailing_zeros() >= 6;
        // A time in the future has no age.
        is_private
            .then(|| metadata.modified().ok()?.elapsed().ok())
            .flatten()
    }

    /// Waits until the entries of the folder are on the disk. Does nothing on file systems that do
    /// not support this.
    pub fn sync(&self) {
        let _ = self.readable().and_then(|folder| sync(&File::from(folder)));
    }

    /// Locks the folder until the returned handle is dropped. Returns `None` if the file system has
    /// no locks.
    ///
    /// # Errors
    /// Returns [`io::ErrorKind::WouldBlock`] if another process keeps the lock for longer than
    /// `limit`.
    pub fn lock(&self, limit: Duration) -> io::Result<Option<OwnedFd>> {
        let Ok(handle) = self.readable() else {
            return Ok(None);
        };
        let started = Instant::now();
        loop {
            match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(handle)),
                Err(Errno::WOULDBLOCK) if started.elapsed() < limit => {
                    std::thread::sleep(LOCK_INTERVAL);
                }
                Err(Errno::WOULDBLOCK) => return Err(ErrorKind::WouldBlock.into()),
                Err(_) => return Ok(None),
            }
        }
    }

    fn readable(&self) -> io::Result<OwnedFd> {
        Ok(openat(
            &self.handle,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }
}

/// Returns the device and the inode number of a file.
pub fn inode(metadata: &std::fs::Metadata) -> Inode {
    (metadata.dev(), metadata.ino())
}

/// Waits until a file or a folder is on the disk.
///
/// # Errors
/// Returns the system's error.
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        // Apple's systems flush the disk itself, which fails for a network file system.
        Err(_) if cfg!(target_vendor = "apple") => Ok(rustix::fs::fsync(file)?),
        result => result,
    }
}

/// How a rename treats the new name.
#[derive(Clone, Copy)]
enum RenameMode {
    /// The name must not exist.
    New,
    /// The name exists, and its entry gets the old name.
    Exchange,
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_with(
    from: &DirHandle,
    name: &OsStr,
    to: &DirHandle,
    new_name: &OsStr,
    mode: RenameMode,
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};
    let flags = match mode {
        RenameMode::New => RenameFlags::NOREPLACE,
        RenameMode::Exchange => RenameFlags::EXCHANGE,
    };
    renameat_with(&from.handle, name, &to.handle, new_name, flags)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_with(
    _: &DirHandle,
    _: &OsStr,
    _: &DirHandle,
    _: &OsStr,
    _: RenameMode,
) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Returns whether an error means that the system or the file system does not support a call.
fn is_unsupported(error: Errno) -> bool {
    [Errno::NOSYS, Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error)
}
