//! `rename`: gives a secret or a key another name in all files of the repository.
//!
//! Everything that speaks against the rename is reported together, and then nothing is written.

use super::messages::warn_about_inventories;
use super::progress::with_progress;
use crate::cli::{Color, FileArgs, RenameArgs};
use crate::diagnostics::outcome::Outcome;
use crate::edit::renaming::{AcceptedReasons, Rename, RenameChecks, RenamePlan, lookups};
use crate::inventory::Inventories;
use crate::inventory::lookup::LookupResults;
use crate::lint::reference_list::{ReferenceList, SecretSelector};
use crate::lint::scan::Scan;
use crate::output::style::{HEADING, OutputStyle};
use crate::output::{count, diff};
use crate::project::config::Level;
use crate::project::git::Git;
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::environment_level;
use std::io::{self, Write};

pub(super) fn rename(
    args: &RenameArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let level = environment_level(context.env.as_ref())?;
    // A reference in any file of the repository may mean the secret, wherever the command runs.
    let git = Git::new(context.env.as_ref());
    let root = git.owners().root(&context.cwd);
    let root = root.unwrap_or_else(|| context.cwd.clone());
    let files = FileArgs::from_paths(std::slice::from_ref(&root), &args.setup);
    let mut workspace = Workspace::open(&files, context)?;
    workspace.scripts = true;
    workspace.path_roots.keep_documents = true;
    let scan = workspace.scan(context)?;
    let inventories = workspace.inventories(&scan, &[], level, context)?;
    let selector = select(&args.old, &scan, &inventories);
    let rename = Rename::new(&selector, &args.new)?;
    let answers = with_progress(context, "look-ups", |progress| {
        let lookups = lookups(&rename, &inventories, level, &workspace.config);
        LookupResults::query(&inventories, Level::SecretAndKeyExists, lookups, progress)
    });
    warn_about_inventories(&inventories, answers.queried_inventories(), context)?;
    let checks = RenameChecks {
        rename: &rename,
        selector: &selector,
        scan: &scan,
        inventories: &inventories,
        answers: &answers,
    };
    let accepted = AcceptedReasons {
        existing_name: args.merge,
        doubts: args.force,
    };
    let plan = checks.plan(accepted, &workspace.configs, &workspace.path_roots)?;
    let writes = !args.dry_run && !args.diff;
    if writes && !plan.is_empty() {
        plan.write(&root)?;
    }
    let style = context.stdout_style(color);
    if args.diff {
        for changed in plan.changed() {
            diff::write_fixed(changed, style, context.stdout.out)?;
        }
    } else {
        write_places(&plan, &checks, style, context.stdout.out)?;
    }
    context.stdout.out.flush()?;
    for note in plan.leftover_notes(&selector) {
        context.note(note)?;
    }
    for step in checks.next_steps() {
        context.note(step)?;
    }
    let verb = if writes { "renamed" } else { "would rename" };
    context.summary = Some(format!(
        "{verb} `{}` to `{}` in {} of {}",
        escape_control(&selector.text()),
        escape_control(&rename.new_text()),
        count(plan.places.len(), "place"),
        count(plan.file_count(), "file")
    ));
    Ok(Outcome::Clean)
}

/// Returns the secret or key that a name means. A name with dots is a secret if a file or an
/// inventory has such a secret.
fn select(text: &str, scan: &Scan, inventories: &Inventories) -> SecretSelector {
    let mut declared = inventories
        .in_use()
        .flat_map(|(_, inventory)| inventory.declared_names());
    if declared.any(|declared| declared.name == text) {
        return SecretSelector::of_secret(text);
    }
    SecretSelector::parse(text, &ReferenceList::of_scan(scan))
}

/// Writes a line for each place.
fn write_places(
    plan: &RenamePlan,
    checks: &RenameChecks<'_>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let old = escape_control(&checks.selector.text());
    let new = escape_control(&checks.rename.new_text());
    for place in &plan.places {
        let position = place.source.position(place.span.start);
        let path = escape_control(place.source.path());
        let location = format!("{path}:{}:{}", position.line, position.column);
        writeln!(out, "{}: {old} -> {new}", style.paint(HEADING, location))?;
    }
    Ok(())
}
