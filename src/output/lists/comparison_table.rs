//! The differences between two inventories for people: a table, grouped by inventory.

use super::contents_table::{MAX_NAME_COLUMNS, column_width};
use crate::lint::secret_list::InventoryComparison;
use crate::output::style::{ADDED, HEADING, NAME, OutputStyle, REMOVED};
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes one line per difference, those of the first inventory first. Writes nothing if there are no
/// differences.
pub fn write_comparison(
    comparison: &InventoryComparison,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let differences = &comparison.differences;
    if differences.is_empty() {
        return Ok(());
    }
    let rows = differences.iter().map(|difference| {
        let inventory = escape_control(comparison.name(difference.inventory));
        (inventory, escape_control(&difference.secret), difference)
    });
    let rows: Vec<_> = rows.collect();
    let first = column_width("ONLY IN", rows.iter().map(|(name, ..)| name.as_str()));
    let second = column_width("SECRET", rows.iter().map(|(_, secret, _)| secret.as_str()));
    let second = second.min(MAX_NAME_COLUMNS);
    let title = format!("{:first$}  KIND    {:second$}  KEYS", "ONLY IN", "SECRET");
    writeln!(out, "{}", style.paint(HEADING, title))?;
    for (inventory, secret, difference) in &rows {
        // The colors of a diff from the first inventory to the second.
        let color = if difference.inventory == 0 {
            REMOVED
        } else {
            ADDED
        };
        let inventory = style.paint(color, format!("{inventory:first$}"));
        let kind = difference.kind.as_str();
        let secret = style.paint(NAME, format!("{secret:second$}"));
        let keys: Vec<String> = difference
            .keys
            .iter()
            .map(|key| escape_control(key))
            .collect();
        let keys = if keys.is_empty() {
            "-".to_owned()
        } else {
            keys.join(", ")
        };
        writeln!(out, "{inventory}  {kind:6}  {secret}  {keys}")?;
    }
    Ok(())
}
