//! The content of an inventory file: read once, and everything that is wrong with it noted at its place.
//!
//! A value must be a string to every reader: `0123` would be a number to one and a password to another, so it is refused
//! until it is quoted. YAML is read a second time by `serde_yaml`, the only place where that crate is used: a file that two
//! YAML readers read differently is not a place to keep a password in. One bad entry does not take the others with it.
//! Diagnostics show names, keys and places, nothing else of the text.

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::document::directives::{self, Directive};
use crate::document::{Document, NodeId, NodeKind, ScalarType, Syntax, SyntaxError, plain_type};
use crate::inventory::{Key, StoreError, ValueType};
use crate::text::redacted_source::RedactedSource;
use crate::text::secret_value::SecretText;
use crate::text::source::{SourceFile, Span};
use crate::zenml::grammar::looks_like_name;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use zeroize::{Zeroize as _, Zeroizing};

/// The marker of ZenML's own file; not a key.
pub(super) const ZENML_MARKER: &str = "zenml_schema_name";

/// Entries that merge keys may bring into one inventory.
const MERGE_BUDGET: usize = 1_000_000;

/// What an inventory file holds.
pub(super) struct FileContent {
    pub document: Document,
    /// The file, of which excerpts show names and keys only.
    pub source: Arc<RedactedSource>,
    pub directives: Vec<Directive>,
    pub secrets: Vec<FileSecret>,
    pub entry_errors: Vec<Failure>,
    by_name: HashMap<String, usize>,
}

/// A secret in the file.
pub(super) struct FileSecret {
    pub name: String,
    /// The node of its name.
    pub name_node: NodeId,
    /// A list of keys, or a mapping of keys to values.
    pub value: NodeId,
    pub keys: Vec<Key>,
    /// Why its keys are not known: an entry that is none.
    pub error: Option<Failure>,
}

impl FileContent {
    /// Reads an inventory. `title` is what messages call it.
    ///
    /// # Errors
    /// Where it does not parse.
    pub fn read(source: &Arc<SourceFile>, syntax: Syntax, title: &str) -> Result<Self, Failure> {
        let document = Document::parse(Arc::clone(source), syntax).map_err(|error| {
            // At the place and no further: the parser may have stopped inside a value.
            let place = Span::new(error.span.start, error.span.start);
            let words = format!("the inventory {title} does not parse: {}", error.message);
            Failure::usage(words).at(&RedactedSource::span_only(source), place).with_help_if(error.help)
        })?;
        let mut reader =
            InventoryReader { document: &document, title, entry_errors: Vec::new(), error: None, budget: MERGE_BUDGET };
        for duplicate in document.duplicates() {
            let message = format!("the inventory {title} is not usable: a name or a key stands twice");
            let SyntaxError { span, help, .. } = &duplicate.error;
            let failure =
                Failure::usage(message).at(&RedactedSource::span_only(source), Span::new(span.start, span.start));
            reader.entry_errors.push(failure.with_help_if(help.as_ref()));
        }
        let secrets = reader.secrets();
        let entry_errors = reader.entry_errors;
        let by_name = secrets.iter().enumerate().map(|(at, secret)| (secret.name.clone(), at)).collect();
        let directives = directives::directives(&document);
        let source = RedactedSource::span_only(source);
        Ok(Self { source, document, directives, secrets, entry_errors, by_name })
    }

    /// A secret by its name.
    pub fn secret(&self, name: &str) -> Option<&FileSecret> {
        self.secrets.get(*self.by_name.get(name)?)
    }

    /// Whether a secret holds values, not only the names of its keys.
    pub fn stores_values(&self, secret: &FileSecret) -> bool {
        self.document.entries(secret.value).is_some()
    }

    /// Whether a secret's values are ZenML's base64.
    pub fn is_zenml(&self, secret: &FileSecret) -> bool {
        self.entries(secret).iter().any(|&(key, _)| self.document.text(key) == Some(ZENML_MARKER))
    }

    /// The entries of a secret that holds values, merged ones included.
    pub fn entries(&self, secret: &FileSecret) -> Vec<(NodeId, NodeId)> {
        self.document.merged_entries(secret.value, &mut MERGE_BUDGET.clone()).unwrap_or_default()
    }

    /// All values of a secret.
    pub fn values(&self, name: &str) -> Result<BTreeMap<String, SecretText>, StoreError> {
        let secret = self.secret(name).ok_or(StoreError::NotFound)?;
        if let Some(why) = &secret.error {
            return Err(StoreError::Invalid(why.clone()));
        }
        if !self.stores_values(secret) {
            return Err(StoreError::NoValues);
        }
        let document = &self.document;
        let is_zenml = self.is_zenml(secret);
        let values = self.entries(secret).into_iter().filter_map(|(key, value)| {
            let (key, text) = (document.text(key)?, document.text(value)?);
            let text = if is_zenml { decode_base64(text)? } else { SecretText::new(text) };
            (key != ZENML_MARKER || !is_zenml).then(|| (key.to_owned(), text))
        });
        Ok(values.collect())
    }
}

struct InventoryReader<'r> {
    document: &'r Document,
    title: &'r str,
    entry_errors: Vec<Failure>,
    error: Option<Failure>,
    budget: usize,
}

impl<'r> InventoryReader<'r> {
    fn secrets(&mut self) -> Vec<FileSecret> {
        let document = self.document;
        if let Some(&second) = document.roots().get(1) {
            self.add_entry_error(second, false, "an inventory is one document, and a second begins here", None);
        }
        let Some(&root) = document.roots().first() else { return Vec::new() };
        if document.scalar(root).is_some_and(|scalar| scalar.ty == ScalarType::Null) {
            return Vec::new();
        }
        if document.entries(root).is_none() {
            let help = Some("write `name: [key, key]`");
            self.add_entry_error(root, false, "an inventory maps names to secrets", help);
            return Vec::new();
        }
        let second = self.parse_with_serde_yaml();
        let mut secrets = Vec::new();
        for (place, value) in self.merged(root) {
            let Some(name) = self.name(place, "a secret") else { continue };
            let entry_errors = self.entry_errors.len();
            self.error = None;
            let keys = self.keys(&name, place, value);
            let broken = self.error.take();
            let secret = FileSecret { name_node: document.target(place), value, keys, name, error: broken };
            if let Some(second) = second.as_ref().filter(|_| self.entry_errors.len() == entry_errors) {
                self.compare_with_serde_yaml(&secret, value, second);
            }
            secrets.push(secret);
        }
        second.into_iter().for_each(wipe);
        secrets
    }

    fn keys(&mut self, name: &str, name_node: NodeId, value: NodeId) -> Vec<Key> {
        let document = self.document;
        if let Some(items) = document.items(value) {
            let names = items.iter().filter_map(|&item| self.name(item, "a key"));
            return names.map(|name| Key { name, value: ValueType::Unknown }).collect();
        }
        if document.entries(value).is_none() {
            let words = format!("`{}` is neither a list of keys nor a map of values", redact_name(name));
            let help = Some("write `[key, key]`, `{key: value}`, or `[]` for a secret without keys");
            self.add_entry_error(name_node, looks_like_name(name), words, help);
            return Vec::new();
        }
        let entries = self.merged(value);
        let is_zenml = entries.iter().any(|&(key, _)| document.text(key) == Some(ZENML_MARKER));
        let mut keys = Vec::with_capacity(entries.len());
        for (name_node, value) in entries {
            let Some(key) = self.name(name_node, "a key") else { continue };
            if key == ZENML_MARKER {
                continue;
            }
            let text = self.value(name, name_node, &key, value);
            let value = text.map(ValueType::from_text).unwrap_or_default();
            if text.is_some_and(|text| is_zenml && !is_base64_text(text)) {
                let words =
                    format!("the value of `{}.{}` is not base64 of UTF-8 text", redact_name(name), redact_name(&key));
                let help = Some("the key `zenml_schema_name` beside it says that it is");
                self.add_entry_error(name_node, looks_like_name(&key), words, help);
            }
            keys.push(Key { name: key, value });
        }
        keys
    }

    /// The name of a secret or of a key, as it is written: what a reader takes for a number changes nothing in it.
    fn name(&mut self, node: NodeId, what: &str) -> Option<String> {
        let document = self.document;
        match document.scalar(node) {
            Some(scalar) if scalar.ty != ScalarType::Null => return document.text(node).map(str::to_owned),
            Some(_) => self.add_entry_error(node, false, format!("{what} without a name"), Some("name it")),
            None => self.add_entry_error(node, false, format!("{what} whose name is a collection"), Some("quote it")),
        }
        None
    }

    /// A value, which has to be a string. A complaint shows whose it is as far as that reads like a name: `k:hunter2`, with
    /// the blank forgotten, is a key to YAML.
    fn value(&mut self, secret: &str, name_node: NodeId, key: &str, value: NodeId) -> Option<&'r str> {
        let (document, secret) = (self.document, redact_name(secret));
        let scalar = document.scalar(value);
        if scalar.is_some_and(|scalar| scalar.ty == ScalarType::String) && !self.is_misread(value) {
            return document.text(value);
        }
        let nothing = document.node(document.target(value)).span.is_empty();
        if nothing {
            let help = Some(
                "an empty value is \"\", and keys alone are a list, `name: [key, key]`; or is a blank missing behind a colon?",
            );
            self.add_entry_error(name_node, false, format!("`{secret}` has an entry without a value"), help);
            self.error = self.entry_errors.last().cloned();
        } else if !looks_like_name(key) {
            let words = format!("a value of `{secret}` is not a string to every reader");
            self.add_entry_error(name_node, false, words, Some("quote it"));
            self.error = self.entry_errors.last().cloned();
        } else if scalar.is_some() {
            let words = format!("the value of `{secret}.{key}` is not a string to every reader");
            self.add_entry_error(name_node, true, words, Some("quote it"));
        } else {
            let words = format!("the value of `{secret}.{key}` is a collection, not a string");
            let help = "secrets stand at the top level, each with its keys: `name: {key: value}`";
            self.add_entry_error(name_node, true, words, Some(help));
        }
        None
    }

    /// Under the tag `!` a value is a string to YAML 1.2, quotes or not, and whatever it looks like to PyYAML.
    fn is_misread(&self, value: NodeId) -> bool {
        let value = self.document.target(value);
        self.document.scalar(value).is_some_and(|scalar| scalar.non_specific)
            && self.document.text(value).is_some_and(|text| plain_type(text) != ScalarType::String)
    }

    fn merged(&mut self, mapping: NodeId) -> Vec<(NodeId, NodeId)> {
        let entries = self.document.merged_entries(mapping, &mut self.budget);
        if entries.is_none() {
            self.add_entry_error(mapping, false, "merge keys multiply to more than a million entries", None);
        }
        entries.unwrap_or_default()
    }

    /// The same file as `serde_yaml` reads it. What it cannot read shows as a secret that it does not have.
    fn parse_with_serde_yaml(&self) -> Option<serde_yaml::Value> {
        // serde_yaml copies what merge keys bring, and copies of copies are more than any memory: those go unread twice.
        let merges = self.document.nodes().any(|(_, node)| match &node.kind {
            NodeKind::Mapping { entries, .. } => entries.iter().any(|&(key, _)| self.document.is_merge_key(key)),
            _ => false,
        });
        if self.document.syntax() != Syntax::Yaml || merges {
            return None;
        }
        let text = self.document.source().text();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Some(serde_yaml::from_str(text).unwrap_or_default())
    }

    /// Complains where the two readers do not have the same keys and values for a secret. Names that one of them takes for
    /// something else than a string are not compared.
    fn compare_with_serde_yaml(&mut self, secret: &FileSecret, value: NodeId, second: &serde_yaml::Value) {
        let document = self.document;
        let is_string = |node| document.scalar(node).is_some_and(|scalar| scalar.ty == ScalarType::String);
        if !is_string(secret.name_node) {
            return;
        }
        let same = match (document.items(value), second.get(secret.name.as_str())) {
            (Some(items), Some(serde_yaml::Value::Sequence(second))) => {
                let mut pairs = items.iter().zip(second).filter(|&(&item, _)| is_string(item));
                items.len() == second.len() && pairs.all(|(&item, second)| second.as_str() == document.text(item))
            }
            (None, Some(serde_yaml::Value::Mapping(second))) => {
                let own = self.merged(value);
                let mut strings = own.iter().filter(|&&(key, _)| is_string(key));
                own.len() == second.len()
                    && strings.all(|&(key, value)| {
                        let second = document.text(key).and_then(|key| second.get(key));
                        second.and_then(serde_yaml::Value::as_str) == document.text(value)
                    })
            }
            _ => false,
        };
        if !same {
            let words = format!("two YAML readers read `{}` differently", redact_name(&secret.name));
            let help = "put its keys and values in double quotes, with escapes for what is not plain text";
            self.add_entry_error(secret.name_node, looks_like_name(&secret.name), words, Some(help));
        }
    }

    /// Notes what is wrong. Names and keys may be shown; of anything else the place is enough.
    fn add_entry_error(&mut self, node: NodeId, show: bool, words: impl AsRef<str>, help: Option<&str>) {
        let span = self.document.node(self.document.target(node)).span;
        let place = if show { span } else { Span::new(span.start, span.start) };
        let words = escape_control(words.as_ref());
        let message = format!("the inventory {} is not usable: {words}", self.title);
        let failure = Failure::usage(message).at(&RedactedSource::span_only(self.document.source()), place);
        self.entry_errors.push(failure.with_help_if(help));
    }
}

/// A name as a complaint may tell it: a value may have slipped into what does not read like one.
fn redact_name(name: &str) -> &str {
    if looks_like_name(name) { name } else { "…" }
}

/// Wipes the strings of a copy that is of no more use.
fn wipe(value: serde_yaml::Value) {
    match value {
        serde_yaml::Value::String(mut text) => text.zeroize(),
        serde_yaml::Value::Sequence(items) => items.into_iter().for_each(wipe),
        serde_yaml::Value::Mapping(entries) => entries.into_iter().for_each(|(_, value)| wipe(value)),
        _ => {}
    }
}

fn is_base64_text(text: &str) -> bool {
    decode_base64(text).is_some()
}

fn decode_base64(text: &str) -> Option<SecretText> {
    let bytes = STANDARD.decode(text.trim_end()).ok()?;
    String::from_utf8(bytes).ok().map(SecretText::new)
}

/// A value as ZenML's file has it.
pub(super) fn encode_base64(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}
