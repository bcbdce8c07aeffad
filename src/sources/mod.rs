//! The meaning of a document: components, attributes, and the scalars that may refer to secrets.
//!
//! Each source is one kind of file with one function that reads a document into a [`SourceModel`]: `stacks` for YAML, TOML and
//! JSON, `zenml_commands` for the `zenml` commands of scripts and pages.

pub mod zenml_commands;
pub mod command_redactions;
pub mod prefilter;
pub mod redactions;
pub mod scalar;
pub mod stack_model;
pub mod stacks;

use crate::document::directives::Directive;
use crate::document::{Document, Syntax};
use crate::sources::stack_model::StackModel;
use crate::text::source::Span;
use crate::zenml::keywords::FileKind;

/// A document as its source reads it. Everything here is computed once for each file.
#[derive(Debug)]
pub struct SourceModel {
    /// The stacks, components and scalars.
    pub stacks: StackModel,
    /// The comments that address stackref.
    pub directives: Vec<Directive>,
    /// The spans that no excerpt may show, sorted.
    pub redactions: Vec<Span>,
}

/// Returns the kind of file that a document is by its contents, or `None` if it is not one that stackref reads.
pub fn file_kind(document: &Document) -> Option<FileKind> {
    stack_model::file_kind(document)
}

/// Reads a document with the source of its syntax. Returns `None` for a script without a `zenml` command.
pub fn read(document: &Document) -> Option<SourceModel> {
    match document.syntax() {
        Syntax::Script => zenml_commands::read(document),
        Syntax::Yaml | Syntax::Toml | Syntax::Json => Some(stacks::read(document)),
    }
}
