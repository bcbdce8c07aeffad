//! The kind `vault`: the KV engine of HashiCorp Vault or of OpenBao, version 1 or 2.
//!
//! Version 2 gives keys without values (`subkeys`, from Vault 1.10 on); version 1 does not, so there a check reads the secrets
//! that are referred to.

use super::http::{Address, Call, Http, Reply, into_wiped_text, percent_encode, read_token, warning};
use super::{
    Capabilities, Inventory, Key, LIST_ONLY_HINT, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    Unusable, ValueType, partition_existing, secret_from_json,
};
use crate::diagnostics::error::Failure;
use crate::project::config::{TimeLimits, VaultConfig, url_error};
use crate::system::environment::Environment;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// An inventory in a KV engine.
pub struct VaultInventory {
    name: String,
    config: VaultConfig,
    limits: TimeLimits,
    env: Arc<dyn Environment>,
    session: OnceLock<Result<VaultSession, StoreError>>,
}

struct VaultSession {
    http: Http,
    token: Zeroizing<String>,
    namespace: Option<String>,
    /// The version of the engine: 1 or 2.
    version: u8,
}

impl VaultInventory {
    /// A KV engine.
    pub fn new(name: String, config: VaultConfig, limits: TimeLimits, env: Arc<dyn Environment>) -> Self {
        Self { name, config, limits, env, session: OnceLock::new() }
    }

    fn url(&self) -> Option<String> {
        self.config.url.clone().or_else(|| self.env.text("VAULT_ADDR"))
    }

    fn session(&self) -> Result<&VaultSession, StoreError> {
        self.session.get_or_init(|| self.open()).as_ref().map_err(Clone::clone)
    }

    fn open(&self) -> Result<VaultSession, StoreError> {
        let url = self.url().ok_or_else(|| {
            let words = format!("the inventory `{}` has no address", self.name);
            StoreError::Invalid(Failure::usage(words).with_help("set `url` in the config, or VAULT_ADDR"))
        })?;
        if let Some(why) = url_error(&url) {
            return Err(StoreError::Invalid(Failure::usage(format!("VAULT_ADDR is {why}"))));
        }
        let ca_cert = self.config.ca_cert.clone().or_else(|| self.env.text("VAULT_CACERT").map(PathBuf::from));
        let address = Address {
            inventory: &self.name,
            url: &url,
            allow_http: self.config.allow_http,
            ca_cert: ca_cert.as_deref(),
        };
        let http = Http::new(&address, self.limits, self.env.as_ref()).map_err(StoreError::Invalid)?;
        let token = match (self.env.text("VAULT_TOKEN"), &self.config.token_file) {
            (_, Some(file)) => read_token(file)?,
            (Some(token), None) => Zeroizing::new(token),
            (None, None) => {
                let file = self.env.text("HOME").map(|home| PathBuf::from(home).join(".vault-token"));
                let file = file.filter(|file| file.is_file()).ok_or_else(|| {
                    StoreError::Forbidden(
                        "there is no token: set VAULT_TOKEN, name a file with `token_file`, or log in with `vault login`".to_owned(),
                    )
                })?;
                read_token(&file)?
            }
        };
        let namespace = self.config.namespace.clone().or_else(|| self.env.text("VAULT_NAMESPACE"));
        let mut session = VaultSession { http, token, namespace, version: 2 };
        // The one question about an engine that an identity may ask which may only list.
        let mount = segments(&self.config.mount);
        let reply = session.call("GET", &format!("/v1/sys/internal/ui/mounts/{mount}"), None)?;
        match reply.status {
            200 => {
                let answer = reply.json();
                let data = answer.and_then(|answer| answer.get("data"));
                let data = data.ok_or_else(|| not_vault_error("GET /v1/sys/internal/ui/mounts", &reply))?;
                let version = data.get("options").and_then(|options| options.get("version"));
                let is_second =
                    version.is_some_and(|version| version.as_str() == Some("2") || version.as_u64() == Some(2));
                session.version = if is_second { 2 } else { 1 };
            }
            403 => {
                return Err(StoreError::Forbidden(format!(
                    "the token is not taken, or may not use the mount `{}`",
                    self.config.mount
                )));
            }
            404 => {
                // Not every server knows the question; each knows whether it is sealed.
                let status = session.call("GET", "/v1/sys/seal-status", None)?;
                let answer = status.json();
                match answer.and_then(|answer| answer.get("sealed")?.as_bool()) {
                    Some(false) => session.version = 1,
                    Some(true) => return Err(StoreError::Unreachable("it is sealed".to_owned())),
                    None => return Err(not_vault_error("GET /v1/sys/seal-status", &status)),
                }
            }
            _ => return Err(not_vault_error("GET /v1/sys/internal/ui/mounts", &reply)),
        }
        Ok(session)
    }

    /// The path of a secret, or of the folder, below one of the engine's roots.
    fn path(&self, root: &str, secret: &str) -> String {
        let parts = [self.config.mount.as_str(), root, self.config.path.as_str()].map(segments);
        let mut path = "/v1".to_owned();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        path.push('/');
        path.push_str(&percent_encode(secret));
        path
    }

    /// All keys and values of a secret, with its version.
    fn read_secret(&self, secret: &str) -> Result<(SecretValues, u64), StoreError> {
        let session = self.session()?;
        let root = if session.version == 2 { "data" } else { "" };
        let reply = session.call("GET", &self.path(root, secret), None)?;
        match reply.status {
            403 => return Err(StoreError::Forbidden(format!("the token may not read the secret; {LIST_ONLY_HINT}"))),
            404 if is_vault(&reply) => return Err(StoreError::NotFound),
            _ => {}
        }
        let answer = reply.json().filter(|_| reply.status == 200);
        let data = answer.and_then(|answer| answer.get("data"));
        let (data, version) = if session.version == 2 {
            let version = data.and_then(|data| data.get("metadata")?.get("version")?.as_u64());
            (data.and_then(|data| data.get("data")), version.unwrap_or(0))
        } else {
            (data, 0)
        };
        let entries = data.and_then(Value::as_object).ok_or_else(|| not_vault_error("GET the secret", &reply))?;
        let entry = |(key, value): (&String, &Value)| (key.clone(), secret_from_json(value));
        Ok((entries.iter().map(entry).collect(), version))
    }

    /// The last version of a secret that is not there any more: what a write has to name.
    fn deleted_version(&self, secret: &str) -> Result<u64, StoreError> {
        let session = self.session()?;
        if session.version == 1 {
            return Ok(0);
        }
        let reply = session.call("GET", &self.path("metadata", secret), None)?;
        let answer = reply.json();
        let version = answer.and_then(|answer| answer.get("data")?.get("current_version")?.as_u64());
        Ok(version.unwrap_or(0))
    }
}

impl VaultSession {
    fn call(&self, method: &'static str, path: &str, body: Option<&str>) -> Result<Reply, StoreError> {
        let mut headers = vec![("x-vault-token", self.token.as_str()), ("x-vault-request", "true")];
        headers.extend(self.namespace.as_deref().map(|namespace| ("x-vault-namespace", namespace)));
        self.http.call(&Call { method, path, headers: &headers, body: body.map(|body| ("application/json", body)) })
    }
}

/// A path of several parts, each encoded.
fn segments(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty()).map(percent_encode).collect::<Vec<_>>().join("/")
}

/// Whether a reply without an answer is one of Vault's, and not that of something else behind the address.
fn is_vault(reply: &Reply) -> bool {
    reply.body.is_empty()
        || reply.json().is_some_and(|answer| answer.get("errors").is_some() || answer.get("data").is_some())
}

/// An answer that no Vault gives.
fn not_vault_error(call: &str, reply: &Reply) -> StoreError {
    let status = reply.status;
    StoreError::Unreachable(format!(
        "{call}: it answers {status} with what no Vault says; is `url` right, and is it unsealed?"
    ))
}

impl Inventory for VaultInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let session = self.session()?;
        let root = if session.version == 2 { "metadata" } else { "" };
        let folder = self.path(root, "");
        let reply = session.call("LIST", folder.trim_end_matches('/'), None)?;
        match reply.status {
            // An empty folder is none to Vault.
            404 if is_vault(&reply) => return Ok(Vec::new()),
            403 => return Err(StoreError::Forbidden("the token may not list that folder".to_owned())),
            _ => {}
        }
        let answer = reply.json().filter(|_| reply.status == 200);
        let keys = answer.and_then(|answer| answer.get("data")?.get("keys")?.as_array());
        let keys = keys.ok_or_else(|| not_vault_error("LIST the folder", &reply))?;
        // What ends in a slash is a folder.
        let names = keys.iter().filter_map(Value::as_str).filter(|name| !name.ends_with('/'));
        Ok(names.map(|name| SecretName { name: name.to_owned(), ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let session = self.session()?;
        if session.version == 2 {
            let reply = session.call("GET", &self.path("subkeys", secret), None)?;
            let answer = reply.json().filter(|_| reply.status == 200);
            let subkeys = answer.and_then(|answer| answer.get("data")?.get("subkeys")?.as_object());
            if let Some(subkeys) = subkeys {
                // The values of an engine of version 2 are hidden here, other than that they are mappings.
                let mapping = ValueType::Unusable(Unusable::Mapping);
                let keys = subkeys.iter().map(|(key, value)| Key {
                    name: key.clone(),
                    value: if value.is_object() { mapping } else { ValueType::Unknown },
                });
                return Ok(keys.collect());
            }
            // 404 is a secret that was deleted, and a server that does not know the question; 403 a right that only this
            // question needs: the data tell.
        }
        let (data, _) = self.read_secret(secret)?;
        Ok(data.iter().map(|(key, value)| Key { name: key.clone(), value: ValueType::from_value(value) }).collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let (data, _) = self.read_secret(secret)?;
        Ok(data.into_iter().filter(|(key, _)| requested.contains(key)).collect())
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let session = self.session()?;
        let (there, version) = match self.read_secret(secret) {
            Err(StoreError::NotFound) => (SecretValues::new(), self.deleted_version(secret)?),
            other => other?,
        };
        let (kept, fresh) = partition_existing(entries, |key| there.contains_key(key));
        if fresh.is_empty() && !entries.is_empty() {
            return Ok(kept);
        }
        let mut values = Map::new();
        for (key, value) in &there {
            let Ok(value) = value else {
                let words =
                    format!("`{secret}.{key}` in the inventory `{}` is not a string, and would be lost", self.name);
                return Err(StoreError::Invalid(Failure::usage(words).with_help("add the key with `vault kv patch`")));
            };
            values.insert(key.clone(), Value::from(value.expose()));
        }
        values.extend(fresh.into_iter().map(|entry| (entry.key.clone(), Value::from(entry.text()))));
        let (root, content) = match session.version {
            2 => ("data", json!({ "options": { "cas": version }, "data": values })),
            _ => ("", Value::Object(values)),
        };
        let reply = session.call("POST", &self.path(root, secret), Some(&into_wiped_text(content)))?;
        match reply.status {
            200 | 204 => Ok(kept),
            403 => Err(StoreError::Forbidden("the token may not write there".to_owned())),
            400 => Err(StoreError::Unreachable(
                "somebody else has changed it at the same moment: run this again".to_owned(),
            )),
            status => Err(StoreError::Unreachable(format!("POST the secret: it answers {status}"))),
        }
    }

    fn warning(&self) -> Option<String> {
        warning(&self.name, &self.url()?, self.config.allow_http)
    }
}
