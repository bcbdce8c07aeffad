//! The escapes of `$'…'`, as bash decodes them.

use crate::document::offsets::OffsetMapBuilder;

/// Decodes the content of `$'…'`, which begins at an offset of the code. An escape of a byte that is
/// not ASCII is decoded to U+FFFD.
pub(super) fn decode_ansi(content: &str, start: usize, text: &mut OffsetMapBuilder) {
    let mut at = 0;
    while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('\\').unwrap_or(rest.len());
        if plain > 0 {
            text.push_verbatim(start + at, rest.get(..plain).unwrap_or_default());
            at += plain;
            continue;
        }
        let (len, decoded) = decode_escape(rest);
        match decoded {
            Some(decoded) => {
                text.push_replaced(start + at, len, decoded.encode_utf8(&mut [0; 4]));
            }
            None => text.push_verbatim(start + at, rest.get(..len).unwrap_or_default()),
        }
        at += len;
    }
}

/// Decodes the escape at the start of a text. Returns its length and its character. Returns `None`
/// for a backslash that is not an escape.
fn decode_escape(text: &str) -> (usize, Option<char>) {
    let mut chars = text.chars().skip(1);
    let Some(kind) = chars.next() else {
        return (text.len(), None);
    };
    let simple = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'e' | 'E' => '\x1b',
        'f' => '\x0c',
        'v' => '\x0b',
        '\\' | '\'' | '"' | '?' => kind,
        'x' => return number(text, 2, 2, 16),
        'u' => return number(text, 2, 4, 16),
        'U' => return number(text, 2, 8, 16),
        '0'..='7' => return number(text, 1, 3, 8),
        'c' => {
            let Some(control) = chars.next().filter(char::is_ascii) else {
                return (2, None);
            };
            let code = u32::from(control.to_ascii_uppercase()) & 0x1f;
            return (3, char::from_u32(code));
        }
        _ => return (1 + kind.len_utf8(), None),
    };
    (2, Some(simple))
}

/// Decodes a number of at most `most` digits that begins at an offset.
fn number(text: &str, from: usize, most: usize, radix: u32) -> (usize, Option<char>) {
    let rest = text.get(from..).unwrap_or_default();
    let len = rest
        .chars()
        .take(most)
        .take_while(|c| c.is_digit(radix))
        .count();
    let digits = rest.get(..len).unwrap_or_default();
    let Ok(code) = u32::from_str_radix(digits, radix) else {
        return (from, None);
    };
    let is_byte = most < 4;
    let decoded = char::from_u32(code).filter(|c| !is_byte || c.is_ascii());
    (
        from + len,
        Some(decoded.unwrap_or(char::REPLACEMENT_CHARACTER)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn decode(content: &str) -> String {
        let mut builder = OffsetMapBuilder::default();
        decode_ansi(content, 0, &mut builder);
        builder.into_text(Span::new(0, content.len())).0
    }

    #[test]
    fn escapes_are_those_of_bash() {
        for (content, text) in [
            (
                r"a\nb\t\\\'\x41\101\u00e9\U1F600",
                "a\nb\t\\'AA\u{e9}\u{1f600}",
            ),
            (r"\q\x\c", r"\q\x\c"),
            (r"\cA\e[0m\é", "\u{1}\u{1b}[0m\\é"),
            ("\\", "\\"),
            (r"\{\{a.b}}", r"\{\{a.b}}"),
        ] {
            assert_eq!(decode(content), text, "{content}");
        }
    }
}
