//! The files with `zenml` commands, and the secrets that these commands create.

use super::detection::path_from_root;
use crate::document::Syntax;
use crate::lint::analysis::Analysis;
use crate::lint::scan::Scan;
use crate::lint::secret_list::repository_secrets;
use crate::output::count;
use crate::text::source_kind::SourceKind;
use std::collections::BTreeMap;
use std::path::Path;

/// The files of one source that contain `zenml` commands.
pub struct CommandFiles {
    source: SourceKind,
    /// The sorted paths from the root.
    pub paths: Vec<String>,
}

impl CommandFiles {
    /// Returns the number of files, for example "2 scripts with `zenml` commands".
    pub fn describe(&self) -> String {
        let noun = match self.source {
            SourceKind::Docs => "page",
            SourceKind::Python => "notebook",
            SourceKind::Stacks | SourceKind::Scripts | SourceKind::Terraform => "script",
        };
        format!("{} with `zenml` commands", count(self.paths.len(), noun))
    }
}

/// Returns the files with commands below the root, by their source.
pub(super) fn command_files(root: &Path, scan: &Scan) -> Vec<CommandFiles> {
    let mut by_source: BTreeMap<SourceKind, Vec<String>> = BTreeMap::new();
    for file in scan.files.iter().filter(|file| file.path.starts_with(root)) {
        if let Syntax::Script(host) = file.syntax {
            let paths = by_source.entry(host.source()).or_default();
            paths.push(path_from_root(root, &file.path));
        }
    }
    let sources = by_source.into_iter();
    sources
        .map(|(source, paths)| CommandFiles { source, paths })
        .collect()
}

/// Returns whether a file below the root uses inventories: a stack file, or a file with references
/// in commands. References in documentation are only compared with declarations.
pub(super) fn needs_route(root: &Path, file: &Analysis) -> bool {
    let uses_inventories = match file.syntax {
        Syntax::Script(host) => host.source() != SourceKind::Docs && !file.references.is_empty(),
        _ => true,
    };
    uses_inventories && file.path.starts_with(root)
}

/// Returns whether a file below the root has references whose names need the values of variables. Those
/// in documentation are not looked up.
pub(super) fn needs_variables(root: &Path, file: &Analysis) -> bool {
    let is_page = matches!(file.syntax, Syntax::Script(host) if host.source() == SourceKind::Docs);
    !is_page && !file.dynamic_references.is_empty() && file.path.starts_with(root)
}

/// The secrets that commands create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeclaredSummary {
    /// The number of declared secrets.
    pub secrets: usize,
    /// Whether every reference outside documentation means one of them, so that no inventory is
    /// necessary.
    pub answers_all: bool,
}

impl DeclaredSummary {
    /// Counts the declared secrets of a scan. `answers_all` is the result of a check without
    /// inventories.
    pub(super) fn of_scan(scan: &Scan, answers_all: bool) -> Self {
        Self {
            secrets: repository_secrets(&[scan]).secrets.len(),
            answers_all,
        }
    }

    /// Returns whether `check` needs no inventory.
    pub fn replaces_inventories(self) -> bool {
        self.secrets > 0 && self.answers_all
    }
}
