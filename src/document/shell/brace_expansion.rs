//! Brace expansion: `--{a,b}=c` is two words.
//!
//! A word with two adjacent braces, such as `{{a.b,c}}`, is not expanded, since it was probably
//! meant as a reference. Its braces are recorded as an expansion.

use super::shell_word::Word;
use super::word_lexer::Quote;
use crate::document::offsets::{OffsetMap, OffsetMapBuilder};
use std::ops::Range;

/// The most words that one word expands to. Otherwise it is not expanded.
const MAX_WORDS: usize = 16;

/// The most braces that are searched in a word.
const MAX_BRACES: usize = 8;

/// Expands the braces of a word. `in_code` maps its text to the code, and shows which characters are
/// escaped.
pub(super) fn expand_braces(mut word: Word, in_code: &OffsetMap) -> Vec<Word> {
    let may_expand = word.text.contains('{')
        && word.text.contains('}')
        && (word.text.contains(',') || word.text.contains(".."));
    if !may_expand {
        return vec![word];
    }
    let active = active_bytes(&word, in_code);
    let braces = Braces {
        text: word.text.as_bytes(),
        active: &active,
    };
    let Some(expanded) = braces.expand() else {
        let whole = 0..word.text.len();
        word.expansions = vec![whole];
        return vec![word];
    };
    let words = expanded.iter().filter(|bytes| !bytes.is_empty());
    let words = words.map(|bytes| {
        let mut word = word_of_bytes(&word, bytes);
        word.expansions.extend(braces.double_groups(bytes));
        word.expansions.sort_by_key(|range| range.start);
        word
    });
    words.collect()
}

/// Returns for each byte of a text whether the shell reads it as syntax: not in quotes, not escaped
/// and not in an expansion.
fn active_bytes(word: &Word, in_code: &OffsetMap) -> Vec<bool> {
    let mut active = vec![true; word.text.len()];
    let ends = word.quotes.iter().skip(1).map(|&(at, _)| at);
    let ends = ends.chain([word.text.len()]);
    let quoted = word
        .quotes
        .iter()
        .zip(ends)
        .filter(|((_, quote), _)| *quote != Quote::Unquoted)
        .map(|(&(start, _), end)| start..end);
    let escaped = in_code.replaced(word.text.len());
    for range in quoted.chain(escaped).chain(word.expansions.iter().cloned()) {
        if let Some(bytes) = active.get_mut(range) {
            bytes.fill(false);
        }
    }
    active
}

/// Creates a word from some bytes of another one.
fn word_of_bytes(word: &Word, offsets: &[usize]) -> Word {
    let mut builder = OffsetMapBuilder::default();
    let mut quotes = Vec::new();
    let mut expansions = Vec::new();
    let mut rest = offsets;
    while let Some(&start) = rest.first() {
        let len = rest
            .iter()
            .zip(start..)
            .take_while(|(at, expected)| **at == *expected)
            .count();
        let part = word.part(&(start..start + len));
        let at = builder.text().len();
        quotes.extend(part.quotes.iter().map(|&(from, quote)| (at + from, quote)));
        let shifted = part.expansions.iter().map(|r| at + r.start..at + r.end);
        expansions.extend(shifted);
        builder.push_verbatim(start, &part.text);
        rest = rest.get(len..).unwrap_or_default();
    }
    let (text, in_word) = builder.into_text((0..word.text.len()).into());
    let offsets = word.offsets.compose(&in_word);
    Word {
        text,
        offsets,
        span: word.span,
        expansions,
        quotes,
        is_split: false,
    }
}

/// The bytes of a word in which braces are searched.
struct Braces<'w> {
    text: &'w [u8],
    active: &'w [bool],
}

/// A pair of braces with commas, as indices in a list of bytes.
struct Group {
    open: usize,
    /// The commas, and the closing brace.
    ends: Vec<usize>,
    /// Whether another brace precedes it.
    is_double: bool,
}

impl Braces<'_> {
    fn is(&self, at: usize, byte: u8) -> bool {
        self.text.get(at) == Some(&byte) && self.active.get(at) == Some(&true)
    }

    /// Returns the bytes of each word that the braces expand to. Returns `None` if these are too
    /// many words.
    fn expand(&self) -> Option<Vec<Vec<usize>>> {
        let mut pending: Vec<Vec<usize>> = vec![(0..self.text.len()).collect()];
        let mut expanded = Vec::new();
        while let Some(bytes) = pending.pop() {
            let Some(group) = self.groups(&bytes).find(|group| !group.is_double) else {
                expanded.push(bytes);
                continue;
            };
            let close = group.ends.last().copied().unwrap_or(group.open);
            let mut start = group.open + 1;
            let mut alternatives = Vec::new();
            for &end in &group.ends {
                let parts = [
                    bytes.get(..group.open),
                    bytes.get(start..end),
                    bytes.get(close + 1..),
                ];
                alternatives.push(parts.into_iter().flatten().flatten().copied().collect());
                start = end + 1;
            }
            if expanded.len() + pending.len() + alternatives.len() > MAX_WORDS {
                return None;
            }
            alternatives.reverse();
            pending.extend(alternatives);
        }
        Some(expanded)
    }

    /// Returns the ranges of a word that the shell expands, but that were meant as a reference.
    fn double_groups(&self, bytes: &[usize]) -> Vec<Range<usize>> {
        let groups = self.groups(bytes).filter(|group| group.is_double);
        let ranges = groups.filter_map(|group| Some(group.open..group.ends.last()? + 1));
        ranges.collect()
    }

    /// Returns the pairs of braces with a comma.
    fn groups(&self, bytes: &[usize]) -> impl Iterator<Item = Group> {
        let opens = (0..bytes.len()).filter(|&index| self.is_at(bytes, index, b'{'));
        opens
            .take(MAX_BRACES)
            .filter_map(|open| self.group_at(bytes, open))
    }

    fn is_at(&self, bytes: &[usize], index: usize, byte: u8) -> bool {
        bytes.get(index).is_some_and(|&at| self.is(at, byte))
    }

    fn group_at(&self, bytes: &[usize], open: usize) -> Option<Group> {
        let (mut depth, mut ends) = (0, Vec::new());
        for index in open..bytes.len() {
            if self.is_at(bytes, index, b'{') {
                depth += 1;
            } else if self.is_at(bytes, index, b'}') {
                depth -= 1;
                if depth == 0 {
                    let has_comma = !ends.is_empty();
                    ends.push(index);
                    let before = open.checked_sub(1);
                    let is_double = before.is_some_and(|at| self.is_at(bytes, at, b'{'));
                    return has_comma.then_some(Group {
                        open,
                        ends,
                        is_double,
                    });
                }
            } else if depth == 1 && self.is_at(bytes, index, b',') {
                ends.push(index);
            }
        }
        None
    }
}
