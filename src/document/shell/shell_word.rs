//! A word of a command, with its map to the file.

use super::word_lexer::{LexedWord, Quote};
use crate::document::offsets::OffsetMap;
use crate::text::source::Span;
use std::ops::Range;

/// A word of a command.
#[derive(Clone)]
pub(crate) struct Word {
    /// The text that the shell passes to the program. Variables and substitutions are as written.
    pub text: String,
    /// The map from the text to the file.
    pub offsets: OffsetMap,
    /// The span in the file, with quotes.
    pub span: Span,
    /// The ranges of the text that the shell replaces, sorted: variables, substitutions, globs.
    pub expansions: Vec<Range<usize>>,
    /// The offsets in the text at which the quotes change, with the quotes from there on.
    pub quotes: Vec<(usize, Quote)>,
    /// Whether the shell splits the text into several words.
    pub is_split: bool,
}

impl Word {
    /// Creates a word from one that was read from code. `code` maps the code to the file. Returns
    /// its text's map to the code, too.
    pub(super) fn new(lexed: LexedWord, code: &OffsetMap) -> (Self, OffsetMap) {
        let range = lexed.range;
        let span = code.source(range.start, range.end);
        let (text, in_code) = lexed.text.into_text(Span::new(range.start, range.end));
        let word = Self {
            offsets: code.compose(&in_code),
            text,
            span,
            expansions: lexed.expansions,
            quotes: lexed.quotes,
            is_split: false,
        };
        (word, in_code)
    }

    /// Returns the quotes around a byte of the text.
    pub fn quote_at(&self, at: usize) -> Quote {
        let after = self.quotes.partition_point(|&(from, _)| from <= at);
        let quote = after
            .checked_sub(1)
            .and_then(|index| self.quotes.get(index));
        quote.map_or(Quote::Unquoted, |&(_, quote)| quote)
    }

    /// Creates a word from a range of this word's text.
    pub fn part(&self, range: &Range<usize>) -> Self {
        let span = if self.text.is_empty() {
            self.span
        } else {
            self.offsets.source(range.start, range.end)
        };
        let in_text = OffsetMap::from_verbatim(Span::new(range.start, range.end));
        let expansions = self.expansions.iter().filter_map(|expansion| {
            let start = expansion.start.max(range.start);
            let end = expansion.end.min(range.end);
            (start < end).then(|| start - range.start..end - range.start)
        });
        let inside = self
            .quotes
            .iter()
            .filter(|(at, _)| range.start < *at && *at < range.end)
            .map(|&(at, quote)| (at - range.start, quote));
        Self {
            text: self.text.get(range.clone()).unwrap_or_default().to_owned(),
            offsets: self.offsets.compose(&in_text),
            span,
            expansions: expansions.collect(),
            quotes: std::iter::once((0, self.quote_at(range.start)))
                .chain(inside)
                .collect(),
            is_split: self.is_split,
        }
    }

    /// Returns the word with a value in place of its text from an offset on. It keeps its span.
    pub(super) fn with_value(&self, at: usize, value: Self) -> Self {
        if at == 0 {
            return Self {
                span: self.span,
                ..value
            };
        }
        let mut word = self.part(&(0..at));
        word.offsets.append(at, &value.offsets);
        word.text.push_str(&value.text);
        let shift = |range: Range<usize>| range.start + at..range.end + at;
        word.expansions
            .extend(value.expansions.into_iter().map(shift));
        let quotes = value.quotes.into_iter();
        word.quotes
            .extend(quotes.map(|(from, quote)| (from + at, quote)));
        Self {
            span: self.span,
            ..word
        }
    }

    /// Joins words with spaces, as `eval` does.
    pub fn join(words: Vec<Self>) -> Option<Self> {
        let mut words = words.into_iter();
        let mut joined = words.next()?;
        for word in words {
            let space = Span::new(joined.span.end, word.span.start);
            joined
                .offsets
                .append(joined.text.len(), &OffsetMap::replaced_by(space));
            joined.text.push(' ');
            let start = joined.text.len();
            joined.offsets.append(start, &word.offsets);
            joined.text.push_str(&word.text);
            let expansions = word.expansions.into_iter();
            joined
                .expansions
                .extend(expansions.map(|range| range.start + start..range.end + start));
            joined.span = Span::new(joined.span.start, word.span.end.max(joined.span.end));
        }
        Some(joined)
    }
}
