//! The filter of `stackref inventory --used` and `--unused`.

use super::{ListedInventory, REPOSITORY, UsedSecrets};
use crate::inventory::lookup::LookupResult;
use crate::lint::report::Report;
use crate::lint::resolved_references::Answer;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// The used secrets and keys, by inventory.
type UsedByInventory<'r> = BTreeMap<usize, UsedSecrets<'r>>;

/// Keeps only the secrets and keys that references use, or only those that they do not use.
pub fn retain_by_use(
    listed: &mut [ListedInventory],
    used: bool,
    scan: &Scan,
    report: &Report,
    settings: &Settings<'_>,
) {
    let used_secrets = used_by_inventory(scan, report, settings);
    for inventory in listed {
        let at = inventory.at;
        // If a part of the inventory cannot be read, it is unknown which of its secrets are unused.
        if !used
            && settings
                .inventories
                .get(at)
                .is_some_and(|inventory| !inventory.entry_errors().is_empty())
        {
            inventory.secrets.clear();
        }
        let of_inventory = used_secrets.get(&at);
        inventory.secrets.retain(|secret, keys| {
            let of_secret = of_inventory.and_then(|used| used.secrets.get(secret.as_str()));
            let had_keys = !keys.is_empty();
            keys.retain(|key| is_used(of_secret, key) == used);
            if had_keys {
                !keys.is_empty()
            } else {
                of_secret.is_some() == used
            }
        });
    }
}

fn is_used(of_secret: Option<&Option<BTreeSet<&str>>>, key: &str) -> bool {
    of_secret.is_some_and(|keys| keys.as_ref().is_none_or(|keys| keys.contains(key)))
}

fn used_by_inventory<'s>(
    scan: &'s Scan,
    report: &'s Report,
    settings: &Settings<'_>,
) -> UsedByInventory<'s> {
    let mut used = UsedByInventory::new();
    // A reference that a declaration answers is not looked up.
    let repositories = settings.inventories.in_use();
    let repositories = repositories.filter(|(_, inventory)| inventory.is_repository());
    let mut declared: Vec<usize> = repositories.map(|(at, _)| at).collect();
    declared.push(REPOSITORY.0);
    let answered = report.references.answered();
    for (reference, answers) in answered.iter(scan) {
        let names = (reference.secret(), reference.key());
        for &at in &declared {
            add_use(&mut used, at, names);
        }
        for Answer { lookup, result, .. } in answers.iter(reference) {
            let key = lookup.key.as_deref();
            let names = (lookup.secret.as_str(), key.or(reference.key()));
            match result {
                LookupResult::Found { inventory, .. } => add_use(&mut used, inventory, names),
                // Any inventory of the chain may be the one that is used.
                LookupResult::Failed { .. } => {
                    for &inventory in &lookup.chain {
                        add_use(&mut used, inventory, names);
                    }
                }
                LookupResult::NotFound => {}
            }
        }
    }
    used
}

/// Adds the use of a secret or a key in an inventory.
fn add_use<'s>(
    used: &mut UsedByInventory<'s>,
    inventory: usize,
    (secret, key): (&'s str, Option<&'s str>),
) {
    let of_inventory = used.entry(inventory).or_default();
    of_inventory.add(secret, key);
}
