//! `inventory`: lists the names and keys of inventories, or tests the connections with `--probe`.
//! Values are never read.

use super::messages::{
    outcome_of, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use super::progress::with_progress;
use crate::cli::{Color, FileArgs, InventoryListArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::{Inventories, Inventory};
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::secret_list::{self, ListedInventory};
use crate::lint::settings::Settings;
use crate::output::{ListFormat, count, lists};
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{KEY_LEVEL, Workspace};

pub(super) fn inventory(
    args: &InventoryListArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let files = FileArgs::from_paths(&args.path, &args.setup);
    let mut workspace = Workspace::open(&files, context)?;
    if args.probe {
        return probe(args, &mut workspace, color, context);
    }
    // Without `--inventory`, the declarations of the repository are listed, too.
    workspace.scripts = true;
    let scan = if args.used || args.unused || args.inventory.is_empty() {
        workspace.scan(context)?
    } else {
        Scan::default()
    };
    let declared = secret_list::list_declared(&scan).filter(|_| args.inventory.is_empty());
    let (inventories, which) = if declared.is_some() {
        inventories_in_use(&mut workspace, &scan, &args.inventory, context)?
    } else {
        select_inventories(&mut workspace, &scan, &args.inventory, context)?
    };
    let (mut listed, mut failures) = with_progress(context, "look-ups", |progress| {
        secret_list::list(&inventories, &which, progress)
    });
    if !has_repository(&inventories, &which) {
        listed.extend(declared);
    }
    warn_about_inventories(&inventories, which.iter().copied(), context)?;
    let mut outcome = Outcome::Clean;
    if args.used || args.unused {
        workspace.notes(&scan, context)?;
        outcome = report_unparsed(&scan, color, context)?;
        let other_files = workspace.other_files();
        let settings = Settings {
            other_files: other_files.as_ref(),
            ..workspace.key_level(&inventories)
        };
        let report = with_progress(context, "look-ups", |progress| {
            pipeline::run(&scan, &settings, progress)
        });
        let known = failures.iter().chain(&scan.skipped.failures);
        let other = other_failures(&report, known);
        failures.extend(other);
        secret_list::retain_by_use(&mut listed, args.used, &scan, &report, &settings);
    }
    context.summary = Some(summary(&listed));
    let style = context.stdout_style(color);
    let out = &mut *context.stdout.out;
    match args.format {
        ListFormat::Human => lists::write_table(&listed, style, out)?,
        ListFormat::Short => lists::write_short(&listed, style, out)?,
        ListFormat::Json => {
            let all = with_unread(&failures, &scan);
            lists::write_inventories_json(&listed, &all, out)?;
        }
    }
    out.flush()?;
    print_failures(&failures, color, context)?;
    Ok(outcome_of(&failures, outcome))
}

fn summary(listed: &[ListedInventory]) -> String {
    let secrets = listed.iter().map(|inventory| inventory.secrets.len()).sum();
    format!(
        "listed {} in {}",
        count(secrets, "secret"),
        count_inventories(listed.len())
    )
}

/// Returns whether one of the inventories contains the declarations already.
fn has_repository(inventories: &Inventories, which: &[usize]) -> bool {
    let mut inventories = which.iter().filter_map(|&at| inventories.get(at));
    inventories.any(Inventory::is_repository)
}

/// Returns failures together with those of files that could not be read. An inventory of kind
/// `repository` repeats these.
pub(super) fn with_unread(failures: &[Failure], scan: &Scan) -> Vec<Failure> {
    let unread = unread_failures(scan);
    let is_unread = |failure: &&Failure| {
        let message = failure.to_string();
        unread.iter().any(|unread| unread.to_string() == message)
    };
    let other = failures.iter().filter(|failure| !is_unread(failure));
    other.chain(&unread).cloned().collect()
}

/// Returns the failures of a report that differ from the known ones.
fn other_failures<'f>(report: &Report, known: impl Iterator<Item = &'f Failure>) -> Vec<Failure> {
    let messages: Vec<String> = known.map(ToString::to_string).collect();
    report
        .failures
        .iter()
        .filter(|failure| !messages.contains(&failure.to_string()))
        .cloned()
        .collect()
}

/// Connects to the selected inventories and prints the permissions that they grant.
fn probe(
    args: &InventoryListArgs,
    workspace: &mut Workspace,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (inventories, which) =
        select_inventories(workspace, &Scan::default(), &args.inventory, context)?;
    warn_about_inventories(&inventories, which.iter().copied(), context)?;
    let probes = with_progress(context, "look-ups", |progress| {
        secret_list::probe_all(&inventories, &which, progress)
    });
    context.summary = Some(format!("probed {}", count_inventories(probes.len())));
    let style = context.stdout_style(color);
    lists::write_probes(
        &probes,
        args.format == ListFormat::Json,
        style,
        context.stdout.out,
    )?;
    context.stdout.out.flush()?;
    let failures: Vec<Failure> = probes
        .into_iter()
        .filter_map(|probe| probe.failure)
        .collect();
    print_failures(&failures, color, context)?;
    Ok(outcome_of(&failures, Outcome::Clean))
}

/// Opens the inventories, and returns the positions of the selected ones: those that `names`
/// contains, else all that are configured or found.
///
/// # Errors
/// There is no inventory.
pub(super) fn select_inventories(
    workspace: &mut Workspace,
    scan: &Scan,
    names: &[String],
    context: &mut Context<'_>,
) -> Result<(Inventories, Vec<usize>), Failure> {
    let (inventories, which) = inventories_in_use(workspace, scan, names, context)?;
    if which.is_empty() {
        return Err(Failure::usage("no inventory is configured").with_help(
            "create `secrets.inventory.yaml` with lines such as `name: [key, key]` in the root of the repository, or name an \
             inventory in `stackref.toml` or with `--inventory FILE`",
        ));
    }
    Ok((inventories, which))
}

/// Opens the inventories as [`select_inventories`] does. There may be none.
fn inventories_in_use(
    workspace: &mut Workspace,
    scan: &Scan,
    names: &[String],
    context: &mut Context<'_>,
) -> Result<(Inventories, Vec<usize>), Failure> {
    let inventories = workspace.inventories(scan, names, KEY_LEVEL, context)?;
    let which = inventories.in_use_of(&workspace.config);
    Ok((inventories, which))
}

/// Returns `1 inventory`, `2 inventories` and so on.
fn count_inventories(number: usize) -> String {
    if number == 1 {
        "1 inventory".to_owned()
    } else {
        format!("{number} inventories")
    }
}
