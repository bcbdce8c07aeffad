//! Shell completions, help texts and manual pages contain every command and option.

use crate::support::{Output, run};
use clap::CommandFactory as _;
use clap::Parser as _;
use stackref::cli::{Cli, help_text};
use tempfile::TempDir;

fn printed(words: &[&str]) -> String {
    let Output {
        stdout,
        stderr,
        code,
    } = run(words, TempDir::new().unwrap().path(), b"");
    assert_eq!((stderr.as_str(), code), ("", 0), "{words:?}");
    stdout
}

/// Appends the words of each visible command below a command, with its visible long options.
fn add_commands(
    parent: &clap::Command,
    above: &[String],
    all: &mut Vec<(Vec<String>, Vec<String>)>,
) {
    for command in parent
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let words = [above, &[command.get_name().to_owned()]].concat();
        let shown = command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set());
        all.push((
            words.clone(),
            shown
                .filter_map(|argument| argument.get_long().map(str::to_owned))
                .collect(),
        ));
        add_commands(command, &words, all);
    }
}

fn all_commands() -> Vec<(Vec<String>, Vec<String>)> {
    let mut all = Vec::new();
    add_commands(&Cli::command(), &[], &mut all);
    assert!(all.len() > 8);
    all
}

#[test]
fn every_shell_completes_every_command_and_option() {
    for shell in ["elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        assert!(
            !script.contains("force-exclude") && !script.contains("__complete"),
            "{shell}"
        );
        for (words, options) in all_commands() {
            for word in words.iter().chain(&options) {
                assert!(
                    script.contains(word.as_str()),
                    "{shell}: {word} of {words:?}"
                );
            }
        }
    }
    for shell in ["bash", "fish", "zsh"] {
        assert!(printed(&["completions", shell]).contains(&format!("stackref __complete {shell}")));
        for (words, options) in all_commands() {
            let (before, index, last) = (
                words.len().to_string(),
                (words.len() + 1).to_string(),
                words.last().unwrap(),
            );
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let above = [
                &["__complete", shell, &before, "--", "stackref"],
                &words[..],
            ]
            .concat();
            assert!(printed(&above).contains(last), "{shell}: {words:?}");
            let offered = printed(
                &[
                    &["__complete", shell, &index, "--", "stackref"],
                    &words[..],
                    &["--"],
                ]
                .concat(),
            );
            for option in options {
                assert!(
                    offered.contains(&format!("--{option}")),
                    "{shell}: {words:?} --{option}"
                );
            }
        }
    }
}

/// Returns the first line of each option in a help text.
fn lines_of_options(help: &str) -> impl Iterator<Item = &str> {
    help.lines()
        .filter(|line| line.trim_start().starts_with('-'))
}

#[test]
fn short_help_fits_on_a_screen_and_long_help_has_examples() {
    for (words, options) in all_commands() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let short = printed(&[&["COLUMNS=80"], &words[..], &["-h"]].concat());
        let long = printed(&[&["COLUMNS=80"], &words[..], &["--help"]].concat());
        assert_eq!(
            long,
            printed(&[&["COLUMNS=80", "help"], &words[..]].concat()),
            "{words:?}"
        );
        assert!(
            short.lines().count() <= 45,
            "{words:?}: {} lines",
            short.lines().count()
        );
        assert!(
            short
                .lines()
                .chain(long.lines())
                .filter(|line| !line.starts_with("Usage:"))
                .all(|line| line.chars().count() <= 81),
            "{words:?}"
        );
        assert!(short.contains("\nExample: "), "{words:?}:\n{short}");
        for option in &options {
            assert!(
                long.contains(&format!("--{option}")),
                "{words:?}: --{option}"
            );
        }
        // Each option is under a heading, and no first line ends with a full stop.
        assert!(
            !short.contains("\nOptions:") && !long.contains("\nOptions:"),
            "{words:?}"
        );
        assert!(
            lines_of_options(&short).all(|line| !line.ends_with('.')),
            "{words:?}:\n{short}"
        );
        let examples = long
            .split_once("\nExamples:\n")
            .unwrap()
            .1
            .split_once("\nExit codes:\n")
            .unwrap();
        assert!(
            examples.0.contains("  stackref ") && examples.1.starts_with("  0  "),
            "{words:?}"
        );
    }
}

#[test]
fn every_example_is_a_valid_command_line() {
    let mut examples = 0;
    for (words, _) in [all_commands(), vec![Default::default()]].concat() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for example in help_text::examples(&words) {
            let line = example
                .command
                .trim_start_matches("source <(")
                .split([')', '|', '>'])
                .next()
                .unwrap();
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(
                parsed.is_ok(),
                "{}: {}",
                example.command,
                parsed.err().unwrap()
            );
            examples += 1;
        }
    }
    assert!(examples > 25, "{examples}");
}

#[test]
fn version_lists_the_features() {
    let version = concat!("stackref ", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(&["-V"]), format!("{version}\n"));
    let sign = if cfg!(feature = "aws") { '+' } else { '-' };
    assert_eq!(
        printed(&["--version"]),
        format!("{version}\nfeatures: {sign}aws\n")
    );
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    // Manual pages contain each hyphen as `\-`.
    let page = |words: &[&str]| printed(words).replace("\\-", "-");
    let main = page(&["man"]);
    assert!(
        main.contains(".TH stackref 1")
            && main.contains(".SH FILES")
            && !main.contains("__complete"),
        "{main}"
    );
    for (words, options) in all_commands() {
        let name = format!("stackref-{}", words.join("-"));
        let named: Vec<&str> = ["man"]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .collect();
        let page = page(&named);
        let title = format!(
            ".TH {name} 1  \"stackref {}\" stackref",
            env!("CARGO_PKG_VERSION")
        );
        assert!(page.contains(&title), "{name}:\n{page}");
        for option in options {
            assert!(page.contains(&format!("--{option}")), "{name}: --{option}");
        }
        for section in ["SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"] {
            assert!(
                page.contains(&format!("\n.SH {section}\n"))
                    || page.contains(&format!(".SH \"{section}\"")),
                "{name}: {section}"
            );
        }
        assert!(
            !page.contains("__complete") && !page.contains("force-exclude"),
            "{name}"
        );
        if words.len() == 1 {
            assert!(main.contains(&format!("{name}(1)")), "{name}");
        }
    }
}

#[test]
fn conflicting_options_print_the_usage_of_their_command() {
    let folder = TempDir::new().unwrap();
    for (words, usage) in [
        ("check --format json --format sarif", "check"),
        ("check -o report.html", "check"),
        ("check -o a.json -o a.json", "check"),
        ("check -o a.json --write-baseline a.json", "check"),
        ("check --diff", "check"),
        ("check --fix -", "check"),
        ("check --add-ignores --fix", "check"),
        ("check --leaks -", "check"),
        ("check --leaks --level none", "check"),
        ("check --statistics --format junit", "check"),
        ("check --stdin-filename x.yaml", "check"),
        ("check - x.yaml", "check"),
        ("check -q -v", "check"),
        ("refs - x.yaml", "refs"),
        ("render --stdout --check", "render"),
        ("inventory --used --unused", "inventory"),
        ("inventory snapshot --check a -o b", "inventory snapshot"),
        ("register --partial", "register"),
        ("trust --list --revoke", "trust"),
    ] {
        let output = run(&words.split(' ').collect::<Vec<_>>(), folder.path(), b"");
        let shown = output.stderr.contains(&format!("Usage: stackref {usage} "));
        assert!(
            output.code == 2 && shown,
            "{words}: {}\n{}",
            output.code,
            output.stderr
        );
    }
}
