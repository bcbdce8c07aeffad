//! Reads expressions.

use super::super::python_module::{
    Argument, ArgumentKind, Bound, ExprId, ExprKind, ScopeKind, TextPart,
};
use super::super::string_literals::LiteralPrefix;
use super::python_node::PythonNode as _;
use super::{MAX_DEPTH, ModuleBuilder, named_children};
use crate::text::source::Span;
use tree_sitter::Node;

/// The methods of dictionaries and lists that may replace an item.
const COLLECTION_CHANGES: [&str; 7] = [
    "update",
    "setdefault",
    "pop",
    "clear",
    "insert",
    "sort",
    "reverse",
];

impl ModuleBuilder<'_> {
    /// Reads an expression and all calls in it.
    pub(super) fn expression(&mut self, node: Node<'_>) -> ExprId {
        if self.depth >= MAX_DEPTH {
            self.module.is_complete = false;
            return self.push(self.span(node), ExprKind::Unknown);
        }
        self.depth += 1;
        let read = match node.kind_name() {
            "parenthesized_expression" | "await" | "type" => self.inner_expression(node),
            "named_expression" => self.named_expression(node),
            "call" => self.call(node),
            "subscript" | "generic_type" => self.subscript(node),
            _ => {
                let kind = self.expression_kind(node);
                self.push(self.span(node), kind)
            }
        };
        self.depth -= 1;
        read
    }

    fn expression_kind(&mut self, node: Node<'_>) -> ExprKind {
        match node.kind_name() {
            "identifier" => ExprKind::Name(self.node_text(node).to_owned()),
            "integer" | "float" | "true" | "false" | "none" | "ellipsis" => ExprKind::Literal,
            "attribute" => self.attribute(node),
            "string" | "concatenated_string" => ExprKind::Text(self.text_parts(node)),
            "binary_operator" | "boolean_operator" => self.operator(node),
            "union_type" => match named_children(node).as_slice() {
                [left, right] => ExprKind::Either(self.expression(*left), self.expression(*right)),
                _ => ExprKind::Unknown,
            },
            "conditional_expression" => match named_children(node).as_slice() {
                [value, condition, other] => {
                    self.visit(*condition);
                    ExprKind::Conditional(self.expression(*value), self.expression(*other))
                }
                _ => self.unknown(node),
            },
            "list" | "tuple" | "set" | "expression_list" => {
                let items = named_children(node);
                ExprKind::Sequence(
                    items
                        .into_iter()
                        .map(|item| self.expression(item))
                        .collect(),
                )
            }
            "list_splat" | "dictionary_splat" => ExprKind::Starred(self.inner_expression(node)),
            "dictionary" => self.dictionary(node),
            "lambda" => {
                self.inline_scope(node);
                ExprKind::Unknown
            }
            kind if kind.ends_with("_comprehension") || kind == "generator_expression" => {
                self.inline_scope(node);
                ExprKind::Unknown
            }
            _ => self.unknown(node),
        }
    }

    /// Reads the parts of an expression without a known value.
    fn unknown(&mut self, node: Node<'_>) -> ExprKind {
        self.visit_children(node);
        ExprKind::Unknown
    }

    /// Reads the only expression in a node, and everything else that an error puts there.
    fn inner_expression(&mut self, node: Node<'_>) -> ExprId {
        let mut value = None;
        for child in named_children(node) {
            if value.is_none() && child.kind_name() != "ERROR" {
                value = Some(self.expression(child));
            } else {
                self.visit(child);
            }
        }
        value.unwrap_or_else(|| self.push(self.span(node), ExprKind::Unknown))
    }

    fn attribute(&mut self, node: Node<'_>) -> ExprKind {
        let object = node.field("object");
        let name = node.field("attribute");
        match (object, name) {
            (Some(object), Some(name)) => {
                let object = self.expression(object);
                ExprKind::Attribute(object, self.node_text(name).to_owned())
            }
            _ => self.unknown(node),
        }
    }

    /// Reads `a + b + c` without a recursion, and other operators.
    fn operator(&mut self, node: Node<'_>) -> ExprKind {
        let fields = |node: Node<'_>| {
            let left = node.field("left")?;
            let operator = node.field("operator")?;
            Some((left.id(), operator.kind_name() == "+"))
        };
        if !matches!(fields(node), Some((_, true))) {
            return self.other_operator(node);
        }
        let mut terms = Vec::new();
        let mut sum = node;
        while sum.kind_name() == "binary_operator" && matches!(fields(sum), Some((_, true))) {
            let (Some(left), Some(right)) = (sum.field("left"), sum.field("right")) else {
                break;
            };
            terms.push(right);
            sum = left;
        }
        terms.push(sum);
        let terms = terms.into_iter().rev();
        ExprKind::Sum(terms.map(|term| self.expression(term)).collect())
    }

    fn other_operator(&mut self, node: Node<'_>) -> ExprKind {
        let operands = (node.field("left"), node.field("right"));
        let (Some(left), Some(right)) = operands else {
            return self.unknown(node);
        };
        let operator = node.field("operator");
        let (left, right) = (self.expression(left), self.expression(right));
        match operator.map_or("", |operator| operator.kind_name()) {
            "or" | "|" => ExprKind::Either(left, right),
            "%" => ExprKind::Format(left, right),
            "/" => ExprKind::Quotient(left, right),
            _ => ExprKind::Unknown,
        }
    }

    fn dictionary(&mut self, node: Node<'_>) -> ExprKind {
        let mut entries = Vec::new();
        for child in named_children(node) {
            let pair = (child.field("key"), child.field("value"));
            match (child.kind_name(), pair) {
                ("pair", (Some(key), Some(value))) => {
                    let key = self.expression(key);
                    entries.push((Some(key), self.expression(value)));
                }
                ("dictionary_splat", _) => entries.push((None, self.inner_expression(child))),
                _ => {
                    let unknown = self.expression(child);
                    entries.push((None, unknown));
                }
            }
        }
        ExprKind::Mapping(entries)
    }

    fn named_expression(&mut self, node: Node<'_>) -> ExprId {
        let Some(value) = node.field("value") else {
            let kind = self.unknown(node);
            return self.push(self.span(node), kind);
        };
        let value = self.expression(value);
        if let Some(name) = node.field("name") {
            let at = self.base + node.end_byte();
            self.bind_target(name, &Bound::Value(Some(value), None), at);
        }
        value
    }

    fn call(&mut self, node: Node<'_>) -> ExprId {
        let function = node.field("function");
        let arguments = node.field("arguments");
        let (Some(function), Some(list)) = (function, arguments) else {
            let kind = self.unknown(node);
            return self.push(self.span(node), kind);
        };
        if function.kind_name() == "attribute"
            && let Some(method) = function.field("attribute")
            && COLLECTION_CHANGES.contains(&self.node_text(method))
        {
            self.add_changed_collection(function.field("object"));
        }
        let function = self.expression(function);
        let arguments = self.arguments(list);
        let call = self.push(self.span(node), ExprKind::Call(function, arguments));
        self.module.calls.push(call);
        call
    }

    /// Reads the arguments of a call or the bases of a class.
    pub(super) fn arguments(&mut self, list: Node<'_>) -> Vec<Argument> {
        if list.kind_name() != "argument_list" {
            let value = self.expression(list);
            return vec![Argument {
                kind: ArgumentKind::Positional,
                value,
            }];
        }
        let mut arguments = Vec::new();
        for child in named_children(list) {
            if child.kind_name() == "ERROR" {
                self.visit(child);
                continue;
            }
            let (kind, value) = self.argument(child);
            arguments.push(Argument { kind, value });
        }
        arguments
    }

    fn argument(&mut self, node: Node<'_>) -> (ArgumentKind, ExprId) {
        match node.kind_name() {
            "keyword_argument" => {
                let name = node.field("name");
                let (text, span) = name.map_or((String::new(), Span::default()), |name| {
                    (self.node_text(name).to_owned(), self.span(name))
                });
                let value = match node.field("value") {
                    Some(value) => self.expression(value),
                    None => self.push(self.span(node), ExprKind::Unknown),
                };
                (ArgumentKind::Keyword(text, span), value)
            }
            "list_splat" | "dictionary_splat" => {
                (ArgumentKind::Unpacked, self.inner_expression(node))
            }
            _ => (ArgumentKind::Positional, self.expression(node)),
        }
    }

    fn subscript(&mut self, node: Node<'_>) -> ExprId {
        let mut children = named_children(node).into_iter();
        let object = match children.next() {
            Some(object) => self.expression(object),
            None => self.push(self.span(node), ExprKind::Unknown),
        };
        let mut indexes: Vec<ExprId> = Vec::new();
        for child in children {
            if child.kind_name() == "type_parameter" {
                for index in named_children(child) {
                    indexes.push(self.expression(index));
                }
            } else {
                indexes.push(self.expression(child));
            }
        }
        let index = indexes.first().copied();
        let index = index.filter(|_| indexes.len() == 1 || node.kind_name() == "generic_type");
        let read = self.push(self.span(node), ExprKind::Subscript(object, index));
        self.module.subscripts.push(read);
        read
    }

    /// Reads a lambda or a comprehension. Its names are unknown.
    fn inline_scope(&mut self, node: Node<'_>) {
        let scope = self.new_scope(ScopeKind::Inline);
        self.in_scope(scope, |builder| {
            if let Some(parameters) = node.field("parameters") {
                builder.bind_parameters(parameters, scope, None);
            }
            let children = named_children(node);
            for clause in &children {
                if let Some(target) = clause.field("left")
                    && clause.kind_name() == "for_in_clause"
                {
                    let at = builder.base + node.start_byte();
                    builder.bind_target(target, &Bound::Unknown, at);
                }
            }
            for child in children {
                if child.kind_name() == "for_in_clause" {
                    if let Some(right) = child.field("right") {
                        builder.expression(right);
                    }
                } else if child.kind_name() != "lambda_parameters" {
                    builder.visit(child);
                }
            }
        });
    }

    /// Reads the parts of a string, or of several that follow each other.
    fn text_parts(&mut self, node: Node<'_>) -> Vec<TextPart> {
        let mut parts = Vec::new();
        if node.kind_name() == "string" {
            self.add_literal(node, &mut parts);
        } else {
            for child in named_children(node) {
                if child.kind_name() == "string" {
                    self.add_literal(child, &mut parts);
                } else {
                    self.visit(child);
                }
            }
        }
        parts
    }

    fn add_literal(&mut self, node: Node<'_>, parts: &mut Vec<TextPart>) {
        let mut prefix = LiteralPrefix::default();
        let mut at = node.start_byte();
        let mut end = node.end_byte();
        let mut fields = Vec::new();
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            match child.kind_name() {
                "string_start" => {
                    prefix = LiteralPrefix::parse(self.node_text(child));
                    at = child.end_byte();
                }
                "string_end" => end = child.start_byte(),
                "interpolation" => fields.push(child),
                _ => {}
            }
        }
        let is_single = fields.is_empty();
        for field in fields {
            self.add_decoded(prefix, (at, field.start_byte()), false, parts);
            let value = self.field_value(field);
            parts.push(TextPart::Field(self.span(field), value));
            at = field.end_byte();
        }
        self.add_decoded(prefix, (at, end), is_single, parts);
    }

    fn add_decoded(
        &self,
        prefix: LiteralPrefix,
        (start, end): (usize, usize),
        may_be_empty: bool,
        parts: &mut Vec<TextPart>,
    ) {
        let span = Span::new(self.base + start, self.base + end);
        if span.is_empty() && !may_be_empty {
            return;
        }
        let content = self.text.get(span.start..span.end).unwrap_or_default();
        let (text, offsets) = prefix.decode(content, span.start);
        parts.push(TextPart::Decoded {
            text,
            offsets,
            span,
        });
    }

    /// Returns the expression of a field that has neither a conversion nor a format.
    fn field_value(&mut self, field: Node<'_>) -> Option<ExprId> {
        let mut is_plain = true;
        let mut value = None;
        let mut cursor = field.walk();
        let children: Vec<Node<'_>> = field.children(&mut cursor).collect();
        for child in children {
            match child.kind_name() {
                "type_conversion" | "format_specifier" => {
                    is_plain = false;
                    self.visit_children(child);
                }
                "=" => is_plain = false,
                "format_expression" => self.visit_children(child),
                _ if child.is_named() && child.kind_name() != "comment" => {
                    value = value.or(Some(self.expression(child)));
                }
                _ => {}
            }
        }
        value.filter(|_| is_plain)
    }
}
