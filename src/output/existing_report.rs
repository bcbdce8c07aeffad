//! Whether a file is a complete report of a format, as stackref writes it: only such a file may be overwritten by the next one.
//!
//! Each format is read to its end. A file that quotes a finding, or that another tool has added to, is not a report. Fields
//! that later versions have are accepted, so that an older report may be overwritten as well as a newer one.

use super::{FAILURE, Format};
use crate::lint::rules;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::marker::PhantomData;

/// Bytes that a line may have.
const LONGEST_LINE: u64 = 64 << 20;

/// Whether a file that was not changed since stackref wrote it could be this one. An empty file is a report of any format.
///
/// # Errors
/// Those of the reader.
pub fn is_report(format: Format, mut file: impl BufRead) -> io::Result<bool> {
    if file.fill_buf()?.is_empty() {
        return Ok(true);
    }
    match format {
        Format::Json => is_json::<ParsedReport>(file),
        Format::Sarif => is_json::<ParsedSarifLog>(file),
        Format::Gitlab => is_json::<DiscardedList<ParsedIssue>>(file),
        Format::Short => all_lines(file, is_short),
        Format::Github => all_lines(file, is_github),
        Format::Human => HumanReport::default().is_complete(file),
        Format::Junit => JunitReport::default().is_complete(file),
    }
}

fn is_json<T: for<'d> Deserialize<'d>>(file: impl Read) -> io::Result<bool> {
    match serde_json::from_reader::<_, T>(file) {
        Ok(_) => Ok(true),
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// Hands each line over, without its line break, until one is refused; whether all are there, the last with its line break.
fn all_lines(mut file: impl BufRead, mut is_fit: impl FnMut(&str) -> bool) -> io::Result<bool> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(true);
        }
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        if !text.is_some_and(&mut is_fit) {
            return Ok(false);
        }
    }
}

fn is_rule(name: &str) -> bool {
    rules::find(name).is_some()
}

/// `error[rule]`, `warning[rule]` or `error[failure]` at the start of a text, and the rest.
fn after_title(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("error[").or_else(|| text.strip_prefix("warning["))?;
    let (rule, rest) = rest.split_once(']')?;
    (is_rule(rule) || rule == FAILURE).then_some(rest)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `path:line:column: error[rule]: message`.
fn is_short(line: &str) -> bool {
    line.match_indices(": ").any(|(at, mark)| {
        let (before, rest) = line.split_at(at);
        let mut parts = before.rsplitn(3, ':');
        let is_place = parts.next().is_some_and(is_number) && parts.next().is_some_and(is_number);
        let has_path = parts.next().is_some_and(|path| !path.is_empty());
        let title = rest.strip_prefix(mark).and_then(after_title);
        is_place && has_path && title.is_some_and(|rest| rest.starts_with(": "))
    })
}

/// `::error file=…,line=…,endLine=…,title=stackref[rule]::message`, or a failure, which has a title alone.
fn is_github(line: &str) -> bool {
    let rest = line.strip_prefix("::error ").or_else(|| line.strip_prefix("::warning "));
    let Some((properties, _)) = rest.and_then(|rest| rest.split_once("::")) else { return false };
    let Some((place, title)) = properties.rsplit_once("title=") else { return false };
    if title == "stackref" && place.is_empty() {
        return true;
    }
    let rule = title.strip_prefix("stackref[").and_then(|rest| rest.strip_suffix(']'));
    let names = place.split(',').filter_map(|property| property.split_once('=')).map(|(name, _)| name);
    let names: Vec<&str> = names.collect();
    rule.is_some_and(is_rule)
        && place.ends_with(',')
        && matches!(names.as_slice(), ["file", "line", "endLine"] | ["file", "line", "endLine", "col", "endColumn"])
}

/// The parts of a diagnostic, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DiagnosticPart {
    /// Between two diagnostics.
    #[default]
    Outside,
    /// `error[rule]`, perhaps with names and a mark behind it, or with names on a line of their own.
    Title,
    /// The line below it.
    Blank,
    /// `  × message`.
    Message,
    /// From `╭─[` on.
    Excerpt,
    /// From `╰────` on.
    Closed,
    /// From `  help:` on.
    Help,
}

/// A human report, line by line.
#[derive(Default)]
struct HumanReport {
    part: DiagnosticPart,
}

impl HumanReport {
    fn is_complete(&mut self, file: impl BufRead) -> io::Result<bool> {
        let is_fit = all_lines(file, |line| {
            let next = self.next(line);
            self.part = next.unwrap_or(DiagnosticPart::Outside);
            next.is_some()
        })?;
        Ok(is_fit && self.part == DiagnosticPart::Outside)
    }

    /// Returns the part that a line is of, or `None` if it is out of place.
    fn next(&self, line: &str) -> Option<DiagnosticPart> {
        let inner = line.trim_start_matches(' ');
        let is_excerpt = inner.starts_with('·')
            || inner.starts_with('│')
            || inner.split_once(" │").is_some_and(|(number, _)| is_number(number));
        match self.part {
            DiagnosticPart::Outside => after_title(line).map(|_| DiagnosticPart::Title),
            DiagnosticPart::Title if line.starts_with("  ") => Some(DiagnosticPart::Title),
            DiagnosticPart::Title => line.is_empty().then_some(DiagnosticPart::Blank),
            DiagnosticPart::Blank => {
                (line.starts_with("  × ") || line.starts_with("  ⚠ ")).then_some(DiagnosticPart::Message)
            }
            DiagnosticPart::Message if inner.starts_with("╭─[") => Some(DiagnosticPart::Excerpt),
            DiagnosticPart::Message if line.starts_with("  │ ") => Some(DiagnosticPart::Message),
            DiagnosticPart::Excerpt if inner.starts_with("╰────") => Some(DiagnosticPart::Closed),
            DiagnosticPart::Excerpt => is_excerpt.then_some(DiagnosticPart::Excerpt),
            // A failure may have no excerpt.
            DiagnosticPart::Message | DiagnosticPart::Closed | DiagnosticPart::Help if line.is_empty() => {
                Some(DiagnosticPart::Outside)
            }
            DiagnosticPart::Message | DiagnosticPart::Closed => {
                line.starts_with("  help: ").then_some(DiagnosticPart::Help)
            }
            DiagnosticPart::Help => line.starts_with("        ").then_some(DiagnosticPart::Help),
        }
    }
}

/// The elements of a `JUnit` report that are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum JunitElement {
    /// Before the first line.
    #[default]
    Start,
    Declared,
    Suites,
    Suite,
    Case,
    /// A text of several lines in a case.
    Text,
    Closed,
}

/// A `JUnit` report, line by line, as stackref breaks and indents it.
#[derive(Default)]
struct JunitReport {
    open: JunitElement,
}

impl JunitReport {
    fn is_complete(&mut self, file: impl BufRead) -> io::Result<bool> {
        let is_fit = all_lines(file, |line| {
            let next = self.next(line);
            self.open = next.unwrap_or_default();
            next.is_some()
        })?;
        Ok(is_fit && self.open == JunitElement::Closed)
    }

    fn next(&self, line: &str) -> Option<JunitElement> {
        let is_tag = |start: &str, end: &str| line.starts_with(start) && line.ends_with(end);
        match self.open {
            JunitElement::Start => {
                (line == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>").then_some(JunitElement::Declared)
            }
            JunitElement::Declared => (line == "<testsuites name=\"stackref\">").then_some(JunitElement::Suites),
            JunitElement::Suites if line == "</testsuites>" => Some(JunitElement::Closed),
            JunitElement::Suites => is_tag("  <testsuite name=\"", "\">").then_some(JunitElement::Suite),
            JunitElement::Suite if line == "  </testsuite>" => Some(JunitElement::Suites),
            JunitElement::Suite if is_tag("    <testcase name=\"", "\"/>") => Some(JunitElement::Suite),
            JunitElement::Suite => is_tag("    <testcase name=\"", "\">").then_some(JunitElement::Case),
            JunitElement::Case if line == "    </testcase>" => Some(JunitElement::Suite),
            JunitElement::Case if is_tag("      <skipped message=\"", "\"/>") => Some(JunitElement::Case),
            JunitElement::Case if is_tag("      <error message=\"", "\"/>") => Some(JunitElement::Case),
            JunitElement::Case if is_tag("      <error message=\"", "</error>") => Some(JunitElement::Case),
            JunitElement::Case if line.starts_with("      <error message=\"") => Some(JunitElement::Text),
            JunitElement::Case if is_tag("      <failure type=\"", "</failure>") => Some(JunitElement::Case),
            JunitElement::Case => line.starts_with("      <failure type=\"").then_some(JunitElement::Text),
            JunitElement::Text if line.ends_with("</failure>") || line.ends_with("</error>") => {
                Some(JunitElement::Case)
            }
            JunitElement::Text => Some(JunitElement::Text),
            JunitElement::Closed => None,
        }
    }
}

/// A list of which each item was read and dropped.
struct DiscardedList<T>(PhantomData<T>);

impl<'d, T: Deserialize<'d>> Deserialize<'d> for DiscardedList<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'d, T: Deserialize<'d>> Visitor<'d> for ListVisitor<T> {
            type Value = DiscardedList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'d>>(self, mut items: A) -> Result<DiscardedList<T>, A::Error> {
                while items.next_element::<T>()?.is_some() {}
                Ok(DiscardedList(PhantomData))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// A text that has to be one of some.
macro_rules! one_of {
    ($(#[$doc:meta])* $name:ident, $is_one:expr) => {
        $(#[$doc])*
        struct $name;

        impl<'d> Deserialize<'d> for $name {
            fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let is_one: fn(&str) -> bool = $is_one;
                if is_one(&text) { Ok(Self) } else { Err(D::Error::custom("another text")) }
            }
        }
    };
}

one_of!(
    /// The name of a rule.
    RuleName,
    is_rule
);
one_of!(
    /// `error` or `warning`.
    SeverityName,
    |text| matches!(text, "error" | "warning")
);
one_of!(
    /// A fingerprint of stackref's.
    Fingerprint,
    |text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
);
one_of!(
    /// The version of SARIF.
    SarifVersion,
    |text| text == "2.1.0"
);
one_of!(
    /// The schema of SARIF that stackref names.
    SarifSchema,
    |text| text == super::sarif::SCHEMA
);
one_of!(
    /// The name of this tool.
    OwnName,
    |text| text == "stackref"
);

/// The number of a report's version.
struct VersionOne;

impl<'d> Deserialize<'d> for VersionOne {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        if u32::deserialize(deserializer)? == 1 { Ok(Self) } else { Err(D::Error::custom("another version")) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedReport {
    version: VersionOne,
    findings: DiscardedList<ParsedFinding>,
    failures: Option<DiscardedList<ParsedFailure>>,
    statistics: Option<IgnoredAny>,
    summary: ParsedSummary,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedFinding {
    rule: RuleName,
    severity: SeverityName,
    message: String,
    path: String,
    source: Option<String>,
    span: Option<ParsedSpan>,
    fingerprint: Fingerprint,
    help: Option<String>,
    stack: Option<String>,
    component: Option<String>,
    component_name: Option<String>,
    attribute: Option<String>,
    secret: Option<String>,
    key: Option<String>,
    suggestion: Option<String>,
    environments: Option<Vec<String>>,
    url: Option<String>,
    fix: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSpan {
    offset: u64,
    length: u64,
    start: IgnoredAny,
    end: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedFailure {
    message: String,
    help: Option<String>,
}

/// The numbers; later versions have more of them.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSummary {
    files: u64,
    references: u64,
    errors: u64,
    warnings: u64,
    ignored: u64,
    fixable: u64,
    #[serde(flatten)]
    more: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSarifLog {
    #[serde(rename = "$schema")]
    schema: SarifSchema,
    runs: [ParsedSarifRun; 1],
    version: SarifVersion,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSarifRun {
    column_kind: IgnoredAny,
    invocations: IgnoredAny,
    original_uri_base_ids: IgnoredAny,
    results: DiscardedList<ParsedSarifResult>,
    tool: ParsedSarifTool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSarifTool {
    driver: ParsedSarifDriver,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSarifDriver {
    name: OwnName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read to be compared")]
struct ParsedSarifResult {
    rule_id: RuleName,
    partial_fingerprints: SarifFingerprints,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct SarifFingerprints {
    #[serde(rename = "stackref/v1")]
    own: Fingerprint,
}

/// An issue of GitLab. A failure of the run is one of severity `blocker`, which names no rule.
#[derive(Deserialize)]
#[serde(try_from = "RawIssue")]
struct ParsedIssue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct RawIssue {
    description: String,
    check_name: String,
    fingerprint: Fingerprint,
    severity: String,
    location: IssueLocation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct IssueLocation {
    path: String,
    lines: IssueLines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read to be compared")]
struct IssueLines {
    begin: u64,
    end: Option<u64>,
}

impl TryFrom<RawIssue> for ParsedIssue {
    type Error = &'static str;

    fn try_from(raw: RawIssue) -> Result<Self, Self::Error> {
        let is_finding = matches!(raw.severity.as_str(), "major" | "minor") && is_rule(&raw.check_name);
        if is_finding || raw.severity == "blocker" { Ok(Self) } else { Err("another tool's issue") }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_mentions_findings_is_not_a_report() {
        let human = "error[unknown-key] a › b › c [fixable]\n\n  × secret\n  │ `x` has no key\n    ╭─[p.yaml:4:27]\n  4 │  a: b\n    ·  ─\n    ╰────\n  help: did you mean\n        it?\n\n";
        let short = "a b:c.yaml:1:2: error[unknown-key]: x\n";
        let github = "::error file=a.yaml,line=1,endLine=1,col=2,endColumn=3,title=stackref[unknown-key]::x\n";
        for (format, text, expected) in [
            (Format::Human, "", true),
            (Format::Human, human, true),
            (Format::Human, &human.repeat(2), true),
            (Format::Human, &format!("{human}notes\n"), false),
            (Format::Human, &format!("notes\n{human}"), false),
            (Format::Human, &format!("{human}  notes\n"), false),
            (Format::Human, human.trim_end(), false),
            (Format::Human, "error[unknown-key] is what I want to write about\n", false),
            (Format::Human, &human.replace("unknown-key", "E0308"), false),
            (Format::Short, short, true),
            (Format::Short, &format!("{short}and more\n"), false),
            (Format::Short, short.trim_end(), false),
            (Format::Short, "x: error[unknown-key]: y\n", false),
            (Format::Short, "a.rs:1:2: error[E0308]: y\n", false),
            (Format::Github, github, true),
            (Format::Github, "::error title=stackref::x\n", true),
            (Format::Github, &format!("{github}echo done\n"), false),
            (Format::Github, "::error file=a,line=1::other tool\n", false),
            (Format::Github, &github.replace("stackref[", "other["), false),
            (Format::Gitlab, "[]\n", true),
            (Format::Gitlab, "[{\"description\": \"mine\"}]", false),
            (Format::Gitlab, "{}", false),
            (Format::Json, "{\"version\": 1, \"findings\": []}", false),
            (Format::Json, "[]", false),
            (Format::Sarif, "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\"}", false),
            (Format::Junit, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"stackref\">\n", false),
        ] {
            assert_eq!(is_report(format, text.as_bytes()).unwrap(), expected, "{format:?}: {text}");
        }
    }
}
