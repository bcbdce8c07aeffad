//! The survey of a repository, and the config that `init` writes for it.
//!
//! The config contains only names and paths, and no value of a stack, an inventory or the
//! environment. The same repository always gives the same text.

mod candidates;
mod command_files;
mod config_text;
mod detected_environments;
mod detection;
mod environment_text;
pub mod hook;
mod inventory_kind;
mod pairing;

pub use command_files::{CommandFiles, DeclaredSummary};
pub use config_text::{HINTS, Hint};
pub use detected_environments::DetectedEnvironment;
pub use detection::{DetectedInventory, local_secrets};
pub use inventory_kind::DetectedKind;

use crate::diagnostics::rule_id::RuleId;
use crate::lint::analysis::Analysis;
use crate::lint::scan::Scan;
use crate::sources::reference::Reference;
use crate::zenml::flavors::Version;
use command_files::{command_files, needs_route, needs_variables};
use detected_environments::DetectedEnvironments;
use detection::{DetectionResult, path_from_root};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The stack files, the files with commands and the inventories of a repository.
pub struct Survey {
    /// The root of the repository, absolute.
    pub root: PathBuf,
    /// The stack files, as sorted paths from the root.
    pub stacks: Vec<String>,
    /// The files with `zenml` commands, by their source.
    pub commands: Vec<CommandFiles>,
    /// The secrets that these commands create.
    pub declared: DeclaredSummary,
    /// The number of stack files that cannot be parsed.
    pub unparsed: usize,
    /// The number of references that only `stackref render` resolves: inside longer strings,
    /// sequences or mappings.
    pub render_only_references: usize,
    /// The inventories.
    pub inventories: Vec<DetectedInventory>,
    /// Files with the name of an inventory, each with the reason why it is not one.
    pub skipped_files: Vec<(String, &'static str)>,
    /// Files with references but without an inventory. If there is a single inventory: the files
    /// outside its folder.
    pub unrouted: Vec<String>,
    /// The environments, from development to production; empty unless there are several.
    pub environments: Vec<DetectedEnvironment>,
    /// If there are environments: the files that belong to all of them.
    pub in_all_environments: Vec<String>,
    /// The names of environments that stack files have. Without inventories of these names, they are
    /// only an example in the config.
    stack_environments: Vec<&'static str>,
    /// The variable in dynamic references, if there is only one.
    variable: Option<String>,
    /// The versions of ZenML that stacks declare, except for the newest.
    versions: BTreeSet<Version>,
    routes: Vec<pairing::ProposedRoute>,
}

impl Survey {
    /// Surveys a repository whose files are already scanned. Reads the inventories from disk.
    /// `answers_all` is true if the declarations of the scan answer all references.
    pub fn from_scan(root: &Path, scan: &Scan, answers_all: bool) -> Self {
        let stack_files = scan.files.iter().filter(|file| !file.syntax.is_script());
        let files = || {
            stack_files
                .clone()
                .filter(|file| file.path.starts_with(root))
        };
        let DetectionResult {
            inventories,
            skipped_files,
        } = detection::detect_inventories(root, files().map(|file| file.path.as_path()));
        let findings = files().flat_map(|file| &file.findings);
        let environments = DetectedEnvironments::of_inventories(root, &inventories);
        // An environment can have the values of variables.
        let is_looked_up = |file: &&Analysis| {
            needs_route(root, file) || (environments.is_some() && needs_variables(root, file))
        };
        let with_references = scan.files.iter().filter(is_looked_up);
        let proposed = pairing::routes(root, with_references, &inventories, environments.as_ref());
        let versions = files()
            .flat_map(|file| &file.stacks)
            .map(|stack| stack.version);
        Self {
            root: root.to_path_buf(),
            stacks: files()
                .map(|file| path_from_root(root, &file.path))
                .collect(),
            commands: command_files(root, scan),
            declared: DeclaredSummary::of_scan(scan, answers_all),
            unparsed: files()
                .filter(|file| file.stacks.is_empty() && !file.findings.is_empty())
                .count(),
            render_only_references: findings
                .filter(|finding| {
                    matches!(
                        finding.rule(),
                        RuleId::EmbeddedReference | RuleId::NestedReference
                    )
                })
                .count(),
            inventories,
            skipped_files,
            unrouted: proposed.unrouted,
            environments: environments.map(|it| it.all).unwrap_or_default(),
            in_all_environments: proposed.in_all_environments,
            stack_environments: detected_environments::names_of_stacks(
                root,
                files().map(|file| file.path.as_path()),
            ),
            variable: only_variable(root, scan),
            versions: versions
                .filter(|version| *version != Version::NEWEST)
                .collect(),
            routes: proposed.routes,
        }
    }

    /// Returns whether no file was found that stackref reads.
    pub fn is_empty(&self) -> bool {
        self.stacks.is_empty() && self.commands.is_empty()
    }

    /// Returns whether `check` looks up references without any change to the config.
    pub fn can_look_up(&self) -> bool {
        !self.inventories.is_empty() || self.declared.replaces_inventories()
    }
}

/// Returns the variable in the dynamic references below the root. Returns `None` if there are several,
/// or if its name cannot be a key of `variables`.
fn only_variable(root: &Path, scan: &Scan) -> Option<String> {
    let files = scan.files.iter().filter(|file| needs_variables(root, file));
    let names: BTreeSet<&str> = files
        .flat_map(|file| &file.dynamic_references)
        .filter_map(Reference::only_variable)
        .collect();
    let is_name = |name: &&str| {
        !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let only = names
        .first()
        .filter(|name| names.len() == 1 && is_name(name));
    only.map(|name| (*name).to_owned())
}
