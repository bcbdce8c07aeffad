//! `check --statistics`: the number of findings per rule, the most frequent rule first.

use super::Format;
use super::json_report::JsonSummary;
use super::json_types::{JsonFailure, json_failures};
use super::json_writer::write_pretty;
use crate::diagnostics::finding::{Finding, Severity};
use crate::lint::report::Report;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The number of findings per rule.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonStatistics<'r> {
    /// The version of this format: 1.
    version: u32,
    /// One entry per rule with findings, the most frequent rule first. Rules with equal counts are
    /// sorted by name.
    statistics: Vec<JsonCount>,
    /// The failures of the run. Empty unless stackref exits with code 2 or 3.
    failures: Vec<JsonFailure<'r>>,
    /// The counts of the whole run.
    summary: JsonSummary,
}

/// The findings of one rule.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Count")]
struct JsonCount {
    /// The name of the rule.
    rule: &'static str,
    /// `error` or `warning`.
    severity: &'static str,
    /// The number of its findings.
    count: usize,
    /// The number of its findings that `--fix` fixes.
    fixable: usize,
}

/// Returns whether `--statistics` supports a format.
pub fn supports(format: Format) -> bool {
    matches!(format, Format::Human | Format::Short | Format::Json)
}

/// Writes the statistics of a report, in a format that [`supports`] accepts.
pub fn write(format: Format, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counts = counts(&report.findings);
    if format == Format::Json {
        let (failures, summary) = (
            json_failures(&report.failures),
            JsonSummary::new(&report.summary),
        );
        return write_pretty(
            &JsonStatistics {
                version: 1,
                statistics: counts,
                failures,
                summary,
            },
            out,
        );
    }
    let width = counts
        .iter()
        .map(|count| count.count.to_string().len())
        .max()
        .unwrap_or(0);
    let rule_width = counts
        .iter()
        .map(|count| count.rule.len())
        .max()
        .unwrap_or(0);
    for JsonCount {
        rule,
        severity,
        count,
        fixable,
    } in counts
    {
        let fixable = if fixable > 0 {
            format!("  ({fixable} fixable)")
        } else {
            String::new()
        };
        let line = format!("{count:width$}  {rule:rule_width$}  {severity}{fixable}");
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Counts the findings of each rule. A rule counts as an error if one of its findings is one.
fn counts(findings: &[Finding]) -> Vec<JsonCount> {
    let mut counts: BTreeMap<&'static str, JsonCount> = BTreeMap::new();
    for finding in findings {
        let severity = finding.severity.name();
        let new = JsonCount {
            rule: finding.rule.name(),
            severity,
            count: 0,
            fixable: 0,
        };
        let count = counts.entry(finding.rule.name()).or_insert(new);
        count.count += 1;
        count.fixable += usize::from(finding.is_fixable());
        if finding.severity == Severity::Error {
            count.severity = severity;
        }
    }
    let mut counts: Vec<JsonCount> = counts.into_values().collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}
