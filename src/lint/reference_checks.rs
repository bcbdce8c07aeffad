//! The existence rules: unknown secrets and keys, and the problems that the answers show.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::inventory::lookup::{LookupResult, LookupResults, ReferenceLookup};
use crate::inventory::{Inventory, StoreError, ValueType};
use crate::lint::report::Unchecked;
use crate::lint::resolve::{Answer, ResolvedReferences};
use crate::lint::rules::{self, LookupContext, Subject};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::lint::suggestions::SuggestionCache;
use crate::sources::reference::Reference;
use std::collections::{BTreeMap, BTreeSet, HashSet};

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
    let mut results = ReferenceResults {
        findings: Vec::new(),
        failures: Vec::new(),
        has_unanswered: false,
        types_known: true,
    };
    let mut suggestions = SuggestionCache::new(references.answers());
    let mut failed: BTreeMap<usize, FailedInventory<'_>> = BTreeMap::new();
    for (reference, answer) in references.iter(scan) {
        let Some(Answer { lookup, result }) = answer else {
            continue;
        };
        if let LookupResult::Failed { inventory, error } = result {
            if settings.allow_empty_listing && matches!(error, StoreError::EmptyListing(_)) {
                continue;
            }
            let inventory = failed.entry(inventory).or_insert_with(|| FailedInventory {
                name: settings.inventories.name(inventory),
                error,
                secrets: BTreeSet::new(),
            });
            inventory.secrets.insert(&lookup.secret);
            unchecked.add(1, format!("no answer from `{}`", inventory.name));
            continue;
        }
        if matches!(result, LookupResult::Found { .. })
            && reference.key.is_some()
            && lookup.key.is_none()
        {
            unchecked.keys += 1;
        }
        if let (
            LookupResult::Found {
                keys: Some(keys), ..
            },
            Some(key),
        ) = (&result, &lookup.key)
        {
            results.types_known &= keys.get(key) != Some(&ValueType::Unknown);
        }
        let context = lookup_context(
            reference,
            lookup,
            result,
            references.answers(),
            &mut suggestions,
            settings,
        );
        results
            .findings
            .extend(rules::check(Subject::Reference(reference, &context)));
    }
    results.has_unanswered = !failed.is_empty();
    results
        .failures
        .extend(failed.values().map(FailedInventory::failure));
    // Errors of all queried inventories count, even if another one answered: the next reference may
    // need them.
    for at in references.answers().queried_inventories() {
        let errors = settings
            .inventories
            .get(at)
            .map_or(&[][..], Inventory::entry_errors);
        results.failures.extend_from_slice(errors);
    }
    let mut messages = HashSet::new();
    results
        .failures
        .retain(|failure| messages.insert(failure.to_string()));
    results
}

/// Returns the answer to a reference with everything that a message may mention.
fn lookup_context<'r>(
    reference: &Reference,
    lookup: &'r ReferenceLookup,
    answer: LookupResult<'r>,
    answers: &LookupResults,
    suggestions: &mut SuggestionCache<'r>,
    settings: &Settings<'r>,
) -> LookupContext<'r> {
    let (found_in, suggestion) = match &answer {
        LookupResult::Found {
            inventory, keys, ..
        } => {
            let missing = lookup
                .key
                .as_deref()
                .zip(*keys)
                .filter(|(key, keys)| !keys.contains_key(*key));
            let suggestion =
                missing.and_then(|(key, keys)| suggestions.suggest_key(&lookup.secret, key, keys));
            (settings.inventories.name(*inventory), suggestion)
        }
        _ => (
            "",
            suggestions.suggest_secret(&lookup.chain, &lookup.secret),
        ),
    };
    let dotted_suggestion = match answer {
        LookupResult::NotFound => dotted_suggestion(reference, lookup, answers),
        _ => None,
    };
    LookupContext {
        answer,
        inventories: settings.inventories,
        chain: &lookup.chain,
        found_in,
        suggestion,
        dotted_suggestion,
    }
}

/// Returns the reference without its first name if that exists: `{{db.password}}` for
/// `{{secrets.db.password}}`.
fn dotted_suggestion(
    reference: &Reference,
    lookup: &ReferenceLookup,
    answers: &LookupResults,
) -> Option<String> {
    let (secret, key) = reference.key.as_deref()?.split_once('.')?;
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
