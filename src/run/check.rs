//! `check`: from arguments to reports.

use super::bar::watched;
use super::session::Session;
use super::{Stop, World, level_of_environment, look, tell, warn};
use crate::baseline::Baseline;
use crate::check::{self, Report, Settings};
use crate::cli::{Check, Color, FixWhich};
use crate::config::Level;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::finding::Applicability;
use crate::fix::{self, Again, Fixed};
use crate::inventory::lookup::Answers;
use crate::leaks;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::human::Look;
use crate::report::{self, Format, count, summary_line};
use crate::scan::Scan;
use crate::write::{self, Place};
use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
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
            let mut report = Report { failures, ..Report::default() };
            report.failures.extend(outputs.write(&report));
            // It goes on to standard error by itself.
            if args.reports.stdout != Format::Human {
                report::write(args.reports.stdout, &report, Look::PLAIN, world.stdout.out)?;
            }
            Err(Stop::Failed(report.failures))
        }
        ended => ended,
    }
}

fn checked(args: &Check, color: Color, outputs: &Outputs, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let level = match args.level {
        Some(level) => Some(level),
        None => level_of_environment(world.env.as_ref())?,
    };
    let mut session = Session::open(&args.files, world)?;
    session.bases.heed_literals = !args.no_ignores;
    session.scripts = true;
    let level = level.or(session.config.level).unwrap_or_default();
    let inventories = session.inventories(&args.inventory);
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
    let settings = Settings {
        whole_tree: session.covers_project(),
        heed_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        leaks: args.leaks,
        ..Settings::new(&session.config, level, &inventories)
    };
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
    let again = Again { bases: &session.bases, values: values.as_ref(), walked: &session.selection.folders };
    let mend = |scan: &mut Scan, which, known, world: &mut World<'_>| {
        watched(world, "look-ups", |progress| fix::run(scan, &settings, &again, applicability(which), known, progress))
    };
    if let (Some(which), false) = (args.fix, args.diff) {
        fixed = mend(&mut scan, which, Answers::default(), world);
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
    if let Some((place, shown)) = &target
        && let Err(failure) = write_baseline(place, shown, &mut report, world)
    {
        report.failures.push(failure);
    }
    // Whatever becomes of standard output, files are whole.
    report.failures.extend(outputs.write(&report));
    let to_terminal = if args.diff { &mut world.stderr } else { &mut world.stdout };
    let look = look(to_terminal, color, world.env.as_ref());
    report::write(args.reports.stdout, &report, look, to_terminal.out)?;
    if let (Some(which), true) = (args.fix, args.diff) {
        let fixed = mend(&mut scan, which, std::mem::take(&mut report.answers), world);
        report.answers = fixed.answers;
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
    let path = paths::absolute(file, &world.cwd);
    let shown = printable(&paths::relative(&path, &world.cwd));
    let cannot = |why: &str| Failure::usage(format!("cannot read the baseline `{shown}`: {why}"));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| cannot(&plain_io(&error)).with_help("`stackref check --write-baseline FILE` makes one"))?;
    Baseline::parse(&text).map_err(|why| cannot(&why))
}

/// A baseline is written over another baseline, and over nothing else. Its place is held from here on.
fn fit_for_baseline(file: &Path, world: &World<'_>) -> Result<(Place, String), Failure> {
    let path = paths::absolute(file, &world.cwd);
    let shown = printable(&paths::relative(&path, &world.cwd));
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)?;
    }
    let place = Place::of(&path, &shown)?;
    let text = place.file().and_then(io::read_to_string);
    let is_ours = match &text {
        Ok(text) => text.is_empty() || Baseline::parse(text).is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !is_ours {
        let failure = Failure::usage(format!("`{shown}` is there already, and is no baseline"));
        return Err(failure.with_help("write to another file"));
    }
    Ok((place, shown))
}

/// Writes what was found to a baseline; what remains is what none can hold.
fn write_baseline(place: &Place, shown: &str, report: &mut Report, world: &mut World<'_>) -> Result<(), Failure> {
    if !report.failures.is_empty() {
        writeln!(world.stderr.out, "note: no baseline was written: not everything could be looked up").ok();
        return Ok(());
    }
    let baseline = Baseline::of(&report.findings);
    place.replace(&baseline.text())?;
    writeln!(world.stderr.out, "wrote {} to `{shown}`", count(baseline.len(), "finding")).ok();
    report.leave_out(&baseline);
    Ok(())
}

/// Whether two paths lead to one file, be it there or not.
fn same(a: &Path, b: &Path) -> bool {
    paths::real(a) == paths::real(b)
}

/// The files that reports go to.
struct Outputs {
    files: Vec<Output>,
}

/// One of them.
struct Output {
    format: Format,
    path: PathBuf,
    shown: String,
    /// Held from the start; nothing where it is a stream, which cannot be replaced.
    place: Option<Place>,
}

impl Outputs {
    /// Looks at the places before anything else is done; those that are fit, and what is wrong with the others.
    fn new(args: &Check, world: &World<'_>) -> (Self, Option<Failure>) {
        let (mut files, mut misplaced) = (Vec::<Output>::new(), None);
        let baselines: Vec<PathBuf> = [&args.baseline, &args.write_baseline]
            .into_iter()
            .flatten()
            .map(|file| paths::absolute(file, &world.cwd))
            .collect();
        for (format, file) in &args.reports.files {
            let path = paths::absolute(file, &world.cwd);
            let shown = printable(&paths::relative(&path, &world.cwd));
            let refused = |why: &str| {
                Err(Failure::usage(format!("cannot write a report to `{shown}`: {why}"))
                    .with_help("write to another file"))
            };
            let fit = if path.is_dir() {
                refused("it is a folder")
            } else if is_standard_output(&path) {
                refused("it is standard output, where a report goes without --output")
            } else if files.iter().any(|other| same(&other.path, &path)) {
                refused("another one goes there")
            } else if baselines.iter().any(|baseline| same(baseline, &path)) {
                refused("it is the baseline")
            } else {
                Output::new(*format, path, shown.clone())
            };
            match fit {
                Ok(output) => files.push(output),
                Err(failure) => misplaced = misplaced.or(Some(failure)),
            }
        }
        (Self { files }, misplaced)
    }

    /// Writes them all, each whole, and says what could not be.
    fn write(&self, report: &Report) -> Vec<Failure> {
        self.files.iter().filter_map(|output| output.write(report).err()).collect()
    }
}

impl Output {
    /// A file that is there is written over only if it is empty or a report of the same format: whatever else it is, somebody
    /// needs it.
    fn new(format: Format, path: PathBuf, shown: String) -> Result<Self, Failure> {
        if is_stream(&path) {
            return Ok(Self { format, path, shown, place: None });
        }
        if path.symlink_metadata().is_err() {
            write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)?;
        }
        let place = Place::of(&path, &shown)?;
        let is_fit = match place.file() {
            Ok(file) => is_report(format, file),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_fit {
            return Ok(Self { format, path, shown, place: Some(place) });
        }
        let words = format!("cannot write a report to `{shown}`: it is there already, and is no such report");
        Err(Failure::usage(words).with_help("write to another file"))
    }

    fn write(&self, report: &Report) -> Result<(), Failure> {
        let cannot = |error: &io::Error| write::cannot_write(&self.shown, error);
        let mut bytes = Vec::new();
        report::write(self.format, report, Look::PLAIN, &mut bytes).map_err(|error| cannot(&error))?;
        if let Some(place) = &self.place {
            return place.replace(&String::from_utf8_lossy(&bytes));
        }
        let stream = std::fs::OpenOptions::new().append(true).open(&self.path);
        stream.and_then(|mut stream| stream.write_all(&bytes)).map_err(|error| cannot(&error))
    }
}

/// Whether a path is that of a pipe, a terminal or a stream of this process; the last may lead to a file, which is written
/// on where it is.
fn is_stream(path: &Path) -> bool {
    let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    streams.iter().any(|stream| path.starts_with(stream)) || path.metadata().is_ok_and(|metadata| !metadata.is_file())
}

/// Whether a path is that of the file which standard output is led to: what goes to both would be written over each other.
fn is_standard_output(path: &Path) -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().and_then(|handle| File::from(handle).metadata());
    let same = |a: &Metadata, b: &Metadata| a.is_file() && write::inode(a) == write::inode(b);
    stdout.is_ok_and(|stdout| path.metadata().is_ok_and(|file| same(&stdout, &file)))
}

/// Whether a file is empty, or begins as a report of a format does.
fn is_report(format: Format, file: File) -> bool {
    let mut head = Vec::new();
    let read = file.take(512).read_to_end(&mut head);
    let head = String::from_utf8_lossy(&head);
    let has = |words: &[&str]| words.iter().any(|word| head.contains(word));
    let is_one = match format {
        Format::Json => head.starts_with('{') && has(&["\"version\": 1,\n  \"findings\": ["]),
        Format::Sarif => head.starts_with('{') && has(&["/sarif-2.1.0.json\""]),
        Format::Gitlab => head.trim() == "[]" || (head.starts_with('[') && has(&["\"description\": "])),
        Format::Junit => head.starts_with("<?xml") && has(&["<testsuites name=\"stackref\""]),
        Format::Github => has(&["::error ", "::warning "]),
        Format::Human | Format::Short => has(&["error[", "warning["]),
    };
    read.is_ok() && (head.is_empty() || is_one)
}
