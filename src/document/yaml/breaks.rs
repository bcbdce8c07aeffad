//! The three characters that end a line in YAML 1.1 and not in YAML 1.2: U+0085 (NEL), U+2028 and
//! U+2029.
//!
//! The parser reads YAML 1.2. `PyYAML` and libyaml read YAML 1.1: a comment ends at such a
//! character, for example, and the text after it is content. This file rewrites a text so that the
//! parser reads it as they do, and refuses a document that the two versions read as different
//! trees.

use super::super::{Document, Node, NodeKind, Style, Syntax, SyntaxError};
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// The largest text in which the first character that changes the tree is searched. Each step of
/// the search parses the text again.
const MAX_SEARCHED_BYTES: usize = 1 << 20;

const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Returns the offset of each line break that only YAML 1.1 has.
fn offsets(text: &str) -> impl Iterator<Item = usize> {
    memchr::memchr2_iter(0xC2, 0xE2, text.as_bytes())
        .filter(|&at| text.get(at..).is_some_and(|rest| rest.starts_with(BREAKS)))
}

/// Returns whether a text contains a line break that only YAML 1.1 has.
pub(in crate::document) fn contains_break(text: &str) -> bool {
    offsets(text).next().is_some()
}

/// Parses a document again as YAML 1.1 breaks its lines. Returns `None` if the text has no line
/// break of YAML 1.1 alone outside of quotes, or if the result does not parse.
///
/// Such a character inside quotes stays: [`refuse_other_trees`] has checked that it cannot end
/// anything there.
pub(in crate::document) fn parse_as_yaml_1_1(document: &Document) -> Option<Document> {
    let breaks = unquoted_offsets(document);
    let last = *breaks.last()?;
    reparse(document, &breaks, last).ok()
}

/// Refuses a document that readers of YAML 1.1 and of YAML 1.2 read as different trees, or that one
/// of them cannot read. The intended tree is unknown. Texts of scalars may differ.
pub(in crate::document) fn refuse_other_trees(document: &Document) -> Result<(), SyntaxError> {
    if !contains_break(document.source().text()) {
        return Ok(());
    }
    let ending = document
        .nodes()
        .find_map(|(_, node)| ends_scalar(document, &node));
    if let Some(at) = ending.or_else(|| ends_comment(document)) {
        return Err(ambiguity_error(document, at));
    }
    let breaks = unquoted_offsets(document);
    let is_same = |last: usize| {
        reparse(document, &breaks, last).is_ok_and(|other| document.has_shape_of(&other))
    };
    let Some(last) = breaks.last().filter(|&&last| !is_same(last)) else {
        return Ok(());
    };
    // A binary search for the first character that changes the tree.
    let (mut same, mut other) = (
        0,
        if document.source().text().len() > MAX_SEARCHED_BYTES {
            1
        } else {
            breaks.len()
        },
    );
    while other - same > 1 {
        let middle = usize::midpoint(same, other);
        match breaks.get(middle - 1) {
            Some(&at) if is_same(at) => same = middle,
            _ => other = middle,
        }
    }
    Err(ambiguity_error(
        document,
        breaks.get(same).copied().unwrap_or(*last),
    ))
}

/// Returns where such a character ends a quoted scalar or the header of a block scalar for readers
/// of YAML 1.1: in a key, which must be on one line; before a document marker; or after `|` or `>`.
fn ends_scalar(document: &Document, node: &Node) -> Option<usize> {
    let NodeKind::Scalar(scalar) = &node.kind else {
        return None;
    };
    let raw = document.source().slice(node.span);
    let mut within = offsets(raw);
    let at = match scalar.style {
        Style::SingleQuoted | Style::DoubleQuoted => within.find(|&at| {
            let next_line = raw
                .get(at..)
                .and_then(|rest| rest.strip_prefix(BREAKS))
                .unwrap_or_default();
            let marker = next_line
                .strip_prefix("---")
                .or_else(|| next_line.strip_prefix("..."));
            node.key
                || marker.is_some_and(|rest| {
                    rest.starts_with([' ', '\t', '\r', '\n']) || rest.starts_with(BREAKS)
                })
        }),
        Style::LiteralBlock | Style::FoldedBlock => {
            let header = raw.find(['\r', '\n']).unwrap_or(raw.len());
            within.find(|&at| at < header)
        }
        _ => None,
    };
    at.map(|at| node.span.start + at)
}

/// Returns where such a character ends a comment, and content follows for readers of YAML 1.1.
fn ends_comment(document: &Document) -> Option<usize> {
    let text = document.source().text();
    offsets_outside(document, |_| true).into_iter().find(|&at| {
        let next_line = text
            .get(at..)
            .and_then(|rest| rest.strip_prefix(BREAKS))
            .unwrap_or_default();
        let next_line = next_line.trim_start_matches([' ', '\t']);
        !(next_line.is_empty()
            || next_line.starts_with(['#', '\r', '\n'])
            || next_line.starts_with(BREAKS))
    })
}

/// Returns the offsets of such characters outside of the scalars of some styles.
fn offsets_outside(document: &Document, is_skipped: impl Fn(Style) -> bool) -> Vec<usize> {
    let skipped = document.nodes().filter_map(|(_, node)| match node.kind {
        NodeKind::Scalar(scalar) if is_skipped(scalar.style) => Some(node.span),
        _ => None,
    });
    let mut spans = skipped.peekable();
    let mut breaks = Vec::new();
    for at in offsets(document.source().text()) {
        while spans.next_if(|span| span.end <= at).is_some() {}
        if spans.peek().is_none_or(|span| at < span.start) {
            breaks.push(at);
        }
    }
    breaks
}

fn unquoted_offsets(document: &Document) -> Vec<usize> {
    offsets_outside(document, |style| {
        matches!(style, Style::SingleQuoted | Style::DoubleQuoted)
    })
}

/// Parses the text with a line feed in place of each of the `breaks` up to `last`. All other line
/// breaks become line feeds, too, so that a CR before such a character does not make one line break
/// of two.
fn reparse(document: &Document, breaks: &[usize], last: usize) -> Result<Document, SyntaxError> {
    let text = document.source().text();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for &at in breaks.iter().take_while(|&&at| at <= last) {
        push_line_feeds(&mut out, text.get(from..at).unwrap_or_default());
        out.push('\n');
        from = at
            + text
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8);
    }
    push_line_feeds(&mut out, text.get(from..).unwrap_or_default());
    Document::read(
        Arc::new(SourceFile::new(document.source().path(), out.as_str())),
        Syntax::Yaml,
    )
}

fn push_line_feeds(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\r', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push('\n');
        rest = rest.get(at + 1..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out.push_str(rest);
}

fn ambiguity_error(document: &Document, at: usize) -> SyntaxError {
    let c = document
        .source()
        .text()
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .unwrap_or('\u{85}');
    let escape = match c {
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        _ => "\\N",
    };
    SyntaxError {
        span: Span::new(at, at + c.len_utf8()),
        message: format!(
            "the invisible character U+{:04X} ends the line for readers of YAML 1.1 such as PyYAML, which read another \
             document than readers of YAML 1.2",
            u32::from(c)
        ),
        help: Some(format!(
            "remove the character, or write it as `{escape}` in double quotes"
        )),
    }
}
