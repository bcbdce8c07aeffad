//! The components that are registered on the ZenML servers in use, for `--registered`.

use super::progress::with_progress;
use crate::diagnostics::error::Failure;
use crate::inventory::{Inventories, Inventory};
use crate::lint::registered_servers::{RegisteredServers, ServerConfigs, read_servers};
use crate::lint::scan::Scan;
use crate::lint::settings::LevelChoice;
use crate::project::config::Level;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};

impl Workspace {
    /// Reads the components on the ZenML servers in use, and adds them to a scan. Nothing is
    /// requested at level `none`. Also returns the failures of servers that cannot answer.
    ///
    /// # Errors
    /// No ZenML server is in use. Or standard error cannot be written.
    pub fn add_registered(
        &self,
        scan: &mut Scan,
        inventories: &Inventories,
        level: LevelChoice<'_>,
        context: &mut Context<'_>,
    ) -> Result<(RegisteredServers, Vec<Failure>), CommandError> {
        let mut servers = ServerConfigs::new();
        let mut is_used = false;
        for config in self.known_configs() {
            let in_use = inventories.in_use_of(&config).into_iter();
            let has_stacks = |index: &usize| {
                let inventory = inventories.get(*index);
                inventory.is_some_and(Inventory::has_registered_stacks)
            };
            for index in in_use.filter(has_stacks) {
                is_used = true;
                let chains = inventories.chains_of_server(&config, index);
                let is_asked = chains.iter().any(|chain| {
                    let environment = chain.environment;
                    let environment = environment.and_then(|at| config.environments.get(at));
                    level.of(&config, environment) > Level::None
                });
                if is_asked {
                    servers.entry(index).or_insert_with(|| config.clone());
                }
            }
        }
        if !is_used {
            let message =
                "`--registered` requires an inventory of kind `zenml`, but none is in use";
            let help = "add one to `stackref.toml`, and name it if `--inventory` is given, or remove `--registered`";
            return Err(Failure::usage(message).with_help(help).into());
        }
        if servers.is_empty() {
            writeln!(
                context.stderr.out,
                "warning: --registered has no effect: at level none, no server is asked"
            )?;
        }
        let read = with_progress(context, "servers", |progress| {
            read_servers(&servers, inventories, &self.path_roots, progress)
        });
        scan.files.extend(read.components);
        Ok((read.servers, read.failures))
    }
}
