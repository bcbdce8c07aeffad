//! The tokens of a Terraform file.
//!
//! The tokens are just precise enough to find blocks, attributes and the entries of objects. A
//! string or a here-document is one token, with all interpolations in it. Comments are not tokens.

use super::hcl_lexer::Lexer;

/// The partner of a bracket that is not closed.
pub(super) const NO_PARTNER: usize = usize::MAX;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A line break.
    Newline,
    /// `{`, `[` or `(`.
    Open,
    /// `}`, `]` or `)`.
    Close,
    /// `,`.
    Comma,
    /// `=`, but not `==` or `=>`.
    Equals,
    /// `:`, but not `::`.
    Colon,
    /// An identifier or a number.
    Word,
    /// A quoted string.
    Quoted,
    /// A here-document with its delimiters.
    Heredoc,
    /// Other characters.
    Other,
}

/// A token of a Terraform file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// The kind of the token.
    pub kind: TokenKind,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset after its last byte.
    pub end: usize,
    /// For a bracket, the index of the token that closes or opens it. For a string, the number of
    /// `=` and `:` in its interpolations.
    pub partner: usize,
}

/// The tokens of a Terraform file.
#[derive(Debug, Default)]
pub(super) struct TokenList {
    /// The tokens, in the order of the file.
    pub tokens: Vec<Token>,
    /// The tokens at which a block begins although brackets are open.
    pub restarts: Vec<usize>,
}

impl TokenList {
    /// Splits a text into tokens.
    pub fn read(text: &str) -> Self {
        Lexer::new(text).read()
    }

    /// Returns the token at an index.
    pub fn get(&self, index: usize) -> Option<&Token> {
        self.tokens.get(index)
    }

    /// Returns the kind of the token at an index.
    pub fn kind(&self, index: usize) -> Option<TokenKind> {
        self.get(index).map(|token| token.kind)
    }

    /// Returns the index after a token. For an opening bracket, it is the index after the closing one.
    pub fn after(&self, index: usize) -> usize {
        match self.get(index) {
            Some(token) if token.kind == TokenKind::Open && token.partner != NO_PARTNER => {
                token.partner + 1
            }
            _ => index + 1,
        }
    }

    /// Returns the index of the token that begins at an offset.
    pub fn at_offset(&self, offset: usize) -> Option<usize> {
        self.tokens
            .binary_search_by_key(&offset, |token| token.start)
            .ok()
    }
}
