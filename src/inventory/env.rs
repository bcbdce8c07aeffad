//! The kind `env`: environment variables with a prefix, `PREFIX_SECRET__KEY`.
//!
//! A name becomes upper case, and `_` replaces every character except ASCII letters and digits. So
//! several names may mean the same variable. If a name is requested, it is returned as requested.
//! Other variables are split at the first `__` and listed in lower case.

use super::{
    Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError, Unusable,
    ValueType,
};
use crate::system::environment::Environment;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// Converts the name of a secret or of a key into a part of a variable's name.
pub fn to_variable_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// An inventory in the environment.
pub struct EnvInventory {
    name: String,
    prefix: String,
    env: Arc<dyn Environment>,
    /// The names of all variables that are UTF-8.
    variables: OnceLock<BTreeSet<String>>,
}

impl EnvInventory {
    /// Creates an inventory of the variables that begin with `prefix`.
    pub fn new(name: String, prefix: String, env: Arc<dyn Environment>) -> Self {
        Self {
            name,
            prefix,
            env,
            variables: OnceLock::new(),
        }
    }

    /// Returns the rests of the variable names that begin with `prefix` and are longer.
    fn names_after_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let variables = self.variables.get_or_init(|| {
            let names = self.env.names().into_iter();
            names.filter_map(|name| name.into_string().ok()).collect()
        });
        let longer = variables.range::<str, _>((Bound::Excluded(prefix), Bound::Unbounded));
        longer.map_while(move |name| name.strip_prefix(prefix))
    }

    fn secret_prefix(&self, secret: &str) -> String {
        format!("{}{}__", self.prefix, to_variable_name(secret))
    }

    fn has_secret(&self, secret: &str) -> bool {
        self.names_after_prefix(&self.secret_prefix(secret))
            .next()
            .is_some()
    }

    /// Reads the variable of a key. Returns `None` if it is not set.
    fn value(&self, secret: &str, key: &str) -> Option<Result<SecretString, Unusable>> {
        let value = self.env.get(&format!(
            "{}{}",
            self.secret_prefix(secret),
            to_variable_name(key)
        ))?;
        Some(
            value
                .into_string()
                .map(SecretString::from)
                .map_err(|_| Unusable::NotUtf8),
        )
    }

    /// Returns the type of a key's value, or `None` if its variable is not set.
    fn value_type(&self, secret: &str, key: &str) -> Option<ValueType> {
        self.value(secret, key)
            .map(|value| ValueType::from_value(&value))
    }
}

impl Inventory for EnvInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            write: false,
            ..Capabilities::ALL
        }
    }

    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let listed = self.names_after_prefix(&self.prefix);
        let listed =
            listed.filter_map(|rest| rest.split_once("__").filter(|(_, key)| !key.is_empty()));
        let mut names: BTreeSet<String> = listed
            .map(|(secret, _)| secret.to_ascii_lowercase())
            .collect();
        names.remove("");
        names.extend(
            requested
                .iter()
                .filter(|name| self.has_secret(name))
                .cloned(),
        );
        Ok(names.into_iter().map(SecretName::unique).collect())
    }

    fn keys(&self, secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let prefix = self.secret_prefix(secret);
        let mut keys: BTreeSet<String> = self
            .names_after_prefix(&prefix)
            .map(str::to_ascii_lowercase)
            .collect();
        if keys.is_empty() {
            return Err(StoreError::NotFound);
        }
        keys.extend(
            requested
                .iter()
                .filter(|key| self.value_type(secret, key).is_some())
                .cloned(),
        );
        let keys = keys.into_iter().map(|name| Key {
            value: self.value_type(secret, &name).unwrap_or_default(),
            name,
        });
        Ok(keys.collect())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn stored_name(&self, secret: &str, key: Option<&str>) -> Option<String> {
        let secret = to_variable_name(secret);
        Some(key.map_or_else(
            || secret.clone(),
            |key| format!("{secret}__{}", to_variable_name(key)),
        ))
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        Ok(requested
            .iter()
            .filter_map(|key| Some((key.clone(), self.value(secret, key)?)))
            .collect())
    }
}
