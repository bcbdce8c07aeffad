//! The kind `dir`: a folder with a folder for each secret and a file for each key, as Kubernetes mounts them, and Docker where
//! each secret has a target with a folder.
//!
//! Kubernetes writes `..data` and the files as links; links are followed inside the folder, never out of it. Names that begin
//! with two dots are its own.

use super::{
    Capabilities, Inventory, Key, LIST_ONLY_HINT, NewKey, RequestedNames, SecretChange, SecretName, SecretValues,
    StoreError, Unusable, ValueType, partition_existing, title,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::system::files;
use crate::system::paths;
use crate::system::write;
use crate::text::secret_value::SecretText;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use walkdir::WalkDir;

/// How often a secret is read that changes meanwhile.
const MAX_ATTEMPTS: usize = 8;

/// Bytes that a value may have.
const MAX_VALUE_BYTES: u64 = 32 << 20;

/// An inventory in a folder.
pub struct DirInventory {
    name: String,
    folder: PathBuf,
    display_path: String,
}

impl DirInventory {
    /// A folder, absolute; reports show it from `cwd`.
    pub fn new(name: String, folder: &Path, cwd: &Path) -> Self {
        Self { name, folder: folder.to_path_buf(), display_path: paths::display_path(folder, cwd) }
    }

    /// The names in a folder that are of one kind, with links followed inside the whole. What leads out, or to nothing, is not
    /// there; what may not be looked at is an error, and not missing.
    fn list(&self, folder: &Path, is_kind: fn(&Metadata) -> bool) -> Result<Vec<String>, io::Error> {
        let root = self.folder.canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::other("it is no folder"));
        }
        write::recover_in(folder);
        let mut names = Vec::new();
        for entry in WalkDir::new(folder).min_depth(1).max_depth(1).sort_by_file_name() {
            let entry =
                entry.map_err(|error| error.into_io_error().unwrap_or_else(|| io::Error::other("a loop of links")))?;
            let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with("..")) else { continue };
            let looked = entry.path().canonicalize().and_then(|path| {
                let inside = path.starts_with(&root);
                Ok(inside && is_kind(&path.metadata()?))
            });
            match looked {
                Err(error) if !is_not_found(&error) => return Err(error),
                Ok(true) if !name.starts_with(write::PREFIX) => names.push(name.to_owned()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(names)
    }

    /// Lists the files that are beside the folders of secrets, where no reference can name them. Hidden ones do not count.
    fn stray_files(&self) -> Result<Vec<String>, io::Error> {
        let mut names = self.list(&self.folder, |metadata| !metadata.is_dir())?;
        names.retain(|name| !name.starts_with('.'));
        Ok(names)
    }

    /// Returns the type of a key's value, as far as it is known without reading it. Returns `None` if there is no such key
    /// inside the folder.
    ///
    /// # Errors
    /// What keeps it from being looked at.
    fn value_type(&self, folder: &Path, key: &str) -> Result<Option<ValueType>, StoreError> {
        if !is_valid_name(key) {
            return Ok(None);
        }
        let looked = self.folder.canonicalize().and_then(|root| {
            let path = folder.join(key).canonicalize()?;
            if path.starts_with(root) { path.metadata().map(Some) } else { Ok(None) }
        });
        let metadata = match looked {
            Ok(metadata) => metadata,
            Err(error) if is_not_found(&error) => None,
            Err(error) => return Err(self.unreadable(&error)),
        };
        Ok(metadata.map(|metadata| match metadata.len() {
            _ if metadata.is_dir() => ValueType::Unusable(Unusable::Folder),
            _ if !metadata.is_file() => ValueType::Unusable(Unusable::SpecialFile),
            0 => ValueType::EmptyString,
            len if len > MAX_VALUE_BYTES => ValueType::Unusable(Unusable::TooLarge),
            _ => ValueType::Unknown,
        }))
    }

    /// The keys of a secret. Kubernetes may swap its data in the middle: where one is not there that is wanted, they are
    /// looked at again.
    fn list_keys(&self, secret: &str, requested: &RequestedNames) -> Result<(PathBuf, Vec<String>), StoreError> {
        let once = || {
            let folder = self.secret(secret)?;
            let names = self.list(&folder, Metadata::is_file).map_err(|error| self.unreadable(&error))?;
            Ok((folder, names))
        };
        let whole = |(_, names): &(PathBuf, Vec<String>)| {
            let names: BTreeSet<&String> = names.iter().collect();
            requested.iter().all(|key| names.contains(key))
        };
        match once() {
            Ok(found) if whole(&found) => Ok(found),
            Err(why @ StoreError::Forbidden(_)) => Err(why),
            _ => {
                std::thread::sleep(Duration::from_millis(10));
                once()
            }
        }
    }

    /// The folder of a secret, if there is one inside.
    fn secret(&self, name: &str) -> Result<PathBuf, StoreError> {
        let root = self.folder.canonicalize().map_err(|error| self.unreadable(&error))?;
        let folder = self.folder.join(name);
        match folder.canonicalize() {
            Ok(path) if is_valid_name(name) && path.starts_with(&root) && path.is_dir() => Ok(path),
            Err(error) if !is_not_found(&error) => Err(self.unreadable(&error)),
            _ => Err(StoreError::NotFound),
        }
    }

    fn unreadable(&self, error: &io::Error) -> StoreError {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return forbidden();
        }
        let words =
            format!("cannot read the inventory {}: {}", title(&self.name, &self.display_path), io_message(error));
        StoreError::Invalid(Failure::usage(words).with_help("its path is taken from the config's folder"))
    }
}

/// Whether a name is that of a secret or a key, and not of another folder or Kubernetes' own.
fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && !name.starts_with("..") && name != "."
}

/// Whether an error means that a path leads to nothing. Any other one, such as that of a disk, leaves open what is there.
fn is_not_found(error: &io::Error) -> bool {
    const LOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();
    const TOO_LONG: i32 = rustix::io::Errno::NAMETOOLONG.raw_os_error();
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput)
        || matches!(error.raw_os_error(), Some(LOOP | TOO_LONG))
}

fn forbidden() -> StoreError {
    StoreError::Forbidden(format!("the permissions of its folders and files are in the way; {LIST_ONLY_HINT}"))
}

impl Inventory for DirInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let names = self.list(&self.folder, Metadata::is_dir).map_err(|error| self.unreadable(&error))?;
        let stray = if names.is_empty() { self.stray_files() } else { Ok(Vec::new()) };
        if let Some(file) = stray.map_err(|error| self.unreadable(&error))?.first() {
            let words = format!(
                "the inventory {} contains files, not folders: `{file}` would have no key",
                title(&self.name, &self.display_path)
            );
            let help = format!(
                "a secret is a folder with a file for each key: mount `{file}` as `{}`, in Docker with a `target`; or set `path` \
                 to the folder above",
                Path::new(&self.display_path).join(file).join("KEY").display()
            );
            return Err(StoreError::Invalid(Failure::usage(words).with_help(help)));
        }
        Ok(names.into_iter().map(|name| SecretName { name, ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let (folder, mut names) = self.list_keys(secret, requested)?;
        // A folder is no key, until a reference takes it for one.
        let listed: BTreeSet<&String> = names.iter().collect();
        let unlisted: Vec<String> = requested.iter().filter(|key| !listed.contains(key)).cloned().collect();
        names.extend(unlisted);
        let key = |name: String| Ok(self.value_type(&folder, &name)?.map(|value| Key { name, value }));
        names.into_iter().filter_map(|name| key(name).transpose()).collect()
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let (folder, _) = self.list_keys(secret, requested)?;
        // Kubernetes changes all keys of a secret at one moment, by this link: what is read is of one generation.
        let generation = || folder.join("..data").read_link().ok();
        for _ in 0..MAX_ATTEMPTS {
            let before = generation();
            let values = self.read_values(&folder, requested);
            if generation() == before {
                return values;
            }
        }
        Err(StoreError::Unreachable(format!("`{secret}` changes again and again while it is read")))
    }

    fn check_writable(&self) -> Result<(), Failure> {
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let mounted = |folder: &Path| folder.join("..data").symlink_metadata().is_ok();
        let secrets = self.list(&folder, Metadata::is_dir).unwrap_or_default();
        if mounted(&folder) || secrets.iter().any(|name| mounted(&folder.join(name))) {
            return Err(Failure::usage(format!(
                "the inventory {} is mounted by Kubernetes, and read-only",
                title(&self.name, &self.display_path)
            ))
            .with_help("add the secret to the cluster"));
        }
        write::check_folder(&folder, &self.display_path)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn warning(&self) -> Option<String> {
        // Files without folders are an error, not a warning.
        self.list(&self.folder, Metadata::is_dir).ok().filter(|names| !names.is_empty())?;
        let stray = self.stray_files().ok()?;
        let (first, more) = (stray.first()?, stray.len() - 1);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Some(format!(
            "the inventory {} skips `{first}`{more}: a secret is a folder with a file for each key, and this is not a folder",
            title(&self.name, &self.display_path)
        ))
    }

    /// All of it, or nothing: every file is there before the first one gets its name.
    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        let mut files = Vec::new();
        for SecretChange { secret, entries } in changes {
            let existing: BTreeSet<String> = self.existing_keys(secret, entries)?.into_iter().collect();
            let (stay, fresh) = partition_existing(entries, |key| existing.contains(key));
            kept.extend(stay.into_iter().map(|key| ((*secret).to_owned(), key)));
            files.extend(fresh.into_iter().map(|entry| write::NewFile {
                path: Path::new(secret).join(&entry.key),
                text: entry.text(),
                replaces: entry.replaces,
            }));
        }
        let empty = changes.iter().filter(|change| change.entries.is_empty());
        let mut made = Vec::new();
        let write = || {
            for folder in empty.map(|change| self.folder.join(change.secret)) {
                match DirBuilder::new().mode(0o700).create(&folder) {
                    Ok(()) => made.push(folder),
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(self.unreadable(&error)),
                }
            }
            // Another run may have stored one of them since they were looked at.
            write::write_all(&self.folder, &files, 0o600, &mut |_| {}).map_err(StoreError::Invalid)
        };
        let stay = write().inspect_err(|_| {
            for folder in &made {
                let _ = std::fs::remove_dir(folder);
            }
        })?;
        let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        kept.extend(stay.iter().map(|path| (name(path.parent().map(Path::as_os_str)), name(path.file_name()))));
        Ok(kept)
    }
}

impl DirInventory {
    fn read_values(&self, folder: &Path, keys: &RequestedNames) -> Result<SecretValues, StoreError> {
        let mut values = SecretValues::new();
        for key in keys {
            let value = match self.value_type(folder, key)? {
                None => continue,
                Some(ValueType::Unusable(unusable)) => Err(unusable),
                Some(_) => {
                    let bytes =
                        files::read(&folder.join(key), MAX_VALUE_BYTES).map_err(|error| self.unreadable(&error))?;
                    std::str::from_utf8(&bytes).map(SecretText::new).map_err(|_| Unusable::NotUtf8)
                }
            };
            values.insert(key.clone(), value);
        }
        Ok(values)
    }

    /// The keys that a secret has now, where it can take these.
    fn existing_keys(&self, secret: &str, entries: &[NewKey]) -> Result<BTreeSet<String>, StoreError> {
        let fits = |name: &str| {
            let own = name.starts_with("..") || name.starts_with(write::PREFIX) || name == ".";
            !own && !name.contains(['/', '\0'])
        };
        let names = std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        if let Some(name) = names.into_iter().find(|name| !fits(name)) {
            return Err(StoreError::Invalid(Failure::usage(format!("`{name}` cannot be the name of a file"))));
        }
        // Asked first: another run may make it before the keys are looked for, and then they are there.
        let is_new = self.folder.join(secret).symlink_metadata().is_err();
        match self.keys(secret, &RequestedNames::new()) {
            Ok(keys) => Ok(keys.into_iter().map(|key| key.name).collect()),
            Err(StoreError::NotFound) if is_new => Ok(BTreeSet::new()),
            Err(StoreError::NotFound) => {
                let words = format!(
                    "`{secret}` in the inventory {} is no folder inside of it",
                    title(&self.name, &self.display_path)
                );
                Err(StoreError::Invalid(Failure::usage(words)))
            }
            Err(why) => Err(why),
        }
    }
}
