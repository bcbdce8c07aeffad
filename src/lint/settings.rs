//! The settings of a check: the level, the inventories, and the extent of the run.

use crate::inventory::Inventories;
use crate::lint::baseline::Baseline;
use crate::lint::other_files::OtherFiles;
use crate::project::config::{Config, Level};
use crate::project::configs::Configs;
use crate::system::paths;
use std::path::{Path, PathBuf};

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

    /// Returns the level of the files of a config.
    pub fn for_config(self, config: &Config) -> Level {
        self.fixed.or(config.level).unwrap_or_default()
    }

    /// Returns the setting of the level for the files of a config; `None` if it is the default.
    pub fn origin(self, config: &Config) -> Option<String> {
        match self.fixed {
            Some(_) => self.origin.map(str::to_owned),
            None => config.level_location(),
        }
    }

    /// Returns the level and its setting for the summary: `level none from --level`.
    pub fn reason(self, config: &Config) -> String {
        let level = self.for_config(config).name();
        self.origin(config).map_or_else(
            || format!("level {level}"),
            |origin| format!("level {level} from {origin}"),
        )
    }
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
    /// Whether the scan contains the findings of `--leaks`.
    pub leaks: bool,
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
            leaks: false,
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
