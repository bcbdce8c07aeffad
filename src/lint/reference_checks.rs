//! The existence rules: unknown secrets and keys, and the problems that the answers show.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::inventory::{Inventory, StoreError, ValueType};
use crate::lint::declared_secrets::DeclaredDifference;
use crate::lint::report::Unchecked;
use crate::lint::resolve::{Answer, ResolvedReferences};
use crate::lint::rules::{self, LookupContext, Subject};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::lint::suggestions::SuggestionCache;
use crate::sources::reference::Reference;
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
        answers: references.answers(),
        suggestions: SuggestionCache::new(references.answers()),
        failed: BTreeMap::new(),
        findings: Vec::new(),
        missing: HashSet::new(),
        types_known: true,
    };
    for (reference, answer) in references.iter(scan) {
        let Some(answer) = answer else {
            continue;
        };
        if let LookupResult::Failed { inventory, error } = answer.result {
            checker.add_failed(inventory, error, answer.lookup, unchecked);
        } else {
            checker.check(reference, &answer, unchecked);
        }
    }
    checker.finish()
}

/// A check of the references of a scan, one after the other.
struct ReferenceChecker<'r> {
    settings: &'r Settings<'r>,
    answers: &'r LookupResults,
    suggestions: SuggestionCache<'r>,
    /// The inventories that could not answer, by index.
    failed: BTreeMap<usize, FailedInventory<'r>>,
    findings: Vec<FindingBuilder>,
    /// The files and spans of the missing secrets whose keys are apart from their names.
    missing: HashSet<(*const RedactedSource, Span)>,
    types_known: bool,
}

impl<'r> ReferenceChecker<'r> {
    /// Records an inventory that could not answer. An empty listing counts as an answer if the
    /// settings allow it.
    fn add_failed(
        &mut self,
        inventory: usize,
        error: &'r StoreError,
        lookup: &'r ReferenceLookup,
        unchecked: &mut Unchecked,
    ) {
        if self.settings.allow_empty_listing && matches!(error, StoreError::EmptyListing(_)) {
            return;
        }
        let name = self.settings.inventories.name(inventory);
        let failed = self
            .failed
            .entry(inventory)
            .or_insert_with(|| FailedInventory {
                name,
                error,
                secrets: BTreeSet::new(),
            });
        failed.secrets.insert(&lookup.secret);
        unchecked.add(1, format!("no answer from `{name}`"));
    }

    /// Runs the rules on a reference with an answer.
    fn check(&mut self, reference: &Reference, answer: &Answer<'r>, unchecked: &mut Unchecked) {
        if matches!(answer.result, LookupResult::Found { .. })
            && reference.key().is_some()
            && answer.lookup.key.is_none()
        {
            unchecked.keys += 1;
        }
        if self.has_unknown_keys(answer) {
            unchecked.keys += 1;
            unchecked.levels.insert(OPEN_KEYS.to_owned());
            return;
        }
        let context = self.lookup_context(reference, answer);
        self.types_known &= context.value_type != Some(&ValueType::Unknown);
        let finding = rules::check(Subject::Reference(reference, &context));
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
            lookup,
            result: answer,
            problem,
        } = *answer;
        let inventories = self.settings.inventories;
        let suggestions = &mut self.suggestions;
        let mut value_type = None;
        let (found_in, suggestion) = match answer {
            LookupResult::Found {
                inventory, keys, ..
            } => {
                let mut suggestion = None;
                if let Some((key, keys)) = lookup.key.as_deref().zip(keys) {
                    value_type = keys.get(key);
                    if value_type.is_none() {
                        suggestion = suggestions.suggest_key(&lookup.secret, key, keys);
                    }
                }
                (inventories.name(inventory), suggestion)
            }
            // The secret is declared, only its key is not.
            LookupResult::NotFound
                if problem.is_some_and(|it| it.difference == DeclaredDifference::Key) =>
            {
                ("", None)
            }
            LookupResult::NotFound | LookupResult::Failed { .. } => (
                "",
                suggestions.suggest_secret(&lookup.chain, &lookup.secret),
            ),
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
            found_in,
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
            has_unanswered: !self.failed.is_empty(),
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

/// An inventory that could not answer, and the secrets that it was asked for.
struct FailedInventory<'r> {
    name: &'r str,
    error: &'r StoreError,
    secrets: BTreeSet<&'r str>,
}

impl FailedInventory<'_> {
    fn failure(&self) -> Failure {
        let Self { name, error, .. } = self;
        let secrets = self.list_secrets();
        match error {
            StoreError::Invalid(failure) => failure.clone(),
            StoreError::Forbidden(advice) => {
                Failure::unanswered(format!("permission denied while reading {secrets} in the inventory `{name}`"))
                    .with_help(advice.clone())
            }
            StoreError::Unreachable(reason) => {
                Failure::unanswered(format!("cannot look up {secrets} in the inventory `{name}`: {reason}"))
                    .with_help("fix this and try again, or check only the syntax with `--level none`")
            }
            StoreError::EmptyListing(advice) => Failure::unanswered(format!(
                "these credentials cannot list any secret in `{name}`, so {secrets} cannot be looked up"
            ))
            .with_help(advice.clone()),
            // A lookup reports these as an answer, never as an error.
            StoreError::NotFound | StoreError::NoValues => {
                Failure::unanswered(format!("cannot look up {secrets} in the inventory `{name}`"))
            }
        }
    }

    fn list_secrets(&self) -> String {
        const MAX_NAMED: usize = 5;
        let names: Vec<String> = self
            .secrets
            .iter()
            .take(MAX_NAMED)
            .map(|name| format!("`{name}`"))
            .collect();
        let more = self.secrets.len().saturating_sub(MAX_NAMED);
        let list = names.join(", ");
        if more > 0 {
            format!("{list} and {more} more")
        } else {
            list
        }
    }
}
