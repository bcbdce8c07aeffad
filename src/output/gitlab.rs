//! The GitLab format: a Code Quality report, which is a list of issues with fingerprints.

use super::json_writer::{StreamedItems, write_pretty};
use super::{FAILURE, failure_path, failure_text};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::fingerprint;
use crate::lint::report::Report;
use crate::text::escape::escape_control;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct GitlabIssue<'r> {
    description: String,
    check_name: &'r str,
    fingerprint: Cow<'r, str>,
    severity: &'r str,
    location: GitlabLocation<'r>,
}

#[derive(Serialize)]
struct GitlabLocation<'r> {
    path: &'r str,
    lines: GitlabLines,
}

#[derive(Serialize)]
struct GitlabLines {
    begin: usize,
    end: usize,
}

/// Writes one issue per finding and per failure.
///
/// A failure is an issue of the highest severity, located in the config. Without it, the report of
/// a failed run would look like one without findings.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut ordinals: HashMap<String, usize> = HashMap::new();
    let failures = report.failures.iter().map(|failure| {
        let ordinal = ordinals.entry(failure.to_string()).or_default();
        *ordinal += 1;
        failure_issue(failure, failure_path(report), *ordinal)
    });
    let failures: Vec<GitlabIssue<'_>> = failures.collect();
    write_pretty(
        &StreamedItems::new(report.findings.iter().map(issue).chain(failures)),
        out,
    )
}

/// Returns the issue for a failure. `ordinal` counts failures with equal messages, from 1, so that
/// their fingerprints differ.
fn failure_issue<'r>(failure: &Failure, path: &'r str, ordinal: usize) -> GitlabIssue<'r> {
    GitlabIssue {
        description: failure_text(failure),
        check_name: FAILURE,
        fingerprint: fingerprint::fingerprint_of_failure(path, &failure.to_string(), ordinal)
            .into(),
        severity: "blocker",
        location: GitlabLocation {
            path,
            lines: GitlabLines { begin: 1, end: 1 },
        },
    }
}

/// Returns the lines of a finding. A component on a server has none, but the format requires one.
fn lines(finding: &Finding) -> GitlabLines {
    if finding.source.is_registered() {
        return GitlabLines { begin: 1, end: 1 };
    }
    let line = |offset| finding.source.position(offset).line;
    GitlabLines {
        begin: line(finding.span.start),
        end: line(finding.span.end),
    }
}

fn issue(finding: &Finding) -> GitlabIssue<'_> {
    let help = finding
        .help
        .as_deref()
        .map_or_else(String::new, |help| format!(" ({})", escape_control(help)));
    GitlabIssue {
        description: format!("{}{help}", escape_control(&finding.message)),
        check_name: finding.rule.name(),
        fingerprint: finding.fingerprint.as_str().into(),
        severity: match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        location: GitlabLocation {
            path: finding.source.repository_path(),
            lines: lines(finding),
        },
    }
}
