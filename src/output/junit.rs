//! The `JUnit` format: XML for build servers that show test results.
//!
//! - Each file with findings is a test suite, and each finding is a test case.
//! - A finding of severity error is a failed test. A warning is a skipped test, so that it does not
//!   fail the build.
//! - A failure is a test with an error.
//! - Without findings and failures, the report contains one test that passes.

use super::FAILURE;
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::lint::report::Report;
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes the findings and the failures.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"stackref\">")?;
    for findings in report
        .findings
        .chunk_by(|a, b| a.source.path() == b.source.path())
    {
        let Some(first) = findings.first() else {
            continue;
        };
        let errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count();
        suite(
            first.source.repository_path(),
            [findings.len(), errors, 0, findings.len() - errors],
            out,
        )?;
        for finding in findings {
            case(finding, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    if !report.failures.is_empty() || report.findings.is_empty() {
        write_run_suite(&report.failures, out)?;
    }
    writeln!(out, "</testsuites>")
}

/// Writes the suite of the run itself: a test case per failure, or one that passes.
fn write_run_suite(failures: &[Failure], out: &mut dyn Write) -> io::Result<()> {
    suite(
        "stackref",
        [failures.len().max(1), 0, failures.len(), 0],
        out,
    )?;
    if failures.is_empty() {
        writeln!(
            out,
            "    <testcase name=\"no findings\" classname=\"stackref\"/>"
        )?;
    }
    for failure in failures {
        writeln!(out, "    <testcase name=\"run\" classname=\"stackref\">")?;
        let (message, help) = (
            escape_xml(&failure.to_string()),
            failure.help_text().map(escape_xml),
        );
        let help = help.map_or_else(String::new, |help| format!("help: {help}"));
        writeln!(
            out,
            "      <error message=\"{message}\" type=\"{FAILURE}\">{help}</error>"
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// Writes the opening tag of a suite. The counts are those of its test cases.
fn suite(
    name: &str,
    [tests, failures, errors, skipped]: [usize; 4],
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = escape_xml(name);
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\""
    );
    writeln!(out, "  <testsuite name=\"{name}\" {counts}>")
}

/// Writes the test case of a finding.
fn case(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let at = finding.source.position(finding.span.start);
    let (path, rule, message) = (
        escape_xml(finding.source.repository_path()),
        finding.rule.name(),
        escape_xml(&finding.message),
    );
    writeln!(
        out,
        "    <testcase name=\"{rule} ({}:{})\" classname=\"{path}\">",
        at.line, at.column
    )?;
    let help = finding
        .help
        .as_deref()
        .map_or_else(String::new, |help| format!("\nhelp: {}", escape_xml(help)));
    match finding.severity {
        Severity::Error => {
            writeln!(
                out,
                "      <failure type=\"{rule}\" message=\"{message}\">{path}:{}:{}: {message}{help}</failure>",
                at.line, at.column
            )?;
        }
        Severity::Warning => writeln!(out, "      <skipped message=\"{message}\"/>")?,
    }
    writeln!(out, "    </testcase>")
}

/// Escapes a text for XML. Replaces the two characters that XML cannot contain, even as `&#…;`.
fn escape_xml(text: &str) -> String {
    let text = escape_control(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_and_forbidden_characters_are_escaped() {
        assert_eq!(
            escape_xml("a<b>&\"c\"\u{1b}\u{ffff}"),
            "a&lt;b&gt;&amp;&quot;c&quot;\\u{1b}\u{fffd}"
        );
    }
}
