//! What excerpts of a document must not show: what may be a password, by the key or the place that it stands at.

use crate::document::{Document, Kind, NodeId, Style};
use crate::excerpt;
use crate::flavors;
use crate::ignore;
use crate::reference::{Reading, Resolver, read, references_in_shape};
use crate::source::Span;
use std::collections::HashSet;

/// What excerpts of a document must not show: the values of attributes that are sensitive in any version of any flavor, or
/// sound so, wherever aliases put them; and comments, in which a value may be kept, except what they say to stackref. A value
/// that is one reference and nothing else may be seen.
pub(super) fn masks(document: &Document) -> Vec<Span> {
    let mut open: Vec<NodeId> = Vec::new();
    let mut spans = Vec::new();
    for (id, node) in document.nodes() {
        // `{password:hunter2}` is one key to YAML, `--password=hunter2` one value, and neither is to be seen.
        let text = if matches!(node.kind, Kind::Scalar(_)) { document.text(id).unwrap_or_default() } else { "" };
        if let Some(at) = excerpt::after_sensitive_word(text).filter(|&at| at < text.len()) {
            spans.push(document.offsets(id).source(at, text.len()));
        }
        if let Some((start, end)) = password_of_url(text) {
            spans.push(document.offsets(id).source(start, end));
        }
        if let Kind::Mapping { entries, .. } = &node.kind {
            let sensitive =
                entries.iter().filter(|&&(key, _)| document.text(key).is_some_and(flavors::may_be_sensitive));
            open.extend(sensitive.map(|&(_, value)| value));
        }
    }
    let source = document.source();
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        let id = document.target(id);
        if !seen.insert(id) {
            continue;
        }
        let node = document.node(id);
        // `!hunter2` is a tag, and `&hunter2` an anchor.
        spans.extend(document.properties(id));
        match &node.kind {
            Kind::Mapping { entries, .. } => open.extend(entries.iter().flat_map(|&(key, value)| [key, value])),
            Kind::Sequence(items) => open.extend(items),
            Kind::Scalar(scalar) => {
                let text = document.text(id).unwrap_or_default();
                let quotes = match scalar.style {
                    Style::Plain | Style::LiteralBlock | Style::FoldedBlock => 0,
                    Style::MultilineBasic | Style::MultilineLiteral => 3,
                    _ => 1,
                };
                let whole = matches!(read(text.trim(), Resolver::Zenml), Reading::Whole(_));
                if !whole && !text.is_empty() && node.span.len() > 2 * quotes {
                    spans.push(Span::new(node.span.start + quotes, node.span.end - quotes));
                }
            }
            Kind::Alias(_) => {}
        }
    }
    spans.extend(ignore::comments(document).into_iter().flat_map(|comment| {
        let text = source.slice(comment);
        let own = text.find("stackref:");
        let before = text.get(..own.unwrap_or(text.len())).unwrap_or_default().trim_end_matches([' ', '\t', '#']);
        let before = Span::new(comment.start + 1, comment.start + before.len());
        let behind = own.and_then(|_| excerpt::after_sensitive_word(text));
        [Some(before), behind.map(|at| Span::new(comment.start + at, comment.end))].into_iter().flatten()
    }));
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
pub(super) fn without_references(spans: Vec<Span>, text: &str) -> Vec<Span> {
    if spans.is_empty() {
        return spans;
    }
    let references: Vec<Span> = references_in_shape(text).into_iter().map(Span::from).collect();
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

/// In `scheme://user:password@host`: the password, unless a reference stands for it.
fn password_of_url(text: &str) -> Option<(usize, usize)> {
    let start = text.find("://")? + 3;
    let rest = text.get(start..)?;
    let authority = rest.split(['/', '?', '#', ' ']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let from = start + name.len() + 1;
    let is_reference = matches!(read(password, Resolver::Zenml), Reading::Whole(_));
    (!password.is_empty() && !is_reference).then_some((from, from + password.len()))
}
