//! Lookups of names and keys for `check`: each question is asked once per run, several at a time,
//! however many references need the answer.

mod bulk_queries;
mod parallel_queries;
mod query_groups;

pub use bulk_queries::{
    FetchedValues, ListedContents, fetch_values, list_contents, list_contents_partly,
};
pub use parallel_queries::{Progress, parallel_map};

use super::{
    Inventories, Inventory, NameCaveat, RequestedNames, SecretName, StoreError, ValueType,
};
use crate::project::config::Level;
use query_groups::{QueryCounter, QueryGroup};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The lookup that one reference needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceLookup {
    /// The inventories of the stack, in the order in which they are asked.
    pub chain: Vec<usize>,
    /// The name of the secret.
    pub secret: String,
    /// The key, or `None` if the reference names a whole secret.
    pub key: Option<String>,
}

/// The keys of a secret by name, each with the type of its value as far as it is known.
pub type KeyTypes = BTreeMap<String, ValueType>;

/// The result of a lookup.
#[derive(Clone, Copy, Debug)]
pub enum LookupResult<'a> {
    /// The secret exists.
    Found {
        /// The inventory that has it.
        inventory: usize,
        /// A reason why the name may mean something else for another user.
        caveat: Option<NameCaveat>,
        /// The keys of the secret, if the level asks for them.
        keys: Option<&'a KeyTypes>,
    },
    /// No inventory of the chain has the secret.
    NotFound,
    /// An inventory could not answer, and no inventory before it has the secret.
    Failed {
        /// The inventory that could not answer.
        inventory: usize,
        /// The reason.
        error: &'a StoreError,
    },
}

/// The results of all lookups of a run.
#[derive(Clone, Debug, Default)]
pub struct LookupResults {
    lookups: BTreeSet<ReferenceLookup>,
    names: BTreeMap<usize, Result<HashMap<String, SecretName>, StoreError>>,
    keys: BTreeMap<(usize, String), Result<KeyTypes, StoreError>>,
}

/// The error for an inventory that no lookup asked.
static NOT_ASKED: StoreError = StoreError::NotAsked;

impl LookupResults {
    /// Asks the inventories for as much as the lookups need and the level allows. At
    /// [`Level::None`] no inventory is asked.
    pub fn query(
        inventories: &Inventories,
        level: Level,
        lookups: BTreeSet<ReferenceLookup>,
        progress: Option<Progress<'_>>,
    ) -> Self {
        Self::default().query_more(inventories, level, lookups, progress)
    }

    /// Asks the inventories for what these lookups need besides these results, which were asked at
    /// the same level. Returns both.
    #[must_use]
    pub fn query_more(
        mut self,
        inventories: &Inventories,
        level: Level,
        lookups: BTreeSet<ReferenceLookup>,
        progress: Option<Progress<'_>>,
    ) -> Self {
        if level == Level::None {
            return self;
        }
        let groups = query_groups::split(&lookups, inventories);
        let answered = query_groups::run(&groups, progress, |group, counter| {
            self.query_group(inventories, level, group, counter)
        });
        for mut group in answered {
            self.names.append(&mut group.names);
            self.keys.append(&mut group.keys);
        }
        self.lookups.extend(lookups);
        self
    }

    /// Asks the inventories of a group for what is not known. Returns all answers of the group.
    fn query_group(
        &self,
        inventories: &Inventories,
        level: Level,
        group: &QueryGroup<'_>,
        counter: &QueryCounter,
    ) -> Self {
        let mut results = self.of_group(inventories, group);
        results.query_names(inventories, group, counter);
        if level == Level::SecretAndKeyExists {
            results.query_keys(inventories, group, counter);
        }
        results
    }

    /// Returns the known answers of the inventories of a group. Names of inventories that spell
    /// names in their own way are omitted, since they depend on the names that were requested.
    fn of_group(&self, inventories: &Inventories, group: &QueryGroup<'_>) -> Self {
        if self.names.is_empty() {
            return Self::default();
        }
        let indexes = group.lookups.iter().flat_map(|lookup| &lookup.chain);
        let indexes: BTreeSet<usize> = indexes.copied().collect();
        let depends_on_request = |index: &usize| {
            let inventory = inventories.get(*index);
            inventory.is_some_and(|inventory| inventory.stored_name("", None).is_some())
        };
        let names = self
            .names
            .iter()
            .filter(|(index, _)| indexes.contains(index) && !depends_on_request(index));
        let keys = self
            .keys
            .iter()
            .filter(|((index, _), _)| indexes.contains(index));
        Self {
            lookups: BTreeSet::new(),
            names: names.map(|(at, names)| (*at, names.clone())).collect(),
            keys: keys.map(|(at, keys)| (at.clone(), keys.clone())).collect(),
        }
    }

    fn query_names(
        &mut self,
        inventories: &Inventories,
        group: &QueryGroup<'_>,
        counter: &QueryCounter,
    ) {
        let mut requested: BTreeMap<usize, RequestedNames> = BTreeMap::new();
        for lookup in &group.lookups {
            let chain = lookup.chain.iter();
            for &index in chain.filter(|index| !self.names.contains_key(index)) {
                requested
                    .entry(index)
                    .or_default()
                    .insert(lookup.secret.clone());
            }
        }
        let mut names = group.map(requested, counter, |&index, requested| {
            let inventory = inventories.get(index).ok_or(StoreError::NotFound)?;
            let names = usable_names(inventory, requested)?;
            Ok(names
                .into_iter()
                .map(|secret| (secret.name.clone(), secret))
                .collect())
        });
        self.names.append(&mut names);
    }

    fn query_keys(
        &mut self,
        inventories: &Inventories,
        group: &QueryGroup<'_>,
        counter: &QueryCounter,
    ) {
        // If a listed secret has been deleted in the meantime, its references move on to the next
        // inventory of their chain. The next round asks that inventory for keys.
        loop {
            let requested = self.pending_keys(&group.lookups);
            if requested.is_empty() {
                break;
            }
            let query = |(index, secret): &(usize, String), requested: &RequestedNames| {
                let inventory = inventories.get(*index).ok_or(StoreError::NotFound)?;
                let keys = inventory.keys(secret, requested)?;
                Ok(keys.into_iter().map(|key| (key.name, key.value)).collect())
            };
            self.keys.append(&mut group.map(requested, counter, query));
        }
    }

    /// Returns these answers with newer ones.
    #[must_use]
    pub fn merge(mut self, mut newer: Self) -> Self {
        self.lookups.append(&mut newer.lookups);
        self.names.append(&mut newer.names);
        self.keys.append(&mut newer.keys);
        self
    }

    /// Returns the answers of the inventories that `accepts` accepts.
    #[must_use]
    pub fn of_inventories(&self, accepts: &dyn Fn(usize) -> bool) -> Self {
        let lookups = self.lookups.iter();
        let lookups = lookups.filter(|lookup| lookup.chain.iter().all(|&index| accepts(index)));
        let names = self.names.iter().filter(|(index, _)| accepts(**index));
        let keys = self.keys.iter().filter(|((index, _), _)| accepts(*index));
        Self {
            lookups: lookups.cloned().collect(),
            names: names.map(|(at, names)| (*at, names.clone())).collect(),
            keys: keys.map(|(at, keys)| (at.clone(), keys.clone())).collect(),
        }
    }

    /// Returns whether a lookup was made.
    pub fn contains(&self, lookup: &ReferenceLookup) -> bool {
        self.lookups.contains(lookup)
    }

    /// Returns whether all of these lookups were made.
    pub fn contains_all(&self, lookups: &BTreeSet<ReferenceLookup>) -> bool {
        !self.lookups.is_empty() && lookups.is_subset(&self.lookups)
    }

    /// Returns the result of a lookup that was made.
    pub fn get(&self, lookup: &ReferenceLookup) -> LookupResult<'_> {
        for &inventory in &lookup.chain {
            let names = match self.names.get(&inventory) {
                Some(Ok(names)) => names,
                Some(Err(error)) => return LookupResult::Failed { inventory, error },
                None => {
                    return LookupResult::Failed {
                        inventory,
                        error: &NOT_ASKED,
                    };
                }
            };
            let Some(secret) = names.get(&lookup.secret) else {
                continue;
            };
            let keys = match self.keys.get(&(inventory, lookup.secret.clone())) {
                Some(Ok(keys)) => Some(keys),
                // Deleted since it was listed: the next inventory of the chain may have it.
                Some(Err(StoreError::NotFound)) => continue,
                Some(Err(error)) => return LookupResult::Failed { inventory, error },
                None => None,
            };
            return LookupResult::Found {
                inventory,
                caveat: secret.caveat,
                keys,
            };
        }
        LookupResult::NotFound
    }

    /// Returns the answer to a lookup. In contrast to [`LookupResults::get`], a secret counts as not
    /// asked for if the lookup has a key and the keys are not known.
    pub fn answer(&self, lookup: &ReferenceLookup) -> LookupResult<'_> {
        match self.get(lookup) {
            LookupResult::Found {
                inventory,
                keys: None,
                ..
            } if lookup.key.is_some() => LookupResult::Failed {
                inventory,
                error: &NOT_ASKED,
            },
            answer => answer,
        }
    }

    /// Returns all names in the inventories of a chain that answered.
    pub fn names(&self, chain: &[usize]) -> Vec<&str> {
        let listed = chain
            .iter()
            .filter_map(|index| self.names.get(index)?.as_ref().ok());
        listed
            .flat_map(|names| names.keys().map(String::as_str))
            .collect()
    }

    /// Returns the inventories that were asked.
    pub fn queried_inventories(&self) -> impl Iterator<Item = usize> {
        self.names.keys().copied()
    }

    /// Returns the inventories that listed their names.
    pub fn answered_inventories(&self) -> impl Iterator<Item = usize> {
        self.names
            .iter()
            .filter(|(_, names)| names.is_ok())
            .map(|(&index, _)| index)
    }

    /// Returns the inventories that could not list their names.
    pub fn failed_inventories(&self) -> impl Iterator<Item = usize> {
        self.names
            .iter()
            .filter(|(_, names)| names.is_err())
            .map(|(&index, _)| index)
    }

    /// Returns the secrets whose keys must be asked for: for each lookup without an answer, the
    /// secret in the first inventory of its chain that may have it. A secret is asked once, so the
    /// request names the keys of all lookups.
    fn pending_keys(
        &self,
        lookups: &[&ReferenceLookup],
    ) -> BTreeMap<(usize, String), RequestedNames> {
        let mut requested: BTreeMap<(usize, String), RequestedNames> = BTreeMap::new();
        for lookup in lookups.iter().filter(|lookup| lookup.key.is_some()) {
            if let LookupResult::Found {
                inventory,
                keys: None,
                ..
            } = self.get(lookup)
            {
                requested
                    .entry((inventory, lookup.secret.clone()))
                    .or_default();
            }
        }
        if requested.is_empty() {
            return requested;
        }
        for lookup in lookups {
            for &index in &lookup.chain {
                if let Some(keys) = requested.get_mut(&(index, lookup.secret.clone())) {
                    keys.extend(lookup.key.clone());
                }
            }
        }
        requested
    }
}

/// Lists the names of an inventory.
///
/// Fails if an entry of the inventory cannot be read: the unread part may contain a name that the
/// rest does not have.
fn usable_names(
    inventory: &dyn Inventory,
    requested: &RequestedNames,
) -> Result<Vec<SecretName>, StoreError> {
    let names = inventory.names(requested)?;
    match inventory.entry_errors().first() {
        Some(failure) => Err(StoreError::Invalid(failure.clone())),
        None => Ok(names),
    }
}
