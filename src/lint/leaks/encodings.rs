//! Encodings: the ways in which a leaked value may be written.

use super::compact::CompactText;
use super::matcher::{Gaps, Pattern};
use crate::text::source::floor_char_boundary;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The number of bytes of a value that are encoded. A longer value is recognized by its beginning.
/// If there are many values, fewer bytes are encoded.
const MAX_ENCODED_BYTES: usize = 4_096;
/// The lower limit of that number.
const MIN_ENCODED_BYTES: usize = 256;
/// The memory for the encoded patterns of all values.
const MAX_TOTAL_BYTES: usize = 1 << 26;
/// The approximate total length of the patterns of a value, per byte of the value.
const BYTES_PER_VALUE_BYTE: usize = 64;
/// The shortest pattern that may contain gaps. In a shorter one, gaps would match prose.
const MIN_BLOCK_BYTES: usize = 24;

/// The characters that Python, JavaScript, Java and Go do not encode in paths, queries, forms and
/// the user information of a URL.
const URL_CHARACTERS: [&str; 7] = [
    "-_.~",
    "-_.~/",
    "-_.*",
    "-_.~!*'()",
    "-_.~$&+=:@",
    "-_.~$&+,;=",
    "-_.~!*'();,/?:@&=+$#",
];

/// Returns the number of bytes to encode of each value.
pub(super) fn encoded_bytes_limit(values: usize) -> usize {
    (MAX_TOTAL_BYTES / BYTES_PER_VALUE_BYTE / values.max(1))
        .clamp(MIN_ENCODED_BYTES, MAX_ENCODED_BYTES)
}

/// The patterns of all values: `exact` ones for a text as it is, `compact` ones for a text without
/// whitespace.
#[derive(Default)]
pub(super) struct Patterns {
    pub exact: Vec<Pattern>,
    pub compact: Vec<Pattern>,
}

impl Patterns {
    /// Adds the patterns of a value, of which at most `limit` bytes are encoded.
    pub fn add(&mut self, value: &str, index: usize, limit: usize) {
        let short = value
            .get(..floor_char_boundary(value, limit))
            .unwrap_or_default();
        self.add_exact(value, short, index);
        self.add_compact(value, short, index);
    }

    /// Adds the patterns for a text as it is. `short` is the part of the value that is encoded.
    fn add_exact(&mut self, value: &str, short: &str, index: usize) {
        let whole = (value.as_bytes().to_vec(), "", false);
        let is_truncated = short.len() < value.len();
        let encoded =
            text_encodings(short).map(|(bytes, encoding)| (bytes, encoding, is_truncated));
        let mut exact: Vec<Pattern> = Vec::new();
        for (bytes, encoding, is_truncated) in std::iter::once(whole).chain(encoded) {
            if exact.iter().all(|known| !known.bytes.starts_with(&bytes)) {
                exact.push(Pattern {
                    bytes,
                    value: index,
                    encoding,
                    is_truncated,
                    gaps: Gaps::Forbidden,
                });
            }
        }
        self.exact.append(&mut exact);
    }

    /// Adds the patterns for a text without whitespace. `short` is the part of the value that is
    /// encoded.
    fn add_compact(&mut self, value: &str, short: &str, index: usize) {
        let is_truncated = short.len() < value.len();
        for (bytes, gaps) in blocks(value) {
            self.compact.push(Pattern {
                bytes,
                value: index,
                encoding: ", with other line breaks",
                is_truncated: false,
                gaps,
            });
        }
        for bytes in base64_encoded(short) {
            let gaps = if bytes.len() < MIN_BLOCK_BYTES {
                Gaps::Forbidden
            } else {
                Gaps::Any
            };
            self.compact.push(Pattern {
                bytes,
                value: index,
                encoding: ", in base64",
                is_truncated,
                gaps,
            });
        }
    }
}

/// Returns a text in the encodings of YAML, JSON and URLs, each with its description for messages.
fn text_encodings(text: &str) -> impl Iterator<Item = (Vec<u8>, &'static str)> {
    // Other line breaks, and YAML in single quotes.
    let replaced = [('\n', "\r\n"), ('\'', "''")]
        .into_iter()
        .map(|(from, to)| {
            let bytes = text.replace(from, to).into_bytes();
            (bytes, "")
        });
    let escaped = (0..8).map(|bits| {
        let bytes = json_escaped(text, bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
        (bytes, ", with escapes")
    });
    let percent_encoded = URL_CHARACTERS.into_iter().flat_map(move |keep| {
        let variants = [(true, false), (false, false), (true, true), (false, true)];
        variants.into_iter().map(move |(upper, plus)| {
            let bytes = percent_encoded(text, keep, upper, plus);
            (bytes, ", percent-encoded")
        })
    });
    replaced.chain(escaped).chain(percent_encoded)
}

/// Returns the compact texts of a value whose lines may be broken differently without changing its
/// meaning: text with PEM keys, as a whole and each private key by itself, or base64.
fn blocks(value: &str) -> Vec<(Vec<u8>, Gaps)> {
    let whole = CompactText::from_bytes(value.as_bytes()).bytes;
    if whole.len() < MIN_BLOCK_BYTES {
        return Vec::new();
    }
    if value.contains("-----BEGIN ") {
        let keys = private_keys(value).into_iter().map(|key| (key, Gaps::Any));
        return std::iter::once((whole, Gaps::Any)).chain(keys).collect();
    }
    if !whole.iter().all(|byte| is_base64(*byte)) {
        return Vec::new();
    }
    let classes = [
        u8::is_ascii_digit,
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
    ];
    let is_mixed = classes.iter().all(|class| whole.iter().any(class));
    vec![(
        whole,
        if is_mixed {
            Gaps::Any
        } else {
            Gaps::LineBreaks
        },
    )]
}

/// Returns the base64 of each PEM private key, without whitespace and headers such as `Proc-Type`.
fn private_keys(value: &str) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for block in value.split("-----BEGIN ").skip(1) {
        let Some((label, rest)) = block.split_once("-----") else {
            continue;
        };
        let body = rest.split("-----END").next().unwrap_or_default();
        let compact = CompactText::from_bytes(body.as_bytes()).bytes;
        // Headers contain characters that base64 does not. A compact text omits the blank line
        // after them.
        let start = compact
            .iter()
            .rposition(|byte| b":,.".contains(byte))
            .map_or(0, |at| at + 1);
        let key = compact.get(start..).unwrap_or_default();
        if label.contains("PRIVATE KEY") && key.len() >= MIN_BLOCK_BYTES {
            keys.push(key.to_vec());
        }
    }
    keys
}

/// Returns the base64 of a value inside a longer text, which may shift the value by up to two bytes
/// in a group of three. Characters that also encode neighboring bytes are omitted.
fn base64_encoded(value: &str) -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(value.as_bytes());
        let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [
            STANDARD_NO_PAD.encode(&*bytes),
            URL_SAFE_NO_PAD.encode(&*bytes),
        ] {
            let inner = encoded.as_bytes().get(first..last).unwrap_or_default();
            if forms.iter().all(|known| known.as_slice() != inner) {
                forms.push(inner.to_vec());
            }
        }
    }
    forms
}

/// Returns a value as a JSON string contains it: `ascii` escapes all other characters, as Python
/// does, `html` escapes `<`, `>` and `&`, as Go does, and `slash` escapes `/`, as PHP does.
fn json_escaped(value: &str, ascii: bool, html: bool, slash: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for c in value.chars() {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '/' if slash => "\\/",
            _ => "",
        };
        if !short.is_empty() {
            out.extend_from_slice(short.as_bytes());
        } else if c.is_ascii_control()
            || (ascii && !c.is_ascii())
            || (html && matches!(c, '<' | '>' | '&'))
        {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out
}

/// Returns a value with percent-encoding of all bytes except letters, digits and those in `keep`.
fn percent_encoded(value: &str, keep: &str, upper: bool, plus: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for &byte in value.as_bytes() {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            out.push(byte);
        } else if plus && byte == b' ' {
            out.push(b'+');
        } else {
            out.extend([
                b'%',
                hex_digit(byte >> 4, upper),
                hex_digit(byte & 15, upper),
            ]);
        }
    }
    out
}

fn hex_digit(value: u8, upper: bool) -> u8 {
    let digit = char::from_digit(u32::from(value), 16).unwrap_or('0');
    u8::try_from(if upper {
        digit.to_ascii_uppercase()
    } else {
        digit
    })
    .unwrap_or(b'0')
}

/// Returns whether a byte occurs in base64 of the standard or the URL-safe alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn base64_encoded_matches_every_alignment() {
        let value = "c0rrect/horse+battery";
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", "@host", "xy"] {
                let encoded = STANDARD.encode(format!("{before}{value}{after}"));
                let forms = base64_encoded(value);
                let found = forms
                    .iter()
                    .any(|form| encoded.contains(std::str::from_utf8(form).unwrap()));
                assert!(found, "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn patterns_include_percent_encodings_of_common_libraries() {
        let mut forms = Patterns::default();
        forms.add("a b/c?ü!", 0, MAX_ENCODED_BYTES);
        for text in [
            "a%20b%2Fc%3F%C3%BC%21",
            "a%20b/c%3F%C3%BC%21",
            "a+b%2fc%3f%c3%bc%21",
            "a%20b%2Fc%3F%C3%BC!",
        ] {
            assert!(
                forms
                    .exact
                    .iter()
                    .any(|form| form.bytes.as_slice() == text.as_bytes()),
                "{text}"
            );
        }
    }
}
