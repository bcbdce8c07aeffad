//! A secret value in memory. It cannot be printed, compared or serialized, and is wiped when it is
//! dropped.

use zeroize::Zeroizing;

/// A secret value. It implements neither `Debug`, `Display` nor `Serialize`, so that no message can
/// contain it.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the value. Only for the encoders of `render`.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
