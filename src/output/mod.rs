//! Writes results: findings, lists and diffs, for people and for machines.
//!
//! Each report format has a file of its own: [`human`], [`short`], [`json_report`], [`sarif`],
//! [`github`], [`gitlab`] and [`junit`]. [`lists`] writes the lists of `refs`, `inventory`,
//! `register` and `explain`, [`matrix_report`] the matrix, [`diff`] writes unified diffs, and
//! [`schemas`] generates the JSON schemas.
//!
//! Every function writes to the writer that it is given and returns that writer's errors. Nothing
//! here opens a stream or a file, and nothing prints the value of a secret.

pub mod diff;
pub mod existing_report;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json_comparison;
pub mod json_references;
pub mod json_report;
mod json_types;
mod json_writer;
pub mod junit;
pub mod lists;
mod markdown_code;
pub mod matrix_report;
pub mod sarif;
pub mod schemas;
pub mod short;
pub mod statistics;
pub mod style;
mod summary;

pub use summary::{count, summary_line};

use crate::diagnostics::error::Failure;
use crate::lint::report::Report;
use crate::project::config;
use std::io::{self, Write};
use style::OutputStyle;

/// The formats of `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Diagnostics with source excerpts, labels and help
    #[default]
    Human,
    /// One line per finding, `path:line:column: error[rule]: message`
    Short,
    /// JSON, version 1; see `stackref schema report`
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands that annotate lines in GitHub Actions
    Github,
    /// Code Quality report for GitLab
    Gitlab,
    /// XML of `JUnit`, for test reports
    #[value(help = "JUnit XML, for test reports")]
    Junit,
}

/// Writes the report of a check. The machine formats ignore `style`.
pub fn write(
    format: Format,
    report: &Report,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Human => human::write(&report.findings, style, out),
        Format::Short => short::write(&report.findings, style, out),
        Format::Json => json_report::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, out),
    }
}

/// Writes a report to a file.
///
/// The formats for people also contain the failures here. On standard output they do not, because
/// the failures go to standard error.
pub fn write_file(format: Format, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write(format, report, OutputStyle::PLAIN, out)?;
    for failure in &report.failures {
        match format {
            Format::Human => {
                writeln!(out, "error[{FAILURE}]\n")?;
                human::write_failure(failure, OutputStyle::PLAIN, out)?;
                writeln!(out)?;
            }
            Format::Short => short::write_failure(failure, failure_path(report), out)?,
            _ => {}
        }
    }
    Ok(())
}

/// The name that takes the place of a rule's name when a failure is shown like a finding.
const FAILURE: &str = "failure";

/// Returns the path of the config, for formats in which a failure needs a location.
fn failure_path(report: &Report) -> &str {
    report.config.as_deref().unwrap_or(config::FILE_NAME)
}

/// Returns the message of a failure, followed by its help in parentheses.
fn failure_text(failure: &Failure) -> String {
    failure.help_text().map_or_else(
        || failure.to_string(),
        |help| format!("{failure} (help: {help})"),
    )
}

/// The formats of `refs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReferenceFormat {
    /// Lines
    #[default]
    Human,
    /// One line per reference and declaration
    Short,
    /// JSON, version 1; see `stackref schema references`
    Json,
    /// Markdown table
    Markdown,
    /// Mermaid flowchart of files and secrets
    Mermaid,
    /// Graphviz graph of files and secrets
    Dot,
}

impl ReferenceFormat {
    /// Returns whether the format marks secrets and keys that do not exist.
    pub fn marks_missing(self) -> bool {
        matches!(self, Self::Markdown | Self::Mermaid | Self::Dot)
    }
}

/// The formats of `matrix`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MatrixFormat {
    /// Table, or blocks of lines if there are many environments
    #[default]
    Human,
    /// Markdown table, for step summaries and pull requests
    Markdown,
    /// JSON, version 1; see `stackref schema matrix`
    Json,
    /// HTML page for a browser, in one file
    Html,
}

/// The formats of `register` and `inventory`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// Lines or a table
    #[default]
    Human,
    /// One line per entry
    Short,
    /// JSON, version 1
    Json,
}

/// The formats of `inventory diff`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ComparisonFormat {
    /// Table
    #[default]
    Human,
    /// JSON, version 1; see `stackref schema inventory-diff`
    Json,
}

/// The formats of `inventory snapshot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SnapshotFormat {
    /// YAML, `name: [key, key]`
    #[default]
    Yaml,
    /// TOML, `name = ["key", "key"]`
    Toml,
    /// JSON, `"name": ["key", "key"]`
    Json,
}
