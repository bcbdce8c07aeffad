//! Whether a run trusts its configs: `--trust`, `STACKREF_TRUST`, or the records of `stackref
//! trust`.

use super::Workspace;
use crate::cli::FileArgs;
use crate::diagnostics::error::Failure;
use crate::project::config::Config;
use crate::project::trust_store::{TrustDecision, TrustStore};
use crate::system::environment::Environment;
use std::path::{Path, PathBuf};

/// The environment variable that trusts the config for one run.
const TRUST_VARIABLE: &str = "STACKREF_TRUST";

impl Workspace {
    /// Returns whether a config may run programs, connect to hosts and read files outside the
    /// repository.
    pub(super) fn trust(&self, config: &Config, repository: Option<&Path>) -> TrustDecision {
        if self.trusts_config {
            return TrustDecision::granted();
        }
        let root = repository.unwrap_or(&config.folder);
        TrustDecision::from_records(config, root, trust_store(self.env.as_ref()).as_ref())
    }

    /// Returns the configs whose requests the user has not accepted.
    pub(crate) fn untrusted(&self) -> Vec<UntrustedConfig> {
        let configs = self.known_configs().into_iter();
        let untrusted = configs.filter_map(|config| {
            let repository = self.git.owners().root(&config.folder);
            let decision = self.trust(&config, repository.as_deref());
            Some(UntrustedConfig {
                file: config.file.clone()?,
                message: decision.failure()?.to_string(),
            })
        });
        untrusted.collect()
    }
}

/// A config whose requests the user has not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedConfig {
    /// The file.
    pub file: PathBuf,
    /// What the config requests, in a sentence.
    pub message: String,
}

/// Returns whether the user trusts the configs for this run.
///
/// # Errors
/// The environment variable has an invalid value.
pub(super) fn trusts_config(files: &FileArgs, env: &dyn Environment) -> Result<bool, Failure> {
    let variable = env.get(TRUST_VARIABLE).unwrap_or_default();
    match variable.to_str() {
        Some("1") => Ok(true),
        Some("" | "0") => Ok(files.setup.trust),
        _ => Err(Failure::usage(format!(
            "invalid value `{}` in {TRUST_VARIABLE}",
            variable.to_string_lossy()
        ))
        .with_help("set it to 1 to trust the config for this run, or unset it")),
    }
}

/// Returns the records of the configs that the user has accepted; `None` without a state folder.
pub fn trust_store(env: &dyn Environment) -> Option<TrustStore> {
    let state = absolute_path(env, "XDG_STATE_HOME");
    let state = state.or_else(|| Some(absolute_path(env, "HOME")?.join(".local/state")));
    state.map(|state| TrustStore::new(&state))
}

/// Returns the value of a variable, if it is an absolute path.
fn absolute_path(env: &dyn Environment, name: &str) -> Option<PathBuf> {
    env.get(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
