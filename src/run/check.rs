//! `check`: from arguments to reports.

use super::bar::watched;
use super::outputs::Outputs;
use super::session::{Session, config_identity};
use super::{LEVEL_VARIABLE, Stop, World, level_of_environment, look, tell, warn};
use crate::baseline::Baseline;
use crate::check::{self, Report, Settings};
use crate::cli::{Check, Color, FixWhich};
use crate::config::{self, Config, Level};
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::files;
use crate::finding::Applicability;
use crate::fix::{self, Again, Fixed};
use crate::git::Git;
use crate::inventory::Inventories;
use crate::inventory::lookup::Answers;
use crate::leaks;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::human::Look;
use crate::report::{self, Format, count, summary_line};
use crate::repository;
use crate::scan::Scan;
use crate::write::{self, Place};
use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Checks, and writes every report that was asked for: also one without findings and with the failures, if the run cannot
/// begin.
pub(super) fn check(args: &Check, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let (outputs, misplaced) = Outputs::new(args, world);
    let ended = match misplaced {
        Some(failure) => Err(failure.into()),
        None => checked(args, color, &outputs, world),
    };
    match ended {
        Err(Stop::Failed(failures)) => {
            let config = config_identity(&args.files, &world.cwd, Git::new(world.env.as_ref()).owners());
            let mut report = Report { failures, config, ..Report::default() };
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
    let of_environment = if args.level.is_some() { None } else { level_of_environment(world.env.as_ref())? };
    let mut session = Session::open(&args.files, world)?;
    session.bases.heed_literals = !args.no_ignores;
    session.scripts = true;
    let (level, origin) = choose_level(args.level, of_environment, &session.config);
    let listed_decisive = session.widen(&args.inventory);
    let inventories = inventories_at(level, &args.inventory, &mut session, world)?;
    refuse_contradictions(args, level, session.stdin.is_some())?;
    if args.level.is_none() && !args.inventory.is_empty() {
        warn_of_lowered_level(level, &origin, world)?;
    }
    if level > Level::None {
        inventories.open_chosen()?;
    }
    if args.list_files {
        return session.list_files(world);
    }
    let mut baseline = args.baseline.as_ref().map(|file| read_baseline(file, world)).transpose()?;
    let mut target = args.write_baseline.as_ref().map(|file| fit_for_baseline(file, world)).transpose()?;
    if let Some(known) = baseline.as_mut().or(target.as_mut().map(|target| &mut target.previous)) {
        known.find_files(&session.bases.root);
    }
    let mut scan = session.scan(world)?;
    let settings = Settings {
        whole_tree: session.covers_project(),
        heed_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        replaced: target.as_ref().map(|target| &target.previous),
        level_origin: Some(origin.as_str()).filter(|origin| !origin.is_empty()),
        leaks: args.leaks,
        ..Settings::new(&session.config, level, &inventories)
    };
    let (mut fixed, mut failures, mut values) = (Fixed::default(), Vec::new(), None);
    if args.leaks {
        let found = watched(world, "look-ups", |progress| {
            leaks::run(
                &session.texts(),
                &session.git,
                &session.selection,
                &session.bases,
                &inventories,
                &scan,
                progress,
            )
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
    report.config = session.config.file.as_deref().map(config::identity);
    if let Some(target) = &target
        && let Err(failure) = write_baseline(target, &mut report, &scan, world)
    {
        report.failures.push(failure);
    }
    world.summary = Some(summary_line(&report.summary));
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
    note_list(&session, listed_decisive.as_deref(), level, world)?;
    warn(&inventories, report.answers.asked(), world)?;
    for entry in report.stale.iter().filter(|_| args.baseline.is_some()) {
        let (rule, path) = (printable(&entry.rule), printable(&entry.path));
        writeln!(world.stderr.out, "warning: the baseline is stale: `{rule}` in `{path}` is gone")?;
    }
    tell(&report.failures, color, world)?;
    let outcome = report.outcome(args.deny_warnings);
    Ok(if args.exit_zero && outcome == Outcome::Findings { Outcome::Clean } else { outcome })
}

/// Collects the inventories of a run. At the level `none` standard input is not read, either.
fn inventories_at(
    level: Level,
    chosen: &[String],
    session: &mut Session<'_>,
    world: &mut World<'_>,
) -> Result<Inventories, Failure> {
    if level > Level::None {
        session.read_inventory_input(chosen, world)?;
    }
    Ok(session.inventories(chosen))
}

/// Returns the level of a run and where it comes from: the flag, else the environment, else the config. The default has no
/// origin.
fn choose_level(flag: Option<Level>, of_environment: Option<Level>, config: &Config) -> (Level, String) {
    if let Some(level) = flag {
        return (level, "--level".to_owned());
    }
    if let Some(level) = of_environment {
        return (level, LEVEL_VARIABLE.to_owned());
    }
    let origin = config.source.as_ref().zip(config.level_span).map(|(source, span)| {
        let line = source.position(span.start).line;
        format!("{}:{line}", source.path())
    });
    (config.level.unwrap_or_default(), origin.unwrap_or_default())
}

/// Notes what a list left out, or which file in it made this run check everything.
fn note_list(session: &Session<'_>, decisive: Option<&Path>, level: Level, world: &mut World<'_>) -> io::Result<()> {
    if let Some(file) = decisive {
        let file = printable(&paths::relative(file, &session.bases.cwd));
        writeln!(
            world.stderr.out,
            "note: checked the whole project: the list contains `{file}`, which any stack may use"
        )?;
    }
    if !session.selection.listed.is_empty() && !session.covers_project() && level > Level::None {
        writeln!(world.stderr.out, "note: only listed files were looked at, so `unused-secret` was not checked")?;
    }
    Ok(())
}

/// Warns that the inventories of `--inventory` are not queried, or not for keys, as something outside the command line decides.
fn warn_of_lowered_level(level: Level, origin: &str, world: &mut World<'_>) -> io::Result<()> {
    let effect = match level {
        Level::None => "--inventory is not queried",
        Level::SecretExists => "--inventory is only queried for names of secrets",
        Level::SecretAndKeyExists => return Ok(()),
    };
    let (name, origin) = (level.name(), printable(origin));
    writeln!(
        world.stderr.out,
        "warning: level {name} from {origin}: {effect}; override it with `--level secret-and-key-exists`"
    )
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
    // A stream of this process is read to its end; anything else that is not a file may have none.
    let bytes = if path.starts_with("/dev/fd") {
        std::fs::read(&path).map(Zeroizing::new)
    } else {
        files::read(&path, files::MAX_INVENTORY)
    };
    let text = bytes.and_then(|bytes| std::str::from_utf8(&bytes).map(str::to_owned).map_err(io::Error::other));
    let text =
        text.map_err(|error| cannot(&plain_io(&error)).with_help("`stackref check --write-baseline FILE` makes one"))?;
    Baseline::parse(&text).map_err(|why| cannot(&why))
}

/// The file that `--write-baseline` writes.
struct BaselineFile {
    /// Held from before the scan.
    place: Place,
    shown: String,
    /// The baseline that is in the file now; empty if there is none.
    previous: Baseline,
}

/// A baseline is written over another baseline, and over nothing else. Its place is held from here on.
fn fit_for_baseline(file: &Path, world: &World<'_>) -> Result<BaselineFile, Failure> {
    let path = paths::absolute(file, &world.cwd);
    let shown = printable(&paths::relative(&path, &world.cwd));
    repository::refuse_link_out(&path, &world.cwd, &shown)?;
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &shown)?;
    }
    let place = Place::of(&path, &shown)?;
    let text = place.file().and_then(|file| io::read_to_string(file.take(files::MAX_INVENTORY)));
    let previous = match &text {
        Ok(text) if text.is_empty() => Some(Baseline::default()),
        Ok(text) => Baseline::parse(text).ok(),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then(Baseline::default),
    };
    let Some(previous) = previous else {
        let failure = Failure::usage(format!("`{shown}` is there already, and is no baseline"));
        return Err(failure.with_help("write to another file"));
    };
    Ok(BaselineFile { place, shown, previous })
}

/// Writes the findings to a baseline, with the entries of the previous one that this run could not judge; what remains in the
/// report is what no baseline can contain.
fn write_baseline(
    target: &BaselineFile,
    report: &mut Report,
    scan: &Scan,
    world: &mut World<'_>,
) -> Result<(), Failure> {
    if !report.failures.is_empty() {
        writeln!(world.stderr.out, "note: no baseline was written: not everything could be looked up").ok();
        return Ok(());
    }
    let mut baseline = Baseline::of(&report.findings);
    baseline.keep(&report.unjudged);
    target.place.replace(&baseline.text())?;
    writeln!(world.stderr.out, "wrote {} to `{}`", count(baseline.len(), "finding"), target.shown).ok();
    let kept = report.unjudged.len();
    if kept > 0 {
        let scanned: HashSet<&str> = scan.files.iter().map(|file| file.source.identity()).collect();
        let elsewhere = report.unjudged.iter().filter(|entry| !scanned.contains(entry.path.as_str())).count();
        let entries = if kept == 1 { "1 entry".to_owned() } else { format!("{kept} entries") };
        let which = match elsewhere {
            0 => "that this run did not check".to_owned(),
            all if all == kept => "of files that were not scanned".to_owned(),
            some => format!("that this run did not check, {some} of them of files that were not scanned"),
        };
        writeln!(world.stderr.out, "note: kept {entries} {which}").ok();
    }
    report.leave_out(&baseline);
    Ok(())
}
