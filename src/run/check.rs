//! `check`: from arguments to reports.

use super::bar::watched;
use super::outputs::Outputs;
use super::session::{Session, config_identity};
use super::verbose;
use super::{LEVEL_VARIABLE, Stop, World, level_of_environment, look, tell, warn};
use crate::add_ignores::{self, AddedIgnores};
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
use crate::leaks::{self, Values};
use crate::outcome::Outcome;
use crate::paths;
use crate::report::human::Look;
use crate::report::{self, Format, count, statistics, summary_line};
use crate::repository;
use crate::scan::Scan;
use crate::write::{self, Place};
use std::collections::HashSet;
use std::io::{self, Read as _, Write};
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
            // The human report of it goes to standard error.
            if args.reports.stdout != Format::Human {
                write_to_stdout(args, &report, Look::PLAIN, world.stdout.out)?;
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
    args.rules.apply(&mut session.config);
    let without_lookups = args.rules.without_lookups(&session.config);
    let (level, origin) = match without_lookups {
        Some(flag) => (Level::None, flag.to_owned()),
        None => choose_level(args.level, of_environment, &session.config),
    };
    let listed_decisive = session.widen(&args.inventory);
    let inventories = session.inventories(&args.inventory);
    refuse_contradictions(args, level, session.stdin.is_some())?;
    warn_of_deselected_leaks(args, world)?;
    if args.level.is_none() && without_lookups.is_none() && !args.inventory.is_empty() {
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
        values = find_leaks(&session, &inventories, &mut scan, &mut failures, world)?;
    }
    let again = Again { bases: &session.bases, values: values.as_ref(), walked: &session.selection.folders };
    let mend = |scan: &mut Scan, which, known, world: &mut World<'_>| {
        watched(world, "look-ups", |progress| fix::run(scan, &settings, &again, applicability(which), known, progress))
    };
    if let (Some(which), false) = (args.fix, args.diff) {
        fixed = mend(&mut scan, which, Answers::default(), world);
        failures.extend(fixed.write(&mut scan, &settings, &again));
    }
    if args.verbose {
        verbose::write_files(&scan, &settings, world.stderr.out)?;
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
    let mut ignores = args.add_ignores.then(|| add_ignores::plan(&scan, &report, &settings, &again));
    if let Some(ignores) = ignores.as_mut().filter(|_| !args.diff) {
        ignores.write(&mut scan, &settings, &again, &mut report);
    }
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
    write_to_stdout(args, &report, look, to_terminal.out)?;
    if let Some(ignores) = ignores.as_ref().filter(|_| args.diff) {
        ignores.write_diff(world.stdout.out)?;
    }
    if let (Some(which), true) = (args.fix, args.diff) {
        let fixed = mend(&mut scan, which, std::mem::take(&mut report.answers), world);
        report.answers = fixed.answers;
        for changed in fixed.changed.values() {
            changed.write_diff(world.stdout.out)?;
        }
    }
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    if let Some(ignores) = &ignores {
        note_ignores(ignores, args.diff, &session, world)?;
    }
    note_list(&session, listed_decisive.as_deref(), level, world)?;
    warn(&inventories, report.answers.asked(), world)?;
    warn_of_stale_entries(args, &report, world)?;
    tell(&report.failures, color, world)?;
    let outcome = report.outcome(args.deny_warnings);
    Ok(if args.exit_zero && outcome == Outcome::Findings { Outcome::Clean } else { outcome })
}

/// Searches all text files for the values of the inventories, and adds what it finds to the scan. Returns the values.
fn find_leaks(
    session: &Session<'_>,
    inventories: &Inventories,
    scan: &mut Scan,
    failures: &mut Vec<Failure>,
    world: &mut World<'_>,
) -> io::Result<Option<Values>> {
    let found = watched(world, "look-ups", |progress| {
        leaks::run(&session.texts(), &session.git, &session.selection, &session.bases, inventories, scan, progress)
    });
    scan.leaked = found.files;
    failures.extend(found.failures);
    for name in &found.without_values {
        let name = printable(name);
        writeln!(world.stderr.out, "warning: the inventory `{name}` holds no values for --leaks to look for")?;
    }
    Ok(found.values)
}

/// Warns of entries of the baseline whose finding does not exist any more.
fn warn_of_stale_entries(args: &Check, report: &Report, world: &mut World<'_>) -> io::Result<()> {
    for entry in report.stale.iter().filter(|_| args.baseline.is_some()) {
        let (rule, path) = (printable(&entry.rule), printable(&entry.path));
        writeln!(world.stderr.out, "warning: the baseline is stale: `{rule}` in `{path}` is gone")?;
    }
    Ok(())
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
        world.note(format_args!("checked the whole project: the list contains `{file}`, which any stack may use"))?;
    }
    if !session.selection.listed.is_empty() && !session.covers_project() && level > Level::None {
        world.note("only listed files were read, so `unused-secret` was not checked")?;
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

/// Refuses options that contradict each other, or the level.
fn refuse_contradictions(args: &Check, level: Level, stdin: bool) -> Result<(), Failure> {
    if args.leaks && level < Level::SecretAndKeyExists {
        return Err(Failure::contradiction(format!(
            "--leaks reads values, which the level {} does not allow",
            level.name()
        ))
        .with_help("check at the level secret-and-key-exists, or without --leaks"));
    }
    if stdin && args.leaks {
        return Err(Failure::contradiction("--leaks searches files, so it cannot be used with standard input"));
    }
    if args.diff && args.fix.is_none() && !args.add_ignores {
        return Err(Failure::contradiction(
            "--diff prints the changes of --fix or --add-ignores, and neither is given",
        )
        .with_help("add --fix or --add-ignores"));
    }
    if stdin && !args.diff && (args.fix.is_some() || args.add_ignores) {
        let option = if args.add_ignores { "--add-ignores" } else { "--fix" };
        return Err(Failure::contradiction(format!("{option} cannot write to standard input"))
            .with_help(format!("print the changes with `{option} --diff`")));
    }
    if args.diff && args.reports.stdout != Format::Human {
        return Err(Failure::contradiction("--diff prints to standard output, and so does the report")
            .with_help("write the report to a file: `--format FORMAT --output FILE`"));
    }
    if args.statistics && !statistics::supports(args.reports.stdout) {
        return Err(Failure::contradiction("--statistics supports the formats human, short and json only")
            .with_help("write the report to a file: `--format FORMAT --output FILE`"));
    }
    Ok(())
}

/// Writes what goes to standard output: the findings, or their statistics.
fn write_to_stdout(args: &Check, report: &Report, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let format = args.reports.stdout;
    if args.statistics && statistics::supports(format) {
        statistics::write(format, report, out)
    } else {
        report::write(format, report, look, out)
    }
}

/// Warns that a rule is selected, or searched for, that cannot report anything.
fn warn_of_deselected_leaks(args: &Check, world: &mut World<'_>) -> io::Result<()> {
    const RULE: &str = "leaked-value";
    let is_selected = args.rules.select.contains(&RULE);
    if is_selected && !args.leaks {
        writeln!(world.stderr.out, "warning: `{RULE}` only reports findings with --leaks")?;
    }
    if args.leaks && (!is_selected && !args.rules.select.is_empty() || args.rules.ignore.contains(&RULE)) {
        writeln!(world.stderr.out, "warning: --leaks has no effect: `{RULE}` is not selected")?;
    }
    Ok(())
}

/// Notes how many comments `--add-ignores` added, and warns of the findings that no comment can suppress.
fn note_ignores(ignores: &AddedIgnores, diff: bool, session: &Session<'_>, world: &mut World<'_>) -> io::Result<()> {
    let (findings, files) = (count(ignores.findings(), "finding"), count(ignores.files(), "file"));
    let verb = if diff { "would add" } else { "added" };
    world.note(format_args!("{verb} ignore comments for {findings} in {files}"))?;
    for line in ignores.remaining(&session.config, &session.bases.root) {
        writeln!(world.stderr.out, "{line}")?;
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
        world.note("no baseline was written: not everything could be looked up").ok();
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
        world.note(format_args!("kept {entries} {which}")).ok();
    }
    report.leave_out(&baseline);
    Ok(())
}
