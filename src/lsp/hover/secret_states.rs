//! The state of a secret or key in each environment, as far as the inventories have answered.

use super::hovered_name::{HoveredName, NamedBy};
use crate::inventory::lookup::{LookupResult, ReferenceLookup};
use crate::inventory::{InventoryChain, StoreError};
use crate::lint::settings::Settings;
use crate::project::config::{Config, EnvironmentConfig, Level};
use crate::sources::reference::ReferenceNames;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a name in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameState {
    /// It exists.
    Exists,
    /// The secret exists, and its keys are not known.
    KeyUnknown,
    /// The secret exists without the key.
    NoKey,
    /// The secret does not exist.
    NoSecret,
    /// The inventory has not answered yet.
    Waiting,
    /// The inventory cannot answer.
    Failed,
    /// It is not looked up: the level is `none`, or the files are still being read.
    NotLookedUp,
    /// The name is known only at run time.
    Dynamic,
}

/// The states of a name, and the keys of its secret.
#[derive(Default)]
pub struct SecretStates {
    /// The environments in each state, by name. Without environments, the inventories.
    pub states: BTreeMap<NameState, Vec<String>>,
    /// The keys of the secret, each with the number of environments that have it.
    pub keys: BTreeMap<String, usize>,
    /// The number of environments whose keys are known.
    pub listed: usize,
    /// Whether the secret may have more keys.
    pub has_open_keys: bool,
    /// The names after the variables of the environments are expanded, if those differ.
    pub expanded: BTreeSet<String>,
}

impl SecretStates {
    /// Looks up a name in its environments. Stores are asked in the background, as far as the level
    /// of the environment allows.
    pub fn new(name: &HoveredName<'_>, settings: &Settings<'_>) -> Self {
        let mut states = Self::default();
        for (config, chain) in &name.chains {
            let environment = chain.environment.and_then(|at| config.environments.get(at));
            let state = states.look_up(name, (config, environment), chain, settings);
            let label = match environment {
                Some(environment) => environment.name.clone(),
                None => chain_label(chain, settings),
            };
            let labels = states.states.entry(state).or_default();
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        states
    }

    fn look_up(
        &mut self,
        name: &HoveredName<'_>,
        (config, environment): (&Config, Option<&EnvironmentConfig>),
        chain: &InventoryChain,
        settings: &Settings<'_>,
    ) -> NameState {
        let Some(names) = names_in(name, environment) else {
            return NameState::Dynamic;
        };
        let level = settings.level.of(config, environment);
        let source = settings
            .answer_source
            .filter(|_| level > Level::None && !chain.inventories.is_empty());
        let Some(source) = source else {
            return NameState::NotLookedUp;
        };
        let has_keys = level == Level::SecretAndKeyExists;
        let lookup = ReferenceLookup {
            chain: chain.inventories.clone(),
            secret: names.secret().to_owned(),
            key: has_keys.then(|| names.key().unwrap_or("key").to_owned()),
        };
        let answers = source.answer(BTreeSet::from([lookup.clone()]), level);
        match answers.answer(&lookup) {
            LookupResult::NotFound => NameState::NoSecret,
            LookupResult::Failed {
                error: StoreError::NotAsked,
                ..
            } => NameState::Waiting,
            LookupResult::Failed { .. } => NameState::Failed,
            LookupResult::Found {
                inventory, keys, ..
            } => {
                let Some(keys) = keys.filter(|_| has_keys) else {
                    return match names.key() {
                        Some(_) => NameState::KeyUnknown,
                        None => NameState::Exists,
                    };
                };
                self.listed += 1;
                for key in keys.keys() {
                    *self.keys.entry(key.clone()).or_default() += 1;
                }
                let inventory = settings.inventories.get(inventory);
                let is_open = inventory.is_some_and(|it| it.has_open_keys(names.secret()));
                self.has_open_keys |= is_open;
                match names.key() {
                    Some(key) if !keys.contains_key(key) && is_open => NameState::KeyUnknown,
                    Some(key) if !keys.contains_key(key) => NameState::NoKey,
                    _ => NameState::Exists,
                }
            }
        }
    }

    /// Records the names that variables give to a dynamic reference.
    pub fn expand(&mut self, name: &HoveredName<'_>) {
        let NamedBy::Reference(reference) = name.by else {
            return;
        };
        if reference.is_dynamic {
            let environments = name.chains.iter().filter_map(|(config, chain)| {
                chain.environment.and_then(|at| config.environments.get(at))
            });
            let names = environments.filter_map(|it| reference.expand(&it.variables));
            self.expanded
                .extend(names.map(|names| names.text().to_owned()));
        }
    }
}

/// Returns the names in an environment. Returns `None` if they are known only at run time.
fn names_in(
    name: &HoveredName<'_>,
    environment: Option<&EnvironmentConfig>,
) -> Option<ReferenceNames> {
    let as_written = || ReferenceNames::new(&name.secret, name.key.as_deref());
    match name.by {
        NamedBy::Reference(reference) if reference.is_dynamic => {
            reference.expand(&environment?.variables)
        }
        NamedBy::Declaration(declaration) if declaration.is_dynamic => None,
        _ => Some(as_written()),
    }
}

/// Returns the names of the inventories of a chain.
fn chain_label(chain: &InventoryChain, settings: &Settings<'_>) -> String {
    let names = chain
        .inventories
        .iter()
        .map(|&at| settings.inventories.name(at));
    names.collect::<Vec<_>>().join(", ")
}
