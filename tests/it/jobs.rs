//! Programs of an inventory end together with stackref, and never ask at its terminal.
#![cfg(target_os = "linux")]

use crate::register::Session;
use crate::support::{coverage, folder, run_trusted as run, with_default_signals, write};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A project with some stacks, each with an inventory whose program is a shell script.
fn project(stacks: usize, script: &str, more: &str) -> TempDir {
    let folder = folder(&[]);
    let mut config = String::new();
    for at in 0..stacks {
        config += &format!(
            "[inventory.s{at}]\nkind = \"command\"\nnames = [\"/bin/sh\", \"-c\", \'\'\'{script}\'\'\']\n{more}\n"
        );
        config += &format!("[[stacks]]\nfiles = [\"{at}.stack.yaml\"]\ninventory = [\"s{at}\"]\n");
        let stack = format!(
            "stack_name: s{at}\ncomponents:\n  orchestrator:\n    flavor: local\n    configuration:\n      a: '{{{{s.k}}}}'\n"
        );
        write(folder.path(), &format!("{at}.stack.yaml"), stack.as_bytes());
    }
    write(folder.path(), "stackref.toml", config.as_bytes());
    folder
}

/// The process ids that the scripts have written, once there are as many as that.
fn started(folder: &Path, number: usize) -> Vec<u32> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(folder.join("ids")).unwrap_or_default();
        let ids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if ids.len() >= number && text.ends_with('\n') {
            return ids;
        }
        assert!(Instant::now() < until, "only {text:?} started");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns whether a process runs. A zombie, which whoever adopted it has yet to collect, does not.
fn runs(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until no process runs any more: one that is killed needs a moment for it.
fn wait_until_gone(ids: &[u32]) {
    let until = Instant::now() + Duration::from_secs(2);
    while let Some(id) = ids.iter().find(|&&id| runs(id)) {
        assert!(
            Instant::now() < until,
            "{id} goes on: {:?}",
            std::fs::read_to_string(format!("/proc/{id}/cmdline"))
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a process, one in a group of its own, and one that heeds no SIGTERM, and waits for them.
const STUBBORN: &str = "trap '' TERM; echo $$ >> ids; sleep 300 & echo $! >> ids; timeout 300 sleep 300 & echo $! >> ids; wait; wait; wait";

#[test]
fn a_signal_ends_all_programs_and_what_they_have_started() {
    with_default_signals();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let folder = project(4, STUBBORN, "timeout = 200\nrun_timeout = 200");
        let mut child = Command::new(env!("CARGO_BIN_EXE_stackref"))
            .args(["check", "--trust"])
            .current_dir(folder.path())
            .envs(coverage())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ids = started(folder.path(), 12);
        assert!(ids.iter().all(|&id| runs(id)));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        wait_until_gone(&ids);
    }
}

#[test]
fn a_program_that_takes_too_long_ends_with_what_it_has_started() {
    let folder = project(1, STUBBORN, "timeout = 1");
    let output = run(&["PATH=/usr/bin:/bin", "check"], folder.path(), b"");
    assert!(
        output.code == 3 && output.said().contains("did not exit within 1.0 s"),
        "{output:?}"
    );
    wait_until_gone(&started(folder.path(), 3));
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let folder = project(1, "sleep 300 & echo $! >> ids; echo \"[\\\"s\\\"]\"", "");
    let output = run(
        &["PATH=/usr/bin:/bin", "check", "--level", "secret-exists"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
    wait_until_gone(&started(folder.path(), 1));
}

#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    let folder = project(1, "kill -HUP $PPID; sleep 1; echo \"[\\\"s\\\"]\"", "");
    let script = "trap '' HUP; exec \"$0\" check --trust --level secret-exists";
    let status = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_stackref")])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn a_program_cannot_ask_at_the_terminal_and_the_run_says_so_at_once() {
    let ask = "exec 3<>/dev/tty || exit 9; printf Passphrase: >&3; stty -echo <&3; read line <&3; echo []";
    let folder = project(1, ask, "timeout = 25");
    let mut session = Session::start(folder.path(), &["check", "--trust"], 400);
    let begun = Instant::now();
    session.wait("it seems to ask for input at the terminal");
    let (seen, code) = session.end();
    assert_eq!(code, 3, "{seen}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it waited for an answer"
    );
    assert!(!seen.contains("Passphrase"), "{seen}");
}

#[test]
fn a_program_is_not_told_which_terminal_to_ask_at() {
    let folder = project(1, "echo \"[\\\"s${GPG_TTY}\\\"]\"", "");
    let output = run(
        &["GPG_TTY=/dev/pts/0", "check", "--level", "secret-exists"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
}
