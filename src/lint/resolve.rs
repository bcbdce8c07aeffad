//! Resolves references: the inventories that each one is looked up in, and their answers.
//!
//! The lookup of a reference is computed here, once. The existence rules, `render`, `register` and
//! `inventory` read it from the [`ResolvedReferences`] of a report.
//!
//! The answer must not depend on which files of a project are checked. So if a reference may be
//! declared in a file that is not, the declarations of all files are read: see [`OtherFiles`].

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{LookupResult, LookupResults, Progress, ReferenceLookup};
use crate::inventory::{Inventories, Inventory, ValueType};
use crate::lint::analysis::Analysis;
use crate::lint::declared_secrets::{
    DeclarationScope, DeclaredAnswer, DeclaredProblem, DeclaredSecrets,
};
use crate::lint::other_files::OtherFiles;
use crate::lint::reference_checks::OPEN_KEYS;
use crate::lint::report::{NO_INVENTORY, Unchecked};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::{Config, Level};
use crate::sources::reference::Reference;
use crate::text::source_kind::SourceKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

/// A reference of a scan and its lookup.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedReference {
    /// The index of the file in the scan.
    file: usize,
    /// The index of the reference in the file.
    index: usize,
    /// The index of its lookup; `None` if it is not looked up.
    lookup: Option<usize>,
    /// The index of the difference from a declaration, if there is one.
    problem: Option<usize>,
}

/// All references of a scan with the answers of their inventories.
#[derive(Debug, Default)]
pub struct ResolvedReferences {
    references: Vec<ResolvedReference>,
    /// The distinct lookups: many references name the same key.
    lookups: Vec<ReferenceLookup>,
    answers: LookupResults,
    /// The differences between references and declarations.
    problems: Vec<DeclaredProblem>,
}

impl ResolvedReferences {
    /// Iterates over the references of a scan, in its order. `scan` is the one that was resolved.
    /// The answer is `None` for a reference that is not looked up.
    pub fn iter<'r, 's: 'r>(
        &'r self,
        scan: &'s Scan,
    ) -> impl Iterator<Item = (&'s Reference, Option<Answer<'r>>)> {
        let results = self.results();
        self.references.iter().filter_map(move |resolved| {
            let reference = scan
                .files
                .get(resolved.file)?
                .references
                .get(resolved.index)?;
            Some((reference, self.answer(*resolved, reference, &results)))
        })
    }

    /// Iterates over the references of a scan that are not looked up.
    pub fn not_looked_up<'s>(&self, scan: &'s Scan) -> impl Iterator<Item = &'s Reference> {
        let resolved = self.references.iter().filter(|it| it.lookup.is_none());
        resolved.filter_map(|it| scan.files.get(it.file)?.references.get(it.index))
    }

    /// Returns each file of a scan with its references.
    pub fn by_file<'r, 's: 'r>(
        &'r self,
        scan: &'s Scan,
    ) -> Vec<(&'s Analysis, FileReferences<'r, 's>)> {
        let mut files: Vec<_> = scan
            .files
            .iter()
            .map(|file| (file, Vec::with_capacity(file.references.len())))
            .collect();
        let results = self.results();
        for resolved in &self.references {
            let Some((file, references)) = files.get_mut(resolved.file) else {
                continue;
            };
            let Some(reference) = file.references.get(resolved.index) else {
                continue;
            };
            references.push((reference, self.answer(*resolved, reference, &results)));
        }
        files
    }

    /// Returns the distinct lookups.
    pub fn lookups(&self) -> &[ReferenceLookup] {
        &self.lookups
    }

    /// Returns the answers of the inventories.
    pub fn answers(&self) -> &LookupResults {
        &self.answers
    }

    /// Takes the answers, for the next check of the same files.
    pub fn into_answers(self) -> LookupResults {
        self.answers
    }

    /// Returns the result of each distinct lookup.
    fn results(&self) -> Vec<LookupResult<'_>> {
        self.lookups
            .iter()
            .map(|lookup| self.answers.get(lookup))
            .collect()
    }

    fn answer<'r>(
        &'r self,
        resolved: ResolvedReference,
        reference: &Reference,
        results: &[LookupResult<'r>],
    ) -> Option<Answer<'r>> {
        let at = resolved.lookup?;
        let (lookup, &result) = self.lookups.get(at).zip(results.get(at))?;
        let result = match result {
            // The keys are known only because a reference of another level requested them.
            LookupResult::Found {
                inventory, caveat, ..
            } if lookup.key.is_none() && reference.key().is_some() => LookupResult::Found {
                inventory,
                caveat,
                keys: None,
            },
            result => result,
        };
        let problem = resolved.problem.and_then(|at| self.problems.get(at));
        Some(Answer {
            lookup,
            result,
            problem,
        })
    }
}

/// The answer to one reference.
#[derive(Debug)]
pub struct Answer<'r> {
    /// The names and the inventories, in order.
    pub lookup: &'r ReferenceLookup,
    /// The answer of the inventories.
    pub result: LookupResult<'r>,
    /// The declaration that the reference probably means. It counts only if no inventory has the
    /// secret and the key.
    pub problem: Option<&'r DeclaredProblem>,
}

/// The references of one file, each with its answer.
pub type FileReferences<'r, 's> = Vec<(&'s Reference, Option<Answer<'r>>)>;

/// The outcome of [`resolve`].
#[derive(Default)]
pub(super) struct Resolution {
    pub(super) references: ResolvedReferences,
    pub(super) unchecked: Unchecked,
    /// The error for references that no inventory is configured for.
    pub(super) unrouted: Option<Failure>,
}

/// Looks up the references of a scan. `known` are answers of an earlier check, which are used if
/// they cover all lookups.
pub(super) fn resolve<'s>(
    scan: &'s Scan,
    settings: &'s Settings<'s>,
    known: LookupResults,
    progress: Option<Progress<'_>>,
) -> Resolution {
    let read_others = || settings.other_files.map(|files| files.read(scan));
    let mut others = settings.other_files.and_then(OtherFiles::found);
    let mut resolver = Resolver::run(scan, settings, others);
    if others.is_none() && resolver.needs_other_files {
        others = read_others();
        if others.is_some() {
            resolver = Resolver::run(scan, settings, others);
        }
    }
    let lookups = resolver.resolution.references.lookups.iter();
    let lookups = lookups.cloned().collect();
    let answers = if known.contains_all(&lookups) {
        known
    } else {
        LookupResults::query(settings.inventories, resolver.highest, lookups, progress)
    };
    if others.is_none() && !resolver.are_answered(&answers) {
        others = read_others();
        if others.is_some() {
            // All its lookups are among those that were made.
            resolver = Resolver::run(scan, settings, others);
        }
    }
    let mut resolution = resolver.resolution;
    resolution.references.answers = answers;
    resolution
}

struct Resolver<'s> {
    settings: &'s Settings<'s>,
    resolution: Resolution,
    /// The distinct chains of inventories.
    chains: Vec<Vec<usize>>,
    /// The index of each distinct lookup.
    by_names: HashMap<LookupNames<'s>, usize>,
    declared: DeclaredSecrets<'s>,
    /// The highest level of the files.
    highest: Level,
    /// Whether only a declaration in another file can answer a reference.
    needs_other_files: bool,
    /// The lookups of references that may be declared in another file, by index.
    maybe_declared: BTreeSet<usize>,
}

/// The facts that distinguish the lookups of references.
#[derive(PartialEq, Eq)]
struct LookupNames<'s> {
    chain: usize,
    /// `secret` or `secret.key`.
    text: &'s str,
    secret_len: usize,
}

impl Hash for LookupNames<'_> {
    /// Hashes the text alone: each reference of a scan is hashed, and there are few chains.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.text.as_bytes());
    }
}

impl<'s> Resolver<'s> {
    /// Determines the lookup of each reference of a scan. `others` are files whose declarations
    /// count, too.
    fn run(scan: &'s Scan, settings: &'s Settings<'s>, others: Option<&'s Scan>) -> Self {
        let mut resolver = Self {
            settings,
            resolution: Resolution::default(),
            chains: Vec::new(),
            by_names: HashMap::new(),
            declared: DeclaredSecrets::new(scan, others),
            highest: Level::None,
            needs_other_files: false,
            maybe_declared: BTreeSet::new(),
        };
        let files = scan.files.iter().enumerate();
        for (at, file) in files.filter(|(_, file)| !file.references.is_empty()) {
            let level = resolver.add_file(at, file);
            resolver.highest = resolver.highest.max(level);
        }
        resolver
    }

    /// Returns whether the inventories have each secret and key that may also be declared in
    /// another file, and report nothing about it.
    fn are_answered(&self, answers: &LookupResults) -> bool {
        let lookups = &self.resolution.references.lookups;
        let mut open = self.maybe_declared.iter().filter_map(|&at| lookups.get(at));
        open.all(|lookup| match answers.get(lookup) {
            LookupResult::Found {
                caveat: None, keys, ..
            } => lookup.key.as_ref().is_none_or(|key| {
                let value = keys.and_then(|keys| keys.get(key));
                matches!(value, Some(ValueType::Unknown | ValueType::String))
            }),
            _ => false,
        })
    }

    /// Adds the references of a file, and returns its level.
    fn add_file(&mut self, at: usize, file: &'s Analysis) -> Level {
        let settings = self.settings;
        let config = settings.configs.for_file(&file.path);
        let level = settings.level.for_config(&config);
        let unchecked = &mut self.resolution.unchecked;
        if level == Level::None {
            unchecked.add(file.references.len(), settings.level.reason(&config));
        } else if level < Level::SecretAndKeyExists {
            unchecked.levels.insert(settings.level.reason(&config));
        }
        let mut chains: BTreeMap<usize, Option<usize>> = BTreeMap::new();
        for (index, reference) in file.references.iter().enumerate() {
            let mut resolved = ResolvedReference {
                file: at,
                index,
                lookup: None,
                problem: None,
            };
            if level > Level::None {
                let chain = *chains.entry(reference.stack).or_insert_with(|| {
                    let chain = inventory_chain(file, reference.stack, &config, settings)?;
                    Some(self.intern_chain(chain))
                });
                self.resolve(&mut resolved, reference, chain, level);
            }
            self.resolution.references.references.push(resolved);
        }
        level
    }

    /// Compares a reference with the declarations of its source, and otherwise looks it up in a
    /// chain of inventories.
    fn resolve(
        &mut self,
        resolved: &mut ResolvedReference,
        reference: &'s Reference,
        chain: Option<usize>,
        level: Level,
    ) {
        let source = reference.source.kind_at(reference.span.start);
        let is_documentation = source == Some(SourceKind::Docs);
        let scope = if is_documentation || reference.is_dynamic {
            DeclarationScope::File(resolved.file)
        } else {
            DeclarationScope::Repository
        };
        let prefers_inventories =
            matches!(source, None | Some(SourceKind::Stacks | SourceKind::Python));
        let uses_declarations = !prefers_inventories || chain.is_none();
        let declared = if uses_declarations || self.has_repository(chain) {
            let names_only = level < Level::SecretAndKeyExists;
            self.declared.answer(scope, reference, names_only)
        } else {
            DeclaredAnswer::Unknown
        };
        let may_be_declared = uses_declarations
            && matches!(scope, DeclarationScope::Repository)
            && !matches!(declared, DeclaredAnswer::Found);
        match declared {
            // A declaration only explains why an inventory of kind `repository` has no such key.
            DeclaredAnswer::Found | DeclaredAnswer::MayHaveKey if !uses_declarations => {
                resolved.lookup = chain.map(|chain| self.lookup(reference, chain, level));
            }
            DeclaredAnswer::Found => {}
            DeclaredAnswer::MayHaveKey => {
                let unchecked = &mut self.resolution.unchecked;
                unchecked.keys += 1;
                unchecked.levels.insert(OPEN_KEYS.to_owned());
            }
            DeclaredAnswer::NoKey(problem) | DeclaredAnswer::NearMiss(problem) => {
                let chain = chain.unwrap_or_else(|| self.intern_chain(Vec::new()));
                resolved.lookup = Some(self.lookup(reference, chain, level));
                let problems = &mut self.resolution.references.problems;
                resolved.problem = Some(problems.len());
                problems.push(problem);
            }
            DeclaredAnswer::Unknown if is_documentation => {
                let unchecked = &mut self.resolution.unchecked;
                unchecked.add(1, "in documentation".to_owned());
            }
            DeclaredAnswer::Unknown => match chain {
                Some(chain) => resolved.lookup = Some(self.lookup(reference, chain, level)),
                None => self.add_unrouted(reference),
            },
        }
        if may_be_declared {
            match resolved.lookup.filter(|_| chain.is_some()) {
                Some(lookup) => drop(self.maybe_declared.insert(lookup)),
                None => self.needs_other_files = true,
            }
        }
    }

    /// Returns whether a chain contains an inventory of kind `repository`.
    fn has_repository(&self, chain: Option<usize>) -> bool {
        let inventories = self.settings.inventories;
        let mut chain = chain
            .and_then(|at| self.chains.get(at))
            .into_iter()
            .flatten();
        chain.any(|&at| inventories.get(at).is_some_and(Inventory::is_repository))
    }

    /// Returns the index of a chain. There are few distinct ones.
    fn intern_chain(&mut self, chain: Vec<usize>) -> usize {
        self.chains
            .iter()
            .position(|known| *known == chain)
            .unwrap_or_else(|| {
                self.chains.push(chain);
                self.chains.len() - 1
            })
    }

    /// Returns the index of a reference's lookup. Only the highest level requests keys.
    fn lookup(&mut self, reference: &'s Reference, chain: usize, level: Level) -> usize {
        #[cfg(test)]
        crate::counters::record(crate::counters::Fact::Lookup);
        let secret = reference.secret();
        let key = reference
            .key()
            .filter(|_| level == Level::SecretAndKeyExists);
        let names = LookupNames {
            chain,
            text: key.map_or(secret, |_| reference.names.text()),
            secret_len: secret.len(),
        };
        let lookups = &mut self.resolution.references.lookups;
        let chains = &self.chains;
        *self.by_names.entry(names).or_insert_with(|| {
            let chain = chains.get(chain).cloned().unwrap_or_default();
            lookups.push(ReferenceLookup {
                chain,
                secret: secret.to_owned(),
                key: key.map(str::to_owned),
            });
            lookups.len() - 1
        })
    }

    fn add_unrouted(&mut self, reference: &Reference) {
        self.resolution.unchecked.add(1, NO_INVENTORY.to_owned());
        let inventories = self.settings.inventories;
        self.resolution
            .unrouted
            .get_or_insert_with(|| no_inventory_failure(reference, inventories));
    }
}

/// Returns the inventories that a stack of a file uses; `config` is that of the file.
pub(super) fn inventory_chain(
    file: &Analysis,
    stack: usize,
    config: &Config,
    settings: &Settings<'_>,
) -> Option<Vec<usize>> {
    let manager = file
        .stacks
        .get(stack)
        .and_then(|stack| stack.secrets_manager());
    settings.inventories.chain(config, &file.path, manager)
}

/// Creates the error for a reference that no inventory is configured for.
fn no_inventory_failure(reference: &Reference, inventories: &Inventories) -> Failure {
    let location = format!(
        "{}:{}",
        reference.source.path(),
        reference.source.position(reference.span.start).line
    );
    if inventories.is_empty() {
        let message =
            format!("found references (first at {location}) but no inventory is configured");
        Failure::usage(message).with_help(
            "do one of the following: write `secrets.inventory.yaml` with `name: [key, key]` at the repository's root, \
             configure an inventory in `stackref.toml`, name one with `--inventory FILE`, or check only the syntax with \
             `--level none`",
        )
    } else {
        let message = format!(
            "no `[[stacks]]` entry matches {location}, so its references have no inventory"
        );
        Failure::usage(message).with_help(
            "do one of the following: add a `[[stacks]]` entry with `files` and `inventory` to `stackref.toml`, name one \
             inventory with `--inventory NAME`, or check only the syntax with `--level none`",
        )
    }
}
