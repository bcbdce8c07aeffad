//! Escapes of characters that a terminal must not receive.

use crate::zenml::grammar::is_invisible;

/// Replaces control and invisible characters with escapes such as `\u{1b}`, so that a text cannot
/// change the terminal and every character is visible.
pub fn escape_control(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            escaped.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns whether a character controls the terminal, breaks a line or is invisible.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        assert_eq!(
            escape_control("ü\u{1b}[31m\u{202e}\n"),
            "ü\\u{1b}[31m\\u{202e}\\u{a}"
        );
    }
}
