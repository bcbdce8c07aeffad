//! Recognizes the lines of the `JUnit` format, with the line breaks and indentation that stackref
//! writes.

use super::all_lines;
use std::io::{self, BufRead};

/// The innermost element that is open after the previous line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum JunitElement {
    /// Before the first line.
    #[default]
    Start,
    /// After the XML declaration.
    Declared,
    Suites,
    Suite,
    Case,
    /// A text of several lines in a test case.
    Text,
    /// After the last element.
    Closed,
}

/// Returns whether a file is a complete report and nothing else.
pub fn is_complete(file: impl BufRead) -> io::Result<bool> {
    let mut open = JunitElement::default();
    let is_accepted = all_lines(file, |line| {
        let next = open.next(line);
        open = next.unwrap_or_default();
        next.is_some()
    })?;
    Ok(is_accepted && open == JunitElement::Closed)
}

impl JunitElement {
    /// Returns the element that is open after the next line, or `None` if the line must not follow.
    fn next(self, line: &str) -> Option<JunitElement> {
        match self {
            Self::Start => {
                (line == "<?xml version=\"1.0\" encoding=\"UTF-8\"?>").then_some(Self::Declared)
            }
            Self::Declared => (line == "<testsuites name=\"stackref\">").then_some(Self::Suites),
            Self::Suites if line == "</testsuites>" => Some(Self::Closed),
            Self::Suites => is_tag(line, "  <testsuite name=\"", "\">").then_some(Self::Suite),
            Self::Suite if line == "  </testsuite>" => Some(Self::Suites),
            Self::Suite if is_tag(line, "    <testcase name=\"", "\"/>") => Some(Self::Suite),
            Self::Suite => is_tag(line, "    <testcase name=\"", "\">").then_some(Self::Case),
            Self::Case if line == "    </testcase>" => Some(Self::Suite),
            Self::Case if is_tag(line, "      <skipped message=\"", "\"/>") => Some(Self::Case),
            Self::Case if is_tag(line, "      <error message=\"", "\"/>") => Some(Self::Case),
            Self::Case if is_tag(line, "      <error message=\"", "</error>") => Some(Self::Case),
            Self::Case if line.starts_with("      <error message=\"") => Some(Self::Text),
            Self::Case if is_tag(line, "      <failure type=\"", "</failure>") => Some(Self::Case),
            Self::Case => line
                .starts_with("      <failure type=\"")
                .then_some(Self::Text),
            Self::Text if line.ends_with("</failure>") || line.ends_with("</error>") => {
                Some(Self::Case)
            }
            Self::Text => Some(Self::Text),
            Self::Closed => None,
        }
    }
}

fn is_tag(line: &str, start: &str, end: &str) -> bool {
    line.starts_with(start) && line.ends_with(end)
}
