//! Decoding of files: UTF-8, and enough of other encodings to search a file or to report its
//! encoding.

/// The error for bytes that are not UTF-8.
#[derive(Debug)]
pub struct DecodeError<'b> {
    /// The text before the first invalid byte.
    pub valid: &'b str,
    /// Whether the file starts with a UTF-16 byte-order mark.
    pub is_utf16: bool,
}

/// Decodes UTF-8.
///
/// # Errors
/// Returns the text before the first invalid byte.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError<'_>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes
            .get(..error.valid_up_to())
            .and_then(|valid| std::str::from_utf8(valid).ok());
        DecodeError {
            valid: valid.unwrap_or_default(),
            is_utf16: is_utf16(bytes),
        }
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
