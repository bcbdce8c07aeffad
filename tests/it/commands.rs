//! Whatever the README and the book tell a reader to type is typed here.
//!
//! | block | what is done with it |
//! |---|---|
//! | `console` | each `$ command` is run; the lines below it are what it prints, standard output before standard error, and `…` any number of lines |
//! | `sh` | run as a whole; it has to end well |
//! | `toml` | a config: it has to load |
//! | `yaml`, `json`, `text` | shown only, unless a comment says what it is |
//!
//! A page begins in a copy of `fixtures/demo` and its blocks follow each other there. Comments before a block:
//!
//! | comment | says |
//! |---|---|
//! | `in fixtures/x` | from here on in a new copy of that folder; `in a new folder`: in an empty one |
//! | `file NAME` | the block is this file of the page's folder |
//! | `an inventory`, `a stack` | the block is one, without a mistake |
//! | `not run: reason` | why the block is not run |
//! | `pending` | it shows what is not there yet |

use crate::pages::{Block, blocks, pages, read, shown};
use crate::support::{copy, coverage, folder, project, run, write};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What a shell prints, standard output first, and how it ends. `before` is what `$?` is to it.
fn shell(option: &str, script: &str, before: i32, folder: &Path) -> (String, i32) {
    let program = Path::new(env!("CARGO_BIN_EXE_stackref"));
    let mut path = vec![program.parent().unwrap().to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut command = Command::new("sh");
    let script = if before == 0 { script.to_owned() } else { format!("(exit {before})\n{script}") };
    command.args([option, &script]).current_dir(folder).stdin(Stdio::null());
    command.env_clear().envs(coverage()).env("PATH", std::env::join_paths(path).unwrap());
    command.env("XDG_STATE_HOME", folder.join(".state"));
    let output = command.output().expect("there is a shell");
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (printed, output.status.code().expect("the shell ends by itself"))
}

/// Whether lines are those that are shown, of which `…` leaves any number out.
fn agree(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => (0..=printed.len()).any(|from| agree(rest, &printed[from..])),
        Some((line, rest)) => printed.first() == Some(line) && agree(rest, &printed[1..]),
    }
}

/// The lines of a text that are not empty.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

/// The commands of a `console` block, each with the lines that it prints.
fn conversation(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut said: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines(text) {
        match line.strip_prefix("$ ") {
            Some(command) => said.push((command, Vec::new())),
            None => said.last_mut().expect("a command comes first").1.push(line),
        }
    }
    said
}

/// What is wrong with a block.
fn mistake(block: &Block, page: &Path) -> Option<String> {
    if let Some(reason) = block.said("not run:") {
        return reason.is_empty().then(|| "it is not said why this is not run".to_owned());
    }
    if let Some(name) = block.said("file ") {
        write(page, name, block.text.as_bytes());
    }
    if let Some(name) = ["an inventory", "a stack"].into_iter().find(|what| block.said(what).is_some()) {
        let file = format!("block.{}", block.language);
        let folder = folder(&[(&file, &block.text)]);
        let words = match name {
            "a stack" => ["check", "--level", "none", "--deny-warnings", &file],
            _ => ["inventory", "--inventory", &file, "--format", "json"],
        };
        let output = run(&words, folder.path(), b"");
        return (output.code != 0).then(|| format!("{name} with mistakes:\n{}{}", output.stdout, output.stderr));
    }
    match block.language.as_str() {
        "console" => {
            let mut code = 0;
            conversation(&block.text).into_iter().find_map(|(command, expected)| {
                let (printed, ended) = shell("-c", command, code, page);
                code = ended;
                (!agree(&expected, &lines(&printed))).then(|| format!("`{command}` prints\n{printed}"))
            })
        }
        "sh" => {
            let (printed, code) = shell("-ec", &block.text, 0, page);
            (code != 0).then(|| format!("it ends with {code}:\n{printed}"))
        }
        "toml" => {
            let folder = folder(&[("block.toml", &block.text)]);
            let output = run(&["check", "--config", "block.toml", "--list-files"], folder.path(), b"");
            (output.code != 0).then(|| format!("it is no config:\n{}", output.stderr))
        }
        "yaml" | "json" | "text" => None,
        other => Some(format!("no test knows what `{other}` is")),
    }
}

#[test]
fn what_the_documents_show_is_what_is_printed() {
    let (mut wrong, mut pending, mut run) = (Vec::new(), 0, 0);
    for page in pages() {
        let demo = TempDir::new().unwrap();
        copy(&project().join("fixtures/demo"), demo.path());
        let mut inside = demo;
        for block in blocks(&read(&page)) {
            if block.comments.iter().any(|comment| comment == "pending") {
                pending += 1;
                continue;
            }
            if let Some(place) = block.said("in ") {
                inside = TempDir::new().unwrap();
                if place != "a new folder" {
                    copy(&project().join(place), inside.path());
                }
            }
            run += usize::from(matches!(block.language.as_str(), "console" | "sh") && block.said("not run:").is_none());
            if let Some(mistake) = mistake(&block, inside.path()) {
                wrong.push(format!("{}:{}: {mistake}", shown(&page), block.line));
            }
        }
    }
    // Past the capture of the test's output, so that the number is seen while it is not 0.
    let _ = writeln!(std::io::stderr(), "{run} blocks of commands were run, {pending} show what is pending");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run >= 30, "the documents show too little");
}

/// The set-up commands are the ones that CI runs, or that a test runs here.
#[test]
fn the_two_commands_of_the_set_up_are_real() {
    let readme = read(&project().join("README.md"));
    let setup = blocks(&readme).into_iter().find(|block| block.language == "sh").unwrap();
    let commands: Vec<&str> = setup.text.lines().map(|line| line.split(" #").next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run --release -- check fixtures/demo", "cargo test"]);
    let ci = read(&project().join(".ci/run"));
    assert!(ci.contains("cargo test") && ci.contains("check fixtures/demo"));
    let output = run(&["check", "fixtures/demo"], project(), b"");
    assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("unknown-key") && output.stderr.starts_with("checked "));
}
