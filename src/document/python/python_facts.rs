//! The facts that a Python file contains about secrets.

pub(crate) use crate::document::code_value::{CodeText, CodeValue, Expansion, TextDefinition};
use crate::text::source::Span;

/// The facts of a Python file, in its order.
#[derive(Debug)]
pub(crate) struct PythonCode {
    /// Whether the file was read to its end. It is not if a statement is too long or nested too
    /// deeply, or if most of the file is not Python. Then there may be more facts.
    pub is_complete: bool,
    /// The facts by their offsets.
    pub facts: Vec<PythonFact>,
}

/// A call that uses, creates or configures secrets.
#[derive(Debug)]
pub(crate) enum PythonFact {
    /// `get_secret("n")`, with the keys that are read from its result.
    SecretUse {
        call: Span,
        name: CodeText,
        keys: Vec<KeyAccess>,
    },
    /// `secrets=["a", "b"]` of `@step`, `@pipeline`, `with_options` and `configure`.
    SecretList { call: Span, names: Vec<CodeText> },
    /// `create_secret(name=…, values={…})` or `update_secret(…)`.
    Declaration {
        call: Span,
        name: CodeText,
        values: Option<CodeValue>,
        is_update: bool,
    },
    /// `create_stack_component(…)` or `update_stack_component(…)`.
    Component {
        call: Span,
        name: Option<CodeText>,
        flavor: Option<CodeText>,
        /// For example `orchestrator`.
        component_type: Option<String>,
        configuration: Option<CodeValue>,
    },
    /// `register_…(…)`, `…Settings(…)` or `…Config(…)`.
    Configuration {
        call: Span,
        /// The last part of the callee's name.
        class: String,
        arguments: Vec<CodeArgument>,
    },
    /// `with_options(config_path="…")` and the like: the path of a run config.
    RunConfigPath { path: CodeText },
}

/// A key that is read from a secret.
#[derive(Clone, Debug)]
pub(crate) struct KeyAccess {
    pub key: CodeText,
    /// Whether the access has a default, as in `.get("k", "")`. Then a missing key is not a mistake.
    pub has_default: bool,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct CodeArgument {
    /// The keyword and its span; `None` for a positional argument.
    pub name: Option<(String, Span)>,
    pub value: CodeValue,
}

impl PythonCode {
    /// Creates the facts of a file that does not import `zenml`.
    pub(super) fn without_zenml() -> Self {
        Self {
            is_complete: true,
            facts: Vec::new(),
        }
    }
}

impl PythonFact {
    /// Returns the offset by which facts are sorted.
    pub(super) fn start(&self) -> usize {
        match self {
            Self::SecretUse { call, .. }
            | Self::SecretList { call, .. }
            | Self::Declaration { call, .. }
            | Self::Component { call, .. }
            | Self::Configuration { call, .. } => call.start,
            Self::RunConfigPath { path } => path.span.start,
        }
    }
}
