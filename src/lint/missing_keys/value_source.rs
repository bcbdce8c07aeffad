//! Value sources: the values that are given to `register` without a terminal, in a file or in
//! environment variables.

use super::RequiredKey;
use crate::diagnostics::error::Failure;
use crate::inventory::env::to_variable_name;
use crate::inventory::file::FileInventory;
use crate::inventory::{Inventory, NewKey, RequestedNames, SecretValues};
use crate::system::environment::Environment;
use crate::zenml::grammar::{self, looks_like_name};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A secret of the file with the values. It is kept for the next key, which most often belongs to
/// the same secret.
#[derive(Default)]
pub struct GivenSecret {
    name: Option<String>,
    /// The keys; `None` if the file does not contain the secret.
    keys: Option<BTreeSet<String>>,
    values: SecretValues,
}

impl GivenSecret {
    fn read(file: &FileInventory, secret: &str) -> Self {
        let all = RequestedNames::new();
        let keys = file.keys(secret, &all).ok();
        Self {
            name: Some(secret.to_owned()),
            keys: keys.map(|keys| keys.into_iter().map(|key| key.name).collect()),
            values: file.values(secret, &all).unwrap_or_default(),
        }
    }

    /// Returns the entries for a required key. Returns `None` if the file does not contain it.
    fn entries_for(&self, required: &RequiredKey<'_>) -> Option<Vec<NewKey>> {
        let keys = self.keys.as_ref()?;
        let entries: Vec<NewKey> = match &required.key {
            Some(key) => keys
                .get(key)
                .and_then(|key| self.entry(required, key))
                .into_iter()
                .collect(),
            None => keys
                .iter()
                .filter_map(|key| self.entry(required, key))
                .collect(),
        };
        let is_complete = required.key.is_none() || !entries.is_empty();
        is_complete.then_some(entries)
    }

    /// Returns the entry for one key. Returns `None` if the value is missing or not a string.
    fn entry(&self, required: &RequiredKey<'_>, key: &str) -> Option<NewKey> {
        match self.values.get(key) {
            _ if !required.has_value => Some(new_key(required, key, None)),
            Some(Ok(value)) => Some(new_key(required, key, Some(value.clone()))),
            Some(Err(_)) | None => None,
        }
    }
}

fn new_key(required: &RequiredKey<'_>, key: &str, value: Option<SecretString>) -> NewKey {
    NewKey {
        key: key.to_owned(),
        value,
        replaces: required.exists,
    }
}

/// The source of values that are given without a terminal.
pub enum ValueSource {
    /// A file in the format of a `file` inventory.
    File(Box<FileInventory>),
    /// Environment variables with a prefix.
    Environment {
        /// The prefix of the names.
        prefix: String,
        /// The environment.
        env: Arc<dyn Environment>,
    },
}

impl ValueSource {
    /// Returns the problems of the source as a whole: invalid entries of the file, names that no
    /// reference can contain, and variables that would be the value of two keys.
    pub fn failures(&self, required: &[&RequiredKey<'_>]) -> Vec<Failure> {
        match self {
            Self::File(file) => {
                let mut failures = file.entry_errors().to_vec();
                failures.extend(
                    file.secrets()
                        .iter()
                        .filter_map(|(secret, keys)| name_failure(file, secret, keys)),
                );
                failures
            }
            Self::Environment { .. } => self.shared_variable_failures(required),
        }
    }

    /// Returns a failure for each variable that would be the value of two keys.
    fn shared_variable_failures(&self, required: &[&RequiredKey<'_>]) -> Vec<Failure> {
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        let mut failures = Vec::new();
        for required in required.iter().filter(|required| required.key.is_some()) {
            let Some(variable) = self.variable(required) else {
                continue;
            };
            let name = required.name();
            match owners.insert(variable.clone(), name.clone()) {
                Some(other) if other != name => failures.push(
                    Failure::usage(format!(
                        "`{variable}` would be the value of both `{other}` and `{name}`"
                    ))
                    .with_help("pass these two values with `--from-file`"),
                ),
                _ => {}
            }
        }
        failures
    }

    /// Returns the number of keys in the file that no reference uses.
    pub fn unused_key_count(&self, required: &[RequiredKey<'_>]) -> usize {
        let Self::File(file) = self else { return 0 };
        // The required keys of each secret; `None` if all of them are.
        let mut by_secret: HashMap<&str, Option<HashSet<&str>>> = HashMap::new();
        for required in required {
            let keys = by_secret
                .entry(&required.secret)
                .or_insert_with(|| Some(HashSet::new()));
            match (&required.key, keys) {
                (Some(key), Some(keys)) => drop(keys.insert(key)),
                (None, keys) => *keys = None,
                (Some(_), None) => {}
            }
        }
        let unused =
            file.secrets()
                .into_iter()
                .map(|(secret, keys)| match by_secret.get(secret.as_str()) {
                    Some(None) => 0,
                    Some(Some(required)) => keys
                        .iter()
                        .filter(|key| !required.contains(key.as_str()))
                        .count(),
                    None => keys.len(),
                });
        unused.sum()
    }

    /// Returns the environment variable for a key, for example `PREFIX_MYSQL__PASSWORD`. Returns
    /// `None` for a file, and for a whole secret.
    pub fn variable(&self, required: &RequiredKey<'_>) -> Option<String> {
        let Self::Environment { prefix, .. } = self else {
            return None;
        };
        let separator = if prefix.is_empty() || prefix.ends_with('_') {
            ""
        } else {
            "_"
        };
        let key = required.key.as_deref()?;
        Some(format!(
            "{}{separator}{}__{}",
            prefix.to_ascii_uppercase(),
            to_variable_name(&required.secret),
            to_variable_name(key)
        ))
    }

    /// Returns the entries to store for a required key, or for all keys of a whole secret. Returns
    /// `None` if the source does not contain them. `cached` is the secret of the previous call.
    ///
    /// # Errors
    /// Fails if the value is not UTF-8.
    pub fn entries_for(
        &self,
        required: &RequiredKey<'_>,
        cached: &mut GivenSecret,
    ) -> Result<Option<Vec<NewKey>>, Failure> {
        match self {
            Self::File(file) => {
                if cached.name.as_ref() != Some(&required.secret) {
                    *cached = GivenSecret::read(file, &required.secret);
                }
                Ok(cached.entries_for(required))
            }
            Self::Environment { env, .. } => {
                let (Some(variable), Some(key)) = (self.variable(required), &required.key) else {
                    return Ok(None);
                };
                // CI systems set the variable of an undefined secret to an empty string.
                let Some(value) = env.get(&variable).filter(|value| !value.is_empty()) else {
                    return Ok(None);
                };
                let Ok(text) = value.into_string() else {
                    return Err(Failure::usage(format!("`{variable}` is not UTF-8"))
                        .with_help("pass this value with `--from-file`"));
                };
                let text = SecretString::from(text);
                Ok(Some(vec![new_key(
                    required,
                    key,
                    required.has_value.then_some(text),
                )]))
            }
        }
    }
}

/// Returns the failure for a secret of a file if no reference can name it or one of its keys.
fn name_failure(file: &FileInventory, secret: &str, keys: &BTreeSet<String>) -> Option<Failure> {
    let of_secret = || {
        let reason = grammar::name_error(secret)?;
        let shown = shown_name(secret, "the secret", "a secret");
        Some(format!("no reference can name {shown}, because {reason}"))
    };
    let of_key = || {
        let (key, reason) = keys
            .iter()
            .find_map(|key| Some((key, grammar::key_error(key)?)))?;
        let shown = shown_name(key, "the key", "a key");
        Some(format!(
            "no reference can name {shown} of `{secret}`, because {reason}"
        ))
    };
    let message = of_secret().or_else(of_key)?;
    Some(Failure::usage(format!("{message}, in `{}`", file.name())).with_help("rename it"))
}

/// Returns a name for messages. A text that does not look like a name is not shown: after a mistake
/// such as `key= value: x`, YAML reads the value as a part of the key.
fn shown_name(name: &str, named: &str, unnamed: &str) -> String {
    if looks_like_name(name) {
        format!("{named} `{name}`")
    } else {
        unnamed.to_owned()
    }
}
