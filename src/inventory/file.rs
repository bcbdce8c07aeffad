//! The kind `file`: YAML, TOML or JSON with `name: [key, key]` (names and keys) or `name: {key: value}` (values), and
//! ZenML's local secrets-manager file, whose values are base64.

mod comments;
mod content;
mod put;

pub use comments::{EntryComments, NameComments, SNAPSHOT_HEAD};

use super::{
    Capabilities, DeclaredName, Inventory, InventoryComments, Key, RequestedNames, SecretChange, SecretName,
    SecretValues, StoreError, title,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::document::Syntax;
use crate::system::files;
use crate::system::paths;
use crate::system::write;
use crate::text::source::SourceFile;
use content::FileContent;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The argument of `--inventory` that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// An inventory in a file, opened when it is first asked.
pub struct FileInventory {
    name: String,
    path: PathBuf,
    display_path: String,
    /// Its name and path as messages have them.
    title: String,
    /// What messages call it when it cannot be read.
    what: &'static str,
    repository_path: String,
    in_repository: bool,
    /// The configured inventory whose name is near, where a name was given that is none.
    suggestion: Option<String>,
    /// The folder that it may not lead out of, for a file that nobody named.
    folder: Option<PathBuf>,
    /// Whether it is standard input or a pipe, which is read once and cannot be written to.
    is_stream: bool,
    content: OnceLock<Result<FileContent, Failure>>,
}

impl FileInventory {
    /// An inventory at an absolute path; reports show it from `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, root: &Path) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            title: format!("`{}`", paths::display_path(path, cwd)),
            display_path: paths::display_path(path, cwd),
            what: "inventory",
            repository_path: paths::relative(path, root),
            in_repository: path.starts_with(root),
            suggestion: None,
            folder: None,
            is_stream: false,
            content: OnceLock::new(),
        }
    }

    /// The same, with what its name may have been meant for if there is no such file.
    #[must_use]
    pub fn with_suggestion(self, suggestion: Option<String>) -> Self {
        Self { suggestion, ..self }
    }

    /// The same for an inventory of the config: messages name it, beside the path.
    #[must_use]
    pub fn from_config(self) -> Self {
        Self { title: title(&self.name, &self.display_path), ..self }
    }

    /// The same for a path from the command line, which may be that of a pipe.
    #[must_use]
    pub fn from_command_line(self) -> Self {
        let is_stream = files::is_pipe(&self.path);
        Self { is_stream, in_repository: self.in_repository && !is_stream, ..self }
    }

    /// Creates the inventory of standard input, which was read.
    pub fn from_standard_input(bytes: &[u8], cwd: &Path) -> Self {
        let shown = "standard input".to_owned();
        let inventory = Self::new(shown.clone(), &cwd.join(STANDARD_INPUT), cwd, cwd);
        let title = format!("`{shown}`");
        let inventory = Self { display_path: shown, title, is_stream: true, in_repository: false, ..inventory };
        let content = inventory.read(bytes);
        Self { content: OnceLock::from(content), ..inventory }
    }

    /// The same for a file that stackref found by itself: it may not be a link out of the repository, or out of its folder outside
    /// of one.
    #[must_use]
    pub fn discovered(self, root: &Path) -> Self {
        let folder = if self.path.starts_with(root) { Some(root) } else { self.path.parent() };
        Self { folder: folder.map(Path::to_path_buf), ..self }
    }

    /// The same for a file that the user gave: messages show its path accordingly.
    #[must_use]
    pub fn with_given_path(self, given: &Path, cwd: &Path) -> Self {
        let shown = paths::display_given_path(given, cwd);
        let title = format!("`{}`", given.to_string_lossy());
        Self { display_path: shown, title, ..self }
    }

    /// A file of an inventory's form that is none of a run's inventories.
    pub fn from_user_path(given: &Path, cwd: &Path) -> Self {
        let inventory = Self::new(given.to_string_lossy().into_owned(), &paths::absolute(given, cwd), cwd, cwd);
        Self { what: "file", in_repository: false, ..inventory.with_given_path(given, cwd) }
    }

    /// An inventory that is given as a text, as on standard input.
    ///
    /// # Errors
    /// Where it does not parse.
    pub fn from_text(name: &str, text: String, syntax: Syntax) -> Result<Self, Failure> {
        let content = FileContent::read(&Arc::new(SourceFile::new(name, text)), syntax, &format!("`{name}`"))?;
        let inventory = Self::new(name.to_owned(), Path::new(name), Path::new(""), Path::new(""));
        Ok(Self {
            display_path: name.to_owned(),
            in_repository: false,
            content: OnceLock::from(Ok(content)),
            ..inventory
        })
    }

    /// Its secrets with their keys, as far as it could be read.
    pub fn secrets(&self) -> BTreeMap<String, BTreeSet<String>> {
        let secrets = self.content().map(|content| content.secrets.as_slice()).unwrap_or_default().iter();
        let keys = |secret: &content::FileSecret| secret.keys.iter().map(|key| key.name.clone()).collect();
        secrets.map(|secret| (secret.name.clone(), keys(secret))).collect()
    }

    /// A secret with values, where there is one.
    pub fn secret_with_values(&self) -> Option<String> {
        let content = self.content().ok()?;
        let found = content.secrets.iter().find(|secret| content.stores_values(secret) && !secret.keys.is_empty());
        found.map(|secret| secret.name.clone())
    }

    /// Returns its comments, each with the entry that it belongs to; none where it could not be read.
    pub fn name_comments(&self) -> NameComments {
        self.content().map(FileContent::name_comments).unwrap_or_default()
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Where it cannot be read or does not parse.
    pub fn open(&self) -> Result<(), Failure> {
        self.open_content().map(|_| ())
    }

    fn open_content(&self) -> Result<&FileContent, Failure> {
        self.content.get_or_init(|| self.load()).as_ref().map_err(Clone::clone)
    }

    fn content(&self) -> Result<&FileContent, StoreError> {
        self.open_content().map_err(StoreError::Invalid)
    }

    /// The content, if it was asked for and could be read.
    fn loaded_content(&self) -> Option<&FileContent> {
        self.content.get()?.as_ref().ok()
    }

    fn load(&self) -> Result<FileContent, Failure> {
        write::recover_beside(&self.path);
        let read = match &self.folder {
            _ if self.is_stream => files::read_pipe(&self.path, files::MAX_INVENTORY),
            Some(folder) => files::read_inside(&self.path, folder, files::MAX_INVENTORY),
            None => files::read(&self.path, files::MAX_INVENTORY),
        };
        let bytes = read.map_err(|error| {
            let help = "its path is taken from the config's folder, and that of `--inventory` from the working \
                            directory; an empty file is an empty inventory";
            let suggestion = self.suggestion.as_ref().map(|name| format!("did you mean the inventory `{name}`?"));
            let help = suggestion.or_else(|| (self.what == "inventory").then(|| help.to_owned()));
            self.unreadable(&io_message(&error)).with_help_if(help)
        })?;
        self.read(&bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<FileContent, Failure> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| self.unreadable("it is not UTF-8").with_help("save it as UTF-8"))?;
        let of_content = (self.is_stream || self.path.extension().is_none()).then(|| Syntax::detect(text));
        let Some(syntax) = Syntax::from_path(&self.path).or(of_content) else {
            return Err(self.unreadable("its ending tells no format").with_help(
                "an inventory is a .yaml, .toml or .json file with `name: [key, key]` or `name: {key: value}`",
            ));
        };
        let source = SourceFile::new(self.display_path.clone(), text);
        let source = source.with_repository_path(self.repository_path.clone()).with_absolute_path(&self.path);
        FileContent::read(&Arc::new(source), syntax, &self.title)
    }

    fn unreadable(&self, why: &str) -> Failure {
        Failure::usage(format!("cannot read the {} {}: {why}", self.what, self.title))
    }
}

impl Inventory for FileInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { write: !self.is_stream, ..Capabilities::ALL }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let secrets = self.content()?.secrets.iter();
        Ok(secrets.map(|secret| SecretName { name: secret.name.clone(), ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let found = self.content()?.secret(secret).ok_or(StoreError::NotFound)?;
        found.error.as_ref().map_or_else(|| Ok(found.keys.clone()), |why| Err(StoreError::Invalid(why.clone())))
    }

    fn values(&self, secret: &str, _wanted: &RequestedNames) -> Result<SecretValues, StoreError> {
        let values = self.content()?.values(secret)?;
        Ok(values.into_iter().map(|(key, text)| (key, Ok(text))).collect())
    }

    /// As the secret does; a new one as the others do, and in an empty file it does.
    fn takes_values(&self, secret: &str) -> Result<bool, StoreError> {
        let content = self.content()?;
        Ok(match content.secret(secret) {
            Some(secret) => content.stores_values(secret),
            None => content.takes_values(),
        })
    }

    fn check_writable(&self) -> Result<(), Failure> {
        if self.is_stream {
            let words = format!("cannot write to the inventory {}: it is a stream", self.title);
            return Err(Failure::usage(words).with_help("name a file with `--inventory FILE`"));
        }
        if let Some(folder) = &self.folder {
            files::resolve_inside(&self.path, folder).map_err(|error| self.unreadable(&io_message(&error)))?;
        }
        write::check_replaceable(&self.path, &self.display_path)
    }

    fn put(&self, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, StoreError> {
        let mut kept = Vec::new();
        let put = write::update(&self.path, &self.display_path, &mut |bytes, _| {
            let content = self.read(&bytes)?;
            if let Some(complaint) = content.entry_errors.first() {
                return Err(complaint.clone());
            }
            let (with, stay) = content.with_changes(changes)?;
            kept = stay;
            Ok(with.map(|with| with.new_text()))
        });
        put.map(|()| kept).map_err(StoreError::Invalid)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn entry_errors(&self) -> &[Failure] {
        self.loaded_content().map_or(&[], |content| &content.entry_errors)
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
        let Ok(content) = self.content() else { return Vec::new() };
        let usable = self.in_repository && content.entry_errors.is_empty();
        let secrets = content.secrets.iter().filter(|_| usable);
        let declared = secrets.map(|secret| DeclaredName {
            name: secret.name.clone(),
            source: Arc::clone(&content.source),
            span: content.document.node(secret.name_node).span,
        });
        declared.collect()
    }
}
