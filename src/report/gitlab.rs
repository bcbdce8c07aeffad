//! GitLab's Code Quality report: a list of issues, each with its fingerprint.

use super::json::{Items, write_pretty};
use crate::check::Report;
use crate::excerpt::printable;
use crate::finding::{Finding, Severity};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Issue<'r> {
    description: String,
    check_name: &'r str,
    fingerprint: &'r str,
    severity: &'r str,
    location: Location<'r>,
}

#[derive(Serialize)]
struct Location<'r> {
    path: &'r str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

/// Writes the findings.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_pretty(&Items::new(report.findings.iter().map(issue)), out)
}

fn issue(finding: &Finding) -> Issue<'_> {
    let line = |at| finding.source.position(at).line;
    let help = finding.help.as_deref().map_or_else(String::new, |help| format!(" ({})", printable(help)));
    Issue {
        description: format!("{}{help}", printable(&finding.message)),
        check_name: finding.rule,
        fingerprint: &finding.fingerprint,
        severity: match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        location: Location {
            path: finding.source.identity(),
            lines: Lines { begin: line(finding.span.start), end: line(finding.span.end) },
        },
    }
}
