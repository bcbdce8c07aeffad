//! `inventory`: the list, and the snapshot.

use super::session::Session;
use super::{Stop, World, tell, tell_unread};
use crate::check::{self, Settings};
use crate::cli::{Color, Files, Inventory, InventoryCommand, InventoryList, Snapshot};
use crate::config::Level;
use crate::discover;
use crate::document::Syntax;
use crate::error::Failure;
use crate::excerpt::printable;
use crate::inventory::file::FileInventory;
use crate::inventory::{Inventories, Inventory as _};
use crate::listing;
use crate::outcome::Outcome;
use crate::report::{ListFormat, SnapshotFormat, count, lists};
use crate::write;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn inventory(args: &Inventory, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    match &args.command {
        None => list(&args.list, color, world),
        Some(InventoryCommand::Snapshot(args)) => snapshot(args, color, world),
    }
}

/// Which inventories are meant: those of the flags, else all that are configured or found.
fn chosen(session: &Session<'_>, names: &[String]) -> Result<(Inventories, Vec<usize>), Failure> {
    let inventories = session.inventories(names);
    inventories.open_chosen()?;
    let which: Vec<usize> = inventories.in_use().map(|(at, _)| at).collect();
    if which.is_empty() {
        return Err(Failure::usage("there is no inventory").with_help(
            "write `secrets.inventory.yaml` with `name: [key, key]` at the repository's root, or name an inventory in \
             `stackref.toml` or with `--inventory FILE`",
        ));
    }
    Ok((inventories, which))
}

fn outcome_of(failures: &[Failure]) -> Outcome {
    failures.iter().map(Failure::outcome).max().unwrap_or_default()
}

fn list(args: &InventoryList, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let files = Files::of_paths(&args.path, &args.setup);
    let mut session = Session::open(&files, world)?;
    let (inventories, which) = chosen(&session, &args.inventory)?;
    let (mut listed, mut failures) = listing::list(&inventories, &which);
    let mut outcome = Outcome::Clean;
    if args.used || args.unused {
        let scan = session.scan(world)?;
        session.notes(&scan, world)?;
        outcome = tell_unread(&scan, color, world)?;
        let settings = Settings {
            config: &session.config,
            level: Level::SecretAndKeyExists,
            inventories: &inventories,
            whole_tree: false,
        };
        let report = check::run(&scan, &settings);
        let told: Vec<String> = failures.iter().chain(&scan.passed.failures).map(ToString::to_string).collect();
        failures.extend(report.failures.iter().filter(|failure| !told.contains(&failure.to_string())).cloned());
        listing::retain(&mut listed, args.used, &scan, &report, &settings);
    }
    match args.format {
        ListFormat::Human => lists::write_table(&listed, world.stdout.out)?,
        ListFormat::Short => lists::write_short(&listed, world.stdout.out)?,
        ListFormat::Json => lists::write_inventories_json(&listed, world.stdout.out)?,
    }
    world.stdout.out.flush()?;
    tell(&failures, color, world)?;
    let secrets = listed.iter().map(|inventory| inventory.secrets.len()).sum();
    let (secrets, number) = (count(secrets, "secret"), listed.len());
    let inventories = if number == 1 { "1 inventory".to_owned() } else { format!("{number} inventories") };
    writeln!(world.stderr.out, "listed {secrets} in {inventories}")?;
    Ok(outcome.max(outcome_of(&failures)))
}

fn snapshot(args: &Snapshot, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let files = Files::of_paths(&[PathBuf::from(".")], &args.setup);
    let session = Session::open(&files, world)?;
    let (inventories, which) = chosen(&session, &args.inventory)?;
    if args.inventory.is_empty() && which.len() > 1 {
        let names = which.iter().filter_map(|&at| inventories.get(at)).map(crate::inventory::Inventory::name);
        let names = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage("a snapshot is one of several inventories, and none is named")
            .with_help(format!("name it with --inventory: {names}"))
            .into());
    }
    let (listed, failures) = listing::list(&inventories, &which);
    if !failures.is_empty() {
        tell(&failures, color, world)?;
        writeln!(world.stderr.out, "no snapshot was made: it would not be whole")?;
        return Ok(outcome_of(&failures));
    }
    let now = listing::merged(listed);
    if let Some(file) = &args.check {
        let path = discover::absolute(file, &world.cwd);
        let snapshot = FileInventory::new(discover::relative(&path, &world.cwd), &path, &world.cwd, &world.cwd);
        snapshot.open()?;
        if let Some(failure) = snapshot.complaints().first() {
            return Err(failure.clone().into());
        }
        let lines = listing::differences(&snapshot.secrets(), &now);
        for line in &lines {
            writeln!(world.stdout.out, "{}", printable(line))?;
        }
        world.stdout.out.flush()?;
        let shown = printable(snapshot.name());
        if lines.is_empty() {
            writeln!(world.stderr.out, "`{shown}` is up to date: {}", count(now.len(), "secret"))?;
            return Ok(Outcome::Clean);
        }
        let differences = count(lines.len(), "difference");
        writeln!(world.stderr.out, "`{shown}` is stale: {differences} (`+` is new, `-` is gone)")?;
        return Ok(Outcome::Findings);
    }
    let syntax = match (args.format, &args.output) {
        (Some(SnapshotFormat::Toml), _) => Syntax::Toml,
        (Some(SnapshotFormat::Json), _) => Syntax::Json,
        (Some(SnapshotFormat::Yaml), _) => Syntax::Yaml,
        (None, output) => output.as_deref().and_then(Syntax::of_path).unwrap_or(Syntax::Yaml),
    };
    let text = listing::snapshot(&now, syntax)?;
    let Some(file) = &args.output else {
        world.stdout.out.write_all(text.as_bytes())?;
        return Ok(Outcome::Clean);
    };
    let path = discover::absolute(file, &world.cwd);
    let shown = discover::relative(&path, &world.cwd);
    refuse_sources(&path, &shown, &inventories, &which)?;
    write::replace(&path, &shown, &text, 0o644)?;
    writeln!(world.stderr.out, "wrote {} to `{}`", count(now.len(), "secret"), printable(&shown))?;
    Ok(Outcome::Clean)
}

/// A snapshot is never written over what it is a snapshot of.
fn refuse_sources(path: &Path, shown: &str, inventories: &Inventories, which: &[usize]) -> Result<(), Failure> {
    let canonical = |path: &Path| -> io::Result<PathBuf> { path.canonicalize() };
    let Ok(target) = canonical(path) else { return Ok(()) };
    let files = which.iter().filter_map(|&at| inventories.get(at)?.file());
    if files.into_iter().any(|file| canonical(file).is_ok_and(|file| file == target)) {
        return Err(Failure::usage(format!("`{shown}` is the inventory itself")).with_help("write to another file"));
    }
    Ok(())
}
