//! Calls to a store over HTTP: with time limits, a few patient repeats, and a limit on what is read.
//!
//! Redirects are not followed: credentials go where the config says, and nowhere else. Proxies are taken from the
//! environment, and asked for a tunnel.

use super::NoAnswer;
use super::clock::Clock;
use super::env::Environment;
use super::local;
use crate::config::Limits;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use ureq::http::{Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Proxy, Timeout};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes that an answer may have.
const MOST: u64 = 32 << 20;

/// Bytes that a file with a token or with certificates may have.
const LARGEST_LOCAL: u64 = 4 << 20;

/// The variables that name a proxy.
const PROXIES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// How often a call is made in all, where the store is overloaded or a connection breaks.
const TRIES: u32 = 3;

/// A server, and how to talk to it.
pub struct Http {
    agent: Agent,
    base: String,
    clock: Clock,
}

/// One call.
pub struct Call<'c> {
    /// `GET`, `LIST`, `POST`, `PUT`.
    pub method: &'static str,
    /// The path behind the address of the server, with its query.
    pub path: &'c str,
    /// Headers; their values are never shown.
    pub headers: &'c [(&'static str, &'c str)],
    /// The body with its type; never shown.
    pub body: Option<(&'static str, &'c str)>,
}

/// What came back.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// The body as JSON; nothing where it is none.
    pub fn json(&self) -> Option<Wiped> {
        serde_json::from_slice(&self.body).ok().map(Wiped)
    }
}

/// A JSON value whose strings are wiped in the end.
pub struct Wiped(Value);

impl std::ops::Deref for Wiped {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(self.0.take());
    }
}

/// Wipes the strings of a JSON value.
pub fn wipe(value: Value) {
    match value {
        Value::String(mut text) => text.zeroize(),
        Value::Array(items) => items.into_iter().for_each(wipe),
        Value::Object(entries) => entries.into_iter().for_each(|(_, value)| wipe(value)),
        _ => {}
    }
}

impl Http {
    /// A server at an address. Its certificates are checked against those of a file, else those that browsers trust.
    ///
    /// # Errors
    /// A file of certificates that holds none.
    pub fn new(base: &str, ca_cert: Option<&Path>, limits: Limits, env: &dyn Environment) -> Result<Self, Failure> {
        let proxies = PROXIES.iter().find(|name| env.get(name).is_some_and(|value| !value.is_empty()));
        if let Some(name) = proxies.filter(|_| Proxy::try_from_env().is_none()) {
            let failure = Failure::usage(format!("the proxy that {name} names is none that can be used"));
            return Err(failure.with_help("write http://host:port, or unset it"));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .max_redirects_will_error(false)
            .timeout_connect(Some(limits.connect))
            .user_agent(concat!("stackref/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = ca_cert {
            let tls = TlsConfig::builder().root_certs(certificates(file)?).build();
            config = config.tls_config(tls);
        }
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { agent: Agent::new_with_config(config.build()), base, clock: Clock::new(limits) })
    }

    /// Makes a call. What the store says no to is a reply like any other.
    ///
    /// # Errors
    /// [`NoAnswer::Unreachable`], with the call and what was seen.
    pub fn call(&self, call: &Call<'_>) -> Result<Reply, NoAnswer> {
        let mut tried = 1;
        loop {
            let ended = self.once(call);
            let again = match &ended {
                Ok((reply, _)) => matches!(reply.status, 429 | 500 | 502 | 503 | 504),
                Err((_, again)) => *again,
            };
            // What changes something is repeated only where the store has said that it did nothing.
            let harmless = matches!(call.method, "GET" | "LIST")
                || matches!(&ended, Ok((reply, _)) if matches!(reply.status, 429 | 503));
            if !again || !harmless || tried == TRIES {
                let seen = |why: String| NoAnswer::Unreachable(format!("{} {}: {why}", call.method, shown(call.path)));
                return match ended {
                    Ok((Reply { status: status @ (300..=399 | 500..), .. }, location)) => {
                        Err(seen(unexpected(status, location.as_deref())))
                    }
                    Ok((Reply { status: 429, .. }, _)) => Err(seen("it answers 429: too many calls".to_owned())),
                    Ok((reply, _)) => Ok(reply),
                    Err((why, _)) => Err(seen(why)),
                };
            }
            std::thread::sleep(pause(tried));
            tried += 1;
        }
    }

    /// One try: the reply and where it points to, or why there is none and whether another try may help.
    fn once(&self, call: &Call<'_>) -> Result<(Reply, Option<String>), (String, bool)> {
        let turn = self.clock.begin().map_err(|why| (why, false))?;
        let limit = turn.limit;
        let mut request = Request::builder().method(call.method).uri(format!("{}{}", self.base, call.path));
        request = request.header("accept", "application/json");
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let no_request = |_| ("an address or a credential that no request can hold".to_owned(), false);
        let run = |request: Request<&[u8]>| {
            self.agent.run(self.agent.configure_request(request).timeout_global(Some(limit)).build())
        };
        let sent = if let Some((kind, body)) = call.body {
            run(request.header("content-type", kind).body(body.as_bytes()).map_err(no_request)?)
        } else {
            let request = request.body(()).map_err(no_request)?;
            self.agent.run(self.agent.configure_request(request).timeout_global(Some(limit)).build())
        };
        let mut response = sent.map_err(|error| plain(&error, limit))?;
        let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
        let body = read(&mut response).map_err(|error| plain(&error, limit))?;
        Ok((Reply { status: response.status().as_u16(), body }, location))
    }
}

fn read(response: &mut Response<Body>) -> Result<Zeroizing<Vec<u8>>, Error> {
    response.body_mut().with_config().limit(MOST).read_to_vec().map(Zeroizing::new)
}

/// A path without its query, which may hold names of secrets that are not worth showing twice.
fn shown(path: &str) -> String {
    printable(path.split('?').next().unwrap_or_default())
}

fn unexpected(status: u16, location: Option<&str>) -> String {
    match location {
        Some(to) if status < 400 => {
            // The host alone: the rest may be what it was handed.
            let host =
                to.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            let to = if host.is_empty() { "another place of its own".to_owned() } else { printable(host) };
            format!("it answers {status} and points to {to}; if that is the server, set it as `url`")
        }
        _ => format!("it answers {status}"),
    }
}

/// What went wrong in plain words, and whether another try may help.
fn plain(error: &Error, limit: Duration) -> (String, bool) {
    let seconds = limit.as_secs_f32();
    match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            ("no connection in time (`connect_timeout`)".to_owned(), false)
        }
        Error::Timeout(_) => (format!("no answer within {seconds} s (`timeout`)"), false),
        Error::HostNotFound => ("there is no host of that name".to_owned(), false),
        Error::ConnectionFailed => ("no connection".to_owned(), true),
        Error::BodyExceedsLimit(_) => (format!("an answer of more than {} MiB", MOST >> 20), false),
        // What TLS objects to comes wrapped in one of these, too.
        Error::Io(error) if error.to_string().contains("certificate") => (untrusted(&error.to_string()), false),
        Error::Io(error) => (plain_io(error), true),
        Error::InvalidProxyUrl => ("the proxy of the environment is no URL".to_owned(), false),
        Error::Rustls(error) => (untrusted(&error.to_string()), false),
        Error::Protocol(_) | Error::Http(_) => ("what it answers is no HTTP".to_owned(), false),
        other => (other.to_string(), false),
    }
}

fn untrusted(why: &str) -> String {
    format!("no trusted connection: {why}; `ca_cert` names the certificates to trust")
}

/// Before the next try: longer each time, and not the same for everybody.
fn pause(tried: u32) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let base = 100 << tried;
    Duration::from_millis(base + u64::from(now.subsec_nanos()) % base)
}

fn certificates(file: &Path) -> Result<RootCerts, Failure> {
    let cannot = |why: &str| {
        let shown = printable(&file.display().to_string());
        Failure::usage(format!("cannot take certificates from `{shown}`: {why}"))
            .with_help("`ca_cert` names a file in PEM; its path is taken from the config's folder")
    };
    let pem = local::read(file, LARGEST_LOCAL).map_err(|error| cannot(&plain_io(&error)))?;
    let items: Result<Vec<PemItem<'static>>, Error> = parse_pem(&pem).collect();
    let items = items.map_err(|_| cannot("it is no PEM"))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(cannot("it holds none"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// A name as a part of a path or of a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A JSON value as text, wiped in the end as the value is now.
pub fn text_of(value: Value) -> Zeroizing<String> {
    let text = Zeroizing::new(value.to_string());
    wipe(value);
    text
}

/// What a user should know about an address that is not encrypted.
pub fn warning(inventory: &str, url: &str) -> Option<String> {
    is_exposed(url).then(|| format!("the inventory `{inventory}` is reached without encryption (http://)"))
}

/// Whether an address is not encrypted and leads out of this machine.
fn is_exposed(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.split(']').next())
        .unwrap_or_else(|| host.rsplit_once(':').map_or(host, |(host, _)| host));
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !(loopback || host == "localhost")
}

/// A credential from a file: its only line.
pub fn token_of(file: &Path) -> Result<Zeroizing<String>, NoAnswer> {
    let cannot = |why: &str| {
        let shown = printable(&file.display().to_string());
        NoAnswer::Invalid(Failure::usage(format!("cannot take a token from `{shown}`: {why}")))
    };
    let bytes = local::read(file, LARGEST_LOCAL).map_err(|error| cannot(&plain_io(&error)))?;
    let token = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(cannot("it holds none, or more than one line"));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_this_machine_is_exposed() {
        for url in ["https://x", "http://127.0.0.1:1/x", "http://localhost", "http://[::1]:2"] {
            assert!(!is_exposed(url), "{url}");
        }
        for url in ["http://zenml.example.com", "http://10.0.0.1:80", "http://localhost.evil.example"] {
            assert!(is_exposed(url), "{url}");
        }
    }
}
