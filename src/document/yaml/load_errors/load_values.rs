//! Checks scalars that `PyYAML` takes for numbers, dates and other types, and then cannot convert.

use super::load_numbers::number_error;
use super::load_times::Timestamp;
use super::{LoadReason, QUOTE_THE_VALUE};
use crate::document::{Document, SyntaxError};

/// The length of a date, which is longer than most numbers.
const DATE_BYTES: usize = "2024-01-01".len();

const INVALID_DATE: LoadReason = LoadReason {
    reason: "a date that does not exist",
    help: "correct the date, or put it in quotes",
};

const INVALID_TIME: LoadReason = LoadReason {
    reason: "a time that does not exist",
    help: "correct the time, or put it in quotes",
};

const EQUALS_SIGN: LoadReason = LoadReason {
    reason: "`=` without quotes",
    help: QUOTE_THE_VALUE,
};

const MERGE_VALUE: LoadReason = LoadReason {
    reason: "a merge key `<<` that is not a key",
    help: QUOTE_THE_VALUE,
};

/// Returns whether a plain scalar may have an error. Most numbers are short and have none.
pub(in crate::document) fn may_fail_to_load(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => value.len() >= DATE_BYTES || value.contains('_'),
        Some(b':') => true,
        Some(b'=' | b'<') => value == "=" || value == "<<",
        _ => false,
    }
}

/// Returns the errors in the plain scalars of a file.
pub(super) fn errors(document: &Document) -> Vec<SyntaxError> {
    let scalars = document.unusual.plain_scalars.iter();
    let error = |&id| {
        let node = document.node(id);
        let reason = reason(document.text(id)?, node.key)?;
        Some(reason.at(node.span))
    };
    scalars.filter_map(error).collect()
}

/// Returns why `PyYAML` cannot convert the value of a scalar without quotes.
pub(super) fn reason(value: &str, is_key: bool) -> Option<LoadReason> {
    match value {
        "=" => (!is_key).then_some(EQUALS_SIGN),
        "<<" => (!is_key).then_some(MERGE_VALUE),
        _ => {
            let time = Timestamp::parse(value).filter(Timestamp::is_resolved);
            match time {
                Some(time) if !time.has_valid_date() => Some(INVALID_DATE),
                Some(time) if !time.has_valid_time() => Some(INVALID_TIME),
                Some(_) => None,
                None => number_error(value),
            }
        }
    }
}

/// Returns whether Python can decode a base64 text. Characters that base64 does not use are
/// skipped.
pub(super) fn is_base64(text: &str) -> bool {
    if !text.is_ascii() {
        return false;
    }
    let (mut data, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'=' => {
                padding += 1;
                // Everything after the last quartet is ignored.
                if data % 4 >= 2 && data % 4 + padding >= 4 {
                    return true;
                }
            }
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                data += 1;
                padding = 0;
            }
            _ => {}
        }
    }
    data % 4 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_python_reads_it() {
        for text in [
            "", "aGk=", "aGk==", "aGk=x", "####", "aGlo", "aA==", "a G\nk=",
        ] {
            assert!(is_base64(text), "{text:?}");
        }
        for text in ["a", "aGk", "aG=k", "aA=", "é", "aGloa"] {
            assert!(!is_base64(text), "{text:?}");
        }
    }

    #[test]
    fn only_values_with_errors_are_reported() {
        for (value, reason) in [
            ("2024-02-30", INVALID_DATE),
            ("0000-01-01", INVALID_DATE),
            ("2024-13-01T00:00:00", INVALID_DATE),
            ("2024-01-01 24:00:00", INVALID_TIME),
            ("2024-1-1 0:00:60", INVALID_TIME),
            ("2024-01-01 00:00:00 +24", INVALID_TIME),
            ("=", EQUALS_SIGN),
            ("<<", MERGE_VALUE),
        ] {
            assert!(may_fail_to_load(value), "{value}");
            assert_eq!(super::reason(value, false), Some(reason), "{value}");
        }
        for value in [
            "2024-02-29",
            "2024-2-30",
            "2024-01-01T23:59:59.5Z",
            "2024-01-01 00:00:00 -23:59",
            "2024-02-30x",
            "192.168.100.100",
            "+2024-02-30",
        ] {
            assert_eq!(super::reason(value, false), None, "{value}");
        }
        assert_eq!(super::reason("=", true), None);
        assert_eq!(super::reason("<<", true), None);
    }
}
