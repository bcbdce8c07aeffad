//! The parts that several JSON documents share: failures, scopes, spans and positions.
//!
//! The doc comments of these types and fields are the descriptions in the published schemas.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::Scope;
use crate::text::source::{Position, SourceFile, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// The version of all JSON documents. It changes only if a field is removed or changes its meaning.
pub(super) const VERSION: u32 = 1;

/// The reason why the run failed, or why stackref could not look up all references.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failure")]
pub(super) struct JsonFailure<'r> {
    /// The operation that failed, and the reason.
    message: String,
    /// How to solve the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'r str>,
}

impl<'r> From<&'r Failure> for JsonFailure<'r> {
    fn from(failure: &'r Failure) -> Self {
        Self {
            message: failure.to_string(),
            help: failure.help_text(),
        }
    }
}

/// Converts failures for a JSON document.
pub(super) fn json_failures(failures: &[Failure]) -> Vec<JsonFailure<'_>> {
    failures.iter().map(JsonFailure::from).collect()
}

/// The stack, component and attribute that contain a value.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonScope<'r> {
    /// The name of the stack: `stack_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'r str>,
    /// The type of the component: its key below `components`.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<&'r str>,
    /// The `name` of the component.
    #[serde(skip_serializing_if = "Option::is_none")]
    component_name: Option<&'r str>,
    /// The attribute of the component. In a file without components, the dotted path of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<&'r str>,
}

impl<'r> From<&'r Scope> for JsonScope<'r> {
    fn from(scope: &'r Scope) -> Self {
        Self {
            stack: scope.stack.as_deref(),
            component: scope.component.as_deref(),
            component_name: scope.component_name.as_deref(),
            attribute: scope.attribute.as_deref(),
        }
    }
}

/// A range of bytes in a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Span")]
pub(super) struct JsonSpan {
    /// The offset of the first byte, in UTF-8 bytes from the beginning of the file.
    offset: usize,
    /// The length in UTF-8 bytes.
    length: usize,
    /// The position of the first character.
    start: JsonPosition,
    /// The position after the last character.
    end: JsonPosition,
}

impl JsonSpan {
    /// Returns the span in a file. Returns `None` in a component on a server.
    pub fn in_file(source: &SourceFile, span: Span) -> Option<Self> {
        (!source.is_registered()).then(|| Self::new(source, span))
    }

    pub fn new(source: &SourceFile, span: Span) -> Self {
        let (start, end) = (
            source.position(span.start).into(),
            source.position(span.end).into(),
        );
        Self {
            offset: span.start,
            length: span.len(),
            start,
            end,
        }
    }
}

/// A line and column in a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Position")]
struct JsonPosition {
    /// The line, counted from 1.
    line: usize,
    /// The column, counted from 1 in Unicode scalar values.
    column: usize,
}

impl From<Position> for JsonPosition {
    fn from(position: Position) -> Self {
        Self {
            line: position.line,
            column: position.column,
        }
    }
}
