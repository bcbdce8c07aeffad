//! A parallel map: applies a function to each item on several threads and returns the results in
//! order.
//!
//! Use it for work that waits for a disk or a store, or that keeps a processor busy. The walk of
//! folders has its own threads, see `project::discover`.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Returns the number of threads that can run at the same time. It is determined once, because the
/// system reads several files for it.
pub fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

/// Calls `work` for each item on up to `threads` threads and returns the results in the items'
/// order.
///
/// Calls `progress` on this thread with the number of finished items: after each item, and at least
/// every `tick` if there is one. If the system cannot start more threads, the existing ones do all
/// the work.
pub fn map<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> T + Sync,
    tick: Option<Duration>,
    progress: &mut dyn FnMut(usize),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    let mut done: Vec<(usize, T)> = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        // This thread cannot do any work if it has to call `progress` every `tick`.
        let is_sequential =
            items.is_empty() || (tick.is_none() && (items.len() == 1 || threads < 2));
        let wanted = if is_sequential {
            0
        } else {
            threads.min(items.len())
        };
        let (next, work) = (&next, &work);
        let spawn = |sender: Sender<_>| {
            thread::Builder::new()
                .spawn_scoped(scope, move || process_items(items, next, work, &sender))
        };
        let started = (0..wanted).take_while(|_| spawn(sender.clone()).is_ok());
        if started.count() == 0 {
            process_items(items, next, work, &sender);
        }
        // The channel is closed when the last worker drops its sender.
        drop(sender);
        loop {
            let result = match tick {
                Some(tick) => receiver.recv_timeout(tick),
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match result {
                Ok(result) => done.push(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            progress(done.len());
        }
    });
    done.sort_unstable_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Takes items from the shared counter until none are left, and sends each result with its index.
fn process_items<I, T>(
    items: &[I],
    next: &AtomicUsize,
    work: &(impl Fn(&I) -> T + Sync),
    sender: &Sender<(usize, T)>,
) {
    while let Some((at, item)) =
        Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
    {
        // The receiver exists as long as there is a sender.
        let _ = sender.send((at, work(item)));
    }
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_are_in_order_and_progress_is_complete() {
        let items: Vec<usize> = (0..500).collect();
        for threads in [0, 1, 3, 800] {
            let mut finished = 0;
            let doubled = map(&items, threads, |item| item * 2, None, &mut |done| {
                finished = done;
            });
            assert_eq!(
                doubled,
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
            assert_eq!(finished, 500);
        }
        assert!(map(&[] as &[u8], 4, |_| (), None, &mut |_| ()).is_empty());
    }
}
