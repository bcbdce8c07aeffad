//! The contents of inventories as JSON: names, keys, and the capabilities of each inventory.

use super::register_result::JsonSecret;
use crate::diagnostics::error::Failure;
use crate::inventory::Capabilities;
use crate::lint::secret_list::ListedInventory;
use crate::output::json_types::{JsonFailure, VERSION, json_failures};
use crate::output::json_writer::{StreamedItems, write_pretty};
use serde::Serialize;
use std::io::{self, Write};

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

impl<'r> From<&'r ListedInventory> for JsonInventory<'r> {
    fn from(inventory: &'r ListedInventory) -> Self {
        let secrets = inventory.secrets.iter().map(|(secret, keys)| JsonSecret {
            inventory: None,
            secret,
            keys: StreamedItems::new(keys.iter().map(String::as_str)),
        });
        Self {
            name: &inventory.name,
            can: capability_names(inventory.capabilities),
            secrets: StreamedItems::new(secrets),
        }
    }
}

fn capability_names(can: Capabilities) -> Vec<&'static str> {
    let names = [
        (can.list, "list"),
        (can.keys, "keys"),
        (can.values, "values"),
        (can.write, "write"),
    ];
    names
        .into_iter()
        .filter_map(|(can, name)| can.then_some(name))
        .collect()
}

/// Writes inventories, and the failures because of which some contents may be missing.
pub fn write_inventories_json(
    listed: &[ListedInventory],
    failures: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let inventories = StreamedItems::new(listed.iter().map(JsonInventory::from));
    write_pretty(
        &JsonInventories {
            version: VERSION,
            inventories,
            failures: json_failures(failures),
        },
        out,
    )
}
