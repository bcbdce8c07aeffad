//! Reads whole files: regular files up to a size limit.
//!
//! Everything else is rejected, since a pipe would block and a device may never end. Pipes that the
//! user names, such as `<(command)`, have functions of their own. Writing is in [`super::write`].

use crate::system::paths;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// The largest `.gitignore`, `.ignore` or `.git/info/exclude`, in bytes.
pub const MAX_IGNORE_FILE: u64 = 16 << 20;

/// The largest inventory or baseline, in bytes.
pub const MAX_INVENTORY: u64 = 64 << 20;

/// Reads a regular file of at most `limit` bytes. Links are followed.
///
/// # Errors
/// Fails if the file cannot be opened or read, is not a regular file, or is larger than `limit`.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Opening a device can have side effects, so the type is checked first. It is checked again
    // after opening, since the path may lead to another file by then.
    check_regular(&path.metadata()?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    check_regular(&metadata)?;
    check_size(metadata.len(), limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    // The file may grow while it is read, and files in /proc report a size of 0.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Returns whether a path is a named pipe, such as the one that `<(command)` creates.
pub fn is_pipe(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Reads a pipe to its end and waits for the writer. Use it only for a path that the user has
/// given.
///
/// # Errors
/// Fails if the pipe cannot be opened or read, or contains more than `limit` bytes.
pub fn read_pipe(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_stream(&mut File::open(path)?, limit)
}

/// Reads a stream to its end.
///
/// # Errors
/// Fails if the stream cannot be read or contains more than `limit` bytes.
pub fn read_stream(stream: &mut dyn io::Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Reads a regular file that stackref discovered in `folder`. A link must not leave that folder.
///
/// # Errors
/// Fails like [`read`] and [`resolve_inside`].
pub fn read_inside(path: &Path, folder: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read(&resolve_inside(path, folder)?, limit)
}

/// Resolves the links of a path that must not leave `folder`.
///
/// # Errors
/// Fails if the path does not exist or a link in it points outside `folder`.
pub fn resolve_inside(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let target = path.canonicalize()?;
    if target.starts_with(paths::canonicalize_existing(folder)) {
        return Ok(target);
    }
    Err(io::Error::other(format!(
        "a symbolic link points outside `{}`",
        folder.display()
    )))
}

/// Checks that a discovered file is a regular file of at most `limit` bytes and, if it is a link,
/// that it does not point outside `root`.
///
/// Accepts a path that no reader can open anyway: a missing file, a dangling link or a folder.
///
/// # Errors
/// Returns the reason why the file must not be opened.
pub fn check_discovered(path: &Path, root: &Path, limit: u64) -> io::Result<()> {
    let Ok(mut metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if metadata.is_symlink() {
        let Ok(target) = path.metadata() else {
            return Ok(());
        };
        resolve_inside(path, root)?;
        metadata = target;
    }
    if metadata.is_dir() {
        return Ok(());
    }
    check_regular(&metadata)?;
    check_size(metadata.len(), limit)
}

fn check_regular(metadata: &std::fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

fn check_size(len: u64, limit: u64) -> io::Result<()> {
    if len <= limit {
        return Ok(());
    }
    let limit = if limit >= 1 << 20 {
        format!("{} MiB", limit >> 20)
    } else {
        format!("{} KiB", limit >> 10)
    };
    Err(io::Error::other(format!("it is larger than {limit}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn read_accepts_only_regular_files_within_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        assert_eq!(read(&at("file"), 4).unwrap().as_slice(), b"text");
        let reason = |path: &Path| read(path, 3).unwrap_err().to_string();
        assert!(reason(&at("file")).contains("larger than"));
        assert_eq!(reason(folder.path()), "it is not a regular file");
        assert_eq!(reason(Path::new("/dev/zero")), "it is not a regular file");
        rustix::fs::mknodat(CWD, at("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(reason(&at("pipe")), "it is not a regular file");
        symlink("/dev/zero", at("link")).unwrap();
        assert_eq!(reason(&at("link")), "it is not a regular file");
        // This file reports a size of 0 and is longer than the limit.
        if cfg!(target_os = "linux") {
            assert!(reason(Path::new("/proc/self/status")).contains("larger than"));
        }
    }

    #[test]
    fn discovered_file_must_not_link_outside_its_root() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("root")).unwrap();
        std::fs::write(at("outside"), "x").unwrap();
        std::fs::write(at("root/inside"), "x").unwrap();
        symlink("../outside", at("root/out")).unwrap();
        symlink("inside", at("root/in")).unwrap();
        symlink("nothing", at("root/dangling")).unwrap();
        assert!(read_inside(&at("root/in"), &at("root"), 9).is_ok());
        assert!(read_inside(&at("root/out"), &at("root"), 9).is_err());
        for (name, is_accepted) in [
            ("inside", true),
            ("in", true),
            ("dangling", true),
            ("no", true),
            ("out", false),
        ] {
            assert_eq!(
                check_discovered(&at("root").join(name), &at("root"), 9).is_ok(),
                is_accepted,
                "{name}"
            );
        }
        assert!(check_discovered(&at("root/inside"), &at("root"), 0).is_err());
    }
}
