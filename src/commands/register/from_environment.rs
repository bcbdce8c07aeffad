//! `--from-environment`: the keys that another environment has, and their values with
//! `--copy-values`.

use super::super::progress::with_progress;
use super::super::prompter::Prompter;
use super::RegisterRun;
use super::storing::NewKeys;
use crate::cli::RegisterArgs;
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::lookup::{FetchedValues, Progress, fetch_values, list_contents};
use crate::inventory::{Inventories, NewKey, RequestedNames, StoreError};
use crate::lint::missing_keys::{RequiredKey, target_inventory};
use crate::lint::settings::Settings;
use crate::output::count;
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The inventory of each secret, and its keys.
type SecretsByName = BTreeMap<String, (usize, BTreeSet<String>)>;

/// The environment from which names and values are taken.
pub(super) struct SourceEnvironment {
    name: String,
    secrets: SecretsByName,
    /// The inventories of the environment that keys are stored in.
    target: Vec<usize>,
    /// The secrets and keys that exist there.
    existing: SecretsByName,
}

impl SourceEnvironment {
    /// Lists the secrets of the environment of the flag, and of the one that keys are stored in.
    /// Returns `None` without the flag.
    ///
    /// # Errors
    /// Fails if there is no such environment, if it is also the target, or if an inventory cannot
    /// answer.
    pub(super) fn open(
        args: &RegisterArgs,
        workspace: &Workspace,
        inventories: &Inventories,
        context: &mut Context<'_>,
    ) -> Result<Option<Self>, CommandError> {
        let Some(name) = &args.from_environment else {
            return Ok(None);
        };
        workspace.check_environments(std::slice::from_ref(name))?;
        if args.environment.contains(name) {
            let shown = escape_control(name);
            let message = format!("`--environment` and `--from-environment` are both `{shown}`");
            return Err(Failure::contradiction(message).into());
        }
        let config = &workspace.config;
        let chain_of = |name: &str| inventories.environment(config, name);
        let source = chain_of(name).unwrap_or_default();
        let target = args.environment.first().and_then(|name| chain_of(name));
        let target = target.unwrap_or_default().inventories;
        let (secrets, existing) = with_progress(context, "look-ups", |progress| {
            (
                list_secrets(inventories, &source.inventories, false, progress),
                list_secrets(inventories, &target, true, progress),
            )
        });
        Ok(Some(Self {
            name: name.clone(),
            secrets: secrets?,
            existing: existing?,
            target,
        }))
    }

    /// Adds the keys that the environment has and the target lacks to those that are asked for.
    pub(super) fn offer(&self, required: &mut Vec<RequiredKey<'_>>, settings: &Settings<'_>) {
        let known: HashSet<(String, Option<String>)> = required
            .iter()
            .map(|required| (required.secret.clone(), required.key.clone()))
            .collect();
        for (secret, (_, keys)) in &self.secrets {
            let existing = self.existing.get(secret);
            let inventory = match existing {
                Some((at, _)) => *at,
                None => target_inventory(&self.target, secret, settings),
            };
            let takes_values = settings
                .inventories
                .get(inventory)
                .is_some_and(|target| target.takes_values(secret).unwrap_or(true));
            for key in keys {
                let exists = existing.is_some_and(|(_, keys)| keys.contains(key));
                if exists || known.contains(&(secret.clone(), Some(key.clone()))) {
                    continue;
                }
                required.push(RequiredKey {
                    stack: String::new(),
                    inventory,
                    secret: secret.clone(),
                    key: Some(key.clone()),
                    exists: false,
                    has_value: takes_values,
                    suggestion: None,
                    offered_by: Some(self.name.clone()),
                    references: Vec::new(),
                });
            }
        }
    }

    /// Returns the inventory that has the value of a key, and the key.
    fn location<'k>(&self, required: &'k RequiredKey<'_>) -> Option<(usize, &'k str)> {
        let key = required.key.as_deref()?;
        let (at, keys) = self.secrets.get(&required.secret)?;
        keys.contains(key).then_some((*at, key))
    }
}

/// Lists the secrets and keys of inventories that are queried in order. If `allow_empty` is true, an
/// empty listing means that there are no secrets.
fn list_secrets(
    inventories: &Inventories,
    chain: &[usize],
    allow_empty: bool,
    progress: Option<Progress<'_>>,
) -> Result<SecretsByName, Vec<Failure>> {
    let mut contents = list_contents(inventories, chain, progress);
    let (mut secrets, mut failures) = (SecretsByName::new(), Vec::new());
    for &at in chain {
        let name = inventories.name(at);
        let listed = match contents.remove(&at) {
            Some(Ok(listed)) => listed,
            Some(Err(StoreError::EmptyListing(_))) if allow_empty => continue,
            Some(Err(error)) => {
                failures.push(error.into_failure(name, "its names"));
                continue;
            }
            None => continue,
        };
        for (secret, keys) in listed {
            match keys {
                Ok(keys) => {
                    let keys = keys.into_iter().map(|key| key.name).collect();
                    secrets.entry(secret).or_insert((at, keys));
                }
                Err(error) => {
                    let subject = format!("the keys of `{secret}`");
                    failures.push(error.into_failure(name, &subject));
                }
            }
        }
    }
    if failures.is_empty() {
        Ok(secrets)
    } else {
        Err(failures)
    }
}

impl<'r> RegisterRun<'r> {
    /// Copies the values of the missing and the offered keys from another environment, after one
    /// question. Keys that it does not have stay missing.
    pub(super) fn copy_values(
        &mut self,
        required: &'r [RequiredKey<'r>],
        source: &SourceEnvironment,
        prompter: Option<&mut Prompter>,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let (to_copy, rest): (Vec<&RequiredKey<'_>>, Vec<&RequiredKey<'_>>) = required
            .iter()
            .filter(|key| !key.exists)
            .partition(|key| source.location(key).is_some());
        self.missing = rest.into_iter().filter(|key| key.is_missing()).collect();
        if to_copy.is_empty() {
            self.summarize(context);
            return Ok(self.outcome_of_missing());
        }
        let refused = self.refuse_targets(to_copy.iter().map(|key| (key.inventory, key.has_value)));
        if let Err(failures) = refused {
            self.missing = required.iter().filter(|key| key.is_missing()).collect();
            return Err(failures.into());
        }
        if self.args.dry_run {
            return self.list_copies(&to_copy, source, context);
        }
        match self.confirm_copy(&to_copy, source, prompter, context)? {
            Some(true) => {}
            answer => {
                self.missing = required.iter().filter(|key| key.is_missing()).collect();
                self.summarize(context);
                return Ok(match answer {
                    Some(_) => self.outcome_of_missing(),
                    None => Outcome::Interrupted,
                });
            }
        }
        let new_keys = self.read_copies(&to_copy, source, context)?;
        self.store_all(&new_keys, required, context)?;
        self.summarize(context);
        Ok(self.outcome_of_missing())
    }

    fn outcome_of_missing(&self) -> Outcome {
        if self.missing.is_empty() {
            Outcome::Clean
        } else {
            Outcome::Findings
        }
    }

    /// Lists the keys that a run would copy. No value is read.
    fn list_copies(
        &mut self,
        to_copy: &[&'r RequiredKey<'r>],
        source: &SourceEnvironment,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        for key in to_copy {
            writeln!(
                context.stderr.out,
                "would copy `{}` from `{}` to `{}`",
                escape_control(&key.name()),
                escape_control(&source.name),
                escape_control(self.inventories.name(key.inventory))
            )?;
        }
        let keys = count(to_copy.len(), "key");
        context.summary = Some(format!("{keys} to copy; nothing was stored"));
        Ok(Outcome::Clean)
    }

    /// Asks whether to copy. Returns `None` if the user interrupts.
    ///
    /// # Errors
    /// Fails without a terminal, unless `--yes` is given.
    fn confirm_copy(
        &self,
        to_copy: &[&'r RequiredKey<'r>],
        source: &SourceEnvironment,
        prompter: Option<&mut Prompter>,
        context: &mut Context<'_>,
    ) -> Result<Option<bool>, CommandError> {
        if self.args.yes {
            return Ok(Some(true));
        }
        let Some(prompter) = prompter else {
            let failure = Failure::usage("cannot ask whether to copy values: there is no terminal");
            return Err(failure
                .with_help("run this in a terminal, or add `--yes`")
                .into());
        };
        let targets: BTreeSet<&str> = to_copy
            .iter()
            .map(|key| self.inventories.name(key.inventory))
            .collect();
        let targets: Vec<String> = targets
            .into_iter()
            .map(|name| format!("`{}`", escape_control(name)))
            .collect();
        for key in to_copy {
            writeln!(context.stderr.out, "{}", escape_control(&key.name()))?;
        }
        let question = format!(
            "Copy {} from `{}` to {}? [y/N] ",
            count(to_copy.len(), "value"),
            escape_control(&source.name),
            targets.join(", ")
        );
        Ok(prompter.confirm(&question, context)?)
    }

    /// Reads the values to copy.
    ///
    /// # Errors
    /// Fails if a value cannot be read, or is not a string. Then nothing is stored.
    fn read_copies(
        &self,
        to_copy: &[&'r RequiredKey<'r>],
        source: &SourceEnvironment,
        context: &mut Context<'_>,
    ) -> Result<NewKeys<'r>, CommandError> {
        let mut requested: BTreeMap<(usize, String), RequestedNames> = BTreeMap::new();
        let with_values = to_copy.iter().filter(|key| key.has_value);
        for (at, secret, key) in with_values.filter_map(|required| {
            let (at, key) = source.location(required)?;
            Some((at, required.secret.clone(), key.to_owned()))
        }) {
            requested.entry((at, secret)).or_default().insert(key);
        }
        let fetched = with_progress(context, "look-ups", |progress| {
            fetch_values(self.inventories, requested, progress)
        });
        let (mut new_keys, mut failures) = (NewKeys::new(), Vec::new());
        for required in to_copy {
            match self.copied_key(required, source, &fetched) {
                Ok(key) => {
                    let of_inventory = new_keys.entry(required.inventory).or_default();
                    let entries = of_inventory.entry(required.secret.as_str()).or_default();
                    entries.extend(key);
                }
                Err(failure) => failures.push(failure),
            }
        }
        let mut messages = HashSet::new();
        failures.retain(|failure: &Failure| messages.insert(failure.to_string()));
        if failures.is_empty() {
            Ok(new_keys)
        } else {
            Err(failures.into())
        }
    }

    /// Returns the entry to store for a key: with its value, or only its name.
    fn copied_key(
        &self,
        required: &RequiredKey<'_>,
        source: &SourceEnvironment,
        fetched: &FetchedValues,
    ) -> Result<Option<NewKey>, Failure> {
        let Some((at, key)) = source.location(required) else {
            return Ok(None);
        };
        let value = if required.has_value {
            let name = self.inventories.name(at);
            let values = match fetched.get(&(at, required.secret.clone())) {
                Some(Ok(values)) => values,
                Some(Err(StoreError::NoValues)) | None => {
                    let secret = &required.secret;
                    let message = format!("the inventory `{name}` has no values for `{secret}`");
                    return Err(Failure::usage(message)
                        .with_help("type the values: remove `--copy-values`"));
                }
                Some(Err(error)) => {
                    let subject = format!("the values of `{}`", required.secret);
                    return Err(error.clone().into_failure(name, &subject));
                }
            };
            let Some(Ok(value)) = values.get(key) else {
                let message = format!(
                    "the value of `{}` in the inventory `{name}` is not a string",
                    required.name()
                );
                return Err(Failure::usage(message));
            };
            Some(value.clone())
        } else {
            None
        };
        Ok(Some(NewKey {
            key: key.to_owned(),
            value,
            replaces: false,
        }))
    }
}
