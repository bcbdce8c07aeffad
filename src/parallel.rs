//! One piece of work for each of many, several at a time, with the answers in order.
//!
//! For work that waits for the disk, or that takes a processor. The walk has threads of its own, and so have look-ups, which are
//! told by the clock, too.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// As many as there are processors for.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work for each item on up to `threads` threads. `progress` is told how many are done, on this thread. Where the
/// system gives no more threads, those that there are do all of it.
pub fn map<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> T + Sync,
    progress: &mut dyn FnMut(usize),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = channel();
    let worker = {
        let (next, work) = (&next, &work);
        move || {
            while let Some((at, item)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
            {
                // The receiver is there as long as anybody sends.
                let _ = sender.send((at, work(item)));
            }
        }
    };
    let mut done: Vec<(usize, T)> = Vec::with_capacity(items.len());
    thread::scope(|scope| {
        let wanted = if items.len() > 1 && threads > 1 { threads.min(items.len()) } else { 0 };
        let started = (0..wanted).take_while(|_| thread::Builder::new().spawn_scoped(scope, worker.clone()).is_ok());
        if started.count() == 0 {
            worker();
        }
        // The answers end when nobody is left to send one.
        drop(worker);
        for answer in receiver {
            done.push(answer);
            progress(done.len());
        }
    });
    done.sort_unstable_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn answers_are_in_order_and_progress_is_whole() {
        let items: Vec<usize> = (0..500).collect();
        for threads in [0, 1, 3, 800] {
            let mut told = 0;
            let doubled = map(&items, threads, |item| item * 2, &mut |done| told = done);
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
            assert_eq!(told, 500);
        }
        assert!(map(&[] as &[u8], 4, |_| (), &mut |_| ()).is_empty());
    }
}
