//! JSON values that may contain secrets: their strings are wiped when they are no longer needed.

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

/// A JSON value whose strings are wiped when it is dropped.
pub struct WipedJson(Value);

impl WipedJson {
    /// Parses JSON. Returns `None` if `bytes` are not JSON.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// Returns the value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl Drop for WipedJson {
    fn drop(&mut self) {
        wipe(self.0.take());
    }
}

/// Wipes the strings of a JSON value.
pub fn wipe(value: Value) {
    match value {
        Value::String(mut text) => text.zeroize(),
        Value::Array(items) => items.into_iter().for_each(wipe),
        Value::Object(entries) => entries.into_iter().for_each(|(_, value)| wipe(value)),
        _ => {}
    }
}

/// Serializes a JSON value and wipes it. The text is wiped when it is dropped.
pub fn into_wiped_text(value: Value) -> Zeroizing<String> {
    let text = Zeroizing::new(value.to_string());
    wipe(value);
    text
}
