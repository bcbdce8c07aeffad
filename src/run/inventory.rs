//! `inventory`: the list, and the snapshot.

use super::bar::watched;
use super::session::{KEY_LEVEL, Session};
use super::{Stop, World, look, tell, tell_unread, unread_failures, warn};
use crate::check;
use crate::cli::{self, Color, Files, InventoryCommand, InventoryList, Snapshot};
use crate::document::Syntax;
use crate::error::Failure;
use crate::excerpt::printable;
use crate::inventory::file::{FileInventory, NameComments};
use crate::inventory::{Inventories, Inventory};
use crate::listing;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::{ListFormat, SnapshotFormat, count, lists};
use crate::repository;
use crate::scan::Scan;
use crate::write::{self, Place};
use std::path::{Path, PathBuf};

pub(super) fn inventory(args: &cli::Inventory, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    match &args.command {
        None => list(&args.list, color, world),
        Some(InventoryCommand::Snapshot(args)) => snapshot(args, color, world),
    }
}

/// Which inventories are meant: those of the flags, else all that are configured or found.
fn chosen(
    session: &mut Session<'_>,
    scan: &Scan,
    names: &[String],
    world: &mut World<'_>,
) -> Result<(Inventories, Vec<usize>), Failure> {
    let inventories = session.inventories(scan, names, KEY_LEVEL, world)?;
    let which = inventories.in_use_of(&session.config);
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

/// `1 inventory`, `2 inventories`.
fn number_of_inventories(number: usize) -> String {
    if number == 1 { "1 inventory".to_owned() } else { format!("{number} inventories") }
}

fn list(args: &InventoryList, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let files = Files::of_paths(&args.path, &args.setup);
    let mut session = Session::open(&files, world)?;
    if args.probe {
        return probe(args, &mut session, color, world);
    }
    let scan = if args.used || args.unused { session.scan(world)? } else { Scan::default() };
    let (inventories, which) = chosen(&mut session, &scan, &args.inventory, world)?;
    let (mut listed, mut failures) =
        watched(world, "look-ups", |progress| listing::list(&inventories, &which, progress));
    warn(&inventories, which.iter().copied(), world)?;
    let mut outcome = Outcome::Clean;
    if args.used || args.unused {
        session.notes(&scan, world)?;
        outcome = tell_unread(&scan, color, world)?;
        let settings = session.key_level(&inventories);
        let report = watched(world, "look-ups", |progress| check::run(&scan, &settings, progress));
        let told: Vec<String> = failures.iter().chain(&scan.passed.failures).map(ToString::to_string).collect();
        failures.extend(report.failures.iter().filter(|failure| !told.contains(&failure.to_string())).cloned());
        listing::retain(&mut listed, args.used, &scan, &report, &settings);
    }
    let secrets = count(listed.iter().map(|inventory| inventory.secrets.len()).sum(), "secret");
    world.summary = Some(format!("listed {secrets} in {}", number_of_inventories(listed.len())));
    let look = look(&world.stdout, color, world.env.as_ref());
    match args.format {
        ListFormat::Human => lists::write_table(&listed, look, world.stdout.out)?,
        ListFormat::Short => lists::write_short(&listed, look, world.stdout.out)?,
        ListFormat::Json => {
            let failures: Vec<Failure> = failures.iter().cloned().chain(unread_failures(&scan)).collect();
            lists::write_inventories_json(&listed, &failures, world.stdout.out)?;
        }
    }
    world.stdout.out.flush()?;
    tell(&failures, color, world)?;
    Ok(outcome.max(outcome_of(&failures)))
}

fn probe(
    args: &InventoryList,
    session: &mut Session<'_>,
    color: Color,
    world: &mut World<'_>,
) -> Result<Outcome, Stop> {
    let (inventories, which) = chosen(session, &Scan::default(), &args.inventory, world)?;
    warn(&inventories, which.iter().copied(), world)?;
    let probes = watched(world, "look-ups", |progress| listing::probe_all(&inventories, &which, progress));
    world.summary = Some(format!("probed {}", number_of_inventories(probes.len())));
    let look = look(&world.stdout, color, world.env.as_ref());
    lists::write_probes(&probes, args.format == ListFormat::Json, look, world.stdout.out)?;
    world.stdout.out.flush()?;
    let failures: Vec<Failure> = probes.into_iter().filter_map(|probe| probe.failure).collect();
    tell(&failures, color, world)?;
    Ok(outcome_of(&failures))
}

fn snapshot(args: &Snapshot, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let files = Files::of_paths(&[PathBuf::from(".")], &args.setup);
    let mut session = Session::open(&files, world)?;
    let (inventories, which) = chosen(&mut session, &Scan::default(), &args.inventory, world)?;
    if args.inventory.is_empty() && which.len() > 1 {
        let names = which.iter().filter_map(|&at| inventories.get(at)).map(Inventory::name);
        let names = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage("a snapshot is one of several inventories, and none is named")
            .with_help(format!("name it with --inventory: {names}"))
            .into());
    }
    let (listed, failures) = watched(world, "look-ups", |progress| listing::list(&inventories, &which, progress));
    if !failures.is_empty() {
        tell(&failures, color, world)?;
        world.summary = Some("no snapshot was made: it would not be complete".to_owned());
        return Ok(outcome_of(&failures));
    }
    let now = listing::merged(listed);
    if let Some(file) = &args.check {
        let snapshot = FileInventory::given(file, &world.cwd);
        snapshot.open()?;
        if let Some(failure) = snapshot.complaints().first() {
            return Err(failure.clone().into());
        }
        if let Some(secret) = snapshot.holds_values() {
            let words = format!("`{}` holds values (of `{secret}`), and a snapshot holds none", snapshot.name());
            return Err(Failure::finding(words)
                .with_help("make one with `stackref inventory snapshot -o FILE`")
                .into());
        }
        let lines = listing::differences(&snapshot.secrets(), &now);
        lists::write_differences(&lines, look(&world.stdout, color, world.env.as_ref()), world.stdout.out)?;
        world.stdout.out.flush()?;
        let shown = printable(snapshot.name());
        if lines.is_empty() {
            world.summary = Some(format!("`{shown}` is up to date: {}", count(now.len(), "secret")));
            return Ok(Outcome::Clean);
        }
        let differences = count(lines.len(), "difference");
        world.summary = Some(format!("`{shown}` is stale: {differences} (`+` is new, `-` is gone)"));
        return Ok(Outcome::Findings);
    }
    let output = args.output.as_ref().filter(|file| file.as_os_str() != "-");
    let asked = args.format.map(|format| match format {
        SnapshotFormat::Toml => Syntax::Toml,
        SnapshotFormat::Json => Syntax::Json,
        SnapshotFormat::Yaml => Syntax::Yaml,
    });
    let Some(file) = output else {
        let text = listing::snapshot(&now, asked.unwrap_or(Syntax::Yaml), &NameComments::default())?;
        world.stdout.out.write_all(text.as_bytes())?;
        world.stdout.out.flush()?;
        world.summary = Some(format!("wrote {} to standard output", count(now.len(), "secret")));
        return Ok(Outcome::Clean);
    };
    let path = paths::absolute(file, &world.cwd);
    let shown = file.display().to_string();
    let of_ending = Syntax::of_path(&path);
    let Some(syntax) = of_ending.filter(|syntax| asked.is_none_or(|asked| asked == *syntax)) else {
        let words = format!("the ending of `{shown}` is none of the snapshot's syntax: it could not be read again");
        return Err(Failure::usage(words).with_help("let it end in .yaml, .toml or .json").into());
    };
    let sources = which.iter().filter_map(|&at| inventories.get(at)?.file());
    repository::refuse_link_out(&path, &world.cwd, &printable(&shown))?;
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)?;
    }
    let comments = comments_to_keep(&path, &shown, sources, world)?;
    let text = listing::snapshot(&now, syntax, &comments)?;
    Place::of(&path, &shown)?.replace(&text)?;
    world.summary = Some(format!("wrote {} to `{}`", count(now.len(), "secret"), printable(&shown)));
    Ok(Outcome::Clean)
}

/// Returns the comments of the file that a snapshot replaces, or why it must not: a snapshot is written over other names and
/// keys, but never over values or over an inventory that it is made of.
fn comments_to_keep<'i>(
    path: &Path,
    shown: &str,
    mut sources: impl Iterator<Item = &'i Path>,
    world: &World<'_>,
) -> Result<NameComments, Failure> {
    let Ok(metadata) = path.metadata() else { return Ok(NameComments::default()) };
    let refused = |why: &str| Err(Failure::usage(format!("`{shown}` {why}")).with_help("write to another file"));
    if !metadata.is_file() {
        return refused("is no file that could be replaced");
    }
    let target = paths::real(path);
    // The source may be a folder with the target in it.
    if sources.any(|source| target.starts_with(paths::real(source))) {
        return refused("is a source of this snapshot");
    }
    if metadata.len() == 0 {
        return Ok(NameComments::default());
    }
    let there = FileInventory::given(path, &world.cwd);
    if there.open().is_err() || !there.complaints().is_empty() || there.holds_values().is_some() {
        return refused("is there already, and is no snapshot");
    }
    Ok(there.name_comments())
}
