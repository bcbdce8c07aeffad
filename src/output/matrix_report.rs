//! Writes the matrix of secrets and environments: a table for people, Markdown, JSON, or a page for
//! a browser.

mod html_matrix;
mod human_matrix;
mod json_matrix;
mod markdown_matrix;

pub use html_matrix::write_html;
pub use human_matrix::write_human;
pub(crate) use json_matrix::JsonMatrix;
pub use json_matrix::write_json;
pub use markdown_matrix::write_markdown;

use super::style::OutputStyle;
use super::{MatrixFormat, count};
use crate::diagnostics::error::Failure;
use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixUse};
use crate::text::escape::escape_control;
use std::io::{self, Read, Write};

/// Writes a matrix, and the failures because of which it may be incomplete. The human format has no
/// failures, because they go to standard error. The other formats ignore `style`.
pub fn write(
    format: MatrixFormat,
    matrix: &Matrix,
    failures: &[Failure],
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        MatrixFormat::Human => write_human(matrix, style, out),
        MatrixFormat::Markdown => write_markdown(matrix, failures, out),
        MatrixFormat::Json => write_json(matrix, failures, out),
        MatrixFormat::Html => write_html(matrix, failures, out),
    }
}

/// The bytes at the start of a file that show that it is a matrix.
const HEAD: u64 = 4096;

/// Returns whether a file is empty, or a matrix of a format. A matrix for people has no mark.
pub fn is_matrix(format: MatrixFormat, file: impl Read) -> bool {
    let mut head = Vec::new();
    if file.take(HEAD).read_to_end(&mut head).is_err() {
        return false;
    }
    let head = String::from_utf8_lossy(&head);
    let starts = |starts: &[&str]| starts.iter().any(|start| head.starts_with(start));
    head.is_empty()
        || match format {
            MatrixFormat::Human => false,
            MatrixFormat::Markdown => starts(&["**Missing: ", "Nothing is ", "No secrets in "]),
            MatrixFormat::Json => starts(&["{\n  \"version\": 1,\n  \"environments\": ["]),
            MatrixFormat::Html => head.contains(html_matrix::TITLE),
        }
}

/// The states of a cell, the most urgent first.
const STATES: [MatrixCell; 5] = [
    MatrixCell::Missing,
    MatrixCell::Unknown,
    MatrixCell::Ok,
    MatrixCell::Unused,
    MatrixCell::Absent,
];

/// Returns the word or symbol of a state for people.
fn symbol(cell: MatrixCell) -> &'static str {
    match cell {
        MatrixCell::Ok => "ok",
        MatrixCell::Missing => "MISSING",
        MatrixCell::Unused => "unused",
        MatrixCell::Absent => "-",
        MatrixCell::Unknown => "?",
    }
}

/// Returns the meaning of a state.
fn meaning(cell: MatrixCell) -> &'static str {
    match cell {
        MatrixCell::Ok => "used and exists",
        MatrixCell::Missing => "used, but does not exist",
        MatrixCell::Unused => "only exists",
        MatrixCell::Absent => "neither used nor existing",
        MatrixCell::Unknown => "could not be looked up",
    }
}

/// Returns the number of rows with missing and with unknown cells, without a full stop.
fn headline(matrix: &Matrix) -> String {
    let total = matrix.rows.len();
    let rows_with = |cell| {
        matrix
            .rows
            .iter()
            .filter(|row| row.cells.contains(&cell))
            .count()
    };
    let (missing, unknown) = (
        rows_with(MatrixCell::Missing),
        rows_with(MatrixCell::Unknown),
    );
    let environments = count(matrix.environments.len(), "environment");
    let mut text = match (total, missing) {
        (0, _) => format!("No secrets in {environments}"),
        (_, 0) if unknown > 0 => {
            format!("Nothing is known to be missing: {total} secrets and keys in {environments}")
        }
        (_, 0) => format!("Nothing is missing: {total} secrets and keys in {environments}"),
        _ => format!("Missing: {missing} of {total} secrets and keys in {environments}"),
    };
    if unknown > 0 {
        text.push_str(&format!("; not looked up everywhere: {unknown}"));
    }
    text
}

/// Returns the location of a use, with the name of its stack.
fn use_text(place: &MatrixUse) -> String {
    let location = escape_control(&place.location());
    match &place.stack {
        Some(stack) => format!("{location} ({})", escape_control(stack)),
        None => location,
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{matrix, row};
    use super::*;

    #[test]
    fn headline_counts_rows() {
        let [ok, missing, unknown] = ["oo", "MM", "o?"].map(|cells| row("a", "b", cells, &[]));
        for (rows, expected) in [
            (vec![], "No secrets in 2 environments"),
            (
                vec![ok.clone(), ok.clone()],
                "Nothing is missing: 2 secrets and keys in 2 environments",
            ),
            (
                vec![ok.clone(), unknown.clone()],
                "Nothing is known to be missing: 2 secrets and keys in 2 environments; not looked up everywhere: 1",
            ),
            (
                vec![ok, missing, unknown],
                "Missing: 1 of 3 secrets and keys in 2 environments; not looked up everywhere: 1",
            ),
        ] {
            assert_eq!(headline(&matrix("dev prod", rows)), expected);
        }
    }
}

#[cfg(test)]
mod samples {
    //! Matrices for the tests of the formats.

    use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow, MatrixUse};

    /// Names that a format has to escape.
    pub const HOSTILE: [&str; 9] = [
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "a|b`c`\\|",
        "line\nbreak\r\n| x |",
        "</details><!-- -->",
        "\u{202e}\u{2066}bidi\u{2028}\u{2029}",
        "\u{1b}[31m\0\"'&amp;",
        "[x](javascript:alert(1)) **b** ~~s~~ @user #1",
        "$(x) {{a.b}} \\",
    ];

    /// Returns a row whose cells have the symbols `o`, `M`, `u`, `-` and `?`.
    pub fn row(secret: &str, key: &str, cells: &str, uses: &[&str]) -> MatrixRow {
        let cells = cells.chars().map(|cell| match cell {
            'o' => MatrixCell::Ok,
            'M' => MatrixCell::Missing,
            'u' => MatrixCell::Unused,
            '-' => MatrixCell::Absent,
            _ => MatrixCell::Unknown,
        });
        let uses = uses.iter().map(|path| MatrixUse {
            path: (*path).to_owned(),
            line: if path.contains("://") { 0 } else { 14 },
            stack: path.contains("prod").then(|| "prod".to_owned()),
        });
        MatrixRow {
            secret: secret.to_owned(),
            key: Some(key.to_owned()).filter(|key| !key.is_empty()),
            cells: cells.collect(),
            uses: uses.collect(),
        }
    }

    /// Returns a matrix of these environments, separated by blanks, and rows.
    pub fn matrix(environments: &str, rows: Vec<MatrixRow>) -> Matrix {
        Matrix {
            environments: environments.split(' ').map(str::to_owned).collect(),
            rows,
        }
    }

    /// Returns a matrix in which every name is hostile.
    pub fn hostile() -> Matrix {
        let rows = HOSTILE.iter().map(|name| {
            let mut row = row(name, name, "oMu-?oMu-", &[name, "a", "b", "c"]);
            for place in &mut row.uses {
                place.stack = Some((*name).to_owned());
            }
            row
        });
        Matrix {
            environments: HOSTILE.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.collect(),
        }
    }
}
