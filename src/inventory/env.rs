//! The kind `env`: the variables of a prefix, `PREFIX_SECRET__KEY`.
//!
//! A name is upper-cased and every character but ASCII letters and digits is `_`, so several names may mean one variable:
//! which is wanted decides the spelling, and what nobody wants is listed in lower case, divided at the first `__`.

use super::{Capabilities, Inventory, Key, NoAnswer, SecretName, SecretValues, Unusable, ValueType, Wanted};
use crate::secret::SecretText;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// The environment of a run.
pub trait Environment: Send + Sync {
    /// The value of a variable.
    fn get(&self, name: &str) -> Option<OsString>;

    /// The names of all variables.
    fn names(&self) -> Vec<OsString>;

    /// The value of a variable that is UTF-8, and not empty.
    fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.into_string().ok().filter(|text| !text.is_empty())
    }
}

/// A name as a part of a variable's.
pub fn variable_part(name: &str) -> String {
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
    fn behind<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        let variables = self.variables.get_or_init(|| {
            let names = self.env.names().into_iter();
            names.filter_map(|name| name.into_string().ok()).collect()
        });
        let longer = variables.range::<str, _>((Bound::Excluded(beginning), Bound::Unbounded));
        longer.map_while(move |name| name.strip_prefix(beginning))
    }

    fn of_secret(&self, secret: &str) -> String {
        format!("{}{}__", self.prefix, variable_part(secret))
    }

    /// Reads the variable of a key. Returns `None` if it is not set.
    fn value(&self, secret: &str, key: &str) -> Option<Result<SecretText, Unusable>> {
        let value = self.env.get(&format!("{}{}", self.of_secret(secret), variable_part(key)))?;
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

    fn names(&self, wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        let listed = self.behind(&self.prefix);
        let listed = listed.filter_map(|rest| rest.split_once("__").filter(|(_, key)| !key.is_empty()));
        let mut names: BTreeSet<String> = listed.map(|(secret, _)| secret.to_ascii_lowercase()).collect();
        names.remove("");
        names.extend(wanted.iter().filter(|name| self.behind(&self.of_secret(name)).next().is_some()).cloned());
        Ok(names.into_iter().map(|name| SecretName { name, doubled: None }).collect())
    }

    fn keys(&self, secret: &str, wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        let beginning = self.of_secret(secret);
        let mut keys: BTreeSet<String> = self.behind(&beginning).map(str::to_ascii_lowercase).collect();
        if keys.is_empty() {
            return Err(NoAnswer::Missing);
        }
        let value = |key: &str| self.value(secret, key).map(|value| ValueType::of(&value));
        keys.extend(wanted.iter().filter(|key| value(key).is_some()).cloned());
        let key = |name: String| Key { value: value(&name).unwrap_or_default(), name };
        Ok(keys.into_iter().map(key).collect())
    }

    fn values(&self, secret: &str, wanted: &Wanted) -> Result<SecretValues, NoAnswer> {
        Ok(wanted.iter().filter_map(|key| Some((key.clone(), self.value(secret, key)?))).collect())
    }
}
