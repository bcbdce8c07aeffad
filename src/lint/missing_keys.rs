//! `register`: the keys that references require, in the order in which they are prompted for, and
//! where to store them.
//!
//! Not here: the values that are given without a terminal ([`value_source`]), and the prompts.

mod value_source;

use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::LookupResult;
use crate::inventory::{Inventory, SecretChange, StoreError};
use crate::lint::analysis::Analysis;
use crate::lint::report::Report;
use crate::lint::resolved_references::Answer;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::reference::Reference;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use value_source::{GivenSecret, ValueSource};

/// A key that references require.
pub struct RequiredKey<'s> {
    /// The first stack, by name, that uses it.
    pub stack: String,
    /// The index of the inventory that contains the key, or that it is stored in.
    pub inventory: usize,
    /// The secret.
    pub secret: String,
    /// The key; `None` if only attributes name the whole secret, so that its keys are unknown.
    pub key: Option<String>,
    /// Whether the key exists.
    pub exists: bool,
    /// Whether the inventory stores a value, and not only the name.
    pub has_value: bool,
    /// The nearest existing name, which was probably meant.
    pub suggestion: Option<String>,
    /// The environment that has the key, if only that is the reason to ask for it.
    pub offered_by: Option<String>,
    /// The references to it, in the order of the files.
    pub references: Vec<&'s Reference>,
}

impl RequiredKey<'_> {
    /// Returns `secret.key`, or the secret alone.
    pub fn name(&self) -> String {
        match &self.key {
            Some(key) => format!("{}.{key}", self.secret),
            None => self.secret.clone(),
        }
    }

    /// Returns whether references require the key and it does not exist.
    pub fn is_missing(&self) -> bool {
        !self.exists && self.offered_by.is_none()
    }

    /// Returns why the key is asked for: its uses, or the environment that has it.
    pub fn reason(&self) -> String {
        match &self.offered_by {
            Some(environment) => format!("exists in `{environment}`"),
            None => format!("used by {}", self.locations()),
        }
    }

    /// Returns the first location and the number of others: `stacks/prod.yaml:14, 2 more`.
    pub fn locations(&self) -> String {
        let lines = self.references.iter().map(|reference| {
            let line = reference.source.position(reference.span.start).line;
            (reference.source.path(), line)
        });
        let lines: BTreeSet<(&str, usize)> = lines.collect();
        let first = lines
            .first()
            .map_or_else(String::new, |(path, line)| format!("{path}:{line}"));
        if lines.len() > 1 {
            format!("{first}, {} more", lines.len() - 1)
        } else {
            first
        }
    }
}

/// Returns the names of the stacks in a file: each `stack_name`, or else the stem of the file, with
/// and without `.stack`.
pub fn stack_names(file: &Analysis) -> Vec<String> {
    let named: Vec<String> = file
        .stacks
        .iter()
        .filter_map(|stack| stack.name.as_deref().map(str::to_owned))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let stem = file
        .path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let short = stem
        .as_deref()
        .and_then(|stem| stem.strip_suffix(".stack"))
        .map(str::to_owned);
    short.into_iter().chain(stem).collect()
}

/// Returns the keys that references require, without duplicates, sorted by stack, secret and key.
/// `report` is that of a check without failures.
///
/// # Errors
/// Fails if an inventory cannot determine whether it stores values.
pub fn required_keys<'s>(
    scan: &'s Scan,
    report: &'s Report,
    settings: &Settings<'_>,
) -> Result<Vec<RequiredKey<'s>>, Failure> {
    let mut required = collect_required(scan, report, settings);
    // A whole secret is not prompted for if some of its keys are.
    let with_keys: BTreeSet<(usize, &str)> = required
        .keys()
        .filter(|(.., key)| key.is_some())
        .map(|&(inventory, secret, _)| (inventory, secret))
        .collect();
    required.retain(|&(inventory, secret, key), required| {
        key.is_some() || !(required.exists || with_keys.contains(&(inventory, secret)))
    });
    let suggestions = suggestions(report);
    let mut required: Vec<RequiredKey<'s>> = required.into_values().collect();
    for required in &mut required {
        required.has_value = stores_value(required, settings)?;
        if !required.exists {
            let (secret, key) = (required.secret.as_str(), required.key.as_deref());
            let suggestion = suggestions
                .get(&(secret, key))
                .or_else(|| suggestions.get(&(secret, None)));
            required.suggestion = suggestion.map(|&suggestion| suggestion.to_owned());
        }
    }
    required.sort_by(|a, b| {
        (&a.stack, &a.secret, &a.key, a.inventory).cmp(&(&b.stack, &b.secret, &b.key, b.inventory))
    });
    Ok(required)
}

/// Collects the required keys by inventory, secret and key.
fn collect_required<'s>(
    scan: &'s Scan,
    report: &'s Report,
    settings: &Settings<'_>,
) -> BTreeMap<(usize, &'s str, Option<&'s str>), RequiredKey<'s>> {
    let mut collected = BTreeMap::new();
    let answered = report.references.answered();
    for (file, references) in answered.by_file(scan) {
        let mut file_name: Option<String> = None;
        for (reference, answers) in references {
            let answer = answers.first(reference);
            let (secret, key) = match &answer {
                // Variables may have expanded the names.
                Some(answer) if answers.is_expanded() => {
                    (answer.lookup.secret.as_str(), answer.lookup.key.as_deref())
                }
                _ => (reference.secret(), reference.key()),
            };
            let (inventory, exists) = match answer {
                Some(Answer {
                    result:
                        LookupResult::Found {
                            inventory, keys, ..
                        },
                    ..
                }) => (
                    inventory,
                    key.is_none_or(|key| keys.is_some_and(|keys| keys.contains_key(key)))
                        || has_open_keys(inventory, secret, settings),
                ),
                answer => {
                    let chain = answer.map_or(&[][..], |answer| &answer.lookup.chain);
                    (target_inventory(chain, secret, settings), false)
                }
            };
            let stack = file
                .stacks
                .get(reference.stack)
                .and_then(|stack| stack.name.as_deref().map(str::to_owned));
            let stack = stack.unwrap_or_else(|| {
                file_name
                    .get_or_insert_with(|| stack_names(file).pop().unwrap_or_default())
                    .clone()
            });
            let required = collected
                .entry((inventory, secret, key))
                .or_insert_with(|| RequiredKey {
                    stack: stack.clone(),
                    inventory,
                    secret: secret.to_owned(),
                    key: key.map(str::to_owned),
                    exists,
                    has_value: true,
                    suggestion: None,
                    offered_by: None,
                    references: Vec::new(),
                });
            if stack < required.stack {
                required.stack = stack;
            }
            required.references.push(reference);
        }
    }
    collected
}

/// Returns whether a secret may have keys that its inventory does not list.
fn has_open_keys(at: usize, secret: &str, settings: &Settings<'_>) -> bool {
    let inventory = settings.inventories.get(at);
    inventory.is_some_and(|inventory| inventory.has_open_keys(secret))
}

/// Returns the suggestion for each unknown secret and key of a report.
fn suggestions(report: &Report) -> HashMap<(&str, Option<&str>), &str> {
    let suggestions = report.findings.iter().filter_map(|finding| {
        let key = finding
            .key
            .as_deref()
            .filter(|_| finding.rule == RuleId::UnknownKey);
        Some((
            (finding.secret.as_deref()?, key),
            finding.suggestion.as_deref()?,
        ))
    });
    suggestions.collect()
}

/// Returns whether the inventory of a key stores its value, and not only its name.
fn stores_value(required: &RequiredKey<'_>, settings: &Settings<'_>) -> Result<bool, Failure> {
    let Some(inventory) = settings.inventories.get(required.inventory) else {
        return Ok(true);
    };
    let stores = inventory.takes_values(&required.secret);
    stores.map_err(|error| store_failure(inventory.name(), &required.secret, error))
}

/// Returns the inventory of a chain to store a secret in: the first that is writable and stores
/// values, or else the first that is writable, or else the first.
pub fn target_inventory(chain: &[usize], secret: &str, settings: &Settings<'_>) -> usize {
    let writable = || {
        let inventories = chain
            .iter()
            .filter_map(|&at| Some((at, settings.inventories.get(at)?)));
        inventories.filter(|(_, inventory)| inventory.capabilities().write)
    };
    let with_values =
        writable().find(|(_, inventory)| inventory.takes_values(secret).unwrap_or(true));
    let target = with_values.or_else(|| writable().next()).map(|(at, _)| at);
    target.or(chain.first().copied()).unwrap_or_default()
}

/// Stores keys in an inventory. Returns the secrets and keys that were added in the meantime, whose
/// values are kept.
///
/// # Errors
/// Fails if the inventory refuses the keys or cannot be reached.
pub fn store(
    inventory: &dyn Inventory,
    changes: &[SecretChange<'_>],
) -> Result<Vec<(String, String)>, Failure> {
    let first = changes.first().map_or("", |change| change.secret);
    inventory
        .put(changes)
        .map_err(|error| store_failure(inventory.name(), first, error))
}

fn store_failure(inventory: &str, secret: &str, error: StoreError) -> Failure {
    match error {
        StoreError::Invalid(failure) => failure,
        StoreError::Forbidden(advice) => Failure::unanswered(format!(
            "permission denied while writing `{secret}` to the inventory `{inventory}`"
        ))
        .with_help(advice),
        StoreError::Unreachable(reason) => Failure::unanswered(format!(
            "cannot write `{secret}` to the inventory `{inventory}`: {reason}"
        )),
        StoreError::NotFound
        | StoreError::NoValues
        | StoreError::NotAsked
        | StoreError::EmptyListing(_) => Failure::unanswered(format!(
            "cannot write `{secret}` to the inventory `{inventory}`: the secret disappeared"
        )),
    }
}
