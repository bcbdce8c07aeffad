//! Splits a Terraform file into tokens, so that a broken part does not hide the rest.
//!
//! The lexer recovers from missing quotes and brackets as follows:
//!
//! - A quoted string ends at the end of its line, as Terraform requires.
//! - A closing bracket also closes the brackets in it that are still open.
//! - A line such as `resource "…` at the left margin begins a new block, even if brackets are open.
//!
//! It uses no recursion, and its time is linear in the size of the file.

mod hcl_string_lexer;

use super::hcl_tokens::{NO_PARTNER, Token, TokenKind, TokenList};
use memchr::memmem;
use std::collections::HashMap;
use std::ops::Range;

/// The most tokens of a file. The rest of a larger file is not read.
const MAX_TOKENS: usize = 1 << 21;

/// The words that begin a block at the top level of a Terraform file.
const BLOCK_WORDS: [&str; 14] = [
    "check",
    "data",
    "ephemeral",
    "import",
    "locals",
    "module",
    "moved",
    "output",
    "provider",
    "removed",
    "resource",
    "run",
    "terraform",
    "variable",
];

/// A part of the file that the lexer is in.
enum Context {
    /// Brackets, with the index of their token.
    Brackets(u8, usize),
    /// A quoted string, with its start.
    Quoted(usize),
    /// A here-document.
    Heredoc(HeredocStart),
    /// An interpolation or a directive in a string. The numbers of open brackets belong to the code
    /// around the string.
    Interpolation([usize; 3]),
}

/// The start of a here-document.
#[derive(Clone)]
struct HeredocStart {
    /// The offset of the `<<`.
    start: usize,
    /// The delimiter.
    delimiter: Range<usize>,
    /// The offset of the last line that can end the here-document.
    last_line: usize,
}

/// The state of the lexer.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    contexts: Vec<Context>,
    /// The number of interpolations that the lexer is in.
    interpolations: usize,
    /// The number of `=` and `:` in interpolations since the start of the outermost string.
    separators: usize,
    /// The number of open brackets of each kind in the innermost code.
    open: [usize; 3],
    list: TokenList,
    /// The last line of each text that is an identifier. It is created for the first here-document.
    last_lines: Option<HashMap<&'a str, usize>>,
    /// Whether the rest of the file contains no `*/`.
    has_no_comment_end: bool,
}

impl<'a> Lexer<'a> {
    /// Creates a lexer at the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: if text.starts_with('\u{feff}') { 3 } else { 0 },
            contexts: Vec::new(),
            interpolations: 0,
            separators: 0,
            open: [0; 3],
            list: TokenList::default(),
            last_lines: None,
            has_no_comment_end: false,
        }
    }

    /// Returns the tokens of the text.
    pub fn read(mut self) -> TokenList {
        while self.at < self.text.len() && self.list.tokens.len() < MAX_TOKENS {
            match self.contexts.last() {
                Some(&Context::Quoted(start)) => self.read_quoted(start),
                Some(Context::Heredoc(heredoc)) => {
                    let heredoc = heredoc.clone();
                    self.read_heredoc(&heredoc);
                }
                Some(Context::Brackets(..) | Context::Interpolation(_)) | None => self.read_code(),
            }
        }
        self.list
    }
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Adds a token, unless it is a part of a string.
    fn push(&mut self, kind: TokenKind, start: usize) {
        if self.interpolations > 0 {
            return;
        }
        if let Some(last) = self.list.tokens.last_mut() {
            let is_same = kind == TokenKind::Other && last.kind == kind && last.end == start;
            if is_same {
                last.end = self.at;
                return;
            }
        }
        self.list.tokens.push(Token {
            kind,
            start,
            end: self.at,
            partner: NO_PARTNER,
        });
    }

    /// Reads one token of code.
    fn read_code(&mut self) {
        let start = self.at;
        let Some(byte) = self.byte(start) else {
            return;
        };
        self.at += 1;
        let next = self.byte(self.at);
        match (byte, next) {
            (b' ' | b'\t' | b'\r', _) => {}
            (b'\n', _) => {
                self.push(TokenKind::Newline, start);
                self.read_restart();
                self.leave_unclosed_string();
            }
            (b'#', _) | (b'/', Some(b'/')) => self.skip_line(),
            (b'/', Some(b'*')) => self.skip_comment(),
            (b'"', _) => self.enter(Context::Quoted(start)),
            (b'<', Some(b'<')) => self.read_heredoc_start(start),
            (b'{' | b'[' | b'(', _) => self.open_bracket(byte, start),
            (b'}' | b']' | b')', _) => self.close_bracket(byte, start),
            (b'=', Some(b'=' | b'>')) | (b'!' | b'<' | b'>', Some(b'=')) | (b':', Some(b':')) => {
                self.at += 1;
                self.push(TokenKind::Other, start);
            }
            (b',', _) => self.push(TokenKind::Comma, start),
            (b'=', _) => self.push_separator(TokenKind::Equals, start),
            (b':', _) => self.push_separator(TokenKind::Colon, start),
            _ if is_word_byte(byte) => {
                while self.byte(self.at).is_some_and(is_inner_word_byte) {
                    self.at += 1;
                }
                self.push(TokenKind::Word, start);
            }
            _ => self.push(TokenKind::Other, start),
        }
    }

    fn push_separator(&mut self, kind: TokenKind, start: usize) {
        self.separators += usize::from(self.interpolations > 0);
        self.push(kind, start);
    }

    /// Enters a string.
    fn enter(&mut self, context: Context) {
        if self.interpolations == 0 {
            self.separators = 0;
        }
        self.contexts.push(context);
    }

    /// Leaves a string, which is one token.
    fn leave(&mut self, kind: TokenKind, start: usize) {
        self.contexts.pop();
        self.push(kind, start);
        if self.interpolations == 0
            && let Some(token) = self.list.tokens.last_mut()
        {
            token.partner = self.separators;
        }
    }

    fn skip_line(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    /// Skips a comment in `/*` and `*/`, or one line if it is not closed.
    fn skip_comment(&mut self) {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        let end = if self.has_no_comment_end {
            None
        } else {
            memmem::find(rest, b"*/")
        };
        if let Some(end) = end {
            self.at += end + 3;
        } else {
            self.has_no_comment_end = true;
            self.skip_line();
        }
    }

    fn open_bracket(&mut self, byte: u8, start: usize) {
        let index = if self.interpolations > 0 {
            NO_PARTNER
        } else {
            self.list.tokens.len()
        };
        self.push(TokenKind::Open, start);
        self.contexts.push(Context::Brackets(byte, index));
        self.count_open(byte, true);
    }

    /// Closes the innermost bracket of the kind, and all that are open in it.
    fn close_bracket(&mut self, byte: u8, start: usize) {
        let opening = match byte {
            b'}' => b'{',
            b']' => b'[',
            _ => b'(',
        };
        let is_open = self.open.get(bracket_index(opening)) > Some(&0);
        while is_open && let Some(Context::Brackets(other, index)) = self.contexts.pop() {
            self.count_open(other, false);
            if other == opening {
                let close = self.list.tokens.len();
                self.push(TokenKind::Close, start);
                self.pair(index, close);
                return;
            }
        }
        if opening == b'{' && self.interpolations > 0 {
            self.end_interpolation();
        } else {
            self.push(TokenKind::Close, start);
        }
    }

    /// Sets the partners of two brackets.
    fn pair(&mut self, open: usize, close: usize) {
        for (index, partner) in [(open, close), (close, open)] {
            if open != NO_PARTNER
                && let Some(token) = self.list.tokens.get_mut(index)
            {
                token.partner = partner;
            }
        }
    }

    /// Ends the innermost interpolation. Brackets in it that are open are dropped.
    fn end_interpolation(&mut self) {
        while let Some(context) = self.contexts.pop() {
            if let Context::Interpolation(open) = context {
                self.open = open;
                self.interpolations -= 1;
                return;
            }
        }
    }

    fn count_open(&mut self, byte: u8, is_opened: bool) {
        if let Some(count) = self.open.get_mut(bracket_index(byte)) {
            *count = if is_opened {
                *count + 1
            } else {
                count.saturating_sub(1)
            };
        }
    }

    /// Starts again at the top level if a block begins at the left margin.
    fn read_restart(&mut self) {
        if self.contexts.is_empty() || !begins_block(self.text.get(self.at..).unwrap_or_default()) {
            return;
        }
        self.contexts.clear();
        self.interpolations = 0;
        self.open = [0; 3];
        self.list.restarts.push(self.list.tokens.len());
    }
}

/// Returns whether a block begins at the start of a text.
fn begins_block(text: &str) -> bool {
    let word_len = text
        .bytes()
        .take(16)
        .take_while(u8::is_ascii_lowercase)
        .count();
    let word = text.get(..word_len).unwrap_or_default();
    let rest = text.get(word_len..).unwrap_or_default();
    BLOCK_WORDS.binary_search(&word).is_ok()
        && rest.trim_start_matches([' ', '\t']).starts_with(['"', '{'])
}

fn bracket_index(byte: u8) -> usize {
    match byte {
        b'{' => 0,
        b'[' => 1,
        _ => 2,
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn is_inner_word_byte(byte: u8) -> bool {
    is_word_byte(byte) || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the texts of the tokens, without line breaks.
    pub(super) fn words(text: &str) -> Vec<&str> {
        let list = TokenList::read(text);
        let tokens = list.tokens.iter();
        tokens
            .filter(|token| token.kind != TokenKind::Newline)
            .map(|token| &text[token.start..token.end])
            .collect()
    }

    #[test]
    fn comments_are_skipped() {
        let cases: [(&str, &[&str]); 7] = [
            ("a # \"b\nc", &["a", "c"]),
            ("a // {\nc", &["a", "c"]),
            ("a /* \"\n{ */ c", &["a", "c"]),
            ("a /**/ c", &["a", "c"]),
            ("a /* b\nc", &["a", "c"]),
            ("a /* b\n/* c\nd", &["a", "d"]),
            ("\"# a\" \"/* b\"", &["\"# a\"", "\"/* b\""]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn brackets_have_partners() {
        let cases = [
            ("{ [ ( ) ] }", vec![(0, 5), (1, 4), (2, 3)]),
            ("{ [ }", vec![(0, 2)]),
            ("{ ] }", vec![(0, 2)]),
            ("( { ( ] ) } )", vec![(0, 6), (1, 5), (2, 4)]),
            ("} { }", vec![(1, 2)]),
            ("{\nresource \"a\" {}", vec![(4, 5)]),
            ("{\n resource \"a\" {}", vec![(4, 5)]),
            ("{ \"${ { } \" }", vec![]),
        ];
        for (text, expected) in cases {
            let list = TokenList::read(text);
            let pairs = list.tokens.iter().enumerate().filter_map(|(index, token)| {
                let is_open = token.kind == TokenKind::Open && token.partner != NO_PARTNER;
                is_open.then_some((index, token.partner))
            });
            assert_eq!(pairs.collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn operators_are_not_assignments() {
        let text = "a == b => c != d <= e >= f :: g = h : i";
        let list = TokenList::read(text);
        let kinds = list.tokens.iter().map(|token| token.kind);
        let kinds: Vec<_> = kinds
            .filter(|kind| !matches!(kind, TokenKind::Word | TokenKind::Other))
            .collect();
        assert_eq!(kinds, [TokenKind::Equals, TokenKind::Colon]);
    }

    #[test]
    fn words_of_blocks_are_sorted() {
        assert!(BLOCK_WORDS.is_sorted());
    }
}
