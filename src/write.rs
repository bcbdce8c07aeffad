//! Files written privately, whole, and all or none of them; and one file changed under a lock.
//!
//! Every file is written to a temporary one in its own folder first, with mode 0600 from the moment it is opened, and
//! synced; only when all are there are they renamed into place, one rename each. A run that is interrupted before leaves
//! each output as it was, during the renames each as it was or complete; the temporary files it leaves behind carry its
//! process id, and the next run removes those of processes that are gone.

use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;
use zeroize::{Zeroize as _, Zeroizing};

/// Temporary files begin with this and end in no stack file's ending.
pub const PREFIX: &str = ".stackref-";
const SUFFIX: &str = ".tmp";

/// What a run that was killed may leave behind, as ignore files have it.
pub const LEFTOVERS: &str = ".stackref-*.tmp";

/// A file to write.
pub struct Content<'c> {
    /// Its path below the folder.
    pub path: PathBuf,
    /// Its bytes.
    pub text: &'c str,
}

/// Writes files below a folder, all or none, with the mode they are to have in the end. `progress` is told how many are
/// there, file by file, before the renames.
///
/// # Errors
/// A folder that is a link, or anything the system says no to.
pub fn write_all(
    folder: &Path,
    files: &[Content<'_>],
    mode: u32,
    progress: &mut dyn FnMut(usize),
) -> Result<(), Failure> {
    make_folder(folder)?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    let mut ready: Vec<(NamedTempFile, PathBuf)> = Vec::with_capacity(files.len());
    for file in files {
        let target = folder.join(&file.path);
        let parent = target.parent().unwrap_or(folder).to_path_buf();
        if !folders.contains(&parent) {
            enter(folder, &file.path)?;
            remove_leftovers(&parent);
            folders.insert(parent.clone());
        }
        let temporary = write_temporary(&parent, file.text, mode).map_err(|error| cannot("write", &target, &error))?;
        ready.push((temporary, target));
        progress(ready.len());
    }
    for (temporary, target) in ready {
        temporary.persist(&target).map_err(|error| cannot("write", &target, &error.error))?;
    }
    // A rename lasts only when its folder is synced; where a file system cannot do that, there is nothing more to do.
    for folder in &folders {
        let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// What a file is to hold.
pub struct NewText {
    /// All of it.
    pub text: Zeroizing<String>,
    /// Whether nobody else may read it.
    pub private: bool,
}

/// How long another run is waited for that holds the lock of a file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Changes a file under a lock, so that of two runs at a time neither loses what the other has written: `change` is given
/// the bytes and gives the new text, or nothing if they are to stay. It is asked again where the file was changed meanwhile
/// by somebody who knows no lock. A link is followed; the file is replaced whole, or stays.
///
/// # Errors
/// Those of `change`; a lock that is not given up; anything the system says no to.
pub fn update(
    path: &Path,
    shown: &str,
    change: &mut dyn FnMut(Vec<u8>) -> Result<Option<NewText>, Failure>,
) -> Result<(), Failure> {
    let cannot = |error: &std::io::Error| unchanged(shown, error);
    let path = path.canonicalize().map_err(|error| cannot(&error))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    remove_leftovers(folder);
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let mut file = File::open(&path).map_err(|error| cannot(&error))?;
        // Some network file systems have no locks: there the look before the rename has to be enough.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        let metadata = file.metadata().map_err(|error| cannot(&error))?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        file.read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
        let before = sha256(&bytes);
        let is_current = || {
            let same_file = path.metadata().is_ok_and(|now| (now.dev(), now.ino()) == (metadata.dev(), metadata.ino()));
            same_file && fs::read(&path).map(Zeroizing::new).is_ok_and(|now| sha256(&now) == before)
        };
        // The lock may be that of a file that another run has replaced since it was opened.
        if !is_current() {
            bytes.zeroize();
            continue;
        }
        let Some(NewText { text, private }) = change(bytes)? else { return Ok(()) };
        let mode = if private { 0o600 } else { metadata.mode() & 0o777 };
        let temporary = write_temporary(folder, &text, mode).map_err(|error| cannot(&error))?;
        // Whose it was, as far as this process may say so.
        let _ = std::os::unix::fs::fchown(temporary.as_file(), Some(metadata.uid()), Some(metadata.gid()));
        if !is_current() {
            continue;
        }
        temporary.persist(&path).map_err(|error| cannot(&error.error))?;
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        return Ok(());
    }
    Err(Failure::usage(format!("another process goes on writing to `{}`", printable(shown)))
        .with_help("wait for it to end, and run the command again; the file is as that process leaves it"))
}

/// Writes one file whole, in place of what is there.
///
/// # Errors
/// Anything the system says no to.
pub fn replace(path: &Path, shown: &str, text: &str, mode: u32) -> Result<(), Failure> {
    let cannot = |error: &std::io::Error| unchanged(shown, error);
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().unwrap_or(Path::new("/"));
    let temporary = write_temporary(folder, text, mode).map_err(|error| cannot(&error))?;
    temporary.persist(&path).map_err(|error| cannot(&error.error))?;
    Ok(())
}

fn unchanged(shown: &str, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write `{}`: {}", printable(shown), plain_io(error))).with_help("it is as it was")
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
    remove_leftovers(folder);
    write_temporary(folder, "", 0o600).map(|_| ()).map_err(|error| cannot(&plain_io(&error)))
}

fn no_right(target: &str, why: &str) -> Failure {
    Failure::usage(format!("cannot write to {target}: {why}"))
        .with_help("give yourself the right to write there, or name another inventory with `--inventory`")
}

/// By its mode: what nobody may write the administrator should not, either.
fn is_read_only(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.mode() & 0o222 == 0)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).into()
}

fn write_temporary(folder: &Path, text: &str, mode: u32) -> std::io::Result<NamedTempFile> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut temporary = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if mode != 0o600 {
        temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// Goes down to the folder of a path below `folder`, making what is not there; a link on the way would lead out.
fn enter(folder: &Path, path: &Path) -> Result<(), Failure> {
    let mut at = folder.to_path_buf();
    for part in path.parent().unwrap_or(Path::new("")).components() {
        let Component::Normal(name) = part else {
            return Err(Failure::usage(format!("`{}` would lie outside the folder", shown(path))));
        };
        at.push(name);
        if at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Failure::usage(format!(
                "`{}` is a symbolic link, which may lead out of the folder",
                shown(&at)
            ))
            .with_help("remove it, or render to another folder"));
        }
        make_folder(&at)?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| cannot("make", folder, &error))
}

/// Removes what runs left behind that did not live to rename it.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        let process = rest.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        let gone = process.is_some_and(|id| id != std::process::id() && !is_alive(id));
        if gone && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a process of that id runs; where the system does not tell, it is taken to.
fn is_alive(id: u32) -> bool {
    let processes = Path::new("/proc");
    !processes.join("self").exists() || processes.join(id.to_string()).exists()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {}", shown(path), plain_io(error)))
        .with_help("every output is as it was, or complete")
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
