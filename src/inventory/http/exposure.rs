//! Checks that credentials are sent only encrypted, or to this machine.
//!
//! A URL without encryption is allowed if it leads to this machine, or if the config sets
//! `allow_http`. Users get a warning in the second case.

use crate::diagnostics::error::Failure;
use crate::text::escape::escape_control;
use std::net::{Ipv4Addr, Ipv6Addr};
use ureq::http::Uri;

/// Returns a warning if the config allows an unencrypted connection that leaves this machine.
pub fn warning(inventory: &str, url: &str, allow_http: bool) -> Option<String> {
    (allow_http && is_exposed(url)).then(|| {
        format!("the connection to the inventory `{inventory}` is not encrypted (http://)")
    })
}

/// Refuses a URL that would send credentials unencrypted to another machine, unless the config
/// allows it.
///
/// # Errors
/// Returns a failure that names the host, and explains how to allow it.
pub fn refuse_exposed(inventory: &str, url: &str, allow_http: bool) -> Result<(), Failure> {
    if allow_http || !is_exposed(url) {
        return Ok(());
    }
    let host = url
        .parse::<Uri>()
        .ok()
        .and_then(|uri| uri.host().map(escape_control))
        .unwrap_or_default();
    let message = format!(
        "cannot use the inventory `{inventory}`: it would send credentials to `{host}` without encryption (http://)"
    );
    let help = format!(
        "use an https:// URL, or set `allow_http = true` in `[inventory.{inventory}]` if you trust the network"
    );
    Err(Failure::usage(message).with_help(help))
}

/// Returns whether a URL is unencrypted and leads to another machine. A URL that does not parse
/// counts as exposed.
fn is_exposed(url: &str) -> bool {
    !url.starts_with("https://") && !leads_to_loopback(url)
}

/// Returns whether a URL leads to this machine.
///
/// The URL is parsed by the parser of the HTTP client, so that both see the same host. The `url`
/// crate would not do: it rewrites hosts such as `0x7f.1` to `127.0.0.1`. The host may be followed
/// by a port and by nothing else.
pub fn leads_to_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    uri.authority().is_some_and(|authority| {
        let rest = authority.as_str().strip_prefix(authority.host());
        is_loopback(authority.host())
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}

/// Replaces `localhost` in a URL by the loopback address. Returns `None` for any other host.
#[cfg(feature = "aws")]
pub fn loopback_address(url: &str) -> Option<String> {
    let uri = url.parse::<Uri>().ok()?;
    let (host, rest) = (uri.host()?, url.strip_prefix("http://")?);
    let rest = rest
        .strip_prefix(host)
        .filter(|_| host.eq_ignore_ascii_case("localhost"))?;
    Some(format!("http://{}{rest}", Ipv4Addr::LOCALHOST))
}

/// Returns whether a host is this machine: an address in 127.0.0.0/8, `[::1]`, or `localhost`.
///
/// Nothing is resolved, and no other spelling counts, such as `2130706433`, `0x7f.1`, or an IPv4
/// address inside an IPv6 address.
fn is_loopback(host: &str) -> bool {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(host) => host
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_https_urls_are_not_exposed() {
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
    }

    #[test]
    fn unencrypted_urls_of_other_hosts_are_exposed() {
        let other_hosts = [
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
        for url in other_hosts {
            assert!(is_exposed(url), "{url}");
        }
    }
}
