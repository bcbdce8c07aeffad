//! Writes a new value into a literal block scalar (`|`).

use super::block_scalars::{block_indent, content_len, content_lines};
use super::yaml_encode::{YamlTarget, are_single_line};
use super::yaml_quoting::{is_printable_char, unchanged_text};
use crate::document::edits::in_place;
use crate::document::{Edit, Replacement};
use crate::text::source::Span;

/// Returns the edits that give a literal block a new value. Each line is indented, and the header's
/// indicator selects which line breaks at the end are kept. Returns `None` if a literal block
/// cannot represent the value.
pub(super) fn encode_literal_block(
    target: &YamlTarget<'_>,
    raw: &str,
    parts: &[Replacement<'_>],
    value: &str,
) -> Option<Vec<Edit>> {
    let lines = content_lines(raw);
    let indent = block_indent(&lines, target.old);
    let (body, _) = lines.first().copied()?;
    let header = raw.get(..body)?;
    let indicator_len = header.len()
        - header
            .trim_start_matches([
                '|', '+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
            ])
            .len();
    let (indicator, header_rest) = header.split_at_checked(indicator_len)?;
    let has_explicit_indent = indicator.contains(|c: char| c.is_ascii_digit());
    if indent == 0 || !fits_literal_block(value.trim_end_matches('\n'), has_explicit_indent) {
        return None;
    }
    let has_same_end = trailing_breaks(value) == trailing_breaks(target.old);
    if has_same_end
        && are_single_line(target, parts)
        && parts.iter().all(|part| !part.text.contains('\n'))
    {
        return Some(in_place(target.offsets, parts, unchanged_text));
    }
    // If the file ends inside the block, readers disagree whether a final line break belongs to the
    // value.
    let has_final_break = raw.ends_with(['\n', '\r']);
    if !has_final_break && (!has_same_end || trailing_breaks(value) > 0) {
        return None;
    }
    let indicator = if has_same_end {
        indicator.to_owned()
    } else {
        with_chomping(indicator, trailing_breaks(value))
    };
    let keeps_breaks = indicator.contains('+');
    let mut out = write_block(&indicator, header_rest, indent, value);
    if has_final_break {
        let breaks = if keeps_breaks {
            trailing_breaks(value).max(1)
        } else {
            1
        };
        out.extend(std::iter::repeat_n(line_break_of(header), breaks));
    }
    // With `+`, the blank lines at the end of the span would belong to the value, so they are
    // removed.
    let end = if keeps_breaks {
        target.span.end
    } else {
        target.span.start + content_len(raw, target.old)
    };
    Some(vec![Edit::new(Span::new(target.span.start, end), out)])
}

/// Returns whether a literal block can represent a text without trailing line breaks.
fn fits_literal_block(text: &str, has_explicit_indent: bool) -> bool {
    let Some(first) = text.trim_start_matches('\n').chars().next() else {
        return false;
    };
    (has_explicit_indent || first != ' ') && text.split('\n').all(fits_block_line)
}

fn fits_block_line(line: &str) -> bool {
    line.chars().all(|c| c == '\t' || is_printable_char(c))
        && !line.starts_with('\t')
        && (line.is_empty() || !line.trim_matches(' ').is_empty())
}

fn trailing_breaks(text: &str) -> usize {
    text.len() - text.trim_end_matches('\n').len()
}

/// Returns an indicator for a value with this number of line breaks at the end.
fn with_chomping(indicator: &str, breaks: usize) -> String {
    let chomping = match breaks {
        0 => "-",
        1 => "",
        _ => "+",
    };
    format!("{}{chomping}", indicator.replace(['+', '-'], ""))
}

/// Returns the line break that ends a header.
fn line_break_of(header: &str) -> &'static str {
    match header {
        crlf if crlf.ends_with("\r\n") => "\r\n",
        cr if cr.ends_with('\r') => "\r",
        _ => "\n",
    }
}

/// Returns a block without its final line breaks.
fn write_block(indicator: &str, header_rest: &str, indent: usize, value: &str) -> String {
    let text = value.trim_end_matches('\n');
    let mut out = format!("{indicator}{header_rest}");
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push_str(line_break_of(header_rest));
        }
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
    out
}
