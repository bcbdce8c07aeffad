//! Runs the built program in a temporary folder, without the environment variables of the tests.

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};
use tempfile::TempDir;

/// The output and the exit code of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Output {
    /// Returns standard error on one line, without the line breaks and bars of wrapped messages.
    pub fn stderr_text(&self) -> String {
        self.stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace(" │ ", " ")
    }
}

/// Returns the root folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the name and the value of the variable for coverage profiles, if it is set.
///
/// `tests/proof/coverage.sh` sets it. Without it, a program that is built for coverage writes its
/// profile into its working directory, among the files of a test.
pub fn coverage() -> Option<(&'static str, OsString)> {
    let name = "LLVM_PROFILE_FILE";
    Some((name, std::env::var_os(name)?))
}

/// Restores the default actions of signals for the programs that this process starts.
///
/// The tests may run with ignored signals, for example under `nohup` or in the background of a
/// script. A program inherits ignored signals, but not signals with a handler.
pub fn with_default_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM] {
            register_conditional_default(signal, Arc::new(AtomicBool::new(true))).unwrap();
        }
    });
}

/// Runs the program with the words of a command line. Leading `NAME=value` words are its
/// environment.
pub fn run(words: &[&str], folder: &Path, stdin: &[u8]) -> Output {
    let variables = words
        .iter()
        .take_while(|word| word.contains('=') && !word.starts_with('-'))
        .count();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackref"));
    command
        .args(&words[variables..])
        .current_dir(folder)
        .env_clear()
        .envs(coverage());
    command.envs(
        words[..variables]
            .iter()
            .filter_map(|word| word.split_once('=')),
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // A run that does not read standard input may close it early.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Output {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output
            .status
            .code()
            .expect("the program exits without a signal"),
    }
}

/// Runs the program as [`run`] does, with a trusted config: the config may run programs, connect to
/// hosts and read other files.
pub fn run_trusted(words: &[&str], folder: &Path, stdin: &[u8]) -> Output {
    run(&[&["STACKREF_TRUST=1"], words].concat(), folder, stdin)
}

/// Prints that a test, or a part of it, is skipped.
///
/// Writes to standard error directly, because the output of `eprintln!` is captured in tests that
/// pass.
pub fn print_skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// Returns whether a program is installed. Prints that the test is skipped if it is not.
pub fn is_installed(program: &str) -> bool {
    let is_installed = Command::new(program).arg("--version").output().is_ok();
    if !is_installed {
        print_skipped(&format!("`{program}` is not installed"));
    }
    is_installed
}

/// Returns the word that sets the PATH of a run to that of this process, for tests that need git.
///
/// Prints that the test is skipped and returns `None` if git is not installed.
pub fn with_git() -> Option<String> {
    let path = std::env::var_os("PATH");
    if stackref::system::programs::find("git".as_ref(), path.as_deref(), None).is_none() {
        eprintln!("skipped: git is not installed, or not on the PATH");
        return None;
    }
    Some(format!(
        "PATH={}",
        path.unwrap_or_default().into_string().unwrap()
    ))
}

/// Runs git in a folder, with only the config of the repository.
pub fn git(folder: &Path, args: &[&str]) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut git = Command::new("git");
    git.args(["-c", "core.fsmonitor=false"])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", path);
    let output = git.output().expect("git runs");
    assert!(output.status.success(), "{args:?}: {output:?}");
}

/// Creates a named pipe.
pub fn create_pipe(path: &Path) {
    assert!(
        Command::new("mkfifo")
            .arg(path)
            .status()
            .expect("mkfifo runs")
            .success()
    );
}

/// Splits a line at white space. Single quotes keep words together.
pub fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Creates a temporary folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text.as_bytes());
    }
    folder
}

/// Writes a file, and creates the folders above it.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Runs `check` with additional arguments.
pub fn check(folder: &Path, more: &[&str]) -> Output {
    run(&[&["check"], more].concat(), folder, b"")
}

/// Returns the findings of `check --format json` as (rule, text of the span).
pub fn findings(folder: &Path, more: &[&str]) -> Vec<(String, String)> {
    let output = check(folder, &[&["--format", "json"], more].concat());
    let report: serde_json::Value = serde_json::from_str(&output.stdout).expect(&output.stdout);
    let findings = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let bytes = std::fs::read(folder.join(finding["path"].as_str().unwrap())).unwrap();
            let number =
                |name: &str| usize::try_from(finding["span"][name].as_u64().unwrap()).unwrap();
            let span = &bytes[number("offset")..number("offset") + number("length")];
            (
                finding["rule"].as_str().unwrap().to_owned(),
                String::from_utf8_lossy(span).into_owned(),
            )
        });
    findings.collect()
}

/// Returns the files below a folder, sorted. With an extension, returns only the files that have
/// it.
pub fn files_below(folder: &Path, extension: Option<&str>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if extension.is_none()
                || path.extension().and_then(|found| found.to_str()) == extension
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Copies a folder and its contents.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Returns the folders in a folder, sorted.
pub fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Returns the cases of a command, sorted: the folders `fixtures/<command>/<subject>/<condition>`.
pub fn cases(command: &str) -> Vec<PathBuf> {
    folders(&project().join("fixtures").join(command))
        .iter()
        .flat_map(|subject| folders(subject))
        .collect()
}

/// Returns the cases of all commands. The other folders of `fixtures/` are input of single tests.
pub fn all_cases() -> Vec<PathBuf> {
    let commands = folders(&project().join("fixtures"));
    let mut names: Vec<&str> = commands
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    names.retain(|name| !matches!(*name, "demo" | "schemas"));
    names.into_iter().flat_map(cases).collect()
}
