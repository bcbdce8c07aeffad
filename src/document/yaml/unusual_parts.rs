//! The parts of a YAML stream that `PyYAML` may refuse although YAML 1.2 allows them.
//!
//! The reader collects them, so that the checks in `load_errors` skip ordinary files, which have
//! none.

use super::load_errors::{LoadTag, may_fail_to_load};
use crate::document::NodeId;
use crate::text::source::Span;
use granit_parser::Tag;

/// The parts of a stream that [`Document::load_errors`](super::super::Document::load_errors)
/// checks.
#[derive(Debug, Default)]
pub(in crate::document) struct UnusualParts {
    /// The start of the first document: its `---`, or its content.
    pub first_document: Option<usize>,
    /// The starts of the other documents.
    pub next_documents: Vec<usize>,
    /// The nodes with a tag, in the order of the file.
    pub tags: Vec<TaggedNode>,
    /// Each `&name`.
    pub anchors: Vec<Span>,
    /// The scalars without quotes that may be a number or a date, or begin with `:`, `=` or `<`.
    pub plain_scalars: Vec<NodeId>,
    /// The missing keys without a tag or an anchor, as in `: value`, each with the end of the
    /// scalar or alias before it.
    pub missing_keys: Vec<(NodeId, usize)>,
    /// Whether there is a collection in brackets or braces.
    pub has_flow: bool,
}

/// A node with a tag.
#[derive(Debug)]
pub(in crate::document) struct TaggedNode {
    /// The node.
    pub id: NodeId,
    /// The tag.
    pub tag: LoadTag,
    /// The span of the tag.
    pub span: Span,
}

impl UnusualParts {
    /// Adds the start of a document.
    pub fn add_document(&mut self, start: usize) {
        match self.first_document {
            None => self.first_document = Some(start),
            Some(_) => self.next_documents.push(start),
        }
    }

    /// Adds the tag of a node, if it has one.
    pub fn add_tag(&mut self, id: NodeId, tag: Option<&Tag>, node: &granit_parser::Span) {
        let Some(tag) = tag else { return };
        let span = node.tag_span().and_then(|span| span.byte_range());
        self.tags.push(TaggedNode {
            id,
            tag: LoadTag::of(tag),
            span: span.map_or_else(Span::default, Span::from),
        });
    }

    /// Adds a scalar without quotes and without a tag, if `PyYAML` may fail to read its value.
    pub fn add_plain_scalar(&mut self, id: NodeId, value: &str) {
        if may_fail_to_load(value) {
            self.plain_scalars.push(id);
        }
    }

    /// Returns the tag of a node.
    pub fn tag(&self, id: NodeId) -> Option<LoadTag> {
        let at = self.tags.binary_search_by_key(&id, |tagged| tagged.id);
        self.tags.get(at.ok()?).map(|tagged| tagged.tag)
    }
}
