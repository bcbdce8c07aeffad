//! The type of a YAML scalar without quotes, for readers of YAML 1.1 and of YAML 1.2.

use crate::document::ScalarType;

/// Returns the type of an untagged plain scalar. It is a string only if readers of YAML 1.1 and of
/// YAML 1.2 agree.
pub fn plain_type(value: &str) -> ScalarType {
    const MAX_WORD_BYTES: usize = "false".len();
    const OTHER: [&str; 12] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "=", "<<", ".nan", ".inf",
    ];
    if matches!(value, "" | "~" | "null" | "Null" | "NULL") {
        return ScalarType::Null;
    }
    // Numbers and dates do not begin with a letter.
    if value.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let is_word = value.len() <= MAX_WORD_BYTES
            && OTHER.iter().any(|word| value.eq_ignore_ascii_case(word));
        return if is_word {
            ScalarType::Other
        } else {
            ScalarType::String
        };
    }
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    let lower = unsigned.to_ascii_lowercase();
    if OTHER.contains(&lower.as_str()) || is_numeric(&lower) || is_date(value) {
        ScalarType::Other
    } else {
        ScalarType::String
    }
}

/// Returns whether a lower-case text without a sign is an integer, a float or a base-60 number in
/// either version of YAML.
fn is_numeric(value: &str) -> bool {
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = value.strip_prefix(prefix) {
            // Some readers recognise underscores without digits as a number, and then fail to
            // convert it.
            return !rest.is_empty() && rest.chars().all(|c| c == '_' || c.is_digit(base));
        }
    }
    let (mantissa, exponent) = value
        .split_once('e')
        .map_or((value, None), |(m, e)| (m, Some(e)));
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        e.chars().all(|c| c == '_' || c.is_ascii_digit())
            && e.contains(|c: char| c.is_ascii_digit())
    });
    let mut points = 0;
    let number = mantissa.chars().all(|c| {
        points += usize::from(c == '.');
        c.is_ascii_digit() || matches!(c, '_' | '.' | ':')
    });
    number && points <= 1 && exponent_fits && mantissa.contains(|c: char| c.is_ascii_digit())
}

/// Returns whether a text is a date such as `2020-01-01`, with or without a time. Readers accept
/// different times, so any text of characters that occur in times counts as a time.
fn is_date(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let day_len = day.bytes().take_while(u8::is_ascii_digit).count();
    let time = day.get(day_len..).unwrap_or_default();
    year.len() == 4
        && has_digits(year, 4)
        && has_digits(month, 2)
        && (1..=2).contains(&day_len)
        && time.chars().all(is_time_char)
}

/// Returns whether a text consists of one to `max_len` digits.
fn has_digits(text: &str, max_len: usize) -> bool {
    (1..=max_len).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_time_char(c: char) -> bool {
    c.is_ascii_digit()
        || matches!(
            c,
            'T' | 't' | 'Z' | 'z' | ' ' | '\t' | ':' | '.' | '+' | '-'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_a_string_only_if_both_yaml_versions_agree() {
        for text in [
            "0123",
            "1.10",
            "yes",
            "Off",
            "1e3",
            "190:20:30",
            "1_000",
            "0o17",
            "0x1F",
            ".inf",
            "-.INF",
            "=",
            "<<",
            "2020-01-01",
            "+12",
            "1.",
        ] {
            assert_eq!(plain_type(text), ScalarType::Other, "{text}");
        }
        for text in ["~", "", "null"] {
            assert_eq!(plain_type(text), ScalarType::Null, "{text}");
        }
        for text in [
            "hunter2", "0.13.2", "0xyz", "e3", "-", "a:b", "yess", "1.2.3", "v1", "10-20", ":",
        ] {
            assert_eq!(plain_type(text), ScalarType::String, "{text}");
        }
    }
}
