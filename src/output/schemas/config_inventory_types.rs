//! Types that describe `[inventory.NAME]` in `stackref.toml` for its schema.
//!
//! `project::config` reads these tables. The doc comments here are the descriptions in the
//! published schema.
#![expect(dead_code, reason = "only the schemas of these types are used")]

use schemars::JsonSchema;

/// A URL without credentials.
#[derive(JsonSchema)]
pub struct Url(
    #[schemars(regex(pattern = "^https?://[^@]+$"))]
    String,
);

/// A number of seconds, for example `0.5`. At most one day.
#[derive(JsonSchema)]
pub struct Seconds(#[schemars(range(min = 0.001, max = 86_400.0))] f64);

/// A program and its arguments. stackref runs it without a shell and replaces the arguments
/// `{secret}` and `{key}`.
#[derive(JsonSchema)]
#[schemars(rename = "Program")]
pub struct ProgramSchema(#[schemars(length(min = 1))] Vec<String>);

/// An inventory. It never contains credentials.
#[derive(JsonSchema)]
#[schemars(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
#[schemars(rename = "Inventory")]
pub enum InventorySchema {
    /// A YAML, TOML or JSON file that contains `name: [key, key]` or `name: {key: value}`.
    File {
        /// The path of the file.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A folder that contains a folder for each secret, with a file for each key. Kubernetes and
    /// Docker mount secrets like this.
    Dir {
        /// The path of the folder.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// Environment variables. For example, `PREFIX_MYSQL_SECRET__PASSWORD` is the value of
    /// `{{mysql_secret.password}}`.
    Env {
        /// The prefix of the names of the variables.
        prefix: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A file encrypted with SOPS.
    Sops {
        /// The path of the file.
        path: String,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A `ZenML` server. Credentials come from `ZENML_STORE_API_KEY` and similar environment
    /// variables.
    Zenml {
        /// The URL of the server.
        url: Url,
        /// Whether stackref may send credentials without encryption, to an `http://` URL of another
        /// machine.
        allow_http: Option<bool>,
        /// A file that contains an API token.
        token_file: Option<String>,
        /// A file that contains the certificates to trust (PEM).
        ca_cert: Option<String>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// A KV secrets engine of Vault or OpenBao. The token comes from `VAULT_TOKEN`.
    Vault {
        /// The URL of the server. Default: `VAULT_ADDR`.
        url: Option<Url>,
        /// Whether stackref may send credentials without encryption, to an `http://` URL of another
        /// machine.
        allow_http: Option<bool>,
        /// The mount path of the engine.
        mount: String,
        /// The folder of the secrets in the engine.
        path: Option<String>,
        /// The namespace. Default: `VAULT_NAMESPACE`.
        namespace: Option<String>,
        /// A file that contains the token.
        token_file: Option<String>,
        /// A file that contains the certificates to trust (PEM). Default: `VAULT_CACERT`.
        ca_cert: Option<String>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// AWS Secrets Manager, or AWS Systems Manager Parameter Store. Credentials come from the
    /// sources of the AWS SDK.
    Aws {
        /// The AWS region.
        region: Option<String>,
        /// The profile in the AWS configuration files.
        profile: Option<String>,
        /// The prefix of the names of secrets or parameters.
        prefix: Option<String>,
        /// The AWS service that stores the secrets.
        service: Option<AwsService>,
        /// An endpoint that replaces the default one of AWS.
        endpoint_url: Option<Url>,
        /// Whether stackref may send credentials without encryption, to an `http://` URL of another
        /// machine.
        allow_http: Option<bool>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// Any other secret store, through programs. Without the program for an operation, that
    /// operation is not available.
    #[schemars(extend("anyOf" = [
        { "required": ["names"] }, { "required": ["keys"] }, { "required": ["value"] }, { "required": ["put"] },
    ]))]
    Command {
        /// A program that prints the names of all secrets as a JSON array.
        names: Option<ProgramSchema>,
        /// A program that prints the keys of `{secret}` as a JSON array.
        keys: Option<ProgramSchema>,
        /// A program that prints the value of `{key}` in `{secret}`, without anything added.
        value: Option<ProgramSchema>,
        /// A program that reads a value from standard input and stores it as `{key}` of `{secret}`.
        put: Option<ProgramSchema>,
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
    /// The secrets that `zenml secret create` and similar commands of the repository create. It
    /// contains names and keys, but no values.
    Repository {
        #[schemars(flatten)]
        limits: LimitsSchema,
    },
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum AwsService {
    /// AWS Secrets Manager. The default.
    SecretsManager,
    /// AWS Systems Manager Parameter Store, with parameters named `/prefix/SECRET/KEY`.
    Ssm,
}

#[derive(JsonSchema)]
#[schemars(rename = "Limits")]
pub struct LimitsSchema {
    /// The time limit for establishing a connection. Default: 5 seconds.
    connect_timeout: Option<Seconds>,
    /// The time limit for one request or one program. Default: 15 seconds.
    timeout: Option<Seconds>,
    /// The time limit for all requests of a run. Default: 60 seconds.
    run_timeout: Option<Seconds>,
}
