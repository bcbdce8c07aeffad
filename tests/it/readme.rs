//! The commands of the README do what it says.

use crate::support::{copy, project, run, words};
use tempfile::TempDir;

fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Each block of kind `console` begins with `$ stackref …` and goes on with what that prints, on either stream, in
/// `fixtures/demo`.
#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let demo = TempDir::new().unwrap();
    copy(&project().join("fixtures/demo"), demo.path());
    let shown = blocks(&readme, "console");
    assert!(shown.len() >= 3, "the README shows too little");
    for block in shown {
        let (command, expected) = block.strip_prefix("$ stackref ").expect("a command").split_once('\n').unwrap();
        let output = run(&words(command), demo.path(), b"");
        for line in expected.lines().filter(|line| !line.trim().is_empty() && line.trim() != "…") {
            let printed = output.stdout.lines().chain(output.stderr.lines()).any(|printed| printed == line);
            assert!(printed, "`{command}` does not print {line:?}:\n{}{}", output.stdout, output.stderr);
        }
    }
}

/// The set-up commands are the ones that CI runs, or that a test runs here.
#[test]
fn the_two_commands_of_the_set_up_are_real() {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let setup = blocks(&readme, "sh").into_iter().next().unwrap();
    let commands: Vec<&str> = setup.lines().map(|line| line.split(" #").next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run --release -- check fixtures/demo", "cargo test"]);
    let ci = std::fs::read_to_string(project().join(".ci/run")).unwrap();
    assert!(ci.contains("cargo test") && ci.contains("check fixtures/demo"));
    let output = run(&["check", "fixtures/demo"], project(), b"");
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("unknown-key") && output.stderr.starts_with("checked "));
}
