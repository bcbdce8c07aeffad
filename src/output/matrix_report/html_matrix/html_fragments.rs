//! The parts of the page that are written as HTML. The script creates rows of the same form.

use super::super::{STATES, meaning, symbol, use_text};
use crate::diagnostics::error::Failure;
use crate::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow};
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// The most uses of a row that are listed. The script lists all.
const MAX_USES: usize = 20;

/// The most characters of an environment whose column is as narrow as possible.
const SHORT_NAME: usize = 8;

/// Writes the failures as a list, or nothing if there are none.
pub(super) fn write_failures(failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<div class=\"failures\"><p>The matrix is incomplete:</p><ul>"
    )?;
    for failure in failures {
        write!(out, "<li>{}</li>", escape(&failure.to_string()))?;
    }
    write!(out, "</ul></div>")
}

/// Writes the heads of the columns of environments.
pub(super) fn write_environments(matrix: &Matrix, out: &mut dyn Write) -> io::Result<()> {
    for name in &matrix.environments {
        let is_long = name.chars().count() > SHORT_NAME;
        let class = if is_long { " class=\"long\"" } else { "" };
        write!(out, "<th scope=\"col\"{class}>{}</th>", escape(name))?;
    }
    Ok(())
}

/// Writes the number of cells with each state, by environment. The lines are also the legend.
pub(super) fn write_counts(matrix: &Matrix, out: &mut dyn Write) -> io::Result<()> {
    let mut counts = vec![[0_usize; STATES.len()]; matrix.environments.len()];
    for row in &matrix.rows {
        for (counts, cell) in counts.iter_mut().zip(&row.cells) {
            for (count, state) in counts.iter_mut().zip(STATES) {
                *count += usize::from(*cell == state);
            }
        }
    }
    for (at, state) in STATES.into_iter().enumerate() {
        write!(
            out,
            "<tr><th scope=\"row\" class=\"{}\">{}</th><td class=\"meaning\">{}</td>",
            class(state),
            symbol(state),
            meaning(state)
        )?;
        for counts in &counts {
            write!(
                out,
                "<td>{}</td>",
                counts.get(at).copied().unwrap_or_default()
            )?;
        }
        writeln!(out, "</tr>")?;
    }
    Ok(())
}

/// Writes the first rows of the matrix.
pub(super) fn write_rows(matrix: &Matrix, most: usize, out: &mut dyn Write) -> io::Result<()> {
    for (index, row) in matrix.rows.iter().take(most).enumerate() {
        write!(
            out,
            "<tr><th scope=\"row\" class=\"name\">{}</th>",
            escape(&row.secret)
        )?;
        match &row.key {
            Some(key) => write!(out, "<th scope=\"row\" class=\"name\">{}</th>", escape(key))?,
            None => write!(
                out,
                "<th scope=\"row\" class=\"name whole\">whole secret</th>"
            )?,
        }
        for (_, cell) in matrix.environments.iter().zip(&row.cells) {
            write!(out, "<td class=\"state {}\">", class(*cell))?;
            match cell {
                MatrixCell::Missing if !row.uses.is_empty() => {
                    write!(out, "<a href=\"#uses-{index}\">{}</a></td>", symbol(*cell))?;
                }
                cell => write!(out, "{}</td>", symbol(*cell))?,
            }
        }
        write!(out, "<td class=\"uses\">")?;
        write_uses(index, row, out)?;
        writeln!(out, "</td></tr>")?;
    }
    Ok(())
}

/// Writes the uses of a row: the first one, and a list that can be opened.
fn write_uses(index: usize, row: &MatrixRow, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = row.uses.first() else {
        return Ok(());
    };
    let first = escape(&first.location());
    write!(out, "<details id=\"uses-{index}\"><summary>{first}")?;
    if row.uses.len() > 1 {
        write!(out, " and {} more", row.uses.len() - 1)?;
    }
    write!(out, "</summary><ul>")?;
    for place in row.uses.iter().take(MAX_USES) {
        write!(out, "<li>{}</li>", escape(&use_text(place)))?;
    }
    if row.uses.len() > MAX_USES {
        write!(out, "<li>{} more</li>", row.uses.len() - MAX_USES)?;
    }
    write!(out, "</ul></details>")
}

/// Returns the class of a cell.
fn class(cell: MatrixCell) -> &'static str {
    match cell {
        MatrixCell::Ok => "ok",
        MatrixCell::Missing => "missing",
        MatrixCell::Unused => "unused",
        MatrixCell::Absent => "absent",
        MatrixCell::Unknown => "unknown",
    }
}

/// Escapes a text for HTML, and characters that control the text or are invisible.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in escape_control(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        for (text, expected) in [
            ("db.password", "db.password"),
            (
                "<b>\"a\" & 'b'</b>",
                "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/b&gt;",
            ),
            ("a\u{202e}b\n\u{2028}\0", "a\\u{202e}b\\u{a}\\u{2028}\\u{0}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
