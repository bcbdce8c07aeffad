//! The values that expressions have as far as they are known without running the code.

use super::python_facts::{CodeText, TextDefinition};
use super::python_module::{ExprId, ScopeId};
use crate::document::offsets::OffsetMap;
use crate::document::text_template::TextTemplate;
use crate::text::source::Span;
use std::rc::Rc;
use std::sync::Arc;

/// The longest text that is read through a name.
const MAX_CONSTANT_BYTES: usize = 1 << 10;

/// An expression of one of the loaded modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ExprRef {
    pub module: usize,
    pub expr: ExprId,
}

/// A scope of one of the loaded modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeRef {
    pub module: usize,
    pub scope: ScopeId,
}

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Unknown,
    /// A number, a boolean or `None`.
    Literal,
    Text(Rc<FoldedText>),
    /// The value of an environment variable, by its name.
    Variable(Rc<str>),
    /// A list, tuple, set or dictionary, or a sum of lists.
    Collection(ExprRef),
    /// A client of ZenML.
    ZenmlClient,
    /// An object that is not a client of ZenML.
    Foreign,
    /// The result of this call of `get_secret`.
    Secret(ExprRef),
    /// The values of that secret.
    SecretValues(ExprRef),
    Import(Rc<ImportPath>),
    Class(ScopeRef),
    Instance(ScopeRef),
    Function(ScopeRef),
}

/// A module, or a name in a module, that is not resolved further.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportPath {
    /// The number of dots before the path.
    pub level: usize,
    pub path: String,
}

/// A text with the literal that it comes from.
#[derive(Debug)]
pub(super) struct FoldedText {
    pub code: CodeText,
    /// The literal, if the text is exactly one.
    pub literal: Option<TextDefinition>,
}

impl Value {
    /// Creates a text.
    pub fn text(code: CodeText, literal: Option<TextDefinition>) -> Self {
        Self::Text(Rc::new(FoldedText { code, literal }))
    }

    /// Returns the text if it does not depend on the run.
    pub fn fixed_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.code.fixed(),
            _ => None,
        }
    }

    /// Returns the template of a text. Returns `None` if it depends on something other than variables.
    pub fn template(&self) -> Option<Arc<TextTemplate>> {
        match self {
            Self::Text(text) => text.code.template(),
            Self::Variable(name) => Some(Arc::new(TextTemplate::variable(name))),
            _ => None,
        }
    }

    /// Returns whether two values are known to be equal.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => {
                a.code.text == b.code.text && a.code.expansions == b.code.expansions
            }
            (Self::Variable(a), Self::Variable(b)) => a == b,
            (Self::Collection(a), Self::Collection(b))
            | (Self::Secret(a), Self::Secret(b))
            | (Self::SecretValues(a), Self::SecretValues(b)) => a == b,
            (Self::Import(a), Self::Import(b)) => a == b,
            (Self::Class(a), Self::Class(b))
            | (Self::Instance(a), Self::Instance(b))
            | (Self::Function(a), Self::Function(b)) => a == b,
            (Self::ZenmlClient, Self::ZenmlClient)
            | (Self::Foreign, Self::Foreign)
            | (Self::Literal, Self::Literal) => true,
            _ => false,
        }
    }

    /// Returns the value of a name that has this value. The name is written at `span`.
    pub fn used_at(self, span: Span) -> Self {
        match self {
            Self::Text(text) if text.code.text.len() > MAX_CONSTANT_BYTES => Self::Unknown,
            Self::Text(text) => Self::Text(Rc::new(text.used_at(span))),
            other => other,
        }
    }
}

impl FoldedText {
    /// Returns the text as it is used by a name at `span`.
    pub fn used_at(&self, span: Span) -> Self {
        let definition = self.code.definition.as_ref().or(self.literal.as_ref());
        Self {
            code: CodeText {
                text: self.code.text.clone(),
                offsets: OffsetMap::replaced_by(span),
                span,
                expansions: self.code.expansions.clone(),
                definition: definition.cloned(),
            },
            literal: None,
        }
    }
}

impl ImportPath {
    /// Creates a path.
    pub fn new(level: usize, path: impl Into<String>) -> Self {
        Self {
            level,
            path: path.into(),
        }
    }

    /// Returns the path of a name in this module or class.
    pub fn member(&self, name: &str) -> Self {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        Self::new(self.level, path)
    }

    /// Returns the first part of an absolute path.
    pub fn library(&self) -> Option<&str> {
        let first = self.path.split('.').next();
        first.filter(|first| self.level == 0 && !first.is_empty())
    }

    /// Returns the last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// Returns whether this is a part of `zenml`.
    pub fn is_zenml(&self) -> bool {
        self.library() == Some("zenml")
    }

    /// Returns whether this is the class of ZenML's clients.
    pub fn is_client_class(&self) -> bool {
        self.is_zenml() && self.name() == "Client"
    }
}
