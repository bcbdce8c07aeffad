//! The JSON document of `matrix`, version 1.
//!
//! The doc comments of these types and fields are the descriptions in the published schema.

use crate::diagnostics::error::Failure;
use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow, MatrixUse};
use crate::output::json_types::{JsonFailure, VERSION, json_failures};
use crate::output::json_writer::{StreamedItems, write_pretty};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Secrets and keys, with their state in each environment.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonMatrix<'r> {
    /// The version of this format: 1.
    version: u32,
    /// The names of the environments, in the order of the columns.
    environments: &'r [String],
    /// The secrets and keys that are used or exist, sorted by secret and key.
    #[schemars(with = "Vec<JsonRow<'r>>")]
    rows: StreamedItems<'r, JsonRow<'r>>,
    /// The reasons why the matrix is incomplete. Empty unless stackref exits with code 2 or 3.
    failures: Vec<JsonFailure<'r>>,
}

/// A secret or a key.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Row")]
struct JsonRow<'r> {
    /// The name of the secret.
    secret: &'r str,
    /// The key. Absent if the row is about the whole secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    /// The state in each environment.
    #[schemars(with = "BTreeMap<String, JsonCell>")]
    cells: JsonCells<'r>,
    /// The places that use the secret or key.
    #[schemars(with = "Vec<JsonUse<'r>>")]
    uses: StreamedItems<'r, JsonUse<'r>>,
}

/// The cells of a row: a mapping from environments to states, in the order of the environments.
struct JsonCells<'r> {
    environments: &'r [String],
    cells: &'r [MatrixCell],
}

impl Serialize for JsonCells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.cells.iter().copied().map(JsonCell::from);
        serializer.collect_map(self.environments.iter().zip(cells))
    }
}

/// The state of a secret or key in an environment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Cell")]
#[serde(rename_all = "lowercase")]
enum JsonCell {
    /// It is used and exists.
    Ok,
    /// It is used, but does not exist.
    Missing,
    /// It exists, but is not used.
    Unused,
    /// It is not used and does not exist.
    Absent,
    /// It could not be looked up.
    Unknown,
}

impl From<MatrixCell> for JsonCell {
    fn from(cell: MatrixCell) -> Self {
        match cell {
            MatrixCell::Ok => Self::Ok,
            MatrixCell::Missing => Self::Missing,
            MatrixCell::Unused => Self::Unused,
            MatrixCell::Absent => Self::Absent,
            MatrixCell::Unknown => Self::Unknown,
        }
    }
}

/// A place that uses a secret or key.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Use")]
struct JsonUse<'r> {
    /// The path of the file, relative to the working directory, with `/`. For a registered
    /// component, `zenml://INVENTORY/components/TYPE/NAME`.
    path: &'r str,
    /// The line, counted from 1. Absent for a registered component.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The name of the stack.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'r str>,
}

impl<'r> From<&'r MatrixUse> for JsonUse<'r> {
    fn from(place: &'r MatrixUse) -> Self {
        Self {
            path: &place.path,
            line: (place.line > 0).then_some(place.line),
            stack: place.stack.as_deref(),
        }
    }
}

impl<'r> JsonRow<'r> {
    fn new(environments: &'r [String], row: &'r MatrixRow) -> Self {
        Self {
            secret: &row.secret,
            key: row.key.as_deref(),
            cells: JsonCells {
                environments,
                cells: &row.cells,
            },
            uses: StreamedItems::new(row.uses.iter().map(JsonUse::from)),
        }
    }
}

/// Writes a matrix as JSON, and the failures because of which it may be incomplete.
pub fn write_json(matrix: &Matrix, failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    let environments = matrix.environments.as_slice();
    let rows = matrix.rows.iter();
    let rows = StreamedItems::new(rows.map(|row| JsonRow::new(environments, row)));
    write_pretty(
        &JsonMatrix {
            version: VERSION,
            environments,
            rows,
            failures: json_failures(failures),
        },
        out,
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::samples::{HOSTILE, hostile, matrix, row};
    use super::*;
    use serde_json::{Value, json};

    fn written(matrix: &Matrix, failures: &[Failure]) -> (String, Value) {
        let mut out = Vec::new();
        write_json(matrix, failures, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn fields_that_do_not_apply_are_absent() {
        let rows = vec![
            row(
                "db",
                "password",
                "oM",
                &["prod.yaml", "zenml://i/components/a/b"],
            ),
            row("tokens", "", "?-", &[]),
            row("tokens", "old", "u-", &[]),
        ];
        let (text, value) = written(
            &matrix("staging dev", rows),
            &[Failure::unanswered("no answer")],
        );
        let expected = json!({
            "version": 1,
            "environments": ["staging", "dev"],
            "rows": [
                {"secret": "db", "key": "password", "cells": {"staging": "ok", "dev": "missing"},
                 "uses": [{"path": "prod.yaml", "line": 14, "stack": "prod"}, {"path": "zenml://i/components/a/b"}]},
                {"secret": "tokens", "cells": {"staging": "unknown", "dev": "absent"}, "uses": []},
                {"secret": "tokens", "key": "old", "cells": {"staging": "unused", "dev": "absent"}, "uses": []},
            ],
            "failures": [{"message": "no answer"}],
        });
        assert_eq!(value, expected);
        assert!(text.find("\"staging\": \"ok\"") < text.find("\"dev\": \"missing\""));
    }

    #[test]
    fn hostile_names_stay_the_same() {
        let (_, value) = written(&hostile(), &[]);
        for (at, name) in HOSTILE.iter().enumerate() {
            let row = value["rows"].get(at).unwrap();
            assert_eq!(value["environments"][at], *name);
            assert_eq!(
                [&row["secret"], &row["key"], &row["uses"][0]["stack"]],
                [name; 3]
            );
            assert_eq!(row["cells"][HOSTILE[1]], "missing");
        }
    }

    #[test]
    fn an_empty_matrix_is_a_complete_document() {
        let (_, value) = written(&Matrix::default(), &[]);
        let empty: [&str; 0] = [];
        assert_eq!(
            value,
            json!({"version": 1, "environments": empty, "rows": empty, "failures": empty})
        );
    }
}
