//! Builds a module of the syntax trees of `tree-sitter-python`.
//!
//! The trees are only used here. An error in a tree costs the expression that contains it: the
//! children of unknown nodes are read like statements.

mod expression_builder;
mod import_lines;
mod name_binder;
mod python_node;

use super::python_module::{
    ArgumentKind, BlockId, Bound, Expr, ExprId, ExprKind, PythonModule, Scope, ScopeId, ScopeKind,
};
use super::statement_scanner::{Brackets, find_statements, parsed_len, without_plain_functions};
use crate::text::source::{SourceFile, Span};
use python_node::PythonNode as _;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{Node, Parser};

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 200;

/// The statements that are parsed together, if they have no error.
const WINDOW_BYTES: usize = 1 << 14;

/// The length of statements with errors after which the rest of a file is not read. Errors make the
/// parser slow, and such a file is not Python.
const MAX_BROKEN_BYTES: usize = 1 << 19;

/// Parses the statements of a module. The parts of its text are read one by one.
pub(super) fn parse_module(source: &Arc<SourceFile>, parts: &[Range<usize>]) -> PythonModule {
    let mut builder = ModuleBuilder {
        text: source.text(),
        base: 0,
        module: PythonModule::new(Arc::clone(source)),
        scope: ScopeId::MODULE,
        block: BlockId(0),
        depth: 0,
        broken_bytes: 0,
    };
    let mut parser = Parser::new();
    if parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .is_err()
    {
        return builder.module;
    }
    let statements: Vec<Range<usize>> = parts
        .iter()
        .flat_map(|part| find_statements(source.text(), part.clone(), Brackets::Balanced))
        .collect();
    let mut rest = statements.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if builder.bind_import_line(first) {
            rest = after;
            continue;
        }
        let mut end = first.end;
        let more = rest.iter().skip(1).take_while(|next| {
            let fits = next.start == end && next.end - first.start <= WINDOW_BYTES;
            end = if fits { next.end } else { end };
            fits
        });
        let (window, after) = rest.split_at_checked(1 + more.count()).unwrap_or_default();
        builder.add_window(&mut parser, window);
        rest = after;
    }
    builder.module.sort_bindings();
    builder.module
}

/// A reader of syntax trees.
struct ModuleBuilder<'t> {
    text: &'t str,
    /// The offset of the parsed code in the text.
    base: usize,
    module: PythonModule,
    scope: ScopeId,
    block: BlockId,
    depth: usize,
    /// The length of the statements with errors.
    broken_bytes: usize,
}

impl ModuleBuilder<'_> {
    /// Adds adjacent statements. If there is an error in them, each is parsed alone.
    fn add_window(&mut self, parser: &mut Parser, statements: &[Range<usize>]) {
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
            return;
        };
        let range = first.start..last.end;
        if self.may_parse() && self.add_code(parser, &range, false) {
            return;
        }
        for statement in statements {
            if !self.may_parse() {
                self.module.is_complete = false;
                return;
            }
            if statements.len() > 1 && self.add_code(parser, statement, false) {
                continue;
            }
            let code = self.text.get(statement.clone()).unwrap_or_default();
            self.broken_bytes += parsed_len(code);
            for part in find_statements(self.text, statement.clone(), Brackets::Broken) {
                self.add_code(parser, &part, true);
            }
        }
    }

    fn may_parse(&self) -> bool {
        self.broken_bytes <= MAX_BROKEN_BYTES
    }

    /// Parses a code. Returns whether it was read: it has no error, or errors are allowed.
    fn add_code(&mut self, parser: &mut Parser, range: &Range<usize>, may_be_broken: bool) -> bool {
        self.base = range.start;
        let whole = self.text.get(range.clone()).unwrap_or_default();
        let code = whole.get(..parsed_len(whole)).unwrap_or_default();
        self.module.is_complete &= code.len() == whole.len();
        let code = without_plain_functions(code);
        let Some(tree) = parser.parse(code.as_ref(), None) else {
            return true;
        };
        if tree.root_node().has_error() && !may_be_broken {
            return false;
        }
        self.visit_children(tree.root_node());
        true
    }

    fn visit_children(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            self.visit(child);
        }
    }

    /// Reads a statement or an expression.
    fn visit(&mut self, node: Node<'_>) {
        if self.depth >= MAX_DEPTH {
            self.module.is_complete = false;
            return;
        }
        self.depth += 1;
        match node.kind_name() {
            "expression_statement" => self.visit_expression_statement(node),
            "assignment" => {
                self.assignment(node);
            }
            "augmented_assignment" | "type_alias_statement" => self.visit_rebinding(node),
            "import_statement" | "import_from_statement" => self.bind_imports(node),
            "function_definition" => self.visit_function(node, false),
            "class_definition" => self.visit_class(node),
            "decorated_definition" => self.visit_decorated(node),
            "if_statement" | "while_statement" | "for_statement" => self.visit_conditional(node),
            "elif_clause"
            | "else_clause"
            | "except_clause"
            | "except_group_clause"
            | "case_clause" => self.in_block(|builder| builder.visit_children(node)),
            "as_pattern" => self.visit_as_pattern(node),
            "case_pattern" => self.visit_case_pattern(node),
            "global_statement" | "nonlocal_statement" => self.declare_outer_names(node),
            "delete_statement" => self.visit_deletion(node),
            "return_statement" => self.visit_return(node),
            kind if is_container(kind) => self.visit_children(node),
            _ => {
                self.expression(node);
            }
        }
        self.depth -= 1;
    }

    fn visit_expression_statement(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            // A docstring.
            if !matches!(child.kind_name(), "string" | "concatenated_string") {
                self.visit(child);
            }
        }
    }

    fn visit_rebinding(&mut self, node: Node<'_>) {
        if let Some(right) = node.field("right") {
            self.expression(right);
        }
        if let Some(left) = node.field("left") {
            self.bind_target(left, &Bound::Unknown, self.base + node.end_byte());
        }
    }

    fn visit_conditional(&mut self, node: Node<'_>) {
        let is_loop = node.kind_name() == "for_statement";
        let target = node.field("left").filter(|_| is_loop);
        for child in named_children(node) {
            if child.kind_name() == "block" {
                if let Some(target) = target {
                    let at = self.base + target.end_byte();
                    self.bind_target(target, &Bound::Unknown, at);
                }
                self.in_block(|builder| builder.visit_children(child));
            } else if Some(child) != target {
                self.visit(child);
            }
        }
    }

    /// Reads `a as b` of `with` and `except`.
    fn visit_as_pattern(&mut self, node: Node<'_>) {
        let is_context = node
            .parent()
            .is_some_and(|parent| parent.kind_name() == "with_item");
        let mut value = Bound::Unknown;
        for child in named_children(node) {
            if child.kind_name() != "as_pattern_target" {
                let read = self.expression(child);
                if is_context {
                    value = Bound::Value(Some(read), None);
                }
                continue;
            }
            for target in named_children(child) {
                self.bind_target(target, &value, self.base + node.end_byte());
            }
        }
    }

    /// Binds the names that a pattern captures.
    fn visit_case_pattern(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            match child.kind_name() {
                "dotted_name" if child.named_child_count() == 1 => {
                    self.bind(child, Bound::Unknown, self.base + child.end_byte());
                }
                "identifier" => self.bind(child, Bound::Unknown, self.base + child.end_byte()),
                "string" | "concatenated_string" | "integer" | "dotted_name" => {}
                _ if self.depth < MAX_DEPTH => {
                    self.depth += 1;
                    self.visit_case_pattern(child);
                    self.depth -= 1;
                }
                _ => {}
            }
        }
    }

    fn visit_deletion(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            self.bind_target(child, &Bound::Unknown, self.base + node.end_byte());
        }
    }

    fn visit_return(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            let result = self.expression(child);
            let scope = self.module.scopes.get_mut(self.scope.0);
            if let Some(ScopeKind::Function { results, .. }) = scope.map(|scope| &mut scope.kind) {
                results.push(result);
            }
        }
    }

    fn visit_decorated(&mut self, node: Node<'_>) {
        let mut is_static = false;
        for child in named_children(node) {
            match child.kind_name() {
                "function_definition" => self.visit_function(child, is_static),
                "decorator" => {
                    is_static |= self.node_text(child).trim() == "@staticmethod";
                    self.visit_children(child);
                }
                _ => self.visit(child),
            }
        }
    }

    fn visit_class(&mut self, node: Node<'_>) {
        let mut bases = Vec::new();
        let superclasses = node.field("superclasses");
        for argument in superclasses
            .map(|list| self.arguments(list))
            .unwrap_or_default()
        {
            if matches!(argument.kind, ArgumentKind::Positional) {
                bases.push(argument.value);
            }
        }
        let kind = ScopeKind::Class {
            bases,
            attributes: HashMap::new(),
        };
        let scope = self.new_scope(kind);
        if let Some(name) = node.field("name") {
            self.bind(name, Bound::Class(scope), self.base + name.end_byte());
        }
        if let Some(body) = node.field("body") {
            self.in_scope(scope, |builder| {
                builder.in_block(|builder| builder.visit_children(body));
            });
        }
        self.add_overridden(scope);
    }

    fn visit_function(&mut self, node: Node<'_>, is_static: bool) {
        let annotation = node.field("return_type");
        let annotation = annotation.map(|annotation| self.expression(annotation));
        let class = match self.module.scope(self.scope).map(|scope| &scope.kind) {
            Some(ScopeKind::Class { .. }) if !is_static => Some(self.scope),
            _ => None,
        };
        let scope = self.new_scope(ScopeKind::Function {
            annotation,
            results: Vec::new(),
            receiver: None,
        });
        if let Some(name) = node.field("name") {
            self.bind(name, Bound::Function(scope), self.base + name.end_byte());
        }
        if let Some(parameters) = node.field("parameters") {
            self.bind_parameters(parameters, scope, class);
        }
        if let Some(body) = node.field("body") {
            let outer = self.block;
            self.block = self.new_block(None);
            self.in_scope(scope, |builder| builder.visit_children(body));
            self.block = outer;
        }
    }

    fn in_block(&mut self, read: impl FnOnce(&mut Self)) {
        let outer = self.block;
        self.block = self.new_block(Some(outer));
        read(self);
        self.block = outer;
    }

    fn in_scope(&mut self, scope: ScopeId, read: impl FnOnce(&mut Self)) {
        let outer = self.scope;
        self.scope = scope;
        read(self);
        self.scope = outer;
    }

    fn new_block(&mut self, parent: Option<BlockId>) -> BlockId {
        self.module.blocks.push(parent);
        BlockId(self.module.blocks.len() - 1)
    }

    fn new_scope(&mut self, kind: ScopeKind) -> ScopeId {
        self.module.scopes.push(Scope {
            parent: Some(self.scope),
            kind,
            names: HashMap::new(),
            outer_names: HashMap::new(),
        });
        ScopeId(self.module.scopes.len() - 1)
    }

    fn push(&mut self, span: Span, kind: ExprKind) -> ExprId {
        self.module.exprs.push(Expr {
            span,
            scope: self.scope,
            block: self.block,
            kind,
        });
        ExprId(self.module.exprs.len() - 1)
    }

    fn span(&self, node: Node<'_>) -> Span {
        Span::new(self.base + node.start_byte(), self.base + node.end_byte())
    }

    fn node_text(&self, node: Node<'_>) -> &str {
        let span = self.span(node);
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// Returns the named children without comments.
fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let children = node.named_children(&mut cursor);
    children
        .filter(|child| !matches!(child.kind_name(), "comment" | "line_continuation"))
        .filter(|child| !child.is_missing())
        .collect()
}

/// Returns whether a node has statements or other parts, but no value.
fn is_container(kind: &str) -> bool {
    kind.ends_with("_statement")
        || kind.ends_with("_clause")
        || matches!(
            kind,
            "ERROR" | "module" | "block" | "decorator" | "with_item"
        )
}
