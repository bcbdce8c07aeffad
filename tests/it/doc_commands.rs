//! Tests the commands of the README and of the book that `doc_examples.rs` does not run: each
//! `stackref` command, in a sentence or in a block, has only words that the program accepts, and the
//! blocks that cannot run are listed here.

use crate::pages::{blocks, pages, prose, read, shown};
use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, Parser as _};
use stackref::cli::Cli;
use std::collections::BTreeSet;

/// The blocks of commands that do not run: the page, the first words and the reason.
const NOT_RUN: [(&str, &str, &str); 6] = [
    ("README.md", "cargo run", "CI runs it"),
    ("docs/src/ci.md", "git diff", "needs a clone with a remote"),
    (
        "docs/src/editors/vscode.md",
        "cd editors/vscode",
        "downloads packages, and needs VS Code",
    ),
    (
        "docs/src/inventories/aws.md",
        "cargo install",
        "downloads the release",
    ),
    (
        "docs/src/inventories/sops.md",
        "age-keygen",
        "needs sops and age",
    ),
    (
        "docs/src/quick-start.md",
        "cargo install",
        "downloads the release",
    ),
];

/// Options of other programs in the sentences of the pages.
const OTHER_OPTIONS: [&str; 16] = [
    "--features",
    "--locked",
    "--rev",
    "--tag",
    "--cached",
    "--encrypt",
    "--in-place",
    "--decrypt",
    "--relative",
    "--password",
    "--secret",
    "--remove-secret",
    "--interactive",
    "--values",
    "--authentication_secret",
    "--slack_token",
];

/// Returns the code spans of the sentences of a page.
fn code_spans(text: &str) -> Vec<String> {
    let sentences: Vec<&str> = prose(text).collect();
    let mut spans = Vec::new();
    for paragraph in sentences.join("\n").split("\n\n") {
        let odd = paragraph.split('`').skip(1).step_by(2);
        spans.extend(odd.map(|span| span.replace('\n', " ").replace("\\|", "|")));
    }
    spans
}

/// Returns the `stackref` commands of a page, outside of blocks that run.
fn commands(text: &str) -> Vec<String> {
    let mut commands = code_spans(text);
    for block in blocks(text) {
        let is_run = block.language == "console" || block.language == "toml";
        if !is_run || block.comment("not run:").is_some() {
            commands.extend(block.text.lines().map(|line| line.trim().to_owned()));
        }
    }
    let ends = [" #", " | ", " > ", " >> ", " < ", " <(", " && "];
    let starts = ["- run: ", "- "];
    commands
        .iter_mut()
        .filter_map(|command| {
            let mut text = command.as_str();
            for start in starts {
                text = text.strip_prefix(start).unwrap_or(text);
            }
            let text = text.split("| stackref ").last().unwrap();
            let is_command = text.starts_with("stackref ") || command.contains("| stackref ");
            let text = text.strip_prefix("stackref ").unwrap_or(text);
            let end = ends.iter().filter_map(|end| text.find(end)).min();
            is_command.then(|| text[..end.unwrap_or(text.len())].to_owned())
        })
        .collect()
}

/// Returns the mistake in a command, or `None` if stackref accepts its words. Placeholders such as
/// `FILE` may not be valid values, and an option may be shown without others that it requires.
fn mistake(command: &str) -> Option<String> {
    let words = command.split_whitespace().map(|word| {
        let word = word.trim_matches(['[', ']', '"', '\'']);
        word.replace("NAME|FILE", "NAME").replace('…', "x")
    });
    let words = std::iter::once("stackref".to_owned()).chain(words);
    let error = Cli::try_parse_from(words).err()?;
    let is_wrong = matches!(
        error.kind(),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
    );
    is_wrong.then(|| error.to_string())
}

/// Adds the options of a command and of those below it.
fn add_options(command: &Command, options: &mut BTreeSet<String>) {
    let longs = command.get_arguments().filter_map(clap::Arg::get_long);
    options.extend(longs.map(|long| format!("--{long}")));
    for below in command.get_subcommands() {
        add_options(below, options);
    }
}

#[test]
fn commands_in_sentences_have_known_words() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for page in pages() {
        let text = read(&page);
        for command in commands(&text) {
            checked += 1;
            if let Some(mistake) = mistake(&command) {
                let first = mistake.lines().next().unwrap_or_default().to_owned();
                wrong.push(format!("{}: stackref {command}: {first}", shown(&page)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 150, "{checked}");
}

#[test]
fn options_in_sentences_exist() {
    let mut options = BTreeSet::new();
    let mut cli = Cli::command();
    cli.build();
    add_options(&cli, &mut options);
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for page in pages() {
        for span in code_spans(&read(&page)) {
            let Some(name) = span.split([' ', '=', '[']).next() else {
                continue;
            };
            if !name.starts_with("--")
                || name.contains(['{', '$'])
                || name.trim_matches('-').is_empty()
            {
                continue;
            }
            checked += 1;
            if !options.contains(name) && !OTHER_OPTIONS.contains(&name) {
                wrong.push(format!("{}: {span}", shown(&page)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 150, "{checked}");
}

#[test]
fn the_blocks_that_do_not_run_are_listed() {
    let mut found = Vec::new();
    for page in pages() {
        for block in blocks(&read(&page)) {
            let is_command = matches!(block.language.as_str(), "sh" | "console");
            if is_command && block.comment("not run:").is_some() {
                found.push((shown(&page), block.text));
            }
        }
    }
    let unlisted: Vec<&(String, String)> = found
        .iter()
        .filter(|(page, text)| {
            !NOT_RUN
                .iter()
                .any(|(listed, start, _)| listed == page && text.starts_with(start))
        })
        .collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
    for (page, start, reason) in NOT_RUN {
        let is_found = found
            .iter()
            .any(|(shown, text)| shown == page && text.starts_with(start));
        assert!(is_found && !reason.is_empty(), "{page}: {start}");
    }
}
