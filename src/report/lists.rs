//! What `register`, `inventory`, `refs` and `explain` print: lists of names and keys, never of values.

use super::json::{self, Items, JsonFailure, JsonSpan};
use super::look::{ADDED, ERROR, HEADING, Look, NAME, REMOVED, severity_style};
use crate::error::Failure;
use crate::excerpt::printable;
use crate::inventory::{Inventories, Inventory};
use crate::listing::{Listed, May, Probe};
use crate::refs;
use crate::register::Need;
use crate::rules::{self, RULES};
use anstyle::Style;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

const VERSION: u32 = 1;

/// A secret with the keys that were stored.
pub struct Stored {
    /// What messages call the inventory.
    pub inventory: String,
    /// The secret.
    pub secret: String,
    /// Its keys.
    pub keys: Vec<String>,
}

/// What a `register` run came to.
#[derive(Clone, Copy, Default)]
pub struct Registered<'r> {
    /// Missing keys that were not stored.
    pub missing: &'r [&'r Need<'r>],
    /// In a dry run with `--change`: existing keys that would be asked for.
    pub existing: &'r [&'r Need<'r>],
    /// The keys that were stored.
    pub stored: &'r [Stored],
    /// Existing keys for which a value was given that did not replace theirs.
    pub kept: &'r [Stored],
    /// What stopped the run, or a part of it.
    pub failures: &'r [Failure],
}

#[derive(Serialize)]
struct JsonRegister<'r> {
    version: u32,
    missing: Items<'r, JsonNeed<'r>>,
    existing: Items<'r, JsonNeed<'r>>,
    stored: Items<'r, JsonSecret<'r>>,
    kept: Items<'r, JsonSecret<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonNeed<'r> {
    stack: &'r str,
    /// Absent where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<&'r str>,
    secret: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'r str>,
    references: Items<'r, JsonPlace<'r>>,
}

#[derive(Serialize)]
struct JsonPlace<'r> {
    path: &'r str,
    span: JsonSpan,
}

#[derive(Serialize)]
struct JsonSecret<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<&'r str>,
    #[serde(rename = "name")]
    secret: &'r str,
    keys: Items<'r, &'r str>,
}

#[derive(Serialize)]
struct JsonInventories<'r> {
    version: u32,
    inventories: Items<'r, JsonInventory<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonInventory<'r> {
    name: &'r str,
    can: Vec<&'static str>,
    secrets: Items<'r, JsonSecret<'r>>,
}

fn name_of(inventories: &Inventories, at: usize) -> Option<&str> {
    inventories.get(at).map(Inventory::name)
}

/// Writes keys that are missing or would be changed, a line each.
///
/// # Errors
/// Those of the writer.
pub fn write_needs(needs: &[&Need<'_>], inventories: &Inventories, look: Look, out: &mut dyn Write) -> io::Result<()> {
    for need in needs {
        let inventory = name_of(inventories, need.inventory);
        let inventory = inventory.map_or_else(String::new, |inventory| format!(" for `{}`", printable(inventory)));
        let (stack, name) = (look.paint(HEADING, printable(&need.stack)), look.paint(NAME, printable(&need.name())));
        write!(out, "{stack}: {name}{inventory}, used by {}", printable(&need.places()))?;
        match &need.nearest {
            Some(near) => writeln!(out, "; did you mean `{}`?", look.paint(NAME, printable(near)))?,
            None if need.exists => writeln!(out, "; exists")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// Writes what a `register` run came to, as JSON.
///
/// # Errors
/// Those of the writer.
pub fn write_register_json(
    registered: &Registered<'_>,
    inventories: &Inventories,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Registered { missing, existing, stored, kept, failures } = registered;
    let report = JsonRegister {
        version: VERSION,
        missing: json_needs(missing, inventories),
        existing: json_needs(existing, inventories),
        stored: json_secrets(stored),
        kept: json_secrets(kept),
        failures: json::failures(failures),
    };
    json::write_pretty(&report, out)
}

fn json_needs<'r>(needs: &'r [&'r Need<'r>], inventories: &'r Inventories) -> Items<'r, JsonNeed<'r>> {
    Items::new(needs.iter().map(|need| JsonNeed {
        stack: &need.stack,
        inventory: name_of(inventories, need.inventory),
        secret: &need.secret,
        key: need.key.as_deref(),
        suggestion: need.nearest.as_deref(),
        references: Items::new(need.references.iter().map(|reference| JsonPlace {
            path: reference.source.path(),
            span: JsonSpan::new(&reference.source, reference.span),
        })),
    }))
}

fn json_secrets(secrets: &[Stored]) -> Items<'_, JsonSecret<'_>> {
    Items::new(secrets.iter().map(|stored| JsonSecret {
        inventory: Some(&stored.inventory),
        secret: &stored.secret,
        keys: Items::new(stored.keys.iter().map(String::as_str)),
    }))
}

/// Writes inventories as a table.
///
/// # Errors
/// Those of the writer.
pub fn write_table(listed: &[Listed], look: Look, out: &mut dyn Write) -> io::Result<()> {
    let secrets = || listed.iter().flat_map(|inventory| inventory.secrets.iter().map(move |entry| (inventory, entry)));
    if secrets().next().is_none() {
        return Ok(());
    }
    let width = |title: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| printable(cell).chars().count()).fold(title.len(), usize::max)
    };
    let first = width("INVENTORY", &mut secrets().map(|(inventory, _)| inventory.name.as_str()));
    let second = width("SECRET", &mut secrets().map(|(_, (secret, _))| secret.as_str()));
    // A name that is far longer than the others would fill the lines of all of them with blanks.
    let second = second.min(WIDEST);
    let title = format!("{:first$}  {:second$}  KEYS", "INVENTORY", "SECRET");
    writeln!(out, "{}", look.paint(HEADING, title))?;
    for (inventory, (secret, keys)) in secrets() {
        let (inventory, secret) = (printable(&inventory.name), format!("{:second$}", printable(secret)));
        write!(out, "{inventory:first$}  {}  ", look.paint(NAME, secret))?;
        for (at, key) in keys.iter().enumerate() {
            write!(out, "{}{}", if at > 0 { ", " } else { "" }, printable(key))?;
        }
        writeln!(out, "{}", if keys.is_empty() { "-" } else { "" })?;
    }
    Ok(())
}

/// Columns that names of secrets are aligned to at most.
const WIDEST: usize = 255;

#[derive(Serialize)]
struct JsonProbes<'r> {
    version: u32,
    inventories: Vec<JsonProbe<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonProbe<'r> {
    name: &'r str,
    #[serde(flatten)]
    may: BTreeMap<&'static str, JsonMay<'r>>,
}

#[derive(Serialize)]
struct JsonMay<'r> {
    /// Absent where it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    may: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
}

/// Writes what may be done in inventories: as a table with the reasons below it, or as JSON.
///
/// # Errors
/// Those of the writer.
pub fn write_probes(probes: &[Probe], as_json: bool, look: Look, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        let inventories = probes.iter().map(|probe| {
            let may = probe.may.iter().map(|(what, may)| {
                let tried = !matches!(may, May::Untried(_));
                (*what, JsonMay { may: tried.then_some(matches!(may, May::Yes)), reason: may.reason() })
            });
            JsonProbe { name: &probe.name, may: may.collect() }
        });
        let failed: Vec<Failure> = probes.iter().filter_map(|probe| probe.failure.clone()).collect();
        let (inventories, failures) = (inventories.collect(), json::failures(&failed));
        return json::write_pretty(&JsonProbes { version: VERSION, inventories, failures }, out);
    }
    let names = probes.iter().map(|probe| printable(&probe.name).chars().count());
    let width = names.chain(["INVENTORY".len()]).max().unwrap_or_default();
    writeln!(out, "{}", look.paint(HEADING, format!("{:width$}  LIST  KEYS  VALUES  WRITE", "INVENTORY")))?;
    for probe in probes {
        let [list, keys, values, write] = probe.may.each_ref().map(|(_, may)| may);
        let cell = |may: &May, width: usize| look.paint(style_of(may), format!("{:width$}", may.word()));
        let name = look.paint(NAME, format!("{:width$}", printable(&probe.name)));
        let write = look.paint(style_of(write), write.word());
        writeln!(out, "{name}  {}  {}  {}  {write}", cell(list, 4), cell(keys, 4), cell(values, 6))?;
    }
    for probe in probes {
        // Where nothing can be listed, why the rest was not tried goes without saying.
        let listed = matches!(probe.may, [(_, May::Yes), ..]);
        for (what, may) in probe.may.iter().filter(|(what, may)| listed || *what == "list" || matches!(may, May::No(_)))
        {
            if let Some(why) = may.reason() {
                writeln!(out, "{}: {what}: {}", printable(&probe.name), printable(why))?;
            }
        }
    }
    Ok(())
}

fn style_of(may: &May) -> Style {
    match may {
        May::Yes => ADDED,
        May::No(_) => ERROR,
        May::Untried(_) => Style::new(),
    }
}

/// Writes references, one a line: the location, whose it is, and what it names.
///
/// # Errors
/// Those of the writer.
pub fn write_references(lines: impl Iterator<Item = refs::Line>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    for refs::Line { location, owner, named } in lines {
        writeln!(out, "{}: {owner} -> {}", look.paint(HEADING, location), look.paint(NAME, named))?;
    }
    Ok(())
}

/// Writes the rules, one a line: the name, the severity and what the rule finds.
///
/// # Errors
/// Those of the writer.
pub fn write_rules(look: Look, out: &mut dyn Write) -> io::Result<()> {
    let width = rules::names().map(str::len).max().unwrap_or(0);
    for rule in RULES {
        let severity = look.paint(severity_style(rule.severity), format!("{:7}", rule.severity.name()));
        let blanks = " ".repeat(width - rule.name.len());
        let name = look.paint(NAME, look.link(&rule.url(), rule.name));
        writeln!(out, "{name}{blanks}  {severity}  {}", rule.summary)?;
    }
    Ok(())
}

/// Writes the differences between a snapshot and its inventories, one a line: `+` is new, `-` is gone.
///
/// # Errors
/// Those of the writer.
pub fn write_differences(lines: &[String], look: Look, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        let style = if line.starts_with('-') { REMOVED } else { ADDED };
        writeln!(out, "{}", look.paint(style, printable(line)))?;
    }
    Ok(())
}

/// Writes inventories, one line a key: `inventory: secret.key`.
///
/// # Errors
/// Those of the writer.
pub fn write_short(listed: &[Listed], look: Look, out: &mut dyn Write) -> io::Result<()> {
    for inventory in listed {
        let name = printable(&inventory.name);
        for (secret, keys) in &inventory.secrets {
            let secret = printable(secret);
            if keys.is_empty() {
                writeln!(out, "{name}: {}", look.paint(NAME, &secret))?;
            }
            for key in keys {
                writeln!(out, "{name}: {}", look.paint(NAME, format_args!("{secret}.{}", printable(key))))?;
            }
        }
    }
    Ok(())
}

/// Writes inventories as JSON.
///
/// # Errors
/// Those of the writer.
pub fn write_inventories_json(listed: &[Listed], failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    let inventories = listed.iter().map(|inventory| {
        let can = inventory.capabilities;
        let can = [(can.list, "list"), (can.keys, "keys"), (can.values, "values"), (can.write, "write")];
        let secrets = inventory.secrets.iter().map(|(secret, keys)| JsonSecret {
            inventory: None,
            secret,
            keys: Items::new(keys.iter().map(String::as_str)),
        });
        JsonInventory {
            name: &inventory.name,
            can: can.into_iter().filter_map(|(can, name)| can.then_some(name)).collect(),
            secrets: Items::new(secrets),
        }
    });
    let (inventories, failures) = (Items::new(inventories), json::failures(failures));
    json::write_pretty(&JsonInventories { version: VERSION, inventories, failures }, out)
}
