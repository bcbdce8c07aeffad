//! Trust: whether the requests of a config are allowed.
//!
//! stackref finds a repository's `stackref.toml` by itself, so the author of the repository decides
//! which programs, hosts and paths it requests (see [`super::requests`]). An inventory with
//! requests is only created if [`TrustDecision`] allows it, see `inventory::Inventories::new`.
//!
//! The user's agreement is a record in a [`TrustStore`]: the config's path, the SHA-256 of its
//! text, and a digest of each request. A config is trusted only while all of that stays the same.

use crate::diagnostics::error::{Failure, io_message};
use crate::project::command_text::quote_word;
use crate::project::config::{Config, FILE_NAME};
use crate::project::requests::{Request, all_requests, distinct_requests};
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, NewText, OutputFile};
use crate::text::digest::sha256;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The largest file of a [`TrustStore`], in bytes.
const MAX_STORE_BYTES: u64 = 16 << 20;

/// The most requests that a message lists. `stackref trust` shows all of them.
const MAX_LISTED: usize = 10;

/// The version of the file format.
const VERSION: u32 = 1;

/// The decision whether the requests of a config are allowed in this run.
#[derive(Debug, Default)]
pub struct TrustDecision {
    /// The inventories that must not be created.
    refused: BTreeSet<String>,
    /// The reason. `None` if the user agreed, now or earlier.
    failure: Option<Box<Failure>>,
}

impl TrustDecision {
    /// Allows all requests of a config.
    pub fn granted() -> Self {
        Self::default()
    }

    /// Decides from the user's records.
    ///
    /// `root` is the config's repository, or its folder if there is none. `store` is `None` if the
    /// user has no state folder.
    pub fn from_records(config: &Config, root: &Path, store: Option<&TrustStore>) -> Self {
        let requests = all_requests(config, root);
        if requests.is_empty() {
            return Self::granted();
        }
        let records = store.map_or_else(|| Ok(Vec::new()), TrustStore::records);
        let failure = records.map_or_else(Some, |records| refusal(config, &requests, &records));
        let refused = requests
            .into_iter()
            .map(|request| request.inventory)
            .collect();
        Self {
            refused,
            failure: failure.map(Box::new),
        }
    }

    /// Returns the reason why requests of the config are refused; `None` if all are allowed.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Returns the reason why an inventory must not be created, or `None` if it may be created.
    pub fn refusal(&self, inventory: &str) -> Option<&Failure> {
        self.failure
            .as_deref()
            .filter(|_| self.refused.contains(inventory))
    }
}

/// Returns the failure for requests that the records do not allow, or `None` if they allow all of
/// them.
fn refusal(config: &Config, requests: &[Request], records: &[TrustRecord]) -> Option<Failure> {
    let key = config.file.as_deref().map(config_key);
    let record = records
        .iter()
        .find(|record| Some(&record.path) == key.as_ref());
    let is_new = |request: &&Request| {
        record.is_none_or(|record| !record.requests.contains(&request.access.digest()))
    };
    let new = distinct_requests(requests.iter().filter(is_new));
    if record.is_some_and(|record| record.sha256 == config_digest(config)) && new.is_empty() {
        return None;
    }
    let shown = config
        .source
        .as_ref()
        .map_or("stackref.toml", |source| source.path());
    let message = match record {
        None => format!(
            "the config `{shown}` is not trusted and requests to {}",
            list_requests(&new)
        ),
        Some(_) if new.is_empty() => {
            format!(
                "the config `{shown}` has changed since it was trusted; it requests nothing new"
            )
        }
        Some(_) => format!(
            "the config `{shown}` has changed since it was trusted and now also requests to {}",
            list_requests(&new)
        ),
    };
    Some(Failure::usage(message).with_help(format!(
        "read the config, then run `{}` to accept it. In CI, pass --trust on trusted branches; for pull requests from forks, \
         commit a snapshot (`stackref inventory snapshot`) and check with --inventory FILE",
        command_for(shown)
    )))
}

/// Returns the command that accepts a config, for the working directory that its path is relative
/// to.
fn command_for(display_path: &str) -> String {
    let folder = display_path
        .strip_suffix(FILE_NAME)
        .map(|folder| folder.trim_end_matches('/'));
    match folder {
        // A config in the working directory or above it is found without a path.
        Some(folder)
            if folder
                .split('/')
                .all(|part| part.is_empty() || part == "..") =>
        {
            "stackref trust".to_owned()
        }
        Some(folder) => format!("stackref trust {}", quote_word(folder)),
        None => format!("stackref trust {}", quote_word(display_path)),
    }
}

fn list_requests(requests: &[&Request]) -> String {
    let mut list: Vec<String> = requests
        .iter()
        .take(MAX_LISTED)
        .map(|request| request.access.to_string())
        .collect();
    if requests.len() > MAX_LISTED {
        list.push(format!("{} more", requests.len() - MAX_LISTED));
    }
    list.join(", to ")
}

/// Returns the SHA-256 of a config's text.
fn config_digest(config: &Config) -> String {
    sha256(
        config
            .source
            .as_ref()
            .map_or("", |source| source.text())
            .as_bytes(),
    )
}

/// Returns the path that identifies a config: its folder without links, and its name.
pub fn config_key(file: &Path) -> String {
    let folder = paths::canonicalize_existing(file.parent().unwrap_or(Path::new("/")));
    folder
        .join(file.file_name().unwrap_or_default())
        .to_string_lossy()
        .into_owned()
}

/// A config that the user trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// The path of the config, from [`config_key`].
    pub path: String,
    /// The SHA-256 of its text.
    pub sha256: String,
    /// A digest for each request that the user agreed to.
    requests: Vec<String>,
}

impl TrustRecord {
    /// Creates the record of a config as it is now.
    ///
    /// # Errors
    /// Fails if the config has no path or its path is not UTF-8.
    pub fn for_config(config: &Config, root: &Path) -> Result<Self, Failure> {
        let file = config
            .file
            .as_deref()
            .filter(|file| file.to_str().is_some());
        let file =
            file.ok_or_else(|| Failure::usage("cannot trust a config whose path is not UTF-8"))?;
        let requests = all_requests(config, root);
        let requests = distinct_requests(&requests)
            .into_iter()
            .map(|request| request.access.digest())
            .collect();
        Ok(Self {
            path: config_key(file),
            sha256: config_digest(config),
            requests,
        })
    }

    /// Returns the state of the config in a word: `trusted`, `changed` or `missing`.
    pub fn state(&self) -> &'static str {
        match files::read(Path::new(&self.path), MAX_STORE_BYTES) {
            Ok(bytes) if sha256(&bytes) == self.sha256 => "trusted",
            Ok(_) => "changed",
            Err(_) => "missing",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct TrustFile {
    version: u32,
    configs: Vec<TrustRecord>,
}

/// The file in the user's state folder that lists the trusted configs.
#[derive(Debug)]
pub struct TrustStore {
    file: PathBuf,
}

impl TrustStore {
    /// Creates the store in a state folder, such as `~/.local/state`. Nothing is opened yet.
    pub fn new(state_folder: &Path) -> Self {
        Self {
            file: state_folder.join("stackref").join("trust.json"),
        }
    }

    /// Returns the file, which need not exist.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn shown(&self) -> String {
        self.file.display().to_string()
    }

    /// Returns all records, sorted by path. Returns no records if the file does not exist.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn records(&self) -> Result<Vec<TrustRecord>, Failure> {
        write::recover_beside(&self.file);
        match files::read(&self.file, MAX_STORE_BYTES) {
            Ok(bytes) => self.parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.unreadable(&io_message(&error))),
        }
    }

    /// Adds a record. It replaces the record with the same path.
    ///
    /// # Errors
    /// Fails if the file cannot be read or written.
    pub fn add(&self, record: &TrustRecord) -> Result<(), Failure> {
        self.update(&mut |records| {
            records.retain(|known| known.path != record.path);
            records.push(record.clone());
        })
    }

    /// Removes the record with a path, as returned by [`config_key`].
    ///
    /// # Errors
    /// Fails if the file cannot be read or written.
    pub fn remove(&self, path: &str) -> Result<(), Failure> {
        self.update(&mut |records| records.retain(|known| known.path != path))
    }

    fn update(&self, change: &mut dyn FnMut(&mut Vec<TrustRecord>)) -> Result<(), Failure> {
        let shown = self.shown();
        let cannot = |error: &io::Error| write::cannot_write(&shown, error);
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| cannot(&error))?;
        match OutputFile::open(&self.file, &shown)?.create(&encode(Vec::new()), true) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(cannot(&error));
            }
            _ => {}
        }
        write::update(&self.file, &shown, &mut |bytes, _| {
            let mut records = self.parse(&bytes)?;
            change(&mut records);
            records.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(Some(NewText {
                text: encode(records),
                private: true,
            }))
        })
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<TrustRecord>, Failure> {
        let records: TrustFile = serde_json::from_slice(bytes)
            .map_err(|_| self.unreadable("it was not written by `stackref trust`"))?;
        if records.version != VERSION {
            return Err(self.unreadable("it was written by another version of stackref"));
        }
        Ok(records.configs)
    }

    fn unreadable(&self, reason: &str) -> Failure {
        Failure::usage(format!(
            "cannot read the trusted configs from `{}`: {reason}",
            self.shown()
        ))
        .with_help("delete that file, then run `stackref trust` for each config that you use")
    }
}

fn encode(configs: Vec<TrustRecord>) -> String {
    // Serializing strings cannot fail.
    serde_json::to_string_pretty(&TrustFile {
        version: VERSION,
        configs,
    })
    .map(|text| text + "\n")
    .unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::project::requests::RequestedAccess;

    fn record(path: &Path, text: &str) -> TrustRecord {
        TrustRecord {
            path: path.to_str().unwrap().to_owned(),
            sha256: sha256(text.as_bytes()),
            requests: Vec::new(),
        }
    }

    #[test]
    fn records_are_sorted_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::new(folder.path());
        assert!(store.records().unwrap().is_empty());
        let paths = ["b", "a"].map(|name| folder.path().join(name));
        for path in &paths {
            store.add(&record(path, "old")).unwrap();
        }
        let [b, a] = &paths;
        store.add(&record(b, "new")).unwrap();
        assert_eq!(
            store.records().unwrap(),
            [record(a, "old"), record(b, "new")]
        );
        store.remove(a.to_str().unwrap()).unwrap();
        assert_eq!(store.records().unwrap(), [record(b, "new")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_has_no_records() {
        let folder = tempfile::tempdir().unwrap();
        let store = TrustStore::new(folder.path());
        std::fs::create_dir_all(store.file().parent().unwrap()).unwrap();
        for (text, reason) in [
            ("", "it was not written by"),
            (r#"{"version": 2, "configs": []}"#, "another version"),
        ] {
            std::fs::write(store.file(), text).unwrap();
            let failure = store.records().unwrap_err();
            assert!(failure.to_string().contains(reason), "{failure}");
            let shown = store.file().display().to_string();
            assert!(failure.to_string().contains(&shown), "{failure}");
            assert!(store.add(&record(folder.path(), "")).is_err(), "{text}");
        }
        std::fs::remove_file(store.file()).unwrap();
        std::fs::create_dir(store.file()).unwrap();
        assert!(store.records().is_err(), "a folder is not a file");
    }

    #[test]
    fn the_state_of_a_record_depends_on_the_text_of_the_config() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        std::fs::write(&file, "a").unwrap();
        assert_eq!(record(&file, "a").state(), "trusted");
        assert_eq!(record(&file, "b").state(), "changed");
        assert_eq!(record(&folder.path().join("x"), "a").state(), "missing");
    }

    #[test]
    fn the_command_contains_a_folder_below_the_working_directory() {
        for (path, command) in [
            ("stackref.toml", "stackref trust"),
            ("../../stackref.toml", "stackref trust"),
            ("a b/stackref.toml", "stackref trust 'a b'"),
            ("../a/stackref.toml", "stackref trust ../a"),
            ("a/x.toml", "stackref trust a/x.toml"),
        ] {
            assert_eq!(command_for(path), command, "{path}");
        }
    }

    #[test]
    fn at_most_ten_requests_are_listed() {
        let requests: Vec<_> = (0..12)
            .map(|number| Request {
                inventory: "x".to_owned(),
                access: RequestedAccess::Path(PathBuf::from(format!("/{number}"))),
            })
            .collect();
        let listed = |count| {
            let requests: Vec<_> = requests.iter().take(count).collect();
            list_requests(&requests)
        };
        let path = |number| format!("use the path `/{number}` outside the repository");
        assert_eq!(listed(2), format!("{}, to {}", path(0), path(1)));
        assert!(listed(10).ends_with(&path(9)), "{}", listed(10));
        assert!(listed(11).ends_with(", to 1 more"), "{}", listed(11));
        assert!(listed(12).ends_with(", to 2 more"), "{}", listed(12));
    }
}
