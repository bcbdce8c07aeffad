//! Decodes TOML strings a second time, to map each part of the value to its source.

use crate::document::Style;
use crate::document::offsets::OffsetMapBuilder;

/// Decodes a string in quotes.
pub(in crate::document) fn decode(raw: &str, style: Style) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let is_multiline = matches!(style, Style::MultilineBasic | Style::MultilineLiteral);
    let has_escapes = matches!(style, Style::Basic | Style::MultilineBasic);
    let quotes = if is_multiline { 3 } else { 1 };
    let end = raw.len().saturating_sub(quotes);
    let text = raw.get(..end).unwrap_or_default();
    let mut at = quotes;
    if is_multiline {
        // A line break directly after the opening quotes is not part of the value.
        at += break_len(text.get(at..).unwrap_or_default());
    }
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if has_escapes && rest.starts_with('\\') {
            let after = rest.get(1..).unwrap_or_default();
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            if is_multiline && break_len(after.get(blanks..).unwrap_or_default()) > 0 {
                at += 1 + after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
            } else {
                let (len, decoded) = decode_escape(after);
                out.push_replaced(at, 1 + len, decoded.encode_utf8(&mut [0; 4]));
                at += 1 + len;
            }
        } else {
            let len = rest.chars().next().map_or(1, char::len_utf8);
            out.push_verbatim(at, rest.get(..len).unwrap_or_default());
            at += len;
        }
    }
    out
}

fn break_len(text: &str) -> usize {
    if text.starts_with("\r\n") {
        2
    } else {
        usize::from(text.starts_with('\n'))
    }
}

/// Decodes an escape without its backslash. Returns the number of bytes and the character.
fn decode_escape(text: &str) -> (usize, char) {
    let first = text.chars().next().unwrap_or('\\');
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let decoded = match first {
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                other => other,
            };
            return (first.len_utf8(), decoded);
        }
    };
    let code = text
        .get(1..=digits)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (
        1 + digits,
        code.and_then(char::from_u32).unwrap_or('\u{FFFD}'),
    )
}
