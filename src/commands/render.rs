//! `render`: checks the selected files, replaces their references, and writes the copies.
//! `edit::substitution` does the replacing, and the output folder is checked in [`super::target`].

use super::messages::{print_failures, warn_about_inventories};
use super::progress::with_progress;
use super::target::OutputFolder;
use crate::cli::{Color, RenderArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::outcome::Outcome;
use crate::edit::substitution::{self, RenderedFile};
use crate::inventory::Inventory;
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::output::{count, diff, human, summary_line};
use crate::project::git::Git;
use crate::system::write::{self, FilePermissions};
use crate::workspace::context::{CommandError, Context};
use crate::workspace::{KEY_LEVEL, Workspace, select_stack};
use std::io;
use std::path::PathBuf;

pub(super) fn render(
    args: &RenderArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let mut workspace = Workspace::open_in_environments(&args.files, &args.environment, context)?;
    workspace.path_roots.keep_documents = true;
    refuse_unnamed_input(args, &workspace)?;
    let git = Git::new(context.env.as_ref());
    let target = open_target(args, &workspace, &git)?;
    workspace.output_folder = target
        .as_ref()
        .and_then(|target| folder_to_skip(target, &workspace));
    let mut scan = workspace.scan(context)?;
    workspace.require_one_environment("render", &args.environment, &args.inventory)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    let inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    let settings = workspace.key_level(&inventories);
    let run = RenderRun {
        args,
        color,
        workspace: &workspace,
        scan: &scan,
        settings: &settings,
    };
    let report = run.check(context)?;
    let outcome = report.outcome(false);
    if outcome > Outcome::Clean {
        print_failures(&report.failures, color, context)?;
        return Ok(outcome);
    }
    let Some(mut rendered) = run.substitute(&report, context)? else {
        return Ok(Outcome::Findings);
    };
    if args.only_changed {
        rendered.retain(|file| file.text.is_some());
    }
    if rendered.is_empty() {
        return Err(
            Failure::usage("no stack file is selected, so there is nothing to render").into(),
        );
    }
    print_rendered(&rendered, args, color, context)?;
    let outputs = match &target {
        Some(target) => run.output_paths(target, &rendered)?,
        None => Vec::new(),
    };
    write_copies(&rendered, outputs, target.as_ref(), args, context)?;
    Ok(Outcome::Clean)
}

/// A run after the scan.
struct RenderRun<'r> {
    args: &'r RenderArgs,
    color: Color,
    workspace: &'r Workspace,
    scan: &'r Scan,
    settings: &'r Settings<'r>,
}

impl<'r> RenderRun<'r> {
    /// Checks the scanned files, and prints the findings, notes and warnings.
    fn check(&self, context: &mut Context<'_>) -> Result<Report, CommandError> {
        let report = with_progress(context, "look-ups", |progress| {
            pipeline::run(self.scan, self.settings, progress)
        });
        let checked = summary_line(&report.summary);
        context.summary = Some(format!("{checked}; nothing was rendered"));
        write_findings(&report.findings, self.args, self.color, context)?;
        self.workspace.notes(self.scan, context)?;
        warn_about_inventories(
            self.settings.inventories,
            report.references.answers().queried_inventories(),
            context,
        )?;
        Ok(report)
    }

    /// Replaces the references of a report, and prints the findings about empty values. Returns
    /// `None` if a finding is an error.
    fn substitute(
        &self,
        report: &'r Report,
        context: &mut Context<'_>,
    ) -> Result<Option<Vec<RenderedFile<'r>>>, CommandError> {
        let rendered = with_progress(context, "look-ups", |progress| {
            substitution::run(self.scan, report, self.settings, progress)
        });
        let mut rendered = rendered?;
        let empty = rendered
            .iter_mut()
            .flat_map(|file| std::mem::take(&mut file.empty_values))
            .collect();
        let empty = pipeline::finalize_findings(empty, self.scan, self.settings);
        write_findings(&empty, self.args, self.color, context)?;
        if empty
            .iter()
            .any(|finding| finding.severity == Severity::Error)
        {
            let checked = summary_line(&report.summary);
            context.summary = Some(format!(
                "{checked}; {}; nothing was rendered",
                count(empty.len(), "empty value")
            ));
            return Ok(None);
        }
        Ok(Some(rendered))
    }

    /// Returns the path of each copy. A copy must not replace an inventory or a config of the run.
    fn output_paths(
        &self,
        target: &OutputFolder<'_>,
        rendered: &[RenderedFile<'_>],
    ) -> Result<Vec<PathBuf>, Failure> {
        let configs = self.workspace.known_configs();
        let config_files = configs.iter().filter_map(|config| config.file.as_deref());
        let sources = self
            .settings
            .inventories
            .all()
            .filter_map(Inventory::file)
            .chain(config_files);
        target.output_paths(rendered, sources, &self.workspace.path_roots)
    }
}

/// Refuses to write standard input to a folder without a file name.
fn refuse_unnamed_input(args: &RenderArgs, workspace: &Workspace) -> Result<(), Failure> {
    if workspace.stdin.is_some() && args.output.is_some() && args.files.stdin_filename.is_none() {
        return Err(
            Failure::usage("cannot write standard input to a folder: it has no file name")
                .with_help("give it one with --stdin-filename, or use --stdout"),
        );
    }
    Ok(())
}

/// Checks the folder of `--output`. Returns `None` without `--output`.
fn open_target<'g>(
    args: &RenderArgs,
    workspace: &Workspace,
    git: &'g Git,
) -> Result<Option<OutputFolder<'g>>, Failure> {
    let Some(folder) = &args.output else {
        return Ok(None);
    };
    OutputFolder::new(
        folder,
        &workspace.path_roots.cwd,
        Some(git).filter(|_| !args.allow_tracked),
    )
    .map(Some)
}

/// Returns the output folder if the scan skips it, so that copies of an earlier run are not read.
/// It is not skipped if it contains the input.
fn folder_to_skip(target: &OutputFolder<'_>, workspace: &Workspace) -> Option<PathBuf> {
    let contains_input = workspace
        .selection
        .folders
        .iter()
        .any(|folder| folder.starts_with(&target.folder));
    (!contains_input).then(|| target.folder.clone())
}

/// Prints the copy for `--stdout`, or the diffs for `--diff`.
fn print_rendered(
    rendered: &[RenderedFile<'_>],
    args: &RenderArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<(), CommandError> {
    if args.stdout {
        let [file] = rendered else {
            let found = count(rendered.len(), "file");
            return Err(Failure::usage(format!(
                "--stdout prints one file, but {found} are selected"
            ))
            .with_help("name the file, or write all files with `-o DIR`")
            .into());
        };
        context.stdout.out.write_all(file.text().as_bytes())?;
    } else if args.diff {
        let style = context.stdout_style(color);
        for file in rendered {
            diff::write_rendered(file, style, context.stdout.out)?;
        }
    }
    Ok(())
}

/// Writes the copies to their paths in the output folder, unless this run only checks or prints.
/// Sets the summary.
fn write_copies(
    rendered: &[RenderedFile<'_>],
    outputs: Vec<PathBuf>,
    target: Option<&OutputFolder<'_>>,
    args: &RenderArgs,
    context: &mut Context<'_>,
) -> Result<(), CommandError> {
    let references: usize = rendered.iter().map(RenderedFile::replaced_count).sum();
    let rendered_count = format!(
        "{}, {}",
        count(rendered.len(), "file"),
        count(references, "reference")
    );
    let Some(target) = target.filter(|_| !args.check && !args.diff) else {
        context.stdout.out.flush()?;
        let rest = if args.stdout {
            ", to standard output"
        } else {
            "; nothing was written"
        };
        context.summary = Some(format!("rendered {rendered_count}{rest}"));
        return Ok(());
    };
    let files = outputs.into_iter().zip(rendered);
    let files: Vec<write::NewFile<'_>> = files
        .map(|(path, file)| write::NewFile {
            path,
            text: file.text(),
            existing: write::ExistingFile::Replace,
        })
        .collect();
    with_progress(context, "files", |progress| {
        let mut report_progress = |done| {
            if let Some(progress) = progress {
                progress(done, files.len());
            }
        };
        write::write_all(
            &target.canonical,
            &files,
            FilePermissions::Mode(args.mode),
            &mut report_progress,
        )
    })?;
    context.summary = Some(format!(
        "rendered {rendered_count}, to `{}`",
        target.display_path
    ));
    Ok(())
}

/// Writes findings to standard output; to standard error if standard output is a document or a
/// diff, which must contain nothing else.
fn write_findings(
    findings: &[Finding],
    args: &RenderArgs,
    color: Color,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let to_stderr = args.stdout || args.diff;
    let style = if to_stderr {
        context.stderr_style(color)
    } else {
        context.stdout_style(color)
    };
    let out = if to_stderr {
        &mut *context.stderr.out
    } else {
        &mut *context.stdout.out
    };
    human::write(findings, style, out)?;
    context.stdout.out.flush()
}
