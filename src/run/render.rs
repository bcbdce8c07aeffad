//! `render`: from arguments to files.

use super::bar::watched;
use super::session::{KEY_LEVEL, Session, select_stack};
use super::target::Target;
use super::{Stop, World, look, tell, warn};
use crate::check;
use crate::cli::{Color, Render};
use crate::error::Failure;
use crate::finding::{Finding, Severity};
use crate::git::Git;
use crate::inventory::Inventory;
use crate::outcome::Outcome;
use crate::render::{self, Rendered};
use crate::report::{count, diff, human, summary_line};
use crate::write;
use std::io;

pub(super) fn render(args: &Render, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut session = Session::open(&args.files, world)?;
    session.bases.keep_documents = true;
    if session.stdin.is_some() && args.output.is_some() && args.files.stdin_filename.is_none() {
        return Err(Failure::usage("standard input has no name to be written under")
            .with_help("give it one with --stdin-filename, or use --stdout")
            .into());
    }
    let git = Git::new(world.env.as_ref());
    let target = match &args.output {
        Some(folder) => {
            let cwd = &session.bases.cwd;
            Some(Target::new(folder, cwd, Some(&git).filter(|_| !args.allow_tracked))?)
        }
        None => None,
    };
    if let Some(Target { folder, .. }) = &target {
        let holds_input = session.selection.folders.iter().any(|walked| walked.starts_with(folder));
        session.never_below = Some(folder.clone()).filter(|_| !holds_input);
    }
    let mut scan = session.scan(world)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    let inventories = session.inventories(&scan, &args.inventory, KEY_LEVEL, world)?;
    let settings = session.key_level(&inventories);
    let report = watched(world, "look-ups", |progress| check::run(&scan, &settings, progress));
    let checked = summary_line(&report.summary);
    world.summary = Some(format!("{checked}; nothing was rendered"));
    let outcome = report.outcome(false);
    let stops = outcome > Outcome::Clean;
    write_findings(&report.findings, args, color, world)?;
    session.notes(&scan, world)?;
    warn(&inventories, report.answers.asked(), world)?;
    if stops {
        tell(&report.failures, color, world)?;
        return Ok(outcome);
    }
    let rendered = watched(world, "look-ups", |progress| render::run(&scan, &report, &settings, progress));
    let mut rendered = rendered?;
    let empty = rendered.iter_mut().flat_map(|file| std::mem::take(&mut file.empty)).collect();
    let empty = check::weighed(empty, &scan, &settings);
    write_findings(&empty, args, color, world)?;
    if empty.iter().any(|finding| finding.severity == Severity::Error) {
        world.summary = Some(format!("{checked}; {}; nothing was rendered", count(empty.len(), "empty value")));
        return Ok(Outcome::Findings);
    }
    if args.only_changed {
        rendered.retain(|file| file.text.is_some());
    }
    if rendered.is_empty() {
        return Err(Failure::usage("there is nothing to render: no stack file is selected").into());
    }
    let references: usize = rendered.iter().map(Rendered::replaced).sum();
    let what = format!("{}, {}", count(rendered.len(), "file"), count(references, "reference"));
    if args.stdout {
        let [file] = rendered.as_slice() else {
            let found = count(rendered.len(), "file");
            return Err(Failure::usage(format!("--stdout takes one file, and {found} are selected"))
                .with_help("name the file, or write all of them with `-o DIR`")
                .into());
        };
        world.stdout.out.write_all(file.text().as_bytes())?;
    } else if args.diff {
        let look = look(&world.stdout, color, world.env.as_ref());
        for file in &rendered {
            diff::write_rendered(file, look, world.stdout.out)?;
        }
    }
    let configs = session.known_configs();
    let config_files = configs.iter().filter_map(|config| config.file.as_deref());
    let sources = inventories.all().filter_map(Inventory::file).chain(config_files);
    let places = match &target {
        Some(target) => target.places(&rendered, sources, &session.bases)?,
        None => Vec::new(),
    };
    if let (Some(Target { shown, real, .. }), false, false) = (&target, args.check, args.diff) {
        let content = |(path, file)| write::Content { path, text: Rendered::text(file), replaces: true };
        let files = places.into_iter().zip(&rendered).map(content);
        let files: Vec<write::Content<'_>> = files.collect();
        watched(world, "files", |progress| {
            let mut tell = |done| progress.into_iter().for_each(|progress| progress(done, files.len()));
            write::write_all(real, &files, args.mode, &mut tell)
        })?;
        world.summary = Some(format!("rendered {what}, to `{shown}`"));
    } else {
        world.stdout.out.flush()?;
        let rest = if args.stdout { ", to standard output" } else { "; nothing was written" };
        world.summary = Some(format!("rendered {what}{rest}"));
    }
    Ok(Outcome::Clean)
}

/// Writes findings to standard output; to standard error if the output is a document or a diff, which a redirected file must
/// contain and nothing else.
fn write_findings(findings: &[Finding], args: &Render, color: Color, world: &mut World<'_>) -> io::Result<()> {
    let stream = if args.stdout || args.diff { &mut world.stderr } else { &mut world.stdout };
    human::write(findings, look(stream, color, world.env.as_ref()), stream.out)?;
    world.stdout.out.flush()
}
