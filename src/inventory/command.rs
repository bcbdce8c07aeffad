//! The kind `command`: programs from the config print names, keys and values, and read new values
//! from standard input.
//!
//! `{secret}` and `{key}` are replaced as whole arguments and never pass through a shell, so a name
//! cannot inject anything.

mod printed_names;

use super::secret_change::partition_existing;
use super::time_budget::{Permit, TimeBudget};
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    Unusable,
};
use crate::diagnostics::error::Failure;
use crate::project::config::{CommandConfig, TimeLimits};
use crate::system::process::{ProgramFinder, run};
use printed_names::parse_names;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// An inventory that runs programs.
pub struct CommandInventory {
    name: String,
    /// The folder in which programs run: that of the config.
    folder: PathBuf,
    programs: CommandConfig,
    finder: ProgramFinder,
    budget: TimeBudget,
}

/// One run of a program.
struct Invocation<'c> {
    /// The key of the program in the config: "names", "keys", "value" or "put".
    operation: &'static str,
    /// The program with its arguments, if the config has one.
    command: Option<&'c Vec<String>>,
    /// The name in place of `{secret}`.
    secret: &'c str,
    /// The name in place of `{key}`.
    key: &'c str,
    /// The contents of standard input.
    input: Option<&'c str>,
}

impl Invocation<'_> {
    /// Returns the program and its arguments.
    fn arguments(&self) -> Result<Vec<&str>, StoreError> {
        let command = self.command.ok_or_else(|| {
            StoreError::Forbidden(match self.operation {
                "keys" => {
                    "configure a program for `keys`; `--level secret-exists` needs only `names`"
                        .to_owned()
                }
                operation => format!("configure a program for `{operation}`"),
            })
        })?;
        if let Some(name) = [self.secret, self.key]
            .into_iter()
            .find(|name| name.starts_with('-'))
        {
            let message =
                format!("`{name}` begins with `-`: a program would take it for an option");
            return Err(StoreError::Invalid(Failure::usage(message)));
        }
        let arguments = command.iter().map(|argument| match argument.as_str() {
            "{secret}" => self.secret,
            "{key}" => self.key,
            other => other,
        });
        Ok(arguments.collect())
    }
}

impl CommandInventory {
    /// Creates an inventory whose programs run in `folder`.
    pub fn new(
        name: String,
        folder: PathBuf,
        programs: CommandConfig,
        finder: ProgramFinder,
        limits: TimeLimits,
    ) -> Self {
        Self {
            name,
            folder,
            programs,
            finder,
            budget: TimeBudget::new(limits),
        }
    }

    /// Runs a program and returns its output. Time is counted until the permit is dropped.
    fn run(&self, invocation: &Invocation<'_>) -> Result<(Vec<u8>, Permit), StoreError> {
        let arguments = invocation.arguments()?;
        let permit = self.budget.begin().map_err(StoreError::Unreachable)?;
        match run(
            &self.finder,
            &arguments,
            &self.folder,
            invocation.input,
            permit.limit,
        ) {
            Ok(output) => Ok((output, permit)),
            Err(error) => Err(StoreError::Unreachable(format!(
                "{}: {}",
                invocation.operation,
                error.into_message()
            ))),
        }
    }
}

impl Inventory for CommandInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        let CommandConfig {
            names,
            keys,
            value,
            put,
        } = &self.programs;
        Capabilities {
            list: names.is_some(),
            keys: keys.is_some(),
            values: value.is_some(),
            write: put.is_some(),
        }
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let command = self.programs.names.as_ref();
        let (output, _permit) = self.run(&Invocation {
            operation: "names",
            command,
            secret: "",
            key: "",
            input: None,
        })?;
        Ok(parse_names("names", &output)?
            .into_iter()
            .map(SecretName::unique)
            .collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let command = self.programs.keys.as_ref();
        let (output, _permit) = self.run(&Invocation {
            operation: "keys",
            command,
            secret,
            key: "",
            input: None,
        })?;
        Ok(parse_names("keys", &output)?
            .into_iter()
            .map(Key::with_unknown_type)
            .collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let command = self.programs.value.as_ref();
        let mut values = SecretValues::new();
        for key in requested {
            let (output, _permit) = self.run(&Invocation {
                operation: "value",
                command,
                secret,
                key,
                input: None,
            })?;
            let value = std::str::from_utf8(&output)
                .map(SecretString::from)
                .map_err(|_| Unusable::NotUtf8);
            values.insert(key.clone(), value);
        }
        Ok(values)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let all = RequestedNames::new();
        let exists = self.names(&all)?.iter().any(|listed| listed.name == secret);
        let existing = if exists && self.programs.keys.is_some() {
            self.keys(secret, &all)?
        } else {
            Vec::new()
        };
        let existing: BTreeSet<&str> = existing.iter().map(|key| key.name.as_str()).collect();
        let (kept, new) = partition_existing(entries, |key| existing.contains(key));
        for entry in new {
            let (command, input) = (self.programs.put.as_ref(), Some(entry.text()));
            self.run(&Invocation {
                operation: "put",
                command,
                secret,
                key: &entry.key,
                input,
            })?;
        }
        Ok(kept)
    }
}
