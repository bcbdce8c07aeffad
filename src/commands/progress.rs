//! Progress on stderr: at a terminal, and only where something takes longer than a second.

use super::{Context, Stream};
use crate::inventory::lookup::Progress;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Does something that tells its progress, with a bar for whoever watches.
pub(super) fn with_progress<T>(
    context: &mut Context<'_>,
    what: &'static str,
    work: impl FnOnce(Option<Progress<'_>>) -> T,
) -> T {
    if context.stderr.columns.is_none() || context.quiet {
        return work(None);
    }
    let bar =
        RefCell::new(ProgressBar { stream: &mut context.stderr, what, started: Instant::now(), last_printed: None });
    let done = work(Some(&|done, total| bar.borrow_mut().show(done, total)));
    bar.into_inner().clear();
    done
}

struct ProgressBar<'b, 'w> {
    stream: &'b mut Stream<'w>,
    what: &'static str,
    started: Instant,
    last_printed: Option<(usize, usize)>,
}

impl ProgressBar<'_, '_> {
    const WIDTH: usize = 30;

    fn show(&mut self, done: usize, total: usize) {
        let full = (done * Self::WIDTH / total.max(1)).min(Self::WIDTH);
        if self.started.elapsed() < Duration::from_secs(1) || self.last_printed == Some((full, total)) {
            return;
        }
        self.last_printed = Some((full, total));
        let (full, rest) = ("#".repeat(full), ".".repeat(Self::WIDTH - full));
        // A bar that cannot be shown stops nothing.
        let _ = write!(self.stream.out, "\r[{full}{rest}] {done} of {total} {}", self.what);
        let _ = self.stream.out.flush();
    }

    fn clear(&mut self) {
        if self.last_printed.is_some() {
            let _ = write!(self.stream.out, "\r{}\r", " ".repeat(Self::WIDTH + 40));
            let _ = self.stream.out.flush();
        }
    }
}
