//! GitLab's Code Quality report: a list of issues, each with its fingerprint.

use super::json::{Items, write_pretty};
use super::{FAILURE, failure_path, failure_text};
use crate::check::Report;
use crate::error::Failure;
use crate::excerpt::printable;
use crate::finding::{self, Finding, Severity};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct Issue<'r> {
    description: String,
    check_name: &'r str,
    fingerprint: Cow<'r, str>,
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

/// Writes the findings, and each failure as an issue of the highest severity at the config: without it, a run that failed
/// would look like one that found nothing.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut alike: HashMap<String, usize> = HashMap::new();
    let failures = report.failures.iter().map(|failure| {
        let number = alike.entry(failure.to_string()).or_default();
        *number += 1;
        failure_issue(failure, failure_path(report), *number)
    });
    let failures: Vec<Issue<'_>> = failures.collect();
    write_pretty(&Items::new(report.findings.iter().map(issue).chain(failures)), out)
}

fn failure_issue<'r>(failure: &Failure, path: &'r str, ordinal: usize) -> Issue<'r> {
    Issue {
        description: failure_text(failure),
        check_name: FAILURE,
        fingerprint: finding::fingerprint_of_failure(path, &failure.to_string(), ordinal).into(),
        severity: "blocker",
        location: Location { path, lines: Lines { begin: 1, end: 1 } },
    }
}

fn issue(finding: &Finding) -> Issue<'_> {
    let line = |at| finding.source.position(at).line;
    let help = finding.help.as_deref().map_or_else(String::new, |help| format!(" ({})", printable(help)));
    Issue {
        description: format!("{}{help}", printable(&finding.message)),
        check_name: finding.rule,
        fingerprint: finding.fingerprint.as_str().into(),
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
