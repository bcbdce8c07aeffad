//! Where the names in a file are looked up, for tools that list names instead of checking references.

use crate::lint::analysis::Analysis;
use crate::lint::lookup_targets::LookupTargets;
use crate::lint::settings::Settings;
use crate::project::config::Level;

/// A place in which the references of a file are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTarget {
    /// The name of the environment; `None` without environments.
    pub environment: Option<String>,
    /// The inventories, in the order in which they are asked.
    pub chain: Vec<usize>,
    /// How much they are asked. It is not [`Level::None`].
    pub level: Level,
}

/// The places in which the references of a file are looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTargets {
    /// The distinct places of all stacks in the file, in the order of the environments.
    pub targets: Vec<FileTarget>,
    /// Whether inventories are configured for the file, even if the level forbids to ask them.
    pub is_configured: bool,
}

impl FileTargets {
    /// Returns the places in which the references of a file are looked up. A file without a stack has
    /// those of its path.
    pub fn of_file(file: &Analysis, settings: &Settings<'_>) -> Self {
        let config = settings.configs.for_file(&file.path);
        let mut known = LookupTargets::new(settings);
        let mut found = Self::default();
        for stack in 0..file.stacks.len().max(1) {
            let index = known.of_stack(file, stack, &config);
            let Some(list) = known.list(index) else {
                continue;
            };
            found.is_configured |= list.is_configured;
            let names = known.environment_names();
            for target in list.targets.iter().filter(|_| list.is_configured) {
                let environment = target.environment.and_then(|at| names.get(at));
                let target = FileTarget {
                    environment: environment.cloned(),
                    chain: known.chain(target.chain).to_vec(),
                    level: target.level,
                };
                if !found.targets.contains(&target) {
                    found.targets.push(target);
                }
            }
        }
        found
    }
}
