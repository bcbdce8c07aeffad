//! The kind `file`: a YAML, TOML or JSON file.
//!
//! Each entry is `name: [key, key]` (names and keys) or `name: {key: value}` (values). The file of
//! ZenML's local secrets manager is supported, too: its values are base64.

mod additions;
mod base64_value;
mod comments;
mod content;
mod content_reader;
mod loaded_file;
mod put;
mod renamed_entry;
mod second_parser;
mod simple_names;

pub use comments::{EntryComments, NameComments, SNAPSHOT_HEAD};

use super::title::title;
use super::{
    Capabilities, DeclaredName, Inventory, InventoryComments, InventoryEntries, Key, RenameEdits,
    RequestedNames, SecretChange, SecretName, SecretValues, StoreError,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::document::Syntax;
use crate::system::files;
use crate::system::paths;
use crate::system::write;
use crate::text::source::SourceFile;
use content::{FileContent, FileSecret};
use loaded_file::LoadedFile;
use renamed_entry::RenamedEntry;
use simple_names::SimpleNames;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The argument of `--inventory` that means standard input.
pub const STANDARD_INPUT: &str = "-";

/// The help for a path that cannot be read.
const PATH_HINT: &str = "a path in the config is relative to the config's folder, and a path after `--inventory` to the \
                         working directory; an empty file is an empty inventory";

/// An inventory in a file, which is opened when it is first asked.
pub struct FileInventory {
    name: String,
    path: PathBuf,
    display_path: String,
    /// The name and path in messages.
    title: String,
    /// The noun in messages about reading the file: "inventory" or "file".
    noun: &'static str,
    repository_path: String,
    in_repository: bool,
    /// The configured inventory with the nearest name, to be suggested if the file does not exist.
    suggestion: Option<String>,
    /// The folder that the path may not leave by links, if stackref discovered the file.
    folder: Option<PathBuf>,
    /// Whether the file is standard input or a pipe, which is read once and cannot be written to.
    is_stream: bool,
    loaded: OnceLock<Result<LoadedFile, Failure>>,
}

impl FileInventory {
    /// Creates an inventory for a file at an absolute path. Messages show it relative to `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, root: &Path) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            title: format!("`{}`", paths::display_path(path, cwd)),
            display_path: paths::display_path(path, cwd),
            noun: "inventory",
            repository_path: paths::relative(path, root),
            in_repository: path.starts_with(root),
            suggestion: None,
            folder: None,
            is_stream: false,
            loaded: OnceLock::new(),
        }
    }

    /// Sets the configured inventory to suggest if the file does not exist.
    #[must_use]
    pub fn with_suggestion(self, suggestion: Option<String>) -> Self {
        Self { suggestion, ..self }
    }

    /// Marks the inventory as one of a config: messages show its name and its path.
    #[must_use]
    pub fn from_config(self) -> Self {
        Self {
            title: title(&self.name, &self.display_path),
            ..self
        }
    }

    /// Marks the path as one from the command line, which may be that of a pipe.
    #[must_use]
    pub fn from_command_line(self) -> Self {
        let is_stream = files::is_pipe(&self.path);
        Self {
            is_stream,
            in_repository: self.in_repository && !is_stream,
            ..self
        }
    }

    /// Creates an inventory from the contents of standard input.
    pub fn from_standard_input(bytes: &[u8], cwd: &Path) -> Self {
        let name = "standard input".to_owned();
        let inventory = Self::new(name.clone(), &cwd.join(STANDARD_INPUT), cwd, cwd);
        let title = format!("`{name}`");
        let inventory = Self {
            display_path: name,
            title,
            is_stream: true,
            in_repository: false,
            ..inventory
        };
        let loaded = inventory.read(bytes);
        Self {
            loaded: OnceLock::from(loaded),
            ..inventory
        }
    }

    /// Marks the file as one that stackref discovered. It may not be a link out of the repository,
    /// or, outside a repository, out of its folder.
    #[must_use]
    pub fn discovered(self, root: &Path) -> Self {
        let folder = if self.path.starts_with(root) {
            Some(root)
        } else {
            self.path.parent()
        };
        Self {
            folder: folder.map(Path::to_path_buf),
            ..self
        }
    }

    /// Sets the path as the user wrote it, for messages.
    #[must_use]
    pub fn with_given_path(self, given: &Path, cwd: &Path) -> Self {
        let title = format!("`{}`", given.to_string_lossy());
        Self {
            display_path: paths::display_given_path(given, cwd),
            title,
            ..self
        }
    }

    /// Creates an inventory for a file that has the format of an inventory but is not one of the
    /// run, for example a file with values to store.
    pub fn from_user_path(given: &Path, cwd: &Path) -> Self {
        let inventory = Self::new(
            given.to_string_lossy().into_owned(),
            &paths::absolute(given, cwd),
            cwd,
            cwd,
        );
        Self {
            noun: "file",
            in_repository: false,
            ..inventory.with_given_path(given, cwd)
        }
    }

    /// Creates an inventory from a text.
    ///
    /// # Errors
    /// Fails if the text does not parse.
    pub fn from_text(name: &str, text: String, syntax: Syntax) -> Result<Self, Failure> {
        let title = format!("`{name}`");
        let loaded = LoadedFile::read(SourceFile::new(name, text), syntax, &title)?;
        let inventory = Self::new(
            name.to_owned(),
            Path::new(name),
            Path::new(""),
            Path::new(""),
        );
        Ok(Self {
            display_path: name.to_owned(),
            in_repository: false,
            loaded: OnceLock::from(Ok(loaded)),
            ..inventory
        })
    }

    /// Returns the secrets with their keys, as far as the file could be read.
    pub fn secrets(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.content()
            .map(FileContent::names_and_keys)
            .unwrap_or_default()
    }

    /// Returns the name of a secret that stores values, or `None` if there is no such secret.
    pub fn secret_with_values(&self) -> Option<String> {
        let content = self.content().ok()?;
        let found = content
            .secrets
            .iter()
            .find(|secret| content.stores_values(secret) && !secret.keys.is_empty());
        found.map(|secret| secret.name.clone())
    }

    /// Returns the comments, each with the entry that it belongs to. Returns none if the file could
    /// not be read.
    pub fn name_comments(&self) -> NameComments {
        self.content()
            .map(FileContent::name_comments)
            .unwrap_or_default()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Fails if the file cannot be read or does not parse.
    pub fn open(&self) -> Result<(), Failure> {
        self.open_file().map(|_| ())
    }

    fn open_file(&self) -> Result<&LoadedFile, Failure> {
        let loaded = self.loaded.get_or_init(|| self.load());
        loaded.as_ref().map_err(Clone::clone)
    }

    fn open_content(&self) -> Result<&FileContent, Failure> {
        self.open_file()?.content(&self.title)
    }

    fn content(&self) -> Result<&FileContent, StoreError> {
        self.open_content().map_err(StoreError::Invalid)
    }

    /// Returns the names and keys, if these need no parser.
    fn simple_names(&self) -> Result<Option<&SimpleNames>, StoreError> {
        let file = self.open_file().map_err(StoreError::Invalid)?;
        Ok(file.simple.as_ref())
    }

    /// Returns the file if it was read before.
    fn loaded_file(&self) -> Option<&LoadedFile> {
        self.loaded.get()?.as_ref().ok()
    }

    fn load(&self) -> Result<LoadedFile, Failure> {
        write::recover_beside(&self.path);
        let bytes = match &self.folder {
            _ if self.is_stream => files::read_pipe(&self.path, files::MAX_INVENTORY),
            Some(folder) => files::read_inside(&self.path, folder, files::MAX_INVENTORY),
            None => files::read(&self.path, files::MAX_INVENTORY),
        };
        let bytes = bytes.map_err(|error| {
            self.read_error(&io_message(&error))
                .with_help_if(self.path_help())
        })?;
        self.read(&bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<LoadedFile, Failure> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            self.read_error("it is not UTF-8")
                .with_help("save it as UTF-8")
        })?;
        let syntax = self.syntax(text).ok_or_else(|| {
            self.read_error("cannot determine the format from the file extension")
                .with_help("use a .yaml, .toml or .json file with `name: [key, key]` or `name: {key: value}`")
        })?;
        let source = SourceFile::new(self.display_path.clone(), text);
        let source = source
            .with_repository_path(self.repository_path.clone())
            .with_absolute_path(&self.path);
        LoadedFile::read(source, syntax, &self.title)
    }

    /// Returns the syntax by the file extension, or by the text if there is no extension.
    fn syntax(&self, text: &str) -> Option<Syntax> {
        let detected =
            (self.is_stream || self.path.extension().is_none()).then(|| Syntax::detect(text));
        Syntax::from_path(&self.path).or(detected)
    }

    fn read_error(&self, reason: &str) -> Failure {
        Failure::usage(format!(
            "cannot read the {} {}: {reason}",
            self.noun, self.title
        ))
    }

    fn path_help(&self) -> Option<String> {
        match &self.suggestion {
            Some(name) => Some(format!("did you mean the inventory `{name}`?")),
            None => (self.noun == "inventory").then(|| PATH_HINT.to_owned()),
        }
    }
}

impl Inventory for FileInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            write: !self.is_stream,
            ..Capabilities::ALL
        }
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        if let Some(simple) = self.simple_names()? {
            let secrets = simple.secrets.iter();
            return Ok(secrets
                .map(|secret| SecretName::unique(secret.name.clone()))
                .collect());
        }
        let secrets = self.content()?.secrets.iter();
        Ok(secrets
            .map(|secret| SecretName::unique(secret.name.clone()))
            .collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        if let Some(simple) = self.simple_names()? {
            let secret = simple.secret(secret).ok_or(StoreError::NotFound)?;
            return Ok(secret.keys.clone());
        }
        let FileSecret { keys, error, .. } =
            self.content()?.secret(secret).ok_or(StoreError::NotFound)?;
        match error {
            Some(failure) => Err(StoreError::Invalid(failure.clone())),
            None => Ok(keys.clone()),
        }
    }

    fn values(
        &self,
        secret: &str,
        _requested: &RequestedNames,
    ) -> Result<SecretValues, StoreError> {
        let values = self.content()?.values(secret)?;
        Ok(values
            .into_iter()
            .map(|(key, text)| (key, Ok(text)))
            .collect())
    }

    fn rename_edits(
        &self,
        secret: &str,
        new_secret: &str,
        key: Option<(&str, &str)>,
    ) -> Option<Result<RenameEdits, Failure>> {
        let content = match self.open_content() {
            Ok(content) => content,
            Err(failure) => return Some(Err(failure)),
        };
        let entry = RenamedEntry {
            secret,
            new_secret,
            key,
        };
        let edits = entry.edits(content, &self.title)?;
        Some(edits.map(|edits| (Arc::clone(&content.source), edits)))
    }

    fn text_with_name(
        &self,
        text: &str,
        secret: &str,
        key: Option<&str>,
    ) -> Option<Result<String, Failure>> {
        let read = self.read(text.as_bytes()).and_then(|file| {
            let content = file.content(&self.title)?;
            Ok(content.text_with_name(secret, key))
        });
        read.unwrap_or_else(|failure| Some(Err(failure)))
    }

    /// A new secret stores values if another secret does, or if the file is empty.
    fn takes_values(&self, secret: &str) -> Result<bool, StoreError> {
        let content = self.content()?;
        Ok(match content.secret(secret) {
            Some(secret) => content.stores_values(secret),
            None => content.takes_values(),
        })
    }

    fn check_writable(&self) -> Result<(), Failure> {
        if self.is_stream {
            let message = format!(
                "cannot write to the inventory {}: it is a stream",
                self.title
            );
            return Err(Failure::usage(message).with_help("name a file with `--inventory FILE`"));
        }
        if let Some(folder) = &self.folder {
            files::resolve_inside(&self.path, folder)
                .map_err(|error| self.read_error(&io_message(&error)))?;
        }
        write::check_replaceable(&self.path, &self.display_path)
    }

    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        let put = write::update(&self.path, &self.display_path, &mut |bytes, _| {
            let file = self.read(&bytes)?;
            let content = file.content(&self.title)?;
            if let Some(failure) = content.entry_errors.first() {
                return Err(failure.clone());
            }
            let (new_content, kept_keys) = content.with_changes(changes)?;
            kept = kept_keys;
            Ok(new_content.map(|content| content.new_text()))
        });
        put.map(|()| kept).map_err(StoreError::Invalid)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn entry_errors(&self) -> &[Failure] {
        let content = self.loaded_file().and_then(LoadedFile::parsed);
        content.map_or(&[], |content| &content.entry_errors)
    }

    fn comments(&self) -> Option<InventoryComments<'_>> {
        let file = self.loaded_file()?;
        let (source, directives, is_snapshot) = match (&file.simple, file.parsed()) {
            (Some(simple), _) => (&file.source, &[][..], simple.is_snapshot),
            (None, Some(content)) => (
                &content.source,
                content.directives.as_slice(),
                content.is_snapshot(),
            ),
            (None, None) => return None,
        };
        Some(InventoryComments {
            source,
            path: &self.path,
            directives,
            is_snapshot,
        })
    }

    fn is_snapshot(&self) -> bool {
        match self.simple_names() {
            Ok(Some(simple)) => simple.is_snapshot,
            _ => self.content().is_ok_and(FileContent::is_snapshot),
        }
    }

    fn entries(&self) -> Option<InventoryEntries> {
        let file = self.open_file().ok().filter(|_| !self.is_stream)?;
        let secrets = if let Some(simple) = &file.simple {
            simple.entries()
        } else {
            let content = self.content().ok()?;
            let is_complete = content.entry_errors.is_empty();
            is_complete.then(|| content.entries_with_spans())?
        };
        Some(InventoryEntries {
            source: Arc::clone(&file.source),
            secrets,
        })
    }

    fn declared_names(&self) -> Vec<DeclaredName> {
        let Ok(file) = self.open_file() else {
            return Vec::new();
        };
        if !self.in_repository {
            return Vec::new();
        }
        if let Some(simple) = &file.simple {
            let declared = simple.secrets.iter().map(|secret| DeclaredName {
                name: secret.name.clone(),
                source: Arc::clone(&file.source),
                span: secret.span,
            });
            return declared.collect();
        }
        let Ok(content) = self.content() else {
            return Vec::new();
        };
        if !content.entry_errors.is_empty() {
            return Vec::new();
        }
        let declared = content.secrets.iter().map(|secret| DeclaredName {
            name: secret.name.clone(),
            source: Arc::clone(&content.source),
            span: content.document.node(secret.name_node).span,
        });
        declared.collect()
    }
}
