//! The parts of an inventory file that `lint` reads besides names and keys: where each name is
//! declared, and the ignore comments.

use crate::document::directives::Directive;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::path::Path;
use std::sync::Arc;

/// The name of a secret and its location, in an inventory that is a file of the repository.
#[derive(Clone, Debug)]
pub struct DeclaredName {
    /// The name.
    pub name: String,
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The bytes of the name in the file.
    pub span: Span,
}

/// The comments of an inventory file that suppress findings in it.
#[derive(Clone, Copy, Debug)]
pub struct InventoryComments<'i> {
    /// The file.
    pub source: &'i Arc<RedactedSource>,
    /// The absolute path of the file.
    pub path: &'i Path,
    /// The comments.
    pub directives: &'i [Directive],
    /// Whether the file is a snapshot, to which `unused-secret` does not apply.
    pub is_snapshot: bool,
}
