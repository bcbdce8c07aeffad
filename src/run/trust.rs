//! `trust`: shows what a config requests, asks, and records the answer.

use super::session::trust_store;
use super::talk::Talk;
use super::{Stop, World, look};
use crate::cli::{Color, Trust};
use crate::config::{self, Config, FILE_NAME};
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::git::Git;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::count;
use crate::report::look::HEADING;
use crate::repository::Owners;
use crate::rules;
use crate::trust::{self, Record, Request, TrustStore};
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn trust(args: &Trust, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let store = trust_store(world.env.as_ref()).ok_or_else(|| {
        Failure::usage("cannot record trusted configs: there is no folder for them")
            .with_help("set XDG_STATE_HOME or HOME to an absolute path")
    })?;
    if args.list {
        return list(&store, color, world);
    }
    let given = args.dir.as_deref().unwrap_or(Path::new("."));
    let git = Git::new(world.env.as_ref());
    let owners = git.owners();
    let ended =
        if args.revoke { revoke(&store, given, owners, world) } else { accept(args, &store, given, owners, world) };
    for note in owners.notes(&world.cwd) {
        world.note(note)?;
    }
    ended
}

fn list(store: &TrustStore, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let records = store.records()?;
    let look = look(&world.stdout, color, world.env.as_ref());
    for record in &records {
        let path = look.paint(HEADING, printable(&record.path));
        writeln!(world.stdout.out, "{:7}  {path}", record.state())?;
    }
    world.stdout.out.flush()?;
    world.summary = Some(format!("listed {}", count(records.len(), "trusted config")));
    Ok(Outcome::Clean)
}

fn revoke(store: &TrustStore, given: &Path, owners: &Owners, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let start = &paths::absolute(given, &world.cwd);
    // Also one that is not there any more.
    let file = config_of(start, owners).unwrap_or_else(|| {
        if start.extension().is_some_and(|extension| extension == "toml") {
            start.clone()
        } else {
            start.join(FILE_NAME)
        }
    });
    let shown = printable(&shown_config(&file, given, &world.cwd));
    let path = trust::key(&file);
    if store.records()?.iter().any(|record| record.path == path) {
        store.remove(&path)?;
        world.summary = Some(format!("`{shown}` is no longer trusted"));
    } else {
        world.summary = Some(format!("`{shown}` was not trusted; nothing changed"));
    }
    Ok(Outcome::Clean)
}

fn accept(
    args: &Trust,
    store: &TrustStore,
    given: &Path,
    owners: &Owners,
    world: &mut World<'_>,
) -> Result<Outcome, Stop> {
    let Some(file) = config_of(&paths::absolute(given, &world.cwd), owners) else {
        let shown = printable(&given.to_string_lossy());
        return Err(Failure::usage(format!("cannot find a `{FILE_NAME}` in `{shown}` or above it"))
            .with_help("name the repository or the config file: `stackref trust DIR`")
            .into());
    };
    let shown = shown_config(&file, given, &world.cwd);
    let rules: Vec<&str> = rules::names().collect();
    let config = config::load(&file, &shown, &rules)?;
    let root = owners.root(&config.folder).unwrap_or_else(|| config.folder.clone());
    let shown = printable(&shown);
    let requests = trust::all_requests(&config, &root);
    if requests.is_empty() {
        world.summary = Some(format!("`{shown}` requests nothing that needs trust; nothing was recorded"));
        return Ok(Outcome::Clean);
    }
    show(&shown, &trust::distinct(&requests), world)?;
    let record = Record::of(&config, &root)?;
    if store.records()?.contains(&record) {
        world.summary = Some(format!("`{shown}` is already trusted"));
        return Ok(Outcome::Clean);
    }
    match confirmed(args, world)? {
        Some(true) => {}
        Some(false) => {
            world.summary = Some(format!("`{shown}` is not trusted; nothing was recorded"));
            return Ok(Outcome::Findings);
        }
        None => return Ok(Outcome::Interrupted),
    }
    // The answer is about what was shown.
    let now = config::load(&file, &shown, &rules).ok().and_then(|config: Config| Record::of(&config, &root).ok());
    if now.as_ref() != Some(&record) {
        return Err(Failure::usage(format!("`{shown}`, or a file that it requests, has changed in the meantime"))
            .with_help("run `stackref trust` again")
            .into());
    }
    store.add(&record)?;
    world.summary = Some(format!("`{shown}` is trusted until it changes; `stackref trust --revoke` withdraws that"));
    Ok(Outcome::Clean)
}

/// Returns how messages show a config: with an absolute path if that of its folder was given so.
fn shown_config(file: &Path, given: &Path, cwd: &Path) -> String {
    if given.is_absolute() { file.to_string_lossy().into_owned() } else { paths::relative(file, cwd) }
}

/// Returns the config that a path is about: the file itself, or the nearest in the folder and above it.
fn config_of(path: &Path, owners: &Owners) -> Option<PathBuf> {
    if path.is_file() { Some(path.to_path_buf()) } else { Some(owners.config(path, FILE_NAME)?.0) }
}

fn show(shown: &str, requests: &[&Request], world: &mut World<'_>) -> io::Result<()> {
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
