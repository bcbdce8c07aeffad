//! Decodes the string literals of Python.

use crate::document::offsets::{OffsetMap, OffsetMapBuilder};

/// The longest escape, for example `\N{…}`.
const MAX_NAME_BYTES: usize = 100;

/// The properties of a literal that its prefix determines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LiteralPrefix {
    is_raw: bool,
    is_bytes: bool,
    has_fields: bool,
}

impl LiteralPrefix {
    /// Reads the prefix of a literal, for example `rb"`.
    pub fn parse(start: &str) -> Self {
        let prefix = start.trim_end_matches(['"', '\'']);
        let has = |letter: char| prefix.contains([letter, letter.to_ascii_uppercase()]);
        Self {
            is_raw: has('r'),
            is_bytes: has('b'),
            has_fields: has('f') || has('t'),
        }
    }

    /// Decodes the content of a literal. `start` is its offset in the file.
    pub fn decode(self, content: &str, start: usize) -> (String, OffsetMap) {
        let mut out = OffsetMapBuilder::default();
        let mut at = 0;
        while let Some(rest) = content.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.find(['\\', '{', '}', '\r']).unwrap_or(rest.len());
            out.push_verbatim(at, rest.get(..plain).unwrap_or_default());
            at += plain;
            if let Some(special) = content.get(at..).filter(|rest| !rest.is_empty()) {
                at += self.push_special(&mut out, at, special);
            }
        }
        out.build(start)
    }

    /// Adds an escape, a brace or a line break. Returns its length.
    fn push_special(self, out: &mut OffsetMapBuilder, at: usize, rest: &str) -> usize {
        let escape = |len, text: Option<char>| (len, text);
        let (len, decoded) = match rest.as_bytes() {
            [b'{', b'{', ..] if self.has_fields => escape(2, Some('{')),
            [b'}', b'}', ..] if self.has_fields => escape(2, Some('}')),
            [b'\r', b'\n', ..] => escape(2, Some('\n')),
            [b'\r', ..] => escape(1, Some('\n')),
            [b'\\', ..] if !self.is_raw => match self.read_escape(rest) {
                Some(found) => found,
                None => escape(0, None),
            },
            _ => escape(0, None),
        };
        if len == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            out.push_verbatim(at, rest.get(..first).unwrap_or_default());
            return first;
        }
        if let Some(decoded) = decoded {
            out.push_replaced(at, len, decoded.encode_utf8(&mut [0; 4]));
        }
        len
    }

    /// Reads an escape. Returns its length and its character, or `None` if it stays as it is.
    fn read_escape(self, rest: &str) -> Option<(usize, Option<char>)> {
        let letter = *rest.as_bytes().get(1)?;
        let simple = |decoded| Some((2, Some(decoded)));
        match letter {
            b'\r' if rest.starts_with("\\\r\n") => Some((3, None)),
            b'\r' | b'\n' => Some((2, None)),
            b'\\' | b'\'' | b'"' => simple(char::from(letter)),
            b'a' => simple('\u{7}'),
            b'b' => simple('\u{8}'),
            b'f' => simple('\u{c}'),
            b'n' => simple('\n'),
            b'r' => simple('\r'),
            b't' => simple('\t'),
            b'v' => simple('\u{b}'),
            b'0'..=b'7' => {
                let digits = rest.get(1..)?.bytes().take(3);
                let count = digits.take_while(|digit| (b'0'..=b'7').contains(digit));
                let end = 1 + count.count();
                Some((end, Some(decode_number(rest.get(1..end)?, 8))))
            }
            b'x' => Some((4, Some(decode_number(rest.get(2..4)?, 16)))),
            b'u' if !self.is_bytes => Some((6, Some(decode_number(rest.get(2..6)?, 16)))),
            b'U' if !self.is_bytes => Some((10, Some(decode_number(rest.get(2..10)?, 16)))),
            b'N' if !self.is_bytes && rest.starts_with("\\N{") => {
                let name = rest.bytes().take(MAX_NAME_BYTES);
                let end = name.into_iter().position(|byte| byte == b'}')?;
                Some((end + 1, Some(char::REPLACEMENT_CHARACTER)))
            }
            _ => None,
        }
    }
}

/// Returns the character with a number, or the replacement character if there is none.
fn decode_number(digits: &str, radix: u32) -> char {
    let code = u32::from_str_radix(digits, radix).ok();
    let decoded = code.and_then(char::from_u32);
    decoded.unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_with_exact_offsets() {
        for (prefix, content, expected) in [
            ("'", "abc", "abc"),
            ("'", r"a\nb", "a\nb"),
            ("'", r"\x41\u00e9\U0001F600\101\7", "Aé😀A\u{7}"),
            ("'", r"\q\'\\", r"\q'\"),
            ("'", "a\\\nb", "ab"),
            ("'''", "a\\\r\nb\r\nc\rd", "ab\nc\nd"),
            ("r'", r"a\nb\'", r"a\nb\'"),
            ("Rb'", r"\x41", r"\x41"),
            ("b'", r"\x41\u0041", r"A\u0041"),
            ("f'", "{{a.b}}", "{a.b}"),
            ("Fr'", r"{{\n}}", r"{\n}"),
            ("'", "{{a.b}}", "{{a.b}}"),
            ("'", r"\ud800", "\u{fffd}"),
            ("'", r"\N{DASH}x", "\u{fffd}x"),
            ("'", r"\N{", r"\N{"),
            ("'", r"\x4", r"\x4"),
            ("'", "\\x4é", "\\x4é"),
            ("'", r"\xzz", "\u{fffd}"),
            ("'", "\\é", "\\é"),
            ("'", "\\", "\\"),
            ("u'", "é\\té", "é\té"),
        ] {
            let (text, map) = LiteralPrefix::parse(prefix).decode(content, 10);
            assert_eq!(text, expected, "{prefix}{content}");
            let mut end = 10;
            for (at, c) in text.char_indices() {
                let span = map.source(at, at + c.len_utf8());
                assert!(span.start >= end, "{content} {c}");
                let source = &content[span.start - 10..span.end - 10];
                assert!(
                    source.starts_with(c) || source.starts_with(['\\', '\r']),
                    "{content} {c}"
                );
                end = span.end;
            }
        }
    }
}
