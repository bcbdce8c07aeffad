//! Tests that `docs/src/command-line.md` lists the commands and options of the program.
//! `STACKREF_BLESS=1` writes the page.

use crate::support::project;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use stackref::cli::{Cli, help_text};
use std::fmt::Write as _;

/// Returns a text for the cell of a table: its paragraphs, joined.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text
        .split("\n\n")
        .map(|paragraph| paragraph.trim_end_matches('.'))
        .collect();
    words.join(". ").replace('\n', " ").replace('|', "\\|")
}

/// Returns an argument as it is written on a command line, for example `-o`, `--output <FILE>`.
fn name(argument: &Arg) -> String {
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let names = argument.get_value_names().unwrap_or_default();
    let value = names
        .iter()
        .map(|name| format!("<{name}>"))
        .collect::<Vec<_>>()
        .join(" ");
    let is_optional = argument
        .get_num_args()
        .is_some_and(|number| number.min_values() == 0);
    let long = argument.get_long().map(|long| match takes_value {
        true if is_optional => format!("--{long}[={value}]"),
        true => format!("--{long} {value}"),
        false => format!("--{long}"),
    });
    let short = argument.get_short().map(|short| format!("-{short}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let names = if names.is_empty() { vec![value] } else { names };
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ").replace('|', "\\|")
}

/// Returns the description of an argument, with its values and its default.
fn description(argument: &Arg) -> String {
    let text = argument.get_long_help().or(argument.get_help());
    let mut text = cell(&text.unwrap().to_string());
    let values = argument.get_possible_values();
    let values: Vec<String> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    if takes_value && !values.is_empty() && !argument.is_hide_possible_values_set() {
        let _ = write!(text, ". Values: {}", values.join(", "));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if takes_value && !defaults.is_empty() {
        let _ = write!(text, ". Default: {}", defaults.join(", "));
    }
    text
}

/// Appends the section of a command, and those of the commands below it.
fn add_section(command: &Command, above: &[&str], page: &mut String) {
    let words = [above, &[command.get_name()]].concat();
    let about = command.get_long_about().or(command.get_about()).unwrap();
    let about = about.to_string().replace("\n\n", ".\n\n");
    let _ = write!(
        page,
        "\n## stackref {}\n\n{}",
        words.join(" "),
        about.trim_end_matches('.')
    );
    let shown = |argument: &&Arg| !argument.is_hide_set() && argument.get_id() != "help";
    let mut arguments: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    arguments.sort_by_key(|argument| !argument.is_positional());
    if arguments.is_empty() {
        page.push_str(".\n");
    } else {
        page.push_str(".\n\n| argument or option | effect |\n|---|---|\n");
    }
    for argument in arguments {
        let _ = writeln!(page, "| {} | {} |", name(argument), description(argument));
    }
    page.push_str("\n| exit code | meaning |\n|---|---|\n");
    for (code, meaning) in help_text::exit_codes(&words) {
        let _ = writeln!(page, "| {code} | {} |", cell(meaning));
    }
    page.push_str("\nFor example:\n\n```text\n");
    for example in help_text::examples(&words) {
        let _ = writeln!(page, "# {}\n{}", example.purpose, example.command);
    }
    page.push_str("```\n");
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        add_section(below, &words, page);
    }
}

fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut page = String::from(
        "# Commands and options\n\n\
         To see the options of a command in the terminal, run `stackref help COMMAND`, for example\n\
         `stackref help check`. This page contains the same text for all commands.\n\n\
         | command | purpose |\n|---|---|\n",
    );
    let shown = |command: &&Command| !command.is_hide_set();
    for command in cli.get_subcommands().filter(shown) {
        let (name, about) = (command.get_name(), command.get_about().unwrap());
        let _ = writeln!(page, "| [{name}](#stackref-{name}) | {about} |");
    }
    page.push_str(
        "\nEvery command has the option `-h`, `--help`. With `-h` it prints a short help. After Ctrl-C, the exit code is 130.\n\
         [Configuration](configuration.md#the-environment) lists the environment variables.\n",
    );
    for command in cli.get_subcommands().filter(shown) {
        add_section(command, &[], &mut page);
    }
    page
}

#[test]
fn the_page_of_commands_matches_the_command_line() {
    let file = project().join("docs/src/command-line.md");
    let page = page();
    if std::env::var_os("STACKREF_BLESS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "{} is out of date: STACKREF_BLESS=1 writes it",
        file.display()
    );
    for option in ["--level <LEVEL>", "--fix[=<WHICH>]", "--from-env <PREFIX>"] {
        assert!(page.contains(option), "{option}");
    }
}
