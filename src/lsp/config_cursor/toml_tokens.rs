//! The tokens of a TOML text, also of one that does not parse.

use crate::text::source::Span;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A bare key, a number, a boolean or a date.
    Word,
    /// A string, with its quote.
    Text {
        /// The quote.
        quote: char,
        /// The number of quotes on each side: 1 or 3.
        quotes: usize,
        /// Whether it ends before the end of the line, or of the text.
        is_closed: bool,
    },
    /// A comment.
    Comment,
    /// A line break.
    Newline,
    /// `[`, `]`, `{`, `}`, `=`, `,` or `.`.
    Mark(char),
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The kind.
    pub kind: TokenKind,
    /// The place.
    pub span: Span,
}

/// Iterates over the tokens of a text. A string of one line ends at the end of its line.
pub struct TomlTokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> TomlTokens<'t> {
    /// Begins at the start of a text.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn token(&mut self, kind: TokenKind, len: usize) -> Token {
        let start = self.at;
        self.at += len;
        Token {
            kind,
            span: Span::new(start, self.at),
        }
    }

    fn string(&mut self, rest: &str, quote: char) -> Token {
        let triple = String::from(quote).repeat(3);
        let (quotes, body) = match rest.strip_prefix(&triple) {
            Some(body) => (3, body),
            None => (1, rest.get(1..).unwrap_or_default()),
        };
        let mut is_escaped = false;
        let mut end = None;
        for (at, c) in body.char_indices() {
            let is_end = if quotes == 3 {
                body.get(at..).is_some_and(|rest| rest.starts_with(&triple))
            } else {
                c == quote
            };
            if quotes == 1 && matches!(c, '\n' | '\r') {
                end = Some((at, false));
                break;
            }
            if is_end && !is_escaped {
                end = Some((at, true));
                break;
            }
            is_escaped = c == '\\' && !is_escaped && quote == '"';
        }
        let (len, is_closed) = end.unwrap_or((body.len(), false));
        let len = quotes + len + if is_closed { quotes } else { 0 };
        let kind = TokenKind::Text {
            quote,
            quotes,
            is_closed,
        };
        self.token(kind, len)
    }
}

impl Iterator for TomlTokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let text = self.text;
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\u{feff}');
        let rest = text.get(self.at..)?;
        let rest = rest.trim_start_matches(is_blank);
        self.at = text.len() - rest.len();
        let first = rest.chars().next()?;
        Some(match first {
            '\n' => self.token(TokenKind::Newline, 1),
            '#' => {
                let len = rest.find(['\n', '\r']).unwrap_or(rest.len());
                self.token(TokenKind::Comment, len)
            }
            '[' | ']' | '{' | '}' | '=' | ',' | '.' => self.token(TokenKind::Mark(first), 1),
            '"' | '\'' => self.string(rest, first),
            _ => {
                let is_end = |c: char| {
                    is_blank(c)
                        || matches!(
                            c,
                            '\n' | '#' | '[' | ']' | '{' | '}' | '=' | ',' | '.' | '"' | '\''
                        )
                };
                let len = rest.find(is_end).unwrap_or(rest.len());
                self.token(TokenKind::Word, len)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_texts_that_do_not_parse() {
        let text = "\u{feff}[a.\"b\\\"]\"]\r\nx = ['y, # z\n'''q\n''' \"open";
        let tokens: Vec<&str> = TomlTokens::new(text)
            .map(|token| &text[token.span.start..token.span.end])
            .collect();
        assert_eq!(
            tokens,
            [
                "[",
                "a",
                ".",
                "\"b\\\"]\"",
                "]",
                "\n",
                "x",
                "=",
                "[",
                "'y, # z",
                "\n",
                "'''q\n'''",
                "\"open"
            ]
        );
    }
}
