//! `completions`, `man` and `schema`: what shells, readers and editors are told of stackref, from its definitions alone.

use super::{Stop, World};
use crate::cli::{Cli, Completions, Man, Schema};
use crate::error::Failure;
use crate::excerpt::printable;
use crate::nearest::nearest;
use crate::outcome::Outcome;
use crate::schema;
use clap::{Command, CommandFactory as _};

const NAME: &str = "stackref";

pub(super) fn completions(args: &Completions, world: &mut World<'_>) -> Result<Outcome, Stop> {
    // Into memory first: the generator panics where a write fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    world.stdout.out.write_all(&script)?;
    Ok(Outcome::Clean)
}

pub(super) fn man(args: &Man, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let mut root = Cli::command();
    // Gives every command its full name, `stackref-inventory-snapshot`.
    root.build();
    let mut command = &root;
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| unknown(command, word))?;
    }
    let version = env!("CARGO_PKG_VERSION");
    let page = command.clone().version(version);
    let page = clap_mangen::Man::new(page).source(format!("{NAME} {version}")).manual(NAME);
    let mut text = Vec::new();
    page.render(&mut text)?;
    world.stdout.out.write_all(&text)?;
    Ok(Outcome::Clean)
}

pub(super) fn schema(args: &Schema, world: &mut World<'_>) -> Result<Outcome, Stop> {
    write!(world.stdout.out, "{}", schema::text(args.which))?;
    Ok(Outcome::Clean)
}

fn unknown(above: &Command, word: &str) -> Failure {
    let known: Vec<&str> = above.get_subcommands().map(Command::get_name).collect();
    let path = above.get_bin_name().unwrap_or(NAME);
    let failure = Failure::usage(format!("`{path}` has no command `{}`", printable(word)));
    match nearest(word, known.iter().copied()) {
        Some(near) => failure.with_help(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.with_help(format!("`stackref man{}` prints its page", words_of(path))),
        None => failure.with_help(format!("the commands: {}", known.join(", "))),
    }
}

/// The words behind the program's name, each after a blank.
fn words_of(path: &str) -> &str {
    path.strip_prefix(NAME).unwrap_or_default()
}
