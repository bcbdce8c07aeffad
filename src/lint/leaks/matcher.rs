//! Searches for many byte strings at once.
//!
//! An Aho-Corasick automaton finds the prefixes of the patterns. At each prefix, a binary search
//! finds the longest pattern, so the time does not depend on how many patterns share a prefix.
//!
//! The automaton is built without prefilters, which would keep copies of the values.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::ops::Range;

/// The length of the prefixes in the automaton. Longer ones would make it larger but not more
/// selective.
const PREFIX_BYTES: usize = 16;
/// The total length of the prefixes up to which the automaton is a DFA, whose table fits the
/// caches.
const MAX_DENSE_PREFIX_BYTES: usize = 50_000;
/// The end of a chunk that is searched again with the next chunk: a prefix may begin in it.
pub(super) const OVERLAP: usize = PREFIX_BYTES - 1;

/// The whitespace and escaped line breaks that may be between the bytes of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gaps {
    /// No gaps.
    Forbidden,
    /// Line breaks, each with the indentation after it.
    LineBreaks,
    /// Line breaks and blanks, as in a key that was joined to one line.
    Any,
}

/// One way to write a value.
pub(super) struct Pattern {
    pub bytes: Vec<u8>,
    /// The index of its value.
    pub value: usize,
    /// The description of the encoding in messages, such as `, in base64`; empty if the value is
    /// written as it is.
    pub encoding: &'static str,
    /// Whether `bytes` is only the beginning of the value.
    pub is_truncated: bool,
    pub gaps: Gaps,
}

/// An index of patterns.
pub(super) struct Matcher {
    /// Finds the prefixes of the patterns.
    automaton: AhoCorasick,
    /// The patterns, sorted and without duplicates.
    patterns: Vec<Pattern>,
    /// For each pattern, the longest other pattern that is a prefix of it.
    longest_prefix: Vec<Option<usize>>,
}

impl Matcher {
    /// Indexes patterns. Returns `None` if there are more than the automaton can contain.
    pub fn new(mut patterns: Vec<Pattern>) -> Option<Self> {
        patterns.sort_by(|a, b| (a.bytes.as_slice(), a.value).cmp(&(b.bytes.as_slice(), b.value)));
        patterns.dedup_by(|b, a| a.bytes == b.bytes);
        let longest_prefix = longest_prefixes(&patterns);
        let mut prefixes: Vec<&[u8]> = patterns.iter().map(Pattern::prefix).collect();
        prefixes.dedup();
        // A DFA is twice as fast as long as it fits the caches.
        let is_small =
            prefixes.iter().map(|prefix| prefix.len()).sum::<usize>() <= MAX_DENSE_PREFIX_BYTES;
        let kind = is_small.then_some(AhoCorasickKind::DFA);
        let automaton = AhoCorasick::builder()
            .prefilter(false)
            .kind(kind)
            .build(prefixes)
            .ok()?;
        Some(Self {
            automaton,
            patterns,
            longest_prefix,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns whether a pattern may begin in a text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.automaton.is_match(text)
    }

    /// Iterates over the patterns in a text. Where several begin, only the longest one is returned.
    pub fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (Range<usize>, &'t Pattern)> {
        self.automaton
            .find_overlapping_iter(text)
            .filter_map(move |prefix| {
                let pattern = self.longest_match(text.get(prefix.start()..)?)?;
                Some((
                    prefix.start()..prefix.start() + pattern.bytes.len(),
                    pattern,
                ))
            })
    }

    /// Returns the longest pattern that a text begins with.
    fn longest_match(&self, text: &[u8]) -> Option<&Pattern> {
        // A pattern that the text begins with is the last pattern up to the text, or a prefix of
        // it.
        let mut at = self
            .patterns
            .partition_point(|pattern| pattern.bytes.as_slice() <= text)
            .checked_sub(1)?;
        loop {
            let pattern = self.patterns.get(at)?;
            if text.starts_with(&pattern.bytes) {
                return Some(pattern);
            }
            at = (*self.longest_prefix.get(at)?)?;
        }
    }
}

impl Pattern {
    /// Returns the bytes that the automaton contains.
    fn prefix(&self) -> &[u8] {
        self.bytes.get(..PREFIX_BYTES).unwrap_or(&self.bytes)
    }
}

/// Returns, for each of the sorted patterns, the longest other pattern that is a prefix of it.
fn longest_prefixes(patterns: &[Pattern]) -> Vec<Option<usize>> {
    let mut longest = Vec::with_capacity(patterns.len());
    // The patterns that are prefixes of the last one, by length.
    let mut open: Vec<usize> = Vec::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let is_prefix = |other: &usize| {
            patterns
                .get(*other)
                .is_some_and(|other| pattern.bytes.starts_with(&other.bytes))
        };
        while open.pop_if(|other| !is_prefix(other)).is_some() {}
        longest.push(open.last().copied());
        open.push(at);
    }
    longest
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn matcher(patterns: &[&str]) -> Matcher {
        let pattern = |(value, text): (usize, &&str)| Pattern {
            bytes: text.as_bytes().to_vec(),
            value,
            encoding: "",
            is_truncated: false,
            gaps: Gaps::Forbidden,
        };
        Matcher::new(patterns.iter().enumerate().map(pattern).collect()).unwrap()
    }

    #[test]
    fn find_returns_the_longest_of_many_patterns_with_the_same_prefix() {
        let alike = "the same sixteen letters, and ";
        let many: Vec<String> = (0..3_000).map(|at| format!("{alike}{at:04}")).collect();
        let mut patterns: Vec<&str> = many.iter().map(String::as_str).collect();
        let longer = format!("{alike}0007 and more");
        patterns.extend([alike, &longer, "short one"]);
        let matcher = matcher(&patterns);
        let found = |text: &str| -> Vec<String> {
            let mut found: Vec<_> = matcher
                .find(text.as_bytes())
                .map(|(span, _)| text[span].to_owned())
                .collect();
            found.dedup();
            found
        };
        assert_eq!(found(&format!("x {alike}2999")), [format!("{alike}2999")]);
        assert_eq!(found(&format!("x {alike}none")), [alike]);
        assert_eq!(
            found(&format!("{longer}, and {alike}0007 and less")),
            [longer.clone(), format!("{alike}0007")]
        );
        assert_eq!(found("a short one"), ["short one"]);
        assert_eq!(found(&alike[..20]), [""; 0]);
    }
}
