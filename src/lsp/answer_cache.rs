//! The answers of the inventories during a session.
//!
//! A check asks this cache and not the inventories. Inventories that are files are asked at once,
//! since that takes no longer than reading them. What other inventories have not answered yet is
//! recorded, and a background thread asks for it. Until then a reference is not looked up, so
//! nothing is reported as unknown.

use crate::inventory::lookup::{LookupResults, ReferenceLookup};
use crate::inventory::{Inventories, Inventory};
use crate::lint::settings::AnswerSource;
use crate::project::config::Level;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The answers of the inventories of a project.
#[derive(Default)]
pub struct AnswerCache {
    inventories: Arc<Inventories>,
    state: Mutex<CacheState>,
}

struct CacheState {
    known: Arc<LookupResults>,
    level: Level,
    /// The lookups that were needed and are not known.
    missing: BTreeSet<ReferenceLookup>,
    /// All lookups since the cache was created, for the next time that everything is asked again.
    needed: BTreeSet<ReferenceLookup>,
    /// When the first store answered.
    answered_at: Option<Instant>,
}

impl Default for CacheState {
    fn default() -> Self {
        Self {
            known: Arc::default(),
            level: Level::None,
            missing: BTreeSet::new(),
            needed: BTreeSet::new(),
            answered_at: None,
        }
    }
}

/// A query that a background thread runs.
pub struct PendingQuery {
    /// The inventories.
    pub inventories: Arc<Inventories>,
    /// What is known already.
    pub known: Arc<LookupResults>,
    /// The level.
    pub level: Level,
    /// The lookups to add.
    pub lookups: BTreeSet<ReferenceLookup>,
}

impl PendingQuery {
    /// Asks the inventories.
    pub fn run(self) -> QueryAnswers {
        let known = Arc::unwrap_or_clone(self.known);
        let results = known.query_more(&self.inventories, self.level, self.lookups, None);
        QueryAnswers {
            inventories: self.inventories,
            results,
        }
    }
}

/// The answers to a query.
pub struct QueryAnswers {
    /// The inventories that answered.
    pub inventories: Arc<Inventories>,
    /// The answers.
    pub results: LookupResults,
}

impl AnswerCache {
    /// Creates a cache without answers.
    pub fn new(inventories: Arc<Inventories>) -> Self {
        Self {
            inventories,
            state: Mutex::default(),
        }
    }

    /// Returns the inventories.
    pub fn inventories(&self) -> &Arc<Inventories> {
        &self.inventories
    }

    /// Takes the query for what is missing; `None` if nothing is.
    pub fn take_query(&self) -> Option<PendingQuery> {
        let mut state = self.state();
        let lookups = std::mem::take(&mut state.missing);
        (!lookups.is_empty()).then(|| PendingQuery {
            inventories: Arc::clone(&self.inventories),
            known: Arc::clone(&state.known),
            level: state.level,
            lookups,
        })
    }

    /// Adds the answers of a query.
    pub fn add(&self, answers: LookupResults) {
        let mut state = self.state();
        let known = std::mem::take(&mut state.known);
        state.known = Arc::new(Arc::unwrap_or_clone(known).merge(answers));
        state.answered_at.get_or_insert_with(Instant::now);
    }

    /// Returns whether answers of stores are older than `ttl`.
    pub fn is_expired(&self, ttl: Duration) -> bool {
        let answered_at = self.state().answered_at;
        answered_at.is_some_and(|at| at.elapsed() >= ttl)
    }

    /// Returns whether an inventory is not on this machine.
    fn is_store(&self, index: usize) -> bool {
        let inventory = self.inventories.get(index);
        inventory.is_some_and(|inventory| !inventory.is_local())
    }

    /// Returns the answers of stores, without those of files.
    pub fn of_stores(&self, answers: &LookupResults) -> LookupResults {
        answers.of_inventories(&|index| self.is_store(index))
    }

    /// Returns the cache after all inventories were asked again.
    pub fn refreshed(&self, inventories: Arc<Inventories>, answers: LookupResults) -> Self {
        let state = self.state();
        Self {
            inventories,
            state: Mutex::new(CacheState {
                known: Arc::new(answers),
                level: state.level,
                missing: BTreeSet::new(),
                needed: state.needed.clone(),
                answered_at: Some(Instant::now()),
            }),
        }
    }

    /// Returns a query for everything that was needed, to new inventories.
    pub fn query_again(&self, inventories: Arc<Inventories>) -> PendingQuery {
        let state = self.state();
        PendingQuery {
            inventories,
            known: Arc::default(),
            level: state.level,
            lookups: state.needed.clone(),
        }
    }

    /// Returns a cache with other inventories, which have the same indexes, and the answers of the
    /// stores in this one.
    pub fn with_inventories(&self, inventories: Arc<Inventories>) -> Self {
        let state = self.state();
        let known = self.of_stores(&state.known);
        Self {
            state: Mutex::new(CacheState {
                known: Arc::new(known),
                level: state.level,
                missing: BTreeSet::new(),
                needed: state.needed.clone(),
                answered_at: state.answered_at,
            }),
            inventories,
        }
    }

    /// Asks for the names in the inventories of a chain, and for the keys of a secret. Returns the
    /// answers that are known.
    pub fn request(
        &self,
        chain: &[usize],
        secret: Option<&str>,
        level: Level,
    ) -> Arc<LookupResults> {
        let lookup = ReferenceLookup {
            chain: chain.to_vec(),
            secret: secret.unwrap_or_default().to_owned(),
            key: secret.map(|_| "key".to_owned()),
        };
        self.answer(BTreeSet::from([lookup]), level)
    }

    /// Returns the answers for a rename. Files are asked at `level`. Stores are asked at `allowed` if
    /// that is lower, so that a rename requests no more of them than a check.
    pub fn answer_rename(
        &self,
        lookups: &BTreeSet<ReferenceLookup>,
        level: Level,
        allowed: Level,
    ) -> LookupResults {
        let (local, remote): (BTreeSet<_>, BTreeSet<_>) = lookups
            .iter()
            .cloned()
            .partition(|lookup| self.is_local(lookup));
        let answers = LookupResults::default().query_more(&self.inventories, level, local, None);
        if remote.is_empty() {
            return answers;
        }
        let known = self.answer(remote, level.min(allowed.max(Level::SecretExists)));
        answers.merge(Arc::unwrap_or_clone(known))
    }

    fn is_local(&self, lookup: &ReferenceLookup) -> bool {
        lookup.chain.iter().all(|&index| {
            let inventory = self.inventories.get(index);
            inventory.is_none_or(Inventory::is_local)
        })
    }

    fn state(&self) -> MutexGuard<'_, CacheState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnswerSource for AnswerCache {
    fn answer(&self, lookups: BTreeSet<ReferenceLookup>, level: Level) -> Arc<LookupResults> {
        let mut state = self.state();
        if level > state.level {
            // Keys were not asked for so far.
            state.known = Arc::default();
        }
        state.level = state.level.max(level);
        let level = state.level;
        let known = Arc::clone(&state.known);
        let new = lookups.iter().filter(|lookup| !known.contains(lookup));
        let (local, remote): (BTreeSet<_>, BTreeSet<_>) =
            new.cloned().partition(|lookup| self.is_local(lookup));
        state.missing.extend(remote);
        state.needed.extend(lookups);
        drop(known);
        if !local.is_empty() {
            let known = Arc::unwrap_or_clone(std::mem::take(&mut state.known));
            let known = known.query_more(&self.inventories, level, local, None);
            state.known = Arc::new(known);
        }
        Arc::clone(&state.known)
    }
}
