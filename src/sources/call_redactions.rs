//! The spans of calls in code that excerpts may show: the name of the called function, the names of
//! secrets, keys and attributes, and the code between them.

use crate::document::{CallKind, CallNode, Document, NodeId};
use crate::text::source::{SourceFile, Span};

/// The most bytes of code before a call or a key that are shown.
const MAX_CODE_BEFORE: usize = 100;

/// Returns the spans that excerpts may show, sorted and without overlaps.
pub(super) fn shown_spans(document: &Document) -> Vec<Span> {
    let mut shown: Vec<Span> = document
        .calls()
        .iter()
        .flat_map(|call| shown_parts(document, call))
        .collect();
    shown.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(shown.len());
    let is_separator = |gap: Span| matches!(document.source().slice(gap), ", " | " ");
    for span in shown {
        match joined.last_mut() {
            Some(last)
                if span.start <= last.end || is_separator(Span::new(last.end, span.start)) =>
            {
                last.end = last.end.max(span.end);
            }
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
            let is_name = literal.is_name && is_shown_name(document, literal.node, span);
            (span, is_name)
        })
        // Values with the span of the call are not written, for example the keys of a use without keys.
        .filter(|&(span, _)| whole.contains(span) && span != whole)
        .collect();
    literals.sort_unstable();
    let source = document.source();
    let mut shown = keys_after(document, call, whole);
    let mut end = whole.start;
    shown.extend(line_before(source, whole.start));
    for (span, is_name) in literals {
        if span.start < end {
            end = end.max(span.end);
            continue;
        }
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

/// Returns whether excerpts may show a name. Literals in the expression of a dynamic name are not
/// names.
fn is_shown_name(document: &Document, node: NodeId, span: Span) -> bool {
    document.expansions(node).is_empty() || !document.source().slice(span).contains(['"', '\''])
}

/// Returns the spans of the keys that are read from the result of a call, with the code before them:
/// `values["key"]`.
fn keys_after(document: &Document, call: &CallNode, whole: Span) -> Vec<Span> {
    if call.kind != CallKind::Use {
        return Vec::new();
    }
    let source = document.source();
    let keys = call.values.and_then(|keys| document.items(keys));
    let keys = keys.unwrap_or_default().iter();
    let spans = keys
        .map(|&key| (key, document.node(key).span))
        .filter(|&(key, span)| !whole.contains(span) && is_shown_name(document, key, span));
    let is_access = |c: char| c.is_ascii_alphabetic() || "_.[()".contains(c);
    let with_code = spans.map(|(_, span)| {
        let before = text_before(source, span.start);
        let unquoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
        let len = before.len() - unquoted.trim_end_matches(is_access).len();
        let after = source.text().get(span.end..).unwrap_or_default();
        let unquoted = after.strip_prefix(['"', '\'']).unwrap_or(after);
        let rest = unquoted.trim_start_matches([']', ')']);
        Span::new(span.start - len, span.end + after.len() - rest.len())
    });
    with_code.collect()
}

/// Returns the span of the code between the start of a line and an offset in it, for example
/// `secret = `. Returns `None` if it may be anything else.
fn line_before(source: &SourceFile, offset: usize) -> Option<Span> {
    let before = text_before(source, offset);
    let start = match before.rfind('\n') {
        Some(line_break) => line_break + 1,
        None if before.len() == offset => 0,
        None => return None,
    };
    let line = before.get(start..)?;
    // With a brace, it may be the text of an f-string.
    let is_shown = |c: char| c.is_ascii_alphabetic() || "_.,=:@()[] \t".contains(c);
    let code = line.strip_suffix(['"', '\'']).unwrap_or(line);
    let is_code = !code.is_empty() && code.chars().all(is_shown);
    is_code.then(|| Span::new(offset - line.len(), offset))
}

/// Returns the text before an offset, up to a limit.
fn text_before(source: &SourceFile, offset: usize) -> &str {
    let before = source.text().get(..offset).unwrap_or_default();
    let mut start = before.len().saturating_sub(MAX_CODE_BEFORE);
    while !before.is_char_boundary(start) {
        start += 1;
    }
    before.get(start..).unwrap_or_default()
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
            // An expression that is not known is an empty sequence.
            let is_name = is_name && document.text(node).is_some();
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
