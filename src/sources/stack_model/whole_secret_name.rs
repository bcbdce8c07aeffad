//! Names of whole secrets, as attributes and options contain them.

use crate::text::placeholder::{PlaceholderKind, placeholder_kind};
use crate::text::url;

/// Returns whether a text can be the name of a secret. References, templates and the IDs that
/// `ZenML` accepts as well are not names.
pub(in crate::sources) fn is_secret_name(text: &str) -> bool {
    let is_word = text
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    if !is_word
        && (placeholder_kind(text) == Some(PlaceholderKind::Template)
            || !url::passwords(text).is_empty())
    {
        return false;
    }
    !text.is_empty() && !is_uuid(text) && !["{{", "${", "{%"].iter().any(|mark| text.contains(mark))
}

/// Returns whether a text contains a variable, or is a placeholder for the name of a secret:
/// `${ENV}_db`, `$SECRET`, `<YOUR_SECRET>`. References are not.
pub(super) fn is_dynamic_name(text: &str) -> bool {
    !text.contains("{{")
        && (text.contains("${") || placeholder_kind(text) == Some(PlaceholderKind::Template))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Removes the braces from `{{name}}`, which was meant as a name.
pub(super) fn without_braces(text: &str) -> &str {
    text.strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .map_or(text, str::trim)
}

/// Returns whether a word of a command is a name. Documentation uses `NAME`, `<NAME>` or `...` for
/// a name that the reader inserts.
pub(super) fn is_literal_name(word: &str) -> bool {
    word.chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && word.chars().any(char::is_lowercase)
        && word.starts_with(char::is_alphanumeric)
        && word.ends_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_templates_and_ids_are_not_names() {
        assert!(is_secret_name("db.secret") && is_secret_name("my secret"));
        for text in [
            "",
            "{{a}}",
            "${NAME}",
            "x{% y",
            "0f2b6a1e-1111-2222-3333-444455556666",
        ] {
            assert!(!is_secret_name(text), "{text}");
        }
    }

    #[test]
    fn variables_and_placeholders_are_dynamic() {
        for text in ["${ENV}_db", "$SECRET", "$(SECRET)", "<YOUR_SECRET>"] {
            assert!(is_dynamic_name(text) && !is_secret_name(text), "{text}");
        }
        for text in ["db", "{{a.b}}", "{{${A}.b}}", ""] {
            assert!(!is_dynamic_name(text), "{text}");
        }
    }

    #[test]
    fn braces_around_a_name_are_removed() {
        assert_eq!(
            [
                without_braces("{{ a }}"),
                without_braces("a"),
                without_braces("{{a")
            ],
            ["a", "a", "{{a"]
        );
    }
}
