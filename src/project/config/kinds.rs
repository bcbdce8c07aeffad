//! `[inventory.NAME]`: the kinds of inventories, the keys that each takes, and what never stands in a config.

use super::{ConfigReader, Value, entries_in_order};
use crate::text::source::Span;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// An inventory as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryConfig {
    /// Its name in the config.
    pub name: String,
    /// What it is.
    pub kind: InventoryKind,
    /// How long it may take.
    pub limits: TimeLimits,
}

/// What an inventory is, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryKind {
    /// A file of names and keys, or of values.
    File(PathBuf),
    /// A folder with a folder for each secret and a file for each key.
    Dir(PathBuf),
    /// Environment variables that begin with a prefix.
    Env(String),
    /// A file that SOPS has encrypted.
    Sops(PathBuf),
    /// A server of ZenML.
    Zenml {
        /// Where it is.
        url: String,
        /// Whether `http://` to another machine is allowed.
        allow_http: bool,
        /// A file with an API token.
        token_file: Option<PathBuf>,
        /// A file with the certificates to trust.
        ca_cert: Option<PathBuf>,
    },
    /// The KV engine of Vault or `OpenBao`.
    Vault(VaultConfig),
    /// AWS Secrets Manager, or the parameters of Systems Manager.
    Aws(AwsConfig),
    /// Programs that print names, keys and values.
    Command(CommandConfig),
}

/// Where a KV engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaultConfig {
    /// The address; nothing: `VAULT_ADDR`.
    pub url: Option<String>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
    /// The mount of the engine.
    pub mount: String,
    /// The folder in it, without slashes around it.
    pub path: String,
    /// The namespace; nothing: `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// A file with the token.
    pub token_file: Option<PathBuf>,
    /// A file with the certificates to trust; nothing: `VAULT_CACERT`.
    pub ca_cert: Option<PathBuf>,
}

/// Where secrets are in AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsConfig {
    /// The region; nothing: that of the SDK's chain.
    pub region: Option<String>,
    /// The profile; nothing: that of the SDK's chain.
    pub profile: Option<String>,
    /// What the names begin with.
    pub prefix: String,
    /// Parameters instead of secrets.
    pub ssm: bool,
    /// Another endpoint than AWS's.
    pub endpoint_url: Option<String>,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
}

/// A program with its arguments, for each thing that can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandConfig {
    /// Prints the names, as a JSON list of strings or of objects with `name`.
    pub names: Option<Vec<String>>,
    /// Prints the keys of `{secret}`, in the same way.
    pub keys: Option<Vec<String>>,
    /// Prints the value of `{secret}` and `{key}`, exactly.
    pub value: Option<Vec<String>>,
    /// Takes the value of `{secret}` and `{key}` on standard input.
    pub put: Option<Vec<String>>,
}

/// Time limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// For a connection.
    pub connect: Duration,
    /// For one answer.
    pub answer: Duration,
    /// For all answers of a run.
    pub run: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(15), run: Duration::from_secs(60) }
    }
}

const KINDS: [&str; 8] = ["file", "dir", "env", "sops", "zenml", "vault", "aws", "command"];

/// The keys that every kind takes.
const COMMON_KEYS: [&str; 4] = ["kind", "connect_timeout", "timeout", "run_timeout"];

/// The keys that a kind takes beside those.
fn allowed_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "file" | "dir" | "sops" => &["path"],
        "env" => &["prefix"],
        "zenml" => &["url", "allow_http", "token_file", "ca_cert"],
        "vault" => &["url", "allow_http", "mount", "path", "namespace", "token_file", "ca_cert"],
        "aws" => &["region", "profile", "prefix", "service", "endpoint_url", "allow_http"],
        "command" => &["names", "keys", "value", "put"],
        _ => &[],
    }
}

/// The keys without which a kind is none, each with an example.
fn required_keys(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "file" => &[("path", "\"secrets/dev.yaml\"")],
        "dir" => &[("path", "\"/run/secrets\"")],
        "sops" => &[("path", "\"secrets.sops.yaml\"")],
        "env" => &[("prefix", "\"SR_\"")],
        "zenml" => &[("url", "\"https://zenml.example.com\"")],
        "vault" => &[("mount", "\"secret\"")],
        _ => &[],
    }
}

/// For a key that people write for credentials: where those belong instead.
fn credential_hint(kind: &str, key: &str) -> Option<&'static str> {
    const WORDS: [&str; 8] = ["token", "password", "api_key", "username", "user", "secret", "access_key", "auth"];
    let is_one = WORDS.iter().any(|word| key == *word || key.ends_with(&format!("_{word}")));
    is_one.then_some(match kind {
        "zenml" => {
            "set ZENML_STORE_API_KEY, or ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD, or name a file with `token_file`"
        }
        "vault" => "set VAULT_TOKEN, or name a file with `token_file`",
        "aws" => "the credentials of the AWS SDK are taken: AWS_PROFILE, AWS_ACCESS_KEY_ID, roles, SSO",
        _ => "this kind takes no credentials",
    })
}

/// What stands in a table of an inventory, read.
#[derive(Default)]
struct InventoryTable {
    texts: BTreeMap<String, String>,
    programs: BTreeMap<String, Vec<String>>,
}

impl InventoryTable {
    fn text(&mut self, key: &str) -> Option<String> {
        self.texts.remove(key)
    }

    /// A path of a store, without the slashes around it.
    fn store_path(&mut self, key: &str) -> String {
        self.text(key).map(|text| text.trim_matches('/').to_owned()).unwrap_or_default()
    }

    fn path(&mut self, key: &str, folder: &Path) -> Option<PathBuf> {
        self.text(key).map(|path| folder.join(path))
    }
}

/// Why a URL is none of a store: it has to be http or https, with a host, and without credentials.
pub fn url_error(url: &str) -> Option<&'static str> {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("a URL begins with https:// (or http://, without encryption)");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        // Without its colon: what else is behind the bracket is not a port.
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or("?"))),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let in_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if authority.contains('@') {
        Some("a URL with a user name or a password in it")
    } else if host.is_empty() || !host.chars().all(in_host) || (host.contains(':') && !authority.starts_with('[')) {
        Some("a URL without a host, or with one that is none")
    } else if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        Some("a URL with a port that is none")
    } else if rest.contains(['?', '#']) || !url.chars().all(|c| c.is_ascii_graphic()) {
        Some("a URL with a query, or with characters that no URL has")
    } else {
        None
    }
}

impl ConfigReader<'_> {
    /// `[inventory.NAME]`.
    pub(super) fn inventory(
        &mut self,
        name: &str,
        span: Span,
        value: &Value<'_>,
        folder: &Path,
    ) -> Option<InventoryConfig> {
        let place = format!("inventory.{name}");
        let table = self.table(value, &place)?;
        let Some((_, kind)) = table.iter().find(|(key, _)| key.get_ref() == "kind") else {
            let help = format!("for example: kind = \"file\"; the kinds: {}", KINDS.join(", "));
            self.fail(span, format!("`[{place}]` has no `kind`"), Some(help));
            return None;
        };
        let kind = self.choice(kind, "kind", &KINDS, |text| KINDS.into_iter().find(|kind| *kind == text))?;
        let mut keys: Vec<&str> = COMMON_KEYS.to_vec();
        keys.extend(allowed_keys(kind));
        let mistakes = self.failures.len();
        for (key, _) in entries_in_order(table) {
            let name = key.get_ref().as_ref();
            match credential_hint(kind, name) {
                _ if keys.contains(&name) => {}
                Some(instead) => {
                    let words = format!("`{name}` in `[{place}]`: a config holds no credentials");
                    self.fail(key.span().into(), words, Some(instead.to_owned()));
                }
                None => self.unknown_key(key, &place, &keys),
            }
        }
        for (key, example) in required_keys(kind) {
            if !table.iter().any(|(known, _)| known.get_ref() == *key) {
                self.fail(span, format!("`[{place}]` has no `{key}`"), Some(format!("for example: {key} = {example}")));
            }
        }
        let limits = self.limits(table);
        let kind = self.kind(kind, table, folder, span);
        (self.failures.len() == mistakes).then(|| InventoryConfig { name: name.to_owned(), kind, limits })
    }

    fn kind(&mut self, kind: &str, table: &DeTable<'_>, folder: &Path, span: Span) -> InventoryKind {
        let mut entries = InventoryTable::default();
        let mut ssm = false;
        let mut allow_http = false;
        for (key, value) in entries_in_order(table) {
            let key = key.get_ref().as_ref();
            if COMMON_KEYS.contains(&key) || !allowed_keys(kind).contains(&key) {
                continue;
            }
            if kind == "command" {
                let program = self.program(value, key);
                entries.programs.insert(key.to_owned(), program);
            } else if key == "service" {
                let allowed = ["secretsmanager", "ssm"];
                let chosen = self.choice(value, key, &allowed, |text| allowed.into_iter().find(|known| *known == text));
                ssm = chosen == Some("ssm");
            } else if key == "allow_http" {
                match value.get_ref() {
                    DeValue::Boolean(allowed) => allow_http = *allowed,
                    _ => self.wrong_type(value, key, "true or false"),
                }
            } else if let Some(text) = self.string(value, key) {
                if matches!(key, "url" | "endpoint_url") {
                    self.url(&text, value.span().into());
                }
                let odd = |part: &str| matches!(part, "." | "..");
                let is_place = key == "mount" || (key == "path" && kind == "vault");
                if is_place && ((key == "mount" && text.trim_matches('/').is_empty()) || text.split('/').any(odd)) {
                    self.fail(value.span().into(), format!("`{key}` is no place in a store"), None);
                }
                if key == "path" && kind == "file" && text == "-" {
                    let help = "name a file here, or pass `--inventory -` on the command line";
                    let words = "`path` cannot be `-`: a config cannot ask for standard input";
                    self.fail(value.span().into(), words, Some(help.to_owned()));
                }
                entries.texts.insert(key.to_owned(), text);
            }
        }
        match kind {
            "dir" => InventoryKind::Dir(entries.path("path", folder).unwrap_or_default()),
            "env" => InventoryKind::Env(entries.text("prefix").unwrap_or_default()),
            "sops" => InventoryKind::Sops(entries.path("path", folder).unwrap_or_default()),
            "zenml" => InventoryKind::Zenml {
                url: entries.text("url").unwrap_or_default(),
                allow_http,
                token_file: entries.path("token_file", folder),
                ca_cert: entries.path("ca_cert", folder),
            },
            "vault" => InventoryKind::Vault(VaultConfig {
                url: entries.text("url"),
                allow_http,
                mount: entries.store_path("mount"),
                path: entries.store_path("path"),
                namespace: entries.text("namespace"),
                token_file: entries.path("token_file", folder),
                ca_cert: entries.path("ca_cert", folder),
            }),
            "aws" => InventoryKind::Aws(AwsConfig {
                region: entries.text("region"),
                profile: entries.text("profile"),
                prefix: entries.text("prefix").unwrap_or_default(),
                ssm,
                endpoint_url: entries.text("endpoint_url"),
                allow_http,
            }),
            "command" => {
                if entries.programs.is_empty() {
                    let help = "for example: names = [\"gcloud\", \"secrets\", \"list\", \"--format=json(name)\"]";
                    self.fail(span, "an inventory of kind `command` without any program", Some(help.to_owned()));
                }
                let mut program = |key: &str| entries.programs.remove(key);
                let (names, keys) = (program("names"), program("keys"));
                InventoryKind::Command(CommandConfig { names, keys, value: program("value"), put: program("put") })
            }
            _ => InventoryKind::File(entries.path("path", folder).unwrap_or_default()),
        }
    }

    /// A program with its arguments, of which a diagnostic shows none: one may be a credential.
    fn program(&mut self, value: &Value<'_>, key: &str) -> Vec<String> {
        let start_of = |span: Span| Span::new(span.start, span.start);
        let span = start_of(value.span().into());
        if !matches!(value.get_ref(), DeValue::Array(_)) {
            let help = format!("for example: {key} = [\"program\", \"argument\"]; no shell reads it");
            self.fail(span, format!("`{key}` takes a list: a program and its arguments"), Some(help));
            return Vec::new();
        }
        let words = self.strings(value, key);
        if words.first().is_none_or(|(word, _)| word.is_empty()) {
            self.fail(span, format!("`{key}` names no program"), None);
        }
        let stray = words.iter().find(|(word, _)| {
            let inside = |mark: &str| word.contains(mark) && *word != mark;
            inside("{secret}") || inside("{key}")
        });
        if let Some(&(_, stray)) = stray {
            let help = "a name is never a part of an argument, so that none can mean something else there";
            let words = format!("in `{key}`: `{{secret}}` and `{{key}}` are arguments of their own");
            self.fail(start_of(stray), words, Some(help.to_owned()));
        } else if key != "names" && !words.iter().any(|(word, _)| word == "{secret}") {
            let help = "`{secret}` stands for its name, as an argument of its own".to_owned();
            self.fail(span, format!("`{key}` does not say which secret"), Some(help));
        }
        words.into_iter().map(|(word, _)| word).collect()
    }

    /// A URL of a store: http or https, without credentials.
    fn url(&mut self, url: &str, span: Span) {
        if let Some(why) = url_error(url) {
            // At its beginning and no further: a diagnostic shows what it points at.
            let help = "the address of the server, as https://host:port; a config holds no credentials".to_owned();
            self.fail(Span::new(span.start, span.start), why, Some(help));
        }
    }

    fn limits(&mut self, table: &DeTable<'_>) -> TimeLimits {
        let mut limits = TimeLimits::default();
        for (key, value) in entries_in_order(table) {
            let limit = match key.get_ref().as_ref() {
                "connect_timeout" => &mut limits.connect,
                "timeout" => &mut limits.answer,
                "run_timeout" => &mut limits.run,
                _ => continue,
            };
            let seconds = match value.get_ref() {
                DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
                DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
                _ => None,
            };
            match seconds.filter(|seconds| (0.001..=86_400.0).contains(seconds)) {
                Some(seconds) => *limit = Duration::from_secs_f64(seconds),
                None => self.wrong_type(value, key.get_ref(), "a number of seconds, up to a day"),
            }
        }
        limits
    }
}
