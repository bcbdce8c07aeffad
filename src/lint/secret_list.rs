//! `stackref inventory`: the names and keys in inventories, never values.
//!
//! Not here: the permissions of the credentials ([`permission_probe`]), the filter by use
//! ([`usage_filter`]), the comparison of two inventories ([`inventory_comparison`]), and the snapshot
//! that is safe to commit ([`snapshot_text`]).

mod inventory_comparison;
mod permission_probe;
mod snapshot_text;
mod usage_filter;
mod used_secrets;

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{Progress, list_contents_partly};
use crate::inventory::{Capabilities, Inventories, RepositorySecrets};
use crate::lint::scan::Scan;
use std::collections::{BTreeMap, BTreeSet};

pub use inventory_comparison::{
    ComparedInventory, Difference, DifferenceKind, InventoryComparison, compare,
};
pub use permission_probe::{Permission, Probe, probe_all};
pub use snapshot_text::{differences, snapshot};
pub use usage_filter::retain_by_use;
pub use used_secrets::UsedSecrets;

/// The keys of each secret.
pub type Secrets = BTreeMap<String, BTreeSet<String>>;

/// The contents of one inventory.
pub struct ListedInventory {
    /// The index of the inventory.
    pub at: usize,
    /// The name of the inventory in messages.
    pub name: String,
    /// The operations that its kind supports.
    pub capabilities: Capabilities,
    /// The names and keys, sorted.
    pub secrets: Secrets,
    /// The names of the secrets whose keys could not be read, or were not asked for.
    pub unread: BTreeSet<String>,
}

/// The index and the name of the inventory that consists of the declarations of a repository.
pub const REPOSITORY: (usize, &str) = (usize::MAX, "repository");

/// Lists the secrets that the files of a scan declare. Returns `None` if there are none. Names that
/// are only known at run time are left out.
pub fn list_declared(scan: &Scan) -> Option<ListedInventory> {
    let declared = repository_secrets(&[scan]).secrets.into_iter();
    let secrets: Secrets = declared.map(|(name, it)| (name, it.keys)).collect();
    let (at, name) = REPOSITORY;
    (!secrets.is_empty()).then(|| ListedInventory {
        at,
        name: name.to_owned(),
        capabilities: Capabilities::NAMES,
        secrets,
        unread: BTreeSet::new(),
    })
}

/// Collects the secrets that the files of scans declare, and the failures of files that could not
/// be read. Names that are only known at run time are left out.
pub fn repository_secrets(scans: &[&Scan]) -> RepositorySecrets {
    let mut declared = RepositorySecrets::default();
    let mut created = BTreeSet::new();
    for declaration in scans.iter().flat_map(|scan| scan.declarations()) {
        if declaration.is_dynamic {
            continue;
        }
        let name = &declaration.secret;
        let secret = declared.secrets.entry(name.clone()).or_default();
        let keys = declaration.keys.iter().map(|key| key.name.clone());
        secret.keys.extend(keys);
        secret.is_open |= declaration.is_open;
        if declaration.is_complete {
            created.insert(name);
        }
    }
    // An update does not list the keys that the secret had before.
    for (name, secret) in &mut declared.secrets {
        secret.is_open |= !created.contains(name);
    }
    let failures = scans.iter().flat_map(|scan| &scan.skipped.failures);
    declared.failures.extend(failures.cloned());
    declared
}

/// Lists inventories. Returns the parts that could be read, and a failure for each other part.
pub fn list(
    inventories: &Inventories,
    indexes: &[usize],
    progress: Option<Progress<'_>>,
) -> (Vec<ListedInventory>, Vec<Failure>) {
    list_partly(inventories, indexes, &BTreeSet::new(), progress)
}

/// Lists inventories as [`list`] does, but asks those in `names_only` only for names.
pub fn list_partly(
    inventories: &Inventories,
    indexes: &[usize],
    names_only: &BTreeSet<usize>,
    progress: Option<Progress<'_>>,
) -> (Vec<ListedInventory>, Vec<Failure>) {
    let mut listed = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let mut contents = list_contents_partly(inventories, indexes, names_only, progress);
    for &at in indexes {
        let (Some(inventory), Some(content)) = (inventories.get(at), contents.remove(&at)) else {
            continue;
        };
        let name = inventory.name();
        match content {
            Err(error) => failures.push(error.into_failure(name, "its names")),
            Ok(contents) => {
                let (mut secrets, mut unread) = (Secrets::new(), BTreeSet::new());
                for (secret, keys) in contents {
                    match keys {
                        Ok(_) if names_only.contains(&at) => drop(unread.insert(secret)),
                        Ok(keys) => drop(
                            secrets.insert(secret, keys.into_iter().map(|key| key.name).collect()),
                        ),
                        Err(error) => {
                            failures
                                .push(error.into_failure(name, &format!("the keys of `{secret}`")));
                            unread.insert(secret);
                        }
                    }
                }
                let capabilities = inventory.capabilities();
                listed.push(ListedInventory {
                    at,
                    name: name.to_owned(),
                    capabilities,
                    secrets,
                    unread,
                });
            }
        }
        failures.extend_from_slice(inventory.entry_errors());
    }
    let mut messages = BTreeSet::new();
    failures.retain(|failure| messages.insert(failure.to_string()));
    (listed, failures)
}

/// Merges inventories that are queried in order: the first one that has a secret determines its
/// keys.
pub fn merge<'l>(listed: impl IntoIterator<Item = &'l ListedInventory>) -> Secrets {
    let mut all = Secrets::new();
    for inventory in listed {
        for (secret, keys) in &inventory.secrets {
            all.entry(secret.clone()).or_insert_with(|| keys.clone());
        }
    }
    all
}
