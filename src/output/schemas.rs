//! Generates the JSON Schemas (draft 2020-12) of the files that stackref reads and the JSON that it
//! writes.
//!
//! The schema of a report is generated from the types that are serialized. The config and inventory
//! files are not deserialized with serde, because their readers report every mistake with its
//! location. Their schemas are generated from types that only describe the format. Tests compare
//! these types with the readers.
//!
//! The published schemas are in the folder `schemas/`. Descriptions in them are the doc comments of
//! the types.

mod config_inventory_types;
mod config_types;
mod inventory_types;

use crate::output::json_comparison::JsonComparison;
use crate::output::json_references::JsonReferences;
use crate::output::json_report::JsonReport;
use crate::output::matrix_report::JsonMatrix;
use crate::output::statistics::JsonStatistics;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The format that a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaKind {
    /// The config, `stackref.toml`
    Config,
    /// Inventory files, with values or with names and keys only
    Inventory,
    /// The output of `stackref check --format json`
    Report,
    /// The output of `stackref refs --format json`
    References,
    /// The output of `stackref check --statistics --format json`
    Statistics,
    /// The output of `stackref inventory diff --format json`
    InventoryDiff,
    /// The output of `stackref matrix --format json`
    Matrix,
}

impl SchemaKind {
    /// All formats with a schema.
    pub const ALL: [Self; 7] = [
        Self::Config,
        Self::Inventory,
        Self::Report,
        Self::References,
        Self::Statistics,
        Self::InventoryDiff,
        Self::Matrix,
    ];

    /// Returns the name that `stackref schema` accepts. It is also part of the name of the file in
    /// `schemas/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Inventory => "inventory",
            Self::Report => "report",
            Self::References => "references",
            Self::Statistics => "statistics",
            Self::InventoryDiff => "inventory-diff",
            Self::Matrix => "matrix",
        }
    }
}

/// Returns a schema as indented JSON, as the files in `schemas/` contain it.
pub fn text(kind: SchemaKind) -> String {
    format!("{:#}\n", schema(kind))
}

/// Returns a schema.
pub fn schema(kind: SchemaKind) -> Value {
    let (read, written) = (Contract::Deserialize, Contract::Serialize);
    let (title, mut schema) = match kind {
        SchemaKind::Config => (
            "stackref configuration (stackref.toml)",
            generate::<config_types::ConfigFile>(read),
        ),
        SchemaKind::Inventory => (
            "stackref inventory file",
            generate::<inventory_types::InventoryFile>(read),
        ),
        SchemaKind::Report => (
            "Output of stackref check --format json",
            generate::<JsonReport<'static>>(written),
        ),
        SchemaKind::References => (
            "Output of stackref refs --format json",
            generate::<JsonReferences<'static>>(written),
        ),
        SchemaKind::Statistics => (
            "Output of stackref check --statistics --format json",
            generate::<JsonStatistics<'static>>(written),
        ),
        SchemaKind::InventoryDiff => (
            "Output of stackref inventory diff --format json",
            generate::<JsonComparison<'static>>(written),
        ),
        SchemaKind::Matrix => (
            "Output of stackref matrix --format json",
            generate::<JsonMatrix<'static>>(written),
        ),
    };
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

fn generate<T: JsonSchema>(contract: Contract) -> Schema {
    let mut settings = SchemaSettings::draft2020_12().with_transform(StripRustDetails);
    settings.contract = contract;
    settings.into_generator().into_root_schema_for::<T>()
}

/// Removes the parts of a schema that only describe the Rust types:
///
/// - `null`, because a field that does not apply is absent;
/// - the formats of numbers, such as `uint32`, which validators do not know;
/// - line breaks in descriptions.
#[derive(Clone, Debug)]
struct StripRustDetails;

impl Transform for StripRustDetails {
    fn transform(&mut self, schema: &mut Schema) {
        remove_null(schema);
        if matches!(schema.get("type"), Some(Value::String(name)) if name == "integer" || name == "number")
        {
            schema.remove("format");
        }
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = description.replace('\n', " ");
        }
        transform_subschemas(self, schema);
    }
}

/// Removes `null` from the types and from the alternatives of a schema. A single remaining
/// alternative takes the place of the list.
fn remove_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives
            .retain(|alternative| alternative.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}
