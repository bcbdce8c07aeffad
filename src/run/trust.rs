//! `trust`: shows what a config requests, asks, and records the answer.

use super::session::trust_store;
use super::talk::Talk;
use super::{Stop, World};
use crate::cli::Trust;
use crate::config::{self, FILE_NAME};
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::count;
use crate::rules;
use crate::trust::{self, Record, Request, TrustStore};
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn trust(args: &Trust, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let store = trust_store(world.env.as_ref()).ok_or_else(|| {
        Failure::usage("cannot record trusted configs: there is no folder for them")
            .with_help("set XDG_STATE_HOME or HOME to an absolute path")
    })?;
    if args.list {
        return list(&store, world);
    }
    let start = paths::absolute(args.dir.as_deref().unwrap_or(Path::new(".")), &world.cwd);
    if args.revoke { revoke(&store, &start, world) } else { accept(args, &store, &start, world) }
}

fn list(store: &TrustStore, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let records = store.records()?;
    for record in &records {
        writeln!(world.stdout.out, "{:7}  {}", record.state(), printable(&record.path))?;
    }
    world.stdout.out.flush()?;
    writeln!(world.stderr.out, "listed {}", count(records.len(), "trusted config"))?;
    Ok(Outcome::Clean)
}

fn revoke(store: &TrustStore, start: &Path, world: &mut World<'_>) -> Result<Outcome, Stop> {
    // Also one that is not there any more.
    let file = config_of(start).unwrap_or_else(|| {
        if start.extension().is_some_and(|extension| extension == "toml") {
            start.into()
        } else {
            start.join(FILE_NAME)
        }
    });
    let shown = printable(&paths::relative(&file, &world.cwd));
    let path = trust::key(&file);
    if store.records()?.iter().any(|record| record.path == path) {
        store.remove(&path)?;
        writeln!(world.stderr.out, "`{shown}` is no longer trusted")?;
    } else {
        writeln!(world.stderr.out, "`{shown}` was not trusted; nothing changed")?;
    }
    Ok(Outcome::Clean)
}

fn accept(args: &Trust, store: &TrustStore, start: &Path, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let Some(file) = config_of(start) else {
        let shown = printable(&paths::relative(start, &world.cwd));
        return Err(Failure::usage(format!("cannot find a `{FILE_NAME}` in `{shown}` or above it"))
            .with_help("name the repository or the config file: `stackref trust DIR`")
            .into());
    };
    let shown = paths::relative(&file, &world.cwd);
    let rules: Vec<&str> = rules::names().collect();
    let config = config::load(&file, &shown, &rules)?;
    let shown = printable(&shown);
    let requests = trust::all_requests(&config);
    if requests.is_empty() {
        writeln!(world.stderr.out, "`{shown}` requests nothing that needs trust; nothing was recorded")?;
        return Ok(Outcome::Clean);
    }
    show(&shown, &requests, world)?;
    let record = Record::of(&config)?;
    if store.records()?.contains(&record) {
        writeln!(world.stderr.out, "`{shown}` is already trusted")?;
        return Ok(Outcome::Clean);
    }
    match confirmed(args, world)? {
        Some(true) => {}
        Some(false) => {
            writeln!(world.stderr.out, "`{shown}` is not trusted; nothing was recorded")?;
            return Ok(Outcome::Findings);
        }
        None => return Ok(Outcome::Interrupted),
    }
    // The answer is about what was shown.
    let now = config::load(&file, &shown, &rules).ok().and_then(|config| Record::of(&config).ok());
    if now.as_ref() != Some(&record) {
        return Err(Failure::usage(format!("`{shown}`, or a file that it requests, has changed in the meantime"))
            .with_help("run `stackref trust` again")
            .into());
    }
    store.add(&record)?;
    writeln!(world.stderr.out, "`{shown}` is trusted until it changes; `stackref trust --revoke` withdraws that")?;
    Ok(Outcome::Clean)
}

/// Returns the config that a path is about: the file itself, or the nearest in the folder and above it.
fn config_of(path: &Path) -> Option<PathBuf> {
    if path.is_file() { Some(path.to_path_buf()) } else { config::find(path) }
}

fn show(shown: &str, requests: &[Request], world: &mut World<'_>) -> io::Result<()> {
    let out = &mut *world.stdout.out;
    writeln!(out, "`{shown}` requests:")?;
    for Request { inventory, access } in requests {
        writeln!(out, "  inventory `{}`: {}", printable(inventory), printable(&access.in_full()))?;
    }
    out.flush()
}

/// Returns the user's answer; `None` if the user interrupted.
fn confirmed(args: &Trust, world: &mut World<'_>) -> Result<Option<bool>, Stop> {
    if args.yes {
        return Ok(Some(true));
    }
    let open = world.keyboard.ok_or_else(|| {
        Failure::usage("cannot ask whether to trust this config: there is no terminal")
            .with_help("run this at a terminal, or accept with --yes")
    })?;
    let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", plain_io(&error)));
    let mut talk = Talk { keyboard: open().map_err(cannot)?, cwd: world.cwd.clone() };
    Ok(talk.confirm("Trust this config? [y/N] ", world)?)
}
