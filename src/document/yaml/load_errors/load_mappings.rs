//! Checks keys and merge keys. `PyYAML` needs keys that Python can hash, and mappings to merge.

use super::{LoadReason, LoadTag, skip_blanks_and_comments};
use crate::document::{Document, NodeId, NodeKind, SyntaxError};
use crate::text::source::Span;
use std::collections::HashSet;

const COLLECTION_KEY: LoadReason = LoadReason {
    reason: "a key that is a list or a mapping",
    help: "put the key in quotes, or write a string",
};

const MISSING_KEY: LoadReason = LoadReason {
    reason: "an entry without a key",
    help: "write a key before the `:`, or put the value in quotes if the `:` belongs to it",
};

const NO_MAPPING: LoadReason = LoadReason {
    reason: "a merge key `<<` without a mapping",
    help: "give it a mapping, an alias of a mapping or a list of these, or put the key in quotes",
};

/// Returns the errors in the keys of a file.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let missing_keys = document.unusual.missing_keys.iter();
    let mut errors: Vec<SyntaxError> = missing_keys
        .filter_map(|&(key, previous_end)| missing_key(document, key, previous_end))
        .collect();
    if !(document.has_unusual_keys || document.has_merge_keys) {
        return errors;
    }
    // Aliases can merge a list many times. Its errors are in the list, so it is checked once.
    let mut merged_lists = HashSet::new();
    for (_, node) in document.nodes() {
        let NodeKind::Mapping { entries, .. } = node.kind else {
            continue;
        };
        for &(key, value) in document.entries_in(entries) {
            if is_collection(document, key) {
                errors.push(COLLECTION_KEY.at(text_span(document, key)));
            } else if merges(document, key)
                && (document.items(value).is_none() || merged_lists.insert(document.target(value)))
            {
                errors.extend(merge_errors(document, key, value));
            }
        }
    }
    errors
}

/// Returns the span of a node without the line breaks that end a block.
fn text_span(document: &Document, id: NodeId) -> Span {
    let span = document.node(id).span;
    let text = document
        .source
        .slice(span)
        .trim_end_matches([' ', '\n', '\r']);
    Span::new(span.start, span.start + text.len())
}

fn is_collection(document: &Document, id: NodeId) -> bool {
    let target = document.node(document.target(id));
    matches!(
        target.kind,
        NodeKind::Mapping { .. } | NodeKind::Sequence(_)
    )
}

fn is_mapping(document: &Document, id: NodeId) -> bool {
    let target = document.node(document.target(id));
    matches!(target.kind, NodeKind::Mapping { .. })
}

/// Returns whether `PyYAML` merges the value of a key. A tag can turn `<<` into an ordinary key.
pub(super) fn merges(document: &Document, key: NodeId) -> bool {
    let tag = document.unusual.tag(document.target(key));
    document.is_merge_key(key) && tag.is_none_or(|tag| tag == LoadTag::NonSpecific)
}

/// Returns an error for each value of a merge key that is not a mapping.
fn merge_errors(document: &Document, key: NodeId, value: NodeId) -> Vec<SyntaxError> {
    let sources = document
        .items(value)
        .unwrap_or(std::slice::from_ref(&value));
    let invalid = sources
        .iter()
        .filter(|&&source| !is_mapping(document, source));
    let location = |&id: &NodeId| {
        let span = document.node(id).span;
        if span.is_empty() {
            document.node(key).span
        } else {
            span
        }
    };
    invalid.map(|id| NO_MAPPING.at(location(id))).collect()
}

/// Returns the error for a missing key, unless `?` makes it an explicit one.
fn missing_key(document: &Document, key: NodeId, previous_end: usize) -> Option<SyntaxError> {
    let text = document.source.text();
    let at = document.node(key).span.start;
    let rest = skip_blanks_and_comments(text.get(at..)?);
    let colon = text.len() - rest.len();
    if !rest.starts_with(':') || is_after_question_mark(text.get(previous_end..colon)?) {
        return None;
    }
    Some(MISSING_KEY.at(Span::new(colon, colon + 1)))
}

/// Returns whether a text ends with the indicator `?`, apart from blanks and comments.
fn is_after_question_mark(text: &str) -> bool {
    let mut rest = text;
    loop {
        let before = rest.trim_end();
        if let Some(before) = before.strip_suffix('?') {
            return before.is_empty() || before.ends_with([' ', '\n', '\r', '[', '{', ',']);
        }
        // Only the lines above may end with a comment.
        let blanks = rest.get(before.len()..).unwrap_or_default();
        if !blanks.contains(['\n', '\r']) {
            return false;
        }
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let line = before.get(line_start..).unwrap_or_default();
        let comment = if line.starts_with('#') {
            Some(0)
        } else {
            line.find(" #")
        };
        let Some(comment) = comment else { return false };
        rest = before.get(..line_start + comment).unwrap_or_default();
    }
}
