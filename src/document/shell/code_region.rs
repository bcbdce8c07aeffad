//! A region of shell code: where constructs such as quotes and substitutions end in it.
//!
//! A construct that is not closed ends with its logical line. From then on, no construct of the
//! region extends beyond its logical line. So the commands after a missing quote are still found,
//! and the search for a closing mark fails on the whole region only once.

use super::heredocs::{Heredoc, heredoc_body, heredoc_operator};
use memchr::{memchr, memchr_iter};
use std::cell::Cell;
use std::ops::Range;

/// A region of shell code.
pub(super) struct CodeRegion<'c> {
    /// The code, of which the region is a part.
    pub code: &'c str,
    /// The end of the region.
    pub end: usize,
    /// The ranges of the code that are replaced before this shell reads it, sorted.
    pub replaced: &'c [Range<usize>],
    /// Whether constructs end with their logical line.
    is_line_bound: Cell<bool>,
    /// Whether a here-document was not closed. Then the others are not searched.
    has_open_heredoc: Cell<bool>,
    /// The logical line in which the last construct began.
    line: Cell<(usize, usize)>,
}

/// A construct that ends with a mark of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Construct {
    /// `'…'`.
    Single,
    /// `$'…'`.
    Ansi,
    /// `"…"`.
    Double,
    /// `` `…` ``.
    Backtick {
        /// Whether it is in double quotes.
        quoted: bool,
    },
    /// `$(…)`, `(…)` and `<(…)`.
    Parentheses {
        /// Whether it contains arithmetic, where `#` and `<<` have another meaning.
        arithmetic: bool,
        /// Whether it contains commands of its own: `$(…)` and `<(…)`.
        substitution: bool,
    },
    /// `${…}`.
    Braces {
        /// Whether it is in double quotes, where single quotes have no meaning.
        quoted: bool,
    },
}

/// Code in a word that the shell runs to get a part of the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Substitution {
    /// The code without the marks around it.
    pub code: Range<usize>,
    /// `None` for `$(…)`. For backticks, whether they are in double quotes.
    pub backticks: Option<bool>,
}

/// The end of a construct.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    /// The end of its content.
    pub content_end: usize,
    /// The offset after its closing mark.
    pub next: usize,
}

impl<'c> CodeRegion<'c> {
    /// Creates a region up to `end`.
    pub fn new(code: &'c str, end: usize, replaced: &'c [Range<usize>]) -> Self {
        Self {
            code,
            end,
            replaced,
            is_line_bound: Cell::new(false),
            has_open_heredoc: Cell::new(false),
            line: Cell::new((0, 0)),
        }
    }

    /// Creates a region for a part of this one, up to `end`.
    pub fn part(&self, end: usize) -> Self {
        let part = Self::new(self.code, end.min(self.end), self.replaced);
        part.is_line_bound.set(self.is_line_bound.get());
        part
    }

    /// Lets constructs end with their logical line.
    pub fn bind_to_lines(&self) {
        self.is_line_bound.set(true);
    }

    /// Returns the byte at an offset. Returns `None` at the end of the region.
    pub fn byte(&self, at: usize) -> Option<u8> {
        (at < self.end)
            .then(|| self.code.as_bytes().get(at).copied())
            .flatten()
    }

    /// Returns the code in a range.
    pub fn slice(&self, from: usize, to: usize) -> &'c str {
        self.code.get(from..to.min(self.end)).unwrap_or_default()
    }

    /// Returns the bytes from an offset on.
    pub fn bytes_from(&self, at: usize) -> &'c [u8] {
        self.code.as_bytes().get(at..self.end).unwrap_or_default()
    }

    /// Returns the length of a backslash and the line break after it. Returns 0 for other text.
    pub fn continuation_len(&self, at: usize) -> usize {
        match self.bytes_from(at) {
            [b'\\', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] => 3,
            _ => 0,
        }
    }

    /// Returns whether an offset is inside code that is replaced before this shell reads it.
    pub fn is_replaced(&self, at: usize) -> bool {
        let next = self.replaced.partition_point(|range| range.end <= at);
        let range = self.replaced.get(next);
        range.is_some_and(|range| range.start < at)
    }

    /// Returns the end of a line, without its line break.
    pub fn end_of_line(&self, at: usize) -> usize {
        memchr(b'\n', self.bytes_from(at)).map_or(self.end, |len| at + len)
    }

    /// Returns the end of the line that contains an offset, and of the lines that backslashes append
    /// to it.
    pub fn logical_line_end(&self, at: usize) -> usize {
        let (start, end) = self.line.get();
        if start <= at && at < end {
            return end;
        }
        let rest = self.bytes_from(at);
        let is_end = |len: &usize| {
            let before = rest.get(..*len).unwrap_or_default();
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
            backslashes.count() % 2 == 0
        };
        let end = memchr_iter(b'\n', rest)
            .find(is_end)
            .map_or(self.end, |len| at + len);
        self.line.set((at, end));
        end
    }

    /// Returns the offset up to which a construct can extend.
    fn limit(&self, at: usize) -> usize {
        if self.is_line_bound.get() {
            self.logical_line_end(at)
        } else {
            self.end
        }
    }

    /// Returns the end of a construct, whose content begins at an offset. Adds the substitutions in
    /// it that are not in other substitutions.
    pub fn close(&self, at: usize, construct: Construct, inner: &mut Vec<Substitution>) -> Closed {
        let before = inner.len();
        let mut found = self.find_close(at, construct, inner);
        if found.is_none() && !self.is_line_bound.get() {
            self.bind_to_lines();
            inner.truncate(before);
            found = self.find_close(at, construct, inner);
        }
        if let Some(content_end) = found {
            return Closed {
                content_end,
                next: content_end + 1,
            };
        }
        inner.truncate(before);
        let end = self.limit(at);
        if construct.runs_commands() {
            inner.push(construct.content(at..end));
        }
        Closed {
            content_end: end,
            next: end,
        }
    }

    /// Returns the offset of the mark that closes a construct. Returns `None` if it is not closed.
    fn find_close(
        &self,
        at: usize,
        construct: Construct,
        inner: &mut Vec<Substitution>,
    ) -> Option<usize> {
        let mut search = CloseSearch {
            region: self,
            limit: self.limit(at),
            open: vec![(construct, at)],
            heredocs: Vec::new(),
            substitution_depth: usize::from(construct.runs_commands()),
            inner,
        };
        search.run(at)
    }

    /// Returns the body of a here-document that begins at the start of a line. Returns `None` if it
    /// is not closed, and for all later ones.
    pub fn heredoc_body(&self, at: usize, heredoc: &Heredoc) -> Option<(Range<usize>, usize)> {
        if self.has_open_heredoc.get() {
            return None;
        }
        let body = heredoc_body(self.slice(0, self.end), at, heredoc);
        if body.is_none() {
            self.has_open_heredoc.set(true);
        }
        body
    }
}

impl Construct {
    /// `$(…)` or `<(…)` whose content begins at an offset of a region.
    pub fn substitution(region: &CodeRegion<'_>, at: usize) -> Self {
        Self::Parentheses {
            arithmetic: region.byte(at) == Some(b'('),
            substitution: true,
        }
    }

    /// Returns the substitution with this content.
    fn content(self, code: Range<usize>) -> Substitution {
        let backticks = match self {
            Self::Backtick { quoted } => Some(quoted),
            _ => None,
        };
        Substitution { code, backticks }
    }

    fn runs_commands(self) -> bool {
        matches!(
            self,
            Self::Backtick { .. }
                | Self::Parentheses {
                    substitution: true,
                    ..
                }
        )
    }
}

/// A search for the mark that closes a construct, with the constructs that are open in it.
struct CloseSearch<'s, 'c> {
    region: &'s CodeRegion<'c>,
    limit: usize,
    open: Vec<(Construct, usize)>,
    /// The here-documents whose bodies begin in the next line.
    heredocs: Vec<Heredoc>,
    substitution_depth: usize,
    inner: &'s mut Vec<Substitution>,
}

impl CloseSearch<'_, '_> {
    fn byte(&self, at: usize) -> Option<u8> {
        (at < self.limit).then(|| self.region.byte(at)).flatten()
    }

    fn run(&mut self, mut at: usize) -> Option<usize> {
        loop {
            let byte = self.byte(at)?;
            let (construct, _) = *self.open.last()?;
            at = match construct {
                Construct::Single => self.end_of_single(at)?,
                Construct::Ansi => match byte {
                    b'\\' => at + 2,
                    b'\'' => self.pop(at)?,
                    _ => at + 1,
                },
                _ if byte == b'\\' => at + 2,
                Construct::Backtick { .. } if byte == b'`' => self.pop(at)?,
                Construct::Backtick { .. } => at + 1,
                Construct::Double if byte == b'"' => self.pop(at)?,
                Construct::Double => self.step_in_word(at, byte, true),
                Construct::Braces { .. } if byte == b'}' => self.pop(at)?,
                Construct::Braces { quoted } => self.step_in_word(at, byte, quoted),
                Construct::Parentheses { .. } if byte == b')' => self.pop(at)?,
                Construct::Parentheses { arithmetic, .. } => {
                    self.step_in_commands(at, byte, arithmetic)
                }
            };
            if self.open.is_empty() {
                return Some(at - 1);
            }
        }
    }

    /// Returns the offset after a single quote. Everything up to it is its content.
    fn end_of_single(&mut self, at: usize) -> Option<usize> {
        let rest = self.region.slice(at, self.limit).as_bytes();
        let end = at + memchr(b'\'', rest)?;
        self.pop(end)
    }

    /// Closes the innermost construct with the mark at an offset, and returns the offset after it.
    fn pop(&mut self, at: usize) -> Option<usize> {
        let (construct, start) = self.open.pop()?;
        if construct.runs_commands() {
            self.substitution_depth -= 1;
            if self.substitution_depth == 0 {
                self.inner.push(construct.content(start..at));
            }
        }
        Some(at + 1)
    }

    /// Opens a construct whose content begins at an offset.
    fn push(&mut self, construct: Construct, at: usize) -> usize {
        self.substitution_depth += usize::from(construct.runs_commands());
        self.open.push((construct, at));
        at
    }

    /// Reads a character in double quotes or in `${…}`.
    fn step_in_word(&mut self, at: usize, byte: u8, quoted: bool) -> usize {
        match byte {
            b'\'' if !quoted => self.push(Construct::Single, at + 1),
            b'"' => self.push(Construct::Double, at + 1),
            b'`' => self.push(Construct::Backtick { quoted }, at + 1),
            b'$' => self.step_after_dollar(at, quoted),
            _ => at + 1,
        }
    }

    fn step_after_dollar(&mut self, at: usize, quoted: bool) -> usize {
        match self.byte(at + 1) {
            Some(b'(') => {
                let construct = Construct::substitution(self.region, at + 2);
                self.push(construct, at + 2)
            }
            Some(b'{') => self.push(Construct::Braces { quoted }, at + 2),
            Some(b'\'') if !quoted => self.push(Construct::Ansi, at + 2),
            // `"$"` ends after the dollar.
            _ => at + 1,
        }
    }

    /// Reads a character of the commands in parentheses.
    fn step_in_commands(&mut self, at: usize, byte: u8, arithmetic: bool) -> usize {
        match byte {
            b'(' => self.push(
                Construct::Parentheses {
                    arithmetic,
                    substitution: false,
                },
                at + 1,
            ),
            b'#' if !arithmetic && self.is_word_start(at) => {
                self.region.end_of_line(at).min(self.limit)
            }
            b'<' if !arithmetic && self.byte(at + 1) == Some(b'<') => self.step_at_heredoc(at),
            b'\n' => self.skip_heredocs(at + 1),
            _ => self.step_in_word(at, byte, false),
        }
    }

    fn is_word_start(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.region.byte(at));
        before.is_none_or(|byte| b" \t\n\r;&|()".contains(&byte))
    }

    fn step_at_heredoc(&mut self, at: usize) -> usize {
        if self.byte(at + 2) == Some(b'<') {
            return at + 3;
        }
        let Some(heredoc) = heredoc_operator(self.region.slice(0, self.limit), at) else {
            return at + 2;
        };
        let end = heredoc.end;
        self.heredocs.push(heredoc);
        end
    }

    fn skip_heredocs(&mut self, mut at: usize) -> usize {
        for heredoc in std::mem::take(&mut self.heredocs) {
            match self.region.heredoc_body(at, &heredoc) {
                Some((_, next)) => at = next.min(self.limit),
                None => break,
            }
        }
        at
    }
}
