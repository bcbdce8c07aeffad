//! The kind `zenml`: the secrets of a ZenML server.
//!
//! Names come from the paginated list of secrets. Keys are read once for each referenced secret, by
//! its id. For a value that the credentials cannot read, ZenML returns the key with null: this is
//! enough for `check`, but such a value is never rendered.

mod zenml_components;
mod zenml_listing;
mod zenml_pages;
mod zenml_login;

use super::http::{Address, Call, Http, Reply, percent_encode, warning};
use super::secret_change::partition_existing;
use super::store_error::LIST_ONLY_HINT;
use super::value_type::secret_from_json;
use super::{
    Capabilities, Inventory, Key, NewKey, RegisteredStacks, RequestedNames, SecretName,
    SecretValues, StoreError, ValueType,
};
use crate::project::config::TimeLimits;
use crate::system::environment::Environment;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use zenml_components::list_components;
use zenml_listing::{SecretIds, list_secrets};
use zenml_login::log_in;

/// The part of a config that describes a ZenML server.
pub struct ZenmlSettings {
    /// The URL of the server.
    pub url: String,
    /// Whether the config allows `http://` to another machine.
    pub allow_http: bool,
    /// A file with the token to use.
    pub token_file: Option<PathBuf>,
    /// A file with the certificates to trust instead of the public ones.
    pub ca_cert: Option<PathBuf>,
}

/// An inventory on a ZenML server.
pub struct ZenmlInventory {
    name: String,
    settings: ZenmlSettings,
    limits: TimeLimits,
    env: Arc<dyn Environment>,
    session: OnceLock<Result<ZenmlSession, StoreError>>,
    ids: OnceLock<Result<SecretIds, StoreError>>,
    details: Mutex<SecretDetails>,
}

/// An authenticated connection.
struct ZenmlSession {
    http: Http,
    authorization: String,
}

impl ZenmlSession {
    fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Reply, StoreError> {
        let headers = [("authorization", self.authorization.as_str())];
        let body = body.map(|body| ("application/json", body));
        let reply = self.http.call(&Call {
            method,
            path,
            headers: &headers,
            body,
        })?;
        match reply.status {
            401 => Err(StoreError::Forbidden(
                "the server rejected the credentials: has the token expired, or is it for another server?".to_owned(),
            )),
            _ => Ok(reply),
        }
    }

    fn get(&self, path: &str) -> Result<Reply, StoreError> {
        self.call("GET", path, None)
    }
}

/// The details of secrets by name, each requested once.
type SecretDetails = BTreeMap<String, Arc<Result<SecretDetail, StoreError>>>;

/// The values of a secret by key. A value is `None` if these credentials cannot read it.
type SecretDetail = BTreeMap<String, Option<Result<SecretString, super::Unusable>>>;

impl ZenmlInventory {
    /// Creates an inventory that logs in when it is first asked.
    pub fn new(
        name: String,
        settings: ZenmlSettings,
        limits: TimeLimits,
        env: Arc<dyn Environment>,
    ) -> Self {
        Self {
            name,
            settings,
            limits,
            env,
            session: OnceLock::new(),
            ids: OnceLock::new(),
            details: Mutex::default(),
        }
    }

    fn session(&self) -> Result<&ZenmlSession, StoreError> {
        self.session
            .get_or_init(|| self.open())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn open(&self) -> Result<ZenmlSession, StoreError> {
        let address = Address {
            inventory: &self.name,
            url: &self.settings.url,
            allow_http: self.settings.allow_http,
            ca_cert: self.settings.ca_cert.as_deref(),
        };
        let http =
            Http::new(&address, self.limits, self.env.as_ref()).map_err(StoreError::Invalid)?;
        let authorization = log_in(
            &http,
            self.settings.token_file.as_deref(),
            self.env.as_ref(),
        )?;
        Ok(ZenmlSession {
            http,
            authorization,
        })
    }

    fn secret_ids(&self) -> Result<&SecretIds, StoreError> {
        self.ids
            .get_or_init(|| list_secrets(self.session()?))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Returns the keys of a secret with their values, which are requested once.
    fn detail(&self, secret: &str) -> Result<Arc<Result<SecretDetail, StoreError>>, StoreError> {
        let id = &self
            .secret_ids()?
            .get(secret)
            .ok_or(StoreError::NotFound)?
            .id;
        if let Some(detail) = self.details().get(secret) {
            return Ok(Arc::clone(detail));
        }
        let detail = Arc::new(self.fetch_detail(id));
        self.details()
            .insert(secret.to_owned(), Arc::clone(&detail));
        Ok(detail)
    }

    fn details(&self) -> MutexGuard<'_, SecretDetails> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch_detail(&self, id: &str) -> Result<SecretDetail, StoreError> {
        let reply = self
            .session()?
            .get(&format!("/api/v1/secrets/{}", percent_encode(id)))?;
        match reply.status {
            403 => {
                return Err(StoreError::Forbidden(format!(
                    "these credentials may not read the secret; {LIST_ONLY_HINT}"
                )));
            }
            404 => return Err(StoreError::NotFound),
            _ => {}
        }
        let values = reply
            .ok_json()
            .and_then(|answer| answer.get("body")?.get("values")?.as_object());
        let values = values.ok_or_else(|| not_zenml_error("GET /api/v1/secrets/{id}", &reply))?;
        let values = values.iter().map(|(key, value)| {
            let value = (!value.is_null()).then(|| secret_from_json(value));
            (key.clone(), value)
        });
        Ok(values.collect())
    }

    /// Looks up the id of a secret that is about to be written. The server is asked again, because
    /// another user may have created the secret after the list was read.
    fn current_id(&self, secret: &str) -> Result<Option<String>, StoreError> {
        let query = percent_encode(&format!("equals:{secret}"));
        let reply = self
            .session()?
            .get(&format!("/api/v1/secrets?name={query}&size=20"))?;
        let items = reply
            .ok_json()
            .and_then(|answer| answer.get("items")?.as_array());
        let items = items.ok_or_else(|| not_zenml_error("GET /api/v1/secrets", &reply))?;
        let item = items
            .iter()
            .find(|item| item.get("name").and_then(Value::as_str) == Some(secret));
        let listed = self
            .ids
            .get()
            .and_then(|ids| ids.as_ref().ok()?.get(secret))
            .map(|listed| listed.id.clone());
        Ok(listed.or_else(|| item?.get("id")?.as_str().map(str::to_owned)))
    }
}

/// Creates the error for an answer that no ZenML server gives.
fn not_zenml_error(call: &str, reply: &Reply) -> StoreError {
    let status = reply.status;
    StoreError::Unreachable(format!(
        "{call}: the answer ({status}) is not a ZenML server's: is `url` right?"
    ))
}

impl Inventory for ZenmlInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn rename_command(
        &self,
        secret: &str,
        new_secret: &str,
        key: Option<(&str, &str)>,
    ) -> Option<String> {
        Some(match key {
            Some((old, new)) => {
                format!("zenml secret update {secret} --{new}=VALUE --remove-keys {old}")
            }
            None => format!("zenml secret rename {secret} {new_secret}"),
        })
    }

    fn names(&self, _requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let listed = self.secret_ids()?;
        if listed.is_empty() {
            return Err(StoreError::EmptyListing(
                "either the server has no secrets yet (`stackref register` creates them), or these credentials may not \
                 list them: ZenML then returns an empty list"
                    .to_owned(),
            ));
        }
        let names = listed.iter().map(|(name, secret)| SecretName {
            name: name.clone(),
            caveat: secret.caveat,
        });
        Ok(names.collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let detail = self.detail(secret)?;
        let detail = detail.as_ref().as_ref().map_err(Clone::clone)?;
        let keys = detail.iter().map(|(key, value)| Key {
            name: key.clone(),
            value: value
                .as_ref()
                .map(ValueType::from_value)
                .unwrap_or_default(),
        });
        Ok(keys.collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let detail = self.detail(secret)?;
        let detail = detail.as_ref().as_ref().map_err(Clone::clone)?;
        let mut values = SecretValues::new();
        for (key, value) in detail.iter().filter(|(key, _)| requested.contains(*key)) {
            let Some(value) = value else {
                return Err(StoreError::Forbidden(format!(
                    "these credentials may not read the value of `{key}`"
                )));
            };
            values.insert(key.clone(), value.clone());
        }
        Ok(values)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let id = self.current_id(secret)?;
        let existing = id
            .as_deref()
            .map(|id| self.fetch_detail(id))
            .transpose()?
            .unwrap_or_default();
        let (kept, new) = partition_existing(entries, |key| existing.contains_key(key));
        if new.is_empty() && id.is_some() {
            return Ok(kept);
        }
        let values: Map<String, Value> = new
            .into_iter()
            .map(|entry| (entry.key.clone(), Value::from(entry.text())))
            .collect();
        let (method, path, content) = match &id {
            Some(id) => {
                let path = format!("/api/v1/secrets/{}?patch_values=true", percent_encode(id));
                ("PUT", path, json!({ "values": values }))
            }
            None => (
                "POST",
                "/api/v1/secrets".to_owned(),
                json!({ "name": secret, "private": false, "values": values }),
            ),
        };
        let reply = self
            .session()?
            .call(method, &path, Some(&content.to_string()))?;
        match reply.status {
            200 | 201 => Ok(kept),
            403 => Err(StoreError::Forbidden(
                "these credentials may not write secrets".to_owned(),
            )),
            409 => Err(StoreError::Unreachable(
                "the secret was created at the same time: run the command again".to_owned(),
            )),
            status => Err(StoreError::Unreachable(format!(
                "{method} /api/v1/secrets: the server answered {status}"
            ))),
        }
    }

    fn has_registered_stacks(&self) -> bool {
        true
    }

    fn registered_stacks(&self) -> Result<RegisteredStacks, StoreError> {
        list_components(self.session()?)
    }

    fn warning(&self) -> Option<String> {
        warning(&self.name, &self.settings.url, self.settings.allow_http)
    }
}
