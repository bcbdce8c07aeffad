//! `check`: reads the selected files, checks them, applies fixes, and writes the reports.
//!
//! The checks are in `lint`, the fixes in `edit`, and the formats in `output`. Here they are only
//! called in the right order.

mod baseline_file;
mod check_level;
mod check_notes;
mod check_options;
mod file_list;

use super::messages::{print_failures, warn_about_inventories};
use super::outputs::ReportFiles;
use super::progress::with_progress;
use super::verbose;
use crate::cli::{CheckArgs, Color, FixMode};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::Applicability;
use crate::diagnostics::outcome::Outcome;
use crate::edit::add_ignores::{self, AddedIgnores};
use crate::edit::fix::{ChangedFile, FixResult, Fixer, Rescanner};
use crate::inventory::Inventories;
use crate::inventory::lookup::LookupResults;
use crate::lint::leaks::{self, LeakScanner, SearchedFiles};
use crate::lint::pipeline;
use crate::lint::registered_servers::RegisteredServers;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::output::style::OutputStyle;
use crate::output::{self, Format, diff, statistics, summary_line};
use crate::project::config::{self, Config};
use crate::project::git::Git;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{Workspace, config_identity, select_environments};
use baseline_file::{BaselineFile, known_baseline};
use check_level::{choose_level, effective_level};
use check_notes::{CheckNotes, warn_of_obsolete_entries};
use check_options::{refuse_contradictions, warn_of_deselected_leaks};
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Checks the selected files. Every requested report is written even if the run cannot begin: it
/// then contains the failures.
pub(super) fn check(
    args: &CheckArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (outputs, unusable) = ReportFiles::new(args, context);
    let result = match unusable {
        Some(failure) => Err(failure.into()),
        None => run_check(args, color, &outputs, context),
    };
    match result {
        Err(CommandError::Failed(failures)) => {
            let config = config_identity(
                &args.files,
                &context.cwd,
                Git::new(context.env.as_ref()).owners(),
            );
            let mut report = Report {
                failures,
                config,
                ..Report::default()
            };
            report.failures.extend(outputs.write(&report));
            // A human report of failures goes to standard error, where the caller prints them.
            if args.reports.stdout != Format::Human {
                write_to_stdout(args, &report, OutputStyle::PLAIN, context.stdout.out)?;
            }
            Err(CommandError::Failed(report.failures))
        }
        result => result,
    }
}

fn run_check(
    args: &CheckArgs,
    color: Color,
    outputs: &ReportFiles,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let chosen_level = choose_level(args, context.env.as_ref())?;
    let mut workspace = open_workspace(args, context)?;
    let decisive_file = workspace.widen_to_project(&args.inventory);
    refuse_contradictions(args, workspace.stdin.is_some())?;
    warn_of_deselected_leaks(args, context)?;
    if args.list_files {
        return workspace.list_files(args, chosen_level, color, context);
    }
    let mut new_baseline = args
        .write_baseline
        .as_ref()
        .map(|file| BaselineFile::open(file, context))
        .transpose()?;
    let mut scan = workspace.scan(context)?;
    workspace.check_environments(&args.environment)?;
    let mut baseline = known_baseline(args, &workspace, context)?;
    if let Some(known) = baseline
        .as_mut()
        .or(new_baseline.as_mut().map(|file| &mut file.previous))
    {
        known.find_files(&workspace.path_roots.root);
    }
    let (level, has_lookups) = effective_level(args, chosen_level, &workspace, context)?;
    let inventories = workspace.inventories(&scan, &args.inventory, level, context)?;
    let other_files = workspace.other_files();
    let (mut failures, mut values, mut registered) = (Vec::new(), None, None);
    if args.leaks && has_lookups {
        values = find_leaks(&workspace, &inventories, &mut scan, &mut failures, context)?;
    }
    if args.registered {
        let read = workspace.add_registered(&mut scan, &inventories, chosen_level, context)?;
        failures.extend(read.1);
        registered = Some(read.0).filter(|servers| !servers.is_empty());
    }
    let settings = Settings {
        registered: registered.as_ref(),
        other_files: other_files.as_ref(),
        honor_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        replaced_baseline: new_baseline.as_ref().map(|file| &file.previous),
        leaks: args.leaks,
        ..workspace.settings(level, &inventories)
    };
    let rescanner = Rescanner {
        roots: &workspace.path_roots,
        values: values.as_ref(),
        walked_folders: &workspace.selection.folders,
    };
    let run = CheckRun {
        args,
        color,
        workspace: &workspace,
        settings: &settings,
        rescanner: &rescanner,
        decisive_file: decisive_file.as_deref(),
        new_baseline: new_baseline.as_ref(),
        outputs,
    };
    run.complete(scan, failures, context)
}

/// Opens the workspace with the configs as the flags change them.
fn open_workspace(args: &CheckArgs, context: &mut Context<'_>) -> Result<Workspace, CommandError> {
    let (rules, environments) = (args.rules.clone(), args.environment.clone());
    let adjust = move |config: &mut Config| {
        rules.apply(config);
        select_environments(&environments, config);
    };
    let mut workspace = Workspace::open_adjusted(&args.files, adjust, context)?;
    workspace.path_roots.honor_literal_comments = !args.no_ignores;
    workspace.scripts = true;
    workspace.path_roots.keep_documents = args.registered;
    Ok(workspace)
}

/// The part of a run after the scan.
struct CheckRun<'r> {
    args: &'r CheckArgs,
    color: Color,
    workspace: &'r Workspace,
    settings: &'r Settings<'r>,
    rescanner: &'r Rescanner<'r>,
    /// The listed file because of which the run checks the whole project.
    decisive_file: Option<&'r Path>,
    /// The file of `--write-baseline`.
    new_baseline: Option<&'r BaselineFile>,
    outputs: &'r ReportFiles,
}

impl CheckRun<'_> {
    /// Checks the scanned files, writes all reports, and prints notes and failures. `failures` come
    /// from the steps before.
    fn complete(
        &self,
        mut scan: Scan,
        failures: Vec<Failure>,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let mut report = self.evaluate(&mut scan, failures, context)?;
        let config = &self.workspace.config;
        report.config = config.file.as_deref().map(config::repository_path);
        let ignores = self.add_ignores(&mut scan, &mut report);
        if let Some(Err(failure)) = self
            .new_baseline
            .map(|file| file.write(&mut report, &scan, context))
        {
            report.failures.push(failure);
        }
        context.summary = Some(summary_line(&report.summary));
        // The files first: they are complete even if standard output cannot be written.
        report.failures.extend(self.outputs.write(&report));
        let answers = self.print(&mut scan, &mut report, ignores.as_ref(), context)?;
        let notes = CheckNotes {
            args: self.args,
            workspace: self.workspace,
            scan: &scan,
            report: &report,
            ignores: ignores.as_ref(),
            decisive_file: self.decisive_file,
            level: self.settings.level.highest(config),
        };
        notes.print(context)?;
        let servers = self.settings.registered.into_iter();
        let servers = servers.flat_map(RegisteredServers::inventories);
        let queried: BTreeSet<usize> = answers.queried_inventories().chain(servers).collect();
        warn_about_inventories(self.settings.inventories, queried.into_iter(), context)?;
        if self.settings.baseline.is_some() {
            warn_of_obsolete_entries(&report, context)?;
        }
        print_failures(&report.failures, self.color, context)?;
        let outcome = report.outcome(self.args.deny_warnings);
        Ok(if self.args.exit_zero && outcome == Outcome::Findings {
            Outcome::Clean
        } else {
            outcome
        })
    }

    /// Checks the scanned files, after the fixes of `--fix` were written. `failures` come from the
    /// steps before.
    fn evaluate(
        &self,
        scan: &mut Scan,
        mut failures: Vec<Failure>,
        context: &mut Context<'_>,
    ) -> Result<Report, CommandError> {
        let mut fixed = FixResult::default();
        if let (Some(mode), false) = (self.args.fix, self.args.diff) {
            fixed = self.fix(scan, mode, Arc::default(), context);
            failures.extend(fixed.write(scan, self.settings, self.rescanner));
        }
        if self.args.verbose {
            verbose::write_files(scan, self.settings, context.stderr.out)?;
        }
        let answers = std::mem::take(&mut fixed.answers);
        let mut report = with_progress(context, "look-ups", |progress| {
            pipeline::check_with_answers(scan, self.settings, answers, progress)
        });
        if self.args.verbose {
            verbose::write_other_files(self.settings, context.stderr.out)?;
        }
        report.failures.append(&mut failures);
        let mut reported = HashSet::new();
        report
            .failures
            .retain(|failure| reported.insert(failure.to_string()));
        if let Some(values) = self.rescanner.values {
            report.findings = values.redact_findings(std::mem::take(&mut report.findings));
        }
        report.summary.fixed = fixed.count();
        Ok(report)
    }

    /// Applies fixes to the scan, without writing files. `answers` are the look-ups that are
    /// already known.
    fn fix(
        &self,
        scan: &mut Scan,
        mode: FixMode,
        answers: Arc<LookupResults>,
        context: &mut Context<'_>,
    ) -> FixResult {
        let applicability = match mode {
            FixMode::Safe => Applicability::Safe,
            FixMode::Suggestions => Applicability::Suggestion,
        };
        with_progress(context, "look-ups", |progress| {
            Fixer::new(self.rescanner, applicability).run(scan, self.settings, answers, progress)
        })
    }

    /// Adds the comments of `--add-ignores`, and writes them unless `--diff` is given. Returns
    /// `None` without `--add-ignores`.
    fn add_ignores(&self, scan: &mut Scan, report: &mut Report) -> Option<AddedIgnores> {
        let mut ignores = self
            .args
            .add_ignores
            .then(|| add_ignores::plan(scan, report, self.settings, self.rescanner))?;
        if !self.args.diff {
            ignores.write(scan, self.settings, self.rescanner, report);
        }
        Some(ignores)
    }

    /// Prints the report, and the diff of `--diff`. With a diff, the report goes to standard error.
    /// Returns the look-ups of the run.
    fn print(
        &self,
        scan: &mut Scan,
        report: &mut Report,
        ignores: Option<&AddedIgnores>,
        context: &mut Context<'_>,
    ) -> io::Result<Arc<LookupResults>> {
        let stdout_style = context.stdout_style(self.color);
        if !self.args.diff {
            write_to_stdout(self.args, report, stdout_style, context.stdout.out)?;
            context.stdout.out.flush()?;
            return Ok(std::mem::take(&mut report.references).into_answers());
        }
        let stderr_style = context.stderr_style(self.color);
        write_to_stdout(self.args, report, stderr_style, context.stderr.out)?;
        if let Some(ignores) = ignores {
            write_diffs(ignores.changed(), stdout_style, context)?;
        }
        let mut answers = std::mem::take(&mut report.references).into_answers();
        if let Some(mode) = self.args.fix {
            let fixed = self.fix(scan, mode, std::mem::take(&mut answers), context);
            answers = fixed.answers;
            write_diffs(fixed.changed.values(), stdout_style, context)?;
        }
        context.stdout.out.flush()?;
        Ok(answers)
    }
}

fn write_diffs<'f>(
    mut changed: impl Iterator<Item = &'f ChangedFile>,
    style: OutputStyle,
    context: &mut Context<'_>,
) -> io::Result<()> {
    changed.try_for_each(|changed| diff::write_fixed(changed, style, context.stdout.out))
}

/// Searches all text files for the values of the inventories, and adds the findings to the scan.
/// Returns the scanner, which also redacts the values; `None` if there are no values to search for.
fn find_leaks(
    workspace: &Workspace,
    inventories: &Inventories,
    scan: &mut Scan,
    failures: &mut Vec<Failure>,
    context: &mut Context<'_>,
) -> io::Result<Option<LeakScanner>> {
    let files = SearchedFiles {
        search: &workspace.search(),
        selection: &workspace.selection,
        git: &workspace.git,
        roots: &workspace.path_roots,
    };
    let found = with_progress(context, "look-ups", |progress| {
        leaks::run(&files, inventories, scan, progress)
    });
    scan.leaked_files = found.files;
    failures.extend(found.failures);
    for name in &found.without_values {
        let name = escape_control(name);
        writeln!(
            context.stderr.out,
            "warning: the inventory `{name}` contains no values for --leaks to search for"
        )?;
    }
    Ok(found.scanner)
}

/// Writes the report for standard output: the findings, or their numbers with `--statistics`.
fn write_to_stdout(
    args: &CheckArgs,
    report: &Report,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let format = args.reports.stdout;
    if args.statistics && statistics::supports(format) {
        statistics::write(format, report, out)
    } else {
        output::write(format, report, style, out)
    }
}
