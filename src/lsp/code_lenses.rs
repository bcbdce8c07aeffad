//! `textDocument/codeLens`: the uses of each secret of an inventory file, and the environments that
//! lack it.

use super::client::PendingRequest;
use super::editor_project::EditorProject;
use super::navigation::{NamePlace, PlaceLocations, SecretNames, UsedInventory};
use super::server::Server;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::lint::reference_list::SecretSelector;
use crate::lint::settings::{AnswerSource, Settings};
use crate::output::count;
use crate::project::config::{Config, Level};
use gen_lsp_types as lsp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The command of the client that shows locations: `[uri, position, locations]`.
const SHOW_REFERENCES: &str = "stackref.showReferences";

/// An environment that does not use the inventory of the lenses.
struct OtherEnvironment {
    name: String,
    chain: Vec<usize>,
    answers: Arc<LookupResults>,
}

/// The facts about an inventory file.
struct LensFacts {
    inventory: UsedInventory,
    /// The uses of each secret.
    uses: HashMap<String, Vec<NamePlace>>,
    environments: Vec<OtherEnvironment>,
}

impl Server {
    /// Answers `textDocument/codeLens`.
    pub(super) fn code_lens(&mut self, params: &lsp::CodeLensParams) -> Option<Vec<lsp::CodeLens>> {
        let uri = &params.text_document.uri.0;
        let lenses = self.lenses_of(uri)?;
        self.code_lenses.insert(uri.clone(), lenses.clone());
        Some(lenses)
    }

    /// Asks the client to request the lenses again, if those of an open document have changed.
    pub(super) fn refresh_code_lenses(&mut self) {
        let documents = &self.documents;
        self.code_lenses
            .retain(|uri, _| documents.get(uri).is_some());
        if !self.client.support.code_lens_refresh {
            return;
        }
        let uris: Vec<String> = self.code_lenses.keys().cloned().collect();
        let mut has_changed = false;
        for uri in uris {
            // While an inventory cannot be read, the lenses stay.
            let Some(lenses) = self.lenses_of(&uri) else {
                continue;
            };
            let known = self.code_lenses.insert(uri, lenses.clone());
            has_changed |= known.is_none_or(|known| known != lenses);
        }
        if has_changed {
            let pending = PendingRequest::Acknowledgement;
            self.client
                .request::<lsp::CodeLensRefreshRequest>(&(), pending);
        }
    }

    /// Returns the lenses of an inventory file; `None` for other documents.
    fn lenses_of(&mut self, uri: &str) -> Option<Vec<lsp::CodeLens>> {
        let own = self.checked_project(uri)?.id;
        let document = self.documents.get(uri)?;
        let path = document.path.as_deref()?;
        // The innermost project comes first.
        let mut projects: Vec<&EditorProject> = self.projects.iter().collect();
        projects.sort_by_key(|project| project.id != own);
        let facts = projects.into_iter().find_map(|project| {
            let mut names = SecretNames::new(project);
            let at = names.inventory_at(path)?.index;
            let uses = uses_by_secret(&names);
            let at = names.inventories.iter().position(|it| it.index == at)?;
            let inventory = names.inventories.swap_remove(at);
            Some(LensFacts {
                environments: other_environments(project, &inventory),
                inventory,
                uses,
            })
        })?;
        if !document.has_text(facts.inventory.entries.source.text()) {
            return None;
        }
        let mut locations = PlaceLocations::new(&self.client.support, &self.documents);
        let shows = &self.client.support.commands;
        let shows = shows.iter().any(|command| command == SHOW_REFERENCES);
        let mut lenses = Vec::new();
        for secret in &facts.inventory.entries.secrets {
            let source = &facts.inventory.entries.source;
            let Some(range) = locations.range(source, secret.span) else {
                continue;
            };
            let uses = facts.uses.get(&secret.name).map_or(&[][..], Vec::as_slice);
            let uses = locations.locations(uses);
            let title = match uses.len() {
                0 => "no uses".to_owned(),
                number => count(number, "use"),
            };
            let mut command = title_only(title);
            if shows && !uses.is_empty() {
                SHOW_REFERENCES.clone_into(&mut command.command);
                command.arguments =
                    Some(vec![json!(document.uri), json!(range.start), json!(uses)]);
            }
            lenses.push(lsp::CodeLens::new(range, Some(command), None));
            let missing = facts.missing_in(&secret.name);
            if !missing.is_empty() {
                let command = title_only(format!("missing in {}", missing.join(", ")));
                lenses.push(lsp::CodeLens::new(range, Some(command), None));
            }
        }
        Some(lenses)
    }
}

impl LensFacts {
    /// Returns the environments that lack a secret.
    fn missing_in(&self, secret: &str) -> Vec<&str> {
        let lacking = self.environments.iter().filter(|environment| {
            let lookup = whole_secret(&environment.chain, secret);
            matches!(environment.answers.get(&lookup), LookupResult::NotFound)
        });
        lacking
            .map(|environment| environment.name.as_str())
            .collect()
    }
}

/// A lens without a command shows only its title.
fn title_only(title: String) -> lsp::Command {
    lsp::Command {
        title,
        ..lsp::Command::default()
    }
}

fn whole_secret(chain: &[usize], secret: &str) -> ReferenceLookup {
    ReferenceLookup {
        chain: chain.to_vec(),
        secret: secret.to_owned(),
        key: None,
    }
}

/// Returns the uses of each secret, in the order of the files.
fn uses_by_secret(names: &SecretNames<'_>) -> HashMap<String, Vec<NamePlace>> {
    let mut uses: HashMap<String, Vec<NamePlace>> = HashMap::new();
    for file in names.files() {
        for reference in file.references.iter().chain(&file.dynamic_references) {
            let of_reference = names.names_of(file, reference);
            let secrets = of_reference.iter().filter_map(|name| name.exact());
            let secrets: BTreeSet<&str> = secrets.map(SecretSelector::secret).collect();
            for secret in secrets {
                let name = super::navigation::SecretName::new(secret, None);
                let place = NamePlace::of_use(reference, &name, &of_reference);
                uses.entry(secret.to_owned()).or_default().push(place);
            }
        }
    }
    uses
}

/// Returns the environments that do not use an inventory, of the configs whose stacks may use it.
fn other_environments(project: &EditorProject, inventory: &UsedInventory) -> Vec<OtherEnvironment> {
    let environments = project.with_settings(|_, settings| {
        let mut environments: BTreeMap<(String, Vec<usize>), Level> = BTreeMap::new();
        for config in settings.configs.known_configs() {
            if settings
                .inventories
                .in_use_of(&config)
                .contains(&inventory.index)
            {
                add_environments(&config, inventory.index, settings, &mut environments);
            }
        }
        environments
    });
    let secrets = &inventory.entries.secrets;
    let environments = environments.unwrap_or_default().into_iter();
    let environments = environments.map(|((name, chain), level)| {
        let lookups = secrets.iter().map(|it| whole_secret(&chain, &it.name));
        OtherEnvironment {
            answers: project.answers.answer(lookups.collect(), level),
            name,
            chain,
        }
    });
    environments.collect()
}

/// Adds the environments of a config that do not use an inventory, and are looked up.
fn add_environments(
    config: &Config,
    inventory: usize,
    settings: &Settings<'_>,
    environments: &mut BTreeMap<(String, Vec<usize>), Level>,
) {
    for chain in settings.inventories.environments(config) {
        let environment = chain.environment.and_then(|at| config.environments.get(at));
        let Some(environment) = environment else {
            continue;
        };
        // Only names are asked.
        let level = settings.level.of(config, Some(environment));
        let level = level.min(Level::SecretExists);
        if level > Level::None && !chain.inventories.contains(&inventory) {
            environments.insert((environment.name.clone(), chain.inventories), level);
        }
    }
}
