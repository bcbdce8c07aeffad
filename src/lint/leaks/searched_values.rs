//! The values to search for: all values of the inventories in use, except those whose discovery
//! would mean nothing.

use super::{LeakReport, words};
use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{FetchedValues, Progress, fetch_values, list_contents};
use crate::inventory::{Inventories, StoreError};
use crate::zenml::grammar::{ParsedValue, Resolver, parse_value};
use secrecy::ExposeSecret as _;
use std::collections::{BTreeMap, BTreeSet};

/// The shortest value that is searched for. Shorter ones are often common words.
const MIN_VALUE_BYTES: usize = 8;

/// A secret and one of its keys.
pub(super) type Owner = (String, String);

/// Values with their owners, sorted. A value occurs once for each owner.
pub(super) type SearchedValues = Vec<(String, Owner)>;

/// Fetches the values of every inventory in use, and reports the failures. Returns `None` if there
/// are no values to search for.
pub(super) fn collect_values(
    inventories: &Inventories,
    progress: Option<Progress<'_>>,
    leaks: &mut LeakReport,
) -> Option<SearchedValues> {
    let keys = list_keys(inventories, progress, &mut leaks.failures);
    let fetched = fetch_values(inventories, keys, progress);
    leaks.without_values = inventories_without_values(&fetched, inventories);
    let mut searched = SearchedValues::new();
    for ((at, secret), values) in fetched {
        match values {
            Ok(values) => {
                // A value that is not a string has no text to search for.
                for (key, value) in values
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value.ok()?)))
                {
                    // Editors and `echo` end a file with a line break, which nobody copies.
                    let value = value.expose_secret().trim_end_matches(['\r', '\n']);
                    if is_searchable(value) {
                        searched.push((value.to_owned(), (secret.clone(), key)));
                    }
                }
            }
            Err(StoreError::NoValues | StoreError::NotFound) => {}
            Err(error) => {
                leaks
                    .failures
                    .push(error.into_failure(inventories.name(at), &format!("`{secret}`")));
            }
        }
    }
    searched.sort_unstable_by(|(a, owner_a), (b, owner_b)| {
        (a.as_str(), owner_a).cmp(&(b.as_str(), owner_b))
    });
    Some(searched).filter(|values| !values.is_empty())
}

/// Lists the keys of all secrets, by inventory and secret.
fn list_keys(
    inventories: &Inventories,
    progress: Option<Progress<'_>>,
    failures: &mut Vec<Failure>,
) -> BTreeMap<(usize, String), BTreeSet<String>> {
    let in_use: Vec<usize> = inventories.in_use().map(|(at, _)| at).collect();
    let mut listed = BTreeMap::new();
    for (at, secrets) in list_contents(inventories, &in_use, progress) {
        let name = inventories.name(at);
        let secrets = match secrets {
            Ok(secrets) => secrets,
            Err(StoreError::EmptyListing(_)) => continue,
            Err(error) => {
                failures.push(error.into_failure(name, "its values"));
                continue;
            }
        };
        for (secret, keys) in secrets {
            match keys {
                Ok(keys) => drop(
                    listed.insert((at, secret), keys.into_iter().map(|key| key.name).collect()),
                ),
                Err(error) => failures.push(error.into_failure(name, &format!("`{secret}`"))),
            }
        }
    }
    listed
}

/// Returns the names of the inventories from which no secret could be fetched.
fn inventories_without_values(fetched: &FetchedValues, inventories: &Inventories) -> Vec<String> {
    let mut has_values: BTreeMap<usize, bool> = BTreeMap::new();
    for ((at, _), values) in fetched {
        *has_values.entry(*at).or_insert(false) |= values.is_ok();
    }
    let without = has_values.into_iter().filter(|(_, has_values)| !has_values);
    without
        .map(|(at, _)| inventories.name(at).to_owned())
        .collect()
}

/// Returns whether it would mean something to find a value. It must be long enough, have more than
/// two different characters, and be neither a common word nor a reference.
fn is_searchable(value: &str) -> bool {
    let mut chars: Vec<char> = value.chars().collect();
    chars.sort_unstable();
    chars.dedup();
    let is_reference = matches!(
        parse_value(value, Resolver::Zenml),
        ParsedValue::Reference(_)
    );
    value.len() >= MIN_VALUE_BYTES && chars.len() > 2 && !words::is_common(value) && !is_reference
}
