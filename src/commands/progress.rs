//! A progress bar on standard error. It appears only in a terminal, and only after one second.

use crate::inventory::lookup::Progress;
use crate::workspace::context::{Context, Stream};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Runs work that reports its progress, and returns its result. `unit` names the steps in the
/// plural, for example "look-ups".
pub(super) fn with_progress<T>(
    context: &mut Context<'_>,
    unit: &'static str,
    work: impl FnOnce(Option<Progress<'_>>) -> T,
) -> T {
    if context.stderr.columns.is_none() || context.quiet {
        return work(None);
    }
    let bar = RefCell::new(ProgressBar {
        stream: &mut context.stderr,
        unit,
        started: Instant::now(),
        last_printed: None,
    });
    let result = work(Some(&|done, total| bar.borrow_mut().show(done, total)));
    bar.into_inner().clear();
    result
}

struct ProgressBar<'b, 'w> {
    stream: &'b mut Stream<'w>,
    unit: &'static str,
    started: Instant,
    /// The filled cells and the total that are on the screen.
    last_printed: Option<(usize, usize)>,
}

impl ProgressBar<'_, '_> {
    /// The cells between the brackets.
    const WIDTH: usize = 30;
    /// The most columns that the numbers and the unit after the bar take.
    const LABEL_WIDTH: usize = 40;
    /// Work that takes less time shows no bar.
    const DELAY: Duration = Duration::from_secs(1);

    fn show(&mut self, done: usize, total: usize) {
        let filled = (done * Self::WIDTH / total.max(1)).min(Self::WIDTH);
        if self.started.elapsed() < Self::DELAY || self.last_printed == Some((filled, total)) {
            return;
        }
        self.last_printed = Some((filled, total));
        let (filled, rest) = ("#".repeat(filled), ".".repeat(Self::WIDTH - filled));
        // An error here must not stop the work.
        let _ = write!(
            self.stream.out,
            "\r[{filled}{rest}] {done} of {total} {}",
            self.unit
        );
        let _ = self.stream.out.flush();
    }

    fn clear(&mut self) {
        if self.last_printed.is_some() {
            let _ = write!(
                self.stream.out,
                "\r{}\r",
                " ".repeat(Self::WIDTH + Self::LABEL_WIDTH)
            );
            let _ = self.stream.out.flush();
        }
    }
}
