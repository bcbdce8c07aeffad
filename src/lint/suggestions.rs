//! Suggestions for misspelt names: the nearest known name, with a limit on the work of a run.

use crate::inventory::lookup::{KeyTypes, LookupResults};
use crate::text::nearest::{SearchBudget, Suggester};
use std::collections::HashMap;

/// A cache of suggestions. The same mistake is often made many times, and a search through
/// thousands of names is expensive. The search ends after [`MAX_SUGGESTIONS`] different names, or
/// if the [`SearchBudget`] of the run is spent.
pub(super) struct SuggestionCache<'a> {
    answers: &'a LookupResults,
    secrets: HashMap<(&'a [usize], &'a str), Option<String>>,
    keys: HashMap<(&'a str, &'a str), Option<String>>,
    names: HashMap<&'a [usize], Suggester<'a>>,
    remaining: usize,
    budget: SearchBudget,
}

/// The number of different names for which a run searches a suggestion.
const MAX_SUGGESTIONS: usize = 1_000;

impl<'a> SuggestionCache<'a> {
    pub(super) fn new(answers: &'a LookupResults) -> Self {
        Self {
            answers,
            secrets: HashMap::new(),
            keys: HashMap::new(),
            names: HashMap::new(),
            remaining: MAX_SUGGESTIONS,
            budget: SearchBudget::for_run(),
        }
    }

    pub(super) fn suggest_secret(&mut self, chain: &'a [usize], name: &'a str) -> Option<String> {
        if let Some(known) = self.secrets.get(&(chain, name)) {
            return known.clone();
        }
        self.remaining = self.remaining.checked_sub(1)?;
        let names = self
            .names
            .entry(chain)
            .or_insert_with(|| Suggester::new(self.answers.names(chain)));
        let nearest = names
            .nearest_within(name, &mut self.budget)
            .map(str::to_owned);
        self.secrets.insert((chain, name), nearest.clone());
        nearest
    }

    pub(super) fn suggest_key(
        &mut self,
        secret: &'a str,
        key: &'a str,
        keys: &KeyTypes,
    ) -> Option<String> {
        if let Some(known) = self.keys.get(&(secret, key)) {
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
        self.keys.insert((secret, key), nearest.clone());
        nearest
    }
}
