//! The GitHub format: one workflow command per finding, `::error file=…,line=…::message`.
//!
//! GitHub Actions shows each as an annotation. Paths are relative to the root of the repository,
//! where the workflow checks it out.

use super::failure_text;
use crate::diagnostics::finding::Finding;
use crate::lint::report::Report;
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes one command per finding and per failure. A failure has no file.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", command(finding))?;
    }
    for failure in &report.failures {
        writeln!(
            out,
            "::error title=stackref::{}",
            escape_message(&failure_text(failure))
        )?;
    }
    Ok(())
}

/// Returns the command for a finding.
fn command(finding: &Finding) -> String {
    let mut message = escape_control(&finding.message);
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {}", escape_control(help)));
    }
    let (severity, title) = (
        finding.severity.name(),
        escape_property(&format!("stackref[{}]", finding.rule.name())),
    );
    if finding.source.is_registered() {
        // An annotation of the run, because there is no file.
        let message = format!("{}: {message}", escape_control(finding.source.path()));
        return format!("::{severity} title={title}::{}", escape_message(&message));
    }
    let location = location(finding);
    format!(
        "::{severity} {location},title={title}::{}",
        escape_message(&message)
    )
}

/// Returns the properties for the location of a finding.
fn location(finding: &Finding) -> String {
    let (start, end) = (
        finding.source.position(finding.span.start),
        finding.source.position(finding.span.end),
    );
    let mut location = format!(
        "file={},line={}",
        escape_property(finding.source.repository_path()),
        start.line
    );
    // GitHub disregards columns of annotations over several lines, and some other readers of
    // these commands reject them.
    if start.line == end.line {
        location.push_str(&format!(
            ",endLine={},col={},endColumn={}",
            end.line, start.column, end.column
        ));
    } else {
        location.push_str(&format!(",endLine={}", end.line));
    }
    location
}

/// Escapes the message of a command, the text after the second `::`.
fn escape_message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property, the text after a `=`.
fn escape_property(text: &str) -> String {
    // GitHub has no escapes for other control characters.
    escape_control(text)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_in_fields_are_escaped() {
        assert_eq!(escape_property("a,b:c%d"), "a%2Cb%3Ac%25d");
        assert_eq!(
            escape_property("a\n::error ::x"),
            "a\\u{a}%3A%3Aerror %3A%3Ax"
        );
        assert_eq!(escape_message("50%\r\n::stop"), "50%25%0D%0A::stop");
    }
}
