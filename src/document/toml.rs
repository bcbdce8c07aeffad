//! TOML: text to nodes, and how its strings were decoded.
//!
//! The `toml` crate's spanned tables are the reader: they hold the logical layout (headers, dotted keys, arrays of tables),
//! and refuse duplicate keys. A table that several headers build has the span of its first.

mod long_arrays;

use super::brackets;
use super::edits::{self, in_place};
use super::offsets::OffsetMapBuilder;
use super::{Document, Edit, NodeId, OffsetMap, Replacement, ScalarType, Style, Syntax, SyntaxError};
use crate::text::source::Span;
use long_arrays::{ElementRun, PartOffsets, ShortenedText};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// Reads a TOML text into `document`.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(document.source());
    let text = source.text();
    if let Some(shortened) = long_arrays::shorten(text) {
        if read_shortened(document, shortened).is_ok() {
            return Ok(());
        }
        // Report the error of the whole text, if it has one.
        *document = Document::empty(Arc::clone(&source), Syntax::Toml);
    }
    let table = DeTable::parse(text).map_err(|error| describe_error(&error, text))?;
    read_whole(document, table.get_ref())
}

/// Reads the root table of a text that was parsed at once.
fn read_whole(document: &mut Document, table: &DeTable<'_>) -> Result<(), SyntaxError> {
    let whole = Span::new(0, document.source().text().len());
    let mut reader = TomlReader { document, base: 0, offsets: PartOffsets::default(), runs: BTreeMap::new() };
    let root = reader.table(whole, table)?;
    document.roots.push(root);
    Ok(())
}

/// Reads a text whose long arrays are parsed in pieces. Returns an error if the parser finds other arrays.
fn read_shortened(document: &mut Document, shortened: ShortenedText) -> Result<(), SyntaxError> {
    let whole = Span::new(0, document.source().text().len());
    let ShortenedText { text, runs, offsets } = shortened;
    let mut reader = TomlReader { document, base: 0, offsets, runs: BTreeMap::new() };
    let table = reader.parse(&text, runs)?;
    let root = reader.table(whole, table.get_ref())?;
    // The parser must have found the first element of each run.
    if let Some((&first, _)) = reader.runs.first_key_value() {
        return Err(array_mismatch(first));
    }
    document.roots.push(root);
    Ok(())
}

/// Returns the error for an array that the parser sees differently. It is never reported: the whole text is parsed instead.
fn array_mismatch(at: usize) -> SyntaxError {
    SyntaxError { span: Span::new(at, at), message: "the parser found a different array of tables".into(), help: None }
}

struct TomlReader<'a> {
    document: &'a mut Document,
    /// The offset of the current text in the file.
    base: usize,
    /// Maps offsets in the current text to the text before it was shortened.
    offsets: PartOffsets,
    /// The elements that were removed from arrays, by the offset of the element before them.
    runs: BTreeMap<usize, ElementRun>,
}

impl TomlReader<'_> {
    /// Parses a text, and remembers the elements that were removed from it.
    fn parse<'t>(&mut self, text: &'t str, runs: Vec<ElementRun>) -> Result<Spanned<DeTable<'t>>, SyntaxError> {
        let base = self.base;
        self.runs.extend(runs.into_iter().map(|run| (base + run.first, ElementRun { base, ..run })));
        DeTable::parse(text).map_err(|error| describe_error(&error, text))
    }

    /// Returns the span in the file for a range of the current text.
    fn span(&self, range: Range<usize>) -> Span {
        let range = self.offsets.source_range(range);
        Span::new(self.base + range.start, self.base + range.end)
    }

    /// Reads the items of an array, and the elements that were removed from it.
    fn read_items(&mut self, array: &[Spanned<DeValue<'_>>], items: &mut Vec<NodeId>) -> Result<(), SyntaxError> {
        let mut expected_start = None;
        for item in array {
            let start = self.span(item.span()).start;
            if expected_start.take().is_some_and(|expected| expected != start) {
                return Err(array_mismatch(start));
            }
            items.push(self.value(item)?);
            if let Some(run) = self.runs.remove(&start) {
                let base = self.base;
                let offsets = std::mem::take(&mut self.offsets);
                for piece in run.pieces {
                    self.base = run.base + piece.start;
                    self.read_piece(run.base + piece.start..run.base + piece.end, items)?;
                }
                (self.base, self.offsets) = (base, offsets);
                expected_start = Some(run.base + run.last);
            }
        }
        expected_start.map_or(Ok(()), |expected| Err(array_mismatch(expected)))
    }

    /// Parses some elements of an array as a text of their own, and reads them.
    fn read_piece(&mut self, piece: Range<usize>, items: &mut Vec<NodeId>) -> Result<(), SyntaxError> {
        let source = Arc::clone(self.document.source());
        let text = source.text().get(piece).unwrap_or_default();
        let shortened = long_arrays::shorten(text).unwrap_or_else(|| ShortenedText::unchanged(text));
        self.offsets = shortened.offsets;
        let table = self.parse(&shortened.text, shortened.runs)?;
        let mut value = table.get_ref().values().next();
        // The header also names the tables that contain the array.
        while let Some(DeValue::Table(table)) = value.map(Spanned::get_ref) {
            value = table.values().next();
        }
        match value.map(Spanned::get_ref) {
            Some(DeValue::Array(array)) => self.read_items(array, items),
            _ => Err(array_mismatch(self.base)),
        }
    }

    fn table(&mut self, span: Span, table: &DeTable<'_>) -> Result<NodeId, SyntaxError> {
        let flow = self.document.source().slice(span).starts_with('{');
        let id = self.document.add_mapping(span, flow)?;
        let mut sorted: Vec<_> = table.iter().collect();
        sorted.sort_by_key(|(key, _)| key.span().start);
        let mut entries = Vec::with_capacity(sorted.len());
        for (key, value) in sorted {
            let key_span = self.span(key.span());
            let style = string_style(self.document.source().slice(key_span));
            let key = self.document.add_scalar(key_span, key.get_ref(), style, ScalarType::String)?;
            entries.push((key, self.value(value)?));
        }
        self.document.finish_mapping(id, span.end, &entries);
        Ok(id)
    }

    /// The parser has bounded the depth to 80.
    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Result<NodeId, SyntaxError> {
        let span = self.span(value.span());
        match value.get_ref() {
            DeValue::String(text) => {
                let style = string_style(self.document.source().slice(span));
                self.document.add_scalar(span, text, style, ScalarType::String)
            }
            DeValue::Table(table) => self.table(span, table),
            DeValue::Array(array) => {
                let id = self.document.add_list(span)?;
                let mut items = Vec::with_capacity(array.len());
                self.read_items(array, &mut items)?;
                self.document.finish_list(id, span.end, &items);
                Ok(id)
            }
            DeValue::Integer(number) if !is_integer(number.as_str(), number.radix()) => Err(SyntaxError {
                span,
                message: "an integer without digits, or with one that is none".into(),
                help: None,
            }),
            _ => {
                let source = Arc::clone(self.document.source());
                self.document.add_scalar(span, source.slice(span), Style::Plain, ScalarType::Other)
            }
        }
    }
}

/// The reader leaves integers to whoever wants their value.
fn is_integer(text: &str, radix: u32) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
}

fn string_style(raw: &str) -> Style {
    if raw.starts_with("\"\"\"") && raw.len() >= 6 {
        Style::MultilineBasic
    } else if raw.starts_with("'''") && raw.len() >= 6 {
        Style::MultilineLiteral
    } else if raw.starts_with('"') {
        Style::Basic
    } else if raw.starts_with('\'') {
        Style::Literal
    } else {
        Style::Plain
    }
}

/// Decodes a string with its quotes again, noting where each piece comes from.
pub(super) fn decode(raw: &str, style: Style) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let multiline = matches!(style, Style::MultilineBasic | Style::MultilineLiteral);
    let escapes = matches!(style, Style::Basic | Style::MultilineBasic);
    let quotes = if multiline { 3 } else { 1 };
    let end = raw.len().saturating_sub(quotes);
    let text = raw.get(..end).unwrap_or_default();
    let mut at = quotes;
    if multiline {
        // A line break right behind the opening quotes is not part of the value.
        at += break_len(text.get(at..).unwrap_or_default());
    }
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if escapes && rest.starts_with('\\') {
            let after = rest.get(1..).unwrap_or_default();
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            if multiline && break_len(after.get(blanks..).unwrap_or_default()) > 0 {
                at += 1 + after.len() - after.trim_start_matches([' ', '\t', '\r', '\n']).len();
            } else {
                let (len, decoded) = decode_escape(after);
                out.push_replaced(at, 1 + len, decoded.encode_utf8(&mut [0; 4]));
                at += 1 + len;
            }
        } else {
            let len = rest.chars().next().map_or(1, char::len_utf8);
            out.push_verbatim(at, rest.get(..len).unwrap_or_default());
            at += len;
        }
    }
    out
}

fn break_len(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

fn decode_escape(text: &str) -> (usize, char) {
    let first = text.chars().next().unwrap_or('\\');
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let decoded = match first {
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                other => other,
            };
            return (first.len_utf8(), decoded);
        }
    };
    let code = text.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (1 + digits, code.and_then(char::from_u32).unwrap_or('\u{FFFD}'))
}

/// A string that is to hold another value.
pub(super) struct TomlTarget<'t> {
    /// How it is written, quotes included.
    pub raw: &'t str,
    /// Where it is in the file.
    pub span: Span,
    /// Its quotes.
    pub style: Style,
    /// The value it has now.
    pub old: &'t str,
    /// Where its parts stand.
    pub offsets: &'t OffsetMap,
}

/// The least change that makes a string hold other text in some places: the quotes stay where they can hold it.
pub(super) fn encode(target: &TomlTarget<'_>, parts: &[Replacement<'_>], value: &str) -> Vec<Edit> {
    let literal = |text: &str| !text.contains('\'') && text.chars().all(|c| c == '\t' || !c.is_control());
    let write = |text: &str| match target.style {
        Style::Literal | Style::MultilineLiteral => Zeroizing::new(text.to_owned()),
        _ => escape_text(text),
    };
    let can_stay = target.offsets.is_exact()
        && match target.style {
            Style::Literal | Style::MultilineLiteral => parts.iter().all(|part| literal(part.text)),
            Style::Basic | Style::MultilineBasic => true,
            _ => false,
        };
    if can_stay {
        let edits = in_place(target.offsets, parts, write);
        if is_written_as(target, &edits, value) {
            return edits;
        }
    }
    let text = match target.style {
        Style::MultilineBasic | Style::MultilineLiteral => multiline(target, parts),
        _ => quote_text(value),
    };
    vec![Edit::new(target.span, text)]
}

/// Returns whether a string with some edits is one string of this value. A part that is empty can join what is around it: a line
/// break that becomes the first one is not part of the value, a backslash at the end of a line takes empty lines with
/// it, and three quotes end the string.
fn is_written_as(target: &TomlTarget<'_>, edits: &[Edit], value: &str) -> bool {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut line = Zeroizing::new(String::with_capacity(target.raw.len() + grown + 2));
    line.push_str("k=");
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start - target.span.start, edit.span.end - target.span.start);
        line.push_str(target.raw.get(at..start).unwrap_or_default());
        line.push_str(&edit.text);
        at = end;
    }
    line.push_str(target.raw.get(at..).unwrap_or_default());
    let Ok(table) = DeTable::parse(&line) else { return false };
    let is_value = |text: &Spanned<DeValue<'_>>| matches!(text.get_ref(), DeValue::String(text) if text == value);
    table.get_ref().len() == 1 && table.get_ref().get("k").is_some_and(is_value)
}

/// A string of several lines in `"""`: the line breaks that it had stay as they are in the file, since whether a CRLF is one
/// or two characters readers do not agree on. All others are escaped.
fn multiline(target: &TomlTarget<'_>, parts: &[Replacement<'_>]) -> Zeroizing<String> {
    let (old, raw) = (target.old, target.raw);
    let grown: usize = parts.iter().map(|part| part.text.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(6 * (old.len() + grown) + 8));
    // A break right behind the quotes is not part of the value: so the value's own first one is safe.
    out.push_str(if raw.contains("\r\n") { "\"\"\"\r\n" } else { "\"\"\"\n" });
    let mut at = 0;
    for part in parts {
        push_lines(&mut out, target, at..part.range.start);
        out.push_str(&escape_text(part.text));
        at = part.range.end;
    }
    push_lines(&mut out, target, at..old.len());
    out.push_str("\"\"\"");
    out
}

/// Appends a part of the old value. Its line breaks stay if they are line breaks in the file.
fn push_lines(out: &mut String, target: &TomlTarget<'_>, range: Range<usize>) {
    let mut at = range.start;
    for line in target.old.get(range).unwrap_or_default().split_inclusive('\n') {
        let content = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line);
        let line_break = line.get(content.len()..).unwrap_or_default();
        let written = target.offsets.source(at + content.len(), at + line.len());
        let written = Span::new(written.start - target.span.start, written.end - target.span.start);
        if target.raw.get(written.start..written.end) == Some(line_break) {
            out.push_str(&escape_text(content));
            out.push_str(line_break);
        } else {
            out.push_str(&escape_text(line));
        }
        at += line.len();
    }
}

/// A key: bare where it can be.
pub(super) fn key(name: &str) -> Zeroizing<String> {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { Zeroizing::new(name.to_owned()) } else { quote_text(name) }
}

/// A value in basic quotes, on one line.
pub fn quote_text(value: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("\"{}\"", *escape_text(value)))
}

/// A value between basic quotes, one line or several. A blank at its start is escaped, too: behind a line that ends in a
/// backslash it would be dropped.
fn escape_text(value: &str) -> Zeroizing<String> {
    edits::escape_text(value, 6, |at, c| match c {
        ' ' if at == 0 => Some("\\u0020".to_owned()),
        c => c.is_control().then(|| format!("\\u{:04X}", u32::from(c))),
    })
}

/// The parser's finding at its place. Its words never hold the file's text; a duplicate key is named by its place.
pub fn describe_error(error: &toml::de::Error, text: &str) -> SyntaxError {
    let range = error.span().unwrap_or(text.len()..text.len());
    let start = crate::text::source::floor_char_boundary(text, range.start);
    let end = crate::text::source::floor_char_boundary(text, range.end.max(start));
    let first_line = text.get(start..end).and_then(|at| at.lines().next()).map_or(0, str::len);
    let rest = text.get(start..).unwrap_or_default();
    let before = text.get(..start).unwrap_or_default().trim_end();
    let second_brace = before.ends_with('{') && !before.ends_with("\"{");
    let words = error.message();
    let is_reference = rest.starts_with("{{") || rest.starts_with("{ {") || (rest.starts_with('{') && second_brace);
    if let Some(error) =
        brackets::find_unclosed(text, Syntax::Toml, start).filter(|_| !is_reference && !words.contains("recursion"))
    {
        return error;
    }
    let (message, help) = if is_reference {
        (
            "braces without quotes are a TOML inline table, and this is none".to_owned(),
            Some("put the reference in quotes: \"{{name.key}}\"".to_owned()),
        )
    } else if (words.contains("must be quoted") || words.contains("invalid float"))
        && rest.starts_with(|c: char| c.is_alphabetic() || !c.is_ascii())
    {
        ("a value without quotes".to_owned(), Some("strings take quotes in TOML".to_owned()))
    } else if words.contains("duplicate key") {
        ("a key that stands twice in one table".to_owned(), Some("remove or rename one of the two".to_owned()))
    } else if words.contains("recursion") {
        (
            "values nested deeper than 80 levels".to_owned(),
            Some("no stack is that deep: is this the right file?".to_owned()),
        )
    } else {
        (words.to_owned(), None)
    };
    SyntaxError { span: Span::new(start, start + first_line), message, help }
}
