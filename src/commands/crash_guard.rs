//! What keeps values inside the process where something goes wrong: a panic tells its place and not its words, and there is no
//! core dump (of a size; on Linux none at all).
//!
//! A library that panics may quote what it was working on: a string that is cut in the middle of a letter is in the message.
//! A core dump holds all memory, and is kept, or sent to whoever collects them.

use std::io;
use std::panic::{self, PanicHookInfo};

/// Prepares this process, before it has read anything.
pub fn guard() {
    panic::set_hook(Box::new(|info| {
        // Not by way of `Write`: the thread that waits for this one may hold the lock.
        let _ = rustix::io::write(io::stderr(), words(info).as_bytes());
    }));
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    // Nor may other processes of the same user look into its memory. Where this is not to be had, all works the same.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// What is told of a panic.
fn words(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "error: internal error at {place}\n  help: this is a bug of stackref, or the system lacks memory: please report what was \
         run, without values\n"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_panic_tells_its_place_and_not_its_words() {
        let told = Arc::new(Mutex::new(String::new()));
        let before = panic::take_hook();
        let hook = Arc::clone(&told);
        panic::set_hook(Box::new(move |info| hook.lock().unwrap().push_str(&words(info))));
        let ended = panic::catch_unwind(|| "hunter2ü".split_at(8).0.len());
        panic::set_hook(before);
        let told = told.lock().unwrap();
        assert!(ended.is_err() && told.contains("internal error at") && !told.contains("hunter2"), "{told}");
    }
}
