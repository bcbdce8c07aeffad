//! Files that a config names for a connection: a token, and certificates to trust.

use crate::diagnostics::error::{Failure, io_message};
use crate::inventory::StoreError;
use crate::inventory::store_error::CONFIG_PATH_HINT;
use crate::system::files;
use crate::text::escape::escape_control;
use std::path::Path;
use std::sync::Arc;
use ureq::Error;
use ureq::tls::{PemItem, RootCerts, parse_pem};

/// The size limit of a file with a token or with certificates.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Reads a token from a file that contains nothing else.
pub fn read_token(file: &Path) -> Result<String, StoreError> {
    let bytes = files::read(file, MAX_FILE_BYTES)
        .map_err(|error| token_error(file, &io_message(&error)))?;
    let token = std::str::from_utf8(&bytes)
        .map(str::trim)
        .unwrap_or_default();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(token_error(
            file,
            "it must contain one line, with the token",
        ));
    }
    Ok(token.to_owned())
}

fn token_error(file: &Path, reason: &str) -> StoreError {
    StoreError::Invalid(Failure::usage(format!(
        "cannot read a token from `{}`: {reason}",
        display(file)
    )))
}

/// Reads the certificates in a PEM file.
pub fn read_certificates(file: &Path) -> Result<RootCerts, Failure> {
    let pem = files::read(file, MAX_FILE_BYTES)
        .map_err(|error| certificate_error(file, &io_message(&error)))?;
    let items: Result<Vec<PemItem<'static>>, Error> = parse_pem(&pem).collect();
    let items = items.map_err(|_| certificate_error(file, "it is not a PEM file"))?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(certificate_error(file, "it contains no certificate"));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

fn certificate_error(file: &Path, reason: &str) -> Failure {
    Failure::usage(format!(
        "cannot read certificates from `{}`: {reason}",
        display(file)
    ))
    .with_help(format!("set `ca_cert` to a PEM file; {CONFIG_PATH_HINT}"))
}

fn display(file: &Path) -> String {
    escape_control(&file.display().to_string())
}
