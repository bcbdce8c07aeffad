//! `register`: finds the missing keys, asks for their values or reads them from `--from-file` or
//! `--from-env`, and stores them.
//!
//! The files of this folder check the target inventories, prompt, read given values, store, and
//! summarize. `lint::missing_keys` decides which keys are missing.

mod dialogue;
mod from_environment;
mod given_values;
mod new_inventory;
mod prompt_plan;
mod register_summary;
mod storing;
mod target_check;

use super::messages::{
    outcome_of, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use super::progress::with_progress;
use super::prompter::Prompter;
use crate::cli::{Color, FileArgs, RegisterArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::outcome::Outcome;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::Inventories;
use crate::lint::missing_keys::{RequiredKey, required_keys};
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::rules;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::output::lists::{self, RegisterResult, StoredSecret};
use crate::output::{ListFormat, count};
use crate::project::git::Git;
use crate::system::paths;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{KEY_LEVEL, Workspace, select_stack};
use from_environment::SourceEnvironment;
use std::io;
use std::path::{Path, PathBuf};

pub(super) fn register(
    args: &RegisterArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (paths, stack) = paths_and_stack(args, &context.cwd);
    let files = FileArgs::from_paths(paths, &args.setup);
    // Before anything that takes time, because input that is typed before the first prompt must not
    // be shown, either.
    let mut prompter = open_prompter(args, context)?;
    let mut workspace = Workspace::open_in_environments(&files, &args.environment, context)?;
    let mut scan = workspace.scan(context)?;
    workspace.require_one_environment("register", &args.environment, &args.inventory)?;
    select_stack(&mut scan, stack)?;
    let mut inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    workspace.notes(&scan, context)?;
    let unread = report_unparsed(&scan, color, context)?;
    if inventories.is_empty() && scan.references().next().is_some() {
        match new_inventory::create(&workspace, prompter.as_mut(), args, context) {
            Ok(true) => {}
            Ok(false) => {
                print_interrupted(&scan, &inventories, args, context)?;
                return Ok(Outcome::Interrupted);
            }
            Err(CommandError::Failed(failures)) => {
                drop(prompter);
                let run = RegisterRun::new(args, color, &scan, &inventories, &workspace.git);
                let settings = workspace.key_level(&inventories);
                return run.end_without_inventory(&settings, &failures, context);
            }
            Err(error) => return Err(error),
        }
        inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    }
    let settings = Settings {
        allow_empty_listing: true,
        ..workspace.key_level(&inventories)
    };
    let report = look_up_references(&scan, &settings, context)?;
    let note = describe_errors(&scan);
    // In a dry run, the note comes after the list.
    if let Some(note) = note.as_ref().filter(|_| !args.dry_run) {
        context.note(note)?;
    }
    let mut required = required_keys(&scan, &report, &settings)?;
    let source = SourceEnvironment::open(args, &workspace, &inventories, context)?;
    if let Some(source) = &source {
        source.offer(&mut required, &settings);
    }
    if required.iter().all(|required| required.exists) && unread == Outcome::Clean {
        let (references, files) = (
            count(scan.references().count(), "reference"),
            count(scan.files.len(), "file"),
        );
        context.summary = Some(format!("nothing is missing: {references} in {files}"));
    }
    let mut run = RegisterRun::new(args, color, &scan, &inventories, &workspace.git);
    let result = match source.filter(|_| args.copy_values) {
        Some(source) => run.copy_values(&required, &source, prompter.as_mut(), context),
        None => run.run(&required, prompter.as_mut(), context),
    };
    drop(prompter);
    let note = note.filter(|_| args.dry_run);
    run.end(result, note.as_deref(), unread, context)
}

/// Opens the terminal to ask for values. Returns `None` without a terminal, or if the arguments
/// require no answers.
fn open_prompter(
    args: &RegisterArgs,
    context: &Context<'_>,
) -> Result<Option<Prompter>, CommandError> {
    match context.keyboard {
        Some(open) if !takes_given_values(args) && !args.dry_run => {
            Ok(Some(Prompter::open(open, &context.cwd)?))
        }
        _ => Ok(None),
    }
}

/// Looks up all references of a scan.
///
/// # Errors
/// A reference could not be looked up.
fn look_up_references(
    scan: &Scan,
    settings: &Settings<'_>,
    context: &mut Context<'_>,
) -> Result<Report, CommandError> {
    let report = with_progress(context, "look-ups", |progress| {
        pipeline::run(scan, settings, progress)
    });
    warn_about_inventories(
        settings.inventories,
        report.references.answers().queried_inventories(),
        context,
    )?;
    // The first failures are those of files that cannot be read, which are already printed.
    let failures = report
        .failures
        .get(scan.skipped.failures.len()..)
        .unwrap_or_default();
    if failures.is_empty() {
        Ok(report)
    } else {
        Err(failures.to_vec().into())
    }
}

fn takes_given_values(args: &RegisterArgs) -> bool {
    args.from_file.is_some() || args.from_env.is_some()
}

/// Describes the errors in stack files whose references are not registered; `None` if there are
/// none. Files that cannot be parsed are reported separately.
fn describe_errors(scan: &Scan) -> Option<String> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let rules = findings
        .map(FindingBuilder::rule)
        .filter(|rule| *rule != RuleId::SyntaxError);
    let errors = rules
        .filter(|rule| rules::get(*rule).severity == Severity::Error)
        .count();
    (errors > 0).then(|| {
        format!(
            "skipped {}; `stackref check` shows them",
            count(errors, "invalid reference")
        )
    })
}

/// Splits the arguments into paths and a stack. `--path` takes all arguments that follow it, so its
/// last value is the stack unless it exists as a path.
fn paths_and_stack<'a>(args: &'a RegisterArgs, cwd: &Path) -> (&'a [PathBuf], Option<&'a str>) {
    if let (None, Some((last, paths @ [_, ..]))) = (&args.stack, args.path.split_last())
        && paths::absolute(last, cwd).symlink_metadata().is_err()
    {
        return (paths, last.to_str());
    }
    (&args.path, args.stack.as_deref())
}

/// Prints the JSON report of a run that was interrupted before there was an inventory.
fn print_interrupted(
    scan: &Scan,
    inventories: &Inventories,
    args: &RegisterArgs,
    context: &mut Context<'_>,
) -> io::Result<()> {
    if args.format != ListFormat::Json {
        return Ok(());
    }
    let failures = unread_failures(scan);
    let registered = RegisterResult {
        failures: &failures,
        ..RegisterResult::default()
    };
    lists::write_register_json(&registered, inventories, context.stdout.out)
}

/// One run: the keys that it has stored, and the keys that are still missing.
struct RegisterRun<'r> {
    args: &'r RegisterArgs,
    color: Color,
    scan: &'r Scan,
    inventories: &'r Inventories,
    git: &'r Git,
    stored: Vec<StoredSecret>,
    missing: Vec<&'r RequiredKey<'r>>,
    /// In a dry run with `--change`: the existing keys to ask for.
    existing: Vec<&'r RequiredKey<'r>>,
    /// Existing keys that kept their values although others were given.
    kept: Vec<StoredSecret>,
}

impl<'r> RegisterRun<'r> {
    fn new(
        args: &'r RegisterArgs,
        color: Color,
        scan: &'r Scan,
        inventories: &'r Inventories,
        git: &'r Git,
    ) -> Self {
        let (stored, missing, existing, kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            args,
            color,
            scan,
            inventories,
            git,
            stored,
            missing,
            existing,
            kept,
        }
    }

    /// Stores the given values, lists the keys, or asks for the values, depending on the arguments
    /// and the terminal.
    fn run(
        &mut self,
        required: &'r [RequiredKey<'r>],
        prompter: Option<&mut Prompter>,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        if takes_given_values(self.args) {
            self.store_given(required, context)
        } else if self.args.dry_run {
            self.list_only(required, context)
        } else if let Some(prompter) = prompter {
            self.prompt_all(required, prompter, context)
        } else {
            self.without_terminal(required, context)
        }
    }

    /// Prints the report and the failures, and returns the outcome.
    fn end(
        &self,
        result: Result<Outcome, CommandError>,
        note: Option<&str>,
        unread: Outcome,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let mut failures = unread_failures(self.scan);
        if let Err(CommandError::Failed(more)) = &result {
            if self.stored.is_empty() && self.missing.is_empty() {
                context.summary = Some("nothing was registered".to_owned());
            } else {
                self.summarize(context);
            }
            failures.extend_from_slice(more);
        }
        if self.args.format == ListFormat::Json || !matches!(result, Ok(Outcome::Interrupted)) {
            self.print(&failures, context)?;
        }
        if let Some(note) = note {
            context.note(note)?;
        }
        match result {
            Ok(outcome) => Ok(outcome.max(unread)),
            Err(CommandError::Io(error)) => Err(error.into()),
            Err(CommandError::Failed(failures)) => {
                print_failures(&failures, self.color, context)?;
                Ok(outcome_of(&failures, unread))
            }
        }
    }

    /// Reports that all keys are missing, because there is no inventory.
    fn end_without_inventory(
        self,
        settings: &Settings<'_>,
        failures: &[Failure],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let report = pipeline::run(self.scan, settings, None);
        let required = required_keys(self.scan, &report, settings)?;
        let run = RegisterRun {
            missing: required.iter().collect(),
            ..self
        };
        run.summarize(context);
        let all = [unread_failures(run.scan).as_slice(), failures].concat();
        run.print(&all, context)?;
        print_failures(failures, run.color, context)?;
        Ok(Outcome::Usage)
    }

    /// Prints the missing keys. JSON also contains the stored ones.
    fn print(&self, failures: &[Failure], context: &mut Context<'_>) -> io::Result<()> {
        let style = context.stdout_style(self.color);
        let (out, inventories) = (&mut *context.stdout.out, self.inventories);
        if self.args.format == ListFormat::Json {
            let Self {
                missing,
                existing,
                stored,
                kept,
                ..
            } = self;
            let registered = RegisterResult {
                missing,
                existing,
                stored,
                kept,
                failures,
            };
            lists::write_register_json(&registered, inventories, out)?;
        } else {
            lists::write_required_keys(&self.missing, inventories, style, out)?;
            lists::write_required_keys(&self.existing, inventories, style, out)?;
        }
        out.flush()
    }
}
