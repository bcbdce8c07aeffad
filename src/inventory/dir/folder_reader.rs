//! Reading of the folders and files of a `dir` inventory. Everything outside the folder is treated
//! as if it did not exist, even if a link leads to it.

use super::DirInventory;
use crate::inventory::{RequestedNames, SecretValues, StoreError, Unusable, ValueType};
use crate::system::files;
use crate::system::write;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use walkdir::WalkDir;

/// The size limit of a value.
const MAX_VALUE_BYTES: u64 = 32 << 20;

impl DirInventory {
    /// Lists the entries of a folder that are of one kind. Links are followed, and those that lead
    /// out of the inventory or to nothing are skipped.
    ///
    /// # Errors
    /// Fails if an entry cannot be examined: such an entry does not count as missing.
    pub(super) fn list(
        &self,
        folder: &Path,
        is_kind: fn(&Metadata) -> bool,
    ) -> Result<Vec<String>, io::Error> {
        let root = self.folder.canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::other("it is not a folder"));
        }
        write::recover_in(folder);
        let mut names = Vec::new();
        for entry in WalkDir::new(folder)
            .min_depth(1)
            .max_depth(1)
            .sort_by_file_name()
        {
            let entry = entry.map_err(|error| {
                error
                    .into_io_error()
                    .unwrap_or_else(|| io::Error::other("symbolic links form a loop"))
            })?;
            let Some(name) = entry
                .file_name()
                .to_str()
                .filter(|name| !name.starts_with(".."))
            else {
                continue;
            };
            match is_inside(entry.path(), &root, is_kind) {
                Err(error) if !is_not_found(&error) => return Err(error),
                Ok(true) if !name.starts_with(write::PREFIX) => names.push(name.to_owned()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(names)
    }

    /// Lists the files next to the folders of secrets, where no reference can refer to them. Hidden
    /// files are skipped.
    pub(super) fn stray_files(&self) -> Result<Vec<String>, io::Error> {
        let mut names = self.list(&self.folder, |metadata| !metadata.is_dir())?;
        names.retain(|name| !name.starts_with('.'));
        Ok(names)
    }

    /// Returns the folder of a secret, if it is inside the inventory.
    fn secret_folder(&self, name: &str) -> Result<PathBuf, StoreError> {
        let root = self
            .folder
            .canonicalize()
            .map_err(|error| self.read_error(&error))?;
        match self.folder.join(name).canonicalize() {
            Ok(path) if is_valid_name(name) && path.starts_with(&root) && path.is_dir() => Ok(path),
            Err(error) if !is_not_found(&error) => Err(self.read_error(&error)),
            _ => Err(StoreError::NotFound),
        }
    }

    /// Lists the keys of a secret. Kubernetes may replace the data of a secret while it is listed,
    /// so if a requested key is missing, the keys are listed once more.
    pub(super) fn list_keys(
        &self,
        secret: &str,
        requested: &RequestedNames,
    ) -> Result<(PathBuf, Vec<String>), StoreError> {
        match self.list_keys_once(secret) {
            Ok((folder, names)) if contains_all(&names, requested) => Ok((folder, names)),
            Err(error @ StoreError::Forbidden(_)) => Err(error),
            _ => {
                std::thread::sleep(Duration::from_millis(10));
                self.list_keys_once(secret)
            }
        }
    }

    fn list_keys_once(&self, secret: &str) -> Result<(PathBuf, Vec<String>), StoreError> {
        let folder = self.secret_folder(secret)?;
        let names = self
            .list(&folder, Metadata::is_file)
            .map_err(|error| self.read_error(&error))?;
        Ok((folder, names))
    }

    /// Returns the type of a key's value, as far as it is known without reading it. Returns `None`
    /// if the inventory has no such key.
    ///
    /// # Errors
    /// Fails if the file cannot be examined.
    pub(super) fn value_type(
        &self,
        folder: &Path,
        key: &str,
    ) -> Result<Option<ValueType>, StoreError> {
        if !is_valid_name(key) {
            return Ok(None);
        }
        let metadata = match self.metadata(&folder.join(key)) {
            Ok(metadata) => metadata,
            Err(error) if is_not_found(&error) => None,
            Err(error) => return Err(self.read_error(&error)),
        };
        Ok(metadata.map(|metadata| match metadata.len() {
            _ if metadata.is_dir() => ValueType::Unusable(Unusable::Folder),
            _ if !metadata.is_file() => ValueType::Unusable(Unusable::SpecialFile),
            0 => ValueType::EmptyString,
            len if len > MAX_VALUE_BYTES => ValueType::Unusable(Unusable::TooLarge),
            _ => ValueType::Unknown,
        }))
    }

    /// Returns the metadata of a file or folder, or `None` if it is outside the inventory.
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, io::Error> {
        let root = self.folder.canonicalize()?;
        let path = path.canonicalize()?;
        if path.starts_with(root) {
            path.metadata().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Reads the values of keys. Missing keys are skipped.
    pub(super) fn read_values(
        &self,
        folder: &Path,
        keys: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        let mut values = SecretValues::new();
        for key in keys {
            let value = match self.value_type(folder, key)? {
                None => continue,
                Some(ValueType::Unusable(unusable)) => Err(unusable),
                Some(_) => {
                    let bytes = files::read(&folder.join(key), MAX_VALUE_BYTES)
                        .map_err(|error| self.read_error(&error))?;
                    std::str::from_utf8(&bytes)
                        .map(SecretString::from)
                        .map_err(|_| Unusable::NotUtf8)
                }
            };
            values.insert(key.clone(), value);
        }
        Ok(values)
    }
}

/// Returns whether an entry is inside the inventory and of the given kind.
fn is_inside(entry: &Path, root: &Path, is_kind: fn(&Metadata) -> bool) -> Result<bool, io::Error> {
    let path = entry.canonicalize()?;
    Ok(path.starts_with(root) && is_kind(&path.metadata()?))
}

fn contains_all(names: &[String], requested: &RequestedNames) -> bool {
    let names: BTreeSet<&String> = names.iter().collect();
    requested.iter().all(|key| names.contains(key))
}

/// Returns whether a name can be that of a secret or a key, and not of another folder or one of
/// Kubernetes' own entries.
fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && !name.starts_with("..") && name != "."
}

/// Returns whether an error means that a path leads to nothing. After any other error, such as that
/// of a disk, it is not known whether the file exists.
fn is_not_found(error: &io::Error) -> bool {
    const LOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();
    const TOO_LONG: i32 = rustix::io::Errno::NAMETOOLONG.raw_os_error();
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput
    ) || matches!(error.raw_os_error(), Some(LOOP | TOO_LONG))
}
