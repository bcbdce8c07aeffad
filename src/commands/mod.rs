//! One function a command. Streams, environment and working directory are handed in, so that the whole program runs
//! inside a test.

mod progress;
mod check;
mod complete;
mod create;
mod crash_guard;
mod init;
pub mod init_plan;
mod inventory_list;
mod terminal_style;
mod man;
mod outputs;
mod register;
mod render;
mod workspace;
mod prompter;
mod target;
mod trust;
mod verbose;

use crate::cli::{Cli, Color, Command, InventoryCommand};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
use crate::diagnostics::outcome::Outcome;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::Inventories;
use crate::lint::reference_list;
use crate::lint::report::{Report, Summary};
use crate::lint::rules;
use crate::lint::scan::Scan;
use crate::output::style::OutputStyle;
use crate::output::{self, Format, ListFormat, count, human, json_report, lists, short, summary_line};
use crate::project::config::Level;
use crate::prompt::keyboard::Keyboard;
use crate::system::environment::Environment;
use crate::system::paths;
use crate::system::write::{self, Notice};
use crate::text::nearest::nearest;
use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use terminal_style::output_style;
use workspace::Workspace;

pub use crash_guard::guard;

/// The name of the program.
const PROGRAM_NAME: &str = "stackref";

/// The environment variable that sets the level, as for `ZenML`.
const LEVEL_VARIABLE: &str = "ZENML_SECRET_VALIDATION_LEVEL";

/// Columns where there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 100;

/// A stream to write to, and whether a person watches it.
pub struct Stream<'w> {
    /// Where to.
    pub out: &'w mut dyn Write,
    /// Columns, if it is a terminal.
    pub columns: Option<usize>,
}

/// Everything a run has of its surroundings.
pub struct Context<'w> {
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

impl Context<'_> {
    /// Prints a note on standard error, unless the run is quiet.
    ///
    /// # Errors
    /// Those of standard error.
    fn note(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(self.stderr.out, "note: {text}") }
    }
}

/// Why a command ended early: something to tell, or a stream that is gone.
enum CommandError {
    Failed(Vec<Failure>),
    Io(io::Error),
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::Failed(vec![failure])
    }
}

impl From<Vec<Failure>> for CommandError {
    fn from(failures: Vec<Failure>) -> Self {
        Self::Failed(failures)
    }
}

/// Runs the program on its arguments. Nothing that can go wrong panics: a broken pipe is success, any other write that
/// fails is told and is 2.
pub fn run(args: impl IntoIterator<Item = OsString>, context: &mut Context<'_>) -> Outcome {
    let args: Vec<OsString> = args.into_iter().collect();
    let ended = match parse_args(&args) {
        Ok((cli, usage)) => run_command(&cli, &usage, context),
        Err(error) => print_usage_error(&error, &args, context),
    };
    let ended = ended.and_then(|outcome| context.stdout.out.flush().map(|()| outcome));
    let outcome = match ended {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(error) => {
            let _ = writeln!(context.stderr.out, "error: cannot write: {}", io_message(&error));
            Outcome::Usage
        }
    };
    if let Some(summary) = context.summary.take().filter(|_| !context.quiet) {
        let _ = writeln!(context.stderr.out, "{summary}");
    }
    outcome
}

/// Parses the command line. Returns it with the usage line of its command.
///
/// # Errors
/// The command line is not valid, or asks for help or the version. The error shows the usage line of its command.
fn parse_args(args: &[OsString]) -> Result<(Cli, String), clap::Error> {
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
fn empty_summary(command: &Command) -> Option<String> {
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

fn print_usage_error(error: &clap::Error, args: &[OsString], context: &mut Context<'_>) -> io::Result<Outcome> {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
    let format = option_values(args, "--format").find_map(|format| Format::from_str(format.to_str()?, false).ok());
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
        write_failed_report(command, format, &[Failure::usage(message)], context)?;
    }
    let (stream, outcome) =
        if error.use_stderr() { (&mut context.stderr, Outcome::Usage) } else { (&mut context.stdout, Outcome::Clean) };
    let text = error.render();
    let color = output_style(stream, color_from_words(args), context.env.as_ref()).color;
    let text = if color { text.ansi().to_string() } else { text.to_string() };
    write!(stream.out, "{text}")?;
    Ok(outcome)
}

/// Returns what `--color` says on a command line that could not be read.
fn color_from_words(words: &[OsString]) -> Color {
    option_values(words, "--color").find_map(|when| Color::from_str(when.to_str()?, false).ok()).unwrap_or(Color::Auto)
}

/// Returns the values that a command line gives an option: `--name value` and `--name=value`. For lines that clap has not parsed.
fn option_values<'w>(words: &'w [OsString], option: &'static str) -> impl Iterator<Item = &'w OsStr> {
    words.iter().enumerate().filter_map(move |(at, word)| match word.to_str()?.strip_prefix(option)? {
        "" => words.get(at + 1).map(OsString::as_os_str),
        rest => rest.strip_prefix('=').map(OsStr::new),
    })
}

/// Writes the report of a run that failed before it had anything to report: a whole document that contains the failures. Writes
/// nothing for a command whose standard output is not a report. An empty name stands for an unknown command.
fn write_failed_report(
    command: &str,
    format: Format,
    failures: &[Failure],
    context: &mut Context<'_>,
) -> io::Result<()> {
    let out = &mut *context.stdout.out;
    let report = || Report { failures: failures.to_vec(), ..Report::default() };
    match command {
        "check" => output::write(format, &report(), OutputStyle::PLAIN, out)?,
        _ if format != Format::Json => {}
        "refs" => json_report::write_references(std::iter::empty(), failures, out)?,
        "register" | "register-secrets" => {
            let registered = lists::RegisterResult { failures, ..lists::RegisterResult::default() };
            lists::write_register_json(&registered, &Inventories::from_inventories(Vec::new()), out)?;
        }
        "inventory" => lists::write_inventories_json(&[], failures, out)?,
        "" => json_report::write(&report(), out)?,
        // These commands write documents and other data to standard output, never a report.
        _ => {}
    }
    out.flush()
}

/// Runs a command. `usage` is its usage line, which is shown with options that contradict each other.
fn run_command(cli: &Cli, usage: &str, context: &mut Context<'_>) -> io::Result<Outcome> {
    let color = cli.color;
    context.quiet = matches!(&cli.command, Command::Check(args) if args.quiet);
    context.summary = empty_summary(&cli.command);
    // With the name under which the report of a failed run is written, where the report is JSON.
    let (ended, json) = match &cli.command {
        // It writes its reports itself, whatever comes.
        Command::Check(args) => (check::check(args, color, context), None),
        Command::Render(args) => (render::render(args, color, context), None),
        Command::Register(args) => {
            (register::register(args, color, context), (args.format == ListFormat::Json).then_some("register"))
        }
        Command::Refs(args) => {
            (list_references(args, color, context), (args.format == ListFormat::Json).then_some("refs"))
        }
        Command::Inventory(args) => {
            let json = args.command.is_none() && args.list.format == ListFormat::Json;
            (inventory_list::inventory(args, color, context), json.then_some("inventory"))
        }
        Command::Explain(args) => (explain(args, color, context), None),
        Command::Init(args) => (init::init(args, color, context), None),
        Command::Trust(args) => (trust::trust(args, color, context), None),
        Command::Schema(args) => (man::schema(args, context), None),
        Command::Completions(args) => (complete::completions(args, context), None),
        Command::Man(args) => (man::man(args, color, context), None),
        Command::Help(args) => (man::help(args, color, context), None),
        Command::Complete(args) => (complete::complete(args, context), None),
    };
    let noted = report_recovered(context);
    match ended {
        Ok(outcome) => noted.map(|()| outcome),
        Err(CommandError::Io(error)) => Err(error),
        Err(CommandError::Failed(failures)) => {
            if let Some(command) = json {
                write_failed_report(command, Format::Json, &failures, context)?;
            }
            context.stdout.out.flush()?;
            print_failures(&failures, color, context)?;
            if failures.iter().any(Failure::is_contradiction) {
                writeln!(context.stderr.out, "\n{usage}\n\nFor more information, try '--help'.")?;
            }
            Ok(failures.iter().map(Failure::outcome).max().unwrap_or(Outcome::Usage))
        }
    }
}

fn list_references(
    args: &crate::cli::RefsArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let mut workspace = Workspace::open(&args.files, context)?;
    workspace.scripts = true;
    let scan = workspace.scan(context)?;
    let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
    context.summary = Some(format!("listed {references} in {files}"));
    if args.format == ListFormat::Json {
        json_report::write_references(scan.references(), &unread_failures(&scan), context.stdout.out)?;
    } else {
        let style = output_style(&context.stdout, color, context.env.as_ref());
        lists::write_references(reference_list::lines(&scan), style, context.stdout.out)?;
    }
    context.stdout.out.flush()?;
    workspace.notes(&scan, context)?;
    Ok(report_unparsed(&scan, color, context)?)
}

/// Reports the edits that were found in what a killed run left behind.
fn report_recovered(context: &mut Context<'_>) -> io::Result<()> {
    for notice in write::take_notices() {
        let shown = |path: &Path| escape_control(&paths::relative(path, &context.cwd));
        match notice {
            Notice::Restored { path } => {
                let path = shown(&path);
                context.note(format_args!("put back an edit of `{path}` that a killed run had replaced"))?;
            }
            Notice::Kept { path, edit } => {
                let (path, edit) = (shown(&path), shown(&edit));
                writeln!(
                    context.stderr.out,
                    "warning: `{edit}` is a version of `{path}` that a run could not put back: take over what you \
                     need, and remove its folder"
                )?;
            }
        }
    }
    Ok(())
}

/// What a user should know about the inventories that were asked.
fn warn_about_inventories(
    inventories: &Inventories,
    asked: impl Iterator<Item = usize>,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let warnings = asked.filter_map(|at| inventories.get(at)?.warning());
    warnings.into_iter().try_for_each(|warning| writeln!(context.stderr.out, "warning: {}", escape_control(&warning)))
}

/// What could not be read: it has no references to list or to register, and what is not whole must not pass for it.
fn report_unparsed(scan: &Scan, color: Color, context: &mut Context<'_>) -> io::Result<Outcome> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let broken = findings.filter(|finding| finding.rule() == RuleId::SyntaxError).cloned().collect();
    let broken = build_all(broken, |_| Some(Severity::Error));
    short::write(&broken, output_style(&context.stderr, color, context.env.as_ref()), context.stderr.out)?;
    print_failures(&scan.skipped.failures, color, context)?;
    let broken = if broken.is_empty() { Outcome::Clean } else { Outcome::Findings };
    Ok(scan.skipped.failures.iter().map(Failure::outcome).fold(broken, Outcome::max))
}

/// Returns why a list of references is not complete, as JSON reports have it: what could not be read, and what does not parse.
fn unread_failures(scan: &Scan) -> Vec<Failure> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let broken =
        findings.map(FindingBuilder::draft).filter(|finding| finding.rule == RuleId::SyntaxError).map(|finding| {
            let (path, line) = (finding.source.path(), finding.source.position(finding.span.start).line);
            Failure::finding(format!("cannot parse `{path}`: line {line}: {}", finding.message))
        });
    scan.skipped.failures.iter().cloned().chain(broken).collect()
}

fn explain(args: &crate::cli::ExplainArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let Some(name) = &args.rule else {
        lists::write_rules(output_style(&context.stdout, color, context.env.as_ref()), context.stdout.out)?;
        return Ok(Outcome::Clean);
    };
    if let Some(rule) = rules::find(name) {
        write!(context.stdout.out, "{}", rule.page())?;
    } else {
        let failure = Failure::usage(format!("no rule is named `{}`", escape_control(name)));
        return Err(CommandError::from(match nearest(name, rules::names()) {
            Some(near) => failure.with_help(format!("did you mean `{near}`?")),
            None => failure.with_help("`stackref explain` lists them all"),
        }));
    }
    Ok(Outcome::Clean)
}

fn level_from_environment(env: &dyn Environment) -> Result<Option<Level>, Failure> {
    let Some(text) = env.get(LEVEL_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_string_lossy();
    match Level::parse(&text) {
        Some(level) => Ok(Some(level)),
        None => Err(Failure::usage(format!("`{}` is no level, in {LEVEL_VARIABLE}", escape_control(&text)))
            .with_help(format!("the levels are {}", Level::NAMES.join(", ")))),
    }
}

fn print_failures(failures: &[Failure], color: Color, context: &mut Context<'_>) -> io::Result<()> {
    let style = output_style(&context.stderr, color, context.env.as_ref());
    failures.iter().try_for_each(|failure| human::write_failure(failure, style, context.stderr.out))
}
