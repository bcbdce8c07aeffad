//! Calls to a store over HTTP, with time limits, retries, and a limit on the size of an answer.
//!
//! Redirects are not followed, so credentials go only to the URL in the config. They go there
//! encrypted, or to this machine, unless the config sets `allow_http`. Proxies are taken from the
//! environment and asked for a tunnel; connections to this machine use no proxy.
//!
//! Each call runs on its own thread, and the caller waits no longer than the limits allow. This
//! way the limits cover every phase of a call: resolving a name, the answer of a proxy, the TLS
//! handshake, headers, the body, and parsing its JSON. If a call takes too long, its connection is
//! shut down, which also ends its thread.

mod call_error;
mod connection;
mod credential_files;
mod exposure;

pub use credential_files::read_token;
pub use exposure::warning;
#[cfg(feature = "aws")]
pub use exposure::{loopback_address, refuse_exposed};

use super::StoreError;
use super::time_budget::{Permit, TimeBudget};
use crate::diagnostics::error::{Failure, io_message};
use crate::project::config::TimeLimits;
use crate::system::environment::Environment;
use crate::text::escape::escape_control;
use call_error::{CallError, NOT_CONNECTED, describe_status};
use connection::{ConnectCounter, PooledConnection};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use ureq::config::Config;
use ureq::http::{Request, Response};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Error, Proxy};

/// The size limit of an answer.
const MAX_BODY_BYTES: u64 = 32 << 20;

/// The environment variables that name a proxy.
const PROXY_VARIABLES: [&str; 6] = [
    "ALL_PROXY",
    "all_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// All characters except the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The number of attempts of a call if the store is overloaded or a connection breaks.
const MAX_ATTEMPTS: u32 = 3;

/// The address of a server, and how it may be reached.
pub struct Address<'a> {
    /// The name of the inventory.
    pub inventory: &'a str,
    /// The URL of the server.
    pub url: &'a str,
    /// Whether the config allows `http://` to another machine.
    pub allow_http: bool,
    /// A file with the certificates to trust instead of the public ones.
    pub ca_cert: Option<&'a Path>,
}

/// A client for one server.
pub struct Http {
    config: Config,
    base: String,
    connect_timeout: Duration,
    budget: TimeBudget,
    /// The connections that no call uses now.
    idle: Mutex<Vec<PooledConnection>>,
}

/// A call to a server.
pub struct Call<'c> {
    /// The method: `GET`, `LIST`, `POST` or `PUT`.
    pub method: &'static str,
    /// The path after the URL of the server, with its query.
    pub path: &'c str,
    /// The headers. Their values are never shown.
    pub headers: &'c [(&'static str, &'c str)],
    /// The content type and the body, which is never shown.
    pub body: Option<(&'static str, &'c str)>,
}

impl Call<'_> {
    /// Returns whether the call changes nothing in the store.
    fn is_read(&self) -> bool {
        matches!(self.method, "GET" | "LIST")
    }

    /// Creates the error of this call. The query is not shown: it may contain names of secrets.
    fn error(&self, reason: &str) -> StoreError {
        let path = escape_control(self.path.split('?').next().unwrap_or_default());
        StoreError::Unreachable(format!("{} {path}: {reason}", self.method))
    }

    fn to_request(&self, base: &str) -> Result<Request<()>, CallError> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("{base}{}", self.path));
        request = request.header("accept", "application/json");
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        if let Some((content_type, _)) = self.body {
            request = request.header("content-type", content_type);
        }
        let error = "the URL or a credential contains characters that a request cannot contain";
        request.body(()).map_err(|_| CallError::permanent(error))
    }
}

/// The answer to a call. The time until it is dropped counts towards `run_timeout`.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    json: Option<Value>,
    _permit: Permit,
}

impl Reply {
    /// Returns the body as JSON, or `None` if it is not JSON.
    pub fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    /// Returns the JSON body of an answer with status 200, otherwise `None`.
    pub fn ok_json(&self) -> Option<&Value> {
        self.json().filter(|_| self.status == 200)
    }
}

/// An answer as the server sent it.
struct RawReply {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
    json: Option<Value>,
}

impl Http {
    /// Creates a client. It connects at its first call.
    ///
    /// # Errors
    /// Fails if credentials would go unencrypted to another machine, if the environment contains
    /// an invalid proxy URL, and if `ca_cert` is not a file with certificates.
    pub fn new(
        address: &Address<'_>,
        limits: TimeLimits,
        env: &dyn Environment,
    ) -> Result<Self, Failure> {
        let Address {
            inventory,
            url,
            allow_http,
            ca_cert,
        } = *address;
        exposure::refuse_exposed(inventory, url, allow_http)?;
        check_proxy(env)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .max_redirects_will_error(false)
            .timeout_connect(Some(limits.connect))
            .user_agent(concat!("stackref/", env!("CARGO_PKG_VERSION")));
        if exposure::leads_to_loopback(url) {
            // A proxy would receive the credentials, and would connect to its own loopback.
            config = config.proxy(None);
        }
        if let Some(file) = ca_cert {
            let certificates = credential_files::read_certificates(file)?;
            config = config.tls_config(TlsConfig::builder().root_certs(certificates).build());
        }
        Ok(Self {
            config: config.build(),
            base: url.trim_end_matches('/').to_owned(),
            connect_timeout: limits.connect,
            budget: TimeBudget::new(limits),
            idle: Mutex::default(),
        })
    }

    /// Makes a call, with retries. A refusal by the store, such as 403, is a reply like any other.
    ///
    /// # Errors
    /// Returns [`StoreError::Unreachable`] with the call and the reason.
    pub fn call(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let mut permit = self.budget.begin().map_err(|reason| call.error(&reason))?;
        let mut attempts = 1;
        loop {
            let result = self.attempt(call, &permit);
            if attempts == MAX_ATTEMPTS || !may_retry(call, &result) {
                let RawReply {
                    status,
                    location,
                    body,
                    json,
                } = result.map_err(|error| call.error(&error.message))?;
                return match status {
                    300..=399 | 429 | 500.. => {
                        Err(call.error(&describe_status(status, location.as_deref())))
                    }
                    _ => Ok(Reply {
                        status,
                        body,
                        json,
                        _permit: permit,
                    }),
                };
            }
            thread::sleep(retry_delay(attempts).min(permit.remaining));
            permit.renew().map_err(|reason| call.error(&reason))?;
            attempts += 1;
        }
    }

    /// Makes one attempt of a call, within the limit of its permit.
    fn attempt(&self, call: &Call<'_>, permit: &Permit) -> Result<RawReply, CallError> {
        let request = call.to_request(&self.base)?;
        let body = call.body.map(|(_, body)| body.as_bytes().to_vec());
        let connection = self.take_connection();
        let (sender, answers) = sync_channel(1);
        let agent = connection.agent.clone();
        thread::Builder::new()
            .spawn(move || {
                // Sending fails if the caller has stopped waiting.
                let _ = sender.send(exchange(&agent, request, body.as_deref()));
            })
            .map_err(|error| CallError::permanent(io_message(&error)))?;
        match self.wait(&answers, &connection.connecting, permit) {
            Ok(result) => {
                self.idle().push(connection);
                result
            }
            Err(reason) => {
                connection.agent.shutdown();
                Err(CallError::permanent(reason))
            }
        }
    }

    /// Waits for the answer to a call, no longer than the limits allow.
    fn wait<T>(
        &self,
        answers: &Receiver<T>,
        connecting: &ConnectCounter,
        permit: &Permit,
    ) -> Result<T, String> {
        let deadline = Instant::now() + permit.limit;
        let mut answer = answers.recv_timeout(self.connect_timeout.min(permit.limit));
        if matches!(answer, Err(RecvTimeoutError::Timeout)) && self.connect_timeout < permit.limit {
            if connecting.is_connecting() {
                return Err(NOT_CONNECTED.to_owned());
            }
            answer = answers.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => permit.timeout_message(),
            RecvTimeoutError::Disconnected => "the call ended without an answer".to_owned(),
        })
    }

    /// Returns an idle connection, or a new one.
    fn take_connection(&self) -> PooledConnection {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| PooledConnection::new(self.config.clone()))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PooledConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.drain(..)
            .for_each(|connection| connection.agent.shutdown());
    }
}

/// Checks the proxy URLs in the environment.
fn check_proxy(env: &dyn Environment) -> Result<(), Failure> {
    let is_set = |name: &&&str| env.get(name).is_some_and(|value| !value.is_empty());
    match PROXY_VARIABLES.iter().find(is_set) {
        Some(name) if Proxy::try_from_env().is_none() => {
            Err(Failure::usage(format!("invalid proxy URL in `{name}`"))
                .with_help("set it to a URL such as http://host:port, or unset it"))
        }
        _ => Ok(()),
    }
}

/// Returns whether another attempt of a call may succeed without storing anything twice: calls that
/// change the store are repeated only if the store answered that it did nothing.
fn may_retry(call: &Call<'_>, result: &Result<RawReply, CallError>) -> bool {
    match result {
        Ok(reply) => match reply.status {
            429 | 503 => true,
            500 | 502 | 504 => call.is_read(),
            _ => false,
        },
        Err(error) => error.retry && call.is_read(),
    }
}

/// Returns the pause before the next attempt: it grows with each attempt, and is random so that
/// several clients do not repeat their calls at the same time.
fn retry_delay(attempts: u32) -> Duration {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let base = 100 << attempts;
    Duration::from_millis(base + u64::from(now.subsec_nanos()) % base)
}

/// Sends a request and reads the whole answer.
fn exchange(
    agent: &Agent,
    request: Request<()>,
    body: Option<&[u8]>,
) -> Result<RawReply, CallError> {
    let mut response = match body {
        Some(body) => agent.run(request.map(|()| body)),
        None => agent.run(request),
    }?;
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get("location")
        .and_then(|to| to.to_str().ok())
        .map(str::to_owned);
    let body = read_body(&mut response)?;
    let json = serde_json::from_slice(&body).ok();
    Ok(RawReply {
        status,
        location,
        body,
        json,
    })
}

fn read_body(response: &mut Response<Body>) -> Result<Vec<u8>, Error> {
    response
        .body_mut()
        .with_config()
        .limit(MAX_BODY_BYTES)
        .read_to_vec()
}

/// Encodes a name as a part of a path, of a query, or of a form.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
