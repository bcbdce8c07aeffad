//! Notices the end of the client's process, even if another process keeps the connection open.

use super::background::Event;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::sync::mpsc::Sender;
use std::thread;

/// Sends an event when the process with an id ends. Waiting takes no processor time. Where the
/// system cannot do that, only the end of the connection counts.
pub fn watch(id: i32, events: Sender<Event>) {
    let Some(pid) = Pid::from_raw(id).filter(|_| id > 0) else {
        return;
    };
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(rustix::io::Errno::SRCH) => {
            let _ = events.send(Event::ClientDied);
            return;
        }
        Err(_) => return,
    };
    thread::spawn(move || {
        loop {
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            match poll(&mut ended, None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                Err(_) => return,
            }
        }
        let _ = events.send(Event::ClientDied);
    });
}
