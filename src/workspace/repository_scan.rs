//! The declarations of the whole repository, for inventories of kind `repository`.

use super::file_selection::load_configs;
use super::{Workspace, repository_roots};
use crate::diagnostics::error::Failure;
use crate::inventory::RepositorySecrets;
use crate::lint::scan::{self, PathRoots, Scan};
use crate::lint::secret_list::repository_secrets;
use crate::project::config::{Config, InventoryKind};
use crate::project::discover::{Search, Selection};
use std::sync::Arc;

impl Workspace {
    /// Returns the secrets that the repository declares; none if `configs` use no inventory of kind
    /// `repository`. `chosen` are the inventories of the flags.
    ///
    /// If `scan` contains only a part of the repository, or no scripts, the rest is read here: a
    /// secret that is declared in another file exists, too.
    pub(super) fn declared_secrets(
        &self,
        scan: &Scan,
        configs: &[Arc<Config>],
        chosen: &[String],
    ) -> Arc<RepositorySecrets> {
        if !configs.iter().any(|config| uses_repository(config, chosen)) {
            return Arc::default();
        }
        let is_complete = self.has_read_scripts && self.selection.covers(&self.path_roots.root);
        let declared = if is_complete {
            repository_secrets(&[scan])
        } else {
            let (rest, failures) = self.scan_repository();
            let mut declared = repository_secrets(&[scan, &rest]);
            declared.failures.extend(failures);
            declared
        };
        Arc::new(declared)
    }

    /// Reads the files of the repository. Also returns the failures of its configs.
    fn scan_repository(&self) -> (Scan, Vec<Failure>) {
        let root = self.path_roots.root.clone();
        let selection = Selection {
            folders: vec![root.clone()],
            ..Selection::default()
        };
        let owners = self.git.owners();
        let cwd = &self.path_roots.cwd;
        // Other configs than those of the run, so that a config that no selected file uses adds no
        // inventories and no warnings.
        let configs = match load_configs(&self.files, &selection, &root, cwd, owners) {
            Ok(configs) => configs,
            Err(failures) => return (Scan::default(), failures),
        };
        let search = Search {
            configs: &configs,
            scripts: true,
            roots: repository_roots(&selection.folders, owners),
            ..self.search()
        };
        let roots = PathRoots {
            cwd: cwd.clone(),
            root,
            keep_documents: false,
            honor_literal_comments: true,
            repository: self.path_roots.repository.clone(),
        };
        let mut scan = scan::run(&search, &selection, &roots);
        // The buffer of an editor replaces the file.
        if let Some((name, _)) = &self.stdin {
            scan.files.retain(|file| file.path != *name);
        }
        (scan, configs.check().err().unwrap_or_default())
    }
}

/// Returns whether a config uses an inventory of kind `repository`.
fn uses_repository(config: &Config, chosen: &[String]) -> bool {
    config.inventories.iter().any(|inventory| {
        inventory.kind == InventoryKind::Repository
            && (chosen.is_empty() || chosen.contains(&inventory.name))
    })
}
