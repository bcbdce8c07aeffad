//! Queries beyond single references: the values of many secrets, and everything in an inventory.

use super::{Progress, parallel_map};
use crate::inventory::{Inventories, Key, RequestedNames, SecretName, SecretValues, StoreError};
use std::collections::BTreeMap;

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
pub type ListedContents =
    BTreeMap<usize, Result<Vec<(String, Result<Vec<Key>, StoreError>)>, StoreError>>;

/// Lists the names of inventories and the keys of each secret, several at a time.
pub fn list_contents(
    inventories: &Inventories,
    indices: &[usize],
    progress: Option<Progress<'_>>,
) -> ListedContents {
    let all = RequestedNames::new();
    let names = parallel_map(
        indices.iter().map(|&index| (index, ())).collect(),
        progress,
        |&index, ()| {
            inventories
                .get(index)
                .ok_or(StoreError::NotFound)?
                .names(&all)
        },
    );
    let listed = names
        .iter()
        .filter_map(|(index, names)| Some((index, names.as_ref().ok()?)));
    let requested = listed
        .flat_map(|(&index, names)| {
            names
                .iter()
                .map(move |secret| ((index, secret.name.clone()), ()))
        })
        .collect();
    let mut keys = parallel_map(requested, progress, |(index, secret), ()| {
        inventories
            .get(*index)
            .ok_or(StoreError::NotFound)?
            .keys(secret, &all)
    });
    let contents = names
        .into_iter()
        .map(|(index, names)| (index, names.map(|names| join_keys(index, names, &mut keys))));
    contents.collect()
}

/// Joins the names of an inventory with their keys. Omits secrets that were deleted after they were
/// listed.
fn join_keys(
    index: usize,
    names: Vec<SecretName>,
    keys: &mut BTreeMap<(usize, String), Result<Vec<Key>, StoreError>>,
) -> Vec<(String, Result<Vec<Key>, StoreError>)> {
    let mut joined = Vec::with_capacity(names.len());
    for SecretName { name, .. } in names {
        match keys.remove(&(index, name.clone())) {
            None | Some(Err(StoreError::NotFound)) => {}
            Some(keys) => joined.push((name, keys)),
        }
    }
    joined
}
