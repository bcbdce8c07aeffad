//! A file of a Terraform module, and a range of its tokens.

use super::hcl_body::without_newlines;
use super::hcl_tokens::{TokenKind, TokenList};
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// A file of a Terraform module.
#[derive(Debug)]
pub(super) struct HclFile {
    /// The file.
    pub source: Arc<SourceFile>,
    /// The tokens of the file.
    pub list: TokenList,
}

/// An expression in a file, as a range of tokens.
#[derive(Clone, Debug)]
pub(super) struct HclCode<'m> {
    /// The file.
    pub file: &'m HclFile,
    /// The tokens.
    pub tokens: Range<usize>,
}

impl HclFile {
    /// Splits a file into tokens.
    pub fn new(source: &Arc<SourceFile>) -> Self {
        Self {
            source: Arc::clone(source),
            list: TokenList::read(source.text()),
        }
    }

    /// Returns the span of tokens.
    pub fn span(&self, tokens: &Range<usize>) -> Span {
        let tokens = without_newlines(&self.list, tokens.clone());
        let at = |index| self.list.get(index);
        match (at(tokens.start), at(tokens.end.wrapping_sub(1))) {
            (Some(first), Some(last)) if !tokens.is_empty() => Span::new(first.start, last.end),
            (Some(next), _) => Span::new(next.start, next.start),
            _ => Span::new(self.source.text().len(), self.source.text().len()),
        }
    }

    /// Returns the name that a token contains: an identifier, or a string without its quotes.
    pub fn name(&self, token: usize) -> &str {
        let Some(token) = self.list.get(token) else {
            return "";
        };
        let text = self.source.slice(Span::new(token.start, token.end));
        match token.kind {
            TokenKind::Quoted => text.trim_matches('"'),
            _ => text,
        }
    }
}

impl<'m> HclCode<'m> {
    /// Returns other tokens of the same file.
    pub fn with_tokens(&self, tokens: Range<usize>) -> Self {
        Self {
            file: self.file,
            tokens,
        }
    }

    /// Returns the span of the expression.
    pub fn span(&self) -> Span {
        self.file.span(&self.tokens)
    }

    /// Returns the text of the expression.
    pub fn text(&self) -> &'m str {
        self.file.source.slice(self.span())
    }
}
