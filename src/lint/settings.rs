//! The settings of a check: level, inventories, and the extent of what was read.

use crate::inventory::Inventories;
use crate::lint::baseline::Baseline;
use crate::project::config::{Config, Level};
use crate::project::configs::Configs;
use crate::system::paths;
use std::path::{Path, PathBuf};

/// The level of each file: the same for all, or that of its config.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelChoice<'s> {
    /// The level of all files.
    fixed: Option<Level>,
    /// Where that comes from, as the summary names it.
    origin: Option<&'s str>,
}

impl<'s> LevelChoice<'s> {
    /// The same level for all files.
    pub const fn fixed(level: Level) -> Self {
        Self { fixed: Some(level), origin: None }
    }

    /// The same level for all files, from a flag or a variable.
    pub fn with_origin(level: Level, origin: &'s str) -> Self {
        Self { fixed: Some(level), origin: Some(origin) }
    }

    /// Returns the level of the files of a config.
    pub fn for_config(self, config: &Config) -> Level {
        self.fixed.or(config.level).unwrap_or_default()
    }

    /// Returns where the level of a config's files comes from; `None` if it is the default.
    pub fn origin(self, config: &Config) -> Option<String> {
        match self.fixed {
            Some(_) => self.origin.map(str::to_owned),
            None => config.level_location(),
        }
    }

    /// Returns the level and where it comes from, as the summary names them.
    pub fn reason(self, config: &Config) -> String {
        let level = self.for_config(config).name();
        self.origin(config).map_or_else(|| format!("level {level}"), |origin| format!("level {level} from {origin}"))
    }
}

/// What a check is made with.
#[derive(Clone, Copy)]
pub struct Settings<'s> {
    /// The configs of the files.
    pub configs: &'s Configs,
    /// How much may be asked.
    pub level: LevelChoice<'s>,
    /// The inventories.
    pub inventories: &'s Inventories,
    /// The folders that were walked: of a project in one of them it is known what no stack uses.
    pub walked_folders: &'s [PathBuf],
    /// The folder of the files that have no config: their repository, else what the arguments share.
    pub project: &'s Path,
    /// The root of the repository.
    pub root: &'s Path,
    /// Whether a store that shows nothing is taken to be empty: to fill it, that has to be tried.
    pub allow_empty_listing: bool,
    /// Whether comments and the config may silence findings.
    pub honor_ignores: bool,
    /// Whether the scan holds the values of secrets that stand in files.
    pub leaks: bool,
    /// Findings that are known.
    pub baseline: Option<&'s Baseline>,
    /// A baseline that this run replaces: its findings are reported, and its entries are judged.
    pub replaced_baseline: Option<&'s Baseline>,
}

impl<'s> Settings<'s> {
    /// Those of a check as it is done without flags.
    pub fn new(configs: &'s Configs, level: LevelChoice<'s>, inventories: &'s Inventories) -> Self {
        Self {
            configs,
            level,
            inventories,
            walked_folders: &[],
            project: Path::new(""),
            root: Path::new(""),
            allow_empty_listing: false,
            honor_ignores: true,
            leaks: false,
            baseline: None,
            replaced_baseline: None,
        }
    }

    /// Returns whether everything that has a config was walked.
    pub(super) fn covers(&self, config: &Config) -> bool {
        self.was_walked(if config.file.is_some() { &config.folder } else { self.project })
    }

    /// Returns whether everything that may use an inventory was walked. The configs of other folders may name a file that lies
    /// outside the folder of its config.
    pub(super) fn covers_users_of(&self, config: &Config, file: Option<&Path>) -> bool {
        let is_outside = file.is_some_and(|file| {
            config.file.is_some() && !file.starts_with(paths::canonicalize_existing(&config.folder))
        });
        self.covers(config) && (!is_outside || self.was_walked(self.root))
    }

    fn was_walked(&self, folder: &Path) -> bool {
        self.walked_folders.iter().any(|walked| folder.starts_with(walked))
    }
}
