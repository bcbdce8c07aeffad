//! Types that describe `stackref.toml` for its schema, apart from `[inventory.NAME]`.
//!
//! `project::config` reads the file. The doc comments here are the descriptions in the published
//! schema.
#![expect(dead_code, reason = "only the schemas of these types are used")]

use super::config_inventory_types::InventorySchema;
use crate::lint::rules::{self, RULES};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The configuration of stackref. Paths and globs are relative to the folder of this file. In
/// globs, `*` does not match `/`, and `**` does.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConfigFile {
    /// How much stackref queries the inventories. The flag `--level` and the environment variable
    /// `ZENML_SECRET_VALIDATION_LEVEL` override it.
    level: Option<LevelSchema>,
    /// The program that replaces the references by values. It determines where references are
    /// allowed.
    resolver: Option<ResolverSchema>,
    /// The baseline: a file with findings that `stackref check` does not report. `stackref check
    /// --write-baseline` creates it. The file must be inside the repository. The flag `--baseline`
    /// overrides it.
    #[schemars(length(min = 1))]
    baseline: Option<String>,
    /// Which files stackref reads.
    files: Option<FilesSchema>,
    /// The inventories, by name. stackref looks up secrets, keys and values in them.
    inventory: Option<BTreeMap<String, InventorySchema>>,
    /// The environments, by name, such as dev and prod. Each reference is looked up in each of them.
    environment: Option<BTreeMap<String, EnvironmentSchema>>,
    /// Which files use which inventories or environments. The first entry that matches a file applies.
    stacks: Option<Vec<StackRouteSchema>>,
    /// Findings to suppress, for example in files that cannot contain comments.
    ignore: Option<Vec<Ignore>>,
    /// The severity of each rule.
    rules: Option<Levels>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Level")]
enum LevelSchema {
    /// Query nothing: stackref opens no inventory file and no connection.
    #[schemars(rename = "none")]
    None,
    /// Look up the names of secrets.
    #[schemars(rename = "secret-exists")]
    SecretExists,
    /// Look up the names of secrets, and the keys of referenced secrets. The default.
    #[schemars(rename = "secret-and-key-exists")]
    SecretAndKeyExists,
    /// The same as `none`.
    #[schemars(rename = "NONE")]
    ZenmlNone,
    /// The same as `secret-exists`.
    #[schemars(rename = "SECRET_EXISTS")]
    ZenmlSecretExists,
    /// The same as `secret-and-key-exists`.
    #[schemars(rename = "SECRET_AND_KEY_EXISTS")]
    ZenmlSecretAndKeyExists,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[schemars(rename = "Resolver")]
enum ResolverSchema {
    /// `ZenML` replaces references at run time. It only replaces those that are the whole value of
    /// a top-level attribute. The default.
    Zenml,
    /// `stackref render` replaces references before deployment, anywhere in any string.
    Render,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(rename = "Files")]
struct FilesSchema {
    /// Read only these files as stack files. By default, a file is a stack file if its contents
    /// look like a stack, or if it is named like `prod.stack.yaml`.
    include: Option<GlobsSchema>,
    /// Never read these files, even if another setting includes them.
    exclude: Option<GlobsSchema>,
    /// Also read `zenml` commands in these files.
    scripts: Option<GlobsSchema>,
    /// The sources to read. Without it, all are read.
    sources: Option<Vec<SourceSchema>>,
}

/// A kind of file in which references are found.
#[derive(JsonSchema)]
#[schemars(rename = "Source", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
enum SourceSchema {
    Stacks,
    Scripts,
    Docs,
    Python,
    Terraform,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[schemars(rename = "Globs")]
enum GlobsSchema {
    One(Glob),
    Several(Vec<Glob>),
}

/// A glob. Negation with `!` is not supported.
#[derive(JsonSchema)]
struct Glob(#[schemars(length(max = 1000), regex(pattern = "^([^!]|$)"))] String);

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(rename = "Environment")]
struct EnvironmentSchema {
    /// The inventories of this environment, in the order in which stackref queries them.
    inventory: Names,
    /// The values of variables in dynamic references, such as `{{${ENV}_db.password}}`.
    variables: Option<BTreeMap<String, String>>,
    /// How much stackref queries the inventories in this environment.
    level: Option<LevelSchema>,
}

/// It needs either `inventory` or `environment`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(rename = "StackRoute")]
#[schemars(extend("oneOf" = [{"required": ["inventory"]}, {"required": ["environment"]}]))]
struct StackRouteSchema {
    /// The files that this entry applies to.
    files: GlobsSchema,
    /// The inventories that these files use, in the order in which stackref queries them.
    inventory: Option<Names>,
    /// The environments in which the references of these files are looked up.
    environment: Option<Names>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Ignore {
    /// The files that this entry applies to.
    path: GlobsSchema,
    /// The rule whose findings are suppressed.
    #[schemars(schema_with = "rule")]
    rule: String,
    /// Suppress only findings in this attribute.
    attribute: Option<String>,
    /// The reason, for people who read the config.
    reason: Option<String>,
}

/// The severity of each rule, by name.
#[derive(JsonSchema)]
struct Levels(#[schemars(schema_with = "levels_of_rules")] BTreeMap<String, RuleLevelSchema>);

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[schemars(rename = "RuleLevel")]
enum RuleLevelSchema {
    /// Findings are not reported.
    Off,
    /// Findings are reported and do not affect the exit code.
    Warning,
    /// Findings are reported, and stackref exits with code 1.
    Error,
}

fn rule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": rules::names().collect::<Vec<_>>() })
}

fn levels_of_rules(generator: &mut SchemaGenerator) -> Schema {
    let level = generator.subschema_for::<RuleLevelSchema>();
    let rules = RULES.iter().map(|rule| {
        let mut schema = level.clone();
        schema.insert("description".to_owned(), Value::from(rule.summary));
        schema.insert("default".to_owned(), Value::from(rule.default_level_name()));
        (rule.id.name().to_owned(), schema.to_value())
    });
    let properties: Map<String, Value> = rules.collect();
    json_schema!({ "type": "object", "properties": json!(properties), "additionalProperties": false })
}
