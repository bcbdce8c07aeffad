//! The spans of calls in code that excerpts may show: the name of the called function, the names of
//! secrets, keys and attributes, and the code between them.

use crate::document::{CallKind, CallNode, Document, NodeId};
use crate::text::source::Span;

/// Returns the spans that excerpts may show, sorted and without overlaps.
pub(super) fn shown_spans(document: &Document) -> Vec<Span> {
    let mut shown: Vec<Span> = document
        .calls()
        .iter()
        .flat_map(|call| shown_parts(document, call))
        .collect();
    shown.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(shown.len());
    for span in shown {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// Returns the spans of the values that calls store in secrets.
pub(super) fn stored_values(document: &Document) -> Vec<Span> {
    let stores = |call: &&CallNode| matches!(call.kind, CallKind::Create | CallKind::Update);
    let calls = document.calls().iter().filter(stores);
    let entries = calls.filter_map(|call| document.entries(call.values?));
    let values = entries
        .flatten()
        .map(|&(_, value)| document.node(value).span);
    values.filter(|span| !span.is_empty()).collect()
}

/// Returns the spans of a call that excerpts may show: names, and the code between the literals.
fn shown_parts(document: &Document, call: &CallNode) -> Vec<Span> {
    let whole = document.node(call.node).span;
    let mut literals: Vec<Literal> = Vec::new();
    literals.extend(call.name.into_iter().chain(call.flavor).map(Literal::name));
    let is_empty = |values: &NodeId| document.items(*values).is_some_and(<[NodeId]>::is_empty);
    if let Some(values) = call.values.filter(|values| !is_empty(values)) {
        let shows_items = matches!(call.kind, CallKind::Use | CallKind::UseList);
        add_literals(document, values, shows_items, &mut literals);
    }
    let mut literals: Vec<(Span, bool)> = literals
        .into_iter()
        .map(|literal| {
            let span = document.node(literal.node).span;
            // The expression of a dynamic name may contain a literal.
            let is_name = literal.is_name
                && (document.expansions(literal.node).is_empty()
                    || is_code(document.source().slice(span)));
            (span, is_name)
        })
        .filter(|(span, _)| whole.contains(*span))
        .collect();
    literals.sort_unstable();
    let source = document.source();
    let mut shown = Vec::new();
    let mut end = whole.start;
    for (span, is_name) in literals {
        let before = Span::new(end, span.start);
        if is_code_between(source.slice(before)) {
            shown.push(before);
        } else if let Some(len) = source
            .slice(before)
            .find('(')
            .filter(|_| end == whole.start)
        {
            // The name of the function, with an argument that is not known after it.
            shown.push(Span::new(end, end + len));
        } else if let Some(line) = source.slice(before).rfind('\n') {
            // Other attributes may precede the line of the name.
            let line = Span::new(end + line + 1, span.start);
            shown.extend(Some(line).filter(|line| is_code_between(source.slice(*line))));
        }
        if is_name {
            shown.push(span);
        }
        end = end.max(span.end);
    }
    let rest = Span::new(end, whole.end);
    if is_code_between(source.slice(rest)) {
        shown.push(rest);
    }
    shown
}

/// A scalar of a call, or an expression that is not known.
struct Literal {
    node: NodeId,
    /// Whether excerpts may show it.
    is_name: bool,
}

impl Literal {
    fn name(node: NodeId) -> Self {
        Self {
            node,
            is_name: true,
        }
    }
}

/// Adds the literals in a value. Keys are names.
fn add_literals(document: &Document, value: NodeId, is_name: bool, literals: &mut Vec<Literal>) {
    let mut open = vec![(value, is_name)];
    while let Some((node, is_name)) = open.pop() {
        if let Some(entries) = document.entries(node) {
            literals.extend(entries.iter().map(|&(key, _)| Literal::name(key)));
            open.extend(entries.iter().map(|&(_, value)| (value, false)));
        } else if let Some(items) = document.items(node).filter(|items| !items.is_empty()) {
            open.extend(items.iter().map(|&item| (item, is_name)));
        } else {
            let is_name = is_name && document.scalar(node).is_some();
            literals.push(Literal { node, is_name });
        }
    }
}

/// Returns whether a text between two names is code without a literal in it. It may begin and end
/// with the quotes of the names.
fn is_code_between(text: &str) -> bool {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    is_code(text.strip_suffix(['"', '\'']).unwrap_or(text))
}

/// Returns whether a text contains only words and punctuation.
fn is_code(text: &str) -> bool {
    let is_shown = |c: char| c.is_ascii_alphabetic() || "_().,[]{}=: \n\r\t".contains(c);
    text.chars().all(is_shown)
}
