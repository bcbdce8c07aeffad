//! The kind `file`: YAML, TOML or JSON with `name: [key, key]` (names and keys) or `name: {key: value}` (values), and
//! `ZenML`'s local secrets-manager file, whose values are base64.
//!
//! A value must be a string to every reader: `0123` would be a number to one and a password to another, so it is refused
//! until it is quoted. YAML is read a second time by `serde_yaml`, the only place where that crate is used: a file that two
//! YAML readers read differently is not a place to keep a password in. Diagnostics show names, keys and places, nothing
//! else of the text.

use super::{Declared, Inventory, Key, NoAnswer, SecretName};
use crate::discover;
use crate::document::{Document, NodeId, ScalarType, Syntax};
use crate::error::{Failure, plain_io};
use crate::source::{SourceFile, Span};
use base64::Engine as _;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The marker of `ZenML`'s own file; not a key.
const ZENML_MARKER: &str = "zenml_schema_name";

/// Entries that merge keys may bring into one inventory.
const MERGE_BUDGET: usize = 1_000_000;

/// An inventory in a file, opened when it is first asked.
pub struct FileInventory {
    name: String,
    path: PathBuf,
    shown: String,
    identity: String,
    in_repository: bool,
    content: OnceLock<Result<Content, Vec<Failure>>>,
}

struct Content {
    document: Document,
    secrets: Vec<Secret>,
    by_name: HashMap<String, usize>,
}

struct Secret {
    name: String,
    place: NodeId,
    keys: Vec<Key>,
}

impl FileInventory {
    /// An inventory at an absolute path; reports show it from `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, root: &Path) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            shown: discover::relative(path, cwd),
            identity: discover::relative(path, root),
            in_repository: path.starts_with(root),
            content: OnceLock::new(),
        }
    }

    fn content(&self) -> Result<&Content, NoAnswer> {
        let content = self.content.get_or_init(|| self.load());
        content.as_ref().map_err(|failures| NoAnswer::Invalid(failures.clone()))
    }

    fn load(&self) -> Result<Content, Vec<Failure>> {
        let fail = |words: String| Failure::usage(format!("cannot read the inventory `{}`: {words}", self.shown));
        let help = "an inventory is a .yaml, .toml or .json file with `name: [key, key]` or `name: {key: value}`";
        let syntax = match self.path.extension().and_then(|ending| ending.to_str()) {
            Some("yaml" | "yml") => Syntax::Yaml,
            Some("toml") => Syntax::Toml,
            Some("json") => Syntax::Json,
            _ if self.path.is_file() => {
                return Err(vec![fail("its ending tells no format".into()).with_help(help)]);
            }
            _ => Syntax::Yaml,
        };
        let bytes = std::fs::metadata(&self.path)
            .and_then(|metadata| if metadata.is_file() { Ok(()) } else { Err(std::io::Error::other("it is no file")) })
            .and_then(|()| std::fs::read(&self.path))
            .map_err(|error| {
                vec![fail(plain_io(&error)).with_help(
                    "its path is taken from the config's folder, and that of `--inventory` from the working directory",
                )]
            })?;
        let text =
            String::from_utf8(bytes).map_err(|_| vec![fail("it is not UTF-8".into()).with_help("save it as UTF-8")])?;
        let source = SourceFile::new(self.shown.clone(), text).with_identity(self.identity.clone());
        let source = Arc::new(source);
        let document = Document::parse(Arc::clone(&source), syntax).map_err(|error| {
            // At the place and no further: the parser may have stopped inside a value.
            let place = Span::new(error.span.start, error.span.start);
            let words = format!("the inventory `{}` does not parse: {}", self.shown, error.message);
            let failure = Failure::usage(words).at(&source, place);
            vec![match error.help {
                Some(help) => failure.with_help(help),
                None => failure,
            }]
        })?;
        let mut reader = Reader { inventory: self, document: &document, failures: Vec::new(), budget: MERGE_BUDGET };
        let secrets = reader.secrets();
        if reader.failures.is_empty() {
            let by_name = secrets.iter().enumerate().map(|(at, secret)| (secret.name.clone(), at)).collect();
            Ok(Content { document, secrets, by_name })
        } else {
            Err(reader.failures)
        }
    }
}

impl Inventory for FileInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn names(&self) -> Result<Vec<SecretName>, NoAnswer> {
        let secrets = self.content()?.secrets.iter();
        Ok(secrets.map(|secret| SecretName { name: secret.name.clone(), doubled: None }).collect())
    }

    fn keys(&self, secret: &str) -> Result<Vec<Key>, NoAnswer> {
        let content = self.content()?;
        let found = content.by_name.get(secret).and_then(|&at| content.secrets.get(at));
        found.map(|secret| secret.keys.clone()).ok_or(NoAnswer::Missing)
    }

    fn declared(&self) -> Vec<Declared> {
        let Some(Ok(content)) = self.content.get().filter(|_| self.in_repository) else {
            return Vec::new();
        };
        let declared = content.secrets.iter().map(|secret| Declared {
            name: secret.name.clone(),
            source: Arc::clone(content.document.source()),
            span: content.document.node(secret.place).span,
        });
        declared.collect()
    }
}

/// What `serde_yaml` makes of one secret.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Names(Vec<String>),
    Values(BTreeMap<String, String>),
}

struct Reader<'r> {
    inventory: &'r FileInventory,
    document: &'r Document,
    failures: Vec<Failure>,
    budget: usize,
}

impl Reader<'_> {
    fn secrets(&mut self) -> Vec<Secret> {
        let document = self.document;
        let (root, second) = (document.roots().first(), document.roots().get(1));
        if let Some(&second) = second {
            self.fail(second, "an inventory is one document, and a second begins here", None);
        }
        let Some(&root) = root else { return Vec::new() };
        if document.scalar(root).is_some_and(|scalar| scalar.ty == ScalarType::Null) {
            return Vec::new();
        }
        if document.entries(root).is_none() {
            self.fail(root, "an inventory maps names to secrets", Some("write `name: [key, key]`"));
            return Vec::new();
        }
        let second_opinion = self.second_opinion();
        let mut secrets = Vec::new();
        for (name, value) in self.merged(root) {
            let Some(text) = self.string(name, "the name of a secret") else { continue };
            let secret = Secret { place: document.target(name), keys: self.keys(&text, name, value), name: text };
            if let Some(second) = &second_opinion {
                self.compare(&secret, value, second.get(&secret.name));
            }
            secrets.push(secret);
        }
        secrets
    }

    fn keys(&mut self, name: &str, place: NodeId, value: NodeId) -> Vec<Key> {
        let document = self.document;
        let mut keys: Vec<Key> = Vec::new();
        if let Some(items) = document.items(value) {
            for &item in items {
                if let Some(key) = self.string(item, "a key") {
                    keys.push(Key { name: key, empty: None });
                }
            }
        } else if document.entries(value).is_some() {
            let entries = self.merged(value);
            let is_zenml = entries.iter().any(|&(key, _)| document.text(key) == Some(ZENML_MARKER));
            for (key, value) in entries {
                let Some(key_name) = self.string(key, "a key") else { continue };
                if key_name == ZENML_MARKER {
                    continue;
                }
                let what = format!("the value of `{name}.{key_name}`");
                let Some(text) = self.value(value, key, &what) else { continue };
                if is_zenml && !is_base64_text(&text) {
                    let words = format!("the value of `{name}.{key_name}` is not base64 of UTF-8 text");
                    self.fail(key, words, Some("the key `zenml_schema_name` beside it says that it is"));
                }
                keys.push(Key { name: key_name, empty: Some(text.is_empty()) });
            }
        } else {
            let words = format!("`{name}` is neither a list of keys nor a map of values");
            self.fail(place, words, Some("write `[key, key]`, `{key: value}`, or `[]` for a secret without keys"));
        }
        keys
    }

    fn merged(&mut self, mapping: NodeId) -> Vec<(NodeId, NodeId)> {
        let entries = self.document.merged_entries(mapping, &mut self.budget);
        if entries.is_none() {
            self.fail(mapping, "merge keys multiply to more than a million entries", None);
        }
        entries.unwrap_or_default()
    }

    /// A string, or the failure that asks for quotes.
    fn string(&mut self, node: NodeId, what: &str) -> Option<String> {
        self.value(node, node, what)
    }

    /// The same for a value, with the name that says whose it is: a failure shows the name.
    fn value(&mut self, node: NodeId, name: NodeId, what: &str) -> Option<String> {
        let document = self.document;
        match document.scalar(node) {
            Some(scalar) if scalar.ty == ScalarType::String => return document.text(node).map(str::to_owned),
            Some(_) => self.fail(name, format!("{what} is not a string to every reader"), Some("quote it")),
            None => self.fail(name, format!("{what} is a collection, not a string"), None),
        }
        None
    }

    /// The same file as `serde_yaml` reads it.
    fn second_opinion(&mut self) -> Option<BTreeMap<String, Entry>> {
        if self.document.syntax() != Syntax::Yaml || !self.failures.is_empty() {
            return None;
        }
        let text = self.document.source().text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = serde_yaml::from_str::<serde_yaml::Value>(text).and_then(|mut value| {
            value.apply_merge()?;
            serde_yaml::from_value(value)
        });
        // What it refuses for its types was or will be said better; what it refuses for its syntax shows below as a
        // secret that it does not have.
        Some(read.unwrap_or_default())
    }

    fn compare(&mut self, secret: &Secret, value: NodeId, second: Option<&Entry>) {
        if !self.failures.is_empty() {
            return;
        }
        let document = self.document;
        let same = match second {
            Some(Entry::Names(names)) => names.iter().eq(secret.keys.iter().map(|key| &key.name)),
            Some(Entry::Values(values)) => {
                let own = self.merged(value);
                own.len() == values.len()
                    && own.iter().all(|&(key, value)| {
                        let second = document.text(key).and_then(|key| values.get(key));
                        second.map(String::as_str) == document.text(value)
                    })
            }
            None => false,
        };
        if !same {
            let words = format!("two YAML readers read `{}` differently", secret.name);
            self.fail(
                secret.place,
                words,
                Some("put its keys and values in double quotes, with escapes for what is not plain text"),
            );
        }
    }

    fn fail(&mut self, node: NodeId, words: impl AsRef<str>, help: Option<&str>) {
        let span = self.document.node(self.document.target(node)).span;
        let message = format!(
            "the inventory `{}` is not usable: {}",
            self.inventory.shown,
            crate::excerpt::printable(words.as_ref())
        );
        // Names and keys may be seen; of anything else the place is enough.
        let is_name = self.document.scalar(node).is_some_and(|scalar| scalar.key || scalar.ty == ScalarType::String);
        let place = if is_name { span } else { Span::new(span.start, span.start) };
        let failure = Failure::usage(message).at(self.document.source(), place);
        self.failures.push(match help {
            Some(help) => failure.with_help(help),
            None => failure,
        });
    }
}

fn is_base64_text(text: &str) -> bool {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim_end());
    bytes.is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok())
}
