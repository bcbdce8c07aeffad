//! The reasons why a call has no answer, as messages. No message contains a part of an answer.

use super::MAX_BODY_BYTES;
use crate::diagnostics::error::io_message;
use ureq::{Error, Timeout};

/// The message for a connection that takes longer than `connect_timeout`.
pub const NOT_CONNECTED: &str = "no connection in time (`connect_timeout`)";

/// The reason why an attempt of a call has no answer.
pub struct CallError {
    /// The reason.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retry: bool,
}

impl CallError {
    /// Creates an error that would occur again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry: false,
        }
    }

    fn transient(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry: true,
        }
    }

    fn untrusted_certificate(reason: &str) -> Self {
        Self::permanent(format!(
            "no trusted connection: {reason}; `ca_cert` sets the certificates to trust"
        ))
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => Self::permanent(NOT_CONNECTED),
            Error::HostNotFound => Self::permanent("cannot resolve the host name"),
            Error::ConnectionFailed => Self::transient("no connection"),
            Error::BodyExceedsLimit(_) => Self::permanent(format!(
                "the answer is larger than {} MiB",
                MAX_BODY_BYTES >> 20
            )),
            // ureq wraps some TLS errors in an I/O error.
            Error::Io(error) if error.to_string().contains("certificate") => {
                Self::untrusted_certificate(&error.to_string())
            }
            Error::Io(error) => Self::transient(io_message(&error)),
            Error::InvalidProxyUrl => {
                Self::permanent("the proxy URL in the environment is invalid")
            }
            Error::Rustls(error) => Self::untrusted_certificate(&error.to_string()),
            Error::Protocol(_) | Error::Http(_) => Self::permanent("the answer is not HTTP"),
            other => Self::permanent(other.to_string()),
        }
    }
}

/// Returns the host of a URL without its scheme, or a description if it does not look like one.
fn redirect_host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let is_name = name.contains('.') || name.starts_with('[') || name == "localhost";
    let is_host = is_name
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-[]:".contains(c))
        && port.len() <= 5
        && port.chars().all(|c| c.is_ascii_digit());
    if is_host { host } else { "another host" }
}

/// Returns the message for a status that is not an answer: a redirect or an error of the server.
/// Of the target of a redirect only the host is shown, because the rest may contain a credential.
pub fn describe_status(status: u16, location: Option<&str>) -> String {
    match location {
        Some(target) if status < 400 => {
            let host = match target.split_once("://") {
                Some((_, rest)) => redirect_host(rest),
                None => "another path",
            };
            format!(
                "the server answered {status}, a redirect to {host}; if that is the server, set it as `url`"
            )
        }
        _ if status == 429 => "the server answered 429 (too many requests)".to_owned(),
        _ => format!("the server answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_redirect_only_the_host_is_shown() {
        for (location, expected) in [
            (
                "https://me:hunter2@a.example:8200/hunter2?t=hunter2#hunter2",
                "a.example:8200",
            ),
            ("http://localhost:8200", "localhost:8200"),
            ("http://[::1]:8200/", "[::1]:8200"),
            ("http://[::1]/", "[::1]"),
            ("https://me:hunter2/x@a.example", "another host"),
            ("https://a.example:hunter2/", "another host"),
            ("https://hunter2/", "another host"),
            ("https://hunter2\u{1b}.example/", "another host"),
            ("https://", "another host"),
            ("/hunter2", "another path"),
            ("//hunter2@a.example", "another path"),
        ] {
            let message = describe_status(302, Some(location));
            let expected = format!("a redirect to {expected};");
            assert!(message.contains(&expected), "{location}: {message}");
        }
    }
}
