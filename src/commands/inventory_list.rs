//! `inventory`: the list, and the snapshot.

use super::progress::with_progress;
use super::workspace::{KEY_LEVEL, Workspace};
use super::{
    CommandError, Context, output_style, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use crate::cli::{self, Color, FileArgs, InventoryCommand, InventoryListArgs, SnapshotArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::outcome::Outcome;
use crate::document::Syntax;
use crate::inventory::file::{FileInventory, NameComments};
use crate::inventory::{Inventories, Inventory};
use crate::lint::pipeline;
use crate::lint::scan::Scan;
use crate::lint::secret_list;
use crate::output::{ListFormat, SnapshotFormat, count, lists};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use std::path::{Path, PathBuf};

pub(super) fn inventory(
    args: &cli::InventoryArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    match &args.command {
        None => list(&args.list, color, context),
        Some(InventoryCommand::Snapshot(args)) => snapshot(args, color, context),
    }
}

/// Which inventories are meant: those of the flags, else all that are configured or found.
fn select_inventories(
    workspace: &mut Workspace<'_>,
    scan: &Scan,
    names: &[String],
    context: &mut Context<'_>,
) -> Result<(Inventories, Vec<usize>), Failure> {
    let inventories = workspace.inventories(scan, names, KEY_LEVEL, context)?;
    let which = inventories.in_use_of(&workspace.config);
    if which.is_empty() {
        return Err(Failure::usage("there is no inventory").with_help(
            "write `secrets.inventory.yaml` with `name: [key, key]` at the repository's root, or name an inventory in \
             `stackref.toml` or with `--inventory FILE`",
        ));
    }
    Ok((inventories, which))
}

fn outcome_for(failures: &[Failure]) -> Outcome {
    failures.iter().map(Failure::outcome).max().unwrap_or_default()
}

/// `1 inventory`, `2 inventories`.
fn number_of_inventories(number: usize) -> String {
    if number == 1 { "1 inventory".to_owned() } else { format!("{number} inventories") }
}

fn list(args: &InventoryListArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let files = FileArgs::from_paths(&args.path, &args.setup);
    let mut workspace = Workspace::open(&files, context)?;
    if args.probe {
        return probe(args, &mut workspace, color, context);
    }
    let scan = if args.used || args.unused { workspace.scan(context)? } else { Scan::default() };
    let (inventories, which) = select_inventories(&mut workspace, &scan, &args.inventory, context)?;
    let (mut listed, mut failures) =
        with_progress(context, "look-ups", |progress| secret_list::list(&inventories, &which, progress));
    warn_about_inventories(&inventories, which.iter().copied(), context)?;
    let mut outcome = Outcome::Clean;
    if args.used || args.unused {
        workspace.notes(&scan, context)?;
        outcome = report_unparsed(&scan, color, context)?;
        let settings = workspace.key_level(&inventories);
        let report = with_progress(context, "look-ups", |progress| pipeline::run(&scan, &settings, progress));
        let messages: Vec<String> = failures.iter().chain(&scan.skipped.failures).map(ToString::to_string).collect();
        failures.extend(report.failures.iter().filter(|failure| !messages.contains(&failure.to_string())).cloned());
        secret_list::retain_by_use(&mut listed, args.used, &scan, &report, &settings);
    }
    let secrets = count(listed.iter().map(|inventory| inventory.secrets.len()).sum(), "secret");
    context.summary = Some(format!("listed {secrets} in {}", number_of_inventories(listed.len())));
    let style = output_style(&context.stdout, color, context.env.as_ref());
    match args.format {
        ListFormat::Human => lists::write_table(&listed, style, context.stdout.out)?,
        ListFormat::Short => lists::write_short(&listed, style, context.stdout.out)?,
        ListFormat::Json => {
            let failures: Vec<Failure> = failures.iter().cloned().chain(unread_failures(&scan)).collect();
            lists::write_inventories_json(&listed, &failures, context.stdout.out)?;
        }
    }
    context.stdout.out.flush()?;
    print_failures(&failures, color, context)?;
    Ok(outcome.max(outcome_for(&failures)))
}

fn probe(
    args: &InventoryListArgs,
    workspace: &mut Workspace<'_>,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (inventories, which) = select_inventories(workspace, &Scan::default(), &args.inventory, context)?;
    warn_about_inventories(&inventories, which.iter().copied(), context)?;
    let probes = with_progress(context, "look-ups", |progress| secret_list::probe_all(&inventories, &which, progress));
    context.summary = Some(format!("probed {}", number_of_inventories(probes.len())));
    let style = output_style(&context.stdout, color, context.env.as_ref());
    lists::write_probes(&probes, args.format == ListFormat::Json, style, context.stdout.out)?;
    context.stdout.out.flush()?;
    let failures: Vec<Failure> = probes.into_iter().filter_map(|probe| probe.failure).collect();
    print_failures(&failures, color, context)?;
    Ok(outcome_for(&failures))
}

fn snapshot(args: &SnapshotArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let files = FileArgs::from_paths(&[PathBuf::from(".")], &args.setup);
    let mut workspace = Workspace::open(&files, context)?;
    let (inventories, which) = select_inventories(&mut workspace, &Scan::default(), &args.inventory, context)?;
    if args.inventory.is_empty() && which.len() > 1 {
        let names = which.iter().filter_map(|&at| inventories.get(at)).map(Inventory::name);
        let names = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage("a snapshot is one of several inventories, and none is named")
            .with_help(format!("name it with --inventory: {names}"))
            .into());
    }
    let (listed, failures) =
        with_progress(context, "look-ups", |progress| secret_list::list(&inventories, &which, progress));
    if !failures.is_empty() {
        print_failures(&failures, color, context)?;
        context.summary = Some("no snapshot was made: it would not be complete".to_owned());
        return Ok(outcome_for(&failures));
    }
    let now = secret_list::merge(listed);
    if let Some(file) = &args.check {
        let snapshot = FileInventory::from_user_path(file, &context.cwd);
        snapshot.open()?;
        if let Some(failure) = snapshot.entry_errors().first() {
            return Err(failure.clone().into());
        }
        if let Some(secret) = snapshot.secret_with_values() {
            let words = format!("`{}` holds values (of `{secret}`), and a snapshot holds none", snapshot.name());
            return Err(Failure::finding(words)
                .with_help("make one with `stackref inventory snapshot -o FILE`")
                .into());
        }
        let lines = secret_list::differences(&snapshot.secrets(), &now);
        lists::write_differences(
            &lines,
            output_style(&context.stdout, color, context.env.as_ref()),
            context.stdout.out,
        )?;
        context.stdout.out.flush()?;
        let display_path = escape_control(snapshot.name());
        if lines.is_empty() {
            context.summary = Some(format!("`{display_path}` is up to date: {}", count(now.len(), "secret")));
            return Ok(Outcome::Clean);
        }
        let differences = count(lines.len(), "difference");
        context.summary = Some(format!("`{display_path}` is stale: {differences} (`+` is new, `-` is gone)"));
        return Ok(Outcome::Findings);
    }
    let output = args.output.as_ref().filter(|file| file.as_os_str() != "-");
    let asked = args.format.map(|format| match format {
        SnapshotFormat::Toml => Syntax::Toml,
        SnapshotFormat::Json => Syntax::Json,
        SnapshotFormat::Yaml => Syntax::Yaml,
    });
    let Some(file) = output else {
        let text = secret_list::snapshot(&now, asked.unwrap_or(Syntax::Yaml), &NameComments::default())?;
        context.stdout.out.write_all(text.as_bytes())?;
        context.stdout.out.flush()?;
        context.summary = Some(format!("wrote {} to standard output", count(now.len(), "secret")));
        return Ok(Outcome::Clean);
    };
    let path = paths::absolute(file, &context.cwd);
    let display_path = file.display().to_string();
    let of_ending = Syntax::from_path(&path);
    let Some(syntax) = of_ending.filter(|syntax| asked.is_none_or(|asked| asked == *syntax)) else {
        let words =
            format!("the ending of `{display_path}` is none of the snapshot's syntax: it could not be read again");
        return Err(Failure::usage(words).with_help("let it end in .yaml, .toml or .json").into());
    };
    let sources = which.iter().filter_map(|&at| inventories.get(at)?.file());
    repository::refuse_link_out(&path, &context.cwd, &escape_control(&display_path))?;
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
    }
    let comments = comments_to_keep(&path, &display_path, sources, context)?;
    let text = secret_list::snapshot(&now, syntax, &comments)?;
    OutputFile::open(&path, &display_path)?.replace(&text)?;
    context.summary = Some(format!("wrote {} to `{}`", count(now.len(), "secret"), escape_control(&display_path)));
    Ok(Outcome::Clean)
}

/// Returns the comments of the file that a snapshot replaces, or why it must not: a snapshot is written over other names and
/// keys, but never over values or over an inventory that it is made of.
fn comments_to_keep<'i>(
    path: &Path,
    display_path: &str,
    mut sources: impl Iterator<Item = &'i Path>,
    context: &Context<'_>,
) -> Result<NameComments, Failure> {
    let Ok(metadata) = path.metadata() else { return Ok(NameComments::default()) };
    let refused = |why: &str| Err(Failure::usage(format!("`{display_path}` {why}")).with_help("write to another file"));
    if !metadata.is_file() {
        return refused("is no file that could be replaced");
    }
    let target = paths::canonicalize_existing(path);
    // The source may be a folder with the target in it.
    if sources.any(|source| target.starts_with(paths::canonicalize_existing(source))) {
        return refused("is a source of this snapshot");
    }
    if metadata.len() == 0 {
        return Ok(NameComments::default());
    }
    let existing = FileInventory::from_user_path(path, &context.cwd);
    if existing.open().is_err() || !existing.entry_errors().is_empty() || existing.secret_with_values().is_some() {
        return refused("is there already, and is no snapshot");
    }
    Ok(existing.name_comments())
}
