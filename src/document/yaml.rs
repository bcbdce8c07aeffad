//! Reads YAML into a document.
//!
//! The byte spans of granit-parser's events are exact. A plain scalar is a string only if readers
//! of YAML 1.1 *and* of YAML 1.2 agree: if one of them reads a number, a boolean, a date or null,
//! it is not a string. `ZenML` reads with `PyYAML` (1.1), and other tools read 1.2.

mod block_scalars;
mod breaks;
mod literal_block;
mod load_errors;
mod node_properties;
mod plain_types;
mod unusual_parts;
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
pub(super) use unusual_parts::{TaggedNode, UnusualParts};
pub(super) use yaml_decode::decode;
pub(super) use yaml_encode::{YamlTarget, encode};
pub(super) use yaml_quoting::{key, quote_text};

use super::{Document, NodeId, NodeKind, ScalarType, Style, Syntax, SyntaxError};
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
///
/// `PyYAML`, libyaml and other readers ignore the indentation of brackets and of the lines in
/// quotes, for example of a closing bracket below its key. YAML 1.2 does not allow that. A file
/// with this mistake is read again as they read it. Otherwise the error of the first reading is
/// returned, since it is closer to the cause, such as a quote that is not closed.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(document.source());
    match read_events(document, true) {
        Err(ReadError {
            error,
            is_indentation: true,
        }) => {
            *document = Document::empty(source, Syntax::Yaml);
            read_events(document, false).map_err(|_| error)
        }
        result => result.map_err(|failed| failed.error),
    }
}

/// An error, and whether it is about the indentation of a flow collection or of a quoted scalar.
struct ReadError {
    error: SyntaxError,
    is_indentation: bool,
}

impl From<SyntaxError> for ReadError {
    fn from(error: SyntaxError) -> Self {
        Self {
            error,
            is_indentation: false,
        }
    }
}

/// Reads all documents of a stream. `strict` requires the indentation of YAML 1.2 in flow
/// collections and quoted scalars.
fn read_events(document: &mut Document, strict: bool) -> Result<(), ReadError> {
    let source = Arc::clone(document.source());
    let options = granit_parser::options! {
        strict_indentation: strict,
        emit_anchor_events: true,
    };
    let mut reader = YamlReader::new(document, source.text());
    for item in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) = item.map_err(|error| ReadError {
            is_indentation: yaml_errors::is_indentation_error(error.kind()),
            error: yaml_errors::describe_error(&error, source.text()),
        })?;
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

    fn read_event(
        &mut self,
        event: Event<'_>,
        event_span: granit_parser::Span,
    ) -> Result<(), SyntaxError> {
        let span = event_span
            .byte_range()
            .map_or_else(Span::default, Span::from);
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let previous_end = self.last_end;
                let id = self.add_scalar(value, style_of(style), tag.as_deref(), span)?;
                self.document
                    .unusual
                    .add_tag(id, tag.as_deref(), &event_span);
                if span.is_empty() && tag.is_none() && anchor == NO_ANCHOR {
                    self.add_missing_node(id, previous_end);
                }
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
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let id = self.document.add_mapping(span, flow)?;
                self.document.unusual.has_flow |= flow;
                self.document
                    .unusual
                    .add_tag(id, tag.as_deref(), &event_span);
                self.add_anchor(anchor, id);
                self.open.push(OpenCollection::Mapping {
                    id,
                    first: self.entries.len(),
                    key: None,
                });
            }
            Event::SequenceStart(style, anchor, tag) => {
                let id = self.document.add_sequence(span)?;
                self.document.unusual.has_flow |= style == StructureStyle::Flow;
                self.document
                    .unusual
                    .add_tag(id, tag.as_deref(), &event_span);
                self.add_anchor(anchor, id);
                self.open.push(OpenCollection::Sequence {
                    id,
                    first: self.items.len(),
                });
            }
            Event::MappingEnd | Event::SequenceEnd => self.finish_collection(span.end),
            Event::DocumentStart(..) => self.document.unusual.add_document(span.start),
            Event::Anchor(..) => self.document.unusual.anchors.push(span),
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
        if style == Style::Plain && tag.is_none() {
            self.document.unusual.add_plain_scalar(id, &value);
        }
        Ok(id)
    }

    /// Records a scalar without text if it is a key. As a value or an item, it is null.
    fn add_missing_node(&mut self, id: NodeId, previous_end: usize) {
        if let Some(OpenCollection::Mapping { key: None, .. }) = self.open.last() {
            self.document.unusual.missing_keys.push((id, previous_end));
        }
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
