//! `render`: from arguments to files.

use super::progress::with_progress;
use super::target::OutputFolder;
use super::workspace::{KEY_LEVEL, Workspace, select_stack};
use super::{CommandError, Context, output_style, print_failures, warn_about_inventories};
use crate::cli::{Color, RenderArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::outcome::Outcome;
use crate::edit::substitution::{self, RenderedFile};
use crate::inventory::Inventory;
use crate::lint::pipeline;
use crate::output::{count, diff, human, summary_line};
use crate::project::git::Git;
use crate::system::write;
use std::io;

pub(super) fn render(args: &RenderArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let mut workspace = Workspace::open(&args.files, context)?;
    workspace.path_roots.keep_documents = true;
    if workspace.stdin.is_some() && args.output.is_some() && args.files.stdin_filename.is_none() {
        return Err(Failure::usage("standard input has no name to be written under")
            .with_help("give it one with --stdin-filename, or use --stdout")
            .into());
    }
    let git = Git::new(context.env.as_ref());
    let target = match &args.output {
        Some(folder) => {
            let cwd = &workspace.path_roots.cwd;
            Some(OutputFolder::new(folder, cwd, Some(&git).filter(|_| !args.allow_tracked))?)
        }
        None => None,
    };
    if let Some(OutputFolder { folder, .. }) = &target {
        let holds_input = workspace.selection.folders.iter().any(|walked| walked.starts_with(folder));
        workspace.output_folder = Some(folder.clone()).filter(|_| !holds_input);
    }
    let mut scan = workspace.scan(context)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    let inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    let settings = workspace.key_level(&inventories);
    let report = with_progress(context, "look-ups", |progress| pipeline::run(&scan, &settings, progress));
    let checked = summary_line(&report.summary);
    context.summary = Some(format!("{checked}; nothing was rendered"));
    let outcome = report.outcome(false);
    let stops = outcome > Outcome::Clean;
    write_findings(&report.findings, args, color, context)?;
    workspace.notes(&scan, context)?;
    warn_about_inventories(&inventories, report.references.answers().queried_inventories(), context)?;
    if stops {
        print_failures(&report.failures, color, context)?;
        return Ok(outcome);
    }
    let rendered =
        with_progress(context, "look-ups", |progress| substitution::run(&scan, &report, &settings, progress));
    let mut rendered = rendered?;
    let empty = rendered.iter_mut().flat_map(|file| std::mem::take(&mut file.empty_values)).collect();
    let empty = pipeline::finalize_findings(empty, &scan, &settings);
    write_findings(&empty, args, color, context)?;
    if empty.iter().any(|finding| finding.severity == Severity::Error) {
        context.summary = Some(format!("{checked}; {}; nothing was rendered", count(empty.len(), "empty value")));
        return Ok(Outcome::Findings);
    }
    if args.only_changed {
        rendered.retain(|file| file.text.is_some());
    }
    if rendered.is_empty() {
        return Err(Failure::usage("there is nothing to render: no stack file is selected").into());
    }
    let references: usize = rendered.iter().map(RenderedFile::replaced_count).sum();
    let what = format!("{}, {}", count(rendered.len(), "file"), count(references, "reference"));
    if args.stdout {
        let [file] = rendered.as_slice() else {
            let found = count(rendered.len(), "file");
            return Err(Failure::usage(format!("--stdout takes one file, and {found} are selected"))
                .with_help("name the file, or write all of them with `-o DIR`")
                .into());
        };
        context.stdout.out.write_all(file.text().as_bytes())?;
    } else if args.diff {
        let style = output_style(&context.stdout, color, context.env.as_ref());
        for file in &rendered {
            diff::write_rendered(file, style, context.stdout.out)?;
        }
    }
    let configs = workspace.known_configs();
    let config_files = configs.iter().filter_map(|config| config.file.as_deref());
    let sources = inventories.all().filter_map(Inventory::file).chain(config_files);
    let places = match &target {
        Some(target) => target.output_paths(&rendered, sources, &workspace.path_roots)?,
        None => Vec::new(),
    };
    if let (Some(OutputFolder { display_path: shown, canonical: real, .. }), false, false) =
        (&target, args.check, args.diff)
    {
        let content = |(path, file)| write::NewFile { path, text: RenderedFile::text(file), replaces: true };
        let files = places.into_iter().zip(&rendered).map(content);
        let files: Vec<write::NewFile<'_>> = files.collect();
        with_progress(context, "files", |progress| {
            let mut tell = |done| progress.into_iter().for_each(|progress| progress(done, files.len()));
            write::write_all(real, &files, args.mode, &mut tell)
        })?;
        context.summary = Some(format!("rendered {what}, to `{shown}`"));
    } else {
        context.stdout.out.flush()?;
        let rest = if args.stdout { ", to standard output" } else { "; nothing was written" };
        context.summary = Some(format!("rendered {what}{rest}"));
    }
    Ok(Outcome::Clean)
}

/// Writes findings to standard output; to standard error if the output is a document or a diff, which a redirected file must
/// contain and nothing else.
fn write_findings(findings: &[Finding], args: &RenderArgs, color: Color, context: &mut Context<'_>) -> io::Result<()> {
    let stream = if args.stdout || args.diff { &mut context.stderr } else { &mut context.stdout };
    human::write(findings, output_style(stream, color, context.env.as_ref()), stream.out)?;
    context.stdout.out.flush()
}
