//! Values of ZenML's local secrets-manager file, which are base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

/// The key that marks a secret of ZenML's file. It is not a key of the secret.
pub(super) const ZENML_MARKER: &str = "zenml_schema_name";

/// The value of [`ZENML_MARKER`] that ZenML writes.
pub(super) const ZENML_SCHEMA: &str = "arbitrary";

/// Decodes a value. Returns `None` if it is not base64 of UTF-8 text.
pub(super) fn decode_base64(text: &str) -> Option<SecretString> {
    let bytes = STANDARD.decode(text.trim_end()).ok()?;
    String::from_utf8(bytes).ok().map(SecretString::from)
}

/// Encodes a value.
pub(super) fn encode_base64(text: &str) -> String {
    STANDARD.encode(text)
}
