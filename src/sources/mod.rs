//! The sources of references: the kinds of files that stackref reads, and their components,
//! attributes and scalars.
//!
//! Each source has one function that reads a document into a [`SourceModel`]:
//!
//! - `stacks` reads YAML, TOML and JSON.
//! - `zenml_commands` reads the `zenml` commands in scripts and Markdown pages.

pub mod zenml_commands;
pub mod command_redactions;
mod mask_spans;
pub mod prefilter;
pub mod redactions;
pub mod reference;
pub mod scalar;
mod sensitivity_cache;
pub mod stack_model;
pub mod stacks;
pub mod unparsed_kind;

use crate::document::directives::Directive;
use crate::document::{Document, Syntax};
use crate::sources::stack_model::StackModel;
use crate::text::source::Span;
use crate::zenml::keywords::FileKind;

/// The contents of a document as its source reads them. They are computed once for each file.
#[derive(Debug)]
pub struct SourceModel {
    /// The stacks, their components, and the scalars that may contain references.
    pub stacks: StackModel,
    /// The comments that contain directives, such as `# stackref: ignore`.
    pub directives: Vec<Directive>,
    /// The spans that excerpts must not show, sorted.
    pub redactions: Vec<Span>,
}

/// Returns the kind of a document by its contents, or `None` if stackref does not read it.
pub fn file_kind(document: &Document) -> Option<FileKind> {
    stack_model::file_kind(document)
}

/// Reads a document with the source of its syntax. Returns `None` for a script without a `zenml`
/// command.
pub fn read(document: &Document) -> Option<SourceModel> {
    match document.syntax() {
        Syntax::Script => zenml_commands::read(document),
        Syntax::Yaml | Syntax::Toml | Syntax::Json => Some(stacks::read(document)),
    }
}
