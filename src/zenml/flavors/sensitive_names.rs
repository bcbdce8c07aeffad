//! Names that suggest that a value is secret.
//!
//! [`has_sensitive_name`] decides whether rules treat an attribute of an unknown flavor as
//! sensitive. [`may_be_sensitive`] decides whether excerpts hide a value, so it includes more
//! names.
//!
//! Both are called for most keys of a file. Cheap checks of the last letters exclude most names.

use super::sensitive_attributes;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The ends of sensitive names, for example `dbpasswd`.
const SENSITIVE_SUFFIXES: [&str; 6] = [
    "passwd",
    "pwd",
    "passphrase",
    "credentials",
    "credential",
    "apikey",
];

/// The last word, or the last two words, of sensitive names.
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

/// The last words of names that are sensitive in every attribute.
const SECRET_WORDS: [&str; 7] = [
    "password",
    "token",
    "secret",
    "api_key",
    "auth_key",
    "passphrase",
    "private_key",
];

/// The sensitive attributes of all flavors in all versions, sorted.
static SENSITIVE_ATTRIBUTES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    sensitive_attributes()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
});

/// The last three letters of all names in the lists, as one bit each. [`ending_bit`] returns the
/// index and the bit.
static KNOWN_ENDINGS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut endings = vec![0; 1 << 10];
    for name in listed_names() {
        let (index, bit) = ending_bit(name);
        if let Some(bits) = endings.get_mut(index) {
            *bits |= bit;
        }
    }
    endings
});

/// Returns whether the last word of a name is a word for a secret, for example `db_password`,
/// `apiKey` or `hf-token`.
pub fn has_sensitive_name(attribute: &str) -> bool {
    if !has_secret_word_ending(attribute) {
        return false;
    }
    if attribute
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return SECRET_WORDS
            .iter()
            .any(|word| is_last_word(attribute.as_bytes(), word.as_bytes()));
    }
    let name = to_snake_case(attribute);
    SECRET_WORDS.iter().any(|word| {
        name.strip_suffix(word).is_some_and(|before| {
            before.is_empty() || !before.ends_with(|c: char| c.is_alphanumeric())
        })
    })
}

/// Returns whether the name of an environment variable is that of a secret, for example
/// `OPENAI_API_KEY` or `AWS_SECRET_ACCESS_KEY`.
pub fn is_secret_variable(name: &str) -> bool {
    let has_key_ending = || {
        let name = name.to_ascii_lowercase();
        name.ends_with("access_key") || name.ends_with("secret_key")
    };
    has_sensitive_name(name) || has_key_ending()
}

/// Returns whether an attribute is sensitive in any flavor and version, or has a name for a secret.
pub fn may_be_sensitive(attribute: &str) -> bool {
    if !has_known_ending(attribute) {
        return false;
    }
    let lower = attribute.to_ascii_lowercase();
    let mut boundaries = lower.rmatch_indices(|c: char| !c.is_alphanumeric());
    let mut after_boundary = || {
        boundaries
            .next()
            .and_then(|(at, mark)| lower.get(at + mark.len()..))
    };
    let (last, last_two) = (
        after_boundary().unwrap_or(&lower),
        after_boundary().unwrap_or(&lower),
    );
    SENSITIVE_WORDS.contains(&last)
        || SENSITIVE_WORDS.contains(&last_two)
        || has_sensitive_name(attribute)
        || SENSITIVE_SUFFIXES.iter().any(|word| lower.ends_with(word))
        || SENSITIVE_ATTRIBUTES.binary_search(&lower.as_str()).is_ok()
}

/// Returns whether a name ends with the last two letters of one of the [`SECRET_WORDS`].
fn has_secret_word_ending(name: &str) -> bool {
    let ending = name
        .as_bytes()
        .last_chunk::<2>()
        .map(|ending| ending.map(|byte| byte.to_ascii_lowercase()));
    matches!(ending.as_ref(), Some(b"rd" | b"en" | b"et" | b"ey" | b"se"))
}

/// Returns whether a name in lower case is a word, or ends with a separator and the word. Hyphens
/// count as underscores.
fn is_last_word(name: &[u8], word: &[u8]) -> bool {
    let Some((before, end)) = name
        .len()
        .checked_sub(word.len())
        .and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    let is_same =
        |(&byte, &expected): (&u8, &u8)| byte == expected || (byte == b'-' && expected == b'_');
    end.iter().zip(word).rev().all(is_same)
        && before
            .last()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

/// Converts `apiKey` and `api-key` to `api_key`.
fn to_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut follows_lowercase = false;
    for c in name.chars() {
        if c.is_uppercase() && follows_lowercase {
            snake.push('_');
        }
        follows_lowercase = c.is_lowercase();
        snake.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    snake
}

/// Returns whether a name ends with the last three letters of a name in the lists.
fn has_known_ending(name: &str) -> bool {
    let (index, bit) = ending_bit(name);
    KNOWN_ENDINGS.get(index).is_some_and(|bits| bits & bit != 0)
        // `pw` is the only word of two letters.
        || name.as_bytes().last_chunk::<2>().is_some_and(|end| end.eq_ignore_ascii_case(b"pw"))
}

/// Returns the index and the bit in [`KNOWN_ENDINGS`] for the last three letters of a name. It
/// ignores case, and few endings share a bit.
fn ending_bit(name: &str) -> (usize, u32) {
    match *name.as_bytes() {
        [.., first, second, third] => (
            usize::from(first & 31) << 5 | usize::from(second & 31),
            1 << (third & 31),
        ),
        _ => (0, 1),
    }
}

fn listed_names() -> impl Iterator<Item = &'static str> {
    let words = SENSITIVE_SUFFIXES
        .iter()
        .chain(&SENSITIVE_WORDS)
        .chain(&SECRET_WORDS);
    words.chain(SENSITIVE_ATTRIBUTES.iter()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn may_be_sensitive_matches_listed_names_in_any_case_and_after_separators() {
        for name in listed_names() {
            assert!(
                may_be_sensitive(name) && may_be_sensitive(&name.to_uppercase()),
                "{name}"
            );
        }
        for name in SENSITIVE_WORDS.iter().chain(&SECRET_WORDS) {
            for before in ["x_", "é-", "a b.", &"x_".repeat(40)] {
                assert!(
                    may_be_sensitive(&format!("{before}{name}")),
                    "{before}{name}"
                );
            }
            assert!(!may_be_sensitive(&format!("{name}_of")), "{name}");
        }
    }

    #[test]
    fn variable_with_the_name_of_a_secret_is_recognized() {
        for name in [
            "OPENAI_API_KEY",
            "HF_TOKEN",
            "DB_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "DJANGO_SECRET_KEY",
        ] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in [
            "AWS_ACCESS_KEY_ID",
            "ZENML_PROJECT_SECRET_NAME",
            "TOKENIZERS_PARALLELISM",
            "KEY",
        ] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }

    #[test]
    fn has_sensitive_name_depends_on_the_last_word() {
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
        for name in [
            "secret_name",
            "password_file",
            "token_path",
            "secret_arn",
            "monotoken",
            "token_id",
            "tokens",
        ] {
            assert!(!has_sensitive_name(name), "{name}");
        }
    }
}
