//! `path:line:col: error[rule]: message`, one line a finding, as compilers and editors have it.

use super::style::{HEADING, OutputStyle, severity_style};
use super::{FAILURE, failure_text};
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Finding;
use std::io::{self, Write};

/// Writes the findings.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &[Finding], style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let at = finding.source.position(finding.span.start);
        // A runner of GitHub takes a line that begins with two colons for a command of its own.
        let lead = if finding.source.path().starts_with("::") { "./" } else { "" };
        let (path, message) = (escape_control(finding.source.path()), escape_control(&finding.message));
        let path = style.paint(HEADING, format!("{lead}{path}"));
        let title = style
            .paint(severity_style(finding.severity), format!("{}[{}]", finding.severity.name(), finding.rule.name()));
        writeln!(out, "{path}:{}:{}: {title}: {message}", at.line, at.column)?;
    }
    Ok(())
}

/// Writes a failure as a finding at the first line of a file.
///
/// # Errors
/// Those of the writer.
pub fn write_failure(failure: &Failure, path: &str, out: &mut dyn Write) -> io::Result<()> {
    let lead = if path.starts_with("::") { "./" } else { "" };
    writeln!(out, "{lead}{}:1:1: error[{FAILURE}]: {}", escape_control(path), failure_text(failure))
}
