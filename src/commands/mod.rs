//! The commands: one file each, which reads its arguments, calls the library and prints the result.
//!
//! [`run`] parses the command line, runs the command, prints its failures and the summary, and
//! returns the outcome. Streams, environment and working directory are in the [`Context`], so the
//! whole program can run in a test.

mod check;
mod complete;
mod crash_guard;
mod explain;
mod init;
mod init_plan;
mod inventory_diff;
mod inventory_list;
mod language_server;
mod man;
mod matrix;
mod messages;
mod outputs;
mod progress;
mod prompter;
mod refs;
mod rename;
mod register;
mod registered_scan;
mod render;
mod selection_notes;
mod snapshot;
mod target;
mod terminal_style;
mod trust;
mod usage_error;
mod verbose;

use crate::cli::{Cli, Command, InventoryCommand};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::outcome::Outcome;
use crate::lint::report::Summary;
use crate::output::{
    ComparisonFormat, Format, ListFormat, MatrixFormat, ReferenceFormat, summary_line,
};
use crate::workspace::context::CommandError;
use clap::{CommandFactory as _, FromArgMatches as _};
use messages::{print_failures, report_recovered};
use std::ffi::OsString;
use std::io;
use usage_error::{print_usage_error, write_failed_report};

pub use crate::workspace::context::{Context, DEFAULT_WIDTH, Stream};
pub use crash_guard::guard;

/// The name of the program.
const PROGRAM_NAME: &str = "stackref";

/// Runs the program on its arguments. It never panics because of an error: a broken pipe counts as
/// success, and any other write error is reported and ends the run with [`Outcome::Usage`].
pub fn run(args: impl IntoIterator<Item = OsString>, context: &mut Context<'_>) -> Outcome {
    let args: Vec<OsString> = args.into_iter().collect();
    let result = match parse_args(&args) {
        Ok((cli, usage)) => run_command(&cli, &usage, context),
        Err(error) => print_usage_error(&error, &args, context),
    };
    let result = result.and_then(|outcome| context.stdout.out.flush().map(|()| outcome));
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Clean,
        Err(error) => {
            let _ = writeln!(
                context.stderr.out,
                "error: cannot write: {}",
                io_message(&error)
            );
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
/// The command line is not valid, or requests help or the version. The error shows the usage line
/// of its command.
fn parse_args(args: &[OsString]) -> Result<(Cli, String), clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    let (mut innermost, mut subcommand) = (command, matches.subcommand());
    while let Some((name, matches)) = subcommand {
        innermost = innermost
            .find_subcommand(name)
            .cloned()
            .unwrap_or(innermost);
        subcommand = matches.subcommand();
    }
    let usage = innermost.render_usage().to_string();
    Cli::from_arg_matches(&matches)
        .map(|cli| (cli, usage))
        .map_err(|error| error.format(&mut innermost))
}

/// Runs a command. `usage` is its usage line, which is printed after options that contradict each
/// other.
fn run_command(cli: &Cli, usage: &str, context: &mut Context<'_>) -> io::Result<Outcome> {
    let color = cli.color;
    context.quiet = matches!(&cli.command, Command::Check(args) if args.quiet);
    context.summary = initial_summary(&cli.command);
    let result = match &cli.command {
        Command::Check(args) => check::check(args, color, context),
        Command::Render(args) => render::render(args, color, context),
        Command::Register(args) => register::register(args, color, context),
        Command::Refs(args) => refs::refs(args, color, context),
        Command::Matrix(args) => matrix::matrix(args, color, context),
        Command::Rename(args) => rename::rename(args, color, context),
        Command::Inventory(args) => match &args.command {
            None => inventory_list::inventory(&args.list, color, context),
            Some(InventoryCommand::Snapshot(args)) => snapshot::snapshot(args, color, context),
            Some(InventoryCommand::Diff(args)) => inventory_diff::diff(args, color, context),
        },
        Command::Explain(args) => explain::explain(args, color, context),
        Command::Init(args) => init::init(args, color, context),
        Command::Trust(args) => trust::trust(args, color, context),
        Command::Lsp(_) => Ok(language_server::serve(context)),
        Command::Schema(args) => man::schema(args, context),
        Command::Completions(args) => complete::completions(args, context),
        Command::Man(args) => man::man(args, color, context),
        Command::Help(args) => man::help(args, color, context),
        Command::Complete(args) => complete::complete(args, context),
    };
    let recovered = report_recovered(context);
    match result {
        Ok(outcome) => recovered.map(|()| outcome),
        Err(CommandError::Io(error)) => Err(error),
        Err(CommandError::Failed(failures)) => {
            if let Some(command) = json_report_of(&cli.command) {
                write_failed_report(command, Format::Json, &failures, context)?;
            }
            context.stdout.out.flush()?;
            print_failures(&failures, color, context)?;
            if failures.iter().any(Failure::is_contradiction) {
                writeln!(
                    context.stderr.out,
                    "\n{usage}\n\nFor more information, try '--help'."
                )?;
            }
            Ok(failures
                .iter()
                .map(Failure::outcome)
                .max()
                .unwrap_or(Outcome::Usage))
        }
    }
}

/// Returns the name under which the JSON report of a failed command is written; `None` if the
/// command prints no JSON, or writes its reports itself, as `check` does.
fn json_report_of(command: &Command) -> Option<&'static str> {
    let is_json = |format| format == ListFormat::Json;
    match command {
        Command::Register(args) => is_json(args.format).then_some("register"),
        Command::Refs(args) => (args.format == ReferenceFormat::Json).then_some("refs"),
        Command::Matrix(args) => {
            (args.format == Some(MatrixFormat::Json) && args.output.is_none()).then_some("matrix")
        }
        Command::Inventory(args) => match &args.command {
            None => is_json(args.list.format).then_some("inventory"),
            Some(InventoryCommand::Diff(args)) => {
                (args.format == ComparisonFormat::Json).then_some("inventory diff")
            }
            Some(InventoryCommand::Snapshot(_)) => None,
        },
        _ => None,
    }
}

/// Returns the summary of a run that fails before the command has done anything; `None` for
/// commands without a summary.
fn initial_summary(command: &Command) -> Option<String> {
    let without_findings = summary_line(&Summary::default());
    match command {
        Command::Check(_) => Some(format!("{without_findings}; nothing was checked")),
        Command::Render(_) => Some(format!("{without_findings}; nothing was rendered")),
        Command::Register(_) => Some("nothing was registered".to_owned()),
        Command::Refs(_) => Some("listed 0 references in 0 files".to_owned()),
        Command::Matrix(_) => Some("nothing was compared".to_owned()),
        Command::Rename(_) => Some("nothing was renamed".to_owned()),
        Command::Inventory(args) => Some(match &args.command {
            Some(InventoryCommand::Snapshot(_)) => "no snapshot was made".to_owned(),
            Some(InventoryCommand::Diff(_)) => "nothing was compared".to_owned(),
            None if args.list.probe => "probed 0 inventories".to_owned(),
            None => "listed 0 secrets in 0 inventories".to_owned(),
        }),
        Command::Init(_) => Some("nothing was written".to_owned()),
        Command::Trust(_) => Some("nothing was recorded".to_owned()),
        Command::Explain(_)
        | Command::Lsp(_)
        | Command::Schema(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Help(_)
        | Command::Complete(_) => None,
    }
}
