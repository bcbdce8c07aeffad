//! Writes a new value into a YAML scalar, with the smallest change that all readers of YAML
//! understand.

use super::block_scalars::{block_indent, content_len, content_lines};
use super::breaks;
use super::literal_block::encode_literal_block;
use super::yaml_quoting::{escape_text, is_plain, is_printable, quote_text, unchanged_text};
use crate::document::edits::in_place;
use crate::document::{Edit, OffsetMap, Replacement, Style};
use crate::text::source::Span;

/// A scalar that gets a new value.
pub(in crate::document) struct YamlTarget<'t> {
    /// The whole text of the file.
    pub text: &'t str,
    /// The span of the scalar, with quotes or header.
    pub span: Span,
    /// The notation of the scalar.
    pub style: Style,
    /// Whether it is in a flow collection.
    pub flow: bool,
    /// The current value.
    pub old: &'t str,
    /// The map from the current value to the source.
    pub offsets: &'t OffsetMap,
}

/// Returns the edits that replace parts of a scalar's value. Readers of YAML 1.1 and of YAML 1.2
/// read the same value. The style stays if it can represent the value. Otherwise the scalar gets
/// double quotes with escapes.
pub(in crate::document) fn encode(
    target: &YamlTarget<'_>,
    parts: &[Replacement<'_>],
    value: &str,
) -> Vec<Edit> {
    let raw = target
        .text
        .get(target.span.start..target.span.end)
        .unwrap_or_default();
    let is_one_line = !raw.contains(['\n', '\r']);
    let is_block = matches!(target.style, Style::LiteralBlock | Style::FoldedBlock);
    // A character that only some readers take for a line break gets an escape, so that all of them
    // read the same value.
    let needs_quotes = !target.offsets.is_exact() || breaks::contains_break(raw);
    match target.style {
        _ if needs_quotes && is_block => replace_block_with_quotes(target, raw, value),
        _ if needs_quotes => vec![Edit::new(target.span, quote_text(value))],
        Style::DoubleQuoted if is_one_line => in_place(target.offsets, parts, escape_text),
        Style::SingleQuoted if is_one_line && parts.iter().all(|part| is_printable(part.text)) => {
            in_place(target.offsets, parts, |text| text.replace('\'', "''"))
        }
        Style::SingleQuoted if is_printable(value) => {
            vec![Edit::new(
                target.span,
                format!("\'{}\'", value.replace('\'', "\'\'")),
            )]
        }
        Style::Plain if is_plain(value, target.flow) => {
            if is_one_line {
                in_place(target.offsets, parts, unchanged_text)
            } else {
                vec![Edit::new(target.span, unchanged_text(value))]
            }
        }
        Style::LiteralBlock => encode_literal_block(target, raw, parts, value)
            .unwrap_or_else(|| replace_block_with_quotes(target, raw, value)),
        Style::FoldedBlock
            if block_indent(&content_lines(raw), target.old) > 0
                && are_single_line(target, parts)
                && parts.iter().all(|part| fits_folded_line(part.text))
                && has_no_leading_blanks(value) =>
        {
            in_place(target.offsets, parts, unchanged_text)
        }
        Style::FoldedBlock => replace_block_with_quotes(target, raw, value),
        _ => vec![Edit::new(target.span, quote_text(value))],
    }
}

/// Returns whether each part is on one line of the source.
pub(super) fn are_single_line(target: &YamlTarget<'_>, parts: &[Replacement<'_>]) -> bool {
    parts.iter().all(|part| {
        let span = target.offsets.source(part.range.start, part.range.end);
        target
            .text
            .get(span.start..span.end)
            .is_some_and(|written| !written.contains(['\n', '\r']))
    })
}

/// Returns whether a text fits into a line of a folded block without changing its folds.
fn fits_folded_line(text: &str) -> bool {
    !text.is_empty() && is_printable(text) && text.trim() == text
}

/// Returns whether no line of a value begins with a blank, which would change the indentation of a
/// block.
fn has_no_leading_blanks(value: &str) -> bool {
    value.split('\n').all(|line| !line.starts_with([' ', '\t']))
}

/// Returns the edit that replaces a block scalar with one in double quotes. The quotes replace the
/// indicator, the rest of the header line stays, and the body is removed.
fn replace_block_with_quotes(target: &YamlTarget<'_>, raw: &str, value: &str) -> Vec<Edit> {
    let body = content_lines(raw).first().map_or(raw.len(), |line| line.0);
    let header = raw.get(..body).unwrap_or_default();
    let mark = header
        .find(|c: char| !matches!(c, '|' | '>' | '+' | '-') && !c.is_ascii_digit())
        .unwrap_or(header.len());
    let mut rest = header.get(mark..).unwrap_or_default();
    if target.span.end == target.text.len() && !raw.ends_with(['\n', '\r']) {
        rest = rest.trim_end_matches(['\n', '\r']);
    }
    let span = Span::new(
        target.span.start,
        target.span.start + content_len(raw, target.old),
    );
    vec![Edit::new(span, format!("{}{rest}", quote_text(value)))]
}
