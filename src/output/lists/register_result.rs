//! The result of `register`: missing and existing keys for people, and the whole result as JSON.

use crate::diagnostics::error::Failure;
use crate::inventory::{Inventories, Inventory};
use crate::lint::missing_keys::RequiredKey;
use crate::output::json_types::{JsonFailure, JsonSpan, VERSION, json_failures};
use crate::output::json_writer::{StreamedItems, write_pretty};
use crate::output::style::{HEADING, NAME, OutputStyle};
use crate::sources::reference::Reference;
use crate::text::escape::escape_control;
use serde::Serialize;
use std::io::{self, Write};

/// A secret, with the keys of it that `register` stored or kept.
pub struct StoredSecret {
    /// The name of the inventory, as messages show it.
    pub inventory: String,
    /// The name of the secret.
    pub secret: String,
    /// The keys.
    pub keys: Vec<String>,
}

/// The result of one `register` run.
#[derive(Clone, Copy, Default)]
pub struct RegisterResult<'r> {
    /// The missing keys that were not stored.
    pub missing: &'r [&'r RequiredKey<'r>],
    /// The existing keys that `--change` would ask for. Empty unless the run is a dry run.
    pub existing: &'r [&'r RequiredKey<'r>],
    /// The keys that were stored.
    pub stored: &'r [StoredSecret],
    /// The existing keys that kept their value although another value was given.
    pub kept: &'r [StoredSecret],
    /// The failures that stopped the run or a part of it.
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
    /// Absent if the inventory does not exist yet.
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

impl<'r> From<&'r Reference> for JsonLocation<'r> {
    fn from(reference: &'r Reference) -> Self {
        Self {
            path: reference.source.path(),
            span: JsonSpan::new(&reference.source, reference.span),
        }
    }
}

/// A secret with some of its keys.
#[derive(Serialize)]
pub(super) struct JsonSecret<'r> {
    /// Absent if the secret is listed inside its inventory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<&'r str>,
    #[serde(rename = "name")]
    pub secret: &'r str,
    pub keys: StreamedItems<'r, &'r str>,
}

impl<'r> From<&'r StoredSecret> for JsonSecret<'r> {
    fn from(stored: &'r StoredSecret) -> Self {
        Self {
            inventory: Some(&stored.inventory),
            secret: &stored.secret,
            keys: StreamedItems::new(stored.keys.iter().map(String::as_str)),
        }
    }
}

fn inventory_name(inventories: &Inventories, at: usize) -> Option<&str> {
    inventories.get(at).map(Inventory::name)
}

/// Writes missing or existing keys for people, one line per key.
pub fn write_required_keys(
    keys: &[&RequiredKey<'_>],
    inventories: &Inventories,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for key in keys {
        let inventory = inventory_name(inventories, key.inventory);
        let inventory = inventory.map_or_else(String::new, |inventory| {
            format!(" for `{}`", escape_control(inventory))
        });
        if key.offered_by.is_none() {
            let stack = style.paint(HEADING, escape_control(&key.stack));
            write!(out, "{stack}: ")?;
        }
        let name = style.paint(NAME, escape_control(&key.name()));
        write!(out, "{name}{inventory}, {}", escape_control(&key.reason()))?;
        match &key.suggestion {
            Some(near) => writeln!(
                out,
                "; did you mean `{}`?",
                style.paint(NAME, escape_control(near))
            )?,
            None if key.exists => writeln!(out, "; exists")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// Writes the result of a `register` run as JSON.
pub fn write_register_json(
    result: &RegisterResult<'_>,
    inventories: &Inventories,
    out: &mut dyn Write,
) -> io::Result<()> {
    let RegisterResult {
        missing,
        existing,
        stored,
        kept,
        failures,
    } = result;
    let document = JsonRegister {
        version: VERSION,
        missing: json_required_keys(missing, inventories),
        existing: json_required_keys(existing, inventories),
        stored: StreamedItems::new(stored.iter().map(JsonSecret::from)),
        kept: StreamedItems::new(kept.iter().map(JsonSecret::from)),
        failures: json_failures(failures),
    };
    write_pretty(&document, out)
}

fn json_required_keys<'r>(
    keys: &'r [&'r RequiredKey<'r>],
    inventories: &'r Inventories,
) -> StreamedItems<'r, JsonRequiredKey<'r>> {
    StreamedItems::new(keys.iter().map(|key| JsonRequiredKey {
        stack: &key.stack,
        inventory: inventory_name(inventories, key.inventory),
        secret: &key.secret,
        key: key.key.as_deref(),
        suggestion: key.suggestion.as_deref(),
        references: StreamedItems::new(key.references.iter().copied().map(JsonLocation::from)),
    }))
}
