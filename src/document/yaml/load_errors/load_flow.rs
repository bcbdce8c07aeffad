//! Checks collections in brackets and braces, in which `PyYAML` reads `?`, `:` and keys in another
//! way than YAML 1.2.

use super::{LoadReason, QUOTE_THE_VALUE, skip_blanks_and_comments};
use crate::document::{ChildRange, Document, Node, NodeId, NodeKind, Style, SyntaxError};
use crate::text::source::Span;

const QUESTION_MARK: LoadReason = LoadReason {
    reason: "a `?` in a value without quotes in brackets",
    help: QUOTE_THE_VALUE,
};

const LEADING_COLON: LoadReason = LoadReason {
    reason: "a value in brackets that begins with `:`",
    help: QUOTE_THE_VALUE,
};

const BROKEN_KEY: LoadReason = LoadReason {
    reason: "a key in braces that is not on one line with its `:`",
    help: "write the key and its `:` on one line",
};

/// Returns the errors in the flow collections of a file.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    if !document.unusual.has_flow {
        return Vec::new();
    }
    let text = document.source.text();
    let has_question_mark = memchr::memchr(b'?', text.as_bytes()).is_some();
    let mut errors = Vec::new();
    if has_question_mark || document.has_flow_mappings {
        for (_, node) in document.nodes() {
            match node.kind {
                NodeKind::Mapping {
                    entries,
                    flow: true,
                } => errors.extend(broken_keys(document, entries)),
                NodeKind::Scalar(_) if has_question_mark => {
                    errors.extend(question_mark(document, &node));
                }
                _ => {}
            }
        }
    }
    let plain_scalars = document.unusual.plain_scalars.iter();
    errors.extend(plain_scalars.filter_map(|&id| leading_colon(document, id)));
    errors
}

/// Returns the error for the first `?` of a plain scalar in a flow collection. At the start of a
/// scalar, `PyYAML` takes it for the indicator of a key: `[?a]` is a list of a mapping.
fn question_mark(document: &Document, node: &Node) -> Option<SyntaxError> {
    let raw = plain_flow_text(document, node)?;
    let at = raw.find('?')?;
    let at = node.span.start + at;
    Some(QUESTION_MARK.at(Span::new(at, at + 1)))
}

fn leading_colon(document: &Document, id: NodeId) -> Option<SyntaxError> {
    let node = document.node(id);
    let begins = plain_flow_text(document, &node)?.starts_with(':');
    begins.then(|| LEADING_COLON.at(node.span))
}

/// Returns the text of a plain scalar in a flow collection. Returns `None` for other nodes.
fn plain_flow_text<'d>(document: &'d Document, node: &Node) -> Option<&'d str> {
    match node.kind {
        NodeKind::Scalar(scalar) if scalar.flow && scalar.style == Style::Plain => {
            Some(document.source.slice(node.span))
        }
        _ => None,
    }
}

/// Returns an error for each key with a line break before its `:`. After `?`, that is allowed.
fn broken_keys(document: &Document, entries: ChildRange) -> Vec<SyntaxError> {
    let text = document.source.text();
    let keys = document.entries_in(entries).iter().map(|&(key, _)| key);
    let broken_key = |key: NodeId| {
        let node = document.node(key);
        let after = text.get(node.span.end..)?;
        let is_on_one_line =
            after.starts_with(": ") && !document.source.slice(node.span).contains(['\n', '\r']);
        if node.span.is_empty() || is_on_one_line || is_collection(&node) {
            return None;
        }
        let rest = skip_blanks_and_comments(after);
        let colon = text.len() - rest.len();
        let with_colon = text.get(node.span.start..colon)?;
        let is_broken = rest.starts_with(':') && with_colon.contains(['\n', '\r']);
        (is_broken && !is_explicit_key(document, key))
            .then(|| BROKEN_KEY.at(Span::new(colon, colon + 1)))
    };
    keys.filter_map(broken_key).collect()
}

fn is_collection(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Mapping { .. } | NodeKind::Sequence(_))
}

/// Returns whether `?` precedes a key and its properties.
fn is_explicit_key(document: &Document, key: NodeId) -> bool {
    let start = document
        .properties(key)
        .map_or(document.node(key).span.start, |properties| properties.start);
    let before = document.source.text().get(..start).unwrap_or_default();
    before.trim_end().ends_with('?')
}
