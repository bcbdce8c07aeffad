//! `check --verbose`: why each file is read, the environments or the inventories of its references,
//! and the level. Files of which only the declarations are read come last.

use crate::inventory::InventoryChain;
use crate::lint::analysis::Analysis;
use crate::lint::other_files::OtherFiles;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::{Config, EnvironmentConfig, Level};
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes one line for each file of a scan, in its order.
///
/// # Errors
/// The writer fails.
pub(super) fn write_files(
    scan: &Scan,
    settings: &Settings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for file in &scan.files {
        let (path, reason) = (
            escape_control(file.source.path()),
            escape_control(&file.reason.to_string()),
        );
        writeln!(
            out,
            "{path}: {reason}; {}",
            describe_lookups(file, settings)
        )?;
    }
    Ok(())
}

/// Writes one line for each file that was read for its declarations only, and for each one that could
/// not be read.
///
/// # Errors
/// The writer fails.
pub(super) fn write_other_files(settings: &Settings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(found) = settings.other_files.and_then(OtherFiles::found) else {
        return Ok(());
    };
    for file in &found.files {
        let (path, reason) = (
            escape_control(file.source.path()),
            escape_control(&file.reason.to_string()),
        );
        writeln!(out, "{path}: {reason}; read for its declarations only")?;
    }
    for failure in &found.skipped.failures {
        let failure = escape_control(&failure.to_string());
        writeln!(out, "note: while reading declarations: {failure}")?;
    }
    Ok(())
}

/// Describes where the references of a file are looked up: the inventories of its stacks, or their
/// environments with the reason. Stacks with the same inventories are described once.
pub(super) fn describe_lookups(file: &Analysis, settings: &Settings<'_>) -> String {
    let config = settings.configs.for_file(&file.path);
    if let Some(server) = file.server {
        let name = escape_control(settings.inventories.name(server));
        return format!(
            "inventory `{name}`; {}",
            settings.level.reason(&config, None)
        );
    }
    let mut described: Vec<String> = Vec::new();
    let managers = file.stacks.iter().map(|stack| stack.secrets_manager());
    // A file that cannot be parsed has no stack, but it does have a route.
    let managers = managers.chain(file.stacks.is_empty().then_some(None));
    for manager in managers {
        let chains = settings.inventories.chains(&config, &file.path, manager);
        let lookups = FileLookups {
            config: &config,
            settings,
            chains: chains.unwrap_or_default(),
        };
        let text = lookups.describe(file);
        if !described.contains(&text) {
            described.push(text);
        }
    }
    described.join(" or ")
}

/// The inventories of a stack, by environment.
struct FileLookups<'l> {
    config: &'l Config,
    settings: &'l Settings<'l>,
    chains: Vec<InventoryChain>,
}

impl FileLookups<'_> {
    fn describe(&self, file: &Analysis) -> String {
        let chains: Vec<String> = self
            .chains
            .iter()
            .map(|chain| self.describe_chain(chain))
            .collect();
        let with_environments = self.chains.iter().any(|chain| chain.environment.is_some());
        match chains.as_slice() {
            [] if self.config.environments.is_empty() => {
                format!("{}; {}", self.inventories(&[], None), self.level(None))
            }
            [] => "not in the selected environments".to_owned(),
            [one] if !with_environments => one.clone(),
            many => format!("{} ({})", many.join(", "), self.reason(file)),
        }
    }

    fn describe_chain(&self, chain: &InventoryChain) -> String {
        let environment = chain.environment;
        let environment = environment.and_then(|at| self.config.environments.get(at));
        let level = self.level(environment);
        let inventories = self.inventories(&chain.inventories, environment);
        match environment {
            Some(environment) => {
                format!("environment `{}`: {inventories}, {level}", environment.name)
            }
            None => format!("{inventories}; {level}"),
        }
    }

    fn level(&self, environment: Option<&EnvironmentConfig>) -> String {
        escape_control(&self.settings.level.reason(self.config, environment))
    }

    fn inventories(
        &self,
        inventories: &[usize],
        environment: Option<&EnvironmentConfig>,
    ) -> String {
        if self.settings.level.of(self.config, environment) == Level::None {
            return "no inventory is queried".to_owned();
        }
        let names = inventories.iter().map(|&at| {
            let name = self.settings.inventories.name(at);
            format!("`{}`", escape_control(name))
        });
        let names = names.collect::<Vec<_>>();
        match names.as_slice() {
            [] => "no inventory".to_owned(),
            [one] => format!("inventory {one}"),
            many => format!("inventories {}", many.join(", ")),
        }
    }

    /// Returns why the file has these environments.
    fn reason(&self, file: &Analysis) -> String {
        let route = self.config.route(&file.path);
        let location = route.and_then(|route| self.config.location(route.span));
        let reason = match location {
            Some(location) => format!("`[[stacks]]` at {location}"),
            None => "all environments of the config".to_owned(),
        };
        let flag = if self.config.uses_all_environments() {
            ""
        } else {
            " and `--environment`"
        };
        escape_control(&format!("{reason}{flag}"))
    }
}
