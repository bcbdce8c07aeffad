//! The exec form of a Dockerfile's instructions: `["zenml", "stack", "list"]`.

use super::code_builder::CodeBuilder;
use std::ops::Range;

/// The escape of a single quote in single quotes of a shell.
const SINGLE_QUOTE: &str = r"'\''";

/// Adds an array of strings as a command of a shell, each string in single quotes. Returns `None`
/// if the range is not such an array. Then it is the shell form.
pub(super) fn push_exec_form(
    code: &mut CodeBuilder<'_>,
    text: &str,
    range: Range<usize>,
) -> Option<()> {
    let strings = parse(text, range)?;
    let mut end = strings.first()?.start - 1;
    for (index, content) in strings.iter().enumerate() {
        if index > 0 {
            code.replace(end..content.start - 1, " ");
        }
        code.replace(content.start - 1..content.start, "'");
        push_content(code, text, content.clone());
        end = content.end + 1;
        code.replace(content.end..end, "'");
    }
    Some(())
}

/// Returns the strings of an array. Returns `None` if the range is not an array of strings.
pub(super) fn strings(text: &str, range: Range<usize>) -> Option<Vec<String>> {
    serde_json::from_str(text.get(range)?).ok()
}

/// Returns the ranges between the quotes of the strings in an array. Returns `None` if the range is
/// not an array of strings.
fn parse(text: &str, range: Range<usize>) -> Option<Vec<Range<usize>>> {
    let part = text.get(range.clone())?;
    // The parser of JSON validates the array, so a quotation mark is always that of a string.
    if !part.starts_with('[') || strings(text, range.clone()).is_none() {
        return None;
    }
    let bytes = part.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'"', bytes.get(at..)?) {
        at += offset + 1;
        let len = string_len(bytes.get(at..)?)?;
        found.push(range.start + at..range.start + at + len);
        at += len + 1;
    }
    Some(found)
}

/// Returns the length of a string's content up to its closing quote.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at),
            _ => at += 2,
        }
    }
}

/// Adds the content of a string, decoded, as the content of single quotes.
fn push_content(code: &mut CodeBuilder<'_>, text: &str, range: Range<usize>) {
    let content = text.get(range.clone()).unwrap_or_default();
    let mut from = range.start;
    let mut at = 0;
    while let Some(offset) = memchr::memchr2(
        b'\\',
        b'\'',
        content.as_bytes().get(at..).unwrap_or_default(),
    ) {
        at += offset;
        let start = range.start + at;
        let rest = content.get(at..).unwrap_or_default();
        let len = escape_len(rest);
        let decoded: String =
            serde_json::from_str(&format!("\"{}\"", rest.get(..len).unwrap_or_default()))
                .unwrap_or_default();
        code.push(from..start);
        code.replace(start..start + len, &decoded.replace('\'', SINGLE_QUOTE));
        at += len;
        from = range.start + at;
    }
    code.push(from..range.end);
}

/// Returns the length of the escape at the start of a text, or of its single quote. Two escapes of
/// one character (a surrogate pair) belong together.
fn escape_len(rest: &str) -> usize {
    let is_surrogate = |text: &str| {
        let digits = text.strip_prefix("\\u").and_then(|rest| rest.get(..2));
        digits.is_some_and(|digits| {
            let digits = digits.to_ascii_lowercase();
            digits.starts_with('d') && digits.ends_with(['8', '9', 'a', 'b'])
        })
    };
    if rest.starts_with('\'') {
        1
    } else if is_surrogate(rest) {
        12
    } else if rest.starts_with("\\u") {
        6
    } else {
        2
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::OffsetMap;
    use crate::text::source::Span;

    fn convert(text: &str) -> Option<String> {
        let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
        let mut code = CodeBuilder::new(text, &map, 0);
        push_exec_form(&mut code, text, 0..text.len())?;
        Some(code.into_code().0)
    }

    #[test]
    fn an_array_is_a_command_with_quotes() {
        let cases = [
            (
                r#"["zenml", "a b" ,"--c={{d.e}}"]"#,
                "'zenml' 'a b' '--c={{d.e}}'",
            ),
            (
                r#"["a\"b\\c\u0041$X", "it's\n"] "#,
                "'a\"b\\cA$X' 'it'\\''s\n'",
            ),
            (r#"["\ud83d\ude00\u00e9\/"]"#, "'😀é/'"),
            (r#"["\u0027"]"#, r"''\'''"),
            (r#"[ "" ]"#, "''"),
        ];
        for (text, expected) in cases {
            assert_eq!(convert(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_the_shell_form() {
        for text in [
            "",
            "[]",
            "zenml",
            "[ -f x ] && y",
            "[\"a\"",
            "['a']",
            "[\"a\", 1]",
            "[\"a\", [\"b\"]]",
            "[\"a\",]",
            "[\"\\x\"]",
            "[\"a\"] b",
            "[\"a\"]]",
        ] {
            assert_eq!(convert(text), None, "{text}");
        }
    }

    #[test]
    fn the_offsets_are_those_of_the_array() {
        let text = r#"["a", "\"b\u0041"]"#;
        let map = OffsetMap::from_verbatim(Span::new(100, 118));
        let mut code = CodeBuilder::new(text, &map, 0);
        push_exec_form(&mut code, text, 0..text.len()).unwrap();
        let (code, offsets) = code.into_code();
        assert_eq!(code, "'a' '\"bA'");
        assert_eq!(offsets.source(1, 2), Span::new(102, 103));
        assert_eq!(offsets.source(5, 6), Span::new(107, 109));
        assert_eq!(offsets.source(6, 8), Span::new(109, 116));
    }
}
