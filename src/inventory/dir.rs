//! The kind `dir`: a folder that contains a folder for each secret, which contains a file for each
//! key.
//!
//! Kubernetes mounts secrets in this way, and so does Docker if each secret has a `target` with a
//! folder. Kubernetes writes `..data` and the files as links. Links are followed inside the folder,
//! but never out of it. Names that begin with two dots belong to Kubernetes.

mod folder_reader;

use super::secret_change::partition_existing;
use super::store_error::{CONFIG_PATH_HINT, LIST_ONLY_HINT};
use super::title::title;
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretChange, SecretName, SecretValues,
    StoreError,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::system::paths;
use crate::system::write::{self, FilePermissions};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The number of attempts to read a secret that changes while it is read.
const MAX_ATTEMPTS: usize = 8;

/// An inventory in a folder.
pub struct DirInventory {
    name: String,
    folder: PathBuf,
    display_path: String,
}

impl DirInventory {
    /// Creates an inventory for a folder at an absolute path. Messages show it relative to `cwd`.
    pub fn new(name: String, folder: &Path, cwd: &Path) -> Self {
        Self {
            name,
            folder: folder.to_path_buf(),
            display_path: paths::display_path(folder, cwd),
        }
    }

    fn title(&self) -> String {
        title(&self.name, &self.display_path)
    }

    fn read_error(&self, error: &io::Error) -> StoreError {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return StoreError::Forbidden(format!(
                "check the permissions of its folders and files; {LIST_ONLY_HINT}"
            ));
        }
        let message = format!(
            "cannot read the inventory {}: {}",
            self.title(),
            io_message(error)
        );
        StoreError::Invalid(Failure::usage(message).with_help(CONFIG_PATH_HINT))
    }

    /// Creates the error for a folder that contains files instead of folders.
    fn layout_error(&self, file: &str) -> StoreError {
        let message = format!(
            "the inventory {} contains files, not folders: `{file}` would have no key",
            self.title()
        );
        let target = Path::new(&self.display_path).join(file).join("KEY");
        let help = format!(
            "mount `{file}` as `{}` (in Docker, with `target`), or set `path` to the parent folder: a secret is a folder \
             with a file for each key",
            target.display()
        );
        StoreError::Invalid(Failure::usage(message).with_help(help))
    }

    /// Returns the existing keys of a secret, after checking that the entries can be stored in it.
    fn existing_keys(
        &self,
        secret: &str,
        entries: &[NewKey],
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut names =
            std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        if let Some(name) = names.find(|name| !is_storable_name(name)) {
            return Err(StoreError::Invalid(Failure::usage(format!(
                "`{name}` cannot be the name of a file"
            ))));
        }
        // Checked before the keys are listed: another run may create the folder in between, and
        // then the keys are found.
        let is_new = self.folder.join(secret).symlink_metadata().is_err();
        match self.keys(secret, &RequestedNames::new()) {
            Ok(keys) => Ok(keys.into_iter().map(|key| key.name).collect()),
            Err(StoreError::NotFound) if is_new => Ok(BTreeSet::new()),
            Err(StoreError::NotFound) => {
                let message = format!(
                    "`{secret}` in the inventory {} is not a folder inside it",
                    self.title()
                );
                Err(StoreError::Invalid(Failure::usage(message)))
            }
            Err(error) => Err(error),
        }
    }

    /// Creates the folders of secrets without keys. Adds those that did not exist to `created`.
    fn create_empty_secrets(
        &self,
        changes: &[SecretChange<'_>],
        created: &mut Vec<PathBuf>,
    ) -> Result<(), StoreError> {
        for change in changes.iter().filter(|change| change.entries.is_empty()) {
            let folder = self.folder.join(change.secret);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => created.push(folder),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.read_error(&error)),
            }
        }
        Ok(())
    }
}

/// Returns whether a name can be the name of a folder or a file that stackref creates.
fn is_storable_name(name: &str) -> bool {
    let is_reserved = name.starts_with("..") || name.starts_with(write::PREFIX) || name == ".";
    !is_reserved && !name.contains(['/', '\0'])
}

/// Returns whether Kubernetes has mounted a folder.
fn is_mount(folder: &Path) -> bool {
    folder.join("..data").symlink_metadata().is_ok()
}

fn lossy_name(name: Option<&OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

impl Inventory for DirInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let names = self
            .list(&self.folder, Metadata::is_dir)
            .map_err(|error| self.read_error(&error))?;
        if names.is_empty() {
            let stray_files = self
                .stray_files()
                .map_err(|error| self.read_error(&error))?;
            if let Some(file) = stray_files.first() {
                return Err(self.layout_error(file));
            }
        }
        Ok(names.into_iter().map(SecretName::unique).collect())
    }

    fn keys(&self, secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let (folder, mut names) = self.list_keys(secret, requested)?;
        // A folder is listed as a key only if a reference refers to it.
        let listed: BTreeSet<&String> = names.iter().collect();
        let unlisted: Vec<String> = requested
            .iter()
            .filter(|key| !listed.contains(key))
            .cloned()
            .collect();
        names.extend(unlisted);
        let mut keys = Vec::with_capacity(names.len());
        for name in names {
            if let Some(value) = self.value_type(&folder, &name)? {
                keys.push(Key { name, value });
            }
        }
        Ok(keys)
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let (folder, _) = self.list_keys(secret, requested)?;
        // Kubernetes replaces all keys of a secret at once, by changing the target of this link.
        // Values are returned only if it did not change while they were read.
        let link = folder.join("..data");
        for _ in 0..MAX_ATTEMPTS {
            let target = link.read_link().ok();
            let values = self.read_values(&folder, requested);
            if link.read_link().ok() == target {
                return values;
            }
        }
        Err(StoreError::Unreachable(format!(
            "`{secret}` keeps changing while it is read"
        )))
    }

    fn check_writable(&self) -> Result<(), Failure> {
        let folder = self
            .folder
            .canonicalize()
            .unwrap_or_else(|_| self.folder.clone());
        let secrets = self.list(&folder, Metadata::is_dir).unwrap_or_default();
        if is_mount(&folder) || secrets.iter().any(|name| is_mount(&folder.join(name))) {
            let message = format!(
                "cannot write to the inventory {}: it is mounted by Kubernetes",
                self.title()
            );
            return Err(Failure::usage(message).with_help("add the secret to the cluster"));
        }
        write::check_folder(&folder, &self.display_path)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn warning(&self) -> Option<String> {
        // If there are only files, `names` returns an error instead.
        self.list(&self.folder, Metadata::is_dir)
            .ok()
            .filter(|names| !names.is_empty())?;
        let stray_files = self.stray_files().ok()?;
        let (first, others) = (stray_files.first()?, stray_files.len() - 1);
        let more = if others == 0 {
            String::new()
        } else {
            format!(" and {others} more")
        };
        Some(format!(
            "the inventory {} skips `{first}`{more}: a secret is a folder with a file for each key, and this is not a folder",
            self.title()
        ))
    }

    /// Stores all changes or none: every file is complete before the first one gets its name.
    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        let mut files = Vec::new();
        for SecretChange { secret, entries } in changes {
            let existing = self.existing_keys(secret, entries)?;
            let (kept_keys, new) = partition_existing(entries, |key| existing.contains(key));
            kept.extend(kept_keys.into_iter().map(|key| ((*secret).to_owned(), key)));
            files.extend(new.into_iter().map(|entry| write::NewFile {
                path: Path::new(secret).join(&entry.key),
                text: entry.text(),
                existing: if entry.replaces {
                    write::ExistingFile::Replace
                } else {
                    write::ExistingFile::Keep
                },
            }));
        }
        let mut created = Vec::new();
        let written = self
            .create_empty_secrets(changes, &mut created)
            .and_then(|()| {
                // Another run may have stored some of the keys since they were listed: these are
                // kept.
                write::write_all(
                    &self.folder,
                    &files,
                    FilePermissions::Mode(0o600),
                    &mut |_| {},
                )
                .map_err(StoreError::Invalid)
            });
        if written.is_err() {
            for folder in &created {
                let _ = std::fs::remove_dir(folder);
            }
        }
        let kept_files = written?;
        kept.extend(kept_files.iter().map(|path| {
            (
                lossy_name(path.parent().map(Path::as_os_str)),
                lossy_name(path.file_name()),
            )
        }));
        Ok(kept)
    }
}
