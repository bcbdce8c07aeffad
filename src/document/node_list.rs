//! Stores the nodes of a document and the decoded texts of its scalars.
//!
//! Both grow with the file. Nodes are stored in chunks: a single list would be copied and wiped
//! each time it grows, and could allocate twice the memory that it needs. The node types are in
//! `node.rs`.

use super::node::{NO_PARENT, Node, NodeId, NodeKind};
use crate::text::source::Span;
use std::fmt;

/// The number of nodes in a full chunk.
const CHUNK_NODES: usize = 1 << 12;

/// Bytes of text per node, by which the first chunk is allocated: a low estimate.
const BYTES_PER_NODE: usize = 12;

/// A node in 28 bytes, since a large file has millions of nodes.
#[derive(Clone, Copy, Debug)]
struct PackedNode {
    start: u32,
    end: u32,
    parent: NodeId,
    /// The slot, combined with [`KEY_FLAG`] and [`BRACES_FLAG`].
    slot: u32,
    kind: NodeKind,
}

/// The bit of a slot that marks a node in a key.
const KEY_FLAG: u32 = 1 << 31;

/// The bit of a slot that marks a scalar with braces. It also limits the number of nodes, so no
/// slot reaches it.
const BRACES_FLAG: u32 = 1 << 30;

impl PackedNode {
    /// Packs a node without a parent. Returns `None` if it ends beyond the first 4 GiB.
    fn new(span: Span, kind: NodeKind, braces: bool) -> Option<Self> {
        Some(Self {
            start: offset(span.start)?,
            end: offset(span.end)?,
            parent: NO_PARENT,
            slot: if braces { BRACES_FLAG } else { 0 },
            kind,
        })
    }

    fn unpack(self) -> Node {
        let Self {
            start,
            end,
            parent,
            slot,
            kind,
        } = self;
        let span = Span {
            start: start as usize,
            end: end as usize,
        };
        Node {
            span,
            kind,
            key: slot & KEY_FLAG != 0,
            braces: slot & BRACES_FLAG != 0,
            parent,
            slot: slot & !(KEY_FLAG | BRACES_FLAG),
        }
    }
}

fn offset(at: usize) -> Option<u32> {
    u32::try_from(at).ok()
}

/// The nodes of a document in the order in which they begin.
#[derive(Debug)]
pub(super) struct NodeList {
    /// All chunks but the last are full.
    chunks: Vec<Vec<PackedNode>>,
}

impl NodeList {
    /// Creates an empty list with room for the nodes of a text of a length, up to one chunk.
    pub fn for_text(len: usize) -> Self {
        let capacity = (len / BYTES_PER_NODE + 4).min(CHUNK_NODES);
        Self {
            chunks: vec![Vec::with_capacity(capacity)],
        }
    }

    pub fn len(&self) -> usize {
        self.chunks
            .last()
            .map_or(0, |last| (self.chunks.len() - 1) * CHUNK_NODES + last.len())
    }

    /// Adds a node without a parent. Returns `None` if there are 2³⁰ nodes, or if the node ends
    /// beyond the first 4 GiB.
    pub fn push(&mut self, span: Span, kind: NodeKind, braces: bool) -> Option<NodeId> {
        let node = PackedNode::new(span, kind, braces)?;
        let full_chunks = self.chunks.len().saturating_sub(1);
        let last = self.chunks.last_mut()?;
        let id = offset(full_chunks * CHUNK_NODES + last.len()).filter(|&id| id < BRACES_FLAG)?;
        if last.len() < CHUNK_NODES {
            last.push(node);
        } else {
            let mut chunk = Vec::with_capacity(CHUNK_NODES);
            chunk.push(node);
            self.chunks.push(chunk);
        }
        Some(NodeId(id))
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made only by `push` and never leave their document"
    )]
    pub fn get(&self, id: NodeId) -> Node {
        let at = id.index();
        self.chunks[at / CHUNK_NODES][at % CHUNK_NODES].unpack()
    }

    fn get_mut(&mut self, id: NodeId) -> Option<&mut PackedNode> {
        let at = id.index();
        self.chunks
            .get_mut(at / CHUNK_NODES)?
            .get_mut(at % CHUNK_NODES)
    }

    pub fn last(&self) -> Option<Node> {
        Some(self.chunks.last()?.last()?.unpack())
    }

    /// Returns a node and all nodes after it.
    pub fn iter_from(&self, first: NodeId) -> impl Iterator<Item = Node> {
        let first = first.index();
        let mut chunks = self
            .chunks
            .get(first / CHUNK_NODES..)
            .unwrap_or_default()
            .iter();
        let first_chunk = chunks
            .next()
            .and_then(|chunk| chunk.get(first % CHUNK_NODES..))
            .unwrap_or_default();
        first_chunk
            .iter()
            .chain(chunks.flatten())
            .map(|node| node.unpack())
    }

    /// Sets the end and the children of a collection.
    pub fn finish_collection(&mut self, id: NodeId, end: usize, kind: NodeKind) {
        if let Some((node, end)) = self.get_mut(id).zip(offset(end)) {
            node.end = end.max(node.start);
            node.kind = kind;
        }
    }

    /// Marks a scalar as tagged with `!`.
    pub fn set_non_specific(&mut self, id: NodeId) {
        if let Some(PackedNode {
            kind: NodeKind::Scalar(scalar),
            ..
        }) = self.get_mut(id)
        {
            scalar.non_specific = true;
        }
    }

    /// Marks a node as part of a key.
    pub fn set_key(&mut self, id: NodeId) {
        if let Some(node) = self.get_mut(id) {
            node.slot |= KEY_FLAG;
        }
    }

    /// Sets the parent of a node, its slot among the parent's children, and whether it is in a flow
    /// collection.
    pub fn set_parent(&mut self, child: NodeId, (parent, slot): (NodeId, u32), in_flow: bool) {
        if let Some(node) = self.get_mut(child) {
            let flags = node.slot & (KEY_FLAG | BRACES_FLAG);
            (node.parent, node.slot) = (parent, slot | flags);
            if let NodeKind::Scalar(scalar) = &mut node.kind {
                scalar.flow = in_flow;
            }
        }
    }
}

/// The decoded values of a document.
#[derive(Default)]
pub(super) struct DecodedTexts(Vec<String>);

impl fmt::Debug for DecodedTexts {
    /// Omits the texts, which may be secret values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} texts", self.0.len())
    }
}

impl DecodedTexts {
    /// Adds a text, and returns its index.
    pub fn push(&mut self, text: &str) -> u32 {
        // There are fewer texts than nodes, so the index always fits.
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(text.to_owned());
        index
    }

    pub fn get(&self, index: u32) -> &str {
        self.0.get(index as usize).map_or("", |text| text.as_str())
    }
}
