//! Resolves references: which inventories each one is looked up in, and what they answered.
//!
//! The lookup of a reference is computed here, once. The existence rules, `render`, `register` and `inventory` read it from
//! the [`ResolvedReferences`] of a report.

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{LookupResult, LookupResults, Progress, ReferenceLookup};
use crate::inventory::{Inventories, Inventory};
use crate::lint::analysis::Analysis;
use crate::lint::report::Unchecked;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::{Config, Level};
use crate::sources::scalar::Reference;
use std::collections::{BTreeMap, HashMap};

/// A reference of a scan and its lookup.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedReference {
    /// The index of the file in the scan.
    file: usize,
    /// The index of the reference in the file.
    index: usize,
    /// The index of its lookup; `None` if it is not looked up.
    lookup: Option<usize>,
}

/// All references of a scan with the answers of their inventories.
#[derive(Debug, Default)]
pub struct ResolvedReferences {
    references: Vec<ResolvedReference>,
    /// The distinct lookups: many references name the same key.
    lookups: Vec<ReferenceLookup>,
    answers: LookupResults,
}

impl ResolvedReferences {
    /// Iterates over the references of a scan, in its order. `scan` is the one that was resolved.
    pub fn iter<'r, 's: 'r>(
        &'r self,
        scan: &'s Scan,
    ) -> impl Iterator<Item = (&'s Analysis, &'s Reference, Answer<'r>)> {
        self.references.iter().filter_map(|resolved| {
            let file = scan.files.get(resolved.file)?;
            let reference = file.references.get(resolved.index)?;
            Some((file, reference, self.answer(*resolved, reference)))
        })
    }

    /// Iterates over the references of one file of a scan, by its index.
    pub fn in_file<'r, 's: 'r>(
        &'r self,
        scan: &'s Scan,
        file: usize,
    ) -> impl Iterator<Item = (&'s Reference, Answer<'r>)> {
        let start = self.references.partition_point(|resolved| resolved.file < file);
        let references = self.references.iter().skip(start).take_while(move |resolved| resolved.file == file);
        references.filter_map(move |resolved| {
            let reference = scan.files.get(file)?.references.get(resolved.index)?;
            Some((reference, self.answer(*resolved, reference)))
        })
    }

    /// Returns the answers of the inventories.
    pub fn answers(&self) -> &LookupResults {
        &self.answers
    }

    /// Takes the answers, for the next check of the same files.
    pub fn into_answers(self) -> LookupResults {
        self.answers
    }

    fn answer(&self, resolved: ResolvedReference, reference: &Reference) -> Answer<'_> {
        let Some(lookup) = resolved.lookup.and_then(|at| self.lookups.get(at)) else { return Answer::NOT_LOOKED_UP };
        let result = match self.answers.get(lookup) {
            // The keys are known only because a reference of another level requested them.
            LookupResult::Found { inventory, doubled, .. } if lookup.key.is_none() && reference.key.is_some() => {
                LookupResult::Found { inventory, doubled, keys: None }
            }
            result => result,
        };
        Answer { lookup: Some(lookup), result: Some(result) }
    }
}

/// The answer to one reference.
#[derive(Debug)]
pub struct Answer<'r> {
    /// The names and the inventories, in order; `None` if the reference is not looked up.
    pub lookup: Option<&'r ReferenceLookup>,
    /// The answer; `None` if the reference is not looked up.
    pub result: Option<LookupResult<'r>>,
}

impl Answer<'_> {
    const NOT_LOOKED_UP: Self = Self { lookup: None, result: None };
}

/// The outcome of [`resolve`].
#[derive(Default)]
pub(super) struct Resolution {
    pub(super) references: ResolvedReferences,
    pub(super) unchecked: Unchecked,
    /// The error for references that no inventory is configured for.
    pub(super) unrouted: Option<Failure>,
}

/// Looks up the references of a scan. `known` are answers of an earlier check, which are used if they cover all lookups.
pub(super) fn resolve(
    scan: &Scan,
    settings: &Settings<'_>,
    known: LookupResults,
    progress: Option<Progress<'_>>,
) -> Resolution {
    let mut resolver = Resolver { settings, resolution: Resolution::default(), by_name: HashMap::new() };
    let mut highest = Level::None;
    for (at, file) in scan.files.iter().enumerate().filter(|(_, file)| !file.references.is_empty()) {
        highest = highest.max(resolver.add_file(at, file));
    }
    let mut resolution = resolver.resolution;
    let lookups = resolution.references.lookups.iter().cloned().collect();
    resolution.references.answers = if known.contains_all(&lookups) {
        known
    } else {
        LookupResults::query(settings.inventories, highest, lookups, progress)
    };
    resolution
}

struct Resolver<'s> {
    settings: &'s Settings<'s>,
    resolution: Resolution,
    /// The index of each distinct lookup.
    by_name: HashMap<ReferenceLookup, usize>,
}

impl Resolver<'_> {
    /// Adds the references of a file, and returns its level.
    fn add_file(&mut self, at: usize, file: &Analysis) -> Level {
        let settings = self.settings;
        let config = settings.configs.for_file(&file.path);
        let level = settings.level.for_config(&config);
        let unchecked = &mut self.resolution.unchecked;
        if level == Level::None {
            unchecked.add(file.references.len(), settings.level.reason(&config));
        } else if level < Level::SecretAndKeyExists {
            unchecked.levels.insert(settings.level.reason(&config));
        }
        let mut chains: BTreeMap<usize, Option<Vec<usize>>> = BTreeMap::new();
        for (index, reference) in file.references.iter().enumerate() {
            let lookup = if level == Level::None {
                None
            } else {
                let chain = chains
                    .entry(reference.stack)
                    .or_insert_with(|| inventory_chain(file, reference.stack, &config, settings));
                match chain {
                    Some(chain) => Some(self.lookup(reference, chain, level)),
                    None => {
                        self.add_unrouted(reference);
                        None
                    }
                }
            };
            self.resolution.references.references.push(ResolvedReference { file: at, index, lookup });
        }
        level
    }

    /// Returns the index of a reference's lookup. Only the highest level requests keys.
    fn lookup(&mut self, reference: &Reference, chain: &[usize], level: Level) -> usize {
        let key = reference.key.clone().filter(|_| level == Level::SecretAndKeyExists);
        let lookup = ReferenceLookup { chain: chain.to_vec(), secret: reference.secret.clone(), key };
        let lookups = &mut self.resolution.references.lookups;
        *self.by_name.entry(lookup).or_insert_with_key(|lookup| {
            lookups.push(lookup.clone());
            lookups.len() - 1
        })
    }

    fn add_unrouted(&mut self, reference: &Reference) {
        self.resolution.unchecked.add(1, "no inventory".to_owned());
        let inventories = self.settings.inventories;
        self.resolution.unrouted.get_or_insert_with(|| no_inventory_failure(reference, inventories));
    }
}

/// Returns the inventories that a stack of a file uses; `config` is that of the file.
pub(super) fn inventory_chain(
    file: &Analysis,
    stack: usize,
    config: &Config,
    settings: &Settings<'_>,
) -> Option<Vec<usize>> {
    let manager = file.stacks.get(stack).and_then(|stack| stack.secrets_manager());
    settings.inventories.chain(config, &file.path, manager)
}

/// Returns the name of an inventory for messages.
pub fn inventory_name<'s>(settings: &Settings<'s>, inventory: usize) -> &'s str {
    settings.inventories.get(inventory).map_or("?", Inventory::name)
}

/// Creates the error for a reference that no inventory is configured for.
fn no_inventory_failure(reference: &Reference, inventories: &Inventories) -> Failure {
    let location = format!("{}:{}", reference.source.path(), reference.source.position(reference.span.start).line);
    if inventories.is_empty() {
        let message = format!("found references (first at {location}) but no inventory is configured");
        Failure::usage(message).with_help(
            "do one of the following: write `secrets.inventory.yaml` with `name: [key, key]` at the repository's root, \
             configure an inventory in `stackref.toml`, name one with `--inventory FILE`, or check only the syntax with \
             `--level none`",
        )
    } else {
        let message = format!("no `[[stacks]]` entry matches {location}, so its references have no inventory");
        Failure::usage(message).with_help(
            "do one of the following: add a `[[stacks]]` entry with `files` and `inventory` to `stackref.toml`, name one \
             inventory with `--inventory NAME`, or check only the syntax with `--level none`",
        )
    }
}
