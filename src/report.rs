//! Findings for people and for machines: one file a format.

pub mod existing;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod lists;
pub mod sarif;
pub mod short;

use crate::check::{Report, Summary};
use human::Look;
use std::io::{self, Write};

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
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's Code Quality report.
    Gitlab,
    /// The XML of `JUnit`.
    Junit,
}

/// Writes a report in a format; `look` is that of the human one.
///
/// # Errors
/// Those of the writer.
pub fn write(format: Format, report: &Report, look: Look, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::write(&report.findings, look, out),
        Format::Short => short::write(&report.findings, out),
        Format::Json => json::write(&report.findings, &report.summary, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, out),
    }
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
    let aside = [(summary.ignored, "ignored"), (summary.baselined, "in the baseline")];
    let aside = aside.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    let aside = aside.collect::<Vec<_>>().join(", ");
    if !aside.is_empty() {
        line.push_str(&format!(" ({aside})"));
    }
    if summary.fixed > 0 {
        line.push_str(&format!(", {} fixed", summary.fixed));
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
