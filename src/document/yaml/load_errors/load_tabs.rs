//! Checks for tabs. `PyYAML` accepts them only in quotes, in comments, and in the lines of block
//! scalars.

use super::LoadReason;
use crate::document::yaml::block_scalars::{block_indent, content_lines};
use crate::document::{Document, NodeKind, Style, SyntaxError, directives};
use crate::text::source::Span;

const TAB: LoadReason = LoadReason {
    reason: "a tab outside of quotes",
    help: "write spaces instead of the tab",
};

/// A span in which tabs are content.
struct TabSpan {
    span: Span,
    /// The number of spaces that must precede a tab at the start of a line.
    indent: usize,
}

/// Returns an error for each run of tabs that `PyYAML` does not accept.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let text = document.source.text();
    let mut errors: Vec<SyntaxError> = Vec::new();
    if memchr::memchr(b'\t', text.as_bytes()).is_none() {
        return errors;
    }
    let mut allowed = allowed_spans(document).into_iter().peekable();
    let mut from = 0;
    for at in memchr::memchr_iter(b'\t', text.as_bytes()) {
        while allowed.next_if(|allowed| allowed.span.end <= at).is_some() {}
        let is_content = allowed.peek().is_some_and(|allowed| {
            allowed.span.start <= at && is_indented(text, at, allowed.indent)
        });
        if is_content || at < from {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let run = rest.get(..blanks).unwrap_or_default().trim_end_matches(' ');
        from = at + run.len();
        errors.push(TAB.at(Span::new(at, from)));
    }
    errors
}

/// Returns whether a tab is not at the start of a line, or at least this number of spaces precedes
/// it.
fn is_indented(text: &str, at: usize, indent: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let trimmed = before.trim_end_matches(' ');
    before.len() - trimmed.len() >= indent || !trimmed.ends_with(['\n', '\r'])
}

/// Returns the spans of comments, quoted scalars and the lines of block scalars, in the order of
/// the file.
fn allowed_spans(document: &Document) -> Vec<TabSpan> {
    let comments = directives::comments(document).into_iter();
    let mut spans: Vec<TabSpan> = comments.map(|span| TabSpan { span, indent: 0 }).collect();
    for (id, node) in document.nodes() {
        let NodeKind::Scalar(scalar) = node.kind else {
            continue;
        };
        let span = node.span;
        match scalar.style {
            Style::SingleQuoted | Style::DoubleQuoted => spans.push(TabSpan { span, indent: 0 }),
            Style::LiteralBlock | Style::FoldedBlock => {
                let lines = content_lines(document.source.slice(span));
                let value = document.text(id).unwrap_or_default();
                let start = lines.first().map_or(span.len(), |line| line.0);
                spans.push(TabSpan {
                    span: Span::new(span.start + start, span.end),
                    indent: block_indent(&lines, value),
                });
            }
            _ => {}
        }
    }
    spans.sort_unstable_by_key(|allowed| allowed.span);
    spans
}
