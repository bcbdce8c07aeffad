//! The inventories of a run, and which of them a stack file uses.
//!
//! Inventories come from three sources: `--inventory` replaces all others; configs list them; a
//! file `secrets.inventory.*` is found without any config. No inventory is opened before it is
//! asked.

use super::file::{FileInventory, STANDARD_INPUT};
use super::{ConfiguredProject, Inventory, RequestedNames, StoreContext, StoreError};
use crate::diagnostics::error::Failure;
use crate::project::config::{
    Config, EnvironmentConfig, FALLBACK_NAMES, InventoryConfig, RouteTarget,
};
use crate::system::paths;
use crate::text::nearest::nearest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The inventories of a run. An inventory is identified by its index.
#[derive(Default)]
pub struct Inventories {
    all: Vec<Box<dyn Inventory>>,
    /// The inventories of each config.
    projects: Vec<ProjectInventories>,
}

/// The inventories in which the references of a stack are looked up, in the order in which they are
/// queried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryChain {
    /// The index of their environment in the config, if they belong to one.
    pub environment: Option<usize>,
    /// The inventories.
    pub inventories: Vec<usize>,
}

impl InventoryChain {
    /// Creates a chain that belongs to no environment.
    pub fn without_environment(inventories: Vec<usize>) -> Self {
        Self {
            environment: None,
            inventories,
        }
    }
}

/// The inventories that the files of one config use.
struct ProjectInventories {
    /// The config file, or `None` for the default config.
    config: Option<PathBuf>,
    /// Name and index of the inventories in the config.
    configured: Vec<(String, usize)>,
    /// The configured inventories that only other environments use than those of this run.
    deselected: BTreeSet<usize>,
    /// The inventories that `--inventory` names.
    chosen: Option<Vec<usize>>,
    /// A file `secrets.inventory.*` next to the config or at the repository's root.
    fallback: Option<usize>,
}

impl ProjectInventories {
    fn new(config: &Config) -> Self {
        Self {
            config: config.file.clone(),
            configured: Vec::new(),
            deselected: BTreeSet::new(),
            chosen: None,
            fallback: None,
        }
    }

    /// Returns the indices of configured inventories.
    fn indices_of(&self, names: &[String]) -> Vec<usize> {
        names
            .iter()
            .filter_map(|name| self.index_of(name))
            .collect()
    }

    /// Returns the inventories of an environment of the config.
    fn chain_of(&self, at: usize, environment: &EnvironmentConfig) -> InventoryChain {
        InventoryChain {
            environment: Some(at),
            inventories: self.indices_of(&environment.inventory),
        }
    }

    /// Determines which inventories only the environments use that this run does not.
    fn deselect(&mut self, config: &Config) {
        let routes = config
            .routes
            .iter()
            .filter_map(|route| match &route.target {
                RouteTarget::Inventories(names) => Some(names),
                RouteTarget::Environments(_) => None,
            });
        let (selected, deselected): (Vec<_>, Vec<_>) =
            config.environments.iter().partition(|it| it.is_selected);
        let used = routes.chain(selected.iter().map(|environment| &environment.inventory));
        let used: BTreeSet<usize> = used.flat_map(|names| self.indices_of(names)).collect();
        let deselected = deselected
            .iter()
            .flat_map(|environment| self.indices_of(&environment.inventory));
        self.deselected = deselected.filter(|at| !used.contains(at)).collect();
    }

    /// Returns the index of a configured inventory.
    fn index_of(&self, name: &str) -> Option<usize> {
        self.configured
            .iter()
            .find(|(configured, _)| configured == name)
            .map(|&(_, index)| index)
    }

    fn in_use(&self) -> Vec<usize> {
        match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => self
                .configured
                .iter()
                .map(|&(_, index)| index)
                .filter(|index| !self.deselected.contains(index))
                .chain(self.fallback)
                .collect(),
        }
    }
}

/// Returns the name that messages use for a configured inventory: its name, followed by the config
/// if another config has an inventory of the same name.
fn display_name(
    configured: &InventoryConfig,
    project: &ConfiguredProject,
    projects: &[ConfiguredProject],
) -> String {
    let name = &configured.name;
    let same_name = projects
        .iter()
        .filter(|project| project.has_inventory(name))
        .count();
    match &project.config.source {
        Some(source) if same_name > 1 => format!("{name} ({})", source.path()),
        _ => name.clone(),
    }
}

impl Inventories {
    /// Collects the inventories of `projects`, or those that `--inventory` names in `chosen`.
    ///
    /// A chosen name is looked up in the config of the checked file, then in the first project. If
    /// neither has it, it is the path of a file.
    pub fn new(
        projects: &[ConfiguredProject],
        chosen: &[String],
        context: &StoreContext<'_>,
    ) -> Self {
        let mut inventories = Self {
            all: Vec::new(),
            projects: Vec::new(),
        };
        for project in projects {
            let mut collected = ProjectInventories::new(&project.config);
            for configured in &project.config.inventories {
                let name = display_name(configured, project, projects);
                let index = inventories.add(project.create(configured, name, context));
                collected.configured.push((configured.name.clone(), index));
            }
            collected.deselect(&project.config);
            inventories.projects.push(collected);
        }
        if chosen.is_empty() {
            inventories.find_fallbacks(projects, context);
        } else {
            inventories.choose(chosen, context);
        }
        inventories
    }

    /// Creates a collection in which every stack uses all of `all`, in this order.
    pub fn from_inventories(all: Vec<Box<dyn Inventory>>) -> Self {
        let chosen = Some((0..all.len()).collect());
        let project = ProjectInventories {
            config: None,
            configured: Vec::new(),
            deselected: BTreeSet::new(),
            chosen,
            fallback: None,
        };
        Self {
            all,
            projects: vec![project],
        }
    }

    /// Resolves the names given with `--inventory` for each project.
    fn choose(&mut self, chosen: &[String], context: &StoreContext<'_>) {
        let mut files: Vec<(&str, usize)> = Vec::new();
        for project in 0..self.projects.len() {
            let mut chain = Vec::with_capacity(chosen.len());
            for name in chosen {
                chain.push(self.choose_one(project, name, &mut files, context));
            }
            if let Some(project) = self.projects.get_mut(project) {
                project.chosen = Some(chain);
            }
        }
    }

    /// Returns the index of the inventory that a name means to a project. `files` contains the
    /// files that were added for earlier names.
    fn choose_one<'n>(
        &mut self,
        project: usize,
        name: &'n str,
        files: &mut Vec<(&'n str, usize)>,
        context: &StoreContext<'_>,
    ) -> usize {
        // A configured name cannot look like a path, so a path never means a configured inventory.
        let mut projects = self
            .projects
            .get(project)
            .into_iter()
            .chain(self.projects.first());
        if let Some(index) = projects.find_map(|project| project.index_of(name)) {
            return index;
        }
        if let Some(&(_, index)) = files.iter().find(|(file, _)| *file == name) {
            return index;
        }
        let inventory = match context.standard_input.filter(|_| name == STANDARD_INPUT) {
            Some(bytes) => FileInventory::from_standard_input(bytes, context.cwd),
            None => self.chosen_file(name, context),
        };
        let index = self.add(Box::new(inventory));
        files.push((name, index));
        index
    }

    /// Creates the inventory for a path given with `--inventory`. If the file does not exist, the
    /// error suggests the configured inventory with the nearest name.
    fn chosen_file(&self, name: &str, context: &StoreContext<'_>) -> FileInventory {
        let configured = self.projects.iter().flat_map(|project| &project.configured);
        let suggestion =
            nearest(name, configured.map(|(name, _)| name.as_str())).map(str::to_owned);
        let path = Path::new(name);
        let file = FileInventory::new(
            name.to_owned(),
            &paths::absolute(path, context.cwd),
            context.cwd,
            context.root,
        );
        file.with_given_path(path, context.cwd)
            .with_suggestion(suggestion)
            .from_command_line()
    }

    /// Finds the file `secrets.inventory.*` of each project.
    fn find_fallbacks(&mut self, projects: &[ConfiguredProject], context: &StoreContext<'_>) {
        let mut found: Vec<(PathBuf, usize)> = Vec::new();
        for (position, project) in projects.iter().enumerate() {
            let candidates = project
                .folders
                .iter()
                .flat_map(|folder| FALLBACK_NAMES.map(|name| folder.join(name)));
            let Some(path) = candidates
                .into_iter()
                .find(|path| path.symlink_metadata().is_ok())
            else {
                continue;
            };
            let index = self
                .configured_for_file(position, &path)
                .or_else(|| {
                    found
                        .iter()
                        .find(|(earlier, _)| *earlier == path)
                        .map(|&(_, index)| index)
                })
                .unwrap_or_else(|| {
                    let name = paths::relative(&path, context.cwd);
                    let inventory = FileInventory::new(name, &path, context.cwd, context.root);
                    self.add(Box::new(inventory.discovered(context.root)))
                });
            found.push((path, index));
            if let Some(project) = self.projects.get_mut(position) {
                project.fallback = Some(index);
            }
        }
    }

    /// Returns the configured inventory of a project that reads `path`. A fallback file that the
    /// config lists too is this inventory, not a second one whose names nothing uses.
    fn configured_for_file(&self, project: usize, path: &Path) -> Option<usize> {
        let configured = self
            .projects
            .get(project)?
            .configured
            .iter()
            .map(|&(_, index)| index);
        configured
            .into_iter()
            .find(|&index| self.get(index).and_then(Inventory::file) == Some(path))
    }

    fn add(&mut self, inventory: Box<dyn Inventory>) -> usize {
        self.all.push(inventory);
        self.all.len() - 1
    }

    fn project(&self, config: &Config) -> Option<&ProjectInventories> {
        self.projects
            .iter()
            .find(|project| project.config == config.file)
            .or(self.projects.first())
    }

    /// Returns the inventories that the stack file at the absolute `path` uses: one chain for each
    /// of its environments, or one without an environment. Returns `None` if no inventory is
    /// configured for it, and an empty list if this run uses none of its environments.
    pub fn chains(
        &self,
        config: &Config,
        path: &Path,
        secrets_manager: Option<&str>,
    ) -> Option<Vec<InventoryChain>> {
        let project = self.project(config)?;
        let one = |inventories| Some(vec![InventoryChain::without_environment(inventories)]);
        if let Some(chosen) = &project.chosen {
            return one(chosen.clone());
        }
        if let Some(index) = secrets_manager.and_then(|name| project.index_of(name)) {
            return one(vec![index]);
        }
        let route = config.route(path).map(|route| &route.target);
        let names = match route {
            Some(RouteTarget::Inventories(names)) => return one(project.indices_of(names)),
            Some(RouteTarget::Environments(names)) => Some(names),
            None => None,
        };
        if !config.environments.is_empty() {
            let environments = config.environments.iter().enumerate();
            let used = environments.filter(|(_, environment)| {
                environment.is_selected
                    && names.is_none_or(|names| names.contains(&environment.name))
            });
            return Some(used.map(|(at, it)| project.chain_of(at, it)).collect());
        }
        if let [(_, index)] = project.configured.as_slice() {
            return one(vec![*index]);
        }
        project.fallback.and_then(|index| one(vec![index]))
    }

    /// Returns the inventories of an environment of a config, whether this run uses it or not.
    pub fn environment(&self, config: &Config, name: &str) -> Option<InventoryChain> {
        let mut environments = config.environments.iter().enumerate();
        let (at, environment) = environments.find(|(_, environment)| environment.name == name)?;
        Some(self.project(config)?.chain_of(at, environment))
    }

    /// Returns the index of the inventory with a name in a config.
    pub fn configured(&self, config: &Config, name: &str) -> Option<usize> {
        self.project(config)?.index_of(name)
    }

    /// Returns the inventories of each environment of a config that this run uses.
    pub fn environments(&self, config: &Config) -> Vec<InventoryChain> {
        let Some(project) = self.project(config) else {
            return Vec::new();
        };
        let environments = config.environments.iter().enumerate();
        let selected = environments.filter(|(_, environment)| environment.is_selected);
        selected.map(|(at, it)| project.chain_of(at, it)).collect()
    }

    /// Returns a chain with only this server for each environment of a config that uses it, or one
    /// without an environment.
    pub fn chains_of_server(&self, config: &Config, server: usize) -> Vec<InventoryChain> {
        let mut chains = self.environments(config);
        chains.retain(|chain| chain.inventories.contains(&server));
        for chain in &mut chains {
            chain.inventories = vec![server];
        }
        if chains.is_empty() {
            chains.push(InventoryChain::without_environment(vec![server]));
        }
        chains
    }

    /// Checks that the files and folders that `--inventory` names can be read.
    ///
    /// # Errors
    /// Returns the failure of the first that cannot.
    pub fn open_chosen(&self) -> Result<(), Failure> {
        let chosen: BTreeSet<usize> = self
            .projects
            .iter()
            .filter_map(|project| project.chosen.as_ref())
            .flatten()
            .copied()
            .collect();
        for index in chosen {
            // Stores are asked only when a reference needs an answer.
            let local = self
                .get(index)
                .filter(|inventory| inventory.file().is_some());
            if let Some(Err(StoreError::Invalid(failure))) =
                local.map(|inventory| inventory.names(&RequestedNames::new()))
            {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Returns the inventories that stacks may use: those that `--inventory` names, otherwise all
    /// that are configured or found.
    pub fn in_use(&self) -> impl Iterator<Item = (usize, &dyn Inventory)> {
        let used: BTreeSet<usize> = self
            .projects
            .iter()
            .flat_map(ProjectInventories::in_use)
            .collect();
        used.into_iter()
            .filter_map(|index| Some((index, self.get(index)?)))
    }

    /// Returns the inventories that the stacks of one config may use.
    pub fn in_use_of(&self, config: &Config) -> Vec<usize> {
        let used: BTreeSet<usize> = self
            .project(config)
            .into_iter()
            .flat_map(ProjectInventories::in_use)
            .collect();
        used.into_iter().collect()
    }

    /// Returns the inventories that `--inventory` names for the stacks of one config, in its order. An
    /// inventory that is named twice is returned twice.
    pub fn chosen_of(&self, config: &Config) -> &[usize] {
        let project = self.project(config);
        let chosen = project.and_then(|project| project.chosen.as_deref());
        chosen.unwrap_or_default()
    }

    /// Returns all inventories, whether in use or not.
    pub fn all(&self) -> impl Iterator<Item = &dyn Inventory> {
        self.all.iter().map(AsRef::as_ref)
    }

    /// Returns an inventory by its index.
    pub fn get(&self, index: usize) -> Option<&dyn Inventory> {
        self.all.get(index).map(AsRef::as_ref)
    }

    /// Returns the name of an inventory by its index, for messages.
    pub fn name(&self, index: usize) -> &str {
        self.get(index).map_or("?", Inventory::name)
    }

    /// Returns the number of inventories.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns whether there are no inventories.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
