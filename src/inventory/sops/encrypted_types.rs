//! Types of values in a SOPS file, determined without decrypting them.
//!
//! SOPS writes the type into an encrypted value: `ENC[AES256_GCM,data:…,type:int]`. It does not
//! encrypt null and empty values.

use crate::document::{Document, NodeId, ScalarType};
use crate::inventory::{Unusable, ValueType};

/// Returns the type of a value.
pub(super) fn value_type(document: &Document, value: NodeId) -> ValueType {
    if document.entries(value).is_some() {
        return ValueType::Unusable(Unusable::Mapping);
    }
    if document.items(value).is_some() {
        return ValueType::Unusable(Unusable::List);
    }
    let (Some(text), Some(scalar)) = (document.text(value), document.scalar(value)) else {
        return ValueType::Unknown;
    };
    match (encrypted_type(text), scalar.ty) {
        (Some("str"), _) => ValueType::String,
        (Some("int" | "float"), _) => ValueType::Unusable(Unusable::Number),
        (Some("bool"), _) => ValueType::Unusable(Unusable::Boolean),
        (Some("time"), _) => ValueType::Unusable(Unusable::Timestamp),
        (Some(_), _) | (None, ScalarType::Tagged) => ValueType::Unknown,
        (None, ScalarType::String) => ValueType::from_text(text),
        (None, ScalarType::Null) => ValueType::Unusable(Unusable::Null),
        (None, ScalarType::Other) => {
            plain_scalar_type(text).map_or_else(|| ValueType::from_text(text), ValueType::Unusable)
        }
    }
}

/// Returns the type that SOPS wrote into an encrypted value. Returns `None` for other values.
fn encrypted_type(text: &str) -> Option<&str> {
    text.strip_prefix("ENC[")?
        .strip_suffix(']')?
        .rsplit_once(",type:")
        .map(|(_, name)| name)
}

/// Returns the type that the YAML parser of SOPS gives to a plain scalar that YAML parsers read
/// differently. Returns `None` for strings: `yes`, `no`, and base-60 numbers such as `12:30`.
fn plain_scalar_type(text: &str) -> Option<Unusable> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "true" | "false" => Some(Unusable::Boolean),
        "y" | "n" | "yes" | "no" | "on" | "off" | "=" | "<<" => None,
        _ if is_timestamp(&lower) => Some(Unusable::Timestamp),
        // A base-60 number, or only the beginning of a date.
        _ if lower.contains(':')
            || lower.as_bytes().get(4) == Some(&b'-') && !lower.contains('e') =>
        {
            None
        }
        _ => Some(Unusable::Number),
    }
}

/// Returns whether a text is a date, such as `2020-01-31`, with or without a time.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = text.split_once(['t', ' ']).unwrap_or((text, "0"));
    let parts: Vec<&str> = date.split('-').collect();
    parts.len() == 3
        && parts.iter().all(|part| is_number(part))
        && time.starts_with(|c: char| c.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
