//! Tests the programs of `command` inventories: they end when stackref ends, and cannot ask at its
//! terminal.
#![cfg(target_os = "linux")]

use crate::register::Session;
use crate::support::{coverage, folder, run_trusted as run, with_default_signals, write};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The time limit of each wait in a test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Creates a project with some stacks, each with an inventory whose program is a shell script.
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

/// Waits until the scripts have written this many process ids, and returns them.
fn wait_for_ids(folder: &Path, number: usize) -> Vec<u32> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let text = std::fs::read_to_string(folder.join("ids")).unwrap_or_default();
        let ids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if ids.len() >= number && text.ends_with('\n') {
            return ids;
        }
        assert!(Instant::now() < deadline, "only {text:?} started");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns whether a process runs. A zombie, whose parent has not collected its status yet, does
/// not run.
fn is_running(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until no process runs. A killed process needs a moment to end.
fn wait_until_ended(ids: &[u32]) {
    let deadline = Instant::now() + Duration::from_secs(2);
    while let Some(id) = ids.iter().find(|&&id| is_running(id)) {
        assert!(
            Instant::now() < deadline,
            "{id} still runs: {:?}",
            std::fs::read_to_string(format!("/proc/{id}/cmdline"))
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A script that ignores SIGTERM, starts a process and one in a process group of its own, and waits
/// for them.
const STUBBORN: &str = "trap '' TERM; echo $$ >> ids; sleep 300 & echo $! >> ids; timeout 300 sleep 300 & echo $! >> ids; wait; wait; wait";

#[test]
fn signal_ends_all_programs_and_their_children() {
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
        let ids = wait_for_ids(folder.path(), 12);
        assert!(ids.iter().all(|&id| is_running(id)));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        wait_until_ended(&ids);
    }
}

#[test]
fn program_that_exceeds_its_time_limit_ends_with_its_children() {
    let folder = project(1, STUBBORN, "timeout = 1");
    let output = run(&["PATH=/usr/bin:/bin", "check"], folder.path(), b"");
    assert!(
        output.code == 3 && output.stderr_text().contains("did not exit within 1.0 s"),
        "{output:?}"
    );
    wait_until_ended(&wait_for_ids(folder.path(), 3));
}

#[test]
fn background_process_of_a_program_ends_with_it() {
    let folder = project(1, "sleep 300 & echo $! >> ids; echo \"[\\\"s\\\"]\"", "");
    let output = run(
        &["PATH=/usr/bin:/bin", "check", "--level", "secret-exists"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
    wait_until_ended(&wait_for_ids(folder.path(), 1));
}

#[test]
fn signal_that_is_ignored_at_the_start_stays_ignored() {
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
fn program_that_asks_at_the_terminal_is_reported_at_once() {
    let ask = "exec 3<>/dev/tty || exit 9; printf Passphrase: >&3; stty -echo <&3; read line <&3; echo []";
    let folder = project(1, ask, "timeout = 25");
    let mut session = Session::start(folder.path(), &["check", "--trust"], 400);
    let start = Instant::now();
    session.wait("it seems to ask for input at the terminal");
    let (terminal, code) = session.end();
    assert_eq!(code, 3, "{terminal}");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "it waited for an answer"
    );
    assert!(!terminal.contains("Passphrase"), "{terminal}");
}

#[test]
fn program_does_not_get_the_variable_gpg_tty() {
    let folder = project(1, "echo \"[\\\"s${GPG_TTY}\\\"]\"", "");
    let output = run(
        &["GPG_TTY=/dev/pts/0", "check", "--level", "secret-exists"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{output:?}");
}
