//! The connection to AWS: the configuration of the SDK, time limits, and encryption.

use super::StoreError;
use crate::diagnostics::error::{Failure, io_message};
use crate::inventory::http::{loopback_address, refuse_exposed};
use crate::inventory::time_budget::{Permit, TimeBudget};
use crate::project::config::{AwsConfig, TimeLimits};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_secretsmanager::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;
use std::error::Error;
use std::fmt;
use tokio::runtime::{Builder, Runtime};

/// The clients of the SDK with the runtime that their calls need.
pub(super) struct AwsSession {
    /// `None` only while the session is dropped.
    runtime: Option<Runtime>,
    budget: TimeBudget,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub parameters: aws_sdk_ssm::Client,
}

impl AwsSession {
    /// Loads the configuration of the SDK and creates the clients.
    pub fn open(
        inventory: &str,
        config: &AwsConfig,
        limits: TimeLimits,
    ) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| StoreError::Unreachable(io_message(&error)))?;
        let budget = TimeBudget::new(limits);
        let loader = sdk_config(config, limits);
        let (sdk_config, _permit) = wait(
            Some(&runtime),
            &budget,
            "the configuration of the SDK",
            loader.load(),
        )?;
        if let Some(url) = sdk_config.endpoint_url() {
            refuse_exposed(inventory, url, config.allow_http).map_err(StoreError::Invalid)?;
        }
        if sdk_config.region().is_none() {
            let message = format!("the inventory `{inventory}` has no region");
            let help = "set `region` in the config, AWS_REGION, or a region in the profile";
            return Err(StoreError::Invalid(Failure::usage(message).with_help(help)));
        }
        let interceptor = RequireEncryption {
            inventory: inventory.to_owned(),
            allow_http: config.allow_http,
        };
        let secrets = aws_sdk_secretsmanager::config::Builder::from(&sdk_config)
            .interceptor(interceptor.clone());
        let parameters = aws_sdk_ssm::config::Builder::from(&sdk_config).interceptor(interceptor);
        Ok(Self {
            runtime: Some(runtime),
            budget,
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
            parameters: aws_sdk_ssm::Client::from_conf(parameters.build()),
        })
    }

    /// Makes a call within the rest of `run_timeout`. The SDK limits and repeats the attempts of a
    /// call itself. Time is counted until the permit is dropped.
    pub fn run<F: Future>(&self, call: &str, future: F) -> Result<(F::Output, Permit), StoreError> {
        wait(self.runtime.as_ref(), &self.budget, call, future)
    }
}

impl Drop for AwsSession {
    fn drop(&mut self) {
        // In the background, because resolving a host name cannot be interrupted.
        self.runtime
            .take()
            .into_iter()
            .for_each(Runtime::shutdown_background);
    }
}

fn sdk_config(config: &AwsConfig, limits: TimeLimits) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .operation_attempt_timeout(limits.answer)
        .operation_timeout(limits.run);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    if let Some(region) = &config.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &config.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &config.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader
}

fn wait<F: Future>(
    runtime: Option<&Runtime>,
    budget: &TimeBudget,
    call: &str,
    future: F,
) -> Result<(F::Output, Permit), StoreError> {
    let permit = budget.begin().map_err(|reason| call_error(call, &reason))?;
    let runtime = runtime.ok_or_else(|| call_error(call, "the session has ended"))?;
    let answer = runtime.block_on(async { tokio::time::timeout(permit.remaining, future).await });
    if let Ok(output) = answer {
        return Ok((output, permit));
    }
    let reason = budget
        .begin()
        .err()
        .unwrap_or_else(|| "no answer in time (`run_timeout`)".to_owned());
    Err(call_error(call, &reason))
}

fn call_error(call: &str, reason: &str) -> StoreError {
    StoreError::Unreachable(format!("{call}: {reason}"))
}

/// An interceptor that refuses unencrypted calls to another machine, wherever the endpoint comes
/// from: the config, an environment variable or a profile.
#[derive(Clone, Debug)]
struct RequireEncryption {
    inventory: String,
    allow_http: bool,
}

/// The error of a call that [`RequireEncryption`] refused.
#[derive(Debug)]
pub(super) struct UnencryptedCall(pub Failure);

impl fmt::Display for UnencryptedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        // `localhost` is always this machine, even if the system's resolver disagrees. The header
        // `Host` keeps the value that was signed.
        if let Some(url) = loopback_address(&url) {
            context.request_mut().set_uri(url)?;
        }
        Ok(())
    }
}
