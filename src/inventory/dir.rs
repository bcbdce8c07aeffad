//! The kind `dir`: a folder with a folder for each secret and a file for each key, as Kubernetes and Docker mount them.
//!
//! Kubernetes writes `..data` and the files as links; links are followed inside the folder, never out of it. Names that begin
//! with two dots are its own.

use super::local;
use super::{Capabilities, Change, Entry, Inventory, Key, LESS, NoAnswer, SecretName, Wanted, sort_out};
use crate::error::{Failure, plain_io};
use crate::paths;
use crate::secret::SecretText;
use crate::write;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use walkdir::WalkDir;

/// How often a secret is read that changes meanwhile.
const TRIES: usize = 8;

/// Bytes that a value may have.
const LARGEST: u64 = 32 << 20;

/// An inventory in a folder.
pub struct DirInventory {
    name: String,
    folder: PathBuf,
    shown: String,
}

impl DirInventory {
    /// A folder, absolute; reports show it from `cwd`.
    pub fn new(name: String, folder: &Path, cwd: &Path) -> Self {
        Self { name, folder: folder.to_path_buf(), shown: paths::relative(folder, cwd) }
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
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
                Ok(true) if !name.starts_with(write::PREFIX) => names.push(name.to_owned()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(names)
    }

    /// The keys of a secret. Kubernetes may swap its data in the middle: where one is not there that is wanted, they are
    /// looked at again.
    fn list_keys(&self, secret: &str, wanted: &Wanted) -> Result<(PathBuf, Vec<String>), NoAnswer> {
        let once = || {
            let folder = self.secret(secret)?;
            let names = self.list(&folder, Metadata::is_file).map_err(|error| self.unreadable(&error))?;
            Ok((folder, names))
        };
        let whole = |(_, names): &(PathBuf, Vec<String>)| wanted.iter().all(|key| names.contains(key));
        match once() {
            Ok(found) if whole(&found) => Ok(found),
            Err(why @ NoAnswer::Forbidden(_)) => Err(why),
            _ => {
                std::thread::sleep(Duration::from_millis(10));
                once()
            }
        }
    }

    /// The folder of a secret, if there is one inside.
    fn secret(&self, name: &str) -> Result<PathBuf, NoAnswer> {
        let plain = !name.is_empty() && !name.contains('/') && !name.starts_with("..") && name != ".";
        let root = self.folder.canonicalize().map_err(|error| self.unreadable(&error))?;
        let folder = self.folder.join(name);
        match folder.canonicalize() {
            Ok(path) if plain && path.starts_with(&root) && path.is_dir() => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(forbidden()),
            _ => Err(NoAnswer::Missing),
        }
    }

    fn unreadable(&self, error: &io::Error) -> NoAnswer {
        if error.kind() == io::ErrorKind::PermissionDenied {
            return forbidden();
        }
        let words = format!("cannot read the inventory `{}`: {}", self.shown, plain_io(error));
        NoAnswer::Invalid(Failure::usage(words).with_help("its path is taken from the config's folder"))
    }
}

fn forbidden() -> NoAnswer {
    NoAnswer::Forbidden(format!("the permissions of its folders and files are in the way; {LESS}"))
}

impl Inventory for DirInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        let names = self.list(&self.folder, Metadata::is_dir).map_err(|error| self.unreadable(&error))?;
        Ok(names.into_iter().map(|name| SecretName { name, doubled: None }).collect())
    }

    fn keys(&self, secret: &str, wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        let (folder, names) = self.list_keys(secret, wanted)?;
        let empty = |name: &str| folder.join(name).metadata().map(|metadata| metadata.len() == 0).ok();
        Ok(names.into_iter().map(|name| Key { empty: empty(&name), name }).collect())
    }

    fn values(&self, secret: &str, wanted: &Wanted) -> Result<BTreeMap<String, SecretText>, NoAnswer> {
        let (folder, there) = self.list_keys(secret, wanted)?;
        // Kubernetes changes all keys of a secret at one moment, by this link: what is read is of one generation.
        let generation = || folder.join("..data").read_link().ok();
        for _ in 0..TRIES {
            let before = generation();
            let values = self.read_values(&folder, secret, wanted.iter().filter(|key| there.contains(key)));
            if generation() == before {
                return values;
            }
        }
        Err(NoAnswer::Unreachable(format!("`{secret}` changes again and again while it is read")))
    }

    fn check_writable(&self) -> Result<(), Failure> {
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let mounted = |folder: &Path| folder.join("..data").symlink_metadata().is_ok();
        let secrets = self.list(&folder, Metadata::is_dir).unwrap_or_default();
        if mounted(&folder) || secrets.iter().any(|name| mounted(&folder.join(name))) {
            return Err(Failure::usage(format!(
                "the inventory `{}` is mounted by Kubernetes, and read-only",
                self.shown
            ))
            .with_help("add the secret to the cluster"));
        }
        write::check_folder(&folder, &self.shown)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    /// All of it, or nothing: every file is there before the first one gets its name.
    fn put(&self, changes: &[Change<'_>]) -> Result<Vec<(String, String)>, NoAnswer> {
        let mut kept = Vec::new();
        let mut files = Vec::new();
        for Change { secret, entries } in changes {
            let there = self.there(secret, entries)?;
            let (stay, fresh) = sort_out(entries, |key| there.iter().any(|known| known == key));
            kept.extend(stay.into_iter().map(|key| ((*secret).to_owned(), key)));
            files.extend(fresh.into_iter().map(|entry| write::Content {
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
            write::write_all(&self.folder, &files, 0o600, &mut |_| {}).map_err(NoAnswer::Invalid)
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
    fn read_values<'k>(
        &self,
        folder: &Path,
        secret: &str,
        keys: impl Iterator<Item = &'k String>,
    ) -> Result<BTreeMap<String, SecretText>, NoAnswer> {
        let mut values = BTreeMap::new();
        for key in keys {
            let bytes = local::read(&folder.join(key), LARGEST).map_err(|error| self.unreadable(&error))?;
            let Ok(text) = std::str::from_utf8(&bytes) else {
                let words = format!("the value of `{secret}.{key}` in the inventory `{}` is not UTF-8", self.shown);
                return Err(NoAnswer::Invalid(Failure::usage(words)));
            };
            values.insert(key.clone(), SecretText::new(text));
        }
        Ok(values)
    }

    /// The keys that a secret has now, where it can take these.
    fn there(&self, secret: &str, entries: &[Entry]) -> Result<Vec<String>, NoAnswer> {
        let fits = |name: &str| {
            let own = name.starts_with("..") || name.starts_with(write::PREFIX) || name == ".";
            !own && !name.contains(['/', '\0'])
        };
        let names = std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        if let Some(name) = names.into_iter().find(|name| !fits(name)) {
            return Err(NoAnswer::Invalid(Failure::usage(format!("`{name}` cannot be the name of a file"))));
        }
        // Asked first: another run may make it before the keys are looked for, and then they are there.
        let is_new = self.folder.join(secret).symlink_metadata().is_err();
        match self.keys(secret, &Wanted::new()) {
            Ok(keys) => Ok(keys.into_iter().map(|key| key.name).collect()),
            Err(NoAnswer::Missing) if is_new => Ok(Vec::new()),
            Err(NoAnswer::Missing) => {
                let words = format!("`{secret}` in the inventory `{}` is no folder inside of it", self.shown);
                Err(NoAnswer::Invalid(Failure::usage(words)))
            }
            Err(why) => Err(why),
        }
    }
}
