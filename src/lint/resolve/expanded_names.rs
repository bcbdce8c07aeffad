//! The names that variables of the environments give to dynamic references.

use crate::lint::lookup_targets::LookupTargets;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::reference::ReferenceNames;
use std::collections::HashMap;

/// The names of dynamic references, by file, index in the file, and environment.
#[derive(Default)]
pub struct ExpandedNames {
    names: HashMap<(usize, usize, usize), ReferenceNames>,
}

impl ExpandedNames {
    /// Expands the dynamic references of a scan in each of their environments.
    pub fn new(scan: &Scan, settings: &Settings<'_>) -> Self {
        let mut expanded = Self::default();
        let mut targets = LookupTargets::new(settings);
        if !targets.has_variables() {
            return expanded;
        }
        for (file_index, file) in scan.files.iter().enumerate() {
            if file.dynamic_references.is_empty() {
                continue;
            }
            let config = settings.configs.for_file(&file.path);
            for (index, reference) in file.dynamic_references.iter().enumerate() {
                let list = targets.of_stack(file, reference.stack, &config);
                let Some(list) = targets.list(list) else {
                    continue;
                };
                for environment in list.targets.iter().filter_map(|it| it.environment) {
                    let variables = targets.variables(environment);
                    let names = variables.and_then(|variables| reference.expand(variables));
                    let key = (file_index, index, environment);
                    expanded.names.extend(names.map(|names| (key, names)));
                }
            }
        }
        expanded
    }

    /// Returns the names of a dynamic reference in an environment. Returns `None` if it stays dynamic.
    pub(super) fn get(
        &self,
        file: usize,
        index: usize,
        environment: Option<usize>,
    ) -> Option<&ReferenceNames> {
        self.names.get(&(file, index, environment?))
    }

    /// Iterates over the names, each with the index of its file and the index of the dynamic reference
    /// in the file.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, &ReferenceNames)> {
        let names = self.names.iter();
        names.map(|(&(file, index, _), names)| (file, index, names))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
