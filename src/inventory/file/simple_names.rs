//! A fast reading of inventories that contain only lines such as `name: [key, key]`, as snapshots do.
//!
//! Every YAML parser reads these lines in the same way, so such a file is not parsed. Any other
//! character, such as a quote, makes the file one for the parser.

use super::SNAPSHOT_HEAD;
use crate::inventory::{InventoryEntry, Key};
use crate::text::source::Span;
use std::collections::{HashMap, HashSet};

/// The longest name or key, in bytes. YAML limits keys to 1,024 characters.
const MAX_NAME_BYTES: usize = 256;

/// The text between a name and its keys.
const LIST_START: &str = ": [";

/// The text between two keys.
const SEPARATOR: &str = ", ";

/// The words that are no strings to some YAML parser, in lower case.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "true", "false", "on", "off", "null"];

/// The names and keys of an inventory.
pub(super) struct SimpleNames {
    /// The secrets, in the order of the file.
    pub secrets: Vec<SimpleSecret>,
    /// Whether `inventory snapshot` wrote the file.
    pub is_snapshot: bool,
    by_name: HashMap<String, usize>,
}

/// A secret and its keys.
pub(super) struct SimpleSecret {
    pub name: String,
    /// The bytes of the name.
    pub span: Span,
    pub keys: Vec<Key>,
}

impl SimpleNames {
    /// Reads a YAML text. Returns `None` if it needs the parser.
    pub fn read(text: &str) -> Option<Self> {
        // A comment for stackref needs the positions of the parsed document.
        if memchr::memmem::find(text.as_bytes(), b"stackref:").is_some() {
            return None;
        }
        let mut names = Self {
            secrets: Vec::new(),
            is_snapshot: false,
            by_name: HashMap::new(),
        };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            names.add_line(line.strip_suffix('\n').unwrap_or(line), start)?;
            start += line.len();
        }
        (!names.secrets.is_empty()).then_some(names)
    }

    fn add_line(&mut self, line: &str, start: usize) -> Option<()> {
        if line.starts_with('#') {
            self.is_snapshot |= self.secrets.is_empty() && line == SNAPSHOT_HEAD;
            return is_comment(line).then_some(());
        }
        if line.is_empty() {
            return Some(());
        }
        let (name, rest) = line.split_once(LIST_START)?;
        let (list, comment) = rest.split_once(']')?;
        let has_comment = comment.strip_prefix(" #").is_some_and(is_comment);
        if !is_name(name) || !(comment.is_empty() || has_comment) {
            return None;
        }
        let secret = SimpleSecret {
            name: name.to_owned(),
            span: Span::new(start, start + name.len()),
            keys: keys(list)?,
        };
        let is_new = self.by_name.insert(name.to_owned(), self.secrets.len());
        self.secrets.push(secret);
        is_new.is_none().then_some(())
    }

    /// Returns the secrets with the locations of their names and keys.
    pub fn entries(&self) -> Vec<InventoryEntry> {
        let secrets = self.secrets.iter().map(|secret| {
            let mut start = secret.span.end + LIST_START.len();
            let keys = secret.keys.iter().map(|key| {
                let span = Span::new(start, start + key.name.len());
                start = span.end + SEPARATOR.len();
                (key.name.clone(), span)
            });
            InventoryEntry {
                name: secret.name.clone(),
                span: secret.span,
                keys: keys.collect(),
            }
        });
        secrets.collect()
    }

    /// Returns a secret by its name.
    pub fn secret(&self, name: &str) -> Option<&SimpleSecret> {
        self.secrets.get(*self.by_name.get(name)?)
    }
}

/// Returns the keys of a list without its brackets. Returns `None` if a key needs the parser, or
/// occurs twice.
fn keys(list: &str) -> Option<Vec<Key>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    let mut known = HashSet::new();
    let keys = list.split(SEPARATOR).map(|key| {
        let is_valid = is_name(key) && known.insert(key);
        is_valid.then(|| Key::with_unknown_type(key.to_owned()))
    });
    keys.collect()
}

/// Returns whether a text is a plain string to every YAML parser.
fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.len() <= MAX_NAME_BYTES
        && text.bytes().all(is_allowed)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether the text of a comment has only characters that end nothing.
fn is_comment(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::content::FileContent;
    use super::*;
    use crate::document::Syntax;
    use crate::text::source::SourceFile;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Checks that the parser reads the same names, keys and spans, and finds nothing else.
    fn compare(text: &str) -> bool {
        let Some(simple) = SimpleNames::read(text) else {
            return false;
        };
        let source = Arc::new(SourceFile::new("names.yaml", text));
        let parsed = FileContent::read(&source, Syntax::Yaml, "names").unwrap();
        assert!(parsed.entry_errors.is_empty(), "{text:?}");
        assert!(parsed.directives.is_empty(), "{text:?}");
        assert_eq!(parsed.is_snapshot(), simple.is_snapshot, "{text:?}");
        assert_eq!(parsed.secrets.len(), simple.secrets.len(), "{text:?}");
        assert_eq!(parsed.entries_with_spans(), simple.entries(), "{text:?}");
        for (parsed_secret, secret) in parsed.secrets.iter().zip(&simple.secrets) {
            let span = parsed.document.node(parsed_secret.name_node).span;
            assert!(!parsed.stores_values(parsed_secret) && parsed_secret.error.is_none());
            assert_eq!(parsed_secret.name, secret.name, "{text:?}");
            assert_eq!(span, secret.span, "{text:?}");
            assert_eq!(text.get(span.start..span.end), Some(&*secret.name));
            let key_names =
                |keys: &[Key]| keys.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
            assert_eq!(
                key_names(&parsed_secret.keys),
                key_names(&secret.keys),
                "{text:?}"
            );
            assert!(simple.secret(&secret.name).is_some());
        }
        true
    }

    #[test]
    fn lists_of_plain_names_are_read_as_the_parser_reads_them() {
        for text in [
            "a: []\n",
            "a: [b]",
            "# head\n\na: [b, c-d, e_1]   \n".trim_end(),
            "a: [b] # why\nb: []\n",
            "mlflow: [password, username]\nslack: [token]\n",
            &format!("{SNAPSHOT_HEAD}\na: [b]\n"),
            &format!("a: [b]\n{SNAPSHOT_HEAD}\n"),
        ] {
            assert!(compare(text), "{text:?}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_parser() {
        for text in [
            "",
            "# only\n",
            "a: {b: c}\n",
            "a: [b]\na: [c]\n",
            "a: [b, b]\n",
            "a: [yes]\n",
            "No: [b]\n",
            "a: [b, 1]\n",
            "1: [b]\n",
            "a: ['b']\n",
            "a: [b,c]\n",
            "a: [b, ]\n",
            "a: [[b]]\n",
            "a: [b]x\n",
            "a: [b]#x\n",
            "a: [b\n",
            "a: [b]\r\n",
            "\u{feff}a: [b]\n",
            "a: [b]\n---\nc: [d]\n",
            " a: [b]\n",
            "a:\n  - b\n",
            "a: [b.c]\n",
            "a: [ä]\n",
            "a: [b] # stackref: ignore[unused-secret]\n",
            "a: [b]\t# x\n",
        ] {
            assert!(SimpleNames::read(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_of_such_lines_is_read_as_the_parser_reads_it(
            lines in proptest::collection::vec(
                "(#[ -~]{0,12}|[a-zA-Z_][a-zA-Z0-9_.-]{0,5}: ?\\[([a-zA-Z0-9_-]{0,4}(, ?)?){0,4}\\]( #[ -~]{0,5})?|[ -~]{0,10}|)",
                0..6,
            ),
        ) {
            compare(&lines.join("\n"));
        }
    }
}
