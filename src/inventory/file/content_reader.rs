//! Reading of the secrets in an inventory file. Errors in single entries are collected with their
//! locations, and the other entries are read.
//!
//! A value must be a string to every YAML parser: `0123` is a number to one parser and a password
//! to another, so it is an error until it is quoted. Messages show names, keys and locations, and
//! nothing else of the text.

use super::base64_value::{ZENML_MARKER, decode_base64};
use super::content::FileSecret;
use super::second_parser::{self, SecondParser};
use crate::diagnostics::error::Failure;
use crate::document::{Document, MERGE_BUDGET, NodeId, ScalarType, Syntax, plain_type};
use crate::inventory::{Key, ValueType};
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::grammar::looks_like_name;

/// A reader of the secrets in a document.
pub(super) struct ContentReader<'r> {
    document: &'r Document,
    title: &'r str,
    entry_errors: Vec<Failure>,
    /// The error that makes the keys of the current secret unknown.
    secret_error: Option<Failure>,
    merge_budget: usize,
}

impl<'r> ContentReader<'r> {
    /// Creates a reader. `title` is the name of the inventory in messages.
    pub fn new(document: &'r Document, title: &'r str) -> Self {
        Self {
            document,
            title,
            entry_errors: Vec::new(),
            secret_error: None,
            merge_budget: MERGE_BUDGET,
        }
    }

    /// Reads all secrets. Returns them with the errors in single entries.
    pub fn read(mut self) -> (Vec<FileSecret>, Vec<Failure>) {
        for duplicate in self.document.duplicates() {
            let span = duplicate.error.span;
            self.add_error_at(
                Span::new(span.start, span.start),
                "duplicate name or key",
                duplicate.error.help.as_deref(),
            );
        }
        let secrets = self.secrets();
        (secrets, self.entry_errors)
    }

    fn secrets(&mut self) -> Vec<FileSecret> {
        let document = self.document;
        if let Some(&second) = document.roots().get(1) {
            let message = "an inventory must be one YAML document, and a second one starts here";
            self.add_error(second, false, message, None);
        }
        let Some(&root) = document.roots().first() else {
            return Vec::new();
        };
        if document
            .scalar(root)
            .is_some_and(|scalar| scalar.ty == ScalarType::Null)
        {
            return Vec::new();
        }
        if document.entries(root).is_none() {
            let help = Some("write `name: [key, key]`");
            self.add_error(
                root,
                false,
                "an inventory must be a mapping of names to secrets",
                help,
            );
            return Vec::new();
        }
        let second_parser = SecondParser::parse(document);
        let mut secrets = Vec::new();
        for (name_node, value) in self.merged(root) {
            let Some(name) = self.name(name_node, "a secret") else {
                continue;
            };
            let earlier_errors = self.entry_errors.len();
            self.secret_error = None;
            let keys = self.keys(&name, name_node, value);
            let error = self.secret_error.take();
            let secret = FileSecret {
                name_node: document.target(name_node),
                value,
                keys,
                name,
                error,
            };
            if let Some(second) = second_parser
                .as_ref()
                .filter(|_| self.entry_errors.len() == earlier_errors)
            {
                self.compare(&secret, second);
            }
            secrets.push(secret);
        }
        secrets
    }

    fn keys(&mut self, secret: &str, name_node: NodeId, value: NodeId) -> Vec<Key> {
        let document = self.document;
        if let Some(items) = document.items(value) {
            let names = items.iter().filter_map(|&item| self.name(item, "a key"));
            return names.map(Key::with_unknown_type).collect();
        }
        if document.entries(value).is_none() {
            let message = format!(
                "`{}` is neither a list of keys nor a mapping of keys to values",
                redact_name(secret)
            );
            let help =
                Some("write `[key, key]`, `{key: value}`, or `[]` for a secret without keys");
            self.add_error(name_node, looks_like_name(secret), &message, help);
            return Vec::new();
        }
        let entries = self.merged(value);
        let is_zenml = entries
            .iter()
            .any(|&(key, _)| document.text(key) == Some(ZENML_MARKER));
        let mut keys = Vec::with_capacity(entries.len());
        for (key_node, value) in entries {
            let Some(key) = self.name(key_node, "a key") else {
                continue;
            };
            if key == ZENML_MARKER {
                continue;
            }
            let text = self.value(secret, key_node, &key, value);
            if text.is_some_and(|text| is_zenml && decode_base64(text).is_none()) {
                self.add_base64_error(secret, key_node, &key);
            }
            keys.push(Key {
                name: key,
                value: text.map(ValueType::from_text).unwrap_or_default(),
            });
        }
        keys
    }

    /// Returns the name of a secret or of a key as it is written, even if a parser takes it for a
    /// number. Returns `None` and adds an error if there is no name.
    fn name(&mut self, node: NodeId, noun: &str) -> Option<String> {
        let document = self.document;
        match document.scalar(node) {
            Some(scalar) if scalar.ty != ScalarType::Null => {
                return document.text(node).map(str::to_owned);
            }
            Some(_) => self.add_error(
                node,
                false,
                &format!("{noun} without a name"),
                Some("give it a name"),
            ),
            None => {
                self.add_error(
                    node,
                    false,
                    &format!("{noun} whose name is a collection"),
                    Some("quote the name"),
                );
            }
        }
        None
    }

    /// Returns a value. Returns `None` and adds an error if the value is not a string.
    ///
    /// An error shows the key only if it looks like a name: in `k:hunter2`, where a space is
    /// missing after the colon, YAML takes the value for a part of the key.
    fn value(
        &mut self,
        secret: &str,
        key_node: NodeId,
        key: &str,
        value: NodeId,
    ) -> Option<&'r str> {
        let (document, secret) = (self.document, redact_name(secret));
        let scalar = document.scalar(value);
        if scalar.is_some_and(|scalar| scalar.ty == ScalarType::String) && !self.is_misread(value) {
            return document.text(value);
        }
        let is_missing = document.node(document.target(value)).span.is_empty();
        if is_missing {
            let help = "write \"\" for an empty value, or `name: [key, key]` for keys alone; or is a space missing after \
                        a colon?";
            let message = format!("`{secret}` has an entry without a value");
            self.add_error(key_node, false, &message, Some(help));
            self.secret_error = self.entry_errors.last().cloned();
        } else if !looks_like_name(key) {
            let message = self.not_a_string(value, &format!("a value of `{secret}`"));
            self.add_error(key_node, false, &message, Some("quote it"));
            self.secret_error = self.entry_errors.last().cloned();
        } else if scalar.is_some() {
            let message = self.not_a_string(value, &format!("the value of `{secret}.{key}`"));
            self.add_error(key_node, true, &message, Some("quote it"));
        } else {
            let message = format!("the value of `{secret}.{key}` is a collection, not a string");
            let help = "write secrets at the top level, each with its keys: `name: {key: value}`";
            self.add_error(key_node, true, &message, Some(help));
        }
        None
    }

    /// Returns the message for a value that not every parser reads as a string. `subject` describes
    /// the value.
    fn not_a_string(&self, value: NodeId, subject: &str) -> String {
        let document = self.document;
        match document.scalar(value) {
            Some(scalar) if scalar.ty == ScalarType::Null => {
                format!("{subject} is null, not a string")
            }
            Some(scalar) if scalar.ty == ScalarType::Tagged || scalar.non_specific => {
                format!("{subject} has a tag, so some YAML readers do not take it for a string")
            }
            Some(_) if document.syntax() == Syntax::Yaml => {
                format!(
                    "{subject} is not quoted, so some YAML readers take it for a number or a boolean"
                )
            }
            _ => format!("{subject} is not a string"),
        }
    }

    /// Returns whether PyYAML reads a value with the tag `!` as something other than a string. To
    /// YAML 1.2 such a value is a string, even without quotes.
    fn is_misread(&self, value: NodeId) -> bool {
        let value = self.document.target(value);
        self.document
            .scalar(value)
            .is_some_and(|scalar| scalar.non_specific)
            && self
                .document
                .text(value)
                .is_some_and(|text| plain_type(text) != ScalarType::String)
    }

    fn merged(&mut self, mapping: NodeId) -> Vec<(NodeId, NodeId)> {
        let entries = self
            .document
            .merged_entries(mapping, &mut self.merge_budget);
        if entries.is_none() {
            let message = format!("merge keys add more than {MERGE_BUDGET} entries");
            self.add_error(mapping, false, &message, None);
        }
        entries.unwrap_or_default().into_owned()
    }

    /// Adds an error if a second parser reads other keys or values for a secret. A secret whose
    /// name is not a string to every parser is not compared.
    fn compare(&mut self, secret: &FileSecret, second_parser: &SecondParser) {
        let document = self.document;
        if !second_parser::is_string(document, secret.name_node) {
            return;
        }
        let is_same = match document.items(secret.value) {
            Some(items) => second_parser.has_same_list(document, &secret.name, items),
            None => {
                second_parser.has_same_mapping(document, &secret.name, &self.merged(secret.value))
            }
        };
        if !is_same {
            let message = format!(
                "two YAML parsers read `{}` differently",
                redact_name(&secret.name)
            );
            let help = "put its keys and values in double quotes, and escape special characters";
            self.add_error(
                secret.name_node,
                looks_like_name(&secret.name),
                &message,
                Some(help),
            );
        }
    }

    fn add_base64_error(&mut self, secret: &str, key_node: NodeId, key: &str) {
        let message = format!(
            "the value of `{}.{}` is not base64 of UTF-8 text",
            redact_name(secret),
            redact_name(key)
        );
        let help = Some(
            "encode it in base64: the key `zenml_schema_name` marks all values of the secret as base64",
        );
        self.add_error(key_node, looks_like_name(key), &message, help);
    }

    /// Adds an error about a node. The excerpt marks the node only if `show` is true: for anything
    /// but names and keys it shows the location alone.
    fn add_error(&mut self, node: NodeId, show: bool, message: &str, help: Option<&str>) {
        let span = self.document.node(self.document.target(node)).span;
        self.add_error_at(
            if show {
                span
            } else {
                Span::new(span.start, span.start)
            },
            message,
            help,
        );
    }

    fn add_error_at(&mut self, span: Span, message: &str, help: Option<&str>) {
        let message = format!(
            "cannot use the inventory {}: {}",
            self.title,
            escape_control(message)
        );
        let failure =
            Failure::usage(message).at(&RedactedSource::span_only(self.document.source()), span);
        self.entry_errors.push(failure.with_help_if(help));
    }
}

/// Returns a name for a message. A text that does not look like a name may contain a value, so it
/// is redacted.
fn redact_name(name: &str) -> &str {
    if looks_like_name(name) { name } else { "…" }
}
