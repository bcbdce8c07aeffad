//! The contents of inventories for people: a table, or one line per key.

use crate::lint::secret_list::ListedInventory;
use crate::output::style::{HEADING, NAME, OutputStyle};
use crate::text::escape::escape_control;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The most columns that names of secrets are aligned to. Without a limit, one very long name would
/// fill the rows of all others with blanks.
pub(super) const MAX_NAME_COLUMNS: usize = 255;

/// One row of the table, escaped: inventory, secret and the secret's keys.
struct Row<'l> {
    inventory: String,
    secret: String,
    keys: &'l BTreeSet<String>,
}

/// Writes the secrets of inventories as a table. Writes nothing if there are no secrets.
pub fn write_table(
    listed: &[ListedInventory],
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = listed.iter().flat_map(|inventory| {
        inventory.secrets.iter().map(|(secret, keys)| Row {
            inventory: escape_control(&inventory.name),
            secret: escape_control(secret),
            keys,
        })
    });
    let rows: Vec<Row<'_>> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let first = column_width("INVENTORY", rows.iter().map(|row| row.inventory.as_str()));
    let second =
        column_width("SECRET", rows.iter().map(|row| row.secret.as_str())).min(MAX_NAME_COLUMNS);
    let title = format!("{:first$}  {:second$}  KEYS", "INVENTORY", "SECRET");
    writeln!(out, "{}", style.paint(HEADING, title))?;
    for Row {
        inventory,
        secret,
        keys,
    } in rows
    {
        let secret = style.paint(NAME, format!("{secret:second$}"));
        write!(out, "{inventory:first$}  {secret}  ")?;
        for (at, key) in keys.iter().enumerate() {
            write!(
                out,
                "{}{}",
                if at > 0 { ", " } else { "" },
                escape_control(key)
            )?;
        }
        writeln!(out, "{}", if keys.is_empty() { "-" } else { "" })?;
    }
    Ok(())
}

pub(super) fn column_width<'c>(title: &str, cells: impl Iterator<Item = &'c str>) -> usize {
    cells
        .map(|cell| cell.chars().count())
        .fold(title.len(), usize::max)
}

/// Writes one line per key, `inventory: secret.key`, or `inventory: secret` for a secret without
/// keys.
pub fn write_short(
    listed: &[ListedInventory],
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    for inventory in listed {
        let name = escape_control(&inventory.name);
        for (secret, keys) in &inventory.secrets {
            let secret = escape_control(secret);
            if keys.is_empty() {
                writeln!(out, "{name}: {}", style.paint(NAME, &secret))?;
            }
            for key in keys {
                let key = format!("{secret}.{}", escape_control(key));
                writeln!(out, "{name}: {}", style.paint(NAME, key))?;
            }
        }
    }
    Ok(())
}
