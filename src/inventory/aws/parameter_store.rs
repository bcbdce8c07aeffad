//! Parameters of AWS Systems Manager, named `/prefix/secret/key`. Listing them returns the keys
//! without reading a value.

use super::aws_error::store_error;
use super::aws_session::AwsSession;
use super::{ParameterKeys, check_list_length};
use crate::inventory::{NewKey, SecretValues, StoreError};
use crate::project::config::AwsConfig;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use secrecy::SecretString;

/// The number of parameters that one call may read.
const MAX_PARAMETERS_PER_CALL: usize = 10;

/// Lists the parameters below the prefix, as secrets with their keys.
pub(super) fn list(session: &AwsSession, config: &AwsConfig) -> Result<ParameterKeys, StoreError> {
    let root = root(config);
    let filter = ParameterStringFilter::builder()
        .key("Path")
        .option("Recursive")
        .values(&root)
        .build();
    let filter = filter.map_err(|error| StoreError::Unreachable(error.to_string()))?;
    let mut pages = session
        .parameters
        .describe_parameters()
        .parameter_filters(filter)
        .into_paginator()
        .send();
    let mut found = ParameterKeys::new();
    let mut listed = 0;
    while let (Some(page), _permit) = session.run("DescribeParameters", pages.next())? {
        let page = page.map_err(|error| {
            store_error(
                "DescribeParameters",
                &error,
                "these credentials may not list parameters",
            )
        })?;
        for name in page
            .parameters()
            .iter()
            .filter_map(|parameter| parameter.name())
        {
            let below_root = name
                .strip_prefix(&root)
                .map(|name| name.trim_start_matches('/'));
            if let Some((secret, key)) = below_root.and_then(|name| name.split_once('/')) {
                found
                    .entry(secret.to_owned())
                    .or_default()
                    .insert(key.to_owned());
            }
        }
        listed += page.parameters().len();
        check_list_length("DescribeParameters", listed)?;
    }
    Ok(found)
}

/// Reads the values of keys of a secret.
pub(super) fn read(
    session: &AwsSession,
    config: &AwsConfig,
    secret: &str,
    keys: &[&str],
) -> Result<SecretValues, StoreError> {
    let mut values = SecretValues::new();
    for keys in keys.chunks(MAX_PARAMETERS_PER_CALL) {
        let names = keys
            .iter()
            .map(|key| parameter_name(config, secret, key))
            .collect();
        let call = session
            .parameters
            .get_parameters()
            .set_names(Some(names))
            .with_decryption(true);
        let (answer, _permit) = session.run("GetParameters", call.send())?;
        let answer = answer.map_err(|error| {
            store_error(
                "GetParameters",
                &error,
                "these credentials may not read the parameters",
            )
        })?;
        for key in keys {
            let name = parameter_name(config, secret, key);
            let found = answer
                .parameters()
                .iter()
                .find(|parameter| parameter.name() == Some(&name));
            if let Some(value) = found.and_then(|parameter| parameter.value()) {
                values.insert((*key).to_owned(), Ok(SecretString::from(value)));
            }
        }
    }
    Ok(values)
}

/// Stores keys as encrypted parameters. Returns the existing keys that were kept.
pub(super) fn put(
    session: &AwsSession,
    config: &AwsConfig,
    secret: &str,
    entries: &[NewKey],
) -> Result<Vec<String>, StoreError> {
    let mut kept = Vec::new();
    for entry in entries {
        let call = session
            .parameters
            .put_parameter()
            .name(parameter_name(config, secret, &entry.key))
            .value(entry.text())
            .r#type(ParameterType::SecureString)
            .overwrite(entry.replaces);
        match session.run("PutParameter", call.send())? {
            (Ok(_), _) => {}
            (Err(error), _) if error.code() == Some("ParameterAlreadyExists") => {
                kept.push(entry.key.clone());
            }
            (Err(error), _) => {
                return Err(store_error(
                    "PutParameter",
                    &error,
                    "these credentials may not write parameters",
                ));
            }
        }
    }
    Ok(kept)
}

/// Returns the folder of the parameters, without a slash at its end; `/` if there is no prefix.
fn root(config: &AwsConfig) -> String {
    match config.prefix.trim_matches('/') {
        "" => "/".to_owned(),
        prefix => format!("/{prefix}"),
    }
}

fn parameter_name(config: &AwsConfig, secret: &str, key: &str) -> String {
    format!("{}/{secret}/{key}", root(config).trim_end_matches('/'))
}
