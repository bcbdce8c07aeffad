//! Adds nodes to a document while a syntax's reader parses it, and links them.
//!
//! A reader adds a collection before its children, and finishes it after them. That links them.

use super::node::{ChildRange, DecodedText, NodeId, NodeKind, Scalar, ScalarType, Style};
use super::scalar_text::without_quotes;
use super::{Document, SyntaxError};
use crate::text::source::Span;
use crate::zenml::grammar::may_contain_reference;

impl Document {
    pub(super) fn add(&mut self, span: Span, kind: NodeKind) -> Result<NodeId, SyntaxError> {
        self.has_aliases |= matches!(kind, NodeKind::Alias(_));
        self.add_node(span, kind, false)
    }

    fn add_node(
        &mut self,
        span: Span,
        kind: NodeKind,
        braces: bool,
    ) -> Result<NodeId, SyntaxError> {
        self.nodes
            .push(span, kind, braces)
            .ok_or_else(|| SyntaxError {
                span,
                message: "the file is too large: more than 4 GiB or a billion values".into(),
                help: None,
            })
    }

    /// Adds a mapping whose entries follow with [`Document::finish_mapping`].
    pub(super) fn add_mapping(&mut self, span: Span, flow: bool) -> Result<NodeId, SyntaxError> {
        self.has_flow_mappings |= flow;
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
        let verbatim = self.quote_len(span, value).map(DecodedText::Verbatim);
        let may_have_braces = verbatim.is_none() || self.has_brace(span);
        let braces = may_have_braces && may_contain_reference(value);
        let decoded = verbatim.unwrap_or_else(|| DecodedText::Decoded(self.texts.push(value)));
        self.braces_count += usize::from(braces);
        let scalar = Scalar {
            value: decoded,
            style,
            ty,
            non_specific: false,
            flow: false,
        };
        self.add_node(span, NodeKind::Scalar(scalar), braces)
    }

    /// Returns whether the source has a `{` in a span. Spans usually begin in the order of the file,
    /// so the next `{` is remembered.
    fn has_brace(&mut self, span: Span) -> bool {
        let (from, brace) = self.next_brace;
        if span.start < from || brace < span.start {
            let rest = self.source.text().as_bytes().get(span.start..);
            let offset = memchr::memchr(b'{', rest.unwrap_or_default());
            let brace = offset.map_or(usize::MAX, |offset| span.start + offset);
            self.next_brace = (span.start, brace);
        }
        self.next_brace.1 < span.end
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
        let inner = self.source.slice(without_quotes(span, quotes));
        // Most values are slices of the source.
        (std::ptr::eq(inner, value) || inner == value).then_some(quotes)
    }

    /// Sets the end and the entries of a mapping, and links the entries to it.
    pub(super) fn finish_mapping(&mut self, id: NodeId, end: usize, entries: &[(NodeId, NodeId)]) {
        let NodeKind::Mapping { flow, .. } = self.node(id).kind else {
            return;
        };
        for (&(key, value), slot) in entries.iter().zip(0u32..) {
            self.nodes.set_parent(key, (id, slot), flow);
            self.nodes.set_parent(value, (id, slot), flow);
            self.mark_key(key, value);
        }
        let entries = append_children(&mut self.entries, entries);
        self.nodes
            .finish_collection(id, end, NodeKind::Mapping { entries, flow });
    }

    /// Sets the end and the items of a sequence, and links the items to it.
    pub(super) fn finish_sequence(&mut self, id: NodeId, end: usize, items: &[NodeId]) {
        let start = self.node(id).span.start;
        let flow = self.source.slice(Span::new(start, end)).starts_with('[');
        for (&item, slot) in items.iter().zip(0u32..) {
            self.nodes.set_parent(item, (id, slot), flow);
        }
        let items = append_children(&mut self.items, items);
        self.nodes
            .finish_collection(id, end, NodeKind::Sequence(items));
    }

    /// Marks a key. If it is a collection, everything in it is part of the key: the nodes from the
    /// collection up to the value.
    fn mark_key(&mut self, key: NodeId, value: NodeId) {
        self.nodes.set_key(key);
        let node = self.node(key);
        self.has_unusual_keys |= node.braces || !matches!(node.kind, NodeKind::Scalar(_));
        if matches!(node.kind, NodeKind::Mapping { .. } | NodeKind::Sequence(_)) {
            for id in (key.0..value.0).map(NodeId) {
                self.nodes.set_key(id);
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
