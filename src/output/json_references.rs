//! The JSON document of `refs`, version 1: every reference of the stack files.
//!
//! The doc comments of these types and fields are the descriptions in the published schema.

use super::json_types::{JsonFailure, JsonScope, JsonSpan, VERSION, json_failures};
use super::json_writer::{StreamedItems, write_pretty};
use crate::diagnostics::error::Failure;
use crate::sources::reference::Reference;
use crate::text::source_kind::SourceKind;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// All references in the stack files.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReferences<'r> {
    /// The version of this format: 1.
    version: u32,
    /// The references, sorted by path and offset.
    #[schemars(with = "Vec<JsonReference<'r>>")]
    references: StreamedItems<'r, JsonReference<'r>>,
    /// The reasons why the list is incomplete. Empty unless stackref exits with code 2.
    failures: Vec<JsonFailure<'r>>,
}

/// A reference. A field that does not apply is absent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reference")]
struct JsonReference<'r> {
    /// The path of the file, relative to the working directory, with `/`.
    path: &'r str,
    /// The kind of file: `stacks`, `scripts` or `docs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'r str>,
    /// The reference, including its braces.
    span: JsonSpan,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    /// The secret that the reference names.
    secret: &'r str,
    /// The key that the reference names. Absent if it names a whole secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
}

impl<'r> From<&'r Reference> for JsonReference<'r> {
    fn from(reference: &'r Reference) -> Self {
        Self {
            path: reference.source.path(),
            source: reference.source.kind().map(SourceKind::name),
            span: JsonSpan::new(&reference.source, reference.span),
            scope: JsonScope::from(&reference.scope),
            secret: reference.secret(),
            key: reference.key(),
        }
    }
}

/// Writes references, and the failures because of which some may be missing.
pub fn write_references<'r>(
    references: impl Iterator<Item = &'r Reference> + 'r,
    failures: &'r [Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let references = StreamedItems::new(references.map(JsonReference::from));
    write_pretty(
        &JsonReferences {
            version: VERSION,
            references,
            failures: json_failures(failures),
        },
        out,
    )
}
