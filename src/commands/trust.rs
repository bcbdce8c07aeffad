//! `trust`: shows what a config requests, asks, and records the answer.

use super::prompter::Prompter;
use super::workspace::trust_store;
use super::{CommandError, Context, output_style};
use crate::cli::{Color, TrustArgs};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::outcome::Outcome;
use crate::lint::rules;
use crate::output::count;
use crate::output::style::HEADING;
use crate::project::config::{self, Config, FILE_NAME};
use crate::project::git::Git;
use crate::project::repository::TrustedOwners;
use crate::project::requests::{self, Request};
use crate::project::trust_store::{self, TrustRecord, TrustStore};
use crate::system::paths;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn trust(args: &TrustArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let store = trust_store(context.env.as_ref()).ok_or_else(|| {
        Failure::usage("cannot record trusted configs: there is no folder for them")
            .with_help("set XDG_STATE_HOME or HOME to an absolute path")
    })?;
    if args.list {
        return list(&store, color, context);
    }
    let given = args.dir.as_deref().unwrap_or(Path::new("."));
    let git = Git::new(context.env.as_ref());
    let owners = git.owners();
    let ended =
        if args.revoke { revoke(&store, given, owners, context) } else { accept(args, &store, given, owners, context) };
    for note in owners.notes(&context.cwd) {
        context.note(note)?;
    }
    ended
}

fn list(store: &TrustStore, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let records = store.records()?;
    let style = output_style(&context.stdout, color, context.env.as_ref());
    for record in &records {
        let path = style.paint(HEADING, escape_control(&record.path));
        writeln!(context.stdout.out, "{:7}  {path}", record.state())?;
    }
    context.stdout.out.flush()?;
    context.summary = Some(format!("listed {}", count(records.len(), "trusted config")));
    Ok(Outcome::Clean)
}

fn revoke(
    store: &TrustStore,
    given: &Path,
    owners: &TrustedOwners,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let start = &paths::absolute(given, &context.cwd);
    // Also one that is not there any more.
    let file = config_of(start, owners).unwrap_or_else(|| {
        if start.extension().is_some_and(|extension| extension == "toml") {
            start.clone()
        } else {
            start.join(FILE_NAME)
        }
    });
    let display_path = escape_control(&shown_config(&file, given, &context.cwd));
    let path = trust_store::config_key(&file);
    if store.records()?.iter().any(|record| record.path == path) {
        store.remove(&path)?;
        context.summary = Some(format!("`{display_path}` is no longer trusted"));
    } else {
        context.summary = Some(format!("`{display_path}` was not trusted; nothing changed"));
    }
    Ok(Outcome::Clean)
}

fn accept(
    args: &TrustArgs,
    store: &TrustStore,
    given: &Path,
    owners: &TrustedOwners,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let Some(file) = config_of(&paths::absolute(given, &context.cwd), owners) else {
        let display_path = escape_control(&given.to_string_lossy());
        return Err(Failure::usage(format!("cannot find a `{FILE_NAME}` in `{display_path}` or above it"))
            .with_help("name the repository or the config file: `stackref trust DIR`")
            .into());
    };
    let display_path = shown_config(&file, given, &context.cwd);
    let rules: Vec<&str> = rules::names().collect();
    let config = config::load(&file, &display_path, &rules)?;
    let root = owners.root(&config.folder).unwrap_or_else(|| config.folder.clone());
    let display_path = escape_control(&display_path);
    let requests = requests::all_requests(&config, &root);
    if requests.is_empty() {
        context.summary = Some(format!("`{display_path}` requests nothing that needs trust; nothing was recorded"));
        return Ok(Outcome::Clean);
    }
    show(&display_path, &requests::distinct_requests(&requests), context)?;
    let record = TrustRecord::for_config(&config, &root)?;
    if store.records()?.contains(&record) {
        context.summary = Some(format!("`{display_path}` is already trusted"));
        return Ok(Outcome::Clean);
    }
    match confirmed(args, context)? {
        Some(true) => {}
        Some(false) => {
            context.summary = Some(format!("`{display_path}` is not trusted; nothing was recorded"));
            return Ok(Outcome::Findings);
        }
        None => return Ok(Outcome::Interrupted),
    }
    // The answer is about what was shown.
    let now = config::load(&file, &display_path, &rules)
        .ok()
        .and_then(|config: Config| TrustRecord::for_config(&config, &root).ok());
    if now.as_ref() != Some(&record) {
        return Err(Failure::usage(format!(
            "`{display_path}`, or a file that it requests, has changed in the meantime"
        ))
        .with_help("run `stackref trust` again")
        .into());
    }
    store.add(&record)?;
    context.summary =
        Some(format!("`{display_path}` is trusted until it changes; `stackref trust --revoke` withdraws that"));
    Ok(Outcome::Clean)
}

/// Returns how messages show a config: with an absolute path if that of its folder was given so.
fn shown_config(file: &Path, given: &Path, cwd: &Path) -> String {
    if given.is_absolute() { file.to_string_lossy().into_owned() } else { paths::relative(file, cwd) }
}

/// Returns the config that a path is about: the file itself, or the nearest in the folder and above it.
fn config_of(path: &Path, owners: &TrustedOwners) -> Option<PathBuf> {
    if path.is_file() { Some(path.to_path_buf()) } else { Some(owners.config(path, FILE_NAME)?.0) }
}

fn show(display_path: &str, requests: &[&Request], context: &mut Context<'_>) -> io::Result<()> {
    let out = &mut *context.stdout.out;
    writeln!(out, "`{display_path}` requests:")?;
    for Request { inventory, access } in requests {
        writeln!(out, "  inventory `{}`: {}", escape_control(inventory), escape_control(&access.describe_in_full()))?;
    }
    out.flush()
}

/// Returns the user's answer; `None` if the user interrupted.
fn confirmed(args: &TrustArgs, context: &mut Context<'_>) -> Result<Option<bool>, CommandError> {
    if args.yes {
        return Ok(Some(true));
    }
    let open = context.keyboard.ok_or_else(|| {
        Failure::usage("cannot ask whether to trust this config: there is no terminal")
            .with_help("run this at a terminal, or accept with --yes")
    })?;
    let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", io_message(&error)));
    let mut talk = Prompter { keyboard: open().map_err(cannot)?, cwd: context.cwd.clone() };
    Ok(talk.confirm("Trust this config? [y/N] ", context)?)
}
