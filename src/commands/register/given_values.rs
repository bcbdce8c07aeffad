//! Values from `--from-file` and `--from-env`: reads them, reports missing ones, and stores the
//! others.

use super::RegisterRun;
use super::storing::NewKeys;
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::outcome::Outcome;
use crate::document::Syntax;
use crate::inventory::file::FileInventory;
use crate::inventory::{Inventory, NewKey};
use crate::lint::missing_keys::{GivenSecret, RequiredKey, ValueSource};
use crate::output::count;
use crate::output::lists::StoredSecret;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

impl<'r> RegisterRun<'r> {
    /// Stores the given values. Without `--partial`, stores nothing if the value of a missing key
    /// is not given.
    pub(super) fn store_given(
        &mut self,
        required: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let given = self.read_source(context)?;
        let (to_store, to_keep): (Vec<&RequiredKey<'_>>, Vec<&RequiredKey<'_>>) = required
            .iter()
            .partition(|key| !key.exists || !self.args.skip_existing);
        let failures = given.failures(&to_store);
        if !failures.is_empty() {
            return Err(failures.into());
        }
        let unused = given.unused_key_count(required);
        if unused > 0 {
            context.note(format_args!(
                "ignored {} that no reference uses",
                count(unused, "key")
            ))?;
        }
        let mut open_secret = GivenSecret::default();
        let new_keys = self.collect_new_keys(to_store, &given, &mut open_secret)?;
        self.record_kept(&to_keep, &given, &mut open_secret);
        self.print_not_given(&given, context)?;
        if !self.missing.is_empty() && !self.args.partial {
            let missing = match self.missing.len() {
                1 => "1 key is missing".to_owned(),
                number => format!("{number} keys are missing"),
            };
            context.summary = Some(format!(
                "{missing}; nothing was stored (--partial stores the rest)"
            ));
            return Ok(Outcome::Usage);
        }
        if let Err(failures) = self.refuse_targets(
            new_keys
                .iter()
                .map(|(&at, secrets)| (at, has_values(secrets))),
        ) {
            self.missing = required.iter().filter(|key| !key.exists).collect();
            return Err(failures.into());
        }
        self.note_unstored_values(&new_keys, context)?;
        if self.args.dry_run {
            self.print_planned(&new_keys, context)?;
            return Ok(Outcome::Clean);
        }
        self.store_all(&new_keys, required, context)?;
        if new_keys.is_empty() && self.missing.is_empty() {
            let kept = self.kept_summary();
            context.summary = context.summary.take().map(|summary| summary + &kept);
            return Ok(Outcome::Clean);
        }
        self.summarize(context);
        Ok(Outcome::Clean)
    }

    fn read_source(&self, context: &mut Context<'_>) -> Result<ValueSource, Failure> {
        Ok(match (&self.args.from_file, &self.args.from_env) {
            (Some(path), _) => ValueSource::File(Box::new(read_values(path, context)?)),
            (None, prefix) => ValueSource::Environment {
                prefix: prefix.clone().unwrap_or_default(),
                env: Arc::clone(&context.env),
            },
        })
    }

    /// Returns the keys to store. Adds the keys whose values are not given to the missing ones.
    fn collect_new_keys(
        &mut self,
        to_store: Vec<&'r RequiredKey<'r>>,
        given: &ValueSource,
        open_secret: &mut GivenSecret,
    ) -> Result<NewKeys<'r>, Failure> {
        let mut new_keys = NewKeys::new();
        for key in to_store {
            match given.entries_for(key, open_secret)? {
                // The name exists, and there is no value that could change.
                Some(_) if key.exists && !key.has_value => {}
                Some(entries) => {
                    new_keys
                        .entry(key.inventory)
                        .or_default()
                        .entry(&key.secret)
                        .or_default()
                        .extend(entries);
                }
                None if key.exists => {}
                None => self.missing.push(key),
            }
        }
        Ok(new_keys)
    }

    /// Records the existing keys for which a value is given that `--skip-existing` does not store.
    fn record_kept(
        &mut self,
        to_keep: &[&RequiredKey<'_>],
        given: &ValueSource,
        open_secret: &mut GivenSecret,
    ) {
        for key in to_keep.iter().filter(|key| key.has_value) {
            let Ok(Some(entries)) = given.entries_for(key, open_secret) else {
                continue;
            };
            let inventory = self.inventories.name(key.inventory);
            let keys = entries.into_iter().map(|entry| entry.key);
            match self
                .kept
                .last_mut()
                .filter(|kept| kept.inventory == inventory && kept.secret == key.secret)
            {
                Some(kept) => kept.keys.extend(keys),
                None => self.kept.push(StoredSecret {
                    inventory: inventory.to_owned(),
                    secret: key.secret.clone(),
                    keys: keys.collect(),
                }),
            }
        }
    }

    /// Prints a line for each missing key whose value is not given.
    fn print_not_given(&self, given: &ValueSource, context: &mut Context<'_>) -> io::Result<()> {
        for key in &self.missing {
            let name = escape_control(&key.name());
            match given.variable(key) {
                Some(variable) => {
                    writeln!(
                        context.stderr.out,
                        "not given: `{name}` (`{}`)",
                        escape_control(&variable)
                    )?;
                }
                None if key.key.is_none() && self.args.from_file.is_none() => {
                    writeln!(
                        context.stderr.out,
                        "not given: `{name}` (a whole secret requires --from-file)"
                    )?;
                }
                None => writeln!(context.stderr.out, "not given: `{name}`")?,
            }
        }
        Ok(())
    }

    /// Notes that given values are not stored where an inventory stores names only.
    fn note_unstored_values(
        &self,
        new_keys: &NewKeys<'_>,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        for (&at, secrets) in new_keys {
            let name = escape_control(self.inventories.name(at));
            let names_only: Vec<&str> = secrets
                .iter()
                .filter(|(_, entries)| entries.iter().any(|entry| entry.value.is_none()))
                .map(|(&secret, _)| secret)
                .collect();
            if names_only.is_empty() {
                continue;
            }
            if !has_values(secrets) {
                context.note(format_args!(
                    "`{name}` stores names only, so the values are not stored"
                ))?;
                continue;
            }
            for secret in names_only {
                let secret = escape_control(secret);
                context.note(format_args!(
                    "`{name}` stores only the names of the keys of `{secret}`, so their values are not stored"
                ))?;
            }
        }
        Ok(())
    }

    /// Prints the keys that a dry run does not store.
    fn print_planned(&self, new_keys: &NewKeys<'_>, context: &mut Context<'_>) -> io::Result<()> {
        let mut total = 0;
        for (&at, secrets) in new_keys {
            let name = escape_control(self.inventories.name(at));
            for (secret, entries) in secrets {
                total += entries.len();
                let keys = entries.iter().map(|entry| {
                    let replacing = if entry.replaces {
                        " (replacing the existing value)"
                    } else {
                        ""
                    };
                    format!("{}{replacing}", escape_control(&entry.key))
                });
                let keys = keys.collect::<Vec<_>>().join(", ");
                writeln!(
                    context.stderr.out,
                    "would store in `{name}`: `{}` with {keys}",
                    escape_control(secret)
                )?;
            }
        }
        context.summary = Some(format!(
            "{} to store; nothing was stored{}",
            count(total, "key"),
            self.kept_summary()
        ));
        Ok(())
    }
}

fn has_values(secrets: &BTreeMap<&str, Vec<NewKey>>) -> bool {
    secrets
        .values()
        .flatten()
        .any(|entry| entry.value.is_some())
}

/// Reads the values of `--from-file`. `-` is standard input, whose syntax is the one in which it is
/// a mapping.
///
/// # Errors
/// The file cannot be read or parsed, or standard input is a terminal.
fn read_values(path: &Path, context: &mut Context<'_>) -> Result<FileInventory, Failure> {
    if path.as_os_str() != "-" {
        let file = FileInventory::from_user_path(path, &context.cwd);
        return file.open().map(|()| file);
    }
    if context.keyboard.is_some() {
        return Err(Failure::usage(
            "cannot read values from standard input: it is a terminal, which would show them",
        )
        .with_help("redirect a file to standard input, or remove --from-file to be prompted"));
    }
    let mut bytes = Vec::new();
    let read = context.stdin.read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::usage(format!(
            "cannot read standard input: {}",
            io_message(&error)
        ))
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage("cannot read standard input: it is not UTF-8"))?;
    if text.trim_start().starts_with('{')
        && let Ok(json) = parse_stdin(&text, Syntax::Json)
    {
        return Ok(json);
    }
    let yaml = parse_stdin(&text, Syntax::Yaml);
    match &yaml {
        Ok(file) if file.entry_errors().is_empty() => yaml,
        _ => parse_stdin(&text, Syntax::Toml).or(yaml),
    }
}

fn parse_stdin(text: &str, syntax: Syntax) -> Result<FileInventory, Failure> {
    FileInventory::from_text("standard input", text.to_owned(), syntax)
}
