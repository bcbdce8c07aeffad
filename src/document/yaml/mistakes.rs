//! What the parser of YAML objects to, in words for people.

use crate::document::brackets;
use crate::document::{Syntax, SyntaxError};
use crate::text::source::{Span, floor_char_boundary};
use granit_parser::{ErrorKind, ScanError};

/// The parser's finding for people: its words where they are plain, ours where a cause is more useful than a symptom.
/// Alias and anchor names are left out, since a password that begins with `*` or `&` reads as one.
pub(super) fn describe_error(error: &ScanError, text: &str) -> SyntaxError {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let at = floor_char_boundary(text, at);
    let len = text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| !matches!(c, '\r' | '\n'));
    let span = Span::new(at, at + len.map_or(0, char::len_utf8));
    let line_start = text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |nl| nl + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let tab = matches!(
        error.kind(),
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation
    );
    let span = match line.find('\t').map(|tab| line_start + tab) {
        // The parser stops behind the tab.
        Some(place) if tab && place < at => Span::new(place, place + 1),
        _ => span,
    };
    let in_quotes = matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar);
    // The parser may go on for lines until it sees that the braces have no end.
    let above = unclosed_above(text, line_start).filter(|_| unquoted_reference(line).is_none());
    let (line, span) = above.unwrap_or((line, span));
    if let Some(brace) = unquoted_reference(line).filter(|_| !in_quotes) {
        return SyntaxError {
            span,
            message: "braces without quotes are a YAML flow mapping, and this one is not complete".into(),
            help: Some(format!(
                "put quotes around the whole value that begins at column {}: \"{{{{name.key}}}}\"",
                line.get(..brace).map_or(0, |before| before.chars().count()) + 1
            )),
        };
    }
    let other = matches!(error.kind(), ErrorKind::UnknownAnchor | ErrorKind::RecursionLimitExceeded);
    if let Some(error) = brackets::find_unclosed(text, Syntax::Yaml, at).filter(|_| !tab && !in_quotes && !other) {
        return error;
    }
    let (message, help) = match error.kind() {
        ErrorKind::UnknownAnchor => (
            "`*` begins an alias, and no anchor of that name stands above".to_owned(),
            Some("define it with `&` above, or put the value in quotes if `*` belongs to it"),
        ),
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            ("a tab where YAML takes only spaces".to_owned(), Some("indent with spaces"))
        }
        ErrorKind::RecursionLimitExceeded => (
            "collections nested deeper than 255 levels".to_owned(),
            Some("no stack is that deep: is this the right file?"),
        ),
        ErrorKind::UnclosedQuotedScalar => {
            ("a quoted value that is never closed".to_owned(), Some("close the quote that opens here"))
        }
        ErrorKind::InvalidQuotedScalarIndent => (
            "a quoted value that goes on with less indentation".to_owned(),
            Some("is the quote above this line closed?"),
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "an escape that YAML does not know, in double quotes".to_owned(),
            Some("write `\\\\` for a backslash, or use single quotes"),
        ),
        ErrorKind::MappingValueNotAllowed => (
            "a `:` where no key can stand".to_owned(),
            Some("put the value in quotes if the colon belongs to it, or check the indentation"),
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidSimpleKey => (
            "expected a key followed by `:`".to_owned(),
            Some("check the indentation and the quotes of the lines above"),
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("a character that cannot begin a value".to_owned(), Some("put the value in quotes"))
        }
        ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => (
            "a line that is indented too little for the value that it belongs to".to_owned(),
            Some(
                "indent it further than the key, a closing bracket, too: some readers take it as it is, YAML 1.2 does not",
            ),
        ),
        kind => (kind.to_string(), None),
    };
    SyntaxError { span, message, help: help.map(str::to_owned) }
}

/// Where on a line that did not parse a value begins with `{{` and no quote, or with one brace and ends with two.
fn unquoted_reference(line: &str) -> Option<usize> {
    let brace = line.find('{')?;
    let before = line.get(..brace)?.trim_end();
    let value = line.get(brace..)?.trim_end();
    // A mapping that ends with two brackets, as in `{a: {b: c}}`, has keys.
    let is_meant = value.starts_with("{{") || (value.ends_with("}}") && !value.contains([':', '[', ',']));
    (is_meant && (before.is_empty() || before.ends_with([':', '-', ',', '[']))).then_some(brace)
}

/// The line above, past blank ones, where a value begins with `{{` and no quote and is not closed, and the place of these braces.
fn unclosed_above(text: &str, line_start: usize) -> Option<(&str, Span)> {
    let above = text.get(..line_start)?.trim_end();
    let start = above.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = above.get(start..)?;
    let brace = unquoted_reference(line)?;
    let open = line.get(brace..)?;
    let braces = Span::new(start + brace, start + brace + 2);
    (open.starts_with("{{") && !open.contains("}}")).then_some((line, braces))
}
