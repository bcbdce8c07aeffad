//! The kind `file`: YAML, TOML or JSON with `name: [key, key]` (names and keys) or `name: {key: value}` (values), and
//! ZenML's local secrets-manager file, whose values are base64.

mod comments;
mod content;
mod put;

pub use comments::{EntryComments, NameComments, SNAPSHOT_HEAD};

use super::{
    Capabilities, Change, Comments, Declared, Inventory, Key, NoAnswer, SecretName, SecretValues, Wanted, title,
};
use crate::document::Syntax;
use crate::error::{Failure, plain_io};
use crate::files;
use crate::paths;
use crate::source::SourceFile;
use crate::write;
use content::Content;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The argument of `--inventory` that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// An inventory in a file, opened when it is first asked.
pub struct FileInventory {
    name: String,
    path: PathBuf,
    shown: String,
    /// Its name and path as messages have them.
    title: String,
    /// What messages call it when it cannot be read.
    what: &'static str,
    identity: String,
    in_repository: bool,
    /// The configured inventory whose name is near, where a name was given that is none.
    meant: Option<String>,
    /// The folder that it may not lead out of, for a file that nobody named.
    folder: Option<PathBuf>,
    /// Whether it is standard input or a pipe, which is read once and cannot be written to.
    is_stream: bool,
    content: OnceLock<Result<Content, Failure>>,
}

impl FileInventory {
    /// An inventory at an absolute path; reports show it from `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, root: &Path) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            title: format!("`{}`", paths::shown(path, cwd)),
            shown: paths::shown(path, cwd),
            what: "inventory",
            identity: paths::relative(path, root),
            in_repository: path.starts_with(root),
            meant: None,
            folder: None,
            is_stream: false,
            content: OnceLock::new(),
        }
    }

    /// The same, with what its name may have been meant for if there is no such file.
    #[must_use]
    pub fn meaning(self, meant: Option<String>) -> Self {
        Self { meant, ..self }
    }

    /// The same for an inventory of the config: messages name it, beside the path.
    #[must_use]
    pub fn configured(self) -> Self {
        Self { title: title(&self.name, &self.shown), ..self }
    }

    /// The same for a path from the command line, which may be that of a pipe.
    #[must_use]
    pub fn from_command_line(self) -> Self {
        let is_stream = files::is_pipe(&self.path);
        Self { is_stream, in_repository: self.in_repository && !is_stream, ..self }
    }

    /// Creates the inventory of standard input, which was read.
    pub fn of_standard_input(bytes: &[u8], cwd: &Path) -> Self {
        let shown = "standard input".to_owned();
        let inventory = Self::new(shown.clone(), &cwd.join(STANDARD_INPUT), cwd, cwd);
        let title = format!("`{shown}`");
        let inventory = Self { shown, title, is_stream: true, in_repository: false, ..inventory };
        let content = inventory.read(bytes);
        Self { content: OnceLock::from(content), ..inventory }
    }

    /// The same for a file that stackref found by itself: it may not be a link out of the repository, or out of its folder outside
    /// of one.
    #[must_use]
    pub fn found(self, root: &Path) -> Self {
        let folder = if self.path.starts_with(root) { Some(root) } else { self.path.parent() };
        Self { folder: folder.map(Path::to_path_buf), ..self }
    }

    /// The same for a file that the user gave: messages show its path accordingly.
    #[must_use]
    pub fn given_as(self, given: &Path, cwd: &Path) -> Self {
        let shown = paths::shown_as_given(given, cwd);
        let title = format!("`{}`", given.to_string_lossy());
        Self { shown, title, ..self }
    }

    /// A file of an inventory's form that is none of a run's inventories.
    pub fn given(given: &Path, cwd: &Path) -> Self {
        let inventory = Self::new(given.to_string_lossy().into_owned(), &paths::absolute(given, cwd), cwd, cwd);
        Self { what: "file", in_repository: false, ..inventory.given_as(given, cwd) }
    }

    /// An inventory that is given as a text, as on standard input.
    ///
    /// # Errors
    /// Where it does not parse.
    pub fn of_text(name: &str, text: String, syntax: Syntax) -> Result<Self, Failure> {
        let content = Content::read(&Arc::new(SourceFile::new(name, text)), syntax, &format!("`{name}`"))?;
        let inventory = Self::new(name.to_owned(), Path::new(name), Path::new(""), Path::new(""));
        Ok(Self { shown: name.to_owned(), in_repository: false, content: OnceLock::from(Ok(content)), ..inventory })
    }

    /// Its secrets with their keys, as far as it could be read.
    pub fn secrets(&self) -> BTreeMap<String, BTreeSet<String>> {
        let secrets = self.content().map(|content| content.secrets.as_slice()).unwrap_or_default().iter();
        let keys = |secret: &content::Secret| secret.keys.iter().map(|key| key.name.clone()).collect();
        secrets.map(|secret| (secret.name.clone(), keys(secret))).collect()
    }

    /// A secret with values, where there is one.
    pub fn holds_values(&self) -> Option<String> {
        let content = self.content().ok()?;
        let found = content.secrets.iter().find(|secret| content.holds_values(secret) && !secret.keys.is_empty());
        found.map(|secret| secret.name.clone())
    }

    /// Returns its comments, each with the entry that it belongs to; none where it could not be read.
    pub fn name_comments(&self) -> NameComments {
        self.content().map(Content::name_comments).unwrap_or_default()
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Where it cannot be read or does not parse.
    pub fn open(&self) -> Result<(), Failure> {
        self.opened().map(|_| ())
    }

    fn opened(&self) -> Result<&Content, Failure> {
        self.content.get_or_init(|| self.load()).as_ref().map_err(Clone::clone)
    }

    fn content(&self) -> Result<&Content, NoAnswer> {
        self.opened().map_err(NoAnswer::Invalid)
    }

    /// The content, if it was asked for and could be read.
    fn loaded(&self) -> Option<&Content> {
        self.content.get()?.as_ref().ok()
    }

    fn load(&self) -> Result<Content, Failure> {
        write::recover_beside(&self.path);
        let read = match &self.folder {
            _ if self.is_stream => files::read_pipe(&self.path, files::MAX_INVENTORY),
            Some(folder) => files::read_inside(&self.path, folder, files::MAX_INVENTORY),
            None => files::read(&self.path, files::MAX_INVENTORY),
        };
        let bytes = read.map_err(|error| {
            let help = "its path is taken from the config's folder, and that of `--inventory` from the working \
                            directory; an empty file is an empty inventory";
            let meant = self.meant.as_ref().map(|name| format!("did you mean the inventory `{name}`?"));
            let help = meant.or_else(|| (self.what == "inventory").then(|| help.to_owned()));
            self.unreadable(&plain_io(&error)).with_help_if(help)
        })?;
        self.read(&bytes)
    }

    fn read(&self, bytes: &[u8]) -> Result<Content, Failure> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| self.unreadable("it is not UTF-8").with_help("save it as UTF-8"))?;
        let of_content = (self.is_stream || self.path.extension().is_none()).then(|| Syntax::of_content(text));
        let Some(syntax) = Syntax::of_path(&self.path).or(of_content) else {
            return Err(self.unreadable("its ending tells no format").with_help(
                "an inventory is a .yaml, .toml or .json file with `name: [key, key]` or `name: {key: value}`",
            ));
        };
        let source = SourceFile::new(self.shown.clone(), text);
        let source = source.with_identity(self.identity.clone()).with_location(&self.path);
        Content::read(&Arc::new(source), syntax, &self.title)
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

    fn names(&self, _wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        let secrets = self.content()?.secrets.iter();
        Ok(secrets.map(|secret| SecretName { name: secret.name.clone(), doubled: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        let found = self.content()?.secret(secret).ok_or(NoAnswer::Missing)?;
        found.broken.as_ref().map_or_else(|| Ok(found.keys.clone()), |why| Err(NoAnswer::Invalid(why.clone())))
    }

    fn values(&self, secret: &str, _wanted: &Wanted) -> Result<SecretValues, NoAnswer> {
        let values = self.content()?.values(secret)?;
        Ok(values.into_iter().map(|(key, text)| (key, Ok(text))).collect())
    }

    /// As the secret does; a new one as the others do, and in an empty file it does.
    fn takes_values(&self, secret: &str) -> Result<bool, NoAnswer> {
        let content = self.content()?;
        Ok(match content.secret(secret) {
            Some(secret) => content.holds_values(secret),
            None => content.takes_values(),
        })
    }

    fn check_writable(&self) -> Result<(), Failure> {
        if self.is_stream {
            let words = format!("cannot write to the inventory {}: it is a stream", self.title);
            return Err(Failure::usage(words).with_help("name a file with `--inventory FILE`"));
        }
        if let Some(folder) = &self.folder {
            files::resolve_inside(&self.path, folder).map_err(|error| self.unreadable(&plain_io(&error)))?;
        }
        write::check_replaceable(&self.path, &self.shown)
    }

    fn put(&self, changes: &[Change<'_>]) -> Result<Vec<(String, String)>, NoAnswer> {
        let mut kept = Vec::new();
        let put = write::update(&self.path, &self.shown, &mut |bytes, _| {
            let content = self.read(&bytes)?;
            if let Some(complaint) = content.complaints.first() {
                return Err(complaint.clone());
            }
            let (with, stay) = content.with(changes)?;
            kept = stay;
            Ok(with.map(|with| with.new_text()))
        });
        put.map(|()| kept).map_err(NoAnswer::Invalid)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn complaints(&self) -> &[Failure] {
        self.loaded().map_or(&[], |content| &content.complaints)
    }

    fn comments(&self) -> Option<Comments<'_>> {
        let content = self.loaded()?;
        Some(Comments {
            source: content.document.source(),
            path: &self.path,
            directives: &content.directives,
            is_snapshot: content.is_snapshot(),
        })
    }

    fn is_snapshot(&self) -> bool {
        self.content().is_ok_and(Content::is_snapshot)
    }

    fn declared(&self) -> Vec<Declared> {
        let Ok(content) = self.content() else { return Vec::new() };
        let usable = self.in_repository && content.complaints.is_empty();
        let secrets = content.secrets.iter().filter(|_| usable);
        let declared = secrets.map(|secret| Declared {
            name: secret.name.clone(),
            source: Arc::clone(content.document.source()),
            span: content.document.node(secret.place).span,
        });
        declared.collect()
    }
}
