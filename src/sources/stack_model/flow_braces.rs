//! YAML flow mappings that were meant as references: `{{name.key}}` without quotes.

use crate::document::{Document, NodeId, NodeKind, Syntax};
use crate::zenml::grammar::parse_as_zenml;

/// Returns whether a node is a flow mapping whose first key is a flow mapping: `{{…`. With a space
/// (`{ {a.b}}`), it must have no other entries.
pub(super) fn is_unquoted_reference(document: &Document, id: NodeId) -> bool {
    let node = document.node(id);
    let NodeKind::Mapping {
        entries,
        flow: true,
    } = node.kind
    else {
        return false;
    };
    let entries = document.entries_in(entries);
    if document.syntax() != Syntax::Yaml {
        return false;
    }
    let inner = entries
        .first()
        .and_then(|&(key, _)| match document.node(key).kind {
            NodeKind::Mapping { entries, .. } => Some(document.entries_in(entries)),
            _ => None,
        });
    let Some(inner) = inner else { return false };
    // A pair in a list, `[{a: b}: c]`, is a mapping that does not start with a brace.
    let after_brace = document
        .source()
        .slice(node.span)
        .strip_prefix('{')
        .unwrap_or_default();
    let has_no_other_entries = entries.len() == 1 && inner.len() == 1;
    after_brace.starts_with('{')
        || (has_no_other_entries && after_brace.trim_start().starts_with('{'))
}

/// Returns whether a node is `{a.b}`, a flow mapping of one key without a value. The caller uses it
/// only for sensitive attributes, since elsewhere the mapping may be intended.
pub(super) fn is_reference_in_single_braces(document: &Document, id: NodeId) -> bool {
    let NodeKind::Mapping {
        entries,
        flow: true,
    } = document.node(id).kind
    else {
        return false;
    };
    let [(key, value)] = document.entries_in(entries) else {
        return false;
    };
    let has_no_value = document.syntax() == Syntax::Yaml && document.node(*value).span.is_empty();
    has_no_value
        && document
            .text(*key)
            .is_some_and(|text| parse_as_zenml(&format!("{{{{{text}}}}}")).is_some())
}
