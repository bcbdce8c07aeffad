//! The environments that `--environment` selects.

use super::Workspace;
use crate::diagnostics::error::Failure;
use crate::project::config::Config;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;

/// Selects environments of a config. Without names, all are selected.
pub(crate) fn select_environments(names: &[String], config: &mut Config) {
    if !names.is_empty() {
        config.select_environments(names);
    }
}

impl Workspace {
    /// Checks that each name of `--environment` is that of an environment in a config that is known.
    ///
    /// # Errors
    /// Returns the failure of the first name that is not.
    pub fn check_environments(&self, names: &[String]) -> Result<(), Failure> {
        let configs = self.known_configs();
        let known = configs.iter().flat_map(|config| &config.environments);
        let known: Vec<&str> = known.map(|environment| environment.name.as_str()).collect();
        let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let shown = escape_control(unknown);
        if known.is_empty() {
            let message = format!("unknown environment `{shown}`: no environment is configured");
            let help = format!(
                "add `[environment.NAME]` with `inventory` to `{}`",
                crate::project::config::FILE_NAME
            );
            return Err(Failure::usage(message).with_help(help));
        }
        let list = known.join(", ");
        let help = match nearest(unknown, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`? Configured environments: {list}"),
            None => format!("configured environments: {list}"),
        };
        Err(Failure::usage(format!("unknown environment `{shown}`")).with_help(help))
    }

    /// Checks that a command that needs one environment has no more. `inventories` are those of
    /// `--inventory`, in place of an environment.
    ///
    /// # Errors
    /// Fails if several environments are given or configured, or if one does not exist.
    pub fn require_one_environment(
        &self,
        command: &str,
        names: &[String],
        inventories: &[String],
    ) -> Result<(), Failure> {
        self.check_environments(names)?;
        if let [_, _, ..] = names {
            let message = format!("`{command}` needs one environment, and several are given");
            return Err(Failure::contradiction(message).with_help(format!(
                "run `stackref {command}` once for each environment"
            )));
        }
        let configs = self.known_configs();
        let several = configs.iter().find(|config| config.environments.len() > 1);
        match several.filter(|_| names.is_empty() && inventories.is_empty()) {
            Some(config) => {
                let environments = config.environments.iter();
                let known: Vec<&str> = environments.map(|it| it.name.as_str()).collect();
                let message =
                    format!("`{command}` needs one environment, and several are configured");
                let help = format!("choose one with `--environment NAME`: {}", known.join(", "));
                Err(Failure::usage(message).with_help(help))
            }
            None => Ok(()),
        }
    }
}
