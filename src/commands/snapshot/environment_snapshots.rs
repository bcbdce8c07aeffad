//! `inventory snapshot --all-environments`: a snapshot of each environment, in one folder.

use super::super::progress::with_progress;
use super::{
    SIGNS, SnapshotSources, comments_to_keep, differences, end_incomplete, note_open_keys,
    syntax_of,
};
use crate::cli::{Color, SnapshotArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::document::Syntax;
use crate::inventory::Inventories;
use crate::lint::scan::Scan;
use crate::lint::secret_list::{self, ListedInventory, Secrets};
use crate::output::{SnapshotFormat, count, lists};
use crate::project::config::FILE_NAME;
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, ExistingFile, FilePermissions, NewFile};
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{KEY_LEVEL, Workspace};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The extensions of snapshots, in the order in which `--check` searches for them.
const EXTENSIONS: [&str; 4] = ["yaml", "yml", "toml", "json"];

/// The contents of an environment.
struct EnvironmentContents {
    name: String,
    inventories: Vec<usize>,
    secrets: Secrets,
}

/// Writes a snapshot of each environment, or compares them with the existing ones.
pub(super) fn snapshot_all(
    args: &SnapshotArgs,
    workspace: &mut Workspace,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let Some(folder) = args.check.as_ref().or(args.output.as_ref()) else {
        let failure = Failure::contradiction("`--all-environments` needs a folder");
        return Err(failure
            .with_help("add `-o DIR` to write snapshots, or `--check DIR` to compare them")
            .into());
    };
    let inventories = workspace.inventories(&Scan::default(), &[], KEY_LEVEL, context)?;
    let chains = inventories.environments(&workspace.config);
    if chains.is_empty() {
        let help = format!("add `[environment.NAME]` with `inventory` to `{FILE_NAME}`");
        return Err(Failure::usage("no environment is configured")
            .with_help(help)
            .into());
    }
    let which: BTreeSet<usize> = chains
        .iter()
        .flat_map(|chain| chain.inventories.iter().copied())
        .collect();
    let which: Vec<usize> = which.into_iter().collect();
    let (listed, failures) = with_progress(context, "look-ups", |progress| {
        secret_list::list(&inventories, &which, progress)
    });
    if !failures.is_empty() {
        return end_incomplete(&failures, color, context);
    }
    note_open_keys(&listed, &inventories, context)?;
    let environments: Vec<EnvironmentContents> = chains
        .into_iter()
        .filter_map(|chain| {
            let environment = workspace.config.environments.get(chain.environment?)?;
            Some(EnvironmentContents {
                name: environment.name.clone(),
                secrets: contents(&chain.inventories, &listed),
                inventories: chain.inventories,
            })
        })
        .collect();
    if args.check.is_some() {
        compare_all(folder, &environments, color, context)
    } else {
        write_snapshots(folder, &environments, args.format, &inventories, context)
    }
}

/// Returns the names and keys of inventories that are queried in order.
fn contents(chain: &[usize], listed: &[ListedInventory]) -> Secrets {
    let inventories = chain
        .iter()
        .filter_map(|at| listed.iter().find(|inventory| inventory.at == *at));
    secret_list::merge(inventories)
}

/// Compares the snapshots in a folder with the environments, and prints the differences.
fn compare_all(
    folder: &Path,
    environments: &[EnvironmentContents],
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let style = context.stdout_style(color);
    let mut outdated = Vec::new();
    let mut total = 0;
    for environment in environments {
        let (display_path, lines) = differences(
            &existing_file(folder, &environment.name, &context.cwd),
            &environment.secrets,
            context,
        )?;
        if !lines.is_empty() {
            writeln!(context.stdout.out, "{display_path}")?;
            lists::write_differences(&lines, style, context.stdout.out)?;
            total += lines.len();
            outdated.push(format!("`{}`", environment.name));
        }
    }
    context.stdout.out.flush()?;
    let folder = escape_control(&folder.display().to_string());
    if outdated.is_empty() {
        let snapshots = count(environments.len(), "snapshot");
        context.summary = Some(format!("{snapshots} in `{folder}`: up to date"));
        return Ok(Outcome::Clean);
    }
    context.summary = Some(format!(
        "out of date in `{folder}`: {} with {} {SIGNS}",
        outdated.join(", "),
        count(total, "difference")
    ));
    Ok(Outcome::Findings)
}

/// Returns the path of the snapshot of an environment, in the first format in which it exists.
fn existing_file(folder: &Path, environment: &str, cwd: &Path) -> PathBuf {
    let file = |extension| folder.join(format!("{environment}.{extension}"));
    let mut files = EXTENSIONS.map(file).into_iter();
    files
        .find(|file| paths::absolute(file, cwd).exists())
        .unwrap_or_else(|| file("yaml"))
}

/// Writes the snapshots of all environments to a folder: all of them, or none.
fn write_snapshots(
    folder: &Path,
    environments: &[EnvironmentContents],
    format: Option<SnapshotFormat>,
    inventories: &Inventories,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let syntax = format.map_or(Syntax::Yaml, syntax_of);
    let extension = match syntax {
        Syntax::Toml => "toml",
        Syntax::Json => "json",
        Syntax::Yaml | Syntax::Script(_) => "yaml",
    };
    let path = paths::absolute(folder, &context.cwd);
    let mut texts = Vec::with_capacity(environments.len());
    for environment in environments {
        let name = format!("{}.{extension}", environment.name);
        let file = path.join(&name);
        let display_path = folder.join(&name).display().to_string();
        repository::refuse_link_out(&file, &context.cwd, &escape_control(&display_path))?;
        let sources = SnapshotSources {
            inventories,
            which: &environment.inventories,
        };
        let comments = comments_to_keep(&file, &display_path, &sources, context)?;
        let text = secret_list::snapshot(&environment.secrets, syntax, &comments)?;
        texts.push((PathBuf::from(name), text));
    }
    let files: Vec<NewFile<'_>> = texts
        .iter()
        .map(|(path, text)| NewFile {
            path: path.clone(),
            text,
            existing: ExistingFile::Replace,
        })
        .collect();
    write::write_all(&path, &files, FilePermissions::Preserve, &mut |_| ())?;
    let secrets = environments.iter().map(|it| it.secrets.len()).sum();
    context.summary = Some(format!(
        "wrote {} of {} to `{}`",
        count(environments.len(), "snapshot"),
        count(secrets, "secret"),
        escape_control(&folder.display().to_string())
    ));
    Ok(Outcome::Clean)
}
