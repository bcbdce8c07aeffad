//! The short format: one line per finding, `path:line:column: error[rule]: message`. A finding in a
//! component on a server has no line and no column.
//!
//! Editors and other tools that parse the output of compilers can parse these lines, too.

use super::style::{HEADING, OutputStyle, severity_style};
use super::{FAILURE, failure_text};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::Finding;
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes one line per finding.
pub fn write(findings: &[Finding], style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let position = if finding.source.is_registered() {
            String::new()
        } else {
            let at = finding.source.position(finding.span.start);
            format!(":{}:{}", at.line, at.column)
        };
        let path = style.paint(HEADING, displayed_path(finding.source.path()));
        let message = escape_control(&finding.message);
        let title = style.paint(
            severity_style(finding.severity),
            format!("{}[{}]", finding.severity.name(), finding.rule.name()),
        );
        writeln!(out, "{path}{position}: {title}: {message}")?;
    }
    Ok(())
}

/// Writes a failure like a finding at the first character of the file at `path`.
pub fn write_failure(failure: &Failure, path: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}:1:1: error[{FAILURE}]: {}",
        displayed_path(path),
        failure_text(failure)
    )
}

/// Returns the path, escaped, and with `./` before a path that begins with two colons: GitHub's
/// runner would read such a line as a workflow command.
fn displayed_path(path: &str) -> String {
    let prefix = if path.starts_with("::") { "./" } else { "" };
    format!("{prefix}{}", escape_control(path))
}
