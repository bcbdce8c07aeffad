//! The nodes of a document: scalars, mappings, sequences and aliases, with their spans.
//!
//! `node_list.rs` stores them, and `tree_builder.rs` creates and links them.

use crate::text::source::Span;

/// The index of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// Returns the index of the node in its document.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The notation of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: a YAML plain scalar, a number, a boolean, a bare TOML key.
    Plain,
    /// `'…'` of YAML.
    SingleQuoted,
    /// `"…"` of YAML and JSON.
    DoubleQuoted,
    /// `|` of YAML.
    LiteralBlock,
    /// `>` of YAML.
    FoldedBlock,
    /// `"…"` of TOML.
    Basic,
    /// `"""…"""` of TOML.
    MultilineBasic,
    /// `'…'` of TOML.
    Literal,
    /// `'''…'''` of TOML.
    MultilineLiteral,
}

/// The type of a scalar to the tools that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarType {
    /// A string in both YAML 1.1 and YAML 1.2.
    String,
    /// Null, or a missing value.
    Null,
    /// A boolean, a number or a date in at least one version of YAML, or in TOML or JSON.
    Other,
    /// A value with a custom tag, such as `!vault`.
    Tagged,
}

/// A scalar: its value, type and notation.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    pub(super) value: DecodedText,
    /// Its notation.
    pub style: Style,
    /// Its type.
    pub ty: ScalarType,
    /// Whether it has the tag `!`. YAML 1.2 reads it as a string, and YAML 1.1 as if it had no tag.
    pub non_specific: bool,
    /// Whether it is in a flow collection, an inline table or JSON, where indentation has no
    /// meaning.
    pub flow: bool,
}

/// A decoded value. If the source contains the value as it is, only its position is stored, so that
/// a huge scalar is not in memory twice.
#[derive(Clone, Copy, Debug)]
pub(super) enum DecodedText {
    /// The text of the node, without this many bytes (the quotes) on both sides.
    Verbatim(u8),
    /// The index of the text in [`DecodedTexts`](super::node_list::DecodedTexts).
    Decoded(u32),
}

/// The children of a collection: a range in the document's list of all entries or all items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildRange {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl ChildRange {
    pub(super) fn slice<T>(self, all: &[T]) -> &[T] {
        all.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// The kind and the content of a node.
#[derive(Clone, Copy, Debug)]
pub enum NodeKind {
    /// A string, number, boolean, date or null.
    Scalar(Scalar),
    /// A mapping, with its entries in the order of the file.
    Mapping {
        /// The pairs of key and value, for [`Document::entries_in`](super::Document::entries_in).
        entries: ChildRange,
        /// Whether it is written with braces.
        flow: bool,
    },
    /// A sequence, whose items [`Document::items_in`](super::Document::items_in) returns.
    Sequence(ChildRange),
    /// `*name`, with the node that it refers to.
    Alias(NodeId),
}

/// A node of a document.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The text of the node, with quotes and block header, but without anchor and tag.
    pub span: Span,
    /// Its kind and content.
    pub kind: NodeKind,
    /// Whether it is a mapping key, or part of one.
    pub key: bool,
    /// Whether it is a scalar whose value contains `{{` or starts with `{`.
    pub braces: bool,
    pub(super) parent: NodeId,
    /// The index among the entries or items of the parent.
    pub(super) slot: u32,
}

impl Node {
    /// Returns whether the node is a mapping that is written with braces.
    pub fn is_flow_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping { flow: true, .. })
    }

    /// Returns the parent and the index among the parent's children. Returns `None` for a root.
    pub(super) fn parent(&self) -> Option<(NodeId, u32)> {
        (self.parent != NO_PARENT).then_some((self.parent, self.slot))
    }
}

/// The parent of a root.
pub(super) const NO_PARENT: NodeId = NodeId(u32::MAX);
