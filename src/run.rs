//! One function a command. Streams, environment and working directory are handed in, so that the whole program runs
//! inside a test.

mod bar;
mod check;
mod complete;
mod create;
mod guard;
mod init;
mod inventory;
mod look;
mod manual;
mod outputs;
mod register;
mod render;
mod session;
mod talk;
mod target;
mod trust;
mod verbose;

use crate::check::{Report, Summary};
use crate::cli::{Cli, Color, Command, InventoryCommand};
use crate::config::Level;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::inventory::Inventories;
use crate::inventory::env::Environment;
use crate::nearest::nearest;
use crate::outcome::Outcome;
use crate::paths;
use crate::refs;
use crate::report::look::Look;
use crate::report::{self, Format, ListFormat, count, human, json, lists, short, summary_line};
use crate::rules;
use crate::scan::Scan;
use crate::terminal::Keyboard;
use crate::write::{self, Notice};
use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};
use look::look;
use session::Session;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use guard::guard;

/// The name of the program.
const NAME: &str = "stackref";

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
    pub env: Arc<dyn Environment>,
    /// The working directory.
    pub cwd: PathBuf,
    /// Takes the terminal over to ask questions; nothing where nobody could see them or answer.
    pub keyboard: Option<&'w dyn Fn() -> io::Result<Box<dyn Keyboard>>>,
    /// The last line of standard error: what the run came to, as far as it has got. [`run`] sets it before a command begins
    /// and prints it whatever ends the run; commands replace it as they go.
    pub summary: Option<String>,
    /// Whether to print neither notes nor the summary. [`run`] sets it.
    pub quiet: bool,
}

impl World<'_> {
    /// Prints a note on standard error, unless the run is quiet.
    ///
    /// # Errors
    /// Those of standard error.
    fn note(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(self.stderr.out, "note: {text}") }
    }
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
    let ended = match parse(&args) {
        Ok((cli, usage)) => command(&cli, &usage, world),
        Err(error) => usage(&error, &args, world),
    };
    let ended = ended.and_then(|outcome| world.stdout.out.flush().map(|()| outcome));
    let outcome = match ended {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(error) => {
            let _ = writeln!(world.stderr.out, "error: cannot write: {}", plain_io(&error));
            Outcome::Usage
        }
    };
    if let Some(summary) = world.summary.take().filter(|_| !world.quiet) {
        let _ = writeln!(world.stderr.out, "{summary}");
    }
    outcome
}

/// Parses the command line. Returns it with the usage line of its command.
///
/// # Errors
/// The command line is not valid, or asks for help or the version. The error shows the usage line of its command.
fn parse(args: &[OsString]) -> Result<(Cli, String), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let (mut named, mut below) = (command, matches.subcommand());
    while let Some((name, matches)) = below {
        named = named.find_subcommand(name).cloned().unwrap_or(named);
        below = matches.subcommand();
    }
    let usage = named.render_usage().to_string();
    Cli::from_arg_matches(&matches).map(|cli| (cli, usage)).map_err(|error| error.format(&mut named))
}

/// Returns the summary of a run that ends before it has done anything; nothing for commands that only print what they know.
fn summary_of_nothing(command: &Command) -> Option<String> {
    let nothing_checked = |rest: &str| format!("{}; {rest}", summary_line(&Summary::default()));
    match command {
        Command::Check(_) => Some(nothing_checked("nothing was checked")),
        Command::Render(_) => Some(nothing_checked("nothing was rendered")),
        Command::Register(_) => Some("nothing was registered".to_owned()),
        Command::Refs(_) => Some("listed 0 references in 0 files".to_owned()),
        Command::Inventory(args) => Some(match &args.command {
            Some(InventoryCommand::Snapshot(_)) => "no snapshot was made".to_owned(),
            None if args.list.probe => "probed 0 inventories".to_owned(),
            None => "listed 0 secrets in 0 inventories".to_owned(),
        }),
        Command::Init(_) => Some("nothing was written".to_owned()),
        Command::Trust(_) => Some("nothing was recorded".to_owned()),
        Command::Explain(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Help(_)
        | Command::Complete(_) => None,
    }
}

fn usage(error: &clap::Error, args: &[OsString], world: &mut World<'_>) -> io::Result<Outcome> {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
    let format = values_of(args, "--format").find_map(|format| Format::from_str(format.to_str()?, false).ok());
    if let Some(format) = format.filter(|_| error.use_stderr()) {
        let commands: Vec<String> =
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let command =
            words.iter().find(|word| commands.iter().any(|command| command == *word) || **word == "register-secrets");
        let text = error.to_string();
        // The first paragraph: what is missing may be a list below the first line.
        let lead: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = lead.join(" ");
        let message = message.trim_start_matches("error: ");
        let command = match command.copied().unwrap_or_default() {
            "inventory" if words.contains(&"snapshot") => "snapshot",
            command => command,
        };
        write_failed(command, format, &[Failure::usage(message)], world)?;
    }
    let (stream, outcome) =
        if error.use_stderr() { (&mut world.stderr, Outcome::Usage) } else { (&mut world.stdout, Outcome::Clean) };
    let text = error.render();
    let color = look(stream, color_of_words(args), world.env.as_ref()).color;
    let text = if color { text.ansi().to_string() } else { text.to_string() };
    write!(stream.out, "{text}")?;
    Ok(outcome)
}

/// Returns what `--color` says on a command line that could not be read.
fn color_of_words(words: &[OsString]) -> Color {
    values_of(words, "--color").find_map(|when| Color::from_str(when.to_str()?, false).ok()).unwrap_or(Color::Auto)
}

/// Returns the values that a command line gives an option: `--name value` and `--name=value`. For lines that clap has not parsed.
fn values_of<'w>(words: &'w [OsString], option: &'static str) -> impl Iterator<Item = &'w OsStr> {
    words.iter().enumerate().filter_map(move |(at, word)| match word.to_str()?.strip_prefix(option)? {
        "" => words.get(at + 1).map(OsString::as_os_str),
        rest => rest.strip_prefix('=').map(OsStr::new),
    })
}

/// Writes the report of a run that failed before it had anything to report: a whole document that contains the failures. Writes
/// nothing for a command whose standard output is not a report. An empty name stands for an unknown command.
fn write_failed(command: &str, format: Format, failures: &[Failure], world: &mut World<'_>) -> io::Result<()> {
    let out = &mut *world.stdout.out;
    let report = || Report { failures: failures.to_vec(), ..Report::default() };
    match command {
        "check" => report::write(format, &report(), Look::PLAIN, out)?,
        _ if format != Format::Json => {}
        "refs" => json::write_references(std::iter::empty(), failures, out)?,
        "register" | "register-secrets" => {
            let registered = lists::Registered { failures, ..lists::Registered::default() };
            lists::write_register_json(&registered, &Inventories::of(Vec::new()), out)?;
        }
        "inventory" => lists::write_inventories_json(&[], failures, out)?,
        "" => json::write(&report(), out)?,
        // These commands write documents and other data to standard output, never a report.
        _ => {}
    }
    out.flush()
}

/// Runs a command. `usage` is its usage line, which is shown with options that contradict each other.
fn command(cli: &Cli, usage: &str, world: &mut World<'_>) -> io::Result<Outcome> {
    let color = cli.color;
    world.quiet = matches!(&cli.command, Command::Check(args) if args.quiet);
    world.summary = summary_of_nothing(&cli.command);
    // With the name under which the report of a failed run is written, where the report is JSON.
    let (ended, json) = match &cli.command {
        // It writes its reports itself, whatever comes.
        Command::Check(args) => (check::check(args, color, world), None),
        Command::Render(args) => (render::render(args, color, world), None),
        Command::Register(args) => {
            (register::register(args, color, world), (args.format == ListFormat::Json).then_some("register"))
        }
        Command::Refs(args) => (refs(args, color, world), (args.format == ListFormat::Json).then_some("refs")),
        Command::Inventory(args) => {
            let json = args.command.is_none() && args.list.format == ListFormat::Json;
            (inventory::inventory(args, color, world), json.then_some("inventory"))
        }
        Command::Explain(args) => (explain(args, color, world), None),
        Command::Init(args) => (init::init(args, color, world), None),
        Command::Trust(args) => (trust::trust(args, color, world), None),
        Command::Schema(args) => (manual::schema(args, world), None),
        Command::Completions(args) => (complete::completions(args, world), None),
        Command::Man(args) => (manual::man(args, color, world), None),
        Command::Help(args) => (manual::help(args, color, world), None),
        Command::Complete(args) => (complete::complete(args, world), None),
    };
    let noted = recovered(world);
    match ended {
        Ok(outcome) => noted.map(|()| outcome),
        Err(Stop::Io(error)) => Err(error),
        Err(Stop::Failed(failures)) => {
            if let Some(command) = json {
                write_failed(command, Format::Json, &failures, world)?;
            }
            world.stdout.out.flush()?;
            tell(&failures, color, world)?;
            if failures.iter().any(Failure::is_contradiction) {
                writeln!(world.stderr.out, "\n{usage}\n\nFor more information, try '--help'.")?;
            }
            Ok(failures.iter().map(Failure::outcome).max().unwrap_or(Outcome::Usage))
        }
    }
}

fn refs(args: &crate::cli::Refs, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut session = Session::open(&args.files, world)?;
    session.scripts = true;
    let scan = session.scan(world)?;
    let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
    world.summary = Some(format!("listed {references} in {files}"));
    if args.format == ListFormat::Json {
        json::write_references(scan.references(), &unread_failures(&scan), world.stdout.out)?;
    } else {
        let look = look(&world.stdout, color, world.env.as_ref());
        lists::write_references(refs::lines(&scan), look, world.stdout.out)?;
    }
    world.stdout.out.flush()?;
    session.notes(&scan, world)?;
    Ok(tell_unread(&scan, color, world)?)
}

/// Reports the edits that were found in what a killed run left behind.
fn recovered(world: &mut World<'_>) -> io::Result<()> {
    for notice in write::take_notices() {
        let shown = |path: &Path| printable(&paths::relative(path, &world.cwd));
        match notice {
            Notice::Restored { path } => {
                let path = shown(&path);
                world.note(format_args!("put back an edit of `{path}` that a killed run had replaced"))?;
            }
            Notice::Kept { path, edit } => {
                let (path, edit) = (shown(&path), shown(&edit));
                writeln!(
                    world.stderr.out,
                    "warning: `{edit}` is a version of `{path}` that a run could not put back: take over what you \
                     need, and remove its folder"
                )?;
            }
        }
    }
    Ok(())
}

/// What a user should know about the inventories that were asked.
fn warn(inventories: &Inventories, asked: impl Iterator<Item = usize>, world: &mut World<'_>) -> io::Result<()> {
    let warnings = asked.filter_map(|at| inventories.get(at)?.warning());
    warnings.into_iter().try_for_each(|warning| writeln!(world.stderr.out, "warning: {}", printable(&warning)))
}

/// What could not be read: it has no references to list or to register, and what is not whole must not pass for it.
fn tell_unread(scan: &Scan, color: Color, world: &mut World<'_>) -> io::Result<Outcome> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let broken: Vec<_> = findings.filter(|finding| finding.rule == "syntax-error").cloned().collect();
    short::write(&broken, look(&world.stderr, color, world.env.as_ref()), world.stderr.out)?;
    tell(&scan.passed.failures, color, world)?;
    let broken = if broken.is_empty() { Outcome::Clean } else { Outcome::Findings };
    Ok(scan.passed.failures.iter().map(Failure::outcome).fold(broken, Outcome::max))
}

/// Returns why a list of references is not complete, as JSON reports have it: what could not be read, and what does not parse.
fn unread_failures(scan: &Scan) -> Vec<Failure> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let broken = findings.filter(|finding| finding.rule == "syntax-error").map(|finding| {
        let (path, line) = (finding.source.path(), finding.source.position(finding.span.start).line);
        Failure::finding(format!("cannot parse `{path}`: line {line}: {}", finding.message))
    });
    scan.passed.failures.iter().cloned().chain(broken).collect()
}

fn explain(args: &crate::cli::Explain, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let Some(name) = &args.rule else {
        lists::write_rules(look(&world.stdout, color, world.env.as_ref()), world.stdout.out)?;
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

fn level_of_environment(env: &dyn Environment) -> Result<Option<Level>, Failure> {
    let Some(text) = env.get(LEVEL_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    match Level::parse(&text) {
        Some(level) => Ok(Some(level)),
        None => Err(Failure::usage(format!("`{}` is no level, in {LEVEL_VARIABLE}", printable(&text)))
            .with_help(format!("the levels are {}", Level::NAMES.join(", ")))),
    }
}

fn tell(failures: &[Failure], color: Color, world: &mut World<'_>) -> io::Result<()> {
    let look = look(&world.stderr, color, world.env.as_ref());
    failures.iter().try_for_each(|failure| human::write_failure(failure, look, world.stderr.out))
}
