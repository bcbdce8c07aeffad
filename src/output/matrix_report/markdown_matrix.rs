//! The matrix as a Markdown table, for step summaries and pull requests.
//!
//! If there are many rows, the missing ones come first, and the others are folded.

use super::{STATES, headline, meaning, symbol, use_text};
use crate::diagnostics::error::Failure;
use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow};
use crate::output::markdown_code::code;
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// The most rows that a table contains without folding.
const MAX_ROWS: usize = 20;
/// The most uses that a row shows.
const MAX_USES: usize = 3;

/// Writes a matrix as Markdown, and the failures because of which it may be incomplete.
pub fn write_markdown(
    matrix: &Matrix,
    failures: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (missing, others): (Vec<_>, Vec<_>) = matrix.rows.iter().partition(|row| row.is_missing());
    let headline = headline(matrix);
    if missing.is_empty() {
        writeln!(out, "{headline}.")?;
    } else {
        writeln!(out, "**{headline}.**")?;
    }
    if matrix.rows.len() <= MAX_ROWS {
        write_table(matrix, matrix.rows.iter(), out)?;
    } else {
        write_table(matrix, missing.iter().copied(), out)?;
        if !others.is_empty() {
            let others_count = others.len();
            writeln!(
                out,
                "\n<details><summary>Not missing: {others_count}</summary>"
            )?;
            write_table(matrix, others.into_iter(), out)?;
            writeln!(out, "\n</details>")?;
        }
    }
    if !matrix.rows.is_empty() {
        let legend = STATES.map(|state| format!("`{}`: {}", symbol(state), meaning(state)));
        writeln!(out, "\n{}", legend.join("; "))?;
    }
    write_failures(failures, out)
}

/// Writes a table, after an empty line. Writes nothing if there are no rows.
fn write_table<'r>(
    matrix: &Matrix,
    rows: impl Iterator<Item = &'r MatrixRow>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    write!(out, "\n| Secret or key |")?;
    for environment in &matrix.environments {
        write!(out, " {} |", code(&escape_control(environment)))?;
    }
    write!(out, " Used by |\n| --- |")?;
    for _ in &matrix.environments {
        write!(out, " --- |")?;
    }
    writeln!(out, " --- |")?;
    for row in rows {
        write!(out, "| {} |", code(&escape_control(&row.name())))?;
        for (_, cell) in matrix.environments.iter().zip(&row.cells) {
            match cell {
                MatrixCell::Missing => write!(out, " **`MISSING`** |")?,
                cell => write!(out, " `{}` |", symbol(*cell))?,
            }
        }
        writeln!(out, "{} |", uses(row))?;
    }
    Ok(())
}

/// Returns the cell with the first uses of a row, after a blank.
fn uses(row: &MatrixRow) -> String {
    let first = row.uses.iter().take(MAX_USES);
    let mut places: Vec<String> = first.map(|place| code(&use_text(place))).collect();
    if row.uses.len() > MAX_USES {
        places.push(format!("{} more", row.uses.len() - MAX_USES));
    }
    let places = places.join(", ");
    if places.is_empty() {
        places
    } else {
        format!(" {places}")
    }
}

/// Writes the failures as a list.
fn write_failures(failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**The matrix is incomplete:**\n")?;
    for failure in failures {
        let message = escape_control(&failure.to_string()).replace('`', "'");
        writeln!(out, "- {}", code(&message))?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::samples::{hostile, matrix, row};
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    fn written(matrix: &Matrix, failures: &[Failure]) -> String {
        let mut out = Vec::new();
        write_markdown(matrix, failures, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Returns the number of cells in each row, as a parser of GitHub's Markdown reads them, and
    /// the texts of HTML.
    fn parsed(text: &str) -> (Vec<usize>, Vec<String>) {
        let (mut rows, mut html) = (Vec::new(), Vec::new());
        for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(0),
                Event::Start(Tag::TableCell) => *rows.last_mut().unwrap() += 1,
                Event::Html(text) | Event::InlineHtml(text) => html.push(text.to_string()),
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Strikethrough) => {
                    panic!("{text}")
                }
                _ => {}
            }
        }
        (rows, html)
    }

    #[test]
    fn a_small_matrix_is_one_table_in_its_order() {
        let rows = vec![
            row("a", "k", "oo", &["x.yaml"]),
            row(
                "b",
                "k",
                "oM",
                &["x.yaml", "prod.yaml", "z.yaml", "w.yaml", "v.yaml"],
            ),
            row("c", "", "u-", &[]),
        ];
        let text = written(&matrix("dev prod", rows), &[]);
        let expected = "\
**Missing: 1 of 3 secrets and keys in 2 environments.**

| Secret or key | `dev` | `prod` | Used by |
| --- | --- | --- | --- |
| `a.k` | `ok` | `ok` | `x.yaml:14` |
| `b.k` | `ok` | **`MISSING`** | `x.yaml:14`, `prod.yaml:14 (prod)`, `z.yaml:14`, 2 more |
| `c` | `unused` | `-` | |

`MISSING`: used, but does not exist; `?`: could not be looked up; `ok`: used and exists; `unused`: only exists; `-`: neither used nor existing
";
        assert_eq!(text, expected);
    }

    #[test]
    fn missing_rows_of_a_large_matrix_come_first() {
        let mut rows: Vec<_> = (0..30)
            .map(|at| row(&format!("s{at:02}"), "k", "o?", &["x.yaml"]))
            .collect();
        rows.push(row("z", "k", "Mo", &["x.yaml"]));
        let text = written(&matrix("dev prod", rows), &[]);
        assert!(text.starts_with("**Missing: 1 of 31 secrets and keys in 2 environments; not looked up everywhere: 30.**\n"));
        assert!(text.find("`z.k`") < text.find("<details><summary>Not missing: 30</summary>\n\n"));
        assert!(text.find("<details>") < text.find("`s00.k`"));
        let (cells, html) = parsed(&text);
        assert_eq!(cells, [4; 33]);
        assert_eq!(html.concat().matches('<').count(), 4, "{html:?}");
    }

    #[test]
    fn failures_and_empty_matrices_are_reported() {
        let text = written(
            &Matrix::default(),
            &[Failure::unanswered("`prod` | did\nnot answer")],
        );
        assert_eq!(
            text,
            "No secrets in 0 environments.\n\n**The matrix is incomplete:**\n\n\
             - `'prod' \\u{7c} did\\u{a}not answer`\n"
        );
    }

    #[test]
    fn hostile_names_stay_in_their_cells() {
        let matrix = hostile();
        let (cells, html) = parsed(&written(&matrix, &[]));
        assert_eq!(cells, vec![11; matrix.rows.len() + 1]);
        assert_eq!(html, Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn each_row_has_a_cell_for_each_column(
            names in proptest::collection::vec("[ -~\\PC\n\r\t|`\\\\<>]{1,12}|[|`\\\\ ]{1,6}", 3..40),
        ) {
            let rows = names.iter().map(|name| row(name, name, "oM?", &[name.as_str(); 2]));
            let mut sample = matrix("a b c", rows.collect());
            sample.environments = names.iter().take(3).cloned().collect();
            let text = written(&sample, &[]);
            let (cells, html) = parsed(&text);
            prop_assert_eq!(cells, vec![5; names.len() + 1], "{}", text);
            prop_assert_eq!(html, Vec::<String>::new());
        }
    }
}
