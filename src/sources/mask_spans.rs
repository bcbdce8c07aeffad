//! Operations on sorted lists of hidden spans.

use crate::text::source::Span;
use crate::zenml::grammar::find_reference_shapes;

/// Sorts spans and joins those that overlap.
pub(super) fn join_overlapping(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// Removes the references in a text from sorted spans without overlaps. A reference is not a
/// secret, so excerpts may show it.
pub(super) fn without_references(spans: Vec<Span>, text: &str) -> Vec<Span> {
    if spans.is_empty() {
        return spans;
    }
    let references = find_reference_shapes(text).into_iter().map(Span::from);
    without_spans(spans, &references.collect::<Vec<_>>())
}

/// Removes the references in some parts of a text from sorted spans without overlaps. Elsewhere,
/// braces may be a value.
pub(super) fn without_references_in(spans: Vec<Span>, text: &str, parts: Vec<Span>) -> Vec<Span> {
    if spans.is_empty() {
        return spans;
    }
    let parts = join_overlapping(parts);
    let is_in_part = |reference: &Span| {
        let before = parts.partition_point(|part| part.start <= reference.start);
        let part = before.checked_sub(1).and_then(|at| parts.get(at));
        part.is_some_and(|part| part.contains(*reference))
    };
    let references = find_reference_shapes(text).into_iter().map(Span::from);
    without_spans(spans, &references.filter(is_in_part).collect::<Vec<_>>())
}

/// Removes spans from others. Both lists are sorted and without overlaps.
pub(super) fn without_spans(spans: Vec<Span>, removed: &[Span]) -> Vec<Span> {
    if removed.is_empty() {
        return spans;
    }
    let mut rest = Vec::with_capacity(spans.len());
    for Span { mut start, end } in spans {
        let first = removed.partition_point(|removed| removed.end <= start);
        let inside = removed
            .iter()
            .skip(first)
            .take_while(|removed| removed.start < end);
        for removed in inside {
            rest.push(Span::new(start, removed.start));
            start = removed.end;
        }
        rest.push(Span::new(start, end));
    }
    rest.retain(|span| !span.is_empty());
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_are_joined_and_adjacent_spans_are_not() {
        let spans = vec![
            Span::new(5, 9),
            Span::new(0, 3),
            Span::new(2, 4),
            Span::new(4, 5),
        ];
        assert_eq!(
            join_overlapping(spans),
            [Span::new(0, 4), Span::new(4, 5), Span::new(5, 9)]
        );
    }

    #[test]
    fn references_are_removed_from_spans() {
        let text = "x: ab{{c.d}}ef";
        assert_eq!(
            without_references(vec![Span::new(3, 14)], text),
            [Span::new(3, 5), Span::new(12, 14)]
        );
    }
}
