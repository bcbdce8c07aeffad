//! A parsed module: its expressions and its names, without the syntax tree.

use super::python_values::ImportPath;
use crate::document::offsets::OffsetMap;
use crate::text::source::{SourceFile, Span};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An expression of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ExprId(pub usize);

/// A scope of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ScopeId(pub usize);

/// A block whose statements run under the same condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId(pub usize);

impl ScopeId {
    /// The scope of the names at the top level.
    pub const MODULE: Self = Self(0);
}

/// A module: the expressions and scopes of the statements that were parsed.
#[derive(Debug)]
pub(super) struct PythonModule {
    pub source: Arc<SourceFile>,
    pub exprs: Vec<Expr>,
    pub scopes: Vec<Scope>,
    /// The block around each block.
    pub blocks: Vec<Option<BlockId>>,
    /// All calls, in the order of their ends.
    pub calls: Vec<ExprId>,
    /// All subscripts that are read.
    pub subscripts: Vec<ExprId>,
    /// The names of all modules that are imported anywhere, without relative ones.
    pub imported_modules: HashSet<String>,
    /// The names of the objects other than `self` to which an attribute is assigned, by attributes.
    pub assigned_attributes: HashMap<String, HashSet<String>>,
    /// The names of the dictionaries and lists whose items are assigned anywhere.
    pub changed_collections: HashSet<String>,
    /// The classes with the names that a class derived from them has, too.
    pub overridden: HashSet<(ScopeId, String)>,
    /// Whether all statements that may matter were read to their ends.
    pub is_complete: bool,
    /// The modules of `from … import *`.
    pub star_imports: Vec<ImportPath>,
}

/// An expression.
#[derive(Debug)]
pub(super) struct Expr {
    pub span: Span,
    pub scope: ScopeId,
    pub block: BlockId,
    pub kind: ExprKind,
}

/// The kinds of expressions that have a known value.
#[derive(Debug)]
pub(super) enum ExprKind {
    Name(String),
    Attribute(ExprId, String),
    Call(ExprId, Vec<Argument>),
    /// The object and the index; `None` for a slice.
    Subscript(ExprId, Option<ExprId>),
    /// A string literal, or several that are concatenated without an operator.
    Text(Vec<TextPart>),
    /// `a + b + c`.
    Sum(Vec<ExprId>),
    /// `a / b`, which joins paths.
    Quotient(ExprId, ExprId),
    /// `a % b`.
    Format(ExprId, ExprId),
    /// `a or b`, or `a | b`.
    Either(ExprId, ExprId),
    /// `a if … else b`.
    Conditional(ExprId, ExprId),
    /// A list, tuple or set.
    Sequence(Vec<ExprId>),
    /// `*a`.
    Starred(ExprId),
    /// A dictionary. An entry without a key is `**a`.
    Mapping(Vec<(Option<ExprId>, ExprId)>),
    /// A number, a boolean or `None`.
    Literal,
    Unknown,
}

/// A part of a string literal.
#[derive(Debug)]
pub(super) enum TextPart {
    /// Decoded characters.
    Decoded {
        text: String,
        offsets: OffsetMap,
        /// The source of the characters.
        span: Span,
    },
    /// A field of an f-string, with its braces. The expression is `None` if it is converted or
    /// formatted.
    Field(Span, Option<ExprId>),
}

/// An argument of a call.
#[derive(Debug)]
pub(super) struct Argument {
    pub kind: ArgumentKind,
    pub value: ExprId,
}

/// The form of an argument.
#[derive(Debug)]
pub(super) enum ArgumentKind {
    Positional,
    Keyword(String, Span),
    /// `*a` or `**a`.
    Unpacked,
}

/// The names of a module, class or function.
#[derive(Debug)]
pub(super) struct Scope {
    pub parent: Option<ScopeId>,
    pub kind: ScopeKind,
    pub names: HashMap<String, Vec<Binding>>,
    /// The names that `global` or `nonlocal` declares, with the scope that has them.
    pub outer_names: HashMap<String, ScopeId>,
}

/// The kind of a scope.
#[derive(Debug)]
pub(super) enum ScopeKind {
    Module,
    Class {
        bases: Vec<ExprId>,
        /// The attributes that methods assign to `self`.
        attributes: HashMap<String, Vec<Binding>>,
    },
    Function {
        annotation: Option<ExprId>,
        /// The expressions that it returns.
        results: Vec<ExprId>,
        /// The class of `self` or `cls`, and the name of that parameter.
        receiver: Option<(ScopeId, String)>,
    },
    /// A lambda or a comprehension, which is evaluated where it is written.
    Inline,
}

/// An assignment to a name.
#[derive(Debug)]
pub(super) struct Binding {
    /// The offset from which the name has this value.
    pub at: usize,
    pub block: BlockId,
    pub value: Bound,
    /// Whether another scope assigns the name with `global` or `nonlocal`.
    pub is_remote: bool,
}

/// The value of a name.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// A value and its annotation.
    Value(Option<ExprId>, Option<ExprId>),
    /// A parameter.
    Parameter {
        annotation: Option<ExprId>,
        default: Option<ExprId>,
    },
    /// An item of a sequence.
    Item(ExprId, usize),
    /// An imported module, or a name in it. The number of dots is the level.
    Import {
        level: usize,
        module: String,
        name: Option<String>,
    },
    /// `self` or `cls` of a class.
    Receiver(ScopeId),
    Function(ScopeId),
    Class(ScopeId),
    Unknown,
}

impl PythonModule {
    /// Creates a module without statements.
    pub fn new(source: Arc<SourceFile>) -> Self {
        let module = Scope {
            parent: None,
            kind: ScopeKind::Module,
            names: HashMap::new(),
            outer_names: HashMap::new(),
        };
        Self {
            source,
            exprs: Vec::new(),
            scopes: vec![module],
            blocks: vec![None],
            calls: Vec::new(),
            subscripts: Vec::new(),
            imported_modules: HashSet::new(),
            assigned_attributes: HashMap::new(),
            changed_collections: HashSet::new(),
            overridden: HashSet::new(),
            is_complete: true,
            star_imports: Vec::new(),
        }
    }

    /// Sorts the bindings of each name by their offsets.
    pub fn sort_bindings(&mut self) {
        for scope in &mut self.scopes {
            for bindings in scope.names.values_mut() {
                bindings.sort_by_key(|binding| binding.at);
            }
        }
    }

    /// Returns an expression.
    pub fn expr(&self, id: ExprId) -> Option<&Expr> {
        self.exprs.get(id.0)
    }

    /// Returns the kind of an expression.
    pub fn kind(&self, id: ExprId) -> &ExprKind {
        self.expr(id).map_or(&ExprKind::Unknown, |expr| &expr.kind)
    }

    /// Returns whether an attribute of an object, which is a name, is assigned anywhere.
    pub fn assigns_attribute(&self, object: ExprId, attribute: &str) -> bool {
        let objects = self.assigned_attributes.get(attribute);
        let ExprKind::Name(name) = self.kind(object) else {
            return false;
        };
        objects.is_some_and(|objects| objects.contains(name))
    }

    /// Returns whether items of an object, which is a name, are assigned anywhere.
    pub fn changes_items(&self, object: ExprId) -> bool {
        matches!(self.kind(object), ExprKind::Name(name) if self.changed_collections.contains(name))
    }

    /// Returns whether a class derived from a class has an attribute, which the class has too, and an
    /// object is `self` or `cls`. The attribute may then have either value.
    pub fn may_override(&self, class: ScopeId, object: ExprId, attribute: &str) -> bool {
        let Some(object) = self.expr(object) else {
            return false;
        };
        let ExprKind::Name(name) = &object.kind else {
            return false;
        };
        let mut bindings = self.bindings(object.scope, name).iter();
        self.overridden.contains(&(class, attribute.to_owned()))
            && bindings.any(|binding| matches!(binding.value, Bound::Receiver(_)))
    }

    /// Returns the bindings of a name in a scope, or in the innermost scope around it that has the name.
    pub fn bindings(&self, from: ScopeId, name: &str) -> &[Binding] {
        let mut current = Some(from);
        while let Some(scope) = current.and_then(|scope| self.scope(scope)) {
            if let Some(bindings) = scope.names.get(name) {
                return bindings;
            }
            current = scope.parent;
        }
        &[]
    }

    /// Returns the span of an expression.
    pub fn span(&self, id: ExprId) -> Span {
        self.expr(id).map(|expr| expr.span).unwrap_or_default()
    }

    /// Returns a scope.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0)
    }

    /// Returns whether the statements of a block run only if those of another block run.
    pub fn is_within(&self, inner: BlockId, outer: BlockId) -> bool {
        let mut block = Some(inner);
        while let Some(current) = block {
            if current == outer {
                return true;
            }
            block = self.blocks.get(current.0).copied().flatten();
        }
        false
    }

    /// Returns whether the module imports a library or a part of it.
    pub fn imports(&self, library: &str) -> bool {
        self.imported_modules.iter().any(|module| {
            let rest = module.strip_prefix(library);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}
