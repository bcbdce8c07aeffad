//! The kind `sops`: a YAML or JSON file in which SOPS has encrypted the values, but not the names
//! and keys.
//!
//! stackref reads names and keys itself, without any decryption key. It runs `sops` to decrypt,
//! once per run, and to write.

mod encrypted_document;
mod encrypted_types;

use super::secret_change::partition_existing;
use super::time_budget::TimeBudget;
use super::title::title;
use super::value_type::secret_from_json;
use super::{
    Capabilities, Inventory, InventoryEntries, InventoryEntry, Key, NewKey, RequestedNames,
    SecretName, SecretValues, StoreError, ValueType,
};
use crate::diagnostics::error::Failure;
use crate::document::{Document, NodeId};
use crate::project::config::TimeLimits;
use crate::system::paths;
use crate::system::process::{ProgramError, ProgramFinder, run};
use crate::system::write;
use crate::text::redacted_source::RedactedSource;
use encrypted_document::{METADATA_KEY, read_document};
use encrypted_types::value_type;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// An inventory in an encrypted file.
pub struct SopsInventory {
    name: String,
    path: PathBuf,
    display_path: String,
    cwd: PathBuf,
    finder: ProgramFinder,
    budget: TimeBudget,
    document: OnceLock<Result<Document, Failure>>,
    /// The node of each secret.
    by_name: OnceLock<BTreeMap<String, NodeId>>,
    decrypted: OnceLock<Result<DecryptedSecrets, StoreError>>,
}

/// The values of secrets by name.
type DecryptedSecrets = BTreeMap<String, SecretValues>;

impl SopsInventory {
    /// Creates an inventory for a file at an absolute path. Messages show it relative to `cwd`.
    pub fn new(
        name: String,
        path: &Path,
        cwd: &Path,
        finder: ProgramFinder,
        limits: TimeLimits,
    ) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            display_path: paths::display_path(path, cwd),
            cwd: cwd.to_path_buf(),
            finder,
            budget: TimeBudget::new(limits),
            document: OnceLock::new(),
            by_name: OnceLock::new(),
            decrypted: OnceLock::new(),
        }
    }

    fn title(&self) -> String {
        title(&self.name, &self.display_path)
    }

    fn document(&self) -> Result<&Document, StoreError> {
        let document = self
            .document
            .get_or_init(|| read_document(&self.path, &self.display_path, &self.title()));
        document
            .as_ref()
            .map_err(|failure| StoreError::Invalid(failure.clone()))
    }

    /// Returns the secrets: the top-level entries except the metadata of SOPS.
    fn secrets(&self) -> Result<Vec<(&str, NodeId)>, StoreError> {
        let document = self.document()?;
        let entries = document
            .roots()
            .first()
            .and_then(|&root| document.entries(root))
            .unwrap_or_default();
        let named = entries
            .iter()
            .filter_map(|&(key, value)| Some((document.text(key)?, value)));
        Ok(named.filter(|(name, _)| *name != METADATA_KEY).collect())
    }

    /// Returns the node of a secret, or `None` if it does not exist.
    fn secret(&self, name: &str) -> Result<Option<NodeId>, StoreError> {
        if let Some(by_name) = self.by_name.get() {
            return Ok(by_name.get(name).copied());
        }
        let secrets = self.secrets()?;
        // Reversed, so that the first of two secrets of the same name is kept.
        let by_name = secrets
            .into_iter()
            .rev()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Ok(self.by_name.get_or_init(|| by_name).get(name).copied())
    }

    fn decrypted(&self) -> Result<&DecryptedSecrets, StoreError> {
        self.decrypted
            .get_or_init(|| self.decrypt())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn decrypt(&self) -> Result<DecryptedSecrets, StoreError> {
        self.document()?;
        let path = self.path.to_string_lossy();
        let output = self.run(
            &["sops", "--decrypt", "--output-type", "json", path.as_ref()],
            None,
        )?;
        let Ok(Value::Object(secrets)) = serde_json::from_slice(&output) else {
            return Err(StoreError::Unreachable(
                "the output of `sops` is not a JSON object".to_owned(),
            ));
        };
        let mut decrypted = DecryptedSecrets::new();
        for (name, value) in secrets {
            let mut values = SecretValues::new();
            if let Value::Object(entries) = value {
                for (key, value) in entries {
                    values.insert(key, secret_from_json(&value));
                }
            }
            decrypted.insert(name, values);
        }
        Ok(decrypted)
    }

    /// Runs `sops` in the working directory, because its environment variables may contain relative
    /// paths.
    fn run(&self, command: &[&str], input: Option<&str>) -> Result<Vec<u8>, StoreError> {
        let permit = self.budget.begin().map_err(StoreError::Unreachable)?;
        run(&self.finder, command, &self.cwd, input, permit.limit).map_err(|error| match error {
            ProgramError::NotRun(reason) => StoreError::Unreachable(reason),
            ProgramError::Failed(output) => StoreError::Forbidden(format!(
                "{output}; only values need a decryption key: let SOPS find one (SOPS_AGE_KEY_FILE, PGP, KMS)"
            )),
        })
    }

    /// Checks that `sops set` can store keys in a secret.
    fn check_storable(&self, secret: &str, entries: &[NewKey]) -> Result<(), StoreError> {
        let document = self.document()?;
        if self
            .secret(secret)?
            .is_some_and(|value| document.entries(value).is_none())
        {
            return Err(refusal(format!(
                "cannot add keys to `{secret}` in the inventory {}: it is not a mapping, and its value would be lost",
                self.title()
            )));
        }
        // SOPS splits a path at these characters, even inside of quotes.
        let mut names =
            std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        match names.find(|name| name.contains(['"', '\\', '[', ']'])) {
            Some(name) => Err(refusal(format!(
                "SOPS cannot store `{name}`: a name cannot contain quotes, backslashes or brackets"
            ))),
            None => Ok(()),
        }
    }
}

fn refusal(message: String) -> StoreError {
    StoreError::Invalid(Failure::usage(message).with_help("use `sops edit`"))
}

impl Inventory for SopsInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        Ok(self
            .secrets()?
            .into_iter()
            .map(|(name, _)| SecretName::unique(name))
            .collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let value = self.secret(secret)?.ok_or(StoreError::NotFound)?;
        let document = self.document()?;
        let keys = document
            .entries(value)
            .unwrap_or_default()
            .iter()
            .filter_map(|&(key, value)| {
                Some(Key {
                    name: document.text(key)?.to_owned(),
                    value: value_type(document, value),
                })
            });
        Ok(keys.collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let values = self.decrypted()?.get(secret).ok_or(StoreError::NotFound)?;
        // JSON has no timestamps: only the encrypted file shows that a string is one.
        let types: BTreeMap<String, ValueType> = self
            .keys(secret, requested)?
            .into_iter()
            .map(|key| (key.name, key.value))
            .collect();
        let requested = values.iter().filter(|(key, _)| requested.contains(*key));
        let values = requested.map(|(key, value)| match types.get(key) {
            Some(ValueType::Unusable(unusable)) => (key.clone(), Err(*unusable)),
            _ => (key.clone(), value.clone()),
        });
        Ok(values.collect())
    }

    fn entries(&self) -> Option<InventoryEntries> {
        let document = self.document().ok()?;
        let span = |node| document.node(document.target(node)).span;
        let root = document.roots().first().copied();
        let entries = root.and_then(|root| document.entries(root));
        let secrets = entries
            .unwrap_or_default()
            .iter()
            .filter_map(|&(name, value)| {
                let text = document.text(name).filter(|name| *name != METADATA_KEY)?;
                let keys = document.entries(value).unwrap_or_default().iter();
                let keys =
                    keys.filter_map(|&(key, _)| Some((document.text(key)?.to_owned(), span(key))));
                Some(InventoryEntry {
                    name: text.to_owned(),
                    span: span(name),
                    keys: keys.collect(),
                })
            });
        Some(InventoryEntries {
            source: RedactedSource::span_only(document.source()),
            secrets: secrets.collect(),
        })
    }

    fn check_writable(&self) -> Result<(), Failure> {
        write::check_replaceable(&self.path, &self.display_path)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        // The file may have changed since it was first read.
        let current = Self::new(
            self.name.clone(),
            &self.path,
            &self.cwd,
            self.finder.clone(),
            TimeLimits::default(),
        );
        let existing = match current.keys(secret, &RequestedNames::new()) {
            Err(StoreError::NotFound) => Vec::new(),
            other => other?,
        };
        current.check_storable(secret, entries)?;
        let path = self.path.to_string_lossy();
        let existing: BTreeSet<&str> = existing.iter().map(|key| key.name.as_str()).collect();
        let (kept, new) = partition_existing(entries, |key| existing.contains(key));
        for entry in new {
            // SOPS expects a path of JSON strings in brackets.
            let key_path = format!(
                "[{}][{}]",
                Value::from(secret),
                Value::from(entry.key.as_str())
            );
            let text = Value::from(entry.text()).to_string();
            self.run(
                &["sops", "set", "--value-stdin", path.as_ref(), &key_path],
                Some(&text),
            )?;
        }
        Ok(kept)
    }
}
