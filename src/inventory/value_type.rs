//! The keys of a secret, and the types of their values: a reference resolves only to a string.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::collections::BTreeMap;

/// A key of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The exact name.
    pub name: String,
    /// The type of its value, as far as the inventory revealed it together with the key.
    pub value: ValueType,
}

impl Key {
    /// Creates a key about whose value the inventory reveals nothing.
    pub(super) fn with_unknown_type(name: String) -> Self {
        Self {
            name,
            value: ValueType::Unknown,
        }
    }
}

/// The values of one secret by key. A value that is not a string does not hide the others.
pub type SecretValues = BTreeMap<String, Result<SecretString, Unusable>>;

/// The type of a key's value, as far as an inventory reveals it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueType {
    /// The inventory reveals the key only.
    #[default]
    Unknown,
    /// A string that is not empty.
    String,
    /// The empty string.
    EmptyString,
    /// A value that is not a string: no reference resolves to it.
    Unusable(Unusable),
}

/// The type of a value that is not a string, so that no reference resolves to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// Null.
    Null,
    /// A list.
    List,
    /// A mapping.
    Mapping,
    /// A date or a time.
    Timestamp,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// A folder in place of a file.
    Folder,
    /// A pipe, a socket or a device in place of a file.
    SpecialFile,
    /// A file with more bytes than stackref reads.
    TooLarge,
}

impl ValueType {
    /// Returns the type of a value that was read.
    pub(super) fn from_value(value: &Result<SecretString, Unusable>) -> Self {
        value.as_ref().map_or_else(
            |unusable| Self::Unusable(*unusable),
            |text| Self::from_text(text.expose_secret()),
        )
    }

    /// Returns the type of a string.
    pub(super) fn from_text(text: &str) -> Self {
        if text.is_empty() {
            Self::EmptyString
        } else {
            Self::String
        }
    }
}

impl Unusable {
    /// Returns a verb phrase that describes the value, for example "is a number, not a string".
    pub fn description(self) -> &'static str {
        match self {
            Self::Number => "is a number, not a string",
            Self::Boolean => "is a boolean, not a string",
            Self::Null => "is null, not a string",
            Self::List => "is a list, not a string",
            Self::Mapping => "is a mapping, not a string",
            Self::Timestamp => "is a timestamp, not a string",
            Self::NotUtf8 => "is not UTF-8 text",
            Self::Folder => "is a folder, not a file",
            Self::SpecialFile => "is not a regular file",
            Self::TooLarge => "is larger than 32 MiB",
        }
    }

    /// Returns advice on how to make the value usable.
    pub fn help(self) -> &'static str {
        match self {
            Self::Number | Self::Boolean | Self::Timestamp => "store it as a string, in quotes",
            Self::Null => "give it a value, or refer to another key",
            Self::List | Self::Mapping => {
                "store a string, or refer to another key: a reference cannot name a part of a value"
            }
            Self::NotUtf8 => "store it as UTF-8 text",
            Self::Folder | Self::SpecialFile => {
                "store the value in a regular file: one file is one key"
            }
            Self::TooLarge => "store a smaller value, or refer to another key",
        }
    }
}

/// Reads a JSON value as the value of a key. Only strings are accepted.
pub(super) fn secret_from_json(value: &Value) -> Result<SecretString, Unusable> {
    match value {
        Value::String(text) => Ok(SecretString::from(text.as_str())),
        Value::Null => Err(Unusable::Null),
        Value::Bool(_) => Err(Unusable::Boolean),
        Value::Number(_) => Err(Unusable::Number),
        Value::Array(_) => Err(Unusable::List),
        Value::Object(_) => Err(Unusable::Mapping),
    }
}
