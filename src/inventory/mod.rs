//! Secrets inventories: what the references of stack files are checked against.
//!
//! An inventory answers three questions, each of which a level may or may not ask: which names there are, which keys a
//! secret has, and (for render) what a value is. Three things that are not an answer are told apart everywhere:
//! [`StoreError::NotFound`] becomes a finding, [`StoreError::Forbidden`] and [`StoreError::Unreachable`] end the run with 3.

#[cfg(feature = "aws")]
pub mod aws;
mod clock;
pub mod command;
pub mod dir;
pub mod env;
pub mod file;
pub mod lookup;
mod http;
pub mod refused;
pub mod sops;
pub mod vault;
pub mod zenml_server;

use crate::diagnostics::error::Failure;
use crate::document::directives::Directive;
use crate::project::config::{Config, FALLBACK_NAMES, InventoryConfig, InventoryKind};
use crate::project::trust_store::TrustDecision;
use crate::system::environment::Environment;
use crate::system::paths;
use crate::system::process::ProgramFinder;
use crate::text::nearest::nearest;
use crate::text::redacted_source::RedactedSource;
use crate::text::secret_value::SecretText;
use crate::text::source::Span;
use command::CommandInventory;
use dir::DirInventory;
use env::EnvInventory;
use file::FileInventory;
use refused::RefusedInventory;
use sops::SopsInventory;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::VaultInventory;
use zenml_server::ZenmlInventory;

/// The name of a secret in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName {
    /// The name, exactly.
    pub name: String,
    /// Where the store has two secrets of this name: which of them is taken.
    pub ambiguity: Option<String>,
}

/// A key of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key, exactly.
    pub name: String,
    /// What is known of its value without asking for more.
    pub value: ValueType,
}

/// The type of a key's value, as far as an inventory reveals it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueType {
    /// The inventory reveals the key only.
    #[default]
    Unknown,
    /// A string that is not empty.
    String,
    /// The empty string.
    EmptyString,
    /// Not a string: nothing can resolve it.
    Unusable(Unusable),
}

/// The type of a value that is not a string, so that no reference resolves to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// Null.
    Null,
    /// A list.
    List,
    /// A mapping.
    Mapping,
    /// A date or a time.
    Timestamp,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A folder in place of a file.
    Folder,
    /// A pipe, a socket or a device in place of a file.
    SpecialFile,
    /// A file with more bytes than stackref reads.
    TooLarge,
}

/// The values of one secret by key. A value that is not a string does not hide the others.
pub type SecretValues = BTreeMap<String, Result<SecretText, Unusable>>;

impl ValueType {
    /// Returns the type of a value that was read.
    fn from_value(value: &Result<SecretText, Unusable>) -> Self {
        value.as_ref().map_or_else(|unusable| Self::Unusable(*unusable), |text| Self::from_text(text.expose()))
    }

    /// Returns the type of a string.
    fn from_text(text: &str) -> Self {
        if text.is_empty() { Self::EmptyString } else { Self::String }
    }
}

impl Unusable {
    /// Describes the value, as the end of a sentence about it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Number => "is a number, not a string",
            Self::Boolean => "is a boolean, not a string",
            Self::Null => "is null, not a string",
            Self::List => "is a list, not a string",
            Self::Mapping => "is a mapping, not a string",
            Self::Timestamp => "is a timestamp, not a string",
            Self::NotUtf8 => "is not UTF-8 text",
            Self::Folder => "is a folder, not a file",
            Self::SpecialFile => "is not a regular file",
            Self::TooLarge => "is larger than 32 MiB",
        }
    }

    /// Returns the advice on how to make the value usable.
    pub fn help(self) -> &'static str {
        match self {
            Self::Number | Self::Boolean | Self::Timestamp => "store it as a string, in quotes",
            Self::Null => "give it a value, or refer to another key",
            Self::List | Self::Mapping => {
                "store a string, or refer to another key: a reference cannot name a part of a value"
            }
            Self::NotUtf8 => "store it as UTF-8 text",
            Self::Folder | Self::SpecialFile => "store the value in a regular file: one file is one key",
            Self::TooLarge => "store a smaller value, or refer to another key",
        }
    }
}

/// Returns what messages call an inventory that is a file or a folder: its name in the config, and where it is.
fn title(name: &str, display_path: &str) -> String {
    if name == display_path { format!("`{name}`") } else { format!("`{name}` ({display_path})") }
}

/// Reads a JSON value as the value of a key: only a string is one.
fn secret_from_json(value: &serde_json::Value) -> Result<SecretText, Unusable> {
    use serde_json::Value;
    match value {
        Value::String(text) => Ok(SecretText::new(text.as_str())),
        Value::Null => Err(Unusable::Null),
        Value::Bool(_) => Err(Unusable::Boolean),
        Value::Number(_) => Err(Unusable::Number),
        Value::Array(_) => Err(Unusable::List),
        Value::Object(_) => Err(Unusable::Mapping),
    }
}

/// A name as it stands in an inventory that is a file of the repository.
#[derive(Clone, Debug)]
pub struct DeclaredName {
    /// The name.
    pub name: String,
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The name's place.
    pub span: Span,
}

/// What an inventory file says of findings in it.
#[derive(Clone, Copy, Debug)]
pub struct InventoryComments<'i> {
    /// The file.
    pub source: &'i Arc<RedactedSource>,
    /// Absolute.
    pub path: &'i Path,
    /// The comments.
    pub directives: &'i [Directive],
    /// Whether it is a snapshot, to which `unused-secret` does not apply.
    pub is_snapshot: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The inventory answered: it is not there.
    NotFound,
    /// The identity may not ask this; with what to do about it.
    Forbidden(String),
    /// The store shows nothing at all, and does not say whether there is nothing or whether it may not be seen; with what
    /// that means.
    EmptyListing(String),
    /// The store did not answer; with what was seen.
    Unreachable(String),
    /// The inventory knows names and keys, and no values.
    NoValues,
    /// The inventory itself cannot be read.
    Invalid(Failure),
}

impl StoreError {
    /// In words: `what` an inventory could not say.
    pub fn into_failure(self, inventory: &str, what: &str) -> Failure {
        match self {
            Self::Invalid(failure) => failure,
            Self::Forbidden(advice) => {
                Failure::unanswered(format!("the inventory `{inventory}` forbids to read {what}")).with_help(advice)
            }
            Self::EmptyListing(advice) => {
                Failure::unanswered(format!("the inventory `{inventory}` shows this identity no secret at all"))
                    .with_help(advice)
            }
            Self::Unreachable(seen) => {
                Failure::unanswered(format!("the inventory `{inventory}` did not answer for {what}: {seen}"))
                    .with_help("mend that, and try again")
            }
            Self::NotFound | Self::NoValues => {
                Failure::unanswered(format!("the inventory `{inventory}` does not have {what}"))
            }
        }
    }
}

/// What a kind of inventory can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Name its secrets.
    pub list: bool,
    /// Name the keys of a secret without reading its values.
    pub keys: bool,
    /// Give values.
    pub values: bool,
    /// Take new secrets and keys.
    pub write: bool,
}

impl Capabilities {
    /// Everything.
    const ALL: Self = Self { list: true, keys: true, values: true, write: true };
    /// Nothing.
    #[cfg(not(feature = "aws"))]
    const NONE: Self = Self { list: false, keys: false, values: false, write: false };
}

/// A key to be stored.
pub struct NewKey {
    /// The key.
    pub key: String,
    /// Its value; nothing where the inventory takes names only.
    pub value: Option<SecretText>,
    /// Whether it may take the place of one that is there.
    pub replaces: bool,
}

/// The names, or the keys, that references ask for.
pub type RequestedNames = BTreeSet<String>;

impl NewKey {
    /// The text to store; empty where only the name is kept.
    fn text(&self) -> &str {
        self.value.as_ref().map_or("", SecretText::expose)
    }
}

/// Of what is to be stored: the keys that are there and stay as they are, and the rest, in order.
fn partition_existing(entries: &[NewKey], exists: impl Fn(&str) -> bool) -> (Vec<String>, Vec<&NewKey>) {
    let (stay, rest): (Vec<&NewKey>, Vec<&NewKey>) =
        entries.iter().partition(|entry| !entry.replaces && exists(&entry.key));
    (stay.into_iter().map(|entry| entry.key.clone()).collect(), rest)
}

/// What an identity needs to be told that may list, and nothing more.
const LIST_ONLY_HINT: &str = "`--level secret-exists` needs only the right to list";

/// What is to be stored in one secret.
pub struct SecretChange<'c> {
    /// The secret.
    pub secret: &'c str,
    /// Its keys.
    pub entries: &'c [NewKey],
}

/// One inventory of some kind.
pub trait Inventory: Send + Sync {
    /// What messages call it.
    fn name(&self) -> &str;

    /// What its kind can do.
    fn capabilities(&self) -> Capabilities;

    /// The names of all secrets. A store that spells names in its own way gives those wanted that it has as they are wanted.
    ///
    /// # Errors
    /// Never [`StoreError::NotFound`].
    fn names(&self, wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError>;

    /// The keys of one secret; of those wanted, spelled as they are wanted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such secret.
    fn keys(&self, secret: &str, wanted: &RequestedNames) -> Result<Vec<Key>, StoreError>;

    /// The wanted values of one secret by key, and perhaps others that came with them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such secret, [`StoreError::NoValues`] where only its keys are known.
    fn values(&self, secret: &str, wanted: &RequestedNames) -> Result<SecretValues, StoreError>;

    /// Whether a secret, or a new one of this name, takes values and not only the names of keys.
    ///
    /// # Errors
    /// As those of [`Inventory::names`].
    fn takes_values(&self, _secret: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Whether [`Inventory::put`] can be hoped to succeed, as far as that is known without writing.
    ///
    /// # Errors
    /// Why it would fail.
    fn check_writable(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Creates secrets, or adds keys to them and keeps the rest. Keys that are there already and are not to be replaced stay
    /// as they are, and are given back with the name of their secret.
    ///
    /// # Errors
    /// Never [`StoreError::NotFound`]. A file is then what it was; elsewhere single secrets may have been written.
    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        for SecretChange { secret, entries } in changes {
            let stay = self.put_secret(secret, entries)?;
            kept.extend(stay.into_iter().map(|key| ((*secret).to_owned(), key)));
        }
        Ok(kept)
    }

    /// Creates one secret, or adds keys to it; those that stay as they are are given back.
    ///
    /// # Errors
    /// Never [`StoreError::NotFound`].
    fn put_secret(&self, _secret: &str, _entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        Err(StoreError::Forbidden("this kind of inventory is read-only".to_owned()))
    }

    /// What a user should know who is about to use it.
    fn warning(&self) -> Option<String> {
        None
    }

    /// The file or folder that holds it, absolute, where it is one.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Returns the errors of an inventory that was read as far as possible. An inventory with any of them is unusable: no
    /// finding that something does not exist is based on it.
    fn entry_errors(&self) -> &[Failure] {
        &[]
    }

    /// For an inventory in a file that was read: the comments in it that speak to stackref.
    fn comments(&self) -> Option<InventoryComments<'_>> {
        None
    }

    /// Whether it is a snapshot of another inventory: then a name in it that nothing uses is none to remove.
    fn is_snapshot(&self) -> bool {
        false
    }

    /// The names with their places, for an inventory that is a file inside the repository; nothing for any other.
    fn declared_names(&self) -> Vec<DeclaredName> {
        Vec::new()
    }
}

/// The inventories of a run, and which of them a stack uses. Nothing is opened before it is asked.
pub struct Inventories {
    all: Vec<Box<dyn Inventory>>,
    /// Those of each config.
    projects: Vec<ProjectInventories>,
}

/// The inventories that the files of one config use.
struct ProjectInventories {
    /// The config file; the defaults have none.
    config: Option<PathBuf>,
    /// The configured ones: name and index.
    configured: Vec<(String, usize)>,
    /// From `--inventory`.
    chosen: Option<Vec<usize>>,
    /// `secrets.inventory.*` beside the config or at the root.
    fallback: Option<usize>,
}

/// Where the inventories of a run are looked for.
pub struct StoreContext<'s> {
    /// The working directory.
    pub cwd: &'s Path,
    /// The repository's root.
    pub root: &'s Path,
    /// The environment.
    pub env: &'s Arc<dyn Environment>,
    /// What standard input contained, if `--inventory -` names it.
    pub standard_input: Option<&'s [u8]>,
}

/// A config, and what its inventories may do.
pub struct ConfiguredProject {
    /// The config.
    pub config: Arc<Config>,
    /// The folders that are searched for a file of [`FALLBACK_NAMES`]; the first that has one wins.
    pub folders: Vec<PathBuf>,
    /// The repository of the config, if there is one; programs are not looked up in it.
    pub repository: Option<PathBuf>,
    /// Whether the requests of the config are allowed.
    pub trust: TrustDecision,
}

/// Creates a configured inventory; `name` is what messages call it.
fn from_config(
    configured: &InventoryConfig,
    name: String,
    project: &ConfiguredProject,
    context: &StoreContext<'_>,
) -> Box<dyn Inventory> {
    if let Some(failure) = project.trust.refusal(&configured.name) {
        return Box::new(RefusedInventory::new(name, Capabilities::ALL, failure.clone()));
    }
    let limits = configured.limits;
    let lookup = || ProgramFinder::new(context.env.as_ref(), project.repository.as_deref());
    match &configured.kind {
        InventoryKind::File(path) => Box::new(FileInventory::new(name, path, context.cwd, context.root).from_config()),
        InventoryKind::Dir(folder) => Box::new(DirInventory::new(name, folder, context.cwd)),
        InventoryKind::Env(prefix) => Box::new(EnvInventory::new(name, prefix.clone(), Arc::clone(context.env))),
        InventoryKind::Sops(path) => Box::new(SopsInventory::new(name, path, context.cwd, lookup(), limits)),
        InventoryKind::Command(programs) => {
            Box::new(CommandInventory::new(name, project.config.folder.clone(), programs.clone(), lookup(), limits))
        }
        InventoryKind::Zenml { url, allow_http, token_file, ca_cert } => {
            let (url, token_file, ca_cert) = (url.clone(), token_file.clone(), ca_cert.clone());
            let env = Arc::clone(context.env);
            Box::new(ZenmlInventory::new(name, url, *allow_http, token_file, ca_cert, limits, env))
        }
        InventoryKind::Vault(place) => {
            Box::new(VaultInventory::new(name, place.clone(), limits, Arc::clone(context.env)))
        }
        #[cfg(feature = "aws")]
        InventoryKind::Aws(place) => Box::new(aws::AwsInventory::new(name, place.clone(), limits)),
        #[cfg(not(feature = "aws"))]
        InventoryKind::Aws(_) => Box::new(RefusedInventory::not_built(name, "aws")),
    }
}

impl ProjectInventories {
    fn in_use(&self) -> Vec<usize> {
        let unless_chosen = || self.configured.iter().map(|&(_, at)| at).chain(self.fallback).collect();
        self.chosen.clone().unwrap_or_else(unless_chosen)
    }
}

/// Returns what messages call a configured inventory: its name, with its config if another config has one of that name.
fn shown_name(configured: &InventoryConfig, project: &ConfiguredProject, projects: &[ConfiguredProject]) -> String {
    let name = &configured.name;
    let has_it =
        |project: &&ConfiguredProject| project.config.inventories.iter().any(|inventory| inventory.name == *name);
    match &project.config.source {
        Some(source) if projects.iter().filter(has_it).count() > 1 => format!("{name} ({})", source.path()),
        _ => name.clone(),
    }
}

impl Inventories {
    /// Collects what the configs, the flags and the conventions name. An inventory of the flags is that of the file's own config,
    /// else of the first project, else a file.
    pub fn new(projects: &[ConfiguredProject], chosen: &[String], context: &StoreContext<'_>) -> Self {
        let mut inventories = Self { all: Vec::new(), projects: Vec::new() };
        for project in projects {
            let mut own = ProjectInventories {
                config: project.config.file.clone(),
                configured: Vec::new(),
                chosen: None,
                fallback: None,
            };
            for configured in &project.config.inventories {
                let name = shown_name(configured, project, projects);
                let at = inventories.add(from_config(configured, name, project, context));
                own.configured.push((configured.name.clone(), at));
            }
            inventories.projects.push(own);
        }
        if chosen.is_empty() {
            inventories.find_fallbacks(projects, context);
        } else {
            inventories.choose(chosen, context);
        }
        inventories
    }

    /// Resolves the names of the flags for each project.
    fn choose(&mut self, chosen: &[String], context: &StoreContext<'_>) {
        let of = |project: &ProjectInventories, name: &str| {
            project.configured.iter().find(|(known, _)| known == name).map(|&(_, at)| at)
        };
        let mut files: Vec<(&str, usize)> = Vec::new();
        for project in 0..self.projects.len() {
            let mut chain = Vec::with_capacity(chosen.len());
            for name in chosen {
                // What looks like the path of a file is one: no configured inventory may have such a name.
                let configured = self
                    .projects
                    .get(project)
                    .into_iter()
                    .chain(self.projects.first())
                    .find_map(|of_it| of(of_it, name));
                let file = || files.iter().find(|(known, _)| known == name).map(|&(_, at)| at);
                let at = configured.or_else(file).unwrap_or_else(|| {
                    let input = context.standard_input.filter(|_| name == file::STANDARD_INPUT);
                    let at = match input {
                        Some(bytes) => self.add(Box::new(FileInventory::from_standard_input(bytes, context.cwd))),
                        None => self.add(Box::new(self.chosen_file(name, context))),
                    };
                    files.push((name, at));
                    at
                });
                chain.push(at);
            }
            if let Some(project) = self.projects.get_mut(project) {
                project.chosen = Some(chain);
            }
        }
    }

    /// Returns the file that a flag names. If it does not exist, the nearest configured name may be meant.
    fn chosen_file(&self, name: &str, context: &StoreContext<'_>) -> FileInventory {
        let known = self.projects.iter().flat_map(|project| &project.configured);
        let meant = nearest(name, known.map(|(name, _)| name.as_str())).map(str::to_owned);
        let path = Path::new(name);
        let file = FileInventory::new(name.to_owned(), &paths::absolute(path, context.cwd), context.cwd, context.root);
        file.with_given_path(path, context.cwd).with_suggestion(meant).from_command_line()
    }

    /// Finds the inventory file that needs no config, for each project.
    fn find_fallbacks(&mut self, projects: &[ConfiguredProject], context: &StoreContext<'_>) {
        let mut found: Vec<(PathBuf, usize)> = Vec::new();
        for (index, project) in projects.iter().enumerate() {
            let candidates = project.folders.iter().flat_map(|folder| FALLBACK_NAMES.map(|name| folder.join(name)));
            let Some(path) = candidates.into_iter().find(|path| path.symlink_metadata().is_ok()) else { continue };
            // The config may give it a name: then it is that inventory, not a second one that nothing uses.
            let own = self.projects.get(index).map(|own| own.configured.as_slice()).unwrap_or_default();
            let named = own.iter().map(|&(_, at)| at).find(|&at| self.get(at).and_then(Inventory::file) == Some(&path));
            let known = || found.iter().find(|(known, _)| *known == path).map(|&(_, at)| at);
            let at = named.or_else(known).unwrap_or_else(|| {
                let shown = paths::relative(&path, context.cwd);
                let inventory = FileInventory::new(shown, &path, context.cwd, context.root).discovered(context.root);
                self.add(Box::new(inventory))
            });
            found.push((path.clone(), at));
            if let Some(own) = self.projects.get_mut(index) {
                own.fallback = Some(at);
            }
        }
    }

    /// Inventories made elsewhere, all used by every stack in this order; for tests of what a level may touch.
    pub fn from_inventories(all: Vec<Box<dyn Inventory>>) -> Self {
        let chosen = Some((0..all.len()).collect());
        let project = ProjectInventories { config: None, configured: Vec::new(), chosen, fallback: None };
        Self { all, projects: vec![project] }
    }

    fn add(&mut self, inventory: Box<dyn Inventory>) -> usize {
        self.all.push(inventory);
        self.all.len() - 1
    }

    fn project(&self, config: &Config) -> Option<&ProjectInventories> {
        self.projects.iter().find(|project| project.config == config.file).or(self.projects.first())
    }

    /// The inventories that a stack uses, in the order in which they are asked; nothing where none is configured for it.
    /// `path` is absolute.
    pub fn chain(&self, config: &Config, path: &Path, secrets_manager: Option<&str>) -> Option<Vec<usize>> {
        let project = self.project(config)?;
        if let Some(chosen) = &project.chosen {
            return Some(chosen.clone());
        }
        let index = |name: &str| project.configured.iter().find(|(known, _)| known == name).map(|&(_, at)| at);
        if let Some(at) = secrets_manager.and_then(index) {
            return Some(vec![at]);
        }
        if let Some(names) = config.route(path) {
            return Some(names.iter().filter_map(|name| index(name)).collect());
        }
        if let [(_, at)] = project.configured.as_slice() {
            return Some(vec![*at]);
        }
        project.fallback.map(|at| vec![at])
    }

    /// Checks that the inventories that flags name can be read.
    ///
    /// # Errors
    /// What is wrong with the first that is not.
    pub fn open_chosen(&self) -> Result<(), Failure> {
        let chosen: BTreeSet<usize> =
            self.projects.iter().filter_map(|project| project.chosen.as_ref()).flatten().copied().collect();
        for at in chosen {
            // A store is asked when there is something to ask it for.
            let local = self.get(at).filter(|inventory| inventory.file().is_some());
            if let Some(Err(StoreError::Invalid(failure))) =
                local.map(|inventory| inventory.names(&RequestedNames::new()))
            {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// The inventories that stacks may use: those of the flags, else all that are configured or found.
    pub fn in_use(&self) -> impl Iterator<Item = (usize, &dyn Inventory)> {
        let used: BTreeSet<usize> = self.projects.iter().flat_map(ProjectInventories::in_use).collect();
        used.into_iter().filter_map(|at| Some((at, self.get(at)?)))
    }

    /// The same for the stacks of one config.
    pub fn in_use_of(&self, config: &Config) -> Vec<usize> {
        let used: BTreeSet<usize> = self.project(config).into_iter().flat_map(ProjectInventories::in_use).collect();
        used.into_iter().collect()
    }

    /// All inventories that there are, in use or not.
    pub fn all(&self) -> impl Iterator<Item = &dyn Inventory> {
        self.all.iter().map(AsRef::as_ref)
    }

    /// An inventory by its index.
    pub fn get(&self, at: usize) -> Option<&dyn Inventory> {
        self.all.get(at).map(AsRef::as_ref)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
