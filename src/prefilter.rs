//! Can this buffer be a stack file at all? Asked of every file of a tree, so it reads bytes and parses nothing.
//!
//! A file has the shape of a stack only with the words `components` and `stack_name` or `zenml_version` in it. Only what
//! passes is parsed, and the document then decides (`stack::has_stack_shape`).

use crate::document::Syntax;
use memchr::memmem::Finder;

/// Whether a buffer may have the shape of a stack; never wrong about one that has.
#[derive(Debug)]
pub struct Prefilter {
    components: Finder<'static>,
    stack_name: Finder<'static>,
    zenml_version: Finder<'static>,
}

impl Default for Prefilter {
    fn default() -> Self {
        Self {
            components: Finder::new("components"),
            stack_name: Finder::new("stack_name"),
            zenml_version: Finder::new("zenml_version"),
        }
    }
}

impl Prefilter {
    /// Whether the words are there, as they are or written with escapes (`"\u0063omponents"`), in UTF-8 or UTF-16.
    pub fn may_be_stack(&self, bytes: &[u8]) -> bool {
        if self.has_words(bytes) {
            return true;
        }
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = bytes {
            let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
            return self.has_words(&narrow);
        }
        unescaped(bytes).is_some_and(|plain| self.has_words(&plain))
    }

    fn has_words(&self, bytes: &[u8]) -> bool {
        self.components.find(bytes).is_some()
            && (self.stack_name.find(bytes).is_some() || self.zenml_version.find(bytes).is_some())
    }
}

/// The buffer with escaped ASCII letters and escaped line breaks resolved; nothing where there are none.
fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    for at in memchr::memchr_iter(b'\\', bytes) {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let (len, letter) = match rest.first() {
            Some(b'x') => (3, hex(rest.get(1..3))),
            Some(b'u') => (5, hex(rest.get(1..5))),
            Some(b'U') => (9, hex(rest.get(1..9))),
            Some(b'\r' | b'\n') => {
                let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                (blanks, Some(None))
            }
            _ => continue,
        };
        let Some(letter) = letter else { continue };
        if at < copied {
            continue;
        }
        let out = out.get_or_insert_with(Vec::new);
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        out.extend(letter);
        copied = at + 1 + len;
    }
    let mut out = out?;
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Some(out)
}

/// Hexadecimal digits that stand for a letter of ASCII or `_`.
fn hex(digits: Option<&[u8]>) -> Option<Option<u8>> {
    let code = u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()?;
    let byte = u8::try_from(code).ok()?;
    (byte.is_ascii_alphabetic() || byte == b'_').then_some(Some(byte))
}

/// Whether a text that does not parse states the shape of a stack on its own lines. One that a template engine has yet to
/// fill in (`{% … %}`, `{{- … }}`, `.Values`) is no stack file.
pub fn states_shape(text: &str, syntax: Syntax) -> bool {
    const TEMPLATE: [&str; 8] = ["{%", "{#", "{{-", "-}}", "{{#", ".Values", ".Release", "{{ cookiecutter"];
    if TEMPLATE.iter().any(|mark| text.contains(mark)) {
        return false;
    }
    let states = |key: &str| {
        text.trim_start_matches('\u{feff}').split(['\n', '\r']).any(|line| match syntax {
            Syntax::Yaml => {
                let line = line.strip_prefix(['"', '\'']).unwrap_or(line);
                let rest = line.strip_prefix(key).map(|rest| rest.trim_start_matches(['"', '\'', ' ']));
                rest.is_some_and(|rest| rest.starts_with(':'))
            }
            Syntax::Toml => {
                let line = line.trim_start_matches([' ', '\t', '[']);
                let rest = line.strip_prefix(key).map(str::trim_start);
                rest.is_some_and(|rest| rest.starts_with(['=', '.', ']']))
            }
            Syntax::Json => line.contains(&format!("\"{key}\"")),
        })
    };
    states("components") && (states("stack_name") || states("zenml_version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_utf_16_do_not_hide_a_stack() {
        let filter = Prefilter::default();
        assert!(filter.may_be_stack(b"components: {}\nstack_name: x"));
        assert!(filter.may_be_stack(br#"{"\u0063omponents": {}, "stack\x5fname": 1}"#));
        assert!(filter.may_be_stack(b"? \"compo\\\n   nents\"\n: {}\nzenml_version: 1"));
        let utf16: Vec<u8> =
            "\u{feff}components: {}\nstack_name: x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(filter.may_be_stack(&utf16));
        assert!(!filter.may_be_stack(b"components: {}"));
        assert!(!filter.may_be_stack(br"components \u00e9 \"));
    }

    #[test]
    fn a_broken_stack_is_known_by_its_lines_and_a_template_is_not() {
        assert!(states_shape("components:\n  a: {\nstack_name: x", Syntax::Yaml));
        assert!(states_shape("stack_name = 'x'\n[components.a]\nb = {{", Syntax::Toml));
        assert!(states_shape("{\"stack_name\": 1,\n\"components\": {", Syntax::Json));
        assert!(!states_shape("components:\n{% if x %}\nstack_name: x", Syntax::Yaml));
        assert!(!states_shape("a:\n  components:\n  stack_name: x: y", Syntax::Yaml));
    }
}
