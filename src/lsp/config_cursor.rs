//! What the cursor in `stackref.toml` is in: a header, a key or a value. The text need not parse.

mod toml_tokens;

use crate::text::source::Span;
use toml_tokens::{Token, TokenKind, TomlTokens};

/// The most parts of a key and the deepest nesting of tables that are read. No config needs as many.
const MAX_PARTS: usize = 16;

/// The kind of text at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorKind {
    /// A part of `[a.b]` or `[[a]]`, after these parts.
    Header {
        /// The parts before it.
        before: Vec<String>,
        /// Whether it is `[[…]]`.
        is_array: bool,
    },
    /// A part of a key, after the keys of this path.
    Key(Vec<String>),
    /// The value of the key at this path, or an item of it.
    Value(Vec<String>),
}

/// The text at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigCursor {
    /// Its kind.
    pub kind: CursorKind,
    /// The word or the contents of the string, also after the cursor.
    pub span: Span,
    /// The quote, if it is a string; and whether it is closed.
    pub quote: Option<(char, bool)>,
    /// The index of its table among the headers; 0 before the first one.
    table: usize,
}

/// An assignment or a header of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The path of the key, or of the header.
    pub path: Vec<String>,
    /// The span of the last part of the key.
    pub span: Span,
    /// The values that are strings, or the first word.
    pub values: Vec<String>,
    /// Whether it is a header.
    pub is_header: bool,
    /// The index of its table among the headers.
    table: usize,
}

/// The entries of a config, and its cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigOutline {
    /// The entries, in the order of the file.
    pub entries: Vec<ConfigEntry>,
    /// The text at the cursor; `None` in a comment.
    pub cursor: Option<ConfigCursor>,
}

impl ConfigOutline {
    /// Reads a text with the cursor at an offset.
    pub fn read(text: &str, offset: usize) -> Self {
        let mut reader = OutlineReader {
            text,
            offset,
            outline: Self::default(),
            table: Vec::new(),
            frames: Vec::new(),
            key: Vec::new(),
            mode: Mode::Key,
            tables: 0,
            is_past: false,
        };
        for token in TomlTokens::new(text) {
            reader.read(token);
        }
        let end = Span::new(offset, offset);
        reader.put_cursor(end, None);
        reader.outline
    }

    /// Returns the other keys of the table at the cursor, below these keys.
    pub fn other_keys(&self, cursor: &ConfigCursor, before: &[String]) -> Vec<&str> {
        let same = self.entries.iter().filter(|entry| {
            entry.table == cursor.table && !entry.is_header && entry.span != cursor.span
        });
        let keys = same.filter_map(|entry| entry.path.strip_prefix(before)?.first());
        keys.map(String::as_str).collect()
    }

    /// Returns the value of `kind` in the table at the cursor.
    pub fn kind(&self, cursor: &ConfigCursor) -> Option<&str> {
        let mut same = self.entries.iter().filter(|it| it.table == cursor.table);
        let kind = same.find(|it| it.path.last().is_some_and(|key| key == "kind"))?;
        kind.values.first().map(String::as_str)
    }

    /// Returns the names of the tables below a key.
    pub fn names_below(&self, key: &str) -> Vec<&str> {
        let below = self.entries.iter().filter_map(|entry| {
            let (first, rest) = entry.path.split_first()?;
            rest.first().filter(|_| first == key)
        });
        let mut names: Vec<&str> = below.map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the values of the keys with a name in all tables.
    pub fn values_of(&self, key: &str) -> Vec<&str> {
        let named = self.entries.iter().filter(|entry| {
            entry.path.len() > 1 && entry.path.last().is_some_and(|last| last == key)
        });
        named
            .flat_map(|entry| entry.values.iter().map(String::as_str))
            .collect()
    }
}

/// What the reader expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A key, or a header at the start of a line.
    Key,
    /// A header, and whether it is one of an array.
    Header(bool),
    /// A value.
    Value,
    /// Nothing until the next comma or line.
    Nothing,
}

/// An open bracket in a value, with the key before it.
struct Frame {
    is_inline_table: bool,
    key: Vec<String>,
}

struct OutlineReader<'t> {
    text: &'t str,
    offset: usize,
    outline: ConfigOutline,
    /// The path of the current header.
    table: Vec<String>,
    frames: Vec<Frame>,
    /// The parts of the current key or header.
    key: Vec<String>,
    mode: Mode,
    tables: usize,
    /// Whether the cursor was found, or is in a comment.
    is_past: bool,
}

impl OutlineReader<'_> {
    fn read(&mut self, token: Token) {
        let Token { kind, span } = token;
        let starts_after =
            self.offset < span.start || (self.offset == span.start && !is_word(kind));
        if starts_after {
            self.put_cursor(Span::new(self.offset, self.offset), None);
        }
        match kind {
            TokenKind::Word | TokenKind::Text { .. } => self.read_word(kind, span),
            TokenKind::Comment => {
                self.is_past |= span.start < self.offset && self.offset <= span.end;
            }
            TokenKind::Newline => self.end_line(span.end),
            TokenKind::Mark(mark) => self.read_mark(mark),
        }
    }

    fn read_word(&mut self, kind: TokenKind, span: Span) {
        let (inner, quote) = match kind {
            TokenKind::Text {
                quote,
                quotes,
                is_closed,
            } => {
                let end = if is_closed {
                    span.end - quotes
                } else {
                    span.end
                };
                (
                    Span::new(span.start + quotes, end),
                    Some((quote, is_closed)),
                )
            }
            _ => (span, None),
        };
        if inner.start <= self.offset && self.offset <= inner.end {
            self.put_cursor(inner, quote);
        }
        let word = self.text.get(inner.start..inner.end).unwrap_or_default();
        match self.mode {
            Mode::Nothing => {}
            Mode::Value => {
                if let Some(entry) = self.outline.entries.last_mut() {
                    entry.values.push(word.to_owned());
                }
                self.mode = Mode::Nothing;
            }
            Mode::Key | Mode::Header(_) => self.add_entry(word, inner),
        }
    }

    /// Adds the entry of a key or of a header, or of the parts of it that were read.
    fn add_entry(&mut self, part: &str, span: Span) {
        if self.key.len() >= MAX_PARTS {
            return;
        }
        self.key.push(part.to_owned());
        let is_header = matches!(self.mode, Mode::Header(_));
        let mut path = if is_header { Vec::new() } else { self.base() };
        path.extend(self.key.iter().cloned());
        self.outline.entries.push(ConfigEntry {
            path,
            span,
            values: Vec::new(),
            is_header,
            table: self.tables,
        });
    }

    fn read_mark(&mut self, mark: char) {
        match (self.mode, mark) {
            (Mode::Key, '[') if self.frames.is_empty() => {
                self.mode = Mode::Header(false);
                self.tables += 1;
                self.key.clear();
            }
            (Mode::Header(_), '[') => self.mode = Mode::Header(true),
            (Mode::Header(_), ']') => {
                if !self.key.is_empty() {
                    self.table = std::mem::take(&mut self.key);
                }
                self.mode = Mode::Nothing;
            }
            (Mode::Key, '=') => self.mode = Mode::Value,
            (Mode::Value, '[' | '{') => {
                let is_inline_table = mark == '{';
                let key = std::mem::take(&mut self.key);
                self.key = if is_inline_table {
                    Vec::new()
                } else {
                    key.clone()
                };
                self.frames.push(Frame {
                    is_inline_table,
                    key,
                });
                if is_inline_table {
                    self.mode = Mode::Key;
                }
            }
            (_, ']' | '}') => {
                if let Some(frame) = self.frames.pop() {
                    self.key = frame.key;
                    self.mode = Mode::Nothing;
                }
            }
            (_, ',') if self.is_in_inline_table() => {
                self.mode = Mode::Key;
                self.key.clear();
            }
            (Mode::Nothing, ',') if !self.frames.is_empty() => self.mode = Mode::Value,
            _ => {}
        }
    }

    /// Ends a header or an assignment. A value that was never closed ends before the next header or
    /// key.
    fn end_line(&mut self, next: usize) {
        let line = self.text.get(next..).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        let header = line.strip_prefix('[');
        let is_header = header.is_some_and(|rest| {
            let rest = rest.trim_start_matches('[');
            rest.starts_with(|c: char| c.is_alphanumeric())
        });
        let is_key = |line: &str| {
            let is_bare = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let rest = line.trim_start_matches(is_bare);
            rest.len() < line.len() && rest.trim_start().starts_with('=')
        };
        let is_open = !self.frames.is_empty();
        if is_open && (is_header || (!self.is_in_inline_table() && is_key(line))) {
            self.frames.clear();
        }
        if self.frames.is_empty() {
            self.mode = Mode::Key;
            self.key.clear();
        }
    }

    fn is_in_inline_table(&self) -> bool {
        let last = self.frames.last();
        last.is_some_and(|frame| frame.is_inline_table)
    }

    /// Returns the path of the table that contains the current key.
    fn base(&self) -> Vec<String> {
        let frames = self.frames.iter().take(MAX_PARTS);
        let tables = frames.filter(|frame| frame.is_inline_table);
        let keys = tables.flat_map(|frame| frame.key.iter());
        self.table.iter().chain(keys).cloned().collect()
    }

    /// Puts the cursor into the current place, unless it was found before.
    fn put_cursor(&mut self, span: Span, quote: Option<(char, bool)>) {
        if std::mem::replace(&mut self.is_past, true) {
            return;
        }
        let kind = match self.mode {
            Mode::Nothing => return,
            Mode::Header(is_array) => CursorKind::Header {
                before: self.key.clone(),
                is_array,
            },
            Mode::Key | Mode::Value => {
                let mut path = self.base();
                path.extend(self.key.iter().cloned());
                if self.mode == Mode::Key {
                    CursorKind::Key(path)
                } else {
                    CursorKind::Value(path)
                }
            }
        };
        self.outline.cursor = Some(ConfigCursor {
            kind,
            span,
            quote,
            table: self.tables,
        });
    }
}

fn is_word(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Word)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    type Found = (CursorKind, String, Option<(char, bool)>);

    /// Returns the kind of the text at `|`, the text, and whether it is in quotes.
    fn read(text: &str) -> Option<Found> {
        let offset = text.find('|').unwrap();
        let text = text.replace('|', "");
        let cursor = ConfigOutline::read(&text, offset).cursor?;
        let word = text[cursor.span.start..cursor.span.end].to_owned();
        Some((cursor.kind, word, cursor.quote))
    }

    fn path(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn comments_and_the_ends_of_values_are_nothing() {
        for text in ["# |", "level = \"a\" |", "[files]|", "x = [1 |]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_text_at_the_cursor_is_a_header_a_key_or_a_value() {
        let key = |keys: &[&str]| CursorKind::Key(path(keys));
        let value = |keys: &[&str]| CursorKind::Value(path(keys));
        let header = |before: &[&str], is_array| CursorKind::Header {
            before: path(before),
            is_array,
        };
        let sources = value(&["files", "sources"]);
        for (text, kind, word, quote) in [
            ("|", key(&[]), "", None),
            ("le|v = 1", key(&[]), "lev", None),
            ("[fi|", header(&[], false), "fi", None),
            ("[[|\nx = 1", header(&[], true), "", None),
            ("[inventory.|]", header(&["inventory"], false), "", None),
            ("[files]\n|", key(&["files"]), "", None),
            (
                "[files]\nsources = ['a', \"st|",
                sources.clone(),
                "st",
                Some(('"', false)),
            ),
            (
                "[files]\nsources = [\n  'st|',\n]",
                sources,
                "st",
                Some(('\'', true)),
            ),
            (
                "[files]\nsources = [\n\n[rules]\n|",
                key(&["rules"]),
                "",
                None,
            ),
            (
                "[files]\nsources = [\nexc|",
                value(&["files", "sources"]),
                "exc",
                None,
            ),
            (
                "[files]\nsources = [\nexc| = 1",
                key(&["files"]),
                "exc",
                None,
            ),
            ("level = |", value(&["level"]), "", None),
            ("level =|\nx = 1", value(&["level"]), "", None),
            ("[a]\nb = { c = 1, d|", key(&["a", "b"]), "d", None),
            ("[a]\nb = { c = |", value(&["a", "b", "c"]), "", None),
            ("a.b.|", key(&["a", "b"]), "", None),
            (
                "[environment.\"x y\"]\r\nl|\r\n",
                key(&["environment", "x y"]),
                "l",
                None,
            ),
            ("x = [\"\"\"\n\"\"\", |", value(&["x"]), "", None),
        ] {
            let expected = Some((kind, word.to_owned(), quote));
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn deep_and_long_texts_take_linear_time() {
        for part in ["a.", "a={", "[", "x=[", "\"", "'''", "[a]\n", "a=1\n"] {
            let text = part.repeat(100_000);
            ConfigOutline::read(&text, text.len());
        }
    }

    #[test]
    fn keys_kinds_and_names_of_the_tables_are_known() {
        let text = "[inventory.a]\nkind = \"env\"\nprefix = 1\n\n[inventory.b]\nkind = 'zenml'\n\
                    [[stacks]]\ninventory = ['a', \"c\"]\n";
        let outline = ConfigOutline::read(text, text.find("prefix").unwrap());
        let cursor = outline.cursor.clone().unwrap();
        assert_eq!(outline.kind(&cursor), Some("env"));
        let keys = outline.other_keys(&cursor, &path(&["inventory", "a"]));
        assert_eq!(keys, ["kind"]);
        assert_eq!(outline.names_below("inventory"), ["a", "b"]);
        assert_eq!(outline.values_of("inventory"), ["a", "c"]);
    }
}
