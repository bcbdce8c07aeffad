//! What `register`, `inventory`, `refs` and `explain` print: lists of names and keys, never of values.

use super::json_report::{self, JsonFailure, JsonSpan, StreamedItems};
use super::style::{ADDED, ERROR, HEADING, NAME, OutputStyle, REMOVED, severity_style};
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::inventory::{Inventories, Inventory};
use crate::lint::missing_keys::RequiredKey;
use crate::lint::reference_list;
use crate::lint::rules::{self, RULES};
use crate::lint::secret_list::{ListedInventory, Permission, Probe};
use anstyle::Style;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

const VERSION: u32 = 1;

/// A secret with the keys that were stored.
pub struct StoredSecret {
    /// What messages call the inventory.
    pub inventory: String,
    /// The secret.
    pub secret: String,
    /// Its keys.
    pub keys: Vec<String>,
}

/// What a `register` run came to.
#[derive(Clone, Copy, Default)]
pub struct RegisterResult<'r> {
    /// Missing keys that were not stored.
    pub missing: &'r [&'r RequiredKey<'r>],
    /// In a dry run with `--change`: existing keys that would be asked for.
    pub existing: &'r [&'r RequiredKey<'r>],
    /// The keys that were stored.
    pub stored: &'r [StoredSecret],
    /// Existing keys for which a value was given that did not replace theirs.
    pub kept: &'r [StoredSecret],
    /// What stopped the run, or a part of it.
    pub failures: &'r [Failure],
}

#[derive(Serialize)]
struct JsonRegister<'r> {
    version: u32,
    missing: StreamedItems<'r, JsonRequiredKey<'r>>,
    existing: StreamedItems<'r, JsonRequiredKey<'r>>,
    stored: StreamedItems<'r, JsonSecret<'r>>,
    kept: StreamedItems<'r, JsonSecret<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonRequiredKey<'r> {
    stack: &'r str,
    /// Absent where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<&'r str>,
    secret: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'r str>,
    references: StreamedItems<'r, JsonLocation<'r>>,
}

#[derive(Serialize)]
struct JsonLocation<'r> {
    path: &'r str,
    span: JsonSpan,
}

#[derive(Serialize)]
struct JsonSecret<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory: Option<&'r str>,
    #[serde(rename = "name")]
    secret: &'r str,
    keys: StreamedItems<'r, &'r str>,
}

#[derive(Serialize)]
struct JsonInventories<'r> {
    version: u32,
    inventories: StreamedItems<'r, JsonInventory<'r>>,
    failures: Vec<JsonFailure<'r>>,
}

#[derive(Serialize)]
struct JsonInventory<'r> {
    name: &'r str,
    can: Vec<&'static str>,
    secrets: StreamedItems<'r, JsonSecret<'r>>,
}

fn inventory_name(inventories: &Inventories, at: usize) -> Option<&str> {
    inventories.get(at).map(Inventory::name)
}

/// Writes keys that are missing or would be changed, a line each.
///
/// # Errors
/// Those of the writer.
pub fn write_required_keys(
    needs: &[&RequiredKey<'_>],
    inventories: &Inventories,
    output_style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for need in needs {
        let inventory = inventory_name(inventories, need.inventory);
        let inventory = inventory.map_or_else(String::new, |inventory| format!(" for `{}`", escape_control(inventory)));
        let (stack, name) = (
            output_style.paint(HEADING, escape_control(&need.stack)),
            output_style.paint(NAME, escape_control(&need.name())),
        );
        write!(out, "{stack}: {name}{inventory}, used by {}", escape_control(&need.locations()))?;
        match &need.suggestion {
            Some(near) => writeln!(out, "; did you mean `{}`?", output_style.paint(NAME, escape_control(near)))?,
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
    registered: &RegisterResult<'_>,
    inventories: &Inventories,
    out: &mut dyn Write,
) -> io::Result<()> {
    let RegisterResult { missing, existing, stored, kept, failures } = registered;
    let report = JsonRegister {
        version: VERSION,
        missing: json_required_keys(missing, inventories),
        existing: json_required_keys(existing, inventories),
        stored: json_secrets(stored),
        kept: json_secrets(kept),
        failures: json_report::failures(failures),
    };
    json_report::write_pretty(&report, out)
}

fn json_required_keys<'r>(
    needs: &'r [&'r RequiredKey<'r>],
    inventories: &'r Inventories,
) -> StreamedItems<'r, JsonRequiredKey<'r>> {
    StreamedItems::new(needs.iter().map(|need| JsonRequiredKey {
        stack: &need.stack,
        inventory: inventory_name(inventories, need.inventory),
        secret: &need.secret,
        key: need.key.as_deref(),
        suggestion: need.suggestion.as_deref(),
        references: StreamedItems::new(need.references.iter().map(|reference| JsonLocation {
            path: reference.source.path(),
            span: JsonSpan::new(&reference.source, reference.span),
        })),
    }))
}

fn json_secrets(secrets: &[StoredSecret]) -> StreamedItems<'_, JsonSecret<'_>> {
    StreamedItems::new(secrets.iter().map(|stored| JsonSecret {
        inventory: Some(&stored.inventory),
        secret: &stored.secret,
        keys: StreamedItems::new(stored.keys.iter().map(String::as_str)),
    }))
}

/// Writes inventories as a table.
///
/// # Errors
/// Those of the writer.
pub fn write_table(listed: &[ListedInventory], output_style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let secrets = || listed.iter().flat_map(|inventory| inventory.secrets.iter().map(move |entry| (inventory, entry)));
    if secrets().next().is_none() {
        return Ok(());
    }
    let width = |title: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| escape_control(cell).chars().count()).fold(title.len(), usize::max)
    };
    let first = width("INVENTORY", &mut secrets().map(|(inventory, _)| inventory.name.as_str()));
    let second = width("SECRET", &mut secrets().map(|(_, (secret, _))| secret.as_str()));
    // A name that is far longer than the others would fill the lines of all of them with blanks.
    let second = second.min(MAX_NAME_COLUMNS);
    let title = format!("{:first$}  {:second$}  KEYS", "INVENTORY", "SECRET");
    writeln!(out, "{}", output_style.paint(HEADING, title))?;
    for (inventory, (secret, keys)) in secrets() {
        let (inventory, secret) = (escape_control(&inventory.name), format!("{:second$}", escape_control(secret)));
        write!(out, "{inventory:first$}  {}  ", output_style.paint(NAME, secret))?;
        for (at, key) in keys.iter().enumerate() {
            write!(out, "{}{}", if at > 0 { ", " } else { "" }, escape_control(key))?;
        }
        writeln!(out, "{}", if keys.is_empty() { "-" } else { "" })?;
    }
    Ok(())
}

/// Columns that names of secrets are aligned to at most.
const MAX_NAME_COLUMNS: usize = 255;

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
    may: BTreeMap<&'static str, JsonPermission<'r>>,
}

#[derive(Serialize)]
struct JsonPermission<'r> {
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
pub fn write_probes(probes: &[Probe], as_json: bool, output_style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    if as_json {
        let inventories = probes.iter().map(|probe| {
            let may = probe.permissions.iter().map(|(what, may)| {
                let tried = !matches!(may, Permission::Untried(_));
                (*what, JsonPermission { may: tried.then_some(matches!(may, Permission::Yes)), reason: may.reason() })
            });
            JsonProbe { name: &probe.name, may: may.collect() }
        });
        let failed: Vec<Failure> = probes.iter().filter_map(|probe| probe.failure.clone()).collect();
        let (inventories, failures) = (inventories.collect(), json_report::failures(&failed));
        return json_report::write_pretty(&JsonProbes { version: VERSION, inventories, failures }, out);
    }
    let names = probes.iter().map(|probe| escape_control(&probe.name).chars().count());
    let width = names.chain(["INVENTORY".len()]).max().unwrap_or_default();
    writeln!(out, "{}", output_style.paint(HEADING, format!("{:width$}  LIST  KEYS  VALUES  WRITE", "INVENTORY")))?;
    for probe in probes {
        let [list, keys, values, write] = probe.permissions.each_ref().map(|(_, may)| may);
        let cell =
            |may: &Permission, width: usize| output_style.paint(style_of(may), format!("{:width$}", may.as_str()));
        let name = output_style.paint(NAME, format!("{:width$}", escape_control(&probe.name)));
        let write = output_style.paint(style_of(write), write.as_str());
        writeln!(out, "{name}  {}  {}  {}  {write}", cell(list, 4), cell(keys, 4), cell(values, 6))?;
    }
    for probe in probes {
        // Where nothing can be listed, why the rest was not tried goes without saying.
        let listed = matches!(probe.permissions, [(_, Permission::Yes), ..]);
        for (what, may) in
            probe.permissions.iter().filter(|(what, may)| listed || *what == "list" || matches!(may, Permission::No(_)))
        {
            if let Some(why) = may.reason() {
                writeln!(out, "{}: {what}: {}", escape_control(&probe.name), escape_control(why))?;
            }
        }
    }
    Ok(())
}

fn style_of(may: &Permission) -> Style {
    match may {
        Permission::Yes => ADDED,
        Permission::No(_) => ERROR,
        Permission::Untried(_) => Style::new(),
    }
}

/// Writes references, one a line: the location, whose it is, and what it names.
///
/// # Errors
/// Those of the writer.
pub fn write_references(
    lines: impl Iterator<Item = reference_list::ReferenceLine>,
    output_style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for reference_list::ReferenceLine { location, owner, target: named } in lines {
        writeln!(out, "{}: {owner} -> {}", output_style.paint(HEADING, location), output_style.paint(NAME, named))?;
    }
    Ok(())
}

/// Writes the rules, one a line: the name, the severity and what the rule finds.
///
/// # Errors
/// Those of the writer.
pub fn write_rules(output_style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let width = rules::names().map(str::len).max().unwrap_or(0);
    for rule in RULES {
        let severity = output_style.paint(severity_style(rule.severity), format!("{:7}", rule.severity.name()));
        let blanks = " ".repeat(width - rule.id.name().len());
        let name = output_style.paint(NAME, output_style.link(&rule.url(), rule.id.name()));
        writeln!(out, "{name}{blanks}  {severity}  {}", rule.summary)?;
    }
    Ok(())
}

/// Writes the differences between a snapshot and its inventories, one a line: `+` is new, `-` is gone.
///
/// # Errors
/// Those of the writer.
pub fn write_differences(lines: &[String], output_style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        let style = if line.starts_with('-') { REMOVED } else { ADDED };
        writeln!(out, "{}", output_style.paint(style, escape_control(line)))?;
    }
    Ok(())
}

/// Writes inventories, one line a key: `inventory: secret.key`.
///
/// # Errors
/// Those of the writer.
pub fn write_short(listed: &[ListedInventory], output_style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    for inventory in listed {
        let name = escape_control(&inventory.name);
        for (secret, keys) in &inventory.secrets {
            let secret = escape_control(secret);
            if keys.is_empty() {
                writeln!(out, "{name}: {}", output_style.paint(NAME, &secret))?;
            }
            for key in keys {
                writeln!(
                    out,
                    "{name}: {}",
                    output_style.paint(NAME, format_args!("{secret}.{}", escape_control(key)))
                )?;
            }
        }
    }
    Ok(())
}

/// Writes inventories as JSON.
///
/// # Errors
/// Those of the writer.
pub fn write_inventories_json(listed: &[ListedInventory], failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    let inventories = listed.iter().map(|inventory| {
        let can = inventory.capabilities;
        let can = [(can.list, "list"), (can.keys, "keys"), (can.values, "values"), (can.write, "write")];
        let secrets = inventory.secrets.iter().map(|(secret, keys)| JsonSecret {
            inventory: None,
            secret,
            keys: StreamedItems::new(keys.iter().map(String::as_str)),
        });
        JsonInventory {
            name: &inventory.name,
            can: can.into_iter().filter_map(|(can, name)| can.then_some(name)).collect(),
            secrets: StreamedItems::new(secrets),
        }
    });
    let (inventories, failures) = (StreamedItems::new(inventories), json_report::failures(failures));
    json_report::write_pretty(&JsonInventories { version: VERSION, inventories, failures }, out)
}
