//! The ways in which a value is written where it should not be.

use crate::source::floor_char_boundary;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Bytes of a value that are looked for in other ways than as it is; what is longer is known by its beginning.
const LONGEST: usize = 4_096;

/// What a form looks like, words for how the value is written there, and whether it is only the beginning.
pub(super) type Written = (Zeroizing<Vec<u8>>, &'static str, bool);

/// The bytes to look for.
pub(super) fn of(value: &str) -> Vec<Written> {
    let mut forms: Vec<Written> = vec![(Zeroizing::new(value.as_bytes().to_vec()), "", false)];
    let short = value.get(..floor_char_boundary(value, LONGEST)).unwrap_or_default();
    let cut = short.len() < value.len();
    let mut add = |form: Zeroizing<Vec<u8>>, written| {
        if forms.iter().all(|(known, ..)| !known.starts_with(&form)) {
            forms.push((form, written, cut));
        }
    };
    add(Zeroizing::new(short.replace('\n', "\r\n").into_bytes()), "");
    // As YAML has it between single quotes.
    add(Zeroizing::new(short.replace('\'', "''").into_bytes()), "");
    for bits in 0..8 {
        add(json_escaped(short, bits & 1 > 0, bits & 2 > 0, bits & 4 > 0), ", with escapes");
    }
    // What Python, JavaScript, Java and Go leave as it is, in paths, queries, forms and before the host.
    for keep in ["-_.~", "-_.~/", "-_.*", "-_.~!*'()", "-_.~$&+=:@", "-_.~$&+,;=", "-_.~!*'();,/?:@&=+$#"] {
        for (upper, plus) in [(true, false), (false, false), (true, true), (false, true)] {
            add(percent_encoded(short, keep, upper, plus), ", percent-encoded");
        }
    }
    // What comes before shifts a value by up to two bytes in its group of three; letters that its neighbours share are left
    // out.
    for shift in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; shift]);
        bytes.extend_from_slice(short.as_bytes());
        let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&*bytes), URL_SAFE_NO_PAD.encode(&*bytes)] {
            let encoded = Zeroizing::new(encoded);
            let inner = encoded.as_bytes().get(first..last).unwrap_or_default();
            add(Zeroizing::new(inner.to_vec()), ", in base64");
        }
    }
    forms
}

/// A value as it stands in a JSON string: perhaps all in ASCII (as Python writes it), `<`, `>` and `&` as escapes (Go), `/` as
/// `\\/` (PHP).
fn json_escaped(value: &str, ascii: bool, html: bool, slash: bool) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() * 12));
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
        } else if c.is_ascii_control() || (ascii && !c.is_ascii()) || (html && matches!(c, '<' | '>' | '&')) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out
}

/// The bytes of a value, all but letters, digits and some others as `%` and two digits.
fn percent_encoded(value: &str, keep: &str, upper: bool, plus: bool) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(value.len() * 3));
    for &byte in value.as_bytes() {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            out.push(byte);
        } else if plus && byte == b' ' {
            out.push(b'+');
        } else {
            let digit = |half: u8| {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                u8::try_from(if upper { digit.to_ascii_uppercase() } else { digit }).unwrap_or(b'0')
            };
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn base64_is_found_wherever_the_value_begins_in_it() {
        let value = "c0rrect/horse+battery";
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", "@host", "xy"] {
                let encoded = STANDARD.encode(format!("{before}{value}{after}"));
                let found = of(value).iter().any(|(form, ..)| encoded.contains(std::str::from_utf8(form).unwrap()));
                assert!(found, "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn percent_encodings_of_all_habits_are_among_the_forms() {
        let forms = of("a b/c?ü!");
        for text in ["a%20b%2Fc%3F%C3%BC%21", "a%20b/c%3F%C3%BC%21", "a+b%2fc%3f%c3%bc%21", "a%20b%2Fc%3F%C3%BC!"] {
            assert!(forms.iter().any(|(form, ..)| form.as_slice() == text.as_bytes()), "{text}");
        }
    }
}
