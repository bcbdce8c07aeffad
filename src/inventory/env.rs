//! The kind `env`: the variables of a prefix, `PREFIX_SECRET__KEY`.
//!
//! A name is upper-cased and every character but ASCII letters and digits is `_`, so several names may mean one variable:
//! which is wanted decides the spelling, and what nobody wants is listed in lower case, divided at the first `__`.

use super::{Capabilities, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError, Unusable, ValueType};
use crate::system::environment::Environment;
use crate::text::secret_value::SecretText;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// A name as a part of a variable's.
pub fn to_variable_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
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
    /// The variables that begin with a prefix.
    pub fn new(name: String, prefix: String, env: Arc<dyn Environment>) -> Self {
        Self { name, prefix, env, variables: OnceLock::new() }
    }

    /// Returns what follows a beginning in the names of variables, without empty rests. Only names with that beginning are
    /// looked at.
    fn names_after_prefix<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        let variables = self.variables.get_or_init(|| {
            let names = self.env.names().into_iter();
            names.filter_map(|name| name.into_string().ok()).collect()
        });
        let longer = variables.range::<str, _>((Bound::Excluded(beginning), Bound::Unbounded));
        longer.map_while(move |name| name.strip_prefix(beginning))
    }

    fn secret_prefix(&self, secret: &str) -> String {
        format!("{}{}__", self.prefix, to_variable_name(secret))
    }

    /// Reads the variable of a key. Returns `None` if it is not set.
    fn value(&self, secret: &str, key: &str) -> Option<Result<SecretText, Unusable>> {
        let value = self.env.get(&format!("{}{}", self.secret_prefix(secret), to_variable_name(key)))?;
        Some(value.into_string().map(SecretText::new).map_err(|_| Unusable::NotUtf8))
    }
}

impl Inventory for EnvInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: false }
    }

    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let listed = self.names_after_prefix(&self.prefix);
        let listed = listed.filter_map(|rest| rest.split_once("__").filter(|(_, key)| !key.is_empty()));
        let mut names: BTreeSet<String> = listed.map(|(secret, _)| secret.to_ascii_lowercase()).collect();
        names.remove("");
        names.extend(
            requested
                .iter()
                .filter(|name| self.names_after_prefix(&self.secret_prefix(name)).next().is_some())
                .cloned(),
        );
        Ok(names.into_iter().map(|name| SecretName { name, ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let beginning = self.secret_prefix(secret);
        let mut keys: BTreeSet<String> = self.names_after_prefix(&beginning).map(str::to_ascii_lowercase).collect();
        if keys.is_empty() {
            return Err(StoreError::NotFound);
        }
        let value = |key: &str| self.value(secret, key).map(|value| ValueType::from_value(&value));
        keys.extend(requested.iter().filter(|key| value(key).is_some()).cloned());
        let key = |name: String| Key { value: value(&name).unwrap_or_default(), name };
        Ok(keys.into_iter().map(key).collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        Ok(requested.iter().filter_map(|key| Some((key.clone(), self.value(secret, key)?))).collect())
    }
}
