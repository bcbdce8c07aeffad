//! Login at a ZenML server with the same credentials as ZenML's own client: a token, an API key, or
//! a user name and a password.

use super::not_zenml_error;
use crate::inventory::StoreError;
use crate::inventory::http::{Call, Http, percent_encode, read_token};
use crate::system::environment::Environment;
use std::path::Path;

/// A login form, and the names of the variables that its credentials come from.
struct LoginForm {
    text: String,
    variables: &'static str,
}

/// Returns the value of the header `authorization`. A token from a file needs no login.
pub(super) fn log_in(
    http: &Http,
    token_file: Option<&Path>,
    env: &dyn Environment,
) -> Result<String, StoreError> {
    if let Some(file) = token_file {
        return Ok(bearer(&read_token(file)?));
    }
    let form = login_form(env)?;
    let call = Call {
        method: "POST",
        path: "/api/v1/login",
        headers: &[],
        body: Some(("application/x-www-form-urlencoded", &form.text)),
    };
    let reply = http.call(&call)?;
    if matches!(reply.status, 401 | 403) {
        return Err(StoreError::Forbidden(format!(
            "the server rejected the login: check {}",
            form.variables
        )));
    }
    let token = reply
        .json()
        .and_then(|answer| answer.get("access_token")?.as_str());
    token
        .map(bearer)
        .ok_or_else(|| not_zenml_error("POST /api/v1/login", &reply))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn login_form(env: &dyn Environment) -> Result<LoginForm, StoreError> {
    if let Some(key) = read_variable(env, "ZENML_STORE_API_KEY") {
        let text = format!("grant_type=zenml-api-key&password={}", percent_encode(&key));
        return Ok(LoginForm {
            text,
            variables: "ZENML_STORE_API_KEY",
        });
    }
    let user = read_variable(env, "ZENML_STORE_USERNAME").ok_or_else(|| {
        StoreError::Forbidden(
            "no credentials found: set ZENML_STORE_API_KEY, or ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD, or \
             set `token_file` in the config"
                .to_owned(),
        )
    })?;
    let password = read_variable(env, "ZENML_STORE_PASSWORD").ok_or_else(|| {
        StoreError::Forbidden(
            "ZENML_STORE_USERNAME is set, but ZENML_STORE_PASSWORD is not".to_owned(),
        )
    })?;
    let text = format!(
        "username={}&password={}",
        percent_encode(&user),
        percent_encode(&password)
    );
    Ok(LoginForm {
        text,
        variables: "ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD",
    })
}

fn read_variable(env: &dyn Environment, name: &str) -> Option<String> {
    env.text(name)
}
