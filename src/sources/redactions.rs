//! The spans of a document that no excerpt may show, since they may contain passwords.
//!
//! These are:
//!
//! - values of keys that may be sensitive, including values that aliases refer to
//! - parts of scalars after a sensitive word (`--password=hunter2`), and passwords in URLs
//! - tags and anchors of sensitive values
//! - comments, except directives
//!
//! A value that consists of one reference is not hidden.

use crate::document::directives;
use crate::document::{Document, NodeId, NodeKind, Style};
use crate::sources::mask_spans::join_overlapping;
use crate::sources::name_cache::NameCache;
use crate::text::sensitive_words::{announces_value, find_sensitive_value, has_separator};
use crate::text::source::Span;
use crate::text::url;
use crate::zenml::flavors::may_be_sensitive;
use crate::zenml::grammar::{ParsedValue, Resolver, parse_value};

/// Keys whose value is the name of another value, for example in `{name: DB_PASSWORD, value: …}`.
const NAMING_KEYS: [&str; 8] = [
    "name", "key", "env", "variable", "option", "flag", "header", "field",
];

/// Returns the spans that excerpts of a YAML, TOML or JSON document must not show, sorted and
/// without overlaps.
pub(crate) fn masks(document: &Document) -> Vec<Span> {
    let mut sensitive: Vec<NodeId> = Vec::new();
    let mut spans = Vec::new();
    let mut cache = NameCache::default();
    for (id, node) in document.nodes() {
        match &node.kind {
            NodeKind::Scalar(_) => spans.extend(masks_in_scalar(document, id)),
            NodeKind::Mapping { entries, .. } => {
                sensitive.extend(sensitive_values(
                    document,
                    document.entries_in(*entries),
                    &mut cache,
                ));
            }
            NodeKind::Sequence(items) => {
                sensitive.extend(announced_items(document, document.items_in(*items)));
            }
            NodeKind::Alias(_) => {}
        }
    }
    mask_sensitive_values(document, sensitive, &mut spans);
    spans.extend(
        directives::comments(document)
            .into_iter()
            .flat_map(|comment| masks_in_comment(document, comment)),
    );
    join_overlapping(spans)
}

/// Masks sensitive values and all values in them.
fn mask_sensitive_values(document: &Document, mut open: Vec<NodeId>, spans: &mut Vec<Span>) {
    // Tags and anchors start with one of these characters.
    let text = document.source().text().as_bytes();
    let has_properties = memchr::memchr2(b'!', b'&', text).is_some();
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
                open.extend(
                    document
                        .entries_in(*entries)
                        .iter()
                        .flat_map(|&(key, value)| [key, value]),
                );
            }
            NodeKind::Sequence(items) => open.extend(document.items_in(*items)),
            NodeKind::Scalar(scalar) => spans.extend(mask_of_scalar(document, id, scalar.style)),
            NodeKind::Alias(_) => {}
        }
    }
}

/// Marks a node as visited, and returns whether it already was.
fn mark_visited(visited: &mut Vec<bool>, id: NodeId) -> bool {
    if visited.len() <= id.index() {
        visited.resize(id.index() + 1, false);
    }
    visited
        .get_mut(id.index())
        .is_some_and(|is_visited| std::mem::replace(is_visited, true))
}

/// Returns the span of a sensitive scalar without its quotes, or `None` if it is empty or a
/// reference.
fn mask_of_scalar(document: &Document, id: NodeId, style: Style) -> Option<Span> {
    let text = document.text(id).unwrap_or_default();
    let span = document.node(id).span;
    let quotes = match style {
        Style::Plain | Style::LiteralBlock | Style::FoldedBlock => 0,
        Style::MultilineBasic | Style::MultilineLiteral => 3,
        _ => 1,
    };
    let is_hidden = !is_reference(text.trim()) && !text.is_empty() && span.len() > 2 * quotes;
    is_hidden.then(|| Span::new(span.start + quotes, span.end - quotes))
}

/// Returns the parts of a scalar that may be passwords. For example, `--password=hunter2` is one
/// scalar, and `{password:hunter2}` has one key in YAML.
fn masks_in_scalar(document: &Document, id: NodeId) -> Vec<Span> {
    let text = document.text(id).unwrap_or_default();
    if !has_separator(text) {
        return Vec::new();
    }
    let announced = find_sensitive_value(text).map(|at| at..text.len());
    let in_urls = url::passwords(text)
        .into_iter()
        .filter(|range| !text.get(range.clone()).is_some_and(is_reference));
    let ranges: Vec<_> = announced.into_iter().chain(in_urls).collect();
    if ranges.is_empty() || is_reference(text) {
        return Vec::new();
    }
    let offsets = document.offsets(id);
    ranges
        .into_iter()
        .map(|range| offsets.source(range.start, range.end))
        .collect()
}

fn is_reference(text: &str) -> bool {
    matches!(
        parse_value(text, Resolver::Zenml),
        ParsedValue::Reference(_)
    )
}

/// Returns the values of a mapping that may be sensitive because of their keys, or because another
/// entry contains a sensitive name.
fn sensitive_values<'d>(
    document: &'d Document,
    entries: &[(NodeId, NodeId)],
    cache: &mut NameCache<'d, bool>,
) -> Vec<NodeId> {
    let mut is_sensitive = |id: NodeId| {
        document
            .text(id)
            .is_some_and(|name| cache.get(name, may_be_sensitive))
    };
    let is_naming = |key: NodeId| {
        document
            .text(key)
            .is_some_and(|key| NAMING_KEYS.contains(&key))
    };
    let naming = entries
        .iter()
        .find(|&&(key, value)| is_naming(key) && is_sensitive(value))
        .map(|&(key, _)| key);
    let hidden = entries.iter().filter(|&&(key, _)| match naming {
        Some(naming) => key != naming,
        None => is_sensitive(key),
    });
    hidden.map(|&(_, value)| value).collect()
}

/// Returns the items of a list that follow a sensitive word, for example in `["--password",
/// "hunter2"]`.
fn announced_items(document: &Document, items: &[NodeId]) -> Vec<NodeId> {
    let pairs = items.iter().zip(items.iter().skip(1));
    let announced = pairs.filter(|&(&word, _)| document.text(word).is_some_and(is_announcing_word));
    announced.map(|(_, &value)| value).collect()
}

fn is_announcing_word(text: &str) -> bool {
    !text.contains(char::is_whitespace) && announces_value(text)
}

/// Returns the tags and the anchor of a sensitive value that may be passwords. In YAML, `!hunter2`
/// is a tag, and `&hunter2` is an anchor.
///
/// An anchor with a value, a standard tag, and a tag or an anchor of letters are not hidden.
fn suspicious_properties(document: &Document, id: NodeId, properties: Span) -> Vec<Span> {
    let has_value = !document.node(id).span.is_empty();
    let text = document.source().slice(properties);
    let mut at = properties.start;
    let mut spans = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let is_harmless = match word.strip_prefix('&') {
            Some(name) => has_value || looks_like_word(name),
            None => word.starts_with("!!") || looks_like_word(word.trim_start_matches('!')),
        };
        if !is_harmless {
            spans.push(Span::new(at, at + piece.len()));
        }
        at += piece.len();
    }
    spans
}

/// Returns whether a text consists of letters and separators.
fn looks_like_word(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | '/' | ':'))
}

/// Returns the parts of a comment that may be passwords: everything except a directive and its
/// reason.
fn masks_in_comment(document: &Document, comment: Span) -> Vec<Span> {
    let text = document.source().slice(comment);
    let directive = text.find("stackref:");
    let before = text
        .get(..directive.unwrap_or(text.len()))
        .unwrap_or_default()
        .trim_end_matches([' ', '\t', '#']);
    let marker_len = before.len() - before.trim_start_matches(['#', ' ', '\t']).len();
    let mut spans = vec![Span::new(
        comment.start + marker_len,
        comment.start + before.len(),
    )];
    if directive.is_some() {
        // A reason may contain a password, too.
        let in_url = url::passwords(text).first().map(|range| range.start);
        let hidden = [in_url, find_sensitive_value(text)]
            .into_iter()
            .flatten()
            .min();
        spans.extend(hidden.map(|at| Span::new(comment.start + at, comment.end)));
    }
    spans.retain(|span| span.start < span.end);
    spans
}
