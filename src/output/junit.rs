//! The `JUnit` format: XML for build servers that show test results.
//!
//! - Each file with findings is a test suite, and each finding is a test case.
//! - With environments, each file whose references are looked up is a test suite, and each of its
//!   environments a test case. The other findings of the file are test cases of their own.
//! - A finding of severity error is a failed test. A warning is a skipped test, so that it does not
//!   fail the build.
//! - A failure is a test with an error.
//! - Without findings and failures, the report contains at least one test that passes.

use super::FAILURE;
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::lint::report::Report;
use crate::text::escape::escape_control;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the findings and the failures.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"stackref\">")?;
    let mut suites: BTreeMap<&str, Vec<TestCase<'_>>> = BTreeMap::new();
    for file in &report.checked_environments {
        let cases = file.environments.iter().map(|name| TestCase {
            environment: Some(name),
            findings: Vec::new(),
        });
        suites.entry(&file.path).or_default().extend(cases);
    }
    for finding in &report.findings {
        let cases = suites.entry(finding.source.repository_path()).or_default();
        add_finding(cases, finding);
    }
    for (path, cases) in &suites {
        write_suite(path, cases, out)?;
    }
    if !report.failures.is_empty() || suites.is_empty() {
        write_run_suite(&report.failures, out)?;
    }
    writeln!(out, "</testsuites>")
}

/// A test case: an environment of a file, or a finding that does not depend on one.
struct TestCase<'r> {
    environment: Option<&'r str>,
    findings: Vec<&'r Finding>,
}

impl TestCase<'_> {
    fn is_failed(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.severity == Severity::Error)
    }
}

/// Adds a finding to the case of each of its environments, or as a case of its own.
fn add_finding<'r>(cases: &mut Vec<TestCase<'r>>, finding: &'r Finding) {
    for name in &finding.environments {
        let known = cases
            .iter_mut()
            .find(|case| case.environment == Some(name.as_str()));
        match known {
            Some(case) => case.findings.push(finding),
            None => cases.push(TestCase {
                environment: Some(name),
                findings: vec![finding],
            }),
        }
    }
    if finding.environments.is_empty() {
        cases.push(TestCase {
            environment: None,
            findings: vec![finding],
        });
    }
}

/// Writes the suite of a file.
fn write_suite(path: &str, cases: &[TestCase<'_>], out: &mut dyn Write) -> io::Result<()> {
    let failed = cases.iter().filter(|case| case.is_failed()).count();
    let with_findings = cases
        .iter()
        .filter(|case| !case.findings.is_empty())
        .count();
    suite(path, [cases.len(), failed, 0, with_findings - failed], out)?;
    for case in cases {
        write_case(path, case, out)?;
    }
    writeln!(out, "  </testsuite>")
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

/// Writes a test case with its findings. One with an error is failed, and one that has only warnings
/// skipped.
fn write_case(path: &str, case: &TestCase<'_>, out: &mut dyn Write) -> io::Result<()> {
    let name = match (case.environment, case.findings.first()) {
        (Some(environment), _) => escape_xml(environment),
        (None, Some(finding)) => {
            let rule = finding.rule.name();
            match line_and_column(finding) {
                Some(position) => format!("{rule} ({position})"),
                None => rule.to_owned(),
            }
        }
        (None, None) => String::new(),
    };
    let tag = format!(
        "    <testcase name=\"{name}\" classname=\"{}\"",
        escape_xml(path)
    );
    if case.findings.is_empty() {
        return writeln!(out, "{tag}/>");
    }
    writeln!(out, "{tag}>")?;
    let is_failed = case.is_failed();
    let mut reported = case
        .findings
        .iter()
        .filter(|finding| !is_failed || finding.severity == Severity::Error);
    let message = match (reported.next(), reported.count()) {
        (Some(first), 0) => escape_xml(&first.message),
        (Some(first), more) => format!("{} (and {more} more)", escape_xml(&first.message)),
        (None, _) => String::new(),
    };
    if is_failed {
        let rule = case
            .findings
            .iter()
            .find(|it| it.severity == Severity::Error);
        let rule = rule.map_or("", |finding| finding.rule.name());
        let texts: Vec<String> = case.findings.iter().map(|it| describe(it)).collect();
        let text = texts.join("\n");
        writeln!(
            out,
            "      <failure type=\"{rule}\" message=\"{message}\">{text}</failure>"
        )?;
    } else {
        writeln!(out, "      <skipped message=\"{message}\"/>")?;
    }
    writeln!(out, "    </testcase>")
}

/// Describes a finding with its location and its help.
fn describe(finding: &Finding) -> String {
    let (path, message) = (
        escape_xml(finding.source.repository_path()),
        escape_xml(&finding.message),
    );
    let help = finding
        .help
        .as_deref()
        .map_or_else(String::new, |help| format!("\nhelp: {}", escape_xml(help)));
    let position = line_and_column(finding);
    let position = position.map_or_else(String::new, |position| format!(":{position}"));
    format!("{path}{position}: {message}{help}")
}

/// Returns the line and the column of a finding; `None` for a component on a server.
fn line_and_column(finding: &Finding) -> Option<String> {
    if finding.source.is_registered() {
        return None;
    }
    let at = finding.source.position(finding.span.start);
    Some(format!("{}:{}", at.line, at.column))
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
