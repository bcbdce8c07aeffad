//! Reads JSON into a document, and decodes and encodes its strings.
//!
//! Only strict JSON is accepted, without comments and trailing commas. jsonc-parser accepts raw
//! control characters in strings, so they are refused here.

use super::brackets;
use super::edits::{self, in_place};
use super::offsets::OffsetMapBuilder;
use super::{
    Document, Edit, NodeId, NodeKind, OffsetMap, Replacement, ScalarType, Style, Syntax,
    SyntaxError,
};
use crate::text::source::{Span, floor_char_boundary};
use jsonc_parser::ast::Value;
use jsonc_parser::common::Range;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use std::sync::Arc;

/// Reads the value of a JSON text into a document.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(document.source());
    let bom = if source.text().starts_with('\u{feff}') {
        3
    } else {
        0
    };
    let text = source.text().get(bom..).unwrap_or_default();
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed =
        parse_to_ast(text, &collect, &strict).map_err(|error| describe_error(&error, text, bom))?;
    let Some(value) = parsed.value else {
        return Err(SyntaxError {
            span: Span::new(source.text().len(), source.text().len()),
            message: "an empty file is not valid JSON".into(),
            help: Some("write `{}` for an empty document".into()),
        });
    };
    let mut reader = JsonReader { document, bom };
    let root = reader.add_value(&value)?;
    document.roots.push(root);
    refuse_foreign_whitespace(document, bom)
}

/// Refuses white space of Unicode between values. JSON has only four white space characters, but
/// the parser accepts more.
fn refuse_foreign_whitespace(document: &Document, bom: usize) -> Result<(), SyntaxError> {
    let mut at = bom;
    let end = Span::new(
        document.source().text().len(),
        document.source().text().len(),
    );
    let scalars = document.nodes().filter_map(|(_, node)| match node.kind {
        NodeKind::Scalar(_) => Some(node.span),
        _ => None,
    });
    for scalar in scalars.chain([end]) {
        let between = document.source().slice(Span::new(at, scalar.start));
        if let Some((offset, c)) = between
            .char_indices()
            .find(|&(_, c)| is_foreign_whitespace(c))
        {
            return Err(SyntaxError {
                span: Span::new(at + offset, at + offset + c.len_utf8()),
                message: format!("the character U+{:04X} between JSON values", u32::from(c)),
                help: Some("use only spaces, tabs and line breaks there".into()),
            });
        }
        at = scalar.end;
    }
    Ok(())
}

fn is_foreign_whitespace(c: char) -> bool {
    !c.is_ascii_graphic() && !matches!(c, ' ' | '\t' | '\r' | '\n')
}

struct JsonReader<'a> {
    document: &'a mut Document,
    bom: usize,
}

impl JsonReader<'_> {
    /// Adds a value and its children. The parser limits the depth to 512, so recursion is safe.
    fn add_value(&mut self, value: &Value<'_>) -> Result<NodeId, SyntaxError> {
        match value {
            Value::StringLit(string) => self.add_string(&string.range, &string.value),
            Value::NumberLit(number) => {
                self.add_plain(&number.range, number.value, ScalarType::Other)
            }
            Value::BooleanLit(boolean) => self.add_plain(
                &boolean.range,
                if boolean.value { "true" } else { "false" },
                ScalarType::Other,
            ),
            Value::NullKeyword(null) => self.add_plain(&null.range, "null", ScalarType::Null),
            Value::Array(array) => {
                let id = self.document.add_sequence(self.span(&array.range))?;
                let mut items = Vec::with_capacity(array.elements.len());
                for element in &array.elements {
                    items.push(self.add_value(element)?);
                }
                self.document
                    .finish_sequence(id, self.span(&array.range).end, &items);
                Ok(id)
            }
            Value::Object(object) => {
                let span = self.span(&object.range);
                let id = self.document.add_mapping(span, true)?;
                let mut entries = Vec::with_capacity(object.properties.len());
                for property in &object.properties {
                    let (start, end) = match &property.name {
                        jsonc_parser::ast::ObjectPropName::String(name) => {
                            (name.range.start, name.range.end)
                        }
                        jsonc_parser::ast::ObjectPropName::Word(name) => {
                            (name.range.start, name.range.end)
                        }
                    };
                    let key = self.add_string(&Range { start, end }, property.name.as_str())?;
                    entries.push((key, self.add_value(&property.value)?));
                }
                self.document.finish_mapping(id, span.end, &entries);
                Ok(id)
            }
        }
    }

    fn add_string(&mut self, range: &Range, value: &str) -> Result<NodeId, SyntaxError> {
        let span = self.span(range);
        let raw = self.document.source().slice(span);
        if let Some(at) = raw.bytes().position(|byte| byte < 0x20) {
            return Err(SyntaxError {
                span: Span::new(span.start + at, span.start + at + 1),
                message: "a control character in a JSON string".into(),
                help: Some("write it as an escape: `\\n`, `\\t` or `\\u00XX`".into()),
            });
        }
        self.document
            .add_scalar(span, value, Style::DoubleQuoted, ScalarType::String)
    }

    fn add_plain(
        &mut self,
        range: &Range,
        value: &str,
        ty: ScalarType,
    ) -> Result<NodeId, SyntaxError> {
        self.document
            .add_scalar(self.span(range), value, Style::Plain, ty)
    }

    fn span(&self, range: &Range) -> Span {
        Span::new(range.start + self.bom, range.end + self.bom)
    }
}

/// Decodes a string in quotes a second time, to map each part of the value to its source.
pub(super) fn decode(raw: &str) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let text = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        out.push_verbatim(1 + at, rest.get(..plain).unwrap_or_default());
        at += plain;
        if let Some(after) = rest.get(plain + 1..) {
            let (len, decoded) = decode_escape(after);
            out.push_replaced(1 + at, 1 + len, decoded.encode_utf8(&mut [0; 4]));
            at += 1 + len;
        }
    }
    out
}

/// Reads four hexadecimal digits.
fn hex_at(text: &str, from: usize) -> Option<u32> {
    text.get(from..from + 4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

/// Decodes an escape without its backslash. Returns the number of bytes and the character.
fn decode_escape(text: &str) -> (usize, char) {
    match text.chars().next() {
        Some('b') => (1, '\u{8}'),
        Some('f') => (1, '\u{c}'),
        Some('n') => (1, '\n'),
        Some('r') => (1, '\r'),
        Some('t') => (1, '\t'),
        Some('u') => match (hex_at(text, 1), hex_at(text, 7)) {
            (Some(high @ 0xD800..0xDC00), Some(low @ 0xDC00..0xE000)) => {
                let joined = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (11, char::from_u32(joined).unwrap_or('\u{FFFD}'))
            }
            (code, _) => (5, code.and_then(char::from_u32).unwrap_or('\u{FFFD}')),
        },
        Some(other) => (other.len_utf8(), other),
        None => (0, '\\'),
    }
}

/// Returns the edits that replace parts of a string. JSON strings can contain any text.
pub(super) fn encode(
    span: Span,
    offsets: &OffsetMap,
    parts: &[Replacement<'_>],
    value: &str,
) -> Vec<Edit> {
    if !offsets.is_exact() {
        return vec![Edit::new(span, quote_text(value))];
    }
    in_place(offsets, parts, escape_text)
}

/// Returns a value in double quotes.
pub(super) fn quote_text(value: &str) -> String {
    format!("\"{}\"", escape_text(value))
}

fn escape_text(value: &str) -> String {
    edits::escape_text(value, |_, c| {
        let is_unsafe_in_scripts = matches!(c, '\u{2028}' | '\u{2029}');
        (c.is_control() || is_unsafe_in_scripts).then(|| format!("\\u{:04x}", u32::from(c)))
    })
}

/// Converts a parser error into a message that does not contain text of the file.
fn describe_error(error: &ParseError, text: &str, bom: usize) -> SyntaxError {
    let range = error.range();
    let start = floor_char_boundary(text, range.start);
    let end = floor_char_boundary(text, range.end.min(start + 1).max(start));
    let rest = text
        .get(start.saturating_sub(1)..)
        .or_else(|| text.get(start..))
        .unwrap_or_default();
    let is_reference = rest.contains("{{") && rest.find("{{") <= Some(1);
    let is_deep = matches!(error.kind(), ParseErrorKind::NestingDepthExceeded);
    if let Some(error) =
        brackets::find_unclosed(text, Syntax::Json, start).filter(|_| !is_reference && !is_deep)
    {
        return SyntaxError {
            span: Span::new(error.span.start + bom, error.span.end + bom),
            ..error
        };
    }
    let (message, help) = if is_reference {
        (
            "a reference without quotes is not valid JSON".to_owned(),
            Some("put the reference in double quotes: \"{{name.key}}\""),
        )
    } else {
        describe_kind(error.kind())
    };
    SyntaxError {
        span: Span::new(start + bom, end + bom),
        message,
        help: help.map(str::to_owned),
    }
}

/// Returns the message and the help for a kind of parser error.
fn describe_kind(kind: &ParseErrorKind) -> (String, Option<&'static str>) {
    match kind {
        ParseErrorKind::CommentsNotAllowed => (
            "comments are not valid JSON".to_owned(),
            Some("remove the comment, or write this stack in YAML or TOML"),
        ),
        ParseErrorKind::TrailingCommasNotAllowed => (
            "trailing comma before a closing bracket".to_owned(),
            Some("remove the comma"),
        ),
        ParseErrorKind::SingleQuotedStringsNotAllowed => (
            "a string in single quotes is not valid JSON".to_owned(),
            Some("use double quotes"),
        ),
        ParseErrorKind::String(jsonc_parser::ParseStringErrorKind::UnterminatedStringLiteral) => (
            "a string that is never closed".to_owned(),
            Some("close the quote that opens here"),
        ),
        ParseErrorKind::String(_) => (
            "invalid escape in a JSON string".to_owned(),
            Some(
                "write `\\\\` for a backslash; `\\u` needs four hexadecimal digits, and a pair of escapes above U+FFFF",
            ),
        ),
        ParseErrorKind::NestingDepthExceeded => (
            "values are nested deeper than 512 levels".to_owned(),
            Some("check whether this is the right file: stacks are never that deep"),
        ),
        _ => {
            let words = kind.to_string();
            let mut chars = words.chars();
            let first = chars.next().map(|c| c.to_ascii_lowercase());
            (first.into_iter().chain(chars).collect(), None)
        }
    }
}
