//! Runs the examples of the README and of the book.
//!
//! | block | test |
//! |---|---|
//! | `console` | runs each `$ command` and compares the lines below it: standard output, then standard error. A line `…` matches any number of lines |
//! | `sh` | runs as a whole and must exit with 0 |
//! | `toml` | loads as a config |
//! | `yaml`, `json`, `text` | not tested, unless a comment requires it |
//!
//! The blocks of a page run in order in a copy of `fixtures/demo`. A comment before a block changes
//! that:
//!
//! | comment | meaning |
//! |---|---|
//! | `in fixtures/x` | this block and those after it run in a new copy of that folder |
//! | `in a new folder` | this block and those after it run in an empty folder |
//! | `file NAME` | the block is written to this file before it is tested |
//! | `an inventory`, `a stack` | the block is checked as such a file and must have no findings |
//! | `not run: reason` | the block does not run, for this reason |
//! | `pending` | the block shows a feature that does not exist yet |
//!
//! `STACKREF_BLESS=1` writes the actual output into `console` blocks. A block with a line `…` is
//! not rewritten: if its output differs, the test fails.

use crate::pages::{Block, blocks, pages, read, shown};
use crate::support::{copy, coverage, folder, project, run, write};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Matches any number of lines of output.
const ELLIPSIS: &str = "…";

/// Runs a script and returns its standard output, then its standard error, and its exit code. The
/// script finds `before` in `$?`.
fn run_shell(option: &str, script: &str, before: i32, folder: &Path) -> (String, i32) {
    let program = Path::new(env!("CARGO_BIN_EXE_stackref"));
    let mut path = vec![program.parent().unwrap().to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new("sh");
    let script = if before == 0 {
        script.to_owned()
    } else {
        format!("(exit {before})\n{script}")
    };
    command
        .args([option, &script])
        .current_dir(folder)
        .stdin(Stdio::null());
    command
        .env_clear()
        .envs(coverage())
        .env("PATH", std::env::join_paths(path).unwrap());
    command.env("XDG_STATE_HOME", folder.join(".state"));
    let output = command.output().expect("sh runs");
    let printed = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .concat();
    (
        printed,
        output.status.code().expect("the shell exits by itself"),
    )
}

/// Returns whether the output has the expected lines.
fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&ELLIPSIS, rest)) => (0..=printed.len()).any(|from| matches(rest, &printed[from..])),
        Some((line, rest)) => printed.first() == Some(line) && matches(rest, &printed[1..]),
    }
}

/// Returns the lines of a text that are not empty.
fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect()
}

/// Returns the commands of a `console` block, each with the lines of its output.
fn steps(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut steps: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines(text) {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push((command, Vec::new())),
            None => steps
                .last_mut()
                .expect("a command comes first")
                .1
                .push(line),
        }
    }
    steps
}

/// A mistake in a block, with the corrected text if the block can be rewritten.
struct Mistake {
    message: String,
    corrected: Option<String>,
}

impl From<String> for Mistake {
    fn from(message: String) -> Self {
        Self {
            message,
            corrected: None,
        }
    }
}

/// Runs the commands of a `console` block. Returns a mistake if the output of a command differs.
/// The corrected text is the block with the actual output of all commands. A block with a line `…`
/// has no corrected text.
fn run_console(block: &Block, page: &Path) -> Option<Mistake> {
    let (mut code, mut message, mut corrected) = (0, String::new(), String::new());
    for (command, expected) in steps(&block.text) {
        let (printed, exit) = run_shell("-c", command, code, page);
        code = exit;
        let printed = lines(&printed);
        if !matches(&expected, &printed) {
            message += &format!("`{command}` prints\n{}\n", printed.join("\n"));
        }
        for line in [format!("$ {command}").as_str()].iter().chain(&printed) {
            corrected += &format!("{line}\n");
        }
    }
    let has_ellipsis = block.text.lines().any(|line| line.trim_end() == ELLIPSIS);
    (!message.is_empty()).then(|| Mistake {
        message,
        corrected: (!has_ellipsis).then_some(corrected),
    })
}

/// Tests a block as its language and its comments require. Returns a mistake, or `None` if the
/// block is correct.
fn find_mistake(block: &Block, page: &Path) -> Option<Mistake> {
    if let Some(reason) = block.comment("not run:") {
        return reason
            .is_empty()
            .then(|| "give a reason after `not run:`".to_owned().into());
    }
    if let Some(name) = block.comment("file ") {
        write(page, name, block.text.as_bytes());
    }
    if let Some(kind) = ["an inventory", "a stack"]
        .into_iter()
        .find(|kind| block.comment(kind).is_some())
    {
        let file = format!("block.{}", block.language);
        let folder = folder(&[(&file, &block.text)]);
        let words = match kind {
            "a stack" => ["check", "--level", "none", "--deny-warnings", &file],
            _ => ["inventory", "--inventory", &file, "--format", "json"],
        };
        let output = run(&words, folder.path(), b"");
        return (output.code != 0)
            .then(|| format!("{kind} with findings:\n{}{}", output.stdout, output.stderr).into());
    }
    match block.language.as_str() {
        "console" => run_console(block, page),
        "sh" => {
            let (printed, code) = run_shell("-ec", &block.text, 0, page);
            (code != 0).then(|| format!("exits with {code}:\n{printed}").into())
        }
        "toml" => {
            let folder = folder(&[("block.toml", &block.text)]);
            let output = run(
                &["check", "--config", "block.toml", "--list-files"],
                folder.path(),
                b"",
            );
            (output.code != 0).then(|| format!("is not a config:\n{}", output.stderr).into())
        }
        "yaml" | "json" | "text" => None,
        other => Some(format!("no test for blocks of `{other}`").into()),
    }
}

/// Replaces the text of a block in its page. Call it for the last block first, because it changes
/// the line numbers of later blocks.
fn replace(page: &mut String, block: &Block, text: &str) {
    let mut lines: Vec<&str> = page.lines().collect();
    lines.splice(
        block.line..block.line + block.text.lines().count(),
        text.lines(),
    );
    *page = lines.join("\n") + "\n";
}

#[test]
fn each_example_of_the_documents_prints_the_shown_output() {
    let bless = std::env::var_os("STACKREF_BLESS").is_some();
    let (mut wrong, mut pending, mut run) = (Vec::new(), 0, 0);
    for page in pages() {
        let demo = TempDir::new().unwrap();
        copy(&project().join("fixtures/demo"), demo.path());
        let mut working_folder = demo;
        let mut text = read(&page);
        let blocks = blocks(&text);
        let mut corrections = Vec::new();
        for block in &blocks {
            if block.comments.iter().any(|comment| comment == "pending") {
                pending += 1;
                continue;
            }
            if let Some(source) = block.comment("in ") {
                working_folder = TempDir::new().unwrap();
                if source != "a new folder" {
                    copy(&project().join(source), working_folder.path());
                }
            }
            let is_run = matches!(block.language.as_str(), "console" | "sh")
                && block.comment("not run:").is_none();
            run += usize::from(is_run);
            match find_mistake(block, working_folder.path()) {
                Some(Mistake {
                    corrected: Some(corrected),
                    ..
                }) if bless => corrections.push((block, corrected)),
                Some(mistake) => wrong.push(format!(
                    "{}:{}: {}",
                    shown(&page),
                    block.line,
                    mistake.message
                )),
                None => {}
            }
        }
        if !corrections.is_empty() {
            for (block, corrected) in corrections.iter().rev() {
                replace(&mut text, block, corrected);
            }
            std::fs::write(&page, text).unwrap();
        }
    }
    // `eprintln!` would be captured by the test runner, which hides the number of pending blocks.
    let _ = writeln!(
        std::io::stderr(),
        "ran {run} blocks of commands, skipped {pending} pending ones"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run >= 30, "the documents show {run} blocks of commands");
}

#[test]
fn a_corrected_block_replaces_the_lines_between_its_fences() {
    let mut page =
        String::from("# A\n\n```console\n$ a\nold\n```\n\n```console\n$ b\n```\n\nEnd.\n");
    let blocks = blocks(&page);
    replace(&mut page, &blocks[1], "$ b\nnew\n");
    replace(&mut page, &blocks[0], "$ a\n");
    assert_eq!(
        page,
        "# A\n\n```console\n$ a\n```\n\n```console\n$ b\nnew\n```\n\nEnd.\n"
    );
}

/// CI runs both commands, and this test runs the first.
#[test]
fn installation_commands_of_the_readme_work() {
    let readme = read(&project().join("README.md"));
    let setup = blocks(&readme)
        .into_iter()
        .find(|block| block.language == "sh")
        .unwrap();
    let commands: Vec<&str> = setup
        .text
        .lines()
        .map(|line| line.split(" #").next().unwrap().trim())
        .collect();
    assert_eq!(
        commands,
        ["cargo run --release -- check fixtures/demo", "cargo test"]
    );
    let ci = read(&project().join(".ci/run"));
    assert!(ci.contains("cargo test") && ci.contains("check fixtures/demo"));
    let output = run(&["check", "fixtures/demo"], project(), b"");
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("unknown-key") && output.stderr.starts_with("checked "));
}
