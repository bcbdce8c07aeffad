//! The settings of a check: the level, the inventories, and the extent of the run.

use crate::inventory::Inventories;
use crate::inventory::lookup::{LookupResults, ReferenceLookup};
use crate::lint::baseline::Baseline;
use crate::lint::other_files::OtherFiles;
use crate::lint::registered_servers::RegisteredServers;
use crate::project::config::{Config, EnvironmentConfig, Level};
use crate::project::configs::Configs;
use crate::system::paths;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The choice of a level: the same for all files, or that of each config.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelChoice<'s> {
    /// The level of all files; `None` for that of each config.
    fixed: Option<Level>,
    /// The flag or variable that sets the level, for the summary.
    origin: Option<&'s str>,
}

impl<'s> LevelChoice<'s> {
    /// Creates a choice of the same level for all files.
    pub const fn fixed(level: Level) -> Self {
        Self {
            fixed: Some(level),
            origin: None,
        }
    }

    /// Creates a choice of the same level for all files, set by a flag or a variable.
    pub fn with_origin(level: Level, origin: &'s str) -> Self {
        Self {
            fixed: Some(level),
            origin: Some(origin),
        }
    }

    /// Returns the level of look-ups in an environment, or without one.
    pub fn of(self, config: &Config, environment: Option<&EnvironmentConfig>) -> Level {
        let of_environment = environment.and_then(|environment| environment.level);
        let level = self.fixed.or(of_environment).or(config.level);
        level.unwrap_or_default()
    }

    /// Returns the highest level of the files of a config.
    pub fn highest(self, config: &Config) -> Level {
        let levels = self.in_environments(config).map(|(_, level)| level);
        levels.max().unwrap_or_else(|| self.of(config, None))
    }

    /// Returns the lowest level of the files of a config.
    pub fn lowest(self, config: &Config) -> Level {
        let levels = self.in_environments(config).map(|(_, level)| level);
        levels.min().unwrap_or_else(|| self.of(config, None))
    }

    /// Returns each level of the files of a config, with the environment in which it applies.
    /// Environments that the run does not use are omitted. Some files may have no environment.
    pub fn in_environments(
        self,
        config: &Config,
    ) -> impl Iterator<Item = (Option<&EnvironmentConfig>, Level)> {
        let used = config.environments.iter().filter(|it| it.is_selected);
        let has_others = config.environments.is_empty() || config.has_inventory_routes();
        let others = has_others.then_some(None);
        let environments = used.map(Some).chain(others);
        environments.map(move |environment| (environment, self.of(config, environment)))
    }

    /// Returns the setting of the level in an environment, or without one; `None` if it is the
    /// default.
    pub fn origin(
        self,
        config: &Config,
        environment: Option<&EnvironmentConfig>,
    ) -> Option<String> {
        match self.fixed {
            Some(_) => self.origin.map(str::to_owned),
            None => config.level_location(environment),
        }
    }

    /// Returns the level and its setting for the summary: `level none from --level`.
    pub fn reason(self, config: &Config, environment: Option<&EnvironmentConfig>) -> String {
        let level = self.of(config, environment).name();
        self.origin(config, environment).map_or_else(
            || format!("level {level}"),
            |origin| format!("level {level} from {origin}"),
        )
    }
}

/// Answers lookups in place of the inventories, for example from earlier answers.
pub trait AnswerSource: Sync {
    /// Returns answers to lookups at a level. An inventory that they do not contain counts as not
    /// asked.
    fn answer(&self, lookups: BTreeSet<ReferenceLookup>, level: Level) -> Arc<LookupResults>;
}

/// The settings of a check.
#[derive(Clone, Copy)]
pub struct Settings<'s> {
    /// The configs of the files.
    pub configs: &'s Configs,
    /// The level.
    pub level: LevelChoice<'s>,
    /// The inventories.
    pub inventories: &'s Inventories,
    /// The folders that were scanned as a whole. Only there, it is known which secrets are unused.
    pub walked_folders: &'s [PathBuf],
    /// The folder of the files without a config: their repository, or else the common folder of the
    /// arguments.
    pub project: &'s Path,
    /// The root of the repository.
    pub root: &'s Path,
    /// The files that are not checked but may declare secrets; `None` if their declarations do not
    /// count.
    pub other_files: Option<&'s OtherFiles<'s>>,
    /// Whether an empty listing means an empty store, and not missing permissions. `register` uses
    /// this to fill a new store.
    pub allow_empty_listing: bool,
    /// Whether comments and the config suppress findings.
    pub honor_ignores: bool,
    /// The servers whose components are among the files; `None` if no server was read.
    pub registered: Option<&'s RegisteredServers>,
    /// Whether the scan contains the findings of `--leaks`.
    pub leaks: bool,
    /// What answers lookups in place of the inventories; `None` to ask the inventories.
    pub answer_source: Option<&'s dyn AnswerSource>,
    /// The known findings, which are not reported.
    pub baseline: Option<&'s Baseline>,
    /// The baseline that this run replaces. Its findings are reported, and its stale entries, too.
    pub replaced_baseline: Option<&'s Baseline>,
}

impl<'s> Settings<'s> {
    /// Creates the settings of a check without flags.
    pub fn new(configs: &'s Configs, level: LevelChoice<'s>, inventories: &'s Inventories) -> Self {
        Self {
            configs,
            level,
            inventories,
            walked_folders: &[],
            project: Path::new(""),
            root: Path::new(""),
            other_files: None,
            allow_empty_listing: false,
            honor_ignores: true,
            registered: None,
            leaks: false,
            answer_source: None,
            baseline: None,
            replaced_baseline: None,
        }
    }

    /// Returns whether all files of a config were scanned.
    pub(super) fn covers(&self, config: &Config) -> bool {
        self.was_walked(if config.file.is_some() {
            &config.folder
        } else {
            self.project
        })
    }

    /// Returns whether all files that may use an inventory were scanned. If the inventory's file is
    /// outside of the config's folder, configs of other folders may use it, too.
    pub(super) fn covers_users_of(&self, config: &Config, file: Option<&Path>) -> bool {
        let is_outside = file.is_some_and(|file| {
            config.file.is_some() && !file.starts_with(paths::canonicalize_existing(&config.folder))
        });
        self.covers(config) && (!is_outside || self.was_walked(self.root))
    }

    fn was_walked(&self, folder: &Path) -> bool {
        self.walked_folders
            .iter()
            .any(|walked| folder.starts_with(walked))
    }
}
