//! Text in a file that has the shape of a reference, even if it is malformed.
//!
//! Excerpts of files that do not parse show such text. So the text in the braces must look like a
//! name and a key: other text, such as `{hunter2}`, may be a password.

use super::braces::find_from;
use super::characters::is_space;
use super::name_rules::looks_like_name;
use std::ops::Range;

/// Returns the byte ranges of the references in the text of a file, sorted.
///
/// These are `{{name.key}}` and `{{{name.key}}}` anywhere and, as a whole value, `{{name.key}`,
/// `{name.key}}` and `{{name.key`.
pub fn find_reference_shapes(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    // Whether the current line has a brace before `at`. Then the next one may be in a flow mapping.
    let mut follows_brace = false;
    while let Some(start) = find_from(text, "{", at) {
        follows_brace &= !text
            .get(at..start)
            .is_some_and(|between| between.contains(['\n', '\r']));
        let shape = BracedWord::parse(text, start);
        if shape.is_reference(text, follows_brace) {
            ranges.push(shape.range.clone());
        }
        follows_brace = true;
        at = shape.range.end;
    }
    ranges
}

/// Opening braces, a word and closing braces, with optional white space between them.
struct BracedWord {
    range: Range<usize>,
    /// The number of opening braces.
    opening: usize,
    /// The number of closing braces.
    closing: usize,
    /// Whether the word looks like a name, a dot and a key.
    is_named: bool,
}

impl BracedWord {
    /// Parses the text from an opening brace.
    fn parse(text: &str, start: usize) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        let word = rest.trim_start_matches(['{', ' ', '\t']);
        let before = rest.len() - word.len();
        let len = word
            .find(|c: char| matches!(c, '{' | '}') || is_space(c))
            .unwrap_or(word.len());
        let (word, after) = word.split_at(len);
        let closing_braces = after.trim_start_matches([' ', '\t']);
        let blanks = after.len() - closing_braces.len();
        let closing = closing_braces
            .find(|c| c != '}')
            .unwrap_or(closing_braces.len());
        let after_word = if closing == 0 { 0 } else { blanks + closing };
        Self {
            range: start..start + before + len + after_word,
            opening: rest.get(..before).unwrap_or_default().matches('{').count(),
            closing,
            is_named: looks_like_name(word)
                && word
                    .split_once('.')
                    .is_some_and(|(name, key)| !name.is_empty() && !key.is_empty()),
        }
    }

    fn is_reference(&self, text: &str, follows_brace: bool) -> bool {
        let starts_with_two = text
            .get(self.range.start..)
            .is_some_and(|rest| rest.starts_with("{{"));
        match (self.opening, self.closing) {
            _ if !self.is_named => false,
            (2.., 2..) if starts_with_two => true,
            (2.., _) | (1, 2..) => !follows_brace && self.is_whole_value(text),
            _ => false,
        }
    }

    /// Returns whether only white space, quotes and separators are next to the braces.
    fn is_whole_value(&self, text: &str) -> bool {
        let before = text
            .get(..self.range.start)
            .and_then(|before| before.chars().next_back());
        let after = text
            .get(self.range.end..)
            .and_then(|after| after.chars().next());
        before.is_none_or(|c| is_space(c) || "\"'[,:=".contains(c))
            && after.is_none_or(|c| is_space(c) || "\"'],".contains(c))
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_passwords_in_braces_are_not() {
        let shown = |text: &'static str| {
            let ranges = find_reference_shapes(text).into_iter();
            ranges
                .map(|range| text.get(range).expect("a range of the text"))
                .collect::<Vec<_>>()
        };
        for (text, references) in [
            ("password: {{ a.b }} # x", &["{{ a.b }}"][..]),
            (
                "p: {x: '{{x.y}}', {{z}}: {{c.d-e}}}",
                &["{{x.y}}", "{{c.d-e}}}"],
            ),
            (
                "mysql://{{db.user}}:{{db.pass.word}}@h",
                &["{{db.user}}", "{{db.pass.word}}"],
            ),
            ("p: {{{a.b}}}", &["{{{a.b}}}"]),
            ("p: '{{a.b}'", &["{{a.b}"]),
            ("p: {a.b}}", &["{a.b}}"]),
            ("p: { {a.b} }", &["{ {a.b}"]),
            ("p: {{a.b", &["{{a.b"]),
            ("p: {{a.b}} {{c.d", &["{{a.b}}"]),
            ("x: {y: 1}\np: {{a.b", &["{{a.b"]),
        ] {
            assert_eq!(shown(text), references, "{text}");
        }
        for text in [
            "{hunter2}",
            "{{hunter2}}x",
            "{hun.ter2}",
            "p: {v: {hun.ter2}}",
            "hun{{ter.2",
            "x{{hun.ter2}",
            "x{ {hun.ter2}}",
            "{{hun.ter2}x",
            "{{hunter2: a.b}}",
            "{{hun ter.2}}",
            "{{.hunter2}}",
            "{{hunter2.}}",
            "{{hun!ter.2}}",
            "{{a\n.b}}",
            "{{",
            "{",
            "",
        ] {
            assert!(shown(text).is_empty(), "{text}: {:?}", shown(text));
        }
    }
}
