//! Lists of files that contain a config or an inventory: such a change can break any stack, so the
//! whole project is checked.

use super::Workspace;
use super::file_selection::nearest_config;
use super::repository_roots;
use crate::project::config::{self, Config, FALLBACK_NAMES, InventoryConfig, InventoryKind};
use crate::project::configs::Configs;
use crate::project::discover::Search;
use crate::system::paths;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Workspace {
    /// Returns whether the selection contains every file that can use an inventory of this project.
    pub fn covers_project(&self) -> bool {
        self.selection.covers(self.project())
    }

    /// Replaces a list of files by the whole project if the list contains a config or an inventory.
    /// Returns the file that caused this, if there is one. A listed file that does not exist
    /// counts, too, since removing an inventory can break a stack. `chosen` are the inventories of
    /// the flags.
    pub fn widen_to_project(&mut self, chosen: &[String]) -> Option<PathBuf> {
        if self.selection.listed_files.is_empty() {
            return None;
        }
        let chosen: Vec<PathBuf> = chosen
            .iter()
            .map(|name| {
                paths::canonicalize_existing(&paths::absolute(
                    Path::new(name),
                    &self.path_roots.cwd,
                ))
            })
            .collect();
        for listed in &self.selection.listed_files {
            self.configs.for_file(listed);
        }
        let mut configs = self.known_configs();
        configs.extend(self.configs_elsewhere());
        let (mut decisive, mut folders) = (None, Vec::new());
        for listed in &self.selection.listed_files {
            let canonical = paths::canonicalize_existing(listed);
            for config in &configs {
                if chosen.contains(&canonical) || self.can_break(config, listed, &canonical) {
                    folders.push(self.folder_of(config).to_path_buf());
                    decisive.get_or_insert_with(|| listed.clone());
                }
            }
        }
        self.selection
            .listed_files
            .retain(|listed| !folders.iter().any(|folder| listed.starts_with(folder)));
        self.selection.folders.append(&mut folders);
        self.selection.folders.sort();
        self.selection.folders.dedup();
        self.roots = repository_roots(&self.selection.folders, self.git.owners());
        decisive
    }

    /// Returns the configs in all folders of the repository, since a config of another folder may
    /// use a listed file as its inventory. A config with errors is not returned; it is reported
    /// when a file of its folder is checked.
    fn configs_elsewhere(&self) -> Vec<Arc<Config>> {
        let setup = &self.files.setup;
        let root = self
            .git
            .owners()
            .root(&self.path_roots.cwd)
            .filter(|_| setup.config.is_none() && !setup.no_config);
        let Some(root) = root else { return Vec::new() };
        let all = Configs::nearest(nearest_config(
            &self.files,
            &root,
            &[],
            &self.path_roots.cwd,
            self.git.owners(),
        ));
        Search {
            configs: &all,
            ..self.search()
        }
        .find_configs(&root);
        let mut configs = all.known_configs();
        configs.retain(|config| config.file.is_some());
        configs
    }

    /// Returns whether a change of a file can break any stack of a config: the file is the config
    /// or one of its inventories.
    fn can_break(&self, config: &Config, listed: &Path, canonical: &Path) -> bool {
        config
            .file
            .as_deref()
            .is_some_and(|file| paths::canonicalize_existing(file) == canonical)
            || config
                .inventories
                .iter()
                .any(|inventory| is_part_of(canonical, inventory))
            || self.is_fallback_inventory(config, listed)
            || self.is_new_config(config, listed)
    }

    /// Returns whether a file is an inventory that a config need not name.
    fn is_fallback_inventory(&self, config: &Config, listed: &Path) -> bool {
        let (Some(name), Some(folder)) = (listed.file_name(), listed.parent()) else {
            return false;
        };
        let folder = paths::canonicalize_existing(folder);
        FALLBACK_NAMES.iter().any(|fallback| name == *fallback)
            && self
                .inventory_folders(config)
                .iter()
                .any(|other| paths::canonicalize_existing(other) == folder)
    }

    /// Returns whether a file has the name of a config and is in the project of `config`. It may be
    /// deleted.
    fn is_new_config(&self, config: &Config, listed: &Path) -> bool {
        listed
            .file_name()
            .is_some_and(|name| name == config::FILE_NAME)
            && self.configs.for_file(listed).file == config.file
            && self.search().matching_exclude(listed).is_none()
    }
}

/// Returns whether a file belongs to an inventory.
fn is_part_of(canonical: &Path, inventory: &InventoryConfig) -> bool {
    match &inventory.kind {
        InventoryKind::File(path) | InventoryKind::Sops(path) => {
            paths::canonicalize_existing(path) == canonical
        }
        InventoryKind::Dir(folder) => canonical.starts_with(paths::canonicalize_existing(folder)),
        _ => false,
    }
}
