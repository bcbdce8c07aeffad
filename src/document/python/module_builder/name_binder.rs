//! Binds names to values.

use super::super::python_module::{Binding, Bound, ExprId, ExprKind, ScopeId, ScopeKind};
use super::super::python_values::ImportPath;
use super::import_lines::ImportLine;
use super::python_node::PythonNode as _;
use super::{MAX_DEPTH, ModuleBuilder, named_children};
use std::ops::Range;
use tree_sitter::Node;

impl ModuleBuilder<'_> {
    /// Reads an assignment. Returns its value.
    pub(super) fn assignment(&mut self, node: Node<'_>) -> ExprId {
        let annotation = node.field("type");
        let annotation = annotation.map(|annotation| self.expression(annotation));
        let value = node.field("right").map(|right| {
            if right.kind_name() == "assignment" && self.depth < MAX_DEPTH {
                self.depth += 1;
                let value = self.assignment(right);
                self.depth -= 1;
                value
            } else {
                self.expression(right)
            }
        });
        if let Some(left) = node.field("left") {
            let at = self.base + node.end_byte();
            self.bind_target(left, &Bound::Value(value, annotation), at);
        }
        value.unwrap_or_else(|| self.push(self.span(node), ExprKind::Unknown))
    }

    /// Binds the names of a target. `at` is the offset from which they have the value.
    pub(super) fn bind_target(&mut self, target: Node<'_>, value: &Bound, at: usize) {
        match target.kind_name() {
            "identifier" => self.bind(target, value.clone(), at),
            "attribute" => self.bind_attribute(target, value.clone(), at),
            "subscript" => self.visit_children(target),
            _ if self.depth >= MAX_DEPTH => {}
            _ => {
                self.depth += 1;
                let items = named_children(target);
                let has_splat = items
                    .iter()
                    .any(|item| item.kind_name() == "list_splat_pattern");
                for (index, item) in items.into_iter().enumerate() {
                    let part = match value {
                        Bound::Value(Some(value), _) if !has_splat => Bound::Item(*value, index),
                        _ => Bound::Unknown,
                    };
                    self.bind_target(item, &part, at);
                }
                self.depth -= 1;
            }
        }
    }

    /// Binds a name in its scope.
    pub(super) fn bind(&mut self, name: Node<'_>, value: Bound, at: usize) {
        let name = self.node_text(name).to_owned();
        self.bind_name(name, value, at);
    }

    fn bind_name(&mut self, name: String, value: Bound, at: usize) {
        let mut scope_id = self.scope;
        // A comprehension binds only its own targets, which are unknown.
        while !matches!(value, Bound::Unknown)
            && let Some(scope) = self.module.scope(scope_id)
            && matches!(scope.kind, ScopeKind::Inline)
            && let Some(parent) = scope.parent
        {
            scope_id = parent;
        }
        let scope = self.module.scope(scope_id);
        let outer = scope
            .and_then(|scope| scope.outer_names.get(&name))
            .copied();
        let binding = Binding {
            at,
            block: self.block,
            value,
            is_remote: outer.is_some(),
        };
        if let Some(scope) = self.module.scopes.get_mut(outer.unwrap_or(scope_id).0) {
            scope.names.entry(name).or_default().push(binding);
        }
    }

    /// Binds `self.x`. Other attributes have no known value.
    fn bind_attribute(&mut self, target: Node<'_>, value: Bound, at: usize) {
        let object = target.field("object");
        let (Some(object), Some(name)) = (object, target.field("attribute")) else {
            return;
        };
        if object.kind_name() != "identifier" {
            self.visit(object);
            return;
        }
        let Some(ScopeKind::Function {
            receiver: Some((class, receiver)),
            ..
        }) = self.module.scope(self.scope).map(|scope| &scope.kind)
        else {
            return;
        };
        if receiver != self.node_text(object) {
            return;
        }
        let (class, name) = (*class, self.node_text(name).to_owned());
        let binding = Binding {
            at,
            block: self.block,
            value,
            is_remote: true,
        };
        let class = self.module.scopes.get_mut(class.0);
        if let Some(ScopeKind::Class { attributes, .. }) = class.map(|class| &mut class.kind) {
            attributes.entry(name).or_default().push(binding);
        }
    }

    /// Binds the parameters of a function. Defaults and annotations are read in the scope around it.
    pub(super) fn bind_parameters(
        &mut self,
        parameters: Node<'_>,
        scope: ScopeId,
        class: Option<ScopeId>,
    ) {
        for (index, parameter) in named_children(parameters).into_iter().enumerate() {
            let annotation = parameter.field("type");
            let annotation = annotation.map(|annotation| self.expression(annotation));
            let default = parameter.field("value");
            let default = default.map(|default| self.expression(default));
            let name = parameter.field("name");
            let Some(name) = name.or_else(|| first_identifier(parameter)) else {
                continue;
            };
            let value = match class.filter(|_| index == 0) {
                Some(class) => {
                    let receiver_name = self.node_text(name).to_owned();
                    let function = self.module.scopes.get_mut(scope.0);
                    if let Some(ScopeKind::Function { receiver, .. }) =
                        function.map(|function| &mut function.kind)
                    {
                        *receiver = Some((class, receiver_name));
                    }
                    Bound::Receiver(class)
                }
                None => Bound::Parameter {
                    annotation,
                    default,
                },
            };
            let at = self.base + parameter.start_byte();
            self.in_scope(scope, |builder| builder.bind_parameter(name, value, at));
        }
    }

    fn bind_parameter(&mut self, name: Node<'_>, value: Bound, at: usize) {
        let name = self.node_text(name).to_owned();
        let block = self.block;
        if let Some(scope) = self.module.scopes.get_mut(self.scope.0) {
            scope.names.entry(name).or_default().push(Binding {
                at,
                block,
                value,
                is_remote: false,
            });
        }
    }

    /// Reads `global` and `nonlocal`.
    pub(super) fn declare_outer_names(&mut self, node: Node<'_>) {
        let outer = if node.kind_name() == "global_statement" {
            Some(ScopeId::MODULE)
        } else {
            let scope = self.module.scope(self.scope);
            scope.and_then(|scope| scope.parent)
        };
        let Some(outer) = outer.filter(|outer| *outer != self.scope) else {
            return;
        };
        for name in named_children(node) {
            let name = self.node_text(name).to_owned();
            if let Some(scope) = self.module.scopes.get_mut(self.scope.0) {
                scope.outer_names.insert(name, outer);
            }
        }
    }

    /// Reads an import.
    pub(super) fn bind_imports(&mut self, node: Node<'_>) {
        let source = node.field("module_name");
        let source = source.map(|source| self.node_text(source).replace(char::is_whitespace, ""));
        let at = self.base + node.end_byte();
        for child in named_children(node) {
            let (path, alias) = match child.kind_name() {
                "aliased_import" => (child.field("name"), child.field("alias")),
                "wildcard_import" => (Some(child), None),
                "dotted_name" if Some(child) != node.field("module_name") => (Some(child), None),
                _ => continue,
            };
            let Some(path) = path else { continue };
            let path = self.node_text(path).replace(char::is_whitespace, "");
            let alias = alias.map(|alias| self.node_text(alias).to_owned());
            match &source {
                Some(source) => self.bind_member(source, path, alias, at),
                None => self.bind_module(&path, alias, at),
            }
        }
    }

    /// Reads an import on one line at the top level. Returns whether the statement is one.
    pub(super) fn bind_import_line(&mut self, statement: &Range<usize>) -> bool {
        let text = self.text.get(statement.clone()).unwrap_or_default();
        let Some(import) = ImportLine::parse(text) else {
            return false;
        };
        let at = statement.start + import.len;
        for (name, alias) in import.names {
            let alias = alias.map(str::to_owned);
            match import.source {
                Some(source) => self.bind_member(source, name.to_owned(), alias, at),
                None => self.bind_module(name, alias, at),
            }
        }
        true
    }

    fn bind_module(&mut self, path: &str, alias: Option<String>, at: usize) {
        self.module.imported_modules.insert(path.to_owned());
        let first = path.split('.').next().unwrap_or(path);
        let module = if alias.is_some() { path } else { first };
        let value = Bound::Import {
            level: 0,
            module: module.to_owned(),
            name: None,
        };
        self.bind_name(alias.unwrap_or_else(|| first.to_owned()), value, at);
    }

    fn bind_member(&mut self, source: &str, name: String, alias: Option<String>, at: usize) {
        let module = source.trim_start_matches('.');
        let level = source.len() - module.len();
        if level == 0 {
            self.module.imported_modules.insert(module.to_owned());
            self.module
                .imported_modules
                .insert(format!("{module}.{name}"));
        }
        if name == "*" {
            let path = ImportPath::new(level, module);
            self.module.star_imports.push(path);
            return;
        }
        let value = Bound::Import {
            level,
            module: module.to_owned(),
            name: Some(name.clone()),
        };
        self.bind_name(alias.unwrap_or(name), value, at);
    }
}

fn first_identifier(parameter: Node<'_>) -> Option<Node<'_>> {
    if parameter.kind_name() == "identifier" {
        return Some(parameter);
    }
    named_children(parameter)
        .into_iter()
        .find(|child| child.kind_name() == "identifier")
}
