//! Can this buffer be a stack file at all? Asked of every file of a tree, so it reads bytes and parses nothing.
//!
//! A file has the shape of a stack only with the words `components` and `stack_name` or `zenml_version` in it, that of an
//! mlstacks spec only with `spec_type`, and that of a run config only with `settings` and a type of component. Only
//! what passes is parsed, and the document then decides (`stack::shape`).

use crate::document::Syntax;
use crate::text::encoding::is_utf16;
use crate::zenml::keywords::{COMPONENT_TYPES, FileKind, is_run_key, settings_key};
use memchr::memmem::Finder;

/// Bytes of a piece that are looked at again with the next one: more than the longest word takes with every letter escaped.
pub const OVERLAP: usize = 256;

/// The words that make a shape, seen so far in the pieces of one file.
#[derive(Debug)]
pub struct Prefilter {
    component: Finder<'static>,
    component_companions: [Finder<'static>; 3],
    settings: Finder<'static>,
    types: [Finder<'static>; COMPONENT_TYPES.len()],
    seen: SeenWords,
    /// Whether more of the file may follow, in which the words come in another order.
    is_partial: bool,
    utf16: bool,
}

#[derive(Debug, Default)]
struct SeenWords {
    component: bool,
    component_companions: bool,
    settings: bool,
    kind: bool,
}

impl Default for Prefilter {
    fn default() -> Self {
        Self {
            // With `s` that of stacks, with `_flavor` that of specs: one search for both.
            component: Finder::new("component"),
            component_companions: ["stack_name", "zenml_version", "spec_type"].map(Finder::new),
            settings: Finder::new("settings"),
            types: COMPONENT_TYPES.map(Finder::new),
            seen: SeenWords::default(),
            is_partial: false,
            utf16: false,
        }
    }
}

impl Prefilter {
    /// Whether a whole buffer may have one of the shapes; never wrong about one that has.
    pub fn may_be_stack(&mut self, bytes: &[u8]) -> bool {
        self.begin(bytes);
        self.is_partial = false;
        if self.utf16 {
            return self.feed(bytes);
        }
        // Most files have not even the first words. Without a backslash either, that is all there is to see.
        self.update(bytes)
            || (memchr::memchr(b'\\', bytes).is_some() && unescaped(bytes).is_some_and(|plain| self.update(&plain)))
    }

    /// Begins with a new file, of which these are the first bytes.
    pub fn begin(&mut self, first: &[u8]) {
        self.seen = SeenWords::default();
        self.is_partial = true;
        self.utf16 = is_utf16(first);
    }

    /// Looks at the next piece of a file, which repeats the last [`OVERLAP`] bytes of the piece before. Whether the words
    /// are all there now, as they are or written with escapes (`"\u0063omponents"`), in UTF-8 or UTF-16.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        if self.utf16 {
            let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
            return self.update(&narrow);
        }
        self.update(bytes) || unescaped(bytes).is_some_and(|plain| self.update(&plain))
    }

    /// The second word of a shape is looked for only where the first is, unless that may come later.
    fn update(&mut self, bytes: &[u8]) -> bool {
        let holds = |finder: &Finder<'_>| finder.find(bytes).is_some();
        let seen = &mut self.seen;
        seen.component = seen.component || holds(&self.component);
        if seen.component || self.is_partial {
            seen.component_companions = seen.component_companions || self.component_companions.iter().any(holds);
        }
        seen.settings = seen.settings || holds(&self.settings);
        if seen.settings || self.is_partial {
            seen.kind = seen.kind || self.types.iter().any(holds);
        }
        (seen.component && seen.component_companions) || (seen.settings && seen.kind)
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

/// The shape that a text which does not parse states on its own lines. One that a template engine has yet to fill in
/// (`{% … %}`, `{{- … }}`, `.Values`) is no stack file.
pub fn stated_file_kind(text: &str, syntax: Syntax) -> Option<FileKind> {
    const TEMPLATE: [&str; 8] = ["{%", "{#", "{{-", "-}}", "{{#", ".Values", ".Release", "{{ cookiecutter"];
    if TEMPLATE.iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let lines = || text.trim_start_matches('\u{feff}').split(['\n', '\r']);
    let states = |key: &str| {
        lines().any(|line| match syntax {
            Syntax::Yaml => yaml_key(line) == Some(key),
            Syntax::Toml => {
                let line = line.trim_start_matches([' ', '\t', '[']);
                let rest = line.strip_prefix(key).map(str::trim_start);
                rest.is_some_and(|rest| rest.starts_with(['=', '.', ']']))
            }
            Syntax::Json => line.contains(&format!("\"{key}\"")),
            Syntax::Script => false,
        })
    };
    if states("components") && (states("stack_name") || states("zenml_version")) {
        Some(FileKind::Stack)
    } else if ["spec_type", "component_type"].into_iter().all(states) {
        Some(FileKind::ComponentSpec)
    } else {
        (syntax == Syntax::Yaml && is_stated_run_config(lines)).then_some(FileKind::RunConfig)
    }
}

/// Whether lines of YAML hold settings of a component type with its flavor, or of a type alone and nothing at the top that
/// no run config has.
fn is_stated_run_config<'t, L: Iterator<Item = &'t str>>(lines: impl Fn() -> L) -> bool {
    let top = || lines().filter_map(yaml_key);
    let ours = top().any(|key| key == "settings" || key == "steps") && top().all(is_run_key);
    let mut inside = false;
    lines().any(|line| {
        let key = yaml_key(line.trim_start_matches(' '));
        inside |= key == Some("settings");
        let indented = line.starts_with(' ') && inside;
        indented && key.and_then(settings_key).is_some_and(|(_, flavor)| ours || flavor.is_some())
    })
}

/// The key that a line of YAML begins with.
fn yaml_key(line: &str) -> Option<&str> {
    let line = line.strip_prefix(['"', '\'']).unwrap_or(line);
    let len = line.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (key, rest) = line.split_at_checked(len)?;
    (!key.is_empty() && rest.trim_start_matches(['"', '\'', ' ']).starts_with(':')).then_some(key)
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
        assert!(filter.may_be_stack(b"settings:\n  orchestrator.vertex: {}"));
        assert!(filter.may_be_stack(br#"{"settin\u0067s": {"\u006frchestrator": {}}}"#));
        assert!(filter.may_be_stack(b"spec_type: component\ncomponent_type: x\ncomponent_flavor: s3"));
        assert!(!filter.may_be_stack(b"settings: {}\nzenml_version: 1"));
        assert!(!filter.may_be_stack(b"orchestrator: {}"));
        filter.begin(b"");
        assert!(!filter.feed(b"x: &x {orchestrator: {}}") && filter.feed(b"settings: *x"));
    }

    #[test]
    fn a_broken_stack_is_known_by_its_lines_and_a_template_is_not() {
        let stack = Some(FileKind::Stack);
        assert_eq!(stated_file_kind("components:\n  a: {\nstack_name: x", Syntax::Yaml), stack);
        assert_eq!(stated_file_kind("stack_name = 'x'\n[components.a]\nb = {{", Syntax::Toml), stack);
        assert_eq!(stated_file_kind("{\"stack_name\": 1,\n\"components\": {", Syntax::Json), stack);
        assert_eq!(stated_file_kind("components:\n{% if x %}\nstack_name: x", Syntax::Yaml), None);
        assert_eq!(stated_file_kind("a:\n  components:\n  stack_name: x: y", Syntax::Yaml), None);
    }

    #[test]
    fn a_broken_run_config_or_spec_is_known_by_its_lines_too() {
        let yaml = |text: &str| stated_file_kind(text, Syntax::Yaml);
        assert_eq!(yaml("other: 1\nsettings:\n  \"orchestrator.vertex\":\n    a: {{"), Some(FileKind::RunConfig));
        assert_eq!(yaml("run_name: x\nsettings:\n  orchestrator:\n    a: {{"), Some(FileKind::RunConfig));
        assert_eq!(yaml("steps:\n  a:\n    settings:\n      orchestrator:\n        a: {{"), Some(FileKind::RunConfig));
        assert_eq!(yaml("other: x\nsettings:\n  orchestrator:\n    a: {{"), None);
        assert_eq!(yaml("orchestrator:\n  a: {{\nsettings:\n  b: 1"), None);
        let spec = "spec_type: component\ncomponent_type: x\ncomponent_flavor: s3\nname: {{";
        assert_eq!(yaml(spec), Some(FileKind::ComponentSpec));
    }
}
