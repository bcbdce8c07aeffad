//! The two kinds of levels in a config: how much an inventory is asked, and how severe a rule is.

/// The level: how much an inventory is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: no file is opened, and no connection is made.
    None,
    /// The names of all secrets.
    SecretExists,
    /// The names, and the keys of the referenced secrets.
    #[default]
    SecretAndKeyExists,
}

impl Level {
    /// The names of the levels in ZenML's spelling.
    pub const NAMES: [&str; 3] = ["NONE", "SECRET_EXISTS", "SECRET_AND_KEY_EXISTS"];

    /// Returns the name in the spelling of the flag and the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretExists => "secret-exists",
            Self::SecretAndKeyExists => "secret-and-key-exists",
        }
    }

    /// Parses either spelling, for example `SECRET_EXISTS` or `secret-exists`. Returns `None` for
    /// any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "NONE" | "none" => Some(Self::None),
            "SECRET_EXISTS" | "secret-exists" => Some(Self::SecretExists),
            "SECRET_AND_KEY_EXISTS" | "secret-and-key-exists" => Some(Self::SecretAndKeyExists),
            _ => None,
        }
    }
}

/// The severity that the config sets for the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleLevel {
    /// Not reported.
    Off,
    /// Reported, but does not change the exit code.
    Warning,
    /// Reported, and stackref exits with code 1.
    Error,
}

impl RuleLevel {
    /// The names of the levels in the config.
    pub const NAMES: [&str; 3] = ["off", "warning", "error"];

    /// Parses a name. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}
