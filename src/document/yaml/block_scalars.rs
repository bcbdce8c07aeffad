//! The layout of block scalars (`|` and `>`): header, lines, indentation and end.

use crate::document::Style;
use crate::text::source::Span;
use std::borrow::Cow;

/// Removes the line break that the parser adds to a block scalar at the end of a file without a
/// final line break. YAML 1.1 and YAML 1.2 add none.
pub(super) fn without_missing_break<'v>(
    text: &str,
    span: Span,
    style: Style,
    value: Cow<'v, str>,
) -> Cow<'v, str> {
    let is_block = matches!(style, Style::LiteralBlock | Style::FoldedBlock);
    if !is_block || span.end != text.len() {
        return value;
    }
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let is_truncated = !last.trim_matches(' ').is_empty();
    match value.strip_suffix('\n').filter(|_| is_truncated) {
        Some(trimmed) => trimmed.to_owned().into(),
        None => value,
    }
}

/// Returns the end of a block scalar, which is after its last line break. The parser includes the
/// indentation of the next line.
pub(super) fn block_end(text: &str, span: Span) -> usize {
    let raw = text.get(span.start..span.end).unwrap_or_default();
    let last = raw.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    // At the end of the file, blanks may be content.
    let only_blanks = span.end < text.len()
        && raw
            .get(last..)
            .unwrap_or_default()
            .trim_matches(' ')
            .is_empty();
    span.start + if only_blanks { last } else { raw.len() }
}

/// Returns the start of a block scalar's header (`|` or `>`). Indicators, properties and comments
/// may precede it after the end of the previous node.
pub(super) fn block_header(text: &str, from: usize, content: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..content).filter(|rest| !rest.is_empty()) {
        let len = match rest.chars().next() {
            Some('|' | '>') => return at,
            Some('#' | '%') => rest.find(['\r', '\n']).unwrap_or(rest.len()),
            Some('!' | '&') => rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
            Some(other) => other.len_utf8(),
            None => break,
        };
        at += len;
    }
    content
}

/// Returns the lines after the header: the start of each in `raw`, and its text without the line
/// break.
pub(super) fn content_lines(raw: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at <= raw.len() {
        let rest = raw.get(at..).unwrap_or_default();
        let len = rest.find(['\r', '\n']).unwrap_or(rest.len());
        lines.push((start, raw.get(start..at + len).unwrap_or_default()));
        let Some(width) = rest.get(len..).and_then(break_len) else {
            break;
        };
        at += len + width;
        start = at;
    }
    if !lines.is_empty() {
        lines.remove(0);
    }
    lines
}

/// Returns the indentation that the parser removed: the indentation of the first line with text,
/// minus the spaces at the start of the value.
pub(super) fn block_indent(lines: &[(usize, &str)], value: &str) -> usize {
    let first_text = lines
        .iter()
        .find(|(_, line)| !line.trim_start_matches(' ').is_empty());
    if let Some((_, line)) = first_text {
        return leading_spaces(line).saturating_sub(leading_spaces(value.trim_start_matches('\n')));
    }
    // With blank lines only, the spaces beyond the indentation are content, and the longest line
    // shows how many there are.
    let longest = lines.iter().map(|(_, line)| line.len()).max().unwrap_or(0);
    longest.saturating_sub(value.lines().map(str::len).max().unwrap_or(0))
}

pub(super) fn break_len(text: &str) -> Option<usize> {
    if text.starts_with("\r\n") {
        Some(2)
    } else {
        text.starts_with(['\r', '\n']).then_some(1)
    }
}

/// Returns the length of a block scalar's header and content, without the blank lines after them.
/// The blank lines are content if the header keeps them with `+`.
pub(in crate::document) fn content_len(raw: &str, value: &str) -> usize {
    let lines = content_lines(raw);
    let header = lines
        .first()
        .and_then(|line| raw.get(..line.0))
        .unwrap_or_default();
    let keeps = header
        .split(char::is_whitespace)
        .next()
        .is_some_and(|mark| mark.contains('+'));
    let indent = block_indent(&lines, value);
    let is_content =
        |line: &&(usize, &str)| line.1.len() > indent || !line.1.trim_matches(' ').is_empty();
    match lines.iter().rfind(is_content) {
        Some((start, line)) if !keeps => {
            let end = start + line.len();
            end + raw.get(end..).and_then(break_len).unwrap_or(0)
        }
        _ => raw.len(),
    }
}

fn leading_spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}
