//! Here-documents: their operators and bodies.

use memchr::memchr;
use std::ops::Range;

/// The operator of a here-document, for example `<<-'EOF'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heredoc {
    /// The offset of `<<`.
    pub start: usize,
    /// The offset after the delimiter.
    pub end: usize,
    /// The line that ends the body.
    delimiter: String,
    /// Whether tabs at the start of a line are removed.
    pub strips_tabs: bool,
    /// Whether the delimiter has quotes, so that the shell replaces nothing in the body.
    pub is_raw: bool,
}

/// Reads the operator at an offset, where the code contains `<<`. Returns `None` if no delimiter
/// follows.
pub(super) fn heredoc_operator(code: &str, start: usize) -> Option<Heredoc> {
    let rest = code.get(start + 2..)?;
    let after_dash = rest.strip_prefix('-').unwrap_or(rest);
    let word = after_dash.trim_start_matches([' ', '\t']);
    let (mut delimiter, mut is_raw, mut quote) = (String::new(), false, None);
    let mut chars = word.char_indices();
    let mut len = word.len();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => (quote, is_raw) = (Some(c), true),
            (None, '\\') => {
                is_raw = true;
                delimiter.extend(chars.next().map(|(_, c)| c));
            }
            (_, '\n' | '\r') | (None, ' ' | '\t' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                len = at;
                break;
            }
            _ => delimiter.push(c),
        }
    }
    (len > 0).then(|| Heredoc {
        start,
        end: code.len() - word.len() + len,
        delimiter,
        strips_tabs: after_dash.len() < rest.len(),
        is_raw,
    })
}

/// Returns the body of a here-document that begins at the start of a line, and the start of the line
/// after its delimiter. Returns `None` if it is not closed.
pub(super) fn heredoc_body(
    code: &str,
    start: usize,
    heredoc: &Heredoc,
) -> Option<(Range<usize>, usize)> {
    let mut at = start;
    while at < code.len() {
        let rest = code.get(at..)?;
        let len = memchr(b'\n', rest.as_bytes());
        let line = rest.get(..len.unwrap_or(rest.len()))?;
        let text = if heredoc.strips_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        if text.strip_suffix('\r').unwrap_or(text) == heredoc.delimiter {
            return Some((start..at, at + len.map_or(rest.len(), |len| len + 1)));
        }
        at += len? + 1;
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn operators_have_delimiters_with_and_without_quotes() {
        for (code, delimiter, strips_tabs, is_raw, rest) in [
            ("<<EOF\n", "EOF", false, false, "\n"),
            ("<<-'E F' x", "E F", true, true, " x"),
            ("<< \\E>f", "E", false, true, ">f"),
            ("<<\"A\"B;", "AB", false, true, ";"),
            ("<<''\n", "", false, true, "\n"),
        ] {
            let heredoc = heredoc_operator(code, 0).unwrap();
            assert_eq!(heredoc.delimiter, delimiter, "{code}");
            assert_eq!(heredoc.strips_tabs, strips_tabs, "{code}");
            assert_eq!(heredoc.is_raw, is_raw, "{code}");
            assert_eq!(&code[heredoc.end..], rest, "{code}");
        }
        assert_eq!(heredoc_operator("<< \n", 0), None);
    }

    #[test]
    fn a_body_ends_at_its_delimiter() {
        let code = "<<-E\na\n Eb\n\tE\nc";
        let heredoc = heredoc_operator(code, 0).unwrap();
        let (body, next) = heredoc_body(code, 5, &heredoc).unwrap();
        assert_eq!((&code[body], &code[next..]), ("a\n Eb\n", "c"));
        assert_eq!(heredoc_body("a\nb", 0, &heredoc), None);
        let at_end = heredoc_body("a\n\tE", 0, &heredoc);
        assert_eq!(at_end, Some((0..2, 4)));
    }
}
