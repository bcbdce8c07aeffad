//! Keeps secret values inside the process if it crashes. A panic prints its location but not its
//! message, and there are no core dumps.
//!
//! The message of a panic may quote data: slicing a string inside a character puts the string into
//! the message. A core dump contains all memory, and systems store or upload it.

use std::io;
use std::panic::{self, PanicHookInfo};

/// Prepares the process. `main` calls this before it reads anything.
pub fn guard() {
    panic::set_hook(Box::new(|info| {
        // Written without `Write`: the thread that waits for this one may have locked standard
        // error.
        let _ = rustix::io::write(io::stderr(), panic_message(info).as_bytes());
    }));
    let no_core = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, no_core);
    // Other processes of the same user cannot read its memory, either. If the system refuses this,
    // stackref works as before.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

fn panic_message(info: &PanicHookInfo<'_>) -> String {
    let location = info
        .location()
        .map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
    format!(
        "error: internal error at {location}\n  help: this is a bug in stackref, or the system is out of memory: please report \
         the command line, without secret values\n"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn panic_message_contains_location_without_payload() {
        let printed = Arc::new(Mutex::new(String::new()));
        let previous = panic::take_hook();
        let sink = Arc::clone(&printed);
        panic::set_hook(Box::new(move |info| {
            sink.lock().unwrap().push_str(&panic_message(info));
        }));
        let result = panic::catch_unwind(|| "hunter2ü".split_at(8).0.len());
        panic::set_hook(previous);
        let printed = printed.lock().unwrap();
        assert!(
            result.is_err()
                && printed.contains("internal error at")
                && !printed.contains("hunter2"),
            "{printed}"
        );
    }
}
