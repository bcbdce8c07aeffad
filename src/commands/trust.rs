//! `trust`: prints the requests of a config, asks whether to accept them, and records the answer.
//! `project::trust_store` defines requests and stores the records.

use super::prompter::Prompter;
use crate::cli::{Color, TrustArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::output::count;
use crate::output::style::HEADING;
use crate::project::config::{self, Config, FILE_NAME};
use crate::project::git::Git;
use crate::project::repository::TrustedOwners;
use crate::project::requests::{self, Request};
use crate::project::trust_store::{self, TrustRecord, TrustStore};
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::trust_store;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn trust(
    args: &TrustArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let store = trust_store(context.env.as_ref()).ok_or_else(|| {
        Failure::usage(
            "cannot record trusted configs: neither XDG_STATE_HOME nor HOME is an absolute path",
        )
        .with_help("set one of them to an absolute path")
    })?;
    if args.list {
        return list(&store, color, context);
    }
    let given = args.dir.as_deref().unwrap_or(Path::new("."));
    let git = Git::new(context.env.as_ref());
    let owners = git.owners();
    let result = if args.revoke {
        revoke(&store, given, owners, context)
    } else {
        accept(args, &store, given, owners, context)
    };
    for note in owners.notes(&context.cwd) {
        context.note(note)?;
    }
    result
}

/// Lists the accepted configs.
fn list(
    store: &TrustStore,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let records = store.records()?;
    let style = context.stdout_style(color);
    for record in &records {
        let path = style.paint(HEADING, escape_control(&record.path));
        writeln!(context.stdout.out, "{:7}  {path}", record.state())?;
    }
    context.stdout.out.flush()?;
    context.summary = Some(format!("listed {}", count(records.len(), "trusted config")));
    Ok(Outcome::Clean)
}

/// Removes the record of a config, which need not exist any more.
fn revoke(
    store: &TrustStore,
    given: &Path,
    owners: &TrustedOwners,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let start = &paths::absolute(given, &context.cwd);
    let file = config_of(start, owners).unwrap_or_else(|| {
        if start
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
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

/// Asks whether to accept a config, and records it.
fn accept(
    args: &TrustArgs,
    store: &TrustStore,
    given: &Path,
    owners: &TrustedOwners,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let file = config_of(&paths::absolute(given, &context.cwd), owners)
        .ok_or_else(|| cannot_find_config(given))?;
    let display_path = shown_config(&file, given, &context.cwd);
    let config = config::load(&file, &display_path)?;
    let root = owners
        .root(&config.folder)
        .unwrap_or_else(|| config.folder.clone());
    let display_path = escape_control(&display_path);
    let requests = requests::all_requests(&config, &root);
    if requests.is_empty() {
        context.summary = Some(format!(
            "`{display_path}` requests nothing that needs trust; nothing was recorded"
        ));
        return Ok(Outcome::Clean);
    }
    print_requests(
        &display_path,
        &requests::distinct_requests(&requests),
        context,
    )?;
    let record = TrustRecord::for_config(&config, &root)?;
    if store.records()?.contains(&record) {
        context.summary = Some(format!("`{display_path}` is already trusted"));
        return Ok(Outcome::Clean);
    }
    match confirm(args, context)? {
        Some(true) => {}
        Some(false) => {
            context.summary = Some(format!(
                "`{display_path}` is not trusted; nothing was recorded"
            ));
            return Ok(Outcome::Findings);
        }
        None => return Ok(Outcome::Interrupted),
    }
    refuse_changed_config(&file, &display_path, &root, &record)?;
    store.add(&record)?;
    context.summary = Some(format!(
        "`{display_path}` is trusted until it changes; `stackref trust --revoke` withdraws the acceptance"
    ));
    Ok(Outcome::Clean)
}

fn cannot_find_config(given: &Path) -> Failure {
    let display_path = escape_control(&given.to_string_lossy());
    Failure::usage(format!(
        "cannot find a `{FILE_NAME}` in `{display_path}` or above it"
    ))
    .with_help("give the folder of the repository or the config file: `stackref trust DIR`")
}

/// Refuses a config that was changed after its record was created. The user accepted only the
/// requests of that record.
fn refuse_changed_config(
    file: &Path,
    display_path: &str,
    root: &Path,
    record: &TrustRecord,
) -> Result<(), Failure> {
    let current = config::load(file, display_path)
        .ok()
        .and_then(|config: Config| TrustRecord::for_config(&config, root).ok());
    if current.as_ref() == Some(record) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{display_path}`, or a file that it requests, was changed in the meantime"
    ))
    .with_help("run `stackref trust` again"))
}

/// Returns the path of a config for messages: absolute if the user gave an absolute path, else
/// relative.
fn shown_config(file: &Path, given: &Path, cwd: &Path) -> String {
    if given.is_absolute() {
        file.to_string_lossy().into_owned()
    } else {
        paths::relative(file, cwd)
    }
}

/// Returns the config for a path: the file itself, or the nearest config in the folder or above it.
fn config_of(path: &Path, owners: &TrustedOwners) -> Option<PathBuf> {
    if path.is_file() {
        Some(path.to_path_buf())
    } else {
        Some(owners.config(path, FILE_NAME)?.0)
    }
}

fn print_requests(
    display_path: &str,
    requests: &[&Request],
    context: &mut Context<'_>,
) -> io::Result<()> {
    let out = &mut *context.stdout.out;
    writeln!(out, "`{display_path}` requests:")?;
    for Request { inventory, access } in requests {
        writeln!(
            out,
            "  inventory `{}`: {}",
            escape_control(inventory),
            escape_control(&access.describe_in_full())
        )?;
    }
    out.flush()
}

/// Asks the user. Returns `None` if the user interrupted.
fn confirm(args: &TrustArgs, context: &mut Context<'_>) -> Result<Option<bool>, CommandError> {
    if args.yes {
        return Ok(Some(true));
    }
    let open = context.keyboard.ok_or_else(|| {
        Failure::usage("cannot ask whether to trust this config: there is no terminal")
            .with_help("run this in a terminal, or accept the config with --yes")
    })?;
    let mut prompter = Prompter::open(open, &context.cwd)?;
    Ok(prompter.confirm("Trust this config? [y/N] ", context)?)
}
