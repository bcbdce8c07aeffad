//! Reads YAML into a document.
//!
//! The byte spans of granit-parser's events are exact. A plain scalar is a string only if readers
//! of YAML 1.1 *and* of YAML 1.2 agree: if one of them reads a number, a boolean, a date or null,
//! it is not a string. `ZenML` reads with `PyYAML` (1.1), and other tools read 1.2.

mod block_scalars;
mod breaks;
mod literal_block;
mod node_properties;
mod plain_types;
mod yaml_decode;
mod yaml_encode;
mod yaml_errors;
mod yaml_quoting;

pub(super) use block_scalars::content_len;
pub(super) use breaks::{
    contains_break as has_disputed_break, parse_as_yaml_1_1, refuse_other_trees,
};
pub(super) use node_properties::properties;
pub use plain_types::plain_type;
pub(super) use yaml_decode::decode;
pub(super) use yaml_encode::{YamlTarget, encode};
pub(super) use yaml_quoting::{key, quote_text};

use super::{Document, NodeId, NodeKind, ScalarType, Style, SyntaxError};
use crate::text::source::Span;
use block_scalars::{block_end, block_header, without_missing_break};
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// The nesting that is expected, by which lists are allocated.
const OPEN_COLLECTIONS: usize = 16;

/// The parser's number for a node without an anchor.
const NO_ANCHOR: usize = 0;

/// A collection whose end has not been read.
enum OpenCollection {
    /// `first` is the index of its first entry in the list of all open mappings' entries.
    Mapping {
        id: NodeId,
        first: usize,
        key: Option<NodeId>,
    },
    /// `first` is the index of its first item in the list of all open lists' items.
    Sequence { id: NodeId, first: usize },
}

/// Reads all documents of a YAML stream into a document.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(document.source());
    let options = granit_parser::options! { strict_indentation: true };
    let mut reader = YamlReader::new(document, source.text());
    for item in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) =
            item.map_err(|error| yaml_errors::describe_error(&error, source.text()))?;
        let span = span.byte_range().map_or_else(Span::default, Span::from);
        reader.read_event(event, span)?;
    }
    Ok(())
}

/// A reader that adds the nodes of a stream to a document, one event after the other.
struct YamlReader<'d, 't> {
    document: &'d mut Document,
    text: &'t str,
    /// The collections that are not finished, from the outermost to the innermost.
    open: Vec<OpenCollection>,
    /// The entries of all open mappings.
    entries: Vec<(NodeId, NodeId)>,
    /// The items of all open sequences.
    items: Vec<NodeId>,
    anchors: HashMap<usize, NodeId>,
    /// The end of the last scalar or alias.
    last_end: usize,
}

impl<'d, 't> YamlReader<'d, 't> {
    fn new(document: &'d mut Document, text: &'t str) -> Self {
        Self {
            document,
            text,
            open: Vec::with_capacity(OPEN_COLLECTIONS),
            entries: Vec::with_capacity(4 * OPEN_COLLECTIONS),
            items: Vec::with_capacity(OPEN_COLLECTIONS),
            anchors: HashMap::new(),
            last_end: 0,
        }
    }

    fn read_event(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let id = self.add_scalar(value, style_of(style), tag.as_deref(), span)?;
                self.add_anchor(anchor, id);
                self.add_child(id);
            }
            Event::Alias(anchor) => {
                let target = self
                    .anchors
                    .get(&anchor)
                    .copied()
                    .ok_or_else(|| unknown_anchor(span))?;
                self.last_end = span.end;
                let id = self.document.add(span, NodeKind::Alias(target))?;
                self.add_child(id);
            }
            Event::MappingStart(style, anchor, _) => {
                let id = self
                    .document
                    .add_mapping(span, style == StructureStyle::Flow)?;
                self.add_anchor(anchor, id);
                self.open.push(OpenCollection::Mapping {
                    id,
                    first: self.entries.len(),
                    key: None,
                });
            }
            Event::SequenceStart(_, anchor, _) => {
                let id = self.document.add_sequence(span)?;
                self.add_anchor(anchor, id);
                self.open.push(OpenCollection::Sequence {
                    id,
                    first: self.items.len(),
                });
            }
            Event::MappingEnd | Event::SequenceEnd => self.finish_collection(span.end),
            _ => {}
        }
        Ok(())
    }

    fn add_scalar(
        &mut self,
        value: Cow<'_, str>,
        style: Style,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<NodeId, SyntaxError> {
        // The parser reports a missing node as the value `~` with an empty span.
        let value = if span.is_empty() && style == Style::Plain {
            "".into()
        } else {
            value
        };
        // The parser's span of a block scalar begins with the content. Here it also contains the
        // header, because readers see the scalar begin there, and an edit may have to change the
        // header.
        let span = match style {
            Style::LiteralBlock | Style::FoldedBlock => {
                let end = block_end(self.text, span);
                Span::new(block_header(self.text, self.last_end, span.start), end)
            }
            _ => span,
        };
        self.last_end = span.end;
        let value = without_missing_break(self.text, span, style, value);
        let id = self
            .document
            .add_scalar(span, &value, style, scalar_type(&value, style, tag))?;
        if tag.is_some_and(is_non_specific) {
            self.document.nodes.set_non_specific(id);
        }
        Ok(id)
    }

    fn add_anchor(&mut self, anchor: usize, id: NodeId) {
        if anchor != NO_ANCHOR {
            self.anchors.insert(anchor, id);
        }
    }

    fn finish_collection(&mut self, end: usize) {
        let id = match self.open.pop() {
            Some(OpenCollection::Mapping { id, first, .. }) => {
                self.document.finish_mapping(
                    id,
                    end,
                    self.entries.get(first..).unwrap_or_default(),
                );
                self.entries.truncate(first);
                id
            }
            Some(OpenCollection::Sequence { id, first }) => {
                self.document
                    .finish_sequence(id, end, self.items.get(first..).unwrap_or_default());
                self.items.truncate(first);
                id
            }
            None => return,
        };
        self.add_child(id);
    }

    /// Adds a finished node to the innermost open collection, or to the roots.
    fn add_child(&mut self, node: NodeId) {
        match self.open.last_mut() {
            Some(OpenCollection::Sequence { .. }) => self.items.push(node),
            Some(OpenCollection::Mapping { key, .. }) => match key.take() {
                Some(key) => self.entries.push((key, node)),
                None => *key = Some(node),
            },
            None => self.document.roots.push(node),
        }
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::LiteralBlock,
        ScalarStyle::Folded => Style::FoldedBlock,
    }
}

fn scalar_type(value: &str, style: Style, tag: Option<&Tag>) -> ScalarType {
    match tag {
        Some(tag) => match tag.core_suffix() {
            Some("str") => ScalarType::String,
            Some("null") => ScalarType::Null,
            Some(_) => ScalarType::Other,
            None if is_non_specific(tag) => ScalarType::String,
            None => ScalarType::Tagged,
        },
        None if style == Style::Plain => plain_type(value),
        None => ScalarType::String,
    }
}

/// Returns whether a tag is the non-specific tag `!`.
fn is_non_specific(tag: &Tag) -> bool {
    (tag.handle().is_empty() && tag.suffix() == "!") || tag.suffix().is_empty()
}

fn unknown_anchor(span: Span) -> SyntaxError {
    SyntaxError {
        span,
        message: "an alias to an unknown anchor".into(),
        help: None,
    }
}
