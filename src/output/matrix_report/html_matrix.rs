//! The matrix as a page for a browser, in one file.
//!
//! The page contains all rows as JSON, from which its script creates a table that can be searched,
//! filtered and sorted. It also contains the first rows as HTML, so that it works without scripts.
//! Its policy allows only its own script and style, by their hashes, and no connections.

mod html_fragments;
mod page_data;

use super::headline;
use crate::diagnostics::error::Failure;
use crate::lint::secret_matrix::Matrix;
use crate::output::count;
use crate::output::json_writer::write_in_html;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use page_data::PageData;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// The page, with a comment such as `<!-- rows -->` where each generated part is inserted.
const PAGE: &str = include_str!("html_matrix/page.html");
const STYLE: &str = include_str!("html_matrix/page.css");
const SCRIPT: &str = include_str!("html_matrix/page.js");

/// The title of the page, by which a file is recognized.
pub(super) const TITLE: &str = "<title>Secrets by environment</title>";

/// The most rows that the page contains as HTML.
const HTML_ROWS: usize = 500;

/// Writes a matrix as a page, and the failures because of which it may be incomplete.
pub fn write_html(matrix: &Matrix, failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    let mut rest = PAGE;
    while let Some((before, from)) = rest.split_once("<!-- ") {
        let (part, after) = from.split_once(" -->").unwrap_or((from, ""));
        out.write_all(before.as_bytes())?;
        write_part(part, matrix, failures, out)?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Writes a generated part of the page.
fn write_part(
    part: &str,
    matrix: &Matrix,
    failures: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    match part {
        "policy" => out.write_all(policy().as_bytes()),
        "style" => out.write_all(STYLE.as_bytes()),
        "script" => out.write_all(SCRIPT.as_bytes()),
        "headline" => write!(out, "{}.", headline(matrix)),
        "failures" => html_fragments::write_failures(failures, out),
        "environments" => html_fragments::write_environments(matrix, out),
        "counts" => html_fragments::write_counts(matrix, out),
        "status" => write!(out, "{}", count(matrix.rows.len(), "row")),
        "noscript" => write_noscript(matrix, out),
        "rows" => html_fragments::write_rows(matrix, HTML_ROWS, out),
        "data" => write_in_html(&PageData::new(matrix), out),
        _ => Ok(()),
    }
}

/// Returns the Content Security Policy of the page.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        source_hash(SCRIPT),
        source_hash(STYLE)
    )
}

/// Returns the hash of a script or style, as a policy names it.
fn source_hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// Writes a note for browsers without scripts if not all rows are in the page as HTML.
fn write_noscript(matrix: &Matrix, out: &mut dyn Write) -> io::Result<()> {
    let total = matrix.rows.len();
    if total <= HTML_ROWS {
        return Ok(());
    }
    write!(
        out,
        "<noscript><p>The table shows the first {HTML_ROWS} of {total} rows, because scripts are \
         disabled.</p></noscript>"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::samples::{HOSTILE, hostile, matrix, row};
    use super::*;
    use crate::lint::secret_matrix::MatrixCell;
    use crate::text::escape::is_unsafe;
    use proptest::prelude::*;
    use serde_json::Value;

    fn written(matrix: &Matrix, failures: &[Failure]) -> String {
        let mut out = Vec::new();
        write_html(matrix, failures, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn data(page: &str) -> Value {
        let (_, from) = page.split_once("id=\"data\">").unwrap();
        serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
    }

    /// Returns the matrix that the data of a page describes.
    fn read(page: &str) -> Matrix {
        use crate::lint::secret_matrix::{MatrixRow, MatrixUse};
        let data = data(page);
        let string = |value: &Value| value.as_str().map(str::to_owned);
        let text = |value: &Value| {
            let at = usize::try_from(value.as_u64()?).unwrap();
            string(data["texts"].get(at).unwrap())
        };
        let cell = |letter| match letter {
            'o' => MatrixCell::Ok,
            'm' => MatrixCell::Missing,
            'u' => MatrixCell::Unused,
            '-' => MatrixCell::Absent,
            '?' => MatrixCell::Unknown,
            _ => panic!("{letter}"),
        };
        let rows = data["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| MatrixRow {
                secret: string(&row[0]).unwrap(),
                key: string(&row[1]),
                cells: row[2].as_str().unwrap().chars().map(cell).collect(),
                uses: row[3]
                    .as_array()
                    .unwrap()
                    .chunks(3)
                    .map(|place| MatrixUse {
                        path: text(&place[0]).unwrap(),
                        line: usize::try_from(place[1].as_u64().unwrap()).unwrap(),
                        stack: text(&place[2]),
                    })
                    .collect(),
            });
        let environments = data["environments"].as_array().unwrap().iter();
        Matrix {
            environments: environments.map(|name| string(name).unwrap()).collect(),
            rows: rows.collect(),
        }
    }

    #[test]
    fn every_part_of_the_page_is_written() {
        let rows = vec![
            row("db", "password", "oM", &["stacks/prod.yaml", "b.yaml"]),
            row("old", "", "u-", &[]),
            row("x", "y", "?o", &["zenml://server/components/a/b"]),
        ];
        let failure = Failure::unanswered("`prod` <did> not answer");
        let page = written(&matrix("dev prod", rows), &[failure]);
        assert!(!page.contains("<!-- "), "{page}");
        for part in [
            "<p>Missing: 1 of 3 secrets and keys in 2 environments; not looked up everywhere: 1.</p>",
            "<li>`prod` &lt;did&gt; not answer</li>",
            "<th scope=\"col\">dev</th><th scope=\"col\">prod</th>",
            "<td class=\"state missing\"><a href=\"#uses-0\">MISSING</a></td>",
            "<details id=\"uses-0\"><summary>stacks/prod.yaml:14 and 1 more</summary>",
            "<li>stacks/prod.yaml:14 (prod)</li><li>b.yaml:14</li>",
            "<th scope=\"row\" class=\"name whole\">whole secret</th>",
            "zenml://server/components/a/b</summary>",
            "<td>1</td><td>0</td>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(page.ends_with("</html>\n"));
    }

    #[test]
    fn the_policy_has_the_hashes_of_the_script_and_the_style() {
        let page = written(&Matrix::default(), &[]);
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.matches("<style>").count(), 1);
        for (start, end) in [("<script>", "</script>"), ("<style>", "</style>")] {
            let text = page.split_once(start).unwrap().1.split_once(end).unwrap().0;
            assert!(page.contains(&source_hash(text)), "{start}");
        }
        for forbidden in [
            "http://",
            "https://",
            "src=",
            "style=",
            "onclick",
            "innerHTML",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let matrix = hostile();
        let page = written(&matrix, &[]);
        assert_eq!(read(&page), matrix);
        for name in HOSTILE.iter().filter(|name| name.contains('<')) {
            assert!(!page.contains(name), "{name}");
        }
        assert!(!page.chars().any(|c| c != '\n' && is_unsafe(c)));
        assert_eq!(page.matches("<img").count(), 0);
        assert_eq!(page.matches("<script").count(), 2);
    }

    #[test]
    fn a_large_matrix_has_its_first_rows_as_html() {
        let row = |at: usize| row(&format!("s{at}"), "k", "o", &["x.yaml"]);
        let page = written(&matrix("dev", (0..HTML_ROWS).map(row).collect()), &[]);
        assert!(!page.contains("<noscript>"));
        let page = written(&matrix("dev", (0..HTML_ROWS + 7).map(row).collect()), &[]);
        assert!(page.contains("the first 500 of 507 rows"));
        assert_eq!(page.matches("<details").count(), HTML_ROWS);
        assert_eq!(data(&page)["rows"].as_array().unwrap().len(), HTML_ROWS + 7);
        assert_eq!(data(&page)["texts"], serde_json::json!(["x.yaml"]));
    }

    proptest! {
        #[test]
        fn the_data_of_the_page_is_the_matrix(
            names in proptest::collection::vec("\\PC{0,8}|[<>&/!\\-\n\r\u{2028}\u{202e}'\"\\\\a-z]{0,12}", 1..12),
        ) {
            let rows = names.iter().map(|name| row(name, name, "oMu-?", &[name, "b", name]));
            let mut sample = matrix("a b c d e", rows.collect());
            if let (Some(environment), Some(name)) = (sample.environments.first_mut(), names.first()) {
                environment.clone_from(name);
            }
            let page = written(&sample, &[]);
            prop_assert_eq!(read(&page), sample);
            prop_assert_eq!(page.matches("<script").count(), 2);
        }
    }
}
