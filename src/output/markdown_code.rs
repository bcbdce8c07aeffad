//! Code spans in the cells of Markdown tables.
//!
//! No Markdown and no HTML has a meaning in a code span. The characters that end a code span or a
//! cell are escaped as control characters are.

/// Returns a text as a code span of a cell; empty for an empty text.
///
/// The text must not contain control characters: pass it through `escape_control` first.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let text = text.replace('`', "\\u{60}").replace('|', "\\u{7c}");
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_code_span() {
        for (text, expected) in [
            ("", ""),
            ("mlflow.password", "`mlflow.password`"),
            ("a|b", "`a\\u{7c}b`"),
            ("a\\|b", "`a\\\\u{7c}b`"),
            ("``<b>`", "`\\u{60}\\u{60}<b>\\u{60}`"),
            ("[x](https://example.com)", "`[x](https://example.com)`"),
        ] {
            let cell = code(text);
            assert_eq!(cell, expected, "{text}");
            assert!(cell.matches('`').count().is_multiple_of(2), "{text}");
            assert!(!cell.contains('|'), "{text}");
        }
    }
}
