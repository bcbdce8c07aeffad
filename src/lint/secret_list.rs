//! `inventory`: names and keys of inventories, never values; and the snapshot of them that is safe to commit.

use crate::diagnostics::error::Failure;
use crate::document::{Syntax, format_name_map};
use crate::inventory::file::{FileInventory, NameComments, SNAPSHOT_HEAD};
use crate::inventory::lookup::{LookupResult, Progress, list_contents, parallel_map};
use crate::inventory::{Capabilities, Inventories, Inventory, RequestedNames, StoreError};
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// Secrets by name, each with its keys.
pub type Secrets = BTreeMap<String, BTreeSet<String>>;

/// What one inventory holds.
pub struct ListedInventory {
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
pub fn list(
    inventories: &Inventories,
    which: &[usize],
    progress: Option<Progress<'_>>,
) -> (Vec<ListedInventory>, Vec<Failure>) {
    let mut listed = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let mut contents = list_contents(inventories, which, progress);
    for &at in which {
        let (Some(inventory), Some(content)) = (inventories.get(at), contents.remove(&at)) else { continue };
        let name = inventory.name();
        match content {
            Err(why) => failures.push(why.into_failure(name, "its names")),
            Ok(secrets) => {
                let mut known = Secrets::new();
                for (secret, keys) in secrets {
                    match keys {
                        Ok(keys) => drop(known.insert(secret, keys.into_iter().map(|key| key.name).collect())),
                        Err(why) => failures.push(why.into_failure(name, &format!("the keys of `{secret}`"))),
                    }
                }
                let capabilities = inventory.capabilities();
                listed.push(ListedInventory { at, name: name.to_owned(), capabilities, secrets: known });
            }
        }
        failures.extend_from_slice(inventory.entry_errors());
    }
    let mut reported = BTreeSet::new();
    failures.retain(|failure| reported.insert(failure.to_string()));
    (listed, failures)
}

/// What this identity may do in one inventory.
pub struct Probe {
    /// What messages call it.
    pub name: String,
    /// What it may do: list, keys, values and write.
    pub permissions: [(&'static str, Permission); 4],
    /// What keeps the inventory from being used at all.
    pub failure: Option<Failure>,
}

/// Whether something may be done.
pub enum Permission {
    /// It was done.
    Yes,
    /// It was refused, or is none of the kind's; with the reason.
    No(String),
    /// It was not tried; with the reason.
    Untried(&'static str),
}

impl Permission {
    /// In one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Untried(_) => "?",
        }
    }

    /// Why it is not a plain yes.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Yes => None,
            Self::No(why) => Some(why),
            Self::Untried(why) => Some(why),
        }
    }
}

/// Asks inventories for a little of everything, several at a time; nothing is written.
pub fn probe_all(inventories: &Inventories, which: &[usize], progress: Option<Progress<'_>>) -> Vec<Probe> {
    let which = which.iter().map(|&at| (at, ())).collect();
    let probes = parallel_map(which, progress, |&at, ()| inventories.get(at).map(probe));
    probes.into_values().flatten().collect()
}

fn probe(inventory: &dyn Inventory) -> Probe {
    let name = inventory.name().to_owned();
    let no = |why: StoreError, what: &str| match why {
        StoreError::Forbidden(advice) => Permission::No(advice),
        why => Permission::No(why.into_failure(&name, what).to_string()),
    };
    let names = inventory.names(&RequestedNames::new());
    let (mut keys, mut values) =
        (Permission::Untried("there is no secret to ask for"), Permission::Untried("there is no key to ask for"));
    let nothing = matches!(names, Err(StoreError::EmptyListing(_)));
    let failure = names.as_ref().err().filter(|_| !nothing).map(|why| why.clone().into_failure(&name, "its names"));
    for secret in names.as_ref().map(Vec::as_slice).unwrap_or_default() {
        match inventory.keys(&secret.name, &RequestedNames::new()) {
            Err(StoreError::NotFound) => continue,
            Err(why) => keys = no(why, &format!("the keys of `{}`", secret.name)),
            Ok(known) => {
                keys = Permission::Yes;
                let Some(key) = known.first() else { continue };
                values = match inventory.values(&secret.name, &RequestedNames::from([key.name.clone()])) {
                    Ok(_) => Permission::Yes,
                    Err(StoreError::NoValues) => Permission::No(format!("`{}` holds names and keys only", secret.name)),
                    Err(why) => no(why, &format!("the values of `{}`", secret.name)),
                };
            }
        }
        break;
    }
    let can = inventory.capabilities();
    let write = match inventory.check_writable() {
        _ if !can.write => Permission::No("this kind, as it is configured, is read-only".to_owned()),
        Err(failure) => Permission::No(failure.to_string()),
        Ok(()) if inventory.file().is_some() => Permission::Yes,
        Ok(()) => Permission::Untried("only a write would tell"),
    };
    let list = match names {
        Err(StoreError::EmptyListing(_)) => {
            Permission::Untried("it shows nothing: there is none, or this identity may not list them")
        }
        names => names.map_or_else(|why| no(why, "its names"), |_| Permission::Yes),
    };
    Probe { name, permissions: [("list", list), ("keys", keys), ("values", values), ("write", write)], failure }
}

/// Leaves of a listing what references name, or what none names.
pub fn retain_by_use(
    listed: &mut [ListedInventory],
    used: bool,
    scan: &Scan,
    report: &Report,
    settings: &Settings<'_>,
) {
    let mut wanted: BTreeMap<(usize, &str), Option<BTreeSet<&str>>> = BTreeMap::new();
    for (_, reference, answer) in report.references.iter(scan) {
        let holders = match answer.result {
            Some(LookupResult::Found { inventory, .. }) => vec![inventory],
            // Any inventory of the chain may be the one that is used.
            Some(LookupResult::Failed { .. }) => answer.lookup.map(|lookup| lookup.chain.clone()).unwrap_or_default(),
            Some(LookupResult::NotFound) | None => continue,
        };
        for inventory in holders {
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
        // What is unused is not certain where a part of the inventory could not be read.
        if !used && settings.inventories.get(at).is_some_and(|inventory| !inventory.entry_errors().is_empty()) {
            inventory.secrets.clear();
        }
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
pub fn merge(listed: Vec<ListedInventory>) -> Secrets {
    let mut all = Secrets::new();
    for inventory in listed {
        for (secret, keys) in inventory.secrets {
            all.entry(secret).or_insert(keys);
        }
    }
    all
}

/// Returns a snapshot: a `file` inventory of names and keys, the same for the same content. The comments of the file that it
/// replaces stay with their entries; those of entries that are gone go with them.
///
/// # Errors
/// Names that the syntax cannot hold, so that the snapshot would not say what the inventory says.
pub fn snapshot(secrets: &Secrets, syntax: Syntax, comments: &NameComments) -> Result<String, Failure> {
    let text = match syntax {
        Syntax::Json | Syntax::Script => format_name_map(syntax, secrets),
        Syntax::Yaml | Syntax::Toml => with_comments(secrets, syntax, comments),
    };
    let reparsed = FileInventory::from_text("the snapshot", text.clone(), syntax);
    let holds = reparsed.is_ok_and(|reparsed| reparsed.entry_errors().is_empty() && reparsed.secrets() == *secrets);
    if holds {
        return Ok(text);
    }
    Err(Failure::usage(format!("{} cannot hold a name of this inventory", syntax.name()))
        .with_help("try another `--format`; nothing was written"))
}

fn with_comments(secrets: &Secrets, syntax: Syntax, comments: &NameComments) -> String {
    let mut text = format!("{SNAPSHOT_HEAD}\n");
    let push = |text: &mut String, lines: &[String]| {
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
    };
    push(&mut text, &comments.head);
    if !comments.head.is_empty() {
        text.push('\n');
    }
    if secrets.is_empty() {
        text.push_str(&format_name_map(syntax, secrets));
    }
    for (name, keys) in secrets {
        let entry = format_name_map(syntax, &BTreeMap::from([(name.clone(), keys.clone())]));
        let Some(own) = comments.entries.get(name) else {
            text.push_str(&entry);
            continue;
        };
        push(&mut text, &own.lines_above);
        text.push_str(entry.trim_end_matches('\n'));
        if let Some(behind) = &own.end_of_line {
            text.push_str(&format!(" {behind}"));
        }
        text.push('\n');
    }
    push(&mut text, &comments.tail);
    text
}

/// What a snapshot lacks (`+`) and what it has that is gone (`-`), a line each.
pub fn differences(snapshot: &Secrets, now: &Secrets) -> Vec<String> {
    let names: BTreeSet<&String> = snapshot.keys().chain(now.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (before, after) = (snapshot.get(name), now.get(name));
        match (before, after) {
            (None, Some(keys)) => lines.extend(secret_lines('+', name, keys)),
            (Some(keys), None) => lines.extend(secret_lines('-', name, keys)),
            (Some(before), Some(after)) => {
                lines.extend(before.difference(after).map(|key| format!("- {name}.{key}")));
                lines.extend(after.difference(before).map(|key| format!("+ {name}.{key}")));
            }
            (None, None) => {}
        }
    }
    lines
}

fn secret_lines(sign: char, name: &str, keys: &BTreeSet<String>) -> Vec<String> {
    if keys.is_empty() {
        return vec![format!("{sign} {name}")];
    }
    keys.iter().map(|key| format!("{sign} {name}.{key}")).collect()
}
