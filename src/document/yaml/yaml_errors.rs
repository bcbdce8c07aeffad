//! Describes the errors of the YAML parser.

use crate::document::brackets;
use crate::document::{Syntax, SyntaxError};
use crate::text::source::{Span, floor_char_boundary};
use granit_parser::{ErrorKind, ScanError};

/// Converts a parser error into a message with advice. If a likely cause is known, the message
/// describes the cause instead of the symptom. Names of aliases and anchors are omitted, since a
/// password can begin with `*` or `&`.
pub(super) fn describe_error(error: &ScanError, text: &str) -> SyntaxError {
    let kind = error.kind();
    let at = floor_char_boundary(text, error.marker().byte_offset().unwrap_or(text.len()));
    let line_start = text
        .get(..at)
        .and_then(|before| before.rfind(['\n', '\r']))
        .map_or(0, |nl| nl + 1);
    let line = text
        .get(line_start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or_default();
    let is_tab = is_tab_error(kind);
    let span = match line.find('\t').map(|tab| line_start + tab) {
        // The parser stops after the tab.
        Some(tab) if is_tab && tab < at => Span::new(tab, tab + 1),
        _ => char_span(text, at),
    };
    let in_quotes = matches!(
        kind,
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::UnclosedQuotedScalar
    );
    // The parser may read several lines until it reports unclosed braces.
    let above = unclosed_above(text, line_start).filter(|_| unquoted_reference(line).is_none());
    let (line, span) = above.unwrap_or((line, span));
    if let Some(brace) = unquoted_reference(line).filter(|_| !in_quotes) {
        let column = line.get(..brace).map_or(0, |before| before.chars().count()) + 1;
        return SyntaxError {
            span,
            message: "braces without quotes are a YAML flow mapping, and this one is not complete"
                .into(),
            help: Some(format!(
                "put quotes around the whole value at column {column}: \"{{{{name.key}}}}\""
            )),
        };
    }
    let is_independent = matches!(
        kind,
        ErrorKind::UnknownAnchor | ErrorKind::RecursionLimitExceeded
    );
    if !(is_tab || in_quotes || is_independent)
        && let Some(error) = brackets::find_unclosed(text, Syntax::Yaml, at)
    {
        return error;
    }
    let (message, help) = message_and_help(kind).map_or_else(
        || (kind.to_string(), None),
        |(message, help)| (message.to_owned(), Some(help.to_owned())),
    );
    SyntaxError {
        span,
        message,
        help,
    }
}

/// Returns the span of the character at an offset. It is empty at the end of a line.
fn char_span(text: &str, at: usize) -> Span {
    let c = text
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .filter(|c| !matches!(c, '\r' | '\n'));
    Span::new(at, at + c.map_or(0, char::len_utf8))
}

/// Returns whether an error is only about the indentation of a flow collection or of a quoted
/// scalar, which many readers ignore.
pub(super) fn is_indentation_error(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidIndentation
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::TabInIndentation
    )
}

fn is_tab_error(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation
    )
}

/// Returns the message and the advice for a kind of error. Returns `None` if the parser's own
/// message is clear.
fn message_and_help(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::UnknownAnchor => (
            "this alias refers to an anchor that is not defined above",
            "define the anchor with `&` above, or put the value in quotes if it begins with `*`",
        ),
        kind if is_tab_error(kind) => ("YAML does not allow a tab here", "indent with spaces"),
        ErrorKind::RecursionLimitExceeded => (
            "collections are nested deeper than 255 levels",
            "check whether this is the right file: stacks are never that deep",
        ),
        ErrorKind::UnclosedQuotedScalar => (
            "a quoted value that is never closed",
            "close the quote that opens here",
        ),
        ErrorKind::InvalidQuotedScalarIndent => (
            "a line of a quoted value is indented too little",
            "check whether the quote above this line is closed",
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "invalid escape in double quotes",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        ErrorKind::MappingValueNotAllowed => (
            "a `:` is not allowed here",
            "put the value in quotes if it contains the colon, or check the indentation",
        ),
        ErrorKind::SimpleKeyExpected
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidSimpleKey => (
            "expected a key followed by `:`",
            "check the indentation and the quotes of the lines above",
        ),
        ErrorKind::UnexpectedCharacter { .. } => (
            "a value cannot begin with this character",
            "put the value in quotes",
        ),
        ErrorKind::InvalidIndentation | ErrorKind::InvalidFlowScalarIndent => (
            "a line of a value is indented too little",
            "indent it further than the key",
        ),
        _ => return None,
    })
}

/// Returns the start of an unquoted value on a line that begins with `{{`, or that begins with one
/// brace and ends with two.
fn unquoted_reference(line: &str) -> Option<usize> {
    let brace = line.find('{')?;
    let before = line.get(..brace)?.trim_end();
    let value = line.get(brace..)?.trim_end();
    // A mapping that ends with two brackets, as in `{a: {b: c}}`, has keys.
    let is_meant =
        value.starts_with("{{") || (value.ends_with("}}") && !value.contains([':', '[', ',']));
    (is_meant && (before.is_empty() || before.ends_with([':', '-', ',', '[']))).then_some(brace)
}

/// Returns the last non-blank line above if it has an unquoted value that begins with `{{` and is
/// not closed, and the span of these braces.
fn unclosed_above(text: &str, line_start: usize) -> Option<(&str, Span)> {
    let above = text.get(..line_start)?.trim_end();
    let start = above.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = above.get(start..)?;
    let brace = unquoted_reference(line)?;
    let open = line.get(brace..)?;
    let braces = Span::new(start + brace, start + brace + 2);
    (open.starts_with("{{") && !open.contains("}}")).then_some((line, braces))
}
