//! Binds names to values.

use super::super::python_module::{Binding, Bound, ExprId, ExprKind, Scope, ScopeId, ScopeKind};
use super::super::python_values::ImportPath;
use super::import_lines::ImportLine;
use super::python_node::PythonNode as _;
use super::{MAX_DEPTH, ModuleBuilder, named_children};
use std::ops::Range;
use tree_sitter::Node;

/// The most bases of a class that are read.
const MAX_BASES: usize = 8;

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
            "subscript" => {
                self.add_changed_collection(target.field("value"));
                self.visit_children(target);
            }
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

    /// Binds `self.x`. Other attributes have no known value after an assignment.
    fn bind_attribute(&mut self, target: Node<'_>, value: Bound, at: usize) {
        let object = target.field("object");
        let (Some(object), Some(name)) = (object, target.field("attribute")) else {
            return;
        };
        if object.kind_name() != "identifier" {
            self.visit(object);
            return;
        }
        let (object, name) = (self.node_text(object), self.node_text(name).to_owned());
        let is_class = object == "cls";
        let class = match self.module.scope(self.scope).map(|scope| &scope.kind) {
            Some(ScopeKind::Function {
                receiver: Some((class, receiver)),
                ..
            }) if receiver == object => *class,
            _ => {
                let object = object.to_owned();
                let objects = self.module.assigned_attributes.entry(name).or_default();
                objects.insert(object);
                return;
            }
        };
        let binding = Binding {
            at,
            block: self.block,
            value,
            is_remote: true,
        };
        let Some(class) = self.module.scopes.get_mut(class.0) else {
            return;
        };
        if is_class {
            class.names.entry(name).or_default().push(binding);
        } else if let ScopeKind::Class { attributes, .. } = &mut class.kind {
            attributes.entry(name).or_default().push(binding);
        }
    }

    /// Adds an object whose items change, if it is a name.
    pub(super) fn add_changed_collection(&mut self, object: Option<Node<'_>>) {
        if let Some(object) = object.filter(|object| object.kind_name() == "identifier") {
            let name = self.node_text(object).to_owned();
            self.module.changed_collections.insert(name);
        }
    }

    /// Adds the names of a class to the overridden names of its bases.
    pub(super) fn add_overridden(&mut self, class: ScopeId) {
        let Some(Scope {
            kind: ScopeKind::Class { bases, .. },
            names,
            ..
        }) = self.module.scope(class)
        else {
            return;
        };
        let bases = bases.iter().take(MAX_BASES).filter_map(|base| {
            let expr = self.module.expr(*base)?;
            match &expr.kind {
                ExprKind::Name(name) => self.class_of(name),
                _ => None,
            }
        });
        let overridden: Vec<_> = bases
            .flat_map(|base| names.keys().map(move |name| (base, name.clone())))
            .collect();
        self.module.overridden.extend(overridden);
    }

    /// Returns the class that a name is in the current scope.
    fn class_of(&self, name: &str) -> Option<ScopeId> {
        match self.module.bindings(self.scope, name).last()?.value {
            Bound::Class(class) => Some(class),
            _ => None,
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
