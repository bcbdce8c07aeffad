//! Quotes strings for YAML, so that readers of YAML 1.1 and of YAML 1.2 read the same string.

use super::plain_types::plain_type;
use crate::document::{ScalarType, edits};

/// Returns a name as a key or as an item of a list. It has no quotes if all readers then read the
/// same string.
pub(in crate::document) fn key(name: &str, flow: bool) -> String {
    if is_plain(name, flow) {
        unchanged_text(name)
    } else {
        quote_text(name)
    }
}

/// Returns a value in double quotes, on one line.
pub(in crate::document) fn quote_text(value: &str) -> String {
    format!("\"{}\"", escape_text(value))
}

/// Escapes a value for double quotes. Characters are escaped if YAML 1.1 or YAML 1.2 does not allow
/// them or reads them as line breaks.
pub(super) fn escape_text(value: &str) -> String {
    edits::escape_text(value, |_, c| match (c, u32::from(c)) {
        ('\0', _) => Some("\\0".to_owned()),
        _ if is_printable_char(c) => None,
        (_, code @ ..=0xFF) => Some(format!("\\x{code:02x}")),
        (_, code @ ..=0xFFFF) => Some(format!("\\u{code:04x}")),
        (_, code) => Some(format!("\\U{code:08x}")),
    })
}

pub(super) fn unchanged_text(text: &str) -> String {
    text.to_owned()
}

/// Returns whether all readers accept a character as it is, in a line: it is not a control
/// character (C0, C1), a line break of YAML 1.1 (NEL, U+2028, U+2029), a byte-order mark or a
/// non-character.
pub(super) fn is_printable_char(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

pub(super) fn is_printable(text: &str) -> bool {
    text.chars().all(is_printable_char)
}

/// Returns whether all readers read a value without quotes as the same string. In doubt, returns
/// `false`.
pub(super) fn is_plain(value: &str, flow: bool) -> bool {
    let first = value
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_'));
    first
        && plain_type(value) == ScalarType::String
        && is_printable(value)
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #")
        && !(flow && value.contains([',', '[', ']', '{', '}', ':', '?']))
}
