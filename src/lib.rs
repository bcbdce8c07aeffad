//! stackref
pub mod document;
pub mod source;
