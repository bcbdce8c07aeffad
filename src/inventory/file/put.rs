//! A secret, or a key in its secret, written into the text of an inventory.
//!
//! The text that comes out is read again and compared: the same secrets, keys and values as before, and what was to be
//! added. Where that does not hold (an alias that would take another secret along, a layout that nobody foresaw), the file
//! stays as it is.

use super::content::{Content, Secret, ZENML_MARKER, encode_base64};
use crate::document::{Edit, Fresh, Kind, Replacement, Syntax, apply};
use crate::error::Failure;
use crate::inventory::Entry;
use crate::secret::SecretText;
use crate::source::SourceFile;
use crate::write::NewText;
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What ZenML's own file has as the value of its marker.
const ZENML_SCHEMA: &str = "arbitrary";

/// Secrets by name, keys by name, each with its value if the file holds values.
type Plain = BTreeMap<String, BTreeMap<String, Option<SecretText>>>;

impl Content {
    /// Whether a new secret takes values: as the others do, or where there are none.
    pub fn takes_values(&self) -> bool {
        self.secrets.is_empty() || self.secrets.iter().any(|secret| self.holds_values(secret))
    }

    /// This with some keys of one secret in it; nothing where all are there. Keys that are there and are not to be replaced
    /// stay, and are given back.
    pub fn with(&self, name: &str, entries: &[Entry]) -> Result<(Option<Self>, Vec<String>), Failure> {
        let there = |entry: &&Entry| {
            self.secret(name).is_some_and(|secret| secret.keys.iter().any(|key| key.name == entry.key))
        };
        let (present, absent): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(there);
        let (replaced, kept): (Vec<&Entry>, Vec<&Entry>) = present.into_iter().partition(|entry| entry.replaces);
        let kept = kept.iter().map(|entry| entry.key.clone()).collect();
        let wanted: Vec<&Entry> = absent.into_iter().chain(replaced).collect();
        if wanted.is_empty() && self.secret(name).is_some() {
            return Ok((None, kept));
        }
        let values = self.secret(name).map_or_else(|| self.takes_values(), |secret| self.holds_values(secret));
        if wanted.iter().any(|entry| entry.value.is_some() != values) {
            let holds = if values { "values" } else { "names and keys only" };
            return Err(Failure::usage(format!("`{}` has come to hold {holds} for `{name}`", self.shown()))
                .with_help("run the command again"));
        }
        let again = self.written(name, &wanted, values).and_then(|text| self.again(&text));
        let proven = again.filter(|again| again.complaints.is_empty() && self.becomes(again, name, &wanted));
        proven.map(|proven| (Some(proven), kept)).ok_or_else(|| self.unforeseen(name))
    }

    /// Its text, as it is to be written.
    pub fn new_text(&self) -> NewText {
        let text = Zeroizing::new(self.document.source().text().to_owned());
        NewText { text, private: self.secrets.iter().any(|secret| self.holds_values(secret)) }
    }

    fn shown(&self) -> &str {
        self.document.source().path()
    }

    fn unforeseen(&self, name: &str) -> Failure {
        let words = format!("cannot add to `{name}` in `{}` without changing something else", self.shown());
        let failure = match self.secret(name) {
            Some(secret) => Failure::usage(words).at(self.document.source(), self.document.node(secret.place).span),
            None => Failure::usage(words),
        };
        failure
            .with_help("an alias, a merge key or a rare layout stands in the way: add it by hand; nothing was written")
    }

    fn again(&self, text: &str) -> Option<Self> {
        let source = Arc::new(SourceFile::new(self.shown(), text));
        Self::read(&source, self.document.syntax()).ok()
    }

    /// The new text, step by step: each change is made to what the one before has left.
    fn written(&self, name: &str, wanted: &[&Entry], values: bool) -> Option<Zeroizing<String>> {
        let document = &self.document;
        let Some(secret) = self.secret(name) else {
            return apply(document.source().text(), &self.new_secret(name, wanted, values)?);
        };
        // Aliased or merged, it is another secret's, too.
        let &root = document.roots().first()?;
        let own = document.entries(root)?.iter().any(|&(_, value)| value == secret.value);
        if !own || matches!(document.node(secret.value).kind, Kind::Alias(_)) {
            return None;
        }
        let (first, rest) = wanted.split_first()?;
        let mut text = apply(document.source().text(), &self.new_key(secret, first)?)?;
        for entry in rest {
            let now = self.again(&text)?;
            text = apply(now.document.source().text(), &now.new_key(now.secret(name)?, entry)?)?;
        }
        Some(text)
    }

    fn new_secret(&self, name: &str, wanted: &[&Entry], values: bool) -> Option<Vec<Edit>> {
        let is_zenml = !self.secrets.is_empty() && self.secrets.iter().all(|secret| self.is_zenml(secret));
        let texts: Vec<Zeroizing<String>> = wanted.iter().map(|entry| stored(entry, is_zenml)).collect();
        let mut pairs: Vec<(&str, &str)> =
            wanted.iter().zip(&texts).map(|(entry, text)| (entry.key.as_str(), text.as_str())).collect();
        if is_zenml {
            pairs.insert(0, (ZENML_MARKER, ZENML_SCHEMA));
        }
        let names: Vec<&str> = wanted.iter().map(|entry| entry.key.as_str()).collect();
        let fresh = if values { Fresh::Map(&pairs) } else { Fresh::Names(&names) };
        let document = &self.document;
        match document.roots().first() {
            Some(&root) if document.entries(root).is_some() => document.insert(root, name, &fresh),
            // Comments, or nothing at all.
            _ if document.syntax() == Syntax::Yaml => Some(vec![document.begin(name, &fresh)]),
            _ => None,
        }
    }

    fn new_key(&self, secret: &Secret, entry: &Entry) -> Option<Vec<Edit>> {
        let document = &self.document;
        if !self.holds_values(secret) {
            return document.push(secret.value, &entry.key);
        }
        let text = stored(entry, self.is_zenml(secret));
        let Some((_, old)) = document.get(secret.value, &entry.key) else {
            return document.insert(secret.value, &entry.key, &Fresh::Text(&text));
        };
        let whole = Replacement { range: 0..document.text(old)?.len(), text: &text };
        let own = !matches!(document.node(old).kind, Kind::Alias(_));
        own.then(|| document.encode(old, &[whole]))
    }

    /// Whether another content is this one and the keys that were to be added.
    fn becomes(&self, other: &Self, name: &str, wanted: &[&Entry]) -> bool {
        let mut expected = self.plain();
        let keys = expected.entry(name.to_owned()).or_default();
        for entry in wanted {
            keys.insert(entry.key.clone(), entry.value.as_ref().map(|value| SecretText::new(value.expose())));
        }
        let actual = other.plain();
        let same_keys = |a: &BTreeMap<String, Option<SecretText>>, b: &BTreeMap<String, Option<SecretText>>| {
            let text =
                |value: &Option<SecretText>| value.as_ref().map(|value| Zeroizing::new(value.expose().to_owned()));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && text(a.1) == text(b.1))
        };
        expected.len() == actual.len() && expected.iter().zip(&actual).all(|(a, b)| a.0 == b.0 && same_keys(a.1, b.1))
    }

    fn plain(&self) -> Plain {
        let secrets = self.secrets.iter().map(|secret| {
            let keys = match self.values(&secret.name) {
                Ok(values) => values.into_iter().map(|(key, value)| (key, Some(value))).collect(),
                Err(_) => secret.keys.iter().map(|key| (key.name.clone(), None)).collect(),
            };
            (secret.name.clone(), keys)
        });
        secrets.collect()
    }
}

/// A value as the file has it.
fn stored(entry: &Entry, is_zenml: bool) -> Zeroizing<String> {
    if is_zenml { encode_base64(entry.text()) } else { Zeroizing::new(entry.text().to_owned()) }
}
