//! Spans of a document that no excerpt may show: possible passwords, by the key, the word or the mark in front of them.

use crate::document::directives;
use crate::document::{Document, NodeId, NodeKind, Style};
use crate::text::sensitive_words::{announces_value, find_sensitive_value, has_separator};
use crate::text::source::Span;
use crate::text::url;
use crate::zenml::flavors;
use crate::zenml::grammar::{ParsedValue, Resolver, find_reference_shapes, parse_value};

/// Keys of a mapping whose value says what the other values are: `{name: DB_PASSWORD, value: …}`.
const NAMING_KEYS: [&str; 8] = ["name", "key", "env", "variable", "option", "flag", "header", "field"];

/// Returns what excerpts of a document must not show: the values of attributes that are sensitive in any version of any flavor, or
/// sound so, wherever aliases put them; and comments, in which a value may be kept, except what they tell stackref. A value
/// that is one reference and nothing else may be seen.
pub(crate) fn masks(document: &Document) -> Vec<Span> {
    let mut open: Vec<NodeId> = Vec::new();
    let mut spans = Vec::new();
    let mut cache = SensitivityCache::default();
    // Tags and anchors begin with one of these characters.
    let text = document.source().text().as_bytes();
    let has_properties = memchr::memchr2(b'!', b'&', text).is_some();
    for (id, node) in document.nodes() {
        match &node.kind {
            NodeKind::Scalar(_) => spans.extend(parts_of_scalar(document, id)),
            NodeKind::Mapping { entries, .. } => {
                open.extend(sensitive_values(document, document.entries_in(*entries), &mut cache));
            }
            NodeKind::Sequence(items) => open.extend(announced_items(document, document.items_in(*items))),
            NodeKind::Alias(_) => {}
        }
    }
    let mut visited = Vec::new();
    while let Some(id) = open.pop() {
        let id = document.target(id);
        if mark_visited(&mut visited, id) {
            continue;
        }
        let node = document.node(id);
        if has_properties && let Some(properties) = document.properties(id) {
            spans.extend(suspicious_properties(document, id, properties));
        }
        match &node.kind {
            NodeKind::Mapping { entries, .. } => {
                open.extend(document.entries_in(*entries).iter().flat_map(|&(key, value)| [key, value]));
            }
            NodeKind::Sequence(items) => open.extend(document.items_in(*items)),
            NodeKind::Scalar(scalar) => {
                let text = document.text(id).unwrap_or_default();
                let quotes = match scalar.style {
                    Style::Plain | Style::LiteralBlock | Style::FoldedBlock => 0,
                    Style::MultilineBasic | Style::MultilineLiteral => 3,
                    _ => 1,
                };
                let whole = matches!(parse_value(text.trim(), Resolver::Zenml), ParsedValue::Reference(_));
                if !whole && !text.is_empty() && node.span.len() > 2 * quotes {
                    spans.push(Span::new(node.span.start + quotes, node.span.end - quotes));
                }
            }
            NodeKind::Alias(_) => {}
        }
    }
    spans.extend(directives::comments(document).into_iter().flat_map(|comment| parts_of_comment(document, comment)));
    merged(spans)
}

/// Marks a node as visited, and returns whether it already was.
fn mark_visited(visited: &mut Vec<bool>, id: NodeId) -> bool {
    if visited.len() <= id.index() {
        visited.resize(id.index() + 1, false);
    }
    visited.get_mut(id.index()).is_some_and(|is_visited| std::mem::replace(is_visited, true))
}

/// Returns what may be a password within a scalar: `--password=hunter2` is one value, `{password:hunter2}` one key to YAML.
fn parts_of_scalar(document: &Document, id: NodeId) -> Vec<Span> {
    let text = document.text(id).unwrap_or_default();
    if !has_separator(text) {
        return Vec::new();
    }
    let is_reference = |text: &str| matches!(parse_value(text, Resolver::Zenml), ParsedValue::Reference(_));
    let announced = find_sensitive_value(text).map(|at| at..text.len());
    let in_urls = url::passwords(text).into_iter().filter(|range| !text.get(range.clone()).is_some_and(is_reference));
    let ranges: Vec<_> = announced.into_iter().chain(in_urls).collect();
    if ranges.is_empty() || is_reference(text) {
        return Vec::new();
    }
    let offsets = document.offsets(id);
    ranges.into_iter().map(|range| offsets.source(range.start, range.end)).collect()
}

/// Returns the values of a mapping whose keys sound sensitive, or that another entry calls so.
fn sensitive_values<'d>(
    document: &'d Document,
    entries: &[(NodeId, NodeId)],
    cache: &mut SensitivityCache<'d>,
) -> Vec<NodeId> {
    let mut is_sensitive = |id: NodeId| document.text(id).is_some_and(|name| cache.may_be_sensitive(name));
    let is_naming = |key: NodeId| document.text(key).is_some_and(|key| NAMING_KEYS.contains(&key));
    let naming = entries.iter().find(|&&(key, value)| is_naming(key) && is_sensitive(value)).map(|&(key, _)| key);
    let hidden = entries.iter().filter(|&&(key, _)| match naming {
        Some(naming) => key != naming,
        None => is_sensitive(key),
    });
    hidden.map(|&(_, value)| value).collect()
}

/// A cache of which names of a document may be sensitive. Components repeat the same names, and
/// comparing two names is cheaper than looking a name up in the word lists.
#[derive(Default)]
struct SensitivityCache<'d> {
    slots: Vec<Option<(&'d str, bool)>>,
}

impl<'d> SensitivityCache<'d> {
    /// Names that are cached at the same time. A name replaces another one with the same slot.
    const SLOTS: usize = 64;

    fn may_be_sensitive(&mut self, name: &'d str) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![None; Self::SLOTS];
        }
        let (first, last) = (name.bytes().next().unwrap_or_default(), name.bytes().next_back().unwrap_or_default());
        let index = (name.len() * 5 + usize::from(first) * 3 + usize::from(last)) % Self::SLOTS;
        let Some(slot) = self.slots.get_mut(index) else { return flavors::may_be_sensitive(name) };
        match *slot {
            Some((cached, is_sensitive)) if cached == name => is_sensitive,
            _ => slot.insert((name, flavors::may_be_sensitive(name))).1,
        }
    }
}

/// Returns the items of a list that follow an option or a name of theirs: `["--password", "hunter2"]`.
fn announced_items(document: &Document, items: &[NodeId]) -> Vec<NodeId> {
    let announces =
        |id: NodeId| document.text(id).is_some_and(|text| !text.contains(char::is_whitespace) && announces_value(text));
    let pairs = items.iter().zip(items.iter().skip(1));
    pairs.filter(|&(&name, _)| announces(name)).map(|(_, &value)| value).collect()
}

/// Returns those of the tags and the anchor of a sensitive value that may be a password: `!hunter2` reads as a tag to YAML, and
/// `&hunter2` as an anchor. An anchor with a value, a standard tag, and a plain word are what they look like.
fn suspicious_properties(document: &Document, id: NodeId, properties: Span) -> Vec<Span> {
    let has_value = !document.node(id).span.is_empty();
    let source = document.source();
    let text = source.slice(properties);
    let mut at = properties.start;
    let mut found = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let is_plain = match word.strip_prefix('&') {
            Some(name) => has_value || reads_as_word(name),
            None => word.starts_with("!!") || reads_as_word(word.trim_start_matches('!')),
        };
        if !is_plain {
            found.push(Span::new(at, at + piece.len()));
        }
        at += piece.len();
    }
    found
}

/// Returns whether a text has nothing but letters in it, and marks between them.
fn reads_as_word(text: &str) -> bool {
    text.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | '/' | ':'))
}

/// Returns what may be a password in a comment: all of it, except a directive to stackref and the reason behind it.
fn parts_of_comment(document: &Document, comment: Span) -> Vec<Span> {
    let text = document.source().slice(comment);
    let directive = text.find("stackref:");
    let before = text.get(..directive.unwrap_or(text.len())).unwrap_or_default().trim_end_matches([' ', '\t', '#']);
    let lead = before.len() - before.trim_start_matches(['#', ' ', '\t']).len();
    let mut spans = vec![Span::new(comment.start + lead, comment.start + before.len())];
    if directive.is_some() {
        let in_url = url::passwords(text).first().map(|range| range.start);
        let hidden = [in_url, find_sensitive_value(text)].into_iter().flatten().min();
        spans.extend(hidden.map(|at| Span::new(comment.start + at, comment.end)));
    }
    spans.retain(|span| span.start < span.end);
    spans
}

/// Sorts spans and joins those that overlap.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// Takes the references in a text out of the spans that its excerpts must not show: a reference is no secret. The spans are
/// sorted and apart.
pub(crate) fn without_references(spans: Vec<Span>, text: &str) -> Vec<Span> {
    if spans.is_empty() {
        return spans;
    }
    let references: Vec<Span> = find_reference_shapes(text).into_iter().map(Span::from).collect();
    let mut rest = Vec::with_capacity(spans.len());
    for Span { mut start, end } in spans {
        let first = references.partition_point(|reference| reference.end <= start);
        let inside = references.iter().skip(first).take_while(|reference| reference.start < end);
        for reference in inside {
            rest.push(Span::new(start, reference.start));
            start = reference.end;
        }
        rest.push(Span::new(start, end));
    }
    rest.retain(|span| !span.is_empty());
    rest
}
