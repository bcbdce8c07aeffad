//! Completions and manual pages, as far as they are not the business of those who generate them: everything is in them.

use crate::support::{Output, run};
use clap::CommandFactory as _;
use stackref::cli::Cli;
use tempfile::TempDir;

fn printed(words: &[&str]) -> String {
    let Output { stdout, stderr, code } = run(words, TempDir::new().unwrap().path(), b"");
    assert_eq!((stderr.as_str(), code), ("", 0), "{words:?}");
    stdout
}

/// The words of every command, and the long options that it shows.
fn commands(of: &clap::Command, above: &[String], all: &mut Vec<(Vec<String>, Vec<String>)>) {
    for command in of.get_subcommands() {
        let words = [above, &[command.get_name().to_owned()]].concat();
        let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
        all.push((words.clone(), shown.filter_map(|argument| argument.get_long().map(str::to_owned)).collect()));
        commands(command, &words, all);
    }
}

fn all() -> Vec<(Vec<String>, Vec<String>)> {
    let mut all = Vec::new();
    commands(&Cli::command(), &[], &mut all);
    assert!(all.len() > 8);
    all
}

#[test]
fn every_shell_completes_every_command_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for (words, options) in all() {
            for word in words.iter().chain(&options) {
                assert!(script.contains(word.as_str()), "{shell}: {word} of {words:?}");
            }
        }
    }
}

#[test]
fn every_command_has_a_page_with_all_that_it_takes() {
    // A hyphen is written so that it is none of a broken word.
    let page = |words: &[&str]| printed(words).replace("\\-", "-");
    let main = page(&["man"]);
    assert!(main.contains(".TH stackref 1"));
    for (words, options) in all() {
        let name = format!("stackref-{}", words.join("-"));
        let named: Vec<&str> = ["man"].into_iter().chain(words.iter().map(String::as_str)).collect();
        let page = page(&named);
        let title = format!(".TH {name} 1  \"stackref {}\" stackref", env!("CARGO_PKG_VERSION"));
        assert!(page.contains(&title), "{name}:\n{page}");
        for option in options {
            assert!(page.contains(&format!("--{option}")), "{name}: --{option}");
        }
        if words.len() == 1 {
            assert!(main.contains(&format!("{name}(1)")), "{name}");
        }
    }
}
