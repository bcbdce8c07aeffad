//! The JSON document of `inventory diff`, version 1: the secrets and keys that only one of two
//! inventories has.
//!
//! The doc comments of these types and fields are the descriptions in the published schema.

use super::json_types::{JsonFailure, VERSION, json_failures};
use super::json_writer::{StreamedItems, write_pretty};
use crate::diagnostics::error::Failure;
use crate::lint::secret_list::{Difference, InventoryComparison};
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// The comparison of two inventories.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonComparison<'r> {
    /// The version of this format: 1.
    version: u32,
    /// The names of the two inventories. Empty if they could not be compared.
    inventories: Vec<&'r str>,
    /// The secrets and keys that only one of the inventories has, sorted by inventory and secret.
    #[schemars(with = "Vec<JsonDifference<'r>>")]
    differences: StreamedItems<'r, JsonDifference<'r>>,
    /// The secrets of which one inventory does not know all keys, so that keys that only the other
    /// inventory has are not listed.
    open: Vec<JsonOpenSecret<'r>>,
    /// With `--used`, the number of references of which a part is known only at run time. Secrets
    /// that only they use are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamic: Option<usize>,
    /// The reasons why the comparison is incomplete. Empty unless stackref exits with code 2 or 3, or
    /// a file cannot be parsed.
    failures: Vec<JsonFailure<'r>>,
}

/// A secret that only one inventory has, or the keys of it that only one inventory has.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Difference")]
struct JsonDifference<'r> {
    /// The inventory that has them.
    only_in: &'r str,
    /// `secret` if the other inventory does not have the secret, `keys` if it does not have these
    /// keys of the secret.
    kind: &'static str,
    /// The name of the secret.
    secret: &'r str,
    /// The keys that only this inventory has, sorted.
    keys: &'r [String],
}

impl<'r> JsonDifference<'r> {
    fn new(difference: &'r Difference, comparison: &'r InventoryComparison) -> Self {
        Self {
            only_in: comparison.name(difference.inventory),
            kind: difference.kind.as_str(),
            secret: &difference.secret,
            keys: &difference.keys,
        }
    }
}

/// A secret that may have more keys than its inventory lists.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenSecret")]
struct JsonOpenSecret<'r> {
    /// The inventory that does not know all keys.
    inventory: &'r str,
    /// The name of the secret.
    secret: &'r str,
}

/// Writes a comparison, with the number of dynamic references if only used names were compared, and
/// the failures because of which it may be incomplete.
pub fn write(
    comparison: &InventoryComparison,
    dynamic: Option<usize>,
    failures: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let differences = comparison.differences.iter();
    let differences = differences.map(|difference| JsonDifference::new(difference, comparison));
    let open = comparison.open.iter().map(|(at, secret)| JsonOpenSecret {
        inventory: comparison.name(*at),
        secret,
    });
    write_pretty(
        &JsonComparison {
            version: VERSION,
            inventories: comparison.names.iter().map(String::as_str).collect(),
            differences: StreamedItems::new(differences),
            open: open.collect(),
            dynamic,
            failures: json_failures(failures),
        },
        out,
    )
}

/// Writes the document of a run that compared nothing.
pub fn write_failed(failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    write_pretty(
        &JsonComparison {
            version: VERSION,
            inventories: Vec::new(),
            differences: StreamedItems::new([]),
            open: Vec::new(),
            dynamic: None,
            failures: json_failures(failures),
        },
        out,
    )
}
