//! The rules about names in inventory files: names that nothing uses, and names that no reference
//! can contain.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::{Inventory, InventoryChain};
use crate::lint::dynamic_names::DynamicNames;
use crate::lint::lookup_targets::inventory_chains;
use crate::lint::resolved_references::ResolvedReferences;
use crate::lint::rules::{self, Subject, Usage};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::{Config, Level};
use crate::sources::reference::Reference;
use crate::system::paths;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::keywords::HOOK_SECRETS;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Checks the inventory files in use.
///
/// `findings` are those about references. `is_complete` is true if every file was read and every
/// reference was looked up: a file that was not read may use any name.
pub(super) fn check_inventory_files(
    scan: &Scan,
    references: &ResolvedReferences,
    findings: &[FindingBuilder],
    settings: &Settings<'_>,
    is_complete: bool,
) -> Vec<FindingBuilder> {
    let inventories = distinct_inventories(settings);
    if inventories.is_empty() {
        return Vec::new();
    }
    let mentioned = mentioned_names(scan, findings);
    let whole_names = whole_secret_names(scan, findings, settings);
    let dynamic_names = DynamicNames::of_scan(scan, references);
    // References in documentation and to declared secrets, which may mean any inventory.
    let not_looked_up: HashSet<&str> = references
        .not_looked_up(scan)
        .map(Reference::secret)
        .collect();
    let answered: BTreeSet<usize> = references.answers().answered_inventories().collect();
    let mut results = Vec::new();
    for shared in &inventories {
        let Some(at) = shared.index(&answered) else {
            continue;
        };
        let Some(inventory) = settings.inventories.get(at) else {
            continue;
        };
        let is_complete = is_complete && shared.is_covered(settings);
        if !answered.contains(&at) && !is_complete {
            continue;
        }
        let lookups = references.lookups().iter();
        let mut used: HashSet<&str> = lookups
            .filter(|lookup| shared.is_in(&lookup.chain))
            .map(|lookup| lookup.secret.as_str())
            .collect();
        let reachable = whole_names.iter().filter(|name| name.may_be_in(shared));
        used.extend(reachable.map(|name| name.name.as_str()));
        used.extend(&not_looked_up);
        let may_be_unused = is_complete && !inventory.is_snapshot();
        for declared in inventory.declared_names() {
            let usage = if used.contains(declared.name.as_str()) {
                Usage::Used
            } else if mentioned.contains(&declared.name)
                || !may_be_unused
                || dynamic_names.may_mean(&declared.name)
                || HOOK_SECRETS.contains(&declared.name.as_str())
            {
                Usage::Unknown
            } else {
                Usage::Unused
            };
            results.extend(rules::check(Subject::Inventory(&declared, usage)));
        }
    }
    results
}

/// An inventory with the configs that use it. Several configs may name the same file.
struct SharedInventory {
    /// The file without links, if it is one.
    file: Option<PathBuf>,
    /// The index of the inventory in each config.
    users: Vec<(usize, Arc<Config>)>,
}

impl SharedInventory {
    /// Returns the index under which it answered, or else the first.
    fn index(&self, answered: &BTreeSet<usize>) -> Option<usize> {
        let indexes = || self.users.iter().map(|(at, _)| *at);
        indexes()
            .find(|at| answered.contains(at))
            .or_else(|| indexes().next())
    }

    fn is_in(&self, chain: &[usize]) -> bool {
        self.users.iter().any(|(at, _)| chain.contains(at))
    }

    /// Returns whether everything that may use it was read and looked up.
    fn is_covered(&self, settings: &Settings<'_>) -> bool {
        self.users.iter().all(|(_, config)| {
            settings.level.lowest(config) > Level::None
                && settings.covers_users_of(config, self.file.as_deref())
        })
    }
}

/// Returns the inventories in use that may be queried. Inventories of the same file are one.
fn distinct_inventories(settings: &Settings<'_>) -> Vec<SharedInventory> {
    let mut shared: BTreeMap<(Option<PathBuf>, usize), SharedInventory> = BTreeMap::new();
    for config in settings.configs.known_configs() {
        for at in settings.inventories.in_use_of(&config) {
            let file = settings
                .inventories
                .get(at)
                .and_then(Inventory::file)
                .map(paths::canonicalize_existing);
            let key = (file.clone(), if file.is_some() { 0 } else { at });
            let inventory = shared.entry(key).or_insert(SharedInventory {
                file,
                users: Vec::new(),
            });
            inventory.users.push((at, Arc::clone(&config)));
        }
    }
    let mut shared: Vec<SharedInventory> = shared.into_values().collect();
    shared.retain(|inventory| {
        inventory
            .users
            .iter()
            .any(|(_, config)| settings.level.highest(config) > Level::None)
    });
    shared
}

/// Returns the words of wrong references and the names that were probably meant: such a reference
/// still needs its secret.
fn mentioned_names(scan: &Scan, findings: &[FindingBuilder]) -> HashSet<String> {
    // Thousands of findings may be about one comment, which is split once.
    let mut seen: HashSet<(*const RedactedSource, Span)> = HashSet::new();
    let mut names = HashSet::new();
    for finding in scan
        .files
        .iter()
        .flat_map(|file| &file.findings)
        .map(FindingBuilder::draft)
    {
        let is_text = !finding.redact && finding.rule != RuleId::SyntaxError;
        if is_text && seen.insert((Arc::as_ptr(&finding.source), finding.span)) {
            let is_separator = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '.' | '$');
            names.extend(
                finding
                    .source
                    .slice(finding.span)
                    .split(is_separator)
                    .map(str::to_owned),
            );
        }
    }
    names.extend(
        findings
            .iter()
            .filter_map(|finding| finding.draft().suggestion.clone()),
    );
    names
}

/// The name of a whole secret, with the inventories of the stack that uses it; `None` if these are
/// unknown.
struct WholeSecretName {
    chains: Option<Vec<InventoryChain>>,
    name: String,
}

impl WholeSecretName {
    /// Returns whether the stack may use an inventory.
    fn may_be_in(&self, shared: &SharedInventory) -> bool {
        let is_in = |chain: &InventoryChain| shared.is_in(&chain.inventories);
        self.chains
            .as_ref()
            .is_none_or(|chains| chains.iter().any(is_in))
    }
}

/// Returns the names that stacks use for whole secrets, even if the use is wrong or misspelt.
fn whole_secret_names(
    scan: &Scan,
    findings: &[FindingBuilder],
    settings: &Settings<'_>,
) -> Vec<WholeSecretName> {
    let mut names = Vec::new();
    for file in scan
        .files
        .iter()
        .filter(|file| !file.whole_secret_names.is_empty())
    {
        let config = settings.configs.for_file(&file.path);
        names.extend(
            file.whole_secret_names
                .iter()
                .map(|(stack, name)| WholeSecretName {
                    chains: inventory_chains(file, *stack, &config, settings),
                    name: name.clone(),
                }),
        );
    }
    let is_whole = |finding: &&Finding| finding.secret.is_some() && finding.key.is_none();
    let misspelt = findings.iter().map(FindingBuilder::draft).filter(is_whole);
    let suggestions = misspelt.filter_map(|finding| finding.suggestion.clone());
    names.extend(suggestions.map(|name| WholeSecretName { chains: None, name }));
    names
}
