//! Searches for one of several words at once.

use aho_corasick::AhoCorasick;
use aho_corasick::packed::Searcher;

/// A search for words. It is created once, since that takes longer than a search.
#[derive(Debug)]
pub struct WordSearch {
    /// A search with vector instructions, if the machine has them. An automaton would choose a search
    /// for rare bytes, which is slow for text.
    vectors: Option<Searcher>,
    /// `None` if the words cannot be searched for. Then any text may contain them.
    automaton: Option<AhoCorasick>,
}

impl WordSearch {
    /// Creates a search for words.
    pub fn new(words: &[&str]) -> Self {
        let vectors = Searcher::new(words);
        let automaton = match vectors {
            Some(_) => None,
            None => AhoCorasick::new(words).ok(),
        };
        Self { vectors, automaton }
    }

    /// Returns whether a text contains a word.
    pub fn is_in(&self, text: &[u8]) -> bool {
        match (&self.vectors, &self.automaton) {
            (Some(search), _) => search.find(text).is_some(),
            (None, Some(search)) => search.is_match(text),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_is_found() {
        let search = WordSearch::new(&["step_operator", "step", "model"]);
        for (text, expected) in [
            ("", false),
            ("a step", true),
            ("steps: {}", true),
            ("a model", true),
            ("st ep mode", false),
        ] {
            assert_eq!(search.is_in(text.as_bytes()), expected, "{text}");
        }
        let slow = WordSearch {
            vectors: None,
            automaton: AhoCorasick::new(["a", "b"]).ok(),
        };
        assert!(slow.is_in(b"xb") && !slow.is_in(b"x"));
    }
}
