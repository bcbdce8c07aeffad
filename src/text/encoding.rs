//! Decodes the bytes of a file.

use crate::text::source::is_utf16;

/// The error for bytes that are not UTF-8.
#[derive(Debug)]
pub struct DecodeError<'b> {
    /// The text before the first invalid byte.
    pub valid: &'b str,
    /// Whether the file begins with a byte-order mark of UTF-16.
    pub is_utf16: bool,
}

/// Decodes UTF-8.
///
/// # Errors
/// Returns the valid beginning if there is an invalid byte.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError<'_>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok());
        DecodeError { valid: valid.unwrap_or_default(), is_utf16: is_utf16(bytes) }
    })
}

/// Decodes bytes that are not UTF-8 well enough to search them for ASCII words.
pub fn decode_for_search(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => {
            let narrow: Vec<u8> = rest.iter().copied().filter(|&byte| byte != 0).collect();
            String::from_utf8_lossy(&narrow).into_owned()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
