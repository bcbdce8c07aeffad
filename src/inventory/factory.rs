//! Creation of the inventories that a config lists. Creating an inventory opens and asks nothing.

#[cfg(feature = "aws")]
use super::aws::AwsInventory;
use super::command::CommandInventory;
use super::dir::DirInventory;
use super::env::EnvInventory;
use super::file::FileInventory;
use super::refused::RefusedInventory;
use super::repository_inventory::{RepositoryInventory, RepositorySecrets};
use super::sops::SopsInventory;
use super::vault::VaultInventory;
use super::zenml_server::{ZenmlInventory, ZenmlSettings};
use super::{Capabilities, Inventory};
use crate::project::config::{Config, InventoryConfig, InventoryKind};
use crate::project::trust_store::TrustDecision;
use crate::system::environment::Environment;
use crate::system::process::ProgramFinder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The surroundings of a run in which inventories are found and used.
pub struct StoreContext<'s> {
    /// The working directory.
    pub cwd: &'s Path,
    /// The repository's root.
    pub root: &'s Path,
    /// The environment.
    pub env: &'s Arc<dyn Environment>,
    /// The contents of standard input if `--inventory -` names it.
    pub standard_input: Option<&'s [u8]>,
    /// The secrets that the repository declares, for inventories of kind `repository`.
    pub declared: &'s Arc<RepositorySecrets>,
}

/// A config with the facts that decide which of its inventories may be used.
pub struct ConfiguredProject {
    /// The config.
    pub config: Arc<Config>,
    /// The folders that are searched for a file of
    /// [`FALLBACK_NAMES`](crate::project::config::FALLBACK_NAMES). The first with such a file wins.
    pub folders: Vec<PathBuf>,
    /// The repository of the config, if there is one. Programs in it are never run.
    pub repository: Option<PathBuf>,
    /// Whether the config may send requests and run programs.
    pub trust: TrustDecision,
}

impl ConfiguredProject {
    /// Creates one of the config's inventories; `name` is the name that messages use.
    pub(super) fn create(
        &self,
        configured: &InventoryConfig,
        name: String,
        context: &StoreContext<'_>,
    ) -> Box<dyn Inventory> {
        if let Some(failure) = self.trust.refusal(&configured.name) {
            let is_server = matches!(configured.kind, InventoryKind::Zenml { .. });
            let refused = RefusedInventory::new(name, Capabilities::ALL, failure.clone());
            return Box::new(refused.with_registered_stacks(is_server));
        }
        let limits = configured.limits;
        let env = Arc::clone(context.env);
        match &configured.kind {
            InventoryKind::File(path) => {
                Box::new(FileInventory::new(name, path, context.cwd, context.root).from_config())
            }
            InventoryKind::Dir(folder) => Box::new(DirInventory::new(name, folder, context.cwd)),
            InventoryKind::Env(prefix) => Box::new(EnvInventory::new(name, prefix.clone(), env)),
            InventoryKind::Sops(path) => Box::new(SopsInventory::new(
                name,
                path,
                context.cwd,
                self.program_finder(context),
                limits,
            )),
            InventoryKind::Command(programs) => {
                let folder = self.config.folder.clone();
                let (programs, finder) = (programs.clone(), self.program_finder(context));
                Box::new(CommandInventory::new(
                    name, folder, programs, finder, limits,
                ))
            }
            InventoryKind::Zenml {
                url,
                allow_http,
                token_file,
                ca_cert,
            } => {
                let settings = ZenmlSettings {
                    url: url.clone(),
                    allow_http: *allow_http,
                    token_file: token_file.clone(),
                    ca_cert: ca_cert.clone(),
                };
                Box::new(ZenmlInventory::new(name, settings, limits, env))
            }
            InventoryKind::Vault(config) => {
                Box::new(VaultInventory::new(name, config.clone(), limits, env))
            }
            InventoryKind::Repository => {
                Box::new(RepositoryInventory::new(name, Arc::clone(context.declared)))
            }
            #[cfg(feature = "aws")]
            InventoryKind::Aws(config) => Box::new(AwsInventory::new(name, config.clone(), limits)),
            #[cfg(not(feature = "aws"))]
            InventoryKind::Aws(_) => Box::new(RefusedInventory::not_built(name, "aws")),
        }
    }

    fn program_finder(&self, context: &StoreContext<'_>) -> ProgramFinder {
        ProgramFinder::new(context.env.as_ref(), self.repository.as_deref())
    }

    pub(super) fn has_inventory(&self, name: &str) -> bool {
        self.config
            .inventories
            .iter()
            .any(|inventory| inventory.name == name)
    }
}
