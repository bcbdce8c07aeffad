//! One function a command. Streams, environment and working directory are handed in, so that the whole program runs
//! inside a test.

use crate::check::{self, Settings};
use crate::cli::{Cli, Color, Command};
use crate::config::{self, Config, Level};
use crate::discover::{self, Candidate, Search, Selection, Why};
use crate::document::Syntax;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::inventory::{FALLBACK_NAMES, Inventories};
use crate::nearest::nearest;
use crate::outcome::Outcome;
use crate::refs;
use crate::render::{self, Rendered};
use crate::report::human::{self, Look};
use crate::report::{Format, count, json, short, summary_line};
use crate::rules::{self, RULES};
use crate::scan::{self, Bases, Scan, StackFile};
use crate::write;
use clap::Parser as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The environment variable that sets the level, as for `ZenML`.
const LEVEL_VARIABLE: &str = "ZENML_SECRET_VALIDATION_LEVEL";

/// Columns where there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 100;

/// A stream to write to, and whether a person watches it.
pub struct Stream<'w> {
    /// Where to.
    pub out: &'w mut dyn Write,
    /// Columns, if it is a terminal.
    pub terminal: Option<usize>,
}

/// Everything a run has of its surroundings.
pub struct World<'w> {
    /// Standard input.
    pub stdin: &'w mut dyn Read,
    /// Findings and data.
    pub stdout: Stream<'w>,
    /// Everything else.
    pub stderr: Stream<'w>,
    /// The environment.
    pub env: &'w dyn Fn(&str) -> Option<String>,
    /// The working directory.
    pub cwd: PathBuf,
}

/// Why a command ended early: something to tell, or a stream that is gone.
enum Stop {
    Failed(Vec<Failure>),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(vec![failure])
    }
}

impl From<Vec<Failure>> for Stop {
    fn from(failures: Vec<Failure>) -> Self {
        Self::Failed(failures)
    }
}

/// Runs the program on its arguments. Nothing that can go wrong panics: a broken pipe is success, any other write that
/// fails is told and is 2.
pub fn run(args: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Outcome {
    let args: Vec<OsString> = args.into_iter().collect();
    let ended = match Cli::try_parse_from(&args) {
        Ok(cli) => command(&cli, world),
        Err(error) => usage(&error, &args, world),
    };
    let ended = ended.and_then(|outcome| world.stdout.out.flush().map(|()| outcome));
    match ended {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(error) => {
            let _ = writeln!(world.stderr.out, "error: cannot write: {}", plain_io(&error));
            Outcome::Usage
        }
    }
}

fn usage(error: &clap::Error, args: &[OsString], world: &mut World<'_>) -> io::Result<Outcome> {
    let wants_json =
        args.windows(2).any(|pair| pair == ["--format", "json"]) || args.iter().any(|arg| arg == "--format=json");
    if error.use_stderr() && wants_json {
        write_empty(args.iter().any(|arg| arg == "refs"), world)?;
    }
    let (stream, outcome) =
        if error.use_stderr() { (&mut world.stderr, Outcome::Usage) } else { (&mut world.stdout, Outcome::Clean) };
    let text = error.render();
    let color = look(stream, Color::Auto, world.env).color;
    let text = if color { text.ansi().to_string() } else { text.to_string() };
    write!(stream.out, "{text}")?;
    Ok(outcome)
}

/// A machine format is always whole, if empty.
fn write_empty(references: bool, world: &mut World<'_>) -> io::Result<()> {
    if references {
        json::write_references(std::iter::empty(), world.stdout.out)?;
    } else {
        json::write(&[], &check::Summary::default(), world.stdout.out)?;
    }
    world.stdout.out.flush()
}

fn command(cli: &Cli, world: &mut World<'_>) -> io::Result<Outcome> {
    let (ended, format) = match &cli.command {
        Command::Check(args) => (check(args, cli.color, world), args.format),
        Command::Render(args) => (render(args, cli.color, world), Format::Human),
        Command::Refs(args) => (refs(args, cli.color, world), args.format),
        Command::Explain(args) => (explain(args, world), Format::Human),
    };
    match ended {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Io(error)) => Err(error),
        Err(Stop::Failed(failures)) => {
            if format == Format::Json {
                write_empty(matches!(cli.command, Command::Refs(_)), world)?;
            }
            world.stdout.out.flush()?;
            tell(&failures, cli.color, world)?;
            Ok(failures.iter().map(Failure::outcome).max().unwrap_or(Outcome::Usage))
        }
    }
}

fn check(args: &crate::cli::Check, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let level = match args.level {
        Some(level) => Some(level),
        None => level_of_environment(world.env)?,
    };
    let mut session = Session::open(&args.files, world)?;
    let level = level.or(session.config.level).unwrap_or_default();
    let inventories = session.inventories(&args.inventory);
    if level > Level::None {
        inventories.open_chosen()?;
    }
    if args.list_files {
        return session.list_files(world);
    }
    let scan = session.scan(world)?;
    let settings =
        Settings { config: &session.config, level, inventories: &inventories, whole_tree: session.covers_project() };
    let report = check::run(&scan, &settings);
    match args.format {
        Format::Human => human::write(&report.findings, look(&world.stdout, color, world.env), world.stdout.out)?,
        Format::Short => short::write(&report.findings, world.stdout.out)?,
        Format::Json => json::write(&report.findings, &report.summary, world.stdout.out)?,
    }
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    tell(&report.failures, color, world)?;
    writeln!(world.stderr.out, "{}", summary_line(&report.summary))?;
    let outcome = report.outcome(args.deny_warnings);
    Ok(if args.exit_zero && outcome == Outcome::Findings { Outcome::Clean } else { outcome })
}

fn render(args: &crate::cli::Render, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
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
    let settings = Settings {
        config: &session.config,
        level: Level::SecretAndKeyExists,
        inventories: &inventories,
        whole_tree: false,
    };
    let report = check::run(&scan, &settings);
    let outcome = report.outcome(false);
    let stops = outcome > Outcome::Clean;
    let stream = if stops { &mut world.stdout } else { &mut world.stderr };
    human::write(&report.findings, look(stream, color, world.env), stream.out)?;
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    if stops {
        tell(&report.failures, color, world)?;
        writeln!(world.stderr.out, "{}; nothing was rendered", summary_line(&report.summary))?;
        return Ok(outcome);
    }
    let mut rendered = render::run(&scan, &report, &settings)?;
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
    let places = match &folder {
        Some(folder) => session.places(&rendered, folder)?,
        None => Vec::new(),
    };
    if let Some(folder) = folder.as_ref().filter(|_| !args.allow_tracked) {
        refuse_tracked(folder, &places)?;
    }
    if let (Some(folder), false, false) = (&folder, args.check, args.diff) {
        let files = places.into_iter().zip(&rendered).map(|(path, file)| write::Content { path, text: file.text() });
        let mut bar = Bar::new(&mut world.stderr, rendered.len());
        let written = write::write_all(folder, &files.collect::<Vec<_>>(), args.mode, &mut |done| bar.show(done));
        bar.clear();
        written?;
        let shown = printable(&discover::relative(folder, &session.bases.cwd));
        writeln!(world.stderr.out, "rendered {what}, to `{shown}`")?;
    } else {
        world.stdout.out.flush()?;
        writeln!(world.stderr.out, "rendered {what}; nothing was written")?;
    }
    Ok(Outcome::Clean)
}

/// A progress bar on stderr: at a terminal, and only after a second.
struct Bar<'b, 'w> {
    stream: &'b mut Stream<'w>,
    total: usize,
    started: Instant,
    shown: usize,
}

impl<'b, 'w> Bar<'b, 'w> {
    const WIDTH: usize = 30;

    fn new(stream: &'b mut Stream<'w>, total: usize) -> Self {
        Self { stream, total, started: Instant::now(), shown: 0 }
    }

    fn show(&mut self, done: usize) {
        let full = done * Self::WIDTH / self.total.max(1);
        if self.stream.terminal.is_none() || self.started.elapsed() < Duration::from_secs(1) || full == self.shown {
            return;
        }
        self.shown = full;
        let (full, rest) = ("#".repeat(full), ".".repeat(Self::WIDTH - full.min(Self::WIDTH)));
        // A bar that cannot be shown stops nothing.
        let _ = write!(self.stream.out, "\r[{full}{rest}] {done} of {} files", self.total);
        let _ = self.stream.out.flush();
    }

    fn clear(&mut self) {
        if self.shown > 0 {
            let _ = write!(self.stream.out, "\r{}\r", " ".repeat(Self::WIDTH + 40));
        }
    }
}

/// Leaves the files of one stack.
fn select_stack(scan: &mut Scan, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    let label = |file: &StackFile| {
        let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let named = file.stacks.iter().filter_map(|stack| stack.name.as_deref().map(str::to_owned));
        named.chain(stem.filter(|_| file.stacks.iter().all(|stack| stack.name.is_none()))).collect::<Vec<_>>()
    };
    let known: BTreeSet<String> = scan.files.iter().flat_map(label).collect();
    if !known.contains(name) {
        let list = known.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        return Err(
            Failure::usage(format!("no stack is named `{name}`")).with_help(format!("{near}The stacks: {list}"))
        );
    }
    // A file that does not parse may be the one that is meant.
    scan.files.retain(|file| file.stacks.is_empty() || label(file).iter().any(|label| label == name));
    Ok(())
}

/// Whether a folder may take rendered files: one that git would add to a repository may not.
fn fit_for_output(folder: &Path, allow_tracked: bool) -> Result<(), Failure> {
    let shown = printable(&folder.display().to_string());
    if folder.symlink_metadata().is_ok() && !folder.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is not a folder")));
    }
    let Some(root) = config::repository_root(folder).filter(|_| !allow_tracked) else { return Ok(()) };
    let probe = folder.join("stackref.rendered");
    let mut git = std::process::Command::new("git");
    git.arg("-C").arg(&root).args(["check-ignore", "--quiet", "--"]).arg(&probe);
    git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match git.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::usage(format!("`{shown}` lies in a git work tree and is not ignored there"))
            .with_help("add it to .gitignore, or say that it is meant with --allow-tracked")),
    }
}

/// A file that git tracks is added by the next commit, whatever the ignore files say.
fn refuse_tracked(folder: &Path, places: &[PathBuf]) -> Result<(), Failure> {
    let Some(root) = config::repository_root(folder) else { return Ok(()) };
    let mut git = std::process::Command::new("git");
    git.arg("-C").arg(&root).args(["ls-files", "-z", "--full-name", "--"]).arg(folder).stdin(Stdio::null());
    let listed = git.output().map(|output| output.stdout).unwrap_or_default();
    let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let tracked: BTreeSet<PathBuf> = names.map(|name| root.join(path_of_bytes(name))).collect();
    match places.iter().map(|place| folder.join(place)).find(|target| tracked.contains(target)) {
        Some(target) => Err(Failure::usage(format!("git tracks `{}`", target.display()))
            .with_help("render to another folder, or say that it is meant with --allow-tracked")),
        None => Ok(()),
    }
}

fn refs(args: &crate::cli::Refs, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut session = Session::open(&args.files, world)?;
    let scan = session.scan(world)?;
    if args.format == Format::Json {
        json::write_references(scan.references(), world.stdout.out)?;
    } else {
        for line in refs::lines(&scan) {
            writeln!(world.stdout.out, "{line}")?;
        }
    }
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    // What does not parse has no references to list, and a list that is not whole must not pass for one.
    let broken: Vec<_> = scan
        .files
        .iter()
        .flat_map(|file| &file.findings)
        .filter(|finding| finding.rule == "syntax-error")
        .cloned()
        .collect();
    short::write(&broken, world.stderr.out)?;
    tell(&scan.passed.failures, color, world)?;
    let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
    writeln!(world.stderr.out, "listed {references} in {files}")?;
    let broken = if broken.is_empty() { Outcome::Clean } else { Outcome::Findings };
    Ok(scan.passed.failures.iter().map(Failure::outcome).fold(broken, Outcome::max))
}

fn explain(args: &crate::cli::Explain, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let Some(name) = &args.rule else {
        let width = rules::names().map(str::len).max().unwrap_or(0);
        for rule in RULES {
            writeln!(world.stdout.out, "{:width$}  {:7}  {}", rule.name, rule.severity.name(), rule.summary)?;
        }
        return Ok(Outcome::Clean);
    };
    if let Some(rule) = rules::find(name) {
        write!(world.stdout.out, "{}", rule.page())?;
    } else {
        let failure = Failure::usage(format!("no rule is named `{}`", printable(name)));
        return Err(Stop::from(match nearest(name, rules::names()) {
            Some(near) => failure.with_help(format!("did you mean `{near}`?")),
            None => failure.with_help("`stackref explain` lists them all"),
        }));
    }
    Ok(Outcome::Clean)
}

/// What the file arguments come to: the config, the selection, and where paths are shown from.
struct Session<'a> {
    files: &'a crate::cli::Files,
    config: Config,
    selection: Selection,
    bases: Bases,
    /// The folder whose whole content the config, or the repository, speaks for.
    project: PathBuf,
    stdin: Option<(PathBuf, Syntax)>,
    /// The folder that this run writes to.
    never_below: Option<PathBuf>,
}

impl<'a> Session<'a> {
    fn open(files: &'a crate::cli::Files, world: &mut World<'_>) -> Result<Self, Stop> {
        let cwd = world.cwd.clone();
        let stdin = stdin_name(files, &cwd)?;
        let mut selection = Selection::default();
        let mut start = cwd.clone();
        if let Some(list) = &files.files_from {
            let listed = read_list(list, files.null, world)?;
            selection.listed = listed.iter().map(|path| discover::absolute(path, &cwd)).collect();
        } else if let Some((name, _)) = &stdin {
            start = name.parent().unwrap_or(&cwd).to_path_buf();
        } else {
            selection = Selection::of_arguments(&files.paths, &cwd, files.only_stack_files);
            if !files.only_stack_files {
                start = shared_folder(&selection).unwrap_or(start);
            }
        }
        let config = read_config(files, &start, &cwd)?;
        let repository = config::repository_root(&start);
        let beside = config.file.as_ref().map(|_| config.folder.clone());
        let root = repository.clone().or_else(|| beside.clone()).unwrap_or_else(|| cwd.clone());
        let project = beside.or(repository).unwrap_or(start);
        Ok(Self {
            files,
            config,
            selection,
            bases: Bases { cwd, root, keep_documents: false },
            project,
            stdin,
            never_below: None,
        })
    }

    /// Where each rendered file goes, below `folder`: its path from the working directory, or from the repository's root where
    /// it lies outside of that.
    fn places(&self, rendered: &[Rendered<'_>], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut seen: BTreeMap<PathBuf, &str> = BTreeMap::new();
        let mut places = Vec::with_capacity(rendered.len());
        let mut inputs: Option<BTreeSet<(u64, u64)>> = None;
        for Rendered { file, .. } in rendered {
            let shown = printable(file.source.path());
            let place = file.path.strip_prefix(&self.bases.cwd).or_else(|_| file.path.strip_prefix(&self.bases.root));
            let Ok(place) = place else {
                return Err(Failure::usage(format!("`{shown}` lies outside the working directory and its repository"))
                    .with_help("run this from a folder that holds it"));
            };
            let target = folder.join(place);
            // By what the system knows them as, since the folder may be a link to that of the inputs.
            let inode = |path: &Path| path.symlink_metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
            let is_input = inode(&target).is_some_and(|target| {
                let all = || rendered.iter().filter_map(|rendered| inode(&rendered.file.path)).collect();
                inputs.get_or_insert_with(all).contains(&target)
            });
            if is_input {
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

    fn inventories(&self, chosen: &[String]) -> Inventories {
        let folders = self.inventory_folders();
        Inventories::new(&self.config, chosen, &self.bases.cwd, &self.bases.root, &folders)
    }

    /// Where the inventory file that needs no config is looked for.
    fn inventory_folders(&self) -> Vec<PathBuf> {
        vec![self.project.clone(), self.bases.root.clone(), self.bases.cwd.clone()]
    }

    fn search(&self) -> Search<'_> {
        let mut never: Vec<PathBuf> = self.config.inventories.iter().map(|inventory| inventory.path.clone()).collect();
        never.extend(self.config.file.clone());
        never.extend(self.inventory_folders().iter().flat_map(|folder| FALLBACK_NAMES.map(|name| folder.join(name))));
        Search { config: &self.config, no_exclude: self.files.no_exclude, never, never_below: self.never_below.clone() }
    }

    fn scan(&mut self, world: &mut World<'_>) -> Result<Scan, Stop> {
        let Some((name, syntax)) = &self.stdin else {
            return Ok(scan::run(&self.search(), &self.selection, &self.bases));
        };
        if let Some(glob) = self.search().excluded(name) {
            let mut scan = Scan::default();
            scan.passed.excluded.push((name.clone(), glob));
            return Ok(scan);
        }
        let mut bytes = Vec::new();
        world
            .stdin
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {}", plain_io(&error))))?;
        let named = Candidate { path: name.clone(), syntax: *syntax, why: Some(Why::Named) };
        let candidate = if self.files.only_stack_files { self.search().candidate(name, &[]) } else { Some(named) };
        let read = |candidate| scan::run_text(&bytes, candidate, self.config.resolver, &self.bases);
        Ok(candidate.map(read).unwrap_or_default())
    }

    fn list_files(&mut self, world: &mut World<'_>) -> Result<Outcome, Stop> {
        let scan = self.scan(world)?;
        for file in &scan.files {
            writeln!(world.stdout.out, "{}: {}", printable(file.source.path()), printable(&file.why.to_string()))?;
        }
        world.stdout.out.flush()?;
        self.notes(&scan, world)?;
        tell(&scan.passed.failures, Color::Auto, world)?;
        writeln!(world.stderr.out, "{} would be scanned", count(scan.files.len(), "file"))?;
        Ok(scan.passed.failures.iter().map(Failure::outcome).fold(Outcome::Clean, Outcome::max))
    }

    /// Whether the walk covers everything that could use an inventory of this project.
    fn covers_project(&self) -> bool {
        self.selection.covers(&self.project)
    }

    /// What was passed over, on stderr.
    fn notes(&self, scan: &Scan, world: &mut World<'_>) -> io::Result<()> {
        let mut excluded: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (path, glob) in &scan.passed.excluded {
            excluded.entry(glob).or_default().push(discover::relative(path, &self.bases.cwd));
        }
        for (glob, paths) in excluded {
            let first = paths.first().map_or("", String::as_str);
            let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
            let (first, glob) = (printable(first), printable(glob));
            writeln!(world.stderr.out, "note: excluded by `{glob}`: `{first}`{more}; --no-exclude overrides")?;
        }
        if scan.passed.skipped > 0 {
            let skipped = count(scan.passed.skipped, "file");
            writeln!(world.stderr.out, "note: skipped {skipped} of the list: no stack files, or not there")?;
        }
        if scan.files.is_empty() && scan.passed.failures.is_empty() && scan.passed.excluded.is_empty() {
            let why = if self.config.include.is_some() {
                "nothing matches `[files] include`"
            } else {
                "nothing has the shape of a stack (`components` with `stack_name` or `zenml_version`) or a name like \
                 `prod.stack.yaml`"
            };
            writeln!(world.stderr.out, "warning: no stack file found: {why}")?;
        }
        Ok(())
    }
}

/// The name that standard input goes by, if it is read for its content.
fn stdin_name(files: &crate::cli::Files, cwd: &Path) -> Result<Option<(PathBuf, Syntax)>, Failure> {
    let dash = |path: &PathBuf| path.as_os_str() == "-";
    if files.files_from.is_some() || !files.paths.iter().any(dash) {
        if files.stdin_filename.is_some() {
            return Err(Failure::usage("--stdin-filename names standard input, which is not read")
                .with_help("add `-` as the path"));
        }
        return Ok(None);
    }
    if files.paths.len() > 1 {
        return Err(Failure::usage("`-` cannot stand beside other paths"));
    }
    let Some(name) = &files.stdin_filename else {
        return Ok(Some((cwd.join("<stdin>"), Syntax::Yaml)));
    };
    let Some(syntax) = Syntax::of_path(name) else {
        return Err(Failure::usage(format!("`{}` is no stack file by its ending", name.display()))
            .with_help("stack files end in .yaml, .yml, .toml or .json"));
    };
    Ok(Some((discover::absolute(name, cwd), syntax)))
}

fn read_list(list: &Path, null: bool, world: &mut World<'_>) -> Result<Vec<PathBuf>, Failure> {
    let mut bytes = Vec::new();
    let read = if list.as_os_str() == "-" {
        world.stdin.read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(discover::absolute(list, &world.cwd)).map(|content| bytes = content)
    };
    read.map_err(|error| Failure::usage(format!("cannot read the list `{}`: {}", list.display(), plain_io(&error))))?;
    let lines = bytes.split(|&byte| if null { byte == 0 } else { byte == b'\n' });
    let names = lines.map(|line| if null { line } else { line.strip_suffix(b"\r").unwrap_or(line) });
    Ok(names.filter(|name| !name.is_empty()).map(path_of_bytes).collect())
}

#[cfg(unix)]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// The folder that all arguments lie in.
fn shared_folder(selection: &Selection) -> Option<PathBuf> {
    let files = selection.named.iter().filter_map(|path| path.parent());
    let folders = selection.folders.iter().map(PathBuf::as_path);
    let mut shared: Option<PathBuf> = None;
    for folder in folders.chain(files) {
        shared = Some(match shared {
            None => folder.to_path_buf(),
            Some(so_far) => so_far.ancestors().find(|above| folder.starts_with(above))?.to_path_buf(),
        });
    }
    shared
}

/// The config that `--config` names, or the nearest upward from what is looked at, or from the working directory.
fn read_config(files: &crate::cli::Files, start: &Path, cwd: &Path) -> Result<Config, Vec<Failure>> {
    let file = match &files.config {
        Some(file) => Some(discover::absolute(file, cwd)),
        None if files.no_config => None,
        None => config::find(start).or_else(|| config::find(cwd)),
    };
    let known: Vec<&str> = rules::names().collect();
    match file {
        Some(file) => config::load(&file, &discover::relative(&file, cwd), &known),
        None => Ok(Config { folder: cwd.to_path_buf(), ..Config::default() }),
    }
}

fn level_of_environment(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Level>, Failure> {
    let Some(text) = env(LEVEL_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match Level::parse(&text) {
        Some(level) => Ok(Some(level)),
        None => Err(Failure::usage(format!("`{}` is no level, in {LEVEL_VARIABLE}", printable(&text)))
            .with_help(format!("the levels are {}", Level::NAMES.join(", ")))),
    }
}

fn look(stream: &Stream<'_>, color: Color, env: &dyn Fn(&str) -> Option<String>) -> Look {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let forced = |name: &str| env(name).is_some_and(|value| !value.is_empty() && value != "0");
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto => forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") || stream.terminal.is_some(),
    };
    Look { color, width: stream.terminal.unwrap_or(DEFAULT_WIDTH) }
}

fn tell(failures: &[Failure], color: Color, world: &mut World<'_>) -> io::Result<()> {
    let look = look(&world.stderr, color, world.env);
    failures.iter().try_for_each(|failure| human::write_failure(failure, look, world.stderr.out))
}
