//! The rows of the matrix as the script of the page reads them.
//!
//! Paths and stacks repeat in many rows, so each is in the data once, and a use has its index.

use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow};
use crate::output::json_writer::StreamedItems;
use serde::Serialize;
use std::collections::HashMap;

/// The data of the page.
#[derive(Serialize)]
pub(super) struct PageData<'r> {
    environments: &'r [String],
    /// The paths and stacks, in the order of their first use.
    texts: Vec<&'r str>,
    rows: StreamedItems<'r, PageRow<'r>>,
}

/// A row: the secret, the key, a letter for each cell, and the uses. Each use has three elements:
/// the index of its path, its line (0 if there is none), and the index of its stack or `null`.
#[derive(Serialize)]
struct PageRow<'r>(&'r str, Option<&'r str>, String, Vec<Option<usize>>);

impl<'r> PageData<'r> {
    /// Creates the data of a matrix.
    pub fn new(matrix: &'r Matrix) -> Self {
        let mut texts = Vec::new();
        let mut indices = HashMap::new();
        for place in matrix.rows.iter().flat_map(|row| &row.uses) {
            for text in [Some(place.path.as_str()), place.stack.as_deref()]
                .into_iter()
                .flatten()
            {
                indices.entry(text).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                });
            }
        }
        let rows = matrix
            .rows
            .iter()
            .map(move |row| PageRow::new(row, &indices));
        Self {
            environments: &matrix.environments,
            texts,
            rows: StreamedItems::new(rows),
        }
    }
}

impl<'r> PageRow<'r> {
    fn new(row: &'r MatrixRow, indices: &HashMap<&str, usize>) -> Self {
        let index = |text: &str| indices.get(text).copied();
        let uses = row.uses.iter().flat_map(|place| {
            let stack = place.stack.as_deref().and_then(index);
            [index(&place.path), Some(place.line), stack]
        });
        let cells = row.cells.iter().map(|cell| letter(*cell));
        Self(
            &row.secret,
            row.key.as_deref(),
            cells.collect(),
            uses.collect(),
        )
    }
}

/// Returns the letter of a cell in the data.
fn letter(cell: MatrixCell) -> char {
    match cell {
        MatrixCell::Ok => 'o',
        MatrixCell::Missing => 'm',
        MatrixCell::Unused => 'u',
        MatrixCell::Absent => '-',
        MatrixCell::Unknown => '?',
    }
}
