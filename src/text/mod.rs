//! Text without a document syntax: files and byte spans, spelling suggestions, look-alike
//! characters, URLs and placeholders.

pub mod source;
pub mod source_kind;
pub mod repository_files;
mod line_index;
pub mod redacted_source;
pub mod encoding;
pub mod cell_spans;
pub mod digest;
pub mod lookalike;
pub mod nearest;
mod dummy_value;
pub mod tool_references;
pub mod placeholder;
pub mod url;
pub mod escape;
pub mod sensitive_words;
pub mod word_search;
