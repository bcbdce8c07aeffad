//! The words of a script: their maps to the file, the parts that the shell replaces, and the quotes.
//!
//! A word that the file contains as it is, without variables, is not stored.

use super::quote_style;
use crate::document::offsets::OffsetMap;
use crate::document::shell::{Quote, Word};
use crate::document::{Document, NodeId, ScriptHost, Style, Syntax};
use std::ops::Range;

/// The words of a script, sorted by their nodes.
#[derive(Debug, Default)]
pub(in crate::document) struct ScriptWords(Vec<(NodeId, ScriptWord)>);

/// A word that cannot be derived from its node.
#[derive(Debug)]
struct ScriptWord {
    offsets: OffsetMap,
    expansions: Vec<Range<usize>>,
    quotes: Vec<(usize, Quote)>,
    is_split: bool,
}

impl ScriptWords {
    /// Adds the word of a node. Nodes are added in ascending order.
    pub fn add(&mut self, id: NodeId, word: &Word) {
        let is_simple = !word.is_split
            && word.offsets.is_verbatim()
            && word.expansions.is_empty()
            && word.quotes.len() <= 1;
        if !is_simple {
            let word = ScriptWord {
                offsets: word.offsets.clone(),
                expansions: word.expansions.clone(),
                quotes: word.quotes.clone(),
                is_split: word.is_split,
            };
            self.0.push((id, word));
        }
    }

    /// Returns the map of a word. Returns `None` if the file contains the word as it is.
    pub fn offsets(&self, id: NodeId) -> Option<&OffsetMap> {
        self.get(id).map(|word| &word.offsets)
    }

    fn get(&self, id: NodeId) -> Option<&ScriptWord> {
        let index = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(index).map(|(_, word)| word)
    }
}

impl Document {
    /// Returns the ranges of a word that the shell replaces, sorted: variables, substitutions,
    /// globs and braces. They are empty for scalars of other syntaxes.
    pub fn expansions(&self, id: NodeId) -> &[Range<usize>] {
        self.script_words
            .get(id)
            .map_or(&[], |word| &word.expansions)
    }

    /// Returns whether a scalar is a reference without quotes in a script, which the shell splits into
    /// several words.
    pub fn is_split_reference(&self, id: NodeId) -> bool {
        let has_reference = |text: &str| text.contains("{{");
        self.script_words.get(id).is_some_and(|word| word.is_split)
            && self.text(id).is_some_and(has_reference)
    }

    /// Returns whether `IPython` halves the braces at an offset in a word of a notebook: `{{` reaches
    /// the shell as `{`. See `snippets/notebook/python_variables.rs`.
    pub fn is_halved(&self, id: NodeId, at: usize) -> bool {
        let is_notebook = self.syntax == Syntax::Script(ScriptHost::Notebook);
        let offsets = is_notebook.then(|| self.offsets(id));
        let piece = offsets.and_then(|offsets| offsets.pieces(at..at + 2).next());
        piece.is_some_and(|piece| {
            !piece.verbatim && piece.decoded.len() == 2 && self.source.slice(piece.source) == "{{"
        })
    }

    /// Returns the notation of a byte in a scalar. In a word of a script, the quotes can change.
    /// [`Style::Plain`] is text that the shell splits at blanks, and whose braces it expands.
    pub fn style_at(&self, id: NodeId, at: usize) -> Option<Style> {
        let Some(word) = self.script_words.get(id) else {
            return self.scalar(id).map(|scalar| scalar.style);
        };
        let after = word.quotes.partition_point(|&(from, _)| from <= at);
        let quote = after
            .checked_sub(1)
            .and_then(|index| word.quotes.get(index));
        Some(quote.map_or(Style::Plain, |&(_, quote)| quote_style(quote)))
    }
}
