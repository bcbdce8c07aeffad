//! `register`: which of the keys that references name are missing, in the order in which they are asked for, and what is
//! given for them without a terminal.

use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::env::to_variable_name;
use crate::inventory::file::FileInventory;
use crate::inventory::lookup::LookupResult;
use crate::inventory::{Inventory, NewKey, RequestedNames, SecretChange, SecretValues, StoreError};
use crate::lint::analysis::Analysis;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::scalar::Reference;
use crate::system::environment::Environment;
use crate::text::secret_value::SecretText;
use crate::zenml::grammar::{self, looks_like_name};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// One key that references name.
pub struct RequiredKey<'s> {
    /// The first stack, by name, that uses it.
    pub stack: String,
    /// The inventory that has it, or is to have it.
    pub inventory: usize,
    /// The secret.
    pub secret: String,
    /// The key; nothing where only whole secrets of that name are spoken of, so that nobody says which keys it has.
    pub key: Option<String>,
    /// Whether it is there already.
    pub exists: bool,
    /// Whether it has a value, or only its name is kept.
    pub has_value: bool,
    /// What was probably meant, where another name is there that is near.
    pub suggestion: Option<String>,
    /// Where it is used, in the order of the files.
    pub references: Vec<&'s Reference>,
}

impl RequiredKey<'_> {
    /// `name.key`.
    pub fn name(&self) -> String {
        match &self.key {
            Some(key) => format!("{}.{key}", self.secret),
            None => self.secret.clone(),
        }
    }

    /// `stacks/prod.yaml:14, 2 more`.
    pub fn locations(&self) -> String {
        let places = self.references.iter().map(|reference| {
            let line = reference.source.position(reference.span.start).line;
            (reference.source.path(), line)
        });
        let places: BTreeSet<(&str, usize)> = places.collect();
        let first = places.first().map_or_else(String::new, |(path, line)| format!("{path}:{line}"));
        if places.len() > 1 { format!("{first}, {} more", places.len() - 1) } else { first }
    }
}

/// The names that a stack goes by: its `stack_name`, else the file's stem, also without `.stack`.
pub fn stack_names(file: &Analysis) -> Vec<String> {
    let named: Vec<String> = file.stacks.iter().filter_map(|stack| stack.name.as_deref().map(str::to_owned)).collect();
    if !named.is_empty() {
        return named;
    }
    let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let short = stem.as_deref().and_then(|stem| stem.strip_suffix(".stack")).map(str::to_owned);
    short.into_iter().chain(stem).collect()
}

/// Everything that references name, by stack, then secret, then key, each once. The report is that of a check which met no
/// failure.
///
/// # Errors
/// Inventories that cannot say what they take.
pub fn required_keys<'s>(
    scan: &'s Scan,
    report: &Report,
    settings: &Settings<'_>,
) -> Result<Vec<RequiredKey<'s>>, Failure> {
    let nearest: HashMap<(&str, Option<&str>), &str> = report
        .findings
        .iter()
        .filter_map(|finding| {
            let key = finding.key.as_deref().filter(|_| finding.rule == RuleId::UnknownKey);
            Some(((finding.secret.as_deref()?, key), finding.suggestion.as_deref()?))
        })
        .collect();
    let mut needs: BTreeMap<(usize, &str, Option<&str>), RequiredKey<'s>> = BTreeMap::new();
    for (file, references) in report.references.by_file(scan) {
        let mut label: Option<String> = None;
        for (reference, answer) in references {
            let (secret, key) = (reference.secret.as_str(), reference.key.as_deref());
            let chain = answer.lookup.map(|lookup| lookup.chain.as_slice()).unwrap_or_default();
            let (inventory, exists) = match answer.result {
                Some(LookupResult::Found { inventory, keys, .. }) => {
                    (inventory, key.is_none_or(|key| keys.is_some_and(|keys| keys.contains_key(key))))
                }
                _ => (target_inventory(chain, secret, settings), false),
            };
            let stack = file.stacks.get(reference.stack).and_then(|stack| stack.name.as_deref().map(str::to_owned));
            let stack = stack
                .unwrap_or_else(|| label.get_or_insert_with(|| stack_names(file).pop().unwrap_or_default()).clone());
            let required = needs.entry((inventory, secret, key)).or_insert_with(|| RequiredKey {
                stack: stack.clone(),
                inventory,
                secret: secret.to_owned(),
                key: key.map(str::to_owned),
                exists,
                has_value: true,
                suggestion: None,
                references: Vec::new(),
            });
            if stack < required.stack {
                required.stack = stack;
            }
            required.references.push(reference);
        }
    }
    // A whole secret needs no word of its own where its keys are named.
    let keyed: BTreeSet<(usize, &str)> =
        needs.keys().filter(|(.., key)| key.is_some()).map(|&(inventory, secret, _)| (inventory, secret)).collect();
    needs.retain(|&(inventory, secret, key), required| {
        key.is_some() || !(required.exists || keyed.contains(&(inventory, secret)))
    });
    let mut needs: Vec<RequiredKey<'s>> = needs.into_values().collect();
    for required in &mut needs {
        let target = settings.inventories.get(required.inventory);
        required.has_value =
            target.map_or(Ok(true), |target| target.takes_values(&required.secret)).map_err(|why| {
                let name = target.map_or("?", Inventory::name);
                store_failure(name, &required.secret, why)
            })?;
        let key = required.key.as_deref();
        let known =
            nearest.get(&(required.secret.as_str(), key)).or_else(|| nearest.get(&(required.secret.as_str(), None)));
        required.suggestion = known.filter(|_| !required.exists).map(|&suggestion| suggestion.to_owned());
    }
    needs.sort_by(|a, b| (&a.stack, &a.secret, &a.key, a.inventory).cmp(&(&b.stack, &b.secret, &b.key, b.inventory)));
    Ok(needs)
}

/// The first of a chain that can be written to and takes values, else that can be written to, else the first.
fn target_inventory(chain: &[usize], secret: &str, settings: &Settings<'_>) -> usize {
    let get = |at: usize| settings.inventories.get(at).filter(|inventory| inventory.capabilities().write);
    let takes = |at: &&usize| get(**at).is_some_and(|inventory| inventory.takes_values(secret).unwrap_or(true));
    let can = |at: &&usize| get(**at).is_some();
    chain.iter().find(takes).or_else(|| chain.iter().find(can)).or(chain.first()).copied().unwrap_or_default()
}

/// Stores some keys; those that are there meanwhile and stay are given back.
///
/// # Errors
/// In words for people.
pub fn store(inventory: &dyn Inventory, changes: &[SecretChange<'_>]) -> Result<Vec<(String, String)>, Failure> {
    let first = changes.first().map_or("", |change| change.secret);
    inventory.put(changes).map_err(|why| store_failure(inventory.name(), first, why))
}

fn store_failure(inventory: &str, secret: &str, why: StoreError) -> Failure {
    match why {
        StoreError::Invalid(failure) => failure,
        StoreError::Forbidden(advice) => {
            Failure::unanswered(format!("the inventory `{inventory}` forbids to store `{secret}`")).with_help(advice)
        }
        StoreError::Unreachable(seen) => {
            Failure::unanswered(format!("the inventory `{inventory}` did not take `{secret}`: {seen}"))
        }
        StoreError::NotFound | StoreError::NoValues | StoreError::EmptyListing(_) => {
            Failure::unanswered(format!("the inventory `{inventory}` lost `{secret}` while it was written"))
        }
    }
}

/// A secret of the file that values are given in: its keys in their order, and their values.
#[derive(Default)]
pub struct GivenSecret {
    name: Option<String>,
    /// Absent where there is no such secret.
    keys: Option<BTreeSet<String>>,
    values: SecretValues,
}

/// Values that are given without a terminal.
pub enum ValueSource {
    /// A file of an inventory's form.
    File(Box<FileInventory>),
    /// Environment variables of a prefix.
    Environment {
        /// What their names begin with.
        prefix: String,
        /// The environment.
        env: Arc<dyn Environment>,
    },
}

impl ValueSource {
    /// What is wrong with the whole of it, whatever is needed: entries that are none, names that no reference can hold,
    /// variables that would speak for two keys.
    pub fn failures(&self, needs: &[&RequiredKey<'_>]) -> Vec<Failure> {
        match self {
            Self::File(file) => {
                let mut failures = file.entry_errors().to_vec();
                for (name, keys) in file.secrets() {
                    // With a mark forgotten or mistaken, as in `key= value: x`, a value is a part of a key to YAML.
                    let shown =
                        |key: &str| if looks_like_name(key) { format!("the key `{key}`") } else { "a key".to_owned() };
                    let unfit = keys.iter().find_map(|key| {
                        let why = grammar::key_error(key)?;
                        Some(format!("no reference can name {} of `{name}`, because {why}", shown(key)))
                    });
                    let secret =
                        if looks_like_name(&name) { format!("the secret `{name}`") } else { "a secret".to_owned() };
                    let words =
                        grammar::name_error(&name).map(|why| format!("no reference can name {secret}, because {why}"));
                    let words = words.or(unfit).map(|words| format!("{words}, in `{}`", file.name()));
                    failures.extend(words.map(|words| Failure::usage(words).with_help("rename it")));
                }
                failures
            }
            Self::Environment { .. } => {
                let mut seen: BTreeMap<String, String> = BTreeMap::new();
                let mut failures = Vec::new();
                for required in needs.iter().filter(|required| required.key.is_some()) {
                    let Some(variable) = self.variable(required) else { continue };
                    let name = required.name();
                    match seen.insert(variable.clone(), name.clone()) {
                        Some(other) if other != name => failures.push(
                            Failure::usage(format!("`{variable}` would be the value of both `{other}` and `{name}`"))
                                .with_help("give these two with --from-file"),
                        ),
                        _ => {}
                    }
                }
                failures
            }
        }
    }

    /// How many keys a file gives that nothing needs.
    pub fn unused_key_count(&self, needs: &[RequiredKey<'_>]) -> usize {
        let Self::File(file) = self else { return 0 };
        // The keys that are needed of each secret; `None` for all of them.
        let mut needed: HashMap<&str, Option<HashSet<&str>>> = HashMap::new();
        for required in needs {
            let keys = needed.entry(&required.secret).or_insert_with(|| Some(HashSet::new()));
            match (&required.key, keys) {
                (Some(key), Some(keys)) => drop(keys.insert(key)),
                (None, keys) => *keys = None,
                (Some(_), None) => {}
            }
        }
        let wanted = |secret: &str, key: &str| {
            needed.get(secret).is_some_and(|keys| keys.as_ref().is_none_or(|keys| keys.contains(key)))
        };
        let secrets = file.secrets().into_iter();
        secrets.map(|(name, keys)| keys.iter().filter(|key| !wanted(&name, key)).count()).sum()
    }

    /// The variable that holds a value.
    pub fn variable(&self, required: &RequiredKey<'_>) -> Option<String> {
        let Self::Environment { prefix, .. } = self else { return None };
        let joint = if prefix.is_empty() || prefix.ends_with('_') { "" } else { "_" };
        let key = required.key.as_deref()?;
        Some(format!(
            "{}{joint}{}__{}",
            prefix.to_ascii_uppercase(),
            to_variable_name(&required.secret),
            to_variable_name(key)
        ))
    }

    /// Returns what is given for a need: entries to store, or `None` where it is not given. Those of a whole secret are all that
    /// there are. `open` is the secret of the last need, which most often is that of the next.
    ///
    /// # Errors
    /// A value that is not UTF-8.
    pub fn entries_for(
        &self,
        required: &RequiredKey<'_>,
        open: &mut GivenSecret,
    ) -> Result<Option<Vec<NewKey>>, Failure> {
        let entry = |key: &str, value| NewKey { key: key.to_owned(), value, replaces: required.exists };
        match self {
            Self::File(file) => {
                if open.name.as_ref() != Some(&required.secret) {
                    let all = RequestedNames::new();
                    let keys = file.keys(&required.secret, &all).ok();
                    *open = GivenSecret {
                        name: Some(required.secret.clone()),
                        keys: keys.map(|keys| keys.into_iter().map(|key| key.name).collect()),
                        values: file.values(&required.secret, &all).unwrap_or_default(),
                    };
                }
                let Some(known) = &open.keys else { return Ok(None) };
                let given = |key: &str| match open.values.get(key) {
                    _ if !required.has_value => Some(entry(key, None)),
                    Some(Ok(value)) => Some(entry(key, Some(SecretText::new(value.expose())))),
                    Some(Err(_)) | None => None,
                };
                let entries: Vec<NewKey> = match &required.key {
                    Some(key) => known.get(key).and_then(|key| given(key)).into_iter().collect(),
                    None => known.iter().filter_map(|key| given(key)).collect(),
                };
                let complete = required.key.is_none() || !entries.is_empty();
                Ok(complete.then_some(entries))
            }
            Self::Environment { env, .. } => {
                let (Some(variable), Some(key)) = (self.variable(required), &required.key) else { return Ok(None) };
                // A variable that is set to nothing is how CI systems hand over a secret that they do not have.
                let Some(value) = env.get(&variable).filter(|value| !value.is_empty()) else { return Ok(None) };
                let Ok(text) = value.into_string() else {
                    return Err(
                        Failure::usage(format!("`{variable}` is not UTF-8")).with_help("give it with --from-file")
                    );
                };
                let text = SecretText::new(text);
                Ok(Some(vec![entry(key, required.has_value.then_some(text))]))
            }
        }
    }
}
