//! `completions`, which prints the scripts for shells, and `__complete`, which the scripts call for
//! the candidates.
//!
//! Completion runs no program, trusts no config and prints no error: if anything fails, there are
//! no candidates. Only the names of inventories and environments are read from a config.

mod completion_line;
mod config_names;

use super::PROGRAM_NAME;
use crate::cli::{Cli, CompleteArgs, CompletionsArgs};
use crate::diagnostics::outcome::Outcome;
use crate::lint::rules::RULES;
use crate::workspace::context::{CommandError, Context};
use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;
use clap_complete::engine::{self, ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use completion_line::CompletionLine;
use config_names::{ConfigNames, config_names};
use std::ffi::OsStr;

/// Placeholders for paths. The shell replaces them by files or folders, because it quotes paths
/// itself.
const FILES: &str = ":files";
const FOLDERS: &str = ":folders";

/// Prints the script of a shell.
pub(super) fn completions(
    args: &CompletionsArgs,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let script = match args.shell {
        Shell::Bash => include_bytes!("complete/stackref.bash").to_vec(),
        Shell::Zsh => include_bytes!("complete/stackref.zsh").to_vec(),
        Shell::Fish => include_bytes!("complete/stackref.fish").to_vec(),
        // Generated into memory, because the generator panics if a write fails.
        shell => {
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut visible_command(&Cli::command()),
                PROGRAM_NAME,
                &mut script,
            );
            script
        }
    };
    context.stdout.out.write_all(&script)?;
    Ok(Outcome::Clean)
}

/// Prints the candidates for one word of a command line, one per line, in the format that the
/// script of the shell reads.
pub(super) fn complete(
    args: &CompleteArgs,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let CompletionLine {
        words,
        index,
        typed_before,
    } = CompletionLine::new(args);
    let current = words
        .get(index)
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut command = visible_command(&Cli::command());
    let names = config_names(&words, &context.cwd, context.env.get("SUDO_UID").as_deref());
    command = with_values(command, &names);
    let candidates = engine::complete(&mut command, words, index, None).unwrap_or_default();
    let (placeholders, mut candidates): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| placeholder_kind(candidate).is_some());
    // An option such as `--x` is not a path, but its value after `=` may be one. Such a placeholder
    // begins with the option.
    let is_wanted = |candidate: &&CompletionCandidate| {
        !current.starts_with('-') || candidate.get_value().len() > FOLDERS.len()
    };
    let paths = placeholders
        .iter()
        .find(is_wanted)
        .and_then(placeholder_kind);
    // Unless the user has begun an option, paths and commands take precedence over options.
    if !current.starts_with('-') && (paths.is_some() || !candidates.iter().all(is_option)) {
        candidates.retain(|candidate| !is_option(candidate));
    }
    for candidate in &candidates {
        writeln!(
            context.stdout.out,
            "{}",
            format_candidate(candidate, args.shell, &typed_before)
        )?;
    }
    if let Some(kind) = paths {
        writeln!(context.stdout.out, "{kind}")?;
    }
    Ok(Outcome::Clean)
}

/// Formats a candidate, with its description for shells that show it.
fn format_candidate(candidate: &CompletionCandidate, shell: Shell, typed_before: &str) -> String {
    let value = candidate.get_value().to_string_lossy();
    let value = value.strip_prefix(typed_before).unwrap_or(&value);
    let help = candidate
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let help = help.lines().next().unwrap_or_default();
    match shell {
        Shell::Zsh if help.is_empty() => value.replace(':', "\\:"),
        Shell::Zsh => format!("{}:{help}", value.replace(':', "\\:")),
        Shell::Fish => format!("{value}\t{help}"),
        _ => value.to_owned(),
    }
}

fn is_option(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().as_encoded_bytes().starts_with(b"-")
}

/// Returns the kind of a placeholder; `None` for any other candidate.
fn placeholder_kind(candidate: &CompletionCandidate) -> Option<&'static str> {
    let value = candidate.get_value().to_string_lossy();
    [FILES, FOLDERS]
        .into_iter()
        .find(|kind| value.ends_with(kind))
}

/// Returns a copy of a command without its hidden commands, options and aliases.
fn visible_command(command: &Command) -> Command {
    let mut visible = Command::new(command.get_name().to_owned())
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .visible_aliases(
            command
                .get_visible_aliases()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()));
    if let Some(about) = command.get_about() {
        visible = visible.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        visible = visible.version(version.to_owned());
    }
    visible.subcommands(
        command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(visible_command),
    )
}

/// Adds the candidates that the definitions of arguments do not list: inventories, rules, paths and
/// commands.
fn with_values(command: Command, names: &ConfigNames) -> Command {
    let commands = command_names(&command);
    with_argument_values(command, names).mut_subcommands(|subcommand| match subcommand.get_name() {
        "man" | "help" => {
            subcommand.mut_arg("command", |arg| with_command_names(arg, commands.clone()))
        }
        _ => subcommand,
    })
}

fn with_argument_values(command: Command, names: &ConfigNames) -> Command {
    let command = command.mut_args(|arg| match argument_values(&arg, names) {
        Some(values) => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            matching_candidates(&values, &current.to_string_lossy())
        })),
        None => arg,
    });
    command.mut_subcommands(|subcommand| with_argument_values(subcommand, names))
}

/// Returns the values of an argument, each with a description that may be empty; `None` if its
/// definition lists them.
fn argument_values(arg: &Arg, names: &ConfigNames) -> Option<Vec<(String, &'static str)>> {
    Some(match (arg.get_id().as_str(), arg.get_value_hint()) {
        ("environment", _) => names
            .environments
            .iter()
            .map(|name| (name.clone(), ""))
            .collect(),
        ("inventory" | "first" | "second", _) => names
            .inventories
            .iter()
            .cloned()
            .chain([FILES.to_owned()])
            .map(|name| (name, ""))
            .collect(),
        ("select" | "ignore" | "rule", _) => RULES
            .iter()
            .map(|rule| (rule.id.name().to_owned(), rule.summary))
            .collect(),
        (_, ValueHint::FilePath | ValueHint::AnyPath) => vec![(FILES.to_owned(), "")],
        (_, ValueHint::DirPath) => vec![(FOLDERS.to_owned(), "")],
        _ => return None,
    })
}

/// Returns the values that begin with `current`, and all placeholders, since the shell completes
/// their paths.
fn matching_candidates(
    values: &[(String, &'static str)],
    current: &str,
) -> Vec<CompletionCandidate> {
    let matching = values
        .iter()
        .filter(|(value, _)| value.starts_with(':') || value.starts_with(current));
    let candidates = matching.map(|(value, help)| {
        CompletionCandidate::new(value)
            .help(Some(*help).filter(|help| !help.is_empty()).map(Into::into))
    });
    candidates.collect()
}

fn with_command_names(arg: Arg, names: Vec<String>) -> Arg {
    arg.add(ArgValueCandidates::new(move || {
        names
            .iter()
            .map(CompletionCandidate::new)
            .collect::<Vec<_>>()
    }))
}

/// Returns the names of all commands and subcommands.
fn command_names(command: &Command) -> Vec<String> {
    let nested = command.get_subcommands().flat_map(Command::get_subcommands);
    command
        .get_subcommands()
        .chain(nested)
        .map(|command| command.get_name().to_owned())
        .collect()
}
