//! Splits a line of shell code into commands and words.
//!
//! The lexer knows quotes, escapes, comments, redirections and substitutions (`$(…)`, `${{ … }}`),
//! but it does not expand variables.

use super::COMMAND;
use super::command_search::{end_of_line, zenml_command};
use crate::document::offsets::OffsetMapBuilder;
use crate::document::{Document, NodeId, OffsetMap, ScalarType, Style, SyntaxError};
use crate::text::source::Span;
use memchr::memmem;
use std::ops::Range;

/// The nesting of `$(…)` in `$(…)` up to which commands are read.
const MAX_SUBSTITUTION_DEPTH: usize = 8;

/// A word as the shell would pass it to a command.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
    offsets: OffsetMap,
    /// The offsets in the text at which the quotes change.
    quotes: Vec<(usize, Quote)>,
}

impl Word {
    fn new(start: usize, lexed: LexedWord) -> Self {
        let text = lexed.offsets.text().to_owned();
        let offsets = lexed.offsets.finish(Span::new(0, lexed.end), &text);
        Self {
            text,
            span: Span::new(start, lexed.end),
            offsets,
            quotes: lexed.quotes,
        }
    }

    /// Adds a part of the word to a document as a scalar.
    pub(super) fn add_to(
        &self,
        document: &mut Document,
        part: Range<usize>,
    ) -> Result<NodeId, SyntaxError> {
        let span = if self.text.is_empty() {
            self.span
        } else {
            self.offsets.source(part.start, part.end)
        };
        let quote = self
            .quotes
            .iter()
            .take_while(|(from, _)| *from <= part.start)
            .last();
        let style = match quote.map(|(_, quote)| *quote) {
            Some(Quote::Single) => Style::SingleQuoted,
            Some(Quote::Double) => Style::DoubleQuoted,
            _ => Style::Plain,
        };
        document.add_scalar(
            span,
            self.text.get(part).unwrap_or_default(),
            style,
            ScalarType::String,
        )
    }
}

/// The quotes around a part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    None,
    Single,
    Double,
}

/// A line, including the lines that backslashes append to it, or a part of such a line.
pub(super) struct LogicalLine<'t> {
    text: &'t str,
    pub(super) end: usize,
    /// The offsets of each `(` and its `)`, sorted by the `(`.
    closed: Vec<(usize, usize)>,
    /// The offsets of `}}`.
    braces: Vec<usize>,
}

/// A word that the lexer read, with its end and the content of each `$(…)` in it.
pub(super) struct LexedWord {
    pub(super) offsets: OffsetMapBuilder,
    quotes: Vec<(usize, Quote)>,
    end: usize,
    substitutions: Vec<(usize, usize)>,
}

impl<'t> LogicalLine<'t> {
    pub(super) fn new(text: &'t str, start: usize, end: usize) -> Self {
        let part = text.get(start..end).unwrap_or_default().as_bytes();
        let mut closed = Vec::new();
        if memmem::find(part, b"$(").is_some() {
            let mut open = Vec::new();
            for at in memchr::memchr2_iter(b'(', b')', part) {
                if part.get(at) == Some(&b'(') {
                    open.push(start + at);
                } else if let Some(opened) = open.pop() {
                    closed.push((opened, start + at));
                }
            }
            closed.sort_unstable();
        }
        let mut braces = Vec::new();
        if memmem::find(part, b"${{").is_some() {
            braces.extend(memmem::find_iter(part, b"}}").map(|at| start + at));
        }
        Self {
            text,
            end,
            closed,
            braces,
        }
    }

    /// Reads commands from `at` up to `end`. Returns the offset where it stopped: at `end`, or at
    /// the end of a line with a comment.
    pub(super) fn read_commands(
        &self,
        mut at: usize,
        end: usize,
        depth: usize,
        found: &mut Vec<Vec<Word>>,
    ) -> usize {
        let mut words = Vec::new();
        let mut first = true;
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            match c {
                ' ' | '\t' | '\r' | '\n' | '<' | '>' => {
                    at += 1;
                    continue;
                }
                '\\' if self.line_break_len(at) > 0 => at += self.line_break_len(at),
                '#' => {
                    at = end_of_line(self.text, at).min(end);
                    break;
                }
                // `2>&1` and `&>` do not end the command.
                '&' if self.is_redirection(at, end) => at += 1,
                ';' | '|' | '&' | '(' | ')' | '`' => {
                    found.extend(zenml_command(std::mem::take(&mut words)));
                    at += 1;
                }
                _ => {
                    // Prefixes of a recipe line in a Makefile: `@`, `-` and `+`.
                    let prefixes = if first {
                        self.recipe_prefix_count(at, end)
                    } else {
                        0
                    };
                    let start = at + prefixes;
                    let lexed = self.lex_until(start, end, Quote::None);
                    // Always move on, also if the character cannot be part of a word.
                    at = lexed
                        .end
                        .max(start + usize::from(lexed.end == start) * c.len_utf8());
                    for &(from, to) in &lexed.substitutions {
                        let has_command = self
                            .text
                            .get(from..to)
                            .is_some_and(|inner| inner.contains(COMMAND));
                        if depth < MAX_SUBSTITUTION_DEPTH && has_command {
                            self.read_commands(from, to, depth + 1, found);
                        }
                    }
                    words.push(Word::new(start, lexed));
                }
            }
            first = false;
        }
        found.extend(zenml_command(words));
        at.min(end)
    }

    /// Returns whether an ampersand is part of a redirection.
    fn is_redirection(&self, at: usize, end: usize) -> bool {
        let before_redirection = self
            .text
            .get(at + 1..end)
            .is_some_and(|rest| rest.starts_with('>'));
        before_redirection
            || self
                .text
                .get(..at)
                .is_some_and(|before| before.ends_with(['>', '<']))
    }

    /// Returns the number of recipe prefixes before a command in a Makefile.
    fn recipe_prefix_count(&self, at: usize, end: usize) -> usize {
        let rest = self.text.get(at..end).unwrap_or_default();
        let command = rest.trim_start_matches(['@', '+', '-']);
        if command.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.')) {
            rest.len() - command.len()
        } else {
            0
        }
    }

    /// Returns the length of a backslash and the line break after it. Returns 0 if no line break
    /// follows.
    fn line_break_len(&self, at: usize) -> usize {
        match self.text.as_bytes().get(at + 1..) {
            Some([b'\n', ..]) => 2,
            Some([b'\r', b'\n', ..]) => 3,
            _ => 0,
        }
    }

    /// Reads a word up to the end of the line.
    pub(super) fn lex(&self, at: usize, quote: Quote) -> LexedWord {
        self.lex_until(at, self.end, quote)
    }

    /// Reads one word. Its offsets are offsets in the text.
    fn lex_until(&self, mut at: usize, end: usize, mut quote: Quote) -> LexedWord {
        let mut builder = OffsetMapBuilder::default();
        let mut quotes = vec![(0, quote)];
        let mut inner = Vec::new();
        while let Some(c) = self.text.get(at..end).and_then(|rest| rest.chars().next()) {
            let len = c.len_utf8();
            match (quote, c) {
                (
                    Quote::None,
                    ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '(' | ')' | '`' | '<' | '>',
                ) => break,
                (Quote::None | Quote::Single, '\'') | (Quote::None | Quote::Double, '"') => {
                    quote = match (quote, c) {
                        (Quote::None, '\'') => Quote::Single,
                        (Quote::None, _) => Quote::Double,
                        _ => Quote::None,
                    };
                    quotes.push((builder.text().len(), quote));
                    at += 1;
                }
                (Quote::None | Quote::Double, '\\') => {
                    at = self.lex_backslash(at, end, quote, &mut builder);
                }
                // `$'…'` and `$"…"` are quotes of bash.
                (Quote::None, '$')
                    if self
                        .text
                        .get(at + 1..end)
                        .is_some_and(|rest| rest.starts_with(['\'', '"'])) =>
                {
                    at += 1;
                }
                (Quote::None | Quote::Double, '$') => {
                    let to = self.substitution_end(at, end, &mut inner).unwrap_or(at + 1);
                    builder.push_verbatim(at, self.text.get(at..to).unwrap_or_default());
                    at = to;
                }
                _ => {
                    builder.push_verbatim(at, self.text.get(at..at + len).unwrap_or_default());
                    at += len;
                }
            }
        }
        LexedWord {
            offsets: builder,
            quotes,
            end: at,
            substitutions: inner,
        }
    }

    /// Reads a backslash with the line break or the character that it escapes, and adds the text to
    /// a word. Returns the offset after it. In double quotes, it escapes only a few characters.
    fn lex_backslash(
        &self,
        at: usize,
        end: usize,
        quote: Quote,
        word: &mut OffsetMapBuilder,
    ) -> usize {
        let breaks = self.line_break_len(at);
        if breaks > 0 {
            return at + breaks;
        }
        let escaped = self
            .text
            .get(at + 1..end)
            .and_then(|rest| rest.chars().next())
            .filter(|c| quote == Quote::None || matches!(c, '$' | '`' | '"' | '\\'));
        let Some(escaped) = escaped else {
            word.push_verbatim(at, "\\");
            return at + 1;
        };
        let len = 1 + escaped.len_utf8();
        word.push_replaced(at, len, escaped.encode_utf8(&mut [0; 4]));
        at + len
    }

    /// Returns the end of the `$(…)` or `${{ … }}` that begins here, and adds the content of `$(…)`
    /// to `inner`.
    fn substitution_end(
        &self,
        at: usize,
        end: usize,
        inner: &mut Vec<(usize, usize)>,
    ) -> Option<usize> {
        let rest = self.text.get(at..end)?;
        if rest.starts_with("$(") {
            let slot = self
                .closed
                .binary_search_by_key(&(at + 1), |&(open, _)| open)
                .ok()?;
            let close = self
                .closed
                .get(slot)
                .map(|&(_, close)| close)
                .filter(|&close| close < end)?;
            inner.push((at + 2, close));
            return Some(close + 1);
        }
        let next = self.braces.partition_point(|&close| close < at);
        let close = self
            .braces
            .get(next)
            .filter(|&&close| rest.starts_with("${{") && close + 2 <= end);
        close.map(|close| close + 2)
    }
}
