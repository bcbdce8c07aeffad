//! A secret value in memory: it cannot be printed, compared or serialised, and is wiped when it is dropped.

use zeroize::Zeroizing;

/// A value. There is no `Debug`, `Display` or `Serialize` for it, so no format and no error can show one.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a value in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself: for the encoders of a render, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
