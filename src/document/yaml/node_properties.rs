//! The tag and the anchor of a node, which are not part of its span.

use crate::text::source::Span;

/// Returns the span of a node's tag and anchor. Returns `None` if it has neither.
pub(in crate::document) fn properties(text: &str, node: Span) -> Option<Span> {
    let mut start = node.start;
    loop {
        let before = text.get(..start)?.trim_end();
        let word = before.rsplit(is_separator).next().unwrap_or_default();
        let from = before.len() - word.len();
        // As in JSON, no space is needed in `"password":!x`.
        let skipped = if is_property(word) {
            Some(0)
        } else {
            word.find("\":")
                .map(|at| at + 2)
                .filter(|&at| word.get(at..).is_some_and(is_property))
        };
        match skipped {
            Some(skipped) => start = from + skipped,
            None => break,
        }
    }
    // The empty span of a missing node is before or after its properties.
    let rest = text
        .get(node.end..)
        .filter(|_| node.is_empty())
        .unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let word = rest
        .get(blanks..)
        .unwrap_or_default()
        .split(is_separator)
        .next()
        .unwrap_or_default();
    let end = if is_property(word) {
        node.end + blanks + word.len()
    } else {
        node.start
    };
    (start < end).then(|| Span::new(start, end))
}

fn is_property(word: &str) -> bool {
    word.starts_with(['!', '&'])
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}')
}
