//! Decodes YAML scalars a second time, to map each part of the value to its source.

use super::block_scalars::{block_indent, break_len, content_lines};
use crate::document::Style;
use crate::document::offsets::OffsetMapBuilder;

/// Decodes a scalar. `value` is the parser's result, with which block scalars are aligned, since
/// their indentation depends on the lines above them.
pub(in crate::document) fn decode(raw: &str, style: Style, value: &str) -> OffsetMapBuilder {
    match style {
        Style::SingleQuoted | Style::DoubleQuoted => {
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            decode_flow(inner, 1, style)
        }
        Style::LiteralBlock | Style::FoldedBlock => decode_block(raw, style, value),
        _ => decode_flow(raw, 0, style),
    }
}

/// Decodes a plain or quoted scalar: folds line breaks, removes the blanks around them and decodes
/// escapes. `base` is the start of `text` in the scalar.
fn decode_flow(text: &str, base: usize, style: Style) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    // The output up to here is final. Blanks after it are removed if a line break follows.
    let mut solid = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(len) = break_len(rest) {
            let trimmed = out.text().trim_end_matches([' ', '\t']).len();
            out.truncate(trimmed.max(solid));
            let (end, blank_lines) = skip_blank_lines(text, at + len);
            let folded = if blank_lines == 0 {
                " ".to_owned()
            } else {
                "\n".repeat(blank_lines)
            };
            out.push_replaced(base + at, end - at, &folded);
            solid = out.text().len();
            at = end;
        } else if style == Style::DoubleQuoted && rest.starts_with('\\') {
            let after = rest.get(1..).unwrap_or_default();
            if let Some(len) = break_len(after) {
                // An escaped line break joins two lines. Empty lines after it stay.
                let (end, blank_lines) = skip_blank_lines(text, at + 1 + len);
                out.push_replaced(base + at, end - at, &"\n".repeat(blank_lines));
                at = end;
            } else {
                let (len, decoded) = decode_escape(after);
                out.push_replaced(base + at, 1 + len, decoded.encode_utf8(&mut [0; 4]));
                at += 1 + len;
            }
            solid = out.text().len();
        } else if style == Style::SingleQuoted && rest.starts_with("''") {
            out.push_replaced(base + at, 2, "'");
            at += 2;
        } else {
            let len = rest.chars().next().map_or(1, char::len_utf8);
            out.push_verbatim(base + at, rest.get(..len).unwrap_or_default());
            at += len;
        }
    }
    out
}

/// Skips blank lines and the leading blanks of the next line. Returns the new offset and the number
/// of blank lines.
fn skip_blank_lines(text: &str, mut at: usize) -> (usize, usize) {
    let mut count = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match break_len(rest.get(blanks..).unwrap_or_default()) {
            Some(len) => {
                count += 1;
                at += blanks + len;
            }
            None => return (at + blanks, count),
        }
    }
}

/// Decodes an escape without its backslash. Returns the number of bytes and the character. The
/// parser has refused invalid escapes.
fn decode_escape(text: &str) -> (usize, char) {
    let first = text.chars().next().unwrap_or('\\');
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let decoded = match first {
                '0' => '\0',
                'a' => '\u{7}',
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'v' => '\u{b}',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                'N' => '\u{85}',
                '_' => '\u{a0}',
                'L' => '\u{2028}',
                'P' => '\u{2029}',
                other => other,
            };
            return (first.len_utf8(), decoded);
        }
    };
    let code = hex_at(text, 1, digits).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&code)
        && text
            .get(1 + digits..)
            .is_some_and(|rest| rest.starts_with("\\u"))
    {
        let low = hex_at(text, digits + 3, 4).unwrap_or(0);
        let joined = 0x10000 + ((code - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
        return (digits + 7, char::from_u32(joined).unwrap_or('\u{FFFD}'));
    }
    (1 + digits, char::from_u32(code).unwrap_or('\u{FFFD}'))
}

/// Decodes a block scalar. The value contains each content line without its indentation. The text
/// between two lines, which is line breaks or the space of a fold, comes from the value itself.
fn decode_block(raw: &str, style: Style, value: &str) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let lines = content_lines(raw);
    let indent = block_indent(&lines, value);
    let mut break_at = lines.first().map_or(raw.len(), |line| line.0);
    for &(start, line) in &lines {
        let cut = indent.min(line.len() - line.trim_start_matches(' ').len());
        let text = line.get(cut..).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let after = value.get(out.text().len()..).unwrap_or_default();
        let breaks = after.len() - after.trim_start_matches('\n').len();
        let folded =
            style == Style::FoldedBlock && after.starts_with(' ') && !text.starts_with([' ', '\t']);
        let between = if folded {
            " "
        } else {
            after.get(..breaks).unwrap_or_default()
        };
        out.push_replaced(break_at, start + cut - break_at, between);
        out.push_verbatim(start + cut, text);
        break_at = start + line.len();
    }
    let rest = value.get(out.text().len()..).unwrap_or_default();
    if rest.chars().all(|c| c == '\n') {
        out.push_replaced(break_at, raw.len() - break_at.min(raw.len()), rest);
    }
    out
}

/// Reads hexadecimal digits.
fn hex_at(text: &str, from: usize, digits: usize) -> Option<u32> {
    text.get(from..from + digits)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
}
