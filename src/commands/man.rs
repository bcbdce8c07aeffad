//! `help`, `man` and `schema`: documentation that is generated from the definitions of the command
//! line and of files. They read neither configs nor stack files.

use super::PROGRAM_NAME;
use crate::cli::help_text::{self, Example, GuideEntry};
use crate::cli::{Cli, Color, HelpArgs, ManArgs, SchemaArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::output::schemas;
use crate::project::repository;
use crate::system::environment::Environment;
use crate::system::programs;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;
use crate::workspace::context::{CommandError, Context};
use clap::{Command, CommandFactory as _};
use clap_mangen::roff::{Roff, bold, roman};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Prints the long help of a command.
pub(super) fn help(
    args: &HelpArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (mut command, _) = find(&args.command)?;
    let text = command.render_long_help();
    let color = context.stdout_style(color).color;
    let text = if color {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    writeln!(context.stdout.out, "{}", text.trim_end())?;
    Ok(Outcome::Clean)
}

/// Shows the manual page of a command: formatted in a terminal, else as roff. Without a working
/// `man`, shows the long help.
pub(super) fn man(
    args: &ManArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let (command, words) = find(&args.command)?;
    let page = page(command, &words)?;
    context.stdout.out.flush()?;
    if context.stdout.columns.is_some() {
        if show(&page, context.env.as_ref(), &context.cwd).unwrap_or(false) {
            return Ok(Outcome::Clean);
        }
        return help(
            &HelpArgs {
                command: args.command.clone(),
            },
            color,
            context,
        );
    }
    context.stdout.out.write_all(&page)?;
    Ok(Outcome::Clean)
}

/// Prints a schema.
pub(super) fn schema(
    args: &SchemaArgs,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    write!(context.stdout.out, "{}", schemas::text(args.which))?;
    Ok(Outcome::Clean)
}

/// Finds a command by its words. Returns it with the words of its name: `register` for the alias
/// `register-secrets`.
fn find(words: &[String]) -> Result<(Command, Vec<String>), Failure> {
    let mut root = Cli::command();
    // Gives every command its full name, `stackref-inventory-snapshot`.
    root.build();
    let (mut command, mut names) = (&root, Vec::new());
    for word in words {
        let subcommand = command
            .find_subcommand(word)
            .filter(|subcommand| !subcommand.is_hide_set());
        command = subcommand.ok_or_else(|| unknown_command(command, word))?;
        names.push(command.get_name().to_owned());
    }
    Ok((command.clone(), names))
}

/// Returns the failure for a word that is not a subcommand of `parent`.
fn unknown_command(parent: &Command, word: &str) -> Failure {
    let known: Vec<&str> = parent
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(Command::get_name)
        .collect();
    let path = parent.get_bin_name().unwrap_or(PROGRAM_NAME);
    let failure = Failure::usage(format!(
        "`{path}` has no command `{}`",
        escape_control(word)
    ));
    match nearest(word, known.iter().copied()) {
        Some(near) => failure.with_help(format!("did you mean `{near}`?")),
        None if crate::lint::rules::find(word).is_some() => {
            failure.with_help(format!("`stackref explain {word}` explains this rule"))
        }
        None if known.is_empty() => failure.with_help(format!("`{path}` has no subcommands")),
        None => failure.with_help(format!("the commands are {}", known.join(", "))),
    }
}

/// Renders the page of a command as roff.
fn page(command: Command, words: &[String]) -> io::Result<Vec<u8>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let version = env!("CARGO_PKG_VERSION");
    let has_commands = command
        .get_subcommands()
        .any(|subcommand| !subcommand.is_hide_set());
    let page = clap_mangen::Man::new(command.version(version))
        .source(format!("{PROGRAM_NAME} {version}"))
        .manual(PROGRAM_NAME);
    let mut out = Vec::new();
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    if has_commands {
        page.render_subcommands_section(&mut out)?;
    }
    let mut roff = Roff::new();
    definitions(&mut roff, "EXIT STATUS", help_text::exit_codes(&words));
    definitions(&mut roff, "ENVIRONMENT", &help_text::environment(&words));
    definitions(&mut roff, "FILES", &help_text::files(&words));
    roff.control("SH", ["EXAMPLES"]);
    for Example { purpose, command } in help_text::examples(&words) {
        roff.control("TP", [])
            .text([roman(*purpose)])
            .text([bold(*command)]);
    }
    see_also(&mut roff, &words);
    roff.to_writer(&mut out)?;
    Ok(out)
}

/// Adds a section of names and their descriptions. Adds nothing if there are no entries.
fn definitions(roff: &mut Roff, title: &str, entries: &[GuideEntry]) {
    if entries.is_empty() {
        return;
    }
    roff.control("SH", [title]);
    for (name, description) in entries {
        roff.control("TP", [])
            .text([bold(*name)])
            .text([roman(*description)]);
    }
}

fn see_also(roff: &mut Roff, words: &[&str]) {
    let Some((_, parent)) = words.split_last() else {
        return;
    };
    let page = [&[PROGRAM_NAME], parent].concat().join("-");
    roff.control("SH", ["SEE ALSO"])
        .text([bold(page), roman("(1)")]);
}

/// Shows a page with the `man` of this system. Returns false if `man` is not installed, or fails.
fn show(page: &[u8], env: &dyn Environment, cwd: &Path) -> io::Result<bool> {
    let path = env.get("PATH");
    let repository = repository::nearest_root(cwd).unwrap_or_else(|| cwd.to_path_buf());
    let Some(man) = programs::find("man".as_ref(), path.as_deref(), Some(&repository)) else {
        return Ok(false);
    };
    // Ctrl-C is for the pager, which handles it and continues.
    let _ = signal_hook::flag::register(
        signal_hook::consts::SIGINT,
        Arc::new(AtomicBool::new(false)),
    );
    let mut command = std::process::Command::new(man);
    // The programs that `man` runs, such as the pager, must not come from the repository, either.
    command.env(
        "PATH",
        programs::join(&programs::folders(path.as_deref(), Some(&repository))),
    );
    let mut child = command.args(["-l", "-"]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // If `man` ends early, this fails, and its exit status reports the failure.
        let _ = stdin.write_all(page);
    }
    Ok(child.wait()?.success())
}
