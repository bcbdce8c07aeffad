//! Maps a scalar's decoded value to its source, and replaces parts of the value. Each syntax has
//! its own decoder and encoder.

use super::node::{DecodedText, NodeId, NodeKind};
use super::{Document, Edit, OffsetMap, Syntax, json, toml, yaml};
use crate::text::source::Span;
use std::ops::Range;

/// New text for some bytes of a scalar's decoded value.
pub struct Replacement<'t> {
    /// The bytes of the decoded value that are replaced.
    pub range: Range<usize>,
    /// The new text.
    pub text: &'t str,
}

impl Document {
    /// Returns the map from offsets in a scalar's value to offsets in the source.
    pub fn offsets(&self, id: NodeId) -> OffsetMap {
        let id = self.target(id);
        let node = self.node(id);
        let span = node.span;
        let NodeKind::Scalar(scalar) = node.kind else {
            return OffsetMap::opaque(span);
        };
        if let Some(offsets) = self.script_words.offsets(id) {
            return offsets.clone();
        }
        if let DecodedText::Verbatim(quotes) = scalar.value {
            return OffsetMap::from_verbatim(without_quotes(span, quotes));
        }
        let value = self.text(id).unwrap_or_default();
        let raw = self.source.slice(span);
        let builder = match self.syntax {
            Syntax::Yaml => yaml::decode(raw, scalar.style, value),
            Syntax::Toml => toml::decode(raw, scalar.style),
            Syntax::Json => json::decode(raw),
            // Other words of a script are stored above.
            Syntax::Script(_) => return OffsetMap::opaque(span),
        };
        builder.finish(span, value)
    }

    /// Returns the edits that replace parts of a scalar's value. `parts` are sorted and do not
    /// overlap. Bytes outside the scalar stay. The caller parses the result and compares it.
    pub fn encode(&self, id: NodeId, parts: &[Replacement<'_>]) -> Vec<Edit> {
        let id = self.target(id);
        let (Some(scalar), Some(old)) = (self.scalar(id), self.text(id)) else {
            return Vec::new();
        };
        let span = self.node(id).span;
        let offsets = self.offsets(id);
        let value = replace_parts(old, parts);
        match self.syntax {
            Syntax::Json => json::encode(span, &offsets, parts, &value),
            Syntax::Toml => {
                let (raw, style) = (self.source.slice(span), scalar.style);
                toml::encode(
                    &toml::TomlTarget {
                        raw,
                        span,
                        style,
                        old,
                        offsets: &offsets,
                    },
                    parts,
                    &value,
                )
            }
            Syntax::Yaml => {
                let (text, style, flow) = (self.source.text(), scalar.style, scalar.flow);
                yaml::encode(
                    &yaml::YamlTarget {
                        text,
                        span,
                        style,
                        flow,
                        old,
                        offsets: &offsets,
                    },
                    parts,
                    &value,
                )
            }
            Syntax::Script(_) => Vec::new(),
        }
    }

    /// Returns whether a YAML scalar contains a character that ends a line in YAML 1.1 but not in
    /// YAML 1.2.
    pub fn has_ambiguous_break(&self, id: NodeId) -> bool {
        self.syntax == Syntax::Yaml
            && yaml::has_disputed_break(self.source.slice(self.node(self.target(id)).span))
    }
}

/// Returns the span of a value between its quotes.
pub(super) fn without_quotes(span: Span, quotes: u8) -> Span {
    let quotes = usize::from(quotes);
    Span::new(span.start + quotes, span.end.saturating_sub(quotes))
}

/// Returns a text with some parts replaced.
pub fn replace_parts(text: &str, parts: &[Replacement<'_>]) -> String {
    let grown: usize = parts.iter().map(|part| part.text.len()).sum();
    let mut out = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for part in parts {
        out.push_str(text.get(at..part.range.start).unwrap_or_default());
        out.push_str(part.text);
        at = part.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
