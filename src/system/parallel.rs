//! One piece of work for each of many, several at a time, with the answers in order.
//!
//! For work that waits for the disk or for a store, or that takes a processor. The walk has threads of its own.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// As many as there are processors for.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work for each item on up to `threads` threads. `progress` is told how many are done, on this thread: after each,
/// and with a `tick` at least that often. Where the system gives no more threads, those that there are do all of it.
pub fn map<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> T + Sync,
    tick: Option<Duration>,
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
        // Whoever ticks cannot work.
        let alone = items.is_empty() || (tick.is_none() && (items.len() == 1 || threads < 2));
        let wanted = if alone { 0 } else { threads.min(items.len()) };
        let started = (0..wanted).take_while(|_| thread::Builder::new().spawn_scoped(scope, worker.clone()).is_ok());
        if started.count() == 0 {
            worker();
        }
        // The answers end when nobody is left to send one.
        drop(worker);
        loop {
            let answer = match tick {
                Some(tick) => receiver.recv_timeout(tick),
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match answer {
                Ok(answer) => done.push(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
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
            let doubled = map(&items, threads, |item| item * 2, None, &mut |done| told = done);
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
            assert_eq!(told, 500);
        }
        assert!(map(&[] as &[u8], 4, |_| (), None, &mut |_| ()).is_empty());
    }
}
