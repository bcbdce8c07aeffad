//! The JSON document of `refs`, version 1: every reference, and every declaration of a secret.
//!
//! The doc comments of these types and fields are the descriptions in the published schema.

use super::json_types::{JsonFailure, JsonScope, JsonSpan, VERSION, json_failures};
use super::json_writer::{StreamedItems, write_pretty};
use crate::diagnostics::error::Failure;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::text::source_kind::SourceKind;
use schemars::JsonSchema;
use serde::Serialize;
use std::io::{self, Write};

/// All references and declarations.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonReferences<'r> {
    /// The version of this format: 1.
    version: u32,
    /// The references, sorted by path and offset.
    #[schemars(with = "Vec<JsonReference<'r>>")]
    references: StreamedItems<'r, JsonReference<'r>>,
    /// The declarations of secrets, sorted by path and offset.
    #[schemars(with = "Vec<JsonDeclaration<'r>>")]
    declarations: StreamedItems<'r, JsonDeclaration<'r>>,
    /// The reasons why the list is incomplete. Empty unless stackref exits with code 2.
    failures: Vec<JsonFailure<'r>>,
}

/// A reference. A field that does not apply is absent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reference")]
struct JsonReference<'r> {
    /// The path of the file, relative to the working directory, with `/`. For a component on a server, it is
    /// `zenml://INVENTORY/components/TYPE/NAME`.
    path: &'r str,
    /// The kind of file: `stacks`, `scripts`, `docs`, `python` or `terraform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'r str>,
    /// The reference, including its braces. Absent for a component on a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<JsonSpan>,
    #[serde(flatten)]
    scope: JsonScope<'r>,
    /// The secret that the reference names.
    secret: &'r str,
    /// The key that the reference names. Absent if it names a whole secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'r str>,
    /// Whether a part of the names is known only at run time. The names are then the text as it is
    /// written. Absent if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dynamic: bool,
}

impl<'r> From<&'r Reference> for JsonReference<'r> {
    fn from(reference: &'r Reference) -> Self {
        Self {
            path: reference.source.path(),
            source: reference
                .source
                .kind_at(reference.span.start)
                .map(SourceKind::name),
            span: JsonSpan::in_file(&reference.source, reference.span),
            scope: JsonScope::from(&reference.scope),
            secret: reference.secret(),
            key: reference.key(),
            dynamic: reference.is_dynamic,
        }
    }
}

/// A declaration of a secret, such as `zenml secret create`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Declaration")]
struct JsonDeclaration<'r> {
    /// The path of the file, relative to the working directory, with `/`.
    path: &'r str,
    /// The kind of file: `scripts`, `docs`, `python` or `terraform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'r str>,
    /// The name of the secret.
    span: JsonSpan,
    /// The name of the secret. A dynamic name is the text as it is written.
    secret: &'r str,
    /// The keys that the declaration sets, in its order.
    keys: Vec<&'r str>,
    /// Whether it sets more keys, which are not known from the text. Absent if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    open: bool,
    /// Whether a part of the name is known only at run time. Absent if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dynamic: bool,
}

impl<'r> From<&'r Declaration> for JsonDeclaration<'r> {
    fn from(declaration: &'r Declaration) -> Self {
        let source = declaration.source.kind_at(declaration.span.start);
        Self {
            path: declaration.source.path(),
            source: source.map(SourceKind::name),
            span: JsonSpan::new(&declaration.source, declaration.span),
            secret: &declaration.secret,
            keys: declaration.keys.iter().map(|key| &*key.name).collect(),
            open: declaration.is_open,
            dynamic: declaration.is_dynamic,
        }
    }
}

/// Writes references and declarations, and the failures because of which some may be missing.
pub fn write_references<'r>(
    references: impl Iterator<Item = &'r Reference> + 'r,
    declarations: impl Iterator<Item = &'r Declaration> + 'r,
    failures: &'r [Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let references = StreamedItems::new(references.map(JsonReference::from));
    let declarations = StreamedItems::new(declarations.map(JsonDeclaration::from));
    write_pretty(
        &JsonReferences {
            version: VERSION,
            references,
            declarations,
            failures: json_failures(failures),
        },
        out,
    )
}
