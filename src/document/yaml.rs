//! YAML: text to nodes, and how each style of scalar was decoded.
//!
//! granit-parser's events are taken as they come; its byte spans are exact. Types of plain scalars follow YAML 1.1 *and*
//! 1.2: what either reads as a number, a boolean, a date or null is not a string here, because `ZenML` reads with `PyYAML` (1.1)
//! and other tools read 1.2.

mod breaks;
mod mistakes;

pub(super) use breaks::{contains_break as has_disputed_break, parse_as_yaml_1_1, refuse_other_trees};

use super::edits::{self, in_place};
use super::offsets::OffsetMapBuilder;
use super::{Document, Edit, NodeId, NodeKind, OffsetMap, Replacement, ScalarType, Style, SyntaxError};
use crate::text::source::Span;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The parser's number for a node without an anchor.
const NO_ANCHOR: usize = 0;

/// A collection whose end has not been seen.
enum OpenCollection {
    /// `first` is the index of its first entry in the list of all open mappings' entries.
    Mapping { id: NodeId, first: usize, key: Option<NodeId> },
    /// `first` is the index of its first item in the list of all open lists' items.
    Sequence { id: NodeId, first: usize },
}

/// Reads all documents of a stream into `document`.
pub(super) fn read(document: &mut Document) -> Result<(), SyntaxError> {
    let source = Arc::clone(document.source());
    let options = granit_parser::options! { strict_indentation: true };
    let mut open: Vec<OpenCollection> = Vec::new();
    let (mut entries, mut items) = (Vec::new(), Vec::new());
    let mut anchors = HashMap::new();
    let mut last_end = 0;
    for item in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) = item.map_err(|error| mistakes::describe_error(&error, source.text()))?;
        let span = span.byte_range().map_or_else(Span::default, Span::from);
        let node = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let style = style_of(style);
                // The parser gives a node that is not there the value `~`, at an empty span.
                let value = if span.is_empty() && style == Style::Plain { "".into() } else { value };
                // A block scalar's span begins with its content; ours takes its header in, since that is where it begins
                // to a reader, and what a writer may have to change.
                let span = match style {
                    Style::LiteralBlock | Style::FoldedBlock => {
                        let end = block_end(source.text(), span);
                        Span::new(block_header(source.text(), last_end, span.start), end)
                    }
                    _ => span,
                };
                last_end = span.end;
                let value = without_missing_break(source.text(), span, style, value);
                let id = document.add_scalar(span, &value, style, scalar_type(&value, style, tag.as_deref()))?;
                if tag.as_deref().is_some_and(is_non_specific) {
                    document.nodes.set_non_specific(id);
                }
                if anchor != NO_ANCHOR {
                    anchors.insert(anchor, id);
                }
                id
            }
            Event::Alias(anchor) => {
                let target = anchors.get(&anchor).copied();
                let target = target.ok_or_else(|| error_at(span, "an alias to an anchor that is not known"))?;
                last_end = span.end;
                document.add(span, NodeKind::Alias(target))?
            }
            Event::MappingStart(style, anchor, _) => {
                let id = document.add_mapping(span, style == StructureStyle::Flow)?;
                if anchor != NO_ANCHOR {
                    anchors.insert(anchor, id);
                }
                open.push(OpenCollection::Mapping { id, first: entries.len(), key: None });
                continue;
            }
            Event::SequenceStart(_, anchor, _) => {
                let id = document.add_list(span)?;
                if anchor != NO_ANCHOR {
                    anchors.insert(anchor, id);
                }
                open.push(OpenCollection::Sequence { id, first: items.len() });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop() {
                Some(OpenCollection::Mapping { id, first, .. }) => {
                    document.finish_mapping(id, span.end, entries.get(first..).unwrap_or_default());
                    entries.truncate(first);
                    id
                }
                Some(OpenCollection::Sequence { id, first }) => {
                    document.finish_list(id, span.end, items.get(first..).unwrap_or_default());
                    items.truncate(first);
                    id
                }
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            Some(OpenCollection::Sequence { .. }) => items.push(node),
            Some(OpenCollection::Mapping { key, .. }) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(node),
            },
            None => document.roots.push(node),
        }
    }
    Ok(())
}

/// The value of a block scalar that the end of the file cuts off: a line without a break has none to give, say YAML 1.1 and
/// 1.2, and the parser gives one.
fn without_missing_break<'v>(text: &str, span: Span, style: Style, value: Cow<'v, str>) -> Cow<'v, str> {
    let block = matches!(style, Style::LiteralBlock | Style::FoldedBlock);
    if !block || span.end != text.len() {
        return value;
    }
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let cut_off = !last.trim_matches(' ').is_empty();
    match value.strip_suffix('\n').filter(|_| cut_off) {
        Some(cut) => cut.to_owned().into(),
        None => value,
    }
}

/// Where a block scalar ends: behind its last line break. The parser goes on to the indentation of what follows.
fn block_end(text: &str, span: Span) -> usize {
    let raw = text.get(span.start..span.end).unwrap_or_default();
    let last = raw.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    // At the end of the file blanks are no indentation: they may be content.
    let only_blanks = span.end < text.len() && raw.get(last..).unwrap_or_default().trim_matches(' ').is_empty();
    span.start + if only_blanks { last } else { raw.len() }
}

/// Where the header (`|` or `>`) of a block scalar begins: behind the indicators, properties and comments that may stand
/// between the node before and its content.
fn block_header(text: &str, from: usize, content: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..content).filter(|rest| !rest.is_empty()) {
        let len = match rest.chars().next() {
            Some('|' | '>') => return at,
            Some('#' | '%') => rest.find(['\r', '\n']).unwrap_or(rest.len()),
            Some('!' | '&') => rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len()),
            Some(other) => other.len_utf8(),
            None => break,
        };
        at += len;
    }
    content
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::LiteralBlock,
        ScalarStyle::Folded => Style::FoldedBlock,
    }
}

fn scalar_type(value: &str, style: Style, tag: Option<&Tag>) -> ScalarType {
    match tag {
        Some(tag) => match tag.core_suffix() {
            Some("str") => ScalarType::String,
            Some("null") => ScalarType::Null,
            Some(_) => ScalarType::Other,
            None if is_non_specific(tag) => ScalarType::String,
            None => ScalarType::Tagged,
        },
        None if style == Style::Plain => plain_type(value),
        None => ScalarType::String,
    }
}

/// Whether a tag is `!` alone.
fn is_non_specific(tag: &Tag) -> bool {
    (tag.handle().is_empty() && tag.suffix() == "!") || tag.suffix().is_empty()
}

/// The type of an untagged plain scalar: a string only where the readers of YAML 1.1 and of 1.2 agree that it is one.
pub fn plain_type(value: &str) -> ScalarType {
    const MAX_WORD_BYTES: usize = "false".len();
    const OTHER: [&str; 12] = ["y", "n", "yes", "no", "on", "off", "true", "false", "=", "<<", ".nan", ".inf"];
    if matches!(value, "" | "~" | "null" | "Null" | "NULL") {
        return ScalarType::Null;
    }
    // Numbers and dates do not begin with a letter.
    if value.starts_with(|c: char| c.is_ascii_alphabetic()) {
        let is_word = value.len() <= MAX_WORD_BYTES && OTHER.iter().any(|word| value.eq_ignore_ascii_case(word));
        return if is_word { ScalarType::Other } else { ScalarType::String };
    }
    let unsigned = value.strip_prefix(['-', '+']).unwrap_or(value);
    let lower = unsigned.to_ascii_lowercase();
    if OTHER.contains(&lower.as_str()) || is_numeric(&lower) || is_date(value) {
        ScalarType::Other
    } else {
        ScalarType::String
    }
}

/// Integers, floats and base-60 numbers of either YAML version, without their sign, in lower case.
fn is_numeric(value: &str) -> bool {
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = value.strip_prefix(prefix) {
            // Underscores alone are a number to the pattern of some readers, and an error to their arithmetic.
            return !rest.is_empty() && rest.chars().all(|c| c == '_' || c.is_digit(base));
        }
    }
    let (mantissa, exponent) = value.split_once('e').map_or((value, None), |(m, e)| (m, Some(e)));
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        e.chars().all(|c| c == '_' || c.is_ascii_digit()) && e.contains(|c: char| c.is_ascii_digit())
    });
    let mut points = 0;
    let number = mantissa.chars().all(|c| {
        points += usize::from(c == '.');
        c.is_ascii_digit() || matches!(c, '_' | '.' | ':')
    });
    number && points <= 1 && exponent_fits && mantissa.contains(|c: char| c.is_ascii_digit())
}

/// `2020-01-01`, with or without a time behind it. Readers differ in how much of a time they take, so all letters that a time can
/// have make one.
fn is_date(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let day_len = day.bytes().take_while(u8::is_ascii_digit).count();
    let is_time =
        |c: char| c.is_ascii_digit() || matches!(c, 'T' | 't' | 'Z' | 'z' | ' ' | '\t' | ':' | '.' | '+' | '-');
    let time = day.get(day_len..).unwrap_or_default();
    year.len() == 4 && number(year, 4) && number(month, 2) && (1..=2).contains(&day_len) && time.chars().all(is_time)
}

/// Decodes a scalar again, noting where each piece comes from. `value` is the parser's result; block scalars are aligned
/// with it, since their indentation depends on what stands above them.
pub(super) fn decode(raw: &str, style: Style, value: &str) -> OffsetMapBuilder {
    match style {
        Style::SingleQuoted | Style::DoubleQuoted => {
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            decode_flow(inner, 1, style)
        }
        Style::LiteralBlock | Style::FoldedBlock => decode_block(raw, style, value),
        _ => decode_flow(raw, 0, style),
    }
}

/// Plain and quoted scalars: line breaks fold, blanks around them go, escapes decode. `base` is where `text` begins.
fn decode_flow(text: &str, base: usize, style: Style) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    // Up to here the output stays: blanks after it that stand before a line break are dropped.
    let mut solid = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(len) = break_len(rest) {
            let trimmed = out.text().trim_end_matches([' ', '\t']).len();
            out.truncate(trimmed.max(solid));
            let (end, blank_lines) = skip_blank_lines(text, at + len);
            let folded = if blank_lines == 0 { " ".to_owned() } else { "\n".repeat(blank_lines) };
            out.push_replaced(base + at, end - at, &folded);
            solid = out.text().len();
            at = end;
        } else if style == Style::DoubleQuoted && rest.starts_with('\\') {
            let after = rest.get(1..).unwrap_or_default();
            if let Some(len) = break_len(after) {
                // An escaped break joins the lines; empty lines behind it stay.
                let (end, blank_lines) = skip_blank_lines(text, at + 1 + len);
                out.push_replaced(base + at, end - at, &"\n".repeat(blank_lines));
                at = end;
            } else {
                let (len, decoded) = decode_escape(after);
                out.push_replaced(base + at, 1 + len, decoded.encode_utf8(&mut [0; 4]));
                at += 1 + len;
            }
            solid = out.text().len();
        } else if style == Style::SingleQuoted && rest.starts_with("''") {
            out.push_replaced(base + at, 2, "'");
            at += 2;
        } else {
            let len = rest.chars().next().map_or(1, char::len_utf8);
            out.push_verbatim(base + at, rest.get(..len).unwrap_or_default());
            at += len;
        }
    }
    out
}

fn break_len(text: &str) -> Option<usize> {
    if text.starts_with("\r\n") { Some(2) } else { text.starts_with(['\r', '\n']).then_some(1) }
}

/// From the start of a line: past blank lines and the leading blanks of the next; how many lines were blank.
fn skip_blank_lines(text: &str, mut at: usize) -> (usize, usize) {
    let mut count = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match break_len(rest.get(blanks..).unwrap_or_default()) {
            Some(len) => {
                count += 1;
                at += blanks + len;
            }
            None => return (at + blanks, count),
        }
    }
}

/// Decodes an escape, without its backslash: how many bytes it takes, and what it stands for. The parser has refused
/// those that are not YAML's.
fn decode_escape(text: &str) -> (usize, char) {
    let hex = |from: usize, digits: usize| text.get(from..from + digits).and_then(|h| u32::from_str_radix(h, 16).ok());
    let first = text.chars().next().unwrap_or('\\');
    let digits = match first {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            let decoded = match first {
                '0' => '\0',
                'a' => '\u{7}',
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'v' => '\u{b}',
                'f' => '\u{c}',
                'r' => '\r',
                'e' => '\u{1b}',
                'N' => '\u{85}',
                '_' => '\u{a0}',
                'L' => '\u{2028}',
                'P' => '\u{2029}',
                other => other,
            };
            return (first.len_utf8(), decoded);
        }
    };
    let code = hex(1, digits).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&code) && text.get(1 + digits..).is_some_and(|rest| rest.starts_with("\\u")) {
        let low = hex(digits + 3, 4).unwrap_or(0);
        let joined = 0x10000 + ((code - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
        return (digits + 7, char::from_u32(joined).unwrap_or('\u{FFFD}'));
    }
    (1 + digits, char::from_u32(code).unwrap_or('\u{FFFD}'))
}

/// Block scalars. Each content line stands in the value as it is, less the indentation; what lies between two lines is
/// read off the value itself: line breaks, or the space of a fold.
fn decode_block(raw: &str, style: Style, value: &str) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let lines = content_lines(raw);
    let indent = block_indent(&lines, value);
    let mut break_at = lines.first().map_or(raw.len(), |line| line.0);
    for &(start, line) in &lines {
        let cut = indent.min(line.len() - line.trim_start_matches(' ').len());
        let text = line.get(cut..).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let after = value.get(out.text().len()..).unwrap_or_default();
        let breaks = after.len() - after.trim_start_matches('\n').len();
        let folded = style == Style::FoldedBlock && after.starts_with(' ') && !text.starts_with([' ', '\t']);
        let between = if folded { " " } else { after.get(..breaks).unwrap_or_default() };
        out.push_replaced(break_at, start + cut - break_at, between);
        out.push_verbatim(start + cut, text);
        break_at = start + line.len();
    }
    let rest = value.get(out.text().len()..).unwrap_or_default();
    if rest.chars().all(|c| c == '\n') {
        out.push_replaced(break_at, raw.len() - break_at.min(raw.len()), rest);
    }
    out
}

/// The lines behind the header: where each begins in `raw`, and its text without the break.
fn content_lines(raw: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at <= raw.len() {
        let rest = raw.get(at..).unwrap_or_default();
        let len = rest.find(['\r', '\n']).unwrap_or(rest.len());
        lines.push((start, raw.get(start..at + len).unwrap_or_default()));
        let Some(width) = rest.get(len..).and_then(break_len) else {
            break;
        };
        at += len + width;
        start = at;
    }
    if !lines.is_empty() {
        lines.remove(0);
    }
    lines
}

/// The indentation that the parser removed: that of the first line with text, less the spaces its value begins with.
fn block_indent(lines: &[(usize, &str)], value: &str) -> usize {
    let spaces = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let first_text = lines.iter().find(|(_, line)| !line.trim_start_matches(' ').is_empty());
    if let Some((_, line)) = first_text {
        return spaces(line).saturating_sub(spaces(value.trim_start_matches('\n')));
    }
    // Only blank lines: what is longer than the indentation is content, and the longest shows it.
    let longest = lines.iter().map(|(_, line)| line.len()).max().unwrap_or(0);
    longest.saturating_sub(value.lines().map(str::len).max().unwrap_or(0))
}

/// A scalar that is to hold another value.
pub(super) struct YamlTarget<'t> {
    /// The whole text of the file.
    pub text: &'t str,
    /// The scalar in it, quotes or header included.
    pub span: Span,
    /// How it is written.
    pub style: Style,
    /// Whether it stands in a flow collection.
    pub flow: bool,
    /// The value it has now.
    pub old: &'t str,
    /// Where its parts stand.
    pub offsets: &'t OffsetMap,
}

/// The least change that makes a scalar hold other text in some places. The result means the same to readers of YAML 1.1 and
/// of 1.2; the quotes and the style stay where they can hold it, and what needs more gets double quotes with escapes.
pub(super) fn encode(target: &YamlTarget<'_>, parts: &[Replacement<'_>], value: &str) -> Vec<Edit> {
    let raw = target.text.get(target.span.start..target.span.end).unwrap_or_default();
    let one_line = !raw.contains(['\n', '\r']);
    let block = matches!(target.style, Style::LiteralBlock | Style::FoldedBlock);
    // A raw character that is a line break to some readers gets an escape, so that all of them read the same value.
    let in_quotes = !target.offsets.is_exact() || breaks::contains_break(raw);
    match target.style {
        _ if in_quotes && block => block_to_quoted(target, raw, value),
        _ if in_quotes => vec![Edit::new(target.span, quote_text(value))],
        Style::DoubleQuoted if one_line => in_place(target.offsets, parts, escape_text),
        Style::SingleQuoted if one_line && parts.iter().all(|part| is_printable(part.text)) => {
            in_place(target.offsets, parts, |text| Zeroizing::new(text.replace('\'', "''")))
        }
        Style::SingleQuoted if is_printable(value) => {
            vec![Edit::new(target.span, format!("\'{}\'", value.replace('\'', "\'\'")))]
        }
        Style::Plain if is_plain(value, target.flow) => {
            if one_line {
                in_place(target.offsets, parts, unchanged_text)
            } else {
                vec![Edit::new(target.span, unchanged_text(value))]
            }
        }
        Style::LiteralBlock => {
            encode_literal_block(target, raw, parts, value).unwrap_or_else(|| block_to_quoted(target, raw, value))
        }
        Style::FoldedBlock
            if block_indent(&content_lines(raw), target.old) > 0
                && are_single_line(target, parts)
                && parts.iter().all(|part| fits_fold(part.text))
                && starts_lines(value) =>
        {
            in_place(target.offsets, parts, unchanged_text)
        }
        Style::FoldedBlock => block_to_quoted(target, raw, value),
        _ => vec![Edit::new(target.span, quote_text(value))],
    }
}

/// Whether each part stands in one line of the source.
fn are_single_line(target: &YamlTarget<'_>, parts: &[Replacement<'_>]) -> bool {
    parts.iter().all(|part| {
        let span = target.offsets.source(part.range.start, part.range.end);
        target.text.get(span.start..span.end).is_some_and(|written| !written.contains(['\n', '\r']))
    })
}

fn unchanged_text(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// A name as a key, or as an item of a list of names: without quotes where every reader takes it for the same string.
pub(super) fn key(name: &str, flow: bool) -> Zeroizing<String> {
    if is_plain(name, flow) { unchanged_text(name) } else { quote_text(name) }
}

/// The value in double quotes, on one line.
pub(super) fn quote_text(value: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("\"{}\"", *escape_text(value)))
}

/// A value between double quotes: what YAML 1.1 or 1.2 cannot hold as it is, or reads as a break, is escaped.
fn escape_text(value: &str) -> Zeroizing<String> {
    edits::escape_text(value, 4, |_, c| match (c, u32::from(c)) {
        ('\0', _) => Some("\\0".to_owned()),
        _ if is_printable_char(c) => None,
        (_, code @ ..=0xFF) => Some(format!("\\x{code:02x}")),
        (_, code @ ..=0xFFFF) => Some(format!("\\u{code:04x}")),
        (_, code) => Some(format!("\\U{code:08x}")),
    })
}

/// Characters that stand for themselves to every reader, in a line: no controls, no breaks of YAML 1.1 (NEL, U+2028,
/// U+2029), no byte-order mark, no C1, no non-characters.
fn is_printable_char(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_printable(text: &str) -> bool {
    text.chars().all(is_printable_char)
}

/// Whether a value can stand without quotes and be the same string to every reader; in doubt it cannot.
fn is_plain(value: &str, flow: bool) -> bool {
    let first = value.chars().next().is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '_'));
    first
        && plain_type(value) == ScalarType::String
        && is_printable(value)
        && !value.ends_with([' ', ':'])
        && !value.contains(": ")
        && !value.contains(" #")
        && !(flow && value.contains([',', '[', ']', '{', '}', ':', '?']))
}

/// Whether a text can stand in a line of a folded block without changing where it folds.
fn fits_fold(text: &str) -> bool {
    !text.is_empty() && is_printable(text) && text.trim() == text
}

/// Whether no line of a value begins with a blank, which would tell a block another indentation.
fn starts_lines(value: &str) -> bool {
    value.split('\n').all(|line| !line.starts_with([' ', '\t']))
}

/// A literal block that goes on holding its value: each line is indented, and the header says which line breaks at the end
/// are kept. Nothing where the block cannot hold it.
fn encode_literal_block(
    target: &YamlTarget<'_>,
    raw: &str,
    parts: &[Replacement<'_>],
    value: &str,
) -> Option<Vec<Edit>> {
    let lines = content_lines(raw);
    let indent = block_indent(&lines, target.old);
    let (body, _) = lines.first().copied()?;
    let header = raw.get(..body)?;
    let mark_len = header.len()
        - header.trim_start_matches(['|', '+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).len();
    let mark = header.get(..mark_len)?;
    let newline = match header {
        crlf if crlf.ends_with("\r\n") => "\r\n",
        cr if cr.ends_with('\r') => "\r",
        _ => "\n",
    };
    let explicit = mark.contains(|c: char| c.is_ascii_digit());
    let text = value.trim_end_matches('\n');
    let first = text.trim_start_matches('\n').chars().next()?;
    let holds = indent > 0
        && text
            .split('\n')
            .all(|line| line.chars().all(|c| c == '\t' || is_printable_char(c)) && !line.starts_with('\t'))
        && (explicit || first != ' ')
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches(' ').is_empty());
    if !holds {
        return None;
    }
    let ends = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let same_end = ends(value) == ends(target.old);
    if same_end && are_single_line(target, parts) && parts.iter().all(|part| !part.text.contains('\n')) {
        return Some(in_place(target.offsets, parts, unchanged_text));
    }
    // A file that ends inside the block: whether a line break belongs to the value there, readers do not agree on.
    let ended = raw.ends_with(['\n', '\r']);
    if !ended && (!same_end || ends(value) > 0) {
        return None;
    }
    let lines = text.matches('\n').count() + 1;
    let room = value.len() + header.len() + lines * (indent + 2) + 8;
    let mut out = String::with_capacity(room);
    if same_end {
        out.push_str(mark);
    } else {
        out.push_str(&mark.replace(['+', '-'], ""));
        out.push_str(match ends(value) {
            0 => "-",
            1 => "",
            _ => "+",
        });
    }
    let keeps = out.contains('+');
    out.push_str(header.get(mark_len..)?);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push_str(newline);
        }
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(line);
    }
    if ended {
        let breaks = if keeps { ends(value).max(1) } else { 1 };
        out.extend(std::iter::repeat_n(newline, breaks));
    }
    // With `+` the blank lines below, which the span takes in, would belong to the value, so they go.
    let end = if keeps { target.span.end } else { target.span.start + content_len(raw, target.old) };
    Some(vec![Edit::new(Span::new(target.span.start, end), out)])
}

/// A block scalar as one in double quotes: the quotes take the place of the indicator, the rest of the header line stays,
/// the body goes.
fn block_to_quoted(target: &YamlTarget<'_>, raw: &str, value: &str) -> Vec<Edit> {
    let body = content_lines(raw).first().map_or(raw.len(), |line| line.0);
    let header = raw.get(..body).unwrap_or_default();
    let mark =
        header.find(|c: char| !matches!(c, '|' | '>' | '+' | '-') && !c.is_ascii_digit()).unwrap_or(header.len());
    let mut rest = header.get(mark..).unwrap_or_default();
    if target.span.end == target.text.len() && !raw.ends_with(['\n', '\r']) {
        rest = rest.trim_end_matches(['\n', '\r']);
    }
    let span = Span::new(target.span.start, target.span.start + content_len(raw, target.old));
    vec![Edit::new(span, format!("{}{rest}", *quote_text(value)))]
}

/// How much of a block scalar is its header and its content: blank lines behind them belong to nothing, unless the header
/// keeps them with `+`.
pub(super) fn content_len(raw: &str, value: &str) -> usize {
    let lines = content_lines(raw);
    let header = lines.first().and_then(|line| raw.get(..line.0)).unwrap_or_default();
    let keeps = header.split(char::is_whitespace).next().is_some_and(|mark| mark.contains('+'));
    let indent = block_indent(&lines, value);
    let is_content = |line: &&(usize, &str)| line.1.len() > indent || !line.1.trim_matches(' ').is_empty();
    match lines.iter().rfind(is_content) {
        Some((start, line)) if !keeps => {
            let end = start + line.len();
            end + raw.get(end..).and_then(break_len).unwrap_or(0)
        }
        _ => raw.len(),
    }
}

/// The tag and the anchor of a node, which its span leaves out.
pub(super) fn properties(text: &str, node: Span) -> Option<Span> {
    let begins = |word: &str| word.starts_with(['!', '&']);
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    let mut start = node.start;
    loop {
        let before = text.get(..start)?.trim_end();
        let word = before.rsplit(ends).next().unwrap_or_default();
        let from = before.len() - word.len();
        // `"password":!x`, as JSON has it.
        let skipped = if begins(word) {
            Some(0)
        } else {
            word.find("\":").map(|at| at + 2).filter(|&at| word.get(at..).is_some_and(begins))
        };
        match skipped {
            Some(skipped) => start = from + skipped,
            None => break,
        }
    }
    // A node that is not there has its place before them or behind.
    let rest = text.get(node.end..).filter(|_| node.is_empty()).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let word = rest.get(blanks..).unwrap_or_default().split(ends).next().unwrap_or_default();
    let end = if begins(word) { node.end + blanks + word.len() } else { node.start };
    (start < end).then(|| Span::new(start, end))
}

fn error_at(span: Span, message: &str) -> SyntaxError {
    SyntaxError { span, message: message.into(), help: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_a_string_only_where_both_yaml_versions_say_so() {
        for text in [
            "0123",
            "1.10",
            "yes",
            "Off",
            "1e3",
            "190:20:30",
            "1_000",
            "0o17",
            "0x1F",
            ".inf",
            "-.INF",
            "=",
            "<<",
            "2020-01-01",
            "+12",
            "1.",
        ] {
            assert_eq!(plain_type(text), ScalarType::Other, "{text}");
        }
        for text in ["~", "", "null"] {
            assert_eq!(plain_type(text), ScalarType::Null, "{text}");
        }
        for text in ["hunter2", "0.13.2", "0xyz", "e3", "-", "a:b", "yess", "1.2.3", "v1", "10-20", ":"] {
            assert_eq!(plain_type(text), ScalarType::String, "{text}");
        }
    }
}
