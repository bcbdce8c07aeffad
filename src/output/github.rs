//! Annotations of GitHub Actions: one workflow command a finding, `::error file=…,line=…::message`.
//!
//! Paths are relative to the repository's root, where the workflow has it checked out.

use super::failure_text;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Finding;
use crate::lint::report::Report;
use std::io::{self, Write};

/// Writes the findings, and what could not be answered.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", command(finding))?;
    }
    for failure in &report.failures {
        writeln!(out, "::error title=stackref::{}", data(&failure_text(failure)))?;
    }
    Ok(())
}

fn command(finding: &Finding) -> String {
    let (start, end) = (finding.source.position(finding.span.start), finding.source.position(finding.span.end));
    let mut place = format!("file={},line={}", property(finding.source.repository_path()), start.line);
    // Columns over several lines are not shown, and make some readers refuse the whole.
    if start.line == end.line {
        place.push_str(&format!(",endLine={},col={},endColumn={}", end.line, start.column, end.column));
    } else {
        place.push_str(&format!(",endLine={}", end.line));
    }
    let mut message = escape_control(&finding.message);
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {}", escape_control(help)));
    }
    let (severity, title) = (finding.severity.name(), property(&format!("stackref[{}]", finding.rule.name())));
    format!("::{severity} {place},title={title}::{}", data(&message))
}

/// What stands behind the `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands behind a `=`.
fn property(text: &str) -> String {
    // The runner takes other control characters as they are.
    escape_control(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_path_or_a_message_ends_its_field() {
        assert_eq!(property("a,b:c%d"), "a%2Cb%3Ac%25d");
        assert_eq!(property("a\n::error ::x"), "a\\u{a}%3A%3Aerror %3A%3Ax");
        assert_eq!(data("50%\r\n::stop"), "50%25%0D%0A::stop");
    }
}
