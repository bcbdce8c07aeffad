//! `inventory`: names and keys of inventories, never values; and the snapshot of them that is safe to commit.

use crate::check::{self, Report, Settings};
use crate::document::{Syntax, names_text};
use crate::error::Failure;
use crate::inventory::file::{FileInventory, NameComments, SNAPSHOT_HEAD};
use crate::inventory::lookup::{Answer, Progress, at_once, contents};
use crate::inventory::{Capabilities, Inventories, Inventory, NoAnswer, Wanted};
use crate::scan::Scan;
use std::collections::{BTreeMap, BTreeSet};

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
pub fn list(inventories: &Inventories, which: &[usize], progress: Option<Progress<'_>>) -> (Vec<Listed>, Vec<Failure>) {
    let mut listed = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let mut contents = contents(inventories, which, progress);
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

/// What this identity may do in one inventory.
pub struct Probe {
    /// What messages call it.
    pub name: String,
    /// What it may do: list, keys, values and write.
    pub may: [(&'static str, May); 4],
    /// What keeps the inventory from being used at all.
    pub failure: Option<Failure>,
}

/// Whether something may be done.
pub enum May {
    /// It was done.
    Yes,
    /// It was refused, or is none of the kind's; with the reason.
    No(String),
    /// It was not tried; with the reason.
    Untried(&'static str),
}

impl May {
    /// In one word.
    pub fn word(&self) -> &'static str {
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
    let probes = at_once(which, progress, |&at, ()| inventories.get(at).map(probe));
    probes.into_values().flatten().collect()
}

fn probe(inventory: &dyn Inventory) -> Probe {
    let name = inventory.name().to_owned();
    let no = |why: NoAnswer, what: &str| match why {
        NoAnswer::Forbidden(advice) => May::No(advice),
        why => May::No(why.failure(&name, what).to_string()),
    };
    let names = inventory.names(&Wanted::new());
    let (mut keys, mut values) =
        (May::Untried("there is no secret to ask for"), May::Untried("there is no key to ask for"));
    let nothing = matches!(names, Err(NoAnswer::Nothing(_)));
    let failure = names.as_ref().err().filter(|_| !nothing).map(|why| why.clone().failure(&name, "its names"));
    for secret in names.as_ref().map(Vec::as_slice).unwrap_or_default() {
        match inventory.keys(&secret.name, &Wanted::new()) {
            Err(NoAnswer::Missing) => continue,
            Err(why) => keys = no(why, &format!("the keys of `{}`", secret.name)),
            Ok(known) => {
                keys = May::Yes;
                let Some(key) = known.first() else { continue };
                values = match inventory.values(&secret.name, &Wanted::from([key.name.clone()])) {
                    Ok(_) => May::Yes,
                    Err(NoAnswer::NoValues) => May::No(format!("`{}` holds names and keys only", secret.name)),
                    Err(why) => no(why, &format!("the values of `{}`", secret.name)),
                };
            }
        }
        break;
    }
    let can = inventory.capabilities();
    let write = match inventory.check_writable() {
        _ if !can.write => May::No("this kind, as it is configured, is read-only".to_owned()),
        Err(failure) => May::No(failure.to_string()),
        Ok(()) if inventory.file().is_some() => May::Yes,
        Ok(()) => May::Untried("only a write would tell"),
    };
    let list = match names {
        Err(NoAnswer::Nothing(_)) => {
            May::Untried("it shows nothing: there is none, or this identity may not list them")
        }
        names => names.map_or_else(|why| no(why, "its names"), |_| May::Yes),
    };
    Probe { name, may: [("list", list), ("keys", keys), ("values", values), ("write", write)], failure }
}

/// Leaves of a listing what references name, or what none names.
pub fn retain(listed: &mut [Listed], used: bool, scan: &Scan, report: &Report, settings: &Settings<'_>) {
    let mut wanted: BTreeMap<(usize, &str), Option<BTreeSet<&str>>> = BTreeMap::new();
    for file in &scan.files {
        for reference in &file.references {
            let question = check::question(file, reference, settings);
            let holders = match report.answers.get(&question) {
                Answer::Found { inventory, .. } => vec![inventory],
                Answer::Missing => continue,
                // Any inventory of the chain may be the one that is used.
                Answer::Failed { .. } => question.chain,
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
    }
    for inventory in listed {
        let at = inventory.at;
        // What is unused is not certain where a part of the inventory could not be read.
        if !used && settings.inventories.get(at).is_some_and(|inventory| !inventory.complaints().is_empty()) {
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
pub fn merged(listed: Vec<Listed>) -> Secrets {
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
        Syntax::Json | Syntax::Script => names_text(syntax, secrets),
        Syntax::Yaml | Syntax::Toml => with_comments(secrets, syntax, comments),
    };
    let again = FileInventory::of_text("the snapshot", text.clone(), syntax);
    let holds = again.is_ok_and(|again| again.complaints().is_empty() && again.secrets() == *secrets);
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
        text.push_str(&names_text(syntax, secrets));
    }
    for (name, keys) in secrets {
        let entry = names_text(syntax, &BTreeMap::from([(name.clone(), keys.clone())]));
        let Some(own) = comments.entries.get(name) else {
            text.push_str(&entry);
            continue;
        };
        push(&mut text, &own.above);
        text.push_str(entry.trim_end_matches('\n'));
        if let Some(behind) = &own.behind {
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
