//! `check --statistics`: the number of findings per rule, the most frequent rule first.

use super::json_report::{JsonFailure, JsonSummary, failures};
use super::{Format, json_report};
use crate::diagnostics::finding::{Finding, Severity};
use crate::lint::report::Report;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The counts of one run.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonStatistics<'r> {
    /// 1.
    version: u32,
    /// The most frequent rule first; rules with equal counts by name.
    statistics: Vec<JsonCount>,
    /// Why the run failed, or could not look up everything; empty unless it exits with 2 or 3.
    failures: Vec<JsonFailure<'r>>,
    /// The counts of the whole run.
    summary: JsonSummary,
}

/// The findings of one rule.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Count")]
struct JsonCount {
    /// The rule's name.
    rule: &'static str,
    /// `error` or `warning`.
    severity: &'static str,
    /// The number of its findings.
    count: usize,
    /// The number of them that `--fix` can fix.
    fixable: usize,
}

/// Returns whether there are statistics in a format.
pub fn supports(format: Format) -> bool {
    matches!(format, Format::Human | Format::Short | Format::Json)
}

/// Writes the statistics of a report, in a format that [`supports`] accepts.
///
/// # Errors
/// Those of the writer.
pub fn write(format: Format, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let counts = counts(&report.findings);
    if format == Format::Json {
        let (failures, summary) = (failures(&report.failures), JsonSummary::new(&report.summary));
        return json_report::write_pretty(&JsonStatistics { version: 1, statistics: counts, failures, summary }, out);
    }
    let width = counts.iter().map(|count| count.count.to_string().len()).max().unwrap_or(0);
    let rule_width = counts.iter().map(|count| count.rule.len()).max().unwrap_or(0);
    for JsonCount { rule, severity, count, fixable } in counts {
        let fixable = if fixable > 0 { format!("  ({fixable} fixable)") } else { String::new() };
        let line = format!("{count:width$}  {rule:rule_width$}  {severity}{fixable}");
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Counts findings per rule.
fn counts(findings: &[Finding]) -> Vec<JsonCount> {
    let mut counts: BTreeMap<&'static str, JsonCount> = BTreeMap::new();
    for finding in findings {
        let severity = finding.severity.name();
        let new = JsonCount { rule: finding.rule.name(), severity, count: 0, fixable: 0 };
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
