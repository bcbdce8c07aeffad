//! Dummy values: text that replaces a value in documentation (`<YOUR_TOKEN>`) or hides it (`***`).

/// The maximum length of an instruction between `<` and `>`. Longer text is not an instruction.
const MAX_INSTRUCTION_BYTES: usize = 100;

/// Words that mark a redaction if they are in brackets or asterisks, for example `[REMOVED]`.
const REDACTION_WORDS: [&str; 9] = [
    "redacted",
    "removed",
    "hidden",
    "masked",
    "filtered",
    "omitted",
    "censored",
    "scrubbed",
    "sensitive",
];

/// Returns whether a text asks the reader to insert a value, for example `<YOUR_TOKEN>`,
/// `your-api-key` or `TODO`.
pub(super) fn is_instruction(text: &str) -> bool {
    if matches!(text, "TODO" | "TBD" | "FIXME") || is_instruction_in_angle_brackets(text) {
        return true;
    }
    let lower = text
        .trim_matches(['[', ']', '{', '}', '(', ')'])
        .to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['_', '-', ' ']).collect();
    let first = words.first().copied().unwrap_or_default();
    let is_request = ["replace", "insert", "put", "enter", "add", "paste", "fill"].contains(&first)
        && (words.last() == Some(&"here") || words.contains(&"your"));
    words.len() > 1 && (first == "your" || is_request)
}

fn is_instruction_in_angle_brackets(text: &str) -> bool {
    let inner = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap_or_default();
    inner.len() <= MAX_INSTRUCTION_BYTES
        && !inner.contains(['<', '>', '\n'])
        && inner.contains(char::is_alphabetic)
}

/// Returns whether a text hides a value, for example `***`, `xxxx`, `[REDACTED]` or `ghp_xxxx`.
pub(super) fn is_redaction(text: &str) -> bool {
    if consists_of_marks(text) || consists_of_crosses(text) {
        return true;
    }
    let inner = text.trim_matches(['*', '[', ']', '(', ')', '<', '>', '{', '}', '_', '-', ' ']);
    let lower = inner.to_ascii_lowercase();
    let is_enclosed = inner.len() < text.len();
    lower == "redacted"
        || (is_enclosed && lower.split([' ', '_', ':', '-']).any(|word| REDACTION_WORDS.contains(&word)))
        // `sk-xxxx`: the prefix of the token is kept.
        || text.split_once(['-', '_']).is_some_and(|(prefix, rest)| {
            (1..=6).contains(&prefix.len())
                && prefix.chars().all(|c| c.is_ascii_alphanumeric())
                && consists_of_crosses(rest)
        })
}

/// Returns whether a text consists of marks of one kind: `…`, or at least three others.
fn consists_of_marks(text: &str) -> bool {
    const MARKS: [&[char]; 7] = [
        &['*'],
        &['•', '●', '∙', '·', '▪', '█'],
        &['.'],
        &['-'],
        &['_'],
        &['#'],
        &['?'],
    ];
    let all_in = |marks: &[char]| text.chars().all(|c| marks.contains(&c));
    !text.is_empty()
        && (all_in(&['…'])
            || (text.chars().count() >= 3 && MARKS.iter().any(|marks| all_in(marks))))
}

/// Returns whether a text consists of at least three `x`, which may be in groups: `XXXX-XXXX`.
fn consists_of_crosses(text: &str) -> bool {
    let crosses = text.chars().filter(|&c| matches!(c, 'x' | 'X')).count();
    crosses >= 3
        && text
            .chars()
            .all(|c| matches!(c, 'x' | 'X' | '-' | '_' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruction_asks_for_a_value() {
        for text in [
            "<YOUR_TOKEN>",
            "<your token here>",
            "<x>",
            "YOUR_API_KEY",
            "your-api-key-here",
            "[YOUR_TOKEN]",
            "INSERT_TOKEN_HERE",
            "replace-with-your-token",
            "TODO",
        ] {
            assert!(is_instruction(text), "{text}");
        }
    }

    #[test]
    fn redaction_hides_a_value() {
        for text in [
            "***",
            "********",
            "•••",
            "…",
            "...",
            "xxx",
            "XXXX-XXXX",
            "ghp_xxxxxxxx",
            "sk-XXXX",
            "<redacted>",
            "[REDACTED]",
            "REDACTED",
            "***REMOVED***",
            "(sensitive value)",
            "[token redacted]",
        ] {
            assert!(is_redaction(text), "{text}");
        }
    }
}
