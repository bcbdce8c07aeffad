//! Where the references of a stack are looked up: one chain of inventories for each environment.

use crate::inventory::{Inventory, InventoryChain};
use crate::lint::analysis::Analysis;
use crate::lint::settings::Settings;
use crate::project::config::{Config, EnvironmentConfig, Level};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A place in which the references of a stack are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LookupTarget {
    /// The index of the environment in the run; `None` without environments.
    pub environment: Option<usize>,
    /// The index of the chain of inventories.
    pub chain: usize,
    /// How much the inventories are asked. It is not [`Level::None`].
    pub level: Level,
}

/// The targets of a stack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TargetList {
    /// The targets, in the order of the environments. Without a configured inventory, one with an
    /// empty chain.
    pub targets: Vec<LookupTarget>,
    /// Whether inventories are configured for the stack.
    pub is_configured: bool,
    /// The highest level of the stack; [`Level::None`] if nothing is looked up.
    pub level: Level,
    /// The reasons for which its references are not looked up in an environment, or at all.
    pub unchecked: Vec<String>,
    /// The reasons for which keys are not looked up.
    pub unchecked_keys: Vec<String>,
    /// Whether an inventory of kind `repository` is among the targets.
    pub has_repository: bool,
}

/// An environment of a config.
struct RunEnvironment {
    /// The config file.
    file: Option<PathBuf>,
    /// The index in the config.
    at: usize,
    name: String,
    variables: BTreeMap<String, String>,
}

/// The distinct environments, chains and targets of a run. There are few of each.
pub(super) struct LookupTargets<'s> {
    settings: &'s Settings<'s>,
    environments: Vec<RunEnvironment>,
    chains: Vec<Vec<usize>>,
    lists: Vec<TargetList>,
}

impl<'s> LookupTargets<'s> {
    pub(super) fn new(settings: &'s Settings<'s>) -> Self {
        let mut targets = Self {
            settings,
            environments: Vec::new(),
            chains: Vec::new(),
            lists: Vec::new(),
        };
        // In the order of the configs, whichever file comes first.
        for config in settings.configs.known_configs() {
            let environments = config.environments.iter().enumerate();
            for (at, environment) in environments.filter(|(_, it)| it.is_selected) {
                targets.intern_environment(&config, at, environment);
            }
        }
        targets
    }

    /// Returns the index of the targets of a stack. `config` is that of the file.
    pub(super) fn of_stack(&mut self, file: &Analysis, stack: usize, config: &Config) -> usize {
        let chains = inventory_chains(file, stack, config, self.settings);
        let mut list = TargetList {
            targets: Vec::new(),
            is_configured: chains.is_some(),
            level: Level::None,
            unchecked: Vec::new(),
            unchecked_keys: Vec::new(),
            has_repository: false,
        };
        match chains {
            None => {
                let chain = InventoryChain::without_environment(Vec::new());
                self.add_chain(chain, config, &mut list);
            }
            Some(chains) if chains.is_empty() => {
                list.unchecked
                    .push("not in the selected environments".to_owned());
            }
            Some(chains) => {
                for chain in chains {
                    self.add_chain(chain, config, &mut list);
                }
            }
        }
        intern(&mut self.lists, list)
    }

    fn add_chain(&mut self, chain: InventoryChain, config: &Config, list: &mut TargetList) {
        let InventoryChain {
            environment,
            inventories: chain,
        } = chain;
        let environment = environment.and_then(|at| Some((at, config.environments.get(at)?)));
        let Some(level) = self.add_level(config, environment.map(|(_, it)| it), list) else {
            return;
        };
        let mut asked = chain
            .iter()
            .filter_map(|&at| self.settings.inventories.get(at));
        list.has_repository |= asked.any(Inventory::is_repository);
        let environment = environment.map(|(at, it)| self.intern_environment(config, at, it));
        list.targets.push(LookupTarget {
            environment,
            chain: intern(&mut self.chains, chain),
            level,
        });
    }

    /// Adds the level in an environment, or without one, and the reasons for which less is looked up
    /// than possible. Returns `None` if nothing is looked up.
    fn add_level(
        &self,
        config: &Config,
        environment: Option<&EnvironmentConfig>,
        list: &mut TargetList,
    ) -> Option<Level> {
        let level = self.settings.level.of(config, environment);
        list.level = list.level.max(level);
        if level < Level::SecretAndKeyExists {
            let reason = self.settings.level.reason(config, environment);
            let own = environment.filter(|environment| environment.level == Some(level));
            let reason = match own {
                Some(environment) => format!("{reason} in `{}`", environment.name),
                None => reason,
            };
            let reasons = match level {
                Level::None => &mut list.unchecked,
                _ => &mut list.unchecked_keys,
            };
            reasons.push(reason);
        }
        (level > Level::None).then_some(level)
    }

    /// Returns the index of the environment with an index in its config.
    fn intern_environment(
        &mut self,
        config: &Config,
        at: usize,
        environment: &EnvironmentConfig,
    ) -> usize {
        let mut known = self.environments.iter();
        let known = known.position(|known| known.file == config.file && known.at == at);
        known.unwrap_or_else(|| {
            self.environments.push(RunEnvironment {
                file: config.file.clone(),
                at,
                name: environment.name.clone(),
                variables: environment.variables.clone(),
            });
            self.environments.len() - 1
        })
    }

    /// Returns targets by their index.
    pub(super) fn list(&self, index: usize) -> Option<&TargetList> {
        self.lists.get(index)
    }

    /// Returns the inventories of a chain by its index.
    pub(super) fn chain(&self, index: usize) -> &[usize] {
        self.chains.get(index).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the environments, by their index.
    pub(super) fn environment_names(&self) -> Vec<String> {
        let environments = self.environments.iter();
        environments
            .map(|environment| environment.name.clone())
            .collect()
    }

    /// Returns the variables of an environment. Returns `None` if it has none.
    pub(super) fn variables(&self, environment: usize) -> Option<&BTreeMap<String, String>> {
        let environment = self.environments.get(environment)?;
        Some(&environment.variables).filter(|variables| !variables.is_empty())
    }

    /// Returns whether an environment has variables.
    pub(super) fn has_variables(&self) -> bool {
        let mut environments = self.environments.iter();
        environments.any(|environment| !environment.variables.is_empty())
    }
}

/// Returns the index of an item, which is added if it is new.
fn intern<T: PartialEq>(known: &mut Vec<T>, item: T) -> usize {
    let at = known.iter().position(|known| *known == item);
    at.unwrap_or_else(|| {
        known.push(item);
        known.len() - 1
    })
}

/// Returns the inventories that a stack of a file uses, in each environment; `config` is that of
/// the file.
pub fn inventory_chains(
    file: &Analysis,
    stack: usize,
    config: &Config,
    settings: &Settings<'_>,
) -> Option<Vec<InventoryChain>> {
    if let Some(server) = file.server {
        return Some(settings.inventories.chains_of_server(config, server));
    }
    let manager = file
        .stacks
        .get(stack)
        .and_then(|stack| stack.secrets_manager());
    settings.inventories.chains(config, &file.path, manager)
}
