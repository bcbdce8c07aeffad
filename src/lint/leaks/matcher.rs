//! Many byte strings, looked for at once: an automaton (Aho-Corasick) knows how they begin, and where one begins, a binary search
//! finds the longest that is there. So the time does not depend on how many begin alike.
//!
//! The automaton is made without prefilters, which would keep copies of the values.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::ops::Range;
use zeroize::Zeroizing;

/// Bytes of a form that the automaton knows.
const PREFIX_BYTES: usize = 16;
/// Bytes of all beginnings up to which the automaton is a table.
const MAX_DENSE_PREFIX_BYTES: usize = 50_000;
/// Bytes of a piece that are searched again with the next one.
pub(super) const OVERLAP: usize = PREFIX_BYTES - 1;

/// Which white space and escapes of line breaks may be between the letters of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gaps {
    /// None.
    Forbidden,
    /// Only line breaks, with the indentation behind them.
    LineBreaks,
    /// Also blanks alone, as in a key that was put on one line.
    Any,
}

/// One way in which a value is written.
pub(super) struct Pattern {
    pub bytes: Zeroizing<Vec<u8>>,
    /// The index of its value.
    pub value: usize,
    /// How messages describe it.
    pub encoding: &'static str,
    /// Whether these are only the first bytes.
    pub is_truncated: bool,
    pub gaps: Gaps,
}

/// Forms, ready to be looked for.
pub(super) struct Matcher {
    /// Finds how forms begin.
    automaton: AhoCorasick,
    /// Sorted, each once.
    patterns: Vec<Pattern>,
    /// By form: the longest other one that it begins with.
    longest_prefix: Vec<Option<usize>>,
}

impl Matcher {
    /// Takes in forms. Returns `None` if they are more than an automaton can know.
    pub fn new(mut patterns: Vec<Pattern>) -> Option<Self> {
        patterns.sort_by(|a, b| (a.bytes.as_slice(), a.value).cmp(&(b.bytes.as_slice(), b.value)));
        patterns.dedup_by(|b, a| a.bytes == b.bytes);
        let mut shorter = Vec::with_capacity(patterns.len());
        let mut open: Vec<usize> = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let is_beginning = |&shorter: &usize| {
                patterns.get(shorter).is_some_and(|shorter| pattern.bytes.starts_with(&shorter.bytes))
            };
            while open.pop_if(|shorter| !is_beginning(shorter)).is_some() {}
            shorter.push(open.last().copied());
            open.push(at);
        }
        let head_of =
            |pattern: &Pattern| pattern.bytes.get(..PREFIX_BYTES.min(pattern.bytes.len())).unwrap_or_default().to_vec();
        let mut heads: Vec<Zeroizing<Vec<u8>>> =
            patterns.iter().map(|pattern| Zeroizing::new(head_of(pattern))).collect();
        heads.dedup();
        // A table for each state is twice as fast, while it fits the caches.
        let few = heads.iter().map(|head| head.len()).sum::<usize>() <= MAX_DENSE_PREFIX_BYTES;
        let kind = few.then_some(AhoCorasickKind::DFA);
        let heads = heads.iter().map(|head| head.as_slice());
        let automaton = AhoCorasick::builder().prefilter(false).kind(kind).build(heads).ok()?;
        Some(Self { automaton, patterns, longest_prefix: shorter })
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns whether a form may begin in a text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.automaton.is_match(text)
    }

    /// Returns the places of the forms in a text, the longest where several begin.
    pub fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (Range<usize>, &'t Pattern)> {
        self.automaton.find_overlapping_iter(text).filter_map(move |begun| {
            let pattern = self.longest_match(text.get(begun.start()..)?)?;
            Some((begun.start()..begun.start() + pattern.bytes.len(), pattern))
        })
    }

    /// Returns the longest form that a text begins with.
    fn longest_match(&self, text: &[u8]) -> Option<&Pattern> {
        // Every form that the text begins with is the last one up to the text, or is what that one begins with.
        let mut at = self.patterns.partition_point(|pattern| pattern.bytes.as_slice() <= text).checked_sub(1)?;
        loop {
            let pattern = self.patterns.get(at)?;
            if text.starts_with(&pattern.bytes) {
                return Some(pattern);
            }
            at = (*self.longest_prefix.get(at)?)?;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn matcher(patterns: &[&str]) -> Matcher {
        let pattern = |(value, text): (usize, &&str)| Pattern {
            bytes: Zeroizing::new(text.as_bytes().to_vec()),
            value,
            encoding: "",
            is_truncated: false,
            gaps: Gaps::Forbidden,
        };
        Matcher::new(patterns.iter().enumerate().map(pattern).collect()).unwrap()
    }

    #[test]
    fn the_longest_form_is_found_however_many_begin_alike() {
        let alike = "the same sixteen letters, and ";
        let many: Vec<String> = (0..3_000).map(|at| format!("{alike}{at:04}")).collect();
        let mut patterns: Vec<&str> = many.iter().map(String::as_str).collect();
        let longer = format!("{alike}0007 and more");
        patterns.extend([alike, &longer, "short one"]);
        let matcher = matcher(&patterns);
        let found = |text: &str| -> Vec<String> {
            let mut found: Vec<_> = matcher.find(text.as_bytes()).map(|(span, _)| text[span].to_owned()).collect();
            found.dedup();
            found
        };
        assert_eq!(found(&format!("x {alike}2999")), [format!("{alike}2999")]);
        assert_eq!(found(&format!("x {alike}none")), [alike]);
        assert_eq!(found(&format!("{longer}, and {alike}0007 and less")), [longer.clone(), format!("{alike}0007")]);
        assert_eq!(found("a short one"), ["short one"]);
        assert_eq!(found(&alike[..20]), [""; 0]);
    }
}
