//! `render`: from arguments to files.

use super::bar::watched;
use super::session::{Session, select_stack};
use super::target::Target;
use super::{Stop, World, look, tell, warn};
use crate::check;
use crate::cli::{Color, Render};
use crate::error::Failure;
use crate::excerpt::printable;
use crate::finding::Severity;
use crate::git::Git;
use crate::inventory::Inventory;
use crate::outcome::Outcome;
use crate::paths;
use crate::render::{self, Rendered};
use crate::report::human;
use crate::report::{count, summary_line};
use crate::write;

pub(super) fn render(args: &Render, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut session = Session::open(&args.files, world)?;
    session.bases.keep_documents = true;
    session.read_inventory_input(&args.inventory, world)?;
    let inventories = session.inventories(&args.inventory);
    inventories.open_chosen()?;
    if session.stdin.is_some() && args.output.is_some() && args.files.stdin_filename.is_none() {
        return Err(Failure::usage("standard input has no name to be written under")
            .with_help("give it one with --stdin-filename, or use --stdout")
            .into());
    }
    let git = Git::new(world.env.as_ref());
    let target = match &args.output {
        Some(folder) => {
            let cwd = &session.bases.cwd;
            Some(Target::new(paths::absolute(folder, cwd), cwd, Some(&git).filter(|_| !args.allow_tracked))?)
        }
        None => None,
    };
    if let Some(Target { folder, .. }) = &target {
        let holds_input = session.selection.folders.iter().any(|walked| walked.starts_with(folder));
        session.never_below = Some(folder.clone()).filter(|_| !holds_input);
    }
    let mut scan = session.scan(world)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    let settings = session.key_level(&inventories);
    let report = watched(world, "look-ups", |progress| check::run(&scan, &settings, progress));
    let checked = summary_line(&report.summary);
    world.summary = Some(format!("{checked}; nothing was rendered"));
    let outcome = report.outcome(false);
    let stops = outcome > Outcome::Clean;
    let stream = if stops { &mut world.stdout } else { &mut world.stderr };
    human::write(&report.findings, look(stream, color, world.env.as_ref()), stream.out)?;
    world.stdout.out.flush()?;
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
    human::write(&empty, look(&world.stderr, color, world.env.as_ref()), world.stderr.out)?;
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
        for file in &rendered {
            file.lines_changed(world.stdout.out)?;
        }
    }
    let sources = inventories.all().filter_map(Inventory::file).chain(session.config.file.as_deref());
    let places = match &target {
        Some(target) => target.places(&rendered, sources, &session.bases)?,
        None => Vec::new(),
    };
    if let (Some(Target { folder, real, .. }), false, false) = (&target, args.check, args.diff) {
        let content = |(path, file)| write::Content { path, text: Rendered::text(file), replaces: true };
        let files = places.into_iter().zip(&rendered).map(content);
        let files: Vec<write::Content<'_>> = files.collect();
        watched(world, "files", |progress| {
            let mut tell = |done| progress.into_iter().for_each(|progress| progress(done, files.len()));
            write::write_all(real, &files, args.mode, &mut tell)
        })?;
        let shown = printable(&paths::relative(folder, &session.bases.cwd));
        world.summary = Some(format!("rendered {what}, to `{shown}`"));
    } else {
        world.stdout.out.flush()?;
        world.summary = Some(format!("rendered {what}; nothing was written"));
    }
    Ok(Outcome::Clean)
}
