//! An inventory file as types that stand for what the reader in `inventory/file/content` takes.
#![expect(dead_code, reason = "no value of these types is ever made: only their schemas are used")]

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::collections::BTreeMap;

/// Secrets by their names. With lists of keys the file is safe to commit; with values it is not. Quote a name, a key or a
/// value that YAML takes for something else than a string, such as `0123`, `1.10` or `yes`.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct InventoryFile(BTreeMap<String, Secret>);

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Secret {
    /// Its keys; none for a secret without keys.
    Keys(Vec<String>),
    #[schemars(schema_with = "zenml_secret")]
    Zenml(BTreeMap<String, String>),
    #[schemars(schema_with = "plain_secret")]
    Values(BTreeMap<String, String>),
}

fn plain_secret(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Its keys with their values.",
        "type": "object",
        "properties": { "zenml_schema_name": false },
        "additionalProperties": { "type": "string" },
    })
}

fn zenml_secret(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "ZenML's local file: base64 of each value.",
        "type": "object",
        "properties": { "zenml_schema_name": { "type": "string" } },
        "required": ["zenml_schema_name"],
        "additionalProperties": { "type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}\\s*$" },
    })
}
