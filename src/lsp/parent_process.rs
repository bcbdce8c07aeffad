//! Notices the end of the client's process, even if another process keeps the connection open.

use super::background::Event;
use rustix::process::Pid;
use std::sync::mpsc::Sender;
use std::thread;

/// Sends an event when the process with an id ends.
pub fn watch(id: i32, events: Sender<Event>) {
    // `from_raw` panics on negative numbers in debug builds.
    let Some(pid) = Some(id).filter(|&id| id > 0).and_then(Pid::from_raw) else {
        return;
    };
    thread::spawn(move || {
        if wait_for_end(pid) {
            let _ = events.send(Event::ClientDied);
        }
    });
}

/// Waits until a process ends, which takes no processor time. Returns false if the system cannot do
/// that: then only the end of the connection counts.
#[cfg(target_os = "linux")]
fn wait_for_end(pid: Pid) -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, pidfd_open};
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(error) => return error == Errno::SRCH,
    };
    loop {
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut ended, None) {
            Ok(0) | Err(Errno::INTR) => {}
            result => return result.is_ok(),
        }
    }
}

/// Waits until a process ends, and looks for it every few seconds.
#[cfg(not(target_os = "linux"))]
fn wait_for_end(pid: Pid) -> bool {
    use rustix::io::Errno;
    use rustix::process::test_kill_process;
    const INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);
    while test_kill_process(pid) != Err(Errno::SRCH) {
        thread::sleep(INTERVAL);
    }
    true
}
