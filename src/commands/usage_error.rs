//! Runs that fail before they have a result: command lines that clap rejects, and machine-readable
//! reports that contain only the failures.

use super::terminal_style::output_style;
use crate::cli::{Cli, Color};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::lint::report::Report;
use crate::lint::secret_matrix::Matrix;
use crate::output::style::OutputStyle;
use crate::output::{
    self, Format, json_comparison, json_references, json_report, lists, matrix_report,
};
use crate::workspace::context::Context;
use clap::{CommandFactory as _, ValueEnum as _};
use std::ffi::{OsStr, OsString};
use std::io;

/// Prints an error of clap, or the help or version that was requested. With `--format`, also writes
/// a report that contains the error, so that tools always read a complete document.
pub(super) fn print_usage_error(
    error: &clap::Error,
    args: &[OsString],
    context: &mut Context<'_>,
) -> io::Result<Outcome> {
    let format = option_values(args, "--format")
        .find_map(|format| Format::from_str(format.to_str()?, false).ok());
    if let Some(format) = format.filter(|_| error.use_stderr()) {
        let text = error.to_string();
        // The first paragraph: clap lists missing arguments below the first line.
        let lead: Vec<&str> = text
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        let message = lead.join(" ");
        let message = message.trim_start_matches("error: ");
        write_failed_report(
            command_name(args),
            format,
            &[Failure::usage(message)],
            context,
        )?;
    }
    let (stream, outcome) = if error.use_stderr() {
        (&mut context.stderr, Outcome::Usage)
    } else {
        (&mut context.stdout, Outcome::Clean)
    };
    let text = error.render();
    let color = output_style(stream, color_from_args(args), context.env.as_ref()).color;
    let text = if color {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    write!(stream.out, "{text}")?;
    Ok(outcome)
}

/// Returns the name of the command on a command line that clap has rejected; empty if there is
/// none.
fn command_name(args: &[OsString]) -> &str {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
    let cli = Cli::command();
    let is_command = |word: &str| {
        word == "register-secrets"
            || cli
                .get_subcommands()
                .any(|command| command.get_name() == word)
    };
    match words
        .iter()
        .copied()
        .find(|word| is_command(word))
        .unwrap_or_default()
    {
        "inventory" if words.contains(&"snapshot") => "snapshot",
        "inventory" if words.contains(&"diff") => "inventory diff",
        command => command,
    }
}

/// Returns the value of `--color` on a command line that clap has rejected.
fn color_from_args(args: &[OsString]) -> Color {
    option_values(args, "--color")
        .find_map(|when| Color::from_str(when.to_str()?, false).ok())
        .unwrap_or(Color::Auto)
}

/// Returns the values of an option, from `--name value` and `--name=value`, on a command line that
/// clap has not parsed.
pub(super) fn option_values<'w>(
    words: &'w [OsString],
    option: &'static str,
) -> impl Iterator<Item = &'w OsStr> {
    words.iter().enumerate().filter_map(move |(at, word)| {
        match word.to_str()?.strip_prefix(option)? {
            "" => words.get(at + 1).map(OsString::as_os_str),
            rest => rest.strip_prefix('=').map(OsStr::new),
        }
    })
}

/// Writes the report of a run that failed before it had a result: a complete document that contains
/// the failures. Writes nothing for a command whose standard output is not a report. `command` is
/// empty if the command is unknown.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn write_failed_report(
    command: &str,
    format: Format,
    failures: &[Failure],
    context: &mut Context<'_>,
) -> io::Result<()> {
    let out = &mut *context.stdout.out;
    let report = || Report {
        failures: failures.to_vec(),
        ..Report::default()
    };
    match command {
        "check" => output::write(format, &report(), OutputStyle::PLAIN, out)?,
        _ if format != Format::Json => {}
        "refs" => {
            let (references, declarations) = (std::iter::empty(), std::iter::empty());
            json_references::write_references(references, declarations, failures, out)?;
        }
        "matrix" => matrix_report::write_json(&Matrix::default(), failures, out)?,
        "register" | "register-secrets" => {
            let registered = lists::RegisterResult {
                failures,
                ..lists::RegisterResult::default()
            };
            lists::write_register_json(
                &registered,
                &Inventories::from_inventories(Vec::new()),
                out,
            )?;
        }
        "inventory" => lists::write_inventories_json(&[], failures, out)?,
        "inventory diff" => json_comparison::write_failed(failures, out)?,
        "" => json_report::write(&report(), out)?,
        // The other commands write documents and other data to standard output, never a report.
        _ => {}
    }
    out.flush()
}
