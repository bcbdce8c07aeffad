//! `init`: surveys the repository, writes the config, prints the next steps, and offers the hook of
//! pre-commit.
//!
//! [`init_plan`](super::init_plan) makes the survey and the text of the config.

mod hook_offer;
mod survey_report;

use super::init_plan::hook::Hook;
use super::init_plan::{HINTS, Hint, Survey};
use super::messages::{outcome_of, print_failures};
use super::outputs::is_standard_output;
use crate::cli::{Color, ConfigArgs, FileArgs, InitArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::lint::pipeline;
use crate::lint::scan::Scan;
use crate::project::config::FILE_NAME;
use crate::project::git::Git;
use crate::project::repository::{self, TrustedOwners};
use crate::system::environment::Environment;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};
use std::path::Path;

pub(super) fn init(
    args: &InitArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let cwd = context.cwd.clone();
    let git = Git::new(context.env.as_ref());
    let owners = git.owners();
    refuse_existing_config(args, owners, &cwd)?;
    let root = owners.root(&cwd).unwrap_or_else(|| cwd.clone());
    let setup = ConfigArgs {
        no_exclude: false,
        force_exclude: false,
        config: None,
        no_config: true,
        trust: false,
    };
    let files = FileArgs::from_paths(std::slice::from_ref(&root), &setup);
    let mut workspace = Workspace::open(&files, context)?;
    let printed = workspace.git.owners().notes(&cwd);
    for note in owners
        .notes(&cwd)
        .iter()
        .filter(|note| !printed.contains(note))
    {
        context.note(note)?;
    }
    workspace.scripts = true;
    let scan = workspace.scan(context)?;
    let survey = Survey::from_scan(&root, &scan, answers_all(&workspace, &scan));
    if survey.is_empty() && !scan.skipped.failures.is_empty() {
        // Nothing could be read, so a config would be based on nothing.
        return Err(scan.skipped.failures.into());
    }
    let hints = hints(&survey, context.env.as_ref());
    let text = survey.config(&hints);
    let file = root.join(FILE_NAME);
    let display_path = paths::relative(&file, &cwd);
    print_failures(&scan.skipped.failures, color, context)?;
    // Files that could not be read may be missing from the config, so they also decide the exit
    // code.
    let read_outcome = outcome_of(&scan.skipped.failures, Outcome::Clean);
    if args.dry_run {
        write!(context.stdout.out, "{text}")?;
        context.stdout.out.flush()?;
        survey_report::print(&survey, &hints, &git, context)?;
        context.summary = Some(format!(
            "`{}` was not written",
            escape_control(&display_path)
        ));
        return Ok(read_outcome);
    }
    survey_report::print(&survey, &hints, &git, context)?;
    create_file(&file, &display_path, &text)?;
    context.summary = Some(format!("wrote `{}`", escape_control(&display_path)));
    survey_report::print_next_steps(&survey, context)?;
    // Without an inventory, references are compared with declarations, which may be in any file.
    let hook = if survey.inventories.is_empty() && survey.can_look_up() {
        Hook::Repository
    } else {
        Hook::ChangedFiles
    };
    Ok(hook_offer::offer_hook(args, &root, hook, context)?.max(read_outcome))
}

/// Returns whether every reference of a scan is compared with a declaration, without inventories.
fn answers_all(workspace: &Workspace, scan: &Scan) -> bool {
    let inventories = Inventories::default();
    let report = pipeline::run(scan, &workspace.key_level(&inventories), None);
    !report.has_unrouted()
}

/// Refuses to write a config if there is one already.
fn refuse_existing_config(
    args: &InitArgs,
    owners: &TrustedOwners,
    cwd: &Path,
) -> Result<(), Failure> {
    let Some((existing, _)) = owners.config(cwd, FILE_NAME) else {
        return Ok(());
    };
    // `init --dry-run > stackref.toml`: the shell has created the file.
    if args.dry_run && is_standard_output(&existing) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the config `{}` already exists",
        paths::relative(&existing, cwd)
    ))
    .with_help("edit it, or move it away first; `stackref init` never overwrites a config"))
}

/// Creates a file, complete or not at all: half a config would stop the next `init`.
fn create_file(file: &Path, display_path: &str, text: &str) -> Result<(), Failure> {
    repository::refuse_link_out(file, file.parent().unwrap_or(file), display_path)?;
    OutputFile::open(file, display_path)?
        .create(text, false)
        .map_err(|error| write::cannot_write(display_path, &error))
}

/// Returns hints for the secret stores that environment variables suggest. Only the names of the
/// variables are used.
fn hints(survey: &Survey, env: &dyn Environment) -> Vec<Hint> {
    let hints = HINTS.into_iter().filter(|hint| {
        let is_set = env
            .get(hint.variable)
            .is_some_and(|value| !value.is_empty());
        is_set
            && !survey
                .inventories
                .iter()
                .any(|found| found.kind.config_name() == hint.kind)
    });
    hints.collect()
}
