//! Types that describe an inventory file for its schema.
//!
//! `inventory::file::content` reads the file. The doc comments here are the descriptions in the
//! published schema.
#![expect(dead_code, reason = "only the schemas of these types are used")]

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::collections::BTreeMap;

/// Secrets by name. Each has a list of its keys, or a mapping of its keys to values. A file with
/// values is not safe to commit. Quote names, keys and values that YAML would not read as a string,
/// for example `0123`, `1.10` or `yes`.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct InventoryFile(BTreeMap<String, Secret>);

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Secret {
    /// The keys of the secret. Empty for a secret without keys.
    Keys(Vec<String>),
    #[schemars(schema_with = "zenml_secret")]
    Zenml(BTreeMap<String, String>),
    #[schemars(schema_with = "secret_with_values")]
    Values(BTreeMap<String, String>),
}

fn secret_with_values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The keys of the secret, with their values.",
        "type": "object",
        "properties": { "zenml_schema_name": false },
        "additionalProperties": { "type": "string" },
    })
}

fn zenml_secret(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "A secret in the format of ZenML's own local file, with base64-encoded values.",
        "type": "object",
        "properties": { "zenml_schema_name": { "type": "string" } },
        "required": ["zenml_schema_name"],
        "additionalProperties": { "type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}\\s*$" },
    })
}
