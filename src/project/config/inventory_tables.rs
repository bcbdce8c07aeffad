//! Reads `[inventory.NAME]`: the keys of each kind of inventory.
//!
//! A config must not contain credentials. A key that looks like one is reported with the right
//! place for it.

use super::config_reader::{ConfigReader, Value, entries_in_order};
use super::inventory_config::{
    AwsConfig, CommandConfig, InventoryConfig, InventoryKind, TimeLimits, VaultConfig, url_error,
};
use crate::text::source::Span;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// The values of `kind`.
const KINDS: [&str; 9] = [
    "file",
    "dir",
    "env",
    "sops",
    "zenml",
    "vault",
    "aws",
    "command",
    "repository",
];

/// The keys that all kinds have.
const COMMON_KEYS: [&str; 4] = ["kind", "connect_timeout", "timeout", "run_timeout"];

/// Returns the keys of a kind besides [`COMMON_KEYS`].
fn allowed_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "file" | "dir" | "sops" => &["path"],
        "env" => &["prefix"],
        "zenml" => &["url", "allow_http", "token_file", "ca_cert"],
        "vault" => &[
            "url",
            "allow_http",
            "mount",
            "path",
            "namespace",
            "token_file",
            "ca_cert",
        ],
        "aws" => &[
            "region",
            "profile",
            "prefix",
            "service",
            "endpoint_url",
            "allow_http",
        ],
        "command" => &["names", "keys", "value", "put"],
        _ => &[],
    }
}

/// Returns the keys that a kind requires, each with an example of its value.
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

/// Returns where to put a credential instead, or `None` if the key does not look like one.
fn credential_hint(kind: &str, key: &str) -> Option<&'static str> {
    const WORDS: [&str; 8] = [
        "token",
        "password",
        "api_key",
        "username",
        "user",
        "secret",
        "access_key",
        "auth",
    ];
    let is_credential = WORDS
        .iter()
        .any(|word| key == *word || key.ends_with(&format!("_{word}")));
    is_credential.then_some(match kind {
        "zenml" => {
            "set ZENML_STORE_API_KEY, or ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD, or name a file with `token_file`"
        }
        "vault" => "set VAULT_TOKEN, or name a file with `token_file`",
        "aws" => "use the credentials of the AWS SDK: AWS_PROFILE, AWS_ACCESS_KEY_ID, roles or SSO",
        _ => "remove it: this kind of inventory uses no credentials",
    })
}

/// The values of an inventory's table.
#[derive(Default)]
struct InventoryTable {
    texts: BTreeMap<String, String>,
    programs: BTreeMap<String, Vec<String>>,
    /// Whether `service` is `ssm`.
    ssm: bool,
    allow_http: bool,
}

impl InventoryTable {
    /// Takes a text. Returns `None` if the key is not set.
    fn text(&mut self, key: &str) -> Option<String> {
        self.texts.remove(key)
    }

    /// Takes a path in a store, without the slashes around it.
    fn store_path(&mut self, key: &str) -> String {
        self.text(key)
            .map(|text| text.trim_matches('/').to_owned())
            .unwrap_or_default()
    }

    /// Takes a path that is relative to the folder of the config.
    fn path(&mut self, key: &str, folder: &Path) -> Option<PathBuf> {
        self.text(key).map(|path| folder.join(path))
    }

    /// Returns the inventory. Keys that are missing after a mistake are empty.
    fn into_kind(mut self, kind: &str, folder: &Path) -> InventoryKind {
        match kind {
            "dir" => InventoryKind::Dir(self.path("path", folder).unwrap_or_default()),
            "env" => InventoryKind::Env(self.text("prefix").unwrap_or_default()),
            "sops" => InventoryKind::Sops(self.path("path", folder).unwrap_or_default()),
            "zenml" => InventoryKind::Zenml {
                url: self.text("url").unwrap_or_default(),
                allow_http: self.allow_http,
                token_file: self.path("token_file", folder),
                ca_cert: self.path("ca_cert", folder),
            },
            "vault" => InventoryKind::Vault(VaultConfig {
                url: self.text("url"),
                allow_http: self.allow_http,
                mount: self.store_path("mount"),
                path: self.store_path("path"),
                namespace: self.text("namespace"),
                token_file: self.path("token_file", folder),
                ca_cert: self.path("ca_cert", folder),
            }),
            "aws" => InventoryKind::Aws(AwsConfig {
                region: self.text("region"),
                profile: self.text("profile"),
                prefix: self.text("prefix").unwrap_or_default(),
                ssm: self.ssm,
                endpoint_url: self.text("endpoint_url"),
                allow_http: self.allow_http,
            }),
            "command" => InventoryKind::Command(CommandConfig {
                names: self.programs.remove("names"),
                keys: self.programs.remove("keys"),
                value: self.programs.remove("value"),
                put: self.programs.remove("put"),
            }),
            "repository" => InventoryKind::Repository,
            _ => InventoryKind::File(self.path("path", folder).unwrap_or_default()),
        }
    }
}

impl ConfigReader<'_> {
    /// Reads `[inventory.NAME]`. Returns `None` after a mistake.
    pub(super) fn inventory(
        &mut self,
        name: &str,
        span: Span,
        value: &Value<'_>,
        folder: &Path,
    ) -> Option<InventoryConfig> {
        let path = format!("inventory.{name}");
        let table = self.table(value, &path)?;
        let Some((_, kind)) = table.iter().find(|(key, _)| key.get_ref() == "kind") else {
            let help = format!(
                "add one, for example `kind = \"file\"`; known kinds: {}",
                KINDS.join(", ")
            );
            self.fail(span, format!("`[{path}]` has no `kind`"), Some(help));
            return None;
        };
        let kind = self.choice(kind, "kind", &KINDS, |text| {
            KINDS.into_iter().find(|kind| *kind == text)
        })?;
        let mut keys: Vec<&str> = COMMON_KEYS.to_vec();
        keys.extend(allowed_keys(kind));
        let mistakes = self.failures.len();
        for (key, _) in entries_in_order(table) {
            let name = key.get_ref().as_ref();
            match credential_hint(kind, name) {
                _ if keys.contains(&name) => {}
                Some(instead) => {
                    let message = format!(
                        "`{name}` in `[{path}]`: credentials must not be stored in a config"
                    );
                    self.fail(key.span().into(), message, Some(instead.to_owned()));
                }
                None => self.unknown_key(key, &path, &keys),
            }
        }
        for (key, example) in required_keys(kind) {
            if !table.iter().any(|(known, _)| known.get_ref() == *key) {
                let help = format!("add it, for example `{key} = {example}`");
                self.fail(span, format!("`[{path}]` has no `{key}`"), Some(help));
            }
        }
        let limits = self.limits(table);
        let kind = self.kind(kind, table, folder, span);
        (self.failures.len() == mistakes).then(|| InventoryConfig {
            name: name.to_owned(),
            kind,
            limits,
        })
    }

    fn kind(
        &mut self,
        kind: &str,
        table: &DeTable<'_>,
        folder: &Path,
        span: Span,
    ) -> InventoryKind {
        let entries = self.inventory_values(kind, table);
        if kind == "command" && entries.programs.is_empty() {
            let help = "add one, for example `names = [\"gcloud\", \"secrets\", \"list\", \"--format=json(name)\"]`";
            self.fail(
                span,
                "this `command` inventory has no program",
                Some(help.to_owned()),
            );
        }
        entries.into_kind(kind, folder)
    }

    /// Reads the values of a kind's own keys.
    fn inventory_values(&mut self, kind: &str, table: &DeTable<'_>) -> InventoryTable {
        let mut entries = InventoryTable::default();
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
                let chosen = self.choice(value, key, &allowed, |text| {
                    allowed.into_iter().find(|known| *known == text)
                });
                entries.ssm = chosen == Some("ssm");
            } else if key == "allow_http" {
                match value.get_ref() {
                    DeValue::Boolean(allowed) => entries.allow_http = *allowed,
                    _ => self.wrong_type(value, key, "true or false"),
                }
            } else if let Some(text) = self.string(value, key) {
                self.check_text(kind, key, &text, value.span().into());
                entries.texts.insert(key.to_owned(), text);
            }
        }
        entries
    }

    /// Reports a string that is not valid for its key.
    fn check_text(&mut self, kind: &str, key: &str, text: &str, span: Span) {
        if matches!(key, "url" | "endpoint_url") {
            self.check_url(text, span);
        }
        let is_store_path = key == "mount" || (key == "path" && kind == "vault");
        let is_empty_mount = key == "mount" && text.trim_matches('/').is_empty();
        if is_store_path
            && (is_empty_mount || text.split('/').any(|part| matches!(part, "." | "..")))
        {
            self.fail(
                span,
                format!("`{key}` is not a valid path in a store"),
                None,
            );
        }
        if key == "path" && kind == "file" && text == "-" {
            let help = "name a file here, or pass `--inventory -` on the command line";
            let message = "`path` cannot be `-`: a config cannot request standard input";
            self.fail(span, message, Some(help.to_owned()));
        }
    }

    /// Reads a program with its arguments. An excerpt shows none of them, since one may be a
    /// credential.
    fn program(&mut self, value: &Value<'_>, key: &str) -> Vec<String> {
        let span = start_of(value.span().into());
        if !matches!(value.get_ref(), DeValue::Array(_)) {
            let help = format!(
                "for example `{key} = [\"program\", \"argument\"]`; it is not run by a shell"
            );
            self.fail(
                span,
                format!("`{key}` must be a list: a program and its arguments"),
                Some(help),
            );
            return Vec::new();
        }
        let words = self.strings(value, key);
        if words.first().is_none_or(|(word, _)| word.is_empty()) {
            self.fail(span, format!("`{key}` does not name a program"), None);
        }
        let embedded = words.iter().find(|(word, _)| {
            embeds_placeholder(word, "{secret}") || embeds_placeholder(word, "{key}")
        });
        if let Some(&(_, span)) = embedded {
            let help = "pass it as a separate argument: inside another one, a name could change the meaning of the argument";
            let message =
                format!("in `{key}`: `{{secret}}` and `{{key}}` must be separate arguments");
            self.fail(start_of(span), message, Some(help.to_owned()));
        } else if key != "names" && !words.iter().any(|(word, _)| word == "{secret}") {
            let help =
                "add `{secret}` as a separate argument; stackref replaces it with the name of the secret".to_owned();
            self.fail(span, format!("`{key}` has no `{{secret}}`"), Some(help));
        }
        words.into_iter().map(|(word, _)| word).collect()
    }

    /// Reports a URL that cannot be the address of a store.
    fn check_url(&mut self, url: &str, span: Span) {
        if let Some(reason) = url_error(url) {
            // Only its start: an excerpt shows the text that the span covers, which may be a
            // password.
            let help = "write the address of the server as https://host:port, without credentials"
                .to_owned();
            self.fail(start_of(span), reason, Some(help));
        }
    }

    /// Reads the time limits. A limit that is not set has its default.
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

fn start_of(span: Span) -> Span {
    Span::new(span.start, span.start)
}

/// Returns whether a word contains a placeholder together with other text.
fn embeds_placeholder(word: &str, placeholder: &str) -> bool {
    word.contains(placeholder) && word != placeholder
}
