//! The connection to a Vault: its URL, the token, and the version of the KV engine.

use super::{VaultInventory, encode_path, not_vault_error};
use crate::diagnostics::error::Failure;
use crate::inventory::StoreError;
use crate::inventory::http::{Address, Call, Http, Reply, read_token};
use crate::project::config::url_error;
use serde_json::Value;
use std::path::PathBuf;

/// An authenticated connection to a KV engine.
pub(super) struct VaultSession {
    http: Http,
    token: String,
    namespace: Option<String>,
    /// The version of the engine: 1 or 2.
    pub version: u8,
}

impl VaultSession {
    /// Makes a call with the token.
    pub fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Reply, StoreError> {
        let mut headers = vec![
            ("x-vault-token", self.token.as_str()),
            ("x-vault-request", "true"),
        ];
        headers.extend(
            self.namespace
                .as_deref()
                .map(|namespace| ("x-vault-namespace", namespace)),
        );
        self.http.call(&Call {
            method,
            path,
            headers: &headers,
            body: body.map(|body| ("application/json", body)),
        })
    }

    /// Reads the version of the engine at a mount. Credentials that may only list can read it, too.
    fn read_version(&self, mount: &str) -> Result<u8, StoreError> {
        let path = format!("/v1/sys/internal/ui/mounts/{}", encode_path(mount));
        let reply = self.call("GET", &path, None)?;
        match reply.status {
            200 => {
                let data = reply.json().and_then(|answer| answer.get("data"));
                let data =
                    data.ok_or_else(|| not_vault_error("GET /v1/sys/internal/ui/mounts", &reply))?;
                let version = data
                    .get("options")
                    .and_then(|options| options.get("version"));
                Ok(if version.is_some_and(is_two) { 2 } else { 1 })
            }
            403 => {
                let help = format!("the token is invalid, or may not use the mount `{mount}`");
                Err(StoreError::Forbidden(help))
            }
            404 => self.check_unsealed().map(|()| 1),
            _ => Err(not_vault_error("GET /v1/sys/internal/ui/mounts", &reply)),
        }
    }

    /// Checks that a server without the endpoint for mounts is a Vault, and is unsealed.
    fn check_unsealed(&self) -> Result<(), StoreError> {
        let reply = self.call("GET", "/v1/sys/seal-status", None)?;
        match reply
            .json()
            .and_then(|answer| answer.get("sealed")?.as_bool())
        {
            Some(false) => Ok(()),
            Some(true) => Err(StoreError::Unreachable("the Vault is sealed".to_owned())),
            None => Err(not_vault_error("GET /v1/sys/seal-status", &reply)),
        }
    }
}

fn is_two(version: &Value) -> bool {
    version.as_str() == Some("2") || version.as_u64() == Some(2)
}

impl VaultInventory {
    /// Connects with the settings of the config, or with those that Vault's own client reads from
    /// the environment.
    pub(super) fn open(&self) -> Result<VaultSession, StoreError> {
        let url = self.url().ok_or_else(|| {
            let message = format!("the inventory `{}` has no URL", self.name);
            StoreError::Invalid(
                Failure::usage(message).with_help("set `url` in the config, or set VAULT_ADDR"),
            )
        })?;
        if let Some(reason) = url_error(&url) {
            return Err(StoreError::Invalid(Failure::usage(format!(
                "invalid VAULT_ADDR: {reason}"
            ))));
        }
        let ca_cert = self
            .config
            .ca_cert
            .clone()
            .or_else(|| self.env.text("VAULT_CACERT").map(PathBuf::from));
        let address = Address {
            inventory: &self.name,
            url: &url,
            allow_http: self.config.allow_http,
            ca_cert: ca_cert.as_deref(),
        };
        let http =
            Http::new(&address, self.limits, self.env.as_ref()).map_err(StoreError::Invalid)?;
        let token = self.token()?;
        let namespace = self
            .config
            .namespace
            .clone()
            .or_else(|| self.env.text("VAULT_NAMESPACE"));
        let mut session = VaultSession {
            http,
            token,
            namespace,
            version: 2,
        };
        session.version = session.read_version(&self.config.mount)?;
        Ok(session)
    }

    /// Returns the token from `token_file`, `VAULT_TOKEN`, or the file that `vault login` writes.
    fn token(&self) -> Result<String, StoreError> {
        if let Some(file) = &self.config.token_file {
            return read_token(file);
        }
        if let Some(token) = self.env.text("VAULT_TOKEN") {
            return Ok(token);
        }
        let file = self
            .env
            .text("HOME")
            .map(|home| PathBuf::from(home).join(".vault-token"));
        let file = file.filter(|file| file.is_file()).ok_or_else(|| {
            let help = "no token found: set VAULT_TOKEN or `token_file`, or run `vault login`";
            StoreError::Forbidden(help.to_owned())
        })?;
        read_token(&file)
    }
}
