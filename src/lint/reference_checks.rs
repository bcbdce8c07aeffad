//! The existence rules: unknown secrets and keys, and the problems that the answers show.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::inventory::{Inventory, StoreError, ValueType};
use crate::lint::declared_secrets::DeclaredDifference;
use crate::lint::environment_findings::{
    AnsweredEnvironment, EnvironmentResults, describe_environments, group,
};
use crate::lint::failed_inventory::FailedInventory;
use crate::lint::report::Unchecked;
use crate::lint::resolved_references::{Answer, Answers, ResolvedReferences};
use crate::lint::rules::{self, LookupContext, Subject};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::lint::suggestions::SuggestionCache;
use crate::sources::reference::{Reference, ReferenceNames};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The reason for which a key is not looked up if a declaration does not list all keys.
pub(super) const OPEN_KEYS: &str = "not all keys are declared";

/// The findings about references, and the inventories that could not answer.
pub(super) struct ReferenceResults {
    pub(super) findings: Vec<FindingBuilder>,
    pub(super) failures: Vec<Failure>,
    /// Whether an inventory could not answer for a reference.
    pub(super) has_unanswered: bool,
    /// Whether the types of all referenced values are known.
    pub(super) types_known: bool,
}

/// Runs the existence rules on the resolved references of a scan.
pub(super) fn check_references(
    scan: &Scan,
    references: &ResolvedReferences,
    settings: &Settings<'_>,
    unchecked: &mut Unchecked,
) -> ReferenceResults {
    let mut checker = ReferenceChecker {
        settings,
        environments: references.environments(),
        answers: references.answers(),
        suggestions: SuggestionCache::new(references.answers()),
        failed: BTreeMap::new(),
        has_unanswered: false,
        findings: Vec::new(),
        missing: HashSet::new(),
        types_known: true,
    };
    let answered = references.answered();
    for (reference, answers) in answered.iter(scan) {
        checker.check(reference, &answers, unchecked);
    }
    checker.finish()
}

/// A check of the references of a scan, one after the other.
struct ReferenceChecker<'r> {
    settings: &'r Settings<'r>,
    /// The names of the environments.
    environments: &'r [String],
    answers: &'r LookupResults,
    suggestions: SuggestionCache<'r>,
    /// The inventories that could not answer, by index.
    failed: BTreeMap<usize, FailedInventory<'r>>,
    /// Whether an inventory has not answered yet.
    has_unanswered: bool,
    findings: Vec<FindingBuilder>,
    /// The files and spans of the missing secrets whose keys are apart from their names.
    missing: HashSet<(*const RedactedSource, Span)>,
    types_known: bool,
}

impl<'r> ReferenceChecker<'r> {
    /// Runs the rules on the answers to a reference.
    fn check(
        &mut self,
        reference: &Reference,
        answers: &Answers<'_, 'r>,
        unchecked: &mut Unchecked,
    ) {
        let mut gaps = LookupGaps::default();
        let mut results = EnvironmentResults::default();
        let mut found: Vec<AnsweredEnvironment<'r>> = Vec::new();
        for answer in answers.iter(reference) {
            let ReferenceLookup { secret, key, .. } = answer.lookup;
            let named = answers
                .is_expanded()
                .then(|| reference.with_names(ReferenceNames::new(secret, key.as_deref())));
            let reference = named.as_ref().unwrap_or(reference);
            if let LookupResult::Failed { inventory, error } = answer.result {
                results.has_unanswered |= self.add_failed(inventory, error, &answer, &mut gaps);
                continue;
            }
            let Some(problem) = self.check_answer(reference, &answer, &mut gaps) else {
                results.exists_in.extend(answer.environment);
                continue;
            };
            found.push(problem);
        }
        gaps.count(answers.is_unchecked(), unchecked);
        if found.is_empty() {
            return;
        }
        let finding = if found.iter().all(|it| it.environments.is_empty()) {
            found.pop().map(|it| it.finding)
        } else {
            results.problems = group(found, reference, self.environments);
            let config = self
                .settings
                .configs
                .for_file(reference.source.absolute_path());
            results.merge(reference, self.environments, &config.rules)
        };
        // Each key of a secret is a reference of its own, but their secret is missing only once.
        let mut is_repeated = |finding: &FindingBuilder| {
            reference.key_span.is_some()
                && finding.rule() == RuleId::UnknownSecret
                && !self
                    .missing
                    .insert((Arc::as_ptr(&reference.source), reference.span))
        };
        self.findings
            .extend(finding.filter(|finding| !is_repeated(finding)));
    }

    /// Records an inventory that could not answer. Returns false for an empty listing, if that counts
    /// as an answer.
    fn add_failed(
        &mut self,
        inventory: usize,
        error: &'r StoreError,
        answer: &Answer<'r>,
        gaps: &mut LookupGaps,
    ) -> bool {
        if self.settings.allow_empty_listing && matches!(error, StoreError::EmptyListing(_)) {
            return false;
        }
        let name = self.settings.inventories.name(inventory);
        gaps.unanswered.push(format!("no answer from `{name}`"));
        if matches!(error, StoreError::NotAsked) {
            self.has_unanswered = true;
            return true;
        }
        let failed = self
            .failed
            .entry(inventory)
            .or_insert_with(|| FailedInventory {
                name,
                error,
                secrets: BTreeSet::new(),
            });
        failed.secrets.insert(&answer.lookup.secret);
        true
    }

    /// Runs the rules on an answer. Returns `None` if there is no problem.
    fn check_answer(
        &mut self,
        reference: &Reference,
        answer: &Answer<'r>,
        gaps: &mut LookupGaps,
    ) -> Option<AnsweredEnvironment<'r>> {
        if let Some(value_type) = plain_answer(answer) {
            self.types_known &= *value_type != ValueType::Unknown;
            return None;
        }
        gaps.has_unknown_key |= matches!(answer.result, LookupResult::Found { .. })
            && reference.key().is_some()
            && answer.lookup.key.is_none();
        if self.has_unknown_keys(answer) {
            gaps.has_open_keys = true;
            return None;
        }
        let context = self.lookup_context(reference, answer);
        self.types_known &= context.value_type != Some(&ValueType::Unknown);
        let finding = rules::check(Subject::Reference(reference, &context))?;
        Some(AnsweredEnvironment {
            environments: answer.environment.into_iter().collect(),
            names: reference.names.clone(),
            context,
            finding,
        })
    }

    /// Returns whether the inventory that has the secret may have the key without listing it.
    fn has_unknown_keys(&self, answer: &Answer<'_>) -> bool {
        let LookupResult::Found {
            inventory,
            keys: Some(keys),
            ..
        } = answer.result
        else {
            return false;
        };
        let is_listed = |key: &String| keys.contains_key(key);
        let inventory = self.settings.inventories.get(inventory);
        !answer.lookup.key.as_ref().is_none_or(is_listed)
            && inventory.is_some_and(|inventory| inventory.has_open_keys(&answer.lookup.secret))
    }

    /// Returns the answer to a reference with everything that a message may mention.
    fn lookup_context(&mut self, reference: &Reference, answer: &Answer<'r>) -> LookupContext<'r> {
        let Answer {
            environment,
            lookup,
            result: answer,
            problem,
        } = *answer;
        let inventories = self.settings.inventories;
        let suggestions = &mut self.suggestions;
        let mut value_type = None;
        let suggestion = match answer {
            LookupResult::Found {
                inventory, keys, ..
            } => {
                let mut suggestion = None;
                if let Some((key, keys)) = lookup.key.as_deref().zip(keys) {
                    value_type = keys.get(key);
                    if value_type.is_none() {
                        let secret = (inventory, lookup.secret.as_str());
                        suggestion = suggestions.suggest_key(secret, key, keys);
                    }
                }
                suggestion
            }
            // The secret is declared, only its key is not.
            LookupResult::NotFound
                if problem.is_some_and(|it| it.difference == DeclaredDifference::Key) =>
            {
                None
            }
            LookupResult::NotFound | LookupResult::Failed { .. } => {
                suggestions.suggest_secret(&lookup.chain, &lookup.secret)
            }
        };
        let dotted_suggestion = match answer {
            LookupResult::NotFound => dotted_suggestion(reference, lookup, self.answers),
            _ => None,
        };
        LookupContext {
            answer,
            inventories,
            chain: &lookup.chain,
            value_type,
            environments: environment.map(|at| describe_environments(&[at], self.environments)),
            keys_differ: false,
            suggestion: suggestion.or_else(|| problem?.suggestion.clone()),
            dotted_suggestion,
            declared: problem,
        }
    }

    /// Returns the findings, and the failures without duplicates. The errors of all queried
    /// inventories count, even if another one answered: the next reference may need them.
    fn finish(self) -> ReferenceResults {
        let inventories = self.settings.inventories;
        let queried = self.answers.queried_inventories();
        let entry_errors = queried
            .filter_map(|index| inventories.get(index))
            .flat_map(Inventory::entry_errors);
        let mut messages = HashSet::new();
        let failures = self
            .failed
            .values()
            .map(FailedInventory::failure)
            .chain(entry_errors.cloned())
            .filter(|failure| messages.insert(failure.to_string()))
            .collect();
        ReferenceResults {
            findings: self.findings,
            failures,
            has_unanswered: self.has_unanswered || !self.failed.is_empty(),
            types_known: self.types_known,
        }
    }
}

/// Returns the reference without its first name if that exists: `{{db.password}}` for
/// `{{secrets.db.password}}`.
fn dotted_suggestion(
    reference: &Reference,
    lookup: &ReferenceLookup,
    answers: &LookupResults,
) -> Option<String> {
    let (secret, key) = reference.key()?.split_once('.')?;
    let dotted = ReferenceLookup {
        chain: lookup.chain.clone(),
        secret: secret.to_owned(),
        key: Some(key.to_owned()),
    };
    matches!(answers.get(&dotted), LookupResult::Found { .. })
        .then(|| format!("{{{{{secret}.{key}}}}}"))
}

/// Returns the type of the value, if a secret exists with the key and no rule reports anything about
/// it. Most references are such.
fn plain_answer<'r>(answer: &Answer<'r>) -> Option<&'r ValueType> {
    let LookupResult::Found {
        caveat: None, keys, ..
    } = answer.result
    else {
        return None;
    };
    let key = answer.lookup.key.as_deref()?;
    let value_type = keys?.get(key)?;
    matches!(value_type, ValueType::Unknown | ValueType::String).then_some(value_type)
}

/// The parts of a reference that were not looked up.
#[derive(Default)]
struct LookupGaps {
    /// The inventories that could not answer, each as a reason.
    unanswered: Vec<String>,
    /// Whether its key was not looked up.
    has_unknown_key: bool,
    /// Whether its secret may have the key without listing it.
    has_open_keys: bool,
}

impl LookupGaps {
    /// Counts the reference once. `is_unchecked` is true if it already counts as unchecked.
    fn count(self, is_unchecked: bool, unchecked: &mut Unchecked) {
        if is_unchecked {
            unchecked.reasons.extend(self.unanswered);
        } else {
            unchecked.add_all(&self.unanswered);
        }
        if self.has_open_keys {
            unchecked.levels.insert(OPEN_KEYS.to_owned());
        }
        unchecked.keys += usize::from(self.has_unknown_key || self.has_open_keys);
    }
}
