//! `check`: from arguments to reports.

use super::bar::watched;
use super::session::Session;
use super::{Stop, World, level_of_environment, look, tell, warn};
use crate::baseline::Baseline;
use crate::check::{self, Report, Settings};
use crate::cli::{Check, Color, FixWhich};
use crate::config::Level;
use crate::discover;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::finding::Applicability;
use crate::fix::{self, Again, Fixed};
use crate::inventory::{Inventories, Inventory};
use crate::leaks;
use crate::outcome::Outcome;
use crate::report::human::Look;
use crate::report::{self, Format, count, summary_line};
use crate::scan::Scan;
use crate::write;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Checks, and writes every report that was asked for: also one without findings, where the run cannot begin.
pub(super) fn check(args: &Check, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let (outputs, misplaced) = Outputs::new(args, world);
    let ended = match misplaced {
        Some(failure) => Err(failure.into()),
        None => checked(args, color, &outputs, world),
    };
    match ended {
        Err(Stop::Failed(failures)) => {
            let report = Report { failures: failures.clone(), ..Report::default() };
            let written = outputs.write(&report);
            // It goes on to standard error by itself.
            if args.reports.stdout != Format::Human {
                report::write(args.reports.stdout, &report, Look::PLAIN, world.stdout.out)?;
            }
            written?;
            Err(Stop::Failed(failures))
        }
        ended => ended,
    }
}

fn checked(args: &Check, color: Color, outputs: &Outputs<'_>, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let level = match args.level {
        Some(level) => Some(level),
        None => level_of_environment(world.env.as_ref())?,
    };
    let mut session = Session::open(&args.files, world)?;
    session.bases.heed_literals = !args.no_ignores;
    session.scripts = true;
    let level = level.or(session.config.level).unwrap_or_default();
    let inventories = session.inventories(&args.inventory);
    outputs.spare(&session, &inventories)?;
    refuse_contradictions(args, level, session.stdin.is_some())?;
    if level > Level::None {
        inventories.open_chosen()?;
    }
    if args.list_files {
        return session.list_files(world);
    }
    let baseline = args.baseline.as_ref().map(|file| read_baseline(file, world)).transpose()?;
    let target = args.write_baseline.as_ref().map(|file| fit_for_baseline(file, world)).transpose()?;
    let mut scan = session.scan(world)?;
    outputs.spare_files(&scan)?;
    let settings = Settings {
        whole_tree: session.covers_project(),
        heed_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        ..Settings::new(&session.config, level, &inventories)
    };
    let settings = Settings { leaks: args.leaks, ..settings };
    let (mut fixed, mut failures, mut values) = (Fixed::default(), Vec::new(), None);
    if args.leaks {
        let found = watched(world, "look-ups", |progress| {
            leaks::run(&session.texts(), &session.selection, &session.bases, &inventories, &scan, progress)
        });
        scan.leaked = found.files;
        failures.extend(found.failures);
        values = found.values;
        for name in &found.without_values {
            let name = printable(name);
            writeln!(world.stderr.out, "warning: the inventory `{name}` holds no values for --leaks to look for")?;
        }
    }
    let again = Again { bases: &session.bases, values: values.as_ref() };
    let mend = |scan: &mut Scan, which, world: &mut World<'_>| {
        watched(world, "look-ups", |progress| fix::run(scan, &settings, &again, applicability(which), progress))
    };
    if let (Some(which), false) = (args.fix, args.diff) {
        fixed = mend(&mut scan, which, world);
        failures.extend(fixed.write(&mut scan, &settings, &again));
    }
    let known = std::mem::take(&mut fixed.answers);
    let mut report = watched(world, "look-ups", |progress| check::again(&scan, &settings, known, progress));
    report.failures.append(&mut failures);
    let mut told = HashSet::new();
    report.failures.retain(|failure| told.insert(failure.to_string()));
    if let Some(values) = &values {
        report.findings.iter_mut().for_each(|finding| values.conceal(finding));
    }
    report.summary.fixed = fixed.count();
    let mut to_files = Ok(());
    if let Some((path, shown)) = &target {
        to_files = write_baseline(path, shown, &mut report, world);
    }
    // Whatever becomes of standard output, files are whole.
    let to_files = to_files.and_then(|()| outputs.write(&report));
    let to_terminal = if args.diff { &mut world.stderr } else { &mut world.stdout };
    let look = look(to_terminal, color, world.env.as_ref());
    report::write(args.reports.stdout, &report, look, to_terminal.out)?;
    if let (Some(which), true) = (args.fix, args.diff) {
        let fixed = mend(&mut scan, which, world);
        for changed in fixed.changed.values() {
            changed.write_diff(world.stdout.out)?;
        }
    }
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    if !session.selection.listed.is_empty() && !settings.whole_tree && level > Level::None {
        writeln!(world.stderr.out, "note: only listed files were looked at, so `unused-secret` was not checked")?;
    }
    warn(&inventories, report.answers.asked(), world)?;
    for entry in &report.stale {
        let (rule, path) = (printable(&entry.rule), printable(&entry.path));
        writeln!(world.stderr.out, "warning: the baseline is stale: `{rule}` in `{path}` is gone")?;
    }
    tell(&report.failures, color, world)?;
    writeln!(world.stderr.out, "{}", summary_line(&report.summary))?;
    to_files?;
    let outcome = report.outcome(args.deny_warnings);
    Ok(if args.exit_zero && outcome == Outcome::Findings { Outcome::Clean } else { outcome })
}

fn applicability(which: FixWhich) -> Applicability {
    match which {
        FixWhich::Safe => Applicability::Safe,
        FixWhich::Suggestions => Applicability::Suggestion,
    }
}

/// What flags ask for that cannot be had together.
fn refuse_contradictions(args: &Check, level: Level, stdin: bool) -> Result<(), Failure> {
    if args.leaks && level < Level::SecretAndKeyExists {
        return Err(Failure::usage("--leaks reads values, which this level does not allow")
            .with_help("check at the level secret-and-key-exists, or without --leaks"));
    }
    if stdin && args.leaks {
        return Err(Failure::usage("--leaks looks through files, and standard input is none"));
    }
    if stdin && args.fix.is_some() && !args.diff {
        return Err(Failure::usage("standard input cannot be fixed in place")
            .with_help("show what would change with `--fix --diff`"));
    }
    if args.diff && args.reports.stdout != Format::Human {
        return Err(Failure::usage("the diff takes standard output")
            .with_help("write the report to a file: `--format FORMAT --output FILE`"));
    }
    Ok(())
}

fn read_baseline(file: &Path, world: &World<'_>) -> Result<Baseline, Failure> {
    let path = discover::absolute(file, &world.cwd);
    let shown = printable(&discover::relative(&path, &world.cwd));
    let cannot = |why: &str| Failure::usage(format!("cannot read the baseline `{shown}`: {why}"));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| cannot(&plain_io(&error)).with_help("`stackref check --write-baseline FILE` makes one"))?;
    Baseline::parse(&text).map_err(|why| cannot(&why))
}

/// A baseline is written over another baseline, and over nothing else.
fn fit_for_baseline(file: &Path, world: &World<'_>) -> Result<(PathBuf, String), Failure> {
    let path = discover::absolute(file, &world.cwd);
    let shown = printable(&discover::relative(&path, &world.cwd));
    if let Ok(metadata) = path.metadata() {
        let is_ours = metadata.len() == 0 || read_baseline(file, world).is_ok();
        if !metadata.is_file() || !is_ours {
            return Err(Failure::usage(format!("`{shown}` is there already, and is no baseline"))
                .with_help("write to another file"));
        }
    } else {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)?;
    }
    Ok((path, shown))
}

/// Writes what was found to a baseline; what remains is what none can hold.
fn write_baseline(path: &Path, shown: &str, report: &mut Report, world: &mut World<'_>) -> Result<(), Failure> {
    if !report.failures.is_empty() {
        writeln!(world.stderr.out, "note: no baseline was written: not everything could be looked up").ok();
        return Ok(());
    }
    let baseline = Baseline::of(&report.findings);
    write::replace(path, shown, &baseline.text(), 0o644)?;
    writeln!(world.stderr.out, "wrote {} to `{shown}`", count(baseline.len(), "finding")).ok();
    report.leave_out(&baseline);
    Ok(())
}

/// Whether two paths lead to one file.
fn same(a: &Path, b: &Path) -> bool {
    a == b || a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// Whether a path lies in a folder that is an inventory.
fn is_below(path: &Path, folder: &Path) -> bool {
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    folder.is_dir() && parent.zip(folder.canonicalize().ok()).is_some_and(|(parent, folder)| parent.starts_with(folder))
}

/// Bytes at their beginning that reports of one format share, and hardly any other file with them.
const ALIKE: usize = 16;

/// The files that reports go to.
struct Outputs<'a> {
    files: Vec<(Format, PathBuf, String)>,
    args: &'a Check,
    /// Whether it is known that none of them is something that the run reads.
    apart: Cell<bool>,
}

impl<'a> Outputs<'a> {
    /// Looks at the places before anything else is done; those that are fit, and what is wrong with the others.
    fn new(args: &'a Check, world: &World<'_>) -> (Self, Option<Failure>) {
        let (mut files, mut misplaced) = (Vec::<(Format, PathBuf, String)>::new(), None);
        for (format, file) in &args.reports.files {
            let path = discover::absolute(file, &world.cwd);
            let shown = printable(&discover::relative(&path, &world.cwd));
            let fit = if path.is_dir() {
                Err(Failure::usage(format!("cannot write a report to `{shown}`: it is a folder")))
            } else if files.iter().any(|(_, other, _)| same(other, &path)) {
                Err(Failure::usage(format!("two reports would be written to `{shown}`")))
            } else if path.exists() {
                Ok(())
            } else {
                write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)
            };
            match fit {
                Ok(()) => files.push((*format, path, shown)),
                Err(failure) => misplaced = misplaced.or(Some(failure)),
            }
        }
        (Self { files, args, apart: Cell::new(false) }, misplaced)
    }

    /// Refuses to write over what the run reads.
    fn spare(&self, session: &Session<'_>, inventories: &Inventories) -> Result<(), Failure> {
        let read: Vec<&Path> = inventories
            .all()
            .filter_map(Inventory::file)
            .chain(session.config.file.as_deref())
            .chain(self.args.baseline.as_deref())
            .chain(self.args.write_baseline.as_deref())
            .chain(self.args.files.files_from.as_deref())
            .chain(session.selection.named.iter().map(PathBuf::as_path))
            .collect();
        let read: Vec<PathBuf> = read.into_iter().map(|path| discover::absolute(path, &session.bases.cwd)).collect();
        self.refuse(|path| read.iter().any(|read| same(path, read) || is_below(path, read)))?;
        self.apart.set(true);
        Ok(())
    }

    /// Refuses to write over what was found on the way.
    fn spare_files(&self, scan: &Scan) -> Result<(), Failure> {
        let result = self.refuse(|path| path.exists() && scan.files.iter().any(|file| same(path, &file.path)));
        self.apart.set(result.is_ok());
        result
    }

    fn refuse(&self, is_read: impl Fn(&Path) -> bool) -> Result<(), Failure> {
        match self.files.iter().find(|(_, path, _)| is_read(path)) {
            None => Ok(()),
            Some((_, _, shown)) => {
                Err(Failure::usage(format!("a report would be written over `{shown}`, which is read"))
                    .with_help("write to another file"))
            }
        }
    }

    /// Writes them all, each whole; before it is known what the run reads only those that are not there yet, or that are a
    /// report already.
    fn write(&self, report: &Report) -> Result<(), Failure> {
        for (format, path, shown) in &self.files {
            let mut bytes = Vec::new();
            let cannot = |error: &io::Error| Failure::usage(format!("cannot write `{shown}`: {}", plain_io(error)));
            report::write(*format, report, Look::PLAIN, &mut bytes).map_err(|error| cannot(&error))?;
            let is_report = |there: Vec<u8>| bytes.len() >= ALIKE && there.get(..ALIKE) == bytes.get(..ALIKE);
            if !self.apart.get() && path.symlink_metadata().is_ok() && !std::fs::read(path).is_ok_and(is_report) {
                continue;
            }
            // A pipe, a terminal or a stream of this process cannot be replaced.
            let is_stream = path.starts_with("/dev") || path.starts_with("/proc");
            if is_stream || path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
                let stream = std::fs::OpenOptions::new().append(true).open(path);
                stream.and_then(|mut stream| stream.write_all(&bytes)).map_err(|error| cannot(&error))?;
            } else {
                write::replace(path, shown, &String::from_utf8_lossy(&bytes), 0o644)?;
            }
        }
        Ok(())
    }
}
