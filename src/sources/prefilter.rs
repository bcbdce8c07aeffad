//! A filter that excludes most files of a tree without parsing them.
//!
//! A file passes if its bytes contain the keywords of one kind of file:
//!
//! - A stack contains `components` and either `stack_name` or `zenml_version`.
//! - A component spec contains `component` and `spec_type`.
//! - A run config contains the key `settings` and a component type or general settings such as
//!   `docker`, or the key `secrets` and another key of run configs.
//!
//! Files that pass are parsed. [`file_kind`](super::stack_model::file_kind) then determines the kind
//! from the document.

use crate::text::encoding::is_utf16;
use crate::text::word_search::WordSearch;
use crate::zenml::run_config_keys::COMPONENT_TYPES;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Keys of which a file with the key `components` or `component` has at least one.
const COMPONENT_COMPANIONS: [&str; 3] = ["stack_name", "zenml_version", "spec_type"];

/// Keys of `settings` that belong to no component.
const GENERAL_SETTINGS: [&str; 3] = ["docker", "resources", "deployment"];

/// Parts of the keys of which a run config with only a list `secrets` has at least one. `step`
/// also means `steps`.
const SECRETS_COMPANIONS: [&str; 9] = [
    "step",
    "parameters",
    "model",
    "enable_",
    "_hook_",
    "run_name",
    "cache_policy",
    "experiment_tracker",
    "heartbeat_healthy",
];

static COMPONENT_COMPANION_SEARCH: LazyLock<WordSearch> =
    LazyLock::new(|| WordSearch::new(&COMPONENT_COMPANIONS));

static SETTINGS_ENTRY_SEARCH: LazyLock<WordSearch> =
    LazyLock::new(|| WordSearch::new(&[&GENERAL_SETTINGS[..], &COMPONENT_TYPES].concat()));

static SECRETS_COMPANION_SEARCH: LazyLock<WordSearch> =
    LazyLock::new(|| WordSearch::new(&SECRETS_COMPANIONS));

/// The bytes at the end of a chunk that the next chunk repeats. This is more than the longest
/// keyword with every letter escaped (`\U00000063`).
pub const OVERLAP: usize = 256;

/// A search for keywords in the chunks of one file. It can be used for one file after another.
#[derive(Debug)]
pub struct Prefilter {
    component: Finder<'static>,
    settings: KeyFinder,
    secrets: KeyFinder,
    seen: SeenWords,
    /// Whether more chunks may follow. A later chunk may contain the first keyword of a pair.
    is_partial: bool,
    is_utf16: bool,
}

/// The keywords found so far.
#[derive(Debug, Default)]
struct SeenWords {
    component: bool,
    component_companion: bool,
    settings: bool,
    settings_entry: bool,
    secrets: bool,
    secrets_companion: bool,
}

impl SeenWords {
    fn are_complete(&self) -> bool {
        (self.component && self.component_companion)
            || (self.settings && self.settings_entry)
            || (self.secrets && self.secrets_companion)
    }
}

/// A search for a word that is a key, and not a part of another word.
#[derive(Debug)]
struct KeyFinder {
    word: Finder<'static>,
    /// The bytes that may follow the key, after quotes and white space.
    follows: &'static [u8],
}

impl KeyFinder {
    fn is_in(&self, bytes: &[u8]) -> bool {
        let is_word_byte = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        self.word.find_iter(bytes).any(|at| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            let rest = bytes.get(at + self.word.needle().len()..);
            let mut rest = rest.unwrap_or_default().iter();
            let next =
                rest.find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''));
            // The next chunk may contain the colon.
            !before.is_some_and(is_word_byte) && next.is_none_or(|next| self.follows.contains(next))
        })
    }
}

impl Default for Prefilter {
    fn default() -> Self {
        Self {
            // One search for both `components` in stacks and `component` in specs.
            component: Finder::new("component"),
            // In TOML, `settings` may be a part of a dotted key or of a table's name.
            settings: KeyFinder {
                word: Finder::new("settings"),
                follows: b":=.]#",
            },
            secrets: KeyFinder {
                word: Finder::new("secrets"),
                follows: b":=#",
            },
            seen: SeenWords::default(),
            is_partial: false,
            is_utf16: false,
        }
    }
}

impl Prefilter {
    /// Returns whether a whole file may be of one of the kinds. The only false negatives are run
    /// configs in which an alias stands for a key.
    pub fn may_be_stack(&mut self, bytes: &[u8]) -> bool {
        self.begin(bytes);
        self.is_partial = false;
        if self.is_utf16 {
            return self.feed(bytes);
        }
        // Most files contain neither the keywords nor a backslash, which starts an escape.
        self.update(bytes)
            || (memchr::memchr(b'\\', bytes).is_some()
                && unescaped(bytes).is_some_and(|plain| self.update(&plain)))
    }

    /// Starts the search in a new file, given its first bytes.
    pub fn begin(&mut self, first: &[u8]) {
        self.seen = SeenWords::default();
        self.is_partial = true;
        self.is_utf16 = is_utf16(first);
    }

    /// Searches the next chunk of a file, which repeats the last [`OVERLAP`] bytes of the previous
    /// one. Returns whether all keywords of a kind have been found.
    ///
    /// Keywords may contain escapes (`"\u0063omponents"`) and may be encoded in UTF-8 or UTF-16.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        if self.is_utf16 {
            let narrow: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
            return self.update(&narrow);
        }
        self.update(bytes) || unescaped(bytes).is_some_and(|plain| self.update(&plain))
    }

    /// Searches a buffer. The second keyword of a pair is searched only after the first, unless
    /// more chunks may follow.
    fn update(&mut self, bytes: &[u8]) -> bool {
        let seen = &mut self.seen;
        seen.component = seen.component || contains(bytes, &self.component);
        if seen.component || self.is_partial {
            seen.component_companion =
                seen.component_companion || COMPONENT_COMPANION_SEARCH.is_in(bytes);
        }
        seen.settings = seen.settings || self.settings.is_in(bytes);
        if seen.settings || self.is_partial {
            seen.settings_entry = seen.settings_entry || SETTINGS_ENTRY_SEARCH.is_in(bytes);
        }
        seen.secrets = seen.secrets || self.secrets.is_in(bytes);
        if seen.secrets || self.is_partial {
            seen.secrets_companion =
                seen.secrets_companion || SECRETS_COMPANION_SEARCH.is_in(bytes);
        }
        seen.are_complete()
    }
}

fn contains(bytes: &[u8], finder: &Finder<'_>) -> bool {
    finder.find(bytes).is_some()
}

/// Decodes the escapes of ASCII letters and removes escaped line breaks. Returns `None` if a buffer
/// has none of them.
fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    for at in memchr::memchr_iter(b'\\', bytes) {
        let Some((len, letter)) = parse_escape(bytes.get(at + 1..).unwrap_or_default()) else {
            continue;
        };
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

/// Parses an escape after its backslash. Returns its length and its letter, which an escaped line
/// break does not have. Returns `None` for other escapes.
fn parse_escape(rest: &[u8]) -> Option<(usize, Option<u8>)> {
    let (len, digits) = match rest.first()? {
        b'x' => (3, rest.get(1..3)?),
        b'u' => (5, rest.get(1..5)?),
        b'U' => (9, rest.get(1..9)?),
        b'\r' | b'\n' => {
            return Some((
                rest.iter()
                    .take_while(|byte| byte.is_ascii_whitespace())
                    .count(),
                None,
            ));
        }
        _ => return None,
    };
    Some((len, Some(decode_hex(digits)?)))
}

/// Decodes the hexadecimal digits of an ASCII letter or `_`. Returns `None` for other characters,
/// which no keyword contains.
fn decode_hex(digits: &[u8]) -> Option<u8> {
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let byte = u8::try_from(code).ok()?;
    (byte.is_ascii_alphabetic() || byte == b'_').then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found_in_escapes_and_utf_16() {
        let mut filter = Prefilter::default();
        assert!(filter.may_be_stack(b"components: {}\nstack_name: x"));
        assert!(filter.may_be_stack(br#"{"\u0063omponents": {}, "stack\x5fname": 1}"#));
        assert!(filter.may_be_stack(b"? \"compo\\\n   nents\"\n: {}\nzenml_version: 1"));
        let utf16: Vec<u8> = "\u{feff}components: {}\nstack_name: x"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(filter.may_be_stack(&utf16));
        assert!(!filter.may_be_stack(b"components: {}"));
        filter.begin(b"");
        assert!(!filter.feed(b"zenml_version: 1") && filter.feed(b"components: {}"));
        assert!(!filter.may_be_stack(br"components \u00e9 \"));
        assert!(filter.may_be_stack(b"settings:\n  orchestrator.vertex: {}"));
        assert!(filter.may_be_stack(br#"{"settin\u0067s": {"\u006frchestrator": {}}}"#));
        assert!(
            filter.may_be_stack(b"spec_type: component\ncomponent_type: x\ncomponent_flavor: s3")
        );
        assert!(!filter.may_be_stack(b"settings: {}\nzenml_version: 1"));
        assert!(filter.may_be_stack(b"settings:\n  docker: {requirements: [a]}"));
        assert!(filter.may_be_stack(b"[settings.resources]\ncpu_count = 2"));
        assert!(filter.may_be_stack(b"? settings\n: {docker: {skip_build: true}}"));
        assert!(!filter.may_be_stack(b"app_settings: {docker: 1}\n# our settings are new"));
        assert!(filter.may_be_stack(br#"{"secrets" : ["a"], "enable_cache": false}"#));
        assert!(filter.may_be_stack(b"secrets = ['a']\n[parameters]\nb = 1"));
        assert!(!filter.may_be_stack(b"steps: [{env: '${{ secrets.A }}'}]"));
        assert!(!filter.may_be_stack(b"secrets: [a]\nimage: b"));
        assert!(!filter.may_be_stack(b"orchestrator: {}"));
        filter.begin(b"");
        assert!(!filter.feed(b"x: &x {orchestrator: {}}") && filter.feed(b"settings: *x"));
    }
}
