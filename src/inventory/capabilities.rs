//! The operations that a kind of inventory supports.

/// The operations that a kind of inventory supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// It can list the names of its secrets.
    pub list: bool,
    /// It can list the keys of a secret without reading its values.
    pub keys: bool,
    /// It can return values.
    pub values: bool,
    /// It can store new secrets and keys.
    pub write: bool,
}

impl Capabilities {
    pub(super) const ALL: Self = Self {
        list: true,
        keys: true,
        values: true,
        write: true,
    };

    /// Names and keys without values.
    pub const NAMES: Self = Self {
        list: true,
        keys: true,
        values: false,
        write: false,
    };

    #[cfg(not(feature = "aws"))]
    pub(super) const NONE: Self = Self {
        list: false,
        keys: false,
        values: false,
        write: false,
    };
}
