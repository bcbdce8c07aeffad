//! Connections to a server. A connection reports whether it is still being established, so that
//! [`Http`](super::Http) can apply `connect_timeout` to all phases of connecting.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Agent, Error};

/// A connection that makes one call at a time. It is kept open for the next call, and shut down
/// after a call that took too long.
pub struct PooledConnection {
    /// The client.
    pub agent: Agent,
    /// Whether the connection is being established.
    pub connecting: ConnectCounter,
}

impl PooledConnection {
    /// Creates a connection that connects at its first call.
    pub fn new(config: Config) -> Self {
        let connecting = ConnectCounter::default();
        let resolver = HostResolver {
            system: DefaultResolver::default(),
            connecting: connecting.clone(),
        };
        let connector = ProxyConnector {
            default: DefaultConnector::default(),
            connecting: connecting.clone(),
        };
        Self {
            agent: Agent::with_parts(config, connector, resolver),
            connecting,
        }
    }
}

/// The number of connecting steps that are running: resolving a name, connecting, a TLS handshake.
#[derive(Clone, Debug, Default)]
pub struct ConnectCounter(Arc<AtomicUsize>);

impl ConnectCounter {
    fn during<T>(&self, step: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::Relaxed);
        let result = step();
        self.0.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Returns whether a connecting step is running.
    pub fn is_connecting(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// A resolver of host names for which `localhost` is always this machine, even if the system's
/// resolver disagrees.
#[derive(Debug)]
struct HostResolver {
    system: DefaultResolver,
    connecting: ConnectCounter,
}

impl Resolver for HostResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        if !uri
            .host()
            .is_some_and(|host| host.eq_ignore_ascii_case("localhost"))
        {
            return self
                .connecting
                .during(|| self.system.resolve(uri, config, timeout));
        }
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            });
        let mut addresses = self.empty();
        addresses.push((Ipv4Addr::LOCALHOST, port).into());
        addresses.push((Ipv6Addr::LOCALHOST, port).into());
        Ok(addresses)
    }
}

/// A connector that uses a proxy and TLS where the configuration requires them.
#[derive(Debug)]
struct ProxyConnector {
    default: DefaultConnector,
    connecting: ConnectCounter,
}

impl Connector for ProxyConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        self.connecting
            .during(|| self.default.connect(details, chained))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn localhost_resolves_to_loopback_without_a_lookup() {
        let resolver = HostResolver {
            system: DefaultResolver::default(),
            connecting: ConnectCounter::default(),
        };
        for (url, port) in [
            ("http://localhost/x", 80),
            ("https://LOCALHOST", 443),
            ("http://localhost:8080", 8080),
        ] {
            let found = resolver
                .resolve(
                    &url.parse().unwrap(),
                    &Config::default(),
                    NextTimeout::default(),
                )
                .unwrap();
            assert!(
                found
                    .iter()
                    .all(|address| address.ip().is_loopback() && address.port() == port),
                "{url}: {found:?}"
            );
            assert_eq!(found.len(), 2, "{url}");
        }
    }
}
