//! Reads arguments as far as they are known without running the code.

use super::evaluator::Evaluator;
use super::python_facts::{CodeText, CodeValue};
use super::python_module::{Argument, ArgumentKind, ExprId, ExprKind, PythonModule};
use super::python_values::{ExprRef, Value};
use crate::document::offsets::OffsetMap;
use crate::text::source::Span;

/// The deepest nesting of lists and dictionaries that is read.
const MAX_DEPTH: usize = 32;

/// A reader of one argument.
pub(super) struct ArgumentReader<'e, 'm> {
    evaluator: &'e mut Evaluator<'m>,
    depth: usize,
}

/// An expression, and the span of the name through which it is read.
#[derive(Clone, Copy)]
struct UsedExpr {
    at: ExprRef,
    name: Option<Span>,
}

impl UsedExpr {
    fn inner(self, expr: ExprId) -> Self {
        Self {
            at: ExprRef { expr, ..self.at },
            ..self
        }
    }
}

impl<'e, 'm> ArgumentReader<'e, 'm> {
    /// Creates a reader.
    pub fn new(evaluator: &'e mut Evaluator<'m>) -> Self {
        Self {
            evaluator,
            depth: 0,
        }
    }

    /// Returns the value of an argument.
    pub fn value(&mut self, at: ExprRef) -> CodeValue {
        self.read(UsedExpr { at, name: None })
    }

    /// Returns the texts of a list. An item that is not known is one expansion.
    pub fn texts(&mut self, at: ExprRef) -> Vec<CodeText> {
        let mut texts = Vec::new();
        if !matches!(self.evaluator.value(at), Value::Literal) {
            self.add_texts(UsedExpr { at, name: None }, &mut texts);
        }
        texts
    }

    /// Returns a collection and how it is used. It may be the value of a name.
    fn collection(&mut self, used: UsedExpr) -> Option<UsedExpr> {
        match self.evaluator.value(used.at) {
            Value::Collection(at) if at == used.at => Some(used),
            Value::Collection(at) => {
                let name = used.name.unwrap_or_else(|| self.span(used));
                Some(UsedExpr {
                    at,
                    name: Some(name),
                })
            }
            _ => None,
        }
    }

    /// Returns whether another value may be read, and counts it.
    fn may_read(&mut self, used: UsedExpr) -> bool {
        self.depth < MAX_DEPTH && (used.name.is_none() || self.evaluator.count_constant())
    }

    fn add_texts(&mut self, used: UsedExpr, texts: &mut Vec<CodeText>) {
        let collection = self.collection(used);
        let module = collection.and_then(|found| self.evaluator.module(found.at.module));
        let (Some(collection), Some(module)) = (collection, module) else {
            texts.push(self.text(used));
            return;
        };
        if !self.may_read(collection) {
            texts.push(self.unknown_text(used));
            return;
        }
        self.depth += 1;
        match module.kind(collection.at.expr) {
            ExprKind::Sequence(items) => {
                for &item in items {
                    self.add_item(&module, collection.inner(item), texts);
                }
            }
            ExprKind::Sum(terms) => {
                for &term in terms {
                    self.add_texts(collection.inner(term), texts);
                }
            }
            _ => texts.push(self.unknown_text(used)),
        }
        self.depth -= 1;
    }

    fn add_item(&mut self, module: &PythonModule, item: UsedExpr, texts: &mut Vec<CodeText>) {
        if let ExprKind::Starred(list) = module.kind(item.at.expr) {
            self.add_texts(item.inner(*list), texts);
        } else if self.may_read(item) {
            texts.push(self.text(item));
        }
    }

    fn read(&mut self, used: UsedExpr) -> CodeValue {
        let span = self.span(used);
        if !self.may_read(used) {
            return CodeValue::Unknown(span);
        }
        match self.evaluator.value(used.at) {
            Value::Text(_) => CodeValue::Text(self.text(used)),
            Value::Literal => CodeValue::Literal(span),
            Value::Collection(_) => {
                self.depth += 1;
                let value = self.read_collection(used, span);
                self.depth -= 1;
                value
            }
            _ => CodeValue::Unknown(span),
        }
    }

    fn read_collection(&mut self, used: UsedExpr, span: Span) -> CodeValue {
        let collection = self.collection(used);
        let module = collection.and_then(|found| self.evaluator.module(found.at.module));
        let (Some(collection), Some(module)) = (collection, module) else {
            return CodeValue::Unknown(span);
        };
        match module.kind(collection.at.expr) {
            ExprKind::Sequence(items) => CodeValue::Sequence {
                span,
                items: items
                    .iter()
                    .map(|&item| self.read(collection.inner(item)))
                    .collect(),
            },
            ExprKind::Mapping(_) | ExprKind::Call(..) => {
                let mut entries = Vec::new();
                let is_complete = self.add_entries(&module, collection, &mut entries);
                CodeValue::Mapping {
                    span,
                    entries,
                    is_complete,
                }
            }
            _ => CodeValue::Unknown(span),
        }
    }

    /// Adds the entries of a dictionary. Returns whether these are all.
    fn add_entries(
        &mut self,
        module: &PythonModule,
        mapping: UsedExpr,
        entries: &mut Vec<(CodeText, CodeValue)>,
    ) -> bool {
        let pairs = match module.kind(mapping.at.expr) {
            ExprKind::Mapping(pairs) => pairs,
            ExprKind::Call(_, arguments) => return self.add_keywords(mapping, arguments, entries),
            _ => return false,
        };
        let mut is_complete = true;
        for (key, value) in pairs {
            let value = mapping.inner(*value);
            if let Some(key) = key {
                let key = mapping.inner(*key);
                if self.may_read(key) {
                    entries.push((self.text(key), self.read(value)));
                } else {
                    is_complete = false;
                }
                continue;
            }
            let inner = self.collection(value);
            let inner_module = inner.and_then(|found| self.evaluator.module(found.at.module));
            is_complete &= match (inner, inner_module) {
                (Some(inner), Some(inner_module)) if self.may_read(inner) => {
                    self.depth += 1;
                    let is_complete = self.add_entries(&inner_module, inner, entries);
                    self.depth -= 1;
                    is_complete
                }
                _ => false,
            };
        }
        is_complete
    }

    /// Adds the entries of `dict(key=value)`. Returns whether these are all.
    fn add_keywords(
        &mut self,
        mapping: UsedExpr,
        arguments: &[Argument],
        entries: &mut Vec<(CodeText, CodeValue)>,
    ) -> bool {
        for argument in arguments {
            let value = mapping.inner(argument.value);
            let ArgumentKind::Keyword(name, span) = &argument.kind else {
                return false;
            };
            if !self.may_read(value) {
                return false;
            }
            let key = CodeText {
                text: name.clone(),
                offsets: OffsetMap::from_verbatim(*span),
                span: *span,
                expansions: Vec::new(),
                definition: None,
            };
            let key = match mapping.name {
                Some(name) => key.replaced_at(name),
                None => key,
            };
            entries.push((key, self.read(value)));
        }
        true
    }

    /// Returns a text. If it is read through a name, its span is that of the name.
    fn text(&mut self, used: UsedExpr) -> CodeText {
        match (self.evaluator.value(used.at), used.name) {
            (Value::Text(text), Some(name)) => text.used_at(name).code,
            (Value::Text(text), None) => text.code.clone(),
            (value, _) => {
                let mut text = self.unknown_text(used);
                for expansion in &mut text.expansions {
                    expansion.template = value.template();
                }
                text
            }
        }
    }

    fn unknown_text(&self, used: UsedExpr) -> CodeText {
        let text = self.evaluator.unknown_text(used.at);
        match used.name {
            Some(name) => text.replaced_at(name),
            None => text,
        }
    }

    /// Returns the span of an expression in the module that is read.
    fn span(&self, used: UsedExpr) -> Span {
        let own = || {
            let module = self.evaluator.module(used.at.module);
            module
                .map(|module| module.span(used.at.expr))
                .unwrap_or_default()
        };
        used.name.unwrap_or_else(own)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fact_checks::facts;

    #[test]
    fn constants_in_constants_are_limited() {
        let mut code = "import zenml\ns0 = {'a': 'b'}\nl0 = ['a']\n".to_owned();
        for index in 0..60 {
            code += &format!("s{0} = {{'x': s{index}, 'y': s{index}}}\n", index + 1);
            code += &format!("l{0} = l{index} + l{index}\n", index + 1);
        }
        let uses = "FooConfig(x=s60)\nx.configure(secrets=l60)\n".repeat(1000);
        let found = facts(&format!("{code}{uses}"));
        assert_eq!(found.len(), 2000);
        assert!(found.concat().len() < 10_000_000);
    }

    #[test]
    fn deep_arguments_are_unknown() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let code = format!("import zenml\nFooConfig(x={})", nested(50));
        let expected = format!("FooConfig(x={}?{})", "[".repeat(32), "]".repeat(32));
        assert_eq!(facts(&code), [expected]);
        let code = format!("import zenml\nFooConfig(x={})", nested(100_000));
        assert_eq!(facts(&code).len(), 1);
    }
}
