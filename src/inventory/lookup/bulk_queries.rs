//! Queries beyond single references: the values of many secrets, and everything in an inventory.

use super::query_groups::{self, QueryCounter, QueryGroup};
use super::{Progress, parallel_map};
use crate::inventory::{Inventories, Key, RequestedNames, SecretName, SecretValues, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// The values of secrets by inventory and name.
pub type FetchedValues = BTreeMap<(usize, String), Result<SecretValues, StoreError>>;

/// Reads the values of each secret once, several at a time.
pub fn fetch_values(
    inventories: &Inventories,
    requested: BTreeMap<(usize, String), RequestedNames>,
    progress: Option<Progress<'_>>,
) -> FetchedValues {
    parallel_map(requested, progress, |(index, secret), requested| {
        inventories
            .get(*index)
            .ok_or(StoreError::NotFound)?
            .values(secret, requested)
    })
}

/// Names and keys of whole inventories, in the order in which each inventory lists them.
pub type ListedContents = BTreeMap<usize, Result<ListedSecrets, StoreError>>;

/// The names of an inventory, each with its keys.
pub type ListedSecrets = Vec<(String, Result<Vec<Key>, StoreError>)>;

/// Lists the names of inventories and the keys of each secret, several at a time. A slow inventory
/// does not delay the others.
pub fn list_contents(
    inventories: &Inventories,
    indices: &[usize],
    progress: Option<Progress<'_>>,
) -> ListedContents {
    list_contents_partly(inventories, indices, &BTreeSet::new(), progress)
}

/// Lists inventories as [`list_contents`] does, but asks those in `names_only` for no keys: their
/// secrets have none in the result.
pub fn list_contents_partly(
    inventories: &Inventories,
    indices: &[usize],
    names_only: &BTreeSet<usize>,
    progress: Option<Progress<'_>>,
) -> ListedContents {
    let distinct: BTreeSet<usize> = indices.iter().copied().collect();
    let groups: Vec<QueryGroup<'_>> = distinct
        .into_iter()
        .map(|index| QueryGroup::of_inventory(index, inventories))
        .collect();
    let contents = query_groups::run(&groups, progress, |group, counter| {
        if names_only.contains(&group.first) {
            list_names(inventories, group)
        } else {
            list_one(inventories, group, counter)
        }
    });
    let indices = groups.iter().map(|group| group.first);
    indices.zip(contents).collect()
}

/// Lists the names of one inventory, each without keys.
fn list_names(
    inventories: &Inventories,
    group: &QueryGroup<'_>,
) -> Result<ListedSecrets, StoreError> {
    let inventory = inventories.get(group.first).ok_or(StoreError::NotFound)?;
    let names = inventory.names(&RequestedNames::new())?.into_iter();
    Ok(names.map(|secret| (secret.name, Ok(Vec::new()))).collect())
}

/// Lists the names of one inventory and the keys of each secret.
fn list_one(
    inventories: &Inventories,
    group: &QueryGroup<'_>,
    counter: &QueryCounter,
) -> Result<ListedSecrets, StoreError> {
    let all = RequestedNames::new();
    let inventory = inventories.get(group.first).ok_or(StoreError::NotFound)?;
    let names = inventory.names(&all)?;
    let requested = names.iter().map(|secret| (secret.name.clone(), ()));
    let mut keys = group.map(requested.collect(), counter, |secret, ()| {
        inventory.keys(secret, &all)
    });
    let mut joined = Vec::with_capacity(names.len());
    for SecretName { name, .. } in names {
        match keys.remove(&name) {
            // It was deleted after the listing.
            None | Some(Err(StoreError::NotFound)) => {}
            Some(keys) => joined.push((name, keys)),
        }
    }
    Ok(joined)
}
