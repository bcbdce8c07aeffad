//! The XML of `JUnit`, for build servers that show tests: a suite for each file with findings, a test case for each finding.
//!
//! An error is a failed test, a warning a skipped one, which fails no build; what could not be answered is an error of the
//! run. Where all is well there is one test, and it passes.

use super::FAILURE;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::{Finding, Severity};
use crate::lint::report::Report;
use std::io::{self, Write};

/// Writes the findings.
///
/// # Errors
/// Those of the writer.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"stackref\">")?;
    for findings in report.findings.chunk_by(|a, b| a.source.path() == b.source.path()) {
        let Some(first) = findings.first() else { continue };
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        suite(first.source.repository_path(), [findings.len(), errors, 0, findings.len() - errors], out)?;
        for finding in findings {
            case(finding, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    let failures = report.failures.len();
    if failures > 0 || report.findings.is_empty() {
        suite("stackref", [failures.max(1), 0, failures, 0], out)?;
        if failures == 0 {
            writeln!(out, "    <testcase name=\"no findings\" classname=\"stackref\"/>")?;
        }
        for failure in &report.failures {
            writeln!(out, "    <testcase name=\"run\" classname=\"stackref\">")?;
            let (message, help) = (escaped(&failure.to_string()), failure.help_text().map(escaped));
            let help = help.map_or_else(String::new, |help| format!("help: {help}"));
            writeln!(out, "      <error message=\"{message}\" type=\"{FAILURE}\">{help}</error>")?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(name: &str, [tests, failures, errors, skipped]: [usize; 4], out: &mut dyn Write) -> io::Result<()> {
    let name = escaped(name);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"");
    writeln!(out, "  <testsuite name=\"{name}\" {counts}>")
}

fn case(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let at = finding.source.position(finding.span.start);
    let (path, rule, message) =
        (escaped(finding.source.repository_path()), finding.rule.name(), escaped(&finding.message));
    writeln!(out, "    <testcase name=\"{rule} ({}:{})\" classname=\"{path}\">", at.line, at.column)?;
    let help = finding.help.as_deref().map_or_else(String::new, |help| format!("\nhelp: {}", escaped(help)));
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

/// A text as XML may hold it: without the characters that no reference can stand for, either.
fn escaped(text: &str) -> String {
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
    fn what_xml_cannot_hold_is_not_in_it() {
        assert_eq!(escaped("a<b>&\"c\"\u{1b}\u{ffff}"), "a&lt;b&gt;&amp;&quot;c&quot;\\u{1b}\u{fffd}");
    }
}
