//! Decoding of files: UTF-8, and enough of other encodings to search a file or to report its
//! encoding.

use std::borrow::Cow;

/// The error for bytes that are not UTF-8.
#[derive(Debug)]
pub struct DecodeError<'b> {
    /// The bytes.
    pub bytes: Cow<'b, [u8]>,
    /// The length of the text before the first invalid byte.
    pub valid_len: usize,
}

impl DecodeError<'_> {
    /// Returns the text before the first invalid byte.
    pub fn valid_text(&self) -> &str {
        let valid = self.bytes.get(..self.valid_len).unwrap_or_default();
        std::str::from_utf8(valid).unwrap_or_default()
    }
}

/// Decodes UTF-8. Owned bytes are not copied.
///
/// # Errors
/// Returns the bytes if they are not UTF-8.
pub fn decode(bytes: Cow<'_, [u8]>) -> Result<String, DecodeError<'_>> {
    let (bytes, error) = match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => return Ok(text.to_owned()),
            Err(error) => (Cow::Borrowed(bytes), error),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => {
                let utf8_error = error.utf8_error();
                (Cow::Owned(error.into_bytes()), utf8_error)
            }
        },
    };
    Err(DecodeError {
        bytes,
        valid_len: error.valid_up_to(),
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

/// Returns whether a file starts with a UTF-16 byte-order mark.
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
}

/// Decodes UTF-8 and replaces each invalid byte with one ASCII character, so that offsets stay the
/// same.
pub fn replace_invalid_utf8(bytes: &[u8], replacement: char) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| replacement));
    }
    text
}
