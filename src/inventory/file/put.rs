//! Writing of secrets and keys into the text of an inventory file.
//!
//! The new text is parsed and compared before it is used: it must have the same secrets, keys and
//! values as before, plus the additions. Otherwise the file is not changed, for example because an
//! alias would change another secret, or because of an unusual layout.

use super::additions::Addition;
use super::content::{FileContent, FileSecret};
use crate::diagnostics::error::Failure;
use crate::inventory::{NewKey, SecretChange};
use crate::system::write::NewText;
use crate::text::source::SourceFile;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Secrets by name, keys by name, each with its value if the file stores values.
type PlainSecrets = BTreeMap<String, PlainKeys>;

/// The keys of one secret.
type PlainKeys = BTreeMap<String, Option<SecretString>>;

/// The existing keys that are kept, each with the name of its secret.
type KeptKeys = Vec<(String, String)>;

impl FileContent {
    /// Returns whether a new secret stores values: if another secret does, or if there is none.
    pub fn takes_values(&self) -> bool {
        self.secrets.is_empty() || self.secrets.iter().any(|secret| self.stores_values(secret))
    }

    /// Returns this content with all changes, or `None` if it contains them already, and the
    /// existing keys that are kept. The text is parsed and compared once for all changes.
    ///
    /// # Errors
    /// Fails if the file stores names where values are given, or the other way round, and if the
    /// additions cannot be made in its layout.
    pub fn with_changes(
        &self,
        changes: &[SecretChange<'_>],
    ) -> Result<(Option<Self>, KeptKeys), Failure> {
        let mut kept = Vec::new();
        let mut additions: Vec<Addition<'_>> = Vec::new();
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for SecretChange {
            secret: name,
            entries,
        } in changes
        {
            let secret = self.secret(name);
            let (kept_keys, new) = split_existing(secret, entries);
            kept.extend(kept_keys.into_iter().map(|key| ((*name).to_owned(), key)));
            if new.is_empty() && secret.is_some() {
                continue;
            }
            let stores_values =
                secret.map_or_else(|| self.takes_values(), |secret| self.stores_values(secret));
            if new
                .iter()
                .any(|entry| entry.value.is_some() != stores_values)
            {
                return Err(self.changed_error(name, stores_values));
            }
            let index = *by_name.entry(name).or_insert_with(|| {
                additions.push(Addition {
                    name,
                    secret,
                    stores_values,
                    entries: Vec::new(),
                });
                additions.len() - 1
            });
            if let Some(addition) = additions.get_mut(index) {
                addition.entries.extend(new);
            }
        }
        if additions.is_empty() {
            return Ok((None, kept));
        }
        Ok((Some(self.with_additions(&additions)?), kept))
    }

    /// Returns the text with another secret, or with another key of a secret. Returns `None` if the
    /// file stores values or no secret, is a snapshot, or has the name.
    ///
    /// # Errors
    /// Fails if an entry cannot be read, and for the reasons of [`FileContent::with_changes`].
    pub fn text_with_name(
        &self,
        secret: &str,
        key: Option<&str>,
    ) -> Option<Result<String, Failure>> {
        let stores_values = self.takes_values();
        if stores_values || self.is_snapshot() {
            return None;
        }
        if let Some(failure) = self.entry_errors.first() {
            return Some(Err(failure.clone()));
        }
        let entries = key.map(|key| NewKey {
            key: key.to_owned(),
            value: None,
            replaces: false,
        });
        let entries: Vec<NewKey> = entries.into_iter().collect();
        let change = SecretChange {
            secret,
            entries: &entries,
        };
        match self.with_changes(&[change]) {
            Ok((content, _)) => content.map(|content| Ok(content.new_text().text)),
            Err(failure) => Some(Err(failure)),
        }
    }

    /// Returns this content with additions, parsed and compared.
    fn with_additions(&self, additions: &[Addition<'_>]) -> Result<Self, Failure> {
        let content = self.reparse(&self.write_additions(additions)?);
        let verified = content.filter(|content| {
            content.entry_errors.is_empty() && self.matches_additions(content, additions)
        });
        verified.ok_or_else(|| self.additions_error(additions))
    }

    /// Returns the text to write to the file.
    pub fn new_text(&self) -> NewText {
        let text = self.document.source().text().to_owned();
        NewText {
            text,
            private: self.secrets.iter().any(|secret| self.stores_values(secret)),
        }
    }

    fn display_path(&self) -> &str {
        self.document.source().path()
    }

    fn reparse(&self, text: &str) -> Option<Self> {
        let source = Arc::new(SourceFile::new(self.display_path(), text));
        Self::read(&source, self.document.syntax(), source.path()).ok()
    }

    /// Returns whether another content is this one with the additions, and nothing else.
    fn matches_additions(&self, other: &Self, additions: &[Addition<'_>]) -> bool {
        let mut expected = self.to_plain();
        for addition in additions {
            let keys = expected.entry(addition.name.to_owned()).or_default();
            for entry in &addition.entries {
                keys.insert(entry.key.clone(), entry.value.clone());
            }
        }
        let actual = other.to_plain();
        expected.len() == actual.len()
            && expected
                .iter()
                .zip(&actual)
                .all(|(a, b)| a.0 == b.0 && has_same_keys(a.1, b.1))
    }

    fn to_plain(&self) -> PlainSecrets {
        let secrets = self.secrets.iter().map(|secret| {
            let keys = match self.values(&secret.name) {
                Ok(values) => values
                    .into_iter()
                    .map(|(key, value)| (key, Some(value)))
                    .collect(),
                Err(_) => secret
                    .keys
                    .iter()
                    .map(|key| (key.name.clone(), None))
                    .collect(),
            };
            (secret.name.clone(), keys)
        });
        secrets.collect()
    }

    /// Creates the error for a file that was changed after the user was asked for values.
    fn changed_error(&self, name: &str, stores_values: bool) -> Failure {
        let content = if stores_values {
            "values"
        } else {
            "names and keys only"
        };
        Failure::usage(format!(
            "`{}` was changed: it now stores {content} for `{name}`",
            self.display_path()
        ))
        .with_help("run the command again")
    }

    /// Creates the error for several additions that cannot be made together. It names the first
    /// addition that cannot be made alone, which is found by bisection.
    pub(super) fn additions_error(&self, additions: &[Addition<'_>]) -> Failure {
        if let [addition] = additions {
            return self.addition_error(addition);
        }
        let (left, right) = additions.split_at(additions.len() / 2);
        match self.with_additions(left) {
            Err(failure) => failure,
            Ok(_) => self.with_additions(right).err().unwrap_or_else(|| {
                let message = format!(
                    "cannot add to `{}` without changing other entries",
                    self.display_path()
                );
                Failure::usage(message).with_help("add the secrets by hand; nothing was written")
            }),
        }
    }

    pub(super) fn addition_error(&self, addition: &Addition<'_>) -> Failure {
        let message = format!(
            "cannot add to `{}` in `{}` without changing other entries",
            addition.name,
            self.display_path()
        );
        let help = "add it by hand: an alias, a merge key or the layout prevents a safe edit; nothing was written";
        let failure = Failure::usage(message).with_help(help);
        match addition.secret {
            Some(secret) => failure.at(&self.source, self.document.node(secret.name_node).span),
            None => failure,
        }
    }
}

/// Splits entries into the names of existing keys that are kept, and the entries to store: first
/// the new ones, then those that replace a value.
fn split_existing<'e>(
    secret: Option<&FileSecret>,
    entries: &'e [NewKey],
) -> (Vec<String>, Vec<&'e NewKey>) {
    let keys = secret
        .map(|secret| secret.keys.as_slice())
        .unwrap_or_default();
    let existing: HashSet<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let (present, mut new): (Vec<&NewKey>, Vec<&NewKey>) = entries
        .iter()
        .partition(|entry| existing.contains(entry.key.as_str()));
    let (replaced, kept): (Vec<&NewKey>, Vec<&NewKey>) =
        present.into_iter().partition(|entry| entry.replaces);
    new.extend(replaced);
    (
        kept.into_iter().map(|entry| entry.key.clone()).collect(),
        new,
    )
}

fn has_same_keys(a: &PlainKeys, b: &PlainKeys) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.0 == b.0 && has_same_value(a.1.as_ref(), b.1.as_ref()))
}

fn has_same_value(a: Option<&SecretString>, b: Option<&SecretString>) -> bool {
    a.map(ExposeSecret::expose_secret) == b.map(ExposeSecret::expose_secret)
}
