//! Reads one word of shell code as the shell passes it to a program.
//!
//! Quotes and escapes are removed. Variables, substitutions and globs stay as they are written, and
//! are recorded as expansions. Brace expansion is in `brace_expansion`.

use super::ansi_quotes::decode_ansi;
use super::code_region::{CodeRegion, Construct, Substitution};
use crate::document::offsets::OffsetMapBuilder;
use memchr::memmem;
use std::ops::Range;

/// The quotes around a part of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    /// None: the shell splits at blanks, and expands braces, variables and globs.
    Unquoted,
    /// `'…'` or `$'…'`.
    Single,
    /// `"…"`: the shell expands variables.
    Double,
}

/// A word that was read from shell code. Its offsets are offsets in the code.
pub(super) struct LexedWord {
    /// The text, with the map to the code.
    pub text: OffsetMapBuilder,
    /// The range in the code, with quotes.
    pub range: Range<usize>,
    /// The offsets in the text at which the quotes change, with the quotes from there on.
    pub quotes: Vec<(usize, Quote)>,
    /// The ranges of the text that the shell replaces, sorted.
    pub expansions: Vec<Range<usize>>,
    /// The code in the word that the shell runs.
    pub substitutions: Vec<Substitution>,
}

impl LexedWord {
    /// Creates an empty word with a range of the code.
    pub fn new(range: Range<usize>) -> Self {
        Self {
            text: OffsetMapBuilder::default(),
            range,
            quotes: Vec::new(),
            expansions: Vec::new(),
            substitutions: Vec::new(),
        }
    }

    /// Returns the decoded text.
    pub fn as_str(&self) -> &str {
        self.text.text()
    }

    /// Returns whether the text is written without quotes, escapes and expansions.
    pub fn is_plain(&self) -> bool {
        self.quotes.is_empty()
            && self.expansions.is_empty()
            && self.as_str().len() == self.range.len()
    }

    fn len(&self) -> usize {
        self.as_str().len()
    }

    /// Records a range as an expansion, and merges it with one that it overlaps.
    fn add_expansion(&mut self, range: Range<usize>) {
        match self.expansions.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => self.expansions.push(range),
        }
    }

    /// Adds code as it is. Parts that are replaced before the shell reads them are expansions.
    pub fn push(&mut self, region: &CodeRegion<'_>, from: usize, to: usize) {
        let start = self.len();
        self.text.push_verbatim(from, region.slice(from, to));
        let first = region
            .replaced
            .partition_point(|replaced| replaced.end <= from);
        let replaced = region.replaced.get(first..).unwrap_or_default();
        for range in replaced.iter().take_while(|range| range.start < to) {
            let (from_here, to_here) = (range.start.max(from), range.end.min(to));
            self.add_expansion(start + (from_here - from)..start + (to_here - from));
        }
    }

    /// Adds code that the shell replaces.
    fn push_expansion(&mut self, region: &CodeRegion<'_>, from: usize, to: usize) {
        let start = self.len();
        self.text.push_verbatim(from, region.slice(from, to));
        self.add_expansion(start..self.len());
    }
}

/// Reads the word at an offset. Its range is empty if no word begins there.
pub(super) fn read_word(region: &CodeRegion<'_>, start: usize) -> LexedWord {
    let mut word = LexedWord::new(start..start);
    let mut at = start;
    while let Some(byte) = region.byte(at) {
        at = match byte {
            b'<' | b'>' if region.byte(at + 1) == Some(b'(') => {
                read_parentheses(region, at, &mut word)
            }
            b'\r' if matches!(region.byte(at + 1), None | Some(b'\n')) => break,
            b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>' => break,
            b'\'' => read_single(region, at + 1, &mut word),
            b'"' => read_double(region, at + 1, &mut word),
            b'\\' => read_escape(region, at, &mut word),
            b'$' => read_dollar(region, at, false, &mut word),
            b'`' => read_backticks(region, at, false, &mut word),
            b'*' | b'?' => {
                word.push_expansion(region, at, at + 1);
                at + 1
            }
            _ => {
                let end = end_of_plain(region, at, region.end, |byte| {
                    b" \t\r\n;&|()<>'\"\\$`*?".contains(&byte)
                });
                word.push(region, at, end);
                end
            }
        };
    }
    word.range.end = at.max(start);
    word
}

/// Reads the body of a here-document, in which the shell expands variables. It ends with the region.
pub(super) fn read_heredoc_text(
    region: &CodeRegion<'_>,
    start: usize,
    strips_tabs: bool,
) -> LexedWord {
    let mut word = LexedWord::new(start..start);
    let mut at = start;
    while at < region.end {
        let mut end = region.end;
        if strips_tabs {
            while region.byte(at) == Some(b'\t') {
                at += 1;
            }
            end = (region.end_of_line(at) + 1).min(region.end);
        }
        // A substitution may extend beyond the line.
        at = read_double_content(region, at..end, true, &mut word);
    }
    word.range.end = region.end;
    word
}

/// Returns the end of text without special characters. It contains at least one byte.
fn end_of_plain(
    region: &CodeRegion<'_>,
    at: usize,
    end: usize,
    is_special: impl Fn(u8) -> bool,
) -> usize {
    let rest = region.slice(at, end).as_bytes();
    let len = rest.iter().skip(1).position(|&byte| is_special(byte));
    at + len.map_or(rest.len().max(1), |len| len + 1)
}

fn read_single(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    let closed = region.close(at, Construct::Single, &mut word.substitutions);
    word.quotes.push((word.len(), Quote::Single));
    word.push(region, at, closed.content_end);
    word.quotes.push((word.len(), Quote::Unquoted));
    closed.next
}

fn read_ansi(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    let closed = region.close(at, Construct::Ansi, &mut word.substitutions);
    word.quotes.push((word.len(), Quote::Single));
    decode_ansi(region.slice(at, closed.content_end), at, &mut word.text);
    word.quotes.push((word.len(), Quote::Unquoted));
    closed.next
}

fn read_double(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    // The substitutions are read again below.
    let closed = region.close(at, Construct::Double, &mut Vec::new());
    word.quotes.push((word.len(), Quote::Double));
    read_double_content(region, at..closed.content_end, false, word);
    word.quotes.push((word.len(), Quote::Unquoted));
    closed.next
}

/// Reads text in which only variables and a few escapes have a meaning: the content of double
/// quotes, or of a here-document. Returns the offset after it.
fn read_double_content(
    region: &CodeRegion<'_>,
    range: Range<usize>,
    is_heredoc: bool,
    word: &mut LexedWord,
) -> usize {
    let mut at = range.start;
    while at < range.end {
        let Some(byte) = region.byte(at) else { break };
        at = match byte {
            b'\\' => read_double_escape(region, at, is_heredoc, word),
            b'$' => read_dollar(region, at, true, word),
            b'`' => read_backticks(region, at, true, word),
            _ => {
                let is_special = |byte| matches!(byte, b'\\' | b'$' | b'`');
                let end = end_of_plain(region, at, range.end, is_special);
                word.push(region, at, end);
                end
            }
        };
    }
    at
}

/// Reads a backslash in double quotes. It escapes only a few characters.
fn read_double_escape(
    region: &CodeRegion<'_>,
    at: usize,
    is_heredoc: bool,
    word: &mut LexedWord,
) -> usize {
    match (region.continuation_len(at), region.byte(at + 1)) {
        (0, Some(b'$' | b'`' | b'\\')) => push_escaped(region, at, word),
        (0, Some(b'"')) if !is_heredoc => push_escaped(region, at, word),
        (0, _) => {
            word.push(region, at, at + 1);
            at + 1
        }
        (len, _) => at + len,
    }
}

/// Reads a backslash outside of quotes, and the character that it escapes.
fn read_escape(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    match region.continuation_len(at) {
        0 => push_escaped(region, at, word),
        len => at + len,
    }
}

fn push_escaped(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    let rest = region.slice(at + 1, region.end);
    let Some(escaped) = rest.chars().next() else {
        word.push(region, at, at + 1);
        return at + 1;
    };
    let len = 1 + escaped.len_utf8();
    word.text
        .push_replaced(at, len, escaped.encode_utf8(&mut [0; 4]));
    at + len
}

/// Reads `$` and the variable, substitution or quotes after it.
fn read_dollar(region: &CodeRegion<'_>, at: usize, quoted: bool, word: &mut LexedWord) -> usize {
    let Some(next) = region.byte(at + 1) else {
        word.push(region, at, at + 1);
        return at + 1;
    };
    let end = match next {
        b'(' => return read_parentheses(region, at, word),
        b'{' => github_expression_end(region, at).unwrap_or_else(|| {
            let braces = Construct::Braces { quoted };
            region.close(at + 2, braces, &mut word.substitutions).next
        }),
        b'\'' if !quoted => return read_ansi(region, at + 2, word),
        b'"' if !quoted => return read_double(region, at + 2, word),
        b'_' | b'a'..=b'z' | b'A'..=b'Z' => end_of_plain(region, at + 1, region.end, |byte| {
            !(byte.is_ascii_alphanumeric() || byte == b'_')
        }),
        b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => at + 2,
        _ => {
            word.push(region, at, at + 1);
            return at + 1;
        }
    };
    word.push_expansion(region, at, end);
    end
}

/// Returns the end of `${{ … }}`, an expression of GitHub Actions.
fn github_expression_end(region: &CodeRegion<'_>, at: usize) -> Option<usize> {
    if region.byte(at + 2) != Some(b'{') {
        return None;
    }
    let line = region.slice(at, region.logical_line_end(at));
    memmem::find(line.as_bytes(), b"}}").map(|len| at + len + 2)
}

/// Reads `$(…)` or `<(…)`. The offset is that of the character before the parenthesis.
fn read_parentheses(region: &CodeRegion<'_>, at: usize, word: &mut LexedWord) -> usize {
    let construct = Construct::substitution(region, at + 2);
    let end = region
        .close(at + 2, construct, &mut word.substitutions)
        .next;
    word.push_expansion(region, at, end);
    end
}

fn read_backticks(region: &CodeRegion<'_>, at: usize, quoted: bool, word: &mut LexedWord) -> usize {
    let backticks = Construct::Backtick { quoted };
    let end = region
        .close(at + 1, backticks, &mut word.substitutions)
        .next;
    word.push_expansion(region, at, end);
    end
}
