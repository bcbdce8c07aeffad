//! Groups of inventories that are queried independently, each at its own pace.

use super::ReferenceLookup;
use super::parallel_queries::{MAX_PARALLEL, PROGRESS_INTERVAL, Progress};
use crate::inventory::{Inventories, Inventory};
use crate::system::parallel;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of groups that are queried at the same time. A group that waits for a store costs
/// little more than its thread.
const MAX_GROUPS: usize = 32;

/// The lookups of inventories that share no chain with other ones, for example of one environment.
pub(super) struct QueryGroup<'l> {
    /// The inventory with the lowest index.
    pub first: usize,
    pub lookups: Vec<&'l ReferenceLookup>,
    /// Whether all its inventories are files or folders, so that threads would only cost time.
    pub is_local: bool,
}

impl QueryGroup<'_> {
    /// Creates a group of one inventory, without lookups.
    pub(super) fn of_inventory(index: usize, inventories: &Inventories) -> Self {
        let inventory = inventories.get(index);
        Self {
            first: index,
            lookups: Vec::new(),
            is_local: inventory.is_some_and(|inventory| inventory.file().is_some()),
        }
    }

    /// Runs one query per key, several at a time.
    pub(super) fn map<K: Ord + Sync, W: Sync, T: Send>(
        &self,
        keys: BTreeMap<K, W>,
        counter: &QueryCounter,
        query: impl Fn(&K, &W) -> T + Sync,
    ) -> BTreeMap<K, T> {
        let keys: Vec<(K, W)> = keys.into_iter().collect();
        counter.add(keys.len());
        let threads = if self.is_local { 1 } else { MAX_PARALLEL };
        let query = |(key, requested): &(K, W)| {
            let answer = query(key, requested);
            counter.finish();
            answer
        };
        let answers = parallel::map(&keys, threads, query, None, &mut |_| ());
        let keys = keys.into_iter().map(|(key, _)| key);
        keys.zip(answers).collect()
    }
}

/// Splits lookups by inventories: those of a chain are in the same group.
pub(super) fn split<'l>(
    lookups: impl IntoIterator<Item = &'l ReferenceLookup>,
    inventories: &Inventories,
) -> Vec<QueryGroup<'l>> {
    let lookups: Vec<&ReferenceLookup> = lookups.into_iter().collect();
    // The first inventory of each group, by inventory.
    let mut roots: BTreeMap<usize, usize> = BTreeMap::new();
    let mut last_chain: &[usize] = &[];
    for lookup in &lookups {
        if lookup.chain != last_chain {
            join(&mut roots, &lookup.chain);
            last_chain = &lookup.chain;
        }
    }
    let mut groups: BTreeMap<usize, QueryGroup<'l>> = BTreeMap::new();
    for lookup in lookups {
        let Some(first) = lookup.chain.first() else {
            continue;
        };
        let first = root(&roots, *first);
        let group = groups.entry(first).or_insert(QueryGroup {
            first,
            lookups: Vec::new(),
            is_local: true,
        });
        group.lookups.push(lookup);
    }
    for &inventory in roots.keys() {
        let inventory_file = inventories.get(inventory).and_then(Inventory::file);
        if let Some(group) = groups.get_mut(&root(&roots, inventory)) {
            group.is_local &= inventory_file.is_some();
        }
    }
    groups.into_values().collect()
}

/// Joins the groups of all inventories of a chain.
fn join(roots: &mut BTreeMap<usize, usize>, chain: &[usize]) {
    let Some(&first) = chain.first() else {
        return;
    };
    for &inventory in chain {
        let (a, b) = (root(roots, first), root(roots, inventory));
        roots.entry(first).or_insert(a);
        roots.entry(inventory).or_insert(b);
        let (low, high) = (a.min(b), a.max(b));
        roots.insert(high, low);
    }
}

/// Returns the first inventory of the group that contains an inventory.
fn root(roots: &BTreeMap<usize, usize>, inventory: usize) -> usize {
    let mut at = inventory;
    while let Some(&above) = roots.get(&at).filter(|above| **above != at) {
        at = above;
    }
    at
}

/// The numbers of finished queries and of all queries so far.
#[derive(Default)]
pub(super) struct QueryCounter {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl QueryCounter {
    pub(super) fn add(&self, queries: usize) {
        self.total.fetch_add(queries, Ordering::Relaxed);
    }

    pub(super) fn finish(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of finished queries and the number of all queries.
    pub(super) fn counts(&self) -> (usize, usize) {
        let done = self.done.load(Ordering::Relaxed);
        (done, self.total.load(Ordering::Relaxed).max(done))
    }
}

/// Queries groups in parallel, each at its own pace, and reports the progress of all.
pub(super) fn run<T: Send>(
    groups: &[QueryGroup<'_>],
    progress: Option<Progress<'_>>,
    query: impl Fn(&QueryGroup<'_>, &QueryCounter) -> T + Sync,
) -> Vec<T> {
    let counter = QueryCounter::default();
    let is_local = groups.iter().all(|group| group.is_local);
    let threads = if is_local {
        parallel::processors()
    } else {
        MAX_GROUPS
    };
    parallel::map(
        groups,
        threads,
        |group| query(group, &counter),
        progress.map(|_| PROGRESS_INTERVAL),
        &mut |_| {
            if let Some(progress) = progress {
                let (done, total) = counter.counts();
                progress(done, total);
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(chains: &[&[usize]]) -> Vec<Vec<Vec<usize>>> {
        let lookups: Vec<ReferenceLookup> = chains
            .iter()
            .map(|chain| ReferenceLookup {
                chain: chain.to_vec(),
                secret: "db".to_owned(),
                key: None,
            })
            .collect();
        let groups = split(&lookups, &Inventories::default());
        let chains = groups.iter().map(|group| {
            let lookups = group.lookups.iter();
            lookups.map(|lookup| lookup.chain.clone()).collect()
        });
        chains.collect()
    }

    #[test]
    fn chains_with_a_common_inventory_are_one_group() {
        assert_eq!(groups(&[&[0], &[1], &[0]]).len(), 2);
        assert_eq!(groups(&[&[0, 1], &[2, 3], &[1, 2]]).len(), 1);
        assert_eq!(groups(&[&[3, 1], &[2], &[1, 0], &[4, 2]]).len(), 2);
        assert_eq!(groups(&[&[], &[5]]).len(), 1);
        let chains: Vec<Vec<usize>> = (0..1000).map(|at| vec![at, at + 1]).collect();
        let chains: Vec<&[usize]> = chains.iter().map(Vec::as_slice).collect();
        assert_eq!(groups(&chains).len(), 1);
    }
}
