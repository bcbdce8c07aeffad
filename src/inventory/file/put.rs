//! A secret, or a key in its secret, written into the text of an inventory.
//!
//! The text that comes out is read again and compared: the same secrets, keys and values as before, and what was to be
//! added. Where that does not hold (an alias that would take another secret along, a layout that nobody foresaw), the file
//! stays as it is.

use super::content::{FileContent, FileSecret, ZENML_MARKER, encode_base64};
use crate::diagnostics::error::Failure;
use crate::document::{Edit, NewValue, NodeId, NodeKind, Replacement, Syntax, apply};
use crate::inventory::{NewKey, SecretChange};
use crate::system::write::NewText;
use crate::text::redacted_source::RedactedSource;
use crate::text::secret_value::SecretText;
use crate::text::source::SourceFile;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What ZenML's own file has as the value of its marker.
const ZENML_SCHEMA: &str = "arbitrary";

/// Secrets by name, keys by name, each with its value if the file holds values.
type PlainSecrets = BTreeMap<String, BTreeMap<String, Option<SecretText>>>;

/// Secrets and keys that stay as they are.
type KeptKeys = Vec<(String, String)>;

/// What is to be added to one secret.
struct Addition<'a> {
    name: &'a str,
    /// The secret, if it is there.
    secret: Option<&'a FileSecret>,
    /// Whether it holds values, and not only names.
    values: bool,
    entries: Vec<&'a NewKey>,
}

impl FileContent {
    /// Whether a new secret takes values: as the others do, or where there are none.
    pub fn takes_values(&self) -> bool {
        self.secrets.is_empty() || self.secrets.iter().any(|secret| self.stores_values(secret))
    }

    /// Returns this content with the keys of all changes in it, or `None` if all are there, and the keys that stay: those that
    /// are there and are not to be replaced. The text is parsed and compared once, however many changes there are.
    ///
    /// # Errors
    /// Entries of another kind than the file holds, and a layout in which they cannot be added.
    pub fn with_changes(&self, changes: &[SecretChange<'_>]) -> Result<(Option<Self>, KeptKeys), Failure> {
        let mut kept = Vec::new();
        let mut additions: Vec<Addition<'_>> = Vec::new();
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for SecretChange { secret: name, entries } in changes {
            let secret = self.secret(name);
            let known: HashSet<&str> =
                secret.map(|secret| secret.keys.iter().map(|key| key.name.as_str()).collect()).unwrap_or_default();
            let (present, mut requested): (Vec<&NewKey>, Vec<&NewKey>) =
                entries.iter().partition(|entry| known.contains(entry.key.as_str()));
            let (replaced, stay): (Vec<&NewKey>, Vec<&NewKey>) = present.into_iter().partition(|entry| entry.replaces);
            kept.extend(stay.into_iter().map(|entry| ((*name).to_owned(), entry.key.clone())));
            requested.extend(replaced);
            if requested.is_empty() && secret.is_some() {
                continue;
            }
            let values = secret.map_or_else(|| self.takes_values(), |secret| self.stores_values(secret));
            if requested.iter().any(|entry| entry.value.is_some() != values) {
                let holds = if values { "values" } else { "names and keys only" };
                return Err(Failure::usage(format!("`{}` has come to hold {holds} for `{name}`", self.display_path()))
                    .with_help("run the command again"));
            }
            let at = *by_name.entry(name).or_insert_with(|| {
                additions.push(Addition { name, secret, values, entries: Vec::new() });
                additions.len() - 1
            });
            if let Some(addition) = additions.get_mut(at) {
                addition.entries.extend(requested);
            }
        }
        if additions.is_empty() {
            return Ok((None, kept));
        }
        Ok((Some(self.verified(&additions)?), kept))
    }

    /// Returns why additions cannot be made that cannot be made together: the first that cannot be made by itself, found by
    /// halves.
    fn addition_error(&self, additions: &[Addition<'_>]) -> Failure {
        if let [one] = additions {
            return self.unverified_error(one);
        }
        let (left, right) = additions.split_at(additions.len() / 2);
        match self.verified(left) {
            Err(failure) => failure,
            Ok(_) => self.verified(right).err().unwrap_or_else(|| {
                let words = format!("cannot add to `{}` without changing something else", self.display_path());
                Failure::usage(words).with_help("add the secrets by hand; nothing was written")
            }),
        }
    }

    /// Returns this content with additions, read again and compared.
    fn verified(&self, additions: &[Addition<'_>]) -> Result<Self, Failure> {
        let reparsed = self.reparse(&self.write_additions(additions)?);
        let proven =
            reparsed.filter(|reparsed| reparsed.entry_errors.is_empty() && self.matches_additions(reparsed, additions));
        proven.ok_or_else(|| self.addition_error(additions))
    }

    /// Its text, as it is to be written.
    pub fn new_text(&self) -> NewText {
        let text = Zeroizing::new(self.document.source().text().to_owned());
        NewText { text, private: self.secrets.iter().any(|secret| self.stores_values(secret)) }
    }

    fn display_path(&self) -> &str {
        self.document.source().path()
    }

    fn unverified_error(&self, addition: &Addition<'_>) -> Failure {
        let words =
            format!("cannot add to `{}` in `{}` without changing something else", addition.name, self.display_path());
        let failure = match addition.secret {
            Some(secret) => Failure::usage(words)
                .at(&RedactedSource::span_only(self.document.source()), self.document.node(secret.name_node).span),
            None => Failure::usage(words),
        };
        failure
            .with_help("an alias, a merge key or a rare layout stands in the way: add it by hand; nothing was written")
    }

    fn reparse(&self, text: &str) -> Option<Self> {
        let source = Arc::new(SourceFile::new(self.display_path(), text));
        Self::read(&source, self.document.syntax(), source.path()).ok()
    }

    /// Returns the text with all additions, by one set of edits.
    fn write_additions(&self, additions: &[Addition<'_>]) -> Result<Zeroizing<String>, Failure> {
        let document = &self.document;
        let entries = document.roots().first().and_then(|&root| document.entries(root)).unwrap_or_default();
        let own: HashSet<NodeId> = entries.iter().map(|&(_, value)| value).collect();
        let mut edits = Vec::new();
        for addition in additions {
            let Some(secret) = addition.secret else { continue };
            // Aliased or merged, it is another secret's, too.
            let is_own = own.contains(&secret.value) && !matches!(document.node(secret.value).kind, NodeKind::Alias(_));
            let new = is_own.then(|| self.new_keys(secret, addition)).flatten();
            edits.extend(new.ok_or_else(|| self.unverified_error(addition))?);
        }
        let new: Vec<&Addition<'_>> = additions.iter().filter(|addition| addition.secret.is_none()).collect();
        if let Some(first) = new.first() {
            edits.extend(self.new_secrets(&new).ok_or_else(|| self.unverified_error(first))?);
        }
        edits.sort_by_key(|edit| edit.span.start);
        let text = document.source().text();
        // Each line at the end of a text without a line break brings one along.
        if !text.is_empty() && !text.ends_with(['\n', '\r']) {
            for edit in edits.iter_mut().filter(|edit| edit.span.start == text.len()).skip(1) {
                let rest = edit.text.trim_start_matches('\r').strip_prefix('\n').unwrap_or(&edit.text);
                edit.text = Zeroizing::new(rest.to_owned());
            }
        }
        apply(text, &edits).ok_or_else(|| self.addition_error(additions))
    }

    fn new_secrets(&self, additions: &[&Addition<'_>]) -> Option<Vec<Edit>> {
        let is_zenml = !self.secrets.is_empty() && self.secrets.iter().all(|secret| self.is_zenml(secret));
        let texts: Vec<Vec<Zeroizing<String>>> = additions
            .iter()
            .map(|addition| addition.entries.iter().map(|entry| encode_value(entry, is_zenml)).collect())
            .collect();
        let pairs: Vec<Vec<(&str, &str)>> = additions
            .iter()
            .zip(&texts)
            .map(|(addition, texts)| {
                let marker = is_zenml.then_some((ZENML_MARKER, ZENML_SCHEMA));
                let keys = addition.entries.iter().map(|entry| entry.key.as_str());
                marker.into_iter().chain(keys.zip(texts.iter().map(|text| text.as_str()))).collect()
            })
            .collect();
        let names: Vec<Vec<&str>> = additions
            .iter()
            .map(|addition| addition.entries.iter().map(|entry| entry.key.as_str()).collect())
            .collect();
        let fresh: Vec<(&str, NewValue<'_>)> = additions
            .iter()
            .zip(pairs.iter().zip(&names))
            .map(|(addition, (pairs, names))| {
                (addition.name, if addition.values { NewValue::Map(pairs) } else { NewValue::Names(names) })
            })
            .collect();
        let document = &self.document;
        match document.roots().first() {
            Some(&root) if document.entries(root).is_some() => document.insert(root, &fresh),
            // Comments, or nothing at all.
            _ if document.syntax() == Syntax::Yaml => Some(vec![document.begin_document(&fresh)]),
            _ => None,
        }
    }

    fn new_keys(&self, secret: &FileSecret, addition: &Addition<'_>) -> Option<Vec<Edit>> {
        let document = &self.document;
        if !addition.values {
            let known: HashSet<&str> = secret.keys.iter().map(|key| key.name.as_str()).collect();
            let names = addition.entries.iter().map(|entry| entry.key.as_str()).filter(|key| !known.contains(key));
            return document.push(secret.value, &names.collect::<Vec<_>>());
        }
        let is_zenml = self.is_zenml(secret);
        let texts: Vec<Zeroizing<String>> =
            addition.entries.iter().map(|entry| encode_value(entry, is_zenml)).collect();
        let mut places: HashMap<&str, NodeId> = HashMap::new();
        for &(key, value) in document.entries(secret.value)? {
            if let Some(key) = document.text(key) {
                places.entry(key).or_insert(value);
            }
        }
        let (mut edits, mut new) = (Vec::new(), Vec::new());
        for (entry, text) in addition.entries.iter().zip(&texts) {
            match places.get(entry.key.as_str()) {
                None => new.push((entry.key.as_str(), NewValue::Text(text))),
                Some(&old) if matches!(document.node(old).kind, NodeKind::Alias(_)) => return None,
                Some(&old) => {
                    let whole = Replacement { range: 0..document.text(old)?.len(), text };
                    edits.extend(document.encode(old, &[whole]));
                }
            }
        }
        edits.extend(document.insert(secret.value, &new)?);
        Some(edits)
    }

    /// Whether another content is this one and the keys that were to be added.
    fn matches_additions(&self, other: &Self, additions: &[Addition<'_>]) -> bool {
        let mut expected = self.to_plain();
        for addition in additions {
            let keys = expected.entry(addition.name.to_owned()).or_default();
            for entry in &addition.entries {
                keys.insert(entry.key.clone(), entry.value.as_ref().map(|value| SecretText::new(value.expose())));
            }
        }
        let actual = other.to_plain();
        let same_keys = |a: &BTreeMap<String, Option<SecretText>>, b: &BTreeMap<String, Option<SecretText>>| {
            let text =
                |value: &Option<SecretText>| value.as_ref().map(|value| Zeroizing::new(value.expose().to_owned()));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && text(a.1) == text(b.1))
        };
        expected.len() == actual.len() && expected.iter().zip(&actual).all(|(a, b)| a.0 == b.0 && same_keys(a.1, b.1))
    }

    fn to_plain(&self) -> PlainSecrets {
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
fn encode_value(entry: &NewKey, is_zenml: bool) -> Zeroizing<String> {
    if is_zenml { encode_base64(entry.text()) } else { Zeroizing::new(entry.text().to_owned()) }
}
