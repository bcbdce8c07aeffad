//! `check`: from arguments to reports.

use super::outputs::ReportFiles;
use super::progress::with_progress;
use super::verbose;
use super::workspace::{Workspace, config_identity};
use super::{
    CommandError, Context, LEVEL_VARIABLE, level_from_environment, output_style, print_failures, warn_about_inventories,
};
use crate::cli::{CheckArgs, Color, FixMode};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Applicability;
use crate::diagnostics::outcome::Outcome;
use crate::diagnostics::rule_id::RuleId;
use crate::edit::add_ignores::{self, AddedIgnores};
use crate::edit::fix::{self, FixResult, Rescanner};
use crate::inventory::Inventories;
use crate::inventory::lookup::LookupResults;
use crate::lint::baseline::Baseline;
use crate::lint::leaks::{self, LeakScanner};
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::Scan;
use crate::lint::settings::{LevelChoice, Settings};
use crate::output::style::OutputStyle;
use crate::output::{self, Format, count, diff, statistics, summary_line};
use crate::project::config::{self, Config, Level};
use crate::project::git::Git;
use crate::project::repository;
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, OutputFile};
use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read as _, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Checks, and writes every report that was asked for: also one without findings and with the failures, if the run cannot
/// begin.
pub(super) fn check(args: &CheckArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let (outputs, misplaced) = ReportFiles::new(args, context);
    let ended = match misplaced {
        Some(failure) => Err(failure.into()),
        None => run_check(args, color, &outputs, context),
    };
    match ended {
        Err(CommandError::Failed(failures)) => {
            let config = config_identity(&args.files, &context.cwd, Git::new(context.env.as_ref()).owners());
            let mut report = Report { failures, config, ..Report::default() };
            report.failures.extend(outputs.write(&report));
            // The human report of it goes to standard error.
            if args.reports.stdout != Format::Human {
                write_to_stdout(args, &report, OutputStyle::PLAIN, context.stdout.out)?;
            }
            Err(CommandError::Failed(report.failures))
        }
        ended => ended,
    }
}

fn run_check(
    args: &CheckArgs,
    color: Color,
    outputs: &ReportFiles,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let of_environment = if args.level.is_some() { None } else { level_from_environment(context.env.as_ref())? };
    let rules = args.rules.clone();
    let mut workspace = Workspace::open_adjusted(&args.files, move |config| rules.apply(config), context)?;
    workspace.path_roots.honor_literal_comments = !args.no_ignores;
    workspace.scripts = true;
    let level = choose_level(args.level, of_environment);
    let listed_decisive = workspace.widen_to_project(&args.inventory);
    refuse_contradictions(args, workspace.stdin.is_some())?;
    warn_of_deselected_leaks(args, context)?;
    if args.list_files {
        return workspace.list_files(color, context);
    }
    let mut target = args.write_baseline.as_ref().map(|file| open_baseline_file(file, context)).transpose()?;
    let mut scan = workspace.scan(context)?;
    let mut baseline = known_baseline(args, &workspace, context)?;
    if let Some(known) = baseline.as_mut().or(target.as_mut().map(|target| &mut target.previous)) {
        known.find_files(&workspace.path_roots.root);
    }
    let (level, has_lookups) = effective_level(args, level, &workspace, context)?;
    let inventories = workspace.inventories(&scan, &args.inventory, level, context)?;
    let settings = Settings {
        honor_ignores: !args.no_ignores,
        baseline: baseline.as_ref(),
        replaced_baseline: target.as_ref().map(|target| &target.previous),
        leaks: args.leaks,
        ..workspace.settings(level, &inventories)
    };
    let (mut fixed, mut failures, mut values) = (FixResult::default(), Vec::new(), None);
    if args.leaks && has_lookups {
        values = find_leaks(&workspace, &inventories, &mut scan, &mut failures, context)?;
    }
    let rescanner = Rescanner {
        roots: &workspace.path_roots,
        values: values.as_ref(),
        walked_folders: &workspace.selection.folders,
    };
    let apply_fixes = |scan: &mut Scan, which, known, context: &mut Context<'_>| {
        with_progress(context, "look-ups", |progress| {
            fix::run(scan, &settings, &rescanner, applicability(which), known, progress)
        })
    };
    if let (Some(which), false) = (args.fix, args.diff) {
        fixed = apply_fixes(&mut scan, which, LookupResults::default(), context);
        failures.extend(fixed.write(&mut scan, &settings, &rescanner));
    }
    if args.verbose {
        verbose::write_files(&scan, &settings, context.stderr.out)?;
    }
    let known = std::mem::take(&mut fixed.answers);
    let mut report =
        with_progress(context, "look-ups", |progress| pipeline::check_with_answers(&scan, &settings, known, progress));
    report.failures.append(&mut failures);
    let mut reported = HashSet::new();
    report.failures.retain(|failure| reported.insert(failure.to_string()));
    if let Some(values) = &values {
        report.findings = values.redact_findings(std::mem::take(&mut report.findings));
    }
    report.summary.fixed = fixed.count();
    report.config = workspace.config.file.as_deref().map(config::repository_path);
    let mut ignores = args.add_ignores.then(|| add_ignores::plan(&scan, &report, &settings, &rescanner));
    if let Some(ignores) = ignores.as_mut().filter(|_| !args.diff) {
        ignores.write(&mut scan, &settings, &rescanner, &mut report);
    }
    if let Some(target) = &target
        && let Err(failure) = write_baseline(target, &mut report, &scan, context)
    {
        report.failures.push(failure);
    }
    context.summary = Some(summary_line(&report.summary));
    // Whatever becomes of standard output, files are whole.
    report.failures.extend(outputs.write(&report));
    let to_terminal = if args.diff { &mut context.stderr } else { &mut context.stdout };
    let report_look = output_style(to_terminal, color, context.env.as_ref());
    write_to_stdout(args, &report, report_look, to_terminal.out)?;
    let diff_look = output_style(&context.stdout, color, context.env.as_ref());
    if let Some(ignores) = ignores.as_ref().filter(|_| args.diff) {
        ignores.changed().try_for_each(|changed| diff::write_fixed(changed, diff_look, context.stdout.out))?;
    }
    let mut answers = std::mem::take(&mut report.references).into_answers();
    if let (Some(which), true) = (args.fix, args.diff) {
        let fixed = apply_fixes(&mut scan, which, std::mem::take(&mut answers), context);
        answers = fixed.answers;
        fixed.changed.values().try_for_each(|changed| diff::write_fixed(changed, diff_look, context.stdout.out))?;
    }
    context.stdout.out.flush()?;
    note_sarif_limit(args, report.findings.len(), context)?;
    workspace.notes(&scan, context)?;
    if let Some(ignores) = &ignores {
        note_ignores(ignores, args.diff, &workspace, context)?;
    }
    note_list(&workspace, listed_decisive.as_deref(), level.for_config(&workspace.config), context)?;
    warn_about_inventories(&inventories, answers.queried_inventories(), context)?;
    if baseline.is_some() {
        warn_of_stale(&report, context)?;
    }
    print_failures(&report.failures, color, context)?;
    let outcome = report.outcome(args.deny_warnings);
    Ok(if args.exit_zero && outcome == Outcome::Findings { Outcome::Clean } else { outcome })
}

/// Searches all text files for the values of the inventories, and adds what it finds to the scan. Returns the values.
fn find_leaks(
    workspace: &Workspace<'_>,
    inventories: &Inventories,
    scan: &mut Scan,
    failures: &mut Vec<Failure>,
    context: &mut Context<'_>,
) -> io::Result<Option<LeakScanner>> {
    let found = with_progress(context, "look-ups", |progress| {
        leaks::run(
            &workspace.search(),
            &workspace.git,
            &workspace.selection,
            &workspace.path_roots,
            inventories,
            scan,
            progress,
        )
    });
    scan.leaked_files = found.files;
    failures.extend(found.failures);
    for name in &found.without_values {
        let name = escape_control(name);
        writeln!(context.stderr.out, "warning: the inventory `{name}` holds no values for --leaks to look for")?;
    }
    Ok(found.scanner)
}

/// Checks the level of every config that is used against the flags. Returns the level of the run, and whether any rule of it
/// needs an inventory.
fn effective_level(
    args: &CheckArgs,
    level: LevelChoice<'static>,
    workspace: &Workspace<'_>,
    context: &mut Context<'_>,
) -> Result<(LevelChoice<'static>, bool), CommandError> {
    for config in workspace.known_configs() {
        refuse_leaks_below_key_level(args, level, &config)?;
    }
    if let Some(flag) = flag_disabling_lookups(args, workspace) {
        return Ok((LevelChoice::with_origin(Level::None, flag), false));
    }
    if args.level.is_none() && !args.inventory.is_empty() {
        warn_of_lowered_levels(level, workspace, context)?;
    }
    Ok((level, true))
}

/// Returns the flag because of which no rule needs an inventory under any config, if one is the reason.
fn flag_disabling_lookups(args: &CheckArgs, workspace: &Workspace<'_>) -> Option<&'static str> {
    let configs = workspace.known_configs();
    let flags: Option<Vec<&str>> = configs.iter().map(|config| args.rules.flag_disabling_lookups(config)).collect();
    flags.and_then(|flags| flags.first().copied())
}

/// Returns the level of a run: the flag, else the environment, else each file's config.
fn choose_level(flag: Option<Level>, of_environment: Option<Level>) -> LevelChoice<'static> {
    let flag = flag.map(|level| LevelChoice::with_origin(level, "--level"));
    let variable = || of_environment.map(|level| LevelChoice::with_origin(level, LEVEL_VARIABLE));
    flag.or_else(variable).unwrap_or_default()
}

/// Refuses to look for values where a level does not allow to read them.
fn refuse_leaks_below_key_level(args: &CheckArgs, level: LevelChoice<'_>, config: &Config) -> Result<(), Failure> {
    if !args.leaks || level.for_config(config) == Level::SecretAndKeyExists {
        return Ok(());
    }
    let origin = level.origin(config).map_or_else(String::new, |origin| format!(" (from {origin})"));
    let level = level.for_config(config).name();
    Err(Failure::contradiction(format!("--leaks reads values, which the level {level}{origin} does not allow"))
        .with_help("check at the level secret-and-key-exists, or without --leaks"))
}

/// The results that GitHub takes in one upload of a SARIF report.
const MAX_SARIF_RESULTS: usize = 25_000;

/// Notes that a SARIF report is complete, but has more results than GitHub's code scanning takes.
fn note_sarif_limit(args: &CheckArgs, findings: usize, context: &mut Context<'_>) -> io::Result<()> {
    let mut formats = args.reports.files.iter().map(|(format, _)| *format).chain([args.reports.stdout]);
    if findings <= MAX_SARIF_RESULTS || !formats.any(|format| format == Format::Sarif) {
        return Ok(());
    }
    context.note(format_args!(
        "the SARIF report contains {findings} results, and GitHub code scanning refuses more than \
         {MAX_SARIF_RESULTS}: record known findings with `--write-baseline`, turn rules off in `[rules]`, or check parts of \
         the repository in several runs"
    ))
}

/// Notes what a list left out, or which file in it made this run check everything.
fn note_list(
    workspace: &Workspace<'_>,
    decisive: Option<&Path>,
    level: Level,
    context: &mut Context<'_>,
) -> io::Result<()> {
    if let Some(file) = decisive {
        let file = escape_control(&paths::relative(file, &workspace.path_roots.cwd));
        context.note(format_args!("checked the whole project: the list contains `{file}`, which any stack may use"))?;
    }
    if !workspace.selection.listed_files.is_empty() && !workspace.covers_project() && level > Level::None {
        context.note("only listed files were read, so `unused-secret` was not checked")?;
    }
    Ok(())
}

/// Warns that the inventories of `--inventory` are not queried, or not for keys, as something outside the command line decides.
fn warn_of_lowered_levels(
    level: LevelChoice<'_>,
    workspace: &Workspace<'_>,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let mut warned = BTreeSet::new();
    for config in workspace.known_configs() {
        let effect = match level.for_config(&config) {
            Level::None => "--inventory is not queried",
            Level::SecretExists => "--inventory is only queried for names of secrets",
            Level::SecretAndKeyExists => continue,
        };
        let (name, origin) =
            (level.for_config(&config).name(), escape_control(&level.origin(&config).unwrap_or_default()));
        if warned.insert(origin.clone()) {
            writeln!(
                context.stderr.out,
                "warning: level {name} from {origin}: {effect}; override it with `--level secret-and-key-exists`"
            )?;
        }
    }
    Ok(())
}

fn applicability(which: FixMode) -> Applicability {
    match which {
        FixMode::Safe => Applicability::Safe,
        FixMode::Suggestions => Applicability::Suggestion,
    }
}

/// Refuses options that contradict each other.
fn refuse_contradictions(args: &CheckArgs, stdin: bool) -> Result<(), Failure> {
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
fn write_to_stdout(args: &CheckArgs, report: &Report, style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let format = args.reports.stdout;
    if args.statistics && statistics::supports(format) {
        statistics::write(format, report, out)
    } else {
        output::write(format, report, style, out)
    }
}

/// Warns that a rule is selected, or searched for, that cannot report anything.
fn warn_of_deselected_leaks(args: &CheckArgs, context: &mut Context<'_>) -> io::Result<()> {
    const RULE: RuleId = RuleId::LeakedValue;
    let is_selected = args.rules.select.contains(&RULE);
    if is_selected && !args.leaks {
        writeln!(context.stderr.out, "warning: `{RULE}` only reports findings with --leaks")?;
    }
    if args.leaks && (!is_selected && !args.rules.select.is_empty() || args.rules.ignore.contains(&RULE)) {
        writeln!(context.stderr.out, "warning: --leaks has no effect: `{RULE}` is not selected")?;
    }
    Ok(())
}

/// Notes how many comments `--add-ignores` added, and warns of the findings that no comment can suppress.
fn note_ignores(
    ignores: &AddedIgnores,
    diff: bool,
    workspace: &Workspace<'_>,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let (findings, files) = (count(ignores.findings(), "finding"), count(ignores.files(), "file"));
    let verb = if diff { "would add" } else { "added" };
    context.note(format_args!("{verb} ignore comments for {findings} in {files}"))?;
    for line in ignores.describe_unsuppressed(&workspace.configs, &workspace.path_roots.root) {
        writeln!(context.stderr.out, "{line}")?;
    }
    Ok(())
}

/// Returns the findings that this run does not report: those of `--baseline`, else of the files that the configs name. A run
/// that writes a baseline reports all.
fn known_baseline(
    args: &CheckArgs,
    workspace: &Workspace<'_>,
    context: &Context<'_>,
) -> Result<Option<Baseline>, Failure> {
    if let Some(file) = &args.baseline {
        return read_baseline(file, context).map(Some);
    }
    let mut combined: Option<Baseline> = None;
    for config in workspace.known_configs().iter().filter(|_| args.write_baseline.is_none()) {
        if let Some(file) = &config.baseline {
            let baseline = configured_baseline(file, config, workspace, context)?;
            combined.get_or_insert_default().extend(baseline);
        }
    }
    Ok(combined)
}

/// Warns of entries of the baseline whose finding is gone.
fn warn_of_stale(report: &Report, context: &mut Context<'_>) -> io::Result<()> {
    for entry in &report.stale {
        let (rule, path) = (escape_control(&entry.rule), escape_control(&entry.path));
        writeln!(context.stderr.out, "warning: the baseline is stale: `{rule}` in `{path}` is gone")?;
    }
    Ok(())
}

/// Reads the baseline that the config names. The config is one that stackref found by itself, so the file must not lie outside
/// the repository, nor be a link that leads there.
fn configured_baseline(
    file: &Path,
    config: &Config,
    workspace: &Workspace<'_>,
    context: &Context<'_>,
) -> Result<Baseline, Failure> {
    let display_path = escape_control(&paths::relative(file, &context.cwd));
    let of_config = config.file.as_deref().map(|file| escape_control(&paths::relative(file, &context.cwd)));
    let of_config = of_config.unwrap_or_default();
    if file.symlink_metadata().is_err() {
        return Err(Failure::usage(format!("cannot find the baseline `{display_path}`, which `{of_config}` names"))
            .with_help(format!(
                "write it with `stackref check --write-baseline {display_path}`, or remove `baseline` from `{of_config}`"
            )));
    }
    let folder = &config.folder;
    let root = workspace.git.owners().root(folder).unwrap_or_else(|| folder.clone());
    if file.canonicalize().is_ok_and(|file| !file.starts_with(paths::canonicalize_existing(&root))) {
        let words = format!("the baseline `{display_path}`, which `{of_config}` names, lies outside the repository");
        return Err(Failure::usage(words).with_help("move it into the repository, or name it with `--baseline FILE`"));
    }
    read_baseline(file, context)
}

fn read_baseline(file: &Path, context: &Context<'_>) -> Result<Baseline, Failure> {
    let path = paths::absolute(file, &context.cwd);
    let display_path = escape_control(&file.to_string_lossy());
    let cannot = |why: &str| Failure::usage(format!("cannot read the baseline `{display_path}`: {why}"));
    // A stream of this process is read to its end; anything else that is not a file may have none.
    let bytes = if path.starts_with("/dev/fd") {
        std::fs::read(&path).map(Zeroizing::new)
    } else {
        files::read(&path, files::MAX_INVENTORY)
    };
    let text = bytes.and_then(|bytes| std::str::from_utf8(&bytes).map(str::to_owned).map_err(io::Error::other));
    let text = text
        .map_err(|error| cannot(&io_message(&error)).with_help("`stackref check --write-baseline FILE` makes one"))?;
    Baseline::parse(&text).map_err(|why| cannot(&why))
}

/// The file that `--write-baseline` writes.
struct BaselineFile {
    /// Held from before the scan.
    file: OutputFile,
    display_path: String,
    /// The baseline that is in the file now; empty if there is none.
    previous: Baseline,
}

/// A baseline is written over another baseline, and over nothing else. Its place is held from here on.
fn open_baseline_file(file: &Path, context: &Context<'_>) -> Result<BaselineFile, Failure> {
    let path = paths::absolute(file, &context.cwd);
    let display_path = escape_control(&file.to_string_lossy());
    repository::refuse_link_out(&path, &context.cwd, &display_path)?;
    if path.symlink_metadata().is_err() {
        write::check_folder(path.parent().unwrap_or(Path::new("/")), &display_path)?;
    }
    let place = OutputFile::open(&path, &display_path)?;
    let text = place.file().and_then(|file| io::read_to_string(file.take(files::MAX_INVENTORY)));
    let previous = match &text {
        Ok(text) if text.is_empty() => Some(Baseline::default()),
        Ok(text) => Baseline::parse(text).ok(),
        Err(error) => (error.kind() == io::ErrorKind::NotFound).then(Baseline::default),
    };
    let Some(previous) = previous else {
        let failure = Failure::usage(format!("`{display_path}` is there already, and is no baseline"));
        return Err(failure.with_help("write to another file"));
    };
    Ok(BaselineFile { file: place, display_path, previous })
}

/// Writes the findings to a baseline, with the entries of the previous one that this run could not judge; what remains in the
/// report is what no baseline can contain.
fn write_baseline(
    target: &BaselineFile,
    report: &mut Report,
    scan: &Scan,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    if !report.failures.is_empty() {
        context.note("no baseline was written: not everything could be looked up").ok();
        return Ok(());
    }
    let mut baseline = Baseline::from_findings(&report.findings);
    baseline.add_entries(&report.unevaluated);
    target.file.replace(&baseline.text())?;
    writeln!(context.stderr.out, "wrote {} to `{}`", count(baseline.len(), "finding"), target.display_path).ok();
    let kept = report.unevaluated.len();
    if kept > 0 {
        let scanned: HashSet<&str> = scan.files.iter().map(|file| file.source.repository_path()).collect();
        let elsewhere = report.unevaluated.iter().filter(|entry| !scanned.contains(entry.path.as_str())).count();
        let entries = if kept == 1 { "1 entry".to_owned() } else { format!("{kept} entries") };
        let which = match elsewhere {
            0 => "that this run did not check".to_owned(),
            all if all == kept => "of files that were not scanned".to_owned(),
            some => format!("that this run did not check, {some} of them of files that were not scanned"),
        };
        context.note(format_args!("kept {entries} {which}")).ok();
    }
    report.apply_baseline(&baseline);
    Ok(())
}
