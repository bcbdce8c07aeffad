//! The values of the fields of `template % values` and `template.format(…)`.

use super::super::python_module::{Argument, ArgumentKind, ExprKind};
use super::super::python_values::ExprRef;
use super::Evaluator;
use crate::document::text_template::TextTemplate;
use std::collections::HashMap;
use std::sync::Arc;

/// The most values that are read.
const MAX_VALUES: usize = 64;

/// The values that a format gets. A value that does not consist of text and variables is `None`.
#[derive(Default)]
pub(super) struct FormatValues {
    by_position: Vec<Option<Arc<TextTemplate>>>,
    by_name: HashMap<String, Option<Arc<TextTemplate>>>,
}

impl FormatValues {
    /// Returns the value of a field, such as `%s`, `%(name)s`, `{}`, `{0}` or `{name}`. Returns `None`
    /// if the field changes its value. `next_index` is the position of the next value.
    pub fn template(&self, field: &str, next_index: &mut usize) -> Option<Arc<TextTemplate>> {
        let (name, is_plain) = if let Some(rest) = field.strip_prefix('%') {
            match rest.strip_prefix('(') {
                Some(rest) => (rest.strip_suffix(")s")?, true),
                None => ("", rest == "s"),
            }
        } else {
            let inner = field.strip_prefix('{')?.strip_suffix('}')?;
            let name = inner.split([':', '!']).next().unwrap_or_default();
            (name, name.len() == inner.len())
        };
        let value = if name.is_empty() {
            // `%*d` takes two values.
            let count = if field.contains('*') { MAX_VALUES } else { 1 };
            let index = *next_index;
            *next_index += count;
            self.by_position.get(index)
        } else if let Ok(index) = name.parse::<usize>() {
            self.by_position.get(index)
        } else {
            self.by_name.get(name)
        };
        value?.clone().filter(|_| is_plain)
    }
}

impl Evaluator<'_> {
    /// Returns the values on the right side of `%`: a tuple, a dictionary, or one value.
    pub(super) fn percent_values(&mut self, values: ExprRef) -> FormatValues {
        let mut found = FormatValues::default();
        let Some(module) = self.module(values.module) else {
            return found;
        };
        let inner = |expr| ExprRef { expr, ..values };
        match module.kind(values.expr) {
            ExprKind::Sequence(items) => {
                let is_tuple = module
                    .source
                    .slice(module.span(values.expr))
                    .starts_with('(');
                let is_starred = |expr| matches!(module.kind(expr), ExprKind::Starred(_));
                let items = items.iter().take(MAX_VALUES).filter(|_| is_tuple);
                let items = items.take_while(|item| !is_starred(**item));
                for &item in items {
                    found.by_position.push(self.value(inner(item)).template());
                }
            }
            ExprKind::Mapping(entries) if entries.iter().all(|(key, _)| key.is_some()) => {
                for (key, value) in entries.iter().take(MAX_VALUES) {
                    let key = key.map(|key| self.value(inner(key)));
                    if let Some(key) = key.as_ref().and_then(|key| key.fixed_text()) {
                        let value = self.value(inner(*value)).template();
                        found.by_name.insert(key.to_owned(), value);
                    }
                }
            }
            _ => found.by_position.push(self.value(values).template()),
        }
        found
    }

    /// Returns the values of a call of `format`.
    pub(super) fn format_values(&mut self, call: ExprRef, arguments: &[Argument]) -> FormatValues {
        let mut found = FormatValues::default();
        for argument in arguments.iter().take(MAX_VALUES) {
            let expr = argument.value;
            let value = self.value(ExprRef { expr, ..call }).template();
            match &argument.kind {
                ArgumentKind::Positional => found.by_position.push(value),
                ArgumentKind::Keyword(name, _) => {
                    found.by_name.insert(name.clone(), value);
                }
                ArgumentKind::Unpacked => return FormatValues::default(),
            }
        }
        found
    }
}
