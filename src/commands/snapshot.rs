//! `inventory snapshot`: writes the names and keys of inventories to a file without values, or
//! compares them with one. [`environment_snapshots`] does this for all environments.

mod environment_snapshots;

use super::inventory_list::select_inventories;
use super::messages::{outcome_of, print_failures};
use super::progress::with_progress;
use crate::cli::{Color, FileArgs, SnapshotArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::document::Syntax;
use crate::inventory::file::{FileInventory, NameComments};
use crate::inventory::{Inventories, Inventory};
use crate::lint::scan::Scan;
use crate::lint::secret_list::{self, ListedInventory, Secrets};
use crate::output::{SnapshotFormat, count, lists};
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn snapshot(
    args: &SnapshotArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let files = FileArgs::from_paths(&[PathBuf::from(".")], &args.setup);
    let environments: Vec<String> = args.environment.iter().cloned().collect();
    let mut workspace = Workspace::open_in_environments(&files, &environments, context)?;
    workspace.check_environments(&environments)?;
    if args.all_environments {
        return environment_snapshots::snapshot_all(args, &mut workspace, color, context);
    }
    let (inventories, mut which) =
        select_inventories(&mut workspace, &Scan::default(), &args.inventory, context)?;
    if args.environment.is_some() {
        let chains = inventories.environments(&workspace.config).into_iter();
        which = chains.flat_map(|chain| chain.inventories).collect();
    }
    let sources = SnapshotSources {
        inventories: &inventories,
        which: &which,
    };
    if args.inventory.is_empty() && args.environment.is_none() && which.len() > 1 {
        return Err(sources.several_failure().into());
    }
    let (listed, failures) = with_progress(context, "look-ups", |progress| {
        secret_list::list(&inventories, &which, progress)
    });
    if !failures.is_empty() {
        return end_incomplete(&failures, color, context);
    }
    note_open_keys(&listed, &inventories, context)?;
    let current = secret_list::merge(&listed);
    match (
        &args.check,
        args.output.as_ref().filter(|file| file.as_os_str() != "-"),
    ) {
        (Some(file), _) => compare(file, &current, color, context),
        (None, Some(file)) => write_file(file, &current, args.format, &sources, context),
        (None, None) => write_stdout(&current, args.format, context),
    }
}

/// Ends a run whose snapshot would be incomplete.
fn end_incomplete(
    failures: &[Failure],
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    print_failures(failures, color, context)?;
    context.summary = Some("no snapshot was made: it would be incomplete".to_owned());
    Ok(outcome_of(failures, Outcome::Clean))
}

/// Notes the secrets of which the inventories do not know all keys.
fn note_open_keys(
    listed: &[ListedInventory],
    inventories: &Inventories,
    context: &mut Context<'_>,
) -> io::Result<()> {
    for inventory in listed {
        let Some(source) = inventories.get(inventory.at) else {
            continue;
        };
        let names = inventory.secrets.keys();
        let mut open = names.filter(|name| source.has_open_keys(name));
        let Some(first) = open.next() else { continue };
        let more = match open.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let first = escape_control(first);
        context.note(format_args!(
            "not all keys of `{first}`{more} are declared: a snapshot contains only the declared ones"
        ))?;
    }
    Ok(())
}

/// Compares an existing snapshot with the current names and keys, and prints the differences.
fn compare(
    file: &Path,
    current: &Secrets,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (display_path, lines) = differences(file, current, context)?;
    let style = context.stdout_style(color);
    lists::write_differences(&lines, style, context.stdout.out)?;
    context.stdout.out.flush()?;
    if lines.is_empty() {
        context.summary = Some(format!(
            "`{display_path}` is up to date: {}",
            count(current.len(), "secret")
        ));
        return Ok(Outcome::Clean);
    }
    let differences = count(lines.len(), "difference");
    context.summary = Some(format!(
        "`{display_path}` is out of date: {differences} {SIGNS}"
    ));
    Ok(Outcome::Findings)
}

/// The meaning of the signs in front of differences.
const SIGNS: &str = "(`+` was added, `-` was removed)";

/// Returns the path of a snapshot for messages, and its differences from the current names and keys.
fn differences(
    file: &Path,
    current: &Secrets,
    context: &Context<'_>,
) -> Result<(String, Vec<String>), Failure> {
    let snapshot = FileInventory::from_user_path(file, &context.cwd);
    snapshot.open()?;
    if let Some(failure) = snapshot.entry_errors().first() {
        return Err(failure.clone());
    }
    if let Some(secret) = snapshot.secret_with_values() {
        let message = format!(
            "`{}` is not a snapshot: it contains values (of `{secret}`)",
            snapshot.name()
        );
        return Err(Failure::finding(message)
            .with_help("write a snapshot with `stackref inventory snapshot -o FILE`"));
    }
    let lines = secret_list::differences(&snapshot.secrets(), current);
    Ok((escape_control(snapshot.name()), lines))
}

/// The inventories that a snapshot is made of, and the positions of the selected ones.
struct SnapshotSources<'i> {
    inventories: &'i Inventories,
    which: &'i [usize],
}

impl SnapshotSources<'_> {
    /// Returns the error of a run that has to choose one of several inventories.
    fn several_failure(&self) -> Failure {
        let names: Vec<String> = self
            .which
            .iter()
            .filter_map(|&at| self.inventories.get(at))
            .map(|inventory| format!("`{}`", inventory.name()))
            .collect();
        Failure::usage("several inventories are configured; choose one with `--inventory`")
            .with_help(format!("the inventories are {}", names.join(", ")))
    }
}

/// Writes a snapshot to standard output.
fn write_stdout(
    current: &Secrets,
    format: Option<SnapshotFormat>,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let syntax = format.map_or(Syntax::Yaml, syntax_of);
    let text = secret_list::snapshot(current, syntax, &NameComments::default())?;
    context.stdout.out.write_all(text.as_bytes())?;
    context.stdout.out.flush()?;
    context.summary = Some(format!(
        "wrote {} to standard output",
        count(current.len(), "secret")
    ));
    Ok(Outcome::Clean)
}

/// Writes a snapshot to a file.
fn write_file(
    file: &Path,
    current: &Secrets,
    format: Option<SnapshotFormat>,
    sources: &SnapshotSources<'_>,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let path = paths::absolute(file, &context.cwd);
    let display_path = file.display().to_string();
    let format = format.map(syntax_of);
    let Some(syntax) =
        Syntax::from_path(&path).filter(|syntax| format.is_none_or(|format| format == *syntax))
    else {
        let message = format!(
            "cannot write the snapshot to `{display_path}`: the file extension does not match its format"
        );
        return Err(Failure::usage(message)
            .with_help("use the extension .yaml, .toml or .json")
            .into());
    };
    repository::refuse_link_out(&path, &context.cwd, &escape_control(&display_path))?;
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
    }
    let comments = comments_to_keep(&path, &display_path, sources, context)?;
    let text = secret_list::snapshot(current, syntax, &comments)?;
    OutputFile::open(&path, &display_path)?.replace(&text)?;
    context.summary = Some(format!(
        "wrote {} to `{}`",
        count(current.len(), "secret"),
        escape_control(&display_path)
    ));
    Ok(Outcome::Clean)
}

/// Returns the comments of the file that a snapshot replaces. There are none if the file does not
/// exist.
///
/// # Errors
/// The file must not be replaced: it is not a list of names and keys, or it is an inventory that
/// the snapshot is made of.
fn comments_to_keep(
    path: &Path,
    display_path: &str,
    sources: &SnapshotSources<'_>,
    context: &Context<'_>,
) -> Result<NameComments, Failure> {
    let Ok(metadata) = path.metadata() else {
        return Ok(NameComments::default());
    };
    if !metadata.is_file() {
        return Err(cannot_replace(display_path, "it is not a regular file"));
    }
    let target = paths::canonicalize_existing(path);
    let mut files = sources
        .which
        .iter()
        .filter_map(|&at| sources.inventories.get(at)?.file());
    // A source may also be a folder that contains the target.
    if files.any(|source| target.starts_with(paths::canonicalize_existing(source))) {
        return Err(cannot_replace(display_path, "the snapshot is made of it"));
    }
    if metadata.len() == 0 {
        return Ok(NameComments::default());
    }
    let existing = FileInventory::from_user_path(path, &context.cwd);
    if existing.open().is_err()
        || !existing.entry_errors().is_empty()
        || existing.secret_with_values().is_some()
    {
        return Err(cannot_replace(display_path, "it is not a snapshot"));
    }
    Ok(existing.name_comments())
}

fn cannot_replace(display_path: &str, reason: &str) -> Failure {
    Failure::usage(format!("refusing to overwrite `{display_path}`: {reason}"))
        .with_help("write to another file")
}

fn syntax_of(format: SnapshotFormat) -> Syntax {
    match format {
        SnapshotFormat::Toml => Syntax::Toml,
        SnapshotFormat::Json => Syntax::Json,
        SnapshotFormat::Yaml => Syntax::Yaml,
    }
}
