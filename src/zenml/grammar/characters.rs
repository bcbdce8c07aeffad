//! Characters that the grammar treats specially.

/// Returns whether a character is white space for the `\s` of a Python `str` pattern.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Returns whether a character is a control character, has no width, or changes the direction of
/// text.
pub fn is_invisible(c: char) -> bool {
    !is_space(c)
        && (c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
                | '\u{ffa0}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'))
}

/// Returns whether a character looks like a dot, but is not one.
pub(super) fn looks_like_dot(c: char) -> bool {
    matches!(
        c,
        '\u{b7}'
            | '\u{2024}'
            | '\u{2027}'
            | '\u{3002}'
            | '\u{fe52}'
            | '\u{ff0e}'
            | '\u{ff61}'
            | '\u{701}'
            | '\u{660}'
    )
}
