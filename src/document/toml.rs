//! Reads TOML into a document.
//!
//! The `toml` crate's spanned tables have the logical layout: headers, dotted keys and arrays of
//! tables are tables. The crate refuses duplicate keys. A table that several headers build has the
//! span of its first header.

mod long_arrays;
mod toml_decode;
mod toml_encode;
mod toml_errors;

pub(super) use toml_decode::decode;
pub use toml_encode::quote_text;
pub(super) use toml_encode::{TomlTarget, encode, key};
pub use toml_errors::describe_error;

use super::{Document, NodeId, ScalarType, Style, Syntax, SyntaxError};
use crate::text::source::Span;
use long_arrays::{ElementRun, PartOffsets, ShortenedText};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a TOML text into a document.
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
    let mut reader = TomlReader {
        document,
        base: 0,
        offsets: PartOffsets::default(),
        runs: BTreeMap::new(),
    };
    let root = reader.add_table(whole, table)?;
    document.roots.push(root);
    Ok(())
}

/// Reads a text whose long arrays are parsed in pieces. Returns an error if the parser finds other
/// arrays.
fn read_shortened(document: &mut Document, shortened: ShortenedText) -> Result<(), SyntaxError> {
    let whole = Span::new(0, document.source().text().len());
    let ShortenedText {
        text,
        runs,
        offsets,
    } = shortened;
    let mut reader = TomlReader {
        document,
        base: 0,
        offsets,
        runs: BTreeMap::new(),
    };
    let table = reader.parse(&text, runs)?;
    let root = reader.add_table(whole, table.get_ref())?;
    // The parser must have found the first element of each run.
    if let Some((&first, _)) = reader.runs.first_key_value() {
        return Err(array_mismatch(first));
    }
    document.roots.push(root);
    Ok(())
}

/// Returns the error for an array that the parser sees differently. It is never reported: the whole
/// text is parsed instead.
fn array_mismatch(at: usize) -> SyntaxError {
    SyntaxError {
        span: Span::new(at, at),
        message: "the parser found a different array of tables".into(),
        help: None,
    }
}

/// A reader that adds tables to a document.
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
    fn parse<'t>(
        &mut self,
        text: &'t str,
        runs: Vec<ElementRun>,
    ) -> Result<Spanned<DeTable<'t>>, SyntaxError> {
        let base = self.base;
        self.runs.extend(
            runs.into_iter()
                .map(|run| (base + run.first, ElementRun { base, ..run })),
        );
        DeTable::parse(text).map_err(|error| describe_error(&error, text))
    }

    /// Returns the span in the file for a range of the current text.
    fn span(&self, range: Range<usize>) -> Span {
        let range = self.offsets.source_range(range);
        Span::new(self.base + range.start, self.base + range.end)
    }

    /// Reads the items of an array, and the elements that were removed from it.
    fn read_items(
        &mut self,
        array: &[Spanned<DeValue<'_>>],
        items: &mut Vec<NodeId>,
    ) -> Result<(), SyntaxError> {
        let mut expected_start = None;
        for item in array {
            let start = self.span(item.span()).start;
            if expected_start
                .take()
                .is_some_and(|expected| expected != start)
            {
                return Err(array_mismatch(start));
            }
            items.push(self.add_value(item)?);
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
    fn read_piece(
        &mut self,
        piece: Range<usize>,
        items: &mut Vec<NodeId>,
    ) -> Result<(), SyntaxError> {
        let source = Arc::clone(self.document.source());
        let text = source.text().get(piece).unwrap_or_default();
        let shortened =
            long_arrays::shorten(text).unwrap_or_else(|| ShortenedText::unchanged(text));
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

    fn add_table(&mut self, span: Span, table: &DeTable<'_>) -> Result<NodeId, SyntaxError> {
        let flow = self.document.source().slice(span).starts_with('{');
        let id = self.document.add_mapping(span, flow)?;
        let mut sorted: Vec<_> = table.iter().collect();
        sorted.sort_by_key(|(key, _)| key.span().start);
        let mut entries = Vec::with_capacity(sorted.len());
        for (key, value) in sorted {
            let key_span = self.span(key.span());
            let style = string_style(self.document.source().slice(key_span));
            let key =
                self.document
                    .add_scalar(key_span, key.get_ref(), style, ScalarType::String)?;
            entries.push((key, self.add_value(value)?));
        }
        self.document.finish_mapping(id, span.end, &entries);
        Ok(id)
    }

    /// Adds a value and its children. The parser limits the depth to 80, so recursion is safe.
    fn add_value(&mut self, value: &Spanned<DeValue<'_>>) -> Result<NodeId, SyntaxError> {
        let span = self.span(value.span());
        match value.get_ref() {
            DeValue::String(text) => {
                let style = string_style(self.document.source().slice(span));
                self.document
                    .add_scalar(span, text, style, ScalarType::String)
            }
            DeValue::Table(table) => self.add_table(span, table),
            DeValue::Array(array) => {
                let id = self.document.add_sequence(span)?;
                let mut items = Vec::with_capacity(array.len());
                self.read_items(array, &mut items)?;
                self.document.finish_sequence(id, span.end, &items);
                Ok(id)
            }
            DeValue::Integer(number) if !is_integer(number.as_str(), number.radix()) => {
                Err(SyntaxError {
                    span,
                    message: "an integer without digits, or with an invalid digit".into(),
                    help: None,
                })
            }
            _ => {
                let source = Arc::clone(self.document.source());
                self.document
                    .add_scalar(span, source.slice(span), Style::Plain, ScalarType::Other)
            }
        }
    }
}

/// Returns whether an integer has valid digits. The `toml` crate does not check them while it
/// parses.
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
