//! AWS Secrets Manager. It does not return keys without values, so at the level of keys stackref
//! reads the secrets that stack files refer to, several in one call.

use super::aws_error::{describe_code, is_forbidden, is_forbidden_code, store_error};
use super::aws_session::AwsSession;
use super::{BatchResults, check_list_length};
use crate::diagnostics::error::Failure;
use crate::inventory::secret_change::partition_existing;
use crate::inventory::store_error::LIST_ONLY_HINT;
use crate::inventory::value_type::secret_from_json;
use crate::inventory::{NewKey, SecretValues, StoreError};
use crate::project::config::AwsConfig;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// The number of secrets that one call may read.
pub(super) const MAX_BATCH: usize = 20;

/// Lists the names of all secrets.
pub(super) fn list(session: &AwsSession, config: &AwsConfig) -> Result<Vec<String>, StoreError> {
    let mut call = session.secrets.list_secrets();
    if !config.prefix.is_empty() {
        let filter = Filter::builder()
            .key(FilterNameStringType::Name)
            .values(&config.prefix)
            .build();
        call = call.filters(filter);
    }
    let mut pages = call.into_paginator().send();
    let mut names = Vec::new();
    while let (Some(page), _permit) = session.run("ListSecrets", pages.next())? {
        let page = page.map_err(|error| {
            store_error(
                "ListSecrets",
                &error,
                "these credentials may not list secrets",
            )
        })?;
        let listed = page.secret_list().iter().filter_map(|secret| secret.name());
        // The filter ignores case.
        names.extend(
            listed
                .filter_map(|name| name.strip_prefix(&config.prefix))
                .map(str::to_owned),
        );
        check_list_length("ListSecrets", names.len())?;
    }
    Ok(names)
}

/// Reads several secrets in one call, or one by one if the credentials do not permit this call.
pub(super) fn read_batch(
    session: &AwsSession,
    config: &AwsConfig,
    names: &[String],
    results: &mut BatchResults,
) -> Result<(), StoreError> {
    let ids = names
        .iter()
        .map(|name| format!("{}{name}", config.prefix))
        .collect();
    let call = session
        .secrets
        .batch_get_secret_value()
        .set_secret_id_list(Some(ids));
    let (answer, _permit) = session.run("BatchGetSecretValue", call.send())?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if is_forbidden(&error) => {
            for name in names {
                results.insert(name.clone(), read(session, config, name));
            }
            return Ok(());
        }
        Err(error) => return Err(store_error("BatchGetSecretValue", &error, LIST_ONLY_HINT)),
    };
    for entry in answer.secret_values() {
        let Some(name) = entry
            .name()
            .and_then(|name| name.strip_prefix(&config.prefix))
        else {
            continue;
        };
        results.insert(name.to_owned(), Ok(parse_values(entry.secret_string())));
    }
    for error in answer.errors() {
        let Some(name) = error
            .secret_id()
            .and_then(|id| id.strip_prefix(&config.prefix))
        else {
            continue;
        };
        results.insert(
            name.to_owned(),
            Err(batch_error(error.error_code().unwrap_or_default())),
        );
    }
    Ok(())
}

/// Converts the error code of one secret in a batch.
fn batch_error(code: &str) -> StoreError {
    match code {
        "ResourceNotFoundException" => StoreError::NotFound,
        code if is_forbidden_code(code) => StoreError::Forbidden(read_hint()),
        code => StoreError::Unreachable(format!("BatchGetSecretValue: {}", describe_code(code))),
    }
}

fn read(session: &AwsSession, config: &AwsConfig, name: &str) -> Result<SecretValues, StoreError> {
    let id = format!("{}{name}", config.prefix);
    let call = session.secrets.get_secret_value().secret_id(id);
    let (answer, _permit) = session.run("GetSecretValue", call.send())?;
    let answer = answer.map_err(|error| store_error("GetSecretValue", &error, &read_hint()))?;
    Ok(parse_values(answer.secret_string()))
}

fn read_hint() -> String {
    format!("these credentials may not read the secret; {LIST_ONLY_HINT}")
}

/// Reads the keys in the value of a secret if it is a JSON object. Any other value has no keys.
///
/// AWS stores ports as numbers, so an integer is accepted as its text. Other numbers can be written
/// in several ways, so they are not.
fn parse_values(text: Option<&str>) -> SecretValues {
    let Some(Value::Object(entries)) = text.and_then(|text| serde_json::from_str(text).ok()) else {
        return SecretValues::new();
    };
    let mut values = SecretValues::new();
    for (key, value) in entries {
        let text = match &value {
            Value::Number(number) if !number.is_f64() => Ok(SecretString::from(number.to_string())),
            other => secret_from_json(other),
        };
        values.insert(key, text);
    }
    values
}

/// Stores keys in a secret of an inventory. Returns the existing keys that were kept.
pub(super) fn put(
    session: &AwsSession,
    config: &AwsConfig,
    (inventory, secret): (&str, &str),
    entries: &[NewKey],
) -> Result<Vec<String>, StoreError> {
    const PERMISSION_HINT: &str = "these credentials may not write secrets";
    let existing = match read(session, config, secret) {
        Ok(values) => Some(values),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(error),
    };
    let (kept, new) = partition_existing(entries, |key| {
        existing
            .as_ref()
            .is_some_and(|existing| existing.contains_key(key))
    });
    if existing.is_some() && new.is_empty() {
        return Ok(kept);
    }
    let text = merge((inventory, secret), existing.as_ref(), &new)?;
    let text = Value::Object(text).to_string();
    let id = format!("{}{secret}", config.prefix);
    if existing.is_some() {
        let call = session
            .secrets
            .put_secret_value()
            .secret_id(id)
            .secret_string(text.as_str());
        let (answer, _permit) = session.run("PutSecretValue", call.send())?;
        answer.map_err(|error| store_error("PutSecretValue", &error, PERMISSION_HINT))?;
    } else {
        let call = session
            .secrets
            .create_secret()
            .name(id)
            .secret_string(text.as_str());
        let (answer, _permit) = session.run("CreateSecret", call.send())?;
        answer.map_err(|error| store_error("CreateSecret", &error, PERMISSION_HINT))?;
    }
    Ok(kept)
}

/// Merges new keys into the existing ones, because a write replaces the whole value.
fn merge(
    (inventory, secret): (&str, &str),
    existing: Option<&SecretValues>,
    new: &[&NewKey],
) -> Result<Map<String, Value>, StoreError> {
    let mut merged = Map::new();
    for (key, value) in existing.into_iter().flatten() {
        let Ok(value) = value else {
            let message = format!(
                "cannot add keys to `{secret}` in the inventory `{inventory}`: the value of `{key}` is not a string and \
                 would be lost"
            );
            return Err(StoreError::Invalid(
                Failure::usage(message).with_help("add the keys with the AWS console"),
            ));
        };
        merged.insert(key.clone(), Value::from(value.expose_secret()));
    }
    merged.extend(
        new.iter()
            .map(|entry| (entry.key.clone(), Value::from(entry.text()))),
    );
    Ok(merged)
}
