//! Versions of `ZenML`, and the versions in which its behavior changed.

use std::fmt;

/// A version of `ZenML`, for example from the `zenml_version` of a stack file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    parts: [u32; 3],
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.parts;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Version {
    /// The version of files that state no valid version. It is newer than all releases.
    pub const NEWEST: Self = Self::new(u32::MAX, 0, 0);

    pub(super) const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            parts: [major, minor, patch],
        }
    }

    /// Parses versions such as `0.94.6`, `0.40`, `v0.40.1` and `0.94.6rc1`. Returns `None` for
    /// other text.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = [0; 3];
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut count = 0;
        for part in &mut parts {
            let Some(number) = numbers.next() else { break };
            let digits = number.len()
                - number
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .len();
            *part = number.get(..digits)?.parse().ok()?;
            count += 1;
        }
        (count >= 2).then_some(Self { parts })
    }

    /// Returns whether references may have white space inside the braces (from 0.40 on).
    pub fn takes_padding(self) -> bool {
        self >= Self::new(0, 40, 0)
    }

    /// Returns whether `ZenML` prefers a public secret to a private one with the same name (from
    /// 0.80 on).
    pub fn takes_public_secret(self) -> bool {
        self >= Self::new(0, 80, 0)
    }

    /// Returns whether a stack with references needs a secrets manager (from 0.13 to 0.33).
    pub fn needs_secrets_manager(self) -> bool {
        (Self::new(0, 13, 0)..Self::new(0, 34, 0)).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_common_notations() {
        assert_eq!(Version::parse("0.94.6rc1"), Some(Version::new(0, 94, 6)));
        assert_eq!(Version::parse("v0.40"), Some(Version::new(0, 40, 0)));
        assert_eq!(Version::parse("latest"), None);
        assert_eq!(Version::parse("1"), None);
        assert!(Version::parse("0.33.9").is_some_and(Version::needs_secrets_manager));
        assert!(Version::parse("0.34").is_some_and(|version| !version.needs_secrets_manager()));
    }
}
