//! The JSON Schemas (draft 2020-12) of what stackref reads and writes: its config, inventory files, and the two reports.
//!
//! Reports have the schema of the types that they are written from. The config and the inventories are read by hand, with a
//! place for every mistake, so theirs are types that only mirror what the readers take; tests hold the two together.

mod config_types;
mod inventory_types;

use crate::output::json_report::{JsonReferences, JsonReport};
use crate::output::statistics::JsonStatistics;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// What there is a schema of.
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
}

impl SchemaKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Config, Self::Inventory, Self::Report, Self::References, Self::Statistics];

    /// The name that `stackref schema` takes, and the file below `schemas/` has.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Inventory => "inventory",
            Self::Report => "report",
            Self::References => "references",
            Self::Statistics => "statistics",
        }
    }
}

/// A schema as a file holds it.
pub fn text(which: SchemaKind) -> String {
    format!("{:#}\n", schema(which))
}

/// A schema.
pub fn schema(which: SchemaKind) -> Value {
    let (read, written) = (Contract::Deserialize, Contract::Serialize);
    let (title, mut schema) = match which {
        SchemaKind::Config => ("The config of stackref, stackref.toml", generate::<config_types::ConfigFile>(read)),
        SchemaKind::Inventory => ("An inventory of stackref", generate::<inventory_types::InventoryFile>(read)),
        SchemaKind::Report => ("What stackref check --format json prints", generate::<JsonReport<'static>>(written)),
        SchemaKind::References => {
            ("What stackref refs --format json prints", generate::<JsonReferences<'static>>(written))
        }
        SchemaKind::Statistics => {
            ("What stackref check --statistics --format json prints", generate::<JsonStatistics<'static>>(written))
        }
    };
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

fn generate<T: JsonSchema>(contract: Contract) -> Schema {
    let mut settings = SchemaSettings::draft2020_12().with_transform(StripRustDetails);
    settings.contract = contract;
    settings.into_generator().into_root_schema_for::<T>()
}

/// Leaves out what is only true of the types in Rust: a field that does not apply is absent, never null, the formats of
/// numbers are none that a validator knows, and descriptions are one line.
#[derive(Clone, Debug)]
struct StripRustDetails;

impl Transform for StripRustDetails {
    fn transform(&mut self, schema: &mut Schema) {
        let is_null = |schema: &Value| schema.get("type").is_some_and(|name| name == "null");
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(kinds)) = schema.get_mut("anyOf") {
            kinds.retain(|kind| !is_null(kind));
            if let [Value::Object(only)] = kinds.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    schema.insert(key, value);
                }
            }
        }
        if matches!(schema.get("type"), Some(Value::String(name)) if name == "integer" || name == "number") {
            schema.remove("format");
        }
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = description.replace('\n', " ");
        }
        transform_subschemas(self, schema);
    }
}
