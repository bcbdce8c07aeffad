//! Findings for people and for machines: one file a format.

pub mod diff;
pub mod existing_report;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json_report;
pub mod junit;
pub mod lists;
pub mod schemas;
pub mod style;
pub mod sarif;
pub mod short;
pub mod statistics;

use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::lint::report::{Report, Summary};
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

/// Writes a report in a format; `look` is that of the formats for people.
///
/// # Errors
/// Those of the writer.
pub fn write(format: Format, report: &Report, style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
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

/// Writes a report to a file. Unlike standard output, a file has no standard error beside it, so that the formats for people
/// contain the failures, too.
///
/// # Errors
/// Those of the writer.
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

/// What stands for the name of a rule where a failure is shown among findings.
const FAILURE: &str = "failure";

/// Returns the path of the file at which a failure is shown where a location is required: the config's.
fn failure_path(report: &Report) -> &str {
    report.config.as_deref().unwrap_or(config::FILE_NAME)
}

/// Returns a failure's message and its help as one text.
fn failure_text(failure: &Failure) -> String {
    failure.help_text().map_or_else(|| failure.to_string(), |help| format!("{failure} (help: {help})"))
}

/// The formats of lists: of references, of what is missing, of inventories.
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

/// The formats of a snapshot.
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
    if summary.fixable > 0 || summary.suggestions > 0 {
        line.push_str(&format!(", {} fixable with --fix", summary.fixable));
    }
    if summary.suggestions > 0 {
        line.push_str(&format!(", {} more with --fix=suggestions", summary.suggestions));
    }
    let unchecked = &summary.unchecked;
    if unchecked.references > 0 {
        let reasons = unchecked.reasons.iter().map(|reason| escape_control(reason)).collect::<Vec<_>>().join(", ");
        line.push_str(&format!(", {} not looked up ({reasons})", count(unchecked.references, "reference")));
    }
    if unchecked.keys > 0 {
        let levels = unchecked.levels.iter().map(|level| escape_control(level)).collect::<Vec<_>>().join(", ");
        line.push_str(&format!(", keys of {} not looked up ({levels})", count(unchecked.keys, "reference")));
    }
    if summary.dynamic > 0 {
        line.push_str(&format!(", {} dynamic", summary.dynamic));
    }
    line
}

/// `1 file`, `2 files`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
