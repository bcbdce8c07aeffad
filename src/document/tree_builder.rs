//! Adds nodes to a document while a syntax's reader parses it, and links them.
//!
//! A reader adds a collection before its children, and finishes it after them.

use super::node::{
    ChildRange, DecodedText, NO_PARENT, Node, NodeId, NodeKind, Scalar, ScalarType, Style,
};
use super::scalar_text::without_quotes;
use super::{Document, SyntaxError};
use crate::text::source::Span;

impl Document {
    pub(super) fn add(&mut self, span: Span, kind: NodeKind) -> Result<NodeId, SyntaxError> {
        self.has_aliases |= matches!(kind, NodeKind::Alias(_));
        self.nodes
            .push(Node {
                span,
                kind,
                key: false,
                parent: NO_PARENT,
                slot: 0,
            })
            .ok_or_else(|| SyntaxError {
                span,
                message: "the file is too large: more than 4 GiB or two billion values".into(),
                help: None,
            })
    }

    /// Adds a mapping whose entries follow with [`Document::finish_mapping`].
    pub(super) fn add_mapping(&mut self, span: Span, flow: bool) -> Result<NodeId, SyntaxError> {
        self.add(
            span,
            NodeKind::Mapping {
                entries: ChildRange::default(),
                flow,
            },
        )
    }

    /// Adds a sequence whose items follow with [`Document::finish_sequence`].
    pub(super) fn add_sequence(&mut self, span: Span) -> Result<NodeId, SyntaxError> {
        self.add(span, NodeKind::Sequence(ChildRange::default()))
    }

    pub(super) fn add_scalar(
        &mut self,
        span: Span,
        value: &str,
        style: Style,
        ty: ScalarType,
    ) -> Result<NodeId, SyntaxError> {
        let value = match self.quote_len(span, value) {
            Some(quotes) => DecodedText::Verbatim(quotes),
            None => DecodedText::Decoded(self.texts.push(value)),
        };
        self.add(
            span,
            NodeKind::Scalar(Scalar {
                value,
                style,
                ty,
                non_specific: false,
                flow: false,
            }),
        )
    }

    /// Returns the length of the quotes around the value if the source contains the value as it is,
    /// or 0 if it has no quotes. Returns `None` if the source spells the value differently.
    fn quote_len(&self, span: Span, value: &str) -> Option<u8> {
        let raw = self.source.slice(span);
        let quotes = match raw.len().checked_sub(value.len())? {
            0 => 0,
            2 => 1,
            6 => 3,
            _ => return None,
        };
        (self.source.slice(without_quotes(span, quotes)) == value).then_some(quotes)
    }

    /// Sets the end and the entries of a mapping.
    pub(super) fn finish_mapping(&mut self, id: NodeId, end: usize, entries: &[(NodeId, NodeId)]) {
        let entries = append_children(&mut self.entries, entries);
        if let NodeKind::Mapping { flow, .. } = self.node(id).kind {
            self.nodes
                .finish_collection(id, end, NodeKind::Mapping { entries, flow });
        }
    }

    /// Sets the end and the items of a sequence.
    pub(super) fn finish_sequence(&mut self, id: NodeId, end: usize, items: &[NodeId]) {
        let items = append_children(&mut self.items, items);
        self.nodes
            .finish_collection(id, end, NodeKind::Sequence(items));
    }

    /// Sets the parent of each node, and whether it is part of a key and in a flow collection.
    pub(super) fn link_parents(&mut self) {
        // Parents precede their children, so a parent is linked before its children.
        for id in (0u32..).map(NodeId).take(self.nodes.len()) {
            let node = self.node(id);
            match node.kind {
                NodeKind::Mapping { entries, flow } => {
                    let pairs = entries.slice(&self.entries);
                    for (&(key, value), slot) in pairs.iter().zip(0u32..) {
                        self.nodes.set_parent(key, (id, slot), true, flow);
                        // The children of a collection that is a key are part of that key.
                        self.nodes.set_parent(value, (id, slot), node.key, flow);
                    }
                }
                NodeKind::Sequence(items) => {
                    let flow = self.source.slice(node.span).starts_with('[');
                    let items = items.slice(&self.items);
                    for (&item, slot) in items.iter().zip(0u32..) {
                        self.nodes.set_parent(item, (id, slot), node.key, flow);
                    }
                }
                NodeKind::Scalar(_) | NodeKind::Alias(_) => {}
            }
        }
    }
}

/// Appends the children of a collection to those of all collections.
fn append_children<T: Copy>(all: &mut Vec<T>, children: &[T]) -> ChildRange {
    // Each child is a node, so the numbers always fit.
    let start = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.extend_from_slice(children);
    ChildRange {
        start,
        end: u32::try_from(all.len()).unwrap_or(u32::MAX),
    }
}
