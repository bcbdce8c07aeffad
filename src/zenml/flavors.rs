//! What the versions of `ZenML` say about attributes: which are sensitive, which refuse references, which name a whole
//! secret; and from which version on what holds.
//!
//! A stack file's `zenml_version` selects the table; between two tables the older one holds, and without a version the
//! newest.

mod tables;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use tables::{ADDED_0_30, ADDED_0_44, V0_13, V0_98};

/// One flavor's row.
#[derive(Debug)]
pub struct Flavor {
    kind: &'static str,
    name: &'static str,
    sensitive_attributes: &'static [&'static str],
    refused_attributes: &'static [&'static str],
}

/// A version of `ZenML` as a stack file states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    parts: [u32; 3],
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.parts;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Version {
    /// What holds for files that state no version, or none that can be read.
    pub const NEWEST: Self = Self::new(u32::MAX, 0, 0);

    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { parts: [major, minor, patch] }
    }

    /// Reads `0.94.6`, also `0.40`, `v0.40.1` and `0.94.6rc1`; nothing for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = [0; 3];
        let mut numbers = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let mut count = 0;
        for part in &mut parts {
            let Some(number) = numbers.next() else { break };
            let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            *part = number.get(..digits)?.parse().ok()?;
            count += 1;
        }
        (count >= 2).then_some(Self { parts })
    }

    /// Whether white space inside the braces belongs to a reference (0.40 on).
    pub fn takes_padding(self) -> bool {
        self >= Self::new(0, 40, 0)
    }

    /// Whether of a public and a private secret of one name the public one is taken (0.80 on).
    pub fn takes_public_secret(self) -> bool {
        self >= Self::new(0, 80, 0)
    }

    /// Whether a stack with references needs a secrets manager: from 0.13 up to, not including, 0.34.
    pub fn needs_secrets_manager(self) -> bool {
        (Self::new(0, 13, 0)..Self::new(0, 34, 0)).contains(&self)
    }

    /// The tables that hold for this version, the most telling first.
    fn tables(self) -> &'static [&'static [Flavor]] {
        if self >= Self::new(0, 98, 0) {
            &[V0_98]
        } else if self >= Self::new(0, 44, 0) {
            &[ADDED_0_44, ADDED_0_30, V0_13]
        } else if self >= Self::new(0, 30, 0) {
            &[ADDED_0_30, V0_13]
        } else {
            &[V0_13]
        }
    }

    /// Returns the row of a known flavor.
    pub fn flavor(self, kind: &str, name: &str) -> Option<&'static Flavor> {
        let mut rows = self.tables().iter().flat_map(|table| table.iter());
        rows.find(|row| row.name == name && row.kind == kind)
    }

    /// Whether an attribute of a component is sensitive. For a known flavor its table alone decides; elsewhere the name.
    pub fn is_sensitive(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        is_sensitive(flavor.and_then(|flavor| self.flavor(kind, flavor)), attribute)
    }

    /// Whether an attribute of a known flavor is sensitive by its table, so that even a number in it is a secret.
    pub fn is_listed_sensitive(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        let row = flavor.and_then(|flavor| self.flavor(kind, flavor));
        row.is_some_and(|row| row.sensitive_attributes.contains(&attribute))
    }

    /// Returns whether an attribute may be sensitive by the table of its flavor; for a flavor that is not given, by that of any
    /// flavor of the component's type.
    pub fn may_be_listed_sensitive(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        let mut rows = self.tables().iter().flat_map(|table| table.iter());
        rows.any(|row| {
            let is_meant = row.kind == kind && flavor.is_none_or(|flavor| flavor == row.name);
            is_meant && row.sensitive_attributes.contains(&attribute)
        })
    }

    /// Whether an attribute of a component refuses references, because a validator reads it before they are replaced.
    pub fn refuses_references(self, kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
        refuses_references(flavor.and_then(|flavor| self.flavor(kind, flavor)), kind, attribute)
    }
}

/// Returns whether an attribute of a component is sensitive, given the row of the component's flavor.
pub fn is_sensitive(row: Option<&Flavor>, attribute: &str) -> bool {
    match row {
        Some(row) => row.sensitive_attributes.contains(&attribute),
        None => has_sensitive_name(attribute),
    }
}

/// Returns whether an attribute of a component refuses references, given the row of the component's flavor.
pub fn refuses_references(row: Option<&Flavor>, kind: &str, attribute: &str) -> bool {
    kind == "secrets_manager"
        || (kind == "artifact_store" && attribute == "path")
        || row.is_some_and(|row| row.refused_attributes.contains(&attribute))
}

/// Whether an attribute's value is the name of a whole secret, without braces.
pub fn names_whole_secret(kind: &str, flavor: Option<&str>, attribute: &str) -> bool {
    match attribute {
        "authentication_secret" => kind != "secrets_manager",
        "secret" => {
            matches!((kind, flavor), ("model_deployer", Some("seldon" | "kserve")) | ("metadata_store", Some("mysql")))
        }
        "secret_name" => matches!((kind, flavor), ("model_deployer", Some("databricks" | "huggingface"))),
        _ => false,
    }
}

/// Whether the last word of an attribute's name says that its value is a secret.
pub fn has_sensitive_name(attribute: &str) -> bool {
    // The last two letters exclude most names.
    let end =
        attribute.as_bytes().last_chunk().map(|&[a, b]: &[u8; 2]| [a.to_ascii_lowercase(), b.to_ascii_lowercase()]);
    if !matches!(end.as_ref(), Some(b"rd" | b"en" | b"et" | b"ey" | b"se")) {
        return false;
    }
    if attribute.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return SECRET_WORDS.iter().any(|word| is_last_word(attribute.as_bytes(), word.as_bytes()));
    }
    let mut name = String::with_capacity(attribute.len() + 4);
    let mut lower_before = false;
    for c in attribute.chars() {
        // `apiKey` and `api-key` are `api_key`.
        if c.is_uppercase() && lower_before {
            name.push('_');
        }
        lower_before = c.is_lowercase();
        name.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    SECRET_WORDS.iter().any(|word| {
        name.strip_suffix(word)
            .is_some_and(|before| before.is_empty() || !before.ends_with(|c: char| c.is_alphanumeric()))
    })
}

/// Whether an attribute is sensitive in any version of any flavor, or sounds so: what an excerpt masks.
pub fn may_be_sensitive(attribute: &str) -> bool {
    if !has_known_ending(attribute) {
        return false;
    }
    let lower = attribute.to_ascii_lowercase();
    let mut boundaries = lower.rmatch_indices(|c: char| !c.is_alphanumeric());
    let mut after_boundary = || boundaries.next().and_then(|(at, mark)| lower.get(at + mark.len()..));
    // A word of the list is the last word of the name, or the last two.
    let (last, last_two) = (after_boundary().unwrap_or(&lower), after_boundary().unwrap_or(&lower));
    SENSITIVE_WORDS.contains(&last)
        || SENSITIVE_WORDS.contains(&last_two)
        || has_sensitive_name(attribute)
        || SENSITIVE_SUFFIXES.iter().any(|word| lower.ends_with(word))
        || SENSITIVE_ATTRIBUTES.binary_search(&lower.as_str()).is_ok()
}

/// Returns whether a lower-case name is a word or ends with a separator and the word. Hyphens count as underscores.
fn is_last_word(name: &[u8], word: &[u8]) -> bool {
    let Some((before, end)) = name.len().checked_sub(word.len()).and_then(|at| name.split_at_checked(at)) else {
        return false;
    };
    let is_same = |(&byte, &expected): (&u8, &u8)| byte == expected || (byte == b'-' && expected == b'_');
    end.iter().zip(word).rev().all(is_same) && before.last().is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Endings of sensitive names, also without a separator before them.
const SENSITIVE_SUFFIXES: [&str; 6] = ["passwd", "pwd", "passphrase", "credentials", "credential", "apikey"];

/// The last word of a sensitive name, or its last two words.
const SENSITIVE_WORDS: [&str; 18] = [
    "pw",
    "pass",
    "pswd",
    "passwords",
    "passcode",
    "tokens",
    "auth",
    "authorization",
    "bearer",
    "cred",
    "creds",
    "access_key",
    "secret_key",
    "api_keys",
    "private_keys",
    "connection_string",
    "dsn",
    "encryption_key",
];

/// Words at the end of a name that mark any attribute as sensitive to ZenML users.
const SECRET_WORDS: [&str; 7] = ["password", "token", "secret", "api_key", "auth_key", "passphrase", "private_key"];

/// The endings of all names that may be sensitive, as one bit each. [`ending_bit`] returns the index and the bit.
static KNOWN_ENDINGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut endings = vec![0; 1 << 10];
    for name in
        SENSITIVE_SUFFIXES.iter().chain(&SENSITIVE_WORDS).chain(&SECRET_WORDS).chain(SENSITIVE_ATTRIBUTES.iter())
    {
        let (at, bit) = ending_bit(name);
        if let Some(bits) = endings.get_mut(at) {
            *bits |= bit;
        }
    }
    endings
});

/// Returns the index and the bit in [`KNOWN_ENDINGS`] for the last three letters of a name. It ignores case, and few
/// endings share a bit.
fn ending_bit(name: &str) -> (usize, u32) {
    let letter = |byte: u8| usize::from(byte & 31);
    match *name.as_bytes() {
        [.., first, second, third] => (letter(first) << 5 | letter(second), 1 << letter(third)),
        _ => (0, 1),
    }
}

/// Returns whether a name ends like one that may be sensitive. This excludes most names.
fn has_known_ending(name: &str) -> bool {
    let (at, bit) = ending_bit(name);
    let ends_with_pw = || name.as_bytes().last_chunk::<2>().is_some_and(|end| end.eq_ignore_ascii_case(b"pw"));
    KNOWN_ENDINGS.get(at).is_some_and(|bits| bits & bit != 0) || ends_with_pw()
}

/// The sensitive attributes of all versions and flavors.
static SENSITIVE_ATTRIBUTES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let tables = [V0_13, ADDED_0_30, ADDED_0_44, V0_98];
    let names = tables.iter().flat_map(|table| table.iter()).flat_map(|row| row.sensitive_attributes);
    names.copied().collect::<BTreeSet<_>>().into_iter().collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_tables_the_older_holds_and_without_a_version_the_newest() {
        let at = |text: &str| Version::parse(text).unwrap_or(Version::NEWEST);
        let neptune = |text: &str| at(text).is_listed_sensitive("experiment_tracker", Some("neptune"), "api_token");
        assert!(!neptune("0.20.5") && neptune("0.30.0") && neptune("0.55") && neptune("nonsense"));
        let uri = |text: &str| at(text).refuses_references("experiment_tracker", Some("mlflow"), "tracking_uri");
        assert!(uri("0.13.2") && uri("0.97.9") && !uri("0.98.0") && !uri(""));
    }

    #[test]
    fn versions_are_read_as_people_write_them() {
        assert_eq!(Version::parse("0.94.6rc1"), Some(Version::new(0, 94, 6)));
        assert_eq!(Version::parse("v0.40"), Some(Version::new(0, 40, 0)));
        assert_eq!(Version::parse("latest"), None);
        assert_eq!(Version::parse("1"), None);
        assert!(Version::parse("0.33.9").is_some_and(Version::needs_secrets_manager));
        assert!(Version::parse("0.34").is_some_and(|version| !version.needs_secrets_manager()));
    }

    #[test]
    fn a_known_flavor_is_judged_by_its_table_alone() {
        let newest = Version::NEWEST;
        assert!(newest.is_sensitive("artifact_store", Some("s3"), "key"));
        assert!(!newest.is_sensitive("deployer", Some("docker"), "some_token"));
        assert!(newest.is_sensitive("deployer", Some("ours"), "some_token"));
    }

    #[test]
    fn may_be_sensitive_matches_listed_names_in_any_case_and_after_separators() {
        for name in
            SENSITIVE_SUFFIXES.iter().chain(&SENSITIVE_WORDS).chain(&SECRET_WORDS).chain(SENSITIVE_ATTRIBUTES.iter())
        {
            assert!(may_be_sensitive(name) && may_be_sensitive(&name.to_uppercase()), "{name}");
        }
        for name in SENSITIVE_WORDS.iter().chain(&SECRET_WORDS) {
            for before in ["x_", "é-", "a b.", &"x_".repeat(40)] {
                assert!(may_be_sensitive(&format!("{before}{name}")), "{before}{name}");
            }
            assert!(!may_be_sensitive(&format!("{name}_of")), "{name}");
        }
    }

    #[test]
    fn the_last_word_decides_elsewhere() {
        for name in [
            "password",
            "db_password",
            "hf-token",
            "DB.api_key",
            "db.password",
            "ssh_private_key",
            "apiKey",
            "dbPassword",
            "PASSWORD",
        ] {
            assert!(has_sensitive_name(name), "{name}");
        }
        for name in ["secret_name", "password_file", "token_path", "secret_arn", "monotoken", "token_id", "tokens"] {
            assert!(!has_sensitive_name(name), "{name}");
        }
    }
}
