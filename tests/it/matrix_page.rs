//! The page of `matrix`: its size with many rows, and that it is always the same.
//!
//! With `STACKREF_MATRIX_PAGES`, the pages are written into that folder.
//! `tests/browser/matrix_page.py` opens them in a browser.

use stackref::diagnostics::error::Failure;
use stackref::lint::secret_matrix::{Matrix, MatrixCell, MatrixRow, MatrixUse};
use stackref::output::matrix_report::write_html;
use std::path::PathBuf;

/// Names that a page must show as text.
const HOSTILE: [&str; 8] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    "\"><svg/onload=alert(3)>",
    "' onmouseover='alert(4)",
    "\u{202e}evil\u{2066}\u{2028}\u{2029}\u{200b}",
    "javascript:alert(5)",
    "__proto__",
];

const CELLS: [MatrixCell; 5] = [
    MatrixCell::Ok,
    MatrixCell::Ok,
    MatrixCell::Missing,
    MatrixCell::Unused,
    MatrixCell::Unknown,
];

/// Returns the text of a page.
fn page(matrix: &Matrix, failures: &[Failure]) -> String {
    let mut out = Vec::new();
    write_html(matrix, failures, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Writes a page into the folder of the browser test, if there is one.
fn publish(name: &str, page: &str) {
    if let Some(folder) = std::env::var_os("STACKREF_MATRIX_PAGES") {
        std::fs::write(PathBuf::from(folder).join(name), page).unwrap();
    }
}

fn place(path: &str, line: usize, stack: Option<&str>) -> MatrixUse {
    MatrixUse {
        path: path.to_owned(),
        line,
        stack: stack.map(str::to_owned),
    }
}

fn row(secret: &str, key: Option<&str>, cells: &[MatrixCell], uses: Vec<MatrixUse>) -> MatrixRow {
    MatrixRow {
        secret: secret.to_owned(),
        key: key.map(str::to_owned),
        cells: cells.to_vec(),
        uses,
    }
}

/// Returns a matrix of a small project, with every state.
fn small() -> Matrix {
    use MatrixCell::{Absent, Missing, Ok, Unknown, Unused};
    let prod = |line| place("stacks/prod.yaml", line, Some("prod"));
    let dev = |line| place("stacks/dev.yaml", line, Some("dev"));
    Matrix {
        environments: ["dev", "staging", "prod"].map(str::to_owned).to_vec(),
        rows: vec![
            row(
                "artifacts",
                Some("access_key"),
                &[Ok, Ok, Ok],
                vec![dev(12), prod(14)],
            ),
            row(
                "artifacts",
                Some("old_key"),
                &[Unused, Absent, Unused],
                vec![],
            ),
            row(
                "database",
                Some("password"),
                &[Ok, Missing, Missing],
                vec![dev(20), prod(21), place("train.py", 8, None)],
            ),
            row("database", Some("user"), &[Ok, Unknown, Ok], vec![dev(19)]),
            row("legacy", None, &[Unused, Absent, Absent], vec![]),
            row(
                "tracker",
                Some("token"),
                &[Missing, Ok, Ok],
                vec![place(
                    "zenml://server/components/experiment_tracker/mlflow",
                    0,
                    Some("prod"),
                )],
            ),
        ],
    }
}

fn hostile() -> Matrix {
    let rows = HOSTILE.iter().enumerate().map(|(at, name)| {
        let cells: Vec<_> = (0..HOSTILE.len())
            .map(|column| CELLS[(at + column) % 5])
            .collect();
        row(
            name,
            Some(name),
            &cells,
            vec![place(name, at, Some(name)), place(name, 1, None)],
        )
    });
    Matrix {
        environments: HOSTILE.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}

/// Returns 10,000 rows in 10 environments, each with some uses.
fn large() -> Matrix {
    let rows = (0..10_000_usize).map(|at| {
        let cells: Vec<_> = (0..10)
            .map(|column| CELLS[(at * 7 + column * 3 + at / 50) % 5])
            .collect();
        let uses = (0..at % 5).map(|place_at| {
            let stack = format!("stack-{}", (at + place_at) % 300);
            place(
                &format!("teams/team-{}/stacks/{stack}.yaml", at % 40),
                at % 900 + 1,
                Some(&stack),
            )
        });
        row(
            &format!("team-{:04}-service-credentials", at / 4),
            Some(&format!("service_password_{}", at % 4)),
            &cells,
            uses.collect(),
        )
    });
    Matrix {
        environments: (0..10)
            .map(|at| format!("production-region-{at}"))
            .collect(),
        rows: rows.collect(),
    }
}

#[test]
fn the_same_matrix_is_the_same_page() {
    let failures = [Failure::unanswered("`staging` did not answer")];
    let text = page(&small(), &failures);
    assert_eq!(text, page(&small(), &failures));
    publish("small.html", &text);
    publish("empty.html", &page(&Matrix::default(), &[]));
}

#[test]
fn hostile_names_are_not_in_the_page_as_html() {
    let text = page(&hostile(), &[Failure::unanswered(HOSTILE.concat())]);
    for name in &HOSTILE[..4] {
        assert!(!text.contains(name), "{name}");
    }
    publish("hostile.html", &text);
}

#[test]
fn ten_thousand_rows_are_less_than_five_megabytes() {
    let text = page(&large(), &[]);
    assert!(text.len() < 5_000_000, "{}", text.len());
    publish("large.html", &text);
}
