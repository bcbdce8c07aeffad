//! Names of secrets and keys, and the reasons why a reference cannot contain a name.

use super::characters::is_space;

/// Returns why no reference can name a secret, as a clause after "because", or `None` if a
/// reference can.
pub fn name_error(name: &str) -> Option<&'static str> {
    if name.contains('.') {
        Some("it contains a dot")
    } else {
        key_error(name)
    }
}

/// Returns why no reference can name a key, as a clause after "because", or `None` if a reference
/// can.
pub fn key_error(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("it is empty");
    }
    let invalid = key
        .chars()
        .find(|&c| matches!(c, '{' | '}') || is_space(c))?;
    Some(if is_space(invalid) {
        "it contains white space"
    } else {
        "it contains a brace"
    })
}

/// Returns whether a text looks like the name of a secret or a key. Other text in the place of a
/// name may be a value.
pub fn looks_like_name(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_error_returns_the_reason() {
        for (name, reason) in [
            ("a-b_c/ü", None),
            ("a.b", Some("it contains a dot")),
            ("", Some("it is empty")),
            ("a b", Some("it contains white space")),
            ("a\u{1f}b", Some("it contains white space")),
            ("a}b", Some("it contains a brace")),
            ("a{b", Some("it contains a brace")),
        ] {
            assert_eq!(name_error(name), reason, "{name:?}");
        }
        assert_eq!(key_error("a.b"), None);
    }
}
