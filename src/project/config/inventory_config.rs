//! The inventories of a config: their kinds, addresses and time limits.
//!
//! Reading them from a table is in [`super::inventory_tables`].

use std::path::PathBuf;
use std::time::Duration;

/// An inventory of a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryConfig {
    /// Its name, as in `[inventory.NAME]`.
    pub name: String,
    /// Its kind and where it is.
    pub kind: InventoryKind,
    /// The time limits of its requests.
    pub limits: TimeLimits,
}

/// The kind of an inventory, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryKind {
    /// A file with names and keys, or with values.
    File(PathBuf),
    /// A folder with a folder for each secret and a file for each key.
    Dir(PathBuf),
    /// Environment variables that start with this prefix.
    Env(String),
    /// A file that is encrypted with SOPS.
    Sops(PathBuf),
    /// A ZenML server.
    Zenml {
        /// The address of the server.
        url: String,
        /// Whether `http://` to another machine is allowed.
        allow_http: bool,
        /// A file with an API token.
        token_file: Option<PathBuf>,
        /// A file with the certificates to trust.
        ca_cert: Option<PathBuf>,
    },
    /// A KV engine of Vault or `OpenBao`.
    Vault(VaultConfig),
    /// AWS Secrets Manager, or parameters of AWS Systems Manager.
    Aws(AwsConfig),
    /// Programs that print names, keys and values.
    Command(CommandConfig),
    /// The secrets that commands of the repository create.
    Repository,
}

/// The KV engine of a Vault inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultConfig {
    /// The address. `None` means `VAULT_ADDR`.
    pub url: Option<String>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
    /// The mount of the engine.
    pub mount: String,
    /// The folder in the engine, without slashes around it.
    pub path: String,
    /// The namespace. `None` means `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// A file with the token.
    pub token_file: Option<PathBuf>,
    /// A file with the certificates to trust. `None` means `VAULT_CACERT`.
    pub ca_cert: Option<PathBuf>,
}

/// The location of the secrets of an AWS inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsConfig {
    /// The region. `None` means the SDK's default.
    pub region: Option<String>,
    /// The profile. `None` means the SDK's default.
    pub profile: Option<String>,
    /// The prefix of the names.
    pub prefix: String,
    /// Whether to use parameters of Systems Manager instead of Secrets Manager.
    pub ssm: bool,
    /// An endpoint to use instead of AWS's.
    pub endpoint_url: Option<String>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
}

/// The programs of a `command` inventory, each with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandConfig {
    /// Prints the names as a JSON list of strings, or of objects with `name`.
    pub names: Option<Vec<String>>,
    /// Prints the keys of `{secret}` in the same format.
    pub keys: Option<Vec<String>>,
    /// Prints the value of `{key}` in `{secret}`, without a line break after it.
    pub value: Option<Vec<String>>,
    /// Reads the value of `{key}` in `{secret}` from standard input.
    pub put: Option<Vec<String>>,
}

/// The time limits of an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// The limit for a connection.
    pub connect: Duration,
    /// The limit for one answer.
    pub answer: Duration,
    /// The limit for all answers of a run.
    pub run: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            run: Duration::from_secs(60),
        }
    }
}

/// Returns why a URL cannot be the address of a store, or `None` if it can. It must use http or
/// https, contain a host, and contain no credentials.
pub fn url_error(url: &str) -> Option<&'static str> {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return Some("a URL must start with https:// (or http://, without encryption)");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, "")) => (host, None),
        // Anything but a colon after the bracket makes the port invalid.
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or("?"))),
        None => authority
            .split_once(':')
            .map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if authority.contains('@') {
        Some("the URL contains a user name or a password")
    } else if host.is_empty()
        || !host.chars().all(is_host_char)
        || (host.contains(':') && !authority.starts_with('['))
    {
        Some("the URL contains no valid host")
    } else if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        Some("the URL contains an invalid port")
    } else if rest.contains(['?', '#']) || !url.chars().all(|c| c.is_ascii_graphic()) {
        Some("the URL contains a query, a fragment or an invalid character")
    } else {
        None
    }
}

fn is_host_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':')
}
