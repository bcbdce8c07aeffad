//! Findings for people and for machines: one file a format.

pub mod human;
pub mod json;
pub mod lists;
pub mod short;

use crate::check::Summary;

/// The formats of `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Source excerpts, labels and help.
    #[default]
    Human,
    /// One line a finding: `path:line:col: error[rule]: message`.
    Short,
    /// The documented JSON object, version 1.
    Json,
}

/// The formats of lists: of references, of what is missing, of inventories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// Lines or a table, for people.
    #[default]
    Human,
    /// One line an entry.
    Short,
    /// The documented JSON object, version 1.
    Json,
}

/// The formats of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SnapshotFormat {
    /// `name: [key, key]`.
    #[default]
    Yaml,
    /// `name = ["key", "key"]`.
    Toml,
    /// `"name": ["key", "key"]`.
    Json,
}

/// The line that ends every run of `check`, on stderr.
pub fn summary_line(summary: &Summary) -> String {
    let mut line = format!(
        "checked {}, {}: {}, {}",
        count(summary.files, "file"),
        count(summary.references, "reference"),
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
    );
    if summary.ignored > 0 {
        line.push_str(&format!(" ({} ignored)", summary.ignored));
    }
    if summary.fixable > 0 {
        line.push_str(&format!(", {} fixable with --fix", summary.fixable));
    }
    line
}

/// `1 file`, `2 files`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
