//! The level of a `check` run, from the flag, the environment or the configs, and its
//! contradictions with other flags.

use crate::cli::CheckArgs;
use crate::diagnostics::error::Failure;
use crate::lint::settings::LevelChoice;
use crate::project::config::{Config, Level};
use crate::system::environment::Environment;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{Workspace, environment_level};
use std::collections::BTreeSet;
use std::io;

/// Returns the level that the command line or the environment sets for all files. The default is
/// the level of each file's config.
///
/// # Errors
/// The environment variable has an invalid value.
pub(super) fn choose_level(
    args: &CheckArgs,
    env: &dyn Environment,
) -> Result<LevelChoice<'static>, Failure> {
    if let Some(level) = args.level {
        return Ok(LevelChoice::with_origin(level, "--level"));
    }
    environment_level(env)
}

/// Checks the level of every known config against the flags. Returns the level of the run, and
/// whether any rule of the run needs an inventory.
///
/// # Errors
/// `--leaks` is given, and a level does not allow stackref to read values. Or standard error cannot
/// be written.
pub(super) fn effective_level(
    args: &CheckArgs,
    level: LevelChoice<'static>,
    workspace: &Workspace,
    context: &mut Context<'_>,
) -> Result<(LevelChoice<'static>, bool), CommandError> {
    for config in workspace.known_configs() {
        refuse_leaks_below_key_level(args, level, &config)?;
    }
    if let Some(flag) = flag_disabling_lookups(args, workspace) {
        return Ok((LevelChoice::with_origin(Level::None, flag), false));
    }
    if args.level.is_none() && !args.inventory.is_empty() {
        warn_of_lowered_levels(level, workspace, context)?;
    }
    Ok((level, true))
}

/// Returns the flag that turns off every rule that needs an inventory, if one does so under every
/// config.
fn flag_disabling_lookups(args: &CheckArgs, workspace: &Workspace) -> Option<&'static str> {
    let configs = workspace.known_configs();
    let flags: Option<Vec<&str>> = configs
        .iter()
        .map(|config| args.rules.flag_disabling_lookups(config))
        .collect();
    flags.and_then(|flags| flags.first().copied())
}

/// Refuses `--leaks` at a level that does not allow stackref to read values.
fn refuse_leaks_below_key_level(
    args: &CheckArgs,
    level: LevelChoice<'_>,
    config: &Config,
) -> Result<(), Failure> {
    let mut levels = level.in_environments(config);
    let lower = levels.find(|(_, level)| *level < Level::SecretAndKeyExists);
    let Some((environment, lower)) = lower.filter(|_| args.leaks) else {
        return Ok(());
    };
    let origin = level
        .origin(config, environment)
        .map_or_else(String::new, |origin| format!(" (from {origin})"));
    let level = lower.name();
    Err(Failure::contradiction(format!(
        "--leaks reads values, which the level {level}{origin} does not allow"
    ))
    .with_help("use the level secret-and-key-exists, or remove --leaks"))
}

/// Warns if the environment or a config lowers the level, so that the inventories of `--inventory`
/// are not queried, or not for keys.
fn warn_of_lowered_levels(
    level: LevelChoice<'_>,
    workspace: &Workspace,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let mut warned = BTreeSet::new();
    for config in workspace.known_configs() {
        let effect = match level.of(&config, None) {
            Level::None => "--inventory is not queried",
            Level::SecretExists => "--inventory is only queried for names of secrets",
            Level::SecretAndKeyExists => continue,
        };
        let (name, origin) = (
            level.of(&config, None).name(),
            escape_control(&level.origin(&config, None).unwrap_or_default()),
        );
        if warned.insert(origin.clone()) {
            writeln!(
                context.stderr.out,
                "warning: level {name} from {origin}: {effect}; override it with `--level secret-and-key-exists`"
            )?;
        }
    }
    Ok(())
}
