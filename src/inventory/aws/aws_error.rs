//! Errors of the AWS SDK. The body of an answer is never shown, because it may be that of a secret.

use super::StoreError;
use super::aws_session::UnencryptedCall;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// The error codes for a missing permission or invalid credentials. Servers compatible with AWS use
/// different codes for the same thing.
const FORBIDDEN_CODES: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "NotAuthorized",
];

pub(super) fn is_forbidden_code(code: &str) -> bool {
    FORBIDDEN_CODES.contains(&code)
}

/// Returns whether an error means a missing permission. Some servers, such as moto, send no code;
/// then the status decides.
pub(super) fn is_forbidden<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .code()
        .map_or(status(error) == Some(403), is_forbidden_code)
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// Converts an error of a call. `permission_hint` is the help if a permission is missing.
pub(super) fn store_error<E: ProvideErrorMetadata + Error + 'static>(
    call: &str,
    error: &SdkError<E, HttpResponse>,
    permission_hint: &str,
) -> StoreError {
    if let Some(UnencryptedCall(failure)) = causes(error).find_map(|error| error.downcast_ref()) {
        return StoreError::Invalid(failure.clone());
    }
    if is_forbidden(error) {
        let code = error
            .code()
            .map_or_else(String::new, |code| format!(" ({code})"));
        return StoreError::Forbidden(format!("{call}: {permission_hint}{code}"));
    }
    if error.code() == Some("ResourceNotFoundException") {
        return StoreError::NotFound;
    }
    let reason = match error {
        SdkError::TimeoutError(_) => "no answer in time (`timeout`)".to_owned(),
        SdkError::DispatchFailure(failure) => failure.as_connector_error().map_or_else(
            || "the call could not be made".to_owned(),
            |error| join_causes(error),
        ),
        _ => match (error.code(), status(error)) {
            (Some(code), _) => code.to_owned(),
            (None, Some(status)) => format!("the answer ({status}) is not that of AWS"),
            (None, None) => "the call could not be made: are credentials configured?".to_owned(),
        },
    };
    StoreError::Unreachable(format!("{call}: {reason}"))
}

/// Joins the messages of an error and its causes.
fn join_causes(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Returns an error and its causes.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        (*error).source()
    })
}
