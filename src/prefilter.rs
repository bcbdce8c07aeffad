//! Can this buffer be a stack file at all? Asked of every file of a tree, so it reads bytes and parses nothing.
//!
//! A file has the shape of a stack only with the words `components` and `stack_name` or `zenml_version` in it. Only what
//! passes is parsed, and the document then decides (`stack::has_stack_shape`).

use crate::document::Syntax;
use memchr::memmem::Finder;

/// Bytes of a piece that are looked at again with the next one: more than the longest word takes with every letter escaped.
pub const OVERLAP: usize = 256;

/// The words that make a stack, seen so far in the pieces of one file.
#[derive(Debug)]
pub struct Prefilter {
    components: Finder<'static>,
    stack_name: Finder<'static>,
    zenml_version: Finder<'static>,
    seen_components: bool,
    seen_other: bool,
    utf16: bool,
}

impl Default for Prefilter {
    fn default() -> Self {
        Self {
            components: Finder::new("components"),
            stack_name: Finder::new("stack_name"),
            zenml_version: Finder::new("zenml_version"),
            seen_components: false,
            seen_other: false,
            utf16: false,
        }
    }
}

impl Prefilter {
    /// Whether a whole buffer may have the shape of a stack; never wrong about one that has.
    pub fn may_be_stack(&mut self, bytes: &[u8]) -> bool {
        self.begin(bytes);
        // Most files have not even the first word. Without a backslash either, that is all there is to see.
        if !self.utf16 && self.components.find(bytes).is_none() && memchr::memchr(b'\\', bytes).is_none() {
            return false;
        }
        self.feed(bytes)
    }

    /// Begins with a new file, of which these are the first bytes.
    pub fn begin(&mut self, first: &[u8]) {
        self.seen_components = false;
        self.seen_other = false;
        self.utf16 = matches!(first, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]);
    }

    /// Looks at the next piece of a file, which repeats the last [`OVERLAP`] bytes of the piece before. Whether the words
    /// are all there now, as they are or written with escapes (`"\u0063omponents"`), in UTF-8 or UTF-16.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        if self.utf16 {
            let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
            return self.look(&narrow);
        }
        self.look(bytes) || unescaped(bytes).is_some_and(|plain| self.look(&plain))
    }

    fn look(&mut self, bytes: &[u8]) -> bool {
        self.seen_components = self.seen_components || self.components.find(bytes).is_some();
        self.seen_other =
            self.seen_other || self.stack_name.find(bytes).is_some() || self.zenml_version.find(bytes).is_some();
        self.seen_components && self.seen_other
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
            Some(b'\r' | b'\n') => (rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count(), None),
            _ => continue,
        };
        let joins_lines = matches!(rest.first(), Some(b'\r' | b'\n'));
        if letter.is_none() && !joins_lines {
            continue;
        }
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
fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let code = u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()?;
    let byte = u8::try_from(code).ok()?;
    (byte.is_ascii_alphabetic() || byte == b'_').then_some(byte)
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
        let mut filter = Prefilter::default();
        assert!(filter.may_be_stack(b"components: {}\nstack_name: x"));
        assert!(filter.may_be_stack(br#"{"\u0063omponents": {}, "stack\x5fname": 1}"#));
        assert!(filter.may_be_stack(b"? \"compo\\\n   nents\"\n: {}\nzenml_version: 1"));
        let utf16: Vec<u8> =
            "\u{feff}components: {}\nstack_name: x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(filter.may_be_stack(&utf16));
        assert!(!filter.may_be_stack(b"components: {}"));
        filter.begin(b"");
        assert!(!filter.feed(b"zenml_version: 1") && filter.feed(b"components: {}"));
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
