//! Words in a text after which a value is probably a secret, for example in `--token x` or
//! `Authorization: Bearer x`.
//!
//! This is a heuristic for excerpts, which must not show a value. `zenml::flavors` contains the
//! names of sensitive attributes.

use crate::zenml::flavors::may_be_sensitive;

/// Options of command-line programs whose argument may be a password or contain one.
const OPTIONS: [&str; 6] = ["-p", "-P", "-u", "-H", "--user", "--header"];

/// Returns whether a text may contain several words. A single word does not announce a value, and
/// most scalars are a single word.
pub fn has_separator(text: &str) -> bool {
    // UTF-8 bytes from 0x80 may belong to white space.
    text.bytes()
        .any(|byte| matches!(byte, b':' | b'=' | b' ' | b'\t'..=b'\r' | 0x80..))
}

/// Returns the offset after a sensitive word and its separator, where a value may start. Returns
/// `None` if no value follows a sensitive word.
///
/// Examples are `password: x`, `pw=x`, `--token x`, `password is x` and `Bearer x`.
pub fn find_sensitive_value(text: &str) -> Option<usize> {
    // The end of the current word, and the end of the last word that was examined. A word before
    // many separators is examined once.
    let (mut word_end, mut examined) = (0, 0);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if !(matches!(c, ':' | '=' | '"' | '\'') || c.is_whitespace()) {
            word_end = end;
        } else if !matches!(c, '"' | '\'') && examined < word_end {
            examined = word_end;
            if text.get(..word_end).is_some_and(announces_value)
                && text.get(end..).is_some_and(starts_with_value)
            {
                return Some(end);
            }
        }
    }
    None
}

/// Returns whether a text ends with a word that a value follows: a sensitive name, or an option
/// such as `-p`.
pub fn announces_value(text: &str) -> bool {
    let text = text.trim_end().trim_end_matches(['"', '\'', ':', '=']);
    may_be_sensitive(last_word(text)) || OPTIONS.iter().any(|option| ends_with_word(text, option))
}

/// Returns whether a value follows a sensitive word. After a word in a reference, `}}` follows
/// instead.
fn starts_with_value(text: &str) -> bool {
    let text = text.trim_start();
    !text.is_empty() && !text.starts_with("}}")
}

/// Returns the last word of a text without quotes. Of a dotted word, it is the last part.
fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    text.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .next()
        .unwrap_or_default()
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word)
        .is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_starts_after_a_sensitive_word() {
        for (text, value) in [
            ("password: x", " x"),
            ("a --token x", "x"),
            ("\"password\" : x", ": x"),
            ("tool -p x", "x"),
            ("a:b -p:x", "x"),
        ] {
            let at = find_sensitive_value(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(text.get(at..), Some(value), "{text}");
        }
        for text in [
            "",
            "password",
            "password: ",
            "{{ a.password }}",
            "x-p y",
            "a: b",
        ] {
            assert_eq!(find_sensitive_value(text), None, "{text}");
        }
        // Quadratic work would take hours.
        for text in [": ", "a:", "\":", "= \"", "x "] {
            assert_eq!(
                find_sensitive_value(&text.repeat(1_000_000)),
                None,
                "{text}"
            );
        }
    }
}
