//! Builds a text from the parts of a template.

use crate::document::code_value::{CodeText, Expansion};
use crate::document::offsets::{OffsetMap, OffsetMapBuilder};
use crate::document::text_template::TextTemplate;
use crate::text::source::Span;
use std::ops::Range;
use std::sync::Arc;

/// A builder for a text of Terraform. All spans are spans in the file.
#[derive(Default)]
pub(super) struct HclTextBuilder {
    builder: OffsetMapBuilder,
    expansions: Vec<Expansion>,
}

impl HclTextBuilder {
    /// Returns the length of the text so far.
    pub fn len(&self) -> usize {
        self.builder.text().len()
    }

    /// Adds text that the file contains at an offset.
    pub fn push_verbatim(&mut self, start: usize, text: &str) {
        self.builder.push_verbatim(start, text);
    }

    /// Adds text that the file spells differently.
    pub fn push_replaced(&mut self, span: Span, text: &str) {
        self.builder.push_replaced(span.start, span.len(), text);
    }

    /// Adds the contents of a string. `start` is the offset of `raw` in the file. Escapes with a
    /// backslash are decoded if `has_escapes` is true. Invalid escapes are kept.
    pub fn push_literal(&mut self, start: usize, raw: &str, has_escapes: bool) {
        let mut at = 0;
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.find(['\\', '$', '%']).unwrap_or(rest.len());
            let (plain_text, rest) = rest.split_at(plain);
            self.push_verbatim(start + at, plain_text);
            at += plain;
            let Some(first) = rest.get(..1) else {
                break;
            };
            let marker = rest.get(1..3) == Some(if first == "$" { "${" } else { "%{" });
            let escape = if first == "\\" {
                read_escape(rest).filter(|_| has_escapes)
            } else {
                None
            };
            if let Some((len, c)) = escape {
                let span = Span::new(start + at, start + at + len);
                self.push_replaced(span, c.encode_utf8(&mut [0; 4]));
                at += len;
            } else if marker && first != "\\" {
                let span = Span::new(start + at, start + at + 3);
                self.push_replaced(span, rest.get(1..3).unwrap_or_default());
                at += 3;
            } else {
                self.push_verbatim(start + at, first);
                at += 1;
            }
        }
    }

    /// Adds a part that is known only at run time: the text `expansion`, such as `${var.name}`. `source`
    /// is the text of its span.
    pub fn push_expansion(&mut self, span: Span, source: &str, expansion: &str) {
        let start = self.len();
        if source == expansion {
            self.push_verbatim(span.start, expansion);
        } else {
            self.push_replaced(span, expansion);
        }
        let range = start..self.len();
        self.expansions.push(new_expansion(range, expansion));
    }

    /// Adds the text of an expression, which replaces a span of the file. `source` is the text of the
    /// span.
    pub fn push_text(&mut self, span: Span, source: &str, text: &CodeText) {
        let start = self.len();
        if text.is_dynamic() && source == text.text {
            self.push_verbatim(span.start, source);
        } else {
            self.push_replaced(span, &text.text);
        }
        let expansions = text.expansions.iter();
        self.expansions
            .extend(expansions.map(|expansion| expansion.after(start)));
    }

    /// Adds a part of a text of the same file. A part of an expansion is an expansion.
    pub fn push_part(&mut self, text: &CodeText, range: Range<usize>) {
        let start = self.len();
        self.builder
            .push_part(&text.offsets, range.clone(), &text.text);
        let inside = text.expansions.iter();
        let inside = inside.filter_map(|expansion| expansion.in_part(&range));
        self.expansions
            .extend(inside.map(|expansion| expansion.after(start)));
    }

    /// Removes the white space at the end of the last line of the text. A line includes its line break.
    /// `start` is the offset from which on white space may be removed.
    pub fn trim_end(&mut self, start: usize) {
        let part = self.builder.text().get(start..).unwrap_or_default();
        let inner = part.strip_suffix('\n').unwrap_or(part);
        let line = inner.rfind('\n').map_or(0, |at| at + 1);
        let kept = part.get(line..).unwrap_or_default().trim_end().len();
        self.builder.truncate(start + line + kept);
    }

    /// Returns the text. `span` is the span of the expression, and `contents` that of its contents.
    pub fn finish(self, span: Span, contents: Span) -> CodeText {
        let (text, offsets) = self.builder.into_text(contents);
        CodeText {
            text,
            offsets,
            span,
            expansions: self.expansions,
            definition: None,
        }
    }
}

/// Returns a text that a span of the file is replaced by.
pub(super) fn replaced_text(span: Span, text: String, expansions: Vec<Expansion>) -> CodeText {
    CodeText {
        text,
        offsets: OffsetMap::replaced_by(span),
        span,
        expansions,
        definition: None,
    }
}

/// Returns the text of an expression that is known only at run time, as an interpolation.
pub(super) fn dynamic_text(span: Span, text: String) -> CodeText {
    let whole = new_expansion(0..text.len(), &text);
    replaced_text(span, text, vec![whole])
}

/// Returns the expansion for an interpolation. `${var.name}` has the value of a variable.
fn new_expansion(range: Range<usize>, interpolation: &str) -> Expansion {
    let name = interpolation
        .strip_prefix("${var.")
        .and_then(|rest| rest.strip_suffix('}'));
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    let template = name.filter(is_name).map(TextTemplate::variable);
    Expansion {
        range,
        template: template.map(Arc::new),
    }
}

/// Returns the length of the escape at the start of a text, and its character.
fn read_escape(text: &str) -> Option<(usize, char)> {
    let c = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' => '"',
        b'\\' => '\\',
        b'u' => return read_code_point(text, 6),
        b'U' => return read_code_point(text, 10),
        _ => return None,
    };
    Some((2, c))
}

/// Reads an escape such as `\u00e9`. `len` is its length.
fn read_code_point(text: &str, len: usize) -> Option<(usize, char)> {
    let digits = text.get(2..len)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    Some((len, char::from_u32(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let cases = [
            ("", true, ""),
            (r"a\nb", true, "a\nb"),
            (r"a\nb", false, r"a\nb"),
            (r#"\"\\\t\r"#, true, "\"\\\t\r"),
            (r"\u00e9\U0001F600é", true, "é😀é"),
            (r"\u00", true, r"\u00"),
            (r"\u+0e9", true, r"\u+0e9"),
            (r"\UD800DFFF", true, r"\UD800DFFF"),
            (r"\ué", true, r"\ué"),
            (r"\q\", true, r"\q\"),
            ("$${a} %%{b}", false, "${a} %{b}"),
            ("$${$${%%%{", true, "${${%%{"),
            ("$ $$ $a $%{ %$", true, "$ $$ $a $%{ %$"),
        ];
        for (raw, has_escapes, expected) in cases {
            let mut builder = HclTextBuilder::default();
            builder.push_literal(10, raw, has_escapes);
            let span = Span::new(10, 10 + raw.len());
            let text = builder.finish(span, span);
            assert_eq!(text.text, expected, "{raw}");
            let whole = text.offsets.source(0, expected.len());
            assert!(expected.is_empty() || whole == span, "{raw}");
        }
    }

    #[test]
    fn white_space_of_the_last_line_is_trimmed() {
        let cases = [
            ("a  ", "a"),
            ("a\n  ", "a\n"),
            ("a\n", "a"),
            ("a \n\n", "a \n"),
            ("  ", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            let mut builder = HclTextBuilder::default();
            builder.push_verbatim(0, "x ");
            builder.push_verbatim(2, text);
            builder.trim_end(2);
            let span = Span::new(0, 2 + text.len());
            assert_eq!(builder.finish(span, span).text, format!("x {expected}"));
        }
    }
}
