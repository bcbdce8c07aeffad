//! The matrix for people.
//!
//! If the environments fit next to each other, it is a table:
//!
//! ```text
//! SECRET            dev  prod     USED BY
//! mlflow.password   ok   MISSING  stacks/prod.yaml:14 and 2 more
//! ```
//!
//! Otherwise, each row is a block with one line for each state. The most frequent state has the
//! number of its environments instead of their names:
//!
//! ```text
//! mlflow.password  (stacks/prod.yaml:14 and 2 more)
//!   MISSING  prod-eu, prod-us
//!   ok       the other 10
//! ```

use super::{STATES, symbol};
use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow};
use crate::output::count;
use crate::output::style::{ADDED, ERROR, HEADING, NAME, OutputStyle, WARNING};
use crate::text::escape::escape_control;
use anstyle::Style;
use std::io::{self, Write};

/// The title of the column of names.
const TITLE: &str = "SECRET";
/// The title of the column of uses.
const USES_TITLE: &str = "USED BY";
/// The blanks between two columns.
const GAP: usize = 2;
/// The most columns of the name of an environment in a table.
const MAX_ENVIRONMENT: usize = 16;
/// The columns to which names of secrets and uses are shortened, so that a table fits.
const MIN_NAME: usize = 24;
const MIN_USES: usize = 26;
/// The columns of uses if otherwise a table does not fit: those of `12 uses`, and one more.
const SHORT_USES: usize = 8;
/// The fewest columns of the location of a use. If there are fewer, only the number of uses is
/// shown.
const MIN_LOCATION: usize = 10;
/// The columns of a word in a block: those of `MISSING`.
const WORD: usize = 7;
/// The columns before the names in a block.
const INDENT: usize = GAP + WORD + GAP;
/// The fewest columns for which blocks are laid out. In a narrower terminal, lines wrap.
const MIN_WIDTH: usize = 40;
/// The most environments of one state in a block that are always named.
const MAX_NAMES: usize = 3;

/// Writes a matrix for people. Writes nothing if it has no rows.
pub fn write_human(matrix: &Matrix, style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    if matrix.rows.is_empty() {
        return Ok(());
    }
    match Columns::of_matrix(matrix, style) {
        Some(columns) => write_table(matrix, &columns, style, out),
        None => write_blocks(matrix, style, out),
    }
}

/// The widths of the columns of a table.
struct Columns {
    name: usize,
    environments: Vec<usize>,
    uses: usize,
}

impl Columns {
    /// Returns the widths, or `None` if the table does not fit.
    fn of_matrix(matrix: &Matrix, style: OutputStyle) -> Option<Self> {
        let mut environments: Vec<usize> = matrix
            .environments
            .iter()
            .map(|name| columns_of(&escape_control(name)).min(MAX_ENVIRONMENT))
            .collect();
        let (mut name, mut uses) = (TITLE.len(), USES_TITLE.len());
        for row in &matrix.rows {
            name = name.max(columns_of(&escape_control(&row.name())));
            uses = uses.max(columns_of(&uses_text(row, usize::MAX, style)));
            for (width, cell) in environments.iter_mut().zip(&row.cells) {
                *width = (*width).max(symbol(*cell).len());
            }
        }
        let fixed: usize = environments.iter().map(|width| width + GAP).sum();
        let flexible = style.width.checked_sub(fixed + GAP)?;
        let min_name = name.min(MIN_NAME);
        let fits = |uses: &usize| min_name + uses <= flexible;
        let min_uses = [MIN_USES, SHORT_USES].map(|columns| uses.min(columns));
        let min_uses = min_uses.into_iter().find(fits)?;
        // If both are too long, names get three fifths, because they are the more important part.
        let share = (flexible * 3 / 5).min(flexible - min_uses).max(min_name);
        let name = name.min(flexible.saturating_sub(uses).max(share));
        let uses = uses.min(flexible - name);
        Some(Self {
            name,
            environments,
            uses,
        })
    }
}

fn columns_of(text: &str) -> usize {
    text.chars().count()
}

fn write_table(
    matrix: &Matrix,
    columns: &Columns,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut title = format!("{TITLE:0$}", columns.name);
    for (environment, width) in matrix.environments.iter().zip(&columns.environments) {
        let name = style.shorten(&escape_control(environment), *width);
        title.push_str(&format!("  {name:width$}"));
    }
    writeln!(
        out,
        "{}",
        style.paint(HEADING, format!("{title}  {USES_TITLE}"))
    )?;
    for row in &matrix.rows {
        let name = style.shorten(&escape_control(&row.name()), columns.name);
        write!(
            out,
            "{}",
            style.paint(NAME, format!("{name:0$}", columns.name))
        )?;
        let uses = uses_text(row, columns.uses, style);
        let cells = row.cells.iter().zip(&columns.environments);
        let last = columns.environments.len().saturating_sub(1);
        for (at, (cell, width)) in cells.enumerate() {
            // The last column needs no blanks after it.
            let width = if at == last && uses.is_empty() {
                0
            } else {
                *width
            };
            let cell_text = format!("{:width$}", symbol(*cell));
            write!(out, "  {}", style.paint(cell_style(*cell), cell_text))?;
        }
        let gap = if uses.is_empty() { "" } else { "  " };
        writeln!(out, "{gap}{uses}")?;
    }
    Ok(())
}

/// Writes each row as a block: its name and uses, and then a line for each state.
fn write_blocks(matrix: &Matrix, style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let width = style.width.max(MIN_WIDTH);
    let environments: Vec<String> = matrix
        .environments
        .iter()
        .map(|name| style.shorten(&escape_control(name), width - INDENT - 1))
        .collect();
    for row in &matrix.rows {
        let name = style.shorten(&escape_control(&row.name()), width);
        write!(out, "{}", style.paint(NAME, &name))?;
        let rest = width.saturating_sub(columns_of(&name) + "  ()".len());
        if rest >= MIN_USES && !row.uses.is_empty() {
            write!(out, "  ({})", uses_text(row, rest, style))?;
        }
        writeln!(out)?;
        if rest < MIN_USES && !row.uses.is_empty() {
            writeln!(out, "  ({})", uses_text(row, width - "  ()".len(), style))?;
        }
        for (cell, names) in states(row, &environments) {
            let word = style.paint(cell_style(cell), format!("{:WORD$}", symbol(cell)));
            writeln!(out, "  {word}  {}", wrapped(&names, width))?;
        }
    }
    Ok(())
}

/// Returns the states of a row with the names of their environments, the most urgent first.
///
/// Environments in which it is missing are always named, unless these are all. The names of the
/// most frequent other state are replaced by their number.
fn states(row: &MatrixRow, environments: &[String]) -> Vec<(MatrixCell, Vec<String>)> {
    let mut states: Vec<(MatrixCell, Vec<String>)> = Vec::new();
    for state in STATES {
        let cells = environments.iter().zip(&row.cells);
        let names: Vec<String> = cells
            .filter(|(_, cell)| **cell == state)
            .map(|(name, _)| name.clone())
            .collect();
        if !names.is_empty() {
            states.push((state, names));
        }
    }
    if let [(_, names)] = states.as_mut_slice() {
        if names.len() > 1 {
            *names = vec![format!("all {}", names.len())];
        }
        return states;
    }
    let others = states
        .iter_mut()
        .filter(|(state, names)| *state != MatrixCell::Missing && names.len() > MAX_NAMES);
    if let Some((_, names)) = others.max_by_key(|(_, names)| names.len()) {
        *names = vec![format!("the other {}", names.len())];
    }
    states
}

/// Returns names, separated by commas and broken into lines that fit, all but the first indented.
fn wrapped(names: &[String], width: usize) -> String {
    let mut text = String::new();
    let mut column = INDENT;
    for (at, name) in names.iter().enumerate() {
        let comma = if at + 1 < names.len() { "," } else { "" };
        let len = columns_of(name) + comma.len();
        if at > 0 && column + 1 + len > width {
            text.push('\n');
            text.push_str(&" ".repeat(INDENT));
            column = INDENT;
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(name);
        text.push_str(comma);
        column += len;
    }
    text
}

/// Returns the first use of a row and the number of the others, with at most this many characters.
/// Empty if nothing uses it.
fn uses_text(row: &MatrixRow, longest: usize, style: OutputStyle) -> String {
    let Some(first) = row.uses.first() else {
        return String::new();
    };
    let location = escape_control(&first.location());
    let others = match row.uses.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let rest = longest.saturating_sub(columns_of(&others));
    if rest < MIN_LOCATION && columns_of(&location) > rest {
        return style.shorten(&count(row.uses.len(), "use"), longest);
    }
    format!("{}{others}", style.shorten(&location, rest))
}

fn cell_style(cell: MatrixCell) -> Style {
    match cell {
        MatrixCell::Ok => ADDED,
        MatrixCell::Missing => ERROR,
        MatrixCell::Unknown => WARNING,
        MatrixCell::Unused | MatrixCell::Absent => Style::new(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::samples::{hostile, matrix, row};
    use super::*;
    use crate::text::escape::is_unsafe;
    use proptest::prelude::*;

    fn written(matrix: &Matrix, style: OutputStyle) -> String {
        let mut out = Vec::new();
        write_human(matrix, style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(width: usize) -> OutputStyle {
        OutputStyle {
            width,
            ..OutputStyle::PLAIN
        }
    }

    #[test]
    fn environments_that_fit_are_columns() {
        let rows = vec![
            row("db", "password", "oM", &["stacks/prod.yaml", "a", "b"]),
            row(
                "mlflow",
                "tracking_password_of_the_tracking_server",
                "?o",
                &["stacks/very/long/path/of/a/stack.yaml"],
            ),
            row("old", "", "u-", &[]),
        ];
        let matrix = matrix("dev prod", rows);
        assert_eq!(
            written(&matrix, plain(80)),
            "\
SECRET                               dev     prod     USED BY
db.password                          ok      MISSING  stacks/pr…ml:14 and 2 more
mlflow.tracking_passwor…king_server  ?       ok       stacks/very/long/….yaml:14
old                                  unused  -
"
        );
    }

    #[test]
    fn uses_are_shortened_before_a_table_becomes_lines() {
        let rows = vec![
            row("db", "password", "oMMMo", &["stacks/prod.yaml", "a", "b"]),
            row("warehouse", "service_account_key", "oo?oM", &["train.py"]),
        ];
        assert_eq!(
            written(&matrix("dev test stage prod eu", rows), plain(80)),
            "\
SECRET                    dev  test     stage    prod     eu       USED BY
db.password               ok   MISSING  MISSING  MISSING  ok       3 uses
warehouse.servi…ount_key  ok   ok       ?        ok       MISSING  train.py:14
"
        );
    }

    #[test]
    fn many_environments_become_lines() {
        let environments: Vec<String> = (0..12).map(|at| format!("production-{at:02}")).collect();
        let rows = vec![
            row(
                "db",
                "password",
                "ooMooooMoo?o",
                &["stacks/prod.yaml", "a", "b"],
            ),
            row("db", "user", "oooooooooooo", &["stacks/prod.yaml"]),
            row("db", "host", "MMMMMMMMMMMo", &["stacks/prod.yaml"]),
            row("old", "", "u--u--u--uuu", &[]),
        ];
        assert_eq!(
            written(&matrix(&environments.join(" "), rows), plain(80)),
            "\
db.password  (stacks/prod.yaml:14 and 2 more)
  MISSING  production-02, production-07
  ?        production-10
  ok       the other 9
db.user  (stacks/prod.yaml:14)
  ok       all 12
db.host  (stacks/prod.yaml:14)
  MISSING  production-00, production-01, production-02, production-03,
           production-04, production-05, production-06, production-07,
           production-08, production-09, production-10
  ok       production-11
old
  unused   production-00, production-03, production-06, production-09,
           production-10, production-11
  -        the other 6
"
        );
    }

    #[test]
    fn missing_cells_are_colored() {
        let style = OutputStyle {
            color: true,
            ..plain(80)
        };
        let text = written(&matrix("dev", vec![row("a", "b", "M", &["x"])]), style);
        assert!(
            text.contains("\u{1b}[1m\u{1b}[31mMISSING\u{1b}[0m"),
            "{text:?}"
        );
        assert_eq!(written(&Matrix::default(), style), "");
    }

    #[test]
    fn hostile_names_are_escaped() {
        for width in [20, 80, 1000] {
            let text = written(&hostile(), plain(width));
            assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn lines_fit_the_width(
            width in 40_usize..200,
            is_ascii in any::<bool>(),
            environments in proptest::collection::vec("[a-z\n]{1,30}", 1..16),
            rows in proptest::collection::vec(("[a-z]{1,60}", "[a-z]{0,60}", "[oMu?-]{16}", 0_usize..2000), 1..8),
        ) {
            let rows = rows.iter().map(|(secret, key, cells, uses)| {
                let cells: String = cells.chars().take(environments.len()).collect();
                row(secret, key, &cells, &vec![format!("{key}/{secret}").as_str(); *uses])
            });
            let sample = matrix("", rows.collect());
            let sample = Matrix { environments, ..sample };
            let style = OutputStyle { ascii: is_ascii, ..plain(width) };
            let text = written(&sample, style);
            for line in text.lines() {
                prop_assert!(line.chars().count() <= width, "{width}\n{text}");
                prop_assert_eq!(line, line.trim_end());
            }
            let is_missing = sample.rows.iter().any(MatrixRow::is_missing);
            prop_assert_eq!(text.contains("MISSING"), is_missing);
        }
    }
}
