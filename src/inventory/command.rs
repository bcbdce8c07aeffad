//! The kind `command`: programs of the user's print names, keys and values, and take values on standard input.
//!
//! `{secret}` and `{key}` are whole arguments, and no shell reads them: there is nothing that a name could inject.

use super::clock::{Clock, Turn};
use super::process::{Lookup, run};
use super::{
    Capabilities, Entry, Inventory, Key, NoAnswer, SecretName, SecretValues, Unusable, ValueType, Wanted, sort_out,
};
use crate::config::{Limits, Programs};
use crate::error::Failure;
use crate::secret::SecretText;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// An inventory behind programs.
pub struct CommandInventory {
    name: String,
    /// Where the programs are run: the config's folder.
    folder: PathBuf,
    programs: Programs,
    lookup: Lookup,
    clock: Clock,
}

impl CommandInventory {
    /// An inventory whose programs are run in a folder.
    pub fn new(name: String, folder: PathBuf, programs: Programs, lookup: Lookup, limits: Limits) -> Self {
        Self { name, folder, programs, lookup, clock: Clock::new(limits) }
    }

    /// Runs one of the programs. The time until the turn is dropped counts as the program's.
    fn run(
        &self,
        what: &str,
        program: Option<&Vec<String>>,
        secret: &str,
        key: &str,
        input: Option<&str>,
    ) -> Result<(Zeroizing<Vec<u8>>, Turn), NoAnswer> {
        let program = program.ok_or_else(|| {
            NoAnswer::Forbidden(match what {
                "keys" => "it has no program for `keys`; `--level secret-exists` needs only `names`".to_owned(),
                _ => format!("it has no program for `{what}`: name one in the config"),
            })
        })?;
        let word = |word: &'_ String| -> String {
            match word.as_str() {
                "{secret}" => secret.to_owned(),
                "{key}" => key.to_owned(),
                other => other.to_owned(),
            }
        };
        let words: Vec<String> = program.iter().map(word).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some(name) = [secret, key].into_iter().find(|name| name.starts_with('-')) {
            let words = format!("`{name}` begins with `-`, which a program would take for an option");
            return Err(NoAnswer::Invalid(Failure::usage(words)));
        }
        let turn = self.clock.begin().map_err(NoAnswer::Unreachable)?;
        run(&self.lookup, &words, &self.folder, input, turn.limit)
            .map(|printed| (printed, turn))
            .map_err(|problem| NoAnswer::Unreachable(format!("{what}: {}", problem.words())))
    }

    /// A list of names, as JSON.
    fn list(what: &str, printed: &[u8]) -> Result<Vec<String>, NoAnswer> {
        let none = || NoAnswer::Unreachable(format!("{what}: what was printed is no JSON list of names"));
        let Ok(Value::Array(items)) = serde_json::from_slice(printed) else { return Err(none()) };
        let name = |item: Value| match item {
            Value::String(name) => Some(name),
            Value::Object(mut entries) => match entries.remove("name") {
                Some(Value::String(name)) => name.rsplit('/').next().map(str::to_owned),
                _ => None,
            },
            _ => None,
        };
        items.into_iter().map(name).collect::<Option<Vec<String>>>().ok_or_else(none)
    }
}

impl Inventory for CommandInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        let Programs { names, keys, value, put } = &self.programs;
        Capabilities { list: names.is_some(), keys: keys.is_some(), values: value.is_some(), write: put.is_some() }
    }

    fn names(&self, _wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        let (printed, _turn) = self.run("names", self.programs.names.as_ref(), "", "", None)?;
        let names = Self::list("names", &printed)?;
        Ok(names.into_iter().map(|name| SecretName { name, doubled: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        let (printed, _turn) = self.run("keys", self.programs.keys.as_ref(), secret, "", None)?;
        let keys = Self::list("keys", &printed)?;
        Ok(keys.into_iter().map(|name| Key { name, value: ValueType::Unknown }).collect())
    }

    fn values(&self, secret: &str, wanted: &Wanted) -> Result<SecretValues, NoAnswer> {
        let mut values = SecretValues::new();
        for key in wanted {
            let (printed, _turn) = self.run("value", self.programs.value.as_ref(), secret, key, None)?;
            let text = std::str::from_utf8(&printed).map(SecretText::new).map_err(|_| Unusable::NotUtf8);
            values.insert(key.clone(), text);
        }
        Ok(values)
    }

    fn put_secret(&self, secret: &str, entries: &[Entry]) -> Result<Vec<String>, NoAnswer> {
        let is_there = self.names(&Wanted::new())?.iter().any(|known| known.name == secret);
        let there =
            if is_there && self.programs.keys.is_some() { self.keys(secret, &Wanted::new())? } else { Vec::new() };
        let there: BTreeSet<&str> = there.iter().map(|key| key.name.as_str()).collect();
        let (kept, fresh) = sort_out(entries, |key| there.contains(key));
        for entry in fresh {
            self.run("put", self.programs.put.as_ref(), secret, &entry.key, Some(entry.text()))?;
        }
        Ok(kept)
    }
}
