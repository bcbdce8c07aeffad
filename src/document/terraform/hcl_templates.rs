//! Evaluates quoted strings and here-documents.

use super::hcl_evaluator::{CodeStart, HclEvaluator, expansion};
use super::hcl_text_builder::HclTextBuilder;
use crate::document::code_value::{CodeText, CodeValue};
use crate::document::offsets::OffsetMap;
use crate::text::source::Span;
use hcl_edit::Span as _;
use hcl_edit::template::{Element, HeredocTemplate, Interpolation, StringTemplate};

/// How the literal parts of a template are written.
#[derive(Clone, Copy)]
struct LiteralStyle {
    /// Whether a backslash begins an escape.
    has_escapes: bool,
    /// The number of characters that are removed from the start of each line.
    indentation: usize,
}

/// A literal part of a template.
struct LiteralPart<'a> {
    /// The offset in the file.
    start: usize,
    /// The source of the part.
    source: &'a str,
    /// Whether the template begins with the part.
    is_first: bool,
    /// Whether the white space at the start of its first line is removed, because a marker such as `~}`
    /// is before it.
    is_trimmed: bool,
}

impl<'m> HclEvaluator<'m> {
    /// Returns the value of a quoted string with interpolations. If it consists of one interpolation, it
    /// is the value of that.
    pub(super) fn template(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        template: &StringTemplate,
    ) -> CodeValue {
        let contents = Span::new(span.start + 1, span.end.saturating_sub(1));
        let elements: Vec<&Element> = template.iter().collect();
        if let [Element::Interpolation(interpolation)] = elements.as_slice() {
            let value = self.expression(start, &interpolation.expr);
            if matches!(
                value,
                CodeValue::Mapping { .. } | CodeValue::Sequence { .. }
            ) {
                return value;
            }
            let mut builder = HclTextBuilder::default();
            self.push_interpolation(&mut builder, start, (contents, interpolation), &value);
            let mut text = builder.finish(span, contents);
            if let CodeValue::Text(inner) = value {
                text.definition = inner.definition;
            }
            return CodeValue::Text(text);
        }
        let style = LiteralStyle {
            has_escapes: true,
            indentation: 0,
        };
        let builder = self.elements(start, &elements, style);
        CodeValue::Text(builder.finish(span, contents))
    }

    /// Returns the text of a here-document.
    pub(super) fn heredoc(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        heredoc: &HeredocTemplate,
    ) -> CodeText {
        let elements: Vec<&Element> = heredoc.template.iter().collect();
        let is_indented = start.slice(span).starts_with("<<-");
        let style = LiteralStyle {
            has_escapes: false,
            indentation: if is_indented {
                indentation(start, &elements)
            } else {
                0
            },
        };
        let first = elements.first().map(|element| start.span(element.span()));
        let last = elements.last().map(|element| start.span(element.span()));
        let contents = match (first, last) {
            (Some(first), Some(last)) => Span::new(first.start, last.end),
            _ => span,
        };
        self.elements(start, &elements, style)
            .finish(span, contents)
    }

    /// Evaluates the elements of a template.
    fn elements(
        &mut self,
        start: CodeStart<'m>,
        elements: &[&Element],
        style: LiteralStyle,
    ) -> HclTextBuilder {
        let mut builder = HclTextBuilder::default();
        let mut literal_start = 0;
        let mut is_trimmed = false;
        for (index, element) in elements.iter().enumerate() {
            let span = start.span(element.span());
            let source = start.slice(span);
            match element {
                Element::Literal(_) => {
                    literal_start = builder.len();
                    let part = LiteralPart {
                        start: span.start,
                        source,
                        is_first: index == 0,
                        is_trimmed,
                    };
                    push_literal(&mut builder, &part, style);
                    is_trimmed = false;
                    continue;
                }
                Element::Interpolation(interpolation) => {
                    if interpolation.strip.strip_start() {
                        builder.trim_end(literal_start);
                    }
                    let value = self.expression(start, &interpolation.expr);
                    self.push_interpolation(&mut builder, start, (span, interpolation), &value);
                    is_trimmed = interpolation.strip.strip_end();
                }
                Element::Directive(_) => {
                    if source.starts_with("%{~") {
                        builder.trim_end(literal_start);
                    }
                    builder.push_expansion(span, source, source);
                    is_trimmed = source.ends_with("~}");
                }
            }
            literal_start = builder.len();
        }
        builder
    }

    /// Adds the value of an interpolation, or its source if the value is known only at run time.
    fn push_interpolation(
        &mut self,
        builder: &mut HclTextBuilder,
        start: CodeStart<'m>,
        (span, interpolation): (Span, &Interpolation),
        value: &CodeValue,
    ) {
        let source = start.slice(span);
        let code = start.slice(start.span(interpolation.expr.span()));
        match value {
            CodeValue::Text(text) if self.spend(text.text.len()) => {
                builder.push_text(span, source, text);
            }
            CodeValue::Literal(_) if is_plain_literal(code) => {
                builder.push_replaced(span, code);
            }
            _ => builder.push_expansion(span, source, &expansion(code)),
        }
    }

    /// Takes a number of bytes from the budget. Returns whether the budget contained them.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let is_enough = self.budget >= bytes;
        if is_enough {
            self.budget -= bytes;
        }
        is_enough
    }
}

/// Returns the text of a quoted string without interpolations. `value` is its value according to the
/// parser.
pub(super) fn quoted_text(start: CodeStart<'_>, span: Span, value: &str) -> CodeText {
    let contents = Span::new(span.start + 1, span.end.saturating_sub(1));
    let mut builder = HclTextBuilder::default();
    builder.push_literal(contents.start, start.slice(contents), true);
    let mut text = builder.finish(span, contents);
    if text.text != value {
        value.clone_into(&mut text.text);
        text.offsets = OffsetMap::opaque(contents);
    }
    text
}

/// Returns whether Terraform converts a number or a boolean to a text as it is written.
pub(super) fn is_plain_literal(code: &str) -> bool {
    let is_integer = code.bytes().all(|byte| byte.is_ascii_digit())
        && !code.is_empty()
        && (code == "0" || !code.starts_with('0'));
    is_integer || matches!(code, "true" | "false")
}

/// Adds a literal part of a template without the indentation of its lines.
fn push_literal(builder: &mut HclTextBuilder, part: &LiteralPart<'_>, style: LiteralStyle) {
    let mut at = part.start;
    for (index, line) in part.source.split_inclusive('\n').enumerate() {
        let is_line_start = index > 0 || part.is_first;
        let removed = if index == 0 && part.is_trimmed {
            line.len() - line.trim_start().len()
        } else if is_line_start && !is_blank_line(line) {
            let spaces = line.chars().take(style.indentation);
            spaces.map(char::len_utf8).sum()
        } else {
            0
        };
        let rest = line.get(removed..).unwrap_or_default();
        builder.push_literal(at + removed, rest, style.has_escapes);
        at += line.len();
    }
}

/// Returns the indentation that Terraform removes from the lines of a here-document with `<<-`. Lines
/// of white space do not count.
fn indentation(start: CodeStart<'_>, elements: &[&Element]) -> usize {
    let mut smallest = usize::MAX;
    let mut is_line_start = true;
    for element in elements {
        if !matches!(element, Element::Literal(_)) {
            if is_line_start {
                return 0;
            }
            continue;
        }
        for line in start
            .slice(start.span(element.span()))
            .split_inclusive('\n')
        {
            if is_line_start && !is_blank_line(line) {
                let spaces = line.chars().take_while(|c| c.is_whitespace());
                smallest = smallest.min(spaces.count());
            }
            is_line_start = line.ends_with('\n');
        }
    }
    if smallest == usize::MAX { 0 } else { smallest }
}

fn is_blank_line(line: &str) -> bool {
    line.ends_with('\n') && line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::{evaluate, read_module};

    #[test]
    fn quoted_strings_are_decoded() {
        let cases = [
            (r#""""#, ""),
            (r#""a b""#, "a b"),
            (r#""{{gcp.token}}""#, "{{gcp.token}}"),
            (r#""a\"b\\c\nd\te\r""#, "a\"b\\c\nd\te\r"),
            (r#""\u00e9\U0001F600""#, "é😀"),
            (r#""$${a} %%{b}""#, "${a} %{b}"),
            (r#""$$${a} $ $$ % %%""#, "$${a} $ $$ % %%"),
            (r#""${"a"}""#, "a"),
            (r#""a${"b"}c${1}${true}""#, "abc1true"),
            (r#""${"}"}""#, "}"),
            (r#""${"a${"b"}"}""#, "ab"),
            (r#""a $${x} ${"b"} \"c\" \u00e9""#, "a ${x} b \"c\" é"),
            (r#""a ${~ "b" ~} c""#, "abc"),
            (r#""a ${var.x ~} c""#, "a ‹${var.x ~}›c"),
            (r#""${ var.x }""#, "‹${var.x}›"),
            (r#""${1 + 2}""#, "‹${1 + 2}›"),
            (r#""${1.5}""#, "‹${1.5}›"),
            (r#""${null}""#, "‹${null}›"),
            (r#""${[1]}""#, "‹${[1]}›"),
            (r#""${{ a = "}}" }}""#, "‹${{ a = \"}}\" }}›"),
            (r#""${f("}")}""#, "‹${f(\"}\")}›"),
            (
                r#""%{ if var.a }b%{ endif }c""#,
                "‹%{ if var.a }b%{ endif }›c",
            ),
            (r#""ünï ${"ço"}dé""#, "ünï çodé"),
            ("\"${\n  var.x\n}\"", "‹${var.x}›"),
        ];
        for (expression, expected) in cases {
            let expected = expected.replace("${var.x ~}", "${var.x}");
            assert_eq!(evaluate("", expression), expected, "{expression}");
        }
    }

    #[test]
    fn invalid_strings_are_unknown() {
        for expression in [
            r#""\q""#,
            r#""\u12""#,
            r#""\UFFFFFFFF""#,
            r#""${""#,
            r#""${}""#,
            r#""${a""#,
            r#""%{ if a }""#,
            r#""%{ x }""#,
            r#""a" "b""#,
            r#""a"#,
            "'a'",
            "\"a\0",
        ] {
            assert_eq!(evaluate("", expression), "?", "{expression}");
        }
    }

    #[test]
    fn here_documents_are_decoded() {
        let cases = [
            ("<<EOT\nEOT", ""),
            ("<<EOT\na\nEOT", "a\n"),
            ("<<EOT\n  a\n b\n  EOT", "  a\n b\n"),
            ("<<-EOT\n    a\n      b\n    EOT", "a\n  b\n"),
            ("<<-EOT\n    a\n\n  \n    b\n    EOT", "a\n\n  \nb\n"),
            ("<<-EOT\n    a\n  b\nEOT", "  a\nb\n"),
            ("<<-EOT\n\ta\n\t\tb\nEOT", "a\n\tb\n"),
            ("<<-EOT\n  ${1}\n    b\nEOT", "1\n  b\n"),
            ("<<-EOT\n${1}\n    b\nEOT", "1\n    b\n"),
            ("<<EOT\n{{gcp.token}}\nEOT", "{{gcp.token}}\n"),
            (
                "<<EOT\n\"a\" \\n $${x} %%{y} # no\nEOT",
                "\"a\" \\n ${x} %{y} # no\n",
            ),
            ("<<EOT\na ${var.x} b\nEOT", "a ‹${var.x}› b\n"),
            ("<<EOT\n${var.x}EOT\nEOT\n", "‹${var.x}›EOT\n"),
            ("<<EOT\nEOT2\n x EOT\nEOT", "EOT2\n x EOT\n"),
            (
                "<<EOT\n%{ if var.x }\na\n%{ endif ~}\n  b\nEOT",
                "‹%{ if var.x }\na\n%{ endif ~}›  b\n",
            ),
            ("<<EOT\n  ${~ 1 ~}\n  b\nEOT", "1  b\n"),
            ("<<EOT\na\n\n  ${~ 1}\nEOT", "a\n\n1\n"),
            ("trimspace(<<-EOT\n    a\n    EOT\n)", "a"),
            ("<<E-1\na\nE-1", "a\n"),
            ("<<ÜÖ\nä\nÜÖ", "ä\n"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate("", expression), expected, "{expression}");
            let crlf = evaluate("", &expression.replace('\n', "\r\n"));
            assert_eq!(crlf.replace("\r\n", "\n"), expected, "{expression}");
        }
    }

    #[test]
    fn lines_of_here_documents_have_exact_spans() {
        let text = "resource \"zenml_stack\" \"s\" {\n  x = <<-EOT\n    zenml a \\\n      --b='{{gcp.token}}' $${C}\n    EOT\n}";
        let file = read_module(&[text]);
        let value = file.text("s", "x");
        assert_eq!(value.text, "zenml a \\\n  --b='{{gcp.token}}' ${C}\n");
        for (part, expected) in [
            ("{{gcp.token}}", "{{gcp.token}}"),
            ("token", "token"),
            ("${C}", "$${C}"),
            ("\\\n  --b", "\\\n      --b"),
        ] {
            assert_eq!(file.source_of(value, part), expected);
        }
        let whole = file.source.slice(value.span);
        assert!(whole.starts_with("<<-EOT") && whole.ends_with("EOT"));
    }
}
