//! `check`: from arguments to reports.

use super::bar::watched;
use super::outputs::Outputs;
use super::session::{Session, config_identity};
use super::verbose;
use super::{LEVEL_VARIABLE, Stop, World, level_of_environment, look, tell, warn};
use crate::add_ignores::{self, AddedIgnores};
use crate::baseline::Baseline;
use crate::check::{self, LevelChoice, Report, Settings};
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
use crate::report::look::Look;
use crate::report::{self, Format, count, diff, statistics, summary_line};
use crate::repository;
use crate::scan::Scan;
use crate::write::{self, Place};
use std::collections::{BTreeSet, HashSet};
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
    let rules = args.rules.clone();
    let mut session = Session::open_adjusted(&args.files, move |config| rules.apply(config), world)?;
    session.bases.heed_literals = !args.no_ignores;
    session.scripts = true;
    let level = choose_level(args.level, of_environment);
    let listed_decisive = session.widen(&args.inventory);
    refuse_contradictions(args, session.stdin.is_some())?;
    warn_of_deselected_leaks(args, world)?;
    if args.list_files {
        return session.list_files(color, world);
    }
    let mut target = args.write_baseline.as_ref().map(|file| fit_for_baseline(file, world)).transpose()?;
    let mut scan = session.scan(world)?;
    let mut baseline = known_baseline(args, &session, world)?;
    if let Some(known) = baseline.as_mut().or(target.as_mut().map(|target| &mut target.previous)) {
        known.find_files(&session.bases.root);
    }
    let (level, has_lookups) = settle_level(args, level, &session, world)?;
    let inventories = session.inventories(&scan, &args.inventory, level, world)?;
    let settings = Settings {
        heed_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        replaced: target.as_ref().map(|target| &target.previous),
        leaks: args.leaks,
        ..session.settings(level, &inventories)
    };
    let (mut fixed, mut failures, mut values) = (Fixed::default(), Vec::new(), None);
    if args.leaks && has_lookups {
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
    let report_look = look(to_terminal, color, world.env.as_ref());
    write_to_stdout(args, &report, report_look, to_terminal.out)?;
    let diff_look = look(&world.stdout, color, world.env.as_ref());
    if let Some(ignores) = ignores.as_ref().filter(|_| args.diff) {
        ignores.changed().try_for_each(|changed| diff::write_fixed(changed, diff_look, world.stdout.out))?;
    }
    if let (Some(which), true) = (args.fix, args.diff) {
        let fixed = mend(&mut scan, which, std::mem::take(&mut report.answers), world);
        report.answers = fixed.answers;
        fixed.changed.values().try_for_each(|changed| diff::write_fixed(changed, diff_look, world.stdout.out))?;
    }
    world.stdout.out.flush()?;
    note_sarif_limit(args, report.findings.len(), world)?;
    session.notes(&scan, world)?;
    if let Some(ignores) = &ignores {
        note_ignores(ignores, args.diff, &session, world)?;
    }
    note_list(&session, listed_decisive.as_deref(), level.of(&session.config), world)?;
    warn(&inventories, report.answers.asked(), world)?;
    if baseline.is_some() {
        warn_of_stale(&report, world)?;
    }
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
        leaks::run(&session.search(), &session.git, &session.selection, &session.bases, inventories, scan, progress)
    });
    scan.leaked = found.files;
    failures.extend(found.failures);
    for name in &found.without_values {
        let name = printable(name);
        writeln!(world.stderr.out, "warning: the inventory `{name}` holds no values for --leaks to look for")?;
    }
    Ok(found.values)
}

/// Checks the level of every config that is used against the flags. Returns the level of the run, and whether any rule of it
/// needs an inventory.
fn settle_level(
    args: &Check,
    level: LevelChoice<'static>,
    session: &Session<'_>,
    world: &mut World<'_>,
) -> Result<(LevelChoice<'static>, bool), Stop> {
    for config in session.known_configs() {
        refuse_leaks_below_key_level(args, level, &config)?;
    }
    if let Some(flag) = without_lookups(args, session) {
        return Ok((LevelChoice::given(Level::None, flag), false));
    }
    if args.level.is_none() && !args.inventory.is_empty() {
        warn_of_lowered_levels(level, session, world)?;
    }
    Ok((level, true))
}

/// Returns the flag because of which no rule needs an inventory under any config, if one is the reason.
fn without_lookups(args: &Check, session: &Session<'_>) -> Option<&'static str> {
    let configs = session.known_configs();
    let flags: Option<Vec<&str>> = configs.iter().map(|config| args.rules.without_lookups(config)).collect();
    flags.and_then(|flags| flags.first().copied())
}

/// Returns the level of a run: the flag, else the environment, else each file's config.
fn choose_level(flag: Option<Level>, of_environment: Option<Level>) -> LevelChoice<'static> {
    let flag = flag.map(|level| LevelChoice::given(level, "--level"));
    let variable = || of_environment.map(|level| LevelChoice::given(level, LEVEL_VARIABLE));
    flag.or_else(variable).unwrap_or_default()
}

/// Refuses to look for values where a level does not allow to read them.
fn refuse_leaks_below_key_level(args: &Check, level: LevelChoice<'_>, config: &Config) -> Result<(), Failure> {
    if !args.leaks || level.of(config) == Level::SecretAndKeyExists {
        return Ok(());
    }
    let origin = level.origin(config).map_or_else(String::new, |origin| format!(" (from {origin})"));
    let level = level.of(config).name();
    Err(Failure::contradiction(format!("--leaks reads values, which the level {level}{origin} does not allow"))
        .with_help("check at the level secret-and-key-exists, or without --leaks"))
}

/// The results that GitHub takes in one upload of a SARIF report.
const MAX_SARIF_RESULTS: usize = 25_000;

/// Notes that a SARIF report is complete, but has more results than GitHub's code scanning takes.
fn note_sarif_limit(args: &Check, findings: usize, world: &mut World<'_>) -> io::Result<()> {
    let mut formats = args.reports.files.iter().map(|(format, _)| *format).chain([args.reports.stdout]);
    if findings <= MAX_SARIF_RESULTS || !formats.any(|format| format == Format::Sarif) {
        return Ok(());
    }
    world.note(format_args!(
        "the SARIF report contains {findings} results, and GitHub code scanning refuses more than \
         {MAX_SARIF_RESULTS}: record known findings with `--write-baseline`, turn rules off in `[rules]`, or check parts of \
         the repository in several runs"
    ))
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
fn warn_of_lowered_levels(level: LevelChoice<'_>, session: &Session<'_>, world: &mut World<'_>) -> io::Result<()> {
    let mut warned = BTreeSet::new();
    for config in session.known_configs() {
        let effect = match level.of(&config) {
            Level::None => "--inventory is not queried",
            Level::SecretExists => "--inventory is only queried for names of secrets",
            Level::SecretAndKeyExists => continue,
        };
        let (name, origin) = (level.of(&config).name(), printable(&level.origin(&config).unwrap_or_default()));
        if warned.insert(origin.clone()) {
            writeln!(
                world.stderr.out,
                "warning: level {name} from {origin}: {effect}; override it with `--level secret-and-key-exists`"
            )?;
        }
    }
    Ok(())
}

fn applicability(which: FixWhich) -> Applicability {
    match which {
        FixWhich::Safe => Applicability::Safe,
        FixWhich::Suggestions => Applicability::Suggestion,
    }
}

/// Refuses options that contradict each other.
fn refuse_contradictions(args: &Check, stdin: bool) -> Result<(), Failure> {
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
    let is_for_people = matches!(args.reports.stdout, Format::Human | Format::Short);
    if args.diff && !is_for_people {
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
    for line in ignores.remaining(&session.configs, &session.bases.root) {
        writeln!(world.stderr.out, "{line}")?;
    }
    Ok(())
}

/// Returns the findings that this run does not report: those of `--baseline`, else of the files that the configs name. A run
/// that writes a baseline reports all.
fn known_baseline(args: &Check, session: &Session<'_>, world: &World<'_>) -> Result<Option<Baseline>, Failure> {
    if let Some(file) = &args.baseline {
        return read_baseline(file, world).map(Some);
    }
    let mut known: Option<Baseline> = None;
    for config in session.known_configs().iter().filter(|_| args.write_baseline.is_none()) {
        if let Some(file) = &config.baseline {
            let baseline = configured_baseline(file, config, session, world)?;
            known.get_or_insert_default().extend(baseline);
        }
    }
    Ok(known)
}

/// Warns of entries of the baseline whose finding is gone.
fn warn_of_stale(report: &Report, world: &mut World<'_>) -> io::Result<()> {
    for entry in &report.stale {
        let (rule, path) = (printable(&entry.rule), printable(&entry.path));
        writeln!(world.stderr.out, "warning: the baseline is stale: `{rule}` in `{path}` is gone")?;
    }
    Ok(())
}

/// Reads the baseline that the config names. The config is one that stackref found by itself, so the file must not lie outside
/// the repository, nor be a link that leads there.
fn configured_baseline(
    file: &Path,
    config: &Config,
    session: &Session<'_>,
    world: &World<'_>,
) -> Result<Baseline, Failure> {
    let shown = printable(&paths::relative(file, &world.cwd));
    let of_config = config.file.as_deref().map(|file| printable(&paths::relative(file, &world.cwd)));
    let of_config = of_config.unwrap_or_default();
    if file.symlink_metadata().is_err() {
        return Err(Failure::usage(format!("cannot find the baseline `{shown}`, which `{of_config}` names"))
            .with_help(format!(
                "write it with `stackref check --write-baseline {shown}`, or remove `baseline` from `{of_config}`"
            )));
    }
    let folder = &config.folder;
    let root = session.git.owners().root(folder).unwrap_or_else(|| folder.clone());
    if file.canonicalize().is_ok_and(|file| !file.starts_with(paths::real(&root))) {
        let words = format!("the baseline `{shown}`, which `{of_config}` names, lies outside the repository");
        return Err(Failure::usage(words).with_help("move it into the repository, or name it with `--baseline FILE`"));
    }
    read_baseline(file, world)
}

fn read_baseline(file: &Path, world: &World<'_>) -> Result<Baseline, Failure> {
    let path = paths::absolute(file, &world.cwd);
    let shown = printable(&file.to_string_lossy());
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
    let shown = printable(&file.to_string_lossy());
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
