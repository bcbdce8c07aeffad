//! The kind `vault`: version 1 or 2 of the KV engine of HashiCorp Vault or OpenBao.
//!
//! Version 2 returns keys without values (`subkeys`, since Vault 1.10). Version 1 does not, so
//! there `check` reads the secrets that stack files refer to.

mod vault_session;

use super::http::{Reply, percent_encode, warning};
use super::secret_change::partition_existing;
use super::store_error::LIST_ONLY_HINT;
use super::value_type::secret_from_json;
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    Unusable, ValueType,
};
use crate::diagnostics::error::Failure;
use crate::project::config::{TimeLimits, VaultConfig};
use crate::system::environment::Environment;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};
use vault_session::VaultSession;

/// An inventory in a KV engine.
pub struct VaultInventory {
    name: String,
    config: VaultConfig,
    limits: TimeLimits,
    env: Arc<dyn Environment>,
    session: OnceLock<Result<VaultSession, StoreError>>,
}

impl VaultInventory {
    /// Creates an inventory that connects when it is first asked.
    pub fn new(
        name: String,
        config: VaultConfig,
        limits: TimeLimits,
        env: Arc<dyn Environment>,
    ) -> Self {
        Self {
            name,
            config,
            limits,
            env,
            session: OnceLock::new(),
        }
    }

    fn url(&self) -> Option<String> {
        self.config
            .url
            .clone()
            .or_else(|| self.env.text("VAULT_ADDR"))
    }

    fn session(&self) -> Result<&VaultSession, StoreError> {
        self.session
            .get_or_init(|| self.open())
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Returns the path of a secret, or of the folder if `secret` is empty, below one of the
    /// engine's roots.
    fn path(&self, root: &str, secret: &str) -> String {
        let parts = [self.config.mount.as_str(), root, self.config.path.as_str()].map(encode_path);
        let mut path = "/v1".to_owned();
        for part in parts.iter().filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(part);
        }
        path.push('/');
        path.push_str(&percent_encode(secret));
        path
    }

    /// Reads all keys and values of a secret. Returns them with the version of the secret.
    fn read_secret(&self, secret: &str) -> Result<(SecretValues, u64), StoreError> {
        let session = self.session()?;
        let root = if session.version == 2 { "data" } else { "" };
        let reply = session.call("GET", &self.path(root, secret), None)?;
        match reply.status {
            403 => {
                return Err(StoreError::Forbidden(format!(
                    "the token may not read the secret; {LIST_ONLY_HINT}"
                )));
            }
            404 if is_vault(&reply) => return Err(StoreError::NotFound),
            _ => {}
        }
        let data = reply.ok_json().and_then(|answer| answer.get("data"));
        let (data, version) = if session.version == 2 {
            let version = data.and_then(|data| data.get("metadata")?.get("version")?.as_u64());
            (data.and_then(|data| data.get("data")), version.unwrap_or(0))
        } else {
            (data, 0)
        };
        let entries = data
            .and_then(Value::as_object)
            .ok_or_else(|| not_vault_error("GET the secret", &reply))?;
        let values = entries
            .iter()
            .map(|(key, value)| (key.clone(), secret_from_json(value)));
        Ok((values.collect(), version))
    }

    /// Returns the last version of a deleted secret. A write that creates the secret again must
    /// name it.
    fn deleted_version(&self, secret: &str) -> Result<u64, StoreError> {
        let session = self.session()?;
        if session.version == 1 {
            return Ok(0);
        }
        let reply = session.call("GET", &self.path("metadata", secret), None)?;
        let version = reply
            .json()
            .and_then(|answer| answer.get("data")?.get("current_version")?.as_u64());
        Ok(version.unwrap_or(0))
    }

    /// Merges new keys into the existing ones, because a write replaces the whole secret.
    fn merge(
        &self,
        secret: &str,
        existing: &SecretValues,
        new: &[&NewKey],
    ) -> Result<Map<String, Value>, StoreError> {
        let mut values = Map::new();
        for (key, value) in existing {
            let Ok(value) = value else {
                let message = format!(
                    "cannot add keys to `{secret}` in the inventory `{}`: the value of `{key}` is not a string and would \
                     be lost",
                    self.name
                );
                let failure =
                    Failure::usage(message).with_help("add the keys with `vault kv patch`");
                return Err(StoreError::Invalid(failure));
            };
            values.insert(key.clone(), Value::from(value.expose_secret()));
        }
        values.extend(
            new.iter()
                .map(|entry| (entry.key.clone(), Value::from(entry.text()))),
        );
        Ok(values)
    }
}

/// Encodes each part of a path.
fn encode_path(path: &str) -> String {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(percent_encode)
        .collect::<Vec<_>>()
        .join("/")
}

/// Returns whether a reply with an error status comes from Vault, and not from another server at
/// the URL.
fn is_vault(reply: &Reply) -> bool {
    reply.body.is_empty()
        || reply
            .json()
            .is_some_and(|answer| answer.get("errors").is_some() || answer.get("data").is_some())
}

/// Creates the error for an answer that no Vault gives.
fn not_vault_error(call: &str, reply: &Reply) -> StoreError {
    let status = reply.status;
    StoreError::Unreachable(format!(
        "{call}: the answer ({status}) is not Vault's: is `url` right, and is Vault unsealed?"
    ))
}

impl Inventory for VaultInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let session = self.session()?;
        let root = if session.version == 2 { "metadata" } else { "" };
        let folder = self.path(root, "");
        let reply = session.call("LIST", folder.trim_end_matches('/'), None)?;
        match reply.status {
            // Vault has no empty folders.
            404 if is_vault(&reply) => return Ok(Vec::new()),
            403 => {
                return Err(StoreError::Forbidden(
                    "the token may not list that folder".to_owned(),
                ));
            }
            _ => {}
        }
        let keys = reply
            .ok_json()
            .and_then(|answer| answer.get("data")?.get("keys")?.as_array());
        // An answer with another type is not a shorter list.
        let keys: Option<Vec<&str>> =
            keys.and_then(|keys| keys.iter().map(Value::as_str).collect());
        let keys = keys.ok_or_else(|| not_vault_error("LIST the folder", &reply))?;
        // Names that end with a slash are folders.
        let names = keys.into_iter().filter(|name| !name.ends_with('/'));
        Ok(names.map(SecretName::unique).collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let session = self.session()?;
        if session.version == 2 {
            let reply = session.call("GET", &self.path("subkeys", secret), None)?;
            let subkeys = reply
                .ok_json()
                .and_then(|answer| answer.get("data")?.get("subkeys")?.as_object());
            if let Some(subkeys) = subkeys {
                // Version 2 reveals here only whether a value is a mapping.
                let mapping = ValueType::Unusable(Unusable::Mapping);
                let keys = subkeys.iter().map(|(key, value)| Key {
                    name: key.clone(),
                    value: if value.is_object() {
                        mapping
                    } else {
                        ValueType::Unknown
                    },
                });
                return Ok(keys.collect());
            }
            // 404 means a deleted secret or a server without `subkeys`; 403 means a missing
            // permission that only `subkeys` needs. Reading the secret distinguishes them.
        }
        let (data, _) = self.read_secret(secret)?;
        Ok(data
            .iter()
            .map(|(key, value)| Key {
                name: key.clone(),
                value: ValueType::from_value(value),
            })
            .collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let (data, _) = self.read_secret(secret)?;
        Ok(data
            .into_iter()
            .filter(|(key, _)| requested.contains(key))
            .collect())
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let session = self.session()?;
        let (existing, version) = match self.read_secret(secret) {
            Err(StoreError::NotFound) => (SecretValues::new(), self.deleted_version(secret)?),
            other => other?,
        };
        let (kept, new) = partition_existing(entries, |key| existing.contains_key(key));
        if new.is_empty() && !entries.is_empty() {
            return Ok(kept);
        }
        let values = self.merge(secret, &existing, &new)?;
        let (root, content) = match session.version {
            2 => (
                "data",
                json!({ "options": { "cas": version }, "data": values }),
            ),
            _ => ("", Value::Object(values)),
        };
        let reply = session.call("POST", &self.path(root, secret), Some(&content.to_string()))?;
        match reply.status {
            200 | 204 => Ok(kept),
            403 => Err(StoreError::Forbidden(
                "the token may not write the secret".to_owned(),
            )),
            400 => Err(StoreError::Unreachable(
                "the secret was changed at the same time: run the command again".to_owned(),
            )),
            status => Err(StoreError::Unreachable(format!(
                "POST the secret: the server answered {status}"
            ))),
        }
    }

    fn warning(&self) -> Option<String> {
        warning(&self.name, &self.url()?, self.config.allow_http)
    }
}
