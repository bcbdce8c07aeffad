//! The components that are registered on the ZenML servers of a run.
//!
//! Each component becomes a stack with this one component, in a text that stackref writes. So the
//! rules check its attributes as they check those of a file. Reports show the path of the component
//! on the server, and no part of the text.

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{Progress, parallel_map};
use crate::inventory::{Inventories, RegisteredComponent, RegisteredStacks, StoreError};
use crate::lint::analysis::{Analysis, analyze_registered};
use crate::lint::scan::PathRoots;
use crate::project::config::Config;
use crate::text::source::SourceFile;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The registered stacks of each server, by the index of its inventory.
#[derive(Debug, Default)]
pub struct RegisteredServers {
    servers: BTreeMap<usize, RegisteredStacks>,
}

/// The servers to read: the index of each inventory, with the config that it belongs to.
pub type ServerConfigs = BTreeMap<usize, Arc<Config>>;

/// The components of servers, and the failures of servers that could not answer.
#[derive(Debug, Default)]
pub struct ReadServers {
    /// The registered stacks.
    pub servers: RegisteredServers,
    /// The analyses of the components, in the order of their paths.
    pub components: Vec<Analysis>,
    /// The failures.
    pub failures: Vec<Failure>,
}

impl RegisteredServers {
    /// Returns whether no server was read.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Iterates over the inventories of the servers, by index.
    pub fn inventories(&self) -> impl Iterator<Item = usize> {
        self.servers.keys().copied()
    }

    /// Returns the component of a type and a name on the server of an inventory.
    pub(super) fn component(
        &self,
        server: usize,
        kind: &str,
        name: &str,
    ) -> Option<&RegisteredComponent> {
        let components = &self.servers.get(&server)?.components;
        let key = |component: &RegisteredComponent| {
            (component.kind.as_str(), component.name.as_str()).cmp(&(kind, name))
        };
        let at = components.binary_search_by(key).ok()?;
        components.get(at)
    }
}

/// Reads the components of servers, several at a time.
pub fn read_servers(
    configs: &ServerConfigs,
    inventories: &Inventories,
    roots: &PathRoots,
    progress: Option<Progress<'_>>,
) -> ReadServers {
    let answers = parallel_map(configs.clone(), progress, |&index, _| {
        let inventory = inventories.get(index).ok_or(StoreError::NotFound)?;
        inventory.registered_stacks()
    });
    let mut read = ReadServers::default();
    for (index, answer) in answers {
        let name = inventories.name(index);
        match (answer, configs.get(&index)) {
            (Ok(stacks), Some(config)) => {
                for component in &stacks.components {
                    let version = stacks.version.as_deref();
                    match analyze(component, version, (index, name), config, roots) {
                        Some(analysis) => read.components.push(analysis),
                        None => read.failures.push(unreadable(component, name)),
                    }
                }
                read.servers.servers.insert(index, stacks);
            }
            (Err(error), _) => {
                let subject = "the registered components";
                read.failures.push(error.into_failure(name, subject));
            }
            (Ok(_), None) => {}
        }
    }
    let path = |analysis: &Analysis| analysis.source.path().to_owned();
    read.components.sort_by_cached_key(path);
    read
}

/// Analyzes a component as a stack with this component. Returns `None` if it is too deep.
fn analyze(
    component: &RegisteredComponent,
    version: Option<&str>,
    (server, inventory): (usize, &str),
    config: &Config,
    roots: &PathRoots,
) -> Option<Analysis> {
    let path = component.path(inventory);
    let absolute: PathBuf = std::iter::once(config.folder.as_path())
        .chain(
            path.split('/')
                .filter(|part| !part.is_empty())
                .map(str::as_ref),
        )
        .collect();
    let source = SourceFile::new(&*path, stack_text(component, version))
        .with_repository_path(&*path)
        .with_absolute_path(&absolute);
    analyze_registered(source, absolute, server, roots)
}

/// Returns the text of a stack that contains only this component. If several stacks use it, the
/// stack is the first of them.
fn stack_text(component: &RegisteredComponent, version: Option<&str>) -> String {
    let kind = component.kind.clone();
    let configuration = json!({
        "name": component.name,
        "flavor": component.flavor,
        "configuration": component.attributes,
    });
    let mut stack = json!({
        "zenml_version": version.unwrap_or_default(),
        "components": {kind: configuration},
    });
    if let (Some(first), Some(stack)) = (component.stacks.first(), stack.as_object_mut()) {
        stack.insert("stack_name".to_owned(), Value::from(&**first));
    }
    stack.to_string()
}

fn unreadable(component: &RegisteredComponent, inventory: &str) -> Failure {
    let path = component.path(inventory);
    Failure::unanswered(format!("cannot read `{path}`: its attributes are too deep"))
        .with_help("simplify its configuration")
}
