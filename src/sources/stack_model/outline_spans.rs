//! The text of stacks and components, for the outline of a file in an editor.

use crate::document::{Document, NodeId};
use crate::text::source::Span;

/// The text of a stack or a component.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutlineSpans {
    /// The whole text. It is empty if an alias puts its parts in another order.
    pub whole: Span,
    /// The part that names it, for example the key of a component.
    pub name: Span,
}

impl OutlineSpans {
    /// Creates the spans of a text from the start of `name` to the end of `last`.
    pub(super) fn new(document: &Document, name: NodeId, last: NodeId) -> Self {
        let (name, last) = (document.node(name).span, document.node(last).span);
        Self {
            whole: Span::new(name.start, last.end),
            name,
        }
    }

    /// Creates the spans of a node that contains its name.
    pub(super) fn of_node(document: &Document, node: NodeId, name: Option<NodeId>) -> Self {
        let whole = document.node(node).span;
        let name = name.map(|name| document.node(name).span);
        Self {
            whole,
            name: name.filter(|name| whole.contains(*name)).unwrap_or(whole),
        }
    }

    /// Creates the spans of a command. `name` is one of its words.
    pub(super) fn of_words(document: &Document, words: &[NodeId], name: Option<NodeId>) -> Self {
        let Some((&first, &last)) = words.first().zip(words.last()) else {
            return Self::default();
        };
        let (first, last) = (document.node(first).span, document.node(last).span);
        Self {
            whole: Span::new(first.start, last.end),
            name: name.map_or(first, |name| document.node(name).span),
        }
    }
}
