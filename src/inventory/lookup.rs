//! Each question to an inventory asked once per run, several at a time, however many references need the answer.

use super::{Inventories, Inventory, Key, RequestedNames, SecretName, SecretValues, StoreError, ValueType};
use crate::project::config::Level;
use crate::system::parallel;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Questions that are under way at one time.
const MAX_PARALLEL: usize = 8;

/// What one reference needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceLookup {
    /// The inventories of its stack, in the order in which they are asked.
    pub chain: Vec<usize>,
    /// The secret.
    pub secret: String,
    /// The key; nothing where a whole secret is named.
    pub key: Option<String>,
}

/// The keys of a secret by name, each with the type of its value, as far as it is known.
pub type KeyTypes = BTreeMap<String, ValueType>;

/// What became of a question.
#[derive(Clone, Copy, Debug)]
pub enum LookupResult<'a> {
    /// The secret is there.
    Found {
        /// In which inventory.
        inventory: usize,
        /// Where the store has two of that name: which is taken.
        doubled: Option<&'a str>,
        /// Its keys, where the level asks for them.
        keys: Option<&'a KeyTypes>,
    },
    /// No inventory of the chain has it.
    NotFound,
    /// An inventory could not say, and none before it had the secret.
    Failed {
        /// Which inventory.
        inventory: usize,
        /// Why.
        error: &'a StoreError,
    },
}

/// All answers of a run.
#[derive(Debug, Default)]
pub struct LookupResults {
    lookups: BTreeSet<ReferenceLookup>,
    names: BTreeMap<usize, Result<HashMap<String, SecretName>, StoreError>>,
    keys: BTreeMap<(usize, String), Result<KeyTypes, StoreError>>,
}

impl LookupResults {
    /// Asks what the level allows, and no more than the questions need. At [`Level::None`] nothing is asked.
    pub fn query(
        inventories: &Inventories,
        level: Level,
        lookups: BTreeSet<ReferenceLookup>,
        progress: Option<Progress<'_>>,
    ) -> Self {
        let mut answers = Self::default();
        if level == Level::None {
            return answers;
        }
        let mut requested: BTreeMap<usize, RequestedNames> = BTreeMap::new();
        for lookup in &lookups {
            for &at in &lookup.chain {
                requested.entry(at).or_default().insert(lookup.secret.clone());
            }
        }
        answers.names = parallel_map(requested, progress, |&at, requested| {
            let names =
                inventories.get(at).map_or(Err(StoreError::NotFound), |inventory| usable_names(inventory, requested));
            names.map(|names| names.into_iter().map(|secret| (secret.name.clone(), secret)).collect())
        });
        if level == Level::SecretAndKeyExists {
            // A secret that a store lists and no longer has leads to the next inventory of the chain, whose keys are asked then.
            loop {
                let requested = answers.pending_keys(&lookups);
                if requested.is_empty() {
                    break;
                }
                answers.keys.append(&mut parallel_map(requested, progress, |(at, secret), requested| {
                    let inventory = inventories.get(*at).ok_or(StoreError::NotFound)?;
                    let keys = inventory.keys(secret, requested)?;
                    Ok(keys.into_iter().map(|Key { name, value }| (name, value)).collect())
                }));
            }
        }
        answers.lookups = lookups;
        answers
    }

    /// Whether all of these were asked.
    pub fn contains_all(&self, lookups: &BTreeSet<ReferenceLookup>) -> bool {
        !self.lookups.is_empty() && lookups.is_subset(&self.lookups)
    }

    /// The answer to a question that was asked.
    pub fn get(&self, lookup: &ReferenceLookup) -> LookupResult<'_> {
        for &inventory in &lookup.chain {
            match self.names.get(&inventory) {
                Some(Ok(names)) => {
                    let Some(secret) = names.get(&lookup.secret) else { continue };
                    let keys = match self.keys.get(&(inventory, lookup.secret.clone())) {
                        Some(Ok(keys)) => Some(keys),
                        // Listed a moment ago and gone since: the next one in the chain may have it.
                        Some(Err(StoreError::NotFound)) => continue,
                        Some(Err(why)) => return LookupResult::Failed { inventory, error: why },
                        None => None,
                    };
                    return LookupResult::Found { inventory, doubled: secret.ambiguity.as_deref(), keys };
                }
                Some(Err(why)) => return LookupResult::Failed { inventory, error: why },
                // An inventory that was not asked has not answered, either.
                None => return LookupResult::Failed { inventory, error: &NOT_ASKED },
            }
        }
        LookupResult::NotFound
    }

    /// All names in the inventories of a chain, as far as they answered.
    pub fn names(&self, chain: &[usize]) -> Vec<&str> {
        let listed = chain.iter().filter_map(|at| self.names.get(at)?.as_ref().ok());
        listed.flat_map(|names| names.keys().map(String::as_str)).collect()
    }

    /// The inventories that were asked.
    pub fn queried_inventories(&self) -> impl Iterator<Item = usize> {
        self.names.keys().copied()
    }

    /// The inventories that were asked for their names and answered.
    pub fn answered_inventories(&self) -> impl Iterator<Item = usize> {
        self.names.iter().filter(|(_, names)| names.is_ok()).map(|(&at, _)| at)
    }

    /// Returns the secrets to ask for their keys: of each question that has no answer yet, in the first inventory of its chain
    /// that may have it. A secret is asked once, so all keys that any question may look for there are named.
    fn pending_keys(&self, lookups: &BTreeSet<ReferenceLookup>) -> BTreeMap<(usize, String), RequestedNames> {
        let mut requested: BTreeMap<(usize, String), RequestedNames> = BTreeMap::new();
        for lookup in lookups.iter().filter(|lookup| lookup.key.is_some()) {
            if let LookupResult::Found { inventory, keys: None, .. } = self.get(lookup) {
                requested.entry((inventory, lookup.secret.clone())).or_default();
            }
        }
        if requested.is_empty() {
            return requested;
        }
        for lookup in lookups {
            for &at in &lookup.chain {
                if let Some(keys) = requested.get_mut(&(at, lookup.secret.clone())) {
                    keys.extend(lookup.key.clone());
                }
            }
        }
        requested
    }
}

/// Why an inventory outside the questions has no answer.
static NOT_ASKED: StoreError = StoreError::Unreachable(String::new());

/// Lists the names of an inventory, unless a part of it cannot be read. The unread part may have what the rest lacks, so an
/// inventory with errors answers nothing.
fn usable_names(inventory: &dyn Inventory, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
    let names = inventory.names(requested)?;
    inventory.entry_errors().first().map_or(Ok(names), |failure| Err(StoreError::Invalid(failure.clone())))
}

/// The values of secrets by inventory and name.
pub type FetchedValues = BTreeMap<(usize, String), Result<SecretValues, StoreError>>;

/// Fetches each secret once, several at a time.
pub fn fetch_values(
    inventories: &Inventories,
    requested: BTreeMap<(usize, String), RequestedNames>,
    progress: Option<Progress<'_>>,
) -> FetchedValues {
    parallel_map(requested, progress, |(at, secret), requested| {
        inventories.get(*at).map_or(Err(StoreError::NotFound), |inventory| inventory.values(secret, requested))
    })
}

/// Names and keys of whole inventories, in the order of each.
pub type ListedContents = BTreeMap<usize, Result<Vec<(String, Result<Vec<Key>, StoreError>)>, StoreError>>;

/// Lists inventories with all keys, each secret asked once.
pub fn list_contents(inventories: &Inventories, which: &[usize], progress: Option<Progress<'_>>) -> ListedContents {
    let all = RequestedNames::new();
    let names = parallel_map(which.iter().map(|&at| (at, ())).collect(), progress, |&at, ()| {
        inventories.get(at).map_or(Err(StoreError::NotFound), |inventory| inventory.names(&all))
    });
    let listed = names.iter().filter_map(|(at, names)| Some((at, names.as_ref().ok()?)));
    let requested =
        listed.flat_map(|(&at, names)| names.iter().map(move |secret| ((at, secret.name.clone()), ()))).collect();
    let mut keys = parallel_map(requested, progress, |(at, secret), ()| {
        inventories.get(*at).map_or(Err(StoreError::NotFound), |inventory| inventory.keys(secret, &all))
    });
    let joined = names.into_iter().map(|(at, names)| {
        let with_keys = |secret: SecretName| {
            // Gone since it was listed: it is not there.
            let keys = keys.remove(&(at, secret.name.clone())).unwrap_or(Err(StoreError::NotFound));
            (!matches!(keys, Err(StoreError::NotFound))).then_some((secret.name, keys))
        };
        (at, names.map(|names| names.into_iter().filter_map(with_keys).collect()))
    });
    joined.collect()
}

/// Is told now and then how many look-ups are done, and of how many.
pub type Progress<'p> = &'p dyn Fn(usize, usize);

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Runs one call per key on up to [`MAX_PARALLEL`] threads.
pub fn parallel_map<K: Ord + Sync + Send, W: Sync + Send, T: Send>(
    keys: BTreeMap<K, W>,
    progress: Option<Progress<'_>>,
    call: impl Fn(&K, &W) -> T + Sync,
) -> BTreeMap<K, T> {
    let keys: Vec<(K, W)> = keys.into_iter().collect();
    let tell = &mut |done| progress.into_iter().for_each(|progress| progress(done, keys.len()));
    let answers =
        parallel::map(&keys, MAX_PARALLEL, |(key, requested)| call(key, requested), progress.map(|_| TICK), tell);
    keys.into_iter().zip(answers).map(|((key, _), answer)| (key, answer)).collect()
}
