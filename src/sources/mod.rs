//! The sources of references: the kinds of files that stackref reads, and their components,
//! attributes and scalars.
//!
//! Each source has one function that reads a document into a [`SourceModel`]:
//!
//! - `stacks` reads YAML, TOML and JSON.
//! - `code` reads the `zenml` commands in scripts, CI files, documentation and notebooks, and the
//!   calls in Python and Terraform.

pub mod component_nodes;
pub mod declarations;
pub mod code;
mod call_redactions;
pub mod command_redactions;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod expansion_checks;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod expansion_properties;
mod mask_spans;
mod name_cache;
mod name_template;
pub mod prefilter;
pub mod redactions;
pub mod reference;
pub mod scalar;
pub mod secret_uses;
pub mod stack_model;
pub mod stacks;
pub mod unparsed_kind;

use crate::document::directives::Directive;
use crate::document::{Document, Syntax};
use crate::sources::stack_model::{RootMapping, StackModel};
use crate::text::redacted_source::{FindMasks, Masks};
use crate::text::source::{SourceFile, Span};
use std::sync::Arc;

/// The contents of a document as its source reads them. They are computed once for each file.
#[derive(Debug)]
pub struct SourceModel {
    /// The stacks, their components, and the scalars that may contain references.
    pub stacks: StackModel,
    /// The comments that contain directives, such as `# stackref: ignore`.
    pub directives: Vec<Directive>,
}

/// Reads a document with the source of its syntax. `roots` are its top-level mappings. Returns
/// `None` for code without a `zenml` command or call.
pub fn read<'d>(document: &'d Document, roots: &[RootMapping<'d>]) -> Option<SourceModel> {
    match document.syntax() {
        Syntax::Script(_) => code::read(document),
        Syntax::Yaml | Syntax::Toml | Syntax::Json => Some(stacks::read(document, roots)),
    }
}

/// Returns the spans of a document that excerpts must not show, sorted and without overlaps.
pub fn masks(document: &Document) -> Vec<Span> {
    #[cfg(test)]
    crate::counters::record(crate::counters::Fact::Masks);
    match document.syntax() {
        Syntax::Script(_) => code::masks(document),
        Syntax::Yaml | Syntax::Toml | Syntax::Json => stacks::masks(document),
    }
}

/// Returns masks for a file of a syntax. If they are requested, they are found in the parsed file.
pub fn deferred_masks(syntax: Syntax) -> Masks {
    Masks::found_by(ParsedFile(syntax))
}

/// Finds the masks of a file by parsing it. A file that does not parse is masked as a whole.
#[derive(Debug)]
struct ParsedFile(Syntax);

impl FindMasks for ParsedFile {
    fn find_masks(&self, file: &Arc<SourceFile>) -> Vec<Span> {
        match Document::parse(Arc::clone(file), self.0) {
            Ok(document) => masks(&document),
            Err(_) => vec![Span::new(0, file.text().len())],
        }
    }
}
