//! `inventory diff`: lists the names and keys that only one of two inventories has. Values are never
//! read.

use super::inventory_list::with_unread;
use super::messages::{outcome_of, print_failures, report_unparsed, warn_about_inventories};
use super::progress::with_progress;
use crate::cli::{Color, FileArgs, InventoryDiffArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::lint::scan::Scan;
use crate::lint::secret_list::{
    self, ComparedInventory, DifferenceKind, InventoryComparison, ListedInventory, UsedSecrets,
};
use crate::output::{ComparisonFormat, count, json_comparison, lists};
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{KEY_LEVEL, Workspace};
use std::io;

pub(super) fn diff(
    args: &InventoryDiffArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let files = FileArgs::from_paths(&args.path, &args.setup);
    let mut workspace = Workspace::open(&files, context)?;
    workspace.scripts = true;
    let chosen = [args.first.clone(), args.second.clone()];
    // Before the scan, so that a name means an inventory of this config and not of a scanned file's.
    let inventories = workspace.inventories(&Scan::default(), &chosen, KEY_LEVEL, context)?;
    let &[first, second] = inventories.chosen_of(&workspace.config) else {
        return Err(Failure::usage("name two inventories to compare").into());
    };
    let which = if first == second {
        vec![first]
    } else {
        vec![first, second]
    };
    let (listed, failures) = with_progress(context, "look-ups", |progress| {
        secret_list::list(&inventories, &which, progress)
    });
    warn_about_inventories(&inventories, which.iter().copied(), context)?;
    let pair = [first, second].map(|at| comparable(&inventories, &listed, at));
    let [Some(first), Some(second)] = pair else {
        if args.format == ComparisonFormat::Json {
            json_comparison::write_failed(&failures, context.stdout.out)?;
            context.stdout.out.flush()?;
        }
        print_failures(&failures, color, context)?;
        return Ok(outcome_of(&failures, Outcome::Clean));
    };
    let (scan, unparsed) = if args.used {
        let scan = workspace.scan(context)?;
        workspace.notes(&scan, context)?;
        let unparsed = report_unparsed(&scan, color, context)?;
        (scan, unparsed)
    } else {
        (Scan::default(), Outcome::Clean)
    };
    let used = args.used.then(|| UsedSecrets::of_scan(&scan));
    let comparison = secret_list::compare([first, second], used.as_ref());
    context.summary = Some(summary(&comparison, args.used, which.len() == 1));
    write(
        &comparison,
        used.as_ref(),
        &with_unread(&failures, &scan),
        (args, color),
        context,
    )?;
    print_failures(&failures, color, context)?;
    let outcome = if comparison.differences.is_empty() {
        unparsed
    } else {
        unparsed.max(Outcome::Findings)
    };
    Ok(outcome_of(&failures, outcome))
}

/// Returns an inventory with its contents; `None` if its names could not be read. If an entry could
/// not be read, it is not known which names are missing.
fn comparable<'i>(
    inventories: &'i Inventories,
    listed: &'i [ListedInventory],
    at: usize,
) -> Option<ComparedInventory<'i>> {
    let source = inventories.get(at)?;
    let listed = listed.iter().find(|listed| listed.at == at)?;
    let is_complete = source.entry_errors().is_empty();
    is_complete.then_some(ComparedInventory { listed, source })
}

/// Writes the differences, and the notes about names that could not be compared.
fn write(
    comparison: &InventoryComparison,
    used: Option<&UsedSecrets<'_>>,
    failures: &[Failure],
    (args, color): (&InventoryDiffArgs, Color),
    context: &mut Context<'_>,
) -> io::Result<()> {
    let style = context.stdout_style(color);
    let dynamic = used.map(|used| used.dynamic);
    let out = &mut *context.stdout.out;
    match args.format {
        ComparisonFormat::Human => lists::write_comparison(comparison, style, out)?,
        ComparisonFormat::Json => json_comparison::write(comparison, dynamic, failures, out)?,
    }
    out.flush()?;
    note_open_keys(comparison, context)?;
    match dynamic {
        None | Some(0) => Ok(()),
        Some(number) => context.note(format_args!(
            "{} cannot be compared: names with variables or placeholders are known only at run time",
            count(number, "dynamic reference")
        )),
    }
}

/// Notes the secrets of which an inventory does not know all keys.
fn note_open_keys(comparison: &InventoryComparison, context: &mut Context<'_>) -> io::Result<()> {
    for side in [0, 1] {
        let open = comparison.open.iter().filter(|(at, _)| *at == side);
        let mut open = open.map(|(_, secret)| secret);
        let Some(first) = open.next() else { continue };
        let more = match open.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        context.note(format_args!(
            "not all keys of `{}`{more} are declared in `{}`: keys that only `{}` has are not listed",
            escape_control(first),
            escape_control(comparison.name(side)),
            escape_control(comparison.name(1 - side)),
        ))?;
    }
    Ok(())
}

fn summary(comparison: &InventoryComparison, used: bool, is_same: bool) -> String {
    let names = [0, 1].map(|side| format!("`{}`", escape_control(comparison.name(side))));
    let [first, second] = &names;
    let second = if is_same { "itself" } else { second };
    let used = if used { " (only used names)" } else { "" };
    let parts = names.iter().enumerate().filter_map(|(side, name)| {
        let number = count_differences(comparison, side)?;
        Some(format!("{number} only in {name}"))
    });
    let mut parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        parts.push("no differences".to_owned());
    }
    format!("compared {first} with {second}{used}: {}", parts.join(", "))
}

/// Returns the number of secrets and keys that only one inventory has, for example `1 secret and 2
/// keys`. Keys of such a secret do not count. Returns `None` if there are none.
fn count_differences(comparison: &InventoryComparison, side: usize) -> Option<String> {
    let of_side = || {
        let differences = comparison.differences.iter();
        differences.filter(move |difference| difference.inventory == side)
    };
    let is_secret = |kind| kind == DifferenceKind::Secret;
    let secrets = of_side().filter(|difference| is_secret(difference.kind));
    let keys = of_side().filter(|difference| !is_secret(difference.kind));
    let (secrets, keys) = (
        secrets.count(),
        keys.map(|difference| difference.keys.len()).sum(),
    );
    match (secrets, keys) {
        (0, 0) => None,
        (0, keys) => Some(count(keys, "key")),
        (secrets, 0) => Some(count(secrets, "secret")),
        (secrets, keys) => Some(format!(
            "{} and {}",
            count(secrets, "secret"),
            count(keys, "key")
        )),
    }
}
