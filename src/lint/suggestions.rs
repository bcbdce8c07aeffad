//! Suggestions for misspelt names: the nearest known name, with a limit on the work of a run.

use crate::inventory::lookup::{KeyTypes, LookupResults};
use crate::text::nearest::{SearchBudget, Suggester};
use std::collections::HashMap;

/// A cache of suggestions. The same mistake is often made many times, and a search through
/// thousands of names is expensive. The search ends after [`MAX_SUGGESTIONS`] different names, or
/// if the [`SearchBudget`] of the run is spent.
pub(super) struct SuggestionCache<'a> {
    answers: &'a LookupResults,
    secrets: HashMap<&'a [usize], NearestNames<'a>>,
    /// The keys that were searched, by inventory, secret and key.
    keys: HashMap<(usize, &'a str, &'a str), Option<String>>,
    remaining: usize,
    budget: SearchBudget,
}

/// Known names, with the nearest one of each name that was searched.
pub(super) struct NearestNames<'n> {
    known: Suggester<'n>,
    searched: HashMap<&'n str, Option<&'n str>>,
}

impl<'n> NearestNames<'n> {
    pub(super) fn new(known: impl IntoIterator<Item = &'n str>) -> Self {
        Self {
            known: Suggester::new(known),
            searched: HashMap::new(),
        }
    }

    fn was_searched(&self, name: &str) -> bool {
        self.searched.contains_key(name)
    }

    /// Returns the known name that is nearest to a name, within the budget of the run.
    pub(super) fn search(&mut self, name: &'n str, budget: &mut SearchBudget) -> Option<&'n str> {
        let known = &self.known;
        let nearest = self.searched.entry(name);
        *nearest.or_insert_with(|| known.nearest_within(name, budget))
    }
}

/// The number of different names for which a run searches a suggestion.
const MAX_SUGGESTIONS: usize = 1_000;

impl<'a> SuggestionCache<'a> {
    pub(super) fn new(answers: &'a LookupResults) -> Self {
        Self {
            answers,
            secrets: HashMap::new(),
            keys: HashMap::new(),
            remaining: MAX_SUGGESTIONS,
            budget: SearchBudget::for_run(),
        }
    }

    pub(super) fn suggest_secret(&mut self, chain: &'a [usize], name: &'a str) -> Option<String> {
        let names = self
            .secrets
            .entry(chain)
            .or_insert_with(|| NearestNames::new(self.answers.names(chain)));
        if !names.was_searched(name) {
            self.remaining = self.remaining.checked_sub(1)?;
        }
        names.search(name, &mut self.budget).map(str::to_owned)
    }

    pub(super) fn suggest_key(
        &mut self,
        (inventory, secret): (usize, &'a str),
        key: &'a str,
        keys: &KeyTypes,
    ) -> Option<String> {
        if let Some(known) = self.keys.get(&(inventory, secret, key)) {
            return known.clone();
        }
        self.remaining = self.remaining.checked_sub(1)?;
        // Building the suggester costs time, too.
        self.budget.spend(1)?;
        self.budget.spend(
            keys.keys()
                .map(|key| key.len() as u64 + SearchBudget::CANDIDATE_COST)
                .sum(),
        )?;
        let known = Suggester::new(keys.keys().map(String::as_str));
        let nearest = known
            .nearest_within(key, &mut self.budget)
            .map(str::to_owned);
        self.keys.insert((inventory, secret, key), nearest.clone());
        nearest
    }
}
