//! Folds literals, sums and formats into texts with maps to the file.

use super::super::python_facts::{CodeText, Expansion, TextDefinition};
use super::super::python_module::{Argument, ExprId, ExprKind, PythonModule, TextPart};
use super::super::python_values::{ExprRef, FoldedText, Value};
use super::format_values::FormatValues;
use super::{Evaluator, MAX_SHOWN_BYTES};
use crate::document::offsets::OffsetMapBuilder;
use crate::document::text_template::TextTemplate;
use crate::text::source::{Span, floor_char_boundary};
use std::ops::Range;
use std::sync::Arc;

/// The longest text that is folded from several parts.
const MAX_FOLDED_BYTES: usize = 1 << 16;

impl Evaluator<'_> {
    /// Folds a literal. The fields of an f-string are replaced by constants.
    pub(super) fn fold_literal(&mut self, at: ExprRef, span: Span, parts: &[TextPart]) -> Value {
        let Some(module) = self.module(at.module) else {
            return Value::Unknown;
        };
        if let [
            TextPart::Decoded {
                text,
                offsets,
                span: content,
            },
        ] = parts
        {
            let code = CodeText {
                text: text.clone(),
                offsets: offsets.clone(),
                span,
                expansions: Vec::new(),
                definition: None,
            };
            let definition = TextDefinition {
                source: Arc::clone(&module.source),
                span: *content,
            };
            return Value::text(code, Some(definition));
        }
        let mut folding = TextFolding::default();
        for part in parts {
            match part {
                TextPart::Decoded { text, offsets, .. } => folding.out.push_mapped(text, offsets),
                TextPart::Field(field, value) => {
                    let value = value.map(|expr| self.value(ExprRef { expr, ..at }));
                    let text = value.as_ref().and_then(Value::fixed_text);
                    if let Some(text) = text.filter(|text| folding.has_room(text.len())) {
                        folding.out.push_replaced(field.start, field.len(), text);
                    } else {
                        let template = value.as_ref().and_then(Value::template);
                        folding.push_unknown(&module, *field, template);
                    }
                }
            }
        }
        folding.finish(span)
    }

    /// Folds `a + b`: a text if one of the terms is a text.
    pub(super) fn fold_sum(&mut self, at: ExprRef, span: Span, terms: &[ExprId]) -> Value {
        let Some(module) = self.module(at.module) else {
            return Value::Unknown;
        };
        let inner = |expr: ExprId| ExprRef { expr, ..at };
        let values: Vec<(ExprId, Value)> = terms
            .iter()
            .map(|&term| (term, self.value(inner(term))))
            .collect();
        if !values
            .iter()
            .any(|(_, value)| matches!(value, Value::Text(_)))
        {
            let is_list = values.iter().any(|(_, value)| match value {
                Value::Collection(list) => self.is_list(*list),
                _ => false,
            });
            return if is_list {
                Value::Collection(at)
            } else {
                Value::Unknown
            };
        }
        let mut folding = TextFolding::default();
        for (term, value) in &values {
            match value {
                Value::Text(text) if folding.has_room(text.code.text.len()) => {
                    folding.push_text(&text.code);
                }
                Value::Text(_) => return Value::Unknown,
                _ => folding.push_unknown(&module, module.span(*term), value.template()),
            }
        }
        folding.finish(span)
    }

    /// Folds a path of several parts: a text if the last part is a text.
    pub(super) fn fold_path(&mut self, at: ExprRef, span: Span, parts: &[ExprId]) -> Value {
        let Some(module) = self.module(at.module) else {
            return Value::Unknown;
        };
        let mut folding = TextFolding::default();
        let mut is_text = false;
        for &part in parts {
            let value = self.value(ExprRef { expr: part, ..at });
            let part_span = module.span(part);
            if !folding.out.text().is_empty() && !folding.out.text().ends_with('/') {
                folding.out.push_replaced(part_span.start, 0, "/");
            }
            is_text = matches!(value, Value::Text(_));
            match value {
                Value::Text(text) if folding.has_room(text.code.text.len()) => {
                    folding.push_text(&text.code);
                }
                value => folding.push_unknown(&module, part_span, value.template()),
            }
        }
        if is_text {
            folding.finish(span)
        } else {
            Value::Unknown
        }
    }

    fn is_list(&self, at: ExprRef) -> bool {
        self.module(at.module).is_some_and(|module| {
            let kind = module.kind(at.expr);
            matches!(kind, ExprKind::Sequence(_) | ExprKind::Sum(_))
        })
    }

    /// Folds `template % values`.
    pub(super) fn fold_percent_format(
        &mut self,
        template: ExprRef,
        values: ExprRef,
        span: Span,
    ) -> Value {
        match self.value(template) {
            Value::Text(template) => {
                let values = self.percent_values(values);
                fold_template(&template, span, next_percent_field, &values)
            }
            _ => Value::Unknown,
        }
    }

    /// Folds `template.format(…)`.
    pub(super) fn fold_format(
        &mut self,
        call: ExprRef,
        template: &FoldedText,
        arguments: &[Argument],
    ) -> Value {
        let span = self.module(call.module).map(|it| it.span(call.expr));
        let values = self.format_values(call, arguments);
        fold_template(
            template,
            span.unwrap_or_default(),
            next_brace_field,
            &values,
        )
    }
}

/// Returns a text that is only a default: its value is known only at run time. `variable` is the
/// variable that it is the default of.
pub(super) fn at_run_time(text: &FoldedText, span: Span, variable: Value) -> Value {
    let len = text.code.text.len();
    if len == 0 {
        return variable;
    }
    let whole = Expansion {
        range: 0..len,
        template: variable.template(),
    };
    let code = CodeText {
        span,
        expansions: vec![whole],
        ..text.code.clone()
    };
    Value::text(code, None)
}

/// A part of a template that is not a text.
enum TemplatePart {
    /// A field with its length.
    Field(usize),
    /// An escape of two bytes, of which the first is the text.
    Escape,
}

type NextPart = fn(&str, usize) -> Option<(usize, TemplatePart)>;

/// Folds a template. Its fields become expansions.
fn fold_template(
    template: &FoldedText,
    span: Span,
    next: NextPart,
    values: &FormatValues,
) -> Value {
    let code = &template.code;
    if code.text.len() > MAX_FOLDED_BYTES {
        return Value::Unknown;
    }
    let mut folding = TextFolding::default();
    let mut at = 0;
    let mut next_index = 0;
    while let Some((start, part)) = next(&code.text, at) {
        folding.push_range(code, at..start);
        at = match part {
            TemplatePart::Escape => {
                folding.push_range(code, start..start + 1);
                start + 2
            }
            TemplatePart::Field(len) => {
                let from = folding.out.text().len();
                folding.push_range(code, start..start + len);
                let field = code.text.get(start..start + len).unwrap_or_default();
                folding.expansions.push(Expansion {
                    range: from..folding.out.text().len(),
                    template: values.template(field, &mut next_index),
                });
                start + len
            }
        };
    }
    folding.push_range(code, at..code.text.len());
    if folding.expansions.is_empty() {
        return at_run_time(template, span, Value::Unknown);
    }
    folding.finish(span)
}

/// Finds the next field of `%`, for example `%s` or `%(name)s`.
fn next_percent_field(text: &str, from: usize) -> Option<(usize, TemplatePart)> {
    let mut at = from;
    loop {
        at += memchr::memchr(b'%', text.as_bytes().get(at..)?)?;
        let rest = text.get(at + 1..)?;
        if rest.starts_with('%') {
            return Some((at, TemplatePart::Escape));
        }
        let name = match rest.strip_prefix('(') {
            Some(name) => name.find(')').map_or(0, |end| end + 2),
            None => 0,
        };
        let flags = rest.get(name..).unwrap_or_default();
        let flags = flags.len()
            - flags
                .trim_start_matches(|c: char| "#0-+ .*123456789".contains(c))
                .len();
        let is_field = rest
            .get(name + flags..)
            .is_some_and(|rest| rest.starts_with(|c: char| "diouxXeEfFgGcrsa".contains(c)));
        if is_field {
            return Some((at, TemplatePart::Field(name + flags + 2)));
        }
        at += 1;
    }
}

/// Finds the next field of `.format`, for example `{}` or `{name}`.
fn next_brace_field(text: &str, from: usize) -> Option<(usize, TemplatePart)> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'{', b'}', text.as_bytes().get(at..)?)?;
        let rest = text.get(at..)?;
        if rest.starts_with("{{") || rest.starts_with("}}") {
            return Some((at, TemplatePart::Escape));
        }
        let end = memchr::memchr2(b'{', b'}', rest.as_bytes().get(1..)?).map(|end| end + 1);
        match end {
            Some(end) if rest.starts_with('{') && rest.as_bytes().get(end) == Some(&b'}') => {
                return Some((at, TemplatePart::Field(end + 1)));
            }
            _ => at += 1,
        }
    }
}

/// A text that is being folded.
#[derive(Default)]
struct TextFolding {
    out: OffsetMapBuilder,
    expansions: Vec<Expansion>,
}

impl TextFolding {
    fn has_room(&self, len: usize) -> bool {
        self.out.text().len() + len <= MAX_FOLDED_BYTES
    }

    /// Adds a text with its expansions.
    fn push_text(&mut self, code: &CodeText) {
        let base = self.out.text().len();
        self.out.push_mapped(&code.text, &code.offsets);
        let expansions = code.expansions.iter();
        self.expansions
            .extend(expansions.map(|expansion| expansion.after(base)));
    }

    /// Adds a part of a text. Expansions that begin in it stay expansions.
    fn push_range(&mut self, code: &CodeText, range: Range<usize>) {
        let base = self.out.text().len();
        self.out.push_part(&code.offsets, range.clone(), &code.text);
        let inside = code.expansions.iter();
        let inside = inside.filter_map(|expansion| expansion.in_part(&range));
        self.expansions
            .extend(inside.map(|expansion| expansion.after(base)));
    }

    /// Adds the source of an expression that is known only at run time.
    fn push_unknown(
        &mut self,
        module: &PythonModule,
        span: Span,
        template: Option<Arc<TextTemplate>>,
    ) {
        let source = module.source.slice(span);
        let shown = floor_char_boundary(source, MAX_SHOWN_BYTES);
        let from = self.out.text().len();
        self.out
            .push_verbatim(span.start, source.get(..shown).unwrap_or_default());
        self.expansions.push(Expansion {
            range: from..from + shown,
            template,
        });
    }

    fn finish(mut self, span: Span) -> Value {
        self.expansions
            .sort_by_key(|expansion| expansion.range.start);
        // A field of a template may be a field of its value, too.
        self.expansions.dedup_by(|next, expansion| {
            let range = &mut expansion.range;
            let overlaps = next.range.start < range.end;
            if overlaps {
                range.end = range.end.max(next.range.end);
                expansion.template = None;
            }
            overlaps
        });
        let (text, offsets) = self.out.into_text(span);
        let code = CodeText {
            text,
            offsets,
            span,
            expansions: self.expansions,
            definition: None,
        };
        Value::text(code, None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fact_checks::client_facts;

    #[test]
    fn texts_are_folded_with_exact_offsets() {
        for (name, expected) in [
            ("'a'", "a"),
            ("\"a\"", "a"),
            ("'''a'''", "a"),
            ("r'a\\b'", "a\\b"),
            ("u'é'", "é"),
            ("'a' 'b'", "ab"),
            ("('a'\n  # comment\n  \"b\"  r'\\c')", "ab\\c"),
            ("'a' + 'b' + 'c'", "abc"),
            ("('a' + ('b'))", "ab"),
            ("'\\x61\\u0062\\\nc'", "abc"),
            ("f'a'", "a"),
            ("f'{{a}}'", "{a}"),
            ("f'a{x}b'", "a‹{x}›b"),
            ("f'{x}' 'b'", "‹{x}›b"),
            ("f'a{x!r}'", "a‹{x!r}›"),
            ("f'{X:>3}'", "‹{X:>3}›"),
            ("f'{X=}'", "‹{X=}›"),
            ("f'{X}-{ X }'", "x-x"),
            ("f'{x[\"y\"]}'", "‹{x[\"y\"]}›"),
            ("'a' + x", "a‹x›"),
            ("x + '_db'", "‹x›_db"),
            ("x + y", "‹x + y›"),
            ("X + '_db'", "x_db"),
            ("X + x + X", "x‹x›x"),
            ("'a_%s' % x", "a_‹%s›"),
            ("'a_%(b)s_%5.2f%%' % x", "a_‹%(b)s›_‹%5.2f›%"),
            ("'a %' % x", "‹a %›"),
            ("'a_{}'.format(x)", "a_‹{}›"),
            ("'a_{b!r:>3}{{c}}'.format(x)", "a_‹{b!r:>3}›{c}"),
            ("'a'.format(x)", "‹a›"),
            ("'{'.format(x)", "‹{›"),
            ("('%s' % x) % y", "‹%s›"),
            ("os.getenv('E', 'd')", "‹d›"),
            ("os.getenv('E', default='d')", "‹d›"),
            ("os.environ.get('E', X)", "=‹x›"),
            ("os.getenv('E')", "‹os.getenv('E')›"),
            ("os.environ['E']", "‹os.environ['E']›"),
            ("os.getenv('E', '')", "‹os.getenv('E', '')›"),
            ("getenv('E', 'd')", "‹d›"),
            ("env.get('E', 'd')", "‹d›"),
            ("'a' + os.getenv('E', 'd')", "a‹d›"),
            ("os.getenv('E') or 'd'", "‹d›"),
            ("x or 'd'", "‹d›"),
            ("'a' if x else 'a'", "a"),
            ("'a' if x else 'b'", "‹'a' if x else 'b'›"),
            ("x", "‹x›"),
            ("f(x)", "‹f(x)›"),
            ("x.y['z']", "‹x.y['z']›"),
            ("'a'.upper()", "‹'a'.upper()›"),
            ("1", "‹1›"),
            ("str(X)", "‹str(X)›"),
            ("(n := 'a')", "a"),
        ] {
            let code = format!(
                "import os\nfrom os import getenv, environ as env\nX = 'x'\nClient().get_secret({name})"
            );
            let expected = format!("use {expected}");
            assert_eq!(client_facts(&code), [expected], "{name}");
        }
    }

    #[test]
    fn the_size_of_folded_texts_is_limited() {
        let mut code = "s0 = 'aaaaaaaa'\n".to_owned();
        for index in 0..100 {
            code += &format!("s{} = s{index} + s{index}\n", index + 1);
        }
        code += "Client().get_secret(s99)\nClient().get_secret(s3)";
        let long = "a".repeat(64);
        let expected = ["use ‹s99›".to_owned(), format!("use {long}")];
        assert_eq!(client_facts(&code), expected);
        let terms = "'a' + ".repeat(30_000);
        let code = format!("Client().get_secret({terms}x)");
        let expected = format!("use {}‹x›", "a".repeat(30_000));
        assert!(client_facts(&code) == [expected]);
        let source = "x".repeat(300);
        let code = format!("Client().get_secret({source})");
        let expected = format!("use ‹{}›", "x".repeat(256));
        assert_eq!(client_facts(&code), [expected]);
    }
}
