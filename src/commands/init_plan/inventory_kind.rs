//! Whether a file is an inventory, and of which kind. Its content decides; some files are
//! inventories by their name.

use crate::document::{Document, NodeId, ScalarType, Syntax};
use crate::sources::stack_model::{self, RootMapping};
use crate::system::files;
use crate::text::source::SourceFile;
use std::path::Path;
use std::sync::Arc;

/// The largest file that may be an inventory, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 16 << 20;

/// The reason why a file with another structure is not an inventory.
const OTHER_STRUCTURE: &str = "it does not have the structure of an inventory";

/// The kind of an inventory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectedKind {
    /// Names and keys.
    Names,
    /// Names, keys and values.
    Values,
    /// The file of ZenML's local secrets manager: values in base64.
    Zenml,
    /// Encrypted with SOPS.
    Sops,
}

impl DetectedKind {
    /// Returns the `kind` of the inventory in a config.
    pub fn config_name(self) -> &'static str {
        if self == Self::Sops { "sops" } else { "file" }
    }

    /// Returns whether the file contains values that are not encrypted.
    pub fn has_values(self) -> bool {
        matches!(self, Self::Values | Self::Zenml)
    }

    /// Returns a description for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Names => "names and keys",
            Self::Values => "with values",
            Self::Zenml => "ZenML's local secrets",
            Self::Sops => "encrypted with SOPS",
        }
    }
}

/// Returns the kind of an inventory file. `by_name` means that the name alone makes the file an
/// inventory, so it may be empty.
///
/// # Errors
/// The file is not an inventory. The error is a reason for messages, such as "it is not UTF-8".
pub(super) fn detect_kind(path: &Path, by_name: bool) -> Result<DetectedKind, &'static str> {
    let syntax =
        Syntax::from_path(path).ok_or("its file extension is not .yaml, .yml, .toml or .json")?;
    let bytes = files::read(path, MAX_FILE_BYTES).map_err(|_| "it cannot be read")?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
    let source = Arc::new(SourceFile::new(String::new(), text));
    let document = Document::parse(source, syntax).map_err(|_| "it cannot be parsed")?;
    let root = match document.roots() {
        [] if by_name => return Ok(DetectedKind::Names),
        [root] => *root,
        _ => return Err(OTHER_STRUCTURE),
    };
    if by_name
        && document
            .scalar(root)
            .is_some_and(|scalar| scalar.ty == ScalarType::Null)
    {
        return Ok(DetectedKind::Names);
    }
    let entries = document.entries(root).ok_or(OTHER_STRUCTURE)?;
    let sops = document
        .get(root, "sops")
        .filter(|_| syntax != Syntax::Toml);
    if sops.is_some_and(|(_, value)| document.entries(value).is_some()) {
        return Ok(DetectedKind::Sops);
    }
    let has_structure = entries
        .iter()
        .all(|&(_, value)| is_secret(&document, value))
        && (by_name || !entries.is_empty());
    if !has_structure || stack_model::file_kind(&RootMapping::all(&document)).is_some() {
        return Err(OTHER_STRUCTURE);
    }
    Ok(
        if entries
            .iter()
            .any(|&(_, value)| document.get(value, "zenml_schema_name").is_some())
        {
            DetectedKind::Zenml
        } else if entries.iter().any(|&(_, value)| {
            document
                .entries(value)
                .is_some_and(|entries| !entries.is_empty())
        }) {
            DetectedKind::Values
        } else {
            DetectedKind::Names
        },
    )
}

/// Returns whether a node is a secret: a sequence of keys, or a mapping of keys to values.
fn is_secret(document: &Document, node: NodeId) -> bool {
    let is_scalar = |node: NodeId| document.scalar(node).is_some();
    match (document.items(node), document.entries(node)) {
        (Some(keys), _) => keys.iter().all(|&key| is_scalar(key)),
        (None, Some(entries)) => entries
            .iter()
            .all(|&(key, value)| is_scalar(value) || document.is_merge_key(key)),
        (None, None) => false,
    }
}
