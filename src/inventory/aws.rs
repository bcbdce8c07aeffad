//! The kind `aws`: AWS Secrets Manager, where the value of a secret is a JSON object of its keys,
//! or, with `service = "ssm"`, parameters of Systems Manager named `prefix/secret/key`.
//!
//! stackref uses the official SDK because of its many sources of credentials.

mod aws_error;
mod aws_session;
mod parameter_store;
mod secrets_manager;

use super::http::warning;
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    ValueType,
};
use crate::project::config::{AwsConfig, TimeLimits};
use aws_session::AwsSession;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The number of names after which listing stops with an error.
const MAX_NAMES: usize = 1_000_000;

/// An inventory in AWS.
pub struct AwsInventory {
    name: String,
    config: AwsConfig,
    limits: TimeLimits,
    session: OnceLock<Result<AwsSession, StoreError>>,
    /// The names that references request, so that these secrets can be read together.
    requested: Mutex<RequestedNames>,
    batch_results: Mutex<BatchResults>,
    parameters: OnceLock<Result<ParameterKeys, StoreError>>,
}

/// The secrets that were read, by name.
type BatchResults = BTreeMap<String, Result<SecretValues, StoreError>>;

/// The keys of secrets in the parameter store, by name.
type ParameterKeys = BTreeMap<String, BTreeSet<String>>;

impl AwsInventory {
    /// Creates an inventory that connects when it is first asked.
    pub fn new(name: String, config: AwsConfig, limits: TimeLimits) -> Self {
        Self {
            name,
            config,
            limits,
            session: OnceLock::new(),
            requested: Mutex::default(),
            batch_results: Mutex::default(),
            parameters: OnceLock::new(),
        }
    }

    fn session(&self) -> Result<&AwsSession, StoreError> {
        let session = self
            .session
            .get_or_init(|| AwsSession::open(&self.name, &self.config, self.limits));
        session.as_ref().map_err(Clone::clone)
    }

    /// Returns the parameters below the prefix, as secrets with their keys.
    fn parameters(&self) -> Result<&ParameterKeys, StoreError> {
        let parameters = self
            .parameters
            .get_or_init(|| parameter_store::list(self.session()?, &self.config));
        parameters.as_ref().map_err(Clone::clone)
    }

    /// Returns the values of a secret, which is read together with the other requested ones.
    fn secret_values(&self, secret: &str) -> Result<SecretValues, StoreError> {
        let mut results = self
            .batch_results
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !results.contains_key(secret) {
            let requested = std::mem::take(
                &mut *self
                    .requested
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            let mut names: Vec<String> = requested
                .into_iter()
                .filter(|name| !results.contains_key(name))
                .collect();
            if !names.iter().any(|name| name == secret) {
                names.push(secret.to_owned());
            }
            for batch in names.chunks(secrets_manager::MAX_BATCH) {
                secrets_manager::read_batch(self.session()?, &self.config, batch, &mut results)?;
            }
        }
        match results.get(secret) {
            Some(Ok(values)) => Ok(values
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()),
            Some(Err(error)) => Err(error.clone()),
            None => Err(StoreError::NotFound),
        }
    }
}

/// Refuses a list that does not end.
fn check_list_length(call: &str, length: usize) -> Result<(), StoreError> {
    if length > MAX_NAMES {
        return Err(StoreError::Unreachable(format!(
            "{call}: the list has more than {MAX_NAMES} names"
        )));
    }
    Ok(())
}

impl Inventory for AwsInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            keys: self.config.ssm,
            ..Capabilities::ALL
        }
    }

    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let names: Vec<String> = if self.config.ssm {
            self.parameters()?.keys().cloned().collect()
        } else {
            secrets_manager::list(self.session()?, &self.config)?
        };
        let listed: BTreeSet<&String> = names.iter().collect();
        let requested = requested
            .iter()
            .filter(|name| listed.contains(name))
            .cloned();
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(requested);
        Ok(names.into_iter().map(SecretName::unique).collect())
    }

    fn keys(&self, secret: &str, _requested: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        if self.config.ssm {
            let keys = self.parameters()?.get(secret).ok_or(StoreError::NotFound)?;
            return Ok(keys.iter().cloned().map(Key::with_unknown_type).collect());
        }
        let values = self.secret_values(secret)?;
        Ok(values
            .into_iter()
            .map(|(name, value)| Key {
                name,
                value: ValueType::from_value(&value),
            })
            .collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        if self.config.ssm {
            let existing = self.parameters()?.get(secret).ok_or(StoreError::NotFound)?;
            let keys: Vec<&str> = requested
                .intersection(existing)
                .map(String::as_str)
                .collect();
            return parameter_store::read(self.session()?, &self.config, secret, &keys);
        }
        Ok(self
            .secret_values(secret)?
            .into_iter()
            .filter(|(key, _)| requested.contains(key))
            .collect())
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let session = self.session()?;
        if self.config.ssm {
            parameter_store::put(session, &self.config, secret, entries)
        } else {
            secrets_manager::put(session, &self.config, (&self.name, secret), entries)
        }
    }

    fn warning(&self) -> Option<String> {
        warning(
            &self.name,
            self.config.endpoint_url.as_deref()?,
            self.config.allow_http,
        )
    }
}
