//! `render`: from arguments to files.

use super::bar::watched;
use super::session::{Session, select_stack};
use super::{Stop, World, look, tell, warn};
use crate::check;
use crate::cli::{Color, Render};
use crate::discover;
use crate::error::Failure;
use crate::excerpt::printable;
use crate::git;
use crate::inventory::Inventory;
use crate::outcome::Outcome;
use crate::render::{self, Rendered};
use crate::report::human;
use crate::report::{count, summary_line};
use crate::write;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) fn render(args: &Render, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut session = Session::open(&args.files, world)?;
    session.bases.keep_documents = true;
    let inventories = session.inventories(&args.inventory);
    inventories.open_chosen()?;
    let folder = args.output.as_ref().map(|folder| discover::absolute(folder, &session.bases.cwd));
    if session.stdin.is_some() && folder.is_some() && args.files.stdin_filename.is_none() {
        return Err(Failure::usage("standard input has no name to be written under")
            .with_help("give it one with --stdin-filename, or use --stdout")
            .into());
    }
    if let Some(folder) = &folder {
        fit_for_output(folder, args.allow_tracked)?;
        let holds_input = session.selection.folders.iter().any(|walked| walked.starts_with(folder));
        session.never_below = Some(folder.clone()).filter(|_| !holds_input);
    }
    let mut scan = session.scan(world)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    let settings = session.key_level(&inventories);
    let report = watched(world, "look-ups", |progress| check::run(&scan, &settings, progress));
    let outcome = report.outcome(false);
    let stops = outcome > Outcome::Clean;
    let stream = if stops { &mut world.stdout } else { &mut world.stderr };
    human::write(&report.findings, look(stream, color, world.env.as_ref()), stream.out)?;
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    warn(&inventories, report.answers.asked(), world)?;
    if stops {
        tell(&report.failures, color, world)?;
        writeln!(world.stderr.out, "{}; nothing was rendered", summary_line(&report.summary))?;
        return Ok(outcome);
    }
    let rendered = watched(world, "look-ups", |progress| render::run(&scan, &report, &settings, progress));
    let mut rendered = rendered?;
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
    let places = match &folder {
        Some(folder) => places(&session, &rendered, sources, folder)?,
        None => Vec::new(),
    };
    if let Some(folder) = folder.as_ref().filter(|_| !args.allow_tracked) {
        refuse_tracked(folder, &places)?;
    }
    if let (Some(folder), false, false) = (&folder, args.check, args.diff) {
        let content = |(path, file)| write::Content { path, text: Rendered::text(file), replaces: true };
        let files = places.into_iter().zip(&rendered).map(content);
        let files: Vec<write::Content<'_>> = files.collect();
        watched(world, "files", |progress| {
            let mut tell = |done| progress.into_iter().for_each(|progress| progress(done, files.len()));
            write::write_all(folder, &files, args.mode, &mut tell)
        })?;
        let shown = printable(&discover::relative(folder, &session.bases.cwd));
        writeln!(world.stderr.out, "rendered {what}, to `{shown}`")?;
    } else {
        world.stdout.out.flush()?;
        writeln!(world.stderr.out, "rendered {what}; nothing was written")?;
    }
    Ok(Outcome::Clean)
}

/// Where each rendered file goes, below `folder`: its path from the working directory, or from the repository's root where
/// it lies outside of that.
fn places<'i>(
    session: &Session<'_>,
    rendered: &[Rendered<'_>],
    sources: impl Iterator<Item = &'i Path>,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    // By what the system knows them as, since the folder may be a link to that of the inputs.
    let inode = |path: &Path| path.symlink_metadata().map(|metadata| write::inode(&metadata)).ok();
    let sources: Vec<PathBuf> = sources.filter_map(|path| path.canonicalize().ok()).collect();
    let files =
        rendered.iter().map(|rendered| rendered.file.path.as_path()).chain(sources.iter().map(PathBuf::as_path));
    let inputs: BTreeSet<write::Inode> = files.filter_map(inode).collect();
    let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
    let mut places = Vec::with_capacity(rendered.len());
    let real = git::real(folder);
    for Rendered { file, .. } in rendered {
        let shown = printable(file.source.path());
        let place = file.path.strip_prefix(&session.bases.cwd).or_else(|_| file.path.strip_prefix(&session.bases.root));
        let Ok(place) = place else {
            return Err(Failure::usage(format!("`{shown}` lies outside the working directory and its repository"))
                .with_help("run this from a folder that holds it"));
        };
        let target = real.join(place);
        // An inventory may be a folder, of whose files none is to be replaced, either.
        let is_input = inode(&target).is_some_and(|target| inputs.contains(&target));
        if is_input || sources.iter().any(|source| target.starts_with(source)) {
            return Err(Failure::usage(format!("`{shown}` would be written over an input"))
                .with_help("render to another folder"));
        }
        if let Some(other) = seen.insert(place.to_path_buf(), file.source.path()) {
            let other = printable(other);
            return Err(Failure::usage(format!("`{other}` and `{shown}` would be written to one place")));
        }
        places.push(place.to_path_buf());
    }
    Ok(places)
}

/// Whether a folder may take rendered files: one that git would add to a repository may not.
fn fit_for_output(folder: &Path, allow_tracked: bool) -> Result<(), Failure> {
    let shown = printable(&folder.display().to_string());
    if folder.symlink_metadata().is_ok() && !folder.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is not a folder")));
    }
    let fit = allow_tracked || git::ignores(&folder.join("stackref.rendered")).unwrap_or(true);
    let failure = || {
        Failure::usage(format!("`{shown}` lies in a git work tree and is not ignored there"))
            .with_help("add it to .gitignore, or say that it is meant with --allow-tracked")
    };
    if fit { Ok(()) } else { Err(failure()) }
}

/// A file that git tracks is added by the next commit, whatever the ignore files say; and an ignore file may leave out all but
/// some names.
fn refuse_tracked(folder: &Path, places: &[PathBuf]) -> Result<(), Failure> {
    let folder = &git::real(folder);
    let silent = |what: &str, why: &str| {
        let shown = printable(&folder.display().to_string());
        Failure::usage(format!("git does not say what it {what} in `{shown}`: {}", printable(why)))
            .with_help("say that it is meant with --allow-tracked")
    };
    let tracked = git::tracked(folder).map_err(|why| silent("tracks", &why))?;
    if let Some(target) = places.iter().map(|place| folder.join(place)).find(|target| tracked.contains(target)) {
        return Err(Failure::usage(format!("git tracks `{}`", target.display()))
            .with_help("render to another folder, or say that it is meant with --allow-tracked"));
    }
    if let Some(place) = git::first_not_ignored(folder, places).map_err(|why| silent("ignores", &why))? {
        let shown = printable(&folder.join(place).display().to_string());
        return Err(Failure::usage(format!("git does not ignore `{shown}`"))
            .with_help("add it to .gitignore, or say that it is meant with --allow-tracked"));
    }
    Ok(())
}
