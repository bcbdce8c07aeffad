//! `inventory`: names and keys of inventories, never values; and the snapshot of them that is safe to commit.

use crate::check::{Report, Settings};
use crate::document::{Syntax, names_text};
use crate::error::Failure;
use crate::inventory::file::FileInventory;
use crate::inventory::lookup::{Answer, Question, contents};
use crate::inventory::{Capabilities, Inventories, Inventory};
use crate::scan::Scan;
use std::collections::{BTreeMap, BTreeSet};

/// What a snapshot begins with, where its syntax has comments.
const SNAPSHOT_HEAD: &str = "# Names and keys, no values: written by `stackref inventory snapshot`.\n";

/// Secrets by name, each with its keys.
pub type Secrets = BTreeMap<String, BTreeSet<String>>;

/// What one inventory holds.
pub struct Listed {
    /// Its index.
    pub at: usize,
    /// What messages call it.
    pub name: String,
    /// What its kind can do.
    pub capabilities: Capabilities,
    /// Names and keys, sorted.
    pub secrets: Secrets,
}

/// Lists inventories. What could not be had is told, and the rest listed all the same.
pub fn list(inventories: &Inventories, which: &[usize]) -> (Vec<Listed>, Vec<Failure>) {
    let mut listed = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let mut contents = contents(inventories, which);
    for &at in which {
        let (Some(inventory), Some(content)) = (inventories.get(at), contents.remove(&at)) else { continue };
        let name = inventory.name();
        match content {
            Err(why) => failures.push(why.failure(name, "its names")),
            Ok(secrets) => {
                let mut known = Secrets::new();
                for (secret, keys) in secrets {
                    match keys {
                        Ok(keys) => drop(known.insert(secret, keys.into_iter().map(|key| key.name).collect())),
                        Err(why) => failures.push(why.failure(name, &format!("the keys of `{secret}`"))),
                    }
                }
                let capabilities = inventory.capabilities();
                listed.push(Listed { at, name: name.to_owned(), capabilities, secrets: known });
            }
        }
        failures.extend_from_slice(inventory.complaints());
    }
    let mut told = BTreeSet::new();
    failures.retain(|failure| told.insert(failure.to_string()));
    (listed, failures)
}

/// Leaves of a listing what references name, or what none names.
pub fn retain(listed: &mut [Listed], used: bool, scan: &Scan, report: &Report, settings: &Settings<'_>) {
    let mut wanted: BTreeMap<(usize, &str), Option<BTreeSet<&str>>> = BTreeMap::new();
    for file in &scan.files {
        for reference in &file.references {
            let chain = crate::check::chain(file, reference.stack, settings).unwrap_or_default();
            let question = Question { chain, secret: reference.secret.clone(), key: reference.key.clone() };
            let Answer::Found { inventory, .. } = report.answers.get(&question) else { continue };
            let keys = wanted.entry((inventory, &reference.secret)).or_insert_with(|| Some(BTreeSet::new()));
            match (&reference.key, keys) {
                (Some(key), Some(keys)) => drop(keys.insert(key)),
                // A whole secret is wanted with everything in it.
                (None, keys) => *keys = None,
                (Some(_), None) => {}
            }
        }
    }
    for inventory in listed {
        let at = inventory.at;
        inventory.secrets.retain(|secret, keys| {
            let wanted = wanted.get(&(at, secret.as_str()));
            let is_wanted = |key: &str| wanted.is_some_and(|keys| keys.as_ref().is_none_or(|keys| keys.contains(key)));
            let had_keys = !keys.is_empty();
            keys.retain(|key| is_wanted(key) == used);
            if had_keys { !keys.is_empty() } else { wanted.is_some() == used }
        });
    }
}

/// Inventories that are searched in order, as one: the first that has a secret has it.
pub fn merged(listed: Vec<Listed>) -> Secrets {
    let mut all = Secrets::new();
    for inventory in listed {
        for (secret, keys) in inventory.secrets {
            all.entry(secret).or_insert(keys);
        }
    }
    all
}

/// A snapshot: a `file` inventory of names and keys, the same for the same content.
///
/// # Errors
/// Names that the syntax cannot hold, so that the snapshot would not say what the inventory says.
pub fn snapshot(secrets: &Secrets, syntax: Syntax) -> Result<String, Failure> {
    let head = if syntax == Syntax::Json { "" } else { SNAPSHOT_HEAD };
    let text = format!("{head}{}", names_text(syntax, secrets));
    let again = FileInventory::of_text("the snapshot", text.clone(), syntax);
    let holds = again.is_ok_and(|again| again.complaints().is_empty() && again.secrets() == *secrets);
    if holds {
        return Ok(text);
    }
    Err(Failure::usage(format!("{} cannot hold a name of this inventory", syntax.name()))
        .with_help("try another `--format`; nothing was written"))
}

/// What a snapshot lacks (`+`) and what it has that is gone (`-`), a line each.
pub fn differences(snapshot: &Secrets, now: &Secrets) -> Vec<String> {
    let names: BTreeSet<&String> = snapshot.keys().chain(now.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (before, after) = (snapshot.get(name), now.get(name));
        match (before, after) {
            (None, Some(keys)) => lines.extend(whole('+', name, keys)),
            (Some(keys), None) => lines.extend(whole('-', name, keys)),
            (Some(before), Some(after)) => {
                lines.extend(before.difference(after).map(|key| format!("- {name}.{key}")));
                lines.extend(after.difference(before).map(|key| format!("+ {name}.{key}")));
            }
            (None, None) => {}
        }
    }
    lines
}

fn whole(sign: char, name: &str, keys: &BTreeSet<String>) -> Vec<String> {
    if keys.is_empty() {
        return vec![format!("{sign} {name}")];
    }
    keys.iter().map(|key| format!("{sign} {name}.{key}")).collect()
}
