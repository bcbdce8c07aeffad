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

/// The other error codes of the calls that stackref makes. A server may put anything into the place
/// of a code, so no other text is shown.
const KNOWN_CODES: [&str; 37] = [
    "DecryptionFailure",
    "EncryptionFailure",
    "HierarchyLevelLimitExceededException",
    "HierarchyTypeMismatchException",
    "IncompleteSignature",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InvalidAction",
    "InvalidFilterKey",
    "InvalidFilterOption",
    "InvalidFilterValue",
    "InvalidKeyId",
    "InvalidNextToken",
    "InvalidNextTokenException",
    "InvalidParameterException",
    "InvalidRequestException",
    "InvalidSignatureException",
    "LimitExceededException",
    "MissingAuthenticationToken",
    "OptInRequired",
    "ParameterLimitExceeded",
    "ParameterMaxVersionLimitExceeded",
    "ParameterPatternMismatchException",
    "PreconditionNotMetException",
    "RequestExpired",
    "RequestLimitExceeded",
    "ResourceExistsException",
    "ResourceNotFoundException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyUpdates",
    "UnknownOperationException",
    "ValidationError",
    "ValidationException",
];

/// The reason of a call that the SDK did not make. The SDK's own message may contain the output of
/// a program that the profile names, and that may be a credential.
const NOT_MADE: &str = "the call could not be made: are credentials configured? `aws sts get-caller-identity` shows the reason";

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
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => failure
            .as_connector_error()
            .map_or_else(|| NOT_MADE.to_owned(), |error| join_causes(error)),
        _ => match (error.code(), status(error)) {
            (Some(code), _) => describe_code(code).to_owned(),
            (None, Some(status)) => format!("the answer ({status}) is not that of AWS"),
            (None, None) => NOT_MADE.to_owned(),
        },
    };
    StoreError::Unreachable(format!("{call}: {reason}"))
}

/// Returns an error code, or a description of one that AWS does not use.
pub(super) fn describe_code(code: &str) -> &str {
    if KNOWN_CODES.contains(&code) || is_forbidden_code(code) {
        code
    } else {
        "an unknown error code"
    }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use aws_sdk_secretsmanager::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_secretsmanager::operation::list_secrets::ListSecretsError;

    fn message(error: &SdkError<ListSecretsError, HttpResponse>) -> String {
        match store_error("ListSecrets", error, "no permission") {
            StoreError::Forbidden(text) | StoreError::Unreachable(text) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn only_codes_of_aws_are_shown() {
        for (code, status, expected) in [
            (
                "ThrottlingException",
                400_u16,
                "ListSecrets: ThrottlingException",
            ),
            (
                "AccessDenied",
                403,
                "ListSecrets: no permission (AccessDenied)",
            ),
            ("ResourceNotFoundException", 400, "NotFound"),
            ("hunter2", 400, "ListSecrets: an unknown error code"),
            ("hunter2", 403, "ListSecrets: an unknown error code"),
        ] {
            let metadata = ErrorMetadata::builder().code(code).message("hunter2");
            let error = ListSecretsError::generic(metadata.build());
            let response = HttpResponse::new(status.try_into().unwrap(), "".into());
            assert_eq!(message(&SdkError::service_error(error, response)), expected);
        }
    }

    #[test]
    fn the_output_of_a_credential_process_is_not_shown() {
        let reason = "external process exited with code 3. Stderr: hunter2";
        let error = SdkError::dispatch_failure(ConnectorError::other(reason.into(), None));
        assert_eq!(message(&error), format!("ListSecrets: {NOT_MADE}"));
        let error = SdkError::dispatch_failure(ConnectorError::io("connection refused".into()));
        assert!(message(&error).ends_with("connection refused"));
    }
}
