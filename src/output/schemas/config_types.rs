//! `stackref.toml` as types that stand for what the reader in `config` takes.
#![expect(dead_code, reason = "no value of these types is ever made: only their schemas are used")]

use crate::lint::rules::{self, RULES};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What stackref checks here, and against what. Paths and globs are relative to this file; in globs `*` does not cross a
/// `/`, and `**` does.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ConfigFile {
    /// How much of the inventories is asked for. The flag `--level` and the environment variable
    /// `ZENML_SECRET_VALIDATION_LEVEL` come first.
    level: Option<LevelSchema>,
    /// Who replaces the references, which decides where they may stand.
    resolver: Option<ResolverSchema>,
    /// Findings that are known, as `stackref check --write-baseline` writes them: `stackref check` does not report them. A file
    /// inside the repository, relative to this one; `--baseline` replaces it.
    #[schemars(length(min = 1))]
    baseline: Option<String>,
    /// Which files are stack files.
    files: Option<FilesSchema>,
    /// Where names, keys and values are looked up, each under a name.
    inventory: Option<BTreeMap<String, InventorySchema>>,
    /// Which stack files use which inventories; the first that matches counts.
    stacks: Option<Vec<StackRouteSchema>>,
    /// Findings that are not reported, for files that cannot hold comments.
    ignore: Option<Vec<Ignore>>,
    /// What findings of a rule count as.
    rules: Option<Levels>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Level")]
enum LevelSchema {
    /// Nothing: no file is opened, no connection made.
    #[schemars(rename = "none")]
    None,
    /// The names.
    #[schemars(rename = "secret-exists")]
    SecretExists,
    /// Names, and the keys of the secrets that are referred to: the default.
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
    /// `ZenML`, at run time: only whole values of top-level attributes. The default.
    Zenml,
    /// `stackref render`, before deployment: anywhere in any string.
    Render,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(rename = "Files")]
struct FilesSchema {
    /// Only these are stack files. Without it: those with the shape of a stack or a name like `prod.stack.yaml`.
    include: Option<GlobsSchema>,
    /// These are none, whatever else says so.
    exclude: Option<GlobsSchema>,
    /// Scripts in which references are looked for, too.
    scripts: Option<GlobsSchema>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[schemars(rename = "Globs")]
enum GlobsSchema {
    One(Glob),
    Several(Vec<Glob>),
}

/// A glob, which cannot be negated.
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
#[schemars(rename = "StackRoute")]
struct StackRouteSchema {
    /// The stack files.
    files: GlobsSchema,
    /// The inventories that they use, asked in order.
    inventory: Names,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Ignore {
    /// The files.
    path: GlobsSchema,
    /// The rule that says nothing there.
    #[schemars(schema_with = "rule")]
    rule: String,
    /// Only at this attribute.
    attribute: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// By the names of the rules.
#[derive(JsonSchema)]
struct Levels(#[schemars(schema_with = "levels_of_rules")] BTreeMap<String, RuleLevelSchema>);

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[schemars(rename = "RuleLevel")]
enum RuleLevelSchema {
    /// Not reported.
    Off,
    /// Reported; the run ends well all the same.
    Warning,
    /// Reported; the run ends with 1.
    Error,
}

/// An address, without credentials in it.
#[derive(JsonSchema)]
struct Url(
    #[schemars(regex(pattern = "^https?://[^@]+$"))]
    String,
);

/// Seconds, or a fraction of one, up to a day.
#[derive(JsonSchema)]
struct Seconds(#[schemars(range(min = 0.001, max = 86_400.0))] f64);

/// A program and its arguments; no shell reads them, and `{secret}` and `{key}` are arguments of their own.
#[derive(JsonSchema)]
#[schemars(rename = "Program")]
struct ProgramSchema(#[schemars(length(min = 1))] Vec<String>);

/// An inventory. Credentials never stand here.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "Inventory")]
enum InventorySchema {
    /// A YAML, TOML or JSON file with `name: [key, key]` or `name: {key: value}`.
    File {
        /// The file.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A folder with a folder for each secret and a file for each key, as Kubernetes and Docker mount them.
    Dir {
        /// The folder.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// Environment variables: `{{mysql_secret.password}}` is `PREFIX_MYSQL_SECRET__PASSWORD`.
    Env {
        /// What their names begin with.
        prefix: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A file that SOPS has encrypted.
    Sops {
        /// The file.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A server of `ZenML`; credentials come from `ZENML_STORE_API_KEY` and its like.
    Zenml {
        /// Its address.
        url: Url,
        /// Whether credentials may be sent to an `http://` URL of another machine, that is, without encryption.
        allow_http: Option<bool>,
        /// A file with an API token.
        token_file: Option<String>,
        /// A file with the certificates (PEM) to trust.
        ca_cert: Option<String>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// The KV engine of Vault or OpenBao; the credential is `VAULT_TOKEN`.
    Vault {
        /// Its address; without it `VAULT_ADDR`.
        url: Option<Url>,
        /// Whether credentials may be sent to an `http://` URL of another machine, that is, without encryption.
        allow_http: Option<bool>,
        /// The mount of the engine.
        mount: String,
        /// The folder in it.
        path: Option<String>,
        /// The namespace; without it `VAULT_NAMESPACE`.
        namespace: Option<String>,
        /// A file with the token.
        token_file: Option<String>,
        /// A file with the certificates (PEM) to trust; without it `VAULT_CACERT`.
        ca_cert: Option<String>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// AWS Secrets Manager, or parameters of Systems Manager; credentials are those of the AWS SDK.
    Aws {
        /// The region.
        region: Option<String>,
        /// The profile.
        profile: Option<String>,
        /// What the names begin with.
        prefix: Option<String>,
        /// Which of the two.
        service: Option<AwsService>,
        /// Another endpoint than that of AWS.
        endpoint_url: Option<Url>,
        /// Whether credentials may be sent to an `http://` URL of another machine, that is, without encryption.
        allow_http: Option<bool>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// Any other store, by its own program; each question without a program has no answer.
    #[schemars(extend("anyOf" = [
        { "required": ["names"] }, { "required": ["keys"] }, { "required": ["value"] }, { "required": ["put"] },
    ]))]
    Command {
        /// Prints the names, as a JSON list.
        names: Option<ProgramSchema>,
        /// Prints the keys of `{secret}`, as a JSON list.
        keys: Option<ProgramSchema>,
        /// Prints the value of `{secret}` and `{key}`, exactly.
        value: Option<ProgramSchema>,
        /// Takes the value of `{secret}` and `{key}` on standard input.
        put: Option<ProgramSchema>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AwsService {
    /// Secrets Manager, the default.
    SecretsManager,
    /// Parameters of Systems Manager: `/prefix/SECRET/KEY`.
    Ssm,
}

#[derive(JsonSchema)]
#[schemars(rename = "Limits")]
struct LimitsSchema {
    /// How long a connection may take: 5 seconds.
    connect_timeout: Option<Seconds>,
    /// How long one answer, or one program, may take: 15 seconds.
    timeout: Option<Seconds>,
    /// How long all answers of a run may take: 60 seconds.
    run_timeout: Option<Seconds>,
}

fn rule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": rules::names().collect::<Vec<_>>() })
}

fn levels_of_rules(generator: &mut SchemaGenerator) -> Schema {
    let level = generator.subschema_for::<RuleLevelSchema>();
    let rules = RULES.iter().map(|rule| {
        let mut schema = level.clone();
        schema.insert("description".to_owned(), Value::from(rule.summary));
        schema.insert("default".to_owned(), Value::from(rule.severity.name()));
        (rule.id.name().to_owned(), schema.to_value())
    });
    let properties: Map<String, Value> = rules.collect();
    json_schema!({ "type": "object", "properties": json!(properties), "additionalProperties": false })
}
