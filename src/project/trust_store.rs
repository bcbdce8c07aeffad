//! Trust: what a config may request only after its user has agreed.
//!
//! stackref finds a repository's `stackref.toml` by itself, so the author of the repository decides what is in it. Reading
//! files of the repository and naming environment variables is harmless; running programs, connecting to hosts and reading
//! files elsewhere is not. [`requests`] lists these for one inventory, and an inventory that has any is only created if
//! [`TrustDecision`] allows it: see `inventory::Inventories::new`.
//!
//! The user's agreement is a record in a [`TrustStore`]: the config's path, the SHA-256 of its text, and a digest of each
//! request. A request contains what it leads to (the target of a link, the content of a script), so a config is trusted only
//! while all of that stays the same.

use crate::diagnostics::error::{Failure, io_message};
use crate::document::{Document, Syntax};
use crate::project::config::{
    AwsConfig, CommandConfig, Config, FILE_NAME, InventoryConfig, InventoryKind, VaultConfig,
};
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, NewText, OutputFile};
use crate::text::digest::sha256;
use crate::text::source::SourceFile;
use crate::zenml::flavors::has_sensitive_name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes that the file of a [`TrustStore`] may have.
const MAX_STORE_BYTES: u64 = 16 << 20;

/// Bytes of a script that are hashed; a larger file counts as one that cannot be read.
const MAX_SCRIPT_BYTES: u64 = 64 << 20;

/// Requests that a message lists; `stackref trust` shows all of them.
const MAX_LISTED: usize = 10;

const VERSION: u32 = 1;

/// Something that a config requests and that needs the user's agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The inventory that requests it.
    pub inventory: String,
    /// What is requested.
    pub access: RequestedAccess,
}

/// What a config requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestedAccess {
    /// To run a program.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        /// The SHA-256 of each word that is a file of the repository; `None` for a file that cannot be read.
        files: Vec<(PathBuf, Option<String>)>,
    },
    /// To connect to a host, which then receives credentials.
    Host {
        /// The URL, or the service if the config names no URL.
        target: String,
        /// The credentials that it receives.
        credentials: &'static str,
    },
    /// To read, or to write, outside the repository.
    Path(PathBuf),
    /// To send the content of a file as a credential.
    TokenFile(PathBuf),
}

impl fmt::Display for RequestedAccess {
    /// Describes the access without what looks like a credential; [`RequestedAccess::describe_in_full`] describes all of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { command, .. } => {
                let words: Vec<String> = redact_command(command).iter().map(|word| quote_word(word)).collect();
                write!(f, "run the program `{}`", words.join(" "))
            }
            Self::Host { target, credentials } => write!(f, "connect to the host `{target}` with {credentials}"),
            Self::Path(path) => write!(f, "use the path `{}` outside the repository", path.display()),
            Self::TokenFile(path) => write!(f, "send the content of the path `{}` as a token", path.display()),
        }
    }
}

impl RequestedAccess {
    /// Describes the access with every word of a command: whoever is to agree has to see what is run.
    pub fn describe_in_full(&self) -> String {
        match self {
            Self::Program { command, .. } => {
                let words: Vec<String> = command.iter().map(|word| quote_word(word)).collect();
                format!("run the program `{}`", words.join(" "))
            }
            other => other.to_string(),
        }
    }

    /// Returns a digest that changes with everything that the user agrees to.
    fn digest(&self) -> String {
        // A path that is not UTF-8 cannot be serialised; its bytes are in the debug form.
        let text = serde_json::to_string(self).unwrap_or_else(|_| format!("{self:?}"));
        sha256(text.as_bytes())
    }
}

/// Returns a command in which `***` stands for each word that looks like a credential: `--token=…`, `-u me:…`, `API_KEY=…`,
/// `Bearer …`, also within the script of a shell.
fn redact_command(command: &[String]) -> Vec<String> {
    let mut is_next = false;
    let mut redact_word = |word: &str| {
        let hides = std::mem::take(&mut is_next) && !matches!(word, "{secret}" | "{key}");
        let (name, rest) = word.split_once(['=', ':']).unwrap_or((word, ""));
        let bare = name.trim_matches(|c: char| !c.is_alphanumeric()).replace('-', "_").to_ascii_lowercase();
        let names_one = ["u", "user", "authorization"].contains(&bare.as_str()) || has_sensitive_name(&bare);
        if bare == "bearer" || bare == "basic" {
            is_next = true;
            return word.to_owned();
        }
        let is_option = name.starts_with('-') || !rest.is_empty() || word.ends_with([':', '=']);
        match word.rsplit_once('@') {
            _ if hides => "***".to_owned(),
            Some((address, host)) if address.contains("://") => {
                format!("{}***@{host}", address.get(..address.find("://").unwrap_or_default() + 3).unwrap_or_default())
            }
            _ if names_one && is_option && !rest.is_empty() => {
                format!("{}***", word.get(..=name.len()).unwrap_or_default())
            }
            _ => {
                is_next = names_one && is_option;
                word.to_owned()
            }
        }
    };
    let redact_text = |text: &String| {
        let pieces = text.split_inclusive(char::is_whitespace).map(|piece| {
            let word = piece.trim_end();
            let blank = piece.get(word.len()..).unwrap_or_default();
            if word.is_empty() { piece.to_owned() } else { format!("{}{blank}", redact_word(word)) }
        });
        pieces.collect()
    };
    command.iter().map(redact_text).collect()
}

/// Quotes a word as a POSIX shell needs it.
fn quote_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-{}".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns what an inventory requests beyond environment variables and files below `root`, the repository of the config.
fn requests(inventory: &InventoryConfig, config: &Config, root: &Path) -> Vec<Request> {
    let root = &paths::canonicalize_existing(root);
    let path = |path: &Path| path_outside(path, root).map(RequestedAccess::Path);
    let token = |file: &Option<PathBuf>| {
        file.as_deref().map(|file| RequestedAccess::TokenFile(paths::canonicalize_existing(file)))
    };
    let certificates = |file: &Option<PathBuf>| file.as_deref().and_then(path);
    let accesses: Vec<RequestedAccess> = match &inventory.kind {
        InventoryKind::File(file) => path(file).into_iter().collect(),
        InventoryKind::Dir(folder) => path(folder).into_iter().collect(),
        InventoryKind::Env(_) => Vec::new(),
        InventoryKind::Sops(file) => {
            let command = ["sops".to_owned(), paths::relative(file, &config.folder)].to_vec();
            let files = vec![(paths::canonicalize_existing(file), sops_digest(file))];
            std::iter::once(RequestedAccess::Program { command, files }).chain(path(file)).collect()
        }
        InventoryKind::Zenml { url, token_file, ca_cert, .. } => {
            let credentials = "your ZenML credentials (ZENML_STORE_*)";
            let host = RequestedAccess::Host { target: url.clone(), credentials };
            std::iter::once(host).chain(token(token_file)).chain(certificates(ca_cert)).collect()
        }
        InventoryKind::Vault(VaultConfig { url, token_file, ca_cert, .. }) => {
            let target = url.clone().unwrap_or_else(|| "$VAULT_ADDR".to_owned());
            let credentials = "your Vault token (VAULT_TOKEN or ~/.vault-token)";
            let host = RequestedAccess::Host { target, credentials };
            std::iter::once(host).chain(token(token_file)).chain(certificates(ca_cert)).collect()
        }
        InventoryKind::Aws(AwsConfig { region, profile, endpoint_url, .. }) => {
            let named = [("region", region), ("profile", profile)];
            let named = named.into_iter().filter_map(|(key, value)| Some(format!(", {key} {}", value.as_ref()?)));
            let service = endpoint_url.clone().unwrap_or_else(|| "AWS".to_owned());
            let target = format!("{service}{}", named.collect::<String>());
            vec![RequestedAccess::Host { target, credentials: "your AWS credentials" }]
        }
        InventoryKind::Command(CommandConfig { names, keys, value, put }) => {
            let programs = [names, keys, value, put].into_iter().flatten();
            programs.map(|command| program(command, &config.folder, root)).collect()
        }
    };
    accesses.into_iter().map(|access| Request { inventory: inventory.name.clone(), access }).collect()
}

/// Returns all requests of a config. `root` is the config's repository, or its folder if there is none.
pub fn all_requests(config: &Config, root: &Path) -> Vec<Request> {
    config.inventories.iter().flat_map(|inventory| requests(inventory, config, root)).collect()
}

/// Returns the requests without those whose access an earlier one has.
pub fn distinct_requests<'r>(requests: impl IntoIterator<Item = &'r Request>) -> Vec<&'r Request> {
    let mut seen = BTreeSet::new();
    requests.into_iter().filter(|request| seen.insert(&request.access)).collect()
}

fn program(command: &[String], folder: &Path, root: &Path) -> RequestedAccess {
    // A script may be the program itself, or an argument of its interpreter.
    let files = command.iter().enumerate().filter_map(|(at, word)| {
        let path = folder.join(word);
        let is_named = at > 0 || word.contains('/');
        let is_inside = || paths::canonicalize_existing(&path).starts_with(root);
        (is_named && path.is_file() && (is_inside() || !Path::new(word).is_absolute()))
            .then(|| (PathBuf::from(word), file_digest(&path)))
    });
    RequestedAccess::Program { command: command.to_vec(), files: files.collect() }
}

/// Returns the SHA-256 of a regular file; `None` if it cannot be read.
fn file_digest(path: &Path) -> Option<String> {
    let bytes = files::read(path, MAX_SCRIPT_BYTES).ok()?;
    Some(sha256(&bytes))
}

/// Returns the SHA-256 of where SOPS gets the key of a file from: addresses of key services, which receive credentials, and
/// recipients. It does not change when a value does. `None` if the file cannot be read.
fn sops_digest(path: &Path) -> Option<String> {
    const CHANGING: [&str; 4] = ["mac", "lastmodified", "enc", "created_at"];
    let bytes = files::read(path, MAX_SCRIPT_BYTES).ok()?;
    let source = SourceFile::new("", std::str::from_utf8(&bytes).ok()?);
    let document = Document::parse(Arc::new(source), Syntax::from_path(path)?).ok()?;
    let (_, metadata) = document.get(*document.roots().first()?, "sops")?;
    let mut open = vec![(String::new(), metadata)];
    let mut lines = BTreeSet::new();
    while let Some((at, node)) = open.pop() {
        for &(key, value) in document.entries(node).unwrap_or_default() {
            let key = document.text(key).unwrap_or_default();
            if !CHANGING.contains(&key) {
                open.push((format!("{at}/{key}"), value));
            }
        }
        let items = document.items(node).unwrap_or_default().iter().enumerate();
        open.extend(items.map(|(index, &item)| (format!("{at}/{index}"), item)));
        lines.extend(document.text(node).map(|text| format!("{at}={text:?}\n")));
    }
    Some(sha256(lines.into_iter().collect::<String>().as_bytes()))
}

/// Returns where a path leads if that is not inside `root`, which contains no link.
fn path_outside(path: &Path, root: &Path) -> Option<PathBuf> {
    let real = paths::canonicalize_existing(path);
    let climbs = real.components().any(|part| part == Component::ParentDir);
    // A link to something that does not exist (yet).
    let dangles = path.canonicalize().is_err() && path.symlink_metadata().is_ok();
    (climbs || dangles || !real.starts_with(root)).then_some(real)
}

/// Whether the requests of a config are allowed in this run.
#[derive(Debug, Default)]
pub struct TrustDecision {
    /// The inventories that must not be created.
    refused: BTreeSet<String>,
    /// Why not; `None` if the user agreed, now or earlier.
    failure: Option<Box<Failure>>,
}

impl TrustDecision {
    /// Allows all requests of a config.
    pub fn granted() -> Self {
        Self::default()
    }

    /// Decides from the user's records. `root` is the config's repository, or its folder if there is none; `store` is `None` if
    /// the user has no folder for state.
    pub fn from_records(config: &Config, root: &Path, store: Option<&TrustStore>) -> Self {
        let requests = all_requests(config, root);
        if requests.is_empty() {
            return Self::granted();
        }
        let records = store.map_or_else(|| Ok(Vec::new()), TrustStore::records);
        let failure = records.map_or_else(Some, |records| refusal(config, &requests, &records));
        let refused = requests.into_iter().map(|request| request.inventory).collect();
        Self { refused, failure: failure.map(Box::new) }
    }

    /// Returns why an inventory must not be created; `None` if it may.
    pub fn refusal(&self, inventory: &str) -> Option<&Failure> {
        self.failure.as_deref().filter(|_| self.refused.contains(inventory))
    }
}

fn refusal(config: &Config, requests: &[Request], records: &[TrustRecord]) -> Option<Failure> {
    let key = config.file.as_deref().map(config_key);
    let record = records.iter().find(|record| Some(&record.path) == key.as_ref());
    let is_new = |request: &&Request| record.is_none_or(|record| !record.requests.contains(&request.access.digest()));
    let new = distinct_requests(requests.iter().filter(is_new));
    if record.is_some_and(|record| record.sha256 == config_digest(config)) && new.is_empty() {
        return None;
    }
    let shown = config.source.as_ref().map_or("stackref.toml", |source| source.path());
    let message = match record {
        None => format!("the config `{shown}` is not trusted, and requests to {}", list_requests(&new)),
        Some(_) if new.is_empty() => {
            format!("the config `{shown}` has changed since it was trusted; it requests nothing new")
        }
        Some(_) => format!(
            "the config `{shown}` has changed since it was trusted, and additionally requests to {}",
            list_requests(&new)
        ),
    };
    Some(Failure::usage(message).with_help(format!(
        "read the config, then run `{}` to accept it. In CI, pass --trust on trusted branches; for pull requests from forks, \
         commit a snapshot (`stackref inventory snapshot`) and check with --inventory FILE",
        command_for(shown)
    )))
}

/// Returns the command that accepts a config, in the working directory that its path is shown from.
fn command_for(display_path: &str) -> String {
    let folder = display_path.strip_suffix(FILE_NAME).map(|folder| folder.trim_end_matches('/'));
    match folder {
        // The config in the working directory, or above it, is found without a path.
        Some(folder) if folder.split('/').all(|part| part.is_empty() || part == "..") => "stackref trust".to_owned(),
        Some(folder) => format!("stackref trust {}", quote_word(folder)),
        None => format!("stackref trust {}", quote_word(display_path)),
    }
}

fn list_requests(requests: &[&Request]) -> String {
    let mut list: Vec<String> = requests.iter().take(MAX_LISTED).map(|request| request.access.to_string()).collect();
    if requests.len() > MAX_LISTED {
        list.push(format!("{} more", requests.len() - MAX_LISTED));
    }
    list.join(", to ")
}

/// Returns the SHA-256 of a config's text.
fn config_digest(config: &Config) -> String {
    sha256(config.source.as_ref().map_or("", |source| source.text()).as_bytes())
}

/// Returns the path that identifies a config: without links above it.
pub fn config_key(file: &Path) -> String {
    let folder = paths::canonicalize_existing(file.parent().unwrap_or(Path::new("/")));
    folder.join(file.file_name().unwrap_or_default()).to_string_lossy().into_owned()
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
    /// The config has no path, or one that is not UTF-8.
    pub fn for_config(config: &Config, root: &Path) -> Result<Self, Failure> {
        let file = config.file.as_deref().filter(|file| file.to_str().is_some());
        let file = file.ok_or_else(|| Failure::usage("cannot trust a config whose path is not UTF-8"))?;
        let requests = all_requests(config, root);
        let requests = distinct_requests(&requests).into_iter().map(|request| request.access.digest()).collect();
        Ok(Self { path: config_key(file), sha256: config_digest(config), requests })
    }

    /// Describes the config that a record is about, as it is now.
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
        Self { file: state_folder.join("stackref").join("trust.json") }
    }

    fn shown(&self) -> String {
        self.file.display().to_string()
    }

    /// Returns all records, sorted by path; none if there is no file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn records(&self) -> Result<Vec<TrustRecord>, Failure> {
        match files::read(&self.file, MAX_STORE_BYTES) {
            Ok(bytes) => self.parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(self.unreadable(&io_message(&error))),
        }
    }

    /// Adds a record, in place of an earlier one of the same path.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn add(&self, record: &TrustRecord) -> Result<(), Failure> {
        self.update(&mut |records| {
            records.retain(|known| known.path != record.path);
            records.push(record.clone());
        })
    }

    /// Removes the record of a path, from [`config_key`].
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn remove(&self, path: &str) -> Result<(), Failure> {
        self.update(&mut |records| records.retain(|known| known.path != path))
    }

    fn update(&self, change: &mut dyn FnMut(&mut Vec<TrustRecord>)) -> Result<(), Failure> {
        let shown = self.shown();
        let cannot = |error: &io::Error| write::cannot_write(&shown, error);
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| cannot(&error))?;
        match OutputFile::open(&self.file, &shown)?.create(&text(Vec::new()), true) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(cannot(&error)),
            _ => {}
        }
        write::update(&self.file, &shown, &mut |bytes, _| {
            let mut records = self.parse(&bytes)?;
            change(&mut records);
            records.sort_by(|a, b| a.path.cmp(&b.path));
            Ok(Some(NewText { text: Zeroizing::new(text(records)), private: true }))
        })
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<TrustRecord>, Failure> {
        let records: TrustFile =
            serde_json::from_slice(bytes).map_err(|_| self.unreadable("it was not written by `stackref trust`"))?;
        if records.version != VERSION {
            return Err(self.unreadable("it was written by another version of stackref"));
        }
        Ok(records.configs)
    }

    fn unreadable(&self, why: &str) -> Failure {
        Failure::usage(format!("cannot read the trusted configs from `{}`: {why}", self.shown()))
            .with_help("delete that file, then run `stackref trust` for each config that you use")
    }
}

fn text(configs: Vec<TrustRecord>) -> String {
    // A list of strings cannot fail to be written.
    serde_json::to_string_pretty(&TrustFile { version: VERSION, configs }).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_would_read_it() {
        let command = ["sh", "-c", "touch pwned; echo 'x'", ""].map(str::to_owned).to_vec();
        let shown = RequestedAccess::Program { command, files: Vec::new() }.to_string();
        assert_eq!(shown, r"run the program `sh -c 'touch pwned; echo '\''x'\''' ''`");
    }

    #[test]
    fn what_looks_like_a_credential_is_not_shown() {
        for (command, shown) in [
            (&["curl", "-u", "me:hunter2", "http://{secret}"][..], "curl -u *** http://{secret}"),
            (&["x", "--token=hunter2", "--api-key", "hunter2", "y"], "x '--token=***' --api-key '***' y"),
            (&["env", "MY_PASSWORD=hunter2", "x"], "env 'MY_PASSWORD=***' x"),
            (&["curl", "-H", "Authorization: Bearer hunter2"], "curl -H Authorization: Bearer ***"),
            (&["curl", "https://me:hunter2@example.com/x"], "curl 'https://***@example.com/x'"),
            (&["sh", "-c", "curl --password hunter2 x && y"], "sh -c 'curl --password *** x && y'"),
            (&["gcloud", "secrets", "list", "--secret", "{secret}"], "gcloud secrets list --secret {secret}"),
        ] {
            let command: Vec<String> = command.iter().map(ToString::to_string).collect();
            let access = RequestedAccess::Program { command, files: Vec::new() };
            let printed = access.to_string();
            assert!(!printed.contains("hunter2"), "{printed}");
            assert_eq!(printed.replace('\'', ""), format!("run the program `{shown}`").replace('\'', ""));
        }
    }

    #[test]
    fn a_path_is_outside_wherever_it_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repository");
        std::fs::create_dir_all(root.join("secrets")).unwrap();
        std::fs::write(root.join("secrets/dev.yaml"), "").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("etc")).unwrap();
        std::os::unix::fs::symlink("/nowhere/x.yaml", root.join("x.yaml")).unwrap();
        for inside in ["secrets/dev.yaml", "secrets/new.yaml", "secrets/../secrets/dev.yaml", "nosuch/x.yaml"] {
            assert_eq!(path_outside(&root.join(inside), &root), None, "{inside}");
        }
        for leaving in ["../x.yaml", "/etc/passwd", "etc/passwd", "x.yaml", "nosuch/../../x.yaml", "secrets/../../x"] {
            assert!(path_outside(&root.join(leaving), &root).is_some(), "{leaving}");
        }
    }
}
