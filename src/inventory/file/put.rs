//! A secret, or a key in its secret, written into the text of an inventory.
//!
//! The text that comes out is read again and compared: the same secrets, keys and values as before, and what was to be
//! added. Where that does not hold (an alias that would take another secret along, a layout that nobody foresaw), the file
//! stays as it is.

use super::content::{Content, Secret, ZENML_MARKER, encode_base64};
use crate::document::{Edit, Fresh, Kind, NodeId, Replacement, Syntax, apply};
use crate::error::Failure;
use crate::inventory::{Change, Entry};
use crate::secret::SecretText;
use crate::source::SourceFile;
use crate::write::NewText;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What ZenML's own file has as the value of its marker.
const ZENML_SCHEMA: &str = "arbitrary";

/// Secrets by name, keys by name, each with its value if the file holds values.
type Plain = BTreeMap<String, BTreeMap<String, Option<SecretText>>>;

/// Secrets and keys that stay as they are.
type Kept = Vec<(String, String)>;

/// What is to be added to one secret.
struct Addition<'a> {
    name: &'a str,
    /// The secret, if it is there.
    secret: Option<&'a Secret>,
    /// Whether it holds values, and not only names.
    values: bool,
    wanted: Vec<&'a Entry>,
}

impl Content {
    /// Whether a new secret takes values: as the others do, or where there are none.
    pub fn takes_values(&self) -> bool {
        self.secrets.is_empty() || self.secrets.iter().any(|secret| self.holds_values(secret))
    }

    /// Returns this content with the keys of all changes in it, or `None` if all are there, and the keys that stay: those that
    /// are there and are not to be replaced. The text is parsed and compared once, however many changes there are.
    ///
    /// # Errors
    /// Entries of another kind than the file holds, and a layout in which they cannot be added.
    pub fn with(&self, changes: &[Change<'_>]) -> Result<(Option<Self>, Kept), Failure> {
        let mut kept = Vec::new();
        let mut additions: Vec<Addition<'_>> = Vec::new();
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for Change { secret: name, entries } in changes {
            let secret = self.secret(name);
            let known: HashSet<&str> =
                secret.map(|secret| secret.keys.iter().map(|key| key.name.as_str()).collect()).unwrap_or_default();
            let (present, mut wanted): (Vec<&Entry>, Vec<&Entry>) =
                entries.iter().partition(|entry| known.contains(entry.key.as_str()));
            let (replaced, stay): (Vec<&Entry>, Vec<&Entry>) = present.into_iter().partition(|entry| entry.replaces);
            kept.extend(stay.into_iter().map(|entry| ((*name).to_owned(), entry.key.clone())));
            wanted.extend(replaced);
            if wanted.is_empty() && secret.is_some() {
                continue;
            }
            let values = secret.map_or_else(|| self.takes_values(), |secret| self.holds_values(secret));
            if wanted.iter().any(|entry| entry.value.is_some() != values) {
                let holds = if values { "values" } else { "names and keys only" };
                return Err(Failure::usage(format!("`{}` has come to hold {holds} for `{name}`", self.shown()))
                    .with_help("run the command again"));
            }
            let at = *by_name.entry(name).or_insert_with(|| {
                additions.push(Addition { name, secret, values, wanted: Vec::new() });
                additions.len() - 1
            });
            if let Some(addition) = additions.get_mut(at) {
                addition.wanted.extend(wanted);
            }
        }
        if additions.is_empty() {
            return Ok((None, kept));
        }
        Ok((Some(self.proven(&additions)?), kept))
    }

    /// Returns why additions cannot be made that cannot be made together: the first that cannot be made by itself, found by
    /// halves.
    fn culprit(&self, additions: &[Addition<'_>]) -> Failure {
        if let [one] = additions {
            return self.unforeseen(one);
        }
        let (left, right) = additions.split_at(additions.len() / 2);
        match self.proven(left) {
            Err(failure) => failure,
            Ok(_) => self.proven(right).err().unwrap_or_else(|| {
                let words = format!("cannot add to `{}` without changing something else", self.shown());
                Failure::usage(words).with_help("add the secrets by hand; nothing was written")
            }),
        }
    }

    /// Returns this content with additions, read again and compared.
    fn proven(&self, additions: &[Addition<'_>]) -> Result<Self, Failure> {
        let again = self.again(&self.written(additions)?);
        let proven = again.filter(|again| again.complaints.is_empty() && self.becomes(again, additions));
        proven.ok_or_else(|| self.culprit(additions))
    }

    /// Its text, as it is to be written.
    pub fn new_text(&self) -> NewText {
        let text = Zeroizing::new(self.document.source().text().to_owned());
        NewText { text, private: self.secrets.iter().any(|secret| self.holds_values(secret)) }
    }

    fn shown(&self) -> &str {
        self.document.source().path()
    }

    fn unforeseen(&self, addition: &Addition<'_>) -> Failure {
        let words = format!("cannot add to `{}` in `{}` without changing something else", addition.name, self.shown());
        let failure = match addition.secret {
            Some(secret) => Failure::usage(words).at(self.document.source(), self.document.node(secret.place).span),
            None => Failure::usage(words),
        };
        failure
            .with_help("an alias, a merge key or a rare layout stands in the way: add it by hand; nothing was written")
    }

    fn again(&self, text: &str) -> Option<Self> {
        let source = Arc::new(SourceFile::new(self.shown(), text));
        Self::read(&source, self.document.syntax(), source.path()).ok()
    }

    /// Returns the text with all additions, by one set of edits.
    fn written(&self, additions: &[Addition<'_>]) -> Result<Zeroizing<String>, Failure> {
        let document = &self.document;
        let entries = document.roots().first().and_then(|&root| document.entries(root)).unwrap_or_default();
        let own: HashSet<NodeId> = entries.iter().map(|&(_, value)| value).collect();
        let mut edits = Vec::new();
        for addition in additions {
            let Some(secret) = addition.secret else { continue };
            // Aliased or merged, it is another secret's, too.
            let is_own = own.contains(&secret.value) && !matches!(document.node(secret.value).kind, Kind::Alias(_));
            let new = is_own.then(|| self.new_keys(secret, addition)).flatten();
            edits.extend(new.ok_or_else(|| self.unforeseen(addition))?);
        }
        let new: Vec<&Addition<'_>> = additions.iter().filter(|addition| addition.secret.is_none()).collect();
        if let Some(first) = new.first() {
            edits.extend(self.new_secrets(&new).ok_or_else(|| self.unforeseen(first))?);
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
        apply(text, &edits).ok_or_else(|| self.culprit(additions))
    }

    fn new_secrets(&self, additions: &[&Addition<'_>]) -> Option<Vec<Edit>> {
        let is_zenml = !self.secrets.is_empty() && self.secrets.iter().all(|secret| self.is_zenml(secret));
        let texts: Vec<Vec<Zeroizing<String>>> = additions
            .iter()
            .map(|addition| addition.wanted.iter().map(|entry| stored(entry, is_zenml)).collect())
            .collect();
        let pairs: Vec<Vec<(&str, &str)>> = additions
            .iter()
            .zip(&texts)
            .map(|(addition, texts)| {
                let marker = is_zenml.then_some((ZENML_MARKER, ZENML_SCHEMA));
                let keys = addition.wanted.iter().map(|entry| entry.key.as_str());
                marker.into_iter().chain(keys.zip(texts.iter().map(|text| text.as_str()))).collect()
            })
            .collect();
        let names: Vec<Vec<&str>> =
            additions.iter().map(|addition| addition.wanted.iter().map(|entry| entry.key.as_str()).collect()).collect();
        let fresh: Vec<(&str, Fresh<'_>)> = additions
            .iter()
            .zip(pairs.iter().zip(&names))
            .map(|(addition, (pairs, names))| {
                (addition.name, if addition.values { Fresh::Map(pairs) } else { Fresh::Names(names) })
            })
            .collect();
        let document = &self.document;
        match document.roots().first() {
            Some(&root) if document.entries(root).is_some() => document.insert(root, &fresh),
            // Comments, or nothing at all.
            _ if document.syntax() == Syntax::Yaml => Some(vec![document.begin(&fresh)]),
            _ => None,
        }
    }

    fn new_keys(&self, secret: &Secret, addition: &Addition<'_>) -> Option<Vec<Edit>> {
        let document = &self.document;
        if !addition.values {
            let known: HashSet<&str> = secret.keys.iter().map(|key| key.name.as_str()).collect();
            let names = addition.wanted.iter().map(|entry| entry.key.as_str()).filter(|key| !known.contains(key));
            return document.push(secret.value, &names.collect::<Vec<_>>());
        }
        let is_zenml = self.is_zenml(secret);
        let texts: Vec<Zeroizing<String>> = addition.wanted.iter().map(|entry| stored(entry, is_zenml)).collect();
        let mut places: HashMap<&str, NodeId> = HashMap::new();
        for &(key, value) in document.entries(secret.value)? {
            if let Some(key) = document.text(key) {
                places.entry(key).or_insert(value);
            }
        }
        let (mut edits, mut new) = (Vec::new(), Vec::new());
        for (entry, text) in addition.wanted.iter().zip(&texts) {
            match places.get(entry.key.as_str()) {
                None => new.push((entry.key.as_str(), Fresh::Text(text))),
                Some(&old) if matches!(document.node(old).kind, Kind::Alias(_)) => return None,
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
    fn becomes(&self, other: &Self, additions: &[Addition<'_>]) -> bool {
        let mut expected = self.plain();
        for addition in additions {
            let keys = expected.entry(addition.name.to_owned()).or_default();
            for entry in &addition.wanted {
                keys.insert(entry.key.clone(), entry.value.as_ref().map(|value| SecretText::new(value.expose())));
            }
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
