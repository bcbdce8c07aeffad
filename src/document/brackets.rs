//! Finds brackets and strings that a text never closes. Parsers report them where they stop, often
//! many lines below.
//!
//! Only a text that a parser refused is scanned, and only for its brackets and quotes.

mod bracket_scanner;
mod yaml_brackets;

use super::{Syntax, SyntaxError};
use crate::text::source::Span;
use bracket_scanner::BracketScanner;

/// A bracket or string that is not closed correctly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BracketError {
    /// A bracket without its counterpart.
    Unclosed(u8),
    /// An opening bracket that the wrong kind of bracket closes, with the position of the closing
    /// bracket.
    Mismatch(u8, (usize, u8)),
    /// A closing bracket without an opening one.
    Surplus(u8),
    /// A string without an end, with the number of its quotes.
    String(usize),
}

/// Returns the error for the last bracket or string before `stopped_at` that is not closed. Returns
/// `None` if all are closed.
pub(super) fn find_unclosed(text: &str, syntax: Syntax, stopped_at: usize) -> Option<SyntaxError> {
    let mut scanner = BracketScanner::new(text.as_bytes());
    match syntax {
        Syntax::Yaml => scanner.yaml(),
        Syntax::Toml => scanner.toml(),
        Syntax::Json => scanner.json(),
        Syntax::Script(_) => return None,
    }
    let &(at, error) = scanner
        .errors
        .iter()
        .filter(|(at, _)| *at <= stopped_at)
        .max_by_key(|(at, _)| *at)?;
    let mut span = Span::new(at, at + 1);
    let (message, help) = match error {
        BracketError::Unclosed(open) => {
            let (open, close) = (char::from(open), char::from(counterpart(open)));
            (
                format!("a missing bracket: nothing closes this `{open}`"),
                format!("add `{close}` where it ends"),
            )
        }
        BracketError::Mismatch(open, (closed_at, close)) => {
            span = Span::new(closed_at, closed_at + 1);
            let (close, needed, open) = (
                char::from(close),
                char::from(counterpart(open)),
                char::from(open),
            );
            (
                format!("a wrong bracket: `{open}` is closed by `{close}`"),
                format!("write `{needed}` in its place"),
            )
        }
        BracketError::Surplus(close) => {
            let (close, open) = (char::from(close), char::from(counterpart(close)));
            let help = format!("remove it, add the missing `{open}`, or put the value in quotes");
            (
                format!("a missing bracket: no `{open}` belongs to this `{close}`"),
                help,
            )
        }
        BracketError::String(quotes) => {
            span = Span::new(at, at + quotes);
            (
                "a string that is never closed".to_owned(),
                "close the quote that opens here".to_owned(),
            )
        }
    };
    Some(SyntaxError {
        span,
        message,
        help: Some(help),
    })
}

fn counterpart(bracket: u8) -> u8 {
    match bracket {
        b'[' => b']',
        b'{' => b'}',
        b']' => b'[',
        _ => b'{',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the start and the message of the error before the mark `¦`, where a parser would
    /// stop.
    fn find(text: &str, syntax: Syntax) -> Option<(usize, String)> {
        let stopped = text.find('¦').unwrap_or(text.len());
        let error = find_unclosed(&text.replace('¦', ""), syntax, stopped)?;
        Some((error.span.start, error.message))
    }

    fn missing(open: char) -> String {
        format!("a missing bracket: nothing closes this `{open}`")
    }

    #[test]
    fn finds_the_innermost_unclosed_bracket() {
        for (text, at, open) in [
            ("a: [x, y\n¦b: z\n", 3, '['),
            ("a: {x: 1\n¦b: z\n", 3, '{'),
            ("a:\n  - [x\n  - ¦y\n", 7, '['),
            ("a: [x, {y: 1\n¦b: z\n", 7, '{'),
            ("a: [x\n\n  # c ]\n¦b: ']'\n", 3, '['),
            ("a: |\n  [\n  {\nb: [x\n", 16, '['),
            ("a: \"[\" # [\nb: x [ y\nc: [\n", 23, '['),
            ("- k: |\n    [\n  l: [\n", 18, '['),
            ("{a: [1, 2,\nb: 3\n", 4, '['),
        ] {
            assert_eq!(
                find(text, Syntax::Yaml),
                Some((at, missing(open))),
                "{text}"
            );
        }
        assert_eq!(
            find("a = [1, 2\n¦b = [3]\n[c]\n", Syntax::Toml),
            Some((4, missing('[')))
        );
        assert_eq!(find("[a¦\nb = 3\n", Syntax::Toml), Some((0, missing('['))));
        assert_eq!(
            find("a = { b = 1¦\nc = '}'\n", Syntax::Toml),
            Some((4, missing('{')))
        );
        assert_eq!(
            find("{\"a\": [1, 2\n¦}}", Syntax::Json),
            Some((6, missing('[')))
        );
        assert_eq!(
            find("{\"a\": \"]\", \"b\": [", Syntax::Json),
            Some((16, missing('[')))
        );
    }

    #[test]
    fn ignores_closed_brackets_and_other_errors() {
        for text in [
            "a: [x,\n  y]\nb: ¦: c\n",
            "a: [\n  x\n]¦\n",
            "a: it's [x\nb: 'y'\n¦c\n",
            "a: [it's, 'x]']\n¦: b",
            "a: >-\n  [\nb: ¦:",
            "{\na: [\n1]\n}\n¦",
            "a: &b [x]\n!c d: {e: f}¦",
        ] {
            assert_eq!(find(text, Syntax::Yaml), None, "{text}");
        }
        assert_eq!(
            find("a = [\n  1, # [\n  [2],\n]\nb = ¦\n", Syntax::Toml),
            None
        );
        assert_eq!(find("{\"a\": \"[\\\"\"¦}", Syntax::Json), None);
    }

    #[test]
    fn distinguishes_wrong_and_surplus_brackets() {
        let message = |text, syntax| {
            find(text, syntax)
                .map(|(_, message)| message)
                .unwrap_or_default()
        };
        assert_eq!(
            message("a: [x}\n", Syntax::Yaml),
            "a wrong bracket: `[` is closed by `}`"
        );
        assert_eq!(
            message("{\"a\": [1]]", Syntax::Json),
            "a wrong bracket: `{` is closed by `]`"
        );
        assert_eq!(
            message("a = 1]\n", Syntax::Toml),
            "a missing bracket: no `[` belongs to this `]`"
        );
    }

    #[test]
    fn finds_the_start_of_an_unclosed_string() {
        let string = |at| Some((at, "a string that is never closed".to_owned()));
        for (text, at) in [
            ("a = \"x¦\nb = 3\n", 4),
            ("a = 'x¦\nb = 3\n", 4),
            ("a = '''x\nb = 3\n", 4),
            ("a = \"\"\"x\\\"\"\"\nb = 3\n", 4),
            ("a = [1, \"x¦\n]\n", 8),
            ("\"a = 3¦\n", 0),
        ] {
            assert_eq!(find(text, Syntax::Toml), string(at), "{text}");
        }
        assert_eq!(find("a = \"\\q¦\"\n", Syntax::Toml), None, "it is closed");
        assert_eq!(
            find("a = ¦b\nc = \"x\n", Syntax::Toml),
            None,
            "it is below the error"
        );
    }
}
