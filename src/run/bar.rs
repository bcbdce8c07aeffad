//! Progress on stderr: at a terminal, and only where something takes longer than a second.

use super::{Stream, World};
use crate::inventory::lookup::Progress;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Does something that tells its progress, with a bar for whoever watches.
pub(super) fn watched<T>(world: &mut World<'_>, what: &'static str, work: impl FnOnce(Option<Progress<'_>>) -> T) -> T {
    if world.stderr.terminal.is_none() || world.quiet {
        return work(None);
    }
    let bar = RefCell::new(Bar { stream: &mut world.stderr, what, started: Instant::now(), shown: None });
    let done = work(Some(&|done, total| bar.borrow_mut().show(done, total)));
    bar.into_inner().clear();
    done
}

struct Bar<'b, 'w> {
    stream: &'b mut Stream<'w>,
    what: &'static str,
    started: Instant,
    shown: Option<(usize, usize)>,
}

impl Bar<'_, '_> {
    const WIDTH: usize = 30;

    fn show(&mut self, done: usize, total: usize) {
        let full = (done * Self::WIDTH / total.max(1)).min(Self::WIDTH);
        if self.started.elapsed() < Duration::from_secs(1) || self.shown == Some((full, total)) {
            return;
        }
        self.shown = Some((full, total));
        let (full, rest) = ("#".repeat(full), ".".repeat(Self::WIDTH - full));
        // A bar that cannot be shown stops nothing.
        let _ = write!(self.stream.out, "\r[{full}{rest}] {done} of {total} {}", self.what);
        let _ = self.stream.out.flush();
    }

    fn clear(&mut self) {
        if self.shown.is_some() {
            let _ = write!(self.stream.out, "\r{}\r", " ".repeat(Self::WIDTH + 40));
            let _ = self.stream.out.flush();
        }
    }
}
