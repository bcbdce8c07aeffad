//! Evaluates the expressions of a Terraform module, as far as their values are known from its files.
//!
//! `hcl-edit` parses expressions, but not the objects and lists around them. Thus a broken entry does
//! not hide the others, and the parser's limits apply to each entry.

use super::hcl_body::{inside_brackets, is_for_expression, read_list, read_object};
use super::hcl_constants::ConstantValue;
use super::hcl_file::{HclCode, HclFile};
use super::hcl_templates::quoted_text;
use super::hcl_text_builder::{dynamic_text, replaced_text};
use super::terraform_module::{ConstantId, TerraformModule};
use crate::document::code_value::{CodeText, CodeValue};
use crate::document::offsets::OffsetMap;
use crate::document::terraform::hcl_tokens::TokenKind;
use crate::text::source::Span;
use hcl_edit::Span as _;
use hcl_edit::expr::{Conditional, Expression};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// The depth of expressions, including those of constants, that are evaluated.
const MAX_DEPTH: usize = 64;

/// The most `=` and `:` in an expression that `hcl-edit` parses. It compares each key of an object with
/// all others.
const MAX_SEPARATORS: usize = 512;

/// The bytes and values that may be copied from constants. More would need memory that grows
/// exponentially with the size of the module.
const COPY_BUDGET: usize = 1 << 22;

/// An evaluator for the expressions of a module.
pub(super) struct HclEvaluator<'m> {
    pub(super) module: &'m TerraformModule<'m>,
    /// The constants that were evaluated. A constant that is being evaluated has no value.
    pub(super) constants: HashMap<ConstantId, Option<Rc<ConstantValue<'m>>>>,
    depth: usize,
    pub(super) budget: usize,
}

/// The file of a parsed expression, and the offset at which its code begins.
#[derive(Clone, Copy)]
pub(super) struct CodeStart<'m> {
    /// The file.
    pub file: &'m HclFile,
    /// The offset of the first byte that was parsed.
    pub offset: usize,
}

impl<'m> CodeStart<'m> {
    /// Returns the span in the file of a range of the code.
    pub fn span(self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or_default();
        Span::new(self.offset + range.start, self.offset + range.end)
    }

    /// Returns the text of a span.
    pub fn slice(self, span: Span) -> &'m str {
        self.file.source.slice(span)
    }
}

impl<'m> HclEvaluator<'m> {
    /// Creates an evaluator for a module.
    pub fn new(module: &'m TerraformModule<'m>) -> Self {
        Self {
            module,
            constants: HashMap::new(),
            depth: 0,
            budget: COPY_BUDGET,
        }
    }

    /// Returns the value of an expression.
    pub fn value(&mut self, code: &HclCode<'m>) -> CodeValue {
        let span = code.span();
        if self.depth >= MAX_DEPTH || span.is_empty() {
            return CodeValue::Unknown(span);
        }
        self.depth += 1;
        let value = self.value_of_tokens(code, span);
        self.depth -= 1;
        value
    }

    fn value_of_tokens(&mut self, code: &HclCode<'m>, span: Span) -> CodeValue {
        let list = &code.file.list;
        if let Some(inside) = inside_brackets(list, &code.tokens) {
            let is_for = is_for_expression(list, inside.clone(), code.file.source.text());
            match code.text().as_bytes().first() {
                Some(b'{') => return self.mapping(code, inside, is_for),
                Some(b'[') if is_for => return CodeValue::Unknown(span),
                Some(b'[') => {
                    let items = read_list(list, inside);
                    let items = items
                        .into_iter()
                        .map(|item| self.value(&code.with_tokens(item)))
                        .collect();
                    return CodeValue::Sequence { span, items };
                }
                _ => {}
            }
        }
        if count_separators(code) > MAX_SEPARATORS {
            return CodeValue::Unknown(span);
        }
        match hcl_edit::parser::parse_expr(code.text()) {
            Ok(expression) => {
                let start = CodeStart {
                    file: code.file,
                    offset: span.start,
                };
                self.expression(start, &expression)
            }
            Err(_) => CodeValue::Unknown(span),
        }
    }

    /// Returns the value of a parsed expression.
    pub fn expression(&mut self, start: CodeStart<'m>, expression: &Expression) -> CodeValue {
        let span = start.span(expression.span());
        if self.depth >= MAX_DEPTH {
            return CodeValue::Unknown(span);
        }
        self.depth += 1;
        let value = self.value_of_expression(start, expression, span);
        self.depth -= 1;
        value
    }

    fn value_of_expression(
        &mut self,
        start: CodeStart<'m>,
        expression: &Expression,
        span: Span,
    ) -> CodeValue {
        match expression {
            Expression::String(text) => CodeValue::Text(quoted_text(start, span, text)),
            Expression::StringTemplate(template) => self.template(start, span, template),
            Expression::HeredocTemplate(heredoc) => {
                CodeValue::Text(self.heredoc(start, span, heredoc))
            }
            Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) => {
                CodeValue::Literal(span)
            }
            Expression::Parenthesis(inner) => self.expression(start, inner.inner()),
            Expression::Object(_) | Expression::Array(_) => self.bracketed(start, span),
            Expression::FuncCall(call) => self.call(start, span, call),
            Expression::Conditional(conditional) => self.conditional(start, span, conditional),
            Expression::Variable(_) | Expression::Traversal(_) => {
                self.traversal(start, span, expression)
            }
            Expression::ForExpr(for_expr) if for_expr.key_expr.is_some() => CodeValue::Mapping {
                span,
                entries: Vec::new(),
                is_complete: false,
            },
            Expression::ForExpr(_) | Expression::UnaryOp(_) | Expression::BinaryOp(_) => {
                CodeValue::Unknown(span)
            }
        }
    }

    /// Returns the text of an expression that is known only at run time.
    pub fn dynamic(start: CodeStart<'m>, span: Span) -> CodeValue {
        CodeValue::Text(dynamic_text(span, expansion(start.slice(span))))
    }

    /// Returns the value of an object or a list that `hcl-edit` parsed. It is unknown in a string, whose
    /// tokens are not read.
    fn bracketed(&mut self, start: CodeStart<'m>, span: Span) -> CodeValue {
        let list = &start.file.list;
        let Some(open) = list.at_offset(span.start) else {
            return CodeValue::Unknown(span);
        };
        let code = HclCode {
            file: start.file,
            tokens: open..list.after(open),
        };
        if code.span() == span {
            self.value(&code)
        } else {
            CodeValue::Unknown(span)
        }
    }

    fn mapping(&mut self, code: &HclCode<'m>, inside: Range<usize>, is_for: bool) -> CodeValue {
        let span = code.span();
        if is_for {
            return CodeValue::Mapping {
                span,
                entries: Vec::new(),
                is_complete: false,
            };
        }
        let (found, has_other) = read_object(&code.file.list, inside);
        let mut is_complete = !has_other;
        let mut entries = Vec::with_capacity(found.len());
        for entry in found {
            match self.key(&code.with_tokens(entry.key)) {
                Some(key) => {
                    is_complete &= !key.is_dynamic();
                    let value = self.value(&code.with_tokens(entry.value));
                    entries.push((key, value));
                }
                None => is_complete = false,
            }
        }
        CodeValue::Mapping {
            span,
            entries,
            is_complete,
        }
    }

    /// Returns the key of an entry, which is a name or an expression.
    fn key(&mut self, code: &HclCode<'m>) -> Option<CodeText> {
        let span = code.span();
        let is_word = code.tokens.len() == 1
            && code.file.list.kind(code.tokens.start) == Some(TokenKind::Word);
        if is_word {
            return Some(name_text(span, code.text()));
        }
        match self.value(code) {
            CodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of `condition ? a : b`. A text is known if both sides are the same. A mapping
    /// has the entries of both sides, and may lack some of them.
    fn conditional(
        &mut self,
        start: CodeStart<'m>,
        span: Span,
        conditional: &Conditional,
    ) -> CodeValue {
        let sides = [&conditional.true_expr, &conditional.false_expr]
            .map(|side| self.expression(start, side));
        match &sides {
            [CodeValue::Text(left), CodeValue::Text(right)]
                if left.text == right.text && left.expansions == right.expansions =>
            {
                let text = left.text.clone();
                CodeValue::Text(replaced_text(span, text, left.expansions.clone()))
            }
            [CodeValue::Text(_), _] | [_, CodeValue::Text(_)] => Self::dynamic(start, span),
            [CodeValue::Mapping { .. }, _] | [_, CodeValue::Mapping { .. }] => CodeValue::Mapping {
                span,
                entries: sides.into_iter().flat_map(into_entries).collect(),
                is_complete: false,
            },
            _ => CodeValue::Unknown(span),
        }
    }
}

/// Returns the entries of a mapping.
pub(super) fn into_entries(value: CodeValue) -> Vec<(CodeText, CodeValue)> {
    match value {
        CodeValue::Mapping { entries, .. } => entries,
        _ => Vec::new(),
    }
}

/// Returns the text of a name that the file contains as it is.
pub(super) fn name_text(span: Span, text: &str) -> CodeText {
    CodeText {
        text: text.to_owned(),
        offsets: OffsetMap::from_verbatim(span),
        span,
        expansions: Vec::new(),
        definition: None,
    }
}

/// Returns the text that stands for an expression: the expression as an interpolation.
pub(super) fn expansion(code: &str) -> String {
    format!("${{{}}}", code.trim())
}

/// Returns the number of `=` and `:` in an expression, without those in the literal parts of strings.
fn count_separators(code: &HclCode<'_>) -> usize {
    let tokens = code.file.list.tokens.get(code.tokens.clone());
    tokens
        .unwrap_or_default()
        .iter()
        .map(|token| match token.kind {
            TokenKind::Equals | TokenKind::Colon => 1,
            TokenKind::Quoted | TokenKind::Heredoc => token.partner,
            _ => 0,
        })
        .fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::terraform_checks::evaluate;

    #[test]
    fn expressions_have_values() {
        let cases = [
            ("\"a\"", "a"),
            ("(\"a\")", "a"),
            ("((\n  \"a\" # comment\n))", "a"),
            ("1", "1"),
            ("1.5e3", "1.5e3"),
            ("true", "true"),
            ("null", "null"),
            ("-1", "-1"),
            ("-var.x", "?"),
            ("1 + 2", "?"),
            ("!var.x", "?"),
            ("var.a == \"b\"", "?"),
            ("[]", "[]"),
            ("[\"a\", 1, [\"b\"], var.x]", "[a, 1, [b], ‹${var.x}›]"),
            ("[\n  \"a\", # comment\n\n  \"b\", // other\n]", "[a, b]"),
            ("[for x in var.y : x]", "?"),
            ("var.x[*].id", "‹${var.x[*].id}›"),
            ("\"a\" // comment", "a"),
            ("/* a */ \"b\" /* c */", "b"),
            ("\"a\" # \"b\"", "a"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate("", expression), expected, "{expression}");
        }
    }

    #[test]
    fn objects_have_entries() {
        let cases = [
            ("{}", "{}"),
            ("{ a = \"b\" }", "{a=b}"),
            ("{ a = \"b\", c : \"d\" }", "{a=b, c=d}"),
            (
                "{\n  a = \"b\"\n\n  # comment\n  \"c d\" = \"e\" /* x */\n}",
                "{a=b, c d=e}",
            ),
            ("{ (\"a\") = \"b\" }", "{a=b}"),
            ("{ \"a${\"b\"}\" = \"c\" }", "{ab=c}"),
            ("{ (var.x) = \"b\" }", "{‹${var.x}›=b, …}"),
            ("{ 1 = \"b\" }", "{1=b}"),
            ("{ for = \"b\" }", "{for=b}"),
            ("{ ünï-cödé = \"b\" }", "{ünï-cödé=b}"),
            ("{ for k, v in var.x : k => v }", "{…}"),
            ("{\n  for k in var.x : k => {\n a = \"b\" }\n}", "{…}"),
            ("{ a = { b = { c = \"d\" } } }", "{a={b={c=d}}}"),
            ("{ a = 1, a = 2 }", "{a=1, a=2}"),
            ("{ a = b ? 1 : 2 }", "{a=?}"),
            ("{ a = }", "{a=?}"),
            ("{ a }", "{…}"),
            ("{ a, b = \"c\" }", "{b=c, …}"),
            ("{ a = \"b\" \"c\", d = \"e\" }", "{a=?, d=e}"),
            ("{ a = )\n d = \"e\" }", "{a=?, d=e}"),
            ("{ [1] = \"b\" }", "{…}"),
            ("{ a == \"b\" }", "{…}"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate("", expression), expected, "{expression}");
        }
    }

    #[test]
    fn conditions_with_equal_sides_are_known() {
        let cases = [
            ("var.x ? \"a\" : \"a\"", "a"),
            ("var.x ? \"a\" : \"b\"", "‹${var.x ? \"a\" : \"b\"}›"),
            ("var.x ? \"a\" : null", "‹${var.x ? \"a\" : null}›"),
            ("var.x ? var.y : var.y", "‹${var.y}›"),
            ("var.x ? 1 : 2", "?"),
            ("var.x ? { a = \"b\" } : {}", "{a=b, …}"),
            ("var.x ? { a = \"b\" } : { a = \"c\" }", "{a=b, a=c, …}"),
            ("var.x ? null : { a = \"b\" }", "{a=b, …}"),
            ("(\n  var.x\n  ? \"a\"\n  : \"a\"\n)", "a"),
        ];
        for (expression, expected) in cases {
            assert_eq!(evaluate("", expression), expected, "{expression}");
        }
    }

    #[test]
    fn objects_with_many_entries_are_read() {
        let entries = "a = \"b\"\n".repeat(2000);
        let object = evaluate("", &format!("{{\n{entries}}}"));
        assert_eq!(object.matches("a=b").count(), 2000);
        assert_eq!(evaluate("", &format!("merge({{\n{entries}}})")), "?");
    }
}
