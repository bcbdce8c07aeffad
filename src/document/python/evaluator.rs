//! Determines the values of expressions without running them.
//!
//! A value is computed once. A cycle of names and everything that is nested too deeply is unknown.

mod call_values;
mod client_objects;
mod format_values;
mod imported_names;
mod name_values;
mod text_folding;

pub(super) use call_values::{SECRET_GETTERS, argument};

use super::PythonModules;
use super::python_facts::{CodeText, Expansion};
use super::python_module::{Expr, ExprId, ExprKind, PythonModule, ScopeId};
use super::python_values::{ExprRef, ScopeRef, Value};
use crate::document::offsets::OffsetMap;
use crate::text::source::{Span, floor_char_boundary};
use std::collections::HashMap;
use std::rc::Rc;

/// The longest chain of names and operators that is followed.
const MAX_DEPTH: usize = 64;

/// The longest source of an expression that is shown for a value that is not known.
const MAX_SHOWN_BYTES: usize = 256;

/// The largest dictionary in which constants are looked up.
const MAX_LOOKUP_ENTRIES: usize = 256;

/// The most values that are read through the names of lists and dictionaries. A list may be used often, and
/// lists may contain each other.
const MAX_CONSTANT_VALUES: usize = 1 << 16;

/// The index of the module that is read. The others are imported by it.
pub(super) const MAIN: usize = 0;

/// The values of a module and of those that it imports.
pub(super) struct Evaluator<'m> {
    loader: &'m dyn PythonModules,
    modules: Vec<LoadedModule>,
    /// The modules by the level and name of their imports; `None` if there is no such file.
    imports: HashMap<(usize, String), Option<usize>>,
    depth: usize,
    /// The number of values that were read through the name of a list or dictionary.
    constant_values: usize,
}

/// A module with the values that are known so far.
struct LoadedModule {
    module: Rc<PythonModule>,
    values: Vec<Evaluation>,
}

/// The state of the value of an expression.
#[derive(Clone)]
enum Evaluation {
    Outstanding,
    Running,
    Complete(Value),
}

impl<'m> Evaluator<'m> {
    /// Creates the values of a module.
    pub fn new(module: PythonModule, loader: &'m dyn PythonModules) -> Self {
        let mut evaluator = Self {
            loader,
            modules: Vec::new(),
            imports: HashMap::new(),
            depth: 0,
            constant_values: 0,
        };
        evaluator.add_module(module);
        evaluator
    }

    fn add_module(&mut self, module: PythonModule) -> usize {
        self.modules.push(LoadedModule {
            values: vec![Evaluation::Outstanding; module.exprs.len()],
            module: Rc::new(module),
        });
        self.modules.len() - 1
    }

    /// Returns the module that is read.
    pub fn main(&self) -> Option<Rc<PythonModule>> {
        self.module(MAIN)
    }

    /// Returns a loaded module.
    pub fn module(&self, index: usize) -> Option<Rc<PythonModule>> {
        self.modules
            .get(index)
            .map(|loaded| Rc::clone(&loaded.module))
    }

    /// Counts a value that is read through the name of a list or dictionary. Returns whether there
    /// may be more.
    pub fn count_constant(&mut self) -> bool {
        self.constant_values += 1;
        self.constant_values <= MAX_CONSTANT_VALUES
    }

    /// Returns the value of an expression.
    pub fn value(&mut self, at: ExprRef) -> Value {
        let is_too_deep = self.depth >= MAX_DEPTH;
        match self.slot(at) {
            Some(Evaluation::Complete(value)) => return value.clone(),
            Some(slot @ Evaluation::Outstanding) if !is_too_deep => *slot = Evaluation::Running,
            _ => return Value::Unknown,
        }
        self.depth += 1;
        let value = match self.module(at.module) {
            Some(module) => self.compute(&module, at),
            None => Value::Unknown,
        };
        self.depth -= 1;
        if let Some(slot) = self.slot(at) {
            *slot = Evaluation::Complete(value.clone());
        }
        value
    }

    fn slot(&mut self, at: ExprRef) -> Option<&mut Evaluation> {
        self.modules.get_mut(at.module)?.values.get_mut(at.expr.0)
    }

    fn compute(&mut self, module: &PythonModule, at: ExprRef) -> Value {
        let Some(expr) = module.expr(at.expr) else {
            return Value::Unknown;
        };
        let inner = |expr: ExprId| ExprRef { expr, ..at };
        match &expr.kind {
            ExprKind::Name(name) => self.name_value(at.module, expr, name).used_at(expr.span),
            ExprKind::Attribute(object, name) => {
                let value = self.value(inner(*object));
                let is_overridden = matches!(&value, Value::Instance(class)
                    if class.module == at.module && module.may_override(class.scope, *object, name));
                let may_differ = is_overridden || module.assigns_attribute(*object, name);
                match self.attribute_value(at.module, &value, name) {
                    Value::Text(_) | Value::Variable(_) | Value::Collection(_) if may_differ => {
                        Value::Unknown
                    }
                    value => value.used_at(expr.span),
                }
            }
            ExprKind::Call(function, arguments) => self.call_value(at, inner(*function), arguments),
            ExprKind::Subscript(object, Some(index)) => {
                let is_changed = module.changes_items(*object);
                if is_changed && matches!(self.value(inner(*object)), Value::Collection(_)) {
                    return Value::Unknown;
                }
                let value = self.subscript_value(inner(*object), inner(*index));
                value.used_at(expr.span)
            }
            ExprKind::Text(parts) => self.fold_literal(at, expr.span, parts),
            ExprKind::Sum(terms) => self.fold_sum(at, expr.span, terms),
            ExprKind::Quotient(left, right) => self.fold_path(at, expr.span, &[*left, *right]),
            ExprKind::Format(template, values) => {
                self.fold_percent_format(inner(*template), inner(*values), expr.span)
            }
            ExprKind::Either(left, right) => {
                let (left, right) = (self.value(inner(*left)), self.value(inner(*right)));
                either(&left, right, expr.span)
            }
            ExprKind::Conditional(value, other) => {
                let (value, other) = (self.value(inner(*value)), self.value(inner(*other)));
                merge(&[value, other])
            }
            ExprKind::Sequence(_) | ExprKind::Mapping(_) => Value::Collection(at),
            ExprKind::Literal => Value::Literal,
            ExprKind::Subscript(_, None) | ExprKind::Starred(_) | ExprKind::Unknown => {
                Value::Unknown
            }
        }
    }

    /// Returns the value of an attribute of a value. The attribute is written in a module.
    fn attribute_value(&mut self, module: usize, object: &Value, name: &str) -> Value {
        match object {
            Value::Import(path) => self.import_member(module, path, name),
            Value::Secret(call) if matches!(name, "secret_values" | "values") => {
                Value::SecretValues(*call)
            }
            Value::Class(class) => self.class_member(*class, name, false),
            Value::Instance(class) => self.class_member(*class, name, true),
            // The value of a member of an enum.
            Value::Text(_) if name == "value" => object.clone(),
            Value::ZenmlClient | Value::Foreign => Value::Foreign,
            _ => Value::Unknown,
        }
    }

    fn subscript_value(&mut self, object: ExprRef, index: ExprRef) -> Value {
        let object = self.value(object);
        let index = self.value(index);
        let Some(key) = index.fixed_text() else {
            return Value::Unknown;
        };
        match object {
            Value::Class(class) => self.class_member(class, key, false),
            Value::Import(path) if path.level == 0 && path.path == "os.environ" => {
                Value::Variable(key.into())
            }
            Value::Collection(collection) => self.entry_value(collection, key),
            _ => Value::Unknown,
        }
    }

    /// Returns the value of a key in a dictionary.
    fn entry_value(&mut self, mapping: ExprRef, key: &str) -> Value {
        let Some(module) = self.module(mapping.module) else {
            return Value::Unknown;
        };
        let ExprKind::Mapping(entries) = module.kind(mapping.expr) else {
            return Value::Unknown;
        };
        let mut found = Value::Unknown;
        if entries.len() > MAX_LOOKUP_ENTRIES {
            return found;
        }
        for (name, value) in entries {
            let Some(name) = name else {
                return Value::Unknown;
            };
            let inner = |expr| ExprRef { expr, ..mapping };
            if self.value(inner(*name)).fixed_text() == Some(key) {
                found = self.value(inner(*value));
            }
        }
        found
    }

    /// Returns the text of an expression. An expression that is not known is an expansion.
    pub fn code_text(&mut self, at: ExprRef) -> CodeText {
        match self.value(at) {
            Value::Text(text) => text.code.clone(),
            value => {
                let mut text = self.unknown_text(at);
                for expansion in &mut text.expansions {
                    expansion.template = value.template();
                }
                text
            }
        }
    }

    /// Returns the source of an expression as a text that is known only at run time.
    pub fn unknown_text(&self, at: ExprRef) -> CodeText {
        let module = self.module(at.module);
        let span = module.as_ref().map(|module| module.span(at.expr));
        let span = span.unwrap_or_default();
        let source = module
            .as_ref()
            .map_or("", |module| module.source.slice(span));
        let shown = floor_char_boundary(source, MAX_SHOWN_BYTES);
        let text = source.get(..shown).unwrap_or_default().to_owned();
        CodeText {
            offsets: OffsetMap::from_verbatim(Span::new(span.start, span.start + text.len())),
            expansions: vec![Expansion::unknown(0..text.len())],
            text,
            span,
            definition: None,
        }
    }

    /// Returns the module and the scope of an expression.
    fn scope_of(module: usize, expr: &Expr) -> ScopeRef {
        let scope: ScopeId = expr.scope;
        ScopeRef { module, scope }
    }
}

/// Returns the value of `a or b`.
fn either(left: &Value, right: Value, span: Span) -> Value {
    match (left, &right) {
        (Value::ZenmlClient | Value::Secret(_), _) => left.clone(),
        (_, Value::Text(text)) => {
            let variable = match left {
                Value::Variable(_) => left.clone(),
                _ => Value::Unknown,
            };
            text_folding::at_run_time(text, span, variable)
        }
        (_, Value::Variable(_)) => Value::Unknown,
        _ => right,
    }
}

/// Returns the value of an expression that has one of some values. `None` and numbers are not
/// counted: variables often have such a value before the right one.
fn merge(values: &[Value]) -> Value {
    let is_client = |value: &Value| matches!(value, Value::ZenmlClient);
    if values.iter().any(is_client) {
        return Value::ZenmlClient;
    }
    let mut known = values
        .iter()
        .filter(|value| !matches!(value, Value::Literal));
    let Some(first) = known.next() else {
        return values.first().cloned().unwrap_or(Value::Unknown);
    };
    let mut all = known.clone();
    if all.all(|value| value.is_same(first)) {
        return first.clone();
    }
    let is_foreign = |value: &Value| matches!(value, Value::Foreign);
    if is_foreign(first) || known.any(is_foreign) {
        return Value::Foreign;
    }
    Value::Unknown
}
