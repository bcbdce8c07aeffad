//! The kind `aws`: AWS Secrets Manager, where a secret's value is a JSON object of its keys; or, with `service = "ssm"`, the
//! parameters of Systems Manager, `prefix/secret/key`.
//!
//! The official SDK is used for its chain of credentials. Secrets Manager gives no keys without values, so at the key level the
//! secrets that are referred to are read, twenty at a time; the list of parameters has their keys in it.

use super::clock::{Permit, TimeBudget};
use super::http::{into_wiped_text, loopback_address, refuse_exposed, warning, wipe};
use super::{
    Capabilities, Inventory, Key, LIST_ONLY_HINT, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    ValueType, partition_existing, secret_from_json,
};
use crate::diagnostics::error::Failure;
use crate::project::config::{AwsConfig, TimeLimits};
use crate::text::secret_value::SecretText;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Mutex, OnceLock, PoisonError};
use tokio::runtime::{Builder, Runtime};

/// Secrets that one call may read.
const MAX_BATCH: usize = 20;

/// Parameters that one call may read.
const MAX_PARAMETERS_PER_CALL: usize = 10;

/// Names that a list may have.
const MAX_NAMES: usize = 1_000_000;

/// An inventory in AWS.
pub struct AwsInventory {
    name: String,
    config: AwsConfig,
    limits: TimeLimits,
    session: OnceLock<Result<AwsSession, StoreError>>,
    /// The names that references ask for, so that they can be read together.
    requested: Mutex<RequestedNames>,
    batch_results: Mutex<BTreeMap<String, Result<SecretValues, StoreError>>>,
    parameters: OnceLock<Result<BTreeMap<String, BTreeSet<String>>, StoreError>>,
}

struct AwsSession {
    /// `None` only while it is shut down.
    runtime: Option<Runtime>,
    budget: TimeBudget,
    secrets: aws_sdk_secretsmanager::Client,
    parameters: aws_sdk_ssm::Client,
}

impl AwsSession {
    /// Makes a call, within what is left of the run's time. The SDK limits and repeats the tries of a call itself. The time
    /// until the turn is dropped counts as the store's.
    fn run<F: Future>(&self, call: &str, future: F) -> Result<(F::Output, Permit), StoreError> {
        wait(self.runtime.as_ref(), &self.budget, call, future)
    }
}

impl Drop for AwsSession {
    fn drop(&mut self) {
        // Without waiting for a name that is still being resolved.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn wait<F: Future>(
    runtime: Option<&Runtime>,
    budget: &TimeBudget,
    call: &str,
    future: F,
) -> Result<(F::Output, Permit), StoreError> {
    let seen = |why: String| StoreError::Unreachable(format!("{call}: {why}"));
    let permit = budget.begin().map_err(seen)?;
    let runtime = runtime.ok_or_else(|| seen("it is shut down".to_owned()))?;
    match runtime.block_on(async { tokio::time::timeout(permit.remaining, future).await }) {
        Ok(output) => Ok((output, permit)),
        Err(_) => Err(seen(budget.begin().err().unwrap_or_else(|| "no answer in time (`run_timeout`)".to_owned()))),
    }
}

/// Keeps calls from going unencrypted to another machine, whatever the endpoint comes from: the config, a variable, a profile.
#[derive(Debug)]
struct RequireEncryption {
    inventory: String,
    allow_http: bool,
}

/// A call that [`RequireEncryption`] has refused.
#[derive(Debug)]
struct UnencryptedCall(Failure);

impl std::fmt::Display for UnencryptedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for UnencryptedCall {}

impl Intercept for RequireEncryption {
    fn name(&self) -> &'static str {
        "Encrypted"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let url = context.request().uri().to_owned();
        refuse_exposed(&self.inventory, &url, self.allow_http).map_err(UnencryptedCall)?;
        // `localhost` is this machine, whatever the system's resolver makes of it. The header `Host` stays as it was signed.
        if let Some(url) = loopback_address(&url) {
            context.request_mut().set_uri(url)?;
        }
        Ok(())
    }
}

impl AwsInventory {
    /// Secrets of an account.
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
        self.session.get_or_init(|| self.open()).as_ref().map_err(Clone::clone)
    }

    fn open(&self) -> Result<AwsSession, StoreError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|error| StoreError::Unreachable(crate::diagnostics::error::io_message(&error)))?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.limits.connect)
            .operation_attempt_timeout(self.limits.answer)
            .operation_timeout(self.limits.run);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        if let Some(region) = &self.config.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.config.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &self.config.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let budget = TimeBudget::new(self.limits);
        let (config, _permit) = wait(Some(&runtime), &budget, "the configuration of the SDK", loader.load())?;
        if let Some(url) = config.endpoint_url() {
            refuse_exposed(&self.name, url, self.config.allow_http).map_err(StoreError::Invalid)?;
        }
        if config.region().is_none() {
            let words = format!("the inventory `{}` has no region", self.name);
            let failure =
                Failure::usage(words).with_help("set `region` in the config, AWS_REGION, or one in the profile");
            return Err(StoreError::Invalid(failure));
        }
        let encrypted = || RequireEncryption { inventory: self.name.clone(), allow_http: self.config.allow_http };
        let secrets = aws_sdk_secretsmanager::config::Builder::from(&config).interceptor(encrypted()).build();
        let parameters = aws_sdk_ssm::config::Builder::from(&config).interceptor(encrypted()).build();
        Ok(AwsSession {
            runtime: Some(runtime),
            budget,
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets),
            parameters: aws_sdk_ssm::Client::from_conf(parameters),
        })
    }

    /// The names of secrets, all pages.
    fn list(&self) -> Result<Vec<String>, StoreError> {
        let session = self.session()?;
        let client = &session.secrets;
        let mut call = client.list_secrets();
        if !self.config.prefix.is_empty() {
            let filter = Filter::builder().key(FilterNameStringType::Name).values(&self.config.prefix).build();
            call = call.filters(filter);
        }
        let mut pages = call.into_paginator().send();
        let mut names = Vec::new();
        while let (Some(page), _permit) = session.run("ListSecrets", pages.next())? {
            let page =
                page.map_err(|error| store_error("ListSecrets", &error, "this identity may not list secrets"))?;
            let listed = page.secret_list().iter().filter_map(|secret| secret.name());
            // The filter knows no case.
            names.extend(listed.filter_map(|name| name.strip_prefix(&self.config.prefix)).map(str::to_owned));
            check_list_length("ListSecrets", names.len())?;
        }
        Ok(names)
    }

    /// The content of a secret, read together with the others that are wanted.
    fn secret_values(&self, secret: &str) -> Result<SecretValues, StoreError> {
        let mut read = self.batch_results.lock().unwrap_or_else(PoisonError::into_inner);
        if !read.contains_key(secret) {
            let requested = std::mem::take(&mut *self.requested.lock().unwrap_or_else(PoisonError::into_inner));
            let mut names: Vec<String> = requested.into_iter().filter(|name| !read.contains_key(name)).collect();
            if !names.iter().any(|name| name == secret) {
                names.push(secret.to_owned());
            }
            for names in names.chunks(MAX_BATCH) {
                self.read_batch(names, &mut read)?;
            }
        }
        match read.get(secret) {
            Some(Ok(content)) => Ok(content
                .iter()
                .map(|(key, value)| (key.clone(), value.as_ref().map(clone_value).map_err(|unusable| *unusable)))
                .collect()),
            Some(Err(why)) => Err(why.clone()),
            None => Err(StoreError::NotFound),
        }
    }

    fn read_batch(
        &self,
        names: &[String],
        read: &mut BTreeMap<String, Result<SecretValues, StoreError>>,
    ) -> Result<(), StoreError> {
        let session = self.session()?;
        let client = &session.secrets;
        let ids = names.iter().map(|name| format!("{}{name}", self.config.prefix)).collect();
        let call = client.batch_get_secret_value().set_secret_id_list(Some(ids));
        let (sent, _permit) = session.run("BatchGetSecretValue", call.send())?;
        let answer = match sent {
            Ok(answer) => answer,
            // The right to read many is one of its own.
            Err(error) if is_forbidden(&error) => {
                for name in names {
                    read.insert(name.clone(), self.read_one(name));
                }
                return Ok(());
            }
            Err(error) => return Err(store_error("BatchGetSecretValue", &error, LIST_ONLY_HINT)),
        };
        for entry in answer.secret_values() {
            let Some(name) = entry.name().and_then(|name| name.strip_prefix(&self.config.prefix)) else { continue };
            read.insert(name.to_owned(), Ok(parse_values(entry.secret_string())));
        }
        for error in answer.errors() {
            let Some(name) = error.secret_id().and_then(|id| id.strip_prefix(&self.config.prefix)) else { continue };
            let code = error.error_code().unwrap_or_default();
            let why = match code {
                "ResourceNotFoundException" => StoreError::NotFound,
                code if is_forbidden_code(code) => {
                    StoreError::Forbidden(format!("this identity may not read the secret; {LIST_ONLY_HINT}"))
                }
                code => StoreError::Unreachable(format!("BatchGetSecretValue: {code}")),
            };
            read.insert(name.to_owned(), Err(why));
        }
        Ok(())
    }

    fn read_one(&self, name: &str) -> Result<SecretValues, StoreError> {
        let session = self.session()?;
        let client = &session.secrets;
        let id = format!("{}{name}", self.config.prefix);
        let (answer, _permit) = session.run("GetSecretValue", client.get_secret_value().secret_id(id).send())?;
        let answer = answer.map_err(|error| {
            store_error("GetSecretValue", &error, &format!("this identity may not read the secret; {LIST_ONLY_HINT}"))
        })?;
        Ok(parse_values(answer.secret_string()))
    }

    /// The parameters below the prefix, as secrets with their keys.
    fn parameters(&self) -> Result<&BTreeMap<String, BTreeSet<String>>, StoreError> {
        self.parameters.get_or_init(|| self.list_parameters()).as_ref().map_err(Clone::clone)
    }

    fn list_parameters(&self) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
        let session = self.session()?;
        let client = &session.parameters;
        let root = self.root();
        let filter = ParameterStringFilter::builder().key("Path").option("Recursive").values(&root).build();
        let filter = filter.map_err(|error| StoreError::Unreachable(error.to_string()))?;
        let mut pages = client.describe_parameters().parameter_filters(filter).into_paginator().send();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut listed = 0;
        while let (Some(page), _permit) = session.run("DescribeParameters", pages.next())? {
            let page = page
                .map_err(|error| store_error("DescribeParameters", &error, "this identity may not list parameters"))?;
            for name in page.parameters().iter().filter_map(|parameter| parameter.name()) {
                let below = name.strip_prefix(&root).map(|name| name.trim_start_matches('/'));
                if let Some((secret, key)) = below.and_then(|name| name.split_once('/')) {
                    found.entry(secret.to_owned()).or_default().insert(key.to_owned());
                }
            }
            listed += page.parameters().len();
            check_list_length("DescribeParameters", listed)?;
        }
        Ok(found)
    }

    /// The folder of the parameters, without a slash at its end; `/` for all.
    fn root(&self) -> String {
        match self.config.prefix.trim_matches('/') {
            "" => "/".to_owned(),
            prefix => format!("/{prefix}"),
        }
    }

    fn parameter(&self, secret: &str, key: &str) -> String {
        format!("{}/{secret}/{key}", self.root().trim_end_matches('/'))
    }

    fn parameter_values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let existing = self.parameters()?.get(secret).ok_or(StoreError::NotFound)?;
        let session = self.session()?;
        let client = &session.parameters;
        let keys: Vec<&String> = requested.iter().filter(|key| existing.contains(*key)).collect();
        let mut values = SecretValues::new();
        for keys in keys.chunks(MAX_PARAMETERS_PER_CALL) {
            let names = keys.iter().map(|key| self.parameter(secret, key)).collect();
            let call = client.get_parameters().set_names(Some(names)).with_decryption(true);
            let (answer, _permit) = session.run("GetParameters", call.send())?;
            let answer = answer
                .map_err(|error| store_error("GetParameters", &error, "this identity may not read the parameters"))?;
            for key in keys {
                let name = self.parameter(secret, key);
                let found = answer.parameters().iter().find(|parameter| parameter.name() == Some(&name));
                if let Some(value) = found.and_then(|parameter| parameter.value()) {
                    values.insert((*key).clone(), Ok(SecretText::new(value)));
                }
            }
        }
        Ok(values)
    }

    fn put_object(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let existing = match self.read_one(secret) {
            Ok(content) => Some(content),
            Err(StoreError::NotFound) => None,
            Err(why) => return Err(why),
        };
        let (kept, fresh) =
            partition_existing(entries, |key| existing.as_ref().is_some_and(|existing| existing.contains_key(key)));
        if existing.is_some() && fresh.is_empty() {
            return Ok(kept);
        }
        let mut values = Map::new();
        for (key, value) in existing.iter().flatten() {
            let Ok(value) = value else {
                let words = format!("`{secret}.{key}` in the inventory `{}` is no text, and would be lost", self.name);
                return Err(StoreError::Invalid(Failure::usage(words).with_help("add the key with the AWS console")));
            };
            values.insert(key.clone(), Value::from(value.expose()));
        }
        values.extend(fresh.into_iter().map(|entry| (entry.key.clone(), Value::from(entry.text()))));
        let text = into_wiped_text(Value::Object(values));
        let session = self.session()?;
        let client = &session.secrets;
        let id = format!("{}{secret}", self.config.prefix);
        let no_right = "this identity may not write secrets";
        let sent = if existing.is_some() {
            let call = client.put_secret_value().secret_id(id).secret_string(text.as_str());
            let (sent, _permit) = session.run("PutSecretValue", call.send())?;
            sent.map(|_| ()).map_err(|error| store_error("PutSecretValue", &error, no_right))
        } else {
            let call = client.create_secret().name(id).secret_string(text.as_str());
            let (sent, _permit) = session.run("CreateSecret", call.send())?;
            sent.map(|_| ()).map_err(|error| store_error("CreateSecret", &error, no_right))
        };
        sent.map(|()| kept)
    }

    fn put_parameters(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        let session = self.session()?;
        let client = &session.parameters;
        let mut kept = Vec::new();
        for entry in entries {
            let call = client
                .put_parameter()
                .name(self.parameter(secret, &entry.key))
                .value(entry.text())
                .r#type(ParameterType::SecureString)
                .overwrite(entry.replaces);
            match session.run("PutParameter", call.send())? {
                (Ok(_), _) => {}
                (Err(error), _) if error.code() == Some("ParameterAlreadyExists") => kept.push(entry.key.clone()),
                (Err(error), _) => {
                    return Err(store_error("PutParameter", &error, "this identity may not write parameters"));
                }
            }
        }
        Ok(kept)
    }
}

/// Refuses a list that does not end.
fn check_list_length(call: &str, listed: usize) -> Result<(), StoreError> {
    let too_many = || StoreError::Unreachable(format!("{call}: a list of more than {MAX_NAMES} names"));
    if listed > MAX_NAMES { Err(too_many()) } else { Ok(()) }
}

fn clone_value(value: &SecretText) -> SecretText {
    SecretText::new(value.expose())
}

/// The keys in a secret's value, where it is a JSON object; a whole number is the text of it, as AWS stores ports as
/// numbers. Other numbers have more than one text.
fn parse_values(text: Option<&str>) -> SecretValues {
    let Some(Value::Object(entries)) = text.and_then(|text| serde_json::from_str(text).ok()) else {
        return SecretValues::new();
    };
    let entry = |(key, value): (String, Value)| {
        let text = match &value {
            Value::Number(number) if !number.is_f64() => Ok(SecretText::new(number.to_string())),
            other => secret_from_json(other),
        };
        wipe(value);
        (key, text)
    };
    entries.into_iter().map(entry).collect()
}

/// AWS and its stand-ins have several names for one thing.
fn is_forbidden_code(code: &str) -> bool {
    const CODES: [&str; 7] = [
        "AccessDenied",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "ExpiredTokenException",
        "NotAuthorized",
    ];
    CODES.contains(&code)
}

fn is_forbidden<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    // Where there is no code, as moto answers, the status has to be enough.
    error.code().map_or(status(error) == Some(403), is_forbidden_code)
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// What an answer that is none means. Its body is never shown: it may be that of a secret.
fn store_error<E: ProvideErrorMetadata + Error + 'static>(
    call: &str,
    error: &SdkError<E, HttpResponse>,
    no_right: &str,
) -> StoreError {
    if let Some(UnencryptedCall(failure)) = sources(error).find_map(|error| error.downcast_ref()) {
        return StoreError::Invalid(failure.clone());
    }
    let seen = match error {
        _ if is_forbidden(error) => {
            let code = error.code().map_or_else(String::new, |code| format!(" ({code})"));
            return StoreError::Forbidden(format!("{call}: {no_right}{code}"));
        }
        _ if error.code() == Some("ResourceNotFoundException") => return StoreError::NotFound,
        SdkError::TimeoutError(_) => "no answer in time (`timeout`)".to_owned(),
        SdkError::DispatchFailure(failure) => failure
            .as_connector_error()
            .map_or_else(|| "the call could not be made".to_owned(), |error| error_chain(error)),
        _ => match (error.code(), status(error)) {
            (Some(code), _) => code.to_owned(),
            (None, Some(status)) => format!("it answers {status} with what AWS does not say"),
            (None, None) => "the call could not be made; are there credentials?".to_owned(),
        },
    };
    StoreError::Unreachable(format!("{call}: {seen}"))
}

/// An error with those that it came of.
fn error_chain(error: &(dyn Error + 'static)) -> String {
    sources(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Returns an error and those that caused it.
fn sources<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

impl Inventory for AwsInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: self.config.ssm, values: true, write: true }
    }

    fn names(&self, requested: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let names: Vec<String> =
            if self.config.ssm { self.parameters()?.keys().cloned().collect() } else { self.list()? };
        let known: BTreeSet<&String> = names.iter().collect();
        let requested = requested.iter().filter(|name| known.contains(name)).cloned();
        self.requested.lock().unwrap_or_else(PoisonError::into_inner).extend(requested);
        Ok(names.into_iter().map(|name| SecretName { name, ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        if self.config.ssm {
            let keys = self.parameters()?.get(secret).ok_or(StoreError::NotFound)?;
            return Ok(keys.iter().map(|name| Key { name: name.clone(), value: ValueType::Unknown }).collect());
        }
        let content = self.secret_values(secret)?;
        Ok(content.into_iter().map(|(name, value)| Key { name, value: ValueType::from_value(&value) }).collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        if self.config.ssm {
            return self.parameter_values(secret, requested);
        }
        Ok(self.secret_values(secret)?.into_iter().filter(|(key, _)| requested.contains(key)).collect())
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        if self.config.ssm { self.put_parameters(secret, entries) } else { self.put_object(secret, entries) }
    }

    fn warning(&self) -> Option<String> {
        warning(&self.name, self.config.endpoint_url.as_deref()?, self.config.allow_http)
    }
}
