//! The declarations in the files of a project that a run does not check.
//!
//! `stackref check Makefile` must answer a reference as `stackref check .` does, so a declaration in
//! `setup.sh` counts in both. [`resolve`](super::resolve) reads these files once, and only if a
//! reference needs them. Nothing but their declarations is used.

use crate::diagnostics::error::Failure;
use crate::lint::scan::{self, PathRoots, Scan};
use crate::project::configs::Configs;
use crate::project::discover::{Search, Selection};
use crate::system::paths;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The files of a project, besides those of the scan, that may declare secrets.
pub struct OtherFiles<'s> {
    search: Search<'s>,
    configs: Option<Configs>,
    folder: PathBuf,
    roots: &'s PathRoots,
    found: OnceLock<Scan>,
}

impl<'s> OtherFiles<'s> {
    /// Creates the files below `folder`. `configs` are the configs to use instead of those of the
    /// search, so that the configs of other files have no effect on the run.
    pub fn new(
        search: Search<'s>,
        configs: Option<Configs>,
        folder: PathBuf,
        roots: &'s PathRoots,
    ) -> Self {
        Self {
            search,
            configs,
            folder,
            roots,
            found: OnceLock::new(),
        }
    }

    /// Returns the files with their declarations, or `None` if they were not needed.
    pub fn found(&self) -> Option<&Scan> {
        self.found.get()
    }

    /// Returns the files that are not in a scan, with their declarations. The first call reads them.
    /// Files that cannot be read and configs with errors are among its failures.
    pub(super) fn read(&self, scan: &Scan) -> &Scan {
        self.found.get_or_init(|| self.search_besides(scan))
    }

    fn search_besides(&self, scan: &Scan) -> Scan {
        let configs = self.configs.as_ref();
        let search = Search {
            configs: configs.unwrap_or(self.search.configs),
            scripts: true,
            no_exclude: self.search.no_exclude,
            inventory_folders: self.search.inventory_folders.clone(),
            output_folder: self.search.output_folder.clone(),
            roots: self.search.roots.clone(),
        };
        let selection = Selection {
            folders: vec![self.folder.clone()],
            ..Selection::default()
        };
        let roots = PathRoots {
            cwd: self.roots.cwd.clone(),
            root: self.roots.root.clone(),
            keep_documents: false,
            honor_literal_comments: self.roots.honor_literal_comments,
            repository: self.roots.repository.clone(),
        };
        let mut found = scan::read_declaring_files(&search, &selection, &roots, scan);
        let invalid = configs.map(Configs::invalid_files).unwrap_or_default();
        let failures = invalid.iter().map(|file| {
            let shown = paths::relative(file, &roots.cwd);
            Failure::usage(format!(
                "the config `{shown}` has errors, so the defaults apply to its files"
            ))
        });
        found.skipped.failures.extend(failures);
        found
    }
}
