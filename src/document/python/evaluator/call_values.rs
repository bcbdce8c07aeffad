//! The results of calls.

use super::super::python_module::{Argument, ArgumentKind, ExprId, ExprKind, ScopeKind};
use super::super::python_values::{ExprRef, ScopeRef, Value};
use super::{Evaluator, text_folding};
use std::rc::Rc;

/// The methods of a client that return a secret by its name.
pub(in crate::document::python) const SECRET_GETTERS: [&str; 2] =
    ["get_secret", "get_secret_by_name_and_private_status"];

/// The most results of a function that are compared.
const MAX_RESULTS: usize = 8;

impl Evaluator<'_> {
    pub(super) fn call_value(
        &mut self,
        call: ExprRef,
        function: ExprRef,
        arguments: &[Argument],
    ) -> Value {
        let Some(module) = self.module(call.module) else {
            return Value::Unknown;
        };
        let span = module.span(call.expr);
        if let ExprKind::Attribute(object, method) = module.kind(function.expr) {
            let object = ExprRef {
                expr: *object,
                ..call
            };
            if SECRET_GETTERS.contains(&method.as_str()) && self.is_client(object) {
                return Value::Secret(call);
            }
            if method == "format"
                && let Value::Text(template) = self.value(object)
            {
                return self.fold_format(call, &template, arguments);
            }
        }
        let is_keyword = |argument: &Argument| matches!(argument.kind, ArgumentKind::Keyword(..));
        if matches!(module.kind(function.expr), ExprKind::Name(name) if name == "dict")
            && arguments.iter().all(is_keyword)
        {
            return Value::Collection(call);
        }
        match self.value(function) {
            Value::Import(path) if path.is_client_class() => Value::ZenmlClient,
            Value::Import(path) => match path.path.as_str() {
                "os.getenv" | "os.environ.get" if path.level == 0 => {
                    self.environment_value(call, arguments)
                }
                "os.path.join" => {
                    let parts: Vec<ExprId> = arguments.iter().map(|part| part.value).collect();
                    self.fold_path(call, span, &parts)
                }
                _ if Self::is_foreign_call(&path) => Value::Foreign,
                _ => Value::Unknown,
            },
            Value::Class(class) => self.new_instance(class),
            Value::Function(function) => self.function_result(function),
            _ => Value::Unknown,
        }
    }

    /// Returns the value of a call that reads an environment variable. It has the text of its default.
    fn environment_value(&mut self, call: ExprRef, arguments: &[Argument]) -> Value {
        let mut value = |keyword, position| {
            let found = argument(arguments, keyword, position);
            found.map(|expr| self.value(ExprRef { expr, ..call }))
        };
        let name = value("key", 0);
        let default = value("default", 1);
        let variable = match name.as_ref().and_then(Value::fixed_text) {
            Some(name) => Value::Variable(name.into()),
            None => Value::Unknown,
        };
        let Some(Value::Text(default)) = default else {
            return variable;
        };
        let span = self.module(call.module).map(|it| it.span(call.expr));
        let span = span.unwrap_or_default();
        text_folding::at_run_time(&default, span, variable)
    }

    pub(super) fn new_instance(&mut self, class: ScopeRef) -> Value {
        let module = self.module(class.module);
        let scope = module.as_ref().and_then(|module| module.scope(class.scope));
        if let Some(ScopeKind::Class { bases, .. }) = scope.map(|scope| &scope.kind) {
            for &expr in bases.iter().take(MAX_RESULTS) {
                let base = ExprRef {
                    module: class.module,
                    expr,
                };
                if let Value::Import(path) = self.value(base)
                    && path.is_client_class()
                {
                    return Value::ZenmlClient;
                }
            }
        }
        Value::Instance(class)
    }

    /// Returns the client that a function returns. All other results are unknown.
    fn function_result(&mut self, function: ScopeRef) -> Value {
        let module = self
            .module(function.module)
            .map(|module| Rc::clone(&module));
        let scope = module
            .as_ref()
            .and_then(|module| module.scope(function.scope));
        let Some(ScopeKind::Function {
            annotation,
            results,
            ..
        }) = scope.map(|scope| &scope.kind)
        else {
            return Value::Unknown;
        };
        let inner = |expr| ExprRef {
            module: function.module,
            expr,
        };
        if let Some(annotation) = annotation {
            let value = self.annotated_value(inner(*annotation));
            if !matches!(value, Value::Unknown) {
                return value;
            }
        }
        let mut found = Value::Unknown;
        for &result in results.iter().take(MAX_RESULTS) {
            match self.value(inner(result)) {
                Value::ZenmlClient => return Value::ZenmlClient,
                Value::Foreign => found = Value::Foreign,
                _ => {}
            }
        }
        found
    }

    /// Returns the value of an item of a list or tuple.
    pub(super) fn item_value(&mut self, sequence: ExprRef, index: usize) -> Value {
        let Value::Collection(found) = self.value(sequence) else {
            return Value::Unknown;
        };
        let Some(module) = self.module(found.module) else {
            return Value::Unknown;
        };
        match module.kind(found.expr) {
            ExprKind::Sequence(items)
                if !items
                    .iter()
                    .take(index + 1)
                    .any(|item| matches!(module.kind(*item), ExprKind::Starred(_))) =>
            {
                match items.get(index) {
                    Some(&expr) => self.value(ExprRef { expr, ..found }),
                    None => Value::Unknown,
                }
            }
            _ => Value::Unknown,
        }
    }
}

/// Returns an argument by its keyword, or by its position if the position is known.
pub(in crate::document::python) fn argument(
    arguments: &[Argument],
    keyword: &str,
    position: usize,
) -> Option<ExprId> {
    let by_name = arguments.iter().find(|argument| match &argument.kind {
        ArgumentKind::Keyword(name, _) => name == keyword,
        _ => false,
    });
    let is_positional = |argument: &&Argument| matches!(argument.kind, ArgumentKind::Positional);
    let by_position = || {
        let mut first = arguments.iter().take_while(is_positional);
        first.nth(position)
    };
    by_name.or_else(by_position).map(|argument| argument.value)
}
