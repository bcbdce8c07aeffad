//! Numbers that `PyYAML` recognizes, and those that Python can convert.

use super::LoadReason;

/// The digits of a decimal integer that Python converts at most.
const MAX_DIGITS: usize = 4_300;

const NO_DIGITS: LoadReason = LoadReason {
    reason: "a number without digits",
    help: "correct the number, or put it in quotes",
};

const TOO_LONG: LoadReason = LoadReason {
    reason: "a number with more than 4300 digits",
    help: super::QUOTE_THE_VALUE,
};

/// Returns why Python cannot convert a scalar that `PyYAML` takes for an integer.
pub(super) fn number_error(value: &str) -> Option<LoadReason> {
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    if let Some(digits) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0b")) {
        let has_no_digits = !digits.is_empty() && digits.bytes().all(|byte| byte == b'_');
        return has_no_digits.then_some(NO_DIGITS);
    }
    if unsigned.len() <= MAX_DIGITS || !unsigned.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return None;
    }
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    let is_integer = first
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_')
        && parts.all(is_base_60_digit);
    let digits = first.bytes().filter(u8::is_ascii_digit).count();
    (is_integer && digits > MAX_DIGITS).then_some(TOO_LONG)
}

/// Returns whether a text is a number below 60, of one or two digits.
fn is_base_60_digit(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
}

/// Returns whether `PyYAML` can convert the text of a scalar with the tag `!!int`.
pub(super) fn is_python_int(text: &str) -> bool {
    let text = text.replace('_', "");
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if let Some(digits) = unsigned.strip_prefix("0b") {
        converts(digits, 2)
    } else if let Some(digits) = unsigned.strip_prefix("0x") {
        converts(digits, 16)
    } else if unsigned == "0" {
        true
    } else if unsigned.starts_with('0') {
        let digits = unsigned.strip_prefix("0o").or(unsigned.strip_prefix("0O"));
        converts(digits.unwrap_or(unsigned), 8)
    } else {
        unsigned.split(':').all(|part| converts(part, 10))
    }
}

/// Returns whether Python's `int` converts a text. Digits of other scripts are allowed.
fn converts(text: &str, radix: u32) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty()
        && digits
            .chars()
            .all(|c| c.is_digit(radix) || (!c.is_ascii() && c.is_numeric()))
        && (radix != 10 || digits.chars().count() <= MAX_DIGITS)
}

/// Returns whether `PyYAML` can convert the text of a scalar with the tag `!!float`.
pub(super) fn is_python_float(text: &str) -> bool {
    let text = text.replace('_', "").to_lowercase();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let is_float = |part: &str| {
        let has_other_digits = part.chars().any(|c| !c.is_ascii() && c.is_numeric());
        part.trim().parse::<f64>().is_ok() || has_other_digits
    };
    matches!(unsigned, ".inf" | ".nan") || unsigned.split(':').all(is_float)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_python_cannot_convert() {
        let long = "9".repeat(4_301);
        for text in ["0x_", "-0b__"] {
            assert_eq!(number_error(text), Some(NO_DIGITS), "{text}");
        }
        for text in [long.clone(), format!("-{long}"), format!("{long}:59")] {
            assert_eq!(number_error(&text), Some(TOO_LONG));
        }
        for text in [
            long.get(1..).unwrap().to_owned(),
            format!("0{long}"),
            format!("{long}.0"),
            format!("{long}:60"),
            "0x".to_owned(),
            "0x_1".to_owned(),
            "1_000".to_owned(),
        ] {
            assert_eq!(number_error(&text), None);
        }
    }

    #[test]
    fn tagged_numbers_are_read_as_python_reads_them() {
        for text in [
            "0", "-12", "++1", " 1", "017", "0o17", "0x1F", "0b1_0", "1:20", "-0",
        ] {
            assert!(is_python_int(text), "{text}");
        }
        for text in ["", "-", "x", "019", "0x1g", "0b12", "1:x", "1.5", "0x"] {
            assert!(!is_python_int(text), "{text}");
        }
        for text in [
            "1", "1.5", "inf", "-.INF", ".nan", "1e5", "1:2.5", "1_0.", ".5",
        ] {
            assert!(is_python_float(text), "{text}");
        }
        for text in ["", "x", ".", "1:", "1e", "+"] {
            assert!(!is_python_float(text), "{text}");
        }
    }
}
