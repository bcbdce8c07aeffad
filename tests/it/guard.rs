//! Tests that a process that is killed leaves no file that contains a secret value.
#![cfg(target_os = "linux")]

use crate::support::folder;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

#[test]
fn killed_run_leaves_no_core_dump() {
    let folder = folder(&[
        ("a.stack.yaml", "a: '{{x.y}}'\nb: '{{x'\nstack_name: s\n"),
        ("secrets.inventory.yaml", "x: {z: hunter2}\n"),
    ]);
    // The program prints a note about invalid references after it has read the inventory, and then
    // waits for standard input.
    let script = "ulimit -c \"$(ulimit -H -c)\"; exec \"$0\" register --from-file -";
    let mut child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_stackref")])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut note = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut note)
        .unwrap();
    assert!(
        note.starts_with("note: skipped 1 invalid reference"),
        "{note}"
    );
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::ABORT,
    )
    .unwrap();
    let status = child.wait().unwrap();
    assert!(
        status.signal().is_some() && !status.core_dumped(),
        "{status}"
    );
}
