//! Text: files with byte spans, nearest names, look-alike characters, URLs, placeholders, values that cannot be printed.

pub mod source;
pub mod redacted_source;
pub mod encoding;
pub mod digest;
pub mod secret_value;
pub mod lookalike;
pub mod nearest;
pub mod placeholder;
pub mod url;
