//! The permission probe: which operations the credentials may perform in an inventory.

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{Progress, parallel_map};
use crate::inventory::{Inventories, Inventory, RequestedNames, SecretName, StoreError};

/// The permissions of the credentials for one inventory.
pub struct Probe {
    /// The name of the inventory in messages.
    pub name: String,
    /// The permissions to list names, to read keys and values, and to write.
    pub permissions: [(&'static str, Permission); 4],
    /// The error that prevents all use of the inventory.
    pub failure: Option<Failure>,
}

/// The permission for one operation.
pub enum Permission {
    /// The operation succeeded.
    Yes,
    /// The operation was refused, or the kind does not support it; with the reason.
    No(String),
    /// The operation was not tried; with the reason.
    Untried(&'static str),
}

impl Permission {
    /// Returns one word for a table.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Untried(_) => "?",
        }
    }

    /// Returns the reason; `None` if the operation is permitted.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Yes => None,
            Self::No(reason) => Some(reason),
            Self::Untried(reason) => Some(reason),
        }
    }
}

/// Tries each operation once in each inventory, in parallel. Nothing is written.
pub fn probe_all(
    inventories: &Inventories,
    indexes: &[usize],
    progress: Option<Progress<'_>>,
) -> Vec<Probe> {
    let indexes = indexes.iter().map(|&at| (at, ())).collect();
    let probes = parallel_map(indexes, progress, |&at, ()| inventories.get(at).map(probe));
    probes.into_values().flatten().collect()
}

fn probe(inventory: &dyn Inventory) -> Probe {
    let name = inventory.name().to_owned();
    let names = inventory.names(&RequestedNames::new());
    let failure = match &names {
        Ok(_) | Err(StoreError::EmptyListing(_)) => None,
        Err(error) => Some(error.clone().into_failure(&name, "its names")),
    };
    let (keys, values) = probe_contents(inventory, names.as_deref().unwrap_or_default());
    let list = match names {
        Ok(_) => Permission::Yes,
        Err(StoreError::EmptyListing(_)) => Permission::Untried(
            "the listing is empty: there are no secrets, or these credentials cannot list them",
        ),
        Err(error) => refused(&name, error, "its names"),
    };
    let write = probe_write(inventory);
    Probe {
        name,
        permissions: [
            ("list", list),
            ("keys", keys),
            ("values", values),
            ("write", write),
        ],
        failure,
    }
}

/// Returns the permissions to read keys and values, tried with the first secret that has keys.
fn probe_contents(inventory: &dyn Inventory, secrets: &[SecretName]) -> (Permission, Permission) {
    let name = inventory.name();
    let untried_values = Permission::Untried("there is no key to read");
    let mut can_read_keys = Permission::Untried("there is no secret to read");
    for secret in secrets {
        let secret = &secret.name;
        let keys = match inventory.keys(secret, &RequestedNames::new()) {
            Ok(keys) => keys,
            // It was deleted after the listing.
            Err(StoreError::NotFound) => continue,
            Err(error) => {
                return (
                    refused(name, error, &format!("the keys of `{secret}`")),
                    untried_values,
                );
            }
        };
        can_read_keys = Permission::Yes;
        let Some(key) = keys.first() else { continue };
        let can_read_values =
            match inventory.values(secret, &RequestedNames::from([key.name.clone()])) {
                Ok(_) => Permission::Yes,
                Err(StoreError::NoValues) => {
                    Permission::No(format!("`{secret}` has only names and keys"))
                }
                Err(error) => refused(name, error, &format!("the values of `{secret}`")),
            };
        return (can_read_keys, can_read_values);
    }
    (can_read_keys, untried_values)
}

/// Returns the permission to write. Only local inventories can be checked without a write.
fn probe_write(inventory: &dyn Inventory) -> Permission {
    if !inventory.capabilities().write {
        return Permission::No("this inventory is read-only".to_owned());
    }
    match inventory.check_writable() {
        Err(failure) => Permission::No(failure.to_string()),
        Ok(()) if inventory.file().is_some() => Permission::Yes,
        Ok(()) => Permission::Untried("only a write can determine this"),
    }
}

fn refused(inventory: &str, error: StoreError, subject: &str) -> Permission {
    match error {
        StoreError::Forbidden(advice) => Permission::No(advice),
        error => Permission::No(error.into_failure(inventory, subject).to_string()),
    }
}
