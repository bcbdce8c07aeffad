//! Evaluates calls of functions that return texts or mappings.

use super::hcl_evaluator::{CodeStart, HclEvaluator, expansion, into_entries};
use super::hcl_formats::format_text;
use super::hcl_templates::is_plain_literal;
use super::hcl_text_builder::{HclTextBuilder, dynamic_text, replaced_text};
use crate::document::code_value::{CodeText, CodeValue};
use crate::text::source::Span;
use hcl_edit::expr::{Expression, FuncCall};
use std::collections::HashSet;

/// The functions that return their argument.
const TRANSPARENT: [&str; 7] = [
    "nonsensitive",
    "sensitive",
    "tolist",
    "tomap",
    "toset",
    "tostring",
    "try",
];

impl<'m> HclEvaluator<'m> {
    /// Returns the value of a call.
    pub(super) fn call(&mut self, start: CodeStart<'m>, span: Span, call: &FuncCall) -> CodeValue {
        let arguments: Vec<&Expression> = call.args.iter().collect();
        let name = call.name.name.as_str();
        let is_known = !call.name.is_namespaced() && !call.args.expand_final();
        let value = match (name, arguments.as_slice()) {
            _ if !is_known => None,
            (_, [argument]) if TRANSPARENT.contains(&name) => {
                return self.expression(start, argument);
            }
            ("jsonencode" | "yamlencode", _) => return CodeValue::Unknown(span),
            ("merge", _) => return self.merge(start, span, &arguments),
            ("format", [format, values @ ..]) => self.format(start, span, (format, values)),
            ("join", [separator, list]) => self.join(start, span, (separator, list)),
            ("upper" | "lower", [argument]) => {
                let text = self.known_text(start, argument);
                text.map(|text| match name {
                    "upper" => text.text.to_uppercase(),
                    _ => text.text.to_lowercase(),
                })
                .map(|text| replaced_text(span, text, Vec::new()))
            }
            ("trimspace" | "chomp", [argument]) => {
                let text = self.known_text(start, argument);
                text.map(|text| trim(span, &text, name == "trimspace"))
            }
            _ => None,
        };
        value.map_or_else(|| Self::dynamic(start, span), CodeValue::Text)
    }

    /// Returns the mapping with the entries of all arguments. It may have more entries.
    fn merge(&mut self, start: CodeStart<'m>, span: Span, arguments: &[&Expression]) -> CodeValue {
        let values = arguments
            .iter()
            .flat_map(|argument| into_entries(self.expression(start, argument)));
        let values: Vec<_> = values.collect();
        let mut keys = HashSet::new();
        let mut merged: Vec<_> = values
            .into_iter()
            .rev()
            .filter(|(key, _)| keys.insert(key.text.clone()))
            .collect();
        merged.reverse();
        CodeValue::Mapping {
            span,
            entries: merged,
            is_complete: false,
        }
    }

    fn format(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        (format, values): (&Expression, &[&Expression]),
    ) -> Option<CodeText> {
        let format = self.known_text(start, format)?;
        let values: Option<Vec<CodeText>> = values
            .iter()
            .map(|value| {
                let value = self.expression(start, value);
                self.as_text(start, value)
            })
            .collect();
        format_text(span, &format, &values?)
    }

    fn join(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        (separator, list): (&Expression, &Expression),
    ) -> Option<CodeText> {
        let separator = self.known_text(start, separator)?;
        let CodeValue::Sequence { items, .. } = self.expression(start, list) else {
            return None;
        };
        let mut builder = HclTextBuilder::default();
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                builder.push_replaced(separator.span, &separator.text);
            }
            let text = self.as_text(start, item)?;
            builder.push_part(&text, 0..text.text.len());
        }
        let has_braces = separator.text.contains(['{', '}']);
        let text = builder.finish(span, span);
        Some(if has_braces { opaque_order(text) } else { text })
    }

    /// Returns the text of an expression if no part of it is dynamic.
    fn known_text(&mut self, start: CodeStart<'m>, expression: &Expression) -> Option<CodeText> {
        match self.expression(start, expression) {
            CodeValue::Text(text) if !text.is_dynamic() => Some(text),
            _ => None,
        }
    }

    /// Returns a value as a text. Returns `None` if it is a mapping or a sequence, or the budget is used
    /// up.
    fn as_text(&mut self, start: CodeStart<'m>, value: CodeValue) -> Option<CodeText> {
        match value {
            CodeValue::Text(text) => self.spend(text.text.len()).then_some(text),
            CodeValue::Literal(span) if is_plain_literal(start.slice(span)) => Some(replaced_text(
                span,
                start.slice(span).to_owned(),
                Vec::new(),
            )),
            CodeValue::Literal(span) | CodeValue::Unknown(span) => {
                Some(dynamic_text(span, expansion(start.slice(span))))
            }
            CodeValue::Mapping { .. } | CodeValue::Sequence { .. } => None,
        }
    }
}

/// Returns a text without white space at both ends, or without line breaks at its end.
fn trim(span: Span, text: &CodeText, is_both: bool) -> CodeText {
    let kept = text.text.trim_end_matches(['\r', '\n']);
    let kept = if is_both { kept.trim_end() } else { kept };
    let start = if is_both {
        text.text.len() - text.text.trim_start().len()
    } else {
        0
    };
    let mut builder = HclTextBuilder::default();
    builder.push_part(text, start.min(kept.len())..kept.len());
    builder.finish(span, span)
}

/// Returns a text whose parts are not in the order of the file, so that only its whole span is exact.
pub(super) fn opaque_order(text: CodeText) -> CodeText {
    replaced_text(text.span, text.text, text.expansions)
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::evaluate;

    const CONSTANTS: &str = r#"
        resource "zenml_secret" "gcp" { name = "gcp" }
        variable "unset" {}
        locals {
          config = { a = "1", b = "2" }
        }
    "#;

    #[test]
    fn other_functions_are_evaluated() {
        let cases = [
            (
                r#"join("", ["{{", zenml_secret.gcp.name, ".k}}"])"#,
                "{{gcp.k}}",
            ),
            (r#"join(".", ["a", "b", 1])"#, "a.b.1"),
            (r#"join("}}", ["{{a.b", "c"])"#, "{{a.b}}c"),
            (r#"join("-", ["a", var.unset])"#, "a-‹${var.unset}›"),
            (r#"join("-", var.unset)"#, "‹${join(\"-\", var.unset)}›"),
            (r#"upper("a")"#, "A"),
            (r#"lower("A")"#, "a"),
            ("upper(var.unset)", "‹${upper(var.unset)}›"),
            (r#"trimspace("  a ")"#, "a"),
            (r#"trimspace("  ")"#, ""),
            (r#"chomp("a\n")"#, "a"),
            (r#"chomp(" a \r\n\n")"#, " a "),
            (r#"sensitive("a")"#, "a"),
            (r#"nonsensitive(sensitive("a"))"#, "a"),
            (r#"tostring("a")"#, "a"),
            (r#"tomap({ a = "b" })"#, "{a=b}"),
            (r#"toset(["a"])"#, "[a]"),
            (r#"jsonencode({ a = "b" })"#, "?"),
            (r#"merge({ a = "1" }, { b = "2" })"#, "{a=1, b=2, …}"),
            (r#"merge({ a = "1" }, { a = "2" })"#, "{a=2, …}"),
            (r#"merge({ a = "1" }, var.unset)"#, "{a=1, …}"),
            (
                r#"merge(local.config, { c = "3" })"#,
                "{a@a=1@1, b@b=2@2, c=3, …}",
            ),
            ("merge()", "{…}"),
            (
                r#"merge(var.unset ? { a = "1" } : {}, { b = "2" })"#,
                "{a=1, b=2, …}",
            ),
            (r#"unknown("a")"#, "‹${unknown(\"a\")}›"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate(CONSTANTS, expression), expected, "{expression}");
        }
    }
}
