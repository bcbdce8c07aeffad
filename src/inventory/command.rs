//! The kind `command`: programs of the user's print names, keys and values, and take values on standard input.
//!
//! `{secret}` and `{key}` are whole arguments, and no shell reads them: there is nothing that a name could inject.

use super::clock::{Permit, TimeBudget};
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretName, SecretValues, StoreError, Unusable, ValueType,
    partition_existing,
};
use crate::diagnostics::error::Failure;
use crate::project::config::{CommandConfig, TimeLimits};
use crate::system::process::{ProgramFinder, run};
use crate::text::secret_value::SecretText;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// An inventory behind programs.
pub struct CommandInventory {
    name: String,
    /// Where the programs are run: the config's folder.
    folder: PathBuf,
    programs: CommandConfig,
    finder: ProgramFinder,
    budget: TimeBudget,
}

impl CommandInventory {
    /// An inventory whose programs are run in a folder.
    pub fn new(
        name: String,
        folder: PathBuf,
        programs: CommandConfig,
        finder: ProgramFinder,
        limits: TimeLimits,
    ) -> Self {
        Self { name, folder, programs, finder, budget: TimeBudget::new(limits) }
    }

    /// Runs one of the programs. The time until the turn is dropped counts as the program's.
    fn run(
        &self,
        what: &str,
        program: Option<&Vec<String>>,
        secret: &str,
        key: &str,
        input: Option<&str>,
    ) -> Result<(Zeroizing<Vec<u8>>, Permit), StoreError> {
        let program = program.ok_or_else(|| {
            StoreError::Forbidden(match what {
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
            return Err(StoreError::Invalid(Failure::usage(words)));
        }
        let permit = self.budget.begin().map_err(StoreError::Unreachable)?;
        run(&self.finder, &words, &self.folder, input, permit.limit)
            .map(|printed| (printed, permit))
            .map_err(|problem| StoreError::Unreachable(format!("{what}: {}", problem.into_message())))
    }
}

/// Reads what a program printed as a list of names.
///
/// # Errors
/// It is not such a list; the error has the expected form and where the output departs from it, and nothing of the output, which
/// may contain values.
fn read_names(what: &str, printed: &[u8]) -> Result<Vec<String>, StoreError> {
    serde_json::from_slice::<Vec<ListedName>>(printed)
        .map(|names| names.into_iter().map(|name| name.0).collect())
        .map_err(|error| {
            let place = if printed.trim_ascii().is_empty() {
                "it is empty".to_owned()
            } else {
                let (line, column) = (error.line(), char_column(printed, error.line(), error.column()));
                format!("it stops being valid at line {line}, column {column}")
            };
            let form = r#"expected `["name", "name"]` or `[{"name": "name"}]`"#;
            StoreError::Unreachable(format!("{what}: what was printed is no JSON list of names: {place}; {form}"))
        })
}

/// Returns a column in characters, from 1, for one in bytes.
fn char_column(text: &[u8], line: usize, column: usize) -> usize {
    let line = text.split(|&byte| byte == b'\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let before = line.get(..column).unwrap_or(line);
    before.iter().filter(|&&byte| byte & 0xC0 != 0x80).count().max(1)
}

/// An item of a list of names: a string, or an object whose `name` ends with the name, behind slashes.
struct ListedName(String);

impl<'de> Deserialize<'de> for ListedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListedNameVisitor)
    }
}

struct ListedNameVisitor;

impl<'de> Visitor<'de> for ListedNameVisitor {
    type Value = ListedName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ListedName, E> {
        Ok(ListedName(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ListedName, A::Error> {
        let mut found = None;
        while let Some(key) = entries.next_key::<String>()? {
            if key == "name" {
                found = Some(entries.next_value::<String>()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        let name = found.ok_or_else(|| de::Error::missing_field("name"))?;
        Ok(ListedName(name.rsplit('/').next().unwrap_or_default().to_owned()))
    }
}

impl Inventory for CommandInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        let CommandConfig { names, keys, value, put } = &self.programs;
        Capabilities { list: names.is_some(), keys: keys.is_some(), values: value.is_some(), write: put.is_some() }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let (printed, _permit) = self.run("names", self.programs.names.as_ref(), "", "", None)?;
        let names = read_names("names", &printed)?;
        Ok(names.into_iter().map(|name| SecretName { name, ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let (printed, _permit) = self.run("keys", self.programs.keys.as_ref(), secret, "", None)?;
        let keys = read_names("keys", &printed)?;
        Ok(keys.into_iter().map(|name| Key { name, value: ValueType::Unknown }).collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let mut values = SecretValues::new();
        for key in requested {
            let (printed, _permit) = self.run("value", self.programs.value.as_ref(), secret, key, None)?;
            let text = std::str::from_utf8(&printed).map(SecretText::new).map_err(|_| Unusable::NotUtf8);
            values.insert(key.clone(), text);
        }
        Ok(values)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let is_there = self.names(&RequestedNames::new())?.iter().any(|known| known.name == secret);
        let existing = if is_there && self.programs.keys.is_some() {
            self.keys(secret, &RequestedNames::new())?
        } else {
            Vec::new()
        };
        let existing: BTreeSet<&str> = existing.iter().map(|key| key.name.as_str()).collect();
        let (kept, fresh) = partition_existing(entries, |key| existing.contains(key));
        for entry in fresh {
            self.run("put", self.programs.put.as_ref(), secret, &entry.key, Some(entry.text()))?;
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(printed: &str) -> String {
        match read_names("names", printed.as_bytes()) {
            Err(StoreError::Unreachable(words)) => words,
            _ => String::new(),
        }
    }

    #[test]
    fn wrong_output_is_placed_and_not_shown() {
        for (printed, place) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("[\"a\",\n \"b\", 17]", "line 2, column 8"),
            ("[\"ä\", hunter2]", "line 1, column 7"),
            ("{\"hunter2\": 1}", "line 1, column 1"),
            ("[{\"name\": 1}]", "line 1, column 11"),
            ("[\"a\"] hunter2", "line 1, column 7"),
            ("[\"a\"", "line 1, column 4"),
        ] {
            let words = error(printed);
            assert!(words.contains(place) && !words.contains("hunter2"), "{printed:?}: {words}");
            assert!(words.contains("expected `[\"name\", \"name\"]`"), "{words}");
        }
        assert_eq!(
            read_names("names", br#"["a", {"x": 1, "name": "projects/1/b"}]"#).ok(),
            Some(vec!["a".into(), "b".into()])
        );
    }
}
