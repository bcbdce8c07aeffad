//! The kind `file`: a YAML, TOML or JSON file.
//!
//! Each entry is `name: [key, key]` (names and keys) or `name: {key: value}` (values). The file of
//! ZenML's local secrets manager is supported, too: its values are base64.

mod additions;
mod base64_value;
mod comments;
mod content;
mod content_reader;
mod put;
mod renamed_entry;
mod second_parser;

pub use comments::{EntryComments, NameComments, SNAPSHOT_HEAD};

use super::title::title;
use super::{
    Capabilities, DeclaredName, Inventory, InventoryComments, Key, RenameEdits, RequestedNames,
    SecretChange, SecretName, SecretValues, StoreError,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::document::Syntax;
use crate::system::files;
use crate::system::paths;
use crate::system::write;
use crate::text::source::SourceFile;
use content::{FileContent, FileSecret};
use renamed_entry::RenamedEntry;
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
    content: OnceLock<Result<FileContent, Failure>>,
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
            content: OnceLock::new(),
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
        let content = inventory.read(bytes);
        Self {
            content: OnceLock::from(content),
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
        let content = FileContent::read(
            &Arc::new(SourceFile::new(name, text)),
            syntax,
            &format!("`{name}`"),
        )?;
        let inventory = Self::new(
            name.to_owned(),
            Path::new(name),
            Path::new(""),
            Path::new(""),
        );
        Ok(Self {
            display_path: name.to_owned(),
            in_repository: false,
            content: OnceLock::from(Ok(content)),
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
        self.open_content().map(|_| ())
    }

    fn open_content(&self) -> Result<&FileContent, Failure> {
        self.content
            .get_or_init(|| self.load())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn content(&self) -> Result<&FileContent, StoreError> {
        self.open_content().map_err(StoreError::Invalid)
    }

    /// Returns the content if the file was read before.
    fn loaded_content(&self) -> Option<&FileContent> {
        self.content.get()?.as_ref().ok()
    }

    fn load(&self) -> Result<FileContent, Failure> {
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

    fn read(&self, bytes: &[u8]) -> Result<FileContent, Failure> {
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
        FileContent::read(&Arc::new(source), syntax, &self.title)
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
        let secrets = self.content()?.secrets.iter();
        Ok(secrets
            .map(|secret| SecretName::unique(secret.name.clone()))
            .collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
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
            let content = self.read(&bytes)?;
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
        self.loaded_content()
            .map_or(&[], |content| &content.entry_errors)
    }

    fn comments(&self) -> Option<InventoryComments<'_>> {
        let content = self.loaded_content()?;
        Some(InventoryComments {
            source: &content.source,
            path: &self.path,
            directives: &content.directives,
            is_snapshot: content.is_snapshot(),
        })
    }

    fn is_snapshot(&self) -> bool {
        self.content().is_ok_and(FileContent::is_snapshot)
    }

    fn declared_names(&self) -> Vec<DeclaredName> {
        let Ok(content) = self.content() else {
            return Vec::new();
        };
        if !self.in_repository || !content.entry_errors.is_empty() {
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
