//! Describes the errors of the `toml` crate.

use crate::document::brackets;
use crate::document::{Syntax, SyntaxError};
use crate::text::source::{Span, floor_char_boundary};

/// Converts a parser error into a message with advice. The message never contains text of the file,
/// not even a duplicate key.
pub fn describe_error(error: &toml::de::Error, text: &str) -> SyntaxError {
    let range = error.span().unwrap_or(text.len()..text.len());
    let start = floor_char_boundary(text, range.start);
    let end = floor_char_boundary(text, range.end.max(start));
    let first_line = text
        .get(start..end)
        .and_then(|at| at.lines().next())
        .map_or(0, str::len);
    let rest = text.get(start..).unwrap_or_default();
    let before = text.get(..start).unwrap_or_default().trim_end();
    let is_second_brace = before.ends_with('{') && !before.ends_with("\"{");
    let message = error.message();
    let is_reference = rest.starts_with("{{")
        || rest.starts_with("{ {")
        || (rest.starts_with('{') && is_second_brace);
    if let Some(error) = brackets::find_unclosed(text, Syntax::Toml, start)
        .filter(|_| !is_reference && !message.contains("recursion"))
    {
        return error;
    }
    let (message, help) = if is_reference {
        (
            "braces without quotes are a TOML inline table, and this one is not valid".to_owned(),
            Some("put the reference in quotes: \"{{name.key}}\"".to_owned()),
        )
    } else if (message.contains("must be quoted") || message.contains("invalid float"))
        && rest.starts_with(|c: char| c.is_alphabetic() || !c.is_ascii())
    {
        (
            "a value without quotes".to_owned(),
            Some("put the string in quotes".to_owned()),
        )
    } else if message.contains("duplicate key") {
        (
            "a key occurs twice in one table".to_owned(),
            Some("remove or rename one of the two".to_owned()),
        )
    } else if message.contains("recursion") {
        (
            "values are nested deeper than 80 levels".to_owned(),
            Some("check whether this is the right file: stacks are never that deep".to_owned()),
        )
    } else {
        (message.to_owned(), None)
    };
    SyntaxError {
        span: Span::new(start, start + first_line),
        message,
        help,
    }
}
