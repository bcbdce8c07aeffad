//! Determines the lookups of each reference of a scan. Nothing is asked here.

use super::Resolution;
use super::expanded_names::ExpandedNames;
use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::inventory::{Inventories, ValueType};
use crate::lint::analysis::Analysis;
use crate::lint::declared_secrets::{
    DeclarationScope, DeclaredAnswer, DeclaredProblem, DeclaredSecrets, SoughtSecret,
};
use crate::lint::lookup_targets::{LookupTarget, LookupTargets, TargetList};
use crate::lint::reference_checks::OPEN_KEYS;
use crate::lint::report::NO_INVENTORY;
use crate::lint::resolved_references::{EnvironmentLookup, ResolvedReference};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::Level;
use crate::sources::reference::{Reference, ReferenceNames};
use crate::text::source_kind::SourceKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

/// Determines the lookups of the references of a scan.
pub(super) struct ReferenceResolver<'s> {
    settings: &'s Settings<'s>,
    expanded: &'s ExpandedNames,
    targets: LookupTargets<'s>,
    pub(super) resolution: Resolution,
    /// The index of the lookups of each distinct reference.
    by_names: HashMap<LookupNames<'s>, usize>,
    declared: DeclaredSecrets<'s>,
    /// The highest level of the files.
    pub(super) highest: Level,
    /// Whether only a declaration in another file can answer a reference.
    pub(super) needs_other_files: bool,
    /// The lookups of references that may be declared in another file, by index.
    maybe_declared: BTreeSet<usize>,
}

/// The facts that distinguish the lookups of references.
#[derive(PartialEq, Eq)]
struct LookupNames<'s> {
    targets: usize,
    /// `secret` or `secret.key`.
    text: &'s str,
    secret_len: usize,
}

impl Hash for LookupNames<'_> {
    /// Hashes the text alone: each reference of a scan is hashed, and there are few targets.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.text.as_bytes());
    }
}

/// What has to be done for a reference.
enum NextStep {
    /// Nothing: a declaration answers it.
    Nothing,
    /// Look it up. The declaration is the one that it probably means.
    LookUp(Option<DeclaredProblem>),
    /// Count that its key is not looked up: not all keys are declared.
    SkipKey,
    /// Count that it is not looked up: it is in documentation.
    SkipDocumentation,
    /// Report that no inventory is configured for it.
    ReportUnrouted,
}

/// The places that may answer a reference.
struct ReferenceScope {
    declarations: DeclarationScope,
    is_documentation: bool,
    /// Whether declarations count only if no inventory is configured.
    prefers_inventories: bool,
    is_configured: bool,
    has_repository: bool,
}

impl ReferenceScope {
    /// Returns the scope of a reference in the file with an index.
    fn new(reference: &Reference, file: usize, list: &TargetList) -> Self {
        let source = reference.source.kind_at(reference.span.start);
        let is_documentation = source == Some(SourceKind::Docs);
        let declarations = if is_documentation || reference.is_dynamic {
            DeclarationScope::File(file)
        } else {
            DeclarationScope::Repository
        };
        Self {
            declarations,
            is_documentation,
            prefers_inventories: matches!(
                source,
                None | Some(SourceKind::Stacks | SourceKind::Python)
            ),
            is_configured: list.is_configured,
            has_repository: list.has_repository,
        }
    }
}

impl<'s> ReferenceResolver<'s> {
    /// Determines the lookups of each reference of a scan. `others` are files whose declarations
    /// count, too.
    pub(super) fn run(
        scan: &'s Scan,
        settings: &'s Settings<'s>,
        expanded: &'s ExpandedNames,
        others: Option<&'s Scan>,
    ) -> Self {
        let mut resolver = Self {
            settings,
            expanded,
            targets: LookupTargets::new(settings),
            resolution: Resolution::default(),
            by_names: HashMap::new(),
            declared: DeclaredSecrets::new(scan, others),
            highest: Level::None,
            needs_other_files: false,
            maybe_declared: BTreeSet::new(),
        };
        let files = scan.files.iter().enumerate();
        for (at, file) in files {
            if !file.references.is_empty() {
                resolver.add_file(at, file);
            }
            if !expanded.is_empty() {
                resolver.add_expanded(at, file);
            }
        }
        let names = resolver.targets.environment_names();
        resolver.resolution.references.environments = names;
        resolver
    }

    /// Returns whether the inventories have each secret and key that may also be declared in
    /// another file, and report nothing about it.
    pub(super) fn are_answered(&self, answers: &LookupResults) -> bool {
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

    /// Adds the references of a file.
    fn add_file(&mut self, at: usize, file: &'s Analysis) {
        let config = self.settings.configs.for_file(&file.path);
        let mut stacks: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, reference) in file.references.iter().enumerate() {
            let targets = *stacks
                .entry(reference.stack)
                .or_insert_with(|| self.targets.of_stack(file, reference.stack, &config));
            let mut resolved = ResolvedReference {
                file: at,
                index,
                is_dynamic: false,
                lookups: None,
                problem: None,
                is_unchecked: false,
            };
            self.resolve(&mut resolved, reference, targets);
            self.resolution.references.references.push(resolved);
        }
    }

    /// Compares a reference with the declarations of its source, and otherwise looks it up in its
    /// targets.
    fn resolve(
        &mut self,
        resolved: &mut ResolvedReference,
        reference: &'s Reference,
        targets: usize,
    ) {
        let Some(list) = self.targets.list(targets) else {
            return;
        };
        let unchecked = &mut self.resolution.unchecked;
        unchecked.add_all(&list.unchecked);
        resolved.is_unchecked = !list.unchecked.is_empty();
        unchecked.add_levels(&list.unchecked_keys);
        let level = list.level;
        if level == Level::None {
            return;
        }
        self.highest = self.highest.max(level);
        let is_configured = list.is_configured;
        let scope = ReferenceScope::new(reference, resolved.file, list);
        let sought = SoughtSecret::of_reference(reference);
        let (step, may_be_declared) = self.next_step(sought, &scope, level);
        match step {
            NextStep::Nothing => {}
            NextStep::LookUp(problem) => {
                resolved.lookups = Some(self.lookups(reference, targets));
                let problems = &mut self.resolution.references.problems;
                resolved.problem = problem.as_ref().map(|_| problems.len());
                problems.extend(problem);
            }
            NextStep::SkipKey => self.skip_key(),
            NextStep::SkipDocumentation => self.add_unchecked(resolved, "in documentation"),
            NextStep::ReportUnrouted => {
                self.add_unchecked(resolved, NO_INVENTORY);
                let inventories = self.settings.inventories;
                self.resolution
                    .unrouted
                    .get_or_insert_with(|| no_inventory_failure(reference, inventories));
            }
        }
        if may_be_declared {
            self.add_maybe_declared(resolved, is_configured);
        }
    }

    /// Returns what has to be done for a reference, and whether a declaration in another file may
    /// answer it.
    fn next_step(
        &mut self,
        sought: SoughtSecret<'s>,
        scope: &ReferenceScope,
        level: Level,
    ) -> (NextStep, bool) {
        let uses_declarations = !scope.prefers_inventories || !scope.is_configured;
        let declared = if uses_declarations || scope.has_repository {
            let names_only = level < Level::SecretAndKeyExists;
            self.declared.answer(scope.declarations, sought, names_only)
        } else {
            DeclaredAnswer::Unknown
        };
        let may_be_declared = uses_declarations
            && matches!(scope.declarations, DeclarationScope::Repository)
            && !matches!(declared, DeclaredAnswer::Found);
        let step = match declared {
            // A declaration only explains why an inventory of kind `repository` has no such key.
            DeclaredAnswer::Found | DeclaredAnswer::MayHaveKey if !uses_declarations => {
                NextStep::LookUp(None)
            }
            DeclaredAnswer::Found => NextStep::Nothing,
            DeclaredAnswer::MayHaveKey => NextStep::SkipKey,
            DeclaredAnswer::NoKey(problem) | DeclaredAnswer::NearMiss(problem) => {
                NextStep::LookUp(Some(problem))
            }
            DeclaredAnswer::Unknown if scope.is_documentation => NextStep::SkipDocumentation,
            DeclaredAnswer::Unknown if scope.is_configured => NextStep::LookUp(None),
            DeclaredAnswer::Unknown => NextStep::ReportUnrouted,
        };
        (step, may_be_declared)
    }

    fn skip_key(&mut self) {
        let unchecked = &mut self.resolution.unchecked;
        unchecked.keys += 1;
        unchecked.levels.insert(OPEN_KEYS.to_owned());
    }

    /// Adds the dynamic references of a file that variables expand in an environment.
    fn add_expanded(&mut self, at: usize, file: &'s Analysis) {
        if file.dynamic_references.is_empty() {
            return;
        }
        let config = self.settings.configs.for_file(&file.path);
        for (index, reference) in file.dynamic_references.iter().enumerate() {
            let list = self.targets.of_stack(file, reference.stack, &config);
            let mut resolved = ResolvedReference {
                file: at,
                index,
                is_dynamic: true,
                lookups: None,
                problem: None,
                is_unchecked: false,
            };
            if self.resolve_expanded(&mut resolved, reference, list) {
                self.resolution.references.references.push(resolved);
            }
        }
    }

    /// Resolves a dynamic reference in each environment whose variables expand it. Returns whether
    /// there is one.
    fn resolve_expanded(
        &mut self,
        resolved: &mut ResolvedReference,
        reference: &'s Reference,
        list: usize,
    ) -> bool {
        let Some(list) = self.targets.list(list) else {
            return false;
        };
        let scope = ReferenceScope {
            declarations: match reference.source.kind_at(reference.span.start) {
                Some(SourceKind::Docs) => DeclarationScope::File(resolved.file),
                _ => DeclarationScope::Repository,
            },
            ..ReferenceScope::new(reference, resolved.file, list)
        };
        let unchecked = list.unchecked.clone();
        let targets = list.targets.clone();
        let (mut lookups, mut expanded) = (Vec::new(), 0);
        for target in &targets {
            let names = self
                .expanded
                .get(resolved.file, resolved.index, target.environment);
            let Some(names) = names else { continue };
            expanded += 1;
            self.highest = self.highest.max(target.level);
            let sought = SoughtSecret::named(names);
            let (step, may_be_declared) = self.next_step(sought, &scope, target.level);
            match step {
                NextStep::LookUp(problem) => {
                    let lookup = self.add_lookup(names, *target, problem);
                    if may_be_declared {
                        self.maybe_declared.insert(lookup.lookup);
                    }
                    lookups.push(lookup);
                }
                NextStep::SkipKey => self.skip_key(),
                NextStep::SkipDocumentation => self.add_unchecked(resolved, "in documentation"),
                NextStep::Nothing | NextStep::ReportUnrouted => {}
            }
        }
        let references = &mut self.resolution.references;
        if expanded == targets.len() && expanded > 0 {
            references.expanded.insert((resolved.file, resolved.index));
            if !resolved.is_unchecked {
                resolved.is_unchecked = !unchecked.is_empty();
                self.resolution.unchecked.add_all(&unchecked);
            }
        }
        if !lookups.is_empty() {
            resolved.lookups = Some(references.lookup_lists.len());
            references.lookup_lists.push(lookups);
        }
        expanded > 0
    }

    /// Adds the lookup of literal names in a target.
    fn add_lookup(
        &mut self,
        names: &ReferenceNames,
        target: LookupTarget,
        problem: Option<DeclaredProblem>,
    ) -> EnvironmentLookup {
        let key = names
            .key()
            .filter(|_| target.level == Level::SecretAndKeyExists);
        let references = &mut self.resolution.references;
        references.lookups.push(ReferenceLookup {
            chain: self.targets.chain(target.chain).to_vec(),
            secret: names.secret().to_owned(),
            key: key.map(str::to_owned),
        });
        let at = problem.as_ref().map(|_| references.problems.len());
        references.problems.extend(problem);
        EnvironmentLookup {
            environment: target.environment,
            lookup: references.lookups.len() - 1,
            problem: at,
        }
    }

    fn add_unchecked(&mut self, resolved: &mut ResolvedReference, reason: &str) {
        if !resolved.is_unchecked {
            resolved.is_unchecked = true;
            self.resolution.unchecked.add(1, reason.to_owned());
        }
    }

    /// Adds a reference that may be declared in another file, unless its inventories answer.
    fn add_maybe_declared(&mut self, resolved: &ResolvedReference, is_configured: bool) {
        let lists = &self.resolution.references.lookup_lists;
        let lookups = resolved.lookups.filter(|_| is_configured);
        match lookups.and_then(|at| lists.get(at)) {
            Some(lookups) => self
                .maybe_declared
                .extend(lookups.iter().map(|it| it.lookup)),
            None => self.needs_other_files = true,
        }
    }

    /// Returns the index of a reference's lookups, one for each of its targets.
    fn lookups(&mut self, reference: &'s Reference, targets: usize) -> usize {
        #[cfg(test)]
        crate::counters::record(crate::counters::Fact::Lookup);
        let names = LookupNames {
            targets,
            text: reference.names.text(),
            secret_len: reference.secret().len(),
        };
        let (by_names, list) = (&mut self.by_names, self.targets.list(targets));
        let references = &mut self.resolution.references;
        *by_names.entry(names).or_insert_with(|| {
            let targets = list.into_iter().flat_map(|list| &list.targets);
            let lookups = targets.map(|target| {
                // Only the highest level requests keys.
                let key = reference
                    .key()
                    .filter(|_| target.level == Level::SecretAndKeyExists);
                references.lookups.push(ReferenceLookup {
                    chain: self.targets.chain(target.chain).to_vec(),
                    secret: reference.secret().to_owned(),
                    key: key.map(str::to_owned),
                });
                EnvironmentLookup {
                    environment: target.environment,
                    lookup: references.lookups.len() - 1,
                    problem: None,
                }
            });
            let lookups = lookups.collect();
            references.lookup_lists.push(lookups);
            references.lookup_lists.len() - 1
        })
    }
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
