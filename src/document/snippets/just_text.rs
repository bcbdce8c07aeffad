//! The text of a recipe in a justfile: `{{expression}}` is just's interpolation, and `{{{{` is its
//! escape for `{{`.

use super::code_builder::{CodeBuilder, UNKNOWN_VARIABLE, shell_variable};
use super::host_lines::trim;
use memchr::memmem;
use std::ops::Range;

/// A token of an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum JustToken {
    /// A string or a backtick with its quotes.
    Quoted(JustString),
    /// Another character, at its offset.
    Other(char, usize),
}

/// A string or a backtick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JustString {
    /// The quotation mark: `'`, `"` or a backtick.
    pub mark: char,
    /// The content without the quotation marks.
    pub content: Range<usize>,
    /// The offset after the closing marks.
    pub end: usize,
}

impl JustString {
    /// Parses the string or backtick at an offset. Returns `None` if there is none, or if it is not
    /// closed before `limit`.
    pub fn parse(text: &str, at: usize, limit: usize) -> Option<Self> {
        let rest = text.get(at..limit)?;
        let mark = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"' | '`'))?;
        let is_triple = rest.as_bytes().starts_with(&[u8::try_from(mark).ok()?; 3]);
        let marks = if is_triple { 3 } else { 1 };
        let start = at + marks;
        let closing = rest.get(..marks)?;
        let body = text.get(start..limit)?;
        let len = if mark == '"' {
            closing_quote(body, closing)?
        } else {
            memmem::find(body.as_bytes(), closing.as_bytes())?
        };
        Some(Self {
            mark,
            content: start..start + len,
            end: start + len + marks,
        })
    }

    /// Returns whether the content is the value, without escapes.
    pub fn is_literal(&self, text: &str) -> bool {
        let content = text.get(self.content.clone()).unwrap_or_default();
        self.mark == '\'' || (self.mark == '"' && !content.contains('\\'))
    }
}

/// Returns the offset of the closing marks of a string in which a backslash escapes a character.
fn closing_quote(body: &str, closing: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', body.as_bytes().get(at..)?)?;
        let rest = body.get(found..)?;
        if rest.starts_with(closing) {
            return Some(found);
        }
        at = found + if rest.starts_with('\\') { 2 } else { 1 };
    }
}

/// Adds a range of a recipe's text to its code. Interpolations become variables of the shell.
pub(super) fn push_interpolated(code: &mut CodeBuilder<'_>, text: &str, range: Range<usize>) {
    let mut from = range.start;
    while let Some(rest) = text.get(from..range.end) {
        let Some(open) = memmem::find(rest.as_bytes(), b"{{").map(|at| from + at) else {
            break;
        };
        if text
            .get(open..range.end)
            .is_some_and(|rest| rest.starts_with("{{{{"))
        {
            code.push(from..open);
            code.replace(open..open + 4, "{{");
            from = open + 4;
            continue;
        }
        let Some(close) = interpolation_end(text, open + 2..range.end) else {
            // just refuses an interpolation that is not closed.
            break;
        };
        code.push(from..open);
        push_expression(code, text, open..close + 2);
        from = close + 2;
    }
    code.push(from..range.end.max(from));
}

/// Returns the offset of the `}}` that ends an interpolation. Strings and nested brackets may
/// contain others.
fn interpolation_end(text: &str, range: Range<usize>) -> Option<usize> {
    let mut at = range.start;
    let mut depth = 0_usize;
    while let Some(c) = text.get(at..range.end)?.chars().next() {
        match c {
            '\'' | '"' | '`' => {
                at = JustString::parse(text, at, range.end)?.end;
                continue;
            }
            '{' | '(' | '[' => depth += 1,
            '}' if depth == 0 && text.get(at..range.end)?.starts_with("}}") => return Some(at),
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += c.len_utf8();
    }
    None
}

/// Adds the value of an interpolation, whose range contains the braces. A literal string is its
/// content, a name is a variable, and all other expressions are unknown.
fn push_expression(code: &mut CodeBuilder<'_>, text: &str, range: Range<usize>) {
    let inner = trim(text, range.start + 2..range.end - 2);
    let string = JustString::parse(text, inner.start, inner.end);
    if let Some(string) = string.filter(|string| string.end == inner.end && string.is_literal(text))
    {
        code.push(string.content);
        return;
    }
    let name = text.get(inner).unwrap_or_default();
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !name.contains('.');
    let variable = shell_variable(name).filter(|_| is_name);
    code.replace(range, variable.as_deref().unwrap_or(UNKNOWN_VARIABLE));
}

/// Returns the tokens of an expression and the offset of the line break that ends it. Strings and
/// brackets may contain line breaks.
///
/// `can_span_lines` is false after a quotation mark that is never closed. Then a string ends at the
/// latest with its line, so that reading a file stays linear.
pub(super) fn expression_tokens(
    text: &str,
    start: usize,
    can_span_lines: &mut bool,
) -> (Vec<JustToken>, usize) {
    let mut tokens = Vec::new();
    let mut at = start;
    let mut depth = 0_usize;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '\n' if depth == 0 => break,
            '#' => {
                let rest = text.as_bytes().get(at..).unwrap_or_default();
                at = memchr::memchr(b'\n', rest).map_or(text.len(), |len| at + len);
                continue;
            }
            '\'' | '"' | '`' => {
                if let Some(string) = string_at(text, at, can_span_lines) {
                    at = string.end;
                    tokens.push(JustToken::Quoted(string));
                    continue;
                }
            }
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !c.is_whitespace() {
            tokens.push(JustToken::Other(c, at));
        }
        at += c.len_utf8();
    }
    (tokens, at)
}

/// Parses a string that may span lines, unless an earlier one was not closed.
fn string_at(text: &str, at: usize, can_span_lines: &mut bool) -> Option<JustString> {
    if *can_span_lines {
        let string = JustString::parse(text, at, text.len());
        *can_span_lines = string.is_some();
        return string;
    }
    let rest = text.as_bytes().get(at..)?;
    let end = memchr::memchr(b'\n', rest).map_or(text.len(), |len| at + len);
    JustString::parse(text, at, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::OffsetMap;
    use crate::text::source::Span;

    fn interpolate(text: &str) -> String {
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        let mut code = CodeBuilder::new(text, &map, 0);
        push_interpolated(&mut code, text, 0..text.len());
        code.into_code().0
    }

    #[test]
    fn interpolations_become_variables_of_the_shell() {
        let cases = [
            ("a {{x}} '{{ my-var }}'", "a ${x} '${my_var}'"),
            ("'{{{{mlflow.password}}'", "'{{mlflow.password}}'"),
            ("'{{{{{{x}}.key}}'", "'{{${x}.key}}'"),
            ("{{{{a}}}} }}", "{{a}}}} }}"),
            ("{{x + 'y'}} {{env('A')}} {{x.y}}", "${_} ${_} ${_}"),
            (r#"{{ if a == 'b' { '}}' } else { "\"}}" }}}"#, "${_}"),
            (r#"{{'I {{x}}'}} {{ "{{" }}b.c}}"#, "I {{x}} {{b.c}}"),
            (r#"{{ "\n" }}{{ 'a' + 'b' }}{{`zenml x`}}"#, "${_}${_}${_}"),
            ("{{ '''a'b''' }}{{1}}{{}}", "a'b${_}${_}"),
            ("a {{x b", "a {{x b"),
            ("{{{{a}} {{x 'b}}", "{{a}} {{x 'b}}"),
            ("{ {x} }", "{ {x} }"),
        ];
        for (text, expected) in cases {
            assert_eq!(interpolate(text), expected, "{text}");
        }
    }

    #[test]
    fn strings_end_at_their_closing_marks() {
        let parse = |text: &str| {
            let found = JustString::parse(text, 1, text.len())?;
            Some((text.get(found.content)?.to_owned(), found.end))
        };
        assert_eq!(parse(r" 'a\' b'"), Some((r"a\".into(), 5)));
        assert_eq!(parse(r#" "a\"b" c"#), Some((r#"a\"b"#.into(), 7)));
        assert_eq!(parse(r#" """a"b\"""""#), Some((r#"a"b\""#.into(), 12)));
        assert_eq!(parse(" ''"), Some((String::new(), 3)));
        assert_eq!(parse(" ```a`b```"), Some(("a`b".into(), 10)));
        assert_eq!(parse(" 'a"), None);
        assert_eq!(parse(r#" "a\"#), None);
        assert_eq!(parse(" a"), None);
    }

    #[test]
    fn an_expression_ends_at_a_line_break_outside_of_brackets() {
        let end = |text: &str| expression_tokens(text, 0, &mut true).1;
        assert_eq!(end("a + b\nc"), 5);
        assert_eq!(end("['a',\n'b']\nc"), 10);
        assert_eq!(end("'a\nb' # (\nc"), 9);
        assert_eq!(end("a) )\nb"), 4);
        let mut can_span_lines = true;
        assert_eq!(expression_tokens("x 'a\n", 0, &mut can_span_lines).1, 4);
        assert!(!can_span_lines);
        assert_eq!(expression_tokens("\"a\nb\"", 0, &mut can_span_lines).1, 2);
    }
}
