//! Calls to a store over HTTP: with time limits, a few patient repeats, and a limit on what is read.
//!
//! Redirects are not followed: credentials go where the config says, and nowhere else. They go there encrypted, or to this
//! machine, unless the config allows `http://`. Proxies are taken from the environment, and asked for a tunnel; this machine is
//! reached without one.
//!
//! Each call runs on a thread of its own, and the caller waits for it no longer than the limits allow. So no phase of a call
//! escapes them, whatever a library limits by itself: resolving a name, the answer of a proxy, the TLS handshake, headers,
//! a body, and its JSON. A call that takes too long has its connection shut down, which ends its thread, too.

use super::StoreError;
use super::clock::{Permit, TimeBudget};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::project::config::TimeLimits;
use crate::system::environment::Environment;
use crate::system::files;
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use ureq::config::Config;
use ureq::http::{Request, Response, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};
use ureq::{Agent, Body, Error, Proxy, Timeout};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes that an answer may have.
const MAX_BODY_BYTES: u64 = 32 << 20;

/// Bytes that a file with a token or with certificates may have.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The variables that name a proxy.
const PROXY_VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// How often a call is made in all, where the store is overloaded or a connection breaks.
const MAX_ATTEMPTS: u32 = 3;

/// Where a server is, and how it may be reached.
pub struct Address<'a> {
    /// The name of the inventory.
    pub inventory: &'a str,
    /// The URL of the server.
    pub url: &'a str,
    /// Whether the config allows `http://` to another machine.
    pub allow_http: bool,
    /// A file with the certificates to trust in place of those that browsers trust.
    pub ca_cert: Option<&'a Path>,
}

/// A server, and how to talk to it.
pub struct Http {
    config: Config,
    base: String,
    connect: Duration,
    budget: TimeBudget,
    /// Lanes that no call uses now.
    idle: Mutex<Vec<PooledConnection>>,
}

/// A connection for one call at a time. It is kept open for the next call, and shut down with a call that took too long.
struct PooledConnection {
    agent: Agent,
    connecting: ConnectCounter,
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

/// What came back. The time until it is dropped counts as the store's.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    json: Option<WipedJson>,
    _permit: Permit,
}

impl Reply {
    /// Returns the body as JSON, or `None` if it is something else.
    pub fn json(&self) -> Option<&Value> {
        self.json.as_ref().map(|json| &json.0)
    }
}

/// An answer as it came from the server.
struct RawReply {
    status: u16,
    location: Option<String>,
    body: Zeroizing<Vec<u8>>,
    json: Option<WipedJson>,
}

/// Why a try has no answer, and whether another one may help.
type CallError = (String, bool);

/// A JSON value whose strings are wiped in the end.
struct WipedJson(Value);

impl Drop for WipedJson {
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

/// Whether a call is looking for its server or connecting to it: how many layers of that are under way.
#[derive(Clone, Debug, Default)]
struct ConnectCounter(Arc<AtomicUsize>);

impl ConnectCounter {
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let done = work();
        self.0.fetch_sub(1, Ordering::Relaxed);
        done
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// The addresses of hosts. `localhost` is always this machine, whatever the system's resolver makes of it.
#[derive(Debug)]
struct HostResolver {
    system: DefaultResolver,
    connecting: ConnectCounter,
}

impl Resolver for HostResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        if !uri.host().is_some_and(|host| host.eq_ignore_ascii_case("localhost")) {
            return self.connecting.during(|| self.system.resolve(uri, config, timeout));
        }
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let mut addresses = self.empty();
        addresses.push((Ipv4Addr::LOCALHOST, port).into());
        addresses.push((Ipv6Addr::LOCALHOST, port).into());
        Ok(addresses)
    }
}

/// The way to a server: by way of a proxy and with TLS, where they are called for.
#[derive(Debug)]
struct ProxyConnector {
    default: DefaultConnector,
    connecting: ConnectCounter,
}

impl Connector for ProxyConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        self.connecting.during(|| self.default.connect(details, chained))
    }
}

impl PooledConnection {
    fn new(config: Config) -> Self {
        let connecting = ConnectCounter::default();
        let hosts = HostResolver { system: DefaultResolver::default(), connecting: connecting.clone() };
        let connections = ProxyConnector { default: DefaultConnector::default(), connecting: connecting.clone() };
        Self { agent: Agent::with_parts(config, connections, hosts), connecting }
    }
}

impl Http {
    /// Prepares calls to a server; nothing is connected yet.
    ///
    /// # Errors
    /// For a URL that would send credentials unencrypted to another machine, a proxy that cannot be used, and a file of
    /// certificates without one.
    pub fn new(address: &Address<'_>, limits: TimeLimits, env: &dyn Environment) -> Result<Self, Failure> {
        let Address { inventory, url, allow_http, ca_cert } = *address;
        refuse_exposed(inventory, url, allow_http)?;
        let proxies = PROXY_VARIABLES.iter().find(|name| env.get(name).is_some_and(|value| !value.is_empty()));
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
        if leads_to_loopback(url) {
            // A proxy would be handed the credentials, and would look for a loopback of its own.
            config = config.proxy(None);
        }
        if let Some(file) = ca_cert {
            let tls = TlsConfig::builder().root_certs(certificates(file)?).build();
            config = config.tls_config(tls);
        }
        let base = url.trim_end_matches('/').to_owned();
        let (connect, clock) = (limits.connect, TimeBudget::new(limits));
        Ok(Self { config: config.build(), base, connect, budget: clock, idle: Mutex::default() })
    }

    /// Makes a call. What the store says no to is a reply like any other.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], with the call and what was seen.
    pub fn call(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let seen =
            |why: String| StoreError::Unreachable(format!("{} {}: {why}", call.method, path_without_query(call.path)));
        let mut permit = self.budget.begin().map_err(seen)?;
        let mut tried = 1;
        loop {
            let ended = self.attempt(call, &permit);
            let retry = match &ended {
                Ok(received) => matches!(received.status, 429 | 500 | 502 | 503 | 504),
                Err((_, retry)) => *retry,
            };
            // What changes something is repeated only where the store has said that it did nothing.
            let harmless = matches!(call.method, "GET" | "LIST")
                || matches!(&ended, Ok(received) if matches!(received.status, 429 | 503));
            if !retry || !harmless || tried == MAX_ATTEMPTS {
                return match ended {
                    Ok(RawReply { status: status @ (300..=399 | 500..), location, .. }) => {
                        Err(seen(unexpected_status(status, location.as_deref())))
                    }
                    Ok(RawReply { status: 429, .. }) => Err(seen("it answers 429: too many calls".to_owned())),
                    Ok(RawReply { status, body, json, .. }) => Ok(Reply { status, body, json, _permit: permit }),
                    Err((why, _)) => Err(seen(why)),
                };
            }
            thread::sleep(retry_delay(tried).min(permit.remaining));
            permit.renew().map_err(seen)?;
            tried += 1;
        }
    }

    /// Makes one try of a call, within the limit of its turn.
    fn attempt(&self, call: &Call<'_>, permit: &Permit) -> Result<RawReply, CallError> {
        let mut request = Request::builder().method(call.method).uri(format!("{}{}", self.base, call.path));
        request = request.header("accept", "application/json");
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        if let Some((kind, _)) = call.body {
            request = request.header("content-type", kind);
        }
        let no_request = |_| ("an address or a credential that no request can hold".to_owned(), false);
        let request = request.body(()).map_err(no_request)?;
        let body = call.body.map(|(_, body)| Zeroizing::new(body.as_bytes().to_vec()));
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = idle().pop().unwrap_or_else(|| PooledConnection::new(self.config.clone()));
        let (sender, answers) = sync_channel(1);
        let agent = lane.agent.clone();
        let work = move || {
            // Nobody waits any more for a call that took too long.
            let _ = sender.send(exchange(&agent, request, body.as_ref().map(|body| body.as_slice())));
        };
        thread::Builder::new().spawn(work).map_err(|error| (io_message(&error), false))?;
        match self.wait(&answers, &lane.connecting, permit) {
            Ok(received) => {
                idle().push(lane);
                received
            }
            Err(why) => {
                lane.agent.shutdown();
                Err((why, false))
            }
        }
    }

    /// Waits for a call that was started, and no longer than its limits allow.
    fn wait<T>(&self, answers: &Receiver<T>, connecting: &ConnectCounter, permit: &Permit) -> Result<T, String> {
        let until = Instant::now() + permit.limit;
        let mut answer = answers.recv_timeout(self.connect.min(permit.limit));
        if matches!(answer, Err(RecvTimeoutError::Timeout)) && self.connect < permit.limit {
            if connecting.is_under_way() {
                return Err(NOT_CONNECTED.to_owned());
            }
            answer = answers.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
        answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => permit.timeout_message(),
            RecvTimeoutError::Disconnected => "the call broke off".to_owned(),
        })
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.drain(..).for_each(|lane| lane.agent.shutdown());
    }
}

const NOT_CONNECTED: &str = "no connection in time (`connect_timeout`)";

/// Sends a request and reads the whole answer.
fn exchange(agent: &Agent, request: Request<()>, body: Option<&[u8]>) -> Result<RawReply, CallError> {
    let sent = match body {
        Some(body) => agent.run(request.map(|()| body)),
        None => agent.run(request),
    };
    let mut response = sent.map_err(|error| describe_error(&error))?;
    let status = response.status().as_u16();
    let location = response.headers().get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
    let body = read_body(&mut response).map_err(|error| describe_error(&error))?;
    let json = serde_json::from_slice(&body).ok().map(WipedJson);
    Ok(RawReply { status, location, body, json })
}

fn read_body(response: &mut Response<Body>) -> Result<Zeroizing<Vec<u8>>, Error> {
    response.body_mut().with_config().limit(MAX_BODY_BYTES).read_to_vec().map(Zeroizing::new)
}

/// A path without its query, which may hold names of secrets that are not worth showing twice.
fn path_without_query(path: &str) -> String {
    escape_control(path.split('?').next().unwrap_or_default())
}

fn unexpected_status(status: u16, location: Option<&str>) -> String {
    match location {
        Some(to) if status < 400 => {
            // The host alone: the rest may be what it was handed.
            let host =
                to.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            let to = if host.is_empty() { "another place of its own".to_owned() } else { escape_control(host) };
            format!("it answers {status} and points to {to}; if that is the server, set it as `url`")
        }
        _ => format!("it answers {status}"),
    }
}

/// What went wrong in plain words, and whether another try may help. The limits are those of [`Http::wait`].
fn describe_error(error: &Error) -> CallError {
    match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => (NOT_CONNECTED.to_owned(), false),
        Error::HostNotFound => ("there is no host of that name".to_owned(), false),
        Error::ConnectionFailed => ("no connection".to_owned(), true),
        Error::BodyExceedsLimit(_) => (format!("an answer of more than {} MiB", MAX_BODY_BYTES >> 20), false),
        // What TLS objects to comes wrapped in one of these, too.
        Error::Io(error) if error.to_string().contains("certificate") => {
            (untrusted_certificate(&error.to_string()), false)
        }
        Error::Io(error) => (io_message(error), true),
        Error::InvalidProxyUrl => ("the proxy of the environment is no URL".to_owned(), false),
        Error::Rustls(error) => (untrusted_certificate(&error.to_string()), false),
        Error::Protocol(_) | Error::Http(_) => ("what it answers is no HTTP".to_owned(), false),
        other => (other.to_string(), false),
    }
}

fn untrusted_certificate(why: &str) -> String {
    format!("no trusted connection: {why}; `ca_cert` names the certificates to trust")
}

/// Before the next try: longer each time, and not the same for everybody.
fn retry_delay(tried: u32) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let base = 100 << tried;
    Duration::from_millis(base + u64::from(now.subsec_nanos()) % base)
}

fn certificates(file: &Path) -> Result<RootCerts, Failure> {
    let cannot = |why: &str| {
        let shown = escape_control(&file.display().to_string());
        Failure::usage(format!("cannot take certificates from `{shown}`: {why}"))
            .with_help("`ca_cert` names a file in PEM; its path is taken from the config's folder")
    };
    let pem = files::read(file, MAX_FILE_BYTES).map_err(|error| cannot(&io_message(&error)))?;
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
pub fn percent_encode(text: &str) -> String {
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
pub fn into_wiped_text(value: Value) -> Zeroizing<String> {
    let text = Zeroizing::new(value.to_string());
    wipe(value);
    text
}

/// Returns what a user should know about an address that is not encrypted and is used all the same.
pub fn warning(inventory: &str, url: &str, allow_http: bool) -> Option<String> {
    (allow_http && is_exposed(url))
        .then(|| format!("the inventory `{inventory}` is reached without encryption (http://)"))
}

/// Refuses a URL over which credentials would go unencrypted to another machine, unless the config allows it.
///
/// # Errors
/// Names the host, and how to allow it.
pub fn refuse_exposed(inventory: &str, url: &str, allow_http: bool) -> Result<(), Failure> {
    if allow_http || !is_exposed(url) {
        return Ok(());
    }
    let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(escape_control)).unwrap_or_default();
    let words = format!(
        "cannot use the inventory `{inventory}`: it would send credentials to `{host}` without encryption (http://)"
    );
    let help = format!(
        "use an https:// URL, or set `allow_http = true` in `[inventory.{inventory}]` if you trust the network in between"
    );
    Err(Failure::usage(words).with_help(help))
}

/// Whether a URL is not encrypted and leads out of this machine. What does not parse does not count as loopback.
fn is_exposed(url: &str) -> bool {
    !url.starts_with("https://") && !leads_to_loopback(url)
}

/// Whether a URL leads to this machine. The client's own parser reads it, so that both see the same host; beside it there may
/// be a port, and nothing else.
fn leads_to_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    uri.authority().is_some_and(|authority| {
        let rest = authority.as_str().strip_prefix(authority.host());
        is_loopback(authority.host()) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}

/// Returns a URL of `localhost` with the address of the loopback in its place, and `None` for any other URL.
#[cfg(feature = "aws")]
pub fn loopback_address(url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    let (host, rest) = (uri.host()?, url.strip_prefix("http://")?);
    let rest = rest.strip_prefix(host).filter(|_| host.eq_ignore_ascii_case("localhost"))?;
    Some(format!("http://{}{rest}", Ipv4Addr::LOCALHOST))
}

/// Whether a host is this machine: a literal address of 127.0.0.0/8, `[::1]`, or the name `localhost`. Nothing is resolved,
/// and no other spelling counts, such as `2130706433`, `0x7f.1`, or an IPv4 address in an IPv6 one.
fn is_loopback(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// A credential from a file: its only line.
pub fn read_token(file: &Path) -> Result<Zeroizing<String>, StoreError> {
    let cannot = |why: &str| {
        let shown = escape_control(&file.display().to_string());
        StoreError::Invalid(Failure::usage(format!("cannot take a token from `{shown}`: {why}")))
    };
    let bytes = files::read(file, MAX_FILE_BYTES).map_err(|error| cannot(&io_message(&error)))?;
    let token = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(cannot("it holds none, or more than one line"));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_this_machine_is_exposed() {
        let loopback = [
            "http://127.0.0.1:1/x",
            "http://127.9.8.7",
            "http://localhost",
            "http://LocalHost:80/",
            "http://[::1]:2",
            "http://[0:0:0:0:0:0:0:1]",
        ];
        for url in loopback {
            assert!(!is_exposed(url) && leads_to_loopback(url), "{url}");
        }
        assert!(!is_exposed("https://x") && !leads_to_loopback("https://x"));
        let elsewhere = [
            "http://zenml.example.com",
            "http://10.0.0.1:80",
            "http://0.0.0.0",
            "http://[::]",
            "http://localhost.evil.example",
            "http://localhost.",
            "http://notlocalhost",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1.",
            "http://127.1",
            "http://127.0.0.01",
            "http://0177.0.0.1",
            "http://0x7f.0.0.1",
            "http://0x7f000001",
            "http://2130706433",
            "http://[::ffff:10.0.0.1]",
            "http://[::ffff:127.0.0.1]",
            "http://[::127.0.0.1]",
            "http://[::1%25eth0]",
            "http://[::1]evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost:80@evil.example/",
            "http://evil.example#@localhost",
            "http://evil.example?localhost",
            "http://evil.example/localhost",
            "http://localhost%2eevil.example",
            "http://%6cocalhost",
            "http://localhost\\.evil.example",
            "http:/localhost",
            "http:localhost",
            "HTTP://evil.example",
            "HTTPS://evil.example",
            "ftp://evil.example",
            "//evil.example",
            "evil.example",
            "",
        ];
        for url in elsewhere {
            assert!(is_exposed(url), "{url}");
        }
    }

    #[test]
    fn localhost_is_never_looked_up() {
        let hosts = HostResolver { system: DefaultResolver::default(), connecting: ConnectCounter::default() };
        for (url, port) in [("http://localhost/x", 80), ("https://LOCALHOST", 443), ("http://localhost:8080", 8080)] {
            let found = hosts.resolve(&url.parse().unwrap(), &Config::default(), NextTimeout::default()).unwrap();
            assert!(
                found.iter().all(|address| address.ip().is_loopback() && address.port() == port),
                "{url}: {found:?}"
            );
            assert_eq!(found.len(), 2, "{url}");
        }
    }
}
